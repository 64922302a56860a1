"""What a command may print, and where.

stdout carries the result and nothing else. Everything for people goes to stderr: `zkml: …`, `zkml: error: …`, `zkml: hint: …`.
`--json` changes the format of the result, not the channel. Without a terminal there are no colours and no moving lines;
NO_COLOR is honoured. Exit statuses are those of `zkml.errors`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console

from zkml.errors import InternalFault, UsageError, ZkmlError
from zkml.ezkl import Progress

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
PLAIN_INTERVAL_SECONDS = 10.0
UNWRAPPED_COLUMNS = 1000


def out() -> Console:
    """Return the console of results (stdout). In a file or pipe no line is wrapped and no digest cut."""
    terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, highlight=False, soft_wrap=not terminal, width=None if terminal else UNWRAPPED_COLUMNS)


def err() -> Console:
    """Return the console of messages (stderr)."""
    return Console(file=sys.stderr, highlight=False, stderr=True)


def say(message: str) -> None:
    """Tell people something, on stderr."""
    err().print(f"zkml: {message}", markup=False, soft_wrap=True)


def hint(message: str) -> None:
    err().print(f"zkml: hint: {message}", markup=False, soft_wrap=True)


def emit(value: Any, *, as_json: bool, text: str | Callable[[Console], None]) -> None:
    """Print a result: `value` as JSON, or `text` (a string, or a function that draws on the console)."""
    if as_json:
        sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")
    elif isinstance(text, str):
        sys.stdout.write(text + "\n")
    else:
        text(out())


def json_option(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--json` as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(f)


def report_error(error: ZkmlError, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(error.as_dict(), indent=2, default=str) + "\n")
    err().print(f"zkml: error: {error.message}", markup=False, soft_wrap=True)
    if error.hint:
        hint(error.hint)


def command_errors(f: Callable[P, R]) -> Callable[P, R]:
    """Map our errors to messages and exit statuses, for a command that may take `as_json`."""

    @wraps(f)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return f(*args, **kwargs)
        except ZkmlError as e:
            report_error(e, as_json=bool(kwargs.get("as_json")))
            sys.exit(e.exit_code)
        except KeyboardInterrupt:
            say("interrupted; nothing was left half-written")
            sys.exit(INTERRUPTED)
        except MemoryError:
            report_error(UsageError("out of memory", hint="`zkml inspect` estimates what a circuit needs"), as_json=False)
            sys.exit(5)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as e:
            if "ZKML_TRACEBACK" in os.environ:
                raise
            fault = InternalFault(
                f"{type(e).__name__}: {e}", hint="this is our fault: set ZKML_TRACEBACK=1 to see where, and report it"
            )
            report_error(fault, as_json=bool(kwargs.get("as_json")))
            sys.exit(fault.exit_code)

    return wrapped


def gigabytes(size: float) -> str:
    """Return a size for people: three significant digits, decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError


def seconds(value: float) -> str:
    """Return a duration for people."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Show a stage under way on stderr: a moving line on a terminal, otherwise a line every ten seconds."""
    console = err()
    if console.is_terminal:
        with console.status("") as status:

            def moving(p: Progress) -> None:
                status.update(f"{p.stage}  {seconds(p.elapsed)}  {gigabytes(p.rss)}")

            yield moving
        return
    last: dict[str, float] = {}

    def plain(p: Progress) -> None:
        now = time.monotonic()
        if p.elapsed >= PLAIN_INTERVAL_SECONDS and now - last.get(p.stage, 0.0) >= PLAIN_INTERVAL_SECONDS:
            last[p.stage] = now
            say(f"{p.stage}: {seconds(p.elapsed)} so far, {gigabytes(p.rss)}")

    yield plain
