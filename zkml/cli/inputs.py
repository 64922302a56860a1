"""The inputs of a proof as the command line names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zkml.bundle import Bundle
from zkml.cli.srs_choice import choose_srs
from zkml.errors import SampleError
from zkml.keys.srs import Srs
from zkml.model import Model, load_samples
from zkml.settings import read_settings
from zkml.witness.engine import committed


def one_sample(source: str, model: Model, index: int) -> Mapping[str, np.ndarray]:
    """Return one sample of a file or of stdin. Raises `SampleError`."""
    samples = load_samples(source, model)
    if not 0 <= index < len(samples):
        raise SampleError(f"there is no sample {index}: {source} has {len(samples)}", code="sample-index")
    return samples[index]


def bundle_srs(bundle: Bundle, path: Path | None, *, allow_unsafe: bool) -> Srs | None:
    """Return the SRS where making a witness needs one (committed tensors), else None."""
    settings = read_settings(bundle.path("settings"))
    return choose_srs(settings["run_args"]["logrows"], path, allow_unsafe=allow_unsafe) if committed(settings) else None
