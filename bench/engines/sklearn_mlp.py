"""scikit-learn: its own loop inside `fit`, warm-started from the initial weights.

Its gradients are those of this bench's losses times a constant (squared error: half the sum over outputs; binary
cross-entropy: the sum over outputs). The learning rate (SGD) or epsilon (Adam) takes that constant out, so that the
updates are the same.
"""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from data import Problem
from definitions import Training
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

ACTIVATIONS = {"identity": "identity", "relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


class Engine:
    """One estimator whose coefficients are set back by hand."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        sklearn.set_config(assume_finite=True)
        warnings.simplefilter("ignore", ConvergenceWarning)
        self.work, self.problem = work, problem
        self.X, self.y = problem.X, problem.y
        if work.loss == "binary_cross_entropy":
            self.y = problem.y.astype(np.int64)
        if self.y.ndim == 2 and self.y.shape[1] == 1:
            self.y = self.y.ravel()
        self.model = _estimator(work)
        self.model.fit(self.X, self.y)  # makes every fitted attribute

    def start(self, *, shuffle: bool) -> None:
        """Set the initial weights; the next `fit` makes a new optimiser."""
        self.model.set_params(shuffle=shuffle, random_state=0)
        self.model.coefs_ = [W.copy() for W in self.problem.weights]
        self.model.intercepts_ = [b.copy() for b in self.problem.biases]

    def train(self) -> None:
        """Run all epochs in one `fit`."""
        self.model.max_iter = self.work.epochs
        self.model.fit(self.X, self.y)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the coefficients."""
        return self.model.coefs_, self.model.intercepts_


def _estimator(work: Training) -> MLPClassifier | MLPRegressor:
    """Return the estimator that does this work, without penalty, early stop or momentum."""
    n_out = work.layer_sizes[-1]
    factor = {"mse": n_out / 2, "binary_cross_entropy": n_out, "cross_entropy": 1}[work.loss]
    rule = work.optimizer
    rate = rule.learning_rate / factor if rule.name == "sgd" else rule.learning_rate
    make = MLPRegressor if work.loss == "mse" else MLPClassifier
    return make(
        hidden_layer_sizes=work.layer_sizes[1:-1],
        activation=ACTIVATIONS[work.hidden],
        solver=rule.name,
        alpha=0.0,
        batch_size=work.batch_size,
        learning_rate_init=rate,
        momentum=0.0,
        nesterovs_momentum=False,
        beta_1=rule.beta1,
        beta_2=rule.beta2,
        epsilon=rule.epsilon * factor,
        max_iter=1,
        tol=0.0,
        n_iter_no_change=10**9,
        warm_start=True,
    )
