"""Trainings side by side: threads that take turns at them, slice by slice, until all are done."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._recipe import Recipe
from bp_core.errors import DivergenceError
from bp_core.trainer import Trainer

SLICE = 0.1
"""Seconds after which a thread turns to the training that is furthest behind: so all end together."""

GROWTH = 8
LOOK = 0.1
"""Seconds between looks for Ctrl-C: on Windows it does not break a wait."""


class Stopped(Exception):
    """Another training has failed, or the user has had enough."""


class StoppableTrainer(Trainer):
    """A trainer that gives up before its next native call once ``stop`` is set."""

    stop: threading.Event | None = None

    def _recipe(self) -> Recipe:
        if self.stop is not None and self.stop.is_set():
            raise Stopped
        return super()._recipe()


class Training:
    """One training, done in slices of whole epochs; the bits are those of a single ``fit``."""

    def __init__(self, trainer: StoppableTrainer, data: tuple[Any, Any], validation: Any, epochs: int) -> None:
        self.trainer, self._data, self._validation = trainer, data, validation
        self._left, self._slice = epochs, 1
        self._losses: list[float] = []
        self._validation_losses: list[float] = []
        self.finite = True
        self.epochs_done = 0

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss of every finished epoch."""
        return np.array(self._losses)

    @property
    def validation_losses(self) -> NDArray[np.float64]:
        """The validation loss after every finished epoch."""
        return np.array(self._validation_losses)

    def go_on(self) -> bool:
        """Train for a slice; return whether there is more to do."""
        began = time.monotonic()
        try:
            epochs = min(self._slice, self._left)
            self.trainer.fit(*self._data, epochs=epochs, validation_data=self._validation)
        except DivergenceError:
            self.finite = False
        self._take_over()
        if time.monotonic() - began < SLICE / GROWTH:
            self._slice *= GROWTH
        return self.finite and self._left > 0

    def _take_over(self) -> None:
        history = self.trainer.history
        if history is not None:
            self._losses += history.loss
            self._validation_losses += history.validation_loss
            self._left -= len(history)
            self.epochs_done += len(history)


class SideBySide:
    """Threads that share some trainings."""

    def __init__(self, trainings: Sequence[Training]) -> None:
        self._waiting = list(trainings)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        for training in trainings:
            training.trainer.stop = self._stop

    def run(self, n_threads: int) -> None:
        """Train all to their end; after an error or Ctrl-C all stop before it goes on."""
        ends = [threading.Event() for _ in range(n_threads)]
        threads = [threading.Thread(target=self._work, args=(end,), name="sweep", daemon=True) for end in ends]
        started = 0
        try:
            for thread in threads:
                thread.start()
                started += 1
            for end in ends:  # not by join: Python 3.11 takes a thread for ended whose join Ctrl-C broke
                while not end.wait(LOOK):
                    pass
        finally:
            self._stop.set()
            for thread in threads[:started]:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def _work(self, end: threading.Event) -> None:
        """Train whatever is furthest behind, until nothing waits."""
        try:
            while (training := self._take()) is not None:
                if training.go_on():
                    with self._lock:
                        self._waiting.append(training)
        except Stopped:
            return
        except BaseException as error:
            self._errors.append(error)
            self._stop.set()
        finally:
            end.set()

    def _take(self) -> Training | None:
        with self._lock:
            if self._stop.is_set() or not self._waiting:
                return None
            furthest_behind = min(self._waiting, key=lambda training: training.epochs_done)
            self._waiting.remove(furthest_behind)
            return furthest_behind
