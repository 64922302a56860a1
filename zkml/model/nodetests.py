"""The node tests of the `onnx` package through the whole front end: normalise, rewrite, compile, witness, compare.

A test is *right* as it is, *right after a rewrite*, or *refused* with a reason; what is left is *wrong*, and there must be none.
Each is tried as it is, and then with all inputs but the first made constants.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx

from zkml.errors import InternalFault, ModelError, ZkmlError
from zkml.ezkl import Worker
from zkml.files import read_json
from zkml.model.conformance import ABSOLUTE, ARGS, PLAIN, RELATIVE, Case, constant_variant, difference, tolerance
from zkml.model.load import from_proto
from zkml.model.model import Model
from zkml.model.nearby import finite, moved
from zkml.model.normalise import normalise
from zkml.model.operators import support
from zkml.model.rewrite.check import check_rewritten
from zkml.model.run import Runner
from zkml.model.samples import make_samples, to_ezkl_json

MAX_REASON = 240
EXPLAINED = "an input on a threshold: its last digits decide"
ORDER = ("right", "rewritten", "refused", "wrong")


@dataclass(frozen=True)
class Result:
    """What became of one test. `op` is the operator of its first node; `error` the largest difference of an output.

    `digest` is that of the normalised model, empty where there was none to compile.
    """

    case: str
    op: str
    opset: int
    outcome: str
    how: str = "as it is"
    rules: tuple[str, ...] = ()
    rows: int = 0
    error: float = 0.0
    reason: str = ""
    attributes: tuple[str, ...] = ()
    digest: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Return the result that `as_dict` gave."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)

    @property
    def key(self) -> str:
        """Return what was compiled, and how."""
        return f"{self.case} {self.how} {self.digest}"

    @property
    def silenced(self) -> bool:
        """Return whether our own rules refused it, so that the compiler never saw it."""
        return self.outcome == "refused" and not self.reason.startswith("EZKL says")

    def as_dict(self) -> dict[str, Any]:
        found = {k: v for k, v in asdict(self).items() if v not in ((), "", 0, 0.0)}
        return found | ({"error": float(f"{self.error:.2g}")} if self.error else {})


def node_tests() -> Iterator[Case]:
    """Yield every node test whose inputs and outputs are plain tensors of numbers or booleans, none of them empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases  # noqa: PLC0415

        tests = collect_testcases(None)
    for test in tests:
        if test.model is None or not test.data_sets:
            continue
        given, expected = test.data_sets[0]
        graph = test.model.graph
        plain = all(
            isinstance(v, np.ndarray) and v.dtype.name.replace("float32", "float") in PLAIN and v.size > 0
            for v in [*given, *expected]
        )
        if not plain or not given or len(given) != len(graph.input):
            continue
        proto = onnx.ModelProto()
        proto.CopyFrom(test.model)
        for value, array in zip(proto.graph.input, given, strict=True):
            del value.type.tensor_type.shape.dim[:]
            value.type.tensor_type.shape.SetInParent()
            for size in array.shape:
                value.type.tensor_type.shape.dim.add().dim_value = size
        yield Case(test.name, proto, {v.name: a for v, a in zip(graph.input, given, strict=True)}, list(expected))


def run_test(worker: Worker, folder: Path, case: Case, known: Mapping[str, Result] = MappingProxyType({})) -> list[Result]:
    """Return what becomes of a test: as it is and, unless that is right, with all inputs but the first made constants.

    `known` has earlier results by `Result.key`: what would compile the same model is not run again.
    """
    first = run_once(worker, folder, case, "as it is", known)
    if first.outcome in ("right", "rewritten"):
        return [first]
    variant = constant_variant(case)
    if variant is None:
        return [first]
    constants = Case(case.name, variant.proto, variant.inputs, variant.outputs)
    return [first, run_once(worker, folder, constants, "constants", known)]


def verdict(results: Sequence[Result]) -> Result:
    """Return the result that counts of one test's: a wrong one if there is any, else the best."""
    wrong = [r for r in results if r.outcome == "wrong"]
    return wrong[0] if wrong else min(results, key=lambda r: ORDER.index(r.outcome))


