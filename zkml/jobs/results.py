"""The results of a job: a manifest as JSON lines and as Parquet, and the proofs, in a folder that is there whole or not at all.

Entries are read and written a batch at a time, so that memory does not grow with their number. A proof lies at
`proofs/ab/<SHA-256>.json`; entries that asked for the same name the same file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zkml.errors import EnvironmentFault, UsageError
from zkml.files import disk_errors, fsync_dir, parse_json, read_bounded, temporary, write_json
from zkml.jobs.blobs import Artefacts
from zkml.jobs.circuits import by_key
from zkml.jobs.database import Database
from zkml.jobs.manage import JobInfo, counts
from zkml.jobs.tables import DONE, FINISHED, Attempt, Entry, Item

BATCH = 2000
FORMATS = ("both", "jsonl", "parquet")
SUMMARY = "job.json"
MAX_SUMMARY_BYTES = 1 << 20
VERSION = 1

Row = dict[str, Any]

COLUMNS = {
    "position": "int64",
    "name": "string",
    "item": "string",
    "state": "string",
    "proof": "string",
    "proof_sha256": "string",
    "statement_sha256": "string",
    "code": "string",
    "reason": "string",
    "attempts": "int64",
    "crashes": "int64",
    "seconds": "double",
    "peak_ram": "int64",
    "threads": "int64",
    "engine": "string",
    "device": "string",
    "worker": "string",
}
"""The manifest's columns: `item` is the digest of circuit, statement and input; `statement_sha256` that of the public values."""


@dataclass(frozen=True)
class Results:
    """What was written where: `entries` of which `done` have a proof, `proofs` different ones."""

    folder: Path
    job: str
    circuit_id: str
    entries: int
    done: int
    proofs: int
    states: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return self.__dict__ | {"folder": str(self.folder)}


def rows(db: Database, job: str) -> Iterator[list[Row]]:
    """Yield the manifest's rows of a job in the order of its entries, a batch at a time."""
    after = -1
    columns = (Entry.position, Entry.name, Entry.code, Entry.reason, Entry.item)
    items = (Item.digest, Item.state, Item.proof, Item.statement, Item.attempts, Item.crashes)
    query = sa.select(*columns, *items, Item.code.label("item_code"), Item.reason.label("item_reason"))
    query = query.outerjoin(Item, Item.id == Entry.item).where(Entry.job == job).order_by(Entry.position).limit(BATCH)
    costs = (Attempt.item, Attempt.seconds, Attempt.peak_ram, Attempt.threads, Attempt.engine, Attempt.device, Attempt.worker)
    while True:
        found = db.read(lambda c, a=after: c.execute(query.where(Entry.position > a)).all())  # type: ignore[misc]
        if not found:
            return
        done = [row.item for row in found if row.state == DONE]
        made = sa.select(*costs).where(Attempt.item.in_(done), Attempt.outcome == "done")
        cost = {row.item: row._mapping for row in db.read(lambda c, m=made: c.execute(m).all())} if done else {}  # type: ignore[misc]
        yield [_row(row, cost.get(row.item, {})) for row in found]
        after = found[-1].position


def proof_path(digest: str) -> str:
    """Return where a proof lies in a folder of results."""
    return f"proofs/{digest[:2]}/{digest}.json"


def _row(row: Any, cost: Any) -> Row:
    malformed = row.item is None
    return {
        "position": row.position,
        "name": row.name,
        "item": None if malformed else bytes(row.digest).hex(),
        "state": "malformed" if malformed else row.state,
        "proof": proof_path(row.proof) if row.state == DONE else None,
        "proof_sha256": row.proof if row.state == DONE else None,
        "statement_sha256": row.statement if row.state == DONE else None,
        "code": row.code if malformed else row.item_code,
        "reason": row.reason if malformed else row.item_reason,
        "attempts": row.attempts,
        "crashes": row.crashes,
    } | {k: cost.get(k) for k in ("seconds", "peak_ram", "threads", "engine", "device", "worker")}


