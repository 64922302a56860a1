"""What the checks look at: a compiled circuit, with settings beside it or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zkml.circuit.graph import Graph, Model, Node, Visibility
from zkml.errors import MalformedArtifact

MAX_LOGROWS = 28
MAX_BITS = 512
"""Digits that hold more than this are no integers of a circuit over a 254-bit field."""


@dataclass(frozen=True)
class Subject:
    """`inside` are the settings in the compiled file, from which EZKL makes the keys; `beside` those of `settings.json`, from
    which it rebuilds the constraint system to verify."""

    graph: Graph
    beside: Mapping[str, Any] | None

    @property
    def model(self) -> Model:
        return self.graph.model

    @property
    def inside(self) -> Mapping[str, Any]:
        return self.graph.settings

    @property
    def both(self) -> tuple[Mapping[str, Any], ...]:
        return (self.inside,) if self.beside is None else (self.inside, self.beside)

    @property
    def run_args(self) -> Mapping[str, Any]:
        run_args: Mapping[str, Any] = self.inside["run_args"]
        return run_args

    @property
    def freivalds(self) -> int:
        """The size of the Freivalds area; above 0 there is one."""
        return max(int(settings["einsum_params"]["total_einsum_col_size"]) for settings in self.both)

    @property
    def inputs(self) -> tuple[Node, ...]:
        return tuple(self.model.nodes[index] for index in self.model.inputs)

    @property
    def outputs(self) -> tuple[Node, ...]:
        return tuple(self.model.nodes[index] for index, _ in self.model.outputs)

    def constants(self) -> Iterator[tuple[Node, Visibility]]:
        """Yield every parameter tensor, those of subgraphs too, with the visibility that the file gives to it."""
        for node in self.model.walk():
            if node.op.name == "Constant":
                raw = node.op.fields["quantized_values"]["visibility"]
                yield node, self.model.param_visibility if raw is None else Visibility.parse(raw)

    def consumers(self, index: int) -> tuple[Node, ...]:
        """Return the nodes that read node `index` of the outer graph."""
        return tuple(n for n in self.model.nodes.values() if any(source == index for source, _ in n.inputs))

    @property
    def table_rows(self) -> int:
        """How many values a table column holds, 2^k − 8. Raises `MalformedArtifact` for a k that no domain of the field has."""
        logrows = int(self.run_args["logrows"])
        if not 4 <= logrows <= MAX_LOGROWS:
            raise MalformedArtifact(f"the circuit says that it has 2^{logrows} rows", code="settings")
        return 2**logrows - 8  # type: ignore[no-any-return]

    @property
    def largest_value(self) -> int:
        """The largest magnitude that the digits hold, base^legs − 1."""
        base, legs = int(self.run_args["decomp_base"]), int(self.run_args["decomp_legs"])
        if base.bit_length() * legs > MAX_BITS:
            raise MalformedArtifact(f"{legs} digits of base {base} do not fit a field element", code="settings")
        return int(base**legs) - 1


def names(nodes: tuple[Node, ...] | list[Node]) -> tuple[str, ...]:
    """Return the nodes as findings name them."""
    return tuple(str(node) for node in nodes)
