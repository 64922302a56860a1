"""Which visibilities EZKL can make a circuit of, said before it panics or draws at random."""

from __future__ import annotations

from math import prod

from zkml.errors import CircuitError, UsageError
from zkml.model import Model
from zkml.settings import RunArgs


def check_visibilities(model: Model, run_args: RunArgs) -> None:
    """Raise `UsageError` for visibilities that make no circuit, `CircuitError` for those that make none of this model.

    Found by trying EZKL 23.0.5: it refuses public parameters and circuits that state nothing; it compares fixed outputs with
    random numbers unless range checks of inputs and outputs are off; it hashes in private only outputs of one element.
    """
    if run_args.param_visibility == "public":
        raise UsageError(
            "parameters cannot be public",
            hint="fixed parameters are bound by the key: whoever has the model can check that it is theirs",
            code="visibility",
        )
    if (run_args.input_visibility, run_args.output_visibility, run_args.param_visibility) == ("private",) * 3:
        raise UsageError(
            "with input, output and parameters all private a proof states nothing",
            hint="make the output public, or the parameters fixed",
            code="visibility",
        )
    if run_args.output_visibility == "fixed" and not run_args.ignore_range_check_inputs_outputs:
        raise UsageError(
            "EZKL makes no witness for a fixed output while outputs are range-checked",
            hint="make the output public and compare it when verifying; or set ignore_range_check_inputs_outputs in the recipe",
            code="visibility",
        )
    if run_args.input_visibility.startswith("hashed/private"):
        raise UsageError(
            "an input cannot be hashed in private: EZKL hands its hash, instead of the input, to the network",
            hint="`private` hides the input, `hashed` states its hash",
            code="visibility",
        )
    large = [t.name for t in model.outputs if prod(t.shape) > 1]
    if run_args.output_visibility.startswith("hashed/private") and large:
        raise CircuitError(
            f"output {large[0]} has more than one element, EZKL keeps a hash private of one element only",
            hint="`hashed` makes the hash public and takes any size",
            code="visibility",
            node=large[0],
        )
