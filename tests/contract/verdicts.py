"""The vectors' proofs and edits held against a contract in an EVM in process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.vectors.mutate import apply
from zkml.contract import Sources
from zkml.contract.compiler import Compiled, compile_sources
from zkml.contract.evm import Evm
from zkml.contract.interface import MALFORMED_INSTANCES, MALFORMED_PROOF, encode_call, selector, word
from zkml.contract.key import chunks, digest
from zkml.contract.sources import Address, Argument
from zkml.contract.split import BASE_GAS, calldata_gas
from zkml.contract.templates import interface
from zkml.contract.universal import encode_key, universal_source
from zkml.protocol import Proof, Protocol
from zkml.protocol.field import R
from zkml.verdict import Verdict

PAIRING_GAS, MULTIPLICATION_GAS = 113_000, 6_000
"""What the precompiles cost; every point of a proof is multiplied, or nearly so, before the last equation."""


def _argument(argument: Argument, addresses: list[str]) -> bytes:
    match argument:
        case Address(deployable):
            return bytes.fromhex(addresses[deployable].removeprefix("0x")).rjust(32, b"\0")
        case int(value):
            return value.to_bytes(32, "big")
        case several:
            return b"".join(_argument(a, addresses) for a in several)


class Contract:
    """A verifier of one circuit, compiled and deployed."""

    evm: Evm
    address: str
    addresses: list[str]

    def __init__(self, protocol: Protocol, sources: Sources, compiled: Mapping[str, Compiled] | None = None) -> None:
        self.protocol = protocol
        self.evm = Evm()
        compiled = compiled or compile_sources(sources.files)
        self.addresses = []
        for d in sources.deployables:
            arguments = b"".join(_argument(a, self.addresses) for a in d.arguments)
            self.addresses.append(self.evm.deploy(compiled[d.contract].bytecode + arguments).address)
        self.address = self.addresses[-1]

    def calldata(self, proof: bytes, instances: list[int]) -> bytes:
        return encode_call(proof, instances)

    def outcome(self, proof: bytes, instances: list[int]) -> tuple[str, str | None, int | None]:
        """Return outcome, class of place and step, as the vectors state them.

        A contract answers `false` without a step: what was paid tells those that never came to the curve (step 1) from others.
        """
        data = self.calldata(proof, instances)
        called = self.evm.call(self.address, data)
        if called.success:
            assert called.output in ((1).to_bytes(32, "big"), bytes(32))
            if called.output[-1]:
                return "accepted", None, None
            spent = called.gas - BASE_GAS - calldata_gas(data)
            return "rejected", None, 10 if spent > PAIRING_GAS + MULTIPLICATION_GAS * self.protocol.num_points else 1
        assert len(called.output) == 36, called.output.hex()
        error, number = called.output[:4], int.from_bytes(called.output[4:], "big")
        if error == MALFORMED_INSTANCES:
            wrong_count = len(instances) != sum(self.protocol.instance_rows)
            assert number == len(instances) if wrong_count else instances[number] >= R
            return "malformed", "instances", None
        assert error == MALFORMED_PROOF
        if len(proof) != self.protocol.proof_length:
            assert number == len(proof)
            return "malformed", "length", None
        points = 64 * (self.protocol.num_points - 2)
        return "malformed", "scalar" if points <= number < len(proof) - 128 else "point", None

    def accepts(self, proof: Proof) -> bool:
        return self.outcome(proof.proof, [v for column in proof.instances for v in column])[0] == "accepted"


class Interpreted(Contract):
    """The universal verifier called with one circuit's key, without the circuit's own contract: nothing more to compile."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.evm = Evm()
        files = {"UniversalVerifier.sol": universal_source(), "IUniversalVerifier.sol": interface("IUniversalVerifier")}
        self.address = self.evm.deploy(compile_sources(files)["UniversalVerifier"].bytecode).address
        data = encode_key(protocol).data
        self.digest = digest(data)
        self.key = [self.evm.deploy(data_creation_code(chunk)).address for chunk in chunks(data)]

    def calldata(self, proof: bytes, instances: list[int]) -> bytes:
        words = [int(a, 16) for a in self.key]
        head, padded = 4 * 32, proof + bytes(-len(proof) % 32)
        proof_at = head + 32 * (1 + len(words))
        numbers = [
            head,
            int.from_bytes(self.digest, "big"),
            proof_at,
            proof_at + 32 + len(padded),
            len(words),
            *words,
            len(proof),
        ]
        after = [len(instances), *instances]
        call = selector("verify(address[],bytes32,bytes,uint256[])") + b"".join(word(n) for n in numbers)
        return call + padded + b"".join(word(n) for n in after)


def data_creation_code(data: bytes) -> bytes:
    """Return the creation code of a data contract: copy what follows the ten bytes of this, return it."""
    code = b"\0" + data
    return bytes.fromhex("61") + len(code).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3") + code


def edited(proof: Proof, mutation: dict[str, Any]) -> tuple[bytes, list[int]] | None:
    """Return the bytes and instances of an edit; None for one that calldata cannot say: an empty column, another circuit."""
    columns, data, circuit = apply(mutation["edits"], proof.instances, proof.proof)
    if circuit is not None or any(edit[0] == "column" for edit in mutation["edits"]):
        return None
    return data, [int.from_bytes(bytes.fromhex(v), "little") for column in columns for v in column]


def matches(found: tuple[str, str | None, int | None], verdict: Verdict) -> bool:
    """Tell whether a contract's outcome is that of another verifier, step 9 and 4 being the same `false` as step 10."""
    outcome, _, step = found
    same_step = step == verdict.step or (step == 10 and verdict.step in (4, 9))
    return outcome == verdict.outcome and (outcome != "rejected" or same_step)
