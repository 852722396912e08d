"""Training batch by batch: data that arrive in pieces, and losses that are Python functions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _csr, _steps, _threads
from bp_core._checks import STATUS_NOT_FINITE
from bp_core._csr import Csr
from bp_core._intake import Intake
from bp_core._loss_function import Step
from bp_core._targets import Data
from bp_core.whole_batch import WholeBatch

if TYPE_CHECKING:
    from bp_core._fit import Fit
    from bp_core.trainer import Trainer

BatchesLike = Iterable[Any] | Callable[[], Iterable[Any]]


class Source(Protocol):
    """Where batches come from."""

    def open(self) -> Iterator[Data]:
        """The batches of one epoch."""

    def refuse(self, fit: Fit, step: Step, data: Data) -> NoReturn:
        """Raise for the latest batch, a row of which is not finite."""


class Stream:
    """Batches as the user gives them: those of an epoch each time they are iterated, or asked for."""

    def __init__(self, batches: object, intake: Intake, class_weight: object, missing: str, epochs: int) -> None:
        self._batches = _check_batches(batches, epochs)
        self._intake, self._class_weight, self._missing = intake, class_weight, missing
        if isinstance(class_weight, str):
            raise ValueError(
                f"class_weight is {class_weight!r}; the rows of all batches are not known: pass a dict, or a weight "
                "for each class"
            )
        self._at = 0

    def open(self) -> Iterator[Data]:
        """The batches of one epoch, checked one after the other."""
        batches: Any = self._batches if isinstance(self._batches, Iterable) else self._batches()
        if not isinstance(batches, Iterable):
            raise TypeError(f"batches returns {batches!r}; expected an iterable of (X, y)")
        for self._at, item in enumerate(batches):
            if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
                kind = type(item).__name__
                raise TypeError(f"batch {self._at} is a {kind}; expected (X, y) or (X, y, sample_weight)")
            try:
                data = self._data(*item)
            except (TypeError, ValueError) as error:
                raise type(error)(f"batch {self._at}: {error}") from None
            yield data

    def _data(self, X: object, y: object, weight: object = None) -> Data:
        return self._intake.data(X, y, weight, self._class_weight, self._missing, finite=False, part=True)

    def refuse(self, fit: Fit, step: Step, data: Data) -> NoReturn:
        """Raise for the latest batch; the steps before it remain."""
        try:
            _checks.raise_bad_row(step.status, step.bad_row, data, self._intake.dtype, self._missing)
        except ValueError as error:
            raise ValueError(f"batch {self._at}: {error}") from None


def _check_batches(batches: Any, epochs: int) -> BatchesLike:
    if not isinstance(batches, Iterable) and not callable(batches):
        raise TypeError(f"batches is {batches!r}; expected an iterable of (X, y), or a function that returns one")
    if isinstance(batches, Iterator) and epochs > 1:
        raise ValueError(
            f"batches is a {type(batches).__name__}, which gives its batches once; for {epochs} epochs pass a list, or "
            "a function that returns a new one"
        )
    return batches  # type: ignore[no-any-return]


class Slices:
    """Batches of rows that are all at hand, in an order like that of a native call."""

    def __init__(self, trainer: Trainer, data: Data) -> None:
        self._trainer, self._data = trainer, data
        self._n: int = data.X.shape[0]
        trainer._state.begin_fit(self._n)
        self._rows: NDArray[np.int64] = np.arange(self._n)

    def open(self) -> Iterator[Data]:
        """The batches of one epoch, in a new order if the trainer shuffles."""
        batch_size = _steps.rows_of_a_batch(self._trainer, self._n)
        shuffles = self._trainer._shuffle and batch_size < self._n
        order = self._trainer._state.shuffled() if shuffles else np.arange(self._n)
        for first in range(0, self._n, batch_size):
            self._rows = order[first : first + batch_size]
            X, weights = self._data.X, self._data.weights
            X = _csr.rows_at(X, self._rows) if isinstance(X, Csr) else X[self._rows]
            yield Data(X, self._data.targets[self._rows], weights=None if weights is None else weights[self._rows])

    def refuse(self, fit: Fit, step: Step, data: Data) -> NoReturn:
        """Go back to where the fit began and name the row."""
        fit.restore()
        row = int(self._rows[step.bad_row])
        _checks.raise_bad_row(step.status, row, self._data, self._trainer.network.dtype)


class Batches:
    """One step for each batch of a source."""

    def __init__(self, trainer: Trainer, source: Source) -> None:
        self._trainer, self._source = trainer, source
        self._crew: _threads.Crew | None = None
        self._rate = 0.0

    def run_epoch(self, fit: Fit) -> None:
        """The steps of one epoch, or as many as the fit allows."""
        batches, total, share, seconds = self._source.open(), 0.0, 0.0, 0.0
        data = next(batches, None)
        if data is None:
            raise ValueError("batches gave no batch in this epoch; expected at least one")
        while data is not None:
            began = time.monotonic()
            step = self._step(data)
            seconds += time.monotonic() - began
            self._look_at(fit, step, data)
            rows = _share_of_epoch(data)
            total, share, data = total + step.loss * rows, share + rows, next(batches, None)
            if data is not None and not fit.end_step(self._rate):
                return
        fit.book(total / (share or 1.0), self._rate, seconds)

    def _step(self, data: Data) -> Step:
        """One step, on as many threads as help."""
        trainer, rows = self._trainer, data.X.shape[0]
        if isinstance(trainer.optimizer, WholeBatch):
            raise ValueError(f"{type(trainer.optimizer).__name__} takes all rows at once: use fit")
        if self._crew is None:
            unmet = _threads.unmet(trainer.network, data.X)
            several = _threads.for_training(trainer._n_threads, trainer.network.n_parameters, rows, unmet)
            self._crew = _threads.Crew(several, fixed=trainer._n_threads is not None)
        self._rate = float(trainer._rates.ahead(trainer.optimizer.learning_rate, 1)[0])
        self._crew.next()
        began = time.monotonic()
        step = _steps.take(trainer, data, self._crew.threads, self._rate)
        self._crew.report(rows, time.monotonic() - began)
        return step

    def _look_at(self, fit: Fit, step: Step, data: Data) -> None:
        """Raise for a step that could not be taken."""
        if step.status == STATUS_NOT_FINITE:
            fit.diverged(step.what, self._rate)
        if step.status:
            self._source.refuse(fit, step, data)


def _share_of_epoch(data: Data) -> float:
    """What a batch weighs in the loss of the epoch: its rows, or their targets that are there."""
    return float(data.X.shape[0]) if data.sizes is None else math.fsum(data.sizes)
