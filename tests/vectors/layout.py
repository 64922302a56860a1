"""Where each field of a proof lies: an independent statement of the order of messages, for making mutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zkml.protocol import Protocol


@dataclass(frozen=True)
class Section:
    """`count` points of 64 bytes or scalars of 32, from byte `offset` on."""

    name: str
    kind: Literal["point", "scalar"]
    offset: int
    count: int

    @property
    def size(self) -> int:
        return 64 if self.kind == "point" else 32

    def at(self, i: int) -> int:
        return self.offset + self.size * i


def sections(protocol: Protocol) -> list[Section]:
    """Return the non-empty sections of a proof, in order."""
    lookups = len(protocol.lookups)
    products = protocol.num_products
    counts: list[tuple[str, Literal["point", "scalar"], int]] = [
        ("advice commitment", "point", len(protocol.advice_phases)),
        ("multiplicity commitment", "point", lookups),
        ("permutation product commitment", "point", products),
        ("lookup sum commitment", "point", lookups),
        ("random commitment", "point", 1),
        ("quotient commitment", "point", protocol.degree - 1),
        ("advice evaluation", "scalar", len(protocol.advice_queries)),
        ("fixed evaluation", "scalar", len(protocol.fixed_queries)),
        ("random evaluation", "scalar", 1),
        ("permutation evaluation", "scalar", len(protocol.permutation.columns)),
        ("permutation product evaluation", "scalar", max(0, 3 * products - 1)),
        ("lookup evaluation", "scalar", 3 * lookups),
        ("opening W", "point", 1),
        ("opening W'", "point", 1),
    ]
    out, offset = [], 0
    for name, kind, count in counts:
        section = Section(name, kind, offset, count)
        offset += section.size * count
        if count:
            out.append(section)
    return out
