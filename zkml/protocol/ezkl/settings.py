"""EZKL's `settings.json`, as far as it decides the constraint system and the statement, checked for type and bounds.

Source: the facts of EZKL 23.0.5's file as observed; every field not read here does not influence verification.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from zkml.errors import MalformedArtifact
from zkml.protocol.encoding import canonical_json
from zkml.protocol.field import TWO_ADICITY

MIN_LOGROWS = 4
"""Below, a table column (2^k − 8 rows) has no row."""

MAX_COUNT = 1 << 40
MAX_LIST = 1 << 16
MAX_I128 = (1 << 127) - 1
MAX_AXES = 64

Visibility = str
"""One of `Private`, `Public`, `Fixed`, `KZGCommit`, `Hashed` (public hash), `HashedPrivate`."""


@dataclass(frozen=True)
class LookupOp:
    """A static table's function and its f32 parameters, in the order of EZKL's record."""

    name: str
    parameters: tuple[tuple[str, float], ...]

    def __getitem__(self, name: str) -> float:
        return dict(self.parameters)[name]


@dataclass(frozen=True)
class Equation:
    """An einsum that was executed: its text and the size of every axis."""

    text: str
    dims: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class EzklSettings:
    """The fields that matter. Sizes are cells, lists keep the file's order (it is part of the circuit)."""

    logrows: int
    num_inner_cols: int
    lookup_range: tuple[int, int]
    input_visibility: Visibility
    param_visibility: Visibility
    output_visibility: Visibility
    decomp_base: int
    decomp_legs: int
    ignore_range_check: bool
    total_assignments: int
    total_const_size: int
    total_dynamic_col_size: int
    total_shuffle_col_size: int
    num_dynamic_lookups: int
    num_shuffles: int
    equations: tuple[Equation, ...]
    total_einsum_col_size: int
    polycommit: tuple[int, ...]
    poseidon_hashes: int
    required_lookups: tuple[LookupOp, ...]
    required_range_checks: tuple[tuple[int, int], ...]
    instance_shapes: tuple[tuple[int, ...], ...]
    input_scales: tuple[int, ...]
    output_scales: tuple[int, ...]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    version: str
    digest: str

    @property
    def usable_rows(self) -> int:
        """U = n − 6: rows that hold data."""
        return (1 << self.logrows) - 6

    @property
    def table_rows(self) -> int:
        """c = n − 8: the rows of one table column."""
        return (1 << self.logrows) - 8

    @property
    def visibilities(self) -> tuple[Visibility, Visibility, Visibility]:
        return self.input_visibility, self.param_visibility, self.output_visibility

    @property
    def any_hashed(self) -> bool:
        return any(v.startswith("Hashed") for v in self.visibilities)

    @property
    def any_public_hash(self) -> bool:
        return "Hashed" in self.visibilities


def _bad(where: str, problem: str) -> MalformedArtifact:
    return MalformedArtifact(f"settings {where}: {problem}", code="settings", details={"where": where})


def _int(value: Any, where: str, low: int = 0, high: int = MAX_COUNT) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(where, "not an integer")
    if not low <= value <= high:
        raise _bad(where, f"not in {low}..{high}")
    return value


def _bool(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _bad(where, "not true or false")
    return value


def _list(value: Any, where: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_LIST:
        raise _bad(where, f"not a list of at most {MAX_LIST} entries")
    if length is not None and len(value) != length:
        raise _bad(where, f"not {length} entries")
    return list(value)


def _ints(value: Any, where: str, low: int = 0, high: int = MAX_COUNT) -> tuple[int, ...]:
    return tuple(_int(v, f"{where}[{i}]", low, high) for i, v in enumerate(_list(value, where)))


def _range(value: Any, where: str) -> tuple[int, int]:
    low, high = (_int(v, where, -MAX_I128, MAX_I128) for v in _list(value, where, 2))
    return low, high


def _get(data: Mapping[str, Any], key: str, where: str = "") -> Any:
    if key not in data:
        raise _bad(where + key, "missing")
    return data[key]


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _bad(where, "not an object")
    return value


def _visibility(value: Any, where: str) -> Visibility:
    if isinstance(value, str) and value in ("Private", "Public", "Fixed", "KZGCommit"):
        return value
    if isinstance(value, Mapping) and set(value) == {"Hashed"}:
        hashed = _mapping(value["Hashed"], where)
        public = _bool(_get(hashed, "hash_is_public", f"{where}.Hashed."), f"{where}.Hashed.hash_is_public")
        return "Hashed" if public else "HashedPrivate"
    raise _bad(where, "not a visibility")


def _f32(value: Any, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value) or abs(value) > 3.4e38:
        raise _bad(where, "not a finite number of 32 bits")
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _lookup_op(value: Any, where: str) -> LookupOp:
    if isinstance(value, str) and len(value) <= 32:
        return LookupOp(value, ())
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, parameters),) = value.items()
        pairs = _mapping(parameters, where)
        if isinstance(name, str) and len(pairs) <= 4:
            return LookupOp(name, tuple(sorted((str(k), _f32(v, f"{where}.{k}")) for k, v in pairs.items())))
    raise _bad(where, "not a lookup operation")


