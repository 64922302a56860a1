"""Small models, and what EZKL makes of them, for the tests of this folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from zkml.ezkl import Worker
from zkml.settings import RunArgs

RUN_ARGS = RunArgs(logrows=10, decomp_base=16, decomp_legs=4, input_scale=4, param_scale=4, lookup_range=(-256, 256))


def node(operator: str, inputs: str, output: str, name: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(" "), [output], name=name, **attributes)


def save(
    path: Path, nodes: Sequence[NodeProto], shape: Sequence[int | str], *, opset: int = 13, weights: dict[str, Any] | None = None
) -> Path:
    """Write a model with the input `x` of this shape and the last node's output, of whatever shape."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, path)
    return path


def save_linear(path: Path) -> Path:
    """Write y = relu(x · w) for an x of shape [1, 3]."""
    weights = {"w": np.ones((3, 2), np.float32)}
    return save(path, [node("MatMul", "x w", "a", "product"), node("Relu", "a", "y", "act")], [1, 3], weights=weights)


def save_input(path: Path, *values: Sequence[float]) -> Path:
    path.write_text(json.dumps({"input_data": list(values)}))
    return path


@dataclass(frozen=True)
class Made:
    """The files of a proved inference of the linear model, in one folder."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        return self.folder / name


def compile_circuit(worker: Worker, model: Path, folder: Path, run_args: RunArgs = RUN_ARGS) -> None:
    worker.call("gen_settings", model=model, output=folder / "settings", py_run_args=run_args.as_ezkl())
    worker.call("compile_circuit", model=model, compiled_circuit=folder / "circuit", settings_path=folder / "settings")


def prove_linear(worker: Worker, folder: Path) -> Made:
    """Go through the whole flow and return its files: model, input, settings, circuit, srs, vk, pk, witness, proof."""
    made = Made(folder)
    compile_circuit(worker, save_linear(made.model), folder)
    worker.call("gen_srs", srs_path=made.srs, logrows=10)
    worker.call("setup", model=made.circuit, vk_path=made.vk, pk_path=made.pk, srs_path=made.srs)
    worker.call("gen_witness", data=save_input(made.input, [1, 2, 3]), model=made.circuit, output=made.witness)
    worker.call("prove", witness=made.witness, model=made.circuit, pk_path=made.pk, proof_path=made.proof, srs_path=made.srs)
    return made
