"""The solver lbfgs: SciPy's L-BFGS-B on the engine's loss and gradient."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import scipy
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from bp_core.sklearn._engine_run import Gradient, Problem

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP


def train(model: BaseMLP, problem: Problem) -> None:
    """Minimise the loss over all rows; the network is left at the minimum that was found."""
    gradient = Gradient(model._network, problem, model.n_threads)
    found = minimize(gradient, gradient.start(), method="L-BFGS-B", jac=True, options=_options(model))
    model.n_iter_ = min(int(found.nit), int(model.max_iter))
    model.loss_ = float(found.fun)
    gradient.put(found.x)
    if found.status != 0:
        _warn(model, found)


def _options(model: BaseMLP) -> dict[str, Any]:
    options = {"maxfun": model.max_fun, "maxiter": model.max_iter, "gtol": model.tol}
    if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 15):  # it prints no more from then on
        options["iprint"] = 1 if model.verbose else -1
    return options


def _warn(model: BaseMLP, found: Any) -> None:
    """Say why the search ended short of a minimum, and what may help."""
    text = f"lbfgs failed to converge after {model.n_iter_} iteration(s) (status={found.status}):\n{found.message}\n"
    if model.n_iter_ == model.max_iter:
        text += f"\nIncrease the number of iterations to improve the convergence (max_iter={model.max_iter})."
    text += "\nInputs of about the same size help: see sklearn.preprocessing.StandardScaler."
    warnings.warn(text, ConvergenceWarning, stacklevel=5)
