"""Many proofs at once, of any mix of circuits, folded into one equation for each ceremony (docs/verifier.md, "Batches")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zkml._core import verifier as _native
from zkml.protocol.proof import Proof
from zkml.verdict import Verdict
from zkml.verifier.native import STRICT, NativeVerifier, verdict, words
from zkml.verifier.policy import Audit, Policy


def check_batch(
    items: Sequence[tuple[NativeVerifier, Proof]],
    policy: Policy = STRICT,
    audits: Mapping[str, Audit] | None = None,
    *,
    threads: int | None = None,
) -> list[Verdict]:
    """Return one verdict for each item, in order: the same that checking it alone gives.

    `audits` are looked up by circuit id; `threads` None uses all cores. A bad proof costs the batch a bisection and is named.
    """
    messages = [words(verifier.protocol, proof) for verifier, proof in items]
    known = [(v.native, m) for (v, _), m in zip(items, messages, strict=True) if not isinstance(m, Verdict)]
    answers = iter(_native.check_batch(known, threads))
    out = []
    for (verifier, _), message in zip(items, messages, strict=True):
        if isinstance(message, Verdict):
            out.append(message)
        else:
            audit = (audits or {}).get(verifier.protocol.circuit_id)
            out.append(verdict(verifier.protocol, next(answers), policy, audit))
    return out
