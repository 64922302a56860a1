"""Rewrites: operators that EZKL refuses or computes otherwise, into operators that it computes as ONNX says.

One small file for each rewrite; `registry.RULES` has them in the order in which they are tried. `engine.rewrite` applies them to
a fixed point, `check.check_rewritten` runs both models on data that reaches the corners.
"""

from zkml.model.rewrite.engine import rewrite
from zkml.model.rewrite.registry import RULES
from zkml.model.rewrite.rule import Applied, Rule
from zkml.model.rewrite.site import Site

__all__ = ["RULES", "Applied", "Rule", "Site", "rewrite"]
