"""How long verification takes: the plain verifier, the native one alone and in batches, `ezkl.verify`, and the floor, in one run.

    python benches/verify.py [KIND_OR_FOLDER …] [--batches 1 4 16 64 256 1024] [--runs 15] [--no-ezkl] [--json]

A folder holds `protocol.json` and `proof.json`, and `settings.json` and `vk.key` for EZKL's side; a KIND is one of
`tests/vectors/verify`. All of ours on one thread. The floor is measured here too (`cargo run --example floor`):

    floor       = MSM(distinct commitments, 254 bits) + product of two pairings + keccak + decoding of points + field operations
    batch floor = (MSM(shared + B·own) + MSM(B, 128 bits) + product of two pairings) / B + keccak + decoding + field operations

where MSM is the faster of halo2curves' and ours without tables. Times are medians of the wall clock; ratios to the floor compare
the least times on both sides, which other load on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zkml._core import verifier as native
from zkml.protocol import Protocol, decode
from zkml.protocol.field import P
from zkml.protocol.proof import Proof
from zkml.verifier import Policy
from zkml.verifier import check as plain_check
from zkml.verifier.native import NativeVerifier, proof_from_json, words

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors" / "verify"
DEFAULT = ("linear", "two_layers_relu", "lookup_three_columns", "hashed_input", "matmul_freivalds")
OPEN = Policy(allow_unsafe_srs=True, allow_unaudited=True)

EZKL_CHILD = """
import json, sys, time, resource
import ezkl
folder, srs, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
times = []
for _ in range(runs):
    start = time.perf_counter()
    good = ezkl.verify(f"{folder}/proof.json", f"{folder}/settings.json", f"{folder}/vk.key", srs, True)
    times.append(time.perf_counter() - start)
    assert good is True
