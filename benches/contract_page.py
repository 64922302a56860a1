"""The pages about contracts, from the log of `benches/contract.py`: what they cost, and that they give Rust's verdicts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from zkml.contract.compiler import SETTINGS, SOLC_VERSION
from zkml.contract.evm import CODE_LIMIT, FORK
from zkml.contract.sources import FORMS

HEAD = """# Gas

What a verification costs: every form of our contract beside the one that EZKL 23.0.5 generates for the same circuit, and the
formula of a verifier of this kind (21,000 + 15.25 a byte of calldata + 113,000 for the pairing + 6,350 a commitment opened, and
8 %). Same compiler (solc {solc}, optimiser at {runs} runs, without the IR pipeline), same EVM ({fork} rules), same calldata, a
proof that holds. Gas is that of a whole transaction that finds all contracts cold, as a chain's receipts state it; from Osaka on,
EIP-7883 adds 2,699 for the one inversion. Written by `python -m benches.contract`, which also holds every contract against the
Rust verifier: [verdicts.md](verdicts.md).

* {circuits} circuits; none exceeds {limit} bytes under `auto`: the largest is {largest}.
* Against EZKL's contract ({compared} circuits): {less}; {over}.
* Against the formula: {ratios}.
* Forms taken: {taken}.

## Verification gas

Bold is what `auto` takes, struck through does not fit. *EZKL*: the same circuit's own contract; *!* marks one that is larger than
a chain takes; *less*: what ours costs less.

| circuit | of | k | values | proof | single | split | parts | universal | EZKL | less | of the formula |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""

PARTS_HEAD = """
## Where it goes

The form that `auto` takes, by part of the verifier ([verifier.md](verifier.md)): reading is steps 1 and 2, transcript 3,
expressions 4 to 8, curve 9, pairing 10. Every transaction pays 21,000 besides. *A value*: calldata and checks of one instance.

| circuit | form | calldata | reading | transcript | expressions | curve | pairing | a value |
|---|---|--:|--:|--:|--:|--:|--:|--:|
"""

SIZES_HEAD = """
## Size and deployment

Bytes of the largest contract of each form, and the gas that deploying the circuit costs (*universal*: without the verifier that
all circuits share).

| circuit | single | | split | | parts | | universal | | EZKL | |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""


VERDICTS_HEAD = """# Verdicts of the contracts

Proofs of {circuits} circuits, accepted by their contracts and by the Rust verifier. Every word of the proof and of the public
values was changed once or more often, at least {least} changes for each circuit: {changes:,} changes, asked of the form that
`auto` takes and, for small circuits, of every form: {calls:,} calls in an EVM in process. Each had the outcome of the Rust
verifier, none was accepted. *step 1*: a value is outside its domain; *step 10*: the last equation fails, or a denominator is 0.

Written by `python -m benches.contract`; a difference would have ended it.

| circuit | of | words | changes | malformed | step 1 | step 10 | taken | also |
|---|---|--:|--:|--:|--:|--:|---|---|
"""


def gas_cell(row: dict[str, Any], form: str) -> str:
    """Return a form's verification gas, struck through where it does not fit, bold where it is the one taken."""
    cost = row["forms"].get(form)
    if cost is None:
        return "–"
    text = f"{cost['verification_gas']:,}"
    if not cost["fits"]:
        return f"~~{text}~~"
    return f"**{text}**" if form == row["auto"] else text


def gas_page(rows: list[dict[str, Any]]) -> str:
    """Return docs/gas.md."""
    compared = [(r, r["forms"][r["auto"]]) for r in rows if r["ezkl"] and r["ezkl"].get("accepts")]
    below = [1 - c["verification_gas"] / r["ezkl"]["verification"] for r, c in compared]
    over = [r["name"] for r, _ in compared if r["ezkl"]["bytes"] > CODE_LIMIT]
    largest = max(rows, key=lambda r: r["forms"][r["auto"]]["code_bytes"])
    ratios = [r["forms"][r["auto"]]["verification_gas"] / r["formula"] for r in rows]
    facts = {
        "solc": SOLC_VERSION,
        "runs": SETTINGS["optimizer"]["runs"],
        "fork": FORK.capitalize(),
        "circuits": len(rows),
        "limit": f"{CODE_LIMIT:,}",
        "largest": f"{largest['name']} with {largest['forms'][largest['auto']]['code_bytes']:,} bytes",
        "compared": len(compared),
        "less": f"{min(below):.0%} to {max(below):.0%} less gas, {sorted(below)[len(below) // 2]:.0%} in the median",
        "over": f"{len(over)} of EZKL's cannot be deployed" + (f" ({', '.join(over)})" if over else ""),
        "taken": ", ".join(f"{form} {count}" for form, count in Counter(r["auto"] for r in rows).most_common()),
        "ratios": f"{min(ratios):.2f} to {max(ratios):.2f} of it, {sorted(ratios)[len(ratios) // 2]:.2f} in the median",
    }
    out = HEAD.format(**facts).splitlines()
    for r in rows:
        auto = r["forms"][r["auto"]]["verification_gas"]
        e = r["ezkl"] or {}
        theirs = f"{e['verification']:,}{' !' if e['bytes'] > CODE_LIMIT else ''}" if e.get("accepts") else "–"
        less = f"{1 - auto / e['verification']:.0%}" if e.get("accepts") else "–"
        cells = [gas_cell(r, form) for form in FORMS]
        out.append(
            f"| {r['name']} | {r['group']} | {r['k']} | {r['instances']} | {r['proof_bytes']:,} | {' | '.join(cells)}"
            f" | {theirs} | {less} | {auto / r['formula']:.2f} |"
        )
    out += PARTS_HEAD.splitlines()
    for r in rows:
        c = r["forms"][r["auto"]]
        parts = [f"{c['parts'][p]:,}" for p in ("calldata", "reading", "transcript", "expressions", "curve", "pairing")]
        out.append(f"| {r['name']} | {c['form']} | {' | '.join(parts)} | {c['gas_per_instance']:,.0f} |")
    out += SIZES_HEAD.splitlines()
    for r in rows:
        cells = []
        for form in FORMS:
            c = r["forms"].get(form)
            cells += [f"{c['code_bytes']:,}", f"{c['deployment_gas']:,}"] if c else ["–", "–"]
        e = r["ezkl"] or {}
        cells += [f"{e['bytes']:,}", f"{e['deployment']:,}"] if "bytes" in e else ["–", "–"]
        out.append(f"| {r['name']} | {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


def verdicts_page(rows: list[dict[str, Any]]) -> str:
    """Return docs/verdicts.md, of the circuits whose taken form was asked; the changes are the same in all forms."""
    asked = [r for r in rows if r["auto"] in r["verdicts"]]
    changes = [sum(r["verdicts"][r["auto"]].values()) for r in asked]
    facts = {
        "circuits": len(asked),
        "least": min(changes),
        "changes": sum(changes),
        "calls": sum(sum(counts.values()) for r in asked for counts in r["verdicts"].values()),
    }
    out = VERDICTS_HEAD.format(**facts).splitlines()
    for r, total in zip(asked, changes, strict=True):
        counts = r["verdicts"][r["auto"]]
        given = [f"{counts.get(verdict, 0):,}" for verdict in ("malformed", "step 1", "step 10")]
        others = ", ".join(form for form in r["verdicts"] if form != r["auto"])
        words = r["instances"] + r["proof_bytes"] // 32
        out.append(f"| {r['name']} | {r['group']} | {words:,} | {total:,} | {' | '.join(given)} | {r['auto']} | {others} |")
    return "\n".join(out) + "\n"
