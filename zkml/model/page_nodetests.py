"""The parts of `docs/operators.md` about ONNX's own node tests, as `benches.operators` measured them, and about rewrites."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import Any

from zkml.model.rewrite import RULES

MEASURED = Path(__file__).parents[2] / "docs" / "nodetests.json"
EXPANDED = re.compile(r"_expanded.*$")
EZKL_ALONE = (
    "EZKL, given the files as they are, gets 676 of 1,371 right (those without half floats), and 43 wrong without a word."
)


def node_tests_section() -> str:
    """Return the section on the node tests."""
    raw = json.loads(MEASURED.read_bytes())
    tests: list[dict[str, Any]] = raw["tests"]
    counts = Counter(t["outcome"] for t in tests)
    total = len(tests)
    right = counts["right"] + counts["rewritten"]
    lines = [
        "\n## ONNX's node tests\n",
        "Measured: `python -m benches.operators` takes every node test of the `onnx` package whose inputs and outputs are"
        " plain tensors (and its expansion by ONNX's own function, where there is one) through normalising, rewriting, EZKL's"
        " compiler and witness, as it is or with all inputs but the first made constants, at fixed-point scale 10. Floats are"
        " right within 0.02 plus 2 % of the range, integers and booleans exactly.\n",
        f"With {raw['compiler']}: **{right} of {total} right** ({counts['right']} as they are, {counts['rewritten']} after a"
        f" rewrite), {counts['refused']} refused, **{counts['wrong']} wrong**. {EZKL_ALONE}\n",
        "*rows* are those of the smallest and largest circuit, *error* the largest of any output, *constants* how many needed all"
        " inputs but the first to be constants.\n",
        "| operator | opsets | attributes | tests | as it is | after a rewrite | constants | rows | error | refused, why |",
        "|---|---|---|---:|---:|---|---:|---:|---:|---|",
    ]
    for op, group in sorted(grouped(tests).items()):
        lines.append(row(op, group))
    return "\n".join(lines) + "\n"


def grouped(tests: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the tests by operator; the expansion of a test counts with the test."""
    ops = {t["case"]: t["op"] for t in tests}
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for t in tests:
        groups[ops.get(EXPANDED.sub("", t["case"]), t["op"])].append(t)
    return groups


def row(op: str, tests: list[dict[str, Any]]) -> str:
    """Return the line of one operator."""
    own = [t for t in tests if t["op"] == op] or tests
    opsets = sorted({t["opset"] for t in own})
    counts = Counter(t["outcome"] for t in tests)
    rules = sorted({r for t in tests if t["outcome"] == "rewritten" for r in t.get("rules", [])})
    rows = [t["rows"] for t in tests if t.get("rows")]
    errors = [t.get("error", 0.0) for t in tests if t["outcome"] in ("right", "rewritten")]
    names = sorted({a.split("=")[0] for t in own for a in t.get("attributes", [])})
    constants = sum(1 for t in tests if t["how"] == "constants" and t["outcome"] in ("right", "rewritten"))
    why = Counter(reason(t["reason"]) for t in tests if t["outcome"] == "refused")
    refused = "; ".join(f"{n} × {text}" for text, n in why.most_common(3))
    after = f"{counts['rewritten']}: {', '.join(rules)}" if rules else ""
    span = (
        ""
        if not rows
        else f"{min(rows):,}"
        if min(rows) == max(rows)
        else f"{min(rows):,}–{max(rows):,} ({round(median(rows)):,})"
    )
    versions = f"{opsets[0]}–{opsets[-1]}" if len(opsets) > 1 else str(opsets[0])
    error = f"{max(errors):.1g}" if errors else ""
    cells = [
        f"`{op}`", versions, ", ".join(names), len(tests), counts["right"] or "", after, constants or "", span, error, refused,
    ]  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def reason(text: str) -> str:
    """Return a reason in short, the same for the same kind of fault."""
    text = text.replace("EZKL says: Failed to generate settings: [graph] ", "EZKL: ").replace("EZKL says: ", "EZKL: ")
    text = re.sub(r"'[^']*'", "…", re.sub(r"[\w/:.]*test_[\w/:.]*", "…", text))
    text = re.sub(r'node #\d+ "[^"]*"', "node", text)
    return text[:110].replace("|", "\\|").strip()


def rewrites_section() -> str:
    """Return the list of all rules."""
    lines = [
        "\n## Rewrites\n",
        "Tried in this order, until none applies; `zkml inspect` and `zkml compile` say which were applied to which node, and"
        " `--no-rewrite` applies none. Each rewritten model is compared with the given one in onnxruntime.\n",
        "| rewrite | operators | why it computes the same |",
        "|---|---|---|",
    ]
    for rule in RULES:
        prefix = "" if rule.domain == "ai.onnx" else f"{rule.domain}."
        ops = ", ".join(f"`{prefix}{op}`" for op in sorted(rule.ops))
        lines.append(f"| {rule.name} | {ops} | {rule.proof} |")
    return "\n".join(lines) + "\n"
