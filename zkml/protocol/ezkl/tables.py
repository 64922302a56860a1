"""Static lookups, range checks, dynamic lookups and shuffles: which tuples are looked up in which tables.

A table longer than a column (c = n − 8 rows) is cut into m columns; column i holds its entries times M_i = ∏_{t≠i} (i − t)
(with factor i for t = 0). A row names the column in I1 (the index), and T_i(index) = ∏_{t≠i} (t − index) is M_i there and 0 for
the other columns, so with e = s·T_i and ē = M_i − e each row looks up e·x + ē·x_i: its own entry, or the column's first, x_i.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import MAX_BUILD_STEPS
from zkml.protocol.ezkl.functions import table_value
from zkml.protocol.ezkl.settings import EzklSettings, LookupOp
from zkml.protocol.ezkl.system import Blocks, ConstraintSystem
from zkml.protocol.validity import MAX_COLUMNS


def table_columns(settings: EzklSettings, bounds: tuple[int, int]) -> int:
    """Return m, the number of columns of a table over `bounds`. Raises `MalformedArtifact` when there are too many."""
    m = abs(bounds[1] - bounds[0]) // settings.table_rows + 1
    if m > MAX_COLUMNS:
        raise MalformedArtifact(f"settings ask for a table of more than {MAX_COLUMNS} columns", code="too-large")
    return m


def widest_table(settings: EzklSettings) -> int:
    """Return the number of columns of the widest table, 0 when there is none."""
    bounds = list(settings.required_range_checks)
    if settings.required_lookups:
        bounds.append(settings.lookup_range)
    return max((table_columns(settings, b) for b in bounds), default=0)


def _factor(cs: ConstraintSystem, index: int, t: int) -> int:
    e = cs.build
    return index if t == 0 else e.sub(e.constant(t), index)


def _selection(cs: ConstraintSystem, index: int, i: int, start: int, end: int, depth: int | None) -> int:
    """Return T_i over columns start..end−1.

    The tree's shape matters for the digest: halves, `depth` levels deep (None: to the end).
    """
    e = cs.build
    if end - start >= 2 and depth != 0:
        middle = start + (end - start) // 2
        deeper = None if depth is None else depth - 1
        return e.product(_selection(cs, index, i, start, middle, deeper), _selection(cs, index, i, middle, end, deeper))
    acc = e.constant(1)
    for t in range(start, end):
        if t != i:
            acc = e.product(acc, _factor(cs, index, t))
    return acc


def _scale(m: int, i: int) -> int:
    """Return M_i as an integer."""
    out = 1
    for t in range(m):
        if t != i:
            out *= i if t == 0 else t - i
    return out


def _check_work(rows: int, m: int) -> None:
    """Raise `MalformedArtifact` when `rows` lookups, each into a table of m columns, take too many expressions to write down."""
    if rows > MAX_COLUMNS or 4 * rows * m * m > MAX_BUILD_STEPS:
        raise MalformedArtifact("settings ask for tables too wide or too many to describe", code="too-large")


def _table(
    cs: ConstraintSystem,
    left: Blocks,
    right: Blocks,
    outputs: Blocks | None,
    columns: Sequence[tuple[int, ...]],
    defaults: Sequence[tuple[int, ...]],
    depth: int | None,
) -> None:
    """Add the lookups of every cell into one table, and for each the gate that its index names a column.

    `columns[i]` are the fixed columns of table column i (input, and output unless it is a range); `defaults[i]` its first row.
    """
    e = cs.build
    m = len(columns)
    scales = [_scale(m, i) for i in range(m)]
    for b in range(len(left)):
        for j in range(len(left[0])):
            selector = cs.selector(simple=False)
            for i in range(m):
                index = cs.advice(right[b][j]) if m > 1 else e.constant(1)
                values = [cs.advice(left[b][j])]
                if outputs is not None:
                    values.append(cs.advice(outputs[b][j]))
                table = tuple(cs.fixed(c) for c in columns[i])
                on = e.product(selector, _selection(cs, index, i, 0, m, depth))
                off = e.sub(e.constant(scales[i]), on)
                cs.lookup(
                    tuple(
                        e.sum(e.product(on, value), e.product(off, e.constant(default)))
                        for value, default in zip(values, defaults[i], strict=True)
                    ),
                    table,
                )
            if m == 1:
                vanishing = e.constant(0)
            else:
                vanishing = e.constant(1)
                for t in range(m):
                    vanishing = e.product(vanishing, e.sub(cs.advice(right[b][j]), e.constant(t)))
            cs.gate(e.product(selector, vanishing))


def static_lookups(
    cs: ConstraintSystem, settings: EzklSettings, left: Blocks, right: Blocks, output: Blocks, depth: int | None
) -> None:
    """Add the tables of all `required_lookups`; they share their input columns."""
    ops: tuple[LookupOp, ...] = settings.required_lookups
    if not ops:
        return
    low = settings.lookup_range[0]
    m = table_columns(settings, settings.lookup_range)
    _check_work(len(left) * len(left[0]) * len(ops), m)
    inputs = [cs.fixed_column() for _ in range(m)]
    starts = [low + i * settings.table_rows for i in range(m)]
    for op in ops:
        columns = [(inputs[i], cs.fixed_column()) for i in range(m)]
        defaults = [(x, table_value(op, x)) for x in starts]
        _table(cs, left, right, output, columns, defaults, depth)


def range_checks(cs: ConstraintSystem, settings: EzklSettings, left: Blocks, right: Blocks, depth: int | None) -> None:
    """Add the tables of all `required_range_checks`."""
    _check_work(len(left) * len(left[0]) * len(settings.required_range_checks), 1)
    for bounds in settings.required_range_checks:
        m = table_columns(settings, bounds)
        _check_work(len(left) * len(left[0]), m)
        columns: list[tuple[int, ...]] = [(cs.fixed_column(),) for _ in range(m)]
        defaults: list[tuple[int, ...]] = [(bounds[0] + i * settings.table_rows,) for i in range(m)]
        _table(cs, left, right, None, columns, defaults, depth)


def dynamic_tables(cs: ConstraintSystem, variables: tuple[Blocks, Blocks, Blocks], tables: tuple[Blocks, ...]) -> None:
    """Add the lookups of rows of the model's variables among rows of three advice tables, each side under a selector."""
    e = cs.build
    one = e.constant(1)
    for q in range(len(tables[0])):
        table_selector = cs.selector(simple=False)
        for b in range(len(variables[0])):
            for j in range(len(variables[0][0])):
                selector = cs.selector(simple=False)
                inputs = [one, *(cs.advice(v[b][j]) for v in variables)]
                table = [one, *(cs.advice(t[q][0]) for t in tables)]
                cs.lookup(
                    tuple(e.product(x, selector) for x in inputs),
                    tuple(e.product(x, table_selector) for x in table),
                )
