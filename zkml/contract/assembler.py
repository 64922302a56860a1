"""Yul statements of one shape to code: what `YulText` writes, without a compiler, so that the code's hash is known beforehand.

The stack holds r, y and h, h on top, and above them what an expression needs. A statement is `h := e` or `mstore(NAME, e)`; an
expression is a number, r, y or h, a word `mload(NAME)` or `calldataload(NAME)`, or one of FUNCTIONS of expressions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zkml.protocol.field import R

FUNCTIONS = {"add": 0x01, "mul": 0x02, "sub": 0x03, "addmod": 0x08, "mulmod": 0x09}
"""Opcodes; the first argument is on top of the stack."""

WORDS = {"mload": 0x51, "calldataload": 0x35}
MSTORE, POP, PUSH0, DUP1, SWAP1, RETURN = 0x52, 0x50, 0x5F, 0x80, 0x90, 0xF3
VARIABLES = ("h", "y", "r")
"""From the top of the stack down, between statements."""

REACH = 16
"""How deep DUP reaches."""

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|0x[0-9a-f]+|[0-9]+|:=|[(),]")


class _Call(NamedTuple):
    """A function with its arguments; a name or a number is one without any."""

    name: str
    arguments: tuple[_Call, ...] = ()


def push(value: int) -> bytes:
    """Return the shortest code that pushes a word."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes([PUSH0 + len(data)]) + data


def _parse(tokens: Sequence[str], at: int) -> tuple[_Call, int]:
    """Return the expression that begins at a token, and the number of the token behind it."""
    name, at = tokens[at], at + 1
    if at == len(tokens) or tokens[at] != "(":
        return _Call(name), at
    arguments = []
    while tokens[at] != ")":
        argument, at = _parse(tokens, at + 1)
        arguments.append(argument)
    return _Call(name, tuple(arguments)), at + 1


def _emit(call: _Call, addresses: Mapping[str, int], above: int) -> bytes:
    """Return the code that leaves an expression's value on a stack that has `above` words above h."""
    name, arguments = call
    if name in WORDS:
        return push(addresses[arguments[0].name]) + bytes([WORDS[name]])
    if name in FUNCTIONS:
        code = b""
        for i, argument in enumerate(reversed(arguments)):
            code += _emit(argument, addresses, above + i)
        return code + bytes([FUNCTIONS[name]])
    if name in VARIABLES:
        depth = above + VARIABLES.index(name)
        if depth >= REACH:
            raise AssertionError(f"{name} lies {depth} words deep")
        return bytes([DUP1 + depth])
    return push(int(name, 0))


def statement(text: str, addresses: Mapping[str, int]) -> bytes:
    """Return the code of one statement."""
    tokens = _TOKEN.findall(text)
    if tokens[:2] == ["h", ":="]:
        value, end = _parse(tokens, 2)
        code = _emit(value, addresses, 0) + bytes([SWAP1, POP])
    else:
        call, end = _parse(tokens, 0)
        word, value = call.arguments
        if call.name != "mstore":
            raise AssertionError(f"{call.name} is no statement")
        code = _emit(value, addresses, 0) + push(addresses[word.name]) + bytes([MSTORE])
    if end != len(tokens):
        raise AssertionError(f"something follows the statement {text!r}")
    return code


def prologue(addresses: Mapping[str, int]) -> bytes:
    """Return the code that fills the stack: r, and y and h from the calldata."""
    load = bytes([WORDS["calldataload"]])
    return push(R) + push(addresses["Y"]) + load + push(addresses["H_EVAL"]) + load


def epilogue() -> bytes:
    """Return the code that returns h."""
    return bytes([PUSH0, MSTORE]) + push(32) + bytes([PUSH0, RETURN])
