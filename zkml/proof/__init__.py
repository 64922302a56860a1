"""Proofs, by engines behind one interface."""

from zkml.proof.engine import DEVICES, ENGINES, choose_engine
from zkml.proof.prove import Proved, prove

__all__ = ["DEVICES", "ENGINES", "Proved", "choose_engine", "prove"]
