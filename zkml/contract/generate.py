"""A circuit's verifier as Solidity, from its Protocol alone. Needs no compiler.

*single*: one contract, the key in its code. *split*: the key's points in a contract of their own. *parts*: the gates and other
identities too, in as many as they need. *universal*: one interpreter for all circuits, the whole circuit in data contracts, and a
small contract for each circuit that knows their digest.
"""

from __future__ import annotations

import re

from zkml.contract.key import CHUNK, chunks, code_hash, digest, key_source
from zkml.contract.parts import part_source, parts
from zkml.contract.plan import Plan, plan
from zkml.contract.sources import Address, Deployable, Form, Sources
from zkml.contract.templates import interface, render
from zkml.contract.universal import encode_key, universal_source
from zkml.contract.yul import SplitKey, verifier_source
from zkml.errors import InfeasibleError, UsageError
from zkml.protocol.protocol import Protocol

INTERFACE = "IVerifier.sol"
UNIVERSAL = "UniversalVerifier"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TAKEN = {"IVerifier", "UniversalVerifier", "IUniversalVerifier"}


def generate(protocol: Protocol, form: Form, *, name: str = "Verifier") -> Sources:
    """Return the Solidity of a verifier for one circuit.

    Raises `UsageError` for a form or name that there is not, `InfeasibleError` for a circuit beyond the form's addresses.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise UsageError(f"{name!r} is no name for a contract", hint="letters, digits and _, a letter first")
    match form:
        case "single":
            return _single(protocol, name)
        case "split":
            return _split(protocol, name)
        case "parts":
            return _parts(protocol, name)
        case "universal":
            return _universal(protocol, name)
    raise UsageError(f"there is no form {form!r}", hint="single, split, parts or universal")


def _single(protocol: Protocol, name: str) -> Sources:
    planned = plan(protocol)
    file = f"{name}.sol"
    files = {INTERFACE: interface(), file: verifier_source(planned, name)}
    return Sources("single", files, (Deployable(file, name),), dict(planned.layout.offsets))


def _plan_with_key(protocol: Protocol, form: Form) -> tuple[Plan, bytes]:
    """Return the plan of a circuit whose key is read from one other contract, and the key. Raises `InfeasibleError`."""
    points = plan(protocol).openings.key_points
    data = b"".join(c.to_bytes(32, "big") for point in points.values() for c in point)
    if len(data) > CHUNK:
        raise InfeasibleError(
            f"the key has {len(data)} bytes, the form {form} holds {CHUNK}",
            hint="the form universal has no limit",
            code="contract-size",
        )
    planned = plan(protocol, len(data))
    for i, point in enumerate(points):
        planned.layout.offsets[point] = planned.layout["KEY"] + 64 * i
        planned.layout.notes[point] = "a point of the key"
    return planned, data


def _key_files(planned: Plan, data: bytes, name: str) -> dict[str, str]:
    notes = [f"{point}, {c}" for point in planned.openings.key_points for c in "xy"]
    return {INTERFACE: interface(), f"{name}Key.sol": key_source(f"{name}Key", planned.protocol.circuit_id, data, notes)}


def _split(protocol: Protocol, name: str) -> Sources:
    planned, data = _plan_with_key(protocol, "split")
    text = verifier_source(planned, name, SplitKey(len(data), code_hash(data)))
    files = _key_files(planned, data, name) | {f"{name}.sol": text}
    deployables = (Deployable(f"{name}Key.sol", f"{name}Key"), Deployable(f"{name}.sol", name, (Address(0),)))
    return Sources("split", files, deployables, dict(planned.layout.offsets))


def _parts(protocol: Protocol, name: str) -> Sources:
    planned, data = _plan_with_key(protocol, "parts")
    cut = parts(planned)
    files = _key_files(planned, data, name)
    deployables = [Deployable(f"{name}Key.sol", f"{name}Key")]
    for i, part in enumerate(cut):
        contract = f"{name}Part{i}"
        files[f"{contract}.sol"] = part_source(contract, protocol.circuit_id, part)
        deployables.append(Deployable(f"{contract}.sol", contract))
    key = SplitKey(len(data), code_hash(data))
    files[f"{name}.sol"] = verifier_source(planned, name, key, [part.code_hash for part in cut])
    deployables.append(Deployable(f"{name}.sol", name, tuple(Address(i) for i in range(len(deployables)))))
    return Sources("parts", files, tuple(deployables), dict(planned.layout.offsets))


def _universal(protocol: Protocol, name: str) -> Sources:
    key = encode_key(protocol)
    pieces = chunks(key.data)
    files = {INTERFACE: interface(), f"I{UNIVERSAL}.sol": interface(f"I{UNIVERSAL}"), f"{UNIVERSAL}.sol": universal_source()}
    deployables = [Deployable(f"{UNIVERSAL}.sol", UNIVERSAL, shared=True)]
    for i, piece in enumerate(pieces):
        contract = f"{name}Key{i}"
        files[f"{contract}.sol"] = key_source(contract, protocol.circuit_id, piece, key.notes if i == 0 else ())
        deployables.append(Deployable(f"{contract}.sol", contract))
    context = {
        "name": name,
        "p": protocol,
        "plan": key.plan,
        "circuit_id": protocol.circuit_id,
        "digest": digest(key.data).hex(),
        "pieces": len(pieces),
    }
    files[f"{name}.sol"] = render("Adapter.sol.j2", context)
    deployables.append(Deployable(f"{name}.sol", name, tuple(Address(i) for i in range(len(deployables)))))
    return Sources("universal", files, tuple(deployables), dict(key.plan.layout.offsets))
