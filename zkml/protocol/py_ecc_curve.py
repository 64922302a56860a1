"""py-ecc's BN254, imported without its side effect: it raises Python's recursion limit for the whole process."""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()

from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ2 as FQ2  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ12 as FQ12  # noqa: E402
from py_ecc.optimized_bn128.optimized_curve import add, double, is_inf, multiply, neg  # noqa: E402
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing, pseudo_binary_encoding  # noqa: E402

sys.setrecursionlimit(_limit)

LOOP_DIGITS = tuple(pseudo_binary_encoding[63::-1])
"""The signed digits of 6u + 2 after the leading one, highest first."""

__all__ = ["FQ", "FQ2", "FQ12", "LOOP_DIGITS", "add", "double", "final_exponentiate", "is_inf", "multiply", "neg", "pairing"]
