"""A job's proofs onto a chain: settled in batches by the contract `InferenceSettlement`, each once.

The contract settles a request once; this module has each item be one request of the account whatever happens. Its salt is
derived from the item and the account's key, so it is the same after a kill, in another database, for another proof of the item;
and it tells nobody the input, as the item's digest would to whoever guesses it. A transaction is recorded before it is sent; a
later run waits for what the node knows of, asks the contract about each item, and sends what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from sqlalchemy.dialects import postgresql, sqlite
from web3 import Web3

from zkml.contract.deploy import SPARE, require_funds, signed_transaction
from zkml.contract.rpc import lies
from zkml.contract.settlement import ALREADY_SETTLED, Inference, Settlement, encode_settle, fault_of
from zkml.errors import NetworkError
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.manage import JobInfo
from zkml.jobs.tables import DONE, Base, Entry, Item
from zkml.jobs.tables import Settlement as Row
from zkml.protocol import read_proof
from zkml.verifier.transcript import keccak256

SENT, SETTLED, REJECTED = "sent", "settled", "rejected"
READY = "ready"
"""Not settled, and accepted by a dry run: what a run that sends nothing says of an item."""

SALT_DOMAIN = "zkml settlement salt v1: "
MAX_GAS = 1 << 24
"""What one transaction may ask for (EIP-7825)."""
_TABLE = Base.metadata.tables["settlements"]


@dataclass
class Settled:
    """What became of an item. `transaction` is the one that settled it, where that is known."""

    item: str
    proof_sha256: str
    salt: str
    request: str
    statement: str
    state: str
    transaction: str | None = None
    settled_at: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Settling:
    """An item on its way: its key in the database, what is settled, what is told of it."""

    item: int
    inference: Inference
    told: Settled


@dataclass(frozen=True)
class Transaction:
    """A transaction of this run: hash, how many proofs it settled, its gas and block."""

    transaction: str
    proofs: int
    gas: int
    block: int


@dataclass
class Outcome:
    """What a run did: each item in the job's order; the transactions that it sent; the gas that it would need or needed."""

    items: list[Settled] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    gas: int = 0

    def count(self, state: str) -> int:
        return sum(i.state == state for i in self.items)

    def as_dict(self) -> dict[str, Any]:
        counts = {state: self.count(state) for state in (SETTLED, READY, REJECTED)}
        sent = {"proofs_sent": sum(t.proofs for t in self.transactions), "gas": self.gas}
        return counts | sent | {k: [asdict(v) for v in getattr(self, k)] for k in ("transactions", "items")}


def salt_of(account: LocalAccount, digest: bytes) -> bytes:
    """Return the salt of an item: the digest of a signature that only this account makes, and makes each time the same."""
    return keccak256(bytes(account.sign_message(encode_defunct(text=SALT_DOMAIN + digest.hex())).signature))


