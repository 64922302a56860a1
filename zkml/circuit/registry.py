"""Circuits whose audit was made on this machine from the circuit that their key was made from.

A Protocol carries its audit, but a stranger can write anything there. What this machine keyed or rebuilt itself is kept in
`$ZKML_HOME/circuits.json`, by circuit id; only that counts as audited.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from zkml.circuit.audit import AuditReport
from zkml.files import PRIVATE_MODE, disk_errors, read_json, write_json
from zkml.home import home

VERSION = 1


def registry_path() -> Path:
    return home() / "circuits.json"


def load() -> dict[str, dict[str, object]]:
    path = registry_path()
    if not path.exists():
        return {}
    value = read_json(path, what="registry of audited circuits", max_bytes=256 << 20)
    if isinstance(value, dict) and value.get("version") == VERSION and isinstance(value.get("circuits"), dict):
        circuits: dict[str, dict[str, object]] = value["circuits"]
        return circuits
    return {}  # another version: circuits audited by it count as unaudited


def remember(circuit_id: str, report: AuditReport) -> None:
    """Keep the audit of a circuit that was keyed or rebuilt here. Two processes may do so at once."""
    path = registry_path()
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.parent / ".circuits.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        circuits = load() | {circuit_id: report.as_dict()}
        write_json(path, {"version": VERSION, "circuits": circuits}, mode=PRIVATE_MODE)
    finally:
        os.close(lock)


def audited(circuit_id: str) -> AuditReport | None:
    """Return the audit made here of this circuit, or None."""
    found = load().get(circuit_id)
    return AuditReport.from_dict(found) if found is not None else None
