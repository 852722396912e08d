"""L-BFGS: SciPy's minimizer on the engine's loss and gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _parameters, _passes
from bp_core._all_rows import AllRows, Books
from bp_core._checks import STATUS_NOT_FINITE
from bp_core.whole_batch import LBFGS

Vector = NDArray[np.float64]

RATE = 1.0
"""What stands for the learning rate: the line search sets the length of a step."""

LINE_SEARCH_FAILED = 2


def run(settings: LBFGS, rows: AllRows, books: Books) -> None:
    """Iterations until the books or SciPy say stop."""
    minimize = _scipy_minimize()
    net, loss = rows.net, PenalizedLoss(rows)
    progress = Progress(rows, books, loss)
    found = minimize(
        loss,
        net.get_parameters().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=progress.end_iteration,
        options={
            "maxcor": settings.memory,
            "maxfun": settings.max_evaluations,
            "maxiter": 2**31 - 1,
            "gtol": settings.min_gradient,
            "ftol": settings.min_improvement,
        },
    )
    if not progress.stopped:
        progress.conclude(_reason(found, settings))


def _scipy_minimize() -> Any:
    try:
        from scipy.optimize import minimize
    except ImportError:
        raise ImportError("LBFGS needs SciPy: pip install 'bp-core[lbfgs]'") from None
    return minimize


def _reason(found: Any, settings: LBFGS) -> str:
    """Why SciPy stopped by itself."""
    if found.status == 0:
        return "min_gradient" if np.abs(found.jac).max() <= settings.min_gradient else "min_improvement"
    return "line_search" if found.status == LINE_SEARCH_FAILED else "max_evaluations"


class PenalizedLoss:
    """The loss and its gradient, penalties included, of parameters in the order of ``get_parameters``."""

    def __init__(self, rows: AllRows) -> None:
        self._rows, net = rows, rows.net
        share = rows.size if rows.recipe.shares_penalty else 1.0
        self._l2, self._l1 = rows.recipe.l2 / share, rows.recipe.l1 / share
        self._parameters = _parameters.zeros(net._layout[0], net.dtype)
        self._gradient = _parameters.zeros(net._layout[0], net.dtype)
        self._weights = _parameters.weight_views(self._parameters, net._layout)
        self._biases = _parameters.bias_views(self._parameters, net._layout)
        self._slopes = (
            _parameters.weight_views(self._gradient, net._layout),
            _parameters.bias_views(self._gradient, net._layout),
        )
        self._wanted = (None, None, None, None, self._gradient)
        self.first: float | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        """The loss and its gradient at x."""
        rows = self._rows
        _parameters.split_into(x, self._weights, self._biases)
        loss = _passes.evaluate(rows.net, rows.data, rows.objective, self._wanted, self._parameters)
        weights, slopes = self._weights, self._slopes
        for W, grad_W in zip(weights, slopes[0], strict=True):
            if self._l2:
                loss += 0.5 * self._l2 * float(np.square(W, dtype=np.float64).sum())
                grad_W += self._l2 * W
            if self._l1:
                loss += self._l1 * float(np.abs(W).sum(dtype=np.float64))
                grad_W += self._l1 * np.sign(W)
        if self.first is None:
            self.first = loss
        return loss, _parameters.join(*slopes).astype(np.float64)

    def put(self, x: Vector) -> None:
        """Make x the network's parameters."""
        net = self._rows.net
        _parameters.split_into(x, net.weights, net.biases)


class Progress:
    """What SciPy tells after every iteration, put into the books."""

    def __init__(self, rows: AllRows, books: Books, loss: PenalizedLoss) -> None:
        self._books, self._loss = books, loss
        self._before: float | None = None
        self.stopped = False

    def end_iteration(self, intermediate_result: Any) -> None:
        """Book an iteration that began with the loss before."""
        before = self._loss.first if self._before is None else self._before
        assert before is not None
        self._before = float(intermediate_result.fun)
        if not np.isfinite(before) or not np.isfinite(self._before):
            self._books.fail(STATUS_NOT_FINITE)
        self._loss.put(intermediate_result.x)
        if not self._books.end_epoch(before, RATE):
            self.stopped = True
            raise StopIteration

    def conclude(self, stop: str) -> None:
        """Why SciPy stopped; where it took no step, that was an epoch too."""
        if self._before is None:
            first = self._loss.first
            assert first is not None
            if not np.isfinite(first):
                self._books.fail(STATUS_NOT_FINITE)
            self._books.end_epoch(first, RATE, stop)
        else:
            self._books.conclude(stop)
