"""One output of a network of two inputs, over the plane of its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from bp_core import _checks
from bp_core._names import read_input_names, read_names
from bp_core._unit_names import UnitNames
from bp_core.network import Network
from bp_core.plot._canvas import check_drawable, ink_on, new_axes
from bp_core.plot._ink import short
from bp_core.plot._plane import RASTERISED, Plane, Real, read_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR_MAP = "cividis"
"""From dark blue to yellow, as bright for every kind of colour vision."""

LINES = 9
"""Lines of equal output, about."""


def output_surface(
    net: Network,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    output: int | str = 0,
    resolution: int = 200,
    input_names: Sequence[object] | None = None,
    output_names: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the numbers that a network of two inputs puts out: a map of one output, and the data on it.

    The colour is the output, lines join equal ones. A row of X is a point in the colour of its target y: the less it
    stands out, the better the network meets it.

    Parameters
    ----------
    net : Network
        Of two inputs.
    X : array_like, (n, 2)
        Where to look; the picture reaches a little farther.
    y : array_like, (n,) or (n, n_out), optional
        The targets, of this output or of all. None: white points show where the data are.
    output : int or str, default 0
        The output to draw, by place or by name.
    resolution : int, default 200
        The network is asked at ``resolution**2`` points; from 2 to 2000.
    input_names : sequence of str, optional
        For the axes. By default the columns of a data frame X, else x1 and x2.
    output_names : sequence of str, optional
        For the colour bar. By default those of the units: a1, a2, ... numbered on through the layers.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        If the network has not two inputs, there is no such output, the shapes do not fit, or a number is not finite or
        above 1e307 in size.
    TypeError
        If net is no network, X or y hold no numbers, or names are no sequence.
    ImportError
        Without matplotlib.

    See Also
    --------
    decision_boundary : The same plane for classes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0.0, 1.5, 1.5, 3.0]
    >>> net = bp.Network((2, 8, 1), hidden="tanh", seed=0)
    >>> ax = bp.plot.output_surface(net, X, y, output_names=["price"])
    >>> plt.close(ax.figure)
    """
    rows = read_rows("output_surface", net, X)
    inputs = read_input_names(input_names, X, 2)
    j, name = _read_output(net, output, output_names)
    targets = None if y is None else _read_targets(y, len(rows), net.layer_sizes[-1], j)
    plane = Plane(net, rows, resolution)
    values = plane.outputs[..., j]
    check_drawable("output", values)
    axes = new_axes(ax)
    ends = np.concatenate([values.ravel(), values[0, :0] if targets is None else targets])
    style = {"cmap": COLOUR_MAP, "vmin": ends.min(), "vmax": ends.max()}
    image = plane.paint(axes, values, **style)
    axes.figure.colorbar(image, ax=axes, label=name if targets is None else f"{name}; points: its target")
    _draw_lines(axes, plane, values, image)
    _draw_points(axes, rows, targets, style)
    plane.finish(axes, inputs)
    return axes


def _read_output(net: Network, output: int | str, output_names: object) -> tuple[int, str]:
    """The place of the output, and its name."""
    n_out = net.layer_sizes[-1]
    units = UnitNames(net.layer_sizes, net.bias)
    names = read_names("output_names", output_names, n_out)
    names = names or tuple(units.a(len(net.weights) - 1, j) for j in range(n_out))
    if isinstance(output, str):
        if output not in names:
            raise ValueError(f"there is no output {output!r}; expected one of {', '.join(names)}")
        return names.index(output), output
    j = _checks.whole_number("output", output, 0, n_out - 1, other="or a name")
    return j, names[j]


def _read_targets(y: object, n: int, n_out: int, j: int) -> Real:
    """The target of the output drawn for each row."""
    array = _checks.numeric("y", y)
    if array.shape not in ((n,), (n, 1), (n, n_out)):
        all_of_them = f" or ({n}, {n_out})" if n_out > 1 else ""
        raise ValueError(f"y has shape {array.shape}; expected ({n},){all_of_them} for X with {n} rows")
    check_drawable("y", array)
    targets: Real = (array[:, j] if array.shape == (n, n_out) else array.reshape(n)).astype(np.float64)
    return targets


def _draw_lines(axes: Axes, plane: Plane, values: Real, image: Any) -> None:
    """Lines of equal output with their numbers; none where all outputs are equal."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(values.min()), float(values.max())
    levels = [level for level in MaxNLocator(LINES).tick_values(low, high) if low < level < high]
    if levels:
        inks = [ink_on(image.cmap(image.norm(level))) for level in levels]
        style: dict[str, Any] = {"levels": levels, "colors": inks, "linewidths": 0.8, "linestyles": "solid"}
        lines = axes.contour(plane.across, plane.up, values, zorder=1, **style)
        axes.clabel(lines, fontsize=8, fmt=short, colors=inks)


def _draw_points(axes: Axes, rows: Real, targets: Real | None, style: dict[str, Any]) -> None:
    colours: dict[str, Any] = {"color": "white"} if targets is None else {"c": targets, **style}
    axes.scatter(
        rows[:, 0],
        rows[:, 1],
        s=26 if len(rows) <= RASTERISED else 8,
        edgecolors="black",
        linewidths=0.6,
        rasterized=len(rows) > RASTERISED,
        zorder=2,
        **colours,
    )
