"""`zkml inspect --graph`: every node of a compiled circuit as EZKL wrote it; edited files are errors with a place."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import zkml
from tests.flow import models
from zkml import RunArgs
from zkml.cli.inspect import command
from zkml.errors import MalformedArtifact, UsageError

GRAPH = Path(__file__).parents[1] / "graph"
CIRCUITS = sorted(GRAPH.rglob("*.ezkl"))
EDITS = 60
"""Of each circuit that is edited."""


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(command, ["--graph", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result


def nodes(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the nodes of a report, those of bodies behind the node that has them."""
    return [inner for node in found["nodes"] for inner in (node, *nodes(node.get("body", {"nodes": []})))]


def test_a_convolution_is_shown_with_everything_that_decides_it() -> None:
    result = run(GRAPH / "fixtures" / "conv" / "c.ezkl")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[2] == ["node", "inputs", "shape", "scale", "uses", "operator"]
    assert lines[4] == ["1", "2×1×3×3", "7", "1", "Constant(18", "values,", "fixed)"]
    conv = next(line for line in result.stdout.splitlines() if "Conv(" in line)
    assert conv.split()[:6] == ["3", "0", "1", "2", "1×2×4×4", "7"]
    for said in ("padding=[[1, 1], [1, 1]]", "stride=[1, 1]", "group=1", "then Div(denom=128.0)"):
        assert said in conv
    assert lines[-1] == ["inputs", "0;", "outputs", "6", "at", "scale", "7"]


def test_a_scan_is_shown_with_its_body() -> None:
    text = run(GRAPH / "fixtures" / "rnn" / "c.ezkl").stdout
    assert "SubGraph(takes state, stacked(axis=0, chunk=1); gives single(outlet=0, is_state=True) and stacked" in text
    assert [line.split()[0] for line in text.splitlines() if "." in line.split()[0]][1:] == [f"4.{i}" for i in range(7)]


@pytest.mark.parametrize("path", CIRCUITS, ids=lambda path: path.parent.name)
def test_every_circuit_is_shown_whole(path: Path) -> None:
    result = run(path, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    listed = nodes(found)
    assert len(run(path).stdout.splitlines()) == len(listed) + 4
    assert all(node["shapes"] and len(node["shapes"]) == len(node["scales"]) for node in listed)
    made = {node["path"][0] for node in found["nodes"]}
    assert {at for at, _ in found["outputs"]} | set(found["inputs"]) <= made
    assert found["settings"]["run_args"]["logrows"] >= 5


@pytest.mark.ezkl
def test_a_bundle_is_asked_for_its_circuit(tmp_path: Path) -> None:
    model = models.linear(tmp_path / "linear.onnx")
    bundle = zkml.compile(model, run_args=RunArgs(logrows=8, lookup_range=(-100, 100))).bundle
    found = json.loads(run(bundle.folder, "--json").stdout)
    assert found["sha256"] == bundle.records["circuit"].sha256
    assert found["file"] == str(bundle.path("circuit"))
    with bundle.path("circuit").open("ab") as file:
        file.write(b"\0")
    damaged = run(bundle.folder, "--json")
    assert (damaged.exit_code, json.loads(damaged.stdout)["code"]) == (MalformedArtifact.exit_code, "changed")
    refused = run(model, "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["code"]) == (UsageError.exit_code, "no-circuit")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = run(tmp_path / "none.ezkl")
    assert result.exit_code == MalformedArtifact.exit_code
    assert "none.ezkl" in result.stderr


def edits(data: bytes, seed: int) -> list[bytes]:
    """Return the circuit cut, lengthened, and with bytes and words changed."""
    rng = random.Random(seed)
    found = [b"", data[: len(data) // 2], data + b"\0"]
    while len(found) < EDITS:
        at, changed = rng.randrange(len(data)), bytearray(data)
        word = rng.choice((bytes([rng.randrange(256)]), b"\xff" * 8, b"\0" * 4, rng.randbytes(3), b"\x1b[2J"))
        changed[at : at + len(word)] = word
        found.append(bytes(changed[: len(data)]))
    return found


@pytest.mark.parametrize("name", ["conv", "rnn", "argmax"])
def test_an_edited_circuit_is_shown_or_refused_with_byte_and_field(tmp_path: Path, name: str) -> None:
    refused = 0
    for data in edits((GRAPH / "fixtures" / name / "c.ezkl").read_bytes(), len(name)):
        path = tmp_path / "c.ezkl"
        path.write_bytes(data)
        result = run(path, "--json")
        if result.exit_code == 0:
            shown = run(path).stdout
            assert all(c.isprintable() or c == "\n" for c in shown)
            continue
        error = json.loads(result.stdout)
        assert (result.exit_code, error["error"]) == (MalformedArtifact.exit_code, "MalformedArtifact"), error
        assert error["details"]["path"] is not None
        assert 0 <= error["details"]["offset"] <= len(data)
        refused += 1
    assert refused >= EDITS // 3
