"""The constraint checker: a witness held against every gate, lookup and copy of its circuit."""

from typing import Any

from zkml._core.graph import CompiledCircuit

def check_witness(
    circuit: CompiledCircuit, witness: bytes, protocol: bytes, compress_selectors: bool = True
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many constraints fail, and the first of them.

    Each has its `kind` (`gate`, `lookup`, `copy`) and `name`, the `row`, `circuit_node` and `operator` of the node that laid it
    out (None where none did), and `cells`, the advice cells that it reads: column, row, and the integer there or None.
    `witness` and `protocol` are the texts of `witness.json` and `protocol.json`; `compress_selectors` is how the key was made.
    Raises `CircuitError` (code `engine-unsupported`) for a circuit without a confirmed layout, `WitnessError` for a value that
    the circuit's digits cannot hold, `MismatchedArtifacts` for the Protocol of another circuit, and `MalformedArtifact`.
    """