def _equation(value: Any, where: str) -> Equation:
    text, dims = _list(value, where, 2)
    sizes = _mapping(dims, where)
    if not isinstance(text, str) or len(text) > 1024 or len(sizes) > MAX_AXES:
        raise _bad(where, "not an equation")
    pairs = tuple(sorted((str(axis), _int(size, f"{where}.{axis}", 0, 1 << 32)) for axis, size in sizes.items()))
    if any(len(axis) != 1 for axis, _ in pairs):
        raise _bad(where, "an axis is not one letter")
    return Equation(text, pairs)


def _types(value: Any, where: str, count: int) -> tuple[str, ...]:
    if value is None:
        return ("Unknown",) * count
    out = _list(value, where, count)
    if any(v not in ("Bool", "F16", "F32", "F64", "Int", "TDim", "Unknown") for v in out):
        raise _bad(where, "an unknown type")
    return tuple(out)


def settings_digest(data: Mapping[str, Any]) -> str:
    """Return SHA-256 of the canonical JSON of the settings without `timestamp`, 64 hex digits."""
    return hashlib.sha256(canonical_json({k: v for k, v in data.items() if k != "timestamp"})).hexdigest()


def read_settings(data: Mapping[str, Any]) -> EzklSettings:
    """Return the typed settings in the JSON data of a `settings.json`. Raises `MalformedArtifact`, naming the field."""
    data = _mapping(data, "top level")
    run = _mapping(_get(data, "run_args"), "run_args")
    einsum = _mapping(data.get("einsum_params") or {}, "einsum_params")
    modules = _mapping(_get(data, "module_sizes"), "module_sizes")
    poseidon = _list(_get(modules, "poseidon", "module_sizes."), "module_sizes.poseidon", 2)
    counts = _ints(poseidon[1], "module_sizes.poseidon[1]", 0, MAX_LIST)
    version = data.get("version")
    if not isinstance(version, str) or not 1 <= len(version) <= 64:
        raise _bad("version", "not a version")
    input_scales = _ints(_get(data, "model_input_scales"), "model_input_scales", -128, 128)
    output_scales = _ints(_get(data, "model_output_scales"), "model_output_scales", -128, 128)
    try:
        digest = settings_digest(data)
    except (ValueError, TypeError) as e:
        raise _bad("top level", "holds what JSON cannot") from e

    def count(key: str) -> int:
        return _int(data.get(key) or 0, key)

    return EzklSettings(
        logrows=_int(_get(run, "logrows", "run_args."), "run_args.logrows", MIN_LOGROWS, TWO_ADICITY),
        num_inner_cols=_int(_get(run, "num_inner_cols", "run_args."), "run_args.num_inner_cols", 1, MAX_LIST),
        lookup_range=_range(_get(run, "lookup_range", "run_args."), "run_args.lookup_range"),
        input_visibility=_visibility(_get(run, "input_visibility", "run_args."), "run_args.input_visibility"),
        param_visibility=_visibility(_get(run, "param_visibility", "run_args."), "run_args.param_visibility"),
        output_visibility=_visibility(_get(run, "output_visibility", "run_args."), "run_args.output_visibility"),
        decomp_base=_int(_get(run, "decomp_base", "run_args."), "run_args.decomp_base", 0, 1 << 32),
        decomp_legs=_int(_get(run, "decomp_legs", "run_args."), "run_args.decomp_legs", 0, 128),
        ignore_range_check=_bool(
            run.get("ignore_range_check_inputs_outputs", False), "run_args.ignore_range_check_inputs_outputs"
        ),
        total_assignments=_int(_get(data, "total_assignments"), "total_assignments"),
        total_const_size=_int(_get(data, "total_const_size"), "total_const_size"),
        total_dynamic_col_size=count("total_dynamic_col_size"),
        total_shuffle_col_size=count("total_shuffle_col_size"),
        num_dynamic_lookups=count("num_dynamic_lookups"),
        num_shuffles=count("num_shuffles"),
        equations=tuple(
            _equation(e, f"einsum_params.equations[{i}]")
            for i, e in enumerate(_list(einsum.get("equations") or [], "einsum_params.equations"))
        ),
        total_einsum_col_size=_int(einsum.get("total_einsum_col_size") or 0, "einsum_params.total_einsum_col_size"),
        polycommit=_ints(_get(modules, "polycommit", "module_sizes."), "module_sizes.polycommit"),
        poseidon_hashes=counts[0] if counts else 0,
        required_lookups=tuple(
            dict.fromkeys(
                _lookup_op(op, f"required_lookups[{i}]")
                for i, op in enumerate(_list(_get(data, "required_lookups"), "required_lookups"))
            )
        ),
        required_range_checks=tuple(
            dict.fromkeys(
                _range(r, f"required_range_checks[{i}]")
                for i, r in enumerate(_list(_get(data, "required_range_checks"), "required_range_checks"))
            )
        ),
        instance_shapes=tuple(
            _ints(s, f"model_instance_shapes[{i}]", 1)
            for i, s in enumerate(_list(_get(data, "model_instance_shapes"), "model_instance_shapes"))
        ),
        input_scales=input_scales,
        output_scales=output_scales,
        input_types=_types(data.get("input_types"), "input_types", len(input_scales)),
        output_types=_types(data.get("output_types"), "output_types", len(output_scales)),
        version=version,
        digest=digest,
    )
