"""Bundles: the artefacts of one model, with their lineage, changed whole or not at all."""

from zkml.bundle.artifacts import KINDS, Kind
from zkml.bundle.bundle import SUFFIX, Bundle, Transaction, default_folder
from zkml.bundle.manifest import Record
from zkml.bundle.pack import pack, unpack

__all__ = ["KINDS", "SUFFIX", "Bundle", "Kind", "Record", "Transaction", "default_folder", "pack", "unpack"]
