"""Which form to deploy: `auto` is the cheapest verification whose contracts fit the limit of code."""

from __future__ import annotations

from collections.abc import Sequence

from zkml.contract.cost import FormCost, measure
from zkml.contract.deployment import Built, build
from zkml.contract.evm import CODE_LIMIT
from zkml.contract.generate import generate
from zkml.contract.sources import FORMS, Form
from zkml.errors import InfeasibleError
from zkml.protocol.proof import Proof
from zkml.protocol.protocol import Protocol

BY_GAS: tuple[tuple[Form, ...], ...] = (("single",), ("split", "parts"), ("universal",))
"""Forms from the cheapest to the dearest; which of two in a group is cheaper depends on the circuit."""

GATES_INSIDE: tuple[Form, ...] = ("single", "split")
PART = "VerifierPart"


def all_forms(protocol: Protocol, proof: Proof | None = None, forms: Sequence[Form] = FORMS) -> tuple[FormCost, ...]:
    """Return what each form costs for this circuit, compiled and run; a form that the circuit is too large for is left out.

    Raises what `build` and `measure` raise, `InfeasibleError` when no form is left.
    """
    costs, refusals = [], []
    for form in forms:
        try:
            sources = generate(protocol, form)
        except InfeasibleError as e:
            refusals.append(e)
        else:
            costs.append(measure(protocol, build(sources), proof))
    if not costs:
        raise refusals[-1]
    return tuple(costs)


def cheapest(costs: Sequence[FormCost]) -> FormCost:
    """Return the form with the cheapest verification that fits; of equals, the one with the cheaper deployment.

    Raises `InfeasibleError` when none fits.
    """
    fitting = [c for c in costs if c.fits]
    if not fitting:
        sizes = ", ".join(f"{c.form} {c.code_bytes}" for c in costs)
        raise InfeasibleError(
            f"no form of the contract fits {CODE_LIMIT} bytes: {sizes}",
            hint="a circuit with fewer columns and lookups has a smaller contract: `zkml calibrate` searches for one",
            code="contract-size",
        )
    return min(fitting, key=lambda c: (c.verification_gas, c.deployment_gas))


def _gates_fit(protocol: Protocol) -> bool:
    """Return whether the code of all gates, as the form parts has it, fits one contract."""
    try:
        return sum(d.contract.startswith(PART) for d in generate(protocol, "parts").deployables) < 2
    except InfeasibleError:  # a key or a gate beyond the form: the compiler tells about the others
        return True


def taken(protocol: Protocol) -> Built:
    """Return the form that `auto` takes, with less work: *single* costs the least of all that fit and *universal* the most.

    Gates that take several parts fit no contract together with the rest: then *single* and *split* are not compiled. Raises
    `InfeasibleError` when none fits.
    """
    refusals = []
    whole = _gates_fit(protocol)
    for forms in BY_GAS:
        fitting = []
        for form in forms:
            if form in GATES_INSIDE and not whole:
                refusals.append(f"{form}: the gates alone are more")
                continue
            try:
                built = build(generate(protocol, form))
            except InfeasibleError as e:
                refusals.append(f"{form}: {e.message}")
                continue
            if built.fits:
                fitting.append(built)
            else:
                refusals.append(f"{form}: {max(len(c.runtime) for c in built.compiled)} bytes")
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            return cheapest([measure(protocol, built) for built in fitting]).built
    raise InfeasibleError(f"no form of the contract fits {CODE_LIMIT} bytes: {'; '.join(refusals)}", code="contract-size")
