"""From EZKL's artefacts to a Protocol, with no EZKL at hand.

EZKL prints a table's product tree as its thread pool split it, and digests the print, so one key can have several digests. A
Protocol has one of them: `split_depth` None is a tree split to the end, which is what EZKL arrives at for at most 8 columns
with one thread, 16 with two or three, 32 with four to seven.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import LEAVES, Node, post_order
from zkml.protocol.ezkl.circuit import BLINDING_FACTORS, EzklCircuit, finish
from zkml.protocol.ezkl.digest import transcript_digest
from zkml.protocol.ezkl.settings import EzklSettings, read_settings
from zkml.protocol.ezkl.statement import ezkl_statement
from zkml.protocol.ezkl.tables import widest_table
from zkml.protocol.points import VerifierPoints
from zkml.protocol.protocol import Lookup, Permutation, Protocol

MIN_SPLIT_DEPTH = 3
"""One thread halves the table's columns three times at least."""


def protocol_from_ezkl(
    settings: Mapping[str, Any], vk: bytes, points: VerifierPoints, *, split_depth: int | None = None
) -> Protocol:
    """Return the Protocol of a circuit from the data of its `settings.json`, its `vk.key` and the SRS' verifier points.

    Raises `MalformedArtifact` when a file is ill-formed, asks for too much, or does not fit the other.
    """
    typed = read_settings(settings)
    return protocol_of(typed, finish(typed, vk, split_depth), points)


def split_depths(settings: EzklSettings) -> tuple[int | None, ...]:
    """Return the trees that EZKL may have printed: split to the end first, then by rising depth."""
    columns = widest_table(settings)
    depths: list[int | None] = [None]
    depth = MIN_SPLIT_DEPTH
    while 1 << depth < columns:
        depths.append(depth)
        depth += 1
    return tuple(depths)


def digest_candidates(settings: Mapping[str, Any], vk: bytes) -> tuple[tuple[int | None, int], ...]:
    """Return every (split depth, transcript digest) that EZKL may use for this key. Raises `MalformedArtifact`."""
    typed = read_settings(settings)
    return tuple((depth, transcript_digest(finish(typed, vk, depth))) for depth in split_depths(typed))


def vka_digest(vka: bytes) -> int:
    """Return the digest in EZKL's `vka.bin`: word 0, after a count of 8 bytes. Raises `MalformedArtifact`."""
    if len(vka) < 40 or len(vka) != 8 + 32 * int.from_bytes(vka[:8], "little"):
        raise MalformedArtifact("vka.bin does not have the length that it states", code="vka")
    return int.from_bytes(vka[8:40], "big")


def protocol_of(settings: EzklSettings, circuit: EzklCircuit, points: VerifierPoints) -> Protocol:
    """Return the Protocol of a finished circuit; its nodes are numbered in post-order of first visit."""
    cs = circuit.cs
    statement = ezkl_statement(settings)
    roots = [*circuit.gates]
    for argument in circuit.arguments:
        roots += [e for row in (*argument.inputs, argument.table) for e in row]
    order = post_order(cs.build.nodes, roots)
    number = {old: new for new, old in enumerate(order)}

    def renumber(node: Node) -> Node:
        if node.kind in LEAVES:
            return node
        return Node(node.kind, number[node.a], node.b if node.kind in ("neg", "scaled") else number[node.b])

    return Protocol(
        k=cs.k,
        advice_phases=tuple(cs.advice_phases),
        num_fixed=cs.num_fixed,
        instance_rows=(sum(t.length for t in statement.tensors),),
        challenge_phases=tuple(cs.challenge_phases),
        advice_queries=tuple(cs.advice_queries.items),
        fixed_queries=tuple(cs.fixed_queries.items),
        instance_queries=tuple(cs.instance_queries.items),
        nodes=tuple(renumber(cs.build.nodes[old]) for old in order),
        gates=tuple(number[g] for g in circuit.gates),
        lookups=tuple(
            Lookup(tuple(tuple(number[e] for e in row) for row in a.inputs), tuple(number[e] for e in a.table))
            for a in circuit.arguments
        ),
        permutation=Permutation(tuple(cs.permutation), circuit.degree - 2),
        blinding_factors=BLINDING_FACTORS,
        degree=circuit.degree,
        fixed_commitments=circuit.key.fixed_commitments,
        permutation_commitments=circuit.key.permutation_commitments,
        transcript_digest=transcript_digest(circuit),
        points=points,
        statement=statement,
        source={"compiler": "ezkl", "version": settings.version, "settings_sha256": settings.digest},
    )
