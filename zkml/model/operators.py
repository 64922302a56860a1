"""Which nodes of a model can be compiled: by the table that `conformance` measured, and the rules of `wrong`."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from zkml.errors import ModelError
from zkml.model.features import Node, nodes_of
from zkml.model.ml_operators import ML, why_left
from zkml.model.model import Model
from zkml.model.whole import exact_casts
from zkml.model.wrong import EQUAL_AS_NUMBER, equals_read_as_numbers, wrong

TABLE = "operators.json"

Kind = Literal["refused", "wrong"]


@dataclass(frozen=True)
class Unsupported:
    """A node that cannot be compiled (`refused`), or would be compiled into another function (`wrong`)."""

    node: str
    op: str
    domain: str
    opset: int
    kind: Kind
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """One line of the table: a node of these features at this version of the operator, and what became of it."""

    features: frozenset[str]
    since: int
    outcome: str
    message: str


REMEDIES = {
    "function": "ONNX defines it by simpler operators: export with an opset before it, or expand it with onnx.inliner",
    "recurrent": "one forward direction only: run two forward layers on the sequence and its reverse",
    "sizes": "make the sizes constants, or compute this part before and give its result as an input",
    "random": "draw the numbers outside and give them as an input",
    "other": "replace it in the model by operators that are supported (docs/operators.md), or compute it outside",
}
FUNCTIONS = {
    "Gelu", "Mish", "Swish", "RMSNormalization", "GroupNormalization", "MeanVarianceNormalization", "Attention",
    "RotaryEmbedding", "Shrink", "CastLike", "Range", "DynamicQuantizeLinear", "SoftmaxCrossEntropyLoss",
    "NegativeLogLikelihoodLoss", "LpNormalization", "AffineGrid", "CenterCropPad",
}  # fmt: skip
SIZED = {"NonZero", "Unique", "Compress", "NonMaxSuppression", "Tile", "Loop", "Scan", "If"}
RANDOM = {"Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial"}


@cache
def table() -> dict[tuple[str, str], tuple[Measured, ...]]:
    """Return the measured table: (domain, operator) to its cases."""
    raw = json.loads(files("zkml.model").joinpath(TABLE).read_bytes())
    found: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for c in raw["cases"]:
        found[c["domain"], c["op"]].append(
            Measured(frozenset(c["features"]), int(c["since"]), c["outcome"], c.get("message", ""))
        )
    return {key: tuple(value) for key, value in found.items()}


def support(model: Model, *, allow_wrong: bool = False) -> tuple[Unsupported, ...]:
    """Return every node of a normalised model that cannot be compiled rightly, in order; empty when all can.

    With `allow_wrong`, nodes that EZKL compiles into another function are left out.
    """
    found: list[Unsupported] = []
    misread = equals_read_as_numbers(model)
    exact = exact_casts(model)
    for node in nodes_of(model):
        amiss = EQUAL_AS_NUMBER if node.name in misread else None if node.name in exact else wrong(node)
        if amiss is not None:
            if not allow_wrong:
                found.append(_unsupported(node, "wrong", f"EZKL {amiss.reason}", amiss.remedy))
            continue
        reason = refusal(node)
        if reason is not None:
            found.append(_unsupported(node, "refused", reason, remedy(node)))
    return tuple(found)


def _unsupported(node: Node, kind: Kind, reason: str, advice: str) -> Unsupported:
    return Unsupported(node.name, node.op, node.domain, node.opset, kind, reason, advice)


def refusal(node: Node) -> str | None:
    """Return why a node cannot be compiled, by the measured cases of its operator, or None when it can."""
    said = measured_refusal(node)
    return why_left(node.op)[0] if said is not None and node.domain == ML else said


def measured_refusal(node: Node) -> str | None:
    """Return what the table says against a node, or None.

    Of the cases nearest in version: one with the same features decides; otherwise the node is taken if some case was taken and
    the node has no feature that every case with it was refused for.
    """
    cases = table().get((node.domain, node.op))
    if not cases:
        return "EZKL has no such operator"
    version = min({c.since for c in cases}, key=lambda v: (abs(v - node.since), v))
    cases = tuple(c for c in cases if c.since == version)
    same = [c for c in cases if c.features == node.features]
    refused = [c for c in cases if c.outcome == "refused"]
    taken = [c for c in cases if c.outcome != "refused"]
    if same:
        if any(c.outcome != "refused" for c in same):
            return None
        return _said(same[0])
    if not taken:
        return _said(refused[0])
    for feature in sorted(node.features - _ranks(node)):
        if any(feature in c.features for c in taken):
            continue
        for c in refused:
            if feature in c.features and c.features - _ranks(c) <= node.features | {feature}:
                return f"{_said(c)} ({feature})"
    return None


def _ranks(item: Node | Measured) -> frozenset[str]:
    """Return the features that say a rank: a rank that was not tried is no reason to refuse."""
    return frozenset(f for f in item.features if f.startswith("rank:"))


def _said(case: Measured) -> str:
    text = case.message.removeprefix("Failed to generate settings: ").removeprefix("[graph] ")
    return f"EZKL says: {text}" if text else "EZKL refuses it"


def remedy(node: Node) -> str:
    """Return what to do about a node that EZKL refuses."""
    if node.domain == ML:
        return why_left(node.op)[1]
    if node.op in ("LSTM", "GRU", "RNN"):
        return REMEDIES["recurrent"]
    if node.op in FUNCTIONS:
        return REMEDIES["function"]
    if node.op in SIZED:
        return REMEDIES["sizes"]
    if node.op in RANDOM:
        return REMEDIES["random"]
    return REMEDIES["other"]


def check_support(model: Model, *, allow_wrong: bool = False) -> None:
    """Raise `ModelError` naming every node that cannot be compiled rightly, all at once."""
    refuse(support(model, allow_wrong=allow_wrong))


def refuse(found: tuple[Unsupported, ...]) -> None:
    """Raise `ModelError` naming all these nodes, each with its reason; return when there are none."""
    if not found:
        return
    lines = "; ".join(f"{u.node} ({u.op}, opset {u.opset}): {u.reason}" for u in found)
    only_wrong = all(u.kind == "wrong" for u in found)
    raise ModelError(
        f"{len(found)} node{'s' if len(found) > 1 else ''} cannot be compiled: {lines}",
        hint=found[0].remedy
        + ("; --allow-wrong compiles them all the same, into another function than the model's" if only_wrong else ""),
        code="unsupported",
        node=found[0].node,
        details={"nodes": [u.as_dict() for u in found]},
    )
