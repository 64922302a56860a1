"""The Protocol: one circuit as its verifiers see it, with its encoding, its statement and the proofs that travel to it."""

from zkml.protocol.encoding import canonical_bytes, decode
from zkml.protocol.points import VerifierPoints, points_from_srs
from zkml.protocol.proof import Proof, read_proof
from zkml.protocol.protocol import Column, Lookup, Permutation, Protocol, Query
from zkml.protocol.statement import Statement, StatementTensor

__all__ = [
    "Column",
    "Lookup",
    "Permutation",
    "Proof",
    "Protocol",
    "Query",
    "Statement",
    "StatementTensor",
    "VerifierPoints",
    "canonical_bytes",
    "decode",
    "points_from_srs",
    "read_proof",
]
