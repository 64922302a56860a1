"""Proofs that the artefact store has lost, or that were changed in it, made again."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zkml.errors import MalformedArtifact
from zkml.jobs.blobs import Artefacts
from zkml.jobs.database import Database
from zkml.jobs.manage import JobInfo
from zkml.jobs.results import rows
from zkml.jobs.tables import CANCELLED, DONE, FINISHED, OPEN, WAITING, Item, Job


def make_again(db: Database, artefacts: Artefacts, job: JobInfo) -> int:
    """Queue again the done items of a job whose proof is not in the store as it was; return how many."""
    count = 0
    for batch in rows(db, job.id):
        lost = {row["item"] for row in batch if row["state"] == DONE and not _whole(artefacts, row["proof_sha256"])}
        for item in sorted(lost):
            count += db.write(lambda c, i=item: _reopen(c, job.id, bytes.fromhex(i)))  # type: ignore[misc]
    return count


def _whole(artefacts: Artefacts, digest: str) -> bool:
    try:
        artefacts.get(digest)
    except MalformedArtifact:
        artefacts.discard(digest)
        return False
    return True


def _reopen(c: Connection, job: str, digest: bytes) -> int:
    values = {"state": WAITING, "job": job, "attempts": 0, "crashes": 0, "not_before": 0.0, "proof": None, "statement": None}
    count = int(c.execute(sa.update(Item).where(Item.digest == digest, Item.state == DONE).values(**values)).rowcount)
    c.execute(sa.update(Job).where(Job.id == job, Job.state.in_((FINISHED, CANCELLED))).values(state=OPEN, finished=None))
    return count
