"""Predicted numbers against true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _statistics
from bp_core._names import read_names
from bp_core._wording import printed
from bp_core.plot._canvas import COLOURS, MARKERS, check_drawable, new_axes
from bp_core.plot._ink import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Real = NDArray[Any]

MANY = 5000
"""Of more points one output is drawn as hexagons, darker with their number, and of several only so many points."""


def predicted_against_true(
    y_true: ArrayLike,
    y_predicted: ArrayLike,
    *,
    output_names: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each prediction over its true value; a perfect one lies on the dashed line.

    Parameters
    ----------
    y_true, y_predicted : array_like, (n,) or (n, n_out)
        Of several outputs each has its colour and marker, seven at most. More than 5,000 numbers are drawn as hexagons,
        darker with their number; of several outputs evenly spaced rows are drawn then, and the title says how many.
    output_names : sequence of str, optional
        For the legend.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib Axes
        The legend, or with one output the title, tells its root mean squared error and R^2 over all rows.

    Raises
    ------
    ValueError
        If the shapes differ, there are no rows, a number is not finite or above 1e307 in size, names do not fit, or
        there are more than seven outputs.
    ImportError
        Without matplotlib.

    Notes
    -----
    RMSE = sqrt(1/n sum (y - a)^2); R^2 = 1 - sum (y - a)^2 / sum (y - mean(y))^2, undefined where all y are equal.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> ax = bp.plot.predicted_against_true([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    >>> ax.get_title()
    'RMSE 0.577, R² 0.500'
    >>> plt.close(ax.figure)
    """
    true, predicted = _read(y_true, y_predicted)
    n_out = true.shape[1]
    names = read_names("output_names", output_names, n_out) or tuple(f"output {j + 1}" for j in range(n_out))
    hexagons = true.size > MANY and n_out == 1
    axes = new_axes(ax, (5.6, 4.5) if hexagons else (4.8, 4.8))
    axes.set(xlabel="true", ylabel="predicted")
    if hexagons:
        _draw_hexagons(axes, true[:, 0], predicted[:, 0])
    else:
        _draw_points(axes, true, predicted, names)
    _draw_identity(axes, true, predicted)
    if n_out == 1:
        axes.set_title(_quality(true[:, 0], predicted[:, 0]))
    return axes


def _read(y_true: object, y_predicted: object) -> tuple[Real, Real]:
    arrays = []
    for name, values in (("y_true", y_true), ("y_predicted", y_predicted)):
        array = _checks.numeric(name, values)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"{name} has shape {array.shape}; expected (n,) or (n, n_out), n from 1 up")
        check_drawable(name, array)
        arrays.append(array.astype(np.float64))
    true, predicted = arrays
    if true.shape != predicted.shape:
        raise ValueError(f"y_true has shape {true.shape} and y_predicted {predicted.shape}; expected the same")
    if true.shape[1] > len(COLOURS):
        raise ValueError(f"there are {true.shape[1]} outputs; expected at most {len(COLOURS)}, draw some at a time")
    return true, predicted


def _quality(true: Real, predicted: Real) -> str:
    error, spread = _statistics.root_mean_square(true - predicted), _statistics.deviation(true)
    explained = "undefined (all true values equal)"
    if spread > 0:
        with np.errstate(over="ignore"):
            share = float(1 - (error / spread) ** 2)
        explained = printed(f"{share:.3f}" if share > -1000 else f"{share:.3g}")
    return f"RMSE {short(error)}, R² {explained}"


def _draw_points(axes: Axes, true: Real, predicted: Real, names: tuple[str, ...]) -> None:
    """A colour and a marker for each output; of many rows some, evenly spaced."""
    n, n_out = true.shape
    drawn = np.linspace(0, n - 1, min(n, MANY // n_out)).astype(np.int64)
    opacity = min(0.8, max(0.1, 400 / len(drawn)))
    for j, name in enumerate(names):
        style: dict[str, Any] = {"marker": MARKERS[j], "color": COLOURS[j], "linewidths": 0}
        axes.scatter(true[drawn, j], predicted[drawn, j], s=18, alpha=opacity, rasterized=len(drawn) > 1000, **style)
        axes.scatter([], [], s=24, label=f"{name}: {_quality(true[:, j], predicted[:, j])}", **style)
    if n_out > 1:
        axes.legend(fontsize="small", loc="upper left")
    if len(drawn) < n:
        axes.set_title(f"{len(drawn):,} of {n:,} rows drawn")


def _draw_hexagons(axes: Axes, true: Real, predicted: Real) -> None:
    drawn = axes.hexbin(true, predicted, gridsize=60, bins="log", mincnt=1, cmap="Blues", linewidths=0.1)
    axes.figure.colorbar(drawn, ax=axes, label=f"rows a hexagon, of {len(true):,}", shrink=0.85)


def _draw_identity(axes: Axes, true: Real, predicted: Real) -> None:
    """The line on which perfect predictions lie, over what is drawn."""
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    margin = 0.04 * (high - low) or 0.5
    ends = (low - margin, high + margin)
    axes.plot(ends, ends, "--", color="#444444", linewidth=1, zorder=3, gid="identity")
    axes.set(xlim=ends, ylim=ends, aspect="equal")
