"""Training by native calls of about 50 ms, each of as many steps and epochs as fit into it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bp_core import _steps, _threads
from bp_core._state import POSITION, STEP
from bp_core._targets import Data

if TYPE_CHECKING:
    from bp_core.trainer import Trainer

Floats = NDArray[np.float64]


class Calls:
    """Native calls over rows that are all at hand."""

    def __init__(self, trainer: Trainer, data: Data) -> None:
        self._trainer, self._state, self.data = trainer, trainer._state, data
        n: int = data.X.shape[0]
        self._n, self._batch_size = n, _steps.rows_of_a_batch(trainer, n)
        self._epoch_steps = -(-n // self._batch_size)
        self._rates, self._varies = np.zeros(1), False  # of the call
        self._called_at = 0  # the trainer's step with the first of them
        unmet = _threads.unmet(trainer.network, data.X)
        several = _threads.for_training(trainer._n_threads, trainer.network.n_parameters, self._batch_size, unmet)
        self._crew = _threads.Crew(several, fixed=trainer._n_threads is not None)
        self._state.begin_fit(n)

    def call(self, limits: tuple[int, float, float], losses: Floats, seconds: Floats) -> tuple[int, int]:
        """One call within (epochs, target loss, seconds); returns its status and a bad row."""
        epochs, target, budget = limits
        self._look_ahead(epochs)
        trial, began, rows = self._crew.next(), time.monotonic(), self._state.rows_seen(self._n)
        status, bad_row = self._state.train(
            self._trainer._recipe(),
            self.data,
            self._trainer._engine_objective(),
            self._batch_size,
            self._trainer._shuffle,
            (epochs, target, min(trial, budget)),
            self._crew.threads,
            losses,
            seconds,
            self._rates,
            self._varies,
        )
        self._crew.report(self._state.rows_seen(self._n) - rows, time.monotonic() - began)
        return status, bad_row

    def _look_ahead(self, epochs: int) -> None:
        """The rates of the steps of so many epochs, or of as many of them as are known in one go."""
        source, done = self._trainer._rates, self._steps_done()
        self._rates = source.ahead(self._trainer.optimizer.learning_rate, epochs * self._epoch_steps - done)
        self._varies, self._called_at = source.varies, int(self._state.counters[STEP])

    def _steps_done(self) -> int:
        """Steps done of the epoch in hand."""
        return -(-int(self._state.counters[POSITION]) // self._batch_size)

    def _steps_taken(self) -> int:
        """Steps taken by the latest call."""
        return int(self._state.counters[STEP]) - self._called_at

    def rates_of(self, finished: int) -> Floats:
        """The rate of the last step of each epoch that the latest call has finished."""
        if not self._varies:
            return np.full(finished, self._rates[0])
        last = self._steps_taken() - self._steps_done() - 1
        rates: Floats = self._rates[last - self._epoch_steps * np.arange(finished - 1, -1, -1)]
        return rates

    def rate_of_step(self, taken: bool) -> float:
        """The rate of the last step taken, or of the one behind it."""
        return float(self._rates[self._steps_taken() - taken if self._varies else 0])
