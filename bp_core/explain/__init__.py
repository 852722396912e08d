"""Backpropagation explained: every number of a forward pass, its error and its derivatives, by name."""

from bp_core.explain._check import Check
from bp_core.explain._explanation import Explanation
from bp_core.explain._parameter import ParameterExplanation
from bp_core.explain._paths import PathExplanation
from bp_core.explain._terms import Factor, Product
from bp_core.explain._unit import Term, UnitExplanation

__all__ = [
    "Check",
    "Explanation",
    "Factor",
    "ParameterExplanation",
    "PathExplanation",
    "Product",
    "Term",
    "UnitExplanation",
]
