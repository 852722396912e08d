"""A network as a picture: a circle for each unit, a line for each weight."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bp_core import _checks
from bp_core.plot._canvas import need_matplotlib, new_axes
from bp_core.results import Gradients

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.network import Network


def draw(
    net: Network,
    *,
    gradients: Gradients | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
    max_units: int = 16,
    feature_names: Sequence[object] | None = None,
    output_names: Sequence[object] | None = None,
    show_values: bool | None = None,
) -> Axes:
    """Draw a network: a circle for each unit, a line for each weight.

    A line is blue and solid for a number above 0, vermilion and dashed below; the larger the number, the wider and
    the darker the line. Units and parameters bear the names x1, a1, W1, b1 of :meth:`Network.explain`. A bias that a
    layer shares is a small unit of its own, joined to the layer; a unit's own bias is a tick under it.

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
    feature_names, output_names : sequence of str, optional
        Written beside inputs and outputs.
    show_values : bool, optional
        Write name and value on each line; None: where there are at most 20. At most 100.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        For a parameter that is not finite (it is named), for gradients of another network, for another number of
        names than units, and for more than 100 labels.
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
    from bp_core.plot._drawing import Drawing
    from bp_core.plot._scene import Scene

    if gradients is not None and not isinstance(gradients, Gradients):
        raise TypeError(f"gradients is {type(gradients).__name__}; expected what net.gradients(X, y) returns")
    scene = Scene(net, gradients, _check_most(max_units), show_values)
    drawing = Drawing(
        scene,
        _shown_names("feature_names", feature_names, scene, 0),
        _shown_names("output_names", output_names, scene, -1),
    )
    axes = _own_axes(drawing.size) if ax is None else new_axes(ax)
    drawing.draw(axes)
    if path is not None:
        axes.figure.figure.savefig(path, facecolor=axes.figure.get_facecolor())
    return axes


def _own_axes(size: tuple[float, float]) -> Axes:
    """Axes that fill a figure of so many inches, white whatever the style: units and labels are."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=size, facecolor="white").add_axes((0, 0, 1, 1))


def _check_most(max_units: object) -> int:
    most = _checks.positive_integer("max_units", max_units)
    if most < 2:
        raise ValueError(f"max_units is {max_units!r}; expected a whole number from 2 up")
    return most


def _shown_names(kind: str, names: Any, scene: Any, layer: int) -> list[str]:
    """The names of the units drawn, of as many as the layer has."""
    column = scene.columns[layer]
    if names is None:
        return []
    if isinstance(names, str) or len(names) != column.size:
        found = repr(names) if isinstance(names, str) else f"{len(names)} names"
        raise ValueError(f"{kind} is {found}; expected a sequence of {column.size} names")
    written = [str(name) for name in names]
    return [written[unit] for unit in column.shown]
