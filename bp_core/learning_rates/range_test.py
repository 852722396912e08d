"""The range test: a copy trained step by step with a growing learning rate, to see where its loss falls and rises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, initializers, optimizers
from bp_core._wording import count
from bp_core.errors import DivergenceError
from bp_core.losses import LossLike
from bp_core.network import Network
from bp_core.optimizers import Optimizer
from bp_core.trainer import Trainer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Losses = NDArray[np.float64]

AROUND = 4
"""The smoothed loss of a step is the mean over so many steps to either side of it."""

TRAILING = 5
"""Steps whose mean loss tells whether the test is over."""

TOO_HIGH = 4.0
"""It is over once that mean is so many times the lowest."""

BELOW = 10.0
"""The suggestion is the rate of the lowest smoothed loss divided by this."""

LEAST_FALL = 0.01
"""A fall of less than this part of the loss at the start is none."""


def find_learning_rate(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    optimizer: Optimizer | str = "sgd",
    batch_size: int | str = 32,
    loss: LossLike = "auto",
    seed: int | None = 0,
) -> RangeTest:
    """Train a copy step by step with a growing learning rate, and suggest a rate from where the loss falls and rises.

    Parameters
    ----------
    net : Network
        It is not changed.
    X, y : array_like
        As for :meth:`Trainer.fit`.
    lowest, highest : float, default 1e-6 and 10
        The first and the last rate; it grows by the same factor at every step.
    steps : int, default 100
        At least 20.
    optimizer : str or optimizer, default "sgd"
        Its learning rate is replaced at every step, its state lives on.
    batch_size : int or "full", default 32
        Rows of a step. The larger, the less the losses scatter from batch to batch.
    loss : str, Huber or Quantile, default "auto"
        As for :class:`Trainer`.
    seed : int, optional
        Of the order of the rows. None: a new one each time.

    Returns
    -------
    RangeTest
        ``print`` it; ``.suggestion``, ``.reason``, ``.plot()``.

    Raises
    ------
    ValueError
        For settings outside their ranges, and as for :meth:`Trainer.step`.
    TypeError
        If net is no network.

    Notes
    -----
    The test is L. N. Smith's (*Cyclical Learning Rates for Training Neural Networks*, 2015) with a rate that grows
    geometrically. Each loss is that of the step's batch before its update. The test ends early once the mean of the
    newest 5 losses is more than 4 times the lowest such mean, or once a loss is not finite.

    The smoothed loss of a step is the mean of the losses from 4 steps before it to 4 after it. The suggestion is **a
    tenth of the rate at which the smoothed loss is lowest**: there falling and rising just balance, so that rate is
    already too large; the rule is S. Gugger's (*How Do You Find A Good Learning Rate*, 2018). There is no suggestion
    where the smoothed loss never falls by more than 1 % and by more than the losses of the first tenth of the steps
    scatter (their standard deviation).

    Examples
    --------
    >>> import bp_core as bp
    >>> X, y = bp.data.load_digits()
    >>> net = bp.Network((64, 32, 10), output="softmax", seed=0)
    >>> found = bp.find_learning_rate(net, X / 16, y)
    >>> 0.03 < found.suggestion < 0.3
    True
    """
    if not isinstance(net, Network):
        raise TypeError(f"net is {type(net).__name__}; expected a bp.Network")
    low = _checks.positive_number("lowest", lowest)
    high = _checks.positive_number("highest", highest)
    if low >= high:
        raise ValueError(f"lowest is {lowest!r} and highest {highest!r}; expected lowest below highest")
    steps = _checks.positive_integer("steps", steps)
    if steps < 20:
        raise ValueError(f"steps is {steps}; expected at least 20, so that smoothing has something to smooth")
    rows, _ = _checks.features(X, net.layer_sizes[0], row_allowed=False)
    targets = _checks.numeric("y", y)
    net.loss(rows, targets, loss=loss)  # all rows are looked at before the first step
    if isinstance(optimizers.resolve(optimizer), optimizers.Rprop):
        raise ValueError("optimizer Rprop reads its learning rate in the first step only; expected one that goes on")
    trainer = Trainer(net.copy(), loss=loss, optimizer=optimizer, batch_size=batch_size, n_threads=1)
    batches = _batches(rows, targets, trainer.batch_size, _checks.check_seed(seed))
    rates = np.geomspace(low, high, steps)
    losses, over = _climb(trainer, batches, rates)
    return conclude(rates, losses, over)


def _batches(X: NDArray[Any], y: NDArray[Any], size: int | str, seed: int | None) -> Iterator[tuple[Any, Any]]:
    """Batches of equal size without end; a new order of the rows for each pass."""
    n = len(X)
    size = n if size == "full" else min(int(size), n)
    words = initializers.generator(np.random.SeedSequence().entropy if seed is None else seed, 1)  # type: ignore[arg-type]
    while True:
        order = np.arange(n) if size == n else words.random_raw(n).argsort(kind="stable")
        for first in range(0, n - size + 1, size):
            rows = order[first : first + size]
            yield X[rows], y[rows]


def _climb(trainer: Trainer, batches: Iterator[tuple[Any, Any]], rates: Losses) -> tuple[Losses, str]:
    """The loss of each step as the rate grows, and how the test ended: "", "not finite" or "too high"."""
    optimizer = optimizers.resolve(trainer.optimizer)
    losses: list[float] = []
    lowest = np.inf
    for rate in rates.tolist():
        trainer.optimizer = optimizers.at_rate(optimizer, rate)
        try:
            losses.append(trainer.step(*next(batches)))
        except DivergenceError:
            return np.array(losses), "not finite"
        mean = float(np.mean(losses[-TRAILING:]))
        if len(losses) >= TRAILING:
            lowest = min(lowest, mean)
        if mean > TOO_HIGH * lowest:
            return np.array(losses), "too high"
    return np.array(losses), ""


def smooth(losses: Losses) -> Losses:
    """Return the mean over the neighbours of each loss, as many as there are on both sides, up to ``AROUND``."""
    n = len(losses)
    reach = [min(i, n - 1 - i, AROUND) for i in range(n)]
    return np.array([losses[i - r : i + r + 1].mean() for i, r in enumerate(reach)])


def conclude(rates: Losses, losses: Losses, over: str) -> RangeTest:
    """Return what the losses of a test say; ``over`` tells how it ended."""
    smoothed = smooth(losses)
    rates = rates[: len(losses)]
    suggestion, reason = _suggest(rates, losses, smoothed, over)
    return RangeTest(suggestion, reason, rates, losses, smoothed)


def _suggest(rates: Losses, losses: Losses, smoothed: Losses, over: str) -> tuple[float | None, str]:
    """The rate to try, and why; or None, and why not."""
    start = max(2, len(losses) // 10)
    if len(losses) < 2 * start:
        return None, f"the loss left the finite numbers after {len(losses)} steps: try a smaller lowest rate"
    before, scatter = float(losses[:start].mean()), float(losses[:start].std())
    at = int(smoothed.argmin())
    fall = before - float(smoothed[at])
    if fall <= LEAST_FALL * before:
        return None, f"the loss never falls: it starts at {before:.3g} and is lowest at {smoothed[at]:.3g}"
    if fall <= scatter:
        return None, (
            f"the loss falls by {fall:.2g}, no more than the losses of single batches scatter ({scatter:.2g}): "
            "try a larger batch_size"
        )
    suggestion = float(rates[at]) / BELOW
    words = (
        f"a tenth of {rates[at]:.2g}, where the smoothed loss is lowest (from {before:.3g} down to {smoothed[at]:.3g})"
    )
    return suggestion, words if over else words + _at_the_end(len(rates) - 1 - at)


def _at_the_end(steps: int) -> str:
    """What is said where the lowest loss lies so many steps before the last, and the test was not over."""
    if steps == 0:
        return "; it still falls at the highest rate tried: a higher one may do better"
    if steps <= AROUND:
        return f"; the test ends {count(steps, 'step')} after it: a higher one may do better"
    return ""


@dataclass(frozen=True, eq=False, repr=False)
class RangeTest:
    """What a range test has found.

    Attributes
    ----------
    suggestion : float or None
        A learning rate to train with; None where the loss does not fall.
    reason : str
        Why, in words.
    learning_rates : ndarray
        Of the steps taken.
    losses : ndarray
        Of each step's batch, before its update.
    smoothed : ndarray
        Means over neighbouring steps.
    """

    suggestion: float | None
    reason: str
    learning_rates: Losses
    losses: Losses
    smoothed: Losses

    def __str__(self) -> str:
        if self.suggestion is None:
            return f"No suggestion: {self.reason}."
        return f"Suggested learning rate: {self.suggestion:.2g}, {self.reason}."

    def __repr__(self) -> str:
        return f"<RangeTest of {len(self.losses)} steps: suggestion {self.suggestion}>"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses over the rates, the lowest smoothed loss and the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ImportError
            Without matplotlib, the extra ``plot``.
        """
        from bp_core.learning_rates import _range_picture

        return _range_picture.draw(self, ax)