print(json.dumps({"times": times, "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""

OURS_CHILD = """
import json, re, sys
from pathlib import Path
from zkml._core import verifier as native
folder, batch = Path(sys.argv[1]), int(sys.argv[2])
v = native.Verifier((folder / "protocol.json").read_bytes())
message = native.parse_proof_json((folder / "proof.json").read_bytes())
answers = native.check_batch([(v, message)] * batch, 1) if batch > 1 else [v.check(*message)]
assert all(a[0] == "accepted" for a in answers)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({"peak_bytes": 1024 * int(peak[1])}))
"""


def clock(call: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the median and the least of the times that a call takes."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times)


def reduced_srs(protocol: Protocol, path: Path) -> None:
    """Write the file that `ezkl.verify` wants: k = 1, [1]₁ four times (only the first is used), [1]₂, [τ]₂; Montgomery form."""

    def raw(*coordinates: int) -> bytes:
        return b"".join((c * (1 << 256) % P).to_bytes(32, "little") for c in coordinates)

    points = protocol.points
    path.write_bytes((1).to_bytes(4, "little") + raw(*points.g1) * 4 + raw(*points.g2) + raw(*points.tau_g2))


def child(code: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def floor(folder: Path, batches: list[int]) -> dict[str, Any]:
    command = ["cargo", "run", "--release", "--quiet", "-p", "zkml-verifier", "--example", "floor", "--"]
    command += [str(folder / "protocol.json"), *map(str, batches)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT / "rust_ext")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def from_files(folder: Path) -> None:
    verifier = native.Verifier((folder / "protocol.json").read_bytes())
    columns, proof = native.parse_proof_json((folder / "proof.json").read_bytes())
    assert verifier.check(columns, proof)[0] == "accepted"


def measure(folder: Path, batches: list[int], runs: int, ezkl: bool) -> dict[str, Any]:
    protocol = decode((folder / "protocol.json").read_bytes())
    proof: Proof = proof_from_json((folder / "proof.json").read_bytes())
    verifier = NativeVerifier(protocol)
    message = words(protocol, proof)
    assert isinstance(message, tuple)
    assert plain_check(protocol, proof, OPEN).accepted
    floors = floor(folder, batches)
    single, single_best = clock(lambda: verifier.native.check(*message), runs)
    out: dict[str, Any] = {
        "circuit": folder.name,
        "circuit_id": protocol.circuit_id,
        "k": protocol.k,
        "proof_bytes": protocol.proof_length,
        "instances": sum(protocol.instance_rows),
        "points": floors["points"],
        "floor_ms": ms(floors["floor"]),
        "floor_parts_ms": {key: ms(floors[key]) for key in FLOOR_PARTS},
        "rust_ms": ms(single),
        "rust_best_ms": ms(single_best),
        "rust_over_floor": round(single_best / floors["floor"], 3),
        "rust_from_files_ms": ms(clock(lambda: from_files(folder), runs)[0]),
        "python_ms": ms(clock(lambda: plain_check(protocol, proof, OPEN), 3)[0]),
        "peak_mb": round(child(OURS_CHILD, folder, 1)["peak_bytes"] / 1e6, 1),
        "batches": [],
    }
    for batch in batches:
        items = [(verifier.native, message)] * batch
        repeat = max(3, min(runs, 512 // batch))
        seconds, best = clock(lambda items=items: native.check_batch(items, 1), repeat)  # type: ignore[misc]
        lowest = floors["batch_floor_per_proof"][str(batch)]
        out["batches"].append(
            {
                "proofs": batch,
                "per_proof_ms": ms(seconds / batch),
                "best_per_proof_ms": ms(best / batch),
                "floor_per_proof_ms": ms(lowest),
                "over_floor": round(best / batch / lowest, 3),
                "peak_mb": round(child(OURS_CHILD, folder, batch)["peak_bytes"] / 1e6, 1),
            }
        )
    if ezkl and (folder / "vk.key").exists():
        with tempfile.TemporaryDirectory() as scratch:
            srs = Path(scratch) / "reduced.srs"
            reduced_srs(protocol, srs)
            theirs = child(EZKL_CHILD, folder, srs, max(5, runs // 3))
        seconds = statistics.median(theirs["times"])
        out["ezkl_ms"] = ms(seconds)
        out["ezkl_best_ms"] = ms(min(theirs["times"]))
        out["ezkl_best_over_rust_best"] = round(min(theirs["times"]) / single_best, 2)
        out["ezkl_peak_mb"] = round(theirs["peak_bytes"] / 1e6, 1)
        out["ezkl_over_rust"] = round(seconds / single, 2)
        out["ezkl_over_rust_from_files"] = round(ms(seconds) / out["rust_from_files_ms"], 2)
    return out


FLOOR_PARTS = ("msm_halo2curves", "msm_ours_without_tables", "pairings", "keccak", "decode", "field")


def ms(seconds: float) -> float:
    return round(seconds * 1000, 4)


def machine() -> dict[str, Any]:
    model = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return {
        "processor": model[0] if model else platform.processor(),
        "cores": os.cpu_count(),
        "load": [round(x, 1) for x in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "zkml": version("zkml"),
        "ezkl": version("ezkl"),
        "arithmetic": "scalar (halo2curves 0.10, portable)",
    }


def table(rows: list[dict[str, Any]]) -> None:
    for r in rows:
        ezkl = f", ezkl {r['ezkl_ms']:.2f} ms = {r['ezkl_over_rust']:.1f}×" if "ezkl_ms" in r else ""
        print(
            f"{r['circuit']}: {r['points']} points; floor {r['floor_ms']:.2f} ms, rust {r['rust_ms']:.2f} ms "
            f"({r['rust_over_floor']:.2f} × floor), from files {r['rust_from_files_ms']:.2f} ms, "
            f"python {r['python_ms']:.0f} ms{ezkl}"
        )
        for b in r["batches"]:
            print(
                f"  batch of {b['proofs']:>4}: {b['per_proof_ms']:.3f} ms a proof "
                f"({b['over_floor']:.2f} × floor {b['floor_per_proof_ms']:.3f}), peak {b['peak_mb']} MB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="measure verification")
    parser.add_argument("circuits", nargs="*", default=list(DEFAULT))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 16, 64, 256, 1024])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--no-ezkl", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.circuits:
        folder = Path(name) if Path(name).is_dir() else VECTORS / name
        print(f"measuring {folder.name}", file=sys.stderr)
        rows.append(measure(folder, arguments.batches, arguments.runs, not arguments.no_ezkl))
    if arguments.json:
        print(json.dumps({"machine": machine(), "circuits": rows}, indent=2))
    else:
        print(json.dumps(machine()))
        table(rows)


if __name__ == "__main__":
    main()
