"""Which structured reference strings are safe: those of known ceremonies, and those that the operator vouches for.

Soundness rests on nobody knowing τ. A file cannot vouch for itself, so trust hangs on [τ]G2 alone, which fixes τ: it is on the
list below, or its digest is in `$ZKML_HOME/trusted_srs.json`, or the SRS is unsafe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zkml.errors import MalformedArtifact, UsageError
from zkml.files import PRIVATE_MODE, read_json, write_json
from zkml.home import home
from zkml.protocol.points import G1_GENERATOR, G2_GENERATOR, G2Point, VerifierPoints

STORE_KIND = "zkml-trusted-srs"
STORE_VERSION = 1
DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_NAME = 100


@dataclass(frozen=True)
class Ceremony:
    """A public ceremony: its name and [τ]G2 (x.c0, x.c1, y.c0, y.c1)."""

    name: str
    tau_g2: G2Point

    @property
    def digest(self) -> str:
        return VerifierPoints(G1_GENERATOR, G2_GENERATOR, self.tau_g2).digest


# Each value was read in at least two public repositories of different authors; docs/srs.md names them.
CEREMONIES = (
    Ceremony(
        "Perpetual Powers of Tau, Hermez (powersOfTau28_hez_final)",
        (
            21831381940315734285607113342023901060522397560371972897001948545212302161822,
            17231025384763736816414546592865244497437017442647097510447326538965263639101,
            2388026358213174446665280700919698872609886601280537296205114254867301080648,
            11507326595632554467052522095592665270651932854513688777769618397986436103170,
        ),
    ),
    Ceremony(
        "Aztec Ignition",
        (
            0x0118C4D5B837BCC2BC89B5B398B5974E9F5944073B32078B7E231FEC938883B0,
            0x260E01B251F6F1C7E7FF4E580791DEE8EA51D87A358E038B4EFE30FAC09383C1,
            0x22FEBDA3C0C0632A56475B4214E5615E11E6DD3F96E6CEA2854A87D4DACC5E55,
            0x04FC6369F7110FE3D25156C1BB9A72859CF2A04641F99BA4EE413C80DA6A5FE4,
        ),
    ),
)


@dataclass(frozen=True)
class Trust:
    """Why an SRS may be used, or `unsafe`. `name` is the ceremony's, or what the operator called it."""

    kind: Literal["ceremony", "operator", "unsafe"]
    name: str | None = None

    @property
    def safe(self) -> bool:
        return self.kind != "unsafe"

    def __str__(self) -> str:
        if self.kind == "ceremony":
            return f"known ceremony {self.name}"
        if self.kind == "operator":
            return "trusted by you" + (f" as {self.name}" if self.name else "")
        return "UNSAFE"


def trust_of(points: VerifierPoints) -> Trust:
    """Return why an SRS with these points may be used. Raises `MalformedArtifact` when the operator's list cannot be read."""
    for ceremony in CEREMONIES:
        if ceremony.tau_g2 == points.tau_g2:
            return Trust("ceremony", ceremony.name)
    names = trusted()
    if points.digest in names:
        return Trust("operator", names[points.digest])
    return Trust("unsafe")


def store_path() -> Path:
    return home() / "trusted_srs.json"


def trusted() -> dict[str, str | None]:
    """Return the operator's list, digest to name. Raises `MalformedArtifact`.

    A list that other users can write is refused: it would let them vouch in the operator's name.
    """
    path = store_path()
    if not path.exists():
        return {}
    if path.stat().st_mode & 0o022:
        raise MalformedArtifact(
            f"{path} can be written by other users", hint=f"look at what it holds, then chmod 600 {path}", code="trusted-srs"
        )
    value = read_json(path, what="the list of trusted SRS", max_bytes=1 << 20)
    fault = MalformedArtifact(f"{path} is not a list of trusted SRS", hint="remove it and trust again", code="trusted-srs")
    if not isinstance(value, dict) or value.get("kind") != STORE_KIND or value.get("version") != STORE_VERSION:
        raise fault
    names: Any = value.get("digests")
    if not isinstance(names, dict):
        raise fault
    for digest, name in names.items():
        if not DIGEST.fullmatch(digest) or not (name is None or (isinstance(name, str) and len(name) <= MAX_NAME)):
            raise fault
    return names


def _write(names: dict[str, str | None]) -> None:
    path = store_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(path, {"kind": STORE_KIND, "version": STORE_VERSION, "digests": names}, mode=PRIVATE_MODE)


def _digest(text: str) -> str:
    digest = text.strip().lower()
    if not DIGEST.fullmatch(digest):
        raise UsageError(f"{text!r} is not a digest of 64 hex digits", hint="`zkml srs info FILE` prints it", code="srs-digest")
    return digest


def add_trust(digest: str, name: str | None = None) -> None:
    """Vouch for the SRS with this digest. Raises `UsageError` when it is none, or the name is too long."""
    if name is not None and len(name) > MAX_NAME:
        raise UsageError(f"the name has {len(name)} characters, more than {MAX_NAME}", code="srs-name")
    _write({**trusted(), _digest(digest): name})


def remove_trust(digest: str) -> None:
    """Withdraw it. Raises `UsageError` when the digest was not on the list."""
    names = trusted()
    if names.pop(_digest(digest), ...) is ...:
        raise UsageError(f"{digest} is not on your list", hint="`zkml srs trusted` shows it", code="srs-digest")
    _write(names)
