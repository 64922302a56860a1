"""What the generator returns: Solidity files and how to deploy them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Form = Literal["single", "split", "parts", "universal"]
FORMS: tuple[Form, ...] = ("single", "split", "parts", "universal")


@dataclass(frozen=True)
class Address:
    """A constructor argument: the address of the contract deployed as number `deployable`."""

    deployable: int


Argument = Address | tuple[Address, ...] | int


@dataclass(frozen=True)
class Deployable:
    """One contract to deploy: its file, its name, its constructor's arguments in order.

    `shared` marks a contract that serves many circuits: deployed once for each chain, not once for each circuit.
    """

    file: str
    contract: str
    arguments: tuple[Argument, ...] = ()
    shared: bool = False


@dataclass(frozen=True)
class Sources:
    """A verifier as Solidity: `files` maps names to text, `deployables` are deployed in order, the last is the `entry`.

    `offsets` are the named words of memory, for those who read a trace.
    """

    form: Form
    files: Mapping[str, str]
    deployables: tuple[Deployable, ...]
    offsets: Mapping[str, int]

    @property
    def entry(self) -> str:
        """The name of the contract that implements IVerifier."""
        return self.deployables[-1].contract
