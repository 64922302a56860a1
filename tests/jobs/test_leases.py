"""Leases: what a worker that lost one writes changes nothing, and no clock is believed."""

from __future__ import annotations

import sqlalchemy as sa

from tests.jobs.conftest import Store, Tiny, inputs
from zkml.errors import InfeasibleError, WitnessError
from zkml.jobs import leases, machine, workers
from zkml.jobs.leases import Lease, Proof, Request
from zkml.jobs.manage import cancel, counts, find, retry
from zkml.jobs.tables import ALIVE, DEAD, Attempt, Item, Worker

GIB = 1 << 30
PROOF = Proof("ab" * 32, "cd" * 32, 1.0, 1 << 20, 1, "rust", "cpu")


def take(store: Store, worker: str, want: int = 1, **more: object) -> list[Lease]:
    return leases.lease(store.db, worker, Request(want, GIB, GIB, **more))  # type: ignore[arg-type]


def attempts(store: Store) -> list[tuple[str, str]]:
    query = sa.select(Attempt.worker, Attempt.outcome).order_by(Attempt.id)
    return store.db.read(lambda c: [(row.worker, row.outcome) for row in c.execute(query)])


def make_due(store: Store) -> None:
    store.db.write(lambda c: c.execute(sa.update(Item).values(not_before=0.0)) and None)


def test_the_outcome_of_a_lost_lease_changes_nothing(either: Store, tiny: Tiny) -> None:
    either.submit(tiny, inputs(1))
    slow, quick = workers.register(either.db), workers.register(either.db)
    (old,) = take(either, slow)
    assert take(either, quick) == []
    assert workers.bury(either.db, slow, "fell silent")
    make_due(either)
    (new,) = take(either, quick)
    assert new.item == old.item
    assert new.fence > old.fence
    assert not leases.finish(either.db, slow, old, PROOF)
    assert not leases.fail(either.db, slow, old, WitnessError("no witness"), again=False)
    assert not leases.crashed(either.db, slow, old, "killed")
    leases.give_back(either.db, slow, [old])
    assert leases.still_held(either.db, quick, [new]) == {new.item}
    assert leases.finish(either.db, quick, new, PROOF)
    assert attempts(either) == [(slow, "crashed"), (quick, "done")]


def test_one_name_with_an_old_fence_writes_nothing_either(either: Store, tiny: Tiny) -> None:
    either.submit(tiny, inputs(1))
    worker = workers.register(either.db)
    (old,) = take(either, worker)
    leases.give_back(either.db, worker, [old])
    (new,) = take(either, worker)
    assert not leases.finish(either.db, worker, old, PROOF)
    assert leases.finish(either.db, worker, new, PROOF)
    assert leases.finish(either.db, worker, new, PROOF)  # the same transaction again, after its answer was lost
    assert attempts(either) == [(worker, "done")]


def test_a_lease_whose_answer_was_lost_is_found_again(either: Store, tiny: Tiny) -> None:
    either.submit(tiny, inputs(3))
    worker = workers.register(either.db)
    lost = take(either, worker, want=2)
    found = take(either, worker, want=2)
    assert [one.item for one in found] == [one.item for one in lost]
    assert all(a.fence > b.fence for a, b in zip(found, lost, strict=True))
    held = frozenset(one.item for one in found)
    assert [one.item for one in take(either, worker, want=2, holding=held)] not in ([], sorted(held))


def test_a_dead_worker_is_charged_with_the_item_it_was_at_alone(either: Store, tiny: Tiny) -> None:
    either.submit(tiny, inputs(2))
    for turn in range(3):
        worker = workers.register(either.db)
        first, second = take(either, worker, want=2)
        workers.bury(either.db, worker, "killed")
        make_due(either)
        rows = either.db.read(lambda c: c.execute(sa.select(Item.id, Item.crashes, Item.state)).all())
        crashes = {row.id: row.crashes for row in rows}
        assert crashes == {first.item: turn + 1, second.item: 0}
    failed = sa.select(Item.state, Item.code, Item.reason).where(Item.id == first.item)
    row = either.db.read(lambda c: c.execute(failed).one())
    assert (row.state, row.code) == ("failed", "crashed")
    assert "killed its worker three times" in str(row.reason)


