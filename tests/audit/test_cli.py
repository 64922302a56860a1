"""`zkml audit` on bundles and on bare files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from zkml.cli.audit import audit

FIXTURES = Path(__file__).parents[1] / "graph" / "fixtures"


def bare(name: str) -> list[str]:
    return ["--circuit", str(FIXTURES / name / "c.ezkl"), "--settings", str(FIXTURES / name / "settings.json")]


def test_a_sound_circuit_exits_0_and_states_its_slack() -> None:
    result = CliRunner().invoke(audit, bare("linear"))
    assert result.exit_code == 0
    assert "rounding-slack" in result.stdout
    assert "±1" in result.stdout


def test_an_unsound_circuit_exits_7_with_the_reason_on_stderr() -> None:
    result = CliRunner().invoke(audit, [*bare("matmul_freivalds"), "--json"])
    assert result.exit_code == 7
    report = json.loads(result.stdout)
    assert report["refused"] is True
    assert report["findings"][0]["code"] == "unlinked-einsum"
    assert "unlinked-einsum" in result.stderr


def test_a_bundle_is_audited_by_its_folder(tmp_path: Path) -> None:
    bundle = tmp_path / "m.zkml"
    bundle.mkdir()
    shutil.copy(FIXTURES / "mlp" / "c.ezkl", bundle / "circuit.ezkl")
    shutil.copy(FIXTURES / "mlp" / "settings.json", bundle / "settings.json")
    assert CliRunner().invoke(audit, [str(bundle), "--json"]).exit_code == 0


@pytest.mark.parametrize("arguments", [[], ["--settings", str(FIXTURES / "mlp" / "settings.json")]])
def test_nothing_to_audit_is_a_usage_error(arguments: list[str]) -> None:
    assert CliRunner().invoke(audit, arguments).exit_code == 2


def test_a_file_that_is_no_circuit_exits_3(tmp_path: Path) -> None:
    junk = tmp_path / "c.ezkl"
    junk.write_bytes(b"junk")
    assert CliRunner().invoke(audit, ["--circuit", str(junk)]).exit_code == 3


def test_a_domain_narrows_the_slack() -> None:
    result = CliRunner().invoke(audit, [*bare("mlp"), "--domain", "0:1", "--json"])
    assert result.exit_code == 0
    assert CliRunner().invoke(audit, [*bare("mlp"), "--domain", "low"]).exit_code == 2
