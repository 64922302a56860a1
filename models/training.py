"""Training with PyTorch and export to ONNX, the same bits every time: one thread, fixed seeds."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

from models.data import SEED
from models.graph import OPSET, canonical

TOOLS = ("numpy", "onnx", "onnxscript", "scikit-learn", "torch")
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def start() -> None:
    """Seed the generator and forbid what is not deterministic; to be called before the network is made."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(
    network: nn.Module,
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32] | npt.NDArray[np.int64],
    loss: Loss,
    *,
    epochs: int,
    batch: int = 64,
    rate: float = 2e-3,
    decay: float = 1e-4,
) -> None:
    """Train in place with AdamW and a one-cycle learning rate up to `rate`, then switch to inference."""
    inputs, wanted = torch.from_numpy(x), torch.from_numpy(y)
    steps = (len(inputs) + batch - 1) // batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=epochs * steps)
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs)).split(batch):
            optimiser.zero_grad()
            loss(network(inputs[chosen]), wanted[chosen]).backward()
            optimiser.step()
            schedule.step()
    network.eval()


def export(network: nn.Module, name: str, shape: tuple[int, ...], input_name: str, output_name: str) -> onnx.ModelProto:
    """Return the network as an ONNX model of one fixed-shape input, in canonical form."""
    program = torch.onnx.export(
        network,
        (torch.zeros(shape),),
        input_names=[input_name],
        output_names=[output_name],
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    buffer = io.BytesIO()
    program.save(buffer)
    model = onnx.load_from_string(buffer.getvalue())
    model.graph.name = name
    return canonical(model)
