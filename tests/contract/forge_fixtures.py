"""Make the fixtures of the Foundry tests again: `python -m tests.contract.forge_fixtures`.

The generated verifiers of one circuit in every form and a proof for them, from the vector `linear`, and numbers as Python reads
them from field elements; `test_forge_fixtures.py` says when they are not what is made now.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from fractions import Fraction
from math import floor
from pathlib import Path

from tests.vectors.read import proof, protocol
from zkml.contract.generate import generate
from zkml.contract.sources import FORMS
from zkml.protocol.field import R, felt_hex, to_signed

KIND = "linear"
FOLDER = Path(__file__).parents[2] / "contracts" / "test" / "fixtures"


def numbers(seed: int = 2026, count: int = 200) -> dict[str, list[str]]:
    """Return elements and scales, with the integers and the 18-digit decimals (rounded down) that they stand for."""
    rng = random.Random(seed)
    out: dict[str, list[str]] = {"elements": [], "scales": [], "integers": [], "wads": []}
    for i in range(count):
        magnitude, scale = rng.getrandbits(1 + i % 127), rng.randrange(-40 if i % 127 < 80 else 0, 129)
        element = rng.choice((magnitude, -magnitude)) % R
        integer = to_signed(element)
        wad = floor(Fraction(integer * 10**18) / Fraction(2) ** scale)
        for name, value in (("elements", felt_hex(element)), ("scales", scale), ("integers", integer), ("wads", wad)):
            out[name].append(str(value))
    return out


def fixtures() -> dict[str, str]:
    """Return the text of every fixture by its path: the sources in a folder for each form."""
    circuit, good = protocol(KIND), proof(KIND)
    data = {
        "circuitId": "0x" + circuit.circuit_id,
        "instances": [felt_hex(value) for column in good.instances for value in column],
        "proof": "0x" + good.proof.hex(),
    }
    return {
        **{f"{form}/{name}": text for form in FORMS for name, text in generate(circuit, form).files.items()},
        "proof.json": json.dumps(data, indent=1) + "\n",
        "numbers.json": json.dumps(numbers(), indent=1) + "\n",
    }


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, text in fixtures().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(text)
        print(f"zkml: wrote {FOLDER.name}/{name}", file=sys.stderr)


if __name__ == "__main__":
    main()
