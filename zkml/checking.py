"""The verdict on a proof: by a verifier of the caller's choice, with what this machine knows about SRS and circuit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from zkml.bundle import Bundle
from zkml.circuit.audit import AuditReport
from zkml.circuit.registry import audited
from zkml.errors import EnvironmentFault, MalformedArtifact, UsageError
from zkml.files import read_bounded
from zkml.keys.srs_trust import trust_of
from zkml.protocol import Proof, Protocol, VerifierPoints, decode, read_proof
from zkml.protocol.encoding import MAX_PROTOCOL_BYTES
from zkml.protocol.ezkl import protocol_from_ezkl
from zkml.protocol.ezkl.build import split_depths
from zkml.protocol.ezkl.settings import read_settings as typed_settings
from zkml.protocol.proof import MAX_PROOF_JSON_BYTES
from zkml.verdict import Verdict
from zkml.verifier import check as plain_check
from zkml.verifier.policy import Audit, Finding, Policy

VERIFIERS = ("rust", "python")
MAX_VK_BYTES = 1 << 30

Check = Callable[[Protocol, Proof, Policy, Audit | None], Verdict]


def checker(verifier: str) -> Check:
    """Return the verifier called `rust` or `python`. Raises `EnvironmentFault` when the native extension is absent."""
    if verifier == "python":
        return plain_check
    if verifier != "rust":
        raise UsageError(f"there is no verifier {verifier!r}", hint="one of " + ", ".join(VERIFIERS), code="verifier")
    try:
        native = import_module("zkml.verifier.native")  # the plain verifier must work without it
    except ImportError as e:
        raise EnvironmentFault(
            f"the native verifier cannot be loaded: {e}", hint="--verifier python needs no native code", code="no-extension"
        ) from e
    check: Check = native.check
    return check


def local_policy(policy: Policy) -> Policy:
    """Return the policy with this machine's trusted ceremonies added to those that it names."""
    named = policy.trusted_srs

    def trusted(points: VerifierPoints) -> bool:
        listed = named(points) if callable(named) else points.digest in named
        return listed or trust_of(points).safe

    return replace(policy, trusted_srs=trusted)


def vouched(protocol: Protocol) -> AuditReport | None:
    """Return the audit that this machine made of the circuit, if it keyed or rebuilt it."""
    return audited(protocol.circuit_id)


def as_policy_audit(protocol: Protocol) -> Audit | None:
    """Return what a policy needs of `vouched`: the findings that make a false statement provable."""
    report = vouched(protocol)
    if report is None:
        return None
    return Audit(protocol.circuit_id, tuple(Finding(f.code, "unsound") for f in report.refused))


def read_protocol(path: Path) -> Protocol:
    """Return the Protocol in a file. Raises `MalformedArtifact`."""
    return decode(read_bounded(path, what="protocol", max_bytes=MAX_PROTOCOL_BYTES))


def check_proof(protocol: Protocol, proof: Path, *, policy: Policy, verifier: str = "rust") -> Verdict:
    """Return the verdict on the proof in a file; a file that does not parse is malformed.

    Raises `MalformedArtifact` only where the file cannot be read at all.
    """
    data = read_bounded(proof, what="proof", max_bytes=MAX_PROOF_JSON_BYTES)
    try:
        parsed = read_proof(data)
    except MalformedArtifact as e:
        where = str(e.details.get("where", "top level"))
        return Verdict("malformed", protocol.circuit_id, where=where, reason=e.message)
    return checker(verifier)(protocol, parsed, local_policy(policy), as_policy_audit(protocol))


def check_bundle(bundle: Bundle, proof: Path | None = None, *, policy: Policy, verifier: str = "rust") -> Verdict:
    """Return the verdict on a proof under the bundle's Protocol; by default the bundle's own proof.

    Raises what `Bundle.require` raises.
    """
    bundle.require("protocol", *(() if proof is not None else ("proof",)))
    protocol = read_protocol(bundle.path("protocol"))
    return check_proof(protocol, proof or bundle.path("proof"), policy=policy, verifier=verifier)


def check_ezkl(
    settings: Mapping[str, Any], vk: bytes, points: VerifierPoints, proof: Path, *, policy: Policy, verifier: str = "rust"
) -> Verdict:
    """Return the verdict on a proof under bare EZKL files.

    EZKL's key digest depends on its threads where tables have many columns: every digest that it may have used is tried, and the
    first verdict that is not a rejection, or else the first, is returned.
    """
    first: Verdict | None = None
    for depth in split_depths(typed_settings(settings)):
        protocol = protocol_from_ezkl(settings, vk, points, split_depth=depth)
        verdict = check_proof(protocol, proof, policy=policy, verifier=verifier)
        if verdict.outcome != "rejected":
            return verdict
        first = first or verdict
    assert first is not None  # there is always the full split
    return first
