"""How far off the estimates are: the commands' real costs beside what `zkml.estimate` said before.

    python -m benches.estimate fit WORK      measure the synthetic circuits and write `coefficients.json`
    python -m benches.estimate check WORK [NAME...]    measure models that were not used for the fit (all, or those named) and
                                             write `docs/estimates.json`
    python -m benches.estimate page          write `docs/estimates.md` from `docs/estimates.json`

WORK keeps SRS files and measurements between runs; a measurement that is there is not made again. Beside each model the speed of
the machine at that moment is measured, so that what else runs on it disturbs less. Prints JSON, asserts nothing.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benches.conformance import UNSOUND_BY_EZKL
from benches.processes import Used, run
from zkml.circuit.compile import compile_model
from zkml.errors import ZkmlError
from zkml.estimate import Columns, Machine, count, estimate, resources, total_slots
from zkml.estimate.estimate import cheapest_k
from zkml.estimate.machine import REFERENCE_SECONDS, cpu_name, measure, usable_cpus
from zkml.ezkl import Worker
from zkml.files import write_atomic, write_json
from zkml.keys.srs import generate_unsafe
from zkml.model import Model, from_proto, load, normalise, random_samples, support, write_ezkl_json
from zkml.model.probe import lay_out
from zkml.settings import RunArgs
from zkml.settings.recipe import read_recipe

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "estimates.json"
PAGE = ROOT / "docs" / "estimates.md"
SHARED = Path(os.environ.get("ZKML_SHARED") or ROOT.parent / "shared")
HELD_OUT_MAX_K = 15
LARGER = {"logistic_regression": 17, "mlp": 16}
"""Models of the zoo that are measured on more rows than they need, too."""
SHORT_SECONDS = 4.0


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
    for name, model, chosen in (
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
        yield Point(name, model, chosen)


# ---- models that the fit has not seen


def held_out(names: Sequence[str]) -> Iterator[Point]:
    """Yield models of the zoo with their recipes, and of the conformance folder, where it is present, with the toolkit's own
    arguments and the rows that the estimate finds cheapest; those named, or all."""
    for path in sorted((ROOT / "models").glob("*/model.onnx")):
        name = path.parent.name
        recipe = read_recipe(ROOT / "circuits" / name / "recipe.json")
        chosen = {name: recipe}
        if name in LARGER:
            chosen[f"{name} on 2^{LARGER[name]} rows"] = recipe.with_(logrows=LARGER[name])
        for title, run_args in chosen.items():
            if not names or title in names:
                yield Point(title, normalise(load(path)), run_args)
    for path in sorted((SHARED / "ezkl_models").glob("*/network.onnx")):
        name = f"ezkl/{path.parent.name}"
        if names and name not in names:
            continue
        try:
            model = normalise(load(path))
            if support(model, allow_wrong=True):
                continue
            with Worker() as worker:
                k = cheapest_k(lay_out(model, RunArgs(), worker))
        except ZkmlError as e:
            sys.stderr.write(f"{name}: {e.message}\n")
            continue
        if k <= HELD_OUT_MAX_K:
            yield Point(name, model, RunArgs(logrows=k))


# ---- measuring


def measured(point: Point, work: Path, slowness: list[float]) -> dict[str, Any] | None:
    """Return the settings and the real costs of a point, from WORK or made now; None when EZKL cannot prove it."""
    kept = work / f"{point.name.replace('/', '-')}.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text())
        return found or None
    found = {}
    try:
        found = _measure(point, work, slowness)
    except ZkmlError as e:
        sys.stderr.write(f"{point.name}: {e.message}\n")
    write_json(kept, found)
    return found or None


def repeated(command: Sequence[str | Path], environment: dict[str, str]) -> Used:
    """Return what a command used: of a short one the median of three runs, for it is disturbed most."""
    runs = [run(command, environment)]
    if runs[0].serial + runs[0].parallel < SHORT_SECONDS:
        runs += [run(command, environment) for _ in range(2)]
    return sorted(runs, key=lambda used: used.serial + used.parallel)[len(runs) // 2]


def _measure(point: Point, work: Path, slowness: list[float]) -> dict[str, Any]:
    home = work / "home"
    srs = home / "srs" / f"k{point.args.logrows}.srs"
    os.environ["ZKML_HOME"] = str(home)
    if not srs.is_file():
        generate_unsafe(srs, point.args.logrows)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        source, bundle, sample = folder / "m.onnx", folder / "m.zkml", folder / "i.json"
        source.write_bytes(point.model.to_bytes())
        write_ezkl_json(sample, random_samples(point.model, 1, seed=2)[0], point.model)
        compiled = compile_model(source, run_args=point.args, out=bundle, allow_findings=frozenset(UNSOUND_BY_EZKL))
        command: list[str | Path] = [sys.executable, "-m", "zkml.cli"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        setup = repeated([*command, "setup", bundle, "--unsafe-srs", "--srs", srs], environment)
        prove = repeated([*command, "prove", bundle, "--input", sample, "--srs", srs], environment)
        proof = len(json.loads((bundle / "proof.json").read_text())["proof"])
        sizes = {"pk": (bundle / "pk.key").stat().st_size, "vk": (bundle / "vk.key").stat().st_size, "proof": proof}
    before = slowness[-1]
    slowness.append(measure(2) / REFERENCE_SECONDS)
    sys.stderr.write(f"{point.name}: k={point.args.logrows} {setup} {prove}\n")
    return {
        "settings": {name: value for name, value in compiled.settings.items() if name != "timestamp"},
        "setup": asdict(setup),
        "prove": asdict(prove),
        "sizes": sizes,
        "slowness": (before + slowness[-1]) / 2,
    }


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
    columns: Sequence[Columns],
    terms: Callable[[Columns], dict[str, float]],
    values: Sequence[float],
    whole: Sequence[float] | None = None,
) -> dict[str, float]:
    """Return the coefficients, none negative, of least error relative to the values, or to the `whole` that they are part of."""
    rows = np.asarray([list(terms(c).values()) for c in columns])
    scale, weight = rows.max(axis=0), np.asarray(values if whole is None else whole)
    x = nonnegative(rows / scale / weight[:, None], np.asarray(values) / weight) / scale
    return {name: float(f"{v:.5g}") for name, v in zip(terms(columns[0]), x, strict=True)}


def wall(used: Mapping[str, float]) -> float:
    """Return the seconds that a command would take with this machine to itself."""
    return used["serial"] + used["parallel"] / usable_cpus()


def speeds(points: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return how slow the machine was at each measurement: the geometric mean of what was measured around it, which is noisy, and
    of the median of the run, which does not know what else ran at that moment."""
    usual = float(np.median([p["slowness"] for p in points]))
    return [float(p["slowness"] * usual) ** 0.5 for p in points]


