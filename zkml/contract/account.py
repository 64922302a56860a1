"""The account that pays: a keystore file or an environment key. Keys are never in flags, messages or files of ours."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from zkml.errors import EnvironmentFault, MalformedArtifact, UsageError
from zkml.files import read_bounded, read_json

KEY_VARIABLE = "ZKML_PRIVATE_KEY"
PASSWORD_VARIABLE = "ZKML_KEYSTORE_PASSWORD"  # noqa: S105  (the name of a variable)
MAX_KEYSTORE_BYTES = 1 << 16
MAX_PASSWORD_BYTES = 4096
MAX_WORK = {"n": 1 << 20, "r": 16, "p": 16, "c": 1 << 24, "dklen": 64}
"""The most work that a keystore may ask for before its password is known to be right."""


def _password(file: Path | None) -> str:
    if file is None:
        found = os.environ.get(PASSWORD_VARIABLE)
        if found is None:
            raise EnvironmentFault(
                "the keystore's password is not known",
                hint=f"set {PASSWORD_VARIABLE}, or --password-file FILE (mode 0600)",
                code="no-password",
            )
        return found
    data = read_bounded(file, what="password file", max_bytes=MAX_PASSWORD_BYTES)
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise EnvironmentFault(f"others can read {file}", hint=f"chmod 600 {file}", code="open-secret")
    return data.decode(errors="replace").rstrip("\r\n")


def _check_work(keystore: Any, path: Path) -> None:
    crypto = keystore.get("crypto") or keystore.get("Crypto") if isinstance(keystore, dict) else None
    parameters = crypto.get("kdfparams") if isinstance(crypto, dict) else None
    if not isinstance(parameters, dict):
        raise MalformedArtifact(f"{path} is no keystore", code="keystore")
    for name, most in MAX_WORK.items():
        value = parameters.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise MalformedArtifact(f"{path} asks for {name} beyond {most}", code="keystore")


def from_keystore(path: Path, password_file: Path | None = None) -> LocalAccount:
    """Return the account in a keystore of version 3.

    Raises `MalformedArtifact` when the file is none, `EnvironmentFault` when the password is unknown or wrong.
    """
    keystore = read_json(path, what="keystore", max_bytes=MAX_KEYSTORE_BYTES)
    _check_work(keystore, path)
    password = _password(password_file)
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(keystore, password))
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as e:
        wrong = isinstance(e, ValueError) and "MAC mismatch" in str(e)
        if wrong:
            raise EnvironmentFault(f"the password does not open {path}", code="wrong-password") from None
        raise MalformedArtifact(f"{path} is no keystore that can be read", code="keystore") from None
    return account


def from_environment() -> LocalAccount | None:
    """Return the account of `ZKML_PRIVATE_KEY`, or None when it is not set. Raises `UsageError` when that is no key."""
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        return None
    try:
        account: LocalAccount = Account.from_key(key)
    except Exception:
        # What was raised may hold the key.
        raise UsageError(f"{KEY_VARIABLE} holds no private key", hint="0x and 64 hex digits", code="key") from None
    return account


def find_account(keystore: Path | None, password_file: Path | None = None) -> LocalAccount | None:
    """Return the account of the keystore, else that of the environment, else None."""
    return from_keystore(keystore, password_file) if keystore is not None else from_environment()


def require_account(keystore: Path | None, password_file: Path | None = None) -> LocalAccount:
    """Return the account. Raises `EnvironmentFault` when there is none."""
    account = find_account(keystore, password_file)
    if account is None:
        raise EnvironmentFault(
            "no account to pay with", hint=f"--keystore FILE, or {KEY_VARIABLE} in the environment", code="no-account"
        )
    return account
