"""One fit: native calls of about 50 ms, and what Python has to do between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _lbfgs, _levenberg_marquardt, _passes, _threads
from bp_core._all_rows import AllRows
from bp_core._checks import STATUS_NOT_FINITE, STATUS_OUT_OF_TIME, STATUS_TARGET
from bp_core._state import POSITION, STEP
from bp_core._targets import Data
from bp_core.errors import DivergenceError
from bp_core.history import Epoch, History
from bp_core.whole_batch import LBFGS, LevenbergMarquardt, WholeBatch

if TYPE_CHECKING:
    from bp_core.trainer import Trainer

Real = NDArray[Any]
CALL_SECONDS = 0.05
"""How long a native call may run before Python looks for Ctrl-C."""

CALL_EPOCHS = 1 << 16
"""Most epochs of a native call, which bounds the arrays it writes."""


@dataclass(frozen=True)
class Limits:
    """What ends a fit from within the native call."""

    epochs: int
    target_loss: float | None
    max_seconds: float | None


@dataclass(frozen=True)
class Watch:
    """What Python does after an epoch."""

    validation: Data | None
    patience: int | None
    min_delta: float
    callbacks: tuple[Callable[[Epoch], object], ...]
    progress: bool
    rule: bool

    @property
    def each_epoch(self) -> bool:
        """Whether native calls must return after every epoch."""
        return bool(self.validation or self.patience or self.callbacks or self.progress or self.rule)


class Fit:
    """One run of ``Trainer.fit``, from its start to its stop reason."""

    def __init__(self, trainer: Trainer, data: Data, limits: Limits, watch: Watch, history: History) -> None:
        self._trainer, self._net, self._state = trainer, trainer.network, trainer._state
        self._data, self._limits, self._watch, self._history = data, limits, watch, history
        n: int = data[0].shape[0]
        self._batch_size = n if trainer.batch_size == "full" else min(int(trainer.batch_size), n)
        self._state.begin_fit(n)
        self._first = self._recorded = self._state.epoch
        self._start = self._net._parameters.copy()
        self._start_state = self._state.to_dict(untouched=False)
        self._newest = self._start if self._is_finite() else None
        self._keep_at = CALL_SECONDS
        self._epoch_steps = -(-n // self._batch_size)
        self._rates, self._varies = np.zeros(1), False  # of the call
        self._called_at = 0  # the trainer's step with the first of them
        unmet = _threads.unmet(self._net, data.X)
        several = _threads.for_training(trainer._n_threads, self._net.n_parameters, self._batch_size, unmet)
        self._crew = _threads.Crew(several, fixed=trainer._n_threads is not None)
        self._best = Best(watch.min_delta)
        self._began = time.monotonic()
        room = 1 if watch.each_epoch else min(limits.epochs, CALL_EPOCHS)
        self._losses, self._seconds = np.zeros(room), np.zeros(room)
        self._bar: Any = None

    def run(self) -> None:
        """Train to the end; after an error other than divergence and Ctrl-C the stop reason stays None."""
        self._bar = _progress_bar(self._limits.epochs) if self._watch.progress else None
        try:
            while self._history.stop_reason is None:
                self._advance()
        except KeyboardInterrupt:
            self._record()
            self._history.stop_reason = "interrupted"
            raise
        finally:
            if self._bar is not None:
                self._bar.close()
        if self._watch.patience is not None and self._best.parameters is not None:
            self._net._parameters[...] = self._best.parameters

    # ------------------------------------------------------------- one call
    def _advance(self) -> None:
        """One native call, or epochs of a method that takes all rows as one batch, and what they ask for."""
        method = self._trainer.optimizer
        if isinstance(method, WholeBatch):
            self._mark = time.monotonic()
            trainer = self._trainer
            rows = AllRows(self._net, self._data, trainer._engine_objective(), trainer._recipe(), self._state)
            RUN[type(method)](method, rows, self)
        else:
            self._settle(*self._call())

    def _call(self) -> tuple[int, int]:
        """One native call; returns its status and a bad row."""
        epochs = min(self._left(), self._losses.size)
        self._look_ahead(epochs)
        trial, began, rows = self._crew.next(), time.monotonic(), self._state.rows_seen(self._data[0].shape[0])
        status, bad_row = self._state.train(
            self._trainer._recipe(),
            self._data,
            self._trainer._engine_objective(),
            self._batch_size,
            self._trainer._shuffle,
            (epochs, self._target(), min(trial, self._budget())),
            self._crew.threads,
            self._losses,
            self._seconds,
            self._rates,
            self._varies,
        )
        rows = self._state.rows_seen(self._data[0].shape[0]) - rows
        self._crew.report(rows, time.monotonic() - began)
        return status, bad_row

    def _settle(self, status: int, bad_row: int = 0, stop: str | None = None) -> None:
        """What a status and the epochs finished ask for; ``stop`` is a reason of the method's own."""
        finished = self._record()
        if status == STATUS_NOT_FINITE:
            self._diverged("the loss is no longer finite", self._steps_taken())
        if status not in (0, STATUS_OUT_OF_TIME, STATUS_TARGET):
            self._bad_data(status, bad_row)
        self._keep_newest()
        stop = "target_loss" if status == STATUS_TARGET else stop
        if finished and self._watch.each_epoch:
            stop = self._after_epoch(stop)
        stop = stop or self._limit_reached()
        if stop is not None and not self._is_finite():
            self._diverged("a parameter is no longer finite", self._steps_taken() - 1)
        self._history.stop_reason = stop
        if self._bar is not None:
            _show(self._bar, self._history)

    # ---------------------------------------------- a method of all rows at once
    def end_epoch(self, loss: float, rate: float, stop: str | None = None) -> bool:
        """Book an epoch that began with this loss; returns whether the method goes on."""
        self._losses[0], self._seconds[0] = loss, time.monotonic() - self._mark
        self._rates, self._varies = np.array([rate]), False
        method = self._trainer.optimizer
        self._state.count_epoch()
        self._settle(STATUS_TARGET if loss <= self._target() else 0, stop=stop)
        self._mark = time.monotonic()
        return self._history.stop_reason is None and self._trainer.optimizer == method

    def fail(self, status: int, bad_row: int = 0) -> NoReturn:
        """Raise for rows that could not be read, or a loss that is not finite."""
        self._settle(status, bad_row)
        raise RuntimeError(f"the engine stopped with status {status}")

    def conclude(self, stop: str) -> None:
        """Give the reason why the method has nothing left to do."""
        self._history.stop_reason = stop

    def _target(self) -> float:
        return -np.inf if self._limits.target_loss is None else self._limits.target_loss

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

    def _rates_of(self, finished: int) -> NDArray[np.float64]:
        """The rate of the last step of each epoch that the latest call has finished."""
        if not self._varies:
            return np.full(finished, self._rates[0])
        last = self._steps_taken() - self._steps_done() - 1
        rates: NDArray[np.float64] = self._rates[last - self._epoch_steps * np.arange(finished - 1, -1, -1)]
        return rates

    def _left(self) -> int:
        return self._limits.epochs - (self._state.epoch - self._first)

    def _budget(self) -> float:
        """Seconds for the next call."""
        if self._limits.max_seconds is None:
            return CALL_SECONDS
        return min(CALL_SECONDS, max(0.0, self._limits.max_seconds - self._elapsed()))

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _limit_reached(self) -> str | None:
        if self._left() <= 0:
            return "epochs"
        if self._limits.max_seconds is not None and self._elapsed() >= self._limits.max_seconds:
            return "max_seconds"
        return None

    def _record(self) -> int:
        """Move what the engine wrote about finished epochs to the history; returns how many there were."""
        finished = self._state.epoch - self._recorded
        if finished:
            self._history._add(
                index=np.arange(self._recorded, self._recorded + finished, dtype=np.float64),
                loss=self._losses[:finished],
                seconds=self._seconds[:finished],
                learning_rate=self._rates_of(finished),
            )
        unfinished = self._seconds[finished] if finished < self._seconds.size else 0.0
        self._seconds[:] = 0.0
        self._seconds[0] = unfinished
        self._recorded += finished
        return finished

    # ------------------------------------------------------- after an epoch
    def _after_epoch(self, stop: str | None) -> str | None:
        """Validation, patience and callbacks; returns why to stop."""
        history, watch = self._history, self._watch
        if watch.validation is not None:
            history._add(validation_loss=[self._validation_loss()])
        watched = history._last("loss" if watch.validation is None else "validation_loss")
        if watch.patience is not None and self._best.look(watched, self._net._parameters) >= watch.patience:
            stop = stop or "patience"
        rule = self._trainer._rates.rule
        if rule is not None:
            reason = rule._look(watched, history._last("learning_rate"), self._state.rule)
            stop = stop or reason
        if self._call_back():
            stop = stop or "callback"
        return stop

    def _validation_loss(self) -> float:
        data = self._watch.validation
        assert data is not None
        return _passes.evaluate(self._net, data, self._trainer._engine_objective(), _passes.NOTHING)

    def _call_back(self) -> bool:
        """Call every callback; True if one asks to stop."""
        if not self._watch.callbacks:
            return False
        history = self._history
        epoch = Epoch(
            int(history._last("index")),
            history._last("loss"),
            None if self._watch.validation is None else history._last("validation_loss"),
            history._last("learning_rate"),
            history._last("seconds"),
            self._trainer,
            self._net,
        )
        answers = [f(epoch) for f in self._watch.callbacks]
        return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)

    # ------------------------------------------------------- when it goes wrong
    def _keep_newest(self) -> None:
        """Keep a copy of the parameters while all are finite: about every call's length, or 1 % of the time."""
        began = time.monotonic()
        if began - self._began < self._keep_at:
            return
        if self._is_finite():
            if self._newest is None or self._newest is self._start:
                self._newest = np.empty_like(self._start)
            self._newest[...] = self._net._parameters
        now = time.monotonic()
        self._keep_at = now - self._began + max(CALL_SECONDS, 100 * (now - began))

    def _is_finite(self) -> bool:
        finite: bool = self._net._engine.all_finite(self._net._plan, self._net._parameters)
        return finite

    def _diverged(self, what: str, step: int) -> NoReturn:
        """Go back to the newest finite parameters and say so, with the rate of a step of the latest call."""
        self._history.stop_reason = "diverged"
        outcome = "the parameters were not finite when the fit began"
        if self._newest is not None:
            self._net._parameters[...] = self._newest
            outcome = "the network is back at its newest finite parameters"
        self._state.forget()
        raise DivergenceError(self._state.epoch, float(self._rates[step if self._varies else 0]), what, outcome)

    def _bad_data(self, status: int, row: int) -> NoReturn:
        """Go back to where the fit began and name the number that is not finite."""
        self._net._parameters[...] = self._start
        self._state.from_dict(self._start_state)
        _checks.raise_bad_row(status, row, self._data, self._net.dtype)


