"""The verifier, step by step; the numbers, letters and equations are those of docs/verifier.md.

Relation: for public `instances` there are advice columns such that every gate vanishes on every row, every copied cell equals its
source, and every looked-up row is in its table. Argument: halo2's Plonk with logUp lookups, KZG over BN254, SHPLONK openings.
"""

from __future__ import annotations

from zkml.errors import MalformedArtifact
from zkml.protocol.encoding import decode
from zkml.protocol.field import R
from zkml.protocol.proof import Proof, read_proof
from zkml.protocol.protocol import Protocol
from zkml.protocol.statement import Instances
from zkml.verdict import Verdict
from zkml.verifier.challenges import derive_challenges
from zkml.verifier.curve import opening_holds
from zkml.verifier.evaluation import Evaluations, evaluate_nodes, instance_evaluations, lagrange_values
from zkml.verifier.identities import (
    expected_quotient,
    gate_values,
    lookup_values,
    permutation_column_values,
    permutation_values,
)
from zkml.verifier.opening import combine, opened_polynomials
from zkml.verifier.outcome import Malformed, Rejected
from zkml.verifier.policy import Audit, Policy
from zkml.verifier.reading import read_message

STRICT = Policy()


def check_instances(protocol: Protocol, instances: Instances) -> None:
    """Step 1, first half. Raise `Malformed` unless there are as many values as the circuit has, each canonical."""
    if len(instances) != len(protocol.instance_rows):
        raise Malformed("instances", f"{len(instances)} columns, where this circuit has {len(protocol.instance_rows)}")
    for c, (column, rows) in enumerate(zip(instances, protocol.instance_rows, strict=True)):
        if len(column) != rows:
            raise Malformed(f"instances[{c}]", f"{len(column)} values, where this circuit has {rows}")
        for i, value in enumerate(column):
            if not 0 <= value < R:
                raise Malformed(f"instances[{c}][{i}]", "not a canonical scalar")


def check_mathematics(protocol: Protocol, proof: Proof) -> None:
    """Return when the proof holds. Raises `Malformed` or `Rejected`; what is malformed is found before any rejection."""
    instances = proof.instances

    # 1. The instances fit the statement: counts and canonical values (malformed) …
    check_instances(protocol, instances)

    # 2. The bytes are points of the curve and canonical scalars, exactly as many as the circuit has.
    message = read_message(protocol, proof.proof)

    # 1. … and the ranges that the circuit enforces (rejected).
    if outside := protocol.statement.outside_domain(instances):
        raise Rejected(1, outside)

    # 3. Challenges.
    c = derive_challenges(protocol, instances, message)

    # 4. Lagrange polynomials and instance columns at x.
    lagrange = lagrange_values(protocol, c.x)
    evals = Evaluations(
        advice=message.advice_evals,
        fixed=message.fixed_evals,
        instance=instance_evaluations(protocol, instances, c.x, lagrange.x_n),
        challenges=c.circuit,
    )
    nodes = evaluate_nodes(protocol, evals)

    # 5. Gates.
    values = gate_values(protocol, nodes)

    # 6. Permutation.
    columns = permutation_column_values(protocol, instances, evals, c.x, lagrange.x_n)
    values += permutation_values(protocol, message, c, lagrange, columns)

    # 7. Lookups.
    for lookup, lookup_evals in zip(protocol.lookups, message.lookup_evals, strict=True):
        values += lookup_values(lookup, lookup_evals, nodes, c, lagrange)

    # 8. The quotient: h(x) = (Σ y^{N−1−i}·value_i) / (x^n − 1).
    h_eval = expected_quotient(values, c.y, lagrange)

    # 9. SHPLONK: all openings in one equation.
    terms, w_prime = combine(protocol, message, c, opened_polynomials(protocol, message, h_eval, lagrange.x_n))

    # 10. e(W′, [τ]₂) = e(F, [1]₂).
    if not opening_holds(protocol.points, terms, w_prime):
        raise Rejected(10, "the pairing equation does not hold")


def check(protocol: Protocol, proof: Proof, policy: Policy = STRICT, audit: Audit | None = None) -> Verdict:
    """Return the verdict on one proof: malformed, else rejected, else refused by the policy, else accepted."""
    circuit_id = protocol.circuit_id
    try:
        check_mathematics(protocol, proof)
    except Malformed as e:
        return Verdict("malformed", circuit_id, where=e.where, reason=e.problem)
    except Rejected as e:
        return Verdict("rejected", circuit_id, step=e.step, reason=e.problem)
    if refusal := policy.refusal(protocol, audit):
        rule, reason = refusal
        return Verdict("refused", circuit_id, policy=rule, reason=reason)
    return Verdict("accepted", circuit_id)


def verify(protocol: Protocol, proof: Proof, policy: Policy = STRICT, audit: Audit | None = None) -> Verdict:
    """Return the verdict when the proof is accepted; else raise `MalformedArtifact`, `ProofRejected` or `RefusedByPolicy`."""
    return check(protocol, proof, policy, audit).raise_for_outcome()


def check_bytes(protocol: bytes, proof: bytes, policy: Policy = STRICT, audit: Audit | None = None) -> Verdict:
    """Return the verdict on the bytes of a `protocol.json` and a `proof.json`; what does not parse is malformed."""
    try:
        decoded = decode(protocol)
        parsed = read_proof(proof)
    except MalformedArtifact as e:
        return Verdict("malformed", where=str(e.details.get("where", "top level")), reason=e.message)
    return check(decoded, parsed, policy, audit)
