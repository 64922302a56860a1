"""Witnesses: one input run through the circuit in integers."""

from zkml.witness.witness import Witness, make_witness, outputs_of

__all__ = ["Witness", "make_witness", "outputs_of"]
