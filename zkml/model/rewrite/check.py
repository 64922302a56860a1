"""The given model and the one it was rewritten into, run side by side in floats on data that reaches the corners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from zkml.errors import InternalFault, ModelError
from zkml.model.model import Model
from zkml.model.rewrite.ties import deciding_values, undecided
from zkml.model.run import Runner
from zkml.model.samples import Samples, numpy_type

MAX_GIVEN = 8
"""Of the user's samples as many are run; the made ones reach what they do not."""

ABSOLUTE, RELATIVE = 1e-5, 2e-4
"""Outputs are the same within ABSOLUTE plus RELATIVE times their largest magnitude: what the order of additions explains."""

Values = Mapping[str, np.ndarray]


def corner_samples(model: Model, seed: int = 0) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield named samples that reach the corners of operators: random, negative, zero, ties, large, and nothing but a border."""
    rng = np.random.default_rng(seed)

    def numbers(kind: str, shape: tuple[int, ...]) -> np.ndarray:
        match kind:
            case "random":
                return rng.normal(size=shape)
            case "negative":
                return -np.abs(rng.normal(size=shape)) - 0.25
            case "zero":
                return np.zeros(shape)
            case "ties":
                return rng.integers(-2, 3, size=shape) / 2
            case "large":
                return rng.normal(size=shape) * 20
            case _:
                inner = np.zeros(shape)
                inner[tuple(slice(1, -1) if n > 2 else slice(0, 0) for n in shape)] = 1
                return np.where(inner == 1, 0.0, rng.normal(size=shape) - 2)

    for kind in ("random", "negative", "zero", "ties", "large", "border"):
        sample = {}
        for tensor in model.inputs:
            dtype = numpy_type(tensor)
            if dtype.kind == "b":
                value = rng.integers(0, 2, size=tensor.shape) if kind != "zero" else np.zeros(tensor.shape)
            elif dtype.kind == "u":
                value = np.abs(np.round(numbers(kind, tensor.shape)))
            else:
                value = np.round(numbers(kind, tensor.shape)) if dtype.kind == "i" else numbers(kind, tensor.shape)
            sample[tensor.name] = value.astype(dtype)
        yield kind, sample


def check_rewritten(given: Model, rewritten: Model, samples: Samples | None = None) -> tuple[str, ...]:
    """Compare both models in onnxruntime on the user's samples and on made ones; return notes on what could not be compared.

    Nothing is run when nothing was rewritten. Made samples that the given model cannot take are left out. Raises `InternalFault`
    naming the user's node whose value first differs, `ModelError` when the given model runs on a sample and the rewritten one
    does not.
    """
    if not rewritten.rewrites:
        return ()
    shared = [name for node in given.proto.graph.node for name in node.output if name and name in rewritten.shapes]
    try:
        before = Runner(given, shared)
    except ModelError:
        return ("onnxruntime cannot run the given model, so its rewriting was not compared with it",)
    after = Runner(rewritten, [*shared, *deciding_values(rewritten)])
    named = [(f"sample {i}", samples[i]) for i in range(min(len(samples), MAX_GIVEN))] if samples is not None else []
    compared = 0
    for what, sample in [*named, *corner_samples(rewritten)]:
        try:
            expected = before.run(sample)
        except ModelError:
            if what.startswith("sample "):
                raise
            continue
        got = after.run(sample)
        if not _equal(rewritten, expected, got) and undecided(rewritten, got):
            continue  # a label between two classes that rounding alone sets apart
        _compare(given, rewritten, expected, got, what)
        compared += 1
    if not compared:
        return ("no made sample runs in the given model, so its rewriting was not compared with it",)
    return ()


def _equal(rewritten: Model, expected: Values, got: Values) -> bool:
    return all(same(expected[o.name], got[o.name]) for o in rewritten.outputs)


def _compare(given: Model, rewritten: Model, expected: Values, got: Values, what: str) -> None:
    """Raise `InternalFault` when an output differs, naming the first of the user's nodes whose value does."""
    if _equal(rewritten, expected, got):
        return
    for node in given.proto.graph.node:
        for name in node.output:
            if name in expected and name in got and not same(expected[name], got[name]):
                rules = next((r.rules for r in rewritten.rewrites if r.node == node.name), ())
                by = f" by {', '.join(rules)}" if rules else ""
                raise InternalFault(
                    f"node {node.name or name} ({node.op_type}) computes something else after rewriting{by}, on {what}",
                    hint="compile with --no-rewrite, and report the model",
                    code="rewrite-differs",
                    node=node.name or None,
                    details={"sample": what, "value": name},
                )
    raise InternalFault(
        f"the model computes something else after rewriting, on {what}",
        hint="compile with --no-rewrite, and report the model",
        code="rewrite-differs",
    )


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays are equal but for rounding; where one is not finite the other need not be anything."""
    if a.shape != b.shape:
        return False
    if a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return bool(np.array_equal(a, b))
    x, y = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return True
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return bool((a == b).all())
    largest = float(np.abs(x[finite]).max())
    unit = 1e-2 if a.dtype == np.float16 else RELATIVE
    return bool((np.abs(x[finite] - y[finite]) <= ABSOLUTE + unit * largest).all())
