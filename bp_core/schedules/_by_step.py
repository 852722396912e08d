"""Constant, in steps, exponential, by a power of the step, and a ramp before another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bp_core import _checks
from bp_core._schedule import Factors, Schedule, Steps, by_step
from bp_core.schedules._parts import exp, log, powers, steps_of


@dataclass(frozen=True)
class Constant(Schedule):
    """The optimizer's learning rate as it is: 1.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.Constant().factors(0, 3)
    array([1., 1., 1.])
    """

    _is_constant = True

    def _at(self, t: Steps) -> Factors:
        return np.ones(len(t))


@dataclass(frozen=True)
class StepDecay(Schedule):
    """A factor more after every so many steps: factor^floor(t / every), as torch's StepLR.

    Parameters
    ----------
    every : int
        Steps of one rate, at least 1. For torch's epochs: epochs times the batches of an epoch.
    factor : float, default 0.1
        Positive.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.StepDecay(every=2, factor=0.5).factors(0, 6)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        steps_of("every", self.every)
        _checks.positive_number("factor", self.factor)

    def _at(self, t: Steps) -> Factors:
        times = t // self.every
        first, last = int(times[0]), int(times[-1])
        return powers(float(self.factor), first, last - first + 1)[times - first]


@dataclass(frozen=True)
class Exponential(Schedule):
    """A factor more with every step: factor^t, as torch's ExponentialLR called at every step.

    Computed as exp(t log(factor)), within 1e-12 of the true power while that is a normal number.

    Parameters
    ----------
    factor : float
        Positive. ``0.5 ** (1 / n)`` halves the rate every n steps.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.Exponential(factor=0.5).factors(0, 4)
    array([1.   , 0.5  , 0.25 , 0.125])
    """

    factor: float

    def __post_init__(self) -> None:
        _checks.positive_number("factor", self.factor)

    def _at(self, t: Steps) -> Factors:
        return exp(t * log(np.array([self.factor], dtype=np.float64)))


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """Falling as a power of the steps taken: (t + 1)^-power (H. Robbins and S. Monro, 1951).

    Parameters
    ----------
    power : float, default 0.5
        From 0 up. Robbins and Monro proved convergence for powers above 1/2 and up to 1.

    Notes
    -----
    scikit-learn's learning_rate="invscaling" counts rows in place of steps.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.InverseScaling(power=1.0).factors(0, 4).round(3)
    array([1.   , 0.5  , 0.333, 0.25 ])
    """

    power: float = 0.5

    def __post_init__(self) -> None:
        _checks.number_from_zero("power", self.power)

    def _at(self, t: Steps) -> Factors:
        return exp(-float(self.power) * log((t + 1).astype(np.float64)))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight ramp, then another schedule, whose own t is 0 at the end of the ramp.

    start + (1 - start) t / steps for t below steps, then(t - steps) from there on. Adam's first steps rest on averages
    of few gradients, and momentum's on none: small rates keep them from doing harm (P. Goyal et al., 2017).

    Parameters
    ----------
    steps : int
        Steps of the ramp, at least 1.
    then : schedule or function of the step, default Constant()
        What follows.
    start : float, default 0.0
        The factor of the first step, from 0 up; at 0 the first step changes no parameter.

    Raises
    ------
    ValueError
        For a setting outside its range.
    TypeError
        If ``then`` is no schedule; the rules that look at the loss are none.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.schedules.WarmUp(4, then=bp.schedules.StepDecay(every=2, factor=0.5)).factors(0, 8)
    array([0.  , 0.25, 0.5 , 0.75, 1.  , 1.  , 0.5 , 0.5 ])
    """

    steps: int
    then: Schedule | Callable[[int], float] = Constant()
    start: float = 0.0

    def __post_init__(self) -> None:
        steps_of("steps", self.steps)
        by_step(self.then, "then")
        _checks.number_from_zero("start", self.start)

    @property
    def _looks_ahead(self) -> bool:
        return by_step(self.then)._looks_ahead

    def _at(self, t: Steps) -> Factors:
        ramp = t[t < self.steps] / self.steps
        rest = t[len(ramp) :] - self.steps
        begun = self.start + (1.0 - self.start) * ramp
        return np.concatenate([begun, by_step(self.then)._at(rest)]) if len(rest) else begun
