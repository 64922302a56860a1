"""Deployment by CREATE2, planned in the machine here and then sent: the same bytes have the same address on every chain.

The deployer is the well-known one at 0x4e59…956c, which creates what follows a salt in its calldata. Planning runs it here, so
addresses, code and gas are known before anything is sent, and what a node claims afterwards is compared with that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_typing import HexStr
from web3 import Web3

from zkml.contract.compiler import SETTINGS
from zkml.contract.deployment import Built, creation_code
from zkml.contract.evm import CODE_LIMIT, Evm
from zkml.contract.rpc import Rpc, lies
from zkml.errors import InfeasibleError, InternalFault, MalformedArtifact, MismatchedArtifacts, NetworkError
from zkml.verifier.transcript import keccak256

DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
DEPLOYER_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b80825250"
    "50506014600cf3"
)
SALT = b"zkml contract v1".ljust(32, b"\0")
SPARE = 1.15
"""What a transaction may need beyond the gas that the plan measured: other hard forks, memory of the node's own."""
RECORD_VERSION = 1

Report = Callable[[str], None]


@dataclass(frozen=True)
class PlannedContract:
    """One contract: where it will be, what its code will be, what the transaction sends and spends."""

    name: str
    shared: bool
    address: str
    code: bytes
    data: bytes
    gas: int


@dataclass(frozen=True)
class DeploymentPlan:
    """The contracts of one verifier, in order; the last is the entry."""

    form: str
    circuit_id: str
    compiler: str
    contracts: tuple[PlannedContract, ...]

    @property
    def entry(self) -> str:
        return self.contracts[-1].address

    @property
    def gas(self) -> int:
        return sum(c.gas for c in self.contracts)


def create2_address(creation: bytes) -> str:
    """Return where the deployer puts this creation code: the last 20 bytes of keccak(0xff ‖ deployer ‖ salt ‖ keccak(code))."""
    digest = keccak256(b"\xff" + bytes.fromhex(DEPLOYER[2:]) + SALT + keccak256(creation))
    return Web3.to_checksum_address("0x" + digest[12:].hex())


def plan_deployment(built: Built, circuit_id: str) -> DeploymentPlan:
    """Return what a deployment will do. Raises `InfeasibleError` when a contract exceeds the limit of code."""
    evm = Evm()
    evm.set_code(DEPLOYER, DEPLOYER_CODE)
    planned: list[PlannedContract] = []
    for i, deployable in enumerate(built.sources.deployables):
        creation = creation_code(built, i, [c.address for c in planned])
        address = create2_address(creation)
        size = len(built.compiled[i].runtime)
        if len(creation) > 2 * CODE_LIMIT or size > CODE_LIMIT:
            raise InfeasibleError(
                f"{deployable.contract} has {size} bytes of code, more than {CODE_LIMIT}",
                hint="`--form auto` takes a form that fits",
                code="contract-size",
            )
        called = evm.create(DEPLOYER, SALT + creation)
        if not called.success or called.output != bytes.fromhex(address[2:]):
            raise InternalFault(f"the constructor of {deployable.contract} fails", code="deployment")
        code = evm.code(address)
        planned.append(PlannedContract(deployable.contract, deployable.shared, address, code, SALT + creation, called.gas))
    return DeploymentPlan(built.sources.form, circuit_id, built.compiled[-1].compiler, tuple(planned))


def missing(plan: DeploymentPlan, rpc: Rpc) -> list[PlannedContract]:
    """Return the contracts that are not on the chain yet.

    Raises `NetworkError` when the deployer is not there, or an address holds other code than this deployment would put there.
    """
    if rpc.code(DEPLOYER) != DEPLOYER_CODE:
        raise NetworkError(
            f"chain {rpc.chain_id} has no CREATE2 deployer at {DEPLOYER}",
            hint="its usual one-time transaction puts it there on any chain that takes transactions without a chain id",
            code="no-deployer",
        )
    out = []
    for c in plan.contracts:
        found = rpc.code(c.address)
        if not found:
            out.append(c)
        elif found != c.code:
            raise lies(f"the RPC says that {c.address} holds code that cannot be there", address=c.address)
    return out


def cost_in_wei(contracts: list[PlannedContract], fee: int) -> int:
    """Return the most that creating the contracts may cost at this fee for a unit of gas."""
    return sum(round(c.gas * SPARE) for c in contracts) * fee


@dataclass(frozen=True)
class Sent:
    """One transaction of a deployment: the contract's name, the transaction's hash, the gas that it used."""

    contract: str
    transaction: str
    gas: int


def signed_transaction(rpc: Rpc, account: LocalAccount, to: str, data: bytes, gas: int, fees: tuple[int, int]) -> bytes:
    """Return a transaction of this account, with its next nonce, signed for the chain that was checked."""
    most, tip = fees
    signed = account.sign_transaction(
        {
            "type": 2,
            "chainId": rpc.chain_id,
            "nonce": rpc.nonce(account.address),
            "to": Web3.to_checksum_address(to),
            "value": 0,
            "data": HexStr("0x" + data.hex()),
            "gas": gas,
            "maxFeePerGas": most,
            "maxPriorityFeePerGas": tip,
            "accessList": [],
        }
    )
    return bytes(signed.raw_transaction)


