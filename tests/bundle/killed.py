"""Changes of a bundle, and a way to end the process at the N-th change of the file system that one of them makes.

`Killer(log, N, when).arm()` counts every call that changes files and writes each to the descriptor `log`, one line each; at the
N-th the process ends itself by SIGKILL, before or after carrying it out.
"""

from __future__ import annotations

import builtins
import io
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zkml.bundle import Bundle, pack, unpack
from zkml.files import write_atomic


def compile_like(folder: str, version: str) -> None:
    """Replace model, settings and circuit; let go what a new circuit makes worthless."""
    bundle = Bundle.create(Path(folder))
    with bundle.change() as change:
        change.write("model", f"model {version}".encode())
        change.write_json("settings", {"version": version})
        path = change.path("circuit")
        with path.open("wb") as f:
            f.write(b"circuit ")
            f.write(version.encode())
        change.record("circuit", logrows=17)
        for name in ("vk", "pk", "witness"):
            if change.has(name):
                change.remove(name)


def setup_like(folder: str, version: str) -> None:
    """Add keys and a witness."""
    bundle = Bundle.open(Path(folder))
    with bundle.change() as change:
        change.write("vk", f"vk {version}".encode(), made_from={"srs": "ab" * 32})
        change.write("pk", f"pk {version}".encode() * 100)
        change.write("witness", b"private")


def pack_like(folder: str, target: str) -> None:
    pack(Bundle.open(Path(folder)), Path(target), overwrite=True)


def unpack_like(source: str, folder: str) -> None:
    unpack(Path(source), Path(folder))


def write_like(path: str, text: str) -> None:
    write_atomic(Path(path), text.encode())


TASKS: dict[str, Callable[[str, str], None]] = {
    f.__name__: f for f in (compile_like, setup_like, pack_like, unpack_like, write_like)
}

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killer:
    """Counts changes of the file system; kills the process at the N-th."""

    def __init__(self, log: int, number: int, when: str) -> None:
        self.log, self.number, self.when, self.count = log, number, when, 0
        self.write = os.write

    def wrap(self, module: Any, name: str, applies: Callable[..., bool] = lambda *a, **k: True) -> None:
        original = getattr(module, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            if not applies(*args, **kwargs):
                return original(*args, **kwargs)
            with self.at(f"{name} {args[0] if args else ''}"):
                return original(*args, **kwargs)

        setattr(module, name, counted)

    def at(self, what: str) -> Any:
        killer = self

        class Around:
            def __enter__(self) -> None:
                killer.count += 1
                self.mine = killer.count == killer.number
                killer.write(killer.log, f"{killer.count} {what}\n".encode())
                if self.mine and killer.when == "before":
                    os.kill(os.getpid(), signal.SIGKILL)

            def __exit__(self, *_: object) -> None:
                if self.mine:
                    os.kill(os.getpid(), signal.SIGKILL)

        return Around()

    def opener(self) -> None:
        """Wrap `open` for writing: opening, every write, and the flush of what is buffered at the end."""
        killer, original = self, io.open

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                with killer.at(f"write {self.name}"):
                    return super().write(data)

        def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if not set("wxa+") & set(mode):
                return original(file, mode, *args, **kwargs)
            if isinstance(file, int):
                return io.BufferedWriter(Raw(file, "w"))
            with killer.at(f"open {file}"):
                raw = Raw(file, mode.replace("b", "").replace("t", ""))
            binary = io.BufferedWriter(raw)
            return binary if "b" in mode else io.TextIOWrapper(binary)

        io.open = opened
        builtins.open = opened

    def arm(self) -> None:
        for name in ("replace", "rename", "unlink", "remove", "rmdir", "mkdir", "fsync", "chmod", "ftruncate", "pwrite"):
            self.wrap(os, name)
        self.wrap(os, "open", lambda path, flags, *a, **k: bool(flags & WRITING))
        self.wrap(shutil, "rmtree")
        self.opener()
