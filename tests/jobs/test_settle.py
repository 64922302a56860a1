"""A job's proofs onto a real chain: each settled once, whatever is killed, and a rejected one holds no other up."""

from __future__ import annotations

import json
import posixpath
import re
import signal
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from eth_account import Account
from eth_typing import HexStr
from web3 import Web3
from web3.types import RPCEndpoint

from tests.contract.conftest import CHAIN_ID, KEY, POOR_KEY, ROOT, Anvil, anvil
from tests.jobs.conftest import Store, Tiny, inputs
from tests.jobs.test_commands import Command
from zkml.checking import read_protocol
from zkml.contract.compiler import Compiled, compile_sources
from zkml.contract.deployment import build, creation_code
from zkml.contract.generate import generate
from zkml.contract.interface import word
from zkml.contract.settlement import CODE_HASH
from zkml.jobs.settle import SENT, SETTLED
from zkml.jobs.tables import Item, Settlement
from zkml.protocol import Proof, read_proof
from zkml.protocol.proof import proof_to_data
from zkml.verifier.transcript import keccak256

__all__ = ["anvil"]

ACCOUNT = Account.from_key(KEY)
SETTLED_EVENT = "0x" + keccak256(b"InferenceSettled(bytes32,bytes32,bytes32,address,bytes32)").hex()


def with_imports(files: dict[str, str], name: str) -> dict[str, str]:
    """Return `files` with the source `name` under contracts/ and all that it imports."""
    if name not in files:
        files[name] = (ROOT / "contracts" / ("node_modules" if name.startswith("@") else "") / name).read_text()
        for found in re.findall(r'^import [^"]*"([^"]+)";', files[name], re.MULTILINE):
            relative = posixpath.normpath(posixpath.join(posixpath.dirname(name), found))
            with_imports(files, relative if found.startswith(".") else found)
    return files


@pytest.fixture(scope="session")
def compiled() -> dict[str, Compiled]:
    return compile_sources(with_imports({}, "src/InferenceSettlement.sol"))


@dataclass(frozen=True)
class Chain:
    """A chain with router and settlement; a circuit's verifier is registered by `register`."""

    anvil: Anvil
    router: str
    settlement: str

    @property
    def options(self) -> list[str]:
        return ["--settlement", self.settlement, "--rpc-url", self.anvil.url, "--chain-id", str(CHAIN_ID), "--json"]

    def settled(self) -> list[Any]:
        """Return the events of what was settled."""
        eth = Web3(Web3.HTTPProvider(self.anvil.url)).eth
        asked = {"address": Web3.to_checksum_address(self.settlement), "fromBlock": 0, "topics": [HexStr(SETTLED_EVENT)]}
        return list(eth.get_logs(asked))  # type: ignore[arg-type]


def transact(anvil: Anvil, to: str | None, data: bytes) -> Any:
    """Send a transaction of the rich account and return its receipt."""
    web3 = Web3(Web3.HTTPProvider(anvil.url))
    message: dict[str, Any] = {"from": ACCOUNT.address, "data": HexStr("0x" + data.hex())}
    sent = web3.eth.send_transaction(message | ({"to": to} if to else {}))  # type: ignore[arg-type]
    receipt = web3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    return receipt


@pytest.fixture(scope="session")
def verifier(anvil: Anvil, tiny: Tiny) -> str:
    built = build(generate(read_protocol(tiny.bundle.path("protocol")), "single"))
    return str(transact(anvil, None, creation_code(built, 0, []))["contractAddress"])


@pytest.fixture
def empty(anvil: Anvil, compiled: dict[str, Compiled]) -> Chain:
    """A router without a circuit, and its settlement."""
    me = word(int(ACCOUNT.address, 16))
    router = transact(anvil, None, compiled["VerifierRouter"].bytecode + word(3600) + me + me + me)["contractAddress"]
    settlement = transact(anvil, None, compiled["InferenceSettlement"].bytecode + word(int(router, 16)))["contractAddress"]
    return Chain(anvil, router, settlement)


@pytest.fixture
def chain(empty: Chain, verifier: str, tiny: Tiny) -> Chain:
    circuit = bytes.fromhex(read_protocol(tiny.bundle.path("protocol")).circuit_id)
    register = keccak256(b"register(bytes32,address)")[:4]
    transact(empty.anvil, empty.router, register + circuit + word(int(verifier, 16)))
    return empty


