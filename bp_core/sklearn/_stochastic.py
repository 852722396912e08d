"""Training batch by batch: epochs, their scores, and what ends them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _progress
from bp_core.sklearn import _stopping
from bp_core.sklearn._draws import Orders
from bp_core.sklearn._engine_run import Problem

if TYPE_CHECKING:
    from bp_core.sklearn._base import BaseMLP

Real = NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What a training goes through: the rows it learns from, their orders, and the score it watches."""

    problem: Problem
    orders: Orders
    score: Callable[[], float] | None
    max_iter: int


def train(model: BaseMLP, plan: Plan, *, incremental: bool) -> None:
    """Go through the epochs; Ctrl-C ends them with a warning, and with early stopping the best parameters come back."""
    batch_size = batch_size_for(model.batch_size, plan.problem.n)
    model._optimizer.steps.begin(plan.problem, batch_size, model.n_threads)
    bar = _progress.tqdm_bar(plan.max_iter) if model.progress else None
    model.n_iter_, over = 0, False
    try:
        while not over and model.n_iter_ < plan.max_iter:
            over = _epoch(model, plan, batch_size)
            if bar is not None:
                bar.update()
        if not over and not incremental:
            _stopping.warn_of_no_convergence(model)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=5)
    finally:
        if bar is not None:
            bar.close()
    if model.early_stopping:
        model._network.set_parameters(model._best_parameters)


def _epoch(model: BaseMLP, plan: Plan, batch_size: int) -> bool:
    """One epoch and its books; return whether the training is over."""
    descent, n = model._optimizer, plan.problem.n
    loss = descent.steps.epoch(plan.problem, batch_size, plan.orders.next(), descent.learning_rate)
    model.loss_ = np.float64(loss)  # scikit-learn's type, which rounds itself
    model.n_iter_ += 1
    model.t_ += n
    model.loss_curve_.append(model.loss_)
    if model.verbose:
        print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
    _note(model, plan)
    descent.epoch_ends(model.t_)
    why, over = _stopping.waited_enough(model), False
    if why is not None:
        over = descent.stalls(why, model.verbose)
        model._no_improvement_count = model._no_improvement_count if over else 0
    return _call_back(model) or over


def _note(model: BaseMLP, plan: Plan) -> None:
    """Take down how good the epoch was: by the watched score with early stopping, else by the loss."""
    if plan.score is not None and model.early_stopping:
        if _stopping.note_score(model, plan.score()):
            model._best_parameters = model._network.get_parameters()
        return
    if plan.score is not None:
        _stopping.record_score(model, plan.score())
    _stopping.note_loss(model)


def batch_size_for(given: int | str, n: int) -> int:
    """Rows of a batch: 200 for "auto", never more than there are."""
    if isinstance(given, str):
        return min(200, n)
    if given > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=6
        )
    return int(np.clip(given, 1, n))


def _call_back(model: BaseMLP) -> bool:
    """Call every callback with the model; True if one asks to stop."""
    given = model.callbacks
    functions = () if given is None else (given,) if callable(given) else given
    answers = [function(model) for function in functions]
    return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)
