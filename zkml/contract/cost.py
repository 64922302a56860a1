"""What a form of contract costs, measured: code, deployment, verification and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zkml.contract.calldata import calldata
from zkml.contract.deployment import Built, install
from zkml.contract.evm import NO_LIMIT, Evm, fits
from zkml.contract.sample_proof import made_up_proof
from zkml.contract.split import Split, split_gas, stretches
from zkml.errors import InternalFault
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol

MANY_INSTANCES_SHARE = 0.2


@dataclass(frozen=True)
class ContractCost:
    """One contract: bytes of its code and of what creates it, the gas of its deployment. A shared one serves many circuits."""

    name: str
    code_bytes: int
    creation_bytes: int
    deployment_gas: int
    shared: bool

    @property
    def fits(self) -> bool:
        return fits(self.code_bytes, self.creation_bytes)


@dataclass(frozen=True)
class FormCost:
    """One form for one circuit. `real` says whether the proof measured holds, or is a made-up one that walks all steps.

    `instance_gas` is what one instance costs on average: its calldata and its checks.
    """

    form: str
    built: Built
    contracts: tuple[ContractCost, ...]
    verification_gas: int
    split: Split
    instance_count: int
    real: bool

    @property
    def fits(self) -> bool:
        return all(c.fits for c in self.contracts)

    @property
    def code_bytes(self) -> int:
        """The largest contract, which is what the limit is about."""
        return max(c.code_bytes for c in self.contracts)

    @property
    def deployment_gas(self) -> int:
        """What this circuit pays, without contracts shared with other circuits."""
        return sum(c.deployment_gas for c in self.contracts if not c.shared)

    @property
    def shared_gas(self) -> int:
        return sum(c.deployment_gas for c in self.contracts if c.shared)

    @property
    def instance_gas(self) -> float:
        return self.split.instances / self.instance_count if self.instance_count else 0.0

    @property
    def advice(self) -> str | None:
        """What to do when instances cost much of the verification, or None."""
        share = self.split.instances / self.verification_gas
        if share < MANY_INSTANCES_SHARE:
            return None
        return (
            f"{self.instance_count} public values cost {self.split.instances} gas, {share:.0%} of a verification: "
            "compile with hashed inputs or outputs, and the contract sees one value for each such tensor"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "fits": self.fits,
            "code_bytes": self.code_bytes,
            "deployment_gas": self.deployment_gas,
            "shared_deployment_gas": self.shared_gas,
            "verification_gas": self.verification_gas,
            "parts": dict(self.split.parts),
            "instances": self.instance_count,
            "gas_per_instance": round(self.instance_gas, 1),
            "measured_with": "proof" if self.real else "made-up proof",
            "contracts": [c.__dict__ | {"fits": c.fits} for c in self.contracts],
            "advice": self.advice,
        }


def measure(protocol: Protocol, built: Built, proof: Proof | None = None) -> FormCost:
    """Return what a form costs: with a proof of the circuit, or without one with a made-up proof that fails at the last step.

    The size limit is lifted, so that forms that do not fit are measured too. Raises `InternalFault` when the contract does not
    accept the proof, or gives the made-up one another answer than *rejected*.
    """
    evm = Evm(code_limit=NO_LIMIT)
    installed = install(built, evm)
    data = calldata(protocol, proof or made_up_proof(protocol))
    verified = evm.verify(installed.entry, data)
    expected = "accepted" if proof else "rejected"
    if verified.verdict.outcome != expected:
        raise InternalFault(
            f"the {built.sources.form} contract answers {verified.verdict.outcome} where it must answer {expected}",
            hint="the proof in the bundle may not hold: `zkml verify` says" if proof else None,
            code="contract",
            details=verified.verdict.as_dict(),
        )
    count = sum(protocol.instance_rows)
    numbered = [i for i, c in enumerate(built.compiled) if stretches(c, built.sources.files)]
    if len(numbered) != 1:
        raise InternalFault(f"{len(numbered)} contracts of the {built.sources.form} form number the steps", code="split")
    at = numbered[0]
    split = split_gas(evm, installed.contracts[at].address, built.compiled[at], built.sources.files, installed.entry, data, count)
    costs = tuple(
        ContractCost(compiled.name, deployed.code_bytes, len(compiled.bytecode), deployed.gas, deployable.shared)
        for compiled, deployed, deployable in zip(built.compiled, installed.contracts, built.sources.deployables, strict=True)
    )
    return FormCost(built.sources.form, built, costs, verified.gas, split, count, proof is not None)