@pytest.fixture
def zkml(store: Store, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("ZKML_PRIVATE_KEY", KEY)
    return Command(store, tiny)


def proved(store: Store, tiny: Tiny, count: int = 3) -> str:
    """Return a job of `count` different items, all proved."""
    job = store.submit(tiny, inputs(count)).job
    store.work(job=job)
    return job


def settle(zkml: Command, *arguments: object, code: int = 0) -> dict[str, Any]:
    done = zkml("job", "settle", *arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert KEY[2:] not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def records(store: Store) -> list[Any]:
    query = sa.select(Settlement.state, Settlement.transaction).order_by(Settlement.item)
    return [tuple(row) for row in store.db.read(lambda c: c.execute(query).all())]


def test_the_code_that_is_recognised_is_that_of_the_source(compiled: dict[str, Compiled]) -> None:
    assert keccak256(compiled["InferenceSettlement"].runtime) == CODE_HASH


def test_a_job_is_settled_in_batches_and_again_sends_nothing(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    job = proved(store, tiny)
    dry = settle(zkml, job, *chain.options, "--batch", "2")
    assert (dry["ready"], dry["settled"], dry["transactions"]) == (3, 0, [])
    assert dry["gas"] > 300_000
    assert chain.settled() == []
    done = settle(zkml, job, *chain.options, "--batch", "2", "--broadcast")
    assert (done["settled"], [t["proofs"] for t in done["transactions"]]) == (3, [2, 1])
    events = chain.settled()
    assert [e["topics"][2].to_0x_hex() for e in events] == [i["request"] for i in done["items"]]
    assert [e["topics"][3].to_0x_hex() for e in events] == [i["statement"] for i in done["items"]]
    assert records(store) == [(SETTLED, i["transaction"]) for i in done["items"]]
    again = settle(zkml, job, *chain.options, "--broadcast")
    assert (again["settled"], again["transactions"], again["items"]) == (3, [], done["items"])
    with store.db.engine.begin() as c:  # a database that knows nothing of it
        c.execute(sa.delete(Settlement))
    assert settle(zkml, job, *chain.options, "--broadcast")["transactions"] == []
    assert len(chain.settled()) == 3


def test_a_kill_between_sending_and_recording_settles_once(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    job = proved(store, tiny, 2)
    provider = Web3.HTTPProvider(chain.anvil.url)
    provider.make_request(RPCEndpoint("evm_setAutomine"), [False])
    try:
        killed = zkml.start("job", "settle", job, *chain.options, "--broadcast")
        deadline = time.monotonic() + 60
        while provider.make_request(RPCEndpoint("txpool_status"), [])["result"]["pending"] == "0x0":
            assert time.monotonic() < deadline, killed.communicate()
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert [state for state, _ in records(store)] == [SENT, SENT]
        following = zkml.start("job", "settle", job, *chain.options, "--broadcast")
        assert following.stderr is not None
        assert "which an earlier run sent" in following.stderr.readline()
    finally:
        provider.make_request(RPCEndpoint("evm_mine"), [])
        provider.make_request(RPCEndpoint("evm_setAutomine"), [True])
    out, errors = following.communicate(timeout=60)
    assert following.returncode == 0, errors
    done = json.loads(out)
    assert (done["settled"], done["transactions"]) == (2, [])
    assert len(chain.settled()) == 2
    assert {state for state, _ in records(store)} == {SETTLED}


def test_confirmations_are_waited_for(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    job = proved(store, tiny, 1)
    waiting = zkml.start("job", "settle", job, *chain.options, "--broadcast", "--confirmations", "3")
    assert waiting.stderr is not None
    assert "sent 1 proof" in waiting.stderr.readline()
    provider = Web3.HTTPProvider(chain.anvil.url)
    for _ in range(2):
        time.sleep(1)
        assert waiting.poll() is None
        provider.make_request(RPCEndpoint("evm_mine"), [])
    out, errors = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, errors
    assert json.loads(out)["settled"] == 1


def test_a_kill_before_sending_settles_once(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    job = proved(store, tiny, 1)
    done = settle(zkml, job, *chain.options)
    never = "0x" + "ab" * 32
    row = {"item": 1, "chain": CHAIN_ID, "contract": chain.settlement, "requester": ACCOUNT.address, "state": SENT}
    with store.db.engine.begin() as c:  # as the killed run leaves it: recorded, and nothing sent
        c.execute(sa.insert(Settlement).values(**row, request=done["items"][0]["request"][2:], transaction=never))
    assert len(settle(zkml, job, *chain.options, "--broadcast")["transactions"]) == 1
    ((state, transaction),) = records(store)
    assert state == SETTLED
    assert transaction != never
    assert len(chain.settled()) == 1


def test_a_rejected_proof_holds_no_other_up(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    job = proved(store, tiny, 5)
    with store.db.engine.begin() as c:
        two = c.execute(sa.select(Item.id, Item.proof).order_by(Item.id).limit(2)).all()
        proof = read_proof(store.artefacts.get(str(two[1].proof)))
        wrong = Proof(proof.instances, proof.proof[:-64] + proof.proof[:64])  # another point of the curve
        short = Proof(proof.instances, proof.proof[:-32])
        for row, bad in zip(two, (wrong, short), strict=True):
            digest = store.artefacts.put(json.dumps(proof_to_data(bad)).encode())
            c.execute(sa.update(Item).where(Item.id == row.id).values(proof=digest))
    done = settle(zkml, job, *chain.options, "--broadcast", code=1)
    assert (done["settled"], done["rejected"]) == (3, 2)
    assert [i["state"] for i in done["items"]] == ["rejected", "rejected", "settled", "settled", "settled"]
    assert "ProofRejected" in done["items"][0]["reason"]
    assert "MalformedProof" in done["items"][1]["reason"]
    assert len(chain.settled()) == 3


def test_what_is_wrong_is_said_and_nothing_sent(
    zkml: Command, store: Store, tiny: Tiny, empty: Chain, verifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = proved(store, tiny, 1)
    assert settle(zkml, job, "--json", code=2)["code"] == "which-chain"
    assert settle(zkml, job, *empty.options, "--chain-id", "1", code=6)["code"] == "chain-id"
    assert settle(zkml, job, *empty.options, "--settlement", verifier, code=3)["code"] in ("no-verifier", "no-settlement")
    assert settle(zkml, job, *empty.options, "--settlement", "0x" + "ab" * 20, code=3)["code"] == "no-contract"
    assert settle(zkml, job, *empty.options, "--broadcast", code=3)["code"] == "not-in-service"
    waiting = store.submit(tiny, np.ones((1, 3), np.float32)).job
    assert settle(zkml, waiting, *empty.options, code=2)["code"] == "not-finished"
    monkeypatch.delenv("ZKML_PRIVATE_KEY")
    assert settle(Command(store, tiny), job, *empty.options, code=5)["code"] == "no-account"


def test_an_account_without_funds_sends_nothing(store: Store, tiny: Tiny, chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZKML_PRIVATE_KEY", POOR_KEY)
    assert settle(Command(store, tiny), proved(store, tiny, 1), *chain.options, "--broadcast", code=4)["code"] == "funds"
    assert chain.settled() == []
    assert records(store) == []


def test_one_command_goes_from_inputs_onto_the_chain(zkml: Command, store: Store, tiny: Tiny, chain: Chain) -> None:
    np.save(store.folder / "in.npy", inputs(2))
    run = [
        "job",
        "run",
        tiny.bundle.folder,
        "in.npy",
        *zkml.srs,
        "--ram",
        "200MB",
        "--threads",
        "1",
        "--out",
        "out",
        *chain.options,
    ]
    refused = zkml(*run, "--broadcast")
    assert (refused.returncode, json.loads(refused.stdout)["code"]) == (2, "no-then")
    unnamed = zkml(*run[: run.index("--settlement")], "--then", "settle", "--json")
    assert (unnamed.returncode, json.loads(unnamed.stdout)["code"]) == (2, "which-chain")
    done = zkml(*run, "--then", "settle", "--broadcast")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert (value["counts"]["done"], value["settled"]["settled"], len(value["settled"]["transactions"])) == (2, 2, 1)
    manifest = [json.loads(line) for line in (store.folder / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [row["proof_sha256"] for row in manifest] == [i["proof_sha256"] for i in value["settled"]["items"]]
    again = zkml(*run, "--then", "settle", "--broadcast")
    assert json.loads(again.stdout)["settled"]["transactions"] == []
    assert len(chain.settled()) == 2
