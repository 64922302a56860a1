"""How long sums of products and Fourier transforms take: ours and halo2curves' on the same data, in turns, in one run.

    python benches/arithmetic.py [--first 10] [--last 20] [--runs 7] [--threads 1 2] [--json]

halo2curves is built with its `asm` feature, which assumes ADX and BMI2 (`cargo run --example arithmetic`; the wheel never does).
Scalars: `full` 254 bits; `64`, `16`, `8` bits; `mixed` 30 % zeros, 60 % below 2^8, 10 % below 2^16. Ours have random signs, and
halo2curves gets the absolute values: −x costs it as much as any 254 bits. Times are medians: of the wall clock, and of processor
time over all threads, which other load on the machine disturbs less; ratios are of processor time
on one thread, of the wall else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def measure(first: int, last: int, runs: int, threads: list[int]) -> list[dict[str, Any]]:
    """Return one row for each size, number of threads and kind."""
    command = ["cargo", "run", "--release", "--quiet", "-p", "zkml-arithmetic", "--features", "halo2curves-asm"]
    command += ["--example", "arithmetic", "--", str(first), str(last), str(runs), *map(str, threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT / "rust_ext")
    return [json.loads(line) for line in done.stdout.splitlines()]


def machine() -> dict[str, str]:
    """Return what the figures hold for."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", info.read_text()) if info.exists() else []
    lock = (ROOT / "rust_ext" / "Cargo.lock").read_text()
    curves = re.search(r'name = "halo2curves"\nversion = "([^"]+)"', lock)
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": str(os.cpu_count()),
        "load": " ".join(f"{x:.1f}" for x in os.getloadavg()),
        "rustc": rustc,
        "halo2curves": curves[1] if curves else "unknown",
    }


def ratio(row: dict[str, Any]) -> float:
    clock = "processor" if row["threads"] == 1 else "wall"
    return float(row["halo2curves"][clock] / row["ours"][clock])


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, in milliseconds."""
    lines = ["| what | k | threads | ours wall / cpu | halo2curves asm wall / cpu | ratio |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda r: (r["threads"], r["what"], r["k"])):
        sides = [f"{1e3 * row[s]['wall']:.2f} / {1e3 * row[s]['processor']:.2f}" for s in ("ours", "halo2curves")]
        lines.append(f"| {row['what']} | {row['k']} | {row['threads']} | {' | '.join(sides)} | {ratio(row):.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=10)
    parser.add_argument("--last", type=int, default=20)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    about = machine()
    rows = measure(options.first, options.last, options.runs, options.threads)
    about["multiplier"] = rows[0]["multiplier"]
    if options.json:
        print(json.dumps({"machine": about, "rows": rows}, indent=1))
    else:
        print("; ".join(f"{name} {value}" for name, value in about.items()), end="\n\n")
        print(table(rows))


if __name__ == "__main__":
    main()
