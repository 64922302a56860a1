"""The transcript digest of a key: BLAKE2b over halo2's debug text of the pinned verification key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from zkml.protocol.ezkl.circuit import EzklCircuit
from zkml.protocol.ezkl.text import debug_texts
from zkml.protocol.field import P, R, felt_hex, omega
from zkml.protocol.points import IDENTITY, G1Point
from zkml.protocol.protocol import Query


def extended_k(k: int, degree: int) -> int:
    """Return the log of the domain on which the quotient is evaluated: the least 2^e ≥ 2^k·(D − 1)."""
    return k + (degree - 2).bit_length()


def _join(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def digest_text(circuit: EzklCircuit) -> str:
    """Return the text. Raises `MalformedArtifact` when it would be too long."""
    cs = circuit.cs
    roots = [*circuit.gates]
    for argument in circuit.arguments:
        roots += [*argument.table, *(e for row in argument.inputs for e in row)]
    for group in circuit.groups:
        roots += [*group.table, *(e for row in group.inputs for e in row)]
    text = debug_texts(cs, roots)

    def column(kind: str, index: int) -> str:
        phase = cs.advice_phases[index] if kind == "advice" else 0
        name = {"advice": "Advice", "fixed": "Fixed", "instance": "Instance"}[kind]
        if phase:
            name += f" {{ phase: Phase({phase}) }}"
        return f"Column {{ index: {index}, column_type: {name} }}"

    def queries(kind: str, items: Sequence[Query]) -> str:
        return _join(f"({column(kind, q.column)}, Rotation({q.rotation}))" for q in items)

    def rows(inputs: Sequence[Sequence[int]]) -> str:
        return _join(_join(text[e] for e in row) for row in inputs)

    def points(items: Sequence[G1Point]) -> str:
        return _join("Infinity" if p == IDENTITY else f"({felt_hex(p[0])}, {felt_hex(p[1])})" for p in items)

    phases = ""
    if cs.challenge_phases:
        phases = (
            f"num_challenges: {len(cs.challenge_phases)}, "
            f"advice_column_phase: {_join(f'Phase({p})' for p in cs.advice_phases)}, "
            f"challenge_phase: {_join(f'Phase({p})' for p in cs.challenge_phases)}, "
        )
    arguments = _join(
        f"Argument {{ table_expressions: {_join(text[e] for e in a.table)}, inputs_expressions: {rows(a.inputs)} }}"
        for a in circuit.arguments
    )
    groups = ", ".join(
        f'"{g.key}": LookupTracker {{ table: {_join(text[e] for e in g.table)}, inputs: {rows(g.inputs)} }}'
        for g in circuit.groups
    )
    return (
        f'PinnedVerificationKey {{ base_modulus: "{felt_hex(P)}", scalar_modulus: "{felt_hex(R)}", '
        f"domain: PinnedEvaluationDomain {{ k: {cs.k}, extended_k: {extended_k(cs.k, circuit.degree)}, "
        f"omega: {felt_hex(omega(cs.k))} }}, "
        f"cs: PinnedConstraintSystem {{ num_fixed_columns: {cs.num_fixed}, num_advice_columns: {len(cs.advice_phases)}, "
        f"num_instance_columns: {cs.num_instance}, num_selectors: {circuit.num_selectors}, {phases}"
        f"gates: {_join(text[g] for g in circuit.gates)}, "
        f"advice_queries: {queries('advice', cs.advice_queries.items)}, "
        f"instance_queries: {queries('instance', cs.instance_queries.items)}, "
        f"fixed_queries: {queries('fixed', cs.fixed_queries.items)}, "
        f"permutation: Argument {{ columns: {_join(column(c.kind, c.number) for c in cs.permutation)} }}, "
        f"lookups: {arguments}, lookups_map: {{{groups}}}, "
        f"constants: {_join(column('fixed', c) for c in cs.constants)}, minimum_degree: None }}, "
        f"fixed_commitments: {points(circuit.key.fixed_commitments)}, "
        f"permutation: VerifyingKey {{ commitments: {points(circuit.key.permutation_commitments)} }} }}"
    )


def transcript_digest(circuit: EzklCircuit) -> int:
    """Return the first scalar that prover and verifier absorb."""
    text = digest_text(circuit).encode("ascii")
    h = hashlib.blake2b(digest_size=64, person=b"Halo2-Verify-Key")
    h.update(len(text).to_bytes(8, "little"))
    h.update(text)
    return int.from_bytes(h.digest(), "little") % R
