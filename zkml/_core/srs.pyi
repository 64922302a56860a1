"""Structured reference strings made, imported, checked and cut down in Rust.

All paths that are written are overwritten: name temporary files. Points are canonical big-endian bytes (G1: x, y; G2: x.c0, x.c1,
y.c0, y.c1). `progress(stage, done, total)` is called between pieces of work; what it raises stops the work.
"""

from collections.abc import Callable
from os import PathLike

def threads() -> int:
    """Return the number of threads that this module works on."""

def generate(path: PathLike[str], k: int, progress: Callable[[str, int, int], object] | None = None) -> None:
    """Write an SRS with a τ of the operating system's generator. Raises `EnvironmentFault`, `MalformedArtifact` for a bad k."""

def head(path: PathLike[str]) -> tuple[int, tuple[bytes, bytes, bytes]]:
    """Return k and (g1, g2, tau_g2) of a file whose header, size, g[0] and points of G2 hold.

    Raises `MalformedArtifact`, `SrsError`.
    """

def check(path: PathLike[str], progress: Callable[[str, int, int], object] | None = None, k: int | None = None) -> None:
    """Check a whole file, or what a circuit of 2^k rows uses of it.

    Raises `MalformedArtifact` or `SrsError` with part and index in its details.
    """

def trim(source: PathLike[str], target: PathLike[str], k: int, progress: Callable[[str, int, int], object] | None = None) -> None:
    """Write the SRS of size `k` cut from `source`. Raises `SrsError` (srs-too-small), `MalformedArtifact`."""

def import_ptau(
    source: PathLike[str],
    target: PathLike[str],
    k: int | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> None:
    """Write the SRS of size `k` (the file's own if None) from a `.ptau`, unchecked. Raises `SrsError`, `MalformedArtifact`."""
