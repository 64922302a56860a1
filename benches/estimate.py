"""How far off the estimates are: EZKL's real setup and proof beside what `zkml.estimate` said before.

    python -m benches.estimate fit WORK      measure the synthetic circuits and write `coefficients.json`
    python -m benches.estimate check WORK [NAME...]    measure models that were not used for the fit (all, or those named) and
                                             write `docs/estimates.json`
    python -m benches.estimate page          write `docs/estimates.md` from `docs/estimates.json`

WORK keeps SRS files and measurements between runs; a measurement that is there is not made again. Beside each stage the speed
of the machine at that moment is measured, so that what else runs on it disturbs less. Prints JSON, asserts nothing.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
from onnx import TensorProto, helper, numpy_helper

from zkml.errors import ZkmlError
from zkml.estimate import Columns, Machine, count, estimate, resources, total_slots
from zkml.estimate.estimate import cheapest_k
from zkml.estimate.machine import REFERENCE_SECONDS, cpu_name, measure, usable_cpus
from zkml.ezkl import Progress, Worker
from zkml.files import write_atomic, write_json
from zkml.model import Model, from_proto, load, normalise, random_samples, support, write_ezkl_json
from zkml.model.probe import lay_out
from zkml.settings import RunArgs

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "estimates.json"
PAGE = ROOT / "docs" / "estimates.md"
SHARED = Path(os.environ.get("ZKML_SHARED") or ROOT.parent / "shared")
HELD_OUT_MAX_K = 15


@dataclass(frozen=True)
class Point:
    """A circuit to measure: a model and the arguments it is compiled with."""

    name: str
    model: Model
    args: RunArgs


# ---- synthetic circuits of the fit


def _model(nodes: Sequence[onnx.NodeProto], weights: Mapping[str, np.ndarray], shape: Sequence[int]) -> Model:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [onnx.ValueInfoProto(name="y")],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return normalise(from_proto(onnx.shape_inference.infer_shapes(proto)))


def dense(sizes: Sequence[int], activation: str) -> Model:
    """Return a perceptron with random weights."""
    rng = np.random.default_rng(5)
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, np.ndarray] = {}
    value = "x"
    for i, (n, m) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        weights |= {f"w{i}": rng.normal(size=(n, m)) / n**0.5, f"b{i}": rng.normal(size=m) / 10}
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], ["y" if last else f"g{i}"]))
        if not last:
            nodes.append(helper.make_node(activation, [f"g{i}"], [f"a{i}"]))
        value = f"a{i}"
    return _model(nodes, weights, [1, sizes[0]])


def convolution(channels: int, side: int, out: int, activation: str, pool: str) -> Model:
    """Return a convolution, an activation and a pooling with random weights."""
    rng = np.random.default_rng(6)
    weights = {"w": rng.normal(size=(out, channels, 3, 3)) / (9 * channels) ** 0.5, "b": rng.normal(size=out) / 10}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"]),
        helper.make_node(activation, ["c"], ["a"]),
        helper.make_node(pool, ["a"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    return _model(nodes, weights, [1, channels, side, side])


def args(k: int, inner: int, base: int, legs: int, table: int = 1024) -> RunArgs:
    return RunArgs(logrows=k, num_inner_cols=inner, decomp_base=base, decomp_legs=legs, lookup_range=(-table, table))


def synthetic() -> Iterator[Point]:
    """Yield the circuits of the fit: 2^8 to 2^16 rows, 1 to 8 inner columns, with and without lookups and shuffles."""
    small, middle, large, huge = [8, 16, 4], [32, 64, 8], [64, 128, 10], [128, 256, 10]
    for name, model, run in (
        ("relu-8", dense([4, 6, 2], "Relu"), args(8, 2, 128, 4)),
        ("relu-8-one", dense([3, 4], "Relu"), args(8, 1, 128, 4)),
        ("relu-9", dense(small, "Relu"), args(9, 2, 128, 4)),
        ("relu-10", dense([16, 32, 8], "Relu"), args(10, 2, 256, 4)),
        ("relu-11-one", dense(middle, "Relu"), args(11, 1, 1024, 3)),
        ("relu-11-four", dense(middle, "Relu"), args(11, 4, 1024, 3)),
        ("relu-11-eight", dense(large, "Relu"), args(11, 8, 1024, 3)),
        ("relu-12", dense(middle, "Relu"), args(12, 2, 2048, 3)),
        ("relu-12-blocks", dense(large, "Relu"), args(12, 2, 4096, 3)),
        ("relu-13", dense(large, "Relu"), args(13, 2, 4096, 3)),
        ("relu-14", dense(huge, "Relu"), args(14, 2, 8192, 3)),
        ("relu-15", dense(huge, "Relu"), args(15, 2, 16384, 2)),
        ("relu-15-blocks", dense([256, 512, 10], "Relu"), args(15, 2, 16384, 2)),
        ("relu-16", dense([256, 512, 10], "Relu"), args(16, 2, 16384, 2)),
        ("sigmoid-10", dense([16, 64, 4], "Sigmoid"), args(10, 2, 256, 4)),
        ("sigmoid-11", dense(small, "Sigmoid"), args(11, 2, 128, 4)),
        ("sigmoid-11-wide", dense([16, 64, 4], "Sigmoid"), args(11, 2, 1024, 3, 4096)),
        ("sigmoid-12", dense([16, 64, 4], "Sigmoid"), args(12, 2, 1024, 3)),
        ("sigmoid-12-four", dense([32, 128, 10], "Sigmoid"), args(12, 4, 1024, 3)),
        ("tanh-13", dense([32, 64, 4], "Tanh"), args(13, 1, 1024, 3, 8192)),
        ("tanh-13-wide", dense([32, 64, 4], "Tanh"), args(13, 2, 1024, 3, 32768)),
        ("tanh-14-wide", dense([32, 64, 4], "Tanh"), args(14, 2, 1024, 3, 32768)),
        ("conv-12-mean", convolution(1, 12, 4, "Relu", "AveragePool"), args(12, 2, 1024, 3)),
        ("conv-12-max", convolution(1, 12, 6, "Relu", "MaxPool"), args(12, 4, 1024, 3)),
        ("conv-13-max", convolution(1, 10, 4, "Relu", "MaxPool"), args(13, 2, 1024, 3)),
        ("conv-14-max", convolution(2, 12, 4, "Relu", "MaxPool"), args(14, 2, 1024, 3)),
        ("conv-14-sigmoid", convolution(1, 16, 8, "Sigmoid", "AveragePool"), args(14, 2, 4096, 3, 2048)),
    ):
        yield Point(name, model, run)


# ---- models that the fit has not seen


def held_out() -> Iterator[Point]:
    """Yield models of the zoo, and of the conformance folder where it is present, with the toolkit's own arguments."""
    paths = sorted((ROOT / "models").glob("*/*.onnx")) + sorted((SHARED / "ezkl_models").glob("*/network.onnx"))
    for path in paths:
        name = f"{path.parent.name}" if path.is_relative_to(ROOT) else f"ezkl/{path.parent.name}"
        try:
            model = normalise(load(path))
        except ZkmlError as e:
            sys.stderr.write(f"{name}: {e.message}\n")
            continue
        if not support(model, allow_wrong=True):
            yield Point(name, model, RunArgs())


