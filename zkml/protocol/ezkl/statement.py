"""The public statement of an EZKL circuit: hashes first, then public inputs, then public outputs.

[hash of each input] [hash of all parameters] [public inputs, flattened] [public outputs, or the hash of each]
"""

from __future__ import annotations

from math import prod

from zkml.errors import MalformedArtifact
from zkml.protocol.ezkl.settings import EzklSettings
from zkml.protocol.statement import Role, Statement, StatementTensor, Visibility


def _input_domain(settings: EzklSettings, dtype: str) -> tuple[int, int] | None:
    """Return the range that the circuit's decomposition enforces on a public input, None where it enforces none.

    The recomposition of digits is a matrix product: with a Freivalds area it is not linked to the input.
    """
    if settings.ignore_range_check or settings.total_einsum_col_size:
        return None
    if dtype == "Bool":
        return 0, 1
    if settings.decomp_base < 2 or settings.decomp_legs * settings.decomp_base.bit_length() > 250:
        return None
    most = settings.decomp_base**settings.decomp_legs - 1
    return -most, most


def ezkl_statement(settings: EzklSettings) -> Statement:
    """Return the statement. Raises `MalformedArtifact` when the counts in the settings contradict each other."""
    tensors: list[StatementTensor] = []

    def add(
        name: str,
        role: Role,
        visibility: Visibility,
        dtype: str,
        shape: tuple[int, ...],
        scale: int | None,
        domain: tuple[int, int] | None,
    ) -> None:
        row = tensors[-1].row + tensors[-1].length if tensors else 0
        length = prod(shape)
        tensors.append(StatementTensor(name, role, visibility, dtype, shape, scale, 0, row, length, domain))

    def add_hash(name: str, role: Role, visibility: str) -> None:
        add(name, role, "hashed" if visibility == "Hashed" else "hashed-private", "Field", (1,), None, None)

    inputs, outputs = len(settings.input_scales), len(settings.output_scales)
    input_hashes = inputs if settings.input_visibility.startswith("Hashed") else 0
    output_hashes = outputs if settings.output_visibility.startswith("Hashed") else 0
    parameter_hashes = 0
    if settings.any_hashed:
        parameter_hashes = settings.poseidon_hashes - input_hashes - output_hashes
        if parameter_hashes not in ((0, 1) if settings.param_visibility.startswith("Hashed") else (0,)):
            raise MalformedArtifact("settings count other hashes than their visibilities ask for", code="settings")
    public_inputs = inputs if settings.input_visibility == "Public" else 0
    public_outputs = outputs if settings.output_visibility == "Public" else 0
    if len(settings.instance_shapes) != public_inputs + public_outputs:
        raise MalformedArtifact("settings list other instance shapes than their public tensors", code="settings")

    for i in range(input_hashes):
        add_hash(f"input_{i}", "input", settings.input_visibility)
    for _ in range(parameter_hashes):
        add_hash("parameters", "parameters", settings.param_visibility)
    for i, shape in enumerate(settings.instance_shapes[:public_inputs]):
        dtype = settings.input_types[i]
        add(f"input_{i}", "input", "public", dtype, shape, settings.input_scales[i], _input_domain(settings, dtype))
    for i, shape in enumerate(settings.instance_shapes[public_inputs:]):
        add(f"output_{i}", "output", "public", settings.output_types[i], shape, settings.output_scales[i], None)
    for i in range(output_hashes):
        add_hash(f"output_{i}", "output", settings.output_visibility)
    return Statement(tuple(tensors))
