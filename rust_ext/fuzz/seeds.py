"""Write the first inputs of the fuzz targets, from the vectors and from what was kept: `python rust_ext/fuzz/seeds.py`."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent.parent / "tests"


def main() -> None:
    """Write to `corpus/TARGET`; existing inputs stay."""
    targets = ("graph_decode", "protocol_decode", "proof_json", "proof_verify", "key_decode", "sums")
    folders = {name: HERE / "corpus" / name for name in targets}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for name, folder in folders.items():
        with tarfile.open(HERE / "kept" / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
    for circuit in (TESTS / "graph" / "fixtures").rglob("*.ezkl"):
        shutil.copyfile(circuit, folders["graph_decode"] / f"{circuit.parent.name}-{circuit.name}")
    for kind in sorted((TESTS / "vectors" / "verify").iterdir()):
        shutil.copyfile(kind / "protocol.json", folders["protocol_decode"] / kind.name)
        shutil.copyfile(kind / "proof.json", folders["proof_json"] / kind.name)
    for mode, kind in enumerate(("linear", "matmul_freivalds")):
        proof = bytes(json.loads((TESTS / "vectors" / "verify" / kind / "proof.json").read_bytes())["proof"])
        folder = folders["proof_verify"]
        (folder / f"{kind}-whole").write_bytes(bytes([mode | 2]) + proof)
        (folder / f"{kind}-nothing").write_bytes(bytes([mode | 4]))
        for place in range(0, len(proof), 416):
            record = place.to_bytes(2, "big") + bytes([64]) + proof[:64]
            (folder / f"{kind}-point-at-{place}").write_bytes(bytes([mode]) + record)
            record = place.to_bytes(2, "big") + bytes([32]) + bytes(31) + b"\x05"
            (folder / f"{kind}-scalar-at-{place}").write_bytes(bytes([mode | 4]) + record)
    for mode, form in enumerate(("zkml", "ezkl")):
        key, folder = (TESTS / "vectors" / "keys" / f"{form}.key").read_bytes(), folders["key_decode"]
        (folder / f"{form}-whole").write_bytes(bytes([mode | 2]) + key)
        (folder / f"{form}-nothing").write_bytes(bytes([mode]))
        (folder / f"{form}-longer").write_bytes(bytes([mode | 4]) + len(key).to_bytes(2, "big") + b"\x01\x00")
        places = range(0, 256, 4) if form == "zkml" else (0, 1, 2, 3, 7, *range(12_600, len(key), 516))
        for place in places:
            (folder / f"{form}-cut-at-{place}").write_bytes(bytes([mode | 4]) + place.to_bytes(2, "big") + b"\x00")
            (folder / f"{form}-ones-at-{place}").write_bytes(bytes([mode | 4]) + place.to_bytes(2, "big") + b"\x08" + 8 * b"\xff")
    for mode, width in enumerate((8, 32, 1)):
        alike = b"".join(bytes([1]) + bytes([9] * width) for _ in range(20))
        mixed = b"".join(bytes([i]) + bytes([i * j % 256 for j in range(width)]) for i in range(64))
        for name, records in (("alike", alike), ("mixed", mixed), ("nothing", b"")):
            (folders["sums"] / f"{mode}-{name}").write_bytes(bytes([mode]) + records)


if __name__ == "__main__":
    main()
