"""An Ethereum node over JSON-RPC, which may be dead, slow, or lying: every answer is bounded and checked.

Transport is a web3 provider of our own, for three bounds that web3's lacks: on the time of a whole answer, on its size, and no
redirects. What a node says about itself (chain id) and about code is compared with what the caller expects.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import requests
from web3 import Web3
from web3.exceptions import Web3Exception
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from zkml.contract.evm import Called
from zkml.contract.interface import reason_of
from zkml.errors import InfeasibleError, MismatchedArtifacts, NetworkError, UsageError

MAX_ANSWER_BYTES = 32 << 20
CHUNK_BYTES = 64 << 10
RECEIPT_SECONDS = 120.0
BLOCK_SECONDS = 60.0
POLL_SECONDS = 0.2
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")

T = TypeVar("T")


def lies(message: str, **details: Any) -> NetworkError:
    return NetworkError(message, hint="use another RPC", code="rpc-lies", details=details)


class BoundedProvider(JSONBaseProvider):
    """JSON-RPC over HTTP with a limit of `timeout` seconds, and of 32 MiB, on each answer. Raises `NetworkError`."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__()
        self.url, self.timeout = url, timeout
        self.host = urlsplit(url).hostname or "?"  # the path or the user may be a secret of the operator
        self.session = requests.Session()
        self.session.trust_env = False  # neither proxies nor .netrc that the operator did not name

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        deadline = time.monotonic() + self.timeout
        request = self.encode_rpc_request(method, params)
        body = bytearray()
        try:
            with self.session.post(
                self.url,
                data=request,
                headers={"Content-Type": "application/json"},
                timeout=self.timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                for chunk in response.iter_content(CHUNK_BYTES):
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise NetworkError(f"the RPC at {self.host} answers {method} without end", code="rpc-flood")
                    if time.monotonic() > deadline:
                        raise requests.exceptions.Timeout
                status = response.status_code
        except requests.exceptions.Timeout as e:
            raise NetworkError(
                f"the RPC at {self.host} did not answer {method} within {self.timeout:g} s",
                hint="--rpc-timeout allows more time",
                code="rpc-timeout",
            ) from e
        except requests.exceptions.RequestException as e:
            raise NetworkError(
                f"the RPC at {self.host} cannot be reached: {type(e).__name__}", hint="is the node running?", code="rpc-down"
            ) from e
        try:
            answer = json.loads(bytes(body))
        except (ValueError, RecursionError) as e:
            raise NetworkError(
                f"the RPC at {self.host} answered {method} with HTTP {status} and no JSON", code="rpc-nonsense"
            ) from e
        if not isinstance(answer, dict) or ("result" not in answer and not isinstance(answer.get("error"), dict)):
            raise NetworkError(f"the RPC at {self.host} answered {method} with neither result nor error", code="rpc-nonsense")
        return cast(RPCResponse, answer)


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction."""

    transaction: str
    success: bool
    gas: int
    block: int


class Rpc:
    """A node of the chain `chain_id`. Raises `UsageError` on a URL that is none, `NetworkError` when it is another chain's."""

    def __init__(self, url: str, chain_id: int | None, *, timeout: float = 20.0) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise UsageError("the RPC's address is no http(s) URL", code="rpc-url")
        self.provider = BoundedProvider(url, timeout)
        self.web3 = Web3(self.provider)
        found = self.chain()
        if chain_id is not None and found != chain_id:
            raise NetworkError(
                f"the RPC at {self.provider.host} serves chain {found}, not {chain_id}",
                hint="--chain-id says which chain you mean, --rpc-url who serves it",
                code="chain-id",
                details={"expected": chain_id, "found": found},
            )
        self.chain_id = found

    def _ask(self, method: str, *params: Any) -> Any:
        answer = self.provider.make_request(RPCEndpoint(method), params)
        error = answer.get("error")
        if isinstance(error, dict):
            text = str(error.get("message"))[:200]
            if "insufficient funds" in text.lower():
                raise InfeasibleError(f"not enough funds: {text}", hint="send funds to the account", code="funds")
            raise NetworkError(f"the RPC at {self.provider.host} refused {method}: {text}", code="rpc-error")
        return answer.get("result")

    def _number(self, method: str, *params: Any) -> int:
        value = self._ask(method, *params)
        if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
            raise NetworkError(f"the RPC at {self.provider.host} answered {method} with no number", code="rpc-nonsense")
        return int(value, 16)

    def _bytes(self, method: str, *params: Any) -> bytes:
        value = self._ask(method, *params)
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise NetworkError(f"the RPC at {self.provider.host} answered {method} with no bytes", code="rpc-nonsense")
        return bytes.fromhex(value[2:])

    def _web3(self, f: Callable[[], T]) -> T:
        """Return what web3 makes of an answer; an answer that it cannot read is a `NetworkError`."""
        try:
            return f()
        except (Web3Exception, ValueError, TypeError, KeyError, AttributeError) as e:
            raise NetworkError(f"the RPC at {self.provider.host} answered nonsense: {e}"[:300], code="rpc-nonsense") from e

    def chain(self) -> int:
        """Return the chain id. Raises `NetworkError` when the node contradicts itself."""
        found = self._number("eth_chainId")
        again = self._ask("net_version")
        if not isinstance(again, str) or again != str(found):
            raise lies(f"the RPC at {self.provider.host} says chain {found} and network {str(again)[:20]}")
        return found

    def code(self, address: str) -> bytes:
        return self._bytes("eth_getCode", checked(address), "latest")

    def balance(self, address: str) -> int:
        return self._number("eth_getBalance", checked(address), "latest")

    def nonce(self, address: str) -> int:
        return self._number("eth_getTransactionCount", checked(address), "pending")

    def fees(self) -> tuple[int, int]:
        """Return the most that a unit of gas may cost now, and the tip within it, in wei."""
        block = self._web3(lambda: self.web3.eth.get_block("latest"))
        base = block.get("baseFeePerGas")
        if not isinstance(base, int) or base < 0:
            raise NetworkError(f"the chain of {self.provider.host} has no base fee", code="rpc-nonsense")
        tip = self._number("eth_maxPriorityFeePerGas")
        return 2 * base + tip, tip

    def call(self, to: str, data: bytes, sender: str | None = None) -> Called:
        """Return the answer of a contract to a call that changes nothing. Its `gas` is the node's estimate, 0 for a revert."""
        called = self.view(to, data, sender)
        return (
            Called(True, called.output, self._number("eth_estimateGas", _message(to, data, sender))) if called.success else called
        )

    def view(self, to: str, data: bytes, sender: str | None = None) -> Called:
        """Return what `call` returns, without an estimate: its `gas` is 0."""
        message = _message(to, data, sender)
        answer = self.provider.make_request(RPCEndpoint("eth_call"), [message, "latest"])
        error = answer.get("error")
        if isinstance(error, dict):
            found = revert_data(error)
            if found is None:
                text = str(error.get("message"))[:200]
                raise NetworkError(
                    f"the RPC at {self.provider.host} refused eth_call: {text}",
                    hint=f"is {to} the verifier? other code may halt so",
                    code="rpc-error",
                )
            return Called(False, found, 0)
        result = answer.get("result")
        if not isinstance(result, str) or not _HEX.fullmatch(result):
            raise NetworkError(f"the RPC at {self.provider.host} answered eth_call with no bytes", code="rpc-nonsense")
        return Called(True, bytes.fromhex(result[2:]), 0)

    def send(self, raw: bytes) -> str:
        """Send a signed transaction and return its hash. Raises `InfeasibleError` without funds."""
        sent = self._bytes("eth_sendRawTransaction", "0x" + raw.hex())
        expected = bytes(Web3.keccak(raw))
        if sent != expected:
            raise lies(f"the RPC at {self.provider.host} names another transaction than was sent")
        return "0x" + sent.hex()

    def knows(self, transaction: str) -> bool:
        """Whether the node has a transaction, mined or waiting."""
        return isinstance(self._ask("eth_getTransactionByHash", transaction), dict)

    def receipt(self, transaction: str, *, seconds: float = RECEIPT_SECONDS, confirmations: int = 1) -> Receipt:
        """Wait for a transaction to be mined, and for blocks after it until its own is the `confirmations`-th from the end.

        Raises `NetworkError` when the first takes longer than `seconds`, or a further block longer than `BLOCK_SECONDS`.
        """
        seconds += BLOCK_SECONDS * (confirmations - 1)
        deadline = time.monotonic() + seconds
        while True:
            found = self._ask("eth_getTransactionReceipt", transaction)
            if isinstance(found, dict) and (confirmations == 1 or self._depth(found) >= confirmations):
                break
            if time.monotonic() > deadline:
                deep = f" {confirmations} blocks deep" if confirmations > 1 else ""
                raise NetworkError(
                    f"transaction {transaction} was sent but not mined{deep} within {seconds:g} s",
                    hint="it may still be: run the same command again later",
                    code="no-receipt",
                    details={"transaction": transaction},
                )
            time.sleep(POLL_SECONDS)
        try:
            status, gas, block = (int(found[key], 16) for key in ("status", "gasUsed", "blockNumber"))
        except (KeyError, TypeError, ValueError) as e:
            raise NetworkError(f"the RPC at {self.provider.host} gave a receipt that is none", code="rpc-nonsense") from e
        if found.get("transactionHash") != transaction:
            raise lies(f"the RPC at {self.provider.host} gave the receipt of another transaction")
        return Receipt(transaction, status == 1, gas, block)

    def _depth(self, receipt: Mapping[str, Any]) -> int:
        """Return how many blocks there are from a receipt's on."""
        block = receipt.get("blockNumber")
        if not isinstance(block, str) or not _QUANTITY.fullmatch(block):
            raise NetworkError(f"the RPC at {self.provider.host} gave a receipt that is none", code="rpc-nonsense")
        return self._number("eth_blockNumber") - int(block, 16) + 1


def _message(to: str, data: bytes, sender: str | None) -> dict[str, str]:
    return {"to": checked(to), "data": "0x" + data.hex()} | ({"from": checked(sender)} if sender is not None else {})


def checked(address: str) -> str:
    """Return the address. Raises `UsageError` unless it is 0x and 40 hex digits, with the right checksum when it has one."""
    if not _ADDRESS.fullmatch(address) or (
        address[2:] not in (address[2:].lower(), address[2:].upper()) and not Web3.is_checksum_address(address)
    ):
        raise UsageError(f"{address[:60]!r} is no address", hint="0x and 40 hex digits", code="address")
    return address


def revert_data(error: Mapping[str, Any]) -> bytes | None:
    """Return the revert data in a JSON-RPC error, where one of the usual nodes puts it; None when the call did not revert."""
    data = error.get("data")
    if isinstance(data, dict):
        data = data.get("data") or data.get("result")
    if isinstance(data, str):
        data = data.removeprefix("Reverted ")
        if _HEX.fullmatch(data):
            return bytes.fromhex(data[2:])
    return b"" if error.get("code") == 3 or "revert" in str(error.get("message")).lower() else None


def require_answer(called: Called, what: str) -> bytes:
    """Return the word that a call answered. Raises `MismatchedArtifacts` when it reverted or answered something else."""
    if not called.success or len(called.output) != 32:
        shown = reason_of(called.output) if called.output else "nothing"
        raise MismatchedArtifacts(
            f"the contract answers {what} with {shown}", hint="is this the verifier's address?", code="no-verifier"
        )
    return called.output
