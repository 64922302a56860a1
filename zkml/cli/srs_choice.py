"""The SRS that a command uses: found, or made in sight where the user allowed an unsafe one."""

from __future__ import annotations

from pathlib import Path

from zkml.cli.output import say
from zkml.errors import SrsError
from zkml.home import home
from zkml.keys.srs import Srs, find, generate_unsafe


def choose_srs(k: int, path: Path | None, *, allow_unsafe: bool) -> Srs:
    """Return the SRS at `path`, else that of `$ZKML_SRS`, else from the cache.

    With `allow_unsafe` and none found, makes one in the cache and says so. Raises `SrsError`.
    """
    try:
        return find(k, path)
    except SrsError as e:
        if not allow_unsafe or path is not None or e.code not in ("srs-absent", "srs-too-small"):
            raise
    target = home() / "srs" / f"unsafe-k{k}.srs"
    say(f"making an UNSAFE SRS for 2^{k} rows at {target}: whoever makes an SRS can forge proofs under it")
    return generate_unsafe(target, k)
