"""Take every model of a folder through the whole flow and write the table of outcomes and costs.

Usage: python -m benches.conformance FOLDER [--only NAME …] [--out docs/conformance.md] [--log FILE.jsonl] [--max-ram 18GB]

FOLDER holds one folder a model: `network.onnx` and `input.json` (EZKL's examples), or `model.onnx` and `samples.npz` (ours; the
recipe in `circuits/NAME/` is used when there is one). Each model is compiled, keyed, proved, and its proof verified by the Rust
verifier, the plain one and `ezkl.verify`. A line of JSON goes to the log as each ends; models in the log are not run again.
"""

from __future__ import annotations

import json
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import psutil

from zkml.checking import VERIFIERS, check_bundle
from zkml.circuit.compile import compile_model
from zkml.cli.options import Bytes, Duration
from zkml.cli.output import gigabytes, seconds
from zkml.cli.srs_choice import choose_srs
from zkml.errors import ZkmlError
from zkml.estimate import Budget
from zkml.ezkl import Limits, Worker
from zkml.keys.setup import setup
from zkml.model import load, load_labels, load_samples, normalise
from zkml.proof import prove
from zkml.settings.recipe import read_recipe
from zkml.verifier.policy import Policy
from zkml.witness import make_witness

ROOT = Path(__file__).resolve().parents[1]
UNSOUND_BY_EZKL = ("onehot-unchecked", "root-unbound", "trilu-unmasked")
"""Findings that no setting of EZKL avoids: the table says which circuits have them, and proves them all the same."""


@dataclass
class Outcome:
    """One row: how far a model came, what was chosen, what it cost; `error` is our message when it stopped."""

    name: str
    stage: str = "load"
    ok: bool = False
    error: str | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def files(folder: Path) -> tuple[Path, Path]:
    """Return the model and its samples. Raises `FileNotFoundError`."""
    for model, data in (("network.onnx", "input.json"), ("model.onnx", "samples.npz")):
        if (folder / model).is_file() and (folder / data).is_file():
            return folder / model, folder / data
    raise FileNotFoundError(f"{folder} holds no model with samples")


def run(folder: Path, work: Path, budget: Budget, allow: frozenset[str]) -> Outcome:
    """Take one model through the flow; whatever stops it is in the row."""
    row = Outcome(folder.name)
    began = time.perf_counter()
    try:
        flow(row, folder, work, budget, allow)
        row.ok = True
    except ZkmlError as e:
        row.error, row.code = e.message, e.code
    except Exception as e:
        row.error, row.code = f"{type(e).__name__}: {e}", "fault"
        row.facts["trace"] = traceback.format_exc()
    row.facts["total_seconds"] = time.perf_counter() - began
    return row


def flow(row: Outcome, folder: Path, work: Path, budget: Budget, allow: frozenset[str]) -> None:
    source, data = files(folder)
    recipe = ROOT / "circuits" / folder.name / "recipe.json"
    use_recipe = source.name == "model.onnx" and recipe.is_file()
    model = normalise(load(source))
    samples = load_samples(data, model)
    row.stage = "compile"
    began = time.perf_counter()
    compiled = compile_model(
        source,
        samples=None if use_recipe else samples,
        labels=None if use_recipe else load_labels(data),
        run_args=read_recipe(recipe) if use_recipe else None,
        budget=budget,
        allow_findings=allow,
        out=work / f"{row.name}.zkml",
    )
    bundle, run_args, cost = compiled.bundle, compiled.run_args, compiled.estimate
    row.facts |= {
        "compile_seconds": time.perf_counter() - began,
        "k": run_args.logrows,
        "inner_cols": run_args.num_inner_cols,
        "scales": [run_args.input_scale, run_args.param_scale],
        "digits": [run_args.decomp_base, run_args.decomp_legs],
        "rows": compiled.settings["num_rows"],
        "estimate": {"setup": cost.setup.seconds, "prove": cost.prove.seconds, "ram": cost.peak_ram, "pk": cost.pk_bytes},
        "findings": sorted(f.code for f in compiled.audit.refused),
        "fidelity": compiled.calibration.fidelity.summary() if compiled.calibration else None,
    }
    row.stage = "setup"
    srs = choose_srs(run_args.logrows, None, allow_unsafe=True)
    keys = setup(bundle, srs, allow_unsafe_srs=True, budget=budget)
    row.facts |= {"setup_seconds": keys.seconds, "setup_rss": keys.peak_rss, "pk_bytes": keys.pk_bytes}
    row.stage = "prove"
    with Worker(limits=Limits(budget.max_ram, budget.max_seconds)) as worker:
        make_witness(bundle, compiled.model, samples[0], worker, srs=srs)
        proved = prove(bundle, srs, worker)
        row.facts |= {"prove_seconds": proved.seconds, "prove_rss": proved.peak_rss, "proof_bytes": proved.proof_bytes}
        row.stage = "verify"
        policy = Policy(allow_unsafe_srs=True, allow_findings=allow)
        for verifier in VERIFIERS:
            check_bundle(bundle, policy=policy, verifier=verifier).raise_for_outcome()
        proof, settings, vk = (bundle.path(name) for name in ("proof", "settings", "vk"))
        worker.call("verify", proof_path=proof, settings_path=settings, vk_path=vk, srs_path=srs.path)
    row.stage = "verified"