def run_once(worker: Worker, folder: Path, case: Case, how: str, known: Mapping[str, Result]) -> Result:
    """Compile and run one test the way `zkml compile` would."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.proto)
    node = proto.graph.node[0]
    opset = next((o.version for o in proto.opset_import if o.domain == node.domain), 0)
    attributes = tuple(sorted(f"{a.name}={text}" for a in node.attribute if (text := brief(a)) is not None))
    about: dict[str, Any] = {"case": case.name, "op": node.op_type, "opset": opset, "how": how, "attributes": attributes}

    def refused(reason: str, rules: tuple[str, ...] = ()) -> Result:
        return Result(**about, outcome="refused", reason=plain_text(reason), rules=rules)

    try:
        given = from_proto(proto, path=Path(f"{case.name}.onnx"))
        model = normalise(given)
        samples = make_samples({k: v[None] for k, v in case.inputs.items()}, given)
        check_rewritten(given, model, samples)
    except InternalFault as e:
        return Result(**about, outcome="wrong", reason=f"{e.code}: {e.message}"[:MAX_REASON])
    except ZkmlError as e:
        return refused(f"{e.code}: {e.message}")
    rules = tuple(dict.fromkeys(rule for r in model.rewrites for rule in r.rules))
    about["digest"] = hashlib.sha256(model.to_bytes()).hexdigest()[:16]
    earlier = known.get(f"{case.name} {how} {about['digest']}")
    amiss = [u for u in support(model) if u.kind == "wrong"]
    if amiss:
        return refused("; ".join(f"{u.op}: {u.reason}" for u in amiss), rules)
    if earlier is not None and not earlier.silenced:
        return earlier
    paths = {name: folder / name for name in ("m.onnx", "s.json", "c.ezkl", "i.json", "w.json")}
    paths["m.onnx"].write_bytes(model.to_bytes())
    paths["i.json"].write_bytes(to_ezkl_json(samples[0], model))
    paths["w.json"].unlink(missing_ok=True)
    try:
        worker.call("gen_settings", model=paths["m.onnx"], output=paths["s.json"], py_run_args=ARGS.as_ezkl())
        worker.call("compile_circuit", model=paths["m.onnx"], compiled_circuit=paths["c.ezkl"], settings_path=paths["s.json"])
        worker.call("gen_witness", data=paths["i.json"], model=paths["c.ezkl"], output=paths["w.json"])
    except ZkmlError as e:
        if e.code == "ezkl-crash" and int(e.details.get("status", 1)) > 0:
            raise
        return refused(f"EZKL says: {e.details.get('ezkl') or e.message}", rules)
    rows = int(read_json(paths["s.json"], what="settings")["num_rows"])
    error, message = difference(read_json(paths["w.json"], what="witness"), case.outputs, exact)
    if message and explained(given, dict(samples[0]), error):
        message, about["reason"] = "", EXPLAINED
    if message:
        return Result(**about, outcome="wrong", rules=rules, rows=rows, error=error, reason=message)
    return Result(**about, outcome="rewritten" if rules else "right", rules=rules, rows=rows, error=error)


def explained(model: Model, sample: dict[str, np.ndarray], error: float) -> bool:
    """Return whether inputs that differ in their last digits move the model's outputs as far as they are off."""
    try:
        floats = Runner(model)
    except ModelError:
        return False
    expected = finite(floats, sample)
    if expected is None:
        return False
    far = [float(moved(floats, sample, k, v, ARGS.input_scale).max(initial=0.0)) for k, v in expected.items()]
    furthest = max(far, default=0.0)
    return error <= ABSOLUTE + (1 + RELATIVE) * furthest < np.inf


def exact(want: np.ndarray) -> float:
    """Return how far an output may be from `want`: booleans and integers must be met."""
    return 0.25 if want.dtype.kind in "iub" else tolerance(want)


def brief(attribute: onnx.AttributeProto) -> str | None:
    """Return an attribute's value as a short text, None for tensors and graphs."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, (int, float, str)):
        return str(value)[:40]
    if isinstance(value, list) and value and isinstance(value[0], (int, float, bytes)):
        return " ".join(v.decode() if isinstance(v, bytes) else str(v) for v in value)[:40]
    return None


def plain_text(reason: str) -> str:
    """Return a reason on one line, without the names that tests give their values."""
    text = " ".join(reason.split())
    return re.sub(r"0x[0-9a-f]+", "…", text)[:MAX_REASON]
