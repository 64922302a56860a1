"""Keys of EZKL's circuits, made in Rust: the bytes that EZKL makes."""

from collections.abc import Callable
from os import PathLike

from zkml._core.graph import CompiledCircuit

def make_verification_key(
    circuit: CompiledCircuit,
    srs: str | PathLike[str],
    compress_selectors: bool = True,
    progress: Callable[[int, int], object] | None = None,
) -> bytes:
    """Return the bytes of `vk.key` for a circuit under the SRS at `srs`, which has as many points as the circuit has rows.

    `progress(done, total)` is called between columns; what it raises stops the work. Raises `CircuitError` (code
    `engine-unsupported`, the circuit's node in its details) for a circuit without a confirmed layout, and `SrsError`.
    """

def make_proving_key(
    circuit: CompiledCircuit,
    srs: str | PathLike[str],
    out: str | PathLike[str],
    compress_selectors: bool = True,
    progress: Callable[[int, int], object] | None = None,
) -> bytes:
    """Write `pk.key` to `out` and return the bytes of `vk.key`. Raises as `make_verification_key`, and OSError."""
