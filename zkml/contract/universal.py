"""The key of the universal verifier: one circuit as bytes, in the order in which the contract reads them.

    header            words: see HEADER
    rotations         words: −ω^ρ for each rotation of the union
    rows              words: ω^row for 0, last and the blinding rows
    domains           four words each: first and end address, −low, width
    instance columns  four words each: first and end address, ω^−ρ, address of the value
    constants         words
    points            two words each: the key's distinct commitments
    challenges        three places each: the word, and between which addresses the buffer has grown
    programme         four places each: d := a·b + c (`programme.py`)
    d_0, sets         places and counts (`_sets`)

A place is the number of a word of memory (its address / 32) in two bytes. All words come first, so they are aligned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from zkml.contract.layout import WORD
from zkml.contract.openings import OpeningSet
from zkml.contract.plan import FIXED_WORDS, Plan, plan, rotation_name
from zkml.contract.programme import Instruction, Programme, Word, programme
from zkml.contract.templates import render
from zkml.errors import InfeasibleError
from zkml.protocol.field import R
from zkml.protocol.protocol import Protocol

HEADER = (
    "DIGEST", "INSTANCE_COUNT", "PROOF_LENGTH", "K", "OMEGA", "INVERSE_N", "TAU_X_1", "TAU_X_0", "TAU_Y_1", "TAU_Y_0",
    "INSTANCES", "PROOF", "EVALS", "W_COMM", "DIFFS", "DENOMINATORS", "DENOMINATORS_END", "FIRST_POINT",
    "ROTATIONS", "ROWS", "DOMAINS", "INSTANCE_EVALS", "CONSTANTS", "SQUEEZES", "PROGRAMME", "D_0", "SETS", "SETS_END",
)  # fmt: skip
"""The header's words; the last ones are where each section begins, which is where the one before ends."""

NO_POINT, PLAIN, KEEP_FIRST, KEEP, LAST = 0xFFFF, 0, 0xFFFE, 0xFFFD, 0xFFFC
"""What may stand for a member's count of points: none, or one whose commitment several columns share (first, further, last)."""

MAX_PLACE = 0xFFFF


@dataclass(frozen=True)
class Key:
    """A circuit's key: its bytes, what its first words are, and the plan that its addresses belong to."""

    data: bytes
    notes: tuple[str, ...]
    plan: Plan


class _Places:
    """Turns names into places, and counts the words of constants and registers."""

    def __init__(self, planned: Plan, constants: dict[int, int], constants_at: int, registers_at: int) -> None:
        self.layout = planned.layout
        self.constants = constants
        self.constants_at = constants_at
        self.registers_at = registers_at

    def constant(self, value: int) -> str:
        """Return the name of a constant's word, giving it one."""
        self.constants.setdefault(value % R, len(self.constants))
        return f"={value % R}"

    def address(self, word: Word) -> int:
        if isinstance(word, int):
            return self.registers_at + WORD * word
        if word.startswith("="):
            return self.constants_at + WORD * self.constants[int(word[1:])]
        return self.layout[word]

    def __call__(self, word: Word) -> bytes:
        return _place(self.address(word))


def _place(address: int) -> bytes:
    number, rest = divmod(address, WORD)
    if rest or number > MAX_PLACE:
        raise InfeasibleError(
            f"the circuit needs more than {MAX_PLACE} words of memory in the universal verifier", code="contract-size"
        )
    return number.to_bytes(2, "big")


def _count(value: int) -> bytes:
    if value >= LAST:
        raise InfeasibleError(
            f"the circuit has a list of {value} entries, the universal verifier has {LAST - 1}", code="contract-size"
        )
    return value.to_bytes(2, "big")


def _member_points(planned: Plan, places: _Places, seen: dict[str, int], points: tuple[str, ...], skip_first: bool) -> bytes:
    uses = planned.openings.uses
    if not points:
        return NO_POINT.to_bytes(2, "big")
    if len(points) > 1 or uses[points[0]] == 1:
        if skip_first and len(points) == 1:
            return NO_POINT.to_bytes(2, "big")
        return _count(len(points)) + b"".join(_place(0) if skip_first and not i else places(p) for i, p in enumerate(points))
    point = points[0]
    total = f"SUM_{point}"
    seen[point] = seen.get(point, 0) + 1
    if seen[point] == 1:
        planned.layout.place(total)
        return KEEP_FIRST.to_bytes(2, "big") + places(total)
    if seen[point] < uses[point]:
        return KEEP.to_bytes(2, "big") + places(total)
    return LAST.to_bytes(2, "big") + places(total) + places(point)


def _sets(planned: Plan, places: _Places) -> bytes:
    """Return, for every set: counts of its rotations, of the others and of its members; the differences u − ω^ρ·x of the others;
    for every rotation of several its constant K, the differences of the other rotations, and for every rotation the members'
    evaluations from the last to the first; for every member its points.
    """
    opened = planned.openings
    seen: dict[str, int] = {}
    out = b""

    def difference(rotation: int) -> bytes:
        return places(f"DIFF_{rotation_name(rotation)}")

    for i, s in enumerate(opened.sets):
        others = [rotation for rotation in opened.union if rotation not in s.rotations]
        out += _count(len(s.rotations)) + _count(len(others)) + _count(len(s.members))
        out += b"".join(difference(rotation) for rotation in others)
        out += _evaluations(s, places, difference)
        for j, member in enumerate(s.members):
            out += _member_points(planned, places, seen, member.points, opened.first_is_plain and i == 0 and j == 0)
    return out


