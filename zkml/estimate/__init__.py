"""What a circuit will cost, known before anything is spent, and budgets that stop what would cost too much."""

from zkml.estimate.budget import Budget, enforce
from zkml.estimate.columns import Columns, count
from zkml.estimate.estimate import Estimate, cheapest_k, estimate, least_k
from zkml.estimate.machine import Machine, this_machine
from zkml.estimate.resources import Cost
from zkml.estimate.rows import NodeCost, node_costs, total_slots

__all__ = [
    "Budget",
    "Columns",
    "Cost",
    "Estimate",
    "Machine",
    "NodeCost",
    "cheapest_k",
    "count",
    "enforce",
    "estimate",
    "least_k",
    "node_costs",
    "this_machine",
    "total_slots",
]
