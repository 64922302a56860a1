"""Make the fixtures of the Foundry tests again: `python -m tests.contract.forge_fixtures`.

A generated verifier and a proof for it, from the vector `linear` of the verifiers; `test_forge_fixtures.py` says when they are
not what the generator makes now.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.vectors.read import proof, protocol
from zkml.contract.generate import generate
from zkml.protocol.field import felt_hex

KIND = "linear"
FOLDER = Path(__file__).parents[2] / "contracts" / "test" / "fixtures"


def fixtures() -> dict[str, str]:
    """Return the text of every fixture by its file's name."""
    circuit, good = protocol(KIND), proof(KIND)
    data = {
        "circuitId": "0x" + circuit.circuit_id,
        "instances": [felt_hex(value) for column in good.instances for value in column],
        "proof": "0x" + good.proof.hex(),
    }
    return {**generate(circuit, "single").files, "proof.json": json.dumps(data, indent=1) + "\n"}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, text in fixtures().items():
        (FOLDER / name).write_text(text)
        print(f"zkml: wrote {FOLDER.name}/{name}", file=sys.stderr)


if __name__ == "__main__":
    main()
