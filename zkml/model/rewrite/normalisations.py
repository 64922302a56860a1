"""Normalisations that EZKL refuses, takes over the wrong axes, or roots without binding the root, by their definitions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def instance(site: Site) -> list[str] | None:
    """Precondition: the shape is known."""
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None or len(shape) < 3 or site.dtype(x) != "float":
        return None
    value, _, _ = _standardised(site, range(2, len(shape)))
    wide = [1, shape[1]] + [1] * (len(shape) - 2)
    scale, bias = (site.reshape(site.input(i), wide) for i in (1, 2))
    return [site.add(site.mul(value, scale), bias)]


def layer(site: Site) -> list[str] | None:
    """Precondition: the shape is known."""
    x, shape = site.input(0), site.shape(site.input(0))
    if shape is None or site.dtype(x) != "float":
        return None
    axis = site.attribute("axis", -1) % len(shape)
    value, mean, root = _standardised(site, range(axis, len(shape)))
    value = site.mul(value, site.input(1))
    if site.input(2):
        value = site.add(value, site.input(2))
    inverse = site.op_("Reciprocal", root) if site.is_read(2) else ""
    return [value, mean, inverse]


def _standardised(site: Site, axes: Sequence[int]) -> tuple[str, str, str]:
    """Return the node's first input with mean 0 and deviation 1 over `axes`, its mean, its deviation."""
    x = site.input(0)
    mean = site.reduce("ReduceMean", x, axes)
    centred = site.sub(x, mean)
    variance = site.reduce("ReduceMean", site.mul(centred, centred), axes)
    root = site.op_("Sqrt", site.add(variance, site.like(site.attribute("epsilon", 1e-5), x, "epsilon")))
    return site.div(centred, root), mean, root


def batch(site: Site) -> list[str] | None:
    """Precondition: the parameters vary or training statistics are asked for; else it is left to EZKL."""
    x, shape = site.input(0), site.shape(site.input(0))
    training = bool(site.attribute("training_mode", 0))
    if shape is None or len(shape) < 2:
        return None
    if not training and all(site.is_constant(site.input(i)) for i in range(1, 5)):
        return None
    if not training and any(site.is_read(i) for i in range(1, len(site.node.output))):
        return None
    wide = [1, shape[1]] + [1] * (len(shape) - 2)
    scale, bias, mean, variance = (site.reshape(site.input(i), wide) for i in range(1, 5))
    outputs: list[str] = []
    if training:
        axes = [0, *range(2, len(shape))]
        momentum = site.attribute("momentum", 0.9)
        old_mean, old_variance = mean, variance
        mean = site.reduce("ReduceMean", x, axes)
        centred = site.sub(x, mean)
        variance = site.reduce("ReduceMean", site.mul(centred, centred), axes)
        keep, take = site.like(momentum, x, "momentum"), site.like(1 - momentum, x, "rest")
        outputs = [
            site.reshape(site.add(site.mul(old, keep), site.mul(new, take)), [shape[1]])
            for old, new in ((old_mean, mean), (old_variance, variance))
        ]
    root = site.op_("Sqrt", site.add(variance, site.like(site.attribute("epsilon", 1e-5), x, "epsilon")))
    factor = site.div(scale, root)
    return [site.add(site.mul(site.sub(x, mean), factor), bias), *outputs]


def local_response(site: Site) -> list[str] | None:
    """Precondition: the shape is known and the bias positive."""
    x, shape = site.input(0), site.shape(site.input(0))
    alpha, beta = site.attribute("alpha", 1e-4), site.attribute("beta", 0.75)
    bias, size = site.attribute("bias", 1.0), site.attribute("size")
    if shape is None or bias <= 0:
        return None
    c = shape[1]
    low, high = (size - 1) // 2, -(-(size - 1) // 2)
    near = np.arange(c)[None, :] - np.arange(c)[:, None]
    band = np.where((near >= -low) & (near <= high), alpha / size, 0.0)
    squares = site.reshape(site.mul(x, x), [shape[0], c, int(np.prod(shape[2:]))])
    sums = site.reshape(site.op_("MatMul", site.like(band, x, "band"), squares), shape)
    base = site.add(sums, site.like(bias, x, "bias"))
    return [site.mul(x, site.op_("Exp", site.mul(site.op_("Log", base), site.like(-beta, x, "beta"))))]


RULES = (
    Rule(
        "instance-normalization",
        frozenset({"InstanceNormalization"}),
        "the definition: each channel of each sample less its mean, over its deviation",
        instance,
    ),
    Rule("layer-normalization", frozenset({"LayerNormalization"}), "the definition, as of one stage after the other", layer),
    Rule("batch-normalization", frozenset({"BatchNormalization"}), "the definition", batch),
    Rule(
        "local-response",
        frozenset({"LRN"}),
        "the sums over neighbouring channels are a product with a band matrix, and d^−β = exp(−β·ln d) for d > 0",
        local_response,
    ),
)
