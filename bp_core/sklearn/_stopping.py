"""When to stop: epochs without an improvement, by scikit-learn's rules, on the attributes an estimator shows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.exceptions import ConvergenceWarning

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP


def begin_record(model: BaseMLP) -> None:
    """Start the lists and the best values afresh; those of losses or those of scores."""
    model.loss_curve_ = []
    model._no_improvement_count = 0
    model.best_loss_ = None if model.early_stopping else np.inf
    model.validation_scores_ = [] if model.early_stopping else None
    model.best_validation_score_ = -np.inf if model.early_stopping else None


def go_on_with_record(model: BaseMLP) -> None:
    """Begin what is missing: all of it after lbfgs, the best values after fits that watched something else."""
    curve = getattr(model, "loss_curve_", None)
    if curve is None or bool(model.early_stopping) == (model.best_loss_ is not None):
        begin_record(model)
        model.loss_curve_ = curve or []


def note_loss(model: BaseMLP) -> None:
    """Count an epoch whose loss is not below the best by more than ``tol``; a NaN starts the count again."""
    loss, best = model.loss_curve_[-1], model.best_loss_
    assert best is not None
    model._no_improvement_count = model._no_improvement_count + 1 if loss > best - model.tol else 0
    model.best_loss_ = min(loss, best) if loss == loss else best


def note_score(model: BaseMLP, score: float) -> bool:
    """Count an epoch whose score is below the best by ``tol`` added; return whether it is the best so far."""
    best = model.best_validation_score_
    assert model.validation_scores_ is not None and best is not None
    model.validation_scores_.append(score)
    if model.verbose:
        print(f"Validation score: {score:f}")
    model._no_improvement_count = model._no_improvement_count + 1 if score < best + model.tol else 0
    model.best_validation_score_ = score if score > best else best
    return score > best


def record_score(model: BaseMLP, score: float) -> None:
    """Take down a score that decides nothing: that of own validation data without early stopping."""
    model.validation_scores_ = [*(model.validation_scores_ or []), score]
    best = model.best_validation_score_
    model.best_validation_score_ = score if best is None or score > best else best


def waited_enough(model: BaseMLP) -> str | None:
    """Return the sentence about too many epochs without an improvement; None as long as there are not."""
    if model._no_improvement_count <= model.n_iter_no_change:
        return None
    watched = "Validation score" if model.early_stopping else "Training loss"
    return f"{watched} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} consecutive epochs."


def warn_of_no_convergence(model: BaseMLP) -> None:
    """Warn that the epochs are used up."""
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({model.max_iter}) reached and the optimization hasn't "
        "converged yet.",
        ConvergenceWarning,
        stacklevel=6,
    )
