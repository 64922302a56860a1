"""An EZKL circuit put together from its settings and key: the columns in their normative order, then packing, then selectors."""

from __future__ import annotations

from dataclasses import dataclass

from zkml.errors import MalformedArtifact
from zkml.protocol.expression import degrees
from zkml.protocol.ezkl.base_gates import base_gates
from zkml.protocol.ezkl.freivalds import freivalds_area
from zkml.protocol.ezkl.packing import Group, grouped, packed, system_degree
from zkml.protocol.ezkl.poseidon import poseidon_module
from zkml.protocol.ezkl.selectors import Combination, combinations, replacements, selector_degrees, substituted
from zkml.protocol.ezkl.settings import EzklSettings
from zkml.protocol.ezkl.system import ConstraintSystem, variable
from zkml.protocol.ezkl.tables import dynamic_tables, range_checks, static_lookups
from zkml.protocol.ezkl.vk import VerifyingKey, read_vk
from zkml.protocol.protocol import Lookup

BLINDING_FACTORS = 5
"""No EZKL gate reads an advice column in more than three rows, so halo2 always arrives at 3 + 2."""


@dataclass(frozen=True)
class EzklCircuit:
    """A finished circuit. `gates` and `arguments` have their selectors replaced; `groups`, before packing, have not."""

    cs: ConstraintSystem
    groups: tuple[Group, ...]
    arguments: tuple[Lookup, ...]
    gates: tuple[int, ...]
    degree: int
    num_selectors: int
    key: VerifyingKey


def constraint_system(settings: EzklSettings, split_depth: int | None) -> ConstraintSystem:
    """Return the system before packing and selector replacement. Raises `MalformedArtifact` when it is too large."""
    cs = ConstraintSystem(settings.logrows)
    width = settings.num_inner_cols
    for cells in settings.polycommit:
        variable(cs, cells, 1)
    left, right, output = (variable(cs, settings.total_assignments, width) for _ in range(3))
    tables = None
    if settings.num_dynamic_lookups or settings.num_shuffles:
        cells = settings.total_dynamic_col_size + settings.total_shuffle_col_size
        tables = tuple(variable(cs, cells, 1) for _ in range(3))
    for _ in range(_constant_columns(settings)):
        cs.constant_column()
    if settings.any_hashed and settings.poseidon_hashes:
        poseidon_module(cs, public_hash=settings.any_public_hash)
    if not cs.num_instance:
        cs.enable_equality("instance", cs.instance_column())
    base_gates(cs, left, right, output)
    static_lookups(cs, settings, left, right, output, split_depth)
    range_checks(cs, settings, left, right, split_depth)
    if tables is not None:
        for _ in range(bool(settings.num_dynamic_lookups) + bool(settings.num_shuffles)):
            dynamic_tables(cs, (left, right, output), tables)
    if settings.total_einsum_col_size:
        freivalds_area(cs, settings)
    return cs


def _constant_columns(settings: EzklSettings) -> int:
    constants, rows = settings.total_const_size, settings.usable_rows
    if constants == 0:
        return 1 if settings.any_hashed else 0
    columns = constants // rows + 1
    return (constants + columns) // rows + 1


def finish(settings: EzklSettings, vk: bytes, split_depth: int | None = None) -> EzklCircuit:
    """Return the circuit of these settings and this key. Raises `MalformedArtifact` when they do not fit each other."""
    cs = constraint_system(settings, split_depth)
    key = read_vk(vk, k=cs.k, permutation_columns=len(cs.permutation), selectors=len(cs.simple))
    groups = grouped(cs)
    degree = degrees(cs.build.nodes)
    arguments = packed(groups, cs.gates, degree)
    largest = system_degree(arguments, cs.gates, degree)
    if key.active is None:
        columns = [Combination((s,)) for s in range(len(cs.simple))]
    else:
        columns = combinations(selector_degrees(cs), key.active, largest)
    replacement = replacements(cs, columns)
    if cs.num_fixed != len(key.fixed_commitments):
        raise MalformedArtifact(
            f"vk.key has {len(key.fixed_commitments)} fixed commitments, the settings ask for {cs.num_fixed}", code="vk"
        )
    roots = [*cs.gates, *(e for a in arguments for row in (a.table, *a.inputs) for e in row)]
    new = substituted(cs, roots, replacement)
    return EzklCircuit(
        cs=cs,
        groups=tuple(groups),
        arguments=tuple(
            Lookup(tuple(tuple(new[e] for e in row) for row in a.inputs), tuple(new[e] for e in a.table)) for a in arguments
        ),
        gates=tuple(new[g] for g in cs.gates),
        degree=largest,
        num_selectors=0 if key.active is None else len(cs.simple),
        key=key,
    )
