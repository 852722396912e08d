"""The learning rate of an estimator's steps: constant, falling with the rows seen, or falling where progress ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bp_core._regularisation import dropout_rates
from bp_core.network import Network
from bp_core.optimizers import BY_NAME, Optimizer
from bp_core.sklearn import _engine_run
from bp_core.sklearn._engine_run import Rule, Steps

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP

SMALLEST_RATE = 1e-6
"""A rate that is adapted ends the training once it is no larger."""


class Descent:
    """A solver at work: its steps, and the rate of the next epoch.

    Attributes
    ----------
    learning_rate : float
    """

    def __init__(self, model: BaseMLP, net: Network, random: np.random.RandomState) -> None:
        rule, self.learning_rate = _rule_of(model)
        dropout = dropout_rates(model.dropout, len(net.hidden))
        key = int(random.randint(np.iinfo(np.int64).max, dtype=np.int64)) if dropout else 0
        self.steps = Steps(net, rule, dropout, key)
        self._initial = self.learning_rate
        self._schedule = model.learning_rate if model.solver == "sgd" else "constant"
        self._power = model.power_t

    def epoch_ends(self, rows_seen: int) -> None:
        """Inverse scaling: rate = initial / (rows seen + 1)^power."""
        if self._schedule == "invscaling":
            self.learning_rate = self._initial / (rows_seen + 1) ** self._power

    def stalls(self, why: str, verbose: bool | int) -> bool:
        """Return whether to stop; an adaptive rate is divided by 5 first, until it is too small."""
        stops = self._schedule != "adaptive" or self.learning_rate <= SMALLEST_RATE
        outcome = " Stopping." if self._schedule != "adaptive" else " Learning rate too small. Stopping."
        if not stops:
            self.learning_rate /= 5.0
            outcome = f" Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(why + outcome)
        return stops


def _rule_of(model: BaseMLP) -> tuple[Rule, float]:
    """The rule and the first rate of a model's solver."""
    solver, rate = model.solver, float(model.learning_rate_init)
    if isinstance(solver, Optimizer):
        return _engine_run.own(solver), solver.learning_rate
    if solver == "sgd":
        return _engine_run.sgd(float(model.momentum), bool(model.nesterovs_momentum)), rate
    if solver == "adam":
        return _engine_run.adam(float(model.beta_1), float(model.beta_2), float(model.epsilon)), rate
    return _engine_run.own(replace(BY_NAME[solver](), learning_rate=rate)), rate  # type: ignore[type-var]
