"""Witnesses: one input run through the circuit in integers."""

from zkml.witness.engine import ENGINES
from zkml.witness.witness import Witness, make_witness, outputs_of

__all__ = ["ENGINES", "Witness", "make_witness", "outputs_of"]
