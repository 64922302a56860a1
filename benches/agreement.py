"""Do the verifiers agree? The Rust and the plain one and `ezkl.verify`, on the proofs of many models and on changed ones.

    python -m benches.agreement MODELS … --keep DIR [--only NAME …] [--log FILE.jsonl] [--out docs/agreement.md]

MODELS are folders as `benches.conformance` takes them. A model without `DIR/MODELS/NAME/proof.json` goes through the whole flow,
and its protocol, proof, settings and key are kept there. Then its proof is changed at random, `--changes` times for the Rust
verifier, of which `--plain` also go to the plain one and `--ezkl` to EZKL: none may be accepted, and all must agree. Bytes after
the end of a proof are left out of EZKL's share: it ignores them. Models in the log are not checked again.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benches.conformance import UNSOUND_BY_EZKL, run
from benches.verify import reduced_srs
from tests.verifier_rust.mutations import KINDS_OF_CHANGE, Target, extended, label
from zkml.bundle import Bundle
from zkml.cli.options import Bytes, Duration
from zkml.estimate import Budget
from zkml.protocol import Proof, decode, read_proof
from zkml.protocol.proof import proof_to_data
from zkml.verifier import Policy
from zkml.verifier import check as plain_check
from zkml.verifier.native import NativeVerifier

OPEN = Policy(allow_unsafe_srs=True, allow_unaudited=True)
KEPT = {"protocol": "protocol.json", "proof": "proof.json", "settings": "settings.json", "vk": "vk.key"}

EZKL_CHILD = """
import json, sys
import ezkl
folder, srs = sys.argv[1], sys.argv[2]
for path in sys.argv[3:]:
    try:
        answer = ezkl.verify(path, f"{folder}/settings.json", f"{folder}/vk.key", srs, True)
    except BaseException as e:  # EZKL says no by an exception, or by a panic
        answer = str(e)[:80]
    print(json.dumps(answer))