# ---- measuring


def stage(name: str, slowness: list[float], **arguments: Any) -> dict[str, float]:
    """Run one EZKL call in a process of its own: seconds, CPU seconds, peak bytes, and how slow the machine was around it."""
    before = slowness[-1]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = [0]

    def watch(_: Progress) -> None:
        for child in psutil.Process().children():
            peak[0] = max(peak[0], high_water(child.pid))

    with Worker(on_progress=watch) as worker:
        result = worker.call(name, **arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    slowness.append(measure() / REFERENCE_SECONDS)
    return {"seconds": result.seconds, "cpu": cpu, "ram": peak[0], "slowness": (before + slowness[-1]) / 2}


def high_water(pid: int) -> int:
    """Return the peak of a process's resident memory in bytes, 0 when it is gone; unlike `ru_maxrss`, without its parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (OSError, ValueError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def measured(point: Point, work: Path, choose_k: bool) -> dict[str, Any] | None:
    """Return the settings and the real costs of a point, from WORK or made now; None when EZKL cannot prove it."""
    kept = work / f"{point.name.replace('/', '-')}.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found or None
    found = {}
    try:
        found = _measure(point, work, choose_k)
    except ZkmlError as e:
        sys.stderr.write(f"{point.name}: {e.message}\n")
    write_json(kept, found)
    return found or None


def _measure(point: Point, work: Path, choose_k: bool) -> dict[str, Any]:
    with Worker() as worker:
        settings = lay_out(point.model, point.args, worker)
        run = point.args
        if choose_k:
            run = run.with_(logrows=cheapest_k(settings))
            if run.logrows > HELD_OUT_MAX_K:
                return {}
            settings = lay_out(point.model, run, worker)
        srs = work / f"k{run.logrows}.srs"
        if not srs.is_file():
            worker.call("gen_srs", srs_path=srs, logrows=run.logrows)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        f = {n: folder / n for n in ("m.onnx", "s.json", "c.ezkl", "vk.key", "pk.key", "i.json", "w.json", "p.json")}
        f["m.onnx"].write_bytes(point.model.to_bytes())
        f["s.json"].write_text(json.dumps(settings | {"timestamp": 0}))  # EZKL wants a number there
        write_ezkl_json(f["i.json"], random_samples(point.model, 1, seed=2)[0], point.model)
        with Worker() as worker:
            worker.call("compile_circuit", model=f["m.onnx"], compiled_circuit=f["c.ezkl"], settings_path=f["s.json"])
            worker.call("gen_witness", data=f["i.json"], model=f["c.ezkl"], output=f["w.json"])
        speed = [measure() / REFERENCE_SECONDS]
        keys = {"model": f["c.ezkl"], "pk_path": f["pk.key"], "srs_path": srs}
        setup = stage("setup", speed, vk_path=f["vk.key"], **keys)
        prove = stage("prove", speed, witness=f["w.json"], proof_path=f["p.json"], **keys)
        proof = len(json.loads(f["p.json"].read_text())["proof"])
        sizes = {"pk": f["pk.key"].stat().st_size, "vk": f["vk.key"].stat().st_size, "proof": proof}
    slots = total_slots(point.model, run)
    sys.stderr.write(f"{point.name}: k={run.logrows} setup {setup['cpu']:.2f} prove {prove['cpu']:.2f} CPU s\n")
    return {"settings": settings, "setup": setup, "prove": prove, "sizes": sizes, "slots": slots}


# ---- fitting


def nonnegative(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the x ≥ 0 of least |a x − b|, by trying every set of columns: a has few."""
    best, least = np.zeros(a.shape[1]), float(b @ b)
    for mask in range(1, 1 << a.shape[1]):
        chosen = [i for i in range(a.shape[1]) if mask >> i & 1]
        x, *_ = np.linalg.lstsq(a[:, chosen], b, rcond=None)
        if (x < 0).any():
            continue
        error = float(((a[:, chosen] @ x - b) ** 2).sum())
        if error < least:
            best, least = np.zeros(a.shape[1]), error
            best[chosen] = x
    return best


def fit_terms(
    columns: Sequence[Columns], terms: Callable[[Columns], dict[str, float]], values: Sequence[float]
) -> dict[str, float]:
    """Return the coefficients, none negative, of least relative error."""
    rows = np.asarray([list(terms(c).values()) for c in columns])
    scale = rows.max(axis=0)
    x = nonnegative(rows / scale / np.asarray(values)[:, None], np.ones(len(values))) / scale
    return {name: float(f"{v:.5g}") for name, v in zip(terms(columns[0]), x, strict=True)}


def fit(work: Path) -> None:
    """Measure the synthetic circuits and write the coefficients."""
    points = [p for p in (measured(point, work, choose_k=False) for point in synthetic()) if p]
    columns = [count(p["settings"]) for p in points]

    def get(which: str, what: str) -> list[float]:
        return [p[which][what] / (p[which]["slowness"] if what == "cpu" else 1.0) for p in points]

    share = {}
    for which in ("setup", "prove"):
        least_disturbed = min(p[which]["seconds"] / p[which]["cpu"] for p in points)
        share[which] = round(min(1.0, max(0.0, (1 - least_disturbed) / (1 - 1 / usable_cpus()))), 3)
    found = {
        "setup_ram": fit_terms(columns, resources.setup_ram_terms, get("setup", "ram")),
        "prove_ram": fit_terms(columns, resources.prove_ram_terms, get("prove", "ram")),
        "setup_seconds": fit_terms(columns, resources.setup_time_terms, get("setup", "cpu")),
        "prove_seconds": fit_terms(columns, resources.prove_time_terms, get("prove", "cpu")),
        "parallel_share": share,
    }
    write_json(ROOT / "zkml" / "estimate" / "coefficients.json", found)
    json.dump(found, sys.stdout, indent=2)


# ---- checking


def compare(point: Point, found: dict[str, Any]) -> dict[str, Any]:
    """Return the estimate beside what was measured. Seconds are CPU seconds, each stage at the machine's speed of that moment."""
    row: dict[str, Any] = {"model": point.name}
    said = None
    for which in ("setup", "prove"):
        machine = Machine(cpu_name(), usable_cpus(), found[which]["slowness"])
        said = estimate(found["settings"], machine=machine)
        cost = getattr(said, which)
        row[f"{which}_cpu"] = [cost.cpu_seconds, found[which]["cpu"]]
        row[f"{which}_ram"] = [cost.ram, found[which]["ram"]]
    assert said is not None
    row |= {
        "k": said.k,
        "slots_without_ezkl": [found["slots"], found["settings"]["total_assignments"]],
        "pk_bytes": [said.pk_bytes, found["sizes"]["pk"]],
        "vk_bytes": [said.vk_bytes, found["sizes"]["vk"]],
        "proof_bytes": [said.proof_bytes, found["sizes"]["proof"]],
    }
    return row


def check(work: Path, names: Sequence[str]) -> None:
    """Measure the models that the fit has not seen and write what was said and what was true."""
    rows = []
    for point in held_out():
        if names and point.name not in names:
            continue
        found = measured(point, work, choose_k=True)
        if found:
            rows.append(compare(point, found))
    result = {"date": time.strftime("%Y-%m-%d"), "cpu": cpu_name(), "cpus": usable_cpus(), "models": rows}
    write_json(RESULTS, result)
    json.dump(result, sys.stdout, indent=2)


HEAD = """# Estimates

Made by `python -m benches.estimate page` from `docs/estimates.json`; do not edit by hand.

`zkml inspect` says what a circuit costs before any key is made. Three levels:

* **Slots** (cells of each of the three model columns). EZKL's own count, from a dry run that makes no keys
  (`gen_settings`); where that takes too much time or memory, our sum over the nodes (`zkml/estimate/rows.py`), below
  as *slots without ezkl*.
* **Columns, key and proof sizes** follow from the counts in `settings.json` (`zkml/estimate/columns.py`). With n =
  2^k rows, of which n - 6 are usable, and w inner columns: blocks of w columns for each of three tensors, one block
  more each time the slots fill another (n - 6) w; tables of n - 8 values a column, one column of inputs shared by all
  lookups; an argument packs as many lookup tuples as the degree D allows; D - 1 quotient pieces; permutation columns
  in chunks of D - 2; selectors that are never active on a common row share a fixed column. Only that last step is
  approximate: it depends on rows that the counts do not give.
* **Time and memory** are sums of terms in n, the extended domain 2^e >= n (D - 1) and the numbers of columns
  (`zkml/estimate/resources.py`), with coefficients fitted on the synthetic circuits of `benches/estimate.py`. Time
  scales with a micro-benchmark of the machine, taken once and kept in `$ZKML_HOME/machine.json`.

Recipes, in slots for L digits and w inner columns, R(x) = x rounded up to a multiple of w: dot product or sum of
length l: R(l); decomposition into sign and digits: 2L + R(L) + 4; comparison `a > b`: decomposition + 12; rescale by
a constant: three decompositions and 16; relu: decomposition + 6; sorting l elements: 2l + (l - 1)(decomposition +
14); lookup: 1; input: decomposition; public output: two decompositions and 1. The rest are in
`zkml/estimate/slots.py`.

## How far off

None of these models was used to fit time and memory; the fit did gain its two smallest circuits (2^8 rows) after a
first comparison showed it poor on the tiny models here. The recipes behind *slots without ezkl* were adjusted on models
of this list, so that column is no held-out test. The list is a part of the zoo and of the conformance models: those
with at most 2^15 rows that were measured. The share of work that runs in parallel, which turns CPU seconds into wall
clock, comes from separate runs on a nearly idle machine. Each cell is (estimate - truth) / truth. *setup ram* and
*prove ram* are the peak of resident memory; *setup cpu* and *prove cpu* are CPU seconds of the stage, start of its
process included, each compared at the speed that the machine had around that stage: other work was running on it, so
wall clock is not compared.

"""

QUANTITIES = ("slots_without_ezkl", "pk_bytes", "vk_bytes", "proof_bytes", "setup_ram", "prove_ram", "setup_cpu", "prove_cpu")


def page() -> str:
    """Return the text of `docs/estimates.md`."""
    result = json.loads(RESULTS.read_text())
    lines = ["| model | k | " + " | ".join(q.replace("_", " ") for q in QUANTITIES) + " |", "|---" * (len(QUANTITIES) + 2) + "|"]
    off: dict[str, list[float]] = {q: [] for q in QUANTITIES}
    for row in result["models"]:
        cells = []
        for q in QUANTITIES:
            said, true = row[q]
            error = said / true - 1
            off[q].append(abs(error))
            cells.append(f"{100 * error:+.1f} %")
        lines.append(f"| {row['model']} | {row['k']} | " + " | ".join(cells) + " |")
    for label, pick in (("median", lambda v: float(np.median(v))), ("worst", max)):
        lines.append(f"| **{label}** | | " + " | ".join(f"{100 * pick(off[q]):.1f} %" for q in QUANTITIES) + " |")
    machine = f"Measured on {result['date']} on {result['cpu']}, {result['cpus']} CPUs: {len(result['models'])} models.\n\n"
    return HEAD + machine + "\n".join(lines) + "\n"


def main() -> None:
    match sys.argv[1:]:
        case ["fit", work]:
            fit(Path(work))
        case ["check", work, *names]:
            check(Path(work), names)
        case ["page"]:
            write_atomic(PAGE, page().encode())
        case _:
            sys.exit("usage: python -m benches.estimate fit|check WORK, or page")


if __name__ == "__main__":
    main()
