"""How each output of a network changes with each input, the others held constant."""

from bp_core.sensitivity._result import Sensitivities
from bp_core.sensitivity._slopes import sensitivities

__all__ = ["Sensitivities", "sensitivities"]
