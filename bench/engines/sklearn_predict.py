"""scikit-learn: `predict_proba` of a classifier, `predict` of a regressor, without the check for finite input."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from data import Problem
from definitions import Prediction
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from engines.calls import call_all, call_inputs, joined
from engines.sklearn_mlp import ACTIVATIONS


class Engine:
    """A fitted estimator with the workload's coefficients; one row is (1, n_in) here."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None:
        sklearn.set_config(assume_finite=True)
        warnings.simplefilter("ignore", ConvergenceWarning)
        self.work = work
        self.inputs = call_inputs(work, problem, keep_rows_2d=True)
        model = _fitted(work, problem.X.dtype)
        model.coefs_ = [W.copy() for W in problem.weights]
        model.intercepts_ = [b.copy() for b in problem.biases]
        self.predict = model.predict if isinstance(model, MLPRegressor) else model.predict_proba

    def run(self) -> None:
        """Call it for every input."""
        call_all(self.predict, self.inputs, self.work.epochs)

    def outputs(self) -> np.ndarray:
        """Return what the calls give; of a sigmoid's two probabilities the second."""
        outputs = joined(map(self.predict, self.inputs), self.work)
        return outputs[:, 1:] if self.work.output == "sigmoid" else outputs


def _fitted(work: Prediction, dtype: np.dtype) -> MLPClassifier | MLPRegressor:
    """Return an estimator of this structure, fitted to next to nothing."""
    n_in, n_out = work.layer_sizes[0], work.layer_sizes[-1]
    is_regressor = work.output == "identity"
    make = MLPRegressor if is_regressor else MLPClassifier
    model = make(work.layer_sizes[1:-1], activation=ACTIVATIONS[work.hidden], max_iter=1)
    n_rows = max(n_out, 2)
    y = np.zeros((n_rows, n_out)) if is_regressor else np.arange(n_rows)
    return model.fit(np.zeros((n_rows, n_in), dtype), y)
