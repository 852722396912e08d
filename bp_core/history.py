"""What training writes down: one Epoch at a time for callbacks, the History of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.network import Network
    from bp_core.trainer import Trainer


@dataclass(frozen=True, eq=False)
class Epoch:
    """One finished epoch, as a callback gets it.

    Attributes
    ----------
    index : int
        Counted from 0 over the life of the trainer: a second ``fit`` goes on counting.
    loss : float
        Mean over the rows of the batch losses, each before its update.
    validation_loss : float or None
        The loss on ``validation_data`` after the epoch.
    learning_rate : float
        The rate of the epoch's last step; the damping of :class:`LevenbergMarquardt`'s, 1 for :class:`LBFGS`.
    seconds : float
        Time spent in the epoch's steps.
    trainer : Trainer
    network : Network
        Shows the parameters after the epoch.
    monitored : float or None
        What ``fit(monitor=...)`` watches.
    """

    index: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float
    trainer: Trainer
    network: Network
    monitored: float | None = None


class History:
    """What happened in one ``fit``: a list entry for each finished epoch.

    Attributes
    ----------
    index, loss, validation_loss, learning_rate, seconds, monitored : list
        See :class:`Epoch`; ``validation_loss`` is empty without validation data, ``monitored`` without a monitor.
    stop_reason : str or None
        "epochs", "target_loss", "patience", "max_seconds", "callback", "smallest_rate" (by the rule
        :class:`bp_core.schedules.Adaptive`), "interrupted" or "diverged"; what :class:`LevenbergMarquardt` and
        :class:`LBFGS` find by themselves: "min_gradient", "max_damping", "min_improvement", "max_evaluations",
        "line_search"; None while the fit runs, and after an error in the data or in a callback.
    best_epoch : int or None
    """

    def __init__(self) -> None:
        self._columns = {name: Column() for name in COLUMNS}
        self._lowest = True  # is the best of what is monitored
        self.stop_reason: str | None = None

    @property
    def index(self) -> list[int]:
        """Index of every epoch, counted from 0 over the life of the trainer."""
        return [int(i) for i in self._columns["index"].values()]

    @property
    def loss(self) -> list[float]:
        """Training loss of every epoch."""
        return self._columns["loss"].values()

    @property
    def validation_loss(self) -> list[float]:
        """Validation loss after every epoch; empty without validation data."""
        return self._columns["validation_loss"].values()

    @property
    def learning_rate(self) -> list[float]:
        """Learning rate of the last step of every epoch."""
        return self._columns["learning_rate"].values()

    @property
    def seconds(self) -> list[float]:
        """Seconds spent in the steps of every epoch."""
        return self._columns["seconds"].values()

    @property
    def monitored(self) -> list[float]:
        """What ``fit(monitor=...)`` watched, after every epoch; empty without a monitor."""
        return self._columns["monitored"].values()

    @property
    def best_epoch(self) -> int | None:
        """Index of the epoch with the best watched value: of the monitor if there is one, else the lowest loss.

        That is the validation loss where there is any, else the training loss.
        """
        watched = self.monitored or self.validation_loss or self.loss
        sign = 1 if self._lowest else -1
        at = min(range(len(watched)), key=lambda i: (watched[i] != watched[i], sign * watched[i]), default=None)
        return None if at is None else self.index[at]

    def __len__(self) -> int:
        return len(self._columns["loss"])

    def __repr__(self) -> str:
        losses = f", loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}" if len(self) else ""
        return f"<History of {len(self)} epochs{losses}, stop_reason {self.stop_reason!r}>"

    def plot(self, ax: Axes | None = None, *, log: bool | str = "auto") -> Axes:
        """Draw the losses over the epochs with matplotlib, and the learning rate where it changes.

        The best epoch has a star, epochs without a finite loss a cross, and the title says how the fit ended. A history
        of more than 2,000 epochs is drawn by the lowest and the highest value of each stretch.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.
        log : bool or "auto", default "auto"
            A logarithmic scale; "auto": where the losses are positive and span two decades.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            If no epoch is finished.
        ImportError
            Without matplotlib, the extra ``plot``.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> import bp_core as bp
        >>> trainer = bp.Trainer(bp.Network((2, 3, 1), hidden="tanh", seed=0), seed=0)
        >>> history = trainer.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=50)
        >>> ax = history.plot()
        >>> ax.get_title(loc="left")
        '50 epochs; all epochs done'
        >>> plt.close(ax.figure)
        """
        from bp_core.plot.history import plot_history

        return plot_history(self, ax=ax, log=log)

    def _has(self, name: str) -> bool:
        """Whether a column has a value."""
        return len(self._columns[name]) > 0

    def _last(self, name: str) -> float:
        """Return the newest value of a column, without making lists."""
        return self._columns[name].last()

    def _add(self, **columns: NDArray[np.float64] | list[float]) -> None:
        """Append to the columns named."""
        for name, values in columns.items():
            self._columns[name].add(values)


COLUMNS = ("index", "loss", "validation_loss", "learning_rate", "seconds", "monitored")


class Column:
    """A list of numbers that grows by arrays: a short epoch must not pay for a Python float each."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._arrays: list[NDArray[np.float64]] = []
        self._length = 0

    def add(self, values: NDArray[np.float64] | list[float]) -> None:
        """Append a copy of ``values``."""
        self._arrays.append(np.array(values, dtype=np.float64))
        self._length += len(values)

    def values(self) -> list[float]:
        """Return all of it as a list of the caller's own."""
        if self._arrays:
            self._values.extend(np.concatenate(self._arrays).tolist())
            self._arrays.clear()
        return list(self._values)

    def last(self) -> float:
        """Return the newest value."""
        return float(self._arrays[-1][-1]) if self._arrays else self._values[-1]

    def __len__(self) -> int:
        return self._length
