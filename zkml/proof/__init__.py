"""Proofs, by engines behind one interface."""

from zkml.proof.engine import DEVICES, ENGINES, choose_engine
from zkml.proof.prove import Proved, prove
from zkml.proof.rust import Prover

__all__ = ["DEVICES", "ENGINES", "Proved", "Prover", "choose_engine", "prove"]
