"""Rules that lower the rate between epochs where the watched loss no longer falls."""

from __future__ import annotations

from dataclasses import dataclass

from bp_core import _checks
from bp_core._schedule import BEST, COOLING, FACTOR, WAITED, Factors, LossRule
from bp_core.schedules._parts import number_to_one


@dataclass(frozen=True)
class ReduceOnPlateau(LossRule):
    """Lower the rate after more than ``patience`` epochs without a better loss, as torch's ReduceLROnPlateau.

    The loss watched is the validation loss where there is one, else the training loss. The rate is multiplied by
    ``factor``; then the waiting begins again, and epochs of the ``cooldown`` do not count.

    Parameters
    ----------
    factor : float, default 0.1
        Above 0 and below 1.
    patience : int, default 10
        So many epochs without a better loss are allowed, from 0 up: one more lowers the rate.
    min_delta : float, default 1e-4
        Better is lower than the best loss by more than this, from 0 up (torch's threshold).
    relative : bool, default False
        ``min_delta``, then below 1, is a share of the best loss (torch's threshold_mode, where that is the default).
    cooldown : int, default 0
        Epochs after a reduction in which none is counted as without a gain, from 0 up.
    smallest : float, default 0.0
        The smallest factor of the optimizer's learning rate, all reductions together; from 0 to 1.

    Notes
    -----
    torch leaves out reductions by less than 1e-8; here there is no such limit.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="tanh", seed=0)
    >>> rule = bp.schedules.ReduceOnPlateau(factor=0.5, patience=2, min_delta=0.5)
    >>> trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.5), schedule=rule)
    >>> trainer.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=8).learning_rate
    [0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    """

    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    relative: bool = False
    cooldown: int = 0
    smallest: float = 0.0

    def __post_init__(self) -> None:
        if not _checks.is_number(self.factor) or not 0 < self.factor < 1:
            raise ValueError(f"factor is {self.factor!r}; expected a number above 0 and below 1")
        _checks.whole_number("patience", self.patience, 0)
        _checks.number_from_zero("min_delta", self.min_delta)
        if _checks.boolean("relative", self.relative) and self.min_delta >= 1:
            raise ValueError(f"min_delta is {self.min_delta!r}; expected a share of the best loss, below 1")
        _checks.whole_number("cooldown", self.cooldown, 0)
        number_to_one("smallest", self.smallest)

    def _look(self, loss: float, learning_rate: float, state: Factors) -> None:
        if loss < self._limit(float(state[BEST])):
            state[BEST], state[WAITED] = loss, 0
        else:
            state[WAITED] += 1
        if state[COOLING]:
            state[COOLING] -= 1
            state[WAITED] = 0
        if state[WAITED] > self.patience:
            state[FACTOR] = max(state[FACTOR] * self.factor, self.smallest)
            state[WAITED], state[COOLING] = 0, self.cooldown

    def _limit(self, best: float) -> float:
        """The loss below which an epoch is better than the best."""
        return best * (1.0 - self.min_delta) if self.relative else best - self.min_delta


@dataclass(frozen=True)
class Adaptive(LossRule):
    """Divide the rate where the loss no longer falls, and stop where the rate is small: scikit-learn's "adaptive".

    After more than ``patience`` epochs in a row that end less than ``tol`` below the lowest loss so far, the rate is
    divided by ``divisor`` and the waiting begins again; or, where it is ``smallest_rate`` or less by then, the fit ends
    with the stop_reason "smallest_rate". The loss watched is the validation loss where there is one, else the training
    loss.

    Parameters
    ----------
    tol : float, default 1e-4
        From 0 up.
    patience : int, default 10
        Epochs allowed without a gain, from 0 up (scikit-learn's n_iter_no_change).
    divisor : float, default 5.0
        Above 1.
    smallest_rate : float, default 1e-6
        The learning rate, not a factor of it, that is not divided any more; from 0 up.

    Notes
    -----
    Unlike ``fit(patience=...)``, a stop leaves the network as the last epoch left it.

    Raises
    ------
    ValueError
        For a setting outside its range.

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="tanh", seed=0)
    >>> rule = bp.schedules.Adaptive(tol=10.0, patience=1, smallest_rate=0.1)
    >>> trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=0.25), schedule=rule)
    >>> history = trainer.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=100)
    >>> history.learning_rate, history.stop_reason
    ([0.25, 0.25, 0.25, 0.05, 0.05], 'smallest_rate')
    """

    tol: float = 1e-4
    patience: int = 10
    divisor: float = 5.0
    smallest_rate: float = 1e-6

    def __post_init__(self) -> None:
        _checks.number_from_zero("tol", self.tol)
        _checks.whole_number("patience", self.patience, 0)
        if not _checks.is_number(self.divisor) or self.divisor <= 1:
            raise ValueError(f"divisor is {self.divisor!r}; expected a number above 1")
        _checks.number_from_zero("smallest_rate", self.smallest_rate)

    def _look(self, loss: float, learning_rate: float, state: Factors) -> str | None:
        state[WAITED] = 0 if loss <= state[BEST] - self.tol else state[WAITED] + 1
        state[BEST] = min(state[BEST], loss)
        if state[WAITED] <= self.patience:
            return None
        if learning_rate <= self.smallest_rate:
            return "smallest_rate"
        state[FACTOR] /= self.divisor
        state[WAITED] = 0
        return None
