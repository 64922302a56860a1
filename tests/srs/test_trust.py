"""An SRS is unsafe unless its [τ]G2 is a known ceremony's or the operator vouches for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zkml.errors import MalformedArtifact, SrsError, UsageError
from zkml.keys.srs import Srs
from zkml.keys.srs_files import sidecar
from zkml.keys.srs_trust import CEREMONIES, add_trust, remove_trust, store_path, trust_of, trusted
from zkml.protocol.points import G1_GENERATOR, G2_GENERATOR, VerifierPoints


@pytest.mark.parametrize("ceremony", CEREMONIES, ids=lambda c: c.name)
def test_a_pinned_ceremony_is_a_point_of_the_subgroup_and_safe(ceremony) -> None:  # type: ignore[no-untyped-def]
    points = VerifierPoints(G1_GENERATOR, G2_GENERATOR, ceremony.tau_g2)  # raises unless in the subgroup
    assert ceremony.tau_g2 != G2_GENERATOR
    assert trust_of(points).safe
    assert str(trust_of(points)) == f"known ceremony {ceremony.name}"


def test_what_is_made_here_is_unsafe_whatever_its_sidecar_says(made: Srs) -> None:
    record = json.loads(sidecar(made.path).read_text())
    assert record["unsafe"] is True
    sidecar(made.path).write_text(json.dumps({**record, "unsafe": False}))
    opened = Srs.open(made.path)
    assert str(opened.trust) == "UNSAFE"
    with pytest.raises(SrsError) as caught:
        opened.require_trust(allow_unsafe=False)
    assert caught.value.code == "srs-unsafe"
    assert caught.value.hint is not None
    assert opened.digest in caught.value.hint
    opened.require_trust(allow_unsafe=True)


def test_the_operator_can_vouch_and_withdraw(made: Srs) -> None:
    add_trust(made.digest, "ours")
    assert store_path().stat().st_mode & 0o777 == 0o600
    assert str(Srs.open(made.path).trust) == "trusted by you as ours"
    Srs.open(made.path).require_trust(allow_unsafe=False)
    remove_trust(made.digest)
    assert trusted() == {}
    assert not Srs.open(made.path).trust.safe


def test_a_list_that_others_can_write_is_refused(made: Srs) -> None:
    add_trust(made.digest)
    store_path().chmod(0o666)
    with pytest.raises(MalformedArtifact, match="other users"):
        Srs.open(made.path)


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "zkml-trusted-srs", "version": 1, "digests": {"x": null}}', "{", "null"])
def test_a_damaged_list_trusts_nothing(made: Srs, text: str) -> None:
    store_path().parent.mkdir(parents=True)
    store_path().write_text(text)
    store_path().chmod(0o600)
    with pytest.raises(MalformedArtifact):
        Srs.open(made.path)


def test_what_is_no_digest_is_refused() -> None:
    for text in ("", "abc", "g" * 64, "0" * 63):
        with pytest.raises(UsageError):
            add_trust(text)
    with pytest.raises(UsageError):
        remove_trust("0" * 64)


def test_the_digest_is_that_of_the_verifiers(made: Srs, tmp_path: Path) -> None:
    assert made.digest == made.verifier_points().digest
    assert b"".join(c.to_bytes(32, "big") for c in made.verifier_points().tau_g2) == made.tau_g2
