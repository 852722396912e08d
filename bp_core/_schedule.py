"""What a trainer needs to know of schedules; the schedules themselves are in :mod:`bp_core.schedules`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks

Factors = NDArray[np.float64]
Steps = NDArray[np.int64]

FACTOR, BEST, WAITED, COOLING = range(4)
"""The places of a rule's state: the factor so far, the best loss, epochs without a gain, epochs of rest to come."""


def fresh_state() -> Factors:
    """Return the state of a rule that has seen no epoch."""
    return np.array([1.0, np.inf, 0.0, 0.0])


class Schedule:
    """A function of the step t: the factor of the optimizer's learning rate.

    t counts the steps of a trainer from 0 and never starts again. A factor depends on t alone, to the bit: skipping
    ahead gives what walking there gives.
    """

    _is_constant = False
    """Whether every factor is 1."""

    @property
    def _looks_ahead(self) -> bool:
        """Whether factors may be computed for steps that are perhaps never taken."""
        return True

    def factors(self, first: int, count: int) -> Factors:
        """Return the factors of ``count`` steps from step ``first`` on, (count,)."""
        first = _checks.whole_number("first", first, 0)
        count = _checks.whole_number("count", count, 0)
        return self._at(np.arange(first, first + count, dtype=np.int64)) if count else np.zeros(0)

    def __call__(self, step: int) -> float:
        """Return the factor of one step."""
        return float(self.factors(_checks.whole_number("step", step, 0), 1)[0])

    def _at(self, t: Steps) -> Factors:
        """Return a new array, the factors at consecutive steps; there is at least one."""
        raise NotImplementedError


class LossRule:
    """A rule that acts between epochs, on the watched loss: validation where there is any, else training.

    The rule is settings only; what it has seen is kept by the trainer.
    """

    def _look(self, loss: float, learning_rate: float, state: Factors) -> str | None:
        """Take an epoch's loss into ``state``; ``learning_rate`` is the rate in use. Returns why to stop, or None."""
        raise NotImplementedError


class OfFunction(Schedule):
    """A schedule made of a function of the step."""

    _looks_ahead = False

    def __init__(self, function: Callable[[int], float]) -> None:
        self._function = function

    def _at(self, t: Steps) -> Factors:
        return np.array([self._one(step) for step in t.tolist()])

    def _one(self, step: int) -> float:
        value: Any = self._function(step)
        try:
            factor = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"the schedule gives {value!r} for step {step}; expected a number") from None
        if not (math.isfinite(factor) and factor >= 0):
            raise ValueError(f"the schedule gives {value!r} for step {step}; expected a finite number from 0 up")
        return factor


ScheduleLike = Schedule | LossRule | Callable[[int], float]


def by_step(schedule: object, name: str = "schedule") -> Schedule:
    """Return a schedule, or a function of the step, as a schedule; raise for anything else."""
    if isinstance(schedule, Schedule):
        return schedule
    if not callable(schedule) or isinstance(schedule, type):
        raise TypeError(
            f"{name} is {schedule!r}; expected one like bp.schedules.Cosine(steps=1000), or a function of the step"
        )
    return OfFunction(schedule)
