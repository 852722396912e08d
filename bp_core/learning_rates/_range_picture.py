"""The picture of a range test: the loss of every step over its rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bp_core.plot._canvas import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.learning_rates.range_test import RangeTest

HEADROOM = 1.3
"""The picture ends at so many times the highest smoothed loss of the first half of the steps."""


def draw(found: RangeTest, ax: Axes | None) -> Axes:
    """Draw the losses, the smoothed losses, the lowest of them and the suggestion."""
    axes = new_axes(ax, (7.0, 4.2))
    axes.set(xlabel="learning rate", ylabel="loss of the step", xscale="log")
    axes.set_title(_title(found), loc="left", fontsize=9)
    rates, smoothed = found.learning_rates, found.smoothed
    if len(rates) == 0:
        return axes
    axes.plot(rates, found.losses, ".", color="#888888", markersize=4, label="a batch")
    axes.plot(rates, smoothed, color=COLOURS[0], linewidth=2, label="smoothed")
    top = HEADROOM * float(max(smoothed[: len(smoothed) // 2 + 1].max(), smoothed.min()))
    bottom = float(found.losses.min())
    if np.isfinite(top) and top > bottom:
        axes.set_ylim(bottom - 0.3 * (top - bottom), top)  # room for the legend
    if found.suggestion is not None:
        at = int(smoothed.argmin())
        axes.plot(rates[at], smoothed[at], "o", color=COLOURS[1], markersize=8, label=f"lowest, at {rates[at]:.2g}")
        label = f"suggestion {found.suggestion:.2g}"
        axes.axvline(found.suggestion, color=COLOURS[2], linestyle="--", linewidth=2, label=label)
    axes.legend(fontsize="small", loc="lower left")
    return axes


def _title(found: RangeTest) -> str:
    """What was found, broken into lines that fit."""
    import textwrap

    return "\n".join(textwrap.wrap(str(found), 92))
