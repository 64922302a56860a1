"""The text of a verifier made for one circuit (forms single and split): its expressions and its sum of points in Yul."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkml.contract.expressions import MAX_BOUND, YulText, literal
from zkml.contract.identities import Identity
from zkml.contract.opening_text import LEAST_RUN, evaluations, sum_of_points
from zkml.contract.plan import Plan, rotation_name
from zkml.contract.templates import render
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


def verifier_source(planned: Plan, name: str, key: SplitKey | None = None, part_hashes: Sequence[bytes] = ()) -> str:
    """Return the Solidity of a verifier with the key in its code, or (`key`) in another contract.

    With `part_hashes` steps 5 to 7 are in as many other contracts, whose code has these hashes, and step 9 has loops.
    """
    p = planned.protocol
    steps = [] if part_hashes else identity_steps(planned)
    for i in range(len(part_hashes)):
        planned.layout.place(f"PART_{i}", "where this part was deployed")
    least_run = LEAST_RUN if part_hashes else None

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
        "evaluations": evaluations(planned, least_run),
        "terms": sum_of_points(planned, key is None, least_run),
        "key_points": planned.openings.key_points,
        "rot": rotation_name,
        "times_x": times_x,
        "g2": p.points.g2,
        "tau": p.points.tau_g2,
        "split": key,
        "part_hashes": part_hashes,
    }
    return render("Verifier.sol.j2", context)