def send_transaction(rpc: Rpc, account: LocalAccount, to: str, data: bytes, gas: int, fees: tuple[int, int]) -> str:
    """Sign, send, and return the hash."""
    return rpc.send(signed_transaction(rpc, account, to, data, gas, fees))


def require_funds(rpc: Rpc, address: str, wei: int) -> None:
    """Raise `InfeasibleError` when the account holds less than `wei`."""
    balance = rpc.balance(address)
    if balance < wei:
        raise InfeasibleError(
            f"not enough funds: {address} holds {ether(balance)} ether, this may take {ether(wei)}",
            hint="send funds to the account",
            code="funds",
            details={"balance_wei": str(balance), "needed_wei": str(wei)},
        )


def ether(wei: int) -> str:
    return f"{wei / 10**18:.6g}"


def broadcast(plan: DeploymentPlan, rpc: Rpc, account: LocalAccount, report: Report) -> list[Sent]:
    """Send what is missing, one transaction a contract, each mined and checked before the next; nothing when all is there.

    Raises `InfeasibleError` without funds, `NetworkError` when a transaction fails, is not mined, or leaves unplanned code.
    """
    todo = missing(plan, rpc)
    fees = rpc.fees()
    require_funds(rpc, account.address, cost_in_wei(todo, fees[0]))
    sent: list[Sent] = []
    for c in todo:
        transaction = send_transaction(rpc, account, DEPLOYER, c.data, round(c.gas * SPARE), fees)
        report(f"sent {c.name}: transaction {transaction}")
        receipt = rpc.receipt(transaction)
        if not receipt.success:
            raise NetworkError(
                f"the deployment of {c.name} failed on the chain", code="reverted", details={"transaction": transaction}
            )
        if rpc.code(c.address) != c.code:
            raise lies(f"{c.address} does not hold the code that was deployed", address=c.address)
        sent.append(Sent(c.name, transaction, receipt.gas))
    return sent


def record_of(plan: DeploymentPlan, chain_id: int, sent: list[Sent]) -> dict[str, Any]:
    """Return a deployment as data for the bundle: addresses, digests of code, transactions and their gas."""
    by_name = {s.contract: s for s in sent}
    contracts = []
    for c in plan.contracts:
        transaction = by_name.get(c.name)
        contracts.append(
            {
                "name": c.name,
                "shared": c.shared,
                "address": c.address,
                "code_hash": "0x" + keccak256(c.code).hex(),
                "transaction": transaction.transaction if transaction else None,
                "gas": transaction.gas if transaction else None,
            }
        )
    return {
        "version": RECORD_VERSION,
        "chain_id": chain_id,
        "circuit_id": plan.circuit_id,
        "form": plan.form,
        "address": plan.entry,
        "compiler": plan.compiler,
        "settings": SETTINGS,
        "contracts": contracts,
    }


def merge_records(before: Any, new: dict[str, Any]) -> dict[str, Any]:
    """Return the bundle's record of deployments with a new one, which replaces an earlier one on the same chain.

    Where contracts were there already, what an earlier record knows of their transactions is kept. Raises `MalformedArtifact`
    when the earlier record is none.
    """
    try:
        chains: dict[str, Any] = dict(before["chains"]) if before is not None else {}
        old = chains.get(str(new["chain_id"]), {"contracts": []})
        known = {c["address"]: (c["transaction"], c["gas"]) for c in old["contracts"]}
    except (KeyError, TypeError, ValueError) as e:
        raise MalformedArtifact("the deployment record is damaged", hint="move it away", code="record") from e
    for c in new["contracts"]:
        if c["transaction"] is None and c["address"] in known:
            c["transaction"], c["gas"] = known[c["address"]]
    return {"version": RECORD_VERSION, "chains": chains | {str(new["chain_id"]): new}}


def recorded_address(record: Any, chain_id: int, circuit_id: str) -> tuple[str, str]:
    """Return the verifier's address and code hash on a chain. Raises `MismatchedArtifacts` when the record names none."""
    found = record["chains"].get(str(chain_id)) if isinstance(record, dict) and isinstance(record.get("chains"), dict) else None
    if not isinstance(found, dict) or found.get("circuit_id") != circuit_id:
        raise MismatchedArtifacts(
            f"the bundle records no deployment of this circuit on chain {chain_id}",
            hint="`zkml contract deploy --broadcast`, or --address",
            code="not-deployed",
        )
    try:
        entry = next(c for c in found["contracts"] if c["address"] == found["address"])
        return str(found["address"]), str(entry["code_hash"])
    except (KeyError, TypeError, StopIteration) as e:
        raise MismatchedArtifacts("the bundle's deployment record is damaged", code="record") from e
