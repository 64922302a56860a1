"""Proofs of EZKL's circuits, made without EZKL."""

from collections.abc import Callable
from os import PathLike

from zkml._core.graph import CompiledCircuit

STAGES: list[str]
"""The names of the stages of a proof, in order."""

def arithmetic() -> tuple[str, str]:
    """Return the path of the arithmetic that runs here (`scalar`, `avx2` or `avx512`) and what single products use.

    The latter is `adx` or `portable`.

    Raises `EnvironmentFault` when `$ZKML_ARITHMETIC` asks for what this CPU has not.
    """

def read_key(protocol: bytes, key: bytes) -> str:
    """Read every column of a proving key, `prover.key` or EZKL's `pk.key`, and return what made it: `zkml` or `ezkl`.

    Raises `MalformedArtifact` (`key-file`, `key-version`, `protocol`) and `MismatchedArtifacts` for a key of another circuit.
    """

class Prover:
    """One circuit, ready to prove: Protocol, key and SRS opened once. Any number of threads may use it."""

    def __init__(self, protocol: bytes, key: str | PathLike[str], srs: str | PathLike[str], threads: int | None = None) -> None:
        """Open a prover from `protocol.json`, the key of `KeyColumns.write_proving_key` or EZKL's `pk.key`, and the SRS.

        Raises `MalformedArtifact` (`key-file`, `key-version`, `protocol`), `MismatchedArtifacts` for a key of another circuit
        (`another-circuit`) or an SRS of another ceremony (`srs-mismatch`), `SrsError` (`srs-too-small`, `srs-file`),
        `EnvironmentFault` for a key that cannot be read or threads that cannot be started.
        """

    @property
    def circuit_id(self) -> str:
        """64 hex digits."""

    @property
    def key_format(self) -> str:
        """`zkml` or `ezkl`."""

    @property
    def device(self) -> str:
        """What proofs are computed on."""

    @property
    def arithmetic(self) -> str:
        """The path of the arithmetic: `scalar`, `avx2` or `avx512`."""

    @property
    def threads(self) -> int: ...
    def prove(
        self, circuit: CompiledCircuit, witness: bytes, progress: Callable[[str, int, int], object] | None = None
    ) -> tuple[bytes, list[bytes], dict[str, float]]:
        """Return a verified proof, the instance columns (words of 32 bytes, big-endian) and the seconds of each stage.

        `witness` is the text of `witness.json`. `progress(stage, done, total)` is called between steps, and again while
        one takes long; what it raises stops the work. Raises `WitnessError` when the witness does not satisfy the circuit,
        `CircuitError` (`engine-unsupported`, the circuit's node in its details) for a circuit without a confirmed layout,
        `MalformedArtifact` and `MismatchedArtifacts`.
        """
