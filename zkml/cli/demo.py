"""`zkml demo`: the whole flow on a real model, each step shown with the command that does it and what it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Table

from zkml.bundle import Bundle
from zkml.checking import check_bundle, read_protocol
from zkml.circuit.compile import compile_model
from zkml.cli.output import command_errors, emit, err, gigabytes, json_option, progress, say, seconds
from zkml.cli.srs_choice import choose_srs
from zkml.contract.calldata import calldata
from zkml.contract.choose import taken
from zkml.contract.deployment import install
from zkml.contract.evm import Evm, Verified
from zkml.errors import EnvironmentFault, InternalFault
from zkml.ezkl import Worker
from zkml.keys.setup import setup
from zkml.model import load, load_labels, load_samples, normalise
from zkml.proof import prove
from zkml.protocol import read_proof
from zkml.settings.recipe import read_recipe
from zkml.verifier.policy import Policy
from zkml.witness import make_witness

SHADES = " .:-=+*#%@"


@dataclass
class Step:
    """One stage of the demo: the command that does the same, seconds, peak memory of the worker, and what came out."""

    name: str
    command: str
    seconds: float = 0.0
    peak_rss: int = 0
    result: str = ""


@dataclass
class Steps:
    """The steps so far, told as they end."""

    done: list[Step] = field(default_factory=list)

    def begin(self, name: str, command: str) -> Step:
        say(f"{name}: {command}")
        step = Step(name, command)
        step.seconds = -time.perf_counter()
        self.done.append(step)
        return step

    def end(self, step: Step, result: str, peak_rss: int = 0) -> None:
        step.seconds += time.perf_counter()
        step.result, step.peak_rss = result, peak_rss
        memory = f", {gigabytes(peak_rss)}" if peak_rss else ""
        say(f"{step.name}: {result} ({seconds(step.seconds)}{memory})")

    def table(self) -> Table:
        table = Table("stage", "time", "memory", "result", box=None, pad_edge=False)
        for s in self.done:
            table.add_row(s.name, seconds(s.seconds), gigabytes(s.peak_rss) if s.peak_rss else "", s.result)
        table.add_row("in all", seconds(sum(s.seconds for s in self.done)), "", "")
        return table


def checkout() -> Path:
    """Return the folder that holds `models/`. Raises `EnvironmentFault` outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / "models" / "lenet5" / "model.onnx").is_file():
        raise EnvironmentFault(
            "the demo's model is not part of the installed package",
            hint="run `make demo` in a checkout of zkml",
            code="no-demo-model",
        )
    return folder


def shown(path: Path) -> str:
    """Return the path as a user in the checkout would type it."""
    return str(path.relative_to(checkout()))


def picture(image: np.ndarray) -> str:
    """Return a grey image in [0, 1], of shape (…, h, w), as text."""
    rows = np.clip(image.reshape(image.shape[-2:]), 0.0, 1.0)[::2]
    return "\n".join("".join(SHADES[int(v * (len(SHADES) - 1))] for v in row) for row in rows)


def verify_in_evm(bundle: Bundle) -> tuple[Verified, dict[str, Any]]:
    """Return the verdict of the bundle's contract, in the form that `auto` takes, compiled and run in an EVM here, with facts."""
    protocol = read_protocol(bundle.path("protocol"))
    proof = read_proof(bundle.path("proof").read_bytes())
    evm, built = Evm(), taken(protocol)
    installed = install(built, evm)
    verified = evm.verify(installed.entry, calldata(protocol, proof))
    sizes = [c.code_bytes for c in installed.contracts]
    return verified, {"gas": verified.gas, "form": built.sources.form, "contracts": len(sizes), "code_bytes": max(sizes)}


