"""The place in a graph where a node is replaced: what is known there, and a builder of new nodes.

The builder writes the operators' form at the graph's own opset, which is at least `opset.LEAST_OPSET`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from zkml.model.model import Tensor
from zkml.model.whole import is_whole

REDUCED_BY_INPUT = {
    "ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "ReduceMin": 18, "ReduceProd": 18, "ReduceL1": 18, "ReduceL2": 18,
    "ReduceLogSum": 18, "ReduceLogSumExp": 18, "ReduceSumSquare": 18,
}  # fmt: skip
"""Opset from which a reduction takes its axes as an input."""


def renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Make a node, and the graphs inside it, read other names, in place."""
    for i, name in enumerate(node.input):
        node.input[i] = names.get(name, name)
    for attribute in node.attribute:
        for inner in [attribute.g] if attribute.HasField("g") else list(attribute.graphs):
            own = {v.name for v in [*inner.input, *inner.initializer]} | {o for n in inner.node for o in n.output}
            outer = {k: v for k, v in names.items() if k not in own}
            for child in inner.node:
                renamed(child, outer)
            for output in inner.output:
                output.name = outer.get(output.name, output.name)


class Site:
    """One node of a graph and what is known about its surroundings, with methods that make new nodes and constants.

    Methods that make a node return the name of its (first) output.
    """

    def __init__(
        self,
        node: onnx.NodeProto,
        name: str,
        opset: int,
        shapes: Mapping[str, Tensor],
        constants: Mapping[str, onnx.TensorProto],
        read: set[str],
        taken: set[str],
        makers: Mapping[str, onnx.NodeProto] = MappingProxyType({}),
        readers: Mapping[str, Sequence[onnx.NodeProto]] = MappingProxyType({}),
        outputs: frozenset[str] = frozenset(),
        versions: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.node = node
        self.name = name
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._shapes = shapes
        self._constants = constants
        self._read = read
        self._taken = taken
        self._made: dict[str, np.ndarray] = {}
        self._makers = makers
        self._readers = readers
        self._outputs = outputs
        self._versions = versions

    # what is known

    @property
    def op(self) -> str:
        return self.node.op_type

    @property
    def domain_version(self) -> int:
        """Return the version of the node's own domain."""
        return self._versions.get(self.node.domain or "ai.onnx", 0)

    def input(self, index: int) -> str:
        """Return the name of an input, empty when the node has none there."""
        return self.node.input[index] if index < len(self.node.input) else ""

    def is_read(self, index: int) -> bool:
        """Return whether the node has this output and something reads it."""
        return index < len(self.node.output) and self.node.output[index] in self._read

    def maker(self, name: str) -> onnx.NodeProto | None:
        """Return the node of the graph that makes a value, None for inputs and constants."""
        return self._makers.get(name)

    def readers(self, index: int) -> Sequence[onnx.NodeProto]:
        """Return the nodes that read an output of the node."""
        return self._readers.get(self.node.output[index], ())

    def is_output(self, index: int) -> bool:
        """Return whether an output of the node is one of the model's."""
        return self.node.output[index] in self._outputs

    def tensor(self, name: str) -> Tensor | None:
        """Return shape and type of a value of the graph, None when they are not known."""
        return self._shapes.get(name)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of a value of the graph, None when it is not known."""
        found = self._shapes.get(name)
        return found.shape if found is not None else None

    def dtype(self, name: str) -> str:
        """Return ONNX's name of a value's type in lower case (`float`, `int64`), empty when it is not known."""
        found = self._shapes.get(name)
        return found.dtype if found is not None else ""

    def numpy_type(self, name: str) -> np.dtype[Any]:
        """Return the NumPy type of a value of known type."""
        return np.dtype(helper.tensor_dtype_to_np_dtype(onnx.TensorProto.DataType.Value(self.dtype(name).upper())))

    def constant(self, name: str) -> np.ndarray | None:
        """Return the value of a constant, None when the name is empty or its value depends on the inputs."""
        if name in self._made:
            return self._made[name]
        tensor = self._constants.get(name)
        return np.asarray(numpy_helper.to_array(tensor)) if tensor is not None else None

    def is_constant(self, name: str) -> bool:
        return name in self._made or name in self._constants

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute's value as Python's (text as `str`), or `default` when the node does not have it."""
        for a in self.node.attribute:
            if a.name == name:
                value = helper.get_attribute_value(a)
                if isinstance(value, bytes):
                    return value.decode(errors="replace")
                if isinstance(value, list) and value and isinstance(value[0], bytes):
                    return [v.decode(errors="replace") for v in value]
                return list(value) if not isinstance(value, (int, float, str)) and hasattr(value, "__iter__") else value
        return default

    def is_whole(self, name: str) -> bool:
        """Return whether a value is known to hold integers only."""
        return is_whole(name, self._makers, self._constants, self._shapes)

    # what is made

    def make(self, op: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **attributes: Any) -> list[str]:
        """Add a node and return the names of its outputs."""
        name = self._fresh(f"{self.name}/{op}")
        made = [self._fresh(f"{name}:{i}" if outputs > 1 else f"{name}:out") for i in range(outputs)]
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(helper.make_node(op, list(inputs), made, name=name, domain=domain, **given))
        return made

    def op_(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output and return its name."""
        return self.make(op, inputs, **attributes)[0]

    def const(self, value: np.ndarray, hint: str = "constant") -> str:
        """Add a constant and return its name."""
        name = self._fresh(f"{self.name}/{hint}")
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        self.weights.append(numpy_helper.from_array(array, name))
        self._made[name] = array
        return name

    def like(self, value: float | Sequence[Any] | np.ndarray, name: str, hint: str = "constant") -> str:
        """Add a constant of the type of the value `name` and return its name."""
        return self.const(np.asarray(value).astype(self.numpy_type(name)), hint)

    def ints(self, values: Sequence[int] | np.ndarray, hint: str = "constant") -> str:
        """Add a constant vector of 64-bit integers and return its name."""
        return self.const(np.asarray(values, dtype=np.int64), hint)

    def inline(self, graph: onnx.GraphProto, bound: Mapping[str, str]) -> list[str]:
        """Add the nodes and constants of an inner graph, its inputs bound to values, and return the names of its outputs."""
        names = dict(bound)
        for tensor in graph.initializer:
            names[tensor.name] = self.const(numpy_helper.to_array(tensor), tensor.name)
        self.copy(graph.node, names)
        return [names.get(o.name, o.name) for o in graph.output]

    def copy(self, nodes: Iterable[onnx.NodeProto], names: dict[str, str]) -> None:
        """Add copies of nodes that read `names` in the place of their own; what they make gets a new name there."""
        for node in nodes:
            made = onnx.NodeProto()
            made.CopyFrom(node)
            made.name = self._fresh(f"{self.name}/{node.op_type}")
            renamed(made, names)
            for i, output in enumerate(node.output):
                if output:
                    names[output] = self._fresh(f"{self.name}/{output}")
                    made.output[i] = names[output]
            self.nodes.append(made)

    def add(self, a: str, b: str) -> str:
        return self.op_("Add", a, b)

    def sub(self, a: str, b: str) -> str:
        return self.op_("Sub", a, b)

    def mul(self, a: str, b: str) -> str:
        return self.op_("Mul", a, b)

    def div(self, a: str, b: str) -> str:
        return self.op_("Div", a, b)

    def where(self, condition: str, a: str, b: str) -> str:
        return self.op_("Where", condition, a, b)

    def cast(self, value: str, dtype: str) -> str:
        """Add a cast to the type of ONNX's name in lower case."""
        return self.op_("Cast", value, to=int(onnx.TensorProto.DataType.Value(dtype.upper())))

    def reduce(self, op: str, value: str, axes: Sequence[int] | None, *, keepdims: bool = True) -> str:
        """Add a reduction over `axes`, all when None."""
        if self.opset >= REDUCED_BY_INPUT[op]:
            inputs = [value] if axes is None else [value, self.ints(list(axes), "axes")]
            return self.make(op, inputs, keepdims=int(keepdims))[0]
        return self.op_(op, value, axes=None if axes is None else list(axes), keepdims=int(keepdims))

    def reshape(self, value: str, shape: Sequence[int]) -> str:
        return self.op_("Reshape", value, self.ints(list(shape), "shape"))

    def transpose(self, value: str, perm: Sequence[int]) -> str:
        return self.op_("Transpose", value, perm=list(perm)) if list(perm) != sorted(perm) else value

    def squeeze(self, value: str, axes: Sequence[int]) -> str:
        return self.op_("Squeeze", value, self.ints(list(axes), "axes"))

    def unsqueeze(self, value: str, axes: Sequence[int]) -> str:
        return self.op_("Unsqueeze", value, self.ints(list(axes), "axes"))

    def concat(self, values: Sequence[str], axis: int) -> str:
        return self.make("Concat", values, axis=axis)[0] if len(values) > 1 else values[0]

    def slice(self, value: str, axis: int, start: int, end: int, step: int = 1) -> str:
        """Add a slice along one axis; `end` may be beyond the axis."""
        return self.op_(
            "Slice",
            value,
            self.ints([start], "start"),
            self.ints([end], "end"),
            self.ints([axis], "axis"),
            self.ints([step], "step"),
        )

    def gather(self, value: str, indices: Sequence[int] | np.ndarray, axis: int) -> str:
        """Add a gather of constant indices, counted from the front."""
        return self.op_("Gather", value, self.ints(np.asarray(indices), "indices"), axis=axis)

    def pick(self, value: str, indices: np.ndarray) -> str:
        """Add a choice of elements by constant positions in the flat value; the result has the shape of `indices`."""
        flat = self.op_("Gather", self.reshape(value, [-1]), self.ints(indices.reshape(-1), "indices"), axis=0)
        return self.reshape(flat, indices.shape)

    def expand(self, value: str, shape: Sequence[int]) -> str:
        """Add a broadcast to a shape."""
        return self.op_("Expand", value, self.ints(list(shape), "shape"))

    def pad(self, value: str, before: Sequence[int], after: Sequence[int], fill: float = 0) -> str:
        """Add a padding with a constant of the type of the node's first input; `before` and `after` have a number per axis."""
        if not any(before) and not any(after):
            return value
        return self.op_(
            "Pad", value, self.ints([*before, *after], "pads"), self.like(fill, self.node.input[0], "fill"), mode="constant"
        )

    def _fresh(self, wanted: str) -> str:
        name, n = wanted, 1
        while name in self._taken:
            n += 1
            name = f"{wanted}{n}"
        self._taken.add(name)
        return name
