"""An Ethereum virtual machine in process (pyrevm): deploy, call, and count gas, under the rules of one hard fork.

Gas is what a transaction pays: 21,000, its calldata, and its execution. The machine keeps what a transaction has touched warm for
those after it, so every transaction gets a machine of its own, with the accounts there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyrevm

from zkml.contract.interface import encode_call, verdict_of
from zkml.errors import InfeasibleError, InternalFault
from zkml.verdict import Verdict

CODE_LIMIT = 24_576
"""The most bytes of code that an account may hold (EIP-170); creation code may have twice as many (EIP-3860)."""

NO_LIMIT = 1 << 20
"""A limit that nothing here reaches: for comparing with contracts that could not be deployed."""

GAS_LIMIT = 30_000_000
"""The most that a call may spend: about what a block holds."""

DEPLOYMENT_GAS_LIMIT = 1 << 40
"""None that matters: code within the limit costs 5 M at most, and beyond it is only compared."""

FORK = "CANCUN"
CALLER = "0x" + "5a" * 20
_PROBE = "0x" + "c0de" * 10
_COPY_CODE = bytes.fromhex("5f35803b805f5f843c5ff3")  # returns the code of the address in the calldata
_OUTPUT = re.compile(r"Revert \{ gas_used: ([0-9]+), output: 0x([0-9a-f]*) \}", re.ASCII)
_HALT = re.compile(r"Halt \{ reason: (\w+)", re.ASCII)


@dataclass(frozen=True)
class Deployed:
    """A contract in the machine: its address, the gas of its deployment, the bytes of its code."""

    address: str
    gas: int
    code_bytes: int


@dataclass(frozen=True)
class Called:
    """The answer to a call: return data when it succeeded, else revert data; and the gas of the whole transaction."""

    success: bool
    output: bytes
    gas: int


@dataclass(frozen=True)
class Verified:
    """A verifier's answer: its verdict and the gas that a transaction with this call pays."""

    verdict: Verdict
    gas: int


def fits(code_bytes: int, creation_bytes: int) -> bool:
    """Return whether a chain takes a contract."""
    return code_bytes <= CODE_LIMIT and creation_bytes <= 2 * CODE_LIMIT


class Evm:
    """A chain without accounts at first, and without storage. `code_limit` is EIP-170's; `NO_LIMIT` lifts it, to compare."""

    def __init__(self, *, code_limit: int = CODE_LIMIT) -> None:
        self.code_limit = code_limit
        self._codes: dict[str, bytes] = {}
        self._nonce = 0

    def _machine(self) -> pyrevm.EVM:
        """Return a machine in which nothing was touched yet."""
        config = pyrevm.CfgEnv(limit_contract_code_size=self.code_limit)
        machine = pyrevm.EVM(env=pyrevm.Env(cfg=config), spec_id=FORK)
        machine.insert_account_info(CALLER, pyrevm.AccountInfo(nonce=self._nonce))
        for address, code in self._codes.items():
            machine.insert_account_info(address, pyrevm.AccountInfo(code=code))
        return machine

    def deploy(self, creation_code: bytes) -> Deployed:
        """Deploy from creation code with its arguments appended.

        Raises `InfeasibleError` when the code exceeds the limit, `InternalFault` when the constructor reverts.
        """
        machine = self._machine()
        try:
            address = str(machine.deploy(CALLER, creation_code, gas=DEPLOYMENT_GAS_LIMIT))
        except RuntimeError as e:
            text = str(e)
            if "CreateInitCodeSizeLimit" in text or "CreateContractSizeLimit" in text:
                raise InfeasibleError(
                    f"the contract exceeds the limit of {self.code_limit} bytes of code",
                    hint="`--form auto` takes a form that fits",
                    code="contract-size",
                    details={"creation_bytes": len(creation_code)},
                ) from e
            raise InternalFault(f"the deployment failed in the EVM: {text[:200]}", code="deployment") from e
        result = machine.result
        if result is None:
            raise InternalFault("the EVM kept no result of the deployment", code="evm")
        self._nonce += 1
        self.set_code(address, _code_at(machine, address))
        return Deployed(address, result.gas_used, len(self.code(address)))

    def call(self, address: str, data: bytes, *, gas: int = GAS_LIMIT) -> Called:
        """Call a contract in a transaction that changes nothing. Raises `InfeasibleError` when it runs out of gas.

        A call that ends in any other exceptional halt (a bad jump, an invalid instruction) is a revert without data.
        """
        return _transact(self._machine(), address, data, gas, is_static=True)

    def create(self, creator: str, data: bytes, *, gas: int = GAS_LIMIT) -> Called:
        """Call a contract that creates another and answers its address, which then is there. Raises as `call` does."""
        machine = self._machine()
        called = _transact(machine, creator, data, gas, is_static=False)
        if called.success and len(called.output) == 20:
            address = "0x" + called.output.hex()
            self.set_code(address, _code_at(machine, address))
        return called

    def verify(self, address: str, calldata: bytes, *, gas: int = GAS_LIMIT) -> Verified:
        """Return the verdict on the calldata of `verifyProof`. Raises `MismatchedArtifacts` when no `IVerifier` answers."""
        called = self.call(address, calldata, gas=gas)
        return Verified(verdict_of(called.success, called.output), called.gas)

    def verify_proof(self, address: str, proof: bytes, instances: Sequence[int]) -> Verified:
        """Return the verdict on a proof and its instances in the standard layout."""
        return self.verify(address, encode_call(proof, instances))

    def code(self, address: str) -> bytes:
        """Return the code at an address."""
        return self._codes.get(address.lower(), b"")

    def set_code(self, address: str, code: bytes) -> None:
        """Put code at an address."""
        self._codes[address.lower()] = code


def _code_at(machine: pyrevm.EVM, address: str) -> bytes:
    """Return the code at an address, exactly (the machine's own copy is padded)."""
    machine.insert_account_info(_PROBE, pyrevm.AccountInfo(code=_COPY_CODE))
    return bytes(machine.message_call(CALLER, _PROBE, bytes(12) + bytes.fromhex(address.removeprefix("0x"))))


def _transact(machine: pyrevm.EVM, address: str, data: bytes, gas: int, *, is_static: bool) -> Called:
    try:
        output = machine.message_call(CALLER, address, data, gas=gas, is_static=is_static)
    except RuntimeError as e:
        text = str(e)
        if match := _OUTPUT.fullmatch(text):
            return Called(False, bytes.fromhex(match[2]), int(match[1]))
        halt = _HALT.match(text)
        if halt is None:
            raise InternalFault(f"the EVM refused the call: {text[:200]}", code="evm") from e
        if halt[1].startswith("OutOfGas"):
            raise InfeasibleError(f"the call needs more than {gas} gas", code="gas") from e
        return Called(False, b"", gas)
    result = machine.result
    if result is None:
        raise InternalFault("the EVM kept no result of the call", code="evm")
    return Called(True, bytes(output), result.gas_used)
