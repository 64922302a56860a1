"""EZKL's messages, turned into errors that name the node and the remedy.

EZKL says most of what it knows on stderr, and returns a general error. The rules below look in both; the first that matches wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from zkml.errors import (
    CircuitError,
    EnvironmentFault,
    InternalFault,
    MalformedArtifact,
    MismatchedArtifacts,
    ModelError,
    SampleError,
    SrsError,
    WitnessError,
    ZkmlError,
)


@dataclass(frozen=True)
class Rule:
    """One kind of failure: where it may occur, what EZKL says, what we say."""

    code: str
    pattern: re.Pattern[str]
    error: type[ZkmlError]
    message: Callable[[re.Match[str]], str]
    hint: str
    calls: frozenset[str] | None = None


def rule(code: str, pattern: str, error: type[ZkmlError], message: str, hint: str, calls: set[str] | None = None) -> Rule:
    return Rule(
        code,
        re.compile(pattern, re.DOTALL),
        error,
        lambda m: message.format(*(g or "" for g in m.groups())),
        hint,
        frozenset(calls) if calls is not None else None,
    )


SMALLER = "use smaller scales, or a larger decomposition base or more legs (`zkml calibrate` chooses them from data)"

RULES: tuple[Rule, ...] = (
    rule("disk", r"No space left on device", EnvironmentFault, "the disk is full", "free space and run the command again"),
    rule(
        "unsupported-operator",
        r'Translating node #\d+ "[^"]*" Unimplemented\(([^)]*)\)',
        ModelError,
        "EZKL does not support the operator {0}",
        "`zkml inspect` lists every unsupported node at once",
    ),
    rule("not-onnx", r"Reading proto model", ModelError, "the file is not an ONNX model", "export the model again"),
    rule(
        "translation",
        r'(?:Translating|Failed analyse for) node #\d+ "[^"]*"[^\n]*?(?: ToTypedTranslator)?\s*(?::|\n|$)\s*([^\n]*)',
        ModelError,
        "EZKL cannot translate this node: {0}",
        "`zkml inspect` checks shapes and operators first",
    ),
    rule(
        "value-too-large",
        r"integer (-?\d+) is too large to be represented by base (\d+) and n (\d+)",
        WitnessError,
        "the value {0} does not fit {2} digits of base {1}: this input lies outside the range that the circuit was made for",
        SMALLER,
    ),
    rule(
        "out-of-table",
        r"lookup (?:input|value)s? (?:is |are )?(?:too large|too small|out of range)[^\n]*",
        WitnessError,
        "an input of a lookup lies outside its table",
        "recalibrate with samples that cover such inputs",
    ),
    rule(
        "k-too-small",
        r"k = (\d+) is too small for the given circuit",
        CircuitError,
        "2^{0} rows are too few for this circuit",
        "raise logrows, or let `zkml calibrate` choose it",
    ),
    rule(
        "extended-k",
        r"extended k is too large[^\n]*",
        CircuitError,
        "the circuit's extended domain is too large",
        "use fewer rows or a lookup range that is smaller",
    ),
    rule(
        "lookup-range",
        r"(?:lookup|range.check) (?:range )?\(?[^\n]*too large[^\n]*",
        CircuitError,
        "a lookup table does not fit this many rows",
        "use a smaller lookup range or more rows",
    ),
    rule(
        "input-shape",
        r"Cannot reshape tensor of length (\d+) to \[([^\]]*)\]",
        SampleError,
        "an input has {0} elements, the circuit takes shape [{1}]",
        "give one flat list for each input of the model",
        {"gen_witness", "prove", "mock"},
    ),
    rule(
        "srs-k",
        r"(?:srs|SRS|params)[^\n]*(?:too small|smaller than|insufficient)[^\n]*",
        SrsError,
        "the SRS is too small for this circuit",
        "`zkml srs info` shows its size; import a larger one",
    ),
    rule(
        "keys",
        r"failed to load (pk|vk) from file: ([^\n]*)",
        MalformedArtifact,
        "the {0} file cannot be read: {1}",
        "run `zkml setup` again",
    ),
    rule(
        "witness-file",
        r"(?:failed to load|invalid) witness[^\n]*",
        MalformedArtifact,
        "the witness file cannot be read",
        "run `zkml witness` again",
        {"prove", "mock"},
    ),
    rule(
        "constraint",
        r"(?:ConstraintSystemFailure|[Cc]onstraint (?:was )?not satisfied|verify failed|ProvingError)[^\n]*",
        WitnessError,
        "the witness does not satisfy the circuit",
        "an input outside the calibrated range is the usual cause; recalibrate with samples like it",
        {"mock", "prove"},
    ),
    rule(
        "transcript",
        r"Transcript error: ([^\n]*)",
        MalformedArtifact,
        "the proof does not parse: {0}",
        "the file was changed or cut after it was made",
        {"verify"},
    ),
    rule(
        "mismatch",
        r"(?:NotEnoughRows|not enough rows|mismatch)[^\n]*",
        MismatchedArtifacts,
        "key and circuit do not belong together",
        "run `zkml setup` again for this circuit",
        {"prove", "verify"},
    ),
)

NODE = re.compile(r'node #\d+ "([^"]*)"')

BY_CALL: dict[str, tuple[type[ZkmlError], str]] = {
    "gen_settings": (ModelError, "EZKL cannot lay out this model"),
    "compile_circuit": (CircuitError, "EZKL cannot compile this model"),
    "setup": (CircuitError, "EZKL cannot make keys for this circuit"),
    "gen_witness": (WitnessError, "EZKL finds no witness for this input"),
    "mock": (WitnessError, "the witness does not satisfy the circuit"),
    "prove": (WitnessError, "EZKL cannot prove this witness"),
}


def translate(call: str, kind: str, message: str, printed: str) -> ZkmlError:
    """Return our error for EZKL's failure of type `kind` in `call`; `printed` is what it wrote to its streams."""
    text = f"{message}\n{printed}"
    node_match = NODE.search(text)
    node = node_match.group(1) if node_match else None
    details = {"call": call, "ezkl": message, "log": printed[-2000:]}
    for r in RULES:
        if r.calls is not None and call not in r.calls:
            continue
        if match := r.pattern.search(text):
            said = r.message(match)
            return r.error(f"node {node}: {said}" if node else said, hint=r.hint, code=r.code, node=node, details=details)
    if kind == "PanicException":
        return InternalFault(
            f"EZKL panicked in {call}: {message}",
            hint="this is a fault in EZKL; the artefacts that were there before are untouched",
            code="ezkl-panic",
            node=node,
            details=details,
        )
    error, said = BY_CALL.get(call, (InternalFault, f"EZKL failed in {call}"))
    reason = printed.splitlines()[-1] if printed else message
    return error(f"{said}: {reason}", hint=f"EZKL says: {message}", code="ezkl", node=node, details=details)
