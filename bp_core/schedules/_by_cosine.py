"""Along a cosine: down once, down again and again, and up and down in one cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bp_core import _checks
from bp_core._schedule import Factors, Schedule, Steps
from bp_core.schedules._parts import fall, number_to_one, steps_of


@dataclass(frozen=True)
class Cosine(Schedule):
    """Down along half a cosine, once or with warm restarts (I. Loshchilov and F. Hutter, 2017).

    minimum + (1 - minimum) (1 + cos(pi t / steps)) / 2 up to t = steps, then ``minimum``. With ``restarts`` it jumps
    back to 1 instead and goes down again, in ``growth`` times as many steps as before.

    Parameters
    ----------
    steps : int
        Steps of the way down, or of the first one; at least 1.
    minimum : float, default 0.0
        The factor at the end, from 0 to 1.
    restarts : bool, default False
        Start again from the top, for ever.
    growth : int, default 1
        How many times as long each way down is as the one before; at least 1, above 1 only with ``restarts``.

    Notes
    -----
    torch's CosineAnnealingLR goes up again after ``steps``; its CosineAnnealingWarmRestarts is ``restarts=True``.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.Cosine(steps=4, minimum=0.1).factors(0, 6).round(3)
    array([1.   , 0.868, 0.55 , 0.232, 0.1  , 0.1  ])
    >>> bp.schedules.Cosine(steps=2, restarts=True, growth=2).factors(0, 7).round(3)
    array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])
    """

    steps: int
    minimum: float = 0.0
    restarts: bool = False
    growth: int = 1

    def __post_init__(self) -> None:
        steps_of("steps", self.steps)
        number_to_one("minimum", self.minimum)
        _checks.boolean("restarts", self.restarts)
        if _checks.positive_integer("growth", self.growth) > 1 and not self.restarts:
            raise ValueError(f"growth={self.growth} needs restarts=True")

    def _at(self, t: Steps) -> Factors:
        done, length = self._place(t) if self.restarts else (np.minimum(t, self.steps), self.steps)
        return fall(done / length, 1.0, self.minimum)

    def _place(self, t: Steps) -> tuple[Steps, int | Factors]:
        """Steps done of the way down that each step belongs to, and its length."""
        if self.growth == 1:
            return t % self.steps, self.steps
        begins, lengths = [0], [int(self.steps)]
        while begins[-1] + lengths[-1] <= t[-1]:
            begins.append(begins[-1] + lengths[-1])
            lengths.append(lengths[-1] * int(self.growth))
        which = np.searchsorted(begins, t, side="right") - 1
        return t - np.array(begins)[which], np.array(lengths, dtype=np.float64)[which]


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to the optimizer's learning rate, then far down, along half a cosine each (L. Smith and N. Topin, 2018).

    The highest point lies at t = warm_up steps - 1 and the end at t = steps - 1, as in torch's OneCycleLR. The momentum
    stays as it is.

    Parameters
    ----------
    steps : int
        Steps of the cycle, at least 2; afterwards the factor stays at ``end``.
    warm_up : float, default 0.3
        The part of the steps in which the rate rises, from 0 up to, not including, 1.
    start : float, default 0.04
        The factor of the first step, from 0 to 1: one over torch's div_factor.
    end : float, default 4e-6
        The factor of the last, from 0 to 1: ``start`` over torch's final_div_factor.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.OneCycle(steps=8, warm_up=0.375).factors(0, 8).round(3)
    array([0.04 , 0.52 , 1.   , 0.905, 0.655, 0.345, 0.095, 0.   ])
    """

    steps: int
    warm_up: float = 0.3
    start: float = 0.04
    end: float = 4e-6

    def __post_init__(self) -> None:
        steps_of("steps", self.steps, 2)
        if not _checks.is_number(self.warm_up) or not 0 <= self.warm_up < 1:
            raise ValueError(f"warm_up is {self.warm_up!r}; expected a number from 0 up to, not including, 1")
        number_to_one("start", self.start)
        number_to_one("end", self.end)

    def _at(self, t: Steps) -> Factors:
        top = max(self.warm_up * self.steps - 1.0, 0.0)
        last = self.steps - 1
        rises = t < top
        x = np.where(rises, t / (top or 1.0), (np.minimum(t, last) - top) / (last - top))
        return fall(np.minimum(x, 1.0), np.where(rises, self.start, 1.0), np.where(rises, 1.0, self.end))
