"""Terminal transcripts: each file in `transcripts/` is a session in a folder with a model and a bundle.

`$` begins a command, a plain line is stdout, `!` stderr, `?` the exit status. Set ZKML_RECORD=1 to write what really came.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bundle.killed import compile_like, setup_like

FOLDER = Path(__file__).parent / "transcripts"


def run(command: str, folder: Path) -> list[str]:
    """Run a command and return what it printed, as a transcript has it."""
    words = shlex.split(command)
    if words[0] == "zkml":
        words = [sys.executable, "-m", "zkml.cli", *words[1:]]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ZKML", "FORCE_COLOR"))}
    environment["ZKML_HOME"] = str(folder / "home")
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert "\x1b" not in done.stdout + done.stderr, "escape codes without a terminal"
    return [
        f"$ {command}",
        *done.stdout.splitlines(),
        *(f"! {line}" for line in done.stderr.splitlines()),
        f"? {done.returncode}",
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_session_goes_as_written(path: Path, tmp_path: Path) -> None:
    compile_like(str(tmp_path / "m.zkml"), "1")
    setup_like(str(tmp_path / "m.zkml"), "1")
    shutil.copyfile(tmp_path / "m.zkml" / "model.onnx", tmp_path / "model.onnx")
    expected = path.read_text().splitlines()
    got = [line for line in expected if line.startswith("#")]
    for line in expected:
        if line.startswith("$ "):
            got += run(line[2:], tmp_path)
    if "ZKML_RECORD" in os.environ:
        path.write_text("\n".join(got) + "\n")
    assert got == expected
