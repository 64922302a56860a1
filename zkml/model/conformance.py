"""What EZKL makes of each operator: one-node models, compiled and run, compared with the standard's own expected outputs.

`python -m zkml.model.conformance OUT.json` runs all cases and writes the table that `zkml.model.operators` reads. The cases
are the node tests of the `onnx` package, each as it is and with all inputs but the first made constant, at opset 17 or the
next where it is valid and at others where the same file is valid and onnxruntime gives the same; and some of our own.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zkml.errors import InternalFault, ZkmlError
from zkml.ezkl import Limits, Worker
from zkml.files import read_json, write_atomic
from zkml.model.features import Node, nodes_of
from zkml.model.load import from_proto
from zkml.model.model import Model
from zkml.model.normalise import normalise
from zkml.model.samples import Samples, make_samples, to_ezkl_json
from zkml.model.session import session
from zkml.settings import RunArgs

OPSETS = (11, 13, 17, 18, 20, 21, 22, 23)
MAIN_OPSET = 17
ARGS = RunArgs(input_scale=10, param_scale=10, decomp_base=1024, decomp_legs=4, lookup_range=(-16384, 16384))
ABSOLUTE, RELATIVE = 0.02, 0.02
"""An output is right when each value is within ABSOLUTE plus RELATIVE times the range of the expected outputs."""

PLAIN = {
    "float",
    "float64",
    "double",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
}
MAX_ELEMENTS = 4096
LIMITS = Limits(max_ram=4 << 30, max_seconds=20)


@dataclass(frozen=True)
class Case:
    """A model with values for its inputs and the outputs that the standard expects."""

    name: str
    proto: onnx.ModelProto
    inputs: dict[str, np.ndarray]
    outputs: list[np.ndarray]


@dataclass(frozen=True)
class Result:
    """`outcome` is `right`, `wrong`, `refused` (no settings, or no circuit) or `no-witness`; `error` the largest difference."""

    case: str
    node: Node
    outcome: str
    message: str = ""
    error: float = 0.0
    rows: int = 0

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "op": self.node.op,
            "domain": self.node.domain,
            "since": self.node.since,
            "opset": self.node.opset,
            "features": sorted(self.node.features),
            "outcome": self.outcome,
            "case": self.case,
        }
        if self.message:
            found["message"] = self.message
        if self.outcome == "wrong":
            found["error"] = float(f"{self.error:.3g}")
        return found


def node_tests() -> Iterator[Case]:
    """Yield the node tests of the `onnx` package that have plain tensors of moderate size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases  # noqa: PLC0415

        tests = collect_testcases(None)
    for test in tests:
        if test.model is None or not test.data_sets or len(test.model.graph.node) != 1:
            continue
        graph = test.model.graph
        given, expected = test.data_sets[0]
        plain = all(
            isinstance(v, np.ndarray) and v.dtype.name.replace("float32", "float") in PLAIN and 0 < v.size <= MAX_ELEMENTS
            for v in [*given, *expected]
        )
        if not plain or len(given) != len(graph.input) or not given:
            continue
        proto = onnx.ModelProto()
        proto.CopyFrom(test.model)
        for value, array in zip(proto.graph.input, given, strict=True):
            del value.type.tensor_type.shape.dim[:]
            for size in array.shape:
                value.type.tensor_type.shape.dim.add().dim_value = size
        yield Case(test.name, proto, {v.name: a for v, a in zip(graph.input, given, strict=True)}, list(expected))


