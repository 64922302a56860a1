"""The circuits that jobs are about: recorded at submission with digests of their files, opened by workers as they were then."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.bundle import Bundle
from zkml.bundle.artifacts import BY_NAME
from zkml.bundle.manifest import MANIFEST, encode_manifest
from zkml.errors import EnvironmentFault, MalformedArtifact, MismatchedArtifacts, ZkmlError
from zkml.estimate import estimate
from zkml.files import disk_errors, sha256_file, temporary, write_atomic
from zkml.home import home
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.layout import Layout, statement_digest
from zkml.jobs.tables import Circuit
from zkml.keys.setup import check_srs
from zkml.keys.srs import Srs
from zkml.model import load
from zkml.protocol import decode
from zkml.settings import read_settings

NEEDED = ("model", "settings", "circuit", "vk", "protocol")
KEYS = ("prover_key", "pk")
"""Proving keys in the order of preference: the Rust engine's own is a small part of EZKL's size."""
SRS_FILE = "srs.srs"


@dataclass(frozen=True)
class CircuitRecord:
    """A circuit in the store. `files` has the SHA-256 of each file by its name in a bundle, and of `srs.srs`; `manifest` is the
    bundle's for these files; `ram` bytes and `seconds` of a proof are estimates."""

    key: int
    circuit_id: str
    bundle: Path
    srs: Path
    files: dict[str, str]
    manifest: str
    layout: Layout
    statement: str
    ram: int
    seconds: float
    shipped: bool
    problem: str | None

    @property
    def keys(self) -> list[str]:
        """The artefacts that are proving keys."""
        return [name for name in KEYS if BY_NAME[name].file in self.files]


def describe(bundle: Bundle, srs: Srs, ram: int | None = None) -> dict[str, Any]:
    """Return a circuit's row in the store; `ram` where it is known better than the estimate has it.

    Raises what `Bundle.require` raises, `MismatchedArtifacts` for another SRS.
    """
    key = next((name for name in KEYS if bundle.has(name)), KEYS[-1])
    needed = (*NEEDED, key)
    bundle.require(*needed)
    check_srs(bundle, srs)
    settings = read_settings(bundle.path("settings"))
    protocol = decode(bundle.path("protocol").read_bytes())
    cost = estimate(settings).prove
    records = {name: bundle.records[name] for name in needed}
    files = {BY_NAME[name].file: record.sha256 for name, record in records.items()} | {SRS_FILE: sha256_file(srs.path)}
    return {
        "circuit_id": protocol.circuit_id,
        "bundle": str(bundle.folder.absolute()),
        "srs": str(srs.path.absolute()),
        "files": json.dumps(files, sort_keys=True),
        "manifest": encode_manifest(records).decode(),
        "layout": Layout.of(load(bundle.path("model"))).to_json(),
        "statement": statement_digest(protocol),
        "ram": ram or cost.ram,
        "seconds": cost.seconds,
        "shipped": 0,
        "problem": None,
    }


def register(db: Database, bundle: Bundle, srs: Srs, *, ram: int | None = None) -> CircuitRecord:
    """Record the circuit of a bundle, or where it lies now and with which files; return the record."""
    row = describe(bundle, srs, ram)

    def work(c: Connection) -> CircuitRecord:
        found = c.execute(sa.select(Circuit.id, Circuit.files).where(Circuit.circuit_id == row["circuit_id"])).first()
        if found is None:
            c.execute(sa.insert(Circuit).values(**row))
        else:
            kept = {} if found.files != row["files"] else {"shipped": Circuit.shipped}
            c.execute(sa.update(Circuit).where(Circuit.id == found.id).values(**row | kept))
        return record(c, Circuit.circuit_id == row["circuit_id"])

    return db.write(work)


def record(c: Connection, which: sa.ColumnElement[bool]) -> CircuitRecord:
    row = c.execute(sa.select(Circuit.__table__).where(which)).one()
    return CircuitRecord(
        row.id,
        row.circuit_id,
        Path(row.bundle),
        Path(row.srs),
        json.loads(row.files),
        row.manifest,
        Layout.from_json(row.layout),
        row.statement,
        row.ram,
        row.seconds,
        bool(row.shipped),
        row.problem,
    )


def by_key(db: Database, key: int) -> CircuitRecord:
    return db.read(lambda c: record(c, Circuit.id == key))


def note_problem(db: Database, key: int, problem: str | None) -> None:
    """Record why no worker can use a circuit, for whoever asks; None when one can."""
    db.write(lambda c: c.execute(sa.update(Circuit).where(Circuit.id == key).values(problem=problem)) and None)


def ship(db: Database, circuit: CircuitRecord, artefacts: Artefacts) -> None:
    """Put keys, circuit and SRS into the artefact store, from which workers on other machines take them."""
    for name, digest in circuit.files.items():
        source = circuit.srs if name == SRS_FILE else circuit.bundle / name
        if artefacts.put_file(source) != digest:
            raise changed(circuit, name)
    db.write(lambda c: c.execute(sa.update(Circuit).where(Circuit.id == circuit.key).values(shipped=1)) and None)


def changed(circuit: CircuitRecord, name: str) -> MismatchedArtifacts:
    where = circuit.srs if name == SRS_FILE else circuit.bundle / name
    return MismatchedArtifacts(
        f"{where} is not what it was when the job was submitted",
        hint="put the bundle back, or submit the inputs again: proofs already made under the old keys are kept",
        code="bundle-changed",
        details={"circuit": circuit.circuit_id, "file": name},
    )


def open_files(circuit: CircuitRecord, artefacts: Artefacts, folder: Path) -> None:
    """Make a bundle of the circuit's files, as they were at submission, in `folder`, and the SRS: by hard link where that can be,
    so that a bundle changed later does not change them; from the artefact store where the bundle is not here or was changed.

    Raises `MismatchedArtifacts` when they are neither here nor there, `EnvironmentFault` when the keys are gone.
    """
    for name, digest in circuit.files.items():
        source = circuit.srs if name == SRS_FILE else circuit.bundle / name
        target = folder / name
        if source.is_file():
            _link(source, target)
            if sha256_file(target) == digest:
                continue
            target.unlink()
        if circuit.shipped or artefacts.has(digest):
            _take(artefacts, digest, target)
            continue
        if source.is_file():
            raise changed(circuit, name)
        raise EnvironmentFault(
            f"{source} is gone, and the job needs it",
            hint="put it back, or submit with --ship so that workers elsewhere get it",
            code="keys-missing",
            details={"circuit": circuit.circuit_id, "file": name},
        )
    write_atomic(folder / MANIFEST, circuit.manifest.encode())


def _take(artefacts: Artefacts, digest: str, target: Path) -> None:
    """Copy a circuit's file from the artefact store: from a store far away once a machine, whose workers share what was taken."""
    if artefacts.local is not None:
        artefacts.fetch(digest, target)
        return
    kept = home() / "jobs" / "taken" / digest
    if not kept.is_file() or sha256_file(kept) != digest:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary(".take.", kept.parent) as new:
            artefacts.fetch(digest, new)
            new.replace(kept)
    _link(kept, target)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        with disk_errors(target):
            shutil.copyfile(source, target)


BLOCKING = (MismatchedArtifacts, EnvironmentFault, MalformedArtifact)


def blocks(error: ZkmlError) -> bool:
    """Whether an error while opening a circuit is the circuit's own, so that trying its next item would be in vain."""
    return isinstance(error, BLOCKING) and error.code not in ("disk", "database-away", "database", "store")
