"""The fixtures made with EZKL's wheel, where this machine has them (`ZKML_SHARED`, or `shared` beside the checkout)."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from zkml.protocol import Proof, Protocol, points_from_srs, read_proof
from zkml.protocol.ezkl import digest_candidates, protocol_from_ezkl, vka_digest

SHARED = Path(os.environ.get("ZKML_SHARED", Path(__file__).parents[2].parent / "shared"))
CASES = SHARED / "ezkl_cases"
NAMES = sorted(d.name for d in CASES.iterdir() if (d / "vk.key").exists()) if CASES.is_dir() else []


def settings(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((CASES / name / "settings.json").read_bytes())
    return data


def key(name: str) -> bytes:
    return (CASES / name / "vk.key").read_bytes()


def ezkl_digest(name: str) -> int | None:
    """Return EZKL's own digest of the key, None where EZKL cannot print one."""
    path = CASES / name / "vka.bin"
    return vka_digest(path.read_bytes()) if path.exists() else None


@cache
def protocol(name: str) -> Protocol:
    data, vk, wanted = settings(name), key(name), ezkl_digest(name)
    depths = [depth for depth, digest in digest_candidates(data, vk) if wanted in (None, digest)]
    points = points_from_srs((CASES / "srs" / f"k{data['run_args']['logrows']}.srs").read_bytes())
    return protocol_from_ezkl(data, vk, points, split_depth=depths[0])


def proof(name: str) -> Proof:
    return read_proof((CASES / name / "proof.json").read_bytes())
