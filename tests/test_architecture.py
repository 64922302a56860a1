"""Imports point down the flow, the stubs are those of the built module, files stay small, and no machine is named in them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "zkml"
LONGEST = 600

ORDER: tuple[str, ...] = (
    "_core",
    "errors",
    "verdict",
    "home",
    "files",
    "ezkl",
    "protocol",
    "verifier",
    "bundle",
    "settings",
    "model",
    "estimate",
    "calibrate",
    "circuit",
    "keys",
    "witness",
    "proof",
    "checking",
    "attestation",
    "contract",
    "report",
    "api",
    "jobs",
    "cli",
)
"""Each part may import those before it. `calibrate` is what of `zkml/settings` needs models and estimates."""

SETTINGS = ("run_args", "settings_file", "__init__")
INDEPENDENT = {
    "protocol": {"errors", "files"},
    "verifier": {"_core", "errors", "files", "protocol", "verdict"},
}
"""What anybody must be able to run who has neither EZKL nor ONNX."""

HEAVY = {"ezkl", "onnx", "onnxruntime", "torch"}


def modules() -> Iterator[tuple[Path, tuple[str, ...]]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, path.relative_to(PACKAGE).with_suffix("").parts


def part_of(parts: tuple[str, ...]) -> str:
    """Return the part of the order that a module belongs to, from its dotted name below `zkml`."""
    if parts[0] == "settings" and len(parts) > 1 and parts[1] not in SETTINGS:
        name = PACKAGE / "settings" / parts[1]
        if name.is_dir() or name.with_suffix(".py").is_file():
            return "calibrate"
    return parts[0]


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours(path: Path) -> Iterator[str]:
    """Yield the parts of this package that a module imports."""
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "zkml" and rest != ["__version__"]:
            yield part_of(tuple(rest))


@pytest.mark.parametrize(
    ("path", "parts"), list(modules()), ids=lambda value: ".".join(value) if isinstance(value, tuple) else ""
)
def test_imports_point_down_the_flow(path: Path, parts: tuple[str, ...]) -> None:
    if parts == ("__init__",):
        return  # the package's face: it hands out what lies in it
    part = part_of(parts)
    assert part in ORDER, f"{path} has no place in the order"
    allowed = {*ORDER[: ORDER.index(part) + 1]}
    if part in INDEPENDENT:
        allowed = INDEPENDENT[part] | {part}
    assert set(ours(path)) <= allowed, f"{path} imports up the flow"


def test_protocol_and_verifier_need_neither_ezkl_nor_onnx() -> None:
    for path, parts in modules():
        if parts[0] in INDEPENDENT:
            assert not HEAVY & {name.split(".")[0] for name in imports(path)}, path
    script = "import sys, zkml.verifier, zkml.protocol; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_ezkl_is_imported_in_the_worker_process_alone() -> None:
    users = {path.relative_to(ROOT).as_posix() for path, _ in modules() if "ezkl" in {n.split(".")[0] for n in imports(path)}}
    assert users == {"zkml/ezkl/child.py"}


# ---- the native module and its stubs

STUBS = sorted((PACKAGE / "_core").glob("*.pyi"))


def built(stub: Path) -> object:
    core = importlib.import_module("zkml._core")
    return core if stub.stem == "__init__" else getattr(core, stub.stem)


def stub_names(stub: Path) -> dict[str, ast.stmt]:
    """Return what a stub declares, without imports and aliases of types."""
    names: dict[str, ast.stmt] = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def public(module: object) -> set[str]:
    return {name for name in dir(module) if not name.startswith("_") and not inspect.ismodule(getattr(module, name))}


def declared_signature(node: ast.FunctionDef) -> list[tuple[str, bool]]:
    """Return name and whether there is a default, for each argument but self."""
    arguments = node.args.posonlyargs + node.args.args
    first_default = len(arguments) - len(node.args.defaults)
    found = [(a.arg, i >= first_default) for i, a in enumerate(arguments)]
    found += [(a.arg, d is not None) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
    return [item for item in found if item[0] not in ("self", "cls")]


def real_signature(function: object) -> list[tuple[str, bool]]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return [(p.name, p.default is not p.empty) for p in parameters if p.name not in ("self", "cls")]


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.stem)
def test_a_stub_declares_what_the_module_has(stub: Path) -> None:
    module = built(stub)
    declared = stub_names(stub)
    assert {name for name in declared if not name.startswith("_")} == public(module)
    for name, node in declared.items():
        real = getattr(module, name)
        if isinstance(node, ast.FunctionDef):
            assert declared_signature(node) == real_signature(real), name
        elif isinstance(node, ast.ClassDef):
            methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
            attributes = {m.target.id for m in node.body if isinstance(m, ast.AnnAssign) and isinstance(m.target, ast.Name)}
            assert {m for m in {*methods} | attributes if not m.startswith("_")} == public(real), name
            for method, declaration in methods.items():
                if method in ("__init__", "__new__"):
                    assert declared_signature(declaration) == real_signature(real), f"{name}.{method}"
                elif not any(isinstance(d, ast.Name) and d.id == "property" for d in declaration.decorator_list):
                    assert declared_signature(declaration) == real_signature(getattr(real, method)), f"{name}.{method}"


def test_every_part_of_the_native_module_has_a_stub() -> None:
    core = importlib.import_module("zkml._core")
    parts = {name for name in dir(core) if inspect.ismodule(getattr(core, name))}
    assert parts | {"__init__"} == {stub.stem for stub in STUBS}


# ---- files

CODE = {".py", ".pyi", ".rs", ".sol", ".js", ".ts", ".sh", ".cu"}
MACHINE = re.compile(r"(?<![\w.])/(?:root|home|work|Users)/\w")
NAMES_PLACES = {"tests/models/test_folders.py", "tests/test_architecture.py"}
"""Files that name such places in order to refuse them."""
GENERATED = "contracts/test/fixtures/"
"""Where a generated contract lies: as long as its circuit makes it."""


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is not a checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_is_too_long_to_read(tracked: list[Path]) -> None:
    names = {p: p.relative_to(ROOT).as_posix() for p in tracked if p.suffix in CODE}
    lengths = {name: p.read_text().count("\n") for p, name in names.items() if not name.startswith(GENERATED)}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_file_names_a_place_on_somebodys_machine(tracked: list[Path]) -> None:
    found = {}
    for path in tracked:
        name = path.relative_to(ROOT).as_posix()
        data = path.read_bytes()
        if name not in NAMES_PLACES and b"\0" not in data[:8192] and (match := MACHINE.search(data.decode(errors="replace"))):
            found[name] = match.group()
    assert found == {}
