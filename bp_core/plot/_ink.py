"""How a number looks as a line: its sign is the colour and the dash, its size the width and the opacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._wording import printed, three_digits
from bp_core.plot._canvas import NEGATIVE, POSITIVE

Real = NDArray[Any]

NOTHING = "#888888"
"""The colour of a 0."""

THINNEST, WIDEST = 0.015, 0.10
"""Of a line, where units are 1 apart."""

CROWDED = 120
"""From so many lines on small numbers fade away."""


class Ink:
    """Lines for numbers up to ``largest`` in size, in a picture of so many lines."""

    def __init__(self, largest: float, lines: int, points: float) -> None:
        self._largest, self._points = largest, points
        self._palest = 0.08 if lines > CROWDED else 0.4

    def colours(self, values: Real) -> Real:
        """One RGBA row a number."""
        from matplotlib.colors import to_rgba_array

        names = [POSITIVE if value > 0 else NEGATIVE if value < 0 else NOTHING for value in values]
        opacity = self._palest + (1 - self._palest) * self._share(values) ** 0.7
        rows: Real = to_rgba_array(names, opacity)
        return rows

    def widths(self, values: Real) -> Real:
        """One width a number, in points."""
        widths: Real = self._points * (THINNEST + (WIDEST - THINNEST) * self._share(values))
        return widths

    def dashes(self, values: Real) -> list[Any]:
        """Solid from 0 up, dashed below."""
        return [(0, (3.5, 1.5)) if value < 0 else "solid" for value in values]

    def _share(self, values: Real) -> Real:
        share: Real = np.abs(values) / self._largest if self._largest > 0 else np.zeros(len(values))
        return share

    def lines(self, segments: Sequence[Any] | Real, values: Real, name: str) -> Any:
        """Return the lines as one collection, ``name`` its id in an SVG."""
        from matplotlib.collections import LineCollection

        found = LineCollection(
            list(segments),
            colors=self.colours(values),
            linewidths=self.widths(values),
            linestyles=self.dashes(values),
            capstyle="butt",
            zorder=1,
        )
        found.set_gid(name)
        return found


def short(value: float) -> str:
    """Three digits, as printed."""
    return printed(three_digits(value))
