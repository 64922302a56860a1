"""Inputs and parameters: whether what the statement says of them is what the circuit uses."""

from __future__ import annotations

from collections.abc import Iterator

from zkml.circuit.audit.report import Finding
from zkml.circuit.audit.subject import Subject, names
from zkml.circuit.graph import Node

REREADING = frozenset({"Abs", "Iff", "LeakyReLU", "Max", "MeanOfSquares", "Min", "Pow"})
"""Operators whose layout assigns the same operand more than once. A parameter that comes unassigned (private, hashed or
committed, and used by one node) then becomes several free cells that nothing makes equal."""


def parameters(subject: Subject) -> Iterator[Finding]:
    """Parameters that are not constants of the circuit."""
    processed = [(node, v) for node, v in subject.constants() if v.is_processed]
    loose = [node for node, _ in processed if node.uses <= 1 or len(node.path) > 1]
    if loose:
        yield Finding(
            code="parameters-unbound",
            severity="unsound",
            nodes=names(loose),
            forger="prove with any weights under the genuine model's hash or commitment: a parameter used once is read again as "
            "free values instead of the cells that were hashed",
            remedy="make the parameters fixed",
            details={"visibility": str(processed[0][1])},
        )
    private = [node for node, v in subject.constants() if v.kind == "private"]
    if private:
        yield Finding(
            code="parameters-private",
            severity="unbound",
            nodes=names(private),
            forger="prove with weights of his choice: the statement says that some parameters give this output, not that "
            "those of a particular model do",
            remedy="make the parameters fixed (their commitments are in the key); hashed parameters bind only with a layout that "
            "links them",
        )
    free = {node.path for node, v in subject.constants() if v.kind != "fixed" and node.uses <= 1}
    reread = [
        node
        for node in subject.model.walk()
        if any((*node.path[:-1], source) in free for source, _ in node.inputs) and any(op.name in REREADING for op in node.op)
    ]
    if reread:
        yield Finding(
            code="parameter-read-twice",
            severity="unsound",
            nodes=names(reread),
            forger="let one parameter have two values at once, say the one that is compared and the one that is returned",
            remedy="make the parameters fixed",
        )


def _bounds_its_input(subject: Subject, node: Node, index: int) -> bool:
    """Whether the node's layout itself checks the range of the cells that it reads from node `index`."""
    core = node.op.core
    if any(op.name == "Rescaled" for op in node.op):
        return False
    if core.name in ("Gather", "GatherElements") and core.fields["constant_idx"] is None:
        # The index along the last axis is itself looked up; along another it is first multiplied by a stride.
        return (index, 0) in node.inputs[1:] and core.fields["dim"] == len(subject.model.nodes[node.inputs[0][0]].shape) - 1
    return core.family == "lookup" or core.name in ("Abs", "Sign", "LeakyReLU", "Floor", "Ceil", "RoundHalfToEven")


def inputs(subject: Subject) -> Iterator[Finding]:
    """Inputs whose values are not held to the range of integers."""
    visibility = subject.model.input_visibility
    if visibility.kind == "fixed":
        return
    unranged = [
        node
        for node in subject.inputs
        if (visibility.is_processed or not node.op.fields["decomp"])
        and not any(_bounds_its_input(subject, consumer, node.index) for consumer in subject.consumers(node.index))
    ]
    if not unranged:
        return
    if visibility.kind == "public":
        yield Finding(
            code="public-inputs-unranged",
            severity="notice",
            nodes=names(unranged),
            forger="use a public input that is no small integer, if whoever verifies does not look at it",
            remedy="check the domain of public inputs when verifying, or compile without ignore_range_check_inputs_outputs",
        )
        return
    why = "inputs that are hashed or committed skip the range check"
    if not visibility.is_processed:
        why = "the range check of inputs is switched off"
    yield Finding(
        code="inputs-unranged",
        severity="unsound",
        nodes=names(unranged),
        forger=f"reach outputs that no integer input gives, with field elements that are no small integers: {why}",
        remedy="make inputs public or private, without ignore_range_check_inputs_outputs; or accept only hashes of inputs that "
        "someone you trust has checked",
        details={"visibility": str(visibility)},
    )


def hashes(subject: Subject) -> Iterator[Finding]:
    """A private hash is listed in the instance and tied to nothing."""
    model = subject.model
    private = {
        "input": (model.input_visibility, list(subject.inputs)),
        "param": (model.param_visibility, [node for node, _ in subject.constants()]),
        "output": (model.output_visibility, list(subject.outputs)),
    }
    for what, (visibility, nodes) in private.items():
        if visibility.kind == "hashed" and not visibility.hash_is_public:
            yield Finding(
                code="hash-unconstrained",
                severity="unsound",
                nodes=names(nodes),
                forger=f"write any value where the {what}'s hash stands in the instance: no constraint touches that row",
                remedy=f"use a public hash for the {what}",
                details={"tensor": what},
            )


def outputs(subject: Subject) -> Iterator[Finding]:
    """Outputs that the statement does not mention, or that skip the range check."""
    visibility = subject.model.output_visibility
    if visibility.kind == "private":
        yield Finding(
            code="output-unstated",
            severity="notice",
            nodes=names(subject.outputs),
            forger="prove it with any input: the statement says nothing about the output",
            remedy="make the output public, hashed or fixed",
        )
    if visibility.kind == "public" and subject.run_args["ignore_range_check_inputs_outputs"]:
        yield Finding(
            code="outputs-unranged",
            severity="notice",
            nodes=names(subject.outputs),
            forger="publish an output that is no small integer, where the last operator does not bound it",
            remedy="check the domain of public outputs when verifying, or compile without ignore_range_check_inputs_outputs",
        )
