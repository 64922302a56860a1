"""Step 4: what the verifier evaluates itself: Lagrange polynomials, instance columns, and the expressions of the circuit."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.protocol.field import R, inverse, inverses
from zkml.protocol.protocol import Protocol
from zkml.protocol.statement import Instances
from zkml.verifier.outcome import Rejected


@dataclass(frozen=True)
class Lagrange:
    """l_0, l_last and the sum l_blind of the blinding rows at x; `vanishing` is x^n − 1."""

    l_0: int
    l_last: int
    l_blind: int
    x_n: int

    @property
    def vanishing(self) -> int:
        return (self.x_n - 1) % R

    @property
    def active(self) -> int:
        """1 on the rows that hold data, 0 on the last and the blinding rows."""
        return (1 - self.l_last - self.l_blind) % R


def lagrange_at(protocol: Protocol, row: int, x: int, x_n: int) -> int:
    """Return L_row(x) = ω^row·(x^n − 1) / (n·(x − ω^row)); rows count modulo n. Needs x^n ≠ 1."""
    w = pow(protocol.omega, row % protocol.n, R)
    return w * (x_n - 1) * inverse(protocol.n * (x - w)) % R


def lagrange_run(protocol: Protocol, first: int, count: int, x: int, x_n: int) -> list[int]:
    """Return L_first(x), …, L_{first + count − 1}(x), with one inversion for all."""
    rows = [pow(protocol.omega, first % protocol.n, R)]
    for _ in range(count - 1):
        rows.append(rows[-1] * protocol.omega % R)
    scale = (x_n - 1) * inverse(protocol.n) % R
    denominators = inverses([(x - w) % R for w in rows[:count]])
    return [w * scale % R * d % R for w, d in zip(rows, denominators, strict=False)]


def lagrange_values(protocol: Protocol, x: int) -> Lagrange:
    """Return the values that the identities use. Raises `Rejected` (step 4) when x is a row."""
    x_n = pow(x, protocol.n, R)
    if x_n == 1:
        raise Rejected(4, "the challenge x is a root of unity")
    blind = sum(lagrange_run(protocol, -protocol.blinding_factors, protocol.blinding_factors, x, x_n))
    last = lagrange_at(protocol, protocol.last_rotation, x, x_n)
    return Lagrange(lagrange_at(protocol, 0, x, x_n), last, blind % R, x_n)


def instance_at(protocol: Protocol, values: tuple[int, ...], rotation: int, x: int, x_n: int) -> int:
    """Return inst(x·ω^rotation) = Σ_i v_i·L_{i − rotation}(x)."""
    run = lagrange_run(protocol, -rotation, len(values), x, x_n)
    return sum(v * value for v, value in zip(values, run, strict=True)) % R


@dataclass(frozen=True)
class Evaluations:
    """The values at x of everything an expression can refer to."""

    advice: tuple[int, ...]
    fixed: tuple[int, ...]
    instance: tuple[int, ...]
    challenges: tuple[int, ...]


def instance_evaluations(protocol: Protocol, instances: Instances, x: int, x_n: int) -> tuple[int, ...]:
    """Return the value of each instance query."""
    return tuple(instance_at(protocol, tuple(instances[q.column]), q.rotation, x, x_n) for q in protocol.instance_queries)


def evaluate_nodes(protocol: Protocol, evals: Evaluations) -> list[int]:
    """Return the value of every node, in one pass: operands stand before what uses them."""
    out: list[int] = []
    for node in protocol.nodes:
        match node.kind:
            case "constant":
                value = node.a
            case "advice":
                value = evals.advice[node.a]
            case "fixed":
                value = evals.fixed[node.a]
            case "instance":
                value = evals.instance[node.a]
            case "challenge":
                value = evals.challenges[node.a]
            case "neg":
                value = -out[node.a]
            case "sum":
                value = out[node.a] + out[node.b]
            case "product":
                value = out[node.a] * out[node.b]
            case "scaled":
                value = out[node.a] * node.b
            case _:
                raise AssertionError(f"a Protocol holds no {node.kind}")
        out.append(value % R)
    return out
