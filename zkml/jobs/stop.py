"""A request to stop that a signal handler may make: `threading.Event` has a lock that the interrupted code may hold."""

from __future__ import annotations

import os
import select


class Stop:
    """Not set until `set` is called, from any thread or signal handler; `wait` returns early then."""

    def __init__(self) -> None:
        self._set = False
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)

    def __del__(self) -> None:
        os.close(self._reads)
        os.close(self._writes)

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        if not self._set:
            self._set = True
            os.write(self._writes, b"\0")

    def wait(self, seconds: float) -> bool:
        """Wait for at most so long; return whether it is set."""
        if not self._set:
            select.select([self._reads], [], [], seconds)
        return self._set
