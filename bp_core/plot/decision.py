"""What a network of two inputs decides, over the plane of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks
from bp_core._names import read_input_names, read_names
from bp_core.network import Network
from bp_core.plot._canvas import COLOURS, MARKERS, NEGATIVE, POSITIVE, diverging, new_axes
from bp_core.plot._classes import read_class_names, read_classes, refuse_probabilities
from bp_core.plot._ink import short
from bp_core.plot._plane import RASTERISED, Plane, Real, read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Index = NDArray[np.int64]

PALER = 1.4
"""How far the colours reach beyond the values: points must stand out of the darkest."""


def decision_boundary(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    threshold: float | None = None,
    resolution: int = 200,
    input_names: Sequence[object] | None = None,
    class_names: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what the network decides over the plane of its two inputs, and the data on it.

    With one output its value is the colour, and a line runs where it crosses the threshold. With several the colour is
    the class of the largest output, darker for a larger probability, and lines part the classes.

    Parameters
    ----------
    net : Network
        Of two inputs.
    X : array_like, (n, 2)
        Where to look; the picture reaches a little farther.
    y : array_like
        Classes: indices (n,), or rows (n, classes); with one output any two values. Each class has its colour and
        marker.
    threshold : float, optional
        Of a single output, from which on it means the second class. None: 0.5 for a sigmoid, else the middle between
        the two values in y.
    resolution : int, default 200
        The network is asked at ``resolution**2`` points; from 2 to 2000.
    input_names : sequence of str, optional
        For the axes. By default the columns of a data frame X, else x1 and x2.
    class_names : sequence of str, optional
        In the order of the classes.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the network has not two inputs, the shapes do not fit, or a number is not finite.
    TypeError
        If net is no network, X or y hold no numbers, or names are no sequence.
    ImportError
        Without matplotlib.

    See Also
    --------
    output_surface : The same plane for an output that is a number.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = bp.Network((2, 3, 1), hidden="tanh", output="sigmoid", seed=0)
    >>> ax = bp.plot.decision_boundary(net, X, y)
    >>> plt.close(ax.figure)
    """
    rows = read_rows("decision_boundary", net, X)
    inputs = read_input_names(input_names, X, 2)
    plane = Plane(net, rows, resolution)
    if net.layer_sizes[-1] == 1:
        classes, values = _two_classes(y, len(rows))
        names = read_names("class_names", class_names, 2) or tuple(map(short, values))
        middle, axes = _threshold(net, threshold, values), new_axes(ax)
        _paint_one(axes, plane, middle, "probability" if net.output == "sigmoid" else "output")
    else:
        if threshold is not None:
            raise ValueError("threshold is for a single output; of several the largest tells the class")
        classes = _several_classes(y, len(rows), net.layer_sizes[-1])
        names, axes = read_class_names(class_names, net.layer_sizes[-1]), new_axes(ax)
        _paint_several(axes, plane, net.output == "softmax")
    _draw_points(axes, rows, classes, names, (NEGATIVE, POSITIVE) if net.layer_sizes[-1] == 1 else COLOURS)
    plane.finish(axes, inputs)
    return axes


# --------------------------------------------------------------------- what was given
def _two_classes(y: object, n: int) -> tuple[Index, list[float]]:
    """The classes 0 and 1 of any two values, and the values."""
    array = _checks.numeric("y", y)
    if array.shape not in ((n,), (n, 1)):
        raise ValueError(f"y has shape {array.shape}; expected ({n},) or ({n}, 1) for X with {n} rows")
    _checks.check_finite("y", array, np.dtype(np.float64))
    values = sorted({float(value) for value in np.unique(array)})
    if len(values) > 2:
        raise ValueError(
            f"y has {len(values)} different values; with one output expected two, one for each class: "
            "bp.plot.output_surface draws numbers"
        )
    if len(values) == 1:
        values = [0.0, 1.0] if values[0] in (0, 1) else sorted([0.0, values[0]])
    return (array.reshape(n) == values[1]).astype(np.int64), values


def _several_classes(y: object, n: int, n_out: int) -> Index:
    read = read_classes("y", y)
    refuse_probabilities("y", read, n_out)
    classes = read.of_row
    if len(classes) != n:
        raise ValueError(f"y has {len(classes)} rows; expected {n}, as many as X")
    if classes.max() >= n_out:
        raise ValueError(f"y has class {classes.max()}; this network has classes 0 to {n_out - 1}")
    return classes


def _threshold(net: Network, asked: float | None, values: list[float]) -> float:
    if asked is not None:
        if not _checks.is_number(asked):
            raise ValueError(f"threshold is {asked!r}; expected a number")
        return float(asked)
    return 0.5 if net.output == "sigmoid" else sum(values) / 2


# ------------------------------------------------------------------------ what is drawn
def _paint_one(axes: Axes, plane: Plane, threshold: float, what: str) -> None:
    """Vermilion below the threshold, white at it, blue above."""
    values = plane.outputs[..., 0]
    low, high = (0.0, 1.0) if what == "probability" else (float(values.min()), float(values.max()))
    reach = PALER * max(abs(low - threshold), abs(high - threshold), 1e-12)
    image = plane.paint(axes, values, cmap=diverging(), vmin=threshold - reach, vmax=threshold + reach, alpha=0.8)
    bar = axes.figure.colorbar(image, ax=axes, label=what)
    bar.ax.set_ylim(min(low, threshold), max(high, threshold) + (0 if high > low else 1e-12))
    bar.ax.axhline(threshold, color="black", linewidth=1.2)
    plane.line(axes, values, threshold)


def _paint_several(axes: Axes, plane: Plane, probabilities: bool) -> None:
    """The colour of the largest output, and lines between the classes."""
    from matplotlib.colors import to_rgb

    ranked = np.sort(plane.outputs, axis=-1)
    largest, second = ranked[..., -1:], ranked[..., -2:-1]
    colours = np.array([to_rgb(COLOURS[c % len(COLOURS)]) for c in range(plane.outputs.shape[-1])])
    strength = 0.15 + 0.5 * largest if probabilities else np.full_like(largest, 0.45)
    plane.paint(axes, 1 - strength * (1 - colours[plane.outputs.argmax(axis=-1)]))
    for c in range(plane.outputs.shape[-1]):
        ahead = plane.outputs[..., c : c + 1]
        plane.line(axes, (ahead - np.where(ahead == largest, second, largest))[..., 0], 0.0)


def _draw_points(axes: Axes, rows: Real, classes: Index, names: tuple[str, ...], colours: tuple[str, ...]) -> None:
    for c, name in enumerate(names):
        if not (classes == c).any():
            continue
        axes.scatter(
            rows[classes == c, 0],
            rows[classes == c, 1],
            s=28 if len(rows) <= RASTERISED else 8,
            marker=MARKERS[(c + c // len(colours)) % len(MARKERS)],
            color=colours[c % len(colours)],
            edgecolors="white",
            linewidths=0.7,
            rasterized=len(rows) > RASTERISED,
            zorder=2,
            label=name,
        )
    axes.legend(title="class", fontsize="small", title_fontsize="small")
