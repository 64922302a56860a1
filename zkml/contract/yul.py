"""The text of a verifier made for one circuit (forms single and split): its expressions and its sum of points in Yul."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.contract.expressions import MAX_BOUND, YulText, literal
from zkml.contract.identities import Identity
from zkml.contract.plan import Plan, rotation_name
from zkml.contract.templates import render, word
from zkml.protocol.field import R


@dataclass(frozen=True)
class Step:
    """The lines that add one identity to the quotient's numerator."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class SplitKey:
    """What a verifier knows of a key in another contract: its length and the hash of that contract's code."""

    length: int
    code_hash: bytes


def folded(writer: YulText, identity: Identity, first: bool) -> Step:
    """Return the statements that add one identity to h = Σ y^(N−1−i)·value_i; the `first` one begins it."""
    lines, piece = writer.write(identity.node)
    if first:
        lines.append(f"h := {piece.text}")
    elif piece.bound < MAX_BOUND:
        lines.append(f"h := add({piece.text}, mulmod(h, y, r))")
    else:
        lines.append(f"h := addmod({piece.text}, mulmod(h, y, r), r)")
    return Step(f"{identity.step}. {identity.title}", tuple(lines))


def identity_steps(planned: Plan) -> list[Step]:
    """Return the statements of steps 5 to 7; words for shared values are placed in the layout."""
    shared = 0

    def new_word() -> str:
        nonlocal shared
        shared += 1
        return planned.layout.place(f"T_{shared - 1}")

    writer = YulText(planned.dag, [identity.node for identity in planned.identities], new_word)
    return [folded(writer, identity, first=i == 0) for i, identity in enumerate(planned.identities)]


def sum_of_points(planned: Plan, key_in_code: bool) -> list[list[str]]:
    """Return, for every set, the statements that add its members' points to ACC, each point once."""
    opened = planned.openings
    seen: dict[str, int] = {}
    out = []
    first = opened.first_is_plain

    def add(point: str, scalar: str) -> str:
        if point in opened.key_points and key_in_code:
            x, y = opened.key_points[point]
            return f"addKey({word(x)}, {word(y)}, {scalar}) // {point}"
        return f"addPoint({point}, {scalar})"

    for s in opened.sets:
        lines: list[str] = []
        for j, member in enumerate(s.members):
            if j:
                lines.append("weight := mulmod(weight, y_prime, r)")
            if not member.points:
                lines.append(f"// {member.title} is the zero polynomial")
            elif len(member.points) > 1 or opened.uses[member.points[0]] == 1:
                for i, point in enumerate(member.points):
                    if i == 1:
                        lines.append("let multiple := mulmod(weight, mload(X_N), r)")
                    elif i > 1:
                        lines.append("multiple := mulmod(multiple, mload(X_N), r)")
                    if not first:
                        lines.append(add(point, "multiple" if i else "weight"))
                    first = False
            else:
                point = member.points[0]
                total = f"SUM_{point}"
                seen[point] = seen.get(point, 0) + 1
                if seen[point] == 1:
                    planned.layout.place(total, "sum of the scalars of equal commitments")
                    lines.append(f"mstore({total}, weight)")
                elif seen[point] < opened.uses[point]:
                    lines.append(f"mstore({total}, addmod(mload({total}), weight, r))")
                else:
                    lines.append(add(point, f"addmod(mload({total}), weight, r)"))
        out.append(lines)
    return out


def verifier_source(planned: Plan, name: str, key: SplitKey | None = None, part_hashes: Sequence[bytes] = ()) -> str:
    """Return the Solidity of a verifier with the key in its code, or (`key`) in another contract.

    With `part_hashes` steps 5 to 7 are in as many other contracts, whose code has these hashes.
    """
    p = planned.protocol
    steps = [] if part_hashes else identity_steps(planned)
    for i in range(len(part_hashes)):
        planned.layout.place(f"PART_{i}", "where this part was deployed")
    terms = sum_of_points(planned, key_in_code=key is None)

    def times_x(rotation: int) -> str:
        root = pow(p.omega, rotation % p.n, R)
        return "x" if root == 1 else f"mulmod(x, {literal(root)}, r)"

    context = {
        "p": p,
        "plan": planned,
        "name": name,
        "circuit_id": p.circuit_id,
        "layout": planned.layout,
        "offsets": planned.layout.offsets,
        "notes": planned.layout.notes,
        "steps": steps,
        "sets": planned.openings.sets,
        "terms": terms,
        "key_points": planned.openings.key_points,
        "rot": rotation_name,
        "times_x": times_x,
        "g2": p.points.g2,
        "tau": p.points.tau_g2,
        "split": key,
        "part_hashes": part_hashes,
    }
    return render("Verifier.sol.j2", context)
