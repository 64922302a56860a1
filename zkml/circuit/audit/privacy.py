"""What the statement gives away about tensors that it is meant to hide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from zkml.circuit.audit.report import Finding
from zkml.circuit.audit.subject import Subject, names
from zkml.circuit.graph import Node, Visibility

SEARCHABLE_BITS = 128
"""Below this many bits a domain counts as searchable, whatever the distribution."""

Domain = tuple[int, int]


def _tensors(subject: Subject) -> list[tuple[str, Visibility, list[Node]]]:
    model = subject.model
    return [
        ("input", model.input_visibility, list(subject.inputs)),
        ("param", model.param_visibility, [n for n, v in subject.constants() if v.is_processed]),
        ("output", model.output_visibility, list(subject.outputs)),
    ]


def _values(node: Node, subject: Subject, domain: Domain | None) -> int:
    """Return how many values one element can take."""
    if domain is not None:
        return domain[1] - domain[0] + 1
    if node.op.name == "Input" and node.op.fields["datum_type"] == "Bool":
        return 2
    return 2 * subject.largest_value + 1


def privacy(subject: Subject, domains: tuple[Domain, ...] | None = None) -> Iterator[Finding]:
    """Hashes without salt and commitments without blinding, with the size of the domain that a guesser must search.

    The size is an upper bound from shapes and ranges; real data have less entropy. For inputs and outputs it is reported
    whatever it is, for parameters when it is small.
    """
    for what, visibility, nodes in _tensors(subject):
        if not visibility.is_processed or not nodes:
            continue
        bits = 0.0
        for i, node in enumerate(nodes):
            domain = domains[i] if domains is not None and what == "input" else None
            bits += math.prod(node.shape) * math.log2(_values(node, subject, domain))
        details = {"tensor": what, "domain_bits": round(bits, 1), "searchable": bits < SEARCHABLE_BITS}
        if visibility.kind == "kzg":
            yield Finding(
                code="unblinded-commitment",
                severity="privacy",
                nodes=names(nodes),
                forger=f"tell whether two proofs have the same {what}, and test guesses of it (at most 2^{bits:.0f} of them): "
                "the commitment has no blinding",
                remedy=f"append random elements to the {what} before committing, or do not publish the commitment",
                details=details,
            )
        elif what != "param" or bits < SEARCHABLE_BITS:
            yield Finding(
                code="guessable-hash",
                severity="privacy",
                nodes=names(nodes),
                forger=f"tell whether two proofs have the same {what}, and test guesses of it (at most 2^{bits:.0f} of them): "
                "the hash has no salt",
                remedy=f"append a random element to the {what} before hashing, or do not publish the hash",
                details=details,
            )