def own_cases() -> Iterator[Case]:
    """Yield cases that the node tests lack: casts of negative fractions, integer division, padded windows, pooling norms."""
    rng = np.random.default_rng(7)
    x = np.asarray([[-2.5, -1.7, -0.3, 0.0, 0.4, 1.6, 2.5, 3.9]], dtype=np.float32)
    image = rng.normal(size=(1, 2, 6, 6)).astype(np.float32) - 3
    whole = np.asarray([[7, -7, 9, -9, 1, 0]], dtype=np.int64)
    kinds = onnx.TensorProto
    for to in (kinds.INT64, kinds.INT32, kinds.BOOL):
        yield _own("cast", "Cast", {"x": x}, {"to": to})
    yield _own("cast_int_to_float", "Cast", {"x": whole}, {"to": kinds.FLOAT})
    yield _own("div_int", "Div", {"x": whole, "d": np.asarray([2], dtype=np.int64)}, {})
    yield _own("div_float", "Div", {"x": x, "d": np.asarray([4], dtype=np.float32)}, {})
    yield _own("maxpool_pads", "MaxPool", {"x": image}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]})
    yield _own("maxpool_dilations", "MaxPool", {"x": image}, {"kernel_shape": [2, 2], "dilations": [2, 2]})
    yield _own("averagepool_pads", "AveragePool", {"x": image}, {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]})
    yield _own(
        "averagepool_pads_counted",
        "AveragePool",
        {"x": image},
        {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    )
    yield _own("globallppool", "GlobalLpPool", {"x": image}, {})
    yield _own("lppool", "LpPool", {"x": image}, {"kernel_shape": [2, 2]})
    many = rng.normal(size=(2, 3, 4, 4)).astype(np.float32) + np.arange(2, dtype=np.float32).reshape(2, 1, 1, 1) * 3
    ones = {"s": np.ones(3, dtype=np.float32), "b": np.zeros(3, dtype=np.float32)}
    yield _own("instancenormalization_batch", "InstanceNormalization", {"x": many, **ones}, {})
    yield _own("instancenormalization_one", "InstanceNormalization", {"x": many[:1], **ones}, {})
    yield _own("trilu_float", "Trilu", {"x": rng.normal(size=(3, 3)).astype(np.float32)}, {"upper": 1})
    yield _own(
        "quantizelinear",
        "QuantizeLinear",
        {"x": x, "s": np.asarray(0.5, dtype=np.float32), "z": np.asarray(2, dtype=np.uint8)},
        {},
    )
    two, half, three = (np.asarray(v, dtype=np.float32) for v in (2.0, 0.5, 3.0))
    for name, exponent in (("square", two), ("root", half), ("cube", three), ("square_vector", two.reshape(1))):
        yield _own(f"pow_{name}", "Pow", {"x": np.abs(x), "e": exponent}, {})
    yield _own("tile_once", "Tile", {"x": x, "r": np.asarray([1, 1], dtype=np.int64)}, {})
    yield _own("tile_rows", "Tile", {"x": x, "r": np.asarray([3, 1], dtype=np.int64)}, {})
    yield _own("topk_values", "TopK", {"x": x, "k": np.asarray([3], dtype=np.int64)}, {}, ["y", "unread"])
    yield _own("topk_both", "TopK", {"x": x, "k": np.asarray([3], dtype=np.int64)}, {}, ["y", "i"])
    yield _own("pad_constant", "Pad", {"x": x, "p": np.asarray([0, 1, 0, 2], dtype=np.int64)}, {})
    for op, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for direction in ("forward", "reverse", "bidirectional"):
            ways = 2 if direction == "bidirectional" else 1
            given = {
                "x": rng.normal(size=(4, 1, 3)).astype(np.float32),
                "w": rng.normal(size=(ways, gates * 5, 3)).astype(np.float32) / 2,
                "r": rng.normal(size=(ways, gates * 5, 5)).astype(np.float32) / 2,
            }
            yield _own(f"{op.lower()}_{direction}", op, given, {"direction": direction, "hidden_size": 5})


def _own(name: str, op: str, given: Mapping[str, Any], attributes: dict[str, Any], made: Sequence[str] = ("y",)) -> Case:
    node = helper.make_node(op, list(given), list(made), **attributes)
    inputs = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(np.asarray(v).dtype), list(np.asarray(v).shape))
        for k, v in given.items()
    ]
    graph = helper.make_graph([node], op, inputs, [onnx.ValueInfoProto(name=n) for n in made if n != "unread"])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", MAIN_OPSET)], ir_version=8)
    proto = onnx.shape_inference.infer_shapes(proto)
    outputs = session(proto.SerializeToString()).run(None, given)
    return Case(f"own_{name}", proto, {k: np.asarray(v) for k, v in given.items()}, outputs)


