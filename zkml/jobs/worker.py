"""A worker: takes items, has a process of its own prove them, verifies each proof, stores it, and only then says that it is done.

It works on one circuit at a time, which it keeps open. What it cannot use (a circuit that needs more memory than there
is, a bundle that was changed or is gone) it says and leaves to others. A disk that is full or a store that is away holds it up,
and costs no item an attempt.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from zkml.errors import EnvironmentFault, InfeasibleError, InternalFault, MalformedArtifact, NetworkError, ZkmlError
from zkml.jobs import leases, machine, workers
from zkml.jobs.blobs import Artefacts
from zkml.jobs.child import Fields
from zkml.jobs.circuits import BLOCKING, CircuitRecord, by_key, note_problem
from zkml.jobs.database import Database
from zkml.jobs.layout import Identity, instances_digest
from zkml.jobs.leases import Lease, LeaseLost, Proof, Request
from zkml.jobs.manage import Remaining, close_finished, remaining
from zkml.jobs.process import FIRST_ROOM, Crashed, Failed, Made, ProverProcess
from zkml.jobs.stop import Stop
from zkml.proof.prove import MATHEMATICS_ONLY
from zkml.protocol import decode
from zkml.verifier.native import NativeVerifier, proof_from_json

IDLE_SECONDS = 0.5
LONGEST_POLL = 0.25
CLOSE_SECONDS = 5.0
BLOCKED_SECONDS = 30.0
"""After this long a circuit that could not be opened is tried again."""
GRACE_SECONDS = 30.0

HELD_UP = ("disk", "store", "database-away")
"""What hinders the worker and not the item."""
PASSING = (EnvironmentFault, NetworkError, InternalFault, InfeasibleError)
"""Errors that another attempt, perhaps on another machine, need not meet."""

log = logging.getLogger("zkml.jobs")


@dataclass
class Tally:
    """What a worker did."""

    proved: int = 0
    failed: int = 0
    retried: int = 0
    crashed: int = 0
    lost: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Options:
    """How a worker works: `ram` bytes it may use (None: what the machine has), on `job` alone or on all, until there is nothing
    left when `drain`, no more than `max_seconds` on a proof."""

    threads: int
    ram: int | None = None
    job: str | None = None
    drain: bool = False
    max_seconds: float | None = None
    grace: float = GRACE_SECONDS
    silence: float = workers.SILENCE_SECONDS


class _Beats(threading.Thread):
    """Beats while the worker lives, whatever it waits for; `lost` when it was declared dead."""

    def __init__(self, db: Database, name: str) -> None:
        super().__init__(name="zkml-beats", daemon=True)
        self._db, self._name = db, name
        self.ended = threading.Event()
        self.lost = threading.Event()
        self.error: ZkmlError | None = None

    def run(self) -> None:
        while not self.ended.wait(workers.BEAT_SECONDS):
            try:
                if not workers.beat(self._db, self._name):
                    self.lost.set()
                    return
            except ZkmlError as e:
                self.error = e
                return


class Worker:
    """One worker in this process. `run` it from a thread that lives as long as the process (see `ProverProcess`)."""

    def __init__(
        self,
        db: Database,
        artefacts: Artefacts,
        options: Options,
        *,
        stop: Stop | None = None,
        say: Callable[[str], None] = log.info,
    ) -> None:
        self.db, self.artefacts, self.options = db, artefacts, options
        self.stop = stop or Stop()
        self.tally = Tally()
        self._say = say
        self._host_ram = machine.usable_memory()
        self._ram = options.ram if options.ram is not None else self._host_ram
        self._process: ProverProcess | None = None
        self._verifier: NativeVerifier | None = None
        self._identity: Identity | None = None
        self._blocked: dict[int, tuple[float, ZkmlError]] = {}
        self._place = 0
        self._close_due = float("-inf")

    def run(self) -> Tally:
        """Work until stopped, or, draining, until nothing is left that this worker could do.

        Raises the error that keeps it from what is left, `EnvironmentFault` when the database stays away or the disk full.
        """
        began = time.monotonic()
        try:
            while self._life():
                self._say("this worker was taken for dead: it starts anew")
        finally:
            self.tally.seconds = time.monotonic() - began
        return self.tally

    def _life(self) -> bool:
        """Live as one registered worker; return True when it was declared dead and another has to follow."""
        self.name = workers.register(self.db)
        beats = _Beats(self.db, self.name)
        beats.start()
        watch = workers.Watch(self.db, self.name, silence=self.options.silence)
        looked = float("-inf")
        try:
            while not self.stop.is_set():
                if beats.lost.is_set():
                    return True
                if beats.error is not None:
                    raise beats.error
                if time.monotonic() - looked >= workers.BEAT_SECONDS:
                    for dead in watch.look():
                        self._say(f"{dead} is dead: what it held is taken up again")
                    self._drop_what_was_taken_away()
                    looked = time.monotonic()
                if not self._fill() and not self._busy and self._nothing_left():
                    return False
                self._wait()
            self._finish_current()
            return False
        except LeaseLost:
            return True
        finally:
            beats.ended.set()
            held = self._process.leases if self._process is not None else []
            self._close_process()
            beats.join()
            try:
                leases.give_back(self.db, self.name, held)
                workers.end(self.db, self.name)
                self._close_finished(now=True)
            except ZkmlError as e:  # it is found dead, and its items are taken up, once the database is back
                self._say(f"cannot take leave of the job database: {e.message}")

    # ---- taking items

    @property
    def _busy(self) -> bool:
        return self._process is not None and bool(self._process.queue)

    def _fill(self) -> bool:
        """Take items while there is room for them; return whether there were any."""
        room = FIRST_ROOM if self._process is None else self._process.room
        if room == 0:
            return True
        now = time.monotonic()
        self._blocked = {k: v for k, v in self._blocked.items() if v[0] > now}
        held = self._process.leases if self._process is not None else []
        asked = Request(
            want=room,
            ram=self._ram,
            host_ram=max(self._host_ram, self._ram),
            held=self._process.circuit.key if self._process is not None else None,
            job=self.options.job,
            blocked=frozenset(self._blocked),
            holding=frozenset(lease.item for lease in held),
            place=self._place,
        )
        taken = leases.lease(self.db, self.name, asked)
        self._place += 1
        if not taken:
            return False
        if self._process is None or self._process.circuit.key != taken[0].circuit:
            if self._busy:  # of another circuit: not before the last proof of this one
                leases.give_back(self.db, self.name, taken)
                return True
            if not self._open(taken):
                return True
        for lease in taken:
            self._put(lease)
        return True

    def _open(self, taken: list[Lease]) -> bool:
        """Open the circuit of these items; where that cannot be, give them back and leave the circuit alone for a while."""
        self._close_process()
        key = taken[0].circuit
        try:
            circuit = by_key(self.db, key)
            self._process = ProverProcess(
                circuit,
                self.artefacts,
                threads=self.options.threads,
                max_ram=self._ram,
                max_seconds=self.options.max_seconds,
            )
            text = (self._process.folder / "protocol.json").read_bytes()
            protocol = decode(text)
            if protocol.circuit_id != circuit.circuit_id:
                raise MalformedArtifact("the store's record names another circuit than its Protocol", code="circuit-record")
            self._lasting(lambda: self.artefacts.put(text))  # goes with the results
        except BLOCKING as e:
            self._close_process()
            leases.give_back(self.db, self.name, taken)
            self._say(f"circuit cannot be used here: {e.message}")
            self._blocked[key] = (time.monotonic() + BLOCKED_SECONDS, e)
            note_problem(self.db, key, e.message)
            return False
        except ZkmlError:
            leases.give_back(self.db, self.name, taken)
            raise
        self._verifier = NativeVerifier(protocol)
        self._identity = Identity(circuit.circuit_id, circuit.statement, circuit.layout)
        if circuit.problem is not None:
            note_problem(self.db, key, None)
        return True

    def _put(self, lease: Lease) -> None:
        assert self._process is not None
        try:
            fields = self._fields(self._process.circuit, lease)
        except MalformedArtifact as e:
            self._count(leases.fail(self.db, self.name, lease, e, again=True), "retried", f"item {lease.item}: {e.message}")
            return
        self._process.put(lease, fields)

    def _fields(self, circuit: CircuitRecord, lease: Lease) -> Fields:
        """Return an item's input from the store, which must be that of its digest."""
        assert self._identity is not None
        start = lease.row * lease.row_bytes
        row = self._lasting(lambda: self.artefacts.slice(lease.chunk, start, start + lease.row_bytes))
        if self._identity(row) != lease.digest:
            raise MalformedArtifact("the input in the store is not what was submitted", code="changed")
        return list(circuit.layout.decode(row).items())

    # ---- outcomes

    def _wait(self) -> None:
        if not self._busy:
            self.stop.wait(IDLE_SECONDS)
            return
        assert self._process is not None
        outcome = self._process.receive(LONGEST_POLL)
        if outcome is not None:
            self._settle(outcome)

    def _settle(self, outcome: Made | Failed | Crashed) -> None:
        """Write down what became of an item."""
        lease = outcome.lease
        if isinstance(outcome, Made):
            checked = self._check(outcome)
            if isinstance(checked, Proof):
                self._count(leases.finish(self.db, self.name, lease, checked), "proved")
                return
            outcome = checked
        if isinstance(outcome, Failed):
            e = outcome.error
            again = isinstance(e, PASSING)
            known = leases.fail(self.db, self.name, lease, e, again=again)
            self._count(known, "retried" if again else "failed", f"item {lease.item}: {e.message}")
            gone = e.code in ("max-ram", "max-time")
        else:
            known = leases.crashed(self.db, self.name, lease, outcome.what)
            self._count(known, "crashed", f"item {lease.item}: {outcome.what}")
            gone = True
        if gone:
            self._give_back_rest()

    def _check(self, made: Made) -> Proof | Failed:
        """Verify a proof and store it; what is counted as done is what was verified, byte for byte."""
        assert self._verifier is not None
        try:
            proof = proof_from_json(made.text)
        except MalformedArtifact as e:
            return Failed(made.lease, InternalFault(f"the proof that was made does not parse: {e.message}", code="bad-proof"))
        verdict = self._verifier.check(proof, MATHEMATICS_ONLY)
        if not verdict.accepted:
            said = f"the proof that was made does not verify: {verdict.reason}"
            return Failed(made.lease, InternalFault(said, code="bad-proof", details=verdict.as_dict()))
        digest = self._lasting(lambda: self.artefacts.put(made.text))
        cost = {k: v for k, v in made.cost.items() if k != "reason"}
        return Proof(digest, instances_digest(proof.instances), **cost)

    def _lasting(self, f: Callable[[], Any]) -> Any:
        """Return what `f` returns, tried again while a full disk or a store that is away holds it up."""
        deadline = time.monotonic() + self.db.patience
        pause, told = 0.5, False
        while True:
            try:
                return f()
            except (EnvironmentFault, NetworkError) as e:
                if e.code not in HELD_UP or time.monotonic() + pause > deadline or self.stop.is_set():
                    raise
                if not told:
                    self._say(f"{e.message}: waiting for {self.db.patience:.0f} s")
                    told = True
            self.stop.wait(pause)
            pause = min(2 * pause, 5.0)

    def _count(self, known: bool, word: str, message: str | None = None) -> None:
        name = word if known else "lost"
        setattr(self.tally, name, getattr(self.tally, name) + 1)
        if message is not None:
            self._say(message if known else f"{message} (its lease was lost)")

    # ---- ends

    def _give_back_rest(self) -> None:
        """End the process, and give back what waited behind the item that it was at."""
        assert self._process is not None
        rest = self._process.leases
        self._close_process()
        leases.give_back(self.db, self.name, rest)

    def _drop_what_was_taken_away(self) -> None:
        """End the process when its items were cancelled: a proof cannot be stopped otherwise."""
        if not self._busy:
            return
        assert self._process is not None
        held = self._process.leases
        kept = leases.still_held(self.db, self.name, held)
        if len(kept) < len(held):
            self._say("items were taken away: their job was cancelled, or this worker taken for dead")
            self.tally.lost += len(held) - len(kept)
            self._close_process()
            leases.give_back(self.db, self.name, [lease for lease in held if lease.item in kept])

    def _finish_current(self) -> None:
        """Give back what waits, and finish the item in proof if that takes no longer than the grace."""
        if not self._busy:
            return
        assert self._process is not None
        behind = [self._process.queue.pop()[0] for _ in range(len(self._process.queue) - 1)]
        leases.give_back(self.db, self.name, behind)
        deadline = time.monotonic() + self.options.grace
        while time.monotonic() < deadline:
            outcome = self._process.receive(LONGEST_POLL)
            if outcome is not None:
                self._settle(outcome)
                return

    def _nothing_left(self) -> bool:
        """Whether a draining worker has nothing to wait for. Raises what keeps this worker from all that is left."""
        self._close_finished()
        if not self.options.drain:
            return False
        left: Remaining = remaining(self.db, self.options.job, ram=self._ram, blocked=frozenset(self._blocked))
        if left.leased or left.usable:
            return False
        if left.blocked and self._blocked:
            raise next(iter(self._blocked.values()))[1]
        if left.too_large is not None:
            raise InfeasibleError(
                f"a proof needs {left.too_large} bytes of memory, this worker may use {self._ram}",
                hint="use a machine with more memory, or --max-ram if it has more than is known; `--ram` of `zkml job submit`"
                " states what a proof takes where the estimate is wrong",
                code="max-ram",
            )
        return True

    def _close_finished(self, *, now: bool = False) -> None:
        began = time.monotonic()
        if now or began >= self._close_due:
            close_finished(self.db)
            took = time.monotonic() - began
            self._close_due = began + max(IDLE_SECONDS if self.options.drain else CLOSE_SECONDS, 20 * took)

    def _close_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close()
