"""What was rewritten, in words."""

from __future__ import annotations

from collections.abc import Iterator

from zkml.model import Model

MAX_NAMED = 6


def rewrite_lines(model: Model) -> Iterator[str]:
    """Yield a line for each of the user's nodes that was replaced: the node, the rules, the nodes that are left of it."""
    for r in model.rewrites:
        more = f" and {len(r.made) - MAX_NAMED} more" if len(r.made) > MAX_NAMED else ""
        yield f"{r.node} ({r.op}) by {', '.join(r.rules)} into {', '.join(r.made[:MAX_NAMED]) or 'constants'}{more}"
