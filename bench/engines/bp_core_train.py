"""bp_core: one call of `Trainer.fit`, or a call of `Trainer.step` for each batch."""

from __future__ import annotations

import numpy as np
from data import Problem
from definitions import Optimizer, Training

import bp_core as bp


class Engine:
    """A fresh Network and Trainer for every start."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        self.work, self.problem, self.form, self.threads = work, problem, form, threads
        self.isa = bp.isa()
        cuts = [slice(first, first + work.batch_size) for first in range(0, work.n_rows, work.batch_size)]
        self.batches = [(problem.X[rows], problem.y[rows]) for rows in cuts] if form == "step" else []

    def start(self, *, shuffle: bool) -> None:
        """Make a network with the initial weights and its trainer."""
        network = bp.Network.from_arrays(
            [W.copy() for W in self.problem.weights],
            [b.copy() for b in self.problem.biases],
            hidden=self.work.hidden,
            output=self.work.output,
        )
        dropped = {"dropout": self.work.dropout} if self.work.dropout else {}  # earlier versions do not know it
        self.trainer = bp.Trainer(
            network,
            loss=self.work.loss,
            optimizer=_optimizer(self.work.optimizer),
            batch_size=self.work.batch_size,
            shuffle=shuffle,
            seed=0,
            n_threads=self.threads,
            **dropped,
        )

    def train(self) -> None:
        """Run all epochs in one `fit`, or step over the batches, in their order."""
        if self.form == "fit":
            self.trainer.fit(self.problem.X, self.problem.y, epochs=self.work.epochs)
            return
        step = self.trainer.step
        for _ in range(self.work.epochs):
            for x, y in self.batches:
                step(x, y)

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
