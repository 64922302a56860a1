"""What a model's script returns, and how it becomes a folder: model, samples, card."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from models import count, metric, runtime
from models.data import Split
from models.graph import OPSET, to_bytes
from zkml.files import write_atomic, write_json

Array = npt.NDArray[Any]
ROOT = Path(__file__).parent
CARD_FORMAT = "zkml.model-card/1"
LICENCE = "MIT OR Apache-2.0"


@dataclass(frozen=True)
class Tensor:
    """A line of the card about one input or output: what it means, and the values that it takes."""

    meaning: str
    values: str


@dataclass(frozen=True)
class Built:
    """A trained model with its whole test set, ready to be written.

    `inputs` maps tensor names to (n, …) arrays of the test set; `expected_key` is `label`, `target`, or None
    when the output is measured against the input itself.
    """

    model: onnx.ModelProto
    task: str
    description: str
    data: Split
    inputs: dict[str, Array]
    expected_key: str | None
    metric: str
    input_notes: dict[str, Tensor]
    output_notes: dict[str, Tensor]
    samples: int
    tools: tuple[str, ...]
    threshold: float | None = None
    notes: tuple[str, ...] = ()


def names() -> list[str]:
    """Return the names of the models that have a script, sorted."""
    return sorted(p.parent.name for p in ROOT.glob("*/build.py"))


def write(name: str, built: Built, root: Path = ROOT) -> dict[str, Any]:
    """Write `model.onnx`, `samples.npz` and `card.json` of one model under `root` and return the card."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    model = to_bytes(built.model)
    expected = next(iter(built.inputs.values())).astype(np.float32) if built.expected_key is None else built.data.y_test
    output = runtime.predict(model, built.inputs)
    shipped = min(built.samples, len(output))

    def measured(rows: int) -> dict[str, Any]:
        value = metric.score(built.metric, output[:rows], expected[:rows], threshold=built.threshold)
        return {"samples": rows, "value": round(value, 6)}

    arrays = {tensor: x[:shipped] for tensor, x in built.inputs.items()}
    if built.expected_key is not None:
        arrays[built.expected_key] = expected[:shipped]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    card = {
        "format": CARD_FORMAT,
        "name": name,
        "task": built.task,
        "description": built.description,
        "licence": LICENCE,
        "data": {
            "source": built.data.source,
            "licence": built.data.licence,
            "process": built.data.process,
            "training_samples": len(built.data.x_train),
            "classes": list(built.data.classes),
        },
        "metric": {
            "name": built.metric,
            "higher_is_better": metric.HIGHER_IS_BETTER[built.metric],
            "threshold": built.threshold,
            "against": built.expected_key or next(iter(built.inputs)),
            "test": measured(len(output)),
            "shipped": measured(shipped),
        },
        "inputs": [_tensor(v, built.input_notes[v.name]) for v in built.model.graph.input],
        "outputs": [_tensor(v, built.output_notes[v.name]) for v in built.model.graph.output],
        "parameters": count.parameters(built.model),
        "multiply_accumulates": count.multiply_accumulates(built.model),
        "opset": OPSET,
        "notes": list(built.notes),
        "model_sha256": hashlib.sha256(model).hexdigest(),
        "built_with": versions(built.tools),
    }
    write_atomic(folder / "model.onnx", model)
    write_atomic(folder / "samples.npz", buffer.getvalue())
    write_json(folder / "card.json", card)
    return card


def versions(tools: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python and of the named distributions that are installed here."""
    return {"python": platform.python_version()} | {t: importlib.metadata.version(t) for t in tools}


def _tensor(value: onnx.ValueInfoProto, note: Tensor) -> dict[str, Any]:
    tensor = value.type.tensor_type
    return {
        "name": value.name,
        "shape": [d.dim_value for d in tensor.shape.dim],
        "dtype": onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
        "meaning": note.meaning,
        "values": note.values,
    }