def line(row: Outcome) -> str:
    f = row.facts
    if not row.ok:
        reason = (row.error or "").replace("|", "/").replace("\n", " ")
        return f"| {row.name} | stopped at {row.stage} ({row.code}) | | | | | | | {reason[:240]} |"
    note = ("audit: " + ", ".join(f["findings"])) if f.get("findings") else (f.get("fidelity") or "")
    cells = [
        row.name,
        "verified",
        f"2^{f['k']} × {f['inner_cols']}",
        f"{f['rows']:,}",
        seconds(f["setup_seconds"]),
        seconds(f["prove_seconds"]),
        gigabytes(max(f["setup_rss"], f["prove_rss"])),
        gigabytes(f["pk_bytes"]),
        note,
    ]
    return "| " + " | ".join(cells) + " |"


def page(rows: Sequence[Outcome], folder: Path, budget: Budget) -> str:
    verified = sum(row.ok for row in rows)
    memory = psutil.virtual_memory().total
    head = f"""# Conformance

{verified} of {len(rows)} models compiled, keyed, proved, and verified by the Rust verifier, the plain one and `ezkl.verify`.
Settings were calibrated unaided on the samples that come with each model, with EZKL's Freivalds area off. *audit* names findings
that make a false statement provable and that no setting of EZKL avoids; such circuits are refused unless allowed by name.

Each stage had at most {gigabytes(budget.max_ram or 0)} and {seconds(budget.max_seconds or 0)}.

Written by `python -m benches.conformance {folder.name}` on {platform.machine()}, {psutil.cpu_count()} cores, {gigabytes(memory)},
ezkl {metadata.version("ezkl")}, onnxruntime {metadata.version("onnxruntime")}. Times are EZKL's own calls, once each, on a shared
machine.

| model | outcome | rows × columns | rows used | setup | prove | memory | proving key | remarks |
|---|---|---|---|---|---|---|---|---|
"""
    return head + "\n".join(line(row) for row in sorted(rows, key=lambda r: r.name)) + "\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", multiple=True, help="Run these models only.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table (Markdown) here.")
@click.option("--log", type=click.Path(path_type=Path), default=Path("conformance.jsonl"), show_default=True)
@click.option("--max-ram", type=Bytes(), default="18GB", show_default=True)
@click.option("--max-time", type=Duration(), default="15m", show_default=True)
@click.option("--allow", multiple=True, default=UNSOUND_BY_EZKL, help="Findings to prove in spite of.")
def main(
    folder: Path, only: tuple[str, ...], out: Path | None, log: Path, max_ram: int, max_time: float, allow: tuple[str, ...]
) -> None:
    """Take the models in FOLDER through the flow."""
    done = [Outcome(**json.loads(text)) for text in log.read_text().splitlines()] if log.is_file() else []
    known = {row.name for row in done}
    budget = Budget(max_ram=max_ram, max_seconds=max_time)
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and any(p.glob("*.onnx")))
    for name in names:
        if name in known or (only and name not in only):
            continue
        with TemporaryDirectory(prefix="zkml-conformance-") as work:
            row = run(folder / name, Path(work), budget, frozenset(allow))
        done.append(row)
        with log.open("a") as f:
            f.write(json.dumps(row.__dict__) + "\n")
        sys.stderr.write(line(row) + "\n")
    if out is not None:
        out.write_text(page(done, folder, budget))


if __name__ == "__main__":
    main()
