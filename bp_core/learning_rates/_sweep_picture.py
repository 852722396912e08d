"""The picture of a sweep: the losses of every rate, named at their ends."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core.learning_rates import _labels, verdicts
from bp_core.plot._canvas import COLOURS, new_axes
from bp_core.plot.history import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.learning_rates.sweep_result import Sweep

DASHES: dict[str, Any] = {
    verdicts.CONVERGES: "-",
    verdicts.CRAWLS: (0, (6, 2)),
    verdicts.UNSTABLE: (0, (6, 1.5, 1, 1.5)),
    verdicts.DIVERGES: (0, (1, 1.2)),
}
"""The verdict is the dash, the rate is the colour; both are written at the end."""

FIRST_EPOCH = 0.3
"""The way from epoch 0 to 1, in that from 1 to 10."""

HIGHEST = 4.0
"""Losses of more than so many first losses lie above the picture, unless the training comes back."""


def draw(sweep: Sweep, ax: Axes | None) -> Axes:
    """Draw the losses over the epochs."""
    axes = new_axes(ax, (7.6, 4.4))
    axes.set(xlabel="epoch", ylabel="training loss")
    _set_epochs(axes, max(1, sweep.epochs - 1))
    low, high = _window(sweep)
    axes.set_ylim(low, high)
    if low > 0:
        axes.set_yscale("log")
        _labels.plain_numbers(axes.yaxis, low, high)
    axes.axhline(sweep.first_loss, color="#888888", linewidth=0.8, zorder=1)
    lines = [_draw_line(axes, sweep, i) for i in range(len(sweep.learning_rates))]
    axes.set_title(textwrap.fill(f"{sweep.advice} Grey: the loss before training.", 100), loc="left", fontsize=9)
    names = [f"{rate:g} {name}" for rate, name in zip(sweep.learning_rates, sweep.verdicts, strict=True)]
    ends = [_end(axes, sweep, i) for i in range(len(names))]
    best = None if sweep.best is None else sweep.learning_rates.index(sweep.best)
    axes.figure.canvas.figure.draw_without_rendering()  # the height of the axes is known only then
    _labels.name_ends(axes, names, ends, lines, best)
    return axes


def _set_epochs(axes: Axes, last: int) -> None:
    """Epochs as :class:`History` counts them, from 0: a logarithmic axis from 1 on, with a short way there from 0."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axes.set_xscale("symlog", linthresh=1, linscale=FIRST_EPOCH)
    axes.set_xlim(0, last)
    subs = (1, 2, 5) if last < 500 else (1,)
    powers = range(len(str(last)))
    axes.xaxis.set_major_locator(FixedLocator([0, *(sub * 10**power for power in powers for sub in subs)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def _window(sweep: Sweep) -> tuple[float, float]:
    """The lowest and the highest loss to show."""
    first = sweep.first_loss
    shown = [
        losses[losses <= HIGHEST * first] if name == verdicts.DIVERGES else losses
        for losses, name in zip(sweep.losses, sweep.verdicts, strict=True)
    ]
    values = np.concatenate([[first], *shown])
    low, high = float(values.min()), float(values.max())
    return (low / 1.2, high * 1.2) if low > 0 else (low - 0.05 * (high - low), high + 0.05 * (high - low) + 1e-12)


def _draw_line(axes: Axes, sweep: Sweep, i: int) -> Any:
    """A line up to where it leaves the picture, which a triangle marks."""
    high = axes.get_ylim()[1]
    losses = np.minimum(sweep.losses[i], 1e6 * high)  # a line to 1e300 cannot be drawn
    at = thinned(losses) if len(losses) else np.zeros(0, dtype=np.int64)
    style = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[sweep.verdicts[i]]}
    width = 2.4 if sweep.learning_rates[i] == sweep.best else 1.6
    (line,) = axes.plot(at, losses[at], linewidth=width, zorder=3, **style)
    if _height(axes, losses[-1] if len(losses) else np.inf) > 1 or not sweep.judged[i].finite:
        heights = np.array([_height(axes, loss) for loss in losses])
        inside = np.flatnonzero(heights <= 1)
        last = int(inside[-1]) if len(inside) else 0
        across = axes.xaxis.get_transform()
        here, there = across.transform(np.array([last, last + 1.0]))
        x = float(across.inverted().transform(np.array([_leaves(here, there, heights[last : last + 2])]))[0])
        axes.plot([x], [0.98], "^", color=style["color"], transform=axes.get_xaxis_transform(), zorder=4)
    return line


def _leaves(here: float, there: float, heights: NDArray[np.float64]) -> float:
    """Where a line from one height to the next crosses the top; where there is no next, at its end."""
    if len(heights) < 2:
        return here
    return here + (there - here) * float((1 - heights[0]) / (heights[1] - heights[0]))


def _end(axes: Axes, sweep: Sweep, i: int) -> float:
    """How high a line ends, from 0 to 1 of the picture."""
    losses = sweep.losses[i]
    return min(1.0, _height(axes, losses[-1])) if len(losses) and sweep.judged[i].finite else 1.0


def _height(axes: Axes, loss: float) -> float:
    """How high a loss lies, from 0 to 1 of the picture."""
    low, high = axes.get_ylim()
    if low > 0:
        return float(np.log(loss / low) / np.log(high / low))
    return float((loss - low) / (high - low))
