"""Every model of the zoo goes through the whole flow under its reviewed recipe, and all three verifiers accept the proof."""

from __future__ import annotations

from pathlib import Path

import pytest

from benches.conformance import run
from circuits.pin import MODELS, allowed, names
from zkml.estimate import Budget


@pytest.mark.slow
@pytest.mark.ezkl
@pytest.mark.parametrize("name", names())
def test_the_model_is_compiled_keyed_proved_and_verified(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    row = run(MODELS / name, tmp_path, Budget(max_ram=20 * 10**9), allowed(name))
    assert row.ok, f"{row.stage}: {row.error}\n{row.facts.get('trace', '')}"
