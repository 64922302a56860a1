"""Every visibility of input, output and parameters: proved and verified, refused by the audit, or an honest error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zkml
from tests.flow import models
from tests.flow.conftest import SAMPLE, SMALL
from zkml.bundle import Bundle
from zkml.errors import CircuitError, RefusedByPolicy, UsageError, WitnessError, ZkmlError
from zkml.keys.srs import Srs, generate_unsafe
from zkml.verdict import Verdict
from zkml.verifier.policy import Policy

ALL = ("input_visibility", "output_visibility", "param_visibility")
NONE: frozenset[str] = frozenset()


def label(value: object) -> str:
    """Return the name of a case, the same in every process."""
    match value:
        case set():
            return " ".join(sorted(value))
        case dict():
            return " ".join(f"{k.removesuffix('_visibility')}={v}" for k, v in value.items())
        case type():
            return value.__name__
    return str(value)


@pytest.fixture(scope="session")
def wide(session_home: Path) -> Srs:
    """An SRS with room for the rows of hashing."""
    return generate_unsafe(session_home / "srs" / "k9.srs", 9)


def compiled(folder: Path, allow: frozenset[str] = NONE, **changes: Any) -> Bundle:
    args = SMALL.with_(**{"logrows": 9} | changes)
    return zkml.compile(models.linear(folder / "m.onnx"), run_args=args, allow_findings=allow).bundle


def proved(bundle: Bundle, srs: Srs) -> None:
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    zkml.prove(bundle, SAMPLE, srs=srs)


def verdict(bundle: Bundle, allow: frozenset[str] = NONE) -> Verdict:
    return zkml.check(bundle, policy=Policy(allow_unsafe_srs=True, allow_findings=allow))


@pytest.mark.parametrize(
    "changes",
    [
        {"input_visibility": "private"},
        {"output_visibility": "private"},
        {"output_visibility": "hashed"},
        {"output_visibility": "polycommit"},
        {"param_visibility": "private"},
        {"input_visibility": "private", "output_visibility": "private"},
    ],
    ids=label,
)
def test_these_are_proved_and_accepted(changes: dict[str, Any], tmp_path: Path, wide: Srs, home: Path) -> None:
    bundle = compiled(tmp_path, **changes)
    proved(bundle, wide)
    assert verdict(bundle).outcome == "accepted"


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"input_visibility": "hashed"}, {"inputs-unranged"}),
        ({"input_visibility": "polycommit"}, {"inputs-unranged"}),
        ({"param_visibility": "hashed"}, {"parameters-unbound"}),
        (dict.fromkeys(ALL, "polycommit"), {"inputs-unranged", "parameters-unbound"}),
    ],
    ids=label,
)
def test_these_are_unsound_and_work_only_when_that_is_allowed(
    changes: dict[str, Any], codes: set[str], tmp_path: Path, wide: Srs, home: Path
) -> None:
    with pytest.raises(RefusedByPolicy) as refused:
        compiled(tmp_path, **changes)
    assert {f["code"] for f in refused.value.details["findings"]} == codes
    assert not (tmp_path / "m.zkml").exists()
    allowed = frozenset(codes)
    bundle = compiled(tmp_path, allowed, **changes)
    proved(bundle, wide)
    strict = verdict(bundle)
    assert strict.outcome == "refused"
    assert strict.policy is not None and strict.policy.removeprefix("finding:") in codes
    assert verdict(bundle, allowed).outcome == "accepted"


@pytest.mark.parametrize(
    "changes",
    [{"input_visibility": "fixed"}, {"output_visibility": "fixed", "ignore_range_check_inputs_outputs": True}],
    ids=["input", "output"],
)
def test_what_is_fixed_is_in_the_key_and_nothing_else_can_be_proved(
    changes: dict[str, Any], tmp_path: Path, srs: Srs, home: Path
) -> None:
    bundle = compiled(tmp_path, logrows=8, **changes)
    with pytest.raises(UsageError) as error:
        zkml.setup(bundle, srs, allow_unsafe_srs=True)
    assert error.value.code == "setup-needs-witness"
    zkml.make_witness(bundle, SAMPLE)
    zkml.setup(bundle, srs, allow_unsafe_srs=True)
    zkml.prove(bundle, srs=srs)
    assert verdict(bundle).outcome == "accepted"
    with pytest.raises(WitnessError) as other:
        zkml.prove(bundle, {"x": np.array([[0.25, 0.5, -0.5]], dtype=np.float32)}, srs=srs)
    assert other.value.code == "not-the-fixed-one"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"param_visibility": "public"}, UsageError),
        (dict.fromkeys(ALL, "private"), UsageError),
        ({"output_visibility": "fixed"}, UsageError),
        ({"input_visibility": "hashed/private/0"}, UsageError),
        ({"output_visibility": "hashed/private/0"}, CircuitError),
    ],
    ids=label,
)
def test_of_these_ezkl_makes_no_circuit_and_the_error_says_so(
    changes: dict[str, Any], kind: type[ZkmlError], tmp_path: Path, home: Path
) -> None:
    with pytest.raises(kind) as error:
        compiled(tmp_path, **changes)
    assert error.value.code == "visibility"
    assert error.value.hint


@pytest.mark.parametrize("word", ["secret", "hashed/private", "Public", ""])
def test_an_unknown_visibility_is_a_usage_error(word: str, tmp_path: Path, home: Path) -> None:
    with pytest.raises(UsageError) as error:
        compiled(tmp_path, input_visibility=word)
    assert error.value.code == "visibility"
