"""Normalisations that EZKL refuses or takes over the wrong axes, by their definitions."""

from __future__ import annotations

import numpy as np

from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def instance(site: Site) -> list[str] | None:
    """Precondition: more than one sample, constant scale and bias; one sample is left to EZKL."""
    shape = site.shape(site.input(0))
    scale, bias = site.constant(site.input(1)), site.constant(site.input(2))
    if shape is None or shape[0] == 1 or scale is None or bias is None:
        return None
    n, c = shape[:2]
    value = site.op_(
        "InstanceNormalization",
        site.reshape(site.input(0), [1, n * c, *shape[2:]]),
        site.const(np.tile(scale, n), "scale"),
        site.const(np.tile(bias, n), "bias"),
        epsilon=site.attribute("epsilon", 1e-5),
    )
    return [site.reshape(value, shape)]


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
        "each channel of each sample is normalised alone: the samples' channels are channels of one sample",
        instance,
    ),
    Rule("batch-normalization", frozenset({"BatchNormalization"}), "the definition", batch),
    Rule(
        "local-response",
        frozenset({"LRN"}),
        "the sums over neighbouring channels are a product with a band matrix, and d^−β = exp(−β·ln d) for d > 0",
        local_response,
    ),
)