def fit(work: Path) -> None:
    """Measure the synthetic circuits and write the coefficients."""
    slowness = [measure(2) / REFERENCE_SECONDS]
    points = [p for p in (measured(point, work, slowness) for point in synthetic()) if p]
    columns = [count(p["settings"]) for p in points]
    slow = speeds(points)
    found: dict[str, dict[str, float]] = {}
    for which, parallel_terms, ram_terms in (
        ("setup", resources.setup_parallel_terms, resources.setup_ram_terms),
        ("prove", resources.prove_parallel_terms, resources.prove_ram_terms),
    ):
        whole = [wall(p[which]) / s for p, s in zip(points, slow, strict=True)]
        serial = [p[which]["serial"] / s for p, s in zip(points, slow, strict=True)]
        parallel = [p[which]["parallel"] / s for p, s in zip(points, slow, strict=True)]
        found |= {
            f"{which}_ram": fit_terms(columns, ram_terms, [p[which]["ram"] for p in points]),
            f"{which}_serial": fit_terms(columns, resources.serial_terms, serial, whole),
            f"{which}_parallel": fit_terms(columns, parallel_terms, parallel, whole),
        }
    write_json(ROOT / "zkml" / "estimate" / "coefficients.json", found)
    json.dump(found, sys.stdout, indent=2)


# ---- checking


