"""Whether a circuit fits its rows, said before EZKL panics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zkml.errors import CircuitError
from zkml.settings.layout_cost import misfit, smallest_k


def check_fits(settings: Mapping[str, Any]) -> None:
    """Raise `CircuitError` when tables, public values or hashes do not fit the rows, however many columns there are.

    Tables of more than 16 columns are among them: EZKL's key digest then depends on its threads, and the circuit id on the
    machine.
    """
    k = int(settings["run_args"]["logrows"])
    what = misfit(settings, k)
    if what is None:
        return
    enough = smallest_k(settings)
    table = "table" in what
    raise CircuitError(
        f"{what} takes more than 16 columns of 2^{k} rows" if table else f"2^{k} rows are too few for {what}",
        hint=f"use logrows {enough}" + (", or a narrower lookup_range or a smaller decomp_base" if table else ""),
        code="table-too-wide" if table else "k-too-small",
        details={"what": what, "logrows": k, "smallest_logrows": enough},
    )
