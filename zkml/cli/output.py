"""What a command may print, and where.

stdout carries the result and nothing else. Everything for people goes to stderr: `zkml: …`, `zkml: error: …`, `zkml: hint: …`.
`--json` changes the format of the result, not the channel. Without a terminal there are no colours and no moving lines;
NO_COLOR is honoured. Exit statuses are those of `zkml.errors`.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from rich.console import Console

from zkml.errors import EnvironmentFault, InternalFault, ZkmlError
from zkml.ezkl import Progress
from zkml.files import FULL, disk_fault

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
BROKEN_PIPE = 141  # as a program that SIGPIPE ends; 1 would say that a proof was rejected
WIDE = 1000
PLAIN_INTERVAL_SECONDS = 10.0


class Output(Console):
    """A console that leaves a broken pipe to `command_errors`."""

    def on_broken_pipe(self) -> None:
        end_quietly()


def out() -> Console:
    """Return the console of results (stdout). Without a terminal its lines are as long as they are."""
    if sys.stdout.isatty():
        return Output(file=sys.stdout, highlight=False)
    return Output(file=sys.stdout, highlight=False, soft_wrap=True, width=WIDE)


def err() -> Console:
    """Return the console of messages (stderr)."""
    return Output(file=sys.stderr, highlight=False, stderr=True)


def printable(text: str) -> str:
    """Return text without what steers a terminal: a name in a stranger's file must not move the cursor."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def say(message: str) -> None:
    """Tell people something, on stderr."""
    err().print(f"zkml: {printable(message)}", markup=False, soft_wrap=True)


def hint(message: str) -> None:
    say(f"hint: {message}")


def plain(value: Any) -> Any:
    """Return what JSON can say of a value: paths as text, arrays as lists, numbers that are not finite as null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "tolist"):  # of numpy, which the command line does not import for this
        return plain(value.tolist())
    return str(value)


def write_out(text: str) -> None:
    """Write a result; a reader that went away is noticed here and not when the interpreter ends."""
    sys.stdout.write(text)
    sys.stdout.flush()


def emit(value: Any, *, as_json: bool, text: str | Callable[[Console], None]) -> None:
    """Print a result: `value` as JSON, or `text` (a string, or a function that draws on the console)."""
    if as_json:
        write_out(json.dumps(plain(value), indent=2, allow_nan=False) + "\n")
    elif isinstance(text, str):
        write_out(text + "\n")
    else:
        text(out())
        sys.stdout.flush()


def json_option(f: Callable[P, R]) -> Callable[P, R]:
    """Add `--json` as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(f)


def report_error(error: ZkmlError, *, as_json: bool) -> None:
    if as_json:
        write_out(json.dumps(plain(error.as_dict()), indent=2, allow_nan=False) + "\n")
    say(f"error: {error.message}")
    if error.hint:
        hint(error.hint)


def as_ours(error: Exception) -> ZkmlError:
    """Return an exception that reached the command line as one of our errors."""
    if isinstance(error, ZkmlError):
        return error
    if isinstance(error, MemoryError):
        return EnvironmentFault("out of memory", hint="`zkml inspect` estimates what a circuit needs", code="out-of-memory")
    if isinstance(error, OSError) and error.errno in FULL:
        return disk_fault(error.filename or "a file", error)
    return InternalFault(
        f"{type(error).__name__}: {error}", hint="this is our fault: set ZKML_TRACEBACK=1 to see where, and report it"
    )


def end_quietly() -> NoReturn:
    """End when whoever read our output went away (`zkml … | head`)."""
    # What is still buffered would be complained about when the interpreter flushes it.
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(null, stream.fileno())
    sys.exit(BROKEN_PIPE)


@contextmanager
def broken_pipes() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        end_quietly()


def command_errors(f: Callable[P, R]) -> Callable[P, R]:
    """Map our errors to messages and exit statuses, for a command that may take `as_json`."""

    @wraps(f)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        as_json = bool(kwargs.get("as_json"))
        try:
            return f(*args, **kwargs)
        except KeyboardInterrupt:
            say("interrupted; nothing was left half-written")
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            end_quietly()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as e:
            if "ZKML_TRACEBACK" in os.environ and not isinstance(e, ZkmlError):
                raise
            error = as_ours(e)
            with broken_pipes():
                report_error(error, as_json=as_json)
            sys.exit(error.exit_code)

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

    def slow(p: Progress) -> None:
        now = time.monotonic()
        if p.elapsed >= PLAIN_INTERVAL_SECONDS and now - last.get(p.stage, 0.0) >= PLAIN_INTERVAL_SECONDS:
            last[p.stage] = now
            say(f"{p.stage}: {seconds(p.elapsed)} so far, {gigabytes(p.rss)}")

    yield slow
