"""Where every word of the verifier lies in memory: names and offsets, fixed when the contract is generated.

0x80   scratch: the sum of points ACC, a summand TERM with its SCALAR, the inputs of the precompiles
…      challenges, Lagrange values, denominators, values of instance columns
…      STATE, then the instances, then the proof, in this order and without a gap: the transcript hashes them where they lie
…      the key's points (form split), then shared values of expressions
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zkml.protocol.protocol import Protocol
from zkml.verifier.reading import columns_by_phase

WORD = 32
POINT = 64
SCRATCH = 0x80
SCRATCH_END = 0x200


@dataclass
class Layout:
    """Names of words and their byte offsets; `notes` say what a word holds, for the reader of the contract."""

    offsets: dict[str, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    end: int = SCRATCH_END

    def place(self, name: str, note: str = "", size: int = WORD) -> str:
        """Give the next `size` bytes to `name` and return it."""
        if name in self.offsets:
            raise AssertionError(f"{name} is placed twice")
        self.offsets[name] = self.end
        if note:
            self.notes[name] = note
        self.end += size
        return name

    def __getitem__(self, name: str) -> int:
        return self.offsets[name]


def place_proof(layout: Layout, protocol: Protocol) -> None:
    """Place every point and scalar of a proof (docs/verifier.md, "Messages") and the marks between them."""
    start = layout.end
    layout.place("PROOF", "the proof, as it came", 0)
    for phase, columns in enumerate(columns_by_phase(protocol)):
        layout.place(f"PHASE_{phase}", "", 0)
        for column in columns:
            layout.place(f"A_COMM_{column}", f"advice column {column}, phase {phase}", POINT)
    lookups, products = len(protocol.lookups), protocol.num_products
    layout.place("M_COMMS", "", 0)
    for i in range(lookups):
        layout.place(f"M_COMM_{i}", f"multiplicities of lookup {i}", POINT)
    layout.place("Z_COMMS", "", 0)
    for j in range(products):
        layout.place(f"Z_COMM_{j}", f"permutation product {j}", POINT)
    for i in range(lookups):
        layout.place(f"PHI_COMM_{i}", f"running sum of lookup {i}", POINT)
    layout.place("RANDOM_COMM", "the random polynomial", POINT)
    layout.place("H_COMMS", "", 0)
    for i in range(protocol.degree - 1):
        layout.place(f"H_COMM_{i}", f"quotient, piece {i}", POINT)
    layout.place("EVALS", "scalars from here on", 0)
    for i, q in enumerate(protocol.advice_queries):
        layout.place(f"A_EVAL_{i}", f"advice column {q.column} at rotation {q.rotation}")
    for i, q in enumerate(protocol.fixed_queries):
        layout.place(f"F_EVAL_{i}", f"fixed column {q.column} at rotation {q.rotation}")
    layout.place("RANDOM_EVAL")
    for c, (kind, number) in enumerate(protocol.permutation.columns):
        layout.place(f"SIGMA_EVAL_{c}", f"permutation of {kind} column {number}")
    for j in range(products):
        layout.place(f"Z_EVAL_{j}", "at x")
        layout.place(f"Z_NEXT_EVAL_{j}", "at ωx")
        if j < products - 1:
            layout.place(f"Z_LAST_EVAL_{j}", "at ω^last·x")
    for i in range(lookups):
        layout.place(f"PHI_EVAL_{i}", "at x")
        layout.place(f"PHI_NEXT_EVAL_{i}", "at ωx")
        layout.place(f"M_EVAL_{i}", "at x")
    layout.place("W_COMM", "the opening at the points of evaluation", POINT)
    layout.place("W_PRIME_COMM", "the opening at u", POINT)
    layout.place("PROOF_END", "", 0)
    if layout.end - start != protocol.proof_length:
        raise AssertionError("the layout and the Protocol disagree on the length of a proof")
