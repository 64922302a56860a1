"""Make the circuits and keys of the rarer recipes with the EZKL wheel: `python -m tests.graph.keys.make [NAME …]`.

Each folder gets EZKL's `c.ezkl`, `vk.key`, and `witness.json` where the values of fixed tensors are constants of the circuit; the
SRS, an unsafe one, is `srs/k8.srs`. EZKL writes hash maps in a random order and its generator draws a new SRS: a second run gives
other bytes of the same meaning, and the keys of all folders change together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.graph.fixtures.make import _model, _weights, run_args

HERE = Path(__file__).parent
LOGROWS = 8
Case = tuple[onnx.ModelProto, list[np.ndarray[Any, Any]], dict[str, Any]]
FREIVALDS = {"disable_freivalds": False}
UNIT = 1 / 128
"""What an index is divided by: inputs are scaled by 2^7."""


def _values(*shape: int) -> np.ndarray[Any, Any]:
    return np.asarray(np.random.default_rng(3).integers(-12, 12, shape) / 8, dtype=np.float32)


def _case(
    nodes: list[onnx.NodeProto],
    inputs: list[np.ndarray[Any, Any]],
    shape: tuple[int, ...],
    constants: dict[str, Any] | None = None,
    *,
    output_type: int = TensorProto.FLOAT,
    **options: Any,
) -> Case:
    named = {f"x{i}": value.shape for i, value in enumerate(inputs)}
    return _model(nodes, named, {"y": shape}, constants, output_type=output_type), inputs, options


def _node(operator: str, *inputs: str, to: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, list(inputs), [to], **attributes)


def _einsum(equation: str, shapes: list[tuple[int, ...]], out: tuple[int, ...], **options: Any) -> Case:
    node = _node("Einsum", *(f"x{i}" for i in range(len(shapes))), equation=equation)
    return _case([node], [_values(*s) for s in shapes], out, **options)


def _gemm(**options: Any) -> Case:
    constants = {"w": _weights(2, 3), "b": _weights(2, seed=1)}
    nodes = [_node("Gemm", "x0", "w", "b", to="h", transB=1), _node("Relu", "h")]
    return _case(nodes, [_values(1, 3)], (1, 2), constants, **options)


def _whole(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array(numbers, dtype=np.int64)


def _index(*shape: int, values: list[int]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.float32).reshape(shape) * np.float32(UNIT)


def _cast(name: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [name], ["i"], to=TensorProto.INT64)


def _recurrent(operator: str, gates: int) -> Case:
    constants = {"w": _weights(1, gates * 2, 2), "r": _weights(1, gates * 2, 2, seed=1)}
    node = helper.make_node(operator, ["x0", "w", "r"], ["y"], hidden_size=2)
    return _case([node], [_values(3, 1, 2)], (3, 1, 1, 2), constants)


def _twice(**options: Any) -> Case:
    nodes = [_node("Mul", "x0", "w", to="h"), _node("Add", "h", "w")]
    return _case(nodes, [_values(1, 3)], (1, 3), {"w": _weights(1, 3)}, **options)


def _recurrent_twice(**options: Any) -> Case:
    """Return a recurrence between parameters that are used once and more often."""
    nodes = [
        helper.make_node("RNN", ["x0", "w", "r"], ["h"], hidden_size=2),
        _node("MatMul", "h", "m", to="a"),
        _node("Add", "a", "c", to="b"),
        _node("Mul", "b", "c"),
    ]
    constants = {"w": _weights(1, 2, 2), "r": _weights(1, 2, 2, seed=1), "m": _weights(2, 2, seed=5), "c": _weights(1, 2, seed=6)}
    return _case(nodes, [_values(3, 1, 2)], (3, 1, 1, 2), constants, **options)


HALVES = np.array([[0.5, -1.25, 1.5, 2.375]], dtype=np.float32)
COMMITTED = {"input_visibility": "polycommit"}

CASES: dict[str, Case] = {
    "gather_nd": _case([_cast("x1"), _node("GatherND", "x0", "i")], [_values(3, 4), _index(2, 2, values=[0, 1, 2, 3])], (2,)),
    "gather_nd_slices": _case([_cast("x1"), _node("GatherND", "x0", "i")], [_values(3, 4), _index(2, 1, values=[1, 2])], (2, 4)),
    "one_hot": _case(
        [_cast("x0"), _node("OneHot", "i", "depth", "values", axis=-1)],
        [_index(2, values=[1, 3])],
        (2, 4),
        {"depth": _whole(4), "values": np.array([0, 1], dtype=np.float32)},
    ),
    "arg_min": _case([_node("ArgMin", "x0", axis=0, keepdims=1)], [_values(3, 2)], (1, 2), output_type=TensorProto.INT64),
    "ceil": _case([_node("Ceil", "x0")], [HALVES], (1, 4)),
    "floor": _case([_node("Floor", "x0")], [HALVES], (1, 4)),
    "round": _case([_node("Round", "x0")], [HALVES], (1, 4)),
    "broadcast": _case(
        [_node("Expand", "x0", "shape", to="e"), _node("Add", "e", "x1")],
        [_values(1, 3), _values(4, 3)],
        (4, 3),
        {"shape": _whole(4, 3)},
    ),
    "downsample": _case(
        [_node("Relu", "x0", to="r"), _node("Slice", "r", "from", "until", "axes", "steps")],
        [_values(4, 6)],
        (4, 2),
        {"from": _whole(0), "until": _whole(6), "axes": _whole(1), "steps": _whole(3)},
    ),
    "resize": _case(
        [
            helper.make_node(
                "Resize",
                ["x0", "", "scales"],
                ["y"],
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
        ],
        [_values(1, 1, 2, 2)],
        (1, 1, 4, 4),
        {"scales": np.array([1, 1, 2, 2], dtype=np.float32)},
    ),
    "trilu": _case([_node("Trilu", "x0", upper=1)], [_values(3, 3)], (3, 3)),
    "divide": _case([_node("Div", "x0", "c")], [_values(1, 3)], (1, 3), {"c": np.array([2.7], dtype=np.float32)}),
    "mean_of_seven": _case([_node("ReduceMean", "x0", axes=[1], keepdims=1)], [_values(1, 7)], (1, 1)),
    "einsum_chain": _einsum("ij,jk,kl->il", [(2, 2), (2, 3), (3, 2)], (2, 2)),
    "einsum_unshared": _einsum("ij,k->i", [(2, 3), (2,)], (2,)),
    "freivalds": _einsum("mk,kn->mn", [(2, 3), (3, 2)], (2, 2), **FREIVALDS),
    "freivalds_batch": _einsum("bmk,kn->bmn", [(2, 3, 2), (2, 2)], (2, 3, 2), **FREIVALDS),
    "freivalds_chain": _einsum("ij,jk,kl->il", [(2, 2), (2, 3), (3, 2)], (2, 2), **FREIVALDS),
    "freivalds_one_free": _einsum("ij,jk->i", [(2, 3), (3, 2)], (2,), **FREIVALDS),
    "hashed_output": _gemm(output_visibility="hashed/public"),
    "hashed_parameters_twice": _twice(param_visibility="hashed/public"),
    "committed_parameters_twice": _twice(param_visibility="polycommit"),
    "committed_parameters_recurrent": _recurrent_twice(param_visibility="polycommit"),
    "committed_and_hashed": _gemm(**COMMITTED, output_visibility="hashed/public"),
    "committed_freivalds": _einsum(
        "mk,kn->mn", [(2, 3), (3, 2)], (2, 2), **FREIVALDS, **COMMITTED, output_visibility="hashed/public"
    ),
    "fixed_input": _gemm(input_visibility="fixed"),
    "recurrent": _recurrent("RNN", 1),
}


def make(name: str) -> None:
    """Write the folder of one case."""
    model, inputs, options = CASES[name]
    committed = "polycommit" in options.values()
    fixed = "fixed" in options.values()
    srs = HERE / "srs" / f"k{LOGROWS}.srs"
    if not srs.is_file():
        ezkl.gen_srs(str(srs), LOGROWS)
    with TemporaryDirectory() as scratch:

        def path(file: str) -> str:
            return str(Path(scratch) / file)

        onnx.save(model, path("network.onnx"))
        Path(path("input.json")).write_text(json.dumps({"input_data": [[v.item() for v in x.reshape(-1)] for x in inputs]}))
        ezkl.gen_settings(path("network.onnx"), path("settings.json"), py_run_args=run_args(logrows=LOGROWS, **options))
        ezkl.compile_circuit(path("network.onnx"), path("c.ezkl"), path("settings.json"))
        if not committed:
            ezkl.gen_witness(path("input.json"), path("c.ezkl"), path("witness.json"), None, None)
        witness = path("witness.json") if fixed else None
        ezkl.setup(
            path("c.ezkl"),
            path("vk.key"),
            path("pk.key"),
            srs_path=str(srs),
            witness_path=witness,
            disable_selector_compression=False,
        )
        if committed:
            ezkl.gen_witness(path("input.json"), path("c.ezkl"), path("witness.json"), path("vk.key"), str(srs))
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        for file in ("c.ezkl", "vk.key", "settings.json", "witness.json"):
            (folder / file).write_bytes(Path(path(file)).read_bytes())


if __name__ == "__main__":
    for chosen in sys.argv[1:] or CASES:
        make(chosen)
