"""`Einsum` of more operands than EZKL sums rightly, two by two."""

from __future__ import annotations

from zkml.model.einsum import miscounted, split
from zkml.model.rewrite.rule import Rule
from zkml.model.rewrite.site import Site


def two_by_two(site: Site) -> list[str] | None:
    """Precondition: an axis of three operands or more is summed over; no ellipsis, no axis twice in an operand."""
    equation, inputs = str(site.attribute("equation", "")), list(site.node.input)
    known = split(equation)
    if known is None or not miscounted(equation, [site.shape(name) for name in inputs]):
        return None
    (held, *terms), result = known
    value = inputs[0]
    for i, term in enumerate(terms):
        later = {*result, *"".join(terms[i + 1 :])}
        last = i == len(terms) - 1
        kept = result if last else "".join(axis for axis in dict.fromkeys(held + term) if axis in later)
        value = site.op_("Einsum", value, inputs[i + 1], equation=f"{held},{term}->{kept}")
        held = kept
    return [value]


RULE = Rule(
    "einsum",
    frozenset({"Einsum"}),
    "products are associative, and a sum over an axis that no later operand has can be taken first",
    two_by_two,
)
