"""Results that EZKL computes and then does not tie to what follows."""

from __future__ import annotations

from collections.abc import Iterator

from zkml.circuit.audit.report import Finding
from zkml.circuit.audit.subject import Subject, names
from zkml.circuit.graph import Node

DECOMPOSING = frozenset(
    {
        *("Abs", "Sign", "LeakyReLU", "Input", "RebaseScale", "MeanOfSquares", "Div", "SumPool", "MaxPool"),
        *("ReduceMax", "ReduceMin", "ReduceArgMax", "ReduceArgMin", "Max", "Min", "Softmax", "TopK"),
        *("Greater", "GreaterEqual", "Less", "LessEqual", "Sqrt", "Rsqrt", "Recip", "Ln"),
        *("Floor", "Ceil", "Round", "RoundHalfToEven", "Output"),
    }
)
"""Operators whose layout splits a value into sign and digits: for its sign, its range, or the remainder of a division."""

UNREAD = frozenset({"DeConv", "Round", "PowersOfTwo", "Unknown", "Flatten"})
"""Operators whose layout nobody has reproduced: this audit knows nothing of what binds their results."""


def _runs(node: Node, operators: frozenset[str]) -> bool:
    return any(op.name in operators for op in node.op)


def freivalds(subject: Subject) -> Iterator[Finding]:
    """With a Freivalds area, every einsum hands fresh cells to what follows, the digit recomposition's own einsum included."""
    if subject.freivalds == 0:
        return
    products = [node for node in subject.model.walk() if _runs(node, frozenset({"Einsum"}))]
    yield Finding(
        code="unlinked-einsum",
        severity="unsound",
        nodes=names(products),
        forger="put any numbers in place of these matrix products: the checked product and the one that the model goes on with "
        "are different cells",
        remedy="compile with disable_freivalds",
        details={"total_einsum_col_size": subject.freivalds},
    )
    checked = [node for node in subject.model.walk() if _runs(node, DECOMPOSING)]
    if checked:
        yield Finding(
            code="unlinked-digits",
            severity="unsound",
            nodes=names(checked),
            forger="choose signs, ranges and quotients at will: digits are recomposed by an einsum, whose result is not tied to "
            "the value they are digits of",
            remedy="compile with disable_freivalds",
        )


def operators(subject: Subject) -> Iterator[Finding]:
    """Operators whose own layout leaves a cell free."""
    model = subject.model
    if nodes := model.named("ReduceArgMax", "ReduceArgMin"):
        yield Finding(
            code="argmax-ties",
            severity="slack",
            nodes=names(nodes),
            forger="report any of the positions that hold the extreme value: the indices by which ties are broken are free cells",
            remedy="state the answer as one of the best, or make ties impossible",
        )
    if nodes := model.named("OneHot"):
        yield Finding(
            code="onehot-unchecked",
            severity="unsound",
            nodes=names(nodes),
            forger="put any numbers with sum 1 in place of the zeros: the check that each entry is 0 or 1 is made on other cells",
            remedy="compare with the class numbers (Equal) instead of OneHot",
        )
    if nodes := model.named("Sqrt", "Rsqrt"):
        yield Finding(
            code="root-unbound",
            severity="unsound",
            nodes=names(nodes),
            forger="use the negative root, or one out of range: the absolute value is taken of a fresh copy of the claimed root",
            remedy="rewrite the model without the root, for example with a static table (x ** 0.5)",
        )
    if nodes := model.named("Trilu"):
        yield Finding(
            code="trilu-unmasked",
            severity="unsound",
            nodes=names(nodes),
            forger="nothing: every proof is of another function, for the elements that Trilu must set to zero are passed on",
            remedy="multiply by a constant mask instead",
        )
    unread = [node for node in model.walk() if node.body is not None or _unread(subject, node)]
    if unread:
        yield Finding(
            code="unaudited-operator",
            severity="notice",
            nodes=names(unread),
            forger="unknown: nobody has reproduced how EZKL lays these out, so this audit cannot say what binds their results",
            remedy="rewrite the model without them (unroll recurrences, expand transposed convolutions), or rely on EZKL",
        )


def _unread(subject: Subject, node: Node) -> bool:
    core = node.op.core
    if core.name in UNREAD:
        return True
    if core.name == "Softmax":
        return len(core.fields["axes"]) != 1
    if core.name in ("ScatterElements", "ScatterND"):
        return core.fields["constant_idx"] is None
    if core.name == "Ln" and core.family == "hybrid":
        return True
    if core.name == "Div" and core.family == "hybrid":
        return not float(core.fields["denom"]).is_integer()
    return False