def constant_variant(case: Case) -> Case | None:
    """Return the case with all inputs but the first made constant, or None where there is only one input."""
    if len(case.proto.graph.input) < 2:
        return None
    proto = onnx.ModelProto()
    proto.CopyFrom(case.proto)
    first, *others = list(proto.graph.input)
    for value in others:
        proto.graph.initializer.append(numpy_helper.from_array(case.inputs[value.name], value.name))
    del proto.graph.input[1:]
    return Case(f"{case.name}_constants", proto, {first.name: case.inputs[first.name]}, case.outputs)


def at_opset(case: Case, opset: int) -> Case | None:
    """Return the case as a file of another opset, or None unless it is valid there and onnxruntime agrees with the outputs."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.proto)
    for entry in proto.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = opset
    proto.ir_version = min(proto.ir_version, 8 if opset <= 18 else 10)
    try:
        onnx.checker.check_model(proto, full_check=True)
        given = dict(case.inputs)
        values = session(proto.SerializeToString()).run(None, given)
    except Exception:  # not valid at this opset: whatever the reason, there is no such case
        return None
    for value, expected in zip(values, case.outputs, strict=True):
        if value.shape != expected.shape or not np.allclose(value, expected, rtol=1e-3, atol=1e-4, equal_nan=True):
            return None
    return Case(case.name, proto, case.inputs, case.outputs)


def load_case(case: Case) -> tuple[Model, Samples]:
    """Return a case's model and its input. Raises `ZkmlError` when our own loader refuses the file: EZKL never sees it."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.proto)
    model = normalise(from_proto(proto, path=Path(f"{case.name}.onnx")), rewrite=False)
    return model, make_samples({k: v[None] for k, v in case.inputs.items()}, model)


def run_case(worker: Worker, folder: Path, case: Case) -> Result | None:
    """Compile and run one case; None when our own loader refuses the file, or leaves no node or several of it."""
    try:
        model, samples = load_case(case)
    except ZkmlError:
        return None
    nodes = nodes_of(model)
    if len(nodes) != 1:
        return None
    node = nodes[0]
    paths = {name: folder / name for name in ("m.onnx", "s.json", "c.ezkl", "i.json", "w.json")}
    paths["m.onnx"].write_bytes(model.to_bytes())
    paths["i.json"].write_bytes(to_ezkl_json(samples[0], model))
    paths["w.json"].unlink(missing_ok=True)
    try:
        worker.call("gen_settings", model=paths["m.onnx"], output=paths["s.json"], py_run_args=ARGS.as_ezkl())
        worker.call("compile_circuit", model=paths["m.onnx"], compiled_circuit=paths["c.ezkl"], settings_path=paths["s.json"])
    except ZkmlError as e:
        return Result(case.name, node, "refused", _said(e))
    rows = int(read_json(paths["s.json"], what="settings")["num_rows"])
    try:
        worker.call("gen_witness", data=paths["i.json"], model=paths["c.ezkl"], output=paths["w.json"])
    except ZkmlError as e:
        return Result(case.name, node, "no-witness", _said(e), rows=rows)
    if not all(np.isfinite(want.astype(np.float64)).all() for want in case.outputs):
        return Result(case.name, node, "wrong", "the expected outputs are not finite", 0.0, rows)
    error, message = difference(read_json(paths["w.json"], what="witness"), case.outputs)
    outcome = "wrong" if message else "right"
    return Result(case.name, node, outcome, message, error, rows)


def tolerance(want: np.ndarray) -> float:
    """Return how far a circuit's output may be from `want`, which is finite."""
    flat = want.astype(np.float64)
    return ABSOLUTE + RELATIVE * max(float(flat.max() - flat.min()), float(np.abs(flat).max()))


