"""What Ctrl-C and SIGTERM do to a command that holds work: the first asks it to stop, a second ends it at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from zkml.cli.output import say
from zkml.jobs.stop import Stop


@contextmanager
def stopping() -> Iterator[Stop]:
    """Yield an event that SIGINT and SIGTERM set. A second signal raises KeyboardInterrupt."""
    stop = Stop()

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say("stopping: the proof under way is finished or given back; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
