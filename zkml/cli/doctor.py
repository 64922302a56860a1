"""`zkml doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console
from rich.table import Table

from zkml import __version__
from zkml.cli.output import command_errors, emit, gigabytes, json_option, say
from zkml.contract.compiler import SOLC_VERSION, find_compiler
from zkml.errors import EnvironmentFault, ZkmlError
from zkml.ezkl import Worker
from zkml.home import home


@dataclass(frozen=True)
class Finding:
    """One thing looked for: what was found, whether the flow needs it, and the remedy when it is not there."""

    name: str
    found: str
    ok: bool
    needed: bool = True
    remedy: str | None = None


def package(name: str, *, needed: bool, remedy: str) -> Finding:
    try:
        return Finding(name, metadata.version(name), True, needed)
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", False, needed, remedy)


def extension() -> Finding:
    try:
        from zkml import _core  # noqa: PLC0415  its absence is what is looked for
    except ImportError as e:
        return Finding("native extension", str(e), False, True, "run `make setup`, or install a wheel of zkml")
    same = _core.__version__ == __version__
    return Finding(
        "native extension", _core.__version__, same, True, None if same else f"it is not of zkml {__version__}: run `make setup`"
    )


def arithmetic() -> Finding:
    try:
        from zkml._core import prover  # noqa: PLC0415  its absence is what is looked for

        path, products = prover.arithmetic()
    except ImportError as e:
        return Finding("arithmetic", str(e), False, True, "run `make setup`, or install a wheel of zkml")
    except EnvironmentFault as e:
        return Finding("arithmetic", e.message, False, True, e.hint)
    return Finding("arithmetic", f"{path}, single products by {products}", True)


def ezkl_runs() -> Finding:
    try:
        with Worker() as worker:
            worker.call("poseidon_hash", message=["01" + "00" * 31])
            return Finding("EZKL worker", f"runs with {worker.threads} threads", True)
    except ZkmlError as e:
        return Finding("EZKL worker", e.message, False, True, e.hint)


def gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("GPU", "none seen", False, False, "proving runs on the CPU; --device gpu fails with exit status 5")
    try:
        listing = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as e:
        return Finding("GPU", f"{tool} does not answer: {e}", False, False, "proving runs on the CPU")
    return Finding(
        "GPU", listing or "driver without a device", False, False, "this version has no GPU engine yet; it proves on the CPU"
    )


def srs_cache() -> Finding:
    folder = Path(os.environ.get("ZKML_SRS") or home() / "srs")
    files = sorted(folder.glob("*.srs")) if folder.is_dir() else [folder] if folder.is_file() else []
    return Finding(
        "SRS",
        ", ".join(f.name for f in files) or f"none in {folder}",
        bool(files),
        False,
        None if files else "`zkml srs import FILE` takes a ceremony's file",
    )


def solidity() -> Finding:
    try:
        return Finding("Solidity compiler", f"{SOLC_VERSION} at {find_compiler().place}", True, False)
    except ZkmlError as e:
        return Finding("Solidity compiler", e.message, False, False, e.hint)


def look() -> list[Finding]:
    """Return everything that `doctor` looks for."""
    memory = psutil.virtual_memory()
    base = home() if home().exists() else Path.home()
    return [
        Finding("zkml", __version__, True),
        Finding("python", platform.python_version(), True),
        extension(),
        arithmetic(),
        package("ezkl", needed=True, remedy="pip install ezkl==23.0.5"),
        package("onnx", needed=True, remedy="pip install onnx"),
        package("onnxruntime", needed=True, remedy="pip install onnxruntime"),
        ezkl_runs(),
        Finding("cores", str(os.cpu_count()), True),
        Finding("memory", f"{gigabytes(memory.available)} free of {gigabytes(memory.total)}", True),
        Finding("disk", f"{gigabytes(shutil.disk_usage(base).free)} free", True),
        srs_cache(),
        gpu(),
        solidity(),
        package("matplotlib", needed=False, remedy="plots need the extra: pip install zkml[plots]"),
        package("torch", needed=False, remedy="only exporting models needs it: pip install zkml[models]"),
    ]


def draw(console: Console, findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    for f in findings:
        mark = "[green]ok[/]" if f.ok else ("[red]missing[/]" if f.needed else "[yellow]absent[/]")
        table.add_row(mark, f.name, f.found, f.remedy or "")
    console.print(table)


@click.command()
@json_option
@command_errors
def command(as_json: bool) -> None:
    """Say what this machine has and lacks. Exit 5 when something that the flow needs is missing."""
    findings = look()
    value: dict[str, Any] = {"findings": [f.__dict__ for f in findings]}
    emit(value, as_json=as_json, text=lambda console: draw(console, findings))
    missing = [f for f in findings if f.needed and not f.ok]
    if missing:
        say("error: missing: " + ", ".join(f.name for f in missing))
        raise SystemExit(EnvironmentFault.exit_code)
