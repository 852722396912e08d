"""bp_core: one call of `Trainer.fit`."""

from __future__ import annotations

import numpy as np
from data import Problem
from definitions import Optimizer, Workload

import bp_core as bp


class Engine:
    """A fresh Network and Trainer for every start."""

    def __init__(self, work: Workload, problem: Problem, form: str) -> None:
        self.work, self.problem = work, problem
        self.isa = bp.isa()

    def start(self, *, shuffle: bool) -> None:
        """Make a network with the initial weights and its trainer."""
        network = bp.Network.from_arrays(
            [W.copy() for W in self.problem.weights],
            [b.copy() for b in self.problem.biases],
            hidden=self.work.hidden,
            output=self.work.output,
        )
        self.trainer = bp.Trainer(
            network,
            loss=self.work.loss,
            optimizer=_optimizer(self.work.optimizer),
            batch_size=self.work.batch_size,
            shuffle=shuffle,
            seed=0,
            n_threads=1,
        )

    def train(self) -> None:
        """Run all epochs in one `fit`."""
        self.trainer.fit(self.problem.X, self.problem.y, epochs=self.work.epochs)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return copies of the network's parameters."""
        network = self.trainer.network
        return [np.array(W) for W in network.weights], [np.array(b) for b in network.biases]


def _optimizer(rule: Optimizer) -> object:
    """Return bp_core's optimiser with these settings."""
    if rule.name == "sgd":
        return bp.SGD(learning_rate=rule.learning_rate)
    if rule.name == "rmsprop":
        return bp.RMSprop(learning_rate=rule.learning_rate, rho=rule.rho, epsilon=rule.epsilon)
    return bp.Adam(learning_rate=rule.learning_rate, beta1=rule.beta1, beta2=rule.beta2, epsilon=rule.epsilon)
