"""`settings.json` as EZKL writes it, made reproducible."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zkml.errors import MalformedArtifact
from zkml.files import read_json, write_atomic
from zkml.settings.run_args import RunArgs

EZKL_VERSION = "23.0.5"
MAX_VERSION = 64
MAX_SETTINGS_BYTES = 256 << 20


def sorted_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings with the lists that EZKL writes in random order sorted.

    EZKL collects required lookups and range checks in a hash set, so their order differs from run to run; it is part of the
    circuit. Lookups sort by their JSON text, ranges by their ends. The timestamp is zeroed.
    """
    result = dict(settings)
    result["required_lookups"] = sorted(settings["required_lookups"], key=lambda op: json.dumps(op, sort_keys=True))
    result["required_range_checks"] = sorted(settings["required_range_checks"])
    result["timestamp"] = 0
    equations = settings.get("einsum_params")
    if equations is not None:
        # The axis dimensions are hash maps too.
        result["einsum_params"] = equations | {
            "equations": [[equation, dict(sorted(dims.items()))] for equation, dims in equations["equations"]]
        }
    return result


def read_settings(path: Path) -> dict[str, Any]:
    """Return a settings file. Raises `MalformedArtifact` when it is not one, or not of the pinned EZKL version."""
    settings = read_json(path, what="settings", max_bytes=MAX_SETTINGS_BYTES)
    if not isinstance(settings, dict) or not isinstance(settings.get("run_args"), dict):
        raise MalformedArtifact(f"{path} is not a settings file of EZKL", code="settings")
    version = settings.get("version")
    if not isinstance(version, str) or len(version) > MAX_VERSION:
        raise MalformedArtifact(f"{path} does not say which EZKL made it", code="settings")
    if version != EZKL_VERSION:
        raise MalformedArtifact(
            f"{path} was made by EZKL {version}, this toolkit works with {EZKL_VERSION}",
            hint="compile the model again",
            code="ezkl-version",
        )
    RunArgs.from_settings(settings)
    check_fields(settings, str(path))
    return settings


def whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int for item in value)


def check_fields(settings: dict[str, Any], where: str) -> None:
    """Raise `MalformedArtifact` unless the fields that this toolkit reads have the type that it expects."""
    checks: dict[str, Callable[[Any], bool]] = {
        "num_rows": lambda v: type(v) is int and v >= 0,
        "total_assignments": lambda v: type(v) is int and v >= 0,
        "total_const_size": lambda v: type(v) is int and v >= 0,
        "model_instance_shapes": lambda v: isinstance(v, list) and all(map(whole_numbers, v)),
        "model_output_scales": whole_numbers,
        "model_input_scales": whole_numbers,
        "module_sizes": lambda v: isinstance(v, dict),
        "required_lookups": lambda v: isinstance(v, list),
        "required_range_checks": lambda v: isinstance(v, list) and all(whole_numbers(r) and len(r) == 2 for r in v),
    }
    for name, check in checks.items():
        if not check(settings.get(name)):
            raise MalformedArtifact(f"{where} has no proper {name}", code="settings")


def write_settings(path: Path, settings: dict[str, Any]) -> None:
    """Write settings as one canonical line, atomically."""
    write_atomic(path, json.dumps(settings, separators=(",", ":")).encode())
