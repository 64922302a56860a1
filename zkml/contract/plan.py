"""Everything about a circuit's verification that does not depend on the proof, worked out before any Solidity is written."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.contract.expressions import Dag
from zkml.contract.identities import Identity, identities
from zkml.contract.layout import WORD, Layout, place_proof
from zkml.contract.openings import Openings, openings
from zkml.protocol.field import R, inverse
from zkml.protocol.protocol import Protocol


@dataclass(frozen=True)
class Squeeze:
    """A challenge: the name of its word, and the marks between which the buffer has grown since the last one (None: nothing)."""

    name: str
    absorbed: tuple[str, str] | None


@dataclass(frozen=True)
class Domain:
    """`count` instances from number `first` on; v is inside iff v − low (mod r) is at most `span`, None where all values are."""

    first: int
    count: int
    low: int
    span: int | None
    title: str


@dataclass(frozen=True)
class InstanceEval:
    """An instance column at a rotation: `count` values from number `first` on, ω^{−ρ} for the first of them."""

    name: str
    first: int
    count: int
    rotation: int
    start: int


@dataclass(frozen=True)
class Row:
    """A row whose Lagrange polynomial is needed: the word of 1/(x − ω^row), and ω^row."""

    name: str
    row: int
    root: int


@dataclass(frozen=True)
class Plan:
    """One circuit's verification, laid out. `circuit_id` and the steps are those of docs/verifier.md."""

    protocol: Protocol
    layout: Layout
    squeezes: tuple[Squeeze, ...]
    domains: tuple[Domain, ...]
    instance_evals: tuple[InstanceEval, ...]
    rows: tuple[Row, ...]
    dag: Dag
    identities: tuple[Identity, ...]
    openings: Openings

    @property
    def instance_count(self) -> int:
        return sum(self.protocol.instance_rows)

    @property
    def has_arguments(self) -> bool:
        """Whether anything uses l_0, l_last and active: a permutation or a lookup."""
        return bool(self.protocol.permutation.columns or self.protocol.lookups)

    @property
    def inverse_n(self) -> int:
        return inverse(self.protocol.n)

    @property
    def inverses(self) -> int:
        """How many denominators are inverted together."""
        return 3 + len(self.rows) + len(self.instance_evals)

    @property
    def calldata_length(self) -> int:
        """The length of a call of verifyProof in the ABI's encoding."""
        return 4 + 4 * WORD + self.protocol.proof_length + WORD * self.instance_count

    @property
    def gas_formula(self) -> int:
        """The estimate of 21,000 + 15.25 a byte of calldata + the pairing + 6,350 for each commitment opened, and 8 % of it."""
        p = self.protocol
        opened = len(p.fixed_commitments) + len(p.permutation_commitments) + p.num_points + 1
        return round(1.08 * (21_000 + 15.25 * self.calldata_length + 113_000 + 6_350 * opened))


def rotation_name(rotation: int) -> str:
    """Return the suffix of names for a rotation: 0, 1, M1 for −1."""
    return f"M{-rotation}" if rotation < 0 else str(rotation)


def _squeezes(protocol: Protocol) -> tuple[Squeeze, ...]:
    """Return all challenges in order, with what was absorbed before each."""
    out: list[Squeeze] = []
    mark = "INSTANCES"

    def squeeze(name: str, upto: str, grown: bool) -> None:
        nonlocal mark
        out.append(Squeeze(name, (mark, upto) if grown else None))
        if grown:
            mark = upto

    pending = sum(protocol.instance_rows) > 0
    for phase in range(protocol.num_phases):
        pending = pending or phase in protocol.advice_phases
        end = f"PHASE_{phase + 1}" if phase + 1 < protocol.num_phases else "M_COMMS"
        for i, challenge_phase in enumerate(protocol.challenge_phases):
            if challenge_phase == phase:
                squeeze(f"CHALLENGE_{i}", end, pending)
                pending = False
    squeeze("THETA", "M_COMMS", pending)
    squeeze("BETA", "Z_COMMS", bool(protocol.lookups))
    squeeze("GAMMA", "Z_COMMS", False)
    squeeze("Y", "H_COMMS", True)
    squeeze("X", "EVALS", True)
    squeeze("Y_PRIME", "W_COMM", True)
    squeeze("V", "W_COMM", False)
    squeeze("U", "W_PRIME_COMM", True)
    return tuple(out)