def write_results(
    db: Database,
    artefacts: Artefacts,
    job: JobInfo,
    folder: Path,
    *,
    partial: bool = False,
    formats: str = "both",
    on_progress: Callable[[int], None] | None = None,
) -> Results:
    """Write the results of a job into the new folder `folder`; one that holds results of this job is replaced.

    Raises `UsageError` for a job under way unless `partial`, and for a folder that holds something else, `MalformedArtifact`
    when a proof is not in the artefact store any more, `EnvironmentFault` when the disk is full or pyarrow is missing.
    """
    if job.state != FINISHED and not partial:
        raise UsageError(
            f"job {job.id} is {job.state}, not finished",
            hint="wait for its end (`zkml job status`), or take what there is with --partial",
            code="not-finished",
        )
    _check_target(folder, job)
    circuit = by_key(db, job.circuit)
    states = counts(db, job.id)
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with temporary(f".{folder.name}.", folder.parent, folder=True) as new, contextlib.ExitStack() as stack:
            writers = []
            if formats in ("both", "jsonl"):
                writers.append(stack.enter_context(_json_lines(new / "manifest.jsonl")))
            if formats in ("both", "parquet"):
                writers.append(stack.enter_context(_parquet(new / "manifest.parquet")))
            entries = done = proofs = 0
            for batch in rows(db, job.id):
                for write in writers:
                    write(batch)
                for row in batch:
                    if row["proof"] is not None:
                        done += 1
                        proofs += _copy(artefacts, row["proof_sha256"], new / row["proof"])
                entries += len(batch)
                if on_progress is not None:
                    on_progress(entries)
            stack.close()
            protocol = circuit.files["protocol.json"]
            if artefacts.has(protocol):
                (new / "protocol.json").write_bytes(artefacts.get(protocol))
            results = Results(folder, job.id, circuit.circuit_id, entries, done, proofs, states)
            summary = {"kind": "zkml.job-results", "version": VERSION, "job": job.id, "name": job.name, "state": job.state}
            summary |= {"circuit_id": circuit.circuit_id, "digest": job.digest, "entries": entries, "done": done}
            write_json(new / SUMMARY, summary | {"proofs": proofs, "states": states})
            new.chmod(0o755)
            put_folder(new, folder)
    return results


def _check_target(folder: Path, job: JobInfo) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if (folder / SUMMARY).is_file():
        found = parse_json(read_bounded(folder / SUMMARY, what=SUMMARY, max_bytes=MAX_SUMMARY_BYTES), what=SUMMARY)
        if isinstance(found, dict) and found.get("kind") == "zkml.job-results" and found.get("job") == job.id:
            return
    raise UsageError(f"{folder} exists and holds no results of job {job.id}", hint="choose another --out", code="exists")


def put_folder(new: Path, folder: Path) -> None:
    """Rename the new folder into place; an older one goes once the new one is there."""
    if folder.exists():
        with temporary(f".{folder.name}.old.", folder.parent, folder=True) as old:
            folder.rename(old / folder.name)
            new.rename(folder)
    else:
        new.rename(folder)
    fsync_dir(folder.parent)


def _copy(artefacts: Artefacts, digest: str, target: Path) -> int:
    """Write a proof, read from the store and held against its digest; return 1, or 0 where it is there already."""
    if target.exists():
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(artefacts.get(digest))
    return 1


@contextlib.contextmanager
def _json_lines(path: Path) -> Iterator[Callable[[list[Row]], None]]:
    with path.open("w", encoding="utf-8") as f:
        yield lambda batch: f.writelines(json.dumps(row, separators=(",", ":")) + "\n" for row in batch)
        f.flush()
        os.fsync(f.fileno())


@contextlib.contextmanager
def _parquet(path: Path) -> Iterator[Callable[[list[Row]], None]]:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as e:
        raise EnvironmentFault(
            "the Parquet manifest needs pyarrow", hint="pip install 'zkml[parquet]', or --format jsonl", code="no-pyarrow"
        ) from e
    types = {"int64": pa.int64(), "string": pa.string(), "double": pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield lambda batch: writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    with path.open("rb") as f:
        os.fsync(f.fileno())