def slots_without_ezkl(point: Point) -> list[int]:
    """Return our count of slots and EZKL's own, with a rebase multiplier of 1: ours knows no other."""
    args = point.args.with_(scale_rebase_multiplier=1)
    with Worker() as worker:
        return [total_slots(point.model, args), int(lay_out(point.model, args, worker)["total_assignments"])]


def compare(point: Point, found: Mapping[str, Any], slow: float) -> dict[str, Any]:
    """Return the estimate beside what was measured, for a machine as slow as it was then."""
    said = estimate(found["settings"], machine=Machine(cpu_name(), usable_cpus(), slow))
    row: dict[str, Any] = {"model": point.name, "k": said.k}
    for which, cost in (("setup", said.setup), ("prove", said.prove)):
        used = found[which]
        row[f"{which}_ram"] = [cost.ram, used["ram"]]
        row[f"{which}_seconds"] = [cost.seconds, wall(used)]
        row[f"{which}_cpu"] = [cost.cpu_seconds, used["serial"] + used["parallel"]]
    return row | {
        "slots_without_ezkl": slots_without_ezkl(point),
        "pk_bytes": [said.pk_bytes, found["sizes"]["pk"]],
        "vk_bytes": [said.vk_bytes, found["sizes"]["vk"]],
        "proof_bytes": [said.proof_bytes, found["sizes"]["proof"]],
    }


def check(work: Path, names: Sequence[str]) -> None:
    """Measure the models that the fit has not seen and write what was said and what was true."""
    slowness = [measure(2) / REFERENCE_SECONDS]
    points, all_found = [], []
    for point in held_out(names):
        if found := measured(point, work, slowness):
            points.append(point)
            all_found.append(found)
    slow = speeds(all_found)
    rows = [compare(point, found, s) for point, found, s in zip(points, all_found, slow, strict=True)]
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
* **Time** is that of `zkml setup` and of `zkml prove`, from typing to prompt: a serial part (the start of two
  processes, laying out cells, reading, writing and digesting the key) and a parallel one (exponentiations, FFTs,
  evaluations on the extended domain 2^e >= n (D - 1)), over all processors. **Memory** is the peak of EZKL's process.
  Each is a sum of terms in n, 2^e, the numbers of columns, the slots and the key's bytes
  (`zkml/estimate/resources.py`), with coefficients fitted on the synthetic circuits of `benches/estimate.py`. Time
  scales with a micro-benchmark of the machine, taken once and kept in `$ZKML_HOME/machine.json`.

Recipes, in slots for L digits and w inner columns, R(x) = x rounded up to a multiple of w: dot product or sum of
length l: R(l); decomposition into sign and digits: 2L + R(L) + 4; comparison `a > b`: decomposition + 12; rescale by
a constant: three decompositions and 16; relu: decomposition + 6; sorting l elements: 2l + (l - 1)(decomposition +
14); lookup: 1; input: decomposition; public output: two decompositions and 1. The rest are in
`zkml/estimate/slots.py`.

## How far off

None of these models was used to fit time and memory. The recipes behind *slots without ezkl* were adjusted on models of
this list, so that column is no held-out test; it is for a rebase multiplier of 1, what `inspect` assumes. The list is a
part of the zoo, with its recipes and on more rows than those say, and of those conformance models that fit 2^15 rows
with EZKL's default scales and digits. Each cell is (estimate - truth) / truth. *ram* is the peak of resident memory.

*Seconds* are wall clock, *cpu* CPU seconds over all threads, of whole commands. Other work ran on the machine, so the
truth is taken from what each thread used (`benches/processes.py`): the CPU seconds of main threads, which take turns,
and those of all others over the number of processors. That leaves out what a wall clock also shows: waiting for the
disk, and threads that idle while others finish. The estimate is for the speed that the machine had: the geometric mean
of what the micro-benchmark said around that model, which is noisy, and of its median over the run. Short commands are
the median of three.
"""

QUANTITIES = (
    "slots_without_ezkl",
    "pk_bytes",
    "vk_bytes",
    "proof_bytes",
    "setup_ram",
    "prove_ram",
    "setup_seconds",
    "prove_seconds",
    "setup_cpu",
    "prove_cpu",
)


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
    return HEAD + "\n" + machine + "\n".join(lines) + "\n"


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
