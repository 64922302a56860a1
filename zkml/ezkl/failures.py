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
    ModelError,
    ProofRejected,
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


UNSUPPORTED = "`zkml inspect` lists every unsupported node at once"
SMALLER = "use smaller scales, or a larger decomposition base or more legs (`zkml calibrate` chooses them from data)"

MAKE_AGAIN = "make it again with the command that made it"

# Each rule was provoked with the wheel; tests/ezkl/test_failures.py does it again.
RULES: tuple[Rule, ...] = (
    rule("disk", r"\(os error 28\)", EnvironmentFault, "the disk is full", "free space and run the command again"),
    rule(
        "missing",
        r"\[io\] \(([^\n]*)\) No such file or directory",
        EnvironmentFault,
        "there is no file or folder {0}",
        "check the path",
    ),
    rule(
        "missing",
        r"\[io\] No such file or directory",
        EnvironmentFault,
        "a file or folder that EZKL was given is not there",
        "check the paths",
    ),
    # ---- the model
    rule(
        "unsupported-operator",
        r'Translating node #\d+ "[^"]*" Unimplemented\(([^)]*)\)',
        ModelError,
        "EZKL does not support the operator {0}",
        UNSUPPORTED,
    ),
    rule(
        "unsupported-operator",
        r"Unknown op: (\w+)",
        ModelError,
        "EZKL does not support the operator that it calls {0}",
        UNSUPPORTED,
        {"gen_settings", "compile_circuit"},
    ),
    rule(
        "not-onnx",
        r"Reading proto model|Translating proto model to model",
        ModelError,
        "the file is not a valid ONNX model",
        "export the model again; `zkml inspect` says what is wrong with it",
    ),
    rule(
        "missing-attribute",
        r"a node is missing required params: (\w+)",
        ModelError,
        "EZKL wants the attribute {0} of a node written out",
        "`zkml compile` writes such defaults out; give it the model rather than EZKL",
    ),
    rule(
        "dynamic-shape",
        r"Undetermined symbol in expression",
        ModelError,
        "a dimension of the model is not a number",
        "pin it with --dim name=n",
    ),
    rule(
        "translation",
        r'(?:Translating|Failed analyse for) node #\d+ "[^"]*" (\w+)',
        ModelError,
        "EZKL cannot translate the operator {0} with these inputs",
        "`zkml inspect` checks shapes and operators first",
    ),
    # ---- rows
    rule(
        "k-too-small",
        r"k = (\d+) is too small for the given circuit",
        CircuitError,
        "2^{0} rows are too few for this circuit",
        "give an SRS of more rows, or raise logrows",
    ),
    rule(
        "k-too-small",
        r"too many values to flush for this column size",
        CircuitError,
        "the model does not fit this many rows",
        "raise logrows, or let `zkml calibrate` choose it",
    ),
    # ---- inputs and witnesses
    rule(
        "value-too-large",
        r"integer (-?\d+) is too large to be represented by base (\d+) and n (\d+)",
        WitnessError,
        "the value {0} does not fit {2} digits of base {1}: this input lies outside the range that the circuit was made for",
        SMALLER,
    ),
    rule(
        "input-shape",
        r"Cannot reshape tensor of length (\d+) to \[([^\]]*)\]",
        SampleError,
        "an input has {0} elements, the circuit takes shape [{1}]",
        "give one flat list for each input of the model",
        {"gen_witness"},
    ),
    rule(
        "input-file",
        r"\[graph\] \[json\] ([^\n]*)",
        SampleError,
        "the input is not JSON with lists of numbers: {0}",
        "give one flat list of numbers for each input of the model",
        {"gen_witness"},
    ),
    rule(
        "witness-file",
        r"\[graph\] \[json\] ([^\n]*)",
        MalformedArtifact,
        "the witness file cannot be read: {0}",
        "run `zkml witness` again",
        {"prove", "mock"},
    ),
    rule(
        "out-of-table",
        r"Lookup \(index: \d+\) is not satisfied",
        WitnessError,
        "an input of a lookup lies outside its table",
        "recalibrate with samples that cover such inputs",
        {"mock"},
    ),
    rule(
        "constraint",
        r"verification failed|[Cc]onstraint not satisfied",
        WitnessError,
        "the witness does not satisfy the circuit",
        "it was changed, or it is the witness of another circuit: run `zkml witness` again",
        {"mock"},
    ),
    # ---- files
    rule(
        "settings-file",
        r"failed to load settings file at ([^\n]*)",
        MalformedArtifact,
        "the settings file cannot be read: {0}",
        MAKE_AGAIN,
    ),
    rule(
        "circuit-file",
        r"failed to ser/deser model: ([^\n]*)",
        MalformedArtifact,
        "the compiled circuit cannot be read: {0}",
        "run `zkml compile` again",
    ),
    rule(
        "srs",
        r"failed to (?:read|load) srs ([^\n]*)",
        SrsError,
        "the SRS cannot be read: {0}",
        "`zkml srs check` says what is wrong with the file",
    ),
    rule(
        "keys",
        r"failed to load (pk|vk) from file: ([^\n]*)",
        MalformedArtifact,
        "the {0} file cannot be read: {1}",
        "run `zkml setup` again",
    ),
    rule(
        "srs",
        r"Transcript error: Invalid elliptic curve point",
        SrsError,
        "the SRS holds a point that is not on the curve",
        "`zkml srs check` says what is wrong with the file",
        {"prove"},
    ),
    # ---- proofs
    rule(
        "proof-file",
        r"failed to load the proof: ([^\n]*)|Transcript error: ([^\n]*)",
        MalformedArtifact,
        "the proof does not parse: {0}{1}",
        "the file was changed or cut after it was made",
        {"verify"},
    ),
    rule(
        "rejected",
        r"constraint system is not satisfied|Multi-opening proof was invalid",
        ProofRejected,
        "EZKL rejects the proof",
        "the proof, its instances or its key were changed, or do not belong together",
        {"verify"},
    ),
)

NODE = re.compile(r'node #\d+ "([^"]*)"')

# What Python raises for a name or an argument that EZKL does not have.
OUR_MISTAKES = ("AttributeError", "TypeError")

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
    if kind in OUR_MISTAKES:
        return InternalFault(f"a wrong call of EZKL's {call}: {message}", hint="please report this", code="call", details=details)
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
