"""`zkml calibrate`: results on stdout, files only where asked, exit statuses of the errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from tests.settings.tiny import inputs, perceptron
from zkml.cli.calibrate import command
from zkml.settings import RunArgs
from zkml.settings.fidelity import Fidelity


def test_the_recipe_holds_run_arguments_and_report(tmp_path: Path) -> None:
    model = perceptron(tmp_path / "model.onnx")
    data, out, plot = tmp_path / "samples.npz", tmp_path / "recipe.json", tmp_path / "plot.png"
    np.savez(data, x=inputs(8)["x"])
    result = CliRunner().invoke(
        command, [str(model), "--data", str(data), "--scales", "5,7", "--json", "--out", str(out), "--plot", str(plot)]
    )
    assert result.exit_code == 0, result.output
    recipe = json.loads(result.stdout)
    assert recipe == json.loads(out.read_text())
    RunArgs(**recipe["run_args"] | {"lookup_range": tuple(recipe["run_args"]["lookup_range"])})
    assert Fidelity.from_dict(recipe["fidelity"]).samples == 8
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_ezkls_input_file_is_read_and_the_table_is_printed(tmp_path: Path) -> None:
    model = perceptron(tmp_path / "model.onnx")
    data = tmp_path / "input.json"
    data.write_text(json.dumps({"input_data": [[0.5, -0.25, 1.0]]}))
    result = CliRunner().invoke(command, [str(model), "--data", str(data), "--scales", "7,10"])
    assert result.exit_code == 0, result.output
    assert "digits of base" in result.stdout
    assert "zkml:" not in result.stdout


def test_a_budget_out_of_reach_ends_with_4_and_unfit_data_with_3(tmp_path: Path) -> None:
    model = perceptron(tmp_path / "model.onnx")
    data = tmp_path / "input.json"
    data.write_text(json.dumps({"input_data": [[0.5, -0.25, 1.0]]}))
    low = CliRunner().invoke(command, [str(model), "--data", str(data), "--scales", "10", "--max-columns", "3", "--json"])
    assert low.exit_code == 4
    assert json.loads(low.stdout)["code"] == "max-columns"
    data.write_text(json.dumps({"input_data": [[0.5, -0.25]]}))
    assert CliRunner().invoke(command, [str(model), "--data", str(data)]).exit_code == 3
