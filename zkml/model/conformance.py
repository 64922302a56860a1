"""What EZKL makes of each operator: one-node models, compiled and run, compared with the standard's own expected outputs.

`python -m zkml.model.conformance OUT.json` runs all cases and writes the table that `zkml.model.operators` reads. The cases are the
node tests of the `onnx` package, each as it is and with all inputs but the first made constant, at the newest opset that EZKL's
importer takes and at older ones where the same file is valid and onnxruntime gives the same; and some of our own.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from zkml.errors import InternalFault, ZkmlError
from zkml.ezkl import Limits, Worker
from zkml.files import read_json, write_json
from zkml.model.features import Node, nodes_of
from zkml.model.load import from_proto
from zkml.model.model import Model
from zkml.model.normalise import normalise
from zkml.model.run import session
from zkml.model.samples import make_samples, to_ezkl_json
from zkml.settings import RunArgs

OPSETS = (11, 13, 17, 18, 20, 21, 22, 23)
MAIN_OPSET = 17
ARGS = RunArgs(input_scale=10, param_scale=10, decomp_base=1024, decomp_legs=4, lookup_range=(-16384, 16384))
ABSOLUTE, RELATIVE = 0.02, 0.02
"""An output is right when each value is within ABSOLUTE plus RELATIVE times the range of the expected outputs."""

PLAIN = {"float", "double", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool"}
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
        yield Case(
            test.name, proto, {v.name: a for v, a in zip(graph.input, given, strict=True)}, list(expected)
        )


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
        given = {k: v for k, v in case.inputs.items()}
        values = session(proto.SerializeToString()).run(None, given)
    except Exception:  # not valid at this opset: whatever the reason, there is no such case
        return None
    for value, expected in zip(values, case.outputs, strict=True):
        if value.shape != expected.shape or not np.allclose(value, expected, rtol=1e-3, atol=1e-4, equal_nan=True):
            return None
    return Case(case.name, proto, case.inputs, case.outputs)


def run_case(worker: Worker, folder: Path, case: Case) -> Result | None:
    """Compile and run one case; None when our own loader refuses the file, so that EZKL never sees it."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.proto)
    try:
        model = normalise(from_proto(proto, path=Path(f"{case.name}.onnx")))
        samples = make_samples({k: v[None] for k, v in case.inputs.items()}, model)
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
    error, message = difference(read_json(paths["w.json"], what="witness"), case.outputs, model)
    outcome = "wrong" if message else "right"
    return Result(case.name, node, outcome, message, error, rows)


def difference(witness: dict[str, Any], expected: list[np.ndarray], model: Model) -> tuple[float, str]:
    """Return the largest difference of the outputs from what is expected, and a message unless it is within the tolerance."""
    worst, message = 0.0, ""
    outputs = witness["pretty_elements"]["rescaled_outputs"]
    if len(outputs) != len(expected):
        return float(len(expected)), f"{len(outputs)} outputs for {len(expected)}"
    for got, want in zip(outputs, expected, strict=True):
        values = np.asarray([float(v) for v in got])
        flat = want.astype(np.float64).reshape(-1)
        if values.size != flat.size:
            return float(flat.size), f"{values.size} values for {flat.size}"
        if not np.isfinite(flat).all():
            return 0.0, "the expected outputs are not finite"
        error = float(np.abs(values - flat).max())
        worst = max(worst, error)
        spread = float(flat.max() - flat.min())
        if error > ABSOLUTE + RELATIVE * max(spread, float(np.abs(flat).max())):
            message = f"off by {error:.3g} on outputs from {flat.min():.3g} to {flat.max():.3g}"
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
    for test in node_tests():
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
    write_json(Path(sys.argv[1]), {"compiler": "ezkl 23.0.5", "run_args": ARGS.as_ezkl(), "counts": counts, "cases": table})
    sys.stderr.write(f"{counts} in {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
