"""Names at the right ends of lines, moved apart where they would overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_HEIGHT, SIZE = 1.35, 9.0
"""Of a text: its size in points, and how many sizes it takes."""


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Return places from 0 up to 1, as near as may be to those wanted and in their order, ``gap`` apart.

    Where so many do not fit, they lie evenly from 0 to 1.
    """
    n = len(wanted)
    if n < 2:
        return [min(max(place, 0.0), 1.0) for place in wanted]
    gap = min(gap, 1 / (n - 1))
    order = sorted(range(n), key=lambda i: wanted[i])
    places = [0.0] * n
    lowest = 0.0
    for i in order:
        places[i] = lowest = max(wanted[i], lowest)
        lowest += gap
    highest = 1.0
    for i in reversed(order):
        places[i] = highest = min(places[i], highest)
        highest -= gap
    return places


def name_ends(axes: Axes, texts: Sequence[str], ends: Sequence[float], lines: Sequence[Any], bold: int | None) -> None:
    """Write a text at the right of the axes for each end, a height from 0 to 1, with a line in its line's colour."""
    height = axes.get_window_extent().height / axes.figure.dpi * 72
    places = spread(ends, LINE_HEIGHT * SIZE / height)
    for i, (text, end, place, line) in enumerate(zip(texts, ends, places, lines, strict=True)):
        arrow = {
            "arrowstyle": "-",
            "linewidth": 1.6,
            "color": line.get_color(),
            "shrinkA": 1,
            "shrinkB": 0,
            "relpos": (0, 0.5),
        }
        axes.annotate(
            text,
            xy=(1.0, end),
            xytext=(1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            annotation_clip=False,
            va="center",
            fontsize=SIZE,
            fontweight="bold" if i == bold else "normal",
            arrowprops=arrow,
        )


def plain_numbers(axis: Any, low: float, high: float) -> None:
    """Write the numbers of a logarithmic axis as they are; those between the powers of ten where these are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    def plain(value: float, _: object) -> str:
        return f"{value:g}"

    axis.set_major_formatter(FuncFormatter(plain))
    few = high < 20 * low
    if few:
        axis.set_minor_locator(LogLocator(subs=(2, 3, 4, 6)))
    axis.set_minor_formatter(FuncFormatter(plain) if few else NullFormatter())
