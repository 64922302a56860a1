"""Proofs of many inputs by any number of workers; `open` has them as futures (`futures.py`)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zkml.jobs.futures import open_jobs as open

__all__ = ["open"]


def __getattr__(name: str) -> Any:
    if name == "open":
        return import_module("zkml.jobs.futures").open_jobs
    raise AttributeError(f"module 'zkml.jobs' has no attribute {name!r}")
