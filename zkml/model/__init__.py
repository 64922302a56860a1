"""Models: read, checked, normalised, their samples, and which of their operators can be compiled."""

from zkml.model.load import from_proto, load
from zkml.model.model import Model, Rewritten, Tensor
from zkml.model.normalise import normalise
from zkml.model.operators import Unsupported, check_support, support
from zkml.model.rewrite.check import check_rewritten
from zkml.model.run import run_all, run_float
from zkml.model.samples import Samples, load_labels, load_samples, make_samples, random_samples, to_ezkl_json, write_ezkl_json

__all__ = [
    "Model",
    "Rewritten",
    "Samples",
    "Tensor",
    "Unsupported",
    "check_rewritten",
    "check_support",
    "from_proto",
    "load",
    "load_labels",
    "load_samples",
    "make_samples",
    "normalise",
    "random_samples",
    "run_all",
    "run_float",
    "support",
    "to_ezkl_json",
    "write_ezkl_json",
]
