"""Operators that EZKL compiles into another function than ONNX's, without a word, and when it does.

Each rule names the condition under which the result differs. Found by running the node tests of the `onnx` package (see
`conformance`) and by experiments with the EZKL 23.0.5 wheel; `docs/operators.md` has the measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zkml.model.features import Node
from zkml.model.model import Model

FLOATS = ("double", "float16", "bfloat16")


@dataclass(frozen=True)
class Wrong:
    """A node that computes something else once compiled: what, and what to do about it."""

    reason: str
    remedy: str


def _integer(node: Node) -> bool:
    return any(f.startswith("type:") and f[5:] not in (*FLOATS, "bool") for f in node.features)


def _cast_down(node: Node) -> bool:
    to = next((f[3:] for f in node.features if f.startswith("to:")), "float")
    whole = to not in ("float", *FLOATS)
    source = next((f[5:] for f in node.features if f.startswith("type:")), "float")
    return whole and (source in ("float", *FLOATS) or to == "bool")


RULES: tuple[tuple[frozenset[str], Callable[[Node], bool], Wrong], ...] = (
    (
        frozenset({"MaxPool"}),
        lambda n: "pads" in n.features or any(f.startswith("auto_pad=SAME") for f in n.features),
        Wrong(
            "pads with 0 instead of minus infinity", "pad with a large negative constant by Pad before a MaxPool without padding"
        ),
    ),
    (
        frozenset({"MaxPool", "AveragePool", "LpPool"}),
        lambda n: "dilations" in n.features,
        Wrong("ignores the dilation", "split the input by strided Slice and pool without dilation"),
    ),
    (
        frozenset({"MaxPool", "AveragePool", "LpPool"}),
        lambda n: "ceil_mode=1" in n.features,
        Wrong("ignores ceil_mode", "pad the input so that windows fit, and drop ceil_mode"),
    ),
    (
        frozenset({"AveragePool"}),
        lambda n: (
            ("pads" in n.features or any(f.startswith("auto_pad=SAME") for f in n.features))
            and "count_include_pad=1" not in n.features
        ),
        Wrong("counts the padding in the mean", "export with count_include_pad=1, or pool without padding"),
    ),
    (
        frozenset({"LSTM", "GRU", "RNN"}),
        lambda n: "direction=reverse" in n.features,
        Wrong("runs forwards", "reverse the sequence by Slice with step -1 before and after a forward layer"),
    ),
    (
        frozenset({"LSTM", "GRU", "RNN"}),
        lambda n: "layout=1" in n.features,
        Wrong("takes the batch for the sequence", "export with layout=0"),
    ),
    (
        frozenset({"Celu"}),
        lambda _: True,
        Wrong("takes another slope below zero when alpha is not 1", "use alpha * Elu(x / alpha)"),
    ),
    (
        frozenset({"SpaceToDepth"}),
        lambda n: "mode=CRD" in n.features,
        Wrong("orders the channels as in the mode DCR", "use Reshape and Transpose"),
    ),
    (
        frozenset({"Cast"}),
        _cast_down,
        Wrong(
            "rounds down, where ONNX rounds towards zero (to an integer) or asks whether it is zero (to bool)",
            "use Floor if that is meant, or compare with 0 for bool",
        ),
    ),
    (
        frozenset({"Div"}),
        _integer,
        Wrong("divides as real numbers, where ONNX drops the fraction", "divide as floats and apply Floor"),
    ),
    (
        frozenset({"GlobalLpPool"}),
        lambda _: True,
        Wrong("takes the root of the mean, not of the sum", "use ReduceL2 or ReduceL1 over the spatial axes"),
    ),
    (
        frozenset({"Trilu"}),
        lambda n: "input0:constant" not in n.features,
        Wrong("masks nothing in the circuit", "multiply by a constant mask"),
    ),
    (
        frozenset({"Einsum"}),
        lambda n: "sum of three" in n.features,
        Wrong("multiplies a sum along an axis of three operands or more by its length", "split it into einsums of two operands"),
    ),
    (
        frozenset({"ScatterElements", "ScatterND"}),
        lambda n: any(f.startswith("reduction=") for f in n.features),
        Wrong("ignores the reduction and overwrites", "gather, add and scatter without reduction, or use a constant matrix"),
    ),
    (
        frozenset({"QuantizeLinear", "DequantizeLinear"}),
        lambda n: "scale:many" in n.features,
        Wrong("applies the scales along the wrong axis", "quantise per tensor, or leave the model in floats"),
    ),
    (
        frozenset({"MatMulInteger", "QLinearMatMul", "ConvInteger", "QLinearConv"}),
        lambda _: True,
        Wrong("misplaces zero points and does not saturate", "leave the model in floats: the circuit quantises it"),
    ),
    (
        frozenset({"QuantizeLinear"}),
        lambda _: True,
        Wrong("does not saturate", "leave the model in floats: the circuit quantises it"),
    ),
    (
        frozenset({"InstanceNormalization"}),
        lambda n: "many samples" in n.features,
        Wrong("normalises over the whole batch", "use a batch of one"),
    ),
)


def wrong(node: Node) -> Wrong | None:
    """Return what is wrong with a node once compiled, or None."""
    if node.domain != "ai.onnx":
        return None
    return next((w for ops, applies, w in RULES if node.op in ops and applies(node)), None)


EQUAL_AS_NUMBER = Wrong(
    "gives 2^-scale where the model gives 1, because the result of Equal is read as a number",
    "use Where(Equal(a, b), 1, 0), or LessOrEqual and GreaterOrEqual, whose results EZKL reads rightly",
)


def equals_read_as_numbers(model: Model) -> frozenset[str]:
    """Return the names of `Equal` nodes whose result is cast or an output: EZKL keeps the truth value at the operands' scale."""
    graph = model.proto.graph
    read = {name for node in graph.node if node.op_type == "Cast" for name in node.input} | {o.name for o in graph.output}
    return frozenset(node.name for node in graph.node if node.op_type == "Equal" and read.intersection(node.output))
