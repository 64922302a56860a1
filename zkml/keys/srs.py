"""Structured reference strings: found, made, imported, checked, cut down. Never fetched.

A file is halo2's raw one: k as u32 LE, 2^k points g[i] = [τ^i]G1, 2^k points g_lagrange[i] = [L_i(τ)]G1, the generator of G2,
[τ]G2; coordinates 32 bytes LE in Montgomery form. `zkml.keys.srs_trust` says when one is safe.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zkml import __version__
from zkml._core import srs as core
from zkml.errors import MalformedArtifact, SrsError, ZkmlError
from zkml.files import disk_errors
from zkml.home import home
from zkml.keys.srs_checked import Progress, mark_checked
from zkml.keys.srs_files import staged, write_sidecar
from zkml.keys.srs_trust import Trust, trust_of
from zkml.protocol.points import VerifierPoints

MIN_K, MAX_K = 1, 28
ENVIRONMENT = "ZKML_SRS"
PTAU_MAGIC = b"ptau"


def _points(g1: bytes, g2: bytes, tau_g2: bytes) -> VerifierPoints:
    def word(data: bytes, i: int) -> int:
        return int.from_bytes(data[32 * i : 32 * i + 32], "big")

    return VerifierPoints(
        (word(g1, 0), word(g1, 1)),
        (word(g2, 0), word(g2, 1), word(g2, 2), word(g2, 3)),
        (word(tau_g2, 0), word(tau_g2, 1), word(tau_g2, 2), word(tau_g2, 3)),
    )


@dataclass(frozen=True)
class Srs:
    """An SRS file whose header, size and points of G2 hold; 2^k points in each basis.

    `tau_g2` is [τ]G2: 128 bytes, x.c0, x.c1, y.c0, y.c1, big-endian. `digest` names the ceremony (`VerifierPoints.digest`), 64
    hex digits.
    """

    path: Path
    k: int
    tau_g2: bytes
    digest: str
    trust: Trust

    @classmethod
    def open(cls, path: Path) -> Srs:
        """Return the SRS at `path` after cheap checks; `check` does the rest. Raises `SrsError`, `MalformedArtifact`."""
        path = Path(path)
        if not path.is_file():
            raise SrsError(f"there is no SRS at {path}", hint=_HINT, code="srs-absent")
        k, raw = core.head(path)
        points = _points(*raw)
        return cls(path, k, raw[2], points.digest, trust_of(points))

    def verifier_points(self) -> VerifierPoints:
        """Return [1]G1, [1]G2 and [τ]G2 as integers. Raises `MalformedArtifact` when the file was changed since it was opened."""
        points = _points(*core.head(self.path)[1])
        if points.digest != self.digest:
            raise MalformedArtifact(f"{self.path} was replaced by another SRS while in use", code="srs-changed")
        return points

    def require_trust(self, allow_unsafe: bool) -> None:
        """Raise `SrsError` (srs-unsafe) unless the SRS is safe or an unsafe one is allowed."""
        if self.trust.safe or allow_unsafe:
            return
        raise SrsError(
            f"the SRS {self.path} is UNSAFE: somebody may know its secret and forge proofs",
            hint=f"import a ceremony's with `zkml srs import`; if you know where this one comes from, "
            f"`zkml srs trust {self.digest}`; to try things out, --unsafe-srs",
            code="srs-unsafe",
            details={"path": str(self.path), "digest": self.digest},
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "k": self.k,
            "bytes": self.path.stat().st_size,
            "tau_g2": self.tau_g2.hex(),
            "digest": self.digest,
            "trust": str(self.trust),
            "safe": self.trust.safe,
        }


_HINT = (
    "`zkml srs import FILE` takes a ceremony's .srs or .ptau; to try things out, `zkml srs generate --unsafe -k K` makes one "
    "that must not guard anything"
)


def cache_folder() -> Path:
    return home() / "srs"


def cache_path(k: int) -> Path:
    return cache_folder() / f"k{k}.srs"


def find(k: int, path: Path | None = None) -> Srs:
    """Return the SRS at `path` (a file or a folder of them), else of `$ZKML_SRS`, else of the cache; it has 2^k points or more.

    In a folder: the smallest safe one that is large enough, else the smallest unsafe one. Raises `SrsError` (srs-absent,
    srs-too-small), `MalformedArtifact` for a named file that is none. Reads no network.
    """
    chosen = path or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if chosen is not None and not chosen.is_dir():
        srs = Srs.open(chosen)
        if srs.k < k:
            raise _too_small(k, srs.k, chosen)
        return srs
    folder = chosen or cache_folder()
    candidates = []
    for file in sorted(folder.glob("*.srs")):
        try:
            candidates.append(Srs.open(file))
        except ZkmlError as e:
            raise MalformedArtifact(
                f"{e.message} (found while looking in {folder})", hint="remove the file, or make it again", code=e.code
            ) from e
    if not candidates:
        raise SrsError(f"there is no SRS for 2^{k} rows in {folder}", hint=_HINT, code="srs-absent", details={"want": k})
    fitting = [s for s in candidates if s.k >= k]
    if not fitting:
        raise _too_small(k, max(s.k for s in candidates), folder)
    return min(fitting, key=lambda s: (not s.trust.safe, s.k))


def _too_small(want: int, have: int, where: Path) -> SrsError:
    return SrsError(
        f"the circuit needs an SRS for 2^{want} rows, {where} has 2^{have}",
        hint=_HINT,
        code="srs-too-small",
        details={"want": want, "have": have},
    )


def _record(path: Path, origin: str) -> Srs:
    srs = Srs.open(path)
    write_sidecar(
        path,
        k=srs.k,
        tau_g2=srs.tau_g2,
        digest=srs.digest,
        origin=origin,
        unsafe=not srs.trust.safe,
        made_by=f"zkml {__version__}",
    )
    return srs


def generate_unsafe(path: Path, k: int, progress: Progress | None = None, *, overwrite: bool = False) -> Srs:
    """Write an SRS with a τ drawn here and forgotten; whoever runs this could have kept it, so it is unsafe.

    Raises `UsageError` when the file exists, `MalformedArtifact` when k is not 1 to 28, `EnvironmentFault`.
    """
    path = Path(path)
    with staged(path, overwrite=overwrite) as temporary:
        core.generate(temporary, k, progress)
    mark_checked(path, k)
    return _record(path, "made on this machine")


def import_file(src: Path, dst: Path, k: int | None = None, progress: Progress | None = None, *, overwrite: bool = False) -> Srs:
    """Write the SRS of a halo2 `.srs` or snarkjs `.ptau` to `dst`, cut down to `k` if given, and check the whole result.

    Raises `MalformedArtifact`, `SrsError` (srs-invalid, srs-too-small), `UsageError` when `dst` exists, `EnvironmentFault`.
    """
    src, dst = Path(src), Path(dst)
    with disk_errors(src), src.open("rb") as f:
        magic = f.read(len(PTAU_MAGIC))
    with staged(dst, overwrite=overwrite) as temporary:
        if magic == PTAU_MAGIC:
            core.import_ptau(src, temporary, k, progress)
        else:
            have, _ = core.head(src)
            core.trim(src, temporary, have if k is None else k, progress)
        core.check(temporary, progress)
    srs = _record(dst, f"imported from {src.name}")
    mark_checked(dst, srs.k)
    return srs


def trim(src: Path, dst: Path, k: int, progress: Progress | None = None, *, overwrite: bool = False) -> Srs:
    """Write the SRS of size `k` cut from the larger one at `src`; its Lagrange basis is computed anew.

    Raises as `import_file`; the powers are not checked against each other.
    """
    src, dst = Path(src), Path(dst)
    with staged(dst, overwrite=overwrite) as temporary:
        core.trim(src, temporary, k, progress)
    return _record(dst, f"cut from {src.name}")


def reduced(src: Path, dst: Path, *, overwrite: bool = False) -> Srs:
    """Write the SRS of size 1: all that a verifier needs (516 bytes)."""
    return trim(src, dst, MIN_K, overwrite=overwrite)


@dataclass(frozen=True)
class CheckReport:
    """What the check of a file found. `error` is None when all of it holds."""

    path: Path
    srs: Srs | None
    error: ZkmlError | None

    @property
    def outcome(self) -> str:
        """`valid`, `invalid` (an SRS in form, wrong in structure) or `malformed`."""
        if self.error is None:
            return "valid"
        return "malformed" if isinstance(self.error, MalformedArtifact) else "invalid"

    def raise_for_outcome(self) -> Srs:
        """Return the SRS, or raise what was found."""
        if self.error is not None or self.srs is None:
            raise self.error or MalformedArtifact(f"{self.path} was not read", code="srs-malformed")
        return self.srs


def check(path: Path, progress: Progress | None = None) -> CheckReport:
    """Return what checking the whole file found: every point in its group, and both bases against [τ]G2 by pairings.

    Raises `EnvironmentFault` when the file cannot be read.
    """
    path = Path(path)
    srs = None
    try:
        srs = Srs.open(path)
        core.check(path, progress)
        mark_checked(path, srs.k)
    except (MalformedArtifact, SrsError) as e:
        return CheckReport(path, srs, e)
    return CheckReport(path, srs, None)
