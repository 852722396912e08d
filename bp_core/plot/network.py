"""A network as a picture: a circle for each unit, a line for each weight."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bp_core import _checks
from bp_core._names import read_names
from bp_core.network import Network, require_network
from bp_core.plot._canvas import need_matplotlib, new_axes
from bp_core.results import Gradients

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.plot._layout import Column


def draw(
    net: Network,
    *,
    gradients: Gradients | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
    max_units: int = 16,
    input_names: Sequence[object] | None = None,
    output_names: Sequence[object] | None = None,
    show_values: bool | None = None,
) -> Axes:
    """Draw a network: a circle for each unit, a line for each weight.

    A line is blue and solid for a number above 0, vermilion and dashed below; the larger the number, the wider and
    the darker the line. Units and parameters bear the names x1, a1, W1, b1 of :meth:`Network.explain`. A bias that a
    layer shares is a small unit of its own, joined to the layer; a unit's own bias is a tick under it. Text shrinks
    with the axes; what would be smaller than 4 points is left out.

    Parameters
    ----------
    net : Network
    gradients : Gradients, optional
        What :meth:`Network.gradients` returned: the lines then show dE/dW instead of W, E being the loss.
    ax : matplotlib Axes, optional
        Where to draw; None makes a figure of a fitting size.
    path : str or path-like, optional
        Save the figure there, as its suffix says: .svg, .png, .pdf.
    max_units : int, default 16
        Of a larger layer the first and the last units are drawn, so many together, and the picture says so.
    input_names, output_names : sequence of str, optional
        Written beside inputs and outputs.
    show_values : bool, optional
        Write name and value on each line, at most 60; None: where there are at most 20 and these axes have room.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        For a parameter that is not finite (it is named), for gradients of another network, for another number of
        names than units, and for more than 60 labels.
    TypeError
        If net is no network, gradients are none, names are no sequence, or show_values is no bool.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", seed=0)
    >>> ax = bp.plot.draw(net, path="net.svg")
    >>> plt.close(ax.figure)
    """
    need_matplotlib()
    require_network(net)
    from bp_core.plot._drawing import Drawing
    from bp_core.plot._scene import Scene

    if gradients is not None and not isinstance(gradients, Gradients):
        raise TypeError(f"gradients is {type(gradients).__name__}; expected what net.gradients(X, y) returns")
    if show_values is not None:
        show_values = _checks.boolean("show_values", show_values, "True, False or None")
    most = _checks.whole_number("max_units", max_units, 2)

    def lay_out(labelled: bool | None) -> Drawing:
        scene = Scene(net, gradients, most, labelled)
        inputs, *_, outputs = scene.columns
        names = _shown("input_names", input_names, inputs), _shown("output_names", output_names, outputs)
        return Drawing(scene, *names)

    drawing = lay_out(show_values)
    axes = _own_axes(drawing.size) if ax is None else new_axes(ax)
    if show_values is None and not drawing.is_legible_on(axes):
        drawing = lay_out(False)
    try:
        drawing.draw(axes)
        if path is not None:
            axes.figure.figure.savefig(path, facecolor=axes.figure.get_facecolor())
    except BaseException:
        if ax is None:
            _close(axes)
        raise
    return axes


def _own_axes(size: tuple[float, float]) -> Axes:
    """Axes that fill a figure of so many inches, white whatever the style: units and labels are."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, facecolor="white").add_axes((0, 0, 1, 1))


def _close(axes: Axes) -> None:
    """Leave no figure behind that nobody was given."""
    import matplotlib.pyplot as plt

    plt.close(axes.figure.figure)


def _shown(kind: str, given: object, column: Column) -> list[str]:
    """The names of the units drawn, of as many as the layer has."""
    names = read_names(kind, given, column.size)
    return [names[unit] for unit in column.shown] if names else []
