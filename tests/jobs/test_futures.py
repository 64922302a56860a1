"""Jobs as futures: results, typed errors, killed workers, cancelling, and an event loop that is never held up."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import time

import psutil
import pytest

import zkml.jobs
from tests.jobs.conftest import Store, Tiny, inputs
from zkml.errors import InfeasibleError, SampleError, WitnessError, ZkmlError
from zkml.jobs.futures import Jobs, typed
from zkml.jobs.manage import counts

SECONDS = 120
RAM = 1 << 28


def opened(store: Store, workers: int = 1) -> Jobs:
    return zkml.jobs.open(store.db.url, store=store.artefacts.url, workers=workers, threads=1, max_ram=1 << 31)


def test_items_are_futures_with_proofs(store: Store, tiny: Tiny) -> None:
    with opened(store) as jobs:
        job = jobs.submit(tiny.bundle, {"x": inputs(3)}, srs=tiny.srs, ram=RAM)
        found = {f.position: f.result().read() for f in concurrent.futures.as_completed(job.items, SECONDS)}  # type: ignore[attr-defined]
        assert sorted(found) == [0, 1, 2]
        assert len({p.proof for p in found.values()}) == 3
        again = jobs.submit(tiny.bundle, {"x": inputs(3)}, srs=tiny.srs, ram=RAM)
        assert again.id == job.id
        assert again.result(SECONDS) == job.result(0)


def test_malformed_items_have_their_own_errors(store: Store, tiny: Tiny) -> None:
    path = store.folder / "in.jsonl"
    path.write_text(json.dumps({"x": [0, 0, 0]}) + "\nno json\n")
    with opened(store) as jobs:
        job = jobs.submit(tiny.bundle, path, srs=tiny.srs, ram=RAM)
        with pytest.raises(SampleError):
            job.items[1].result(SECONDS)
        assert job.items[0].result(SECONDS).position == 0
        with pytest.raises(SampleError):
            job.result(SECONDS)


def test_what_fits_no_worker_ends_all_its_futures(store: Store, tiny: Tiny) -> None:
    with opened(store) as jobs:
        job = jobs.submit(tiny.bundle, {"x": inputs(2)}, srs=tiny.srs, ram=1 << 40)
        with pytest.raises(InfeasibleError):
            job.items[1].result(SECONDS)


def test_errors_have_their_kind() -> None:
    assert type(typed("witness", "why")) is WitnessError
    assert type(typed("max-time", "why")) is InfeasibleError
    assert (type(typed("unheard-of", "why")), typed("unheard-of", "why").code) == (ZkmlError, "unheard-of")


def test_a_killed_worker_costs_nothing(store: Store, tiny: Tiny) -> None:
    with opened(store) as jobs:
        job = jobs.submit(tiny.bundle, {"x": inputs(12)}, srs=tiny.srs, ram=RAM)
        job.items[0].result(SECONDS)
        workers = [p for p in psutil.Process().children() if "worker" in p.cmdline()]
        assert workers
        for worker in workers:
            worker.kill()
        assert [p.position for p in job.result(SECONDS)] == list(range(12))


def test_cancelling_ends_the_futures(store: Store, tiny: Tiny) -> None:
    with opened(store, workers=0) as jobs:
        job = jobs.submit(tiny.bundle, {"x": inputs(2)}, srs=tiny.srs, ram=RAM)
        with pytest.raises(TimeoutError):
            job.result(0.2)
        assert job.items[0].cancel() is False
        assert job.cancel() == 2
        with pytest.raises(concurrent.futures.CancelledError):
            job.items[0].result(SECONDS)
        assert job.items[1].cancelled() or job.items[1].exception(SECONDS) is None


def test_closing_ends_the_futures_and_not_the_job(store: Store, tiny: Tiny) -> None:
    with opened(store, workers=0) as jobs:
        job = jobs.submit(tiny.bundle, {"x": inputs(2)}, srs=tiny.srs, ram=RAM)
    assert all(item.cancelled() for item in job.items)
    assert counts(store.db, job.id)["waiting"] == 2
    with pytest.raises(ZkmlError, match="closed"):
        jobs.submit(tiny.bundle, {"x": inputs(2)}, srs=tiny.srs, ram=RAM)


def test_an_event_loop_is_never_held_up(store: Store, tiny: Tiny) -> None:
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)

    async def main() -> None:
        ticking = asyncio.create_task(tick())
        async with opened(store) as jobs:
            job = await jobs.submit_async(tiny.bundle, {"x": inputs(4)}, srs=tiny.srs, ram=RAM)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(job.items[3], 0.001)  # who gives up takes nothing from the others
            first = await job.items[0]
            proofs = await asyncio.wait_for(job, SECONDS)
            assert [p.position for p in proofs] == [0, 1, 2, 3]
            assert first == proofs[0]
        ticking.cancel()

    asyncio.run(main())
    assert longest < 1.0


def test_an_awaited_item_of_a_cancelled_job_is_cancelled(store: Store, tiny: Tiny) -> None:
    async def main() -> None:
        async with opened(store, workers=0) as jobs:
            job = await jobs.submit_async(tiny.bundle, {"x": inputs(1)}, srs=tiny.srs, ram=RAM)
            waiting = asyncio.create_task(asyncio.wait_for(job.items[0], SECONDS))
            assert await asyncio.to_thread(job.cancel) == 1
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(main())
