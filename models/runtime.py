"""The float reference: onnxruntime, one thread, one sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[Any]


def predict(model: bytes, inputs: dict[str, Array]) -> Array:
    """Return the first output of every sample, stacked on the output's batch axis.

    `inputs` maps tensor names to arrays whose first axis is the sample; each sample is run as a batch of one.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    count = len(next(iter(inputs.values())))
    return np.concatenate([session.run(None, {name: x[i : i + 1] for name, x in inputs.items()})[0] for i in range(count)])


def require_agreement(model: bytes, inputs: dict[str, Array], expected: Array, tolerance: float) -> None:
    """Check that a graph written by hand computes what the library that fitted it predicts.

    Raises `ValueError` with the largest difference when it exceeds `tolerance`.
    """
    got = predict(model, inputs)
    worst = float(np.abs(got.reshape(len(got), -1) - expected.reshape(len(expected), -1)).max())
    if not worst <= tolerance:
        raise ValueError(f"the graph differs from the fitted model by {worst}, more than {tolerance}")
