"""Nodes that are dead, slow, endless, nonsensical or lying: each has its name, and none is believed."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from eth_account import Account

from tests.contract.conftest import CHAIN_ID, KEY
from zkml.contract import deploy
from zkml.contract.deploy import DEPLOYER, DEPLOYER_CODE, DeploymentPlan, PlannedContract
from zkml.contract.interface import selector, word
from zkml.contract.rpc import Rpc, revert_data
from zkml.errors import InfeasibleError, NetworkError, UsageError

Answers = dict[str, Any]
HONEST: Answers = {"eth_chainId": hex(CHAIN_ID), "net_version": str(CHAIN_ID)}
ADDRESS = "0x" + "ab" * 20
PLAN = DeploymentPlan("single", "00" * 32, "0.8.37", (PlannedContract("Verifier", False, ADDRESS, b"\x60", bytes(32), 100_000),))
ACCOUNT = Account.from_key(KEY)


class Failure:
    """An answer that is a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


@contextmanager
def node(respond: Callable[[str, BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Run an HTTP server on a free loopback port; yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            respond(json.loads(body)["method"], self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def write(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def answering(answers: Answers) -> Iterator[Rpc]:
    """Yield a connection to a node with these answers, honest about its chain unless they say otherwise."""
    told = HONEST | answers

    def respond(method: str, handler: BaseHTTPRequestHandler) -> None:
        answer = told.get(method, Failure(-32601, "the method does not exist"))
        if callable(answer):
            answer = answer()
        rest = {"error": answer.error} if isinstance(answer, Failure) else {"result": answer}
        write(handler, json.dumps({"jsonrpc": "2.0", "id": 1} | rest).encode())

    with node(respond) as url:
        yield Rpc(url, CHAIN_ID, timeout=5)


def code_of(error: pytest.ExceptionInfo[Any]) -> tuple[str, int]:
    return error.value.code, error.value.exit_code


def test_a_dead_node_cannot_be_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NetworkError) as caught:
        Rpc(f"http://127.0.0.1:{port}", None, timeout=2)
    assert code_of(caught) == ("rpc-down", 6)


def test_a_node_that_dies_while_it_answers_is_named() -> None:
    def die(_: str, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"jsonrpc"')

    with node(die) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=2)
    assert code_of(caught) == ("rpc-down", 6)


def test_a_slow_node_times_out() -> None:
    with node(lambda _, handler: time.sleep(1.0)) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=0.3)
    assert code_of(caught) == ("rpc-timeout", 6)


def test_a_node_that_drips_times_out() -> None:
    def drip(_: str, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _chunk in range(40):
                handler.wfile.write(b" " * (64 << 10))
                time.sleep(0.05)
        except OSError:
            pass

    began = time.monotonic()
    with node(drip) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=0.4)
    assert code_of(caught) == ("rpc-timeout", 6)
    assert time.monotonic() - began < 5


def test_an_endless_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkml.contract.rpc.MAX_ANSWER_BYTES", 1 << 16)
    with node(lambda _, handler: write(handler, b" " * (1 << 18))) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=5)
    assert code_of(caught) == ("rpc-flood", 6)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'"x"', b"{}", b'{"error": 3}', b"[" * 100_000, b'{"result": 7}', b'{"result": "0xzz"}', b"\xff"],
)
def test_nonsense_is_named(body: bytes) -> None:
    with node(lambda _, handler: write(handler, body, 502)) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=5)
    assert code_of(caught) == ("rpc-nonsense", 6)


