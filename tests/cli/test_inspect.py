"""`zkml inspect`: results on stdout, the rest on stderr, exit statuses as documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from onnx import TensorProto, helper, numpy_helper

from zkml.cli.inspect import command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    return tmp_path


def save(folder: Path, *nodes: onnx.NodeProto) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "out"])],
        [numpy_helper.from_array(np.ones((4, 3), dtype=np.float32), "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def good(folder: Path) -> Path:
    return save(folder, helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"]))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments])


def report(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.ezkl
def test_a_model_is_counted_by_ezkl_before_any_key(home: Path) -> None:
    result = run(good(home), "--json")
    assert result.exit_code == 0, result.stderr
    found = report(result)
    assert [n["op"] for n in found["nodes"]] == ["MatMul", "Relu"]
    assert (found["parameters"], found["macs"]) == (12, 12)
    assert found["unsupported"] == []
    assert found["estimate"]["counted_by"] == "ezkl"
    assert found["estimate"]["prove"]["seconds"] > 0
    assert "batch" in result.stderr
    assert sorted(p.name for p in home.iterdir()) == ["home", "m.onnx"]


def test_quick_asks_nobody(home: Path) -> None:
    found = report(run(good(home), "--json", "--quick", "--logrows", 12))
    assert (found["estimate"]["counted_by"], found["estimate"]["k"]) == ("zkml", 12)


def test_the_table_is_on_stdout_and_whole(home: Path) -> None:
    result = run(good(home), "--quick")
    assert "MatMul" in result.stdout
    assert "…" not in result.stdout.split("sha256")[1].split("\n", 1)[1]
    assert "zkml:" not in result.stdout


@pytest.mark.ezkl
def test_all_unsupported_nodes_come_at_once_with_status_3(home: Path) -> None:
    path = save(
        home,
        helper.make_node("Softsign", ["x"], ["a"], name="fine"),
        helper.make_node("LpNormalization", ["a"], ["b"], name="norm"),
        helper.make_node("Cast", ["b"], ["c"], to=TensorProto.INT64, name="cut"),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT, name="back"),
    )
    result = run(path, "--json", "--no-rewrite")
    assert result.exit_code == 3
    assert [(u["node"], u["kind"]) for u in report(result)["unsupported"]] == [("norm", "refused"), ("cut", "wrong")]
    assert report(result)["error"]["code"] == "unsupported"
    assert "zkml: error:" in result.stderr
    rewritten = run(path, "--json", "--quick")
    assert rewritten.exit_code == 0, rewritten.stderr
    named = {r["node"]: r["rules"] for r in report(rewritten)["rewrites"]}
    assert named == {"norm": ["lp-normalization", "euclidean-norm", "over-root"], "cut": ["cast"], "back": ["cast"]}


@pytest.mark.parametrize(("limit", "value"), [("--max-k", "4"), ("--max-ram", "1MB"), ("--max-time", "0.001s")])
def test_a_budget_that_is_too_small_is_status_4(home: Path, limit: str, value: str) -> None:
    result = run(good(home), "--json", "--quick", "--logrows", 12, limit, value)
    assert result.exit_code == 4
    assert report(result)["error"]["details"]["relax"][0].startswith(limit)


def test_a_bad_file_is_status_3_and_a_bad_dimension_2(home: Path) -> None:
    (home / "bad.onnx").write_bytes(b"nonsense")
    assert run(home / "bad.onnx").exit_code == 3
    assert run(good(home), "--dim", "height=3").exit_code == 2


def test_samples_are_checked_against_the_model(home: Path) -> None:
    path = good(home)
    np.save(home / "ok.npy", np.zeros((5, 1, 4), dtype=np.float32))
    np.save(home / "bad.npy", np.full((5, 1, 4), np.nan, dtype=np.float32))
    assert report(run(path, "--quick", "--json", "--data", home / "ok.npy"))["samples"] == 5
    assert run(path, "--quick", "--data", home / "bad.npy").exit_code == 3