def _evaluations(s: OpeningSet, places: _Places, difference: Callable[[int], bytes]) -> bytes:
    out = b""
    for rotation, factor in zip(s.rotations, s.factors, strict=True):
        if len(s.rotations) > 1:
            out += places(places.constant(factor)) + b"".join(difference(o) for o in s.rotations if o != rotation)
        out += b"".join(places(member.evals[rotation]) for member in reversed(s.members))
    return out


def _instruction(places: _Places, i: Instruction) -> bytes:
    return places(i.d) + places(i.a) + places(i.b) + places(i.c)


def _encode(protocol: Protocol, length: int, constants: dict[int, int]) -> Key:
    """Return the key laid out for `length` bytes; with the wrong length its addresses are wrong, but not its own length."""
    padded = -(-length // WORD) * WORD
    planned = plan(protocol, padded)
    layout, opened = planned.layout, planned.openings
    base = layout["KEY"]
    at: dict[str, int] = {}
    notes: list[str] = list(HEADER)
    body = b""
    header = WORD * len(HEADER)

    def section(name: str, data: bytes, note: str = "") -> None:
        nonlocal body
        at[name] = base + header + len(body)
        notes.extend([note or name.lower().replace("_", " ")] * (len(data) // WORD))
        body += data

    def word(value: int) -> bytes:
        return value.to_bytes(WORD, "big")

    section("ROTATIONS", b"".join(word(-pow(protocol.omega, r % protocol.n, R) % R) for r in opened.union), "-omega^rotation")
    section("ROWS", b"".join(word(row.root) for row in planned.rows), "omega^row")
    domains = b""
    for d in planned.domains:
        if d.span is not None:
            first = layout["INSTANCES"] + WORD * d.first
            domains += word(first) + word(first + WORD * d.count) + word(-d.low % R) + word(d.span)
    section("DOMAINS", domains)
    evals = b""
    for e in planned.instance_evals:
        first = layout["INSTANCES"] + WORD * e.first
        evals += word(first) + word(first + WORD * e.count) + word(e.start) + word(layout[e.name])
    section("INSTANCE_EVALS", evals)

    registers_at = layout.end
    places = _Places(planned, constants, base + header + len(body), registers_at)
    steps: Programme = programme(planned.dag, [identity.node for identity in planned.identities], places.constant)
    layout.place("REGISTERS", "", WORD * steps.registers)
    for s in opened.sets:
        for factor in s.factors if len(s.rotations) > 1 else ():
            places.constant(factor)
    section("CONSTANTS", b"".join(word(value) for value in constants))
    for name, point in opened.key_points.items():
        layout.offsets[name] = base + header + len(body)
        notes.extend(f"{name}, {c}" for c in "xy")
        body += word(point[0]) + word(point[1])

    squeezes = b""
    for q in planned.squeezes:
        start, end = q.absorbed or ("PROOF", "PROOF")
        squeezes += places(q.name) + places(start) + places(end)
    section("SQUEEZES", squeezes)
    section("PROGRAMME", b"".join(_instruction(places, i) for i in steps.instructions))
    outside = [rotation for rotation in opened.union if rotation not in opened.sets[0].rotations]
    section("D_0", b"".join(places(f"DIFF_{rotation_name(rotation)}") for rotation in outside))
    section("SETS", _sets(planned, places))
    at["SETS_END"] = base + header + len(body)

    first_point = layout[opened.sets[0].members[0].points[0]] if opened.first_is_plain else 0
    tau = protocol.points.tau_g2
    values = {
        "DIGEST": protocol.transcript_digest,
        "INSTANCE_COUNT": planned.instance_count,
        "PROOF_LENGTH": protocol.proof_length,
        "K": protocol.k,
        "OMEGA": protocol.omega,
        "INVERSE_N": planned.inverse_n,
        "TAU_X_1": tau[1], "TAU_X_0": tau[0], "TAU_Y_1": tau[3], "TAU_Y_0": tau[2],
        "DIFFS": layout[f"DIFF_{rotation_name(opened.union[0])}"],
        "FIRST_POINT": first_point,
        **{name: layout[name] for name in ("INSTANCES", "PROOF", "EVALS", "W_COMM", "DENOMINATORS", "DENOMINATORS_END")},
        **at,
    }  # fmt: skip
    return Key(b"".join(word(values[name]) for name in HEADER) + body, tuple(notes), planned)


def encode_key(protocol: Protocol) -> Key:
    """Return a circuit's key. Raises `InfeasibleError` when the circuit needs more memory than places can name."""
    constants: dict[int, int] = {}
    draft = _encode(protocol, 0, constants)  # finds the constants, and with them
    draft = _encode(protocol, 0, constants)  # the length
    key = _encode(protocol, len(draft.data), constants)
    if len(key.data) != len(draft.data):
        raise AssertionError("the length of a key depends on its addresses")
    return key


def universal_source() -> str:
    """Return the Solidity of the universal verifier: the same for all circuits."""
    addresses = {name: 0x200 + WORD * i for i, name in enumerate(FIXED_WORDS)}
    key = 0x200 + WORD * len(FIXED_WORDS)
    header = {name: key + WORD * i for i, name in enumerate(HEADER)}
    codes = {"NO_POINT": NO_POINT, "KEEP_FIRST": KEEP_FIRST, "KEEP": KEEP, "LAST": LAST}
    return render("UniversalVerifier.sol.j2", {"words": addresses, "key": key, "header": header, "codes": codes})
