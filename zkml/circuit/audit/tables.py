"""Settings: whether the two copies agree, and what they do not guarantee."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zkml.circuit.audit.report import Finding
from zkml.circuit.audit.subject import Subject

UNIMPORTANT = frozenset({"timestamp", "num_rows", "num_blinding_factors", "check_mode", "max_dynamic_input_len", "version"})
"""Keys that say nothing about the circuit or the statement. The version is checked when the files are read."""
UNIMPORTANT_ARGS = frozenset({"check_mode", "epsilon", "variables", "bounded_log_lookup"})

MAX_REPRODUCIBLE_COLUMNS = 16


def _equations(settings: Mapping[str, Any]) -> list[Any]:
    return sorted((equation, sorted(dims.items())) for equation, dims in settings["einsum_params"]["equations"])


def _differences(inside: Mapping[str, Any], beside: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted((inside.keys() | beside.keys()) - UNIMPORTANT - {"run_args", "einsum_params"}):
        if inside.get(key) != beside.get(key):
            yield key
    args, other = inside["run_args"], beside["run_args"]
    for key in sorted((args.keys() | other.keys()) - UNIMPORTANT_ARGS):
        if args.get(key) != other.get(key):
            yield f"run_args.{key}"
    if _equations(inside) != _equations(beside):
        yield "einsum_params.equations"
    size = "total_einsum_col_size"
    if inside["einsum_params"][size] != beside["einsum_params"][size]:
        yield f"einsum_params.{size}"


def agreement(subject: Subject) -> Iterator[Finding]:
    """Settings beside the circuit that differ from those inside it in anything that matters."""
    if subject.beside is None:
        return
    keys = list(_differences(subject.inside, subject.beside))
    if keys:
        yield Finding(
            code="settings-disagree",
            severity="unsound",
            nodes=(),
            forger="have one circuit audited and another verified: settings.json differs from what the compiled circuit holds",
            remedy="compile the circuit again from these settings, and use the two files that come of it together",
            details={"keys": keys},
        )


def _columns(bounds: tuple[int, int], rows: int) -> int:
    return abs(bounds[1] - bounds[0]) // rows + 1


def tables(subject: Subject) -> Iterator[Finding]:
    """Static tables and ranges: how many columns they take, and what the settings do not say about their ends."""
    settings, rows = subject.inside, subject.table_rows
    ranges = [tuple(r) for r in settings["required_range_checks"]]
    named = {f"range {low} to {high}": (low, high) for low, high in ranges}
    if settings["required_lookups"]:
        named["lookup_range"] = tuple(subject.run_args["lookup_range"])
    wide = {name: _columns(bounds, rows) for name, bounds in named.items()}
    wide = {name: columns for name, columns in wide.items() if columns > MAX_REPRODUCIBLE_COLUMNS}
    if wide:
        yield Finding(
            code="wide-table",
            severity="notice",
            nodes=(),
            forger="nothing; but EZKL's key digest then depends on its number of threads, so an honest proof may be rejected and "
            "the circuit id cannot be reproduced",
            remedy="use more logrows or a narrower lookup_range, so that no table has more than 16 columns",
            details={"columns": wide},
        )
    if named:
        yield Finding(
            code="table-ends-from-key",
            severity="notice",
            nodes=(),
            forger="hand out a key whose tables reach further than the settings say: a table's upper end is in the key alone",
            remedy="take the verifying key from someone you trust, or make it again from the compiled circuit",
        )
