"""Models: read, checked, normalised, their samples, and which of their operators can be compiled."""

from zkml.model.load import load
from zkml.model.model import Model, Tensor
from zkml.model.normalise import normalise
from zkml.model.run import run_all, run_float
from zkml.model.samples import Samples, load_samples, make_samples, to_ezkl_json, write_ezkl_json

__all__ = [
    "Model",
    "Samples",
    "Tensor",
    "load",
    "load_samples",
    "make_samples",
    "normalise",
    "run_all",
    "run_float",
    "to_ezkl_json",
    "write_ezkl_json",
]
