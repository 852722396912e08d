"""Levenberg-Marquardt: the loop around the engine's normal equations."""

from __future__ import annotations

import math

import numpy as np

from bp_core import _parameters
from bp_core._all_rows import AllRows, Books
from bp_core._checks import STATUS_NOT_FINITE
from bp_core._csr import Csr
from bp_core.whole_batch import LevenbergMarquardt

LEAST_DAMPING = 1e-20
"""So that it can grow again in a few tries."""


def run(settings: LevenbergMarquardt, rows: AllRows, books: Books) -> None:
    """Epoch after epoch, until the books or the method say stop."""
    if isinstance(rows.data.X, Csr):
        raise ValueError("X is sparse; LevenbergMarquardt takes dense rows, X.toarray(); LBFGS takes sparse ones")
    equations = Equations(settings, rows)
    going_on = True
    while going_on:
        status, bad_row, loss, norm = equations.make()
        if status:
            books.fail(status, bad_row)
        if not math.isfinite(loss):
            books.fail(STATUS_NOT_FINITE)
        damping, stop = rows.state.damping or settings.damping, None
        if norm <= settings.min_gradient:
            stop = "min_gradient"
        else:
            damping, stop = equations.descend(loss, damping)
        going_on = books.end_epoch(loss, damping, stop)


class Equations:
    """The normal equations of a network's residuals, and the memory they take."""

    def __init__(self, settings: LevenbergMarquardt, rows: AllRows) -> None:
        self._settings, self._rows, self._net = settings, rows, rows.net
        self._engine = rows.net._engine
        self._penalty = rows.recipe.l2, rows.recipe.shares_penalty
        self._size, stride = self._engine.normal_equations_shape(rows.net._plan)
        self._matrix = _parameters.zeros(self._size * stride, rows.net.dtype)
        self._factors = _parameters.zeros(self._size * stride, rows.net.dtype)
        self._step = _parameters.zeros(stride, rows.net.dtype)
        self._trial = np.empty_like(rows.net._parameters)

    def make(self) -> tuple[int, int, float, float]:
        """J^T J and J^T r at the network's parameters; returns a status, a bad row, the loss, the gradient's norm."""
        net = self._net
        made: tuple[int, int, float, float] = self._engine.normal_equations(
            net._plan, net._parameters, self._rows.data, self._rows.objective, self._penalty, self._matrix
        )
        return made

    def descend(self, loss: float, damping: float) -> tuple[float, str | None]:
        """Take the first step that lowers the loss; returns its damping, and why to stop where there is none."""
        settings, state = self._settings, self._rows.state
        while damping <= settings.max_damping:
            if self._loss_behind(damping) < loss:
                self._net._parameters[...] = self._trial
                state.damping = max(damping * settings.damping_decrease, LEAST_DAMPING)
                return damping, None
            damping *= settings.damping_increase
        state.damping = 0.0
        return damping, "max_damping"

    def _loss_behind(self, damping: float) -> float:
        """The loss at the end of the step with this damping; infinite where there is none."""
        net = self._net
        relative = self._settings.scaling == "diagonal"
        if not self._engine.solve_damped(self._size, self._matrix, damping, relative, self._factors, self._step):
            return math.inf
        status, _, loss = self._engine.loss_behind(
            *(net._plan, net._parameters, self._step, self._trial),
            *(self._rows.data, self._rows.objective, self._penalty),
        )
        return math.inf if status else float(loss)
