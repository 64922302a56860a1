"""EZKL's compiled circuits, decoded in Rust."""

from os import PathLike

EZKL_VERSION: str
"""The one version of EZKL whose files can be decoded."""

class CompiledCircuit:
    """A compiled circuit, decoded."""

    def to_json(self) -> str:
        """Return the circuit as JSON; parameters are counted, not shown."""

    def encode(self) -> bytes:
        """Return the file's bytes."""

    def encode_sorted(self) -> bytes:
        """Return the file's bytes with everything that EZKL orders at random sorted: one circuit, one file."""

    def constant(self, path: list[int]) -> bytes:
        """Return the parameters of the constant node at `path` as little-endian signed 64-bit integers, row-major.

        `path` is the node's number, after those of the subgraphs around it. Raises KeyError when the node is not a constant,
        OverflowError when a value is beyond 64 bits.
        """

    def public_values(self, words: bytes) -> bytes:
        """Return what the values of a proof's instance column are, as the text of EZKL's `pretty_public_inputs`.

        `words` are the values, 32 bytes each, big-endian. The text is `null` where they are not those of this circuit.
        """

    def witness(self, input: bytes, srs: str | PathLike[str] | None = None) -> bytes:
        """Return the text of EZKL's `witness.json` for the text of an `input.json`, byte for byte what EZKL writes.

        `srs` is the file that committed tensors are committed with: of as many points as the circuit has rows, or more.

        Raises `CircuitError` (code `engine-unsupported`) where the circuit does what this engine does not, `WitnessError` where
        the input has no witness, `SrsError` (`srs-absent`, `srs-too-small`, `srs-file`), `SampleError` and `MalformedArtifact`.
        """

def decode(data: bytes) -> CompiledCircuit:
    """Return the compiled circuit in `data`. Raises `MalformedArtifact` with byte and field in its details."""
