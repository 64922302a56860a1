"""The commands of jobs as they are used: results on stdout, true exit statuses, the same again goes on where it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.jobs.conftest import Store, Tiny, inputs
from zkml.jobs.manage import counts, find
from zkml.jobs.results import rows


class Command:
    def __init__(self, store: Store, tiny: Tiny) -> None:
        self._environment = os.environ | store.environment(tiny)
        self._folder = store.folder
        self.srs = ["--srs", str(tiny.srs.path), "--unsafe-srs"]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "zkml.cli", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.PIPE}
        return subprocess.Popen(command, text=True, env=self._environment, cwd=self._folder, **pipes)  # type: ignore[call-overload,no-any-return]

    def __call__(self, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(stdin, timeout=180)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def zkml(store: Store, tiny: Tiny) -> Command:
    return Command(store, tiny)


def test_one_command_goes_from_inputs_to_results_and_again_does_nothing(zkml: Command, store: Store, tiny: Tiny) -> None:
    good = [json.dumps({"id": f"row {i}", "x": x}) for i, x in enumerate(inputs(2).tolist())]
    (store.folder / "in.jsonl").write_text("\n".join([good[0], "no json", good[1]]))
    run = ["job", "run", tiny.bundle.folder, "in.jsonl", *zkml.srs, "--ram", "200MB", "--out", "out", "--json", "--threads", "1"]
    done = zkml(*run)
    assert done.returncode == 3, done.stderr
    state = json.loads(done.stdout)
    assert (state["counts"]["done"], state["counts"]["malformed"], state["state"]) == (2, 1, "finished")
    assert state["cost"]["proofs"] == 2
    assert "1 of 3 inputs have no proof" in done.stderr
    manifest = [json.loads(line) for line in (store.folder / "out" / "manifest.jsonl").read_text().splitlines()]
    assert [(row["name"], row["state"], row["code"]) for row in manifest] == [
        ("row 0", "done", None),
        (None, "malformed", "json"),
        ("row 1", "done", None),
    ]
    proof = store.folder / "out" / manifest[0]["proof"]
    verified = zkml("verify", tiny.bundle.folder, proof, "--unsafe-srs", "--json")
    assert verified.returncode == 0, verified.stderr
    again = zkml(*run)
    assert again.returncode == 3
    assert json.loads(again.stdout)["id"] == state["id"]
    assert json.loads(again.stdout)["cost"] == state["cost"]


def test_submit_worker_status_results(zkml: Command, store: Store, tiny: Tiny) -> None:
    text = "".join(json.dumps({"x": x}) + "\n" for x in inputs(2).tolist())
    submitted = zkml("job", "submit", tiny.bundle.folder, "-", *zkml.srs, "--ram", "200MB", "--name", "night", stdin=text)
    assert submitted.returncode == 0, submitted.stderr
    job = submitted.stdout.strip()
    early = zkml("job", "results", job, "--out", "out", "--json")
    assert (early.returncode, json.loads(early.stdout)["code"]) == (2, "not-finished")
    partial = zkml("job", "results", job, "--out", "part", "--partial", "--format", "jsonl", "--json")
    assert (partial.returncode, json.loads(partial.stdout)["done"]) == (0, 0)
    worked = zkml("worker", "--drain", "--threads", "1", "--json")
    assert (worked.returncode, json.loads(worked.stdout)["proved"]) == (0, 2), worked.stderr
    state = zkml("job", "status", job[:4], "--price", "3.6")
    assert state.returncode == 0
    assert f"{job} (night), finished" in state.stdout
    assert "2: 2 done" in state.stdout
    assert [j["id"] for j in json.loads(zkml("job", "list", "--json").stdout)] == [job]
    log = [json.loads(line) for line in zkml("job", "logs", job, "--json").stdout.splitlines()]
    assert [(a["position"], a["outcome"], a["engine"]) for a in log] == [(0, "done", "rust"), (1, "done", "rust")]
    results = zkml("job", "results", job, "--out", "out")
    assert (results.returncode, results.stdout.strip()) == (0, "out")
    late = zkml("job", "cancel", job)
    assert (late.returncode, late.stdout.strip()) == (0, "0 proofs will not be made")
    assert f"job {job} was finished already" in late.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("job", "status", "nothing"), 2, "no-job"),
        (("job", "run", "nothing"), 2, "no-job"),
        (("job", "list", "--db", "mysql://x/y"), 2, "jobs-url"),
        (("job", "list", "--db", "sqlite:////proc/none/jobs.db"), 5, "database-away"),
    ],
)
def test_mistakes_are_told_with_their_status(zkml: Command, arguments: tuple[str, ...], status: int, code: str) -> None:
    done = zkml(*arguments, "--json")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (status, code), done.stderr
    assert "zkml: error:" in done.stderr


def test_a_job_that_no_worker_can_do_ends_with_the_reason(zkml: Command, store: Store, tiny: Tiny) -> None:
    np.save(store.folder / "in.npy", inputs(1))
    run = ["job", "run", tiny.bundle.folder, "in.npy", *zkml.srs, "--json"]
    done = zkml(*run, "--ram", "900GB")
    assert (done.returncode, json.loads(done.stdout)["code"]) == (4, "max-ram"), done.stderr


def test_a_submission_that_is_killed_is_taken_up_by_the_next(zkml: Command, store: Store, tiny: Tiny) -> None:
    count = 60_000
    with (store.folder / "in.jsonl").open("w") as f:
        f.writelines('{"x": [' + f"{i // 300}.25, {i % 300}.5, 0]}}\n" for i in range(count))
    submit = ["job", "submit", tiny.bundle.folder, "in.jsonl", *zkml.srs, "--ram", "200MB", "--json"]
    killed = zkml.start(*submit)
    deadline = time.monotonic() + 120
    while not (store.folder / "jobs.db").exists() or not sum(len(b) for b in _entries(store)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    done = zkml(*submit)
    assert done.returncode == 0, done.stderr
    taken = json.loads(done.stdout)
    assert taken["entries"] == count
    assert taken["new"] < count
    assert counts(store.db, taken["job"])["waiting"] == count
    assert find(store.db, taken["job"]).state == "open"


def _entries(store: Store) -> list[list[dict[str, object]]]:
    from zkml.jobs.manage import jobs

    return [batch for job in jobs(store.db) for batch in rows(store.db, job.id)][:1]


def test_a_signal_stops_the_run_and_the_job_goes_on_later(zkml: Command, store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(12)).job
    run = zkml.start("job", "run", job, "--out", "out", "--threads", "1", "--max-ram", "2GB")
    deadline = time.monotonic() + 120
    while counts(store.db, job)["done"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    run.terminate()
    _, said = run.communicate(timeout=90)
    assert run.returncode == 130, said
    assert f"zkml job run {job}" in said
    assert not Path(store.folder / "out").exists()
    assert counts(store.db, job)["leased"] == 0
    rest = zkml("job", "run", job, "--out", "out", "--workers", "2", "--threads", "1", "--max-ram", "2GB")
    assert rest.returncode == 0, rest.stderr
    assert len((store.folder / "out" / "manifest.jsonl").read_text().splitlines()) == 12
