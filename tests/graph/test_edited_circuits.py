"""Compiled circuits edited by hand: decoded and laid out or refused with a reason, never a panic, in little memory."""

from __future__ import annotations

import random
import resource
from pathlib import Path

import pytest

from zkml._core import graph, keys
from zkml.errors import ZkmlError

KEYS = Path(__file__).parent / "keys"
NAMES = sorted(path.parent.name for path in KEYS.glob("*/c.ezkl"))
EDITS = 40
MAX_GROWTH_KB = 1 << 20

LENGTHS = (0, 1, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, (1 << 64) - 1)
"""What an edit writes where a length or an index may stand."""


def edited(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(changed))
        match rng.randrange(5):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + 8] = rng.choice(LENGTHS).to_bytes(8, "little")
            case 2:
                near = int.from_bytes(changed[at : at + 8], "little") + rng.choice((-2, -1, 1, 2, 100))
                changed[at : at + 8] = (near % (1 << 64)).to_bytes(8, "little")
            case 3:
                del changed[at]
            case _:
                changed.insert(at, rng.randrange(256))
    return bytes(changed)


@pytest.mark.parametrize("name", NAMES)
def test_an_edited_circuit_is_laid_out_or_refused(name: str) -> None:
    data, witness = (KEYS / name / "c.ezkl").read_bytes(), KEYS / name / "witness.json"
    values = witness.read_bytes() if witness.exists() else None
    rng = random.Random(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = 0
    for _ in range(EDITS):
        try:
            keys.KeyColumns(graph.decode(edited(data, rng)), witness=values)
        except ZkmlError as e:
            assert e.code
            refused += 1
    assert refused > 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_GROWTH_KB
