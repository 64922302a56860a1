"""The rules of output: results on stdout, the rest on stderr, and the same exit status for the same reason everywhere."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from tests.bundle.killed import compile_like
from zkml import errors
from zkml.cli import COMMANDS, cli
from zkml.cli.options import Bytes, Dim, Duration
from zkml.cli.output import command_errors, emit, gigabytes, json_option, plain, printable, seconds

ZKML = [sys.executable, "-m", "zkml.cli"]


def all_commands() -> list[list[str]]:
    found: list[list[str]] = [[]]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, inner] for inner in command.commands]
    return found


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_help_fits_a_screen(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert len(result.output.splitlines()) <= 50


@pytest.mark.parametrize("words", all_commands()[1:], ids=" ".join)
def test_every_command_that_ends_has_json(words: list[str]) -> None:
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert "Commands:" in result.output or "--json" in result.output


def test_help_does_not_wait_for_heavy_modules() -> None:
    script = "import sys; from zkml.cli import cli\ntry: cli(['--help'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"ezkl", "onnx", "onnxruntime", "numpy", "torch", "py_ecc"}


# ---- exit statuses


def failing(error: BaseException) -> click.Command:
    @click.command()
    @json_option
    @command_errors
    def command(as_json: bool) -> None:
        raise error

    return command


CASES: list[tuple[BaseException, int, str]] = [
    (errors.ProofRejected("no"), 1, "rejected"),
    (errors.UsageError("no"), 2, "usage"),
    (errors.ModelError("no", code="mine"), 3, "mine"),
    (errors.InfeasibleError("no"), 4, "infeasible"),
    (errors.SrsError("no"), 5, "srs"),
    (errors.NetworkError("no"), 6, "network"),
    (errors.RefusedByPolicy("no"), 7, "policy"),
    (MemoryError(), 5, "out-of-memory"),
    (OSError(errno.ENOSPC, "No space left on device", "f"), 5, "disk"),
    (ValueError("surprise"), 70, "internal"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=lambda value: type(value).__name__)
def test_an_error_is_a_message_a_status_and_json(error: BaseException, status: int, code: str) -> None:
    result = CliRunner().invoke(failing(error), [])
    assert result.exit_code == status
    assert result.stdout == ""
    assert result.stderr.startswith("zkml: error: ")
    result = CliRunner().invoke(failing(error), ["--json"])
    assert result.exit_code == status
    value = json.loads(result.stdout)
    assert (value["exit_code"], value["code"]) == (status, code)


def test_ctrl_c_ends_with_130() -> None:
    result = CliRunner().invoke(failing(KeyboardInterrupt()), [])
    assert result.exit_code == 130
    assert result.stderr == "zkml: interrupted; nothing was left half-written\n"


def test_details_that_json_cannot_say_are_still_json() -> None:
    details = {"nan": float("nan"), "path": Path("x"), "array": np.array([1.5, np.inf]), "n": np.int64(3), "set": {1}}
    result = CliRunner().invoke(failing(errors.ModelError("no", details=details)), ["--json"])
    assert json.loads(result.stdout)["details"] == {"nan": None, "path": "x", "array": [1.5, None], "n": 3, "set": [1]}
    assert plain((1, "a", None, True)) == [1, "a", None, True]


def test_a_hostile_name_does_not_steer_the_terminal() -> None:
    result = CliRunner().invoke(failing(errors.ModelError("node \x1b[2J\x07\r\u202e é")), [])
    assert result.stderr == "zkml: error: node \\x1b[2J\\x07\\r\\u202e é\n"
    assert printable("two\nlines [bold]é") == "two\nlines [bold]é"


# ---- channels


def test_emit_writes_json_or_text(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": np.float32(0.5)}, as_json=True, text="no")
    emit({}, as_json=False, text="plain [bold]")
    emit({}, as_json=False, text=lambda console: console.print("x" * 300, markup=False))
    printed = capsys.readouterr()
    assert printed.out == '{\n  "a": 0.5\n}\nplain [bold]\n' + "x" * 300 + "\n"
    assert printed.err == ""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "m.zkml"
    compile_like(str(folder), "1")
    return folder


def on_terminal(arguments: list[str], **environment: str) -> str:
    """Return what a command prints when all of its streams are a terminal."""
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [*ZKML, *arguments],
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env={**os.environ, "TERM": "xterm", **environment},
    ):
        os.close(secondary)
        printed = b""
        while True:
            try:
                chunk = os.read(primary, 4096)
            except OSError:  # the other side is closed
                break
            if not chunk:
                break
            printed += chunk
    os.close(primary)
    return printed.decode()


def test_colours_are_for_terminals_and_for_those_who_want_them() -> None:
    assert "\x1b[32m" in on_terminal(["doctor"])
    quiet = on_terminal(["doctor"], NO_COLOR="1")
    assert "\x1b[3" not in quiet
    assert "ok" in quiet
    piped = subprocess.run([*ZKML, "doctor"], capture_output=True, text=True, check=False)
    assert "\x1b" not in piped.stdout + piped.stderr
    assert "…" not in piped.stdout


def test_doctor_says_in_json_what_it_says_in_text() -> None:
    done = subprocess.run([*ZKML, "doctor", "--json"], capture_output=True, text=True, check=False)
    findings = {f["name"]: f for f in json.loads(done.stdout)["findings"]}
    assert findings["EZKL worker"]["ok"] is True
    assert done.returncode == (5 if any(f["needed"] and not f["ok"] for f in findings.values()) else 0)


def asked_for(path: str) -> tuple[bool, str]:
    """Whether this machine has a path of the arithmetic, and what `doctor` says of it."""
    script = (
        "from zkml.cli.doctor import arithmetic; found = arithmetic(); print(int(found.ok), found.found, found.remedy, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "ZKML_ARITHMETIC": path}, capture_output=True, text=True, check=True
    )
    ok, found, remedy = done.stdout.splitlines()
    assert ok == "1" or "ZKML_ARITHMETIC" in remedy
    return ok == "1", found


def test_a_path_of_the_arithmetic_that_is_asked_for_runs_or_is_named_as_missing() -> None:
    flags = set(Path("/proc/cpuinfo").read_text().split()) if Path("/proc/cpuinfo").exists() else set()
    needed = {
        "scalar": set(),
        "avx2": {"avx2", "fma"},
        "avx512": {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512ifma"},
    }
    for path, instructions in needed.items():
        runs, found = asked_for(path)
        assert runs == (instructions <= flags)
        assert found.startswith(f"{path}," if runs else f"ZKML_ARITHMETIC asks for {path},")
    assert asked_for("fast") == (False, "ZKML_ARITHMETIC is scalar, avx2 or avx512, or not set")
    assert asked_for("") == asked_for(next(path for path in ("avx512", "avx2", "scalar") if needed[path] <= flags))


@pytest.mark.parametrize(
    "words", [["--help"], ["bundle", "show"], ["bundle", "show", "--json"], ["bundle", "verify"]], ids=" ".join
)
def test_a_reader_that_goes_away_is_no_error(words: list[str], bundle: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    arguments = words if words == ["--help"] else [*words, str(bundle)]
    done = subprocess.run([*ZKML, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141


# ---- values of options


@pytest.mark.parametrize(
    ("text", "value"), [("8GB", 8_000_000_000), ("500M", 500_000_000), ("2GiB", 2 << 30), ("1.5k", 1500), ("7", 7), ("7b", 7)]
)
def test_a_size_is_read(text: str, value: int) -> None:
    assert Bytes().convert(text, None, None) == value


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("5m", 300), ("5min", 300), ("1h", 3600), ("2.5", 2.5)])
def test_a_time_is_read(text: str, value: float) -> None:
    assert Duration().convert(text, None, None) == value


def test_a_dimension_is_read() -> None:
    assert Dim().convert("seq=16", None, None) == ("seq", 16)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((Bytes(), t) for t in ("", "much", "-1", "0", "0.1", "1e9", "8XB", "9" * 400, "٣GB", "NaN", "inf")),
        *((Duration(), t) for t in ("", "soon", "-1s", "9" * 400, "1d", "nan", "٣s")),
        *((Dim(), t) for t in ("", "seq", "seq=", "=3", "seq=0", "seq=-1", "seq=²", "seq=٣", "a=b=3", "seq=" + "9" * 50)),
    ],
)
def test_what_is_no_value_is_a_usage_error(kind: Any, text: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)


def test_sizes_and_times_are_for_people() -> None:
    assert [gigabytes(n) for n in (0, 999, 1000, 1_500_000, 2e9, 5e12)] == ["0 B", "999 B", "1 kB", "1.5 MB", "2 GB", "5e+03 GB"]
    assert [seconds(s) for s in (0.012, 1, 119.9, 120)] == ["12 ms", "1.0 s", "119.9 s", "2.0 min"]
