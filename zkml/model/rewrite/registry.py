"""All rules, in the order in which they are tried."""

from __future__ import annotations

from zkml.model.rewrite import activations, lp_normalization
from zkml.model.rewrite.rule import Rule

RULES: tuple[Rule, ...] = (
    *activations.RULES,
    lp_normalization.RULE,
)
