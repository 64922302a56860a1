"""The constraint checker: a witness held against every gate, lookup and copy of its circuit."""

from typing import TypedDict

from zkml._core.graph import CompiledCircuit

class Broken(TypedDict):
    """A constraint that fails: its kind (`gate`, `lookup`, `copy`) and name, the row, the circuit's node that laid it out (None
    where none did), and the advice cells that it reads: column, row, and the integer there, None where it is none."""

    kind: str
    name: str
    row: int
    circuit_node: str | None
    operator: str | None
    cells: list[tuple[int, int, int | None]]

def check_witness(
    circuit: CompiledCircuit, witness: bytes, protocol: bytes, compress_selectors: bool = True
) -> tuple[int, list[Broken]]:
    """Return how many constraints fail, and the first of them.

    `witness` and `protocol` are the texts of `witness.json` and `protocol.json`; `compress_selectors` is how the key was made.
    Raises `CircuitError` (code `engine-unsupported`) for a circuit without a confirmed layout, `WitnessError` for a value that the
    circuit's digits cannot hold, `MismatchedArtifacts` for the Protocol of another circuit, and `MalformedArtifact`.
    """
