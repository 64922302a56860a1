"""A circuit's verifier as Solidity, from its Protocol alone. Needs no compiler."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from zkml.contract.expressions import MAX_BOUND, YulText, literal
from zkml.contract.interface import selector
from zkml.contract.layout import Layout
from zkml.contract.plan import Plan, plan, rotation_name
from zkml.contract.sources import Deployable, Form, Sources
from zkml.errors import UsageError
from zkml.protocol.field import P, R
from zkml.protocol.protocol import Protocol

INTERFACE = "IVerifier.sol"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Step:
    """The lines that add one identity to the quotient's numerator."""

    title: str
    lines: tuple[str, ...]


def word(value: int) -> str:
    """Return 32 bytes in hex."""
    return f"0x{value:064x}"


def short(value: int) -> str:
    """Return a scalar in decimal when it is small, else in hex."""
    value %= R
    return str(value) if value < 1 << 64 else word(value)


def left_aligned(signature: str) -> str:
    """Return the selector of an error in the leftmost bytes of a word."""
    return "0x" + selector(signature).hex() + "00" * 28


def _environment() -> Environment:
    env = Environment(  # noqa: S701  (Solidity, not HTML)
        loader=PackageLoader("zkml.contract"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    env.globals |= {"word": word, "short": short, "hex": hex, "selector": left_aligned, "literal": literal, "R": R, "P": P}
    return env


def _identity_steps(planned: Plan, layout: Layout) -> list[Step]:
    """Return the statements of steps 5 to 7; words for shared values are placed in `layout`."""
    shared = 0

    def new_word() -> str:
        nonlocal shared
        shared += 1
        return layout.place(f"T_{shared - 1}")

    writer = YulText(planned.dag, [identity.node for identity in planned.identities], new_word)
    out = []
    for i, identity in enumerate(planned.identities):
        lines, piece = writer.write(identity.node)
        if i == 0:
            lines.append(f"h := {piece.text}")
        elif piece.bound < MAX_BOUND:
            lines.append(f"h := add({piece.text}, mulmod(h, y, r))")
        else:
            lines.append(f"h := addmod({piece.text}, mulmod(h, y, r), r)")
        out.append(Step(f"{identity.step}. {identity.title}", tuple(lines)))
    return out


def _sum_of_points(planned: Plan, layout: Layout, key_in_code: bool) -> list[list[str]]:
    """Return, for every set, the statements that add its members' points to ACC, each point once."""
    opened = planned.openings
    seen: dict[str, int] = {}
    out = []
    first = True

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
            if len(member.points) != 1 or opened.uses[member.points[0]] == 1:
                scalar = "weight"
                for i, point in enumerate(member.points):
                    if i == 1:
                        lines.append("let multiple := mulmod(weight, mload(X_N), r)")
                        scalar = "multiple"
                    elif i > 1:
                        lines.append("multiple := mulmod(multiple, mload(X_N), r)")
                    if not (first and opened.first_is_plain):
                        lines.append(add(point, scalar))
                    first = False
                if not member.points:
                    lines.append(f"// {member.title} is the zero polynomial")
                continue
            first = False
            point = member.points[0]
            total = f"SUM_{point}"
            seen[point] = seen.get(point, 0) + 1
            if seen[point] == 1:
                layout.place(total, "sum of the scalars of equal commitments")
                lines.append(f"mstore({total}, weight)")
            elif seen[point] < opened.uses[point]:
                lines.append(f"mstore({total}, addmod(mload({total}), weight, r))")
            else:
                lines.append(add(point, f"addmod(mload({total}), weight, r)"))
        out.append(lines)
    return out


def _interface() -> str:
    return resources.files("zkml.contract").joinpath("templates", INTERFACE).read_text()


def _context(planned: Plan, layout: Layout, name: str, split: bool) -> dict[str, Any]:
    steps = _identity_steps(planned, layout)
    terms = _sum_of_points(planned, layout, key_in_code=not split)

    def times_x(rotation: int) -> str:
        root = pow(planned.protocol.omega, rotation % planned.protocol.n, R)
        return "x" if root == 1 else f"mulmod(x, {literal(root)}, r)"

    p = planned.protocol
    return {
        "p": p,
        "plan": planned,
        "name": name,
        "circuit_id": p.circuit_id,
        "layout": layout,
        "offsets": layout.offsets,
        "notes": layout.notes,
        "steps": steps,
        "sets": planned.openings.sets,
        "terms": terms,
        "key_points": planned.openings.key_points,
        "rot": rotation_name,
        "times_x": times_x,
        "g2": p.points.g2,
        "tau": p.points.tau_g2,
        "split": split,
    }


def generate(protocol: Protocol, form: Form, *, name: str = "Verifier") -> Sources:
    """Return the Solidity of a verifier for one circuit. Raises `UsageError` for a form or name that there is not."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name} is no name for a contract", hint="letters, digits and _, a letter first")
    if form == "single":
        return _single(protocol, name)
    raise UsageError(f"there is no form {form}", hint="single, split or universal")


def _single(protocol: Protocol, name: str) -> Sources:
    planned = plan(protocol)
    layout = planned.layout
    context = _context(planned, layout, name, split=False)
    text = _environment().get_template("Verifier.sol.j2").render(context)
    file = f"{name}.sol"
    return Sources("single", {INTERFACE: _interface(), file: text}, (Deployable(file, name),), dict(layout.offsets))
