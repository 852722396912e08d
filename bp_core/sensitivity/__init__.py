"""How each output of a network changes with each input, the others held constant."""

from bp_core.sensitivity._changes import sensitivities
from bp_core.sensitivity._result import Sensitivities

__all__ = ["Sensitivities", "sensitivities"]
