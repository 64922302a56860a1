"""An environment that holds zkml as its wheel does and what it needs to verify: neither EZKL nor ONNX, onnxruntime or torch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import venv
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("click", "rich", "numpy", "psutil", "py-ecc", "pycryptodome")
"""What verification needs of the packages that zkml depends on."""


def with_requirements(names: tuple[str, ...]) -> set[str]:
    """Return the distributions and, recursively, what they need on this machine."""
    known: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known:
            continue
        known.add(name)
        for requirement in metadata.requires(name) or ():
            needed, _, marker = requirement.partition(";")
            if "extra" not in marker:
                found = re.match(r"[\w.-]+", needed)
                assert found
                try:
                    metadata.distribution(found[0])
                except metadata.PackageNotFoundError:  # for another system or Python
                    continue
                waiting.append(found[0])
    return known


def make(folder: Path) -> Path:
    """Return the interpreter of a new environment in `folder`."""
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for name in with_requirements(NEEDED):
        for file in metadata.files(name) or ():
            top = file.parts[0]
            source = Path(str(metadata.distribution(name).locate_file(top)))
            if top not in ("..", "__pycache__") and source.exists() and not (packages / top).exists():
                (packages / top).symlink_to(source)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "zkml", packages / "zkml", ignore=ignore)
    return folder / "bin" / "python"


def run(python: Path, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"ZKML_HOME": str(tmp_path / "home")}
    return subprocess.run(
        [str(python), *arguments], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120, check=False
    )