def test_an_item_is_tried_later_each_time_and_fails_for_good_at_last(either: Store, tiny: Tiny) -> None:
    job = either.submit(tiny, inputs(1), max_attempts=3).job
    worker = workers.register(either.db)
    waits = []
    wait = sa.select(Item.not_before - sa.select(sa.func.max(Attempt.at)).scalar_subquery())
    for _ in range(3):
        (one,) = take(either, worker)
        leases.fail(either.db, worker, one, InfeasibleError("too slow", code="max-time"), again=True)
        waits.append(either.db.read(lambda c: c.execute(wait).scalar_one()))
        make_due(either)
    assert 0.4 < waits[0] <= 1.0
    assert 0.9 < waits[1] <= 2.0
    assert [outcome for _, outcome in attempts(either)] == ["retry", "retry", "failed"]
    assert counts(either.db, job)["failed"] == 1
    assert retry(either.db, find(either.db, job)) == 1
    assert len(take(either, worker)) == 1


def test_a_clock_set_back_holds_no_item_up(store: Store, tiny: Tiny) -> None:
    store.submit(tiny, inputs(1))
    worker = workers.register(store.db)
    (one,) = take(store, worker)
    leases.fail(store.db, worker, one, InfeasibleError("too slow"), again=True)

    def later(seconds: float) -> None:
        store.db.write(lambda c: c.execute(sa.update(Item).values(not_before=Item.not_before + seconds)) and None)

    later(100.0)
    assert take(store, worker) == []
    later(86_400.0)  # as if the clock had been set back a day
    assert len(take(store, worker)) == 1


def test_memory_is_shared_by_the_workers_of_a_machine(either: Store, tiny: Tiny) -> None:
    either.submit(tiny, inputs(3), ram=600 << 20)
    first, second = workers.register(either.db), workers.register(either.db)
    assert len(take(either, first)) == 1
    assert take(either, second) == []
    workers.end(either.db, first)
    assert len(take(either, second)) == 1


def elsewhere(store: Store, name: str) -> None:
    values = {"host": "another machine", "pid": 1, "started": 1.0, "state": ALIVE, "beat": 0, "reserved": 0, "registered": 0.0}
    store.db.write(lambda c: c.execute(sa.insert(Worker).values(id=name, **values)) and None)


def state_of(store: Store, name: str) -> str:
    return store.db.read(lambda c: str(c.execute(sa.select(Worker.state).where(Worker.id == name)).scalar_one()))


def test_a_silent_worker_elsewhere_is_buried_by_the_watchers_own_clock(store: Store, tiny: Tiny) -> None:
    store.record(tiny)
    elsewhere(store, "far")
    now = 1000.0
    watch = workers.Watch(store.db, "me", silence=60, interval=2, clock=lambda: now)
    watch.look()
    now += 1e6  # the watcher was stopped, or its clock jumped: one look proves nothing
    assert watch.look() == []
    for _ in range(10):
        now += 2
        assert watch.look() == []
    workers.beat(store.db, "far")
    for _ in range(30):
        now += 2
        assert watch.look() == []
    now += 2
    assert watch.look() == ["far"]
    assert state_of(store, "far") == DEAD
    assert not workers.beat(store.db, "far")


def test_a_killed_worker_of_this_machine_is_buried_at_once(store: Store, tiny: Tiny) -> None:
    store.record(tiny)
    alive = workers.register(store.db)
    gone = workers.register(store.db)
    other = sa.update(Worker).where(Worker.id == gone).values(started=machine.own_start() - 1)
    store.db.write(lambda c: c.execute(other) and None)  # its process number is now another process's
    assert workers.Watch(store.db, "me").look() == [gone]
    assert state_of(store, alive) == ALIVE


def test_a_cancelled_job_leaves_nothing_but_what_others_asked_for(either: Store, tiny: Tiny) -> None:
    first = either.submit(tiny, inputs(3))
    second = either.submit(tiny, inputs(1))
    worker = workers.register(either.db)
    held = take(either, worker, want=2)
    assert cancel(either.db, find(either.db, first.job)) == 2
    assert leases.still_held(either.db, worker, held) == {held[0].item}
    assert not leases.finish(either.db, worker, held[1], PROOF)
    assert leases.finish(either.db, worker, held[0], PROOF)
    assert counts(either.db, first.job) == {"waiting": 0, "leased": 0, "done": 1, "failed": 0, "cancelled": 2, "malformed": 0}
    assert counts(either.db, second.job)["done"] == 1
    assert retry(either.db, find(either.db, first.job)) == 2
    assert find(either.db, first.job).state == "open"
    assert cancel(either.db, find(either.db, first.job)) == 2
    assert cancel(either.db, find(either.db, first.job)) == 0
