"""A callback that records how large the gradient of each layer is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _statistics
from bp_core.plot._norms_picture import describe, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.history import Epoch


class GradientNorms:
    """A callback that records the L2 norm of grad_W of each layer, and draws them over the epochs.

    Each epoch recorded costs a gradient pass over the rows given here, and ends the native call that would
    otherwise run many epochs: give it some hundred rows, and ``every`` more than 1 where epochs are short.

    Parameters
    ----------
    X : array_like, (n, n_in)
        The rows over which the gradients are taken, with the trainer's loss.
    y : array_like
        Their targets.
    every : int, default 1
        Record each so many epochs, the first one seen among them.

    Attributes
    ----------
    epochs : list of int
        The epochs recorded.
    norms : ndarray, (epochs, layers)
        The norm of each grad_W, penalties not included.

    Raises
    ------
    ValueError
        If ``every`` is below 1; at the first epoch, if X and y do not fit the network.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = bp.Network((2, 3, 1), hidden="tanh", output="sigmoid", seed=0)
    >>> norms = bp.plot.GradientNorms(X, y, every=10)
    >>> history = bp.Trainer(net, seed=0).fit(X, y, epochs=30, callbacks=[norms])
    >>> norms.epochs, norms.norms.shape
    ([0, 10, 20], (3, 2))
    >>> ax = norms.plot()
    >>> plt.close(ax.figure)
    """

    def __init__(self, X: ArrayLike, y: ArrayLike, *, every: int = 1) -> None:
        self._X, self._y = _checks.numeric("X", X), _checks.numeric("y", y)
        self._every = _checks.positive_integer("every", every)
        self._seen = 0
        self._norms: list[list[float]] = []
        self.epochs: list[int] = []

    def __call__(self, epoch: Epoch) -> None:
        """Record this epoch if it is its turn."""
        if self._seen % self._every == 0:
            loss = epoch.trainer.loss
            if callable(loss):
                raise ValueError("GradientNorms takes the losses of this library, not a function")
            gradients = epoch.network.gradients(self._X, self._y, loss=loss)
            self._norms.append([_norm(grad_W) for grad_W in gradients.weights])
            self.epochs.append(epoch.index)
        self._seen += 1

    def __repr__(self) -> str:
        return f"<GradientNorms of {len(self.epochs)} epochs: .epochs, .norms, .plot()>"

    @property
    def norms(self) -> NDArray[np.float64]:
        """The norm of grad_W of each layer (column) at each epoch recorded (row)."""
        return np.array(self._norms).reshape(len(self._norms), len(self._norms[0]) if self._norms else 0)

    def verdict(self) -> str:
        """Say which layers' gradients vanish at the last epoch: below a thousandth of the largest layer's.

        Returns
        -------
        str
        """
        return describe(self._last())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the norms over the epochs, on a logarithmic scale; a norm of 0 is left out.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; None makes a figure.

        Returns
        -------
        matplotlib Axes
            The title says which layers' gradients vanish.

        Raises
        ------
        ValueError
            If nothing is recorded yet.
        ImportError
            Without matplotlib.
        """
        self._last()
        return draw(self.epochs, self.norms, ax)

    def _last(self) -> NDArray[np.float64]:
        if not self._norms:
            raise ValueError("no epoch is recorded yet; pass this object to trainer.fit(callbacks=[...]) first")
        return np.array(self._norms[-1])


def _norm(values: NDArray[Any]) -> float:
    return float(_statistics.root_mean_square(values)) * math.sqrt(values.size)
