"""The page `docs/operators.md`, made from the measured table: `python -m zkml.model.page docs/operators.md`."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from zkml.files import write_atomic
from zkml.model.features import Node
from zkml.model.operators import TABLE, remedy
from zkml.model.page_nodetests import node_tests_section, rewrites_section
from zkml.model.wrong import RULES, wrong

HEAD = """# Operators

Made by `python -m zkml.model.page docs/operators.md`; do not edit by hand. Two measurements: ONNX's node tests through
the whole front end (`docs/nodetests.json`), and what EZKL alone makes of one-node models (`zkml/model/operators.json`).

`zkml inspect MODEL.onnx` answers for a model: it lists every node that cannot be compiled, with the remedy.

"""


ALONE = """The table that `zkml inspect` answers by: `python -m zkml.model.conformance zkml/model/operators.json` compiles
one-node models (the node tests of the `onnx` package, as they are and with all inputs but the first constant, at several
opsets, and some of our own) after normalising without rewrites, runs them, and compares with the outputs that the standard
expects: within 0.02 plus 2 % of the range, at fixed-point scale 10.
"""


def page() -> str:
    """Return the text of the page."""
    raw = json.loads(files("zkml.model").joinpath(TABLE).read_bytes())
    counts = raw["counts"]
    silent, none = counts["wrong"], counts.get("no-witness", 0)
    alone = (
        f"\n## EZKL alone\n\n{ALONE}\n"
        f"With {raw['compiler']}: {counts['right']} cases right, {counts['refused']} refused by EZKL, {silent} compiled into"
        f" another function without a word, {none} without a witness. The table keeps one case for each operator, opset, set of"
        " features and outcome.\n"
    )
    return HEAD + node_tests_section() + rewrites_section() + alone + _wrong() + _table(raw["cases"])


def _wrong() -> str:
    lines = [
        "\n## Compiled into another function\n",
        "What no rewrite removed is refused by `zkml` unless `--allow-wrong` is given: a proof would be of another function than"
        " the model's.\n",
        "| operators | what EZKL does | remedy |",
        "|---|---|---|",
    ]
    lines += [f"| {', '.join(f'`{op}`' for op in sorted(ops))} | {w.reason} | {w.remedy} |" for ops, _, w in RULES]
    return "\n".join(lines) + "\n"


def _table(cases: list[dict[str, Any]]) -> str:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for c in cases:
        groups[c["domain"], c["op"]].append(c)
    lines = [
        "\n## All operators, without rewrites\n",
        "*yes*: every case that was tried. *partly*: some cases, which features stand in the way follows. *no*: none.\n",
        "| operator | opsets tried | compiles | but not with | why, or what to do |",
        "|---|---|---|---|---|",
    ]
    for (domain, op), found in sorted(groups.items()):
        name = op if domain == "ai.onnx" else f"{domain}.{op}"
        opsets = sorted({c["opset"] for c in found})
        tried = f"{opsets[0]}–{opsets[-1]}" if len(opsets) > 1 else str(opsets[0])
        taken = [c for c in found if c["outcome"] == "right" and wrong(_node(c)) is None]
        refused = [c for c in found if c["outcome"] == "refused"]
        amiss = [c for c in found if wrong(_node(c)) is not None]
        answer = "no" if not taken else "partly" if refused or amiss else "yes"
        why = "" if answer == "yes" else _why(refused, answer)
        lines.append(f"| `{name}` | {tried} | {answer} | {', '.join(obstacles(taken, refused, amiss))} | {why} |")
    return "\n".join(lines) + "\n"


def obstacles(taken: list[dict[str, Any]], refused: list[dict[str, Any]], amiss: list[dict[str, Any]]) -> list[str]:
    """Return the features, other than ranks, that occur in cases that fail and in none that is taken."""
    good = {f for c in taken for f in c["features"]}
    bad = {f for c in [*refused, *amiss] for f in c["features"]}
    return sorted(f"`{f}`" for f in bad - good if not f.startswith("rank:")) if taken else []


def _why(refused: list[dict[str, Any]], answer: str) -> str:
    if answer == "no" and refused:
        return remedy(_node(refused[0])).replace("|", "\\|")
    said = {c.get("message", "").rsplit("] ", 1)[-1][:70] for c in refused}
    return "; ".join(sorted(s for s in said if s)[:2]).replace("|", "\\|")


def _node(case: dict[str, Any]) -> Node:
    return Node("", case["op"], case["domain"], case["opset"], case["since"], frozenset(case["features"]))


if __name__ == "__main__":
    write_atomic(Path(sys.argv[1]), page().encode())