def test_redirects_are_not_followed() -> None:
    def elsewhere(_: str, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        handler.send_header("Location", "http://127.0.0.1:9/")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with node(elsewhere) as url, pytest.raises(NetworkError) as caught:
        Rpc(url, None, timeout=2)
    assert code_of(caught) == ("rpc-nonsense", 6)


def test_another_chain_is_refused() -> None:
    with (
        pytest.raises(NetworkError, match="serves chain 1, not 31337") as caught,
        answering({"eth_chainId": "0x1", "net_version": "1"}),
    ):
        pass
    assert code_of(caught) == ("chain-id", 6)


def test_a_node_that_contradicts_itself_about_the_chain_lies() -> None:
    with pytest.raises(NetworkError) as caught, answering({"net_version": "1"}):
        pass
    assert code_of(caught) == ("rpc-lies", 6)


@pytest.mark.parametrize("url", ["ftp://x", "/etc/passwd", "http://", "file:///etc/passwd", ""])
def test_an_address_that_is_no_http_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        Rpc(url, None)


def test_the_url_s_secrets_are_not_in_messages() -> None:
    with pytest.raises(NetworkError) as caught:
        Rpc("http://user:hunter2@127.0.0.1:9/v3/apikey", None, timeout=2)
    assert "hunter2" not in caught.value.message
    assert "apikey" not in caught.value.message


def test_code_that_cannot_be_there_is_a_lie() -> None:
    answers = {"eth_getCode": "0x" + DEPLOYER_CODE.hex()}  # whatever is asked for
    with answering(answers) as rpc, pytest.raises(NetworkError) as caught:
        deploy.missing(PLAN, rpc)
    assert code_of(caught) == ("rpc-lies", 6)


def test_a_chain_without_the_deployer_is_named() -> None:
    with answering({"eth_getCode": "0x"}) as rpc, pytest.raises(NetworkError, match=DEPLOYER) as caught:
        deploy.missing(PLAN, rpc)
    assert code_of(caught) == ("no-deployer", 6)


def test_another_hash_than_that_of_the_transaction_is_a_lie() -> None:
    answers = {"eth_getTransactionCount": "0x0", "eth_sendRawTransaction": "0x" + "00" * 32}
    with answering(answers) as rpc, pytest.raises(NetworkError) as caught:
        deploy.send_transaction(rpc, ACCOUNT, ADDRESS, b"", 21_000, (2, 1))
    assert code_of(caught) == ("rpc-lies", 6)


def test_a_node_s_word_on_funds_is_ours() -> None:
    answers = {
        "eth_getTransactionCount": "0x0",
        "eth_sendRawTransaction": Failure(-32003, "Insufficient funds for gas * price + value"),
    }
    with answering(answers) as rpc, pytest.raises(InfeasibleError) as caught:
        deploy.send_transaction(rpc, ACCOUNT, ADDRESS, b"", 21_000, (2, 1))
    assert code_of(caught) == ("funds", 4)


def test_a_transaction_that_is_not_mined_is_named_with_its_hash() -> None:
    with answering({"eth_getTransactionReceipt": None}) as rpc, pytest.raises(NetworkError) as caught:
        rpc.receipt("0x" + "12" * 32, seconds=0.1)
    assert code_of(caught) == ("no-receipt", 6)
    assert caught.value.details["transaction"] == "0x" + "12" * 32


@pytest.mark.parametrize(
    "receipt",
    [{}, {"status": "0x1", "gasUsed": 7, "blockNumber": "0x1"}, {"status": "0x1", "gasUsed": "0x1", "blockNumber": "0x1"}],
)
def test_a_receipt_that_is_none_is_not_believed(receipt: dict[str, Any]) -> None:
    with answering({"eth_getTransactionReceipt": receipt}) as rpc, pytest.raises(NetworkError):
        rpc.receipt("0x" + "12" * 32, seconds=0.1)


@pytest.mark.parametrize(
    ("error", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x"}, b""),
        ({"code": 3, "message": "execution reverted"}, b""),
        ({"code": -32000, "message": "execution reverted"}, b""),
        ({"code": -32015, "message": "VM execution error.", "data": "Reverted 0x01"}, b"\x01"),
        ({"code": -32000, "message": "x", "data": {"data": "0x02"}}, b"\x02"),
        ({"code": -32000, "message": "out of gas"}, None),
        ({"code": -32000, "message": "x", "data": "0xz"}, None),
        ({"code": -32000, "message": "x", "data": 7}, None),
    ],
)
def test_revert_data_is_found_where_nodes_put_it(error: dict[str, Any], data: bytes | None) -> None:
    assert revert_data(error) == data


def test_a_revert_over_rpc_is_an_answer() -> None:
    revert = selector("MalformedProof(uint256)") + word(64)
    with answering({"eth_call": Failure(3, "execution reverted", "0x" + revert.hex())}) as rpc:
        called = rpc.call(ADDRESS, b"")
    assert (called.success, called.output) == (False, revert)
