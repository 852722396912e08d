"""One fit: native calls or steps, and what Python has to do between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _lbfgs, _levenberg_marquardt, _steps
from bp_core._all_rows import AllRows
from bp_core._batches import Batches, Slices, Stream
from bp_core._calls import Calls
from bp_core._checks import STATUS_NOT_FINITE, STATUS_OUT_OF_TIME, STATUS_TARGET
from bp_core._monitor import TRAINING_LOSS, Best, Monitor
from bp_core._progress import Progress
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


class Limits(NamedTuple):
    """What ends a fit from within the native call."""

    epochs: int
    target_loss: float | None = None
    max_seconds: float | None = None


class Watch(NamedTuple):
    """What Python does after an epoch."""

    validation: Data | None = None
    monitor: Monitor = TRAINING_LOSS
    patience: int | None = None
    min_delta: float = 0.0
    callbacks: tuple[Callable[[Epoch], object], ...] = ()
    progress: bool = False

    @property
    def each_epoch(self) -> bool:
        """Whether native calls must return after every epoch."""
        looks = self.validation or self.patience or self.callbacks or self.progress
        return bool(looks or self.monitor.chosen)


class Fit:
    """One run of ``Trainer.fit`` or ``fit_batches``, from its start to its stop reason."""

    def __init__(self, trainer: Trainer, data: Data | Stream, limits: Limits, watch: Watch, history: History) -> None:
        self._trainer, self._net, self._state = trainer, trainer.network, trainer._state
        self._limits, self._watch, self._history = limits, watch, history
        self._work = _work(trainer, data)
        self._first = self._recorded = self._state.epoch
        self._start = self._net._parameters.copy()
        self._start_state = self._state.to_dict(untouched=False)
        self._newest = self._start if self._is_finite() else None
        self._keep_at = CALL_SECONDS
        self._rate: float | None = None  # of an epoch that was no native call's
        self._best = Best(watch.min_delta, watch.monitor.lowest)
        history._lowest = watch.monitor.lowest
        self._began = time.monotonic()
        self._each_epoch = watch.each_epoch or trainer._rates.rule is not None
        room = 1 if self._each_epoch else min(limits.epochs, CALL_EPOCHS)
        self._losses, self._seconds = np.zeros(room), np.zeros(room)
        self._bar: Progress | None = None

    def run(self) -> None:
        """Train to the end; after an error other than divergence and Ctrl-C the stop reason stays None."""
        self._bar = Progress(self._limits.epochs) if self._watch.progress else None
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

    def _advance(self) -> None:
        """One native call, an epoch of batches, or epochs of a method that takes all rows as one batch."""
        trainer, method = self._trainer, self._trainer.optimizer
        if isinstance(self._work, Batches):
            self._work.run_epoch(self)
        elif isinstance(method, WholeBatch):
            self._mark, self._rate = time.monotonic(), 0.0
            rows = AllRows(self._net, self._work.data, trainer._engine_objective(), trainer._recipe(), self._state)
            RUN[type(method)](method, rows, self)
        else:
            self._rate = None
            limits = min(self._left(), self._losses.size), self._target(), self._budget()
            self._settle(*self._work.call(limits, self._losses, self._seconds))

    def _settle(self, status: int, bad_row: int = 0, stop: str | None = None) -> None:
        """What a status and the epochs finished ask for; ``stop`` is a reason of the method's own."""
        finished = self._record()
        if status == STATUS_NOT_FINITE:
            self.diverged("the loss is no longer finite", self._rate_of_step(taken=False))
        if status not in (0, STATUS_OUT_OF_TIME, STATUS_TARGET):
            self._bad_data(status, bad_row)
        self._keep_newest()
        stop = "target_loss" if status == STATUS_TARGET else stop
        if finished and self._each_epoch:
            stop = self._after_epoch(stop)
        stop = stop or self._limit_reached()
        if stop is not None and not self._is_finite():
            self.diverged("a parameter is no longer finite", self._rate_of_step(taken=True))
        self._history.stop_reason = stop
        if self._bar is not None:
            self._bar.show(self._history)

    # ------------------------------------------------------------- step by step
    def end_step(self, rate: float) -> bool:
        """Do what is due in the middle of an epoch, after a step with this rate; returns whether the fit goes on."""
        self._rate = rate
        self._settle(0)
        return self._history.stop_reason is None

    def book(self, loss: float, rate: float, seconds: float, *, steps: int = 0, stop: str | None = None) -> None:
        """Book an epoch that was no native call's; ``steps`` of it were not yet counted."""
        self._losses[0], self._seconds[0], self._rate = loss, seconds, rate
        self._state.count_epoch(steps)
        self._settle(STATUS_TARGET if loss <= self._target() else 0, stop=stop)

    # ---------------------------------------------- a method of all rows at once
    def end_epoch(self, loss: float, rate: float, stop: str | None = None) -> bool:
        """Book an epoch that began with this loss; returns whether the method goes on."""
        method = self._trainer.optimizer
        self.book(loss, rate, time.monotonic() - self._mark, steps=1, stop=stop)
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

    # ---------------------------------------------------------------- the books
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

    def _rates_of(self, finished: int) -> NDArray[np.float64]:
        """The rate of the last step of each epoch that was finished."""
        if self._rate is not None or isinstance(self._work, Batches):
            return np.full(finished, self._rate)
        return self._work.rates_of(finished)

    def _rate_of_step(self, taken: bool) -> float:
        """The rate of the last step taken, or of the one behind it."""
        if self._rate is not None or isinstance(self._work, Batches):
            return self._rate or 0.0
        return self._work.rate_of_step(taken)

    # ------------------------------------------------------- after an epoch
    def _after_epoch(self, stop: str | None) -> str | None:
        """Validation, what is watched, and callbacks; returns why to stop."""
        history, watch = self._history, self._watch
        if watch.validation is not None:
            history._add(validation_loss=[_steps.loss_of(self._trainer, watch.validation)])
        watched = self._watched()
        if watch.monitor.chosen:
            history._add(monitored=[watched])
        if watch.patience is not None and self._best.look(watched, self._net._parameters) >= watch.patience:
            stop = stop or "patience"
        reason = self._ask_rule()
        stop = stop or reason
        if self._call_back():
            stop = stop or "callback"
        return stop

    def _watched(self) -> float:
        """The value of the monitor."""
        monitor = self._watch.monitor
        return self._history._last(monitor.column) if monitor.compute is None else monitor.compute(self._net)

    def _ask_rule(self) -> str | None:
        """Let a rule of the schedule see the loss: validation where there is any, else training."""
        rule, history = self._trainer._rates.rule, self._history
        if rule is None:
            return None
        loss = history._last("loss" if self._watch.validation is None else "validation_loss")
        return rule._look(loss, history._last("learning_rate"), self._state.rule)

    def _call_back(self) -> bool:
        """Call every callback; True if one asks to stop."""
        if not self._watch.callbacks:
            return False
        history = self._history
        epoch = Epoch(
            int(history._last("index")),
            history._last("loss"),
            history._last("validation_loss") if history._has("validation_loss") else None,
            history._last("learning_rate"),
            history._last("seconds"),
            self._trainer,
            self._net,
            history._last("monitored") if history._has("monitored") else None,
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

    def diverged(self, what: str, rate: float) -> NoReturn:
        """Go back to the newest finite parameters and say so."""
        self._history.stop_reason = "diverged"
        outcome = "the parameters were not finite when the fit began"
        if self._newest is not None:
            self._net._parameters[...] = self._newest
            outcome = "the network is back at its newest finite parameters"
        self._state.forget()
        rate = 0.0 if isinstance(self._trainer.optimizer, WholeBatch) else rate
        raise DivergenceError(self._state.epoch, rate, what, outcome)

    def restore(self) -> None:
        """Go back to where the fit began."""
        self._net._parameters[...] = self._start
        self._state.from_dict(self._start_state)

    def _bad_data(self, status: int, row: int) -> NoReturn:
        """Go back to where the fit began and name the number that is not finite."""
        assert isinstance(self._work, Calls)
        self.restore()
        _checks.raise_bad_row(status, row, self._work.data, self._net.dtype)


def _work(trainer: Trainer, data: Data | Stream) -> Calls | Batches:
    """What a fit does over and over: native calls, or steps where Python has to do with each."""
    if isinstance(data, Stream):
        return Batches(trainer, data)
    return Calls(trainer, data) if trainer._function is None else Batches(trainer, Slices(trainer, data))


RUN: dict[type[WholeBatch], Callable[..., None]] = {
    LBFGS: _lbfgs.run,
    LevenbergMarquardt: _levenberg_marquardt.run,
}
