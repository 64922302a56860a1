"""Sources on their way to a chain: creation code with constructor arguments, in order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zkml.contract.compiler import Compiled, compile_sources
from zkml.contract.evm import Deployed, Evm, fits
from zkml.contract.interface import WORD, word
from zkml.contract.sources import Address, Argument, Deployable, Sources
from zkml.errors import InternalFault


@dataclass(frozen=True)
class Built:
    """Sources and, for each of their deployables, the compiled contract."""

    sources: Sources
    compiled: tuple[Compiled, ...]

    @property
    def fits(self) -> bool:
        """Whether a chain takes all contracts: their code, and what creates it."""
        return all(fits(len(c.runtime), len(c.bytecode)) for c in self.compiled)


@dataclass(frozen=True)
class Installed:
    """A verifier in a machine: what became of each deployable, in order; the last is the entry."""

    contracts: tuple[Deployed, ...]

    @property
    def entry(self) -> str:
        return self.contracts[-1].address


_IMPORT = re.compile(r'^import [^"]*"\./([^"]+)";', re.MULTILINE)


def with_imports(files: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a file and those that it imports, by name."""
    found: dict[str, str] = {}
    todo = [name]
    while todo:
        file = todo.pop()
        if file in files and file not in found:
            found[file] = files[file]
            todo += _IMPORT.findall(files[file])
    return found


def build(sources: Sources) -> Built:
    """Compile. Raises what `compile_sources` raises, `InternalFault` when a deployable is not among the contracts.

    A contract that serves many circuits is compiled apart from the circuit's own, so that it is compiled once.
    """
    shared = {d.file for d in sources.deployables if d.shared}
    compiled = compile_sources({name: text for name, text in sources.files.items() if name not in shared})
    for file in sorted(shared):
        compiled |= compile_sources(with_imports(sources.files, file))
    missing = [d.contract for d in sources.deployables if d.contract not in compiled]
    if missing:
        raise InternalFault(f"the sources have no contract {', '.join(missing)}", code="sources")
    return Built(sources, tuple(compiled[d.contract] for d in sources.deployables))


def _resolved(argument: Argument, addresses: Sequence[str]) -> int | list[int]:
    if isinstance(argument, Address):
        return int(addresses[argument.deployable], 16)
    if isinstance(argument, tuple):
        return [int(addresses[a.deployable], 16) for a in argument]
    return argument


def encode_arguments(deployable: Deployable, addresses: Sequence[str]) -> bytes:
    """Return the constructor's arguments in the ABI's encoding: words, and arrays of words after them."""
    heads: list[bytes] = []
    tail = b""
    for argument in deployable.arguments:
        value = _resolved(argument, addresses)
        if isinstance(value, list):
            heads.append(word(WORD * len(deployable.arguments) + len(tail)))
            tail += word(len(value)) + b"".join(word(v) for v in value)
        else:
            heads.append(word(value))
    return b"".join(heads) + tail


def creation_code(built: Built, index: int, addresses: Sequence[str]) -> bytes:
    """Return what a transaction sends to create deployable `index`, given the addresses of those before it."""
    return built.compiled[index].bytecode + encode_arguments(built.sources.deployables[index], addresses)


def install(built: Built, evm: Evm) -> Installed:
    """Deploy everything into a machine, in order. Raises what `Evm.deploy` raises."""
    done: list[Deployed] = []
    for i in range(len(built.compiled)):
        done.append(evm.deploy(creation_code(built, i, [d.address for d in done])))
    return Installed(tuple(done))
