"""How the numbers of each layer are spread: weights, and activations with the units that have stopped learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _statistics
from bp_core._wording import count, printed
from bp_core.network import Network, require_network
from bp_core.plot._canvas import COLOURS, check_drawable, new_figure
from bp_core.plot._ink import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Real = NDArray[Any]

COLUMNS = 3
"""Panels side by side."""

SATURATED = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}
"""Beyond these activations the slope is below 4 % of its largest: sigmoid a(1 - a), tanh 1 - a^2."""

ENDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""The limits themselves."""


def weight_histograms(net: Network) -> Figure:
    """Draw how the weights of each layer are spread, a panel for each.

    Parameters
    ----------
    net : Network

    Returns
    -------
    matplotlib Figure
        Mean and standard deviation stand in the titles.

    Raises
    ------
    ValueError
        For a weight that is not finite or above 1e307 in size; it is named.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> figure = bp.plot.weight_histograms(bp.Network((8, 16, 4), seed=0))
    >>> len(figure.axes)
    2
    >>> plt.close(figure)
    """
    require_network(net)
    for l, W in enumerate(net.weights):
        check_drawable(f"weights[{l}]", W)
    figure, axes = _panels(len(net.weights))
    for l, (ax, W) in enumerate(zip(axes, net.weights, strict=True)):
        _draw_bars(ax, W)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_title(
            f"weights[{l}], {W.shape[0]} to {W.shape[1]} units\n{_mean_and_std(W)}",
            fontsize="medium",
        )
        ax.set(xlabel="weight", ylabel="weights")
    return figure


def activation_histograms(net: Network, X: ArrayLike) -> Figure:
    """Draw how the activations of each layer are spread over the rows of X, a panel for each.

    The titles tell in words what no longer learns: hidden sigmoid and tanh activations that are *saturated* (below
    0.01 or above 0.99; beyond -0.98 or 0.98), where the slope is below 4 % of its largest; and relu units that are
    *dead*, 0 for every row of X. Outputs that stand there may be right: they are only counted, as near 0 or 1.

    Parameters
    ----------
    net : Network
    X : array_like, (n, n_in)

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        As :meth:`Network.forward`; and for no rows, or an activation that is not finite or above 1e307 in size.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> net = bp.Network.from_arrays([[[1.0, -1.0]]], None, hidden="relu", output="relu")
    >>> figure = bp.plot.activation_histograms(net, [[1.0], [2.0]])
    >>> print(figure.axes[0].get_title())
    output a[0]: 2 units, relu
    1 of 2 units dead: 0 for every row
    >>> plt.close(figure)
    """
    require_network(net)
    rows, _ = _checks.features(X, net.layer_sizes[0], row_allowed=False)
    _checks.require_rows(rows)
    activations = net.forward(rows).a
    for l, a in enumerate(activations):
        check_drawable(f"a[{l}]", a)
    figure, axes = _panels(len(activations))
    names = (*net.hidden, net.output)
    for l, (ax, a, name) in enumerate(zip(axes, activations, names, strict=True)):
        _draw_bars(ax, a)
        is_output = l == len(names) - 1
        _set_ends(ax, name, hatched=not is_output)
        layer, said = "output" if is_output else "layer", describe(name, a, is_output=is_output)
        ax.set_title(f"{layer} a[{l}]: {count(a.shape[1], 'unit')}, {name}\n{said}", fontsize="medium")
        ax.set(xlabel="activation", ylabel="activations")
    return figure


def describe(activation: str, a: Real, *, is_output: bool) -> str:
    """Say how many activations are saturated, or units dead; else mean and standard deviation."""
    if activation in SATURATED:
        low, high = SATURATED[activation]
        share = ((a < low) | (a > high)).mean()
        what = printed(f"near {ENDS[activation][0]:g} or 1") if is_output else "saturated"
        return f"{share:.1%} {what}".replace("%", " %") if share else f"none {what}"
    if activation == "relu":
        dead, n = int((a == 0).all(axis=0).sum()), a.shape[1]
        return f"{dead} of {n} units dead: 0 for every row" if dead else "no unit dead"
    return _mean_and_std(a)


def _mean_and_std(values: Real) -> str:
    return f"mean {short(float(_statistics.mean(values)))}, std {short(float(_statistics.deviation(values)))}"


def _set_ends(ax: Axes, activation: str, *, hatched: bool) -> None:
    """Show all that an activation can be, hatched where it is saturated."""
    if activation not in SATURATED:
        return
    (low, high), ends = SATURATED[activation], ENDS[activation]
    room = 0.03 * (ends[1] - ends[0])
    for first, last in ((ends[0] - room, low), (high, ends[1] + room)) if hatched else ():
        ax.axvspan(first, last, facecolor="none", edgecolor="#999999", hatch="////", linewidth=0, zorder=0)
    ax.set_xlim(ends[0] - room, ends[1] + room)


def _draw_bars(ax: Axes, values: Real) -> None:
    """About the square root of their number of bars, 10 to 60; one value alone gets a bar of its own."""
    flat = values.ravel().astype(np.float64)
    bins = int(np.clip(np.sqrt(flat.size), 10, 60))
    ax.hist(flat, bins=bins, color=COLOURS[0], edgecolor="white", linewidth=0.3)


def _panels(n: int) -> tuple[Figure, list[Axes]]:
    """A figure of n panels; places left over stay empty."""
    columns = min(n, COLUMNS)
    rows = -(-n // columns)
    figure, axes = new_figure(rows, columns, (3.6 * columns, 3.0 * rows))
    for ax in axes[n:]:
        ax.remove()
    return figure, axes[:n]
