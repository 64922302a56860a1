"""The templates of all generated files, and their rendering."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from zkml.contract.expressions import literal
from zkml.contract.interface import selector
from zkml.protocol.field import P, R


def word(value: int) -> str:
    """Return 32 bytes in hex."""
    return f"0x{value:064x}"


def short(value: int) -> str:
    """Return a scalar in decimal when it is small, else in hex."""
    value %= R
    return str(value) if value < 1 << 64 else word(value)


def left_aligned(signature: str) -> str:
    """Return the selector of an error in the leftmost bytes of a word."""
    return "0x" + selector(signature).hex() + "00" * 28


@cache
def _environment() -> Environment:
    env = Environment(  # noqa: S701  (Solidity, not HTML)
        loader=PackageLoader("zkml.contract"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    env.globals |= {"word": word, "short": short, "hex": hex, "selector": left_aligned, "literal": literal, "R": R, "P": P}
    return env


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return a template's text for a context; a name that the context lacks is an error."""
    return _environment().get_template(template).render(context)


def interface(name: str = "IVerifier") -> str:
    """Return an interface's file. IVerifier.sol is the copy of the one in contracts/src that travels with every verifier."""
    return resources.files("zkml.contract").joinpath("templates", f"{name}.sol").read_text()


def interface_abi() -> str:
    """Return the ABI of IVerifier as JSON text."""
    return resources.files("zkml.contract").joinpath("templates", "IVerifier.abi.json").read_text()
