"""Jobs on a Ray cluster: the same results, whatever node is lost."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.chaos import check_each_once
from tests.jobs.conftest import Store, Tiny, inputs
from tests.jobs.test_kills import different
from zkml.errors import EnvironmentFault, InfeasibleError, UsageError
from zkml.jobs import cluster
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import by_key, open_files, ship
from zkml.jobs.cluster import check_reach, check_room, check_versions, connect
from zkml.jobs.database import Database

# Root needs no names of its own for it, and would lose its rights to the files of others by them.
OWN_NETWORK = ["unshare", "--net", "--"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net", "--"]


def has_cluster() -> bool:
    """Return whether Ray is installed and a network of its own can be had, as Ray listens on all addresses."""
    if importlib.util.find_spec("ray") is None or not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run([*OWN_NETWORK, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode == 0


needs_cluster = pytest.mark.skipif(not has_cluster(), reason="needs pip install 'zkml[ray]', unshare --net and ip")


def under_kills(store: Store, tiny: Tiny, job: str, *, kills: int, seed: int, seconds: int) -> dict[str, int]:
    command = [*OWN_NETWORK, sys.executable, "-m", "tests.jobs.ray_chaos", job, str(kills), str(seed), str(seconds)]
    environment = os.environ | store.environment(tiny) | {"RAY_USAGE_STATS_ENABLED": "0", "TMPDIR": "/tmp"}
    ended = subprocess.run(
        [*command, str(store.folder / "results")], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stderr[-6000:]
    found: dict[str, int] = json.loads(ended.stdout.splitlines()[-1])
    return found


@needs_cluster
@pytest.mark.slow
def test_a_job_survives_the_loss_of_nodes(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, different(60)).job
    killed = under_kills(store, tiny, job, kills=5, seed=1, seconds=600)
    assert killed == {"node": 2, "coordinator": 1, "worker": 1, "prover": 1}
    check_each_once(store, job, 60)


@needs_cluster
@pytest.mark.slow
def test_a_thousand_proofs_survive_twenty_kills_of_nodes_and_processes(either: Store, tiny: Tiny) -> None:
    job = either.submit(tiny, different(1000)).job
    killed = under_kills(either, tiny, job, kills=20, seed=2, seconds=3000)
    assert sum(killed.values()) == 20
    check_each_once(either, job, 1000)


def node(address: str = "127.0.0.1", **resources: float) -> dict[str, Any]:
    return {"NodeManagerAddress": address, "Resources": resources, "Alive": True}


def test_nodes_elsewhere_need_a_database_and_a_store_that_they_reach(store: Store) -> None:
    check_reach([node(), node("10.0.0.5")], "10.0.0.5", store.db, store.artefacts)
    far = [node(), node("10.0.0.5"), node("10.0.0.6")]
    with pytest.raises(UsageError, match="1 other machines") as e:
        check_reach(far, "10.0.0.5", store.db, store.artefacts)
    assert e.value.code == "cluster-database"
    postgres = Database("postgresql://nobody@localhost/none")
    with pytest.raises(UsageError) as e:
        check_reach(far, "10.0.0.5", postgres, store.artefacts)
    assert e.value.code == "cluster-store"
    check_reach(far, "10.0.0.5", postgres, Artefacts("memory://jobs"))


def test_a_worker_that_no_node_has_room_for_is_refused_at_once() -> None:
    nodes = [node(CPU=4, memory=1 << 30), node(CPU=1, memory=8 << 30)]
    check_room(nodes, 4, 1 << 30, 0)
    with pytest.raises(InfeasibleError, match=r"2 cores, 2048 MiB: the most that 2 have is 4 cores, 8192 MiB"):
        check_room(nodes, 2, 2 << 30, 0)
    with pytest.raises(InfeasibleError, match="1 GPUs"):
        check_room(nodes, 1, 1 << 20, 1)


def test_another_version_on_a_node_is_named() -> None:
    with pytest.raises(EnvironmentFault, match=r"zkml 0\.0\.1"):
        check_versions({"zkml": "0.0.1", "python": "3.11"})


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EnvironmentFault) as e:
        connect("ray://127.0.0.1:1")
    assert (e.value.code, e.value.hint) == ("no-ray", "pip install 'zkml[ray]'")


def test_an_actor_that_was_stopped_before_it_began_does_not_begin() -> None:
    worker = cluster.NodeWorker(["--nonsense"], {})
    worker.stop()
    assert worker.work() == (0, b"")


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs pip install 'zkml[ray]'")
def test_no_cluster_at_an_address_is_an_error_of_the_environment(store: Store, tiny: Tiny) -> None:
    job = store.submit(tiny, inputs(2)).job
    command = [sys.executable, "-m", "zkml.cli", "job", "run", job, "--on", "127.0.0.1:1", "--json"]
    environment = os.environ | store.environment(tiny)
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180, check=False)
    assert ended.returncode == 5, ended.stderr
    assert "no Ray cluster at 127.0.0.1:1" in ended.stderr
    command[command.index("127.0.0.1:1")] = "somewhere"
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180, check=False)
    assert ended.returncode == 2, ended.stderr


def test_a_machine_takes_keys_from_a_store_far_away_once(
    store: Store, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Artefacts(f"memory://{uuid.uuid4()}")
    ship(store.db, store.record(tiny), far)
    circuit = dataclasses.replace(by_key(store.db, 1), bundle=tmp_path / "gone", srs=tmp_path / "gone.srs")
    monkeypatch.setenv("ZKML_HOME", str(tmp_path / "home"))
    fetched: list[str] = []
    take = far.fetch

    def fetch(digest: str, target: Path) -> None:
        fetched.append(digest)
        take(digest, target)

    monkeypatch.setattr(far, "fetch", fetch)
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        open_files(circuit, far, folder)
        assert {p.name for p in folder.iterdir()} >= set(circuit.files)
    assert sorted(fetched) == sorted(circuit.files.values())
    kept = tmp_path / "home" / "jobs" / "taken" / circuit.files["srs.srs"]
    kept.chmod(0o600)
    kept.write_bytes(b"changed")  # what was changed on this machine is taken again
    (tmp_path / "three").mkdir()
    open_files(circuit, far, tmp_path / "three")
    assert len(fetched) == len(circuit.files) + 1
