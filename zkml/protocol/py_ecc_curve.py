"""py-ecc's BN254, imported without its side effect: it raises Python's recursion limit for the whole process."""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()

from py_ecc.fields import optimized_bn128_FQ as FQ  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ2 as FQ2  # noqa: E402
from py_ecc.fields import optimized_bn128_FQ12 as FQ12  # noqa: E402
from py_ecc.optimized_bn128.optimized_curve import add, double, is_inf, multiply, neg  # noqa: E402
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate, pairing  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["FQ", "FQ2", "FQ12", "add", "double", "final_exponentiate", "is_inf", "multiply", "neg", "pairing"]
