"""How long an SRS takes to make and to check: ours beside EZKL's, each in a process of its own, in one run.

    python benches/srs.py [--k 17] [--runs 3] [--ezkl-max-k 17] [--json]

The clock is the wall's, around the call alone (imports excluded); the processor's time beside it tells how much of the
machine the call got. Memory is the child's peak resident set.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

from zkml._core import prover, srs

CALLS = {
    "zkml generate": "from zkml._core import srs; call = lambda: srs.generate(Path(path), k)",
    "zkml check": "from zkml._core import srs; call = lambda: srs.check(Path(path))",
    "zkml trim": "from zkml._core import srs; call = lambda: srs.trim(Path(path), Path(path + '.cut'), k - 1)",
    "ezkl gen_srs": "import ezkl; call = lambda: ezkl.gen_srs(path + '.ezkl', k)",
}
CHILD = """
import json, resource, sys, time
from pathlib import Path
path, k = sys.argv[1], int(sys.argv[2])
{setup}
start, used = time.perf_counter(), time.process_time()
call()
seconds, cpu = time.perf_counter() - start, time.process_time() - used
print(json.dumps({{"seconds": seconds, "cpu": cpu, "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}}))
"""


def measure(name: str, path: Path, k: int, runs: int) -> dict[str, Any]:
    results = []
    for _ in range(runs):
        command = [sys.executable, "-c", CHILD.format(setup=CALLS[name]), str(path), str(k)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        "what": name,
        "k": k,
        "runs": runs,
        "seconds": round(statistics.median(r["seconds"] for r in results), 3),
        "cpu_seconds": round(statistics.median(r["cpu"] for r in results), 3),
        "best_seconds": round(min(r["seconds"] for r in results), 3),
        "peak_mb": round(statistics.median(r["peak_bytes"] for r in results) / 1e6, 1),
    }


def machine() -> dict[str, Any]:
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor())
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": srs.threads(),
        "load": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(),
        "zkml": version("zkml"),
        "ezkl": version("ezkl"),
        "arithmetic": prover.arithmetic()[0],
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k", type=int, default=17)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ezkl-max-k", type=int, default=17, help="EZKL runs up to this k (it needs minutes at 20)")
    parser.add_argument("--ezkl-runs", type=int, default=1)
    parser.add_argument("--trim", action="store_true", help="also cut to k - 1 (an FFT over the group)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.srs"
        rows = [measure("zkml generate", path, args.k, args.runs), measure("zkml check", path, args.k, args.runs)]
        if args.trim:
            rows.append(measure("zkml trim", path, args.k, 1))
        if args.k <= args.ezkl_max_k:
            rows.append(measure("ezkl gen_srs", path, args.k, args.ezkl_runs))
    report = {"machine": machine(), "rows": rows, "wall_seconds": round(time.time() - began, 1)}
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(", ".join(f"{k} {v}" for k, v in machine().items()))
    for row in rows:
        times = f"{row['seconds']:9.3f} s  {row['cpu_seconds']:9.3f} s of CPU"
        print(f"{row['what']:14} k={row['k']:<3} {times}  {row['peak_mb']:8.1f} MB  median of {row['runs']}")


if __name__ == "__main__":
    main()
