"""Steps 5 to 8: the identities that every row must satisfy, at the point x, and the quotient that they imply.

Each function returns the values of its polynomials, in the normative order; all are folded with y into H, and the quotient must
be h(x) = H / (x^n − 1).
"""

from __future__ import annotations

from collections.abc import Sequence

from zkml.protocol.field import DELTA, R, inverse
from zkml.protocol.protocol import Lookup, Protocol
from zkml.protocol.statement import Instances
from zkml.verifier.challenges import Challenges
from zkml.verifier.evaluation import Evaluations, Lagrange, instance_at
from zkml.verifier.reading import Message


def gate_values(protocol: Protocol, node_values: Sequence[int]) -> list[int]:
    """Step 5. Return the gate polynomials."""
    return [node_values[g] for g in protocol.gates]


def permutation_column_values(protocol: Protocol, instances: Instances, evals: Evaluations, x: int, x_n: int) -> list[int]:
    """Return v_c, the value at x of each column between which cells are copied."""
    advice = {q.column: i for i, q in enumerate(protocol.advice_queries) if q.rotation == 0}
    fixed = {q.column: i for i, q in enumerate(protocol.fixed_queries) if q.rotation == 0}
    out = []
    for column in protocol.permutation.columns:
        match column.kind:
            case "advice":
                out.append(evals.advice[advice[column.number]])
            case "fixed":
                out.append(evals.fixed[fixed[column.number]])
            case "instance":
                out.append(instance_at(protocol, tuple(instances[column.number]), 0, x, x_n))
    return out


def permutation_values(protocol: Protocol, message: Message, c: Challenges, lag: Lagrange, values: Sequence[int]) -> list[int]:
    """Step 6. Return the permutation argument's polynomials (Gabizon et al., PLONK, in chunks).

    l_0·(1 − z_0)    l_last·(z_last² − z_last)    l_0·(z_j − z_{j−1}(ω^last·x)), j ≥ 1
    active·( z_j(ωx)·∏(v_c + β·σ_c + γ) − z_j·∏(v_c + β·x·δ^c + γ) ), c in chunk j
    """
    z = message.z_evals
    if not z:
        return []
    out = [lag.l_0 * (1 - z[0][0]), lag.l_last * (z[-1][0] * z[-1][0] - z[-1][0])]
    out += [lag.l_0 * (z[j][0] - z[j - 1][2]) for j in range(1, len(z))]
    chunk = protocol.permutation.chunk
    identity = c.beta * c.x % R
    for j, z_j in enumerate(z):
        left, right = z_j[1], z_j[0]
        for v, sigma in zip(values[j * chunk : (j + 1) * chunk], message.sigma_evals[j * chunk : (j + 1) * chunk], strict=True):
            left = left * (v + c.beta * sigma + c.gamma) % R
            right = right * (v + identity + c.gamma) % R
            identity = identity * DELTA % R
        out.append(lag.active * (left - right))
    return [value % R for value in out]


def compressed(entries: Sequence[int], node_values: Sequence[int], c: Challenges) -> int:
    """Return β + Σ θ^{w−1−i}·entry_i for a tuple of width w."""
    acc = 0
    for e in entries:
        acc = (acc * c.theta + node_values[e]) % R
    return (acc + c.beta) % R


def lookup_values(
    lookup: Lookup, evals: tuple[int, int, int], node_values: Sequence[int], c: Challenges, lag: Lagrange
) -> list[int]:
    """Step 7. Return one logUp argument's polynomials (Haböck, "Multivariate lookups based on logarithmic derivatives").

    With f_i, τ the compressed inputs and table, φ(ωx) − φ(x) = Σ 1/f_i − m/τ on every active row, multiplied out:

        l_0·φ    l_last·φ    active·( τ·∏f_i·(φ(ωx) − φ(x)) − (τ·Σ_i ∏_{j≠i} f_j − m·∏f_i) )
    """
    phi, phi_next, m = evals
    f = [compressed(row, node_values, c) for row in lookup.inputs]
    tau = compressed(lookup.table, node_values, c)
    product, sum_without_one = 1, 0
    for f_i in f:  # invariant: sum_without_one = Σ_i ∏_{j≠i} f_j over the f seen so far
        sum_without_one = (sum_without_one * f_i + product) % R
        product = product * f_i % R
    step = tau * product * (phi_next - phi) - (tau * sum_without_one - m * product)
    return [lag.l_0 * phi % R, lag.l_last * phi % R, lag.active * step % R]


def expected_quotient(values: Sequence[int], y: int, lag: Lagrange) -> int:
    """Step 8. Return h(x) = (Σ y^{N−1−i}·value_i) / (x^n − 1)."""
    acc = 0
    for value in values:
        acc = (acc * y + value) % R
    return acc * inverse(lag.vanishing) % R