def difference(
    witness: dict[str, Any], expected: list[np.ndarray], allowed: Callable[[np.ndarray], float] = tolerance
) -> tuple[float, str]:
    """Return the largest difference of the outputs from what is expected, and a message unless each is within `allowed`.

    Where nothing finite is expected a circuit has nothing to meet.
    """
    worst, message = 0.0, ""
    outputs = witness["pretty_elements"]["rescaled_outputs"]
    if len(outputs) != len(expected):
        return float(len(expected)), f"{len(outputs)} outputs for {len(expected)}"
    for got, want in zip(outputs, expected, strict=True):
        values = np.asarray([float(v) for v in got])
        if values.size != want.size:
            return float(want.size), f"{values.size} values for {want.size}"
        flat = want.astype(np.float64).reshape(-1)
        finite = np.isfinite(flat)
        if not finite.any():
            continue
        error = float(np.abs(values - flat)[finite].max())
        worst = max(worst, error)
        if error > allowed(want.reshape(-1)[finite]):
            message = f"off by {error:.3g} on outputs from {flat[finite].min():.3g} to {flat[finite].max():.3g}"
    return worst, message


def _said(e: ZkmlError) -> str:
    """Return what EZKL said, on one line. Raises `e` again when the worker itself did not run."""
    if e.code == "ezkl-crash" and int(e.details.get("status", 1)) > 0:
        raise e
    text = str(e.details.get("ezkl") or e.message) if not isinstance(e, InternalFault) else e.message
    return " ".join(text.split())[:160]


def all_cases() -> Iterator[Case]:
    """Yield every case that is run: each test at `MAIN_OPSET` or the lowest later opset where it is valid, its constant variant
    there too, and the first two of each operator at every opset of `OPSETS`."""
    seen: dict[tuple[str, int], int] = {}
    order = sorted(OPSETS, key=lambda v: (v < MAIN_OPSET, abs(v - MAIN_OPSET)))
    for test in [*own_cases(), *node_tests()]:
        for case in (test, constant_variant(test)):
            if case is None:
                continue
            op = case.proto.graph.node[0].op_type
            found = 0
            for opset in order:
                key = (op, opset)
                if found and seen.get(key, 0) >= 2:
                    continue
                if found and test.proto.graph.node[0].domain not in ("", "ai.onnx"):
                    break
                there = at_opset(case, opset)
                if there is not None:
                    found += 1
                    seen[key] = seen.get(key, 0) + 1
                    yield there


def write_table(path: Path, head: dict[str, Any], cases: list[dict[str, Any]]) -> None:
    """Write the table as JSON with one case a line, so that a difference reads well."""
    lines = ",\n".join(json.dumps(c) for c in cases)
    write_atomic(path, f'{json.dumps(head)[:-1]}, "cases": [\n{lines}\n]}}\n'.encode())


def main() -> None:
    """Run all cases and write the table."""
    results: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    started = time.perf_counter()
    with Worker(limits=LIMITS) as worker, tempfile.TemporaryDirectory() as folder:
        for i, case in enumerate(all_cases()):
            result = run_case(worker, Path(folder), case)
            if result is None:
                counts["skipped"] = counts.get("skipped", 0) + 1
                continue
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
            entry = result.as_dict()
            key = json.dumps([entry["op"], entry["since"], entry["opset"], entry["features"], entry["outcome"]])
            results.setdefault(key, entry)
            if i % 100 == 0:
                sys.stderr.write(f"{i} cases, {time.perf_counter() - started:.0f} s, {counts}\n")
    table = sorted(results.values(), key=lambda r: (r["domain"], r["op"], r["since"], r["opset"], r["features"], r["outcome"]))
    write_table(Path(sys.argv[1]), {"compiler": "ezkl 23.0.5", "run_args": ARGS.as_ezkl(), "counts": counts}, table)
    sys.stderr.write(f"{counts} in {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
