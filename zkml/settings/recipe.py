"""A recipe: run arguments that somebody chose before, in a file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from zkml.errors import UsageError
from zkml.files import read_json
from zkml.settings.run_args import RunArgs

WORDS = ("input_visibility", "output_visibility", "param_visibility")


def read_recipe(path: Path) -> RunArgs:
    """Return the run arguments in a recipe (`{"run_args": …}`, as `RunArgs.as_ezkl` gives them) or in a settings file of EZKL.

    Every argument must be there: a recipe that leaves one to a default changes its meaning with the version. Raises `UsageError`,
    and `MalformedArtifact` when the file is no JSON.
    """
    value = read_json(path, what="recipe")
    if not isinstance(value, dict) or not isinstance(value.get("run_args"), dict):
        raise UsageError(f"{path} holds no run arguments", hint="`zkml calibrate --out FILE` writes a recipe", code="recipe")
    recorded = value["run_args"]
    known = {f.name for f in fields(RunArgs)}
    missing = sorted(known - set(recorded))
    if missing:
        raise UsageError(f"{path} lacks the run arguments " + ", ".join(missing), code="recipe")
    if "num_rows" in value and "version" in value:  # EZKL's settings
        return RunArgs.from_settings({"run_args": {name: checked(name, recorded[name]) for name in known}})
    unknown = sorted(set(recorded) - known)
    if unknown:
        raise UsageError(f"{path} has run arguments that zkml does not set: " + ", ".join(unknown), code="recipe")
    values = {name: checked(name, recorded[name]) for name in known}
    return RunArgs(**values | {"lookup_range": tuple(values["lookup_range"])})


def checked(name: str, value: Any) -> Any:
    """Return the value of a run argument if it has its type. Raises `UsageError`."""
    default = getattr(RunArgs(), name)
    if name in WORDS:
        fits = isinstance(value, (str, dict))
    elif name == "lookup_range":
        fits = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
    else:
        fits = type(value) is type(default)
    if not fits:
        raise UsageError(f"the run argument {name} cannot be {value!r}", code="run-args")
    return value
