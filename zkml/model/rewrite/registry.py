"""All rules, in the order in which they are tried."""

from __future__ import annotations

from zkml.model.rewrite import activations, lp_normalization, ml_encode, ml_linear, ml_scale, ml_svm, ml_trees
from zkml.model.rewrite.rule import Rule

RULES: tuple[Rule, ...] = (
    *activations.RULES,
    lp_normalization.RULE,
    *ml_trees.RULES,
    *ml_linear.RULES,
    *ml_svm.RULES,
    *ml_scale.RULES,
    *ml_encode.RULES,
)
