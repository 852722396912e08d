"""The door to the engine: an epoch of steps, and a gradient over all rows, by scikit-learn's conventions.

A batch's sums are divided by its sum of weights, and so is the penalty; Adam's epsilon and the velocities of momentum
are where scikit-learn has them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _threads
from bp_core._parameters import bias_views, weight_views
from bp_core._recipe import ADAM, MOMENTUM, NESTEROV, PLAIN, Recipe
from bp_core._state import TrainerState
from bp_core._targets import Data
from bp_core.losses import Objective
from bp_core.network import Network
from bp_core.optimizers import Optimizer

Real = NDArray[Any]
CALL_SECONDS = 0.05
"""How long a native call may run before Python looks for Ctrl-C."""


@dataclass(frozen=True)
class Rule(Optimizer):
    """An optimizer as the engine takes it, with the arrays of state that it keeps."""

    recipe: Recipe
    states: tuple[str, ...]

    def _recipe(self) -> Recipe:
        return self.recipe

    def _states(self) -> tuple[str, ...]:
        return self.states


def sgd(momentum: float, nesterov: bool) -> Rule:
    """Velocities: v = momentum v - rate g, then p += v; with Nesterov's p += momentum v - rate g."""
    if momentum == 0:
        return Rule(Recipe(PLAIN), ())
    code = NESTEROV if nesterov else MOMENTUM
    return Rule(Recipe(code, momentum, velocity=True), ("m",))


def adam(beta1: float, beta2: float, epsilon: float) -> Rule:
    """Adam with a plain epsilon: p -= rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)."""
    return Rule(Recipe(ADAM, beta1, beta2, epsilon, raw_epsilon=True), ("m", "v"))


def own(optimizer: Optimizer) -> Rule:
    """One of this library's optimizers as it is."""
    return Rule(optimizer._recipe(), optimizer._states())


GRADIENT = Rule(Recipe(MOMENTUM, 0.0), ("m",))
"""m = 0 m + g: a step that leaves the gradient behind, and is taken back."""


@dataclass(frozen=True)
class Problem:
    """What is learned from: the engine's rows, the loss, the penalty."""

    data: Data
    objective: Objective
    alpha: float

    @property
    def n(self) -> int:
        """The number of rows."""
        rows: int = self.data[0].shape[0]
        return rows


class Steps:
    """The steps of one rule on one network; its arrays of state live on from fit to fit."""

    def __init__(self, net: Network, rule: Rule, dropout: tuple[float, ...] = (), dropout_key: int = 0) -> None:
        self.net = net
        self._recipe = rule.recipe._replace(shares_penalty=True, dropout=dropout, dropout_key=dropout_key)
        self._state = TrainerState(net, np.random.PCG64(0))  # no word is drawn: the orders come from outside
        self._state.prepare(rule)
        self._crew: _threads.Crew | None = None
        self._loss, self._seconds, self._rates = np.zeros(1), np.zeros(1), np.zeros(1)

    def begin(self, problem: Problem, batch_size: int, n_threads: int | None) -> None:
        """Make ready for epochs over the rows of a problem."""
        self._state.begin_fit(problem.n)
        unmet = _threads.unmet(self.net, problem.data.X)
        several = _threads.for_training(n_threads, self.net.n_parameters, batch_size, unmet)
        self._crew = _threads.Crew(several, fixed=n_threads is not None)

    def forget(self) -> None:
        """Start the arrays of state afresh."""
        self._state.forget()

    def epoch(self, problem: Problem, batch_size: int, order: NDArray[np.int64] | bool, rate: float) -> float:
        """Go once through the rows; return the epoch's loss.

        NaN where the loss was not finite: all parameters are then NaN, as a further step would have made them.
        """
        epoch, self._rates[0] = self._state.epoch, rate
        recipe = self._recipe._replace(l2=problem.alpha)
        while self._state.epoch == epoch:
            status, row = self._call(problem, recipe, batch_size, order)
            if status == _checks.STATUS_NOT_FINITE:
                self.net._parameters[...] = np.nan
                self._state.begin_fit(problem.n)
                return float("nan")
            if status not in (0, _checks.STATUS_OUT_OF_TIME):
                _checks.raise_bad_row(status, row, problem.data, self.net.dtype)
        return float(self._loss[0])

    def _call(
        self, problem: Problem, recipe: Recipe, batch_size: int, order: NDArray[np.int64] | bool
    ) -> tuple[int, int]:
        """One native call: about 50 ms, or to the end of the epoch."""
        assert self._crew is not None
        budget = min(self._crew.next(), CALL_SECONDS)
        began, rows = time.monotonic(), self._state.rows_seen(problem.n)
        result = self._state.train(
            recipe,
            problem.data,
            problem.objective,
            batch_size,
            order,
            (1, -np.inf, budget),
            self._crew.threads,
            self._loss,
            self._seconds,
            self._rates,
        )
        self._crew.report(self._state.rows_seen(problem.n) - rows, time.monotonic() - began)
        return result


class Gradient:
    """Loss and gradient over all rows, for a minimizer of its own: all weights, then all biases, in one vector.

    By a step that is taken back, because training goes in threads, as a single look at the gradient does not.
    """

    def __init__(self, net: Network, problem: Problem, n_threads: int | None) -> None:
        self.net, self._problem = net, problem
        self._steps = Steps(net, GRADIENT)
        self._steps.begin(problem, problem.n, n_threads)
        m = self._steps._state._arrays["m"]
        self._gradient = (*weight_views(m, net._layout), *bias_views(m, net._layout))

    def start(self) -> Real:
        """The network's parameters as a float64 vector."""
        return np.hstack([part.ravel() for part in (*self.net.weights, *self.net.biases)]).astype(np.float64)

    def put(self, vector: Real) -> None:
        """Set the network's parameters."""
        at = 0
        for part in (*self.net.weights, *self.net.biases):
            part[...] = vector[at : at + part.size].reshape(part.shape)
            at += part.size

    def __call__(self, vector: Real) -> tuple[float, Real]:
        """Return loss and gradient at a vector, and leave the network there."""
        self.put(vector)
        loss = self._steps.epoch(self._problem, self._problem.n, False, 1.0)
        self.put(vector)
        if loss != loss:
            return loss, np.full_like(vector, np.nan)
        gradient = np.hstack([part.ravel() for part in self._gradient])
        if not np.isfinite(gradient).all():
            self._steps.forget()  # 0 m is no 0 where m is infinite
        return loss, gradient
