"""The learning rates of a trainer's steps, computed before the native call that takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._schedule import FACTOR, LossRule, ScheduleLike, by_step
from bp_core._state import STEP, TrainerState

MOST = 1 << 14
"""Rates computed in one go."""

LEAST = 1 << 8
"""The same, where the schedule is no function of the user's: single steps then find theirs ready."""


class Rates:
    """The optimizer's learning rate times the factors of a schedule, or times what a rule has come to."""

    def __init__(self, schedule: ScheduleLike | None, state: TrainerState, dtype: np.dtype[Any]) -> None:
        self.rule = schedule if isinstance(schedule, LossRule) else None
        by = None if schedule is None or self.rule else by_step(schedule)
        self._schedule = None if by is None or by._is_constant else by
        self._state, self._dtype = state, dtype
        self._known, self._first, self._learning_rate = np.zeros(0), 0, 0.0

    @property
    def varies(self) -> bool:
        """Whether each step has a rate of its own."""
        return self._schedule is not None

    def ahead(self, learning_rate: float, wanted: int) -> NDArray[np.float64]:
        """Return the rates of the next steps, at least one and not always all that are wanted; or the one of all steps.

        What is returned does not change later.
        """
        if self._schedule is None:
            return np.array([learning_rate * self._state.rule[FACTOR]])
        step = int(self._state.counters[STEP])
        if learning_rate != self._learning_rate or not 0 <= step - self._first < len(self._known):
            self._known, self._first = self._compute(learning_rate, step, wanted), step
            self._learning_rate = learning_rate
        return self._known[step - self._first :]

    def _compute(self, learning_rate: float, step: int, wanted: int) -> NDArray[np.float64]:
        """As many as are wanted, within bounds, but none from the first on that the dtype cannot hold."""
        assert self._schedule is not None
        count = min(max(wanted, LEAST if self._schedule._looks_ahead else 1), MOST)
        factors = self._schedule.factors(step, count)
        with np.errstate(over="ignore"):
            rates = learning_rate * factors
        held = rates <= np.finfo(self._dtype).max
        if not held[0]:
            raise ValueError(
                f"the learning rate of step {step} is {learning_rate} times {factors[0]}; "
                f"expected a product that {self._dtype} can hold"
            )
        return rates if held.all() else rates[: held.argmin()]