class Settler:
    """Settles the proofs of jobs through one contract, for one account, `batch` proofs a transaction at most.

    `report` is told each transaction and each proof that the contract rejects.
    """

    def __init__(
        self,
        db: Database,
        artefacts: Artefacts,
        contract: Settlement,
        account: LocalAccount,
        *,
        batch: int,
        confirmations: int = 1,
        send: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.db, self.artefacts, self.contract, self.account = db, artefacts, contract, account
        self.batch, self.confirmations, self.send, self.report = batch, confirmations, send, report

    def run(self, job: JobInfo) -> Outcome:
        """Settle what a job has proved, or only say what that would do; a proof that the contract rejects keeps no other back.

        Raises `MismatchedArtifacts` when the router does not verify the circuit, `InfeasibleError` without funds, `NetworkError`
        when a node fails, or a transaction is not mined or reverts: the same again goes on where it was.
        """
        outcome = Outcome()
        self._await_sent(job)
        left: list[Settling] = []
        for settling in self._items(job):
            outcome.items.append(settling.told)
            if at := self.contract.settled_at(settling.inference):
                settling.told.state, settling.told.settled_at = SETTLED, at
                settling.told.transaction = self._note([settling], SETTLED, settled_at=at)
                continue
            left.append(settling)
            if len(left) == self.batch:
                self._settle(left, outcome)
                left = []
        if left:
            self._settle(left, outcome)
        return outcome

    def _items(self, job: JobInfo) -> Iterator[Settling]:
        """Yield the proved items of a job in the order of the entries that first asked for them."""
        first = sa.select(Entry.item, sa.func.min(Entry.position).label("at")).where(Entry.job == job.id).group_by(Entry.item)
        asked = first.subquery()
        query = sa.select(Item.id, Item.digest, Item.proof).join(asked, asked.c.item == Item.id).where(Item.state == DONE)
        circuit = bytes.fromhex(job.circuit_id)
        for row in self.db.read(lambda c: c.execute(query.order_by(asked.c.at)).all()):
            proof = read_proof(self.artefacts.get(row.proof))
            values = tuple(v for column in proof.instances for v in column)
            salt = salt_of(self.account, bytes(row.digest))
            inference = Inference(circuit, salt, bytes.fromhex(row.proof), values, proof.proof)
            request = self.contract.request_id(salt)
            salted, requested, stated = ("0x" + digest.hex() for digest in (salt, request, inference.statement))
            yield Settling(row.id, inference, Settled(bytes(row.digest).hex(), row.proof, salted, requested, stated, READY))

    def _await_sent(self, job: JobInfo) -> None:
        """Wait for what an earlier run sent and did not see mined."""
        asked = sa.select(Entry.item).where(Entry.job == job.id)
        query = sa.select(Row.transaction).where(*self._mine(), Row.state == SENT, Row.item.in_(asked)).distinct()
        for transaction in self.db.read(lambda c: c.execute(query).scalars().all()):
            if transaction is not None and self.contract.rpc.knows(transaction):
                self.report(f"waiting for transaction {transaction}, which an earlier run sent")
                self.contract.rpc.receipt(transaction, confirmations=self.confirmations)

    def _settle(self, batch: Sequence[Settling], outcome: Outcome) -> None:
        """Settle a batch in one transaction; one that cannot go in halves, down to the proof that cannot."""
        called = self.contract.try_settle([s.inference for s in batch])
        gas = round(called.gas * SPARE)
        if called.success and (gas <= MAX_GAS or len(batch) == 1):
            outcome.gas += self._transact(batch, gas, outcome) if self.send else called.gas
            return
        if len(batch) > 1:
            half = len(batch) // 2
            self._settle(batch[:half], outcome)
            self._settle(batch[half:], outcome)
            return
        (settling,) = batch
        told = settling.told
        if called.output[:4] == ALREADY_SETTLED:  # meanwhile, by another run
            told.state, told.settled_at = SETTLED, self.contract.settled_at(settling.inference)
            self._note(batch, SETTLED, settled_at=told.settled_at)
            return
        told.state, told.reason = REJECTED, fault_of(called.output)
        self._note(batch, REJECTED, reason=told.reason)
        self.report(f"the contract rejects proof {told.proof_sha256[:16]}…: {told.reason}")

    def _transact(self, batch: Sequence[Settling], gas: int, outcome: Outcome) -> int:
        """Send one transaction, wait for it, and return its gas."""
        rpc = self.contract.rpc
        fees = rpc.fees()
        require_funds(rpc, self.account.address, gas * fees[0])
        data = encode_settle([s.inference for s in batch])
        raw = signed_transaction(rpc, self.account, self.contract.address, data, gas, fees)
        transaction = "0x" + bytes(Web3.keccak(raw)).hex()
        self._note(batch, SENT, tx=transaction)
        rpc.send(raw)
        self.report(f"sent {len(batch)} proof{'s' if len(batch) > 1 else ''}: transaction {transaction}")
        receipt = rpc.receipt(transaction, confirmations=self.confirmations)
        if not receipt.success:
            raise NetworkError(
                f"transaction {transaction} reverted on the chain, though a dry run did not",
                hint="was something settled or stopped meanwhile? the same command again finds out, and goes on",
                code="reverted",
                details={"transaction": transaction},
            )
        for settling in batch:
            at = self.contract.settled_at(settling.inference)
            if not at:
                raise lies(f"the RPC says that {transaction} succeeded, and that it settled nothing", transaction=transaction)
            self._note([settling], SETTLED, tx=transaction, settled_at=at)
            settling.told.state, settling.told.transaction, settling.told.settled_at = SETTLED, transaction, at
        outcome.transactions.append(Transaction(transaction, len(batch), receipt.gas, receipt.block))
        return receipt.gas

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        c = self.contract
        return Row.chain == c.rpc.chain_id, Row.contract == c.address, Row.requester == c.requester

    def _note(self, batch: Sequence[Settling], state: str, **values: Any) -> str | None:
        """Record the state of items and other columns of theirs; return the transaction that is known of the first."""
        c = self.contract
        rows = [
            {
                "item": s.item,
                "chain": c.rpc.chain_id,
                "contract": c.address,
                "requester": c.requester,
                "request": c.request_id(s.inference.salt).hex(),
                "state": state,
                **values,
            }
            for s in batch
        ]
        insert: Any = (sqlite.insert if self.db.sqlite else postgresql.insert)(_TABLE).values(rows)
        key = ["item", "chain", "contract", "requester"]
        once = insert.on_conflict_do_update(index_elements=key, set_={"state": state, "reason": None} | values)

        def work(connection: sa.Connection) -> str | None:
            connection.execute(once)
            known = sa.select(Row.transaction).where(*self._mine(), Row.item == batch[0].item)
            found: str | None = connection.execute(known).scalar()
            return found

        return self.db.write(work)
