"""Keys of EZKL's circuits, made in Rust: the bytes that EZKL makes."""

from collections.abc import Callable
from os import PathLike

from zkml._core.graph import CompiledCircuit

def make_verification_key(
    circuit: CompiledCircuit,
    srs: str | PathLike[str],
    compress_selectors: bool = True,
    progress: Callable[[int, int], object] | None = None,
    witness: bytes | None = None,
) -> bytes:
    """Return the bytes of `vk.key` for a circuit under the SRS at `srs`, which has as many points as the circuit has rows.

    A circuit with fixed inputs or outputs needs `witness`, the text of `witness.json`: their values are constants of the circuit.
    `progress(done, total)` is called between columns, and again while one step takes long; what it raises stops the work.
    Raises `CircuitError` (code `engine-unsupported`, the circuit's node in its details) for a circuit without a confirmed
    layout, and `SrsError`.
    """

def make_proving_key(
    circuit: CompiledCircuit,
    srs: str | PathLike[str],
    out: str | PathLike[str],
    compress_selectors: bool = True,
    progress: Callable[[int, int], object] | None = None,
    witness: bytes | None = None,
) -> bytes:
    """Write `pk.key` to `out` and return the bytes of `vk.key`. Raises as `make_verification_key`, and OSError."""

class KeyColumns:
    """The columns that the keys of a circuit commit to."""

    def __init__(
        self,
        circuit: CompiledCircuit,
        compress_selectors: bool = True,
        progress: Callable[[int, int], object] | None = None,
        witness: bytes | None = None,
    ) -> None:
        """Lay the circuit out; `progress` and `witness` as for `make_verification_key`.

        Raises `CircuitError` (`engine-unsupported`, the circuit's node in its details).
        """

    def verification_key(self, srs: str | PathLike[str], progress: Callable[[int, int], object] | None = None) -> bytes:
        """Return the bytes of `vk.key` under the SRS at `srs`, which has as many points as the circuit has rows."""

    def write_proving_key(self, out: str | PathLike[str], protocol: bytes) -> int:
        """Write the Rust engine's proving key to `out`, bound to the circuit of this `protocol.json`. Return its bytes.

        Raises `MalformedArtifact` when the Protocol does not parse, `EnvironmentFault` when the file cannot be written.
        """
