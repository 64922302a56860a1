"""Keys come from a keystore or the environment, and go nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from tests.contract.conftest import KEY
from zkml.contract.account import find_account, from_keystore, require_account
from zkml.errors import EnvironmentFault, MalformedArtifact, UsageError

PASSWORD = "correct horse"
ADDRESS = Account.from_key(KEY).address


@pytest.fixture(scope="module")
def keystore() -> dict[str, Any]:
    made: dict[str, Any] = Account.encrypt(bytes.fromhex(KEY[2:]), PASSWORD, kdf="pbkdf2", iterations=1000)
    return made


@pytest.fixture
def path(keystore: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ZKML_PRIVATE_KEY", raising=False)
    monkeypatch.delenv("ZKML_KEYSTORE_PASSWORD", raising=False)
    file = tmp_path / "key.json"
    file.write_text(json.dumps(keystore))
    return file


def test_a_keystore_opens_with_the_password_of_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_KEYSTORE_PASSWORD", PASSWORD)
    assert from_keystore(path).address == ADDRESS


def test_a_keystore_opens_with_a_password_file_that_only_its_owner_reads(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    assert from_keystore(path, file).address == ADDRESS
    file.chmod(0o644)
    with pytest.raises(EnvironmentFault) as caught:
        from_keystore(path, file)
    assert caught.value.code == "open-secret"


def test_a_wrong_password_is_named_and_not_shown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_KEYSTORE_PASSWORD", "battery staple")
    with pytest.raises(EnvironmentFault) as caught:
        from_keystore(path)
    assert caught.value.code == "wrong-password"
    assert "battery" not in str(caught.value.as_dict())


def test_without_a_password_the_error_says_where_one_is_looked_for(path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="password") as caught:
        from_keystore(path)
    assert "ZKML_KEYSTORE_PASSWORD" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "change",
    [
        {"crypto": None},
        {"crypto": {"kdfparams": {"n": 1 << 30}}},
        {"crypto": {"kdfparams": {"c": 1 << 40}}},
        {"crypto": {"kdfparams": {"dklen": True}}},
        {"crypto": {"kdf": "scrypt", "kdfparams": {}}},
        {"version": 9},
    ],
)
def test_a_hostile_keystore_is_malformed_before_it_costs_anything(
    change: dict[str, Any], path: Path, keystore: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZKML_KEYSTORE_PASSWORD", PASSWORD)
    path.write_text(json.dumps(keystore | change))
    with pytest.raises(MalformedArtifact):
        from_keystore(path)


@pytest.mark.parametrize("text", ["[]", "{}", "null", "{", "7"])
def test_what_is_no_keystore_is_malformed(text: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_KEYSTORE_PASSWORD", PASSWORD)
    path.write_text(text)
    with pytest.raises(MalformedArtifact):
        from_keystore(path)


def test_the_environment_s_key_is_taken_without_a_keystore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_PRIVATE_KEY", KEY)
    account = find_account(None)
    assert account is not None
    assert account.address == ADDRESS


@pytest.mark.parametrize("key", [KEY + "00", "hello", "0x" + "00" * 32, KEY[:-2]])
def test_a_bad_key_is_named_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_PRIVATE_KEY", key)
    with pytest.raises(UsageError) as caught:
        find_account(None)
    assert key not in str(caught.value.as_dict())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_no_account_is_an_error_only_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZKML_PRIVATE_KEY", raising=False)
    assert find_account(None) is None
    with pytest.raises(EnvironmentFault) as caught:
        require_account(None)
    assert caught.value.code == "no-account"
