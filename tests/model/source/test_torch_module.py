"""Modules of torch are exported by both exporters and computed as torch does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zkml.errors import SampleError
from zkml.model import check_rewritten, from_proto, make_samples, normalise
from zkml.model.operators import support
from zkml.model.run import run_float
from zkml.model.source import export

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

pytestmark = pytest.mark.slow


def block() -> Any:
    torch.manual_seed(0)
    return torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")


def both_ways() -> Any:
    class Tagger(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.recurrence = torch.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
            self.score = torch.nn.Linear(8, 2)

        def forward(self, words: Any) -> Any:
            return self.score(self.recurrence(words)[0])

    torch.manual_seed(0)
    return Tagger()


def dilated() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, dilation=2), torch.nn.ReLU(), torch.nn.Conv2d(2, 2, 3, padding=1))


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
@pytest.mark.parametrize("opset", range(13, 24))
def test_a_transformer_block_is_supported_by_both_exporters_at_every_opset(exporter: str, opset: int) -> None:
    """torch's older exporter writes attention from opset 14 on."""
    if exporter == "torchscript" and opset < 14:
        pytest.skip("torch has no attention at this opset")
    supported(block(), drawn(4, 5, 8), exporter=exporter, opset=opset)


@pytest.mark.parametrize("exporter", ["dynamo", "torchscript"])
@pytest.mark.parametrize(("make", "shape"), [(both_ways, (4, 5, 3)), (dilated, (4, 1, 8, 8))])
def test_recurrence_both_ways_and_dilation_are_supported(make: Any, shape: tuple[int, ...], exporter: str) -> None:
    supported(make(), drawn(*shape), exporter=exporter)


def supported(module: Any, samples: np.ndarray, **options: Any) -> None:
    made = export(module, samples, **options)
    given = from_proto(made.proto)
    normal = normalise(given)
    assert support(normal) == ()
    arrays = make_samples(made.arrays, normal)
    assert check_rewritten(given, normal, arrays) == ()
    got = run_float(normal, arrays)[normal.outputs[0].name]
    expected = module.eval()(torch.from_numpy(samples)).detach().numpy()
    np.testing.assert_allclose(got.reshape(expected.shape), expected, atol=1e-4)


def test_two_inputs_are_named_by_forward() -> None:
    class Sum(torch.nn.Module):  # type: ignore[misc]
        def forward(self, left: Any, right: Any) -> Any:
            return left + 2 * right

    made = export(Sum(), (drawn(3, 4), drawn(3, 4)))
    assert list(made.arrays) == ["left", "right"]
    assert list(export(Sum(), {"right": drawn(3, 4), "left": drawn(3, 4)}).arrays) == ["left", "right"]
    with pytest.raises(SampleError, match="different numbers"):
        export(Sum(), (drawn(3, 4), drawn(2, 4)))
