"""EZKL's run arguments, typed, with defaults that are sound."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from zkml.errors import MalformedArtifact, UsageError

Visibility = str
"""`private`, `public`, `fixed`, `hashed` (the hash is public), `polycommit`, or `hashed/private/0` with numbers of tensors."""

VISIBILITIES = ("private", "public", "fixed", "hashed", "polycommit")
VISIBLE = ("input_visibility", "output_visibility", "param_visibility")
SWITCHES = (
    "rebase_frac_zero_constants",
    "bounded_log_lookup",
    "ignore_range_check_inputs_outputs",
    "disable_freivalds",
)
LOOKUP_LIMIT = 1 << 62
HASHED_OUTLETS = re.compile(r"hashed/private/\d+(,\d+)*")


def check_visibility(name: str, value: str) -> str:
    """Return `value` if EZKL knows it. Raises `UsageError`."""
    if value in VISIBILITIES or HASHED_OUTLETS.fullmatch(value):
        return value
    raise UsageError(
        f"{name} cannot be {value!r}", hint="one of " + ", ".join(VISIBILITIES) + ", hashed/private/0", code="visibility"
    )


@dataclass(frozen=True)
class RunArgs:
    """What EZKL is asked for.

    Scales are base-2 logarithms of the fixed-point unit. Every value is held as `decomp_legs` digits of base `decomp_base`, so
    its magnitude stays below `decomp_base ** decomp_legs`. The circuit has 2^`logrows` rows and blocks of `num_inner_cols`
    columns. `lookup_range` is the inclusive domain of the static tables. Unlike EZKL's own default, `disable_freivalds` is set:
    without it results of matrix products are not bound to the rest of the circuit.
    """

    input_scale: int = 7
    param_scale: int = 7
    scale_rebase_multiplier: int = 1
    lookup_range: tuple[int, int] = (-32768, 32768)
    logrows: int = 17
    num_inner_cols: int = 2
    decomp_base: int = 128
    decomp_legs: int = 4
    input_visibility: Visibility = "public"
    output_visibility: Visibility = "public"
    param_visibility: Visibility = "fixed"
    rebase_frac_zero_constants: bool = False
    bounded_log_lookup: bool = False
    ignore_range_check_inputs_outputs: bool = False
    disable_freivalds: bool = True

    def __post_init__(self) -> None:
        for name in VISIBLE:
            check_visibility(name, getattr(self, name))
        for name in SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is neither true nor false", code="run-args")
        bounds = {
            "input_scale": (0, 30),
            "param_scale": (0, 30),
            "scale_rebase_multiplier": (1, 64),
            "logrows": (4, 28),
            "num_inner_cols": (1, 256),
            "decomp_base": (2, 1 << 20),
            "decomp_legs": (1, 32),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise UsageError(f"{name} is {value!r:.40}, no whole number from {low} to {high}", code="run-args")
        if not all(type(end) is int and abs(end) < LOOKUP_LIMIT for end in self.lookup_range):
            raise UsageError("an end of the lookup range is no whole number, or too large", code="run-args")
        if self.lookup_range[0] > self.lookup_range[1]:
            raise UsageError(f"the lookup range {self.lookup_range} is empty", code="run-args")

    @property
    def largest_value(self) -> int:
        """The largest magnitude that the digits hold."""
        return int(self.decomp_base**self.decomp_legs) - 1

    def with_(self, **changes: Any) -> RunArgs:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    def as_ezkl(self) -> dict[str, Any]:
        """Return the fields as the worker hands them to `ezkl.PyRunArgs`."""
        return asdict(self) | {"lookup_range": list(self.lookup_range)}

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> RunArgs:
        """Return the run arguments that a settings file records. Raises `MalformedArtifact` when they are not run arguments."""
        recorded = settings.get("run_args")
        if not isinstance(recorded, dict):
            raise MalformedArtifact("the settings hold no run arguments", code="settings")
        values = {f.name: recorded[f.name] for f in fields(cls) if f.name in recorded}
        ends = values.get("lookup_range", list(cls.lookup_range))
        if not isinstance(ends, list) or len(ends) != 2:
            raise MalformedArtifact("the settings hold a lookup range that is no pair", code="settings")
        values["lookup_range"] = tuple(ends)
        try:
            for name in VISIBLE:
                if name in values:
                    values[name] = visibility_name(values[name])
            return cls(**values)
        except UsageError as e:
            raise MalformedArtifact(f"the settings hold impossible run arguments: {e.message}", code="settings") from e


def visibility_name(recorded: Any) -> Visibility:
    """Return the word for a visibility as `settings.json` writes it (`"Public"`, `{"Hashed": {…}}`, …)."""
    if isinstance(recorded, dict) and isinstance(recorded.get("Hashed"), dict):
        hashed = recorded["Hashed"]
        if hashed.get("hash_is_public"):
            return "hashed"
        outlets = hashed.get("outlets") or []
        if isinstance(outlets, list):
            return "hashed/private" + ("/" + ",".join(map(str, outlets)) if outlets else "")
    names = {"Private": "private", "Public": "public", "Fixed": "fixed", "KZGCommit": "polycommit"}
    if isinstance(recorded, str) and recorded in names:
        return names[recorded]
    raise UsageError(f"settings hold an unknown visibility {recorded!r:.60}", code="visibility")
