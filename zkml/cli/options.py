"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")

SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|min|m|h)?", re.IGNORECASE)
DIM = re.compile(r"([^=]+)=([0-9]{1,9})")
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


class Bytes(click.ParamType[int]):
    """A size such as `8GB`, `500M`, `2GiB`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = SIZE.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is not a size such as 8GB or 500M", param, ctx)
        number, unit, binary = match.groups()
        size = int(float(number) * (1024 if binary else 1000) ** POWERS[unit.lower()])
        if size < 1:
            self.fail(f"{value!r} is less than a byte", param, ctx)
        return size


class Duration(click.ParamType[float]):
    """A time such as `90s`, `5m`, `1h`; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        match = TIME.fullmatch(value.strip())
        if match is None:
            self.fail(f"{value!r} is not a time such as 90s, 5m or 1h", param, ctx)
        return float(match.group(1)) * SECONDS[(match.group(2) or "").lower()]


class Dim(click.ParamType[tuple[str, int]]):
    """A dimension such as `seq=16`."""

    name = "name=n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        match = DIM.fullmatch(value)
        if match is None or int(match.group(2)) < 1:
            self.fail(f"{value!r} is not name=n with n at least 1", param, ctx)
        return match.group(1), int(match.group(2))


bundle_argument = click.argument("bundle", type=click.Path(path_type=Path, exists=True, file_okay=False))


def srs_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--srs` and `--unsafe-srs`."""
    f = click.option(
        "--unsafe-srs", is_flag=True, help="Allow an SRS whose secret somebody may know: for trying out, never for real proofs."
    )(f)
    return click.option(
        "--srs",
        "srs_path",
        type=click.Path(path_type=Path),
        help="The SRS file, or a folder of them. Default: $ZKML_SRS, then the cache.",
    )(f)


def budget_options(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--max-ram`, `--max-time` and `--max-k`."""
    f = click.option("--max-k", type=click.IntRange(4, 28), help="At most 2^K rows.")(f)
    f = click.option("--max-time", type=Duration(), help="At most this long for a stage, estimated or real, such as 10m.")(f)
    return click.option("--max-ram", type=Bytes(), help="At most this much memory, estimated or real, such as 8GB.")(f)


def dim_option(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--dim name=n`."""
    return click.option("--dim", "dims", type=Dim(), multiple=True, help="Pin a named dimension, such as seq=16.")(f)
