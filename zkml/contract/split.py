"""Where the gas of a verification goes: measured by stopping the contract at each of its numbered steps.

The compiler's source map says which instruction of the code is the first of a step (its comment `// N. …` in the generated
source). A copy of the code with STOP in that place spends what the steps before it spend; differences are the steps. So the parts
sum to the gas of the transaction.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zkml.contract.compiler import Compiled
from zkml.contract.evm import Evm
from zkml.errors import InternalFault

BASE_GAS = 21_000
ZERO_BYTE_GAS, BYTE_GAS = 4, 16
PARTS = ("base", "calldata", "reading", "transcript", "expressions", "curve", "pairing")
BEGINS = {3: "transcript", 4: "expressions", 9: "curve", 10: "pairing"}
"""The first step of each part, by its number in docs/verifier.md; what comes before is reading."""

FIRST_INSTRUCTIONS = 6  # the optimiser may reorder a few
_JUMPDEST = 0x5B
_STEP = re.compile(rb"^[ \t]*// ([0-9]{1,2})\. ", re.MULTILINE)


@dataclass(frozen=True)
class Split:
    """Gas by part (`PARTS`), and what of it is spent on reading and checking instances: their calldata and step 1."""

    parts: Mapping[str, int]
    instances: int


def calldata_gas(data: bytes) -> int:
    """Return the gas that a transaction pays for its calldata."""
    zeros = data.count(0)
    return ZERO_BYTE_GAS * zeros + BYTE_GAS * (len(data) - zeros)


def _instructions(code: bytes) -> Iterator[int]:
    """Yield the program counter of each instruction."""
    at = 0
    while at < len(code):
        yield at
        at += 1 + (code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0)


def _positions(source_map: str) -> Iterator[tuple[int, int]]:
    """Yield the start in the source, and the number of the file, of each instruction. A field left out repeats."""
    start, file = "0", "-1"
    for item in source_map.split(";"):
        fields = item.split(":")
        start = fields[0] or start
        file = fields[2] if len(fields) > 2 and fields[2] else file
        yield int(start), int(file)


@dataclass
class Stretch:
    """The code below one step comment, up to the next: the step's number and its first instructions."""

    step: int
    first: list[int]


def stretches(compiled: Compiled, files: Mapping[str, str]) -> list[Stretch]:
    """Return the stretches of a contract's code in the order of its source; empty when its source numbers no steps."""
    text = files[compiled.file].encode()
    number = compiled.sources.index(compiled.file)
    comments = list(_STEP.finditer(text))
    offsets = [m.start() for m in comments]
    found = [Stretch(int(m[1]), []) for m in comments]
    for pc, (at, file) in zip(_instructions(compiled.runtime), _positions(compiled.source_map), strict=False):
        index = bisect_right(offsets, at) - 1
        if file == number and index >= 0 and compiled.runtime[pc] != _JUMPDEST:
            found[index].first.append(pc)
    return [s for s in found if s.first]


def _gas_until(evm: Evm, holder: str, to: str, calldata: bytes, stretch: Stretch, total: int) -> int:
    """Return the gas of the transaction when it ends at the first instruction of a stretch."""
    code = evm.code(holder)
    gas = total
    try:
        for pc in stretch.first[:FIRST_INSTRUCTIONS]:
            evm.set_code(holder, code[:pc] + b"\x00" + code[pc + 1 :])
            gas = min(gas, evm.call(to, calldata).gas)
    finally:
        evm.set_code(holder, code)
    return gas


def split_gas(evm: Evm, holder: str, compiled: Compiled, files: Mapping[str, str], to: str, calldata: bytes, count: int) -> Split:
    """Return where the gas of a call of `to` goes, whose steps are carried out by the code at `holder`.

    `count` is the number of instances, the last words of the calldata. Raises `InternalFault` when the steps are not in order.
    """
    total = evm.call(to, calldata).gas
    marks: list[tuple[int, int]] = []  # step, gas before it
    seen: set[int] = set()
    for stretch in stretches(compiled, files):
        if stretch.step in (1, 2) or (stretch.step in BEGINS and stretch.step not in seen):
            seen.add(stretch.step)
            marks.append((stretch.step, _gas_until(evm, holder, to, calldata, stretch, total)))
    paid = calldata_gas(calldata)
    gas = [BASE_GAS + paid, *(g for _, g in marks), total]
    if gas != sorted(gas) or not seen.issuperset(BEGINS):
        raise InternalFault(f"the steps of {compiled.name} are not in order: {marks}", code="split")
    parts = dict.fromkeys(PARTS, 0) | {"base": BASE_GAS, "calldata": paid, "reading": gas[1] - gas[0]}
    part, on_instances = "reading", calldata_gas(calldata[len(calldata) - 32 * count :]) if count else 0
    for (step, before), after in zip(marks, gas[2:], strict=True):
        part = BEGINS.get(step, part)
        parts[part] += after - before
        on_instances += after - before if step == 1 else 0
    return Split(parts, on_instances)
