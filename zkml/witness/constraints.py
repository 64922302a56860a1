"""A witness held against every gate, lookup and copy of its circuit."""

from __future__ import annotations

from zkml._core import check, graph
from zkml.bundle import Bundle
from zkml.errors import WitnessError
from zkml.files import read_bounded
from zkml.keys.setup import MAX_WITNESS_BYTES
from zkml.witness.engine import MAX_CIRCUIT_BYTES

MAX_PROTOCOL_BYTES = 1 << 24
UNSATISFIED = "unsatisfied"


def check_constraints(bundle: Bundle) -> None:
    """Raise `WitnessError`, code `unsatisfied`, unless the bundle's witness satisfies its circuit.

    The error names the first constraint that fails, its row, and the circuit's node that laid it out; its details hold how many
    fail. Raises `CircuitError`, code `engine-unsupported`, for a circuit that this engine cannot lay out, `MismatchedArtifacts`
    and `MalformedArtifact` for files that do not belong together, and what `Bundle.require` raises.
    """
    bundle.require("circuit", "vk", "protocol", "witness")
    circuit = graph.decode(read_bounded(bundle.path("circuit"), what="circuit", max_bytes=MAX_CIRCUIT_BYTES))
    witness = read_bounded(bundle.path("witness"), what="witness", max_bytes=MAX_WITNESS_BYTES)
    protocol = read_bounded(bundle.path("protocol"), what="protocol", max_bytes=MAX_PROTOCOL_BYTES)
    error = first_failure(circuit, witness, protocol, compressed(bundle))
    if error is not None:
        raise error


def compressed(bundle: Bundle) -> bool:
    """Whether the key of the bundle has selectors that never meet in one column."""
    return bool(bundle.records["vk"].facts.get("compress_selectors", True))


def first_failure(
    circuit: graph.CompiledCircuit, witness: bytes, protocol: bytes, compress_selectors: bool
) -> WitnessError | None:
    """Return the error that names the first constraint which fails, None where all hold.

    `witness` and `protocol` are the texts of `witness.json` and `protocol.json`. Raises what `check_constraints` does.
    """
    failed, first = check.check_witness(circuit, witness, protocol, compress_selectors)
    if not failed:
        return None
    broken = first[0]
    where = f" in node {broken['circuit_node']} ({broken['operator']})" if broken["circuit_node"] is not None else ""
    return WitnessError(
        f"the witness does not satisfy the circuit: {broken['kind']} {broken['name']} fails at row {broken['row']}{where}",
        hint="was the circuit or the witness edited? make it again with `zkml witness`",
        code=UNSATISFIED,
        details={"failed": failed, **broken},
    )
