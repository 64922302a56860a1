"""Our calibration beside EZKL's: what each chooses for a model, how long a proof then takes, how exact it is.

    python -m benches.calibrate MODEL.onnx --data input.json [--runs 3] [--json]

EZKL's is `gen_settings` and `calibrate_settings` for "resources" from its own defaults. Ours is asked for an error no larger than
EZKL's on the same inputs (the samples, and inputs drawn around them where there are few). Both circuits are set up, proved and
verified by EZKL on a test SRS; seconds of proving are medians of `--runs`, taken in turns.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from zkml.estimate import count
from zkml.estimate.machine import cpu_name, usable_cpus
from zkml.ezkl import Worker
from zkml.files import read_json
from zkml.model import load, load_samples, normalise
from zkml.settings import RunArgs
from zkml.settings.calibrate import calibrate
from zkml.settings.data import split
from zkml.settings.float_model import FloatModel
from zkml.settings.metrics import evaluate
from zkml.settings.trial import Trials, write_for_ezkl

MAX_K = 20


@dataclass
class Contender:
    """One circuit: how it was chosen, its size, its largest error on the inputs, and what EZKL took for it."""

    name: str
    k: int
    inner: int
    columns: int
    scales: tuple[int, int, int]
    digits: tuple[int, int]
    freivalds: bool
    max_abs: float
    choose_seconds: float
    setup_seconds: float = 0.0
    prove_seconds: tuple[float, ...] = ()
    verified: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.prove_seconds)


def contender(name: str, settings: dict[str, Any], max_abs: float, seconds: float) -> Contender:
    args = settings["run_args"]
    return Contender(
        name,
        args["logrows"],
        args["num_inner_cols"],
        count(settings).advice,
        (args["input_scale"], args["param_scale"], args["scale_rebase_multiplier"]),
        (args["decomp_base"], args["decomp_legs"]),
        settings["einsum_params"]["total_einsum_col_size"] > 0,
        max_abs,
        seconds,
    )


def ezkl_settings(trials: Trials, samples: list[dict[str, Any]]) -> tuple[dict[str, Any], float]:
    """Return EZKL's calibrated settings from its own defaults, and the seconds it took. Its data file holds them in a row."""
    started = time.perf_counter()
    settings, data = trials.folder / "ezkl-settings.json", trials.folder / "calibration.json"
    trials.worker.call("gen_settings", model=trials.model, output=settings)
    rows = [np.concatenate([np.asarray(s[n]).reshape(-1) for s in samples]).tolist() for n in trials.input_names]
    data.write_text(json.dumps({"input_data": rows}))
    trials.worker.call(
        "calibrate_settings", data=data, model=trials.model, settings=settings, target="resources", max_logrows=MAX_K
    )
    return read_json(settings, what="settings"), time.perf_counter() - started


def outputs(trials: Trials, settings: dict[str, Any], samples: list[dict[str, Any]]) -> list[Any]:
    """Return the integer outputs of compiled settings on samples."""
    path, circuit = trials.folder / "chosen.json", trials.folder / "chosen.ezkl"
    write_for_ezkl(path, settings)
    trials.worker.call("compile_circuit", model=trials.model, compiled_circuit=circuit, settings_path=path)
    return trials.execute(circuit, settings["model_output_scales"], samples).outputs


def prepare(trials: Trials, entry: Contender, settings: dict[str, Any], sample: dict[str, Any]) -> Path:
    """Make the circuit, keys and witness of a contender in a folder of its own."""
    home = trials.folder / entry.name
    home.mkdir()
    write_for_ezkl(home / "settings.json", settings)
    call = trials.worker.call
    call("compile_circuit", model=trials.model, compiled_circuit=home / "c.ezkl", settings_path=home / "settings.json")
    call("gen_witness", data=trials.write_input(sample), model=home / "c.ezkl", output=home / "witness.json")
    srs = trials.folder / f"unsafe-{entry.k}.srs"
    if not srs.exists():
        call("gen_srs", srs_path=srs, logrows=entry.k)
    entry.setup_seconds = call(
        "setup", model=home / "c.ezkl", vk_path=home / "vk.key", pk_path=home / "pk.key", srs_path=srs
    ).seconds
    return home


def prove(trials: Trials, entry: Contender, home: Path) -> None:
    """Prove once, and check the proof."""
    srs = trials.folder / f"unsafe-{entry.k}.srs"
    took = trials.worker.call(
        "prove",
        witness=home / "witness.json",
        model=home / "c.ezkl",
        pk_path=home / "pk.key",
        proof_path=home / "proof.json",
        srs_path=srs,
    )
    entry.prove_seconds = (*entry.prove_seconds, took.seconds)
    entry.verified = bool(
        trials.worker.call(
            "verify",
            proof_path=home / "proof.json",
            settings_path=home / "settings.json",
            vk_path=home / "vk.key",
            srs_path=srs,
        ).value
    )


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--data", required=True)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(model: Path, data: str, runs: int, as_json: bool) -> None:
    """Compare EZKL's calibrated default with our calibration on MODEL."""
    loaded = normalise(load(model))
    given = load_samples(data, loaded)
    with tempfile.TemporaryDirectory(prefix="zkml-bench-") as name, Worker() as worker:
        folder = Path(name)
        path = folder / "model.onnx"
        path.write_bytes(loaded.to_bytes())
        floats = FloatModel.load(path)
        parts = split(floats.split(given.arrays))
        samples = [*parts.given, *parts.drawn][:64]
        want = floats.run(samples)
        trials = Trials(path, worker, folder, floats.inputs, floats.shapes, [w.shape[1:] for w in want])

        theirs, took = ezkl_settings(trials, samples)
        error = evaluate("max_abs", want, outputs(trials, theirs, samples), None)
        entries = [(contender("ezkl", theirs, error, took), theirs)]
        started = time.perf_counter()
        arrays = {n: np.stack([s[n] for s in samples]) for n in floats.inputs}
        ours = calibrate(
            path, arrays, metric="max_abs", tolerance=error, run_args=RunArgs(output_visibility="public"), worker=worker
        )
        took = time.perf_counter() - started
        error = evaluate("max_abs", want, outputs(trials, ours.settings, samples), None)
        entries.append((contender("zkml", ours.settings, error, took), ours.settings))

        homes = [prepare(trials, entry, settings, samples[0]) for entry, settings in entries]
        for _ in range(runs):
            for (entry, _settings), home in zip(entries, homes, strict=True):
                prove(trials, entry, home)
    both = [entry for entry, _ in entries]
    result = {
        "model": model.name,
        "machine": {"cpu": cpu_name(), "cpus": usable_cpus()},
        "runs": runs,
        "contenders": [asdict(e) | {"median_prove_seconds": e.median} for e in both],
        "speedup": both[0].median / both[1].median,
    }
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    for e in both:
        click.echo(
            f"{e.name}: k={e.k} columns={e.columns} scales={e.scales} digits={e.digits} max_abs={e.max_abs:.4g} "
            f"setup={e.setup_seconds:.2f}s prove={e.median:.3f}s verified={e.verified} chosen in {e.choose_seconds:.1f}s"
        )
    click.echo(f"speedup {result['speedup']:.1f}")


if __name__ == "__main__":
    main()