RUN: dict[type[WholeBatch], Callable[..., None]] = {
    LBFGS: _lbfgs.run,
    LevenbergMarquardt: _levenberg_marquardt.run,
}


class Best:
    """The lowest watched loss and the parameters that had it; and apart from it, the epochs without a gain."""

    def __init__(self, min_delta: float) -> None:
        self._min_delta = min_delta
        self._lowest = self._reference = np.inf
        self._waited = 0
        self.parameters: Real | None = None

    def look(self, loss: float, parameters: Real) -> int:
        """Take an epoch's loss into account; returns the epochs since it last fell by more than min_delta."""
        if loss < self._lowest or self.parameters is None:
            self._lowest = loss if loss < np.inf else np.inf
            self.parameters = parameters.copy()
        self._waited += 1
        if loss < self._reference - self._min_delta:
            self._reference, self._waited = loss, 0
        return self._waited


def _progress_bar(epochs: int) -> Any:
    """A tqdm bar over the epochs."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True needs tqdm: pip install tqdm") from None
    return tqdm(total=epochs, unit="epoch")


def _show(bar: Any, history: History) -> None:
    """Bring the bar up to date."""
    if len(history) > bar.n:
        bar.set_postfix_str(_losses_text(history), refresh=False)
        bar.update(len(history) - bar.n)


def _losses_text(history: History) -> str:
    text = f"loss {history.loss[-1]:.4g}"
    return text + f", validation {history.validation_loss[-1]:.4g}" if history.validation_loss else text
