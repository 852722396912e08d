"""The learning rate tried out: a sweep of rates, a range test, and descent on a slice of the loss surface."""

from bp_core.learning_rates.descent import Descent, draw_descent
from bp_core.learning_rates.range_test import RangeTest, find_learning_rate
from bp_core.learning_rates.sweep import sweep_learning_rates
from bp_core.learning_rates.sweep_result import Sweep

__all__ = ["Descent", "RangeTest", "Sweep", "draw_descent", "find_learning_rate", "sweep_learning_rates"]