def _domains(protocol: Protocol) -> tuple[Domain, ...]:
    first_of_column = [sum(protocol.instance_rows[:c]) for c in range(len(protocol.instance_rows))]
    out: list[Domain] = []
    for tensor in protocol.statement.tensors:
        first = first_of_column[tensor.column] + tensor.row
        low, span = (0, None) if tensor.domain is None else (tensor.domain[0] % R, tensor.domain[1] - tensor.domain[0])
        previous = out[-1] if out else None
        if previous and (previous.low, previous.span) == (low, span) and previous.first + previous.count == first:
            title = f"{previous.title}, {tensor.name}"
            out[-1] = Domain(previous.first, previous.count + tensor.length, low, span, title)
        else:
            out.append(Domain(first, tensor.length, low, span, tensor.name))
    return tuple(out)


def _instance_evals(protocol: Protocol) -> dict[tuple[int, int], InstanceEval]:
    wanted = [(q.column, q.rotation) for q in protocol.instance_queries]
    wanted += [(c.number, 0) for c in protocol.permutation.columns if c.kind == "instance"]
    out: dict[tuple[int, int], InstanceEval] = {}
    for column, rotation in dict.fromkeys(wanted):
        count = protocol.instance_rows[column]
        if count:
            name = f"I_EVAL_{column}" + (f"_AT_{rotation_name(rotation)}" if rotation else "")
            start = pow(protocol.omega, -rotation % protocol.n, R)
            out[column, rotation] = InstanceEval(name, sum(protocol.instance_rows[:column]), count, rotation, start)
    return out


FIXED_WORDS = (
    "MODULUS_R", "MODULUS_P", "THETA", "BETA", "GAMMA", "Y", "X", "Y_PRIME", "V", "U", "X_N", "L_0", "L_LAST", "ACTIVE", "H_EVAL"
)  # fmt: skip
"""Words that every circuit has, at the same place in every layout."""

_NOTES = {"MODULUS_R": "r", "MODULUS_P": "p", "X_N": "x^n", "ACTIVE": "1 − l_last − l_blind", "H_EVAL": "h(x)"}


def plan(protocol: Protocol, key_length: int = 0) -> Plan:
    """Return the plan of one circuit, with room for a key of `key_length` bytes, whole words, behind the fixed words."""
    layout = Layout()
    squeezes = _squeezes(protocol)
    evals = _instance_evals(protocol)
    dag = Dag()

    def instance(column: int, rotation: int) -> str | None:
        found = evals.get((column, rotation))
        return found.name if found else None

    polynomials = tuple(identities(protocol, dag, instance))
    opened = openings(protocol)

    for name in FIXED_WORDS:
        layout.place(name, _NOTES.get(name, ""))
    layout.place("KEY", "what was read from the key's contract" if key_length else "", key_length)
    for i in range(len(protocol.challenge_phases)):
        layout.place(f"CHALLENGE_{i}", "the circuit's own")
    for e in evals.values():
        layout.place(e.name, f"instance column {e.first} at rotation {e.rotation}" if e.rotation else "")
    for rotation in opened.union:
        layout.place(f"DIFF_{rotation_name(rotation)}", f"u − ω^{rotation}·x")

    rows: list[Row] = []
    inverted = layout.end
    layout.place("DENOMINATORS", "inverted together", 0)
    layout.place("INV_X", "1/x")
    layout.place("INV_D_0", "1/d_0")
    layout.place("INV_Z_H", "1/(x^n − 1)")
    if protocol.permutation.columns or protocol.lookups:
        for row in (0, *range(protocol.last_rotation, 0)):
            name = layout.place(f"INV_ROW_{rotation_name(row)}", f"1/(x − ω^{row})")
            rows.append(Row(name, row, pow(protocol.omega, row % protocol.n, R)))
    for e in evals.values():
        layout.place(f"INV_{e.name}", f"1/∏(x − ω^i) of {e.name}")
    layout.place("DENOMINATORS_END", "", 0)
    layout.place("PREFIX", "products of the denominators before", layout.end - inverted)

    layout.place("STATE", "the hash that the next challenge continues")
    layout.place("INSTANCES", "the public values, as they came", WORD * sum(protocol.instance_rows))
    place_proof(layout, protocol)
    return Plan(
        protocol,
        layout,
        squeezes,
        _domains(protocol),
        tuple(evals.values()),
        tuple(rows),
        dag,
        polynomials,
        opened,
    )
