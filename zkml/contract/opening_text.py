"""The text of step 9 in Yul: the sums over the members of every set, of their evaluations and of their points.

Members of a run, whose words lie at equal distances, can share the statements of a loop: wide circuits have hundreds. A turn of
a loop costs about 40 gas more than its statements, so short runs are written out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zkml.contract.plan import Plan
from zkml.contract.templates import word

LEAST_RUN = 32
"""Members from which on a run is written as a loop."""


@dataclass(frozen=True)
class Run:
    """Words or points of equal distance, `step` bytes (0 for a single one); `first` and `last` are names."""

    first: str
    last: str
    step: int
    count: int


def runs(names: Sequence[str], offsets: Mapping[str, int], least: int | None) -> list[Run]:
    """Return the names in order, cut into the longest runs; those shorter than `least` (None: all) as single names."""
    if least is None:
        return [Run(name, name, 0, 1) for name in names]
    out: list[Run] = []
    at = 0
    while at < len(names):
        end = at + 1
        step = offsets[names[end]] - offsets[names[at]] if end < len(names) else 0
        while end < len(names) and step and offsets[names[end]] - offsets[names[end - 1]] == step:
            end += 1
        if end - at >= least:
            out.append(Run(names[at], names[end - 1], step, end - at))
        else:
            end = at + 1  # the next name may begin a longer run
            out.append(Run(names[at], names[at], 0, 1))
        at = end
    return out


def loop(run: Run, statements: Sequence[str]) -> list[str]:
    """Return the statements once for each member of a run, whose address is `at`."""
    beyond, move = ("gt", "add") if run.step > 0 else ("lt", "sub")
    head = f"for {{ let at := {run.first} }} iszero({beyond}(at, {run.last})) {{ at := {move}(at, {abs(run.step):#x}) }} {{"
    return [head, *(f"    {s}" for s in statements), "}"]


def evaluations(planned: Plan, least_run: int | None) -> list[dict[int, list[str]]]:
    """Return, for every set and rotation, the statements that make e = Σ_j y′^j·e_j of its members; None: no loops."""
    out = []
    for s in planned.openings.sets:
        of_set = {}
        for rotation in s.rotations:
            first, *others = [member.evals[rotation] for member in reversed(s.members)]
            lines = [f"e := mload({first})"]
            for run in runs(others, planned.layout.offsets, least_run):
                if run.step:
                    lines += loop(run, ["e := add(mulmod(e, y_prime, r), mload(at))"])
                else:
                    lines.append(f"e := add(mulmod(e, y_prime, r), mload({run.first}))")
            of_set[rotation] = lines
        out.append(of_set)
    return out


def sum_of_points(planned: Plan, key_in_code: bool, least_run: int | None) -> list[list[str]]:
    """Return, for every set, the statements that add its members' points to ACC, each point once; None: no loops."""
    opened = planned.openings
    seen: dict[str, int] = {}
    out = []
    first = opened.first_is_plain

    def add(point: str, scalar: str) -> str:
        if point in opened.key_points and key_in_code:
            x, y = opened.key_points[point]
            return f"addKey({word(x)}, {word(y)}, {scalar}) // {point}"
        return f"addPoint({point}, {scalar})"

    def added(points: list[str]) -> list[str]:
        """Return the statements for members that have one point each, used nowhere else; none of them is a set's first."""
        lines: list[str] = []
        for run in runs(points, planned.layout.offsets, least_run):
            if run.step:
                lines += loop(run, ["weight := mulmod(weight, y_prime, r)", "addPoint(at, weight)"])
            else:
                lines += ["weight := mulmod(weight, y_prime, r)", add(run.first, "weight")]
        return lines

    for s in opened.sets:
        lines: list[str] = []
        alike: list[str] = []
        for j, member in enumerate(s.members):
            if j and len(member.points) == 1 and opened.uses[member.points[0]] == 1:
                alike.append(member.points[0])
                continue
            lines += added(alike)
            alike = []
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
        out.append(lines + added(alike))
    return out
