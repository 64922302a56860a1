"""Run the node tests of the `onnx` package through the front end and write what became of each.

Usage: python -m benches.operators [--every N] [--only REGEX] [--again REGEX] [--jobs N] [--out docs/nodetests.json]

A line of JSON goes to OUT.log.jsonl as each test ends: a test that would compile the same model as before is not compiled again,
but for those whose name, operator or outcome matches --again. OUT is written when every test has a line; then
`python -m zkml.model.page docs/operators.md` makes the page of it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from zkml.ezkl import Worker
from zkml.files import write_atomic
from zkml.model.conformance import LIMITS
from zkml.model.nodetests import Result, node_tests, run_test, verdict


def share(numbers: list[int], log: Path, again: str | None, queue: multiprocessing.Queue[Any]) -> None:
    """Run the tests of these numbers and put the results of each on the queue, then None."""
    os.nice(NICE)
    wanted = set(numbers)
    known = {r.key: r for r in read_log(log) if r.digest and not (again and re.search(again, f"{r.case} {r.op} {r.outcome}"))}
    with Worker(limits=LIMITS) as worker, TemporaryDirectory() as folder:
        for i, case in enumerate(node_tests()):
            if i in wanted:
                queue.put([r.as_dict() for r in run_test(worker, Path(folder), case, known)])
    queue.put(None)


def read_log(path: Path) -> list[Result]:
    """Return all results in the log."""
    if not path.exists():
        return []
    return [Result.from_dict(json.loads(line)) for line in path.read_text().splitlines()]


def latest(path: Path) -> dict[str, list[Result]]:
    """Return the last results of each test in the log; a test that is right as it is needs no constants."""
    found: dict[str, dict[str, Result]] = {}
    for r in read_log(path):
        found.setdefault(r.case, {})[r.how] = r
    taken = ("right", "rewritten")
    return {
        case: [ways["as it is"]] if ways["as it is"].outcome in taken else list(ways.values()) for case, ways in found.items()
    }


def as_data(results: list[Result]) -> dict[str, Any]:
    """Return the result that counts as data."""
    return {k: v for k, v in verdict(results).as_dict().items() if k != "digest"}


NICE = 10


@click.command()
@click.option("--every", default=1, help="Run each N-th test only.")
@click.option("--only", help="Run tests whose name matches.")
@click.option("--again", help="Run tests again whose name, operator, outcome or reason matches.")
@click.option("--jobs", default=2)
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/nodetests.json"))
def main(every: int, only: str | None, again: str | None, jobs: int, out: Path) -> None:
    """Run the tests."""
    log = out.with_suffix(".log.jsonl")
    names = [case.name for case in node_tests()]
    pending = [i for i, n in enumerate(names) if i % every == 0 and (only is None or re.search(only, n))]
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Any] = context.Queue()
    workers = [context.Process(target=share, args=(pending[j::jobs], log, again, queue)) for j in range(jobs)]
    started = time.perf_counter()
    for w in workers:
        w.start()
    final = {case: as_data(results) for case, results in latest(log).items()}
    waiting, done = len(workers), 0
    with log.open("a") as f:
        while waiting:
            results = queue.get()
            if results is None:
                waiting -= 1
                continue
            final[results[0]["case"]] = as_data([Result.from_dict(r) for r in results])
            f.writelines(json.dumps(r) + "\n" for r in results)
            f.flush()
            done += 1
            if done % 50 == 0:
                counts = Counter(r["outcome"] for r in final.values())
                sys.stderr.write(f"{done} of {len(pending)}, {time.perf_counter() - started:.0f} s, {dict(counts)}\n")
    for w in workers:
        w.join()
    counts = Counter(r["outcome"] for r in final.values())
    sys.stderr.write(f"{dict(counts)} of {len(names)}, {time.perf_counter() - started:.0f} s\n")
    if all(n in final for n in names):
        lines = ",\n".join(json.dumps(final[n]) for n in sorted(names))
        head = json.dumps({"compiler": "ezkl 23.0.5", "counts": dict(sorted(counts.items()))})
        write_atomic(out, f'{head[:-1]}, "tests": [\n{lines}\n]}}\n'.encode())


if __name__ == "__main__":
    main()