@click.command()
@click.option("--sample", type=click.IntRange(0), default=0, show_default=True, help="Which digit to prove.")
@click.option("--out", type=click.Path(path_type=Path), default=Path(".demo/lenet5.zkml"), show_default=True)
@click.option("--calibrate", is_flag=True, help="Search the settings afresh instead of taking the reviewed recipe.")
@json_option
@command_errors
def command(sample: int, out: Path, calibrate: bool, as_json: bool) -> None:
    """Compile a LeNet, make its keys, prove what it reads in a digit, and verify the proof three times.

    In Rust, in plain Python, and by the circuit's contract in an EVM: three independent verifiers.

    The SRS is made on the spot and therefore UNSAFE: fine for a demo, never for a real proof.
    """
    folder = checkout()
    model_path = folder / "models" / "lenet5" / "model.onnx"
    data_path = folder / "models" / "lenet5" / "samples.npz"
    recipe = None if calibrate else folder / "circuits" / "lenet5" / "recipe.json"
    steps = Steps()
    with progress() as on_progress:
        step = steps.begin(
            "compile",
            f"zkml compile {shown(model_path)} "
            + (f"--recipe {shown(recipe)}" if recipe else f"--data {shown(data_path)}")
            + f" --out {out}",
        )
        compiled = compile_model(
            model_path,
            samples=None if recipe else load_samples(data_path, normalise(load(model_path))),
            labels=None if recipe else load_labels(data_path),
            run_args=read_recipe(recipe) if recipe else None,
            out=out,
            on_progress=on_progress,
            report=say,
        )
        run, cost = compiled.run_args, compiled.estimate
        steps.end(step, f"2^{run.logrows} rows; will need about {seconds(cost.prove.seconds)} to prove", compiled.peak_rss)

        step = steps.begin("srs", f"zkml srs generate --unsafe -k {run.logrows}")
        srs = choose_srs(run.logrows, None, allow_unsafe=True)
        steps.end(step, f"{srs.trust}, digest {srs.digest}")

        step = steps.begin("setup", f"zkml setup {out} --unsafe-srs")
        keys = setup(compiled.bundle, srs, allow_unsafe_srs=True, on_progress=on_progress)
        steps.end(step, f"circuit {keys.circuit_id}, proving key {gigabytes(keys.pk_bytes)}", keys.peak_rss)

        samples = load_samples(data_path, compiled.model)
        values = samples[sample % len(samples)]
        err().print(picture(next(iter(values.values()))), markup=False)
        with Worker(on_progress=on_progress) as worker:
            step = steps.begin("witness", f"zkml witness {out} --input {shown(data_path)} --sample {sample}")
            witness = make_witness(compiled.bundle, compiled.model, values, worker)
            digit = int(np.argmax(witness.rescaled[0]))
            steps.end(step, f"the circuit reads a {digit}", witness.peak_rss)

            step = steps.begin("prove", f"zkml prove {out}")
            proved = prove(compiled.bundle, srs, worker)
            steps.end(step, f"{gigabytes(proved.proof_bytes)} by {proved.engine} on {proved.device}", proved.peak_rss)

    policy = Policy(allow_unsafe_srs=True)
    verdicts = {}
    for verifier in ("rust", "python"):
        step = steps.begin(f"verify ({verifier})", f"zkml verify {out} --verifier {verifier} --unsafe-srs")
        verdicts[verifier] = check_bundle(compiled.bundle, policy=policy, verifier=verifier)
        steps.end(step, verdicts[verifier].outcome)
    step = steps.begin("verify (EVM)", f"zkml contract verify {out}")
    verified, contract = verify_in_evm(compiled.bundle)
    verdicts["contract"] = verified.verdict
    steps.end(
        step,
        f"{verified.verdict.outcome} for {verified.gas:,} gas; form {contract['form']}, {contract['contracts']} contracts "
        f"of at most {contract['code_bytes']:,} bytes",
    )
    if not all(v.accepted for v in verdicts.values()):
        raise InternalFault("the verifiers do not accept the proof", details={k: v.as_dict() for k, v in verdicts.items()})
    value = {
        "digit": digit,
        "circuit_id": keys.circuit_id,
        "proof": str(proved.path),
        "verdicts": {k: v.as_dict() for k, v in verdicts.items()},
        "contract": contract,
        "engine": proved.engine,
        "device": proved.device,
        "k": run.logrows,
        "srs": {"digest": srs.digest, "trust": str(srs.trust)},
        "stages": [s.__dict__ for s in steps.done],
    }

    emit(value, as_json=as_json, text=lambda console: console.print(steps.table()))
    say(f"the proof that this network reads a {digit} in that picture is {proved.path}: anybody can check it")