"""


def ezkl_answers(folder: Path, proofs: Sequence[Proof]) -> list[object]:
    """Return what `ezkl.verify` says to each: True, or something else."""
    with TemporaryDirectory(prefix="zkml-agreement-") as scratch:
        srs = Path(scratch) / "reduced.srs"
        reduced_srs(decode((folder / "protocol.json").read_bytes()), srs)
        paths = []
        for i, proof in enumerate(proofs):
            path = Path(scratch) / f"{i}.json"
            path.write_text(json.dumps(proof_to_data(proof)))
            paths.append(str(path))
        command = [sys.executable, "-c", EZKL_CHILD, str(folder), str(srs), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("true", "false", '"', "null"))]
    answers: list[object] = [json.loads(line) for line in lines]
    if len(answers) != len(proofs):
        raise RuntimeError(f"{len(answers)} answers of ezkl to {len(proofs)} proofs of {folder.name}")
    return answers


def agreement(name: str, folder: Path, changes: int, plain: int, ezkl: int) -> dict[str, Any]:
    """Return the counts for one kept proof. Raises `AssertionError` where two verifiers disagree."""
    protocol = decode((folder / "protocol.json").read_bytes())
    good = read_proof((folder / "proof.json").read_bytes())
    verifier = NativeVerifier(protocol)
    assert verifier.check(good, OPEN).accepted, name
    assert plain_check(protocol, good, OPEN).accepted, name
    target = Target(name, protocol, good, verifier)
    rng = random.Random(f"agreement on {name}")
    makers, weights, _ = zip(*KINDS_OF_CHANGE, strict=True)
    rust: Counter[str] = Counter()
    python = 0
    theirs: list[Proof] = [good]
    while rust.total() < changes:
        maker = rng.choices(makers, weights)[0]
        changed = maker(target, rng)
        if changed == good:
            continue
        verdict = verifier.check(changed, OPEN)
        rust[label(verdict)] += 1
        assert not verdict.accepted, (name, maker.__name__)
        if python < plain:
            other = plain_check(protocol, changed, OPEN)
            assert (other.outcome, other.step) == (verdict.outcome, verdict.step), (name, maker.__name__, other, verdict)
            python += 1
        if len(theirs) <= ezkl and maker is not extended:
            theirs.append(changed)
    answers = ezkl_answers(folder, theirs)
    assert answers[0] is True, (name, answers[0])
    assert all(answer is not True for answer in answers[1:]), (name, answers)
    return {
        "name": name,
        "circuit_id": protocol.circuit_id,
        "k": protocol.k,
        "proof_bytes": protocol.proof_length,
        "public_values": sum(protocol.instance_rows),
        "verdicts": dict(sorted(rust.items())),
        "plain": python,
        "ezkl": len(theirs) - 1,
    }


def keep(model: Path, folder: Path, budget: Budget, allow: frozenset[str]) -> str | None:
    """Take a model through the flow and keep what verification needs; return why it stopped, None when it did not."""
    with TemporaryDirectory(prefix="zkml-agreement-") as work:
        row = run(model, Path(work), budget, allow)
        if not row.ok:
            return f"stopped at {row.stage}: {row.error}"
        bundle = Bundle.open(Path(work) / f"{row.name}.zkml")
        folder.mkdir(parents=True, exist_ok=True)
        for role in ("protocol", "settings", "vk", "proof"):  # the proof last: it marks the folder as whole
            shutil.copyfile(bundle.path(role), folder / KEPT[role])
    return None


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table."""
    total = sum(sum(row["verdicts"].values()) for row in rows)
    final = sum(row["verdicts"].get("10", 0) for row in rows)
    head = f"""# Agreement of the verifiers

Proofs of {len(rows)} models, made by EZKL, accepted by the Rust verifier, the plain one and `ezkl.verify`. Of {total:,} changed
proofs none was accepted; {100 * final / max(total, 1):.0f} % reached the final equation. As many of each row's as the last
columns say were also given to the plain verifier and to `ezkl.verify`, with the same verdict.

Written by `python -m benches.agreement`.

| model | k | proof bytes | public values | malformed | step 1 | step 10 | plain | ezkl |
|---|---|---|---|---|---|---|---|---|
"""
    lines = []
    for row in sorted(rows, key=lambda r: str(r["name"])):
        verdicts = row["verdicts"]
        other = set(verdicts) - {"malformed", "1", "10"}
        if other:
            raise AssertionError(f"{row['name']}: steps without a column: {sorted(other)}")
        cells = [row["name"], row["k"], f"{row['proof_bytes']:,}", f"{row['public_values']:,}"]
        cells += [verdicts.get(name, 0) for name in ("malformed", "1", "10")] + [row["plain"], row["ezkl"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return head + "\n".join(lines) + "\n"


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--keep", "kept", required=True, type=click.Path(path_type=Path), help="Keep proofs and Protocols here.")
@click.option("--only", multiple=True, help="Run these models only.")
@click.option("--log", type=click.Path(path_type=Path), default=Path("agreement.jsonl"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write the table (Markdown) here.")
@click.option("--changes", default=1000, show_default=True)
@click.option("--plain", default=10, show_default=True)
@click.option("--ezkl", default=10, show_default=True)
@click.option("--max-ram", type=Bytes(), default="8GB", show_default=True)
@click.option("--max-time", type=Duration(), default="10m", show_default=True)
@click.option("--allow", multiple=True, default=UNSOUND_BY_EZKL, help="Findings to prove in spite of.")
def main(
    models: tuple[Path, ...],
    kept: Path,
    only: tuple[str, ...],
    log: Path,
    out: Path | None,
    changes: int,
    plain: int,
    ezkl: int,
    max_ram: int,
    max_time: float,
    allow: tuple[str, ...],
) -> None:
    """Compare the verifiers on the proofs of MODELS and on those kept before."""
    budget = Budget(max_ram=max_ram, max_seconds=max_time)
    for folder in models:
        names = sorted(p.name for p in folder.iterdir() if p.is_dir() and any(p.glob("*.onnx")))
        for name in names:
            if (only and name not in only) or (kept / folder.name / name / KEPT["proof"]).is_file():
                continue
            problem = keep(folder / name, kept / folder.name / name, budget, frozenset(allow))
            sys.stderr.write(f"{name}: {problem or 'kept'}\n")
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    known = {(row["name"], row["circuit_id"]) for row in rows}
    for proof in sorted(kept.glob("*/*/proof.json")):
        name = f"{proof.parent.parent.name}/{proof.parent.name}"
        circuit_id = decode((proof.parent / KEPT["protocol"]).read_bytes()).circuit_id
        if (name, circuit_id) in known or (only and proof.parent.name not in only):
            continue
        row = agreement(name, proof.parent, changes, plain, ezkl)
        rows.append(row)
        with log.open("a") as f:
            f.write(json.dumps(row) + "\n")
        sys.stderr.write(f"{name}: {row['verdicts']}\n")
    if out is not None:
        out.write_text(page(rows))


if __name__ == "__main__":
    main()
