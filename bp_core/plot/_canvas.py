"""What all pictures share: matplotlib, asked for when a picture is, axes, and colours that everyone can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""M. Okabe and K. Ito's colours, told apart with every kind of colour vision; the darker ones first."""

POSITIVE, NEGATIVE = COLOURS[0], COLOURS[1]
"""Blue for what is above 0, vermilion for what is below; width or opacity tells how much."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""A second sign beside the colour, for those who cannot tell it."""


LARGEST = 1e307
"""Of numbers along an axis: matplotlib subtracts its ends."""


def diverging() -> Any:
    """Return the colour map from vermilion over white to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("vermilion_white_blue", [NEGATIVE, "white", POSITIVE])


def ink_on(colour: Any) -> str:
    """Return black or white, whichever stands out more from a colour.

    By the relative luminance and the contrast of WCAG 2.1; 0.179 is as far from black as from white.
    """
    from matplotlib.colors import to_rgb

    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "white" if float(linear @ (0.2126, 0.7152, 0.0722)) < 0.179 else "black"


def check_drawable(name: str, values: NDArray[Any]) -> None:
    """Raise for a number that is not finite, or too large for an axis."""
    _checks.check_finite(name, values, np.dtype(np.float64))
    sizes = np.abs(values)
    if float(sizes.max()) > LARGEST:
        place = np.unravel_index(int(sizes.argmax()), values.shape)
        where = ", ".join(map(str, place))
        raise ValueError(f"{name}[{where}] is {values[place]}; expected at most {LARGEST:g} in size, to draw it")


def need_matplotlib() -> None:
    """Raise with what to install where matplotlib is missing."""
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError:
        raise ImportError('pictures need matplotlib: pip install "bp-core[plot]"') from None


def new_axes(ax: Axes | None, size: tuple[float, float] = (6.4, 4.2)) -> Axes:
    """Return ``ax``, or the axes of a new figure of so many inches."""
    need_matplotlib()
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is not None:
        if not isinstance(ax, Axes):
            raise TypeError(f"ax is {type(ax).__name__}; expected matplotlib Axes")
        return ax
    _, new = plt.subplots(figsize=size, layout="constrained")
    return new


def new_figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a new figure of so many inches, and its axes row by row."""
    need_matplotlib()
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    return figure, list(axes.ravel())
