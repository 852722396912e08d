"""The course of a training: losses over epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks
from bp_core._wording import count
from bp_core.plot._canvas import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.history import History

Real = NDArray[Any]

MOST_POINTS = 2000
"""A longer line is thinned to the lowest and the highest value of each stretch."""

DECADES = 2.0
"""From so many powers of ten a scale is logarithmic."""

REASONS = {
    "epochs": "all epochs done",
    "target_loss": "target loss reached",
    "patience": "patience ran out",
    "max_seconds": "time was up",
    "callback": "stopped by a callback",
    "smallest_rate": "the smallest learning rate reached",
    "min_gradient": "the gradient is small",
    "max_damping": "no step lowered the loss",
    "min_improvement": "the loss hardly fell",
    "max_evaluations": "all evaluations done",
    "line_search": "the line search found no step",
    "interrupted": "interrupted",
    "diverged": "diverged",
    None: "not finished",
}


def plot_history(history: History, *, ax: Axes | None = None, log: bool | str = "auto") -> Axes:
    """Draw what :meth:`History.plot` describes."""
    if not (isinstance(log, str) and log == "auto"):
        log = _checks.boolean("log", log, "True, False or 'auto'")
    if len(history) == 0:
        raise ValueError("this history has no finished epoch to plot; expected at least one")
    epochs = np.array(history.index)
    losses = {"training": np.array(history.loss)}
    if history.validation_loss:
        losses["validation"] = np.array(history.validation_loss)
    axes = new_axes(ax)
    axes.set(xlabel="epoch", ylabel="loss")
    for (name, values), colour, dash in zip(losses.items(), COLOURS, ("-", "--"), strict=False):
        _draw_line(axes, epochs[: len(values)], values, label=name, color=colour, linestyle=dash)
    _mark_best(axes, history, epochs, losses)
    _set_scale(axes, np.concatenate(list(losses.values())), log)
    rates = _draw_rates(axes, epochs, np.array(history.learning_rate))
    _write(axes, rates, history, _mark_not_finite(axes, epochs, losses))
    return axes


def _draw_line(axes: Axes, x: Real, y: Real, **style: Any) -> None:
    """A line without what is not finite; so short a line shows its points too."""
    at = thinned(y)
    marker = "." if len(at) <= 30 else None
    axes.plot(x[at], np.where(np.isfinite(y[at]), y[at], np.nan), marker=marker, linewidth=1.5, **style)


def thinned(values: Real, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Indices of what a line of at most ``most`` points must keep: of each stretch the lowest and the highest value."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2, dtype=np.int64)
    finite = np.isfinite(values)
    low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    kept = {0, n - 1}
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept |= {first + int(low[first:last].argmin()), first + int(high[first:last].argmax())}
    return np.array(sorted(kept))


def _mark_best(axes: Axes, history: History, epochs: Real, losses: dict[str, Real]) -> None:
    """A star at the lowest watched loss."""
    best = history.best_epoch or 0
    watched = losses.get("validation", losses["training"])
    at = int(np.flatnonzero(epochs == best)[0])
    if np.isfinite(watched[at]):
        label = f"best: epoch {best}, loss {watched[at]:.3g}"
        axes.plot([best], [watched[at]], "*", color="black", markersize=11, linestyle="none", label=label, zorder=4)


def _set_scale(axes: Axes, values: Real, log: bool | str) -> None:
    """Logarithmic where asked for, or where positive values span decades."""
    finite = values[np.isfinite(values)]
    spans = finite.size > 0 and finite.min() > 0 and np.log10(finite.max() / finite.min()) >= DECADES
    if log is True or (log == "auto" and spans):
        axes.set_yscale("log")


def _draw_rates(axes: Axes, epochs: Real, rates: Real) -> Axes | None:
    """The learning rate on an axis of its own, where it changes."""
    if len(np.unique(rates)) < 2:
        return None
    right: Axes = axes.twinx()  # type: ignore[assignment, unused-ignore]
    right.set_ylabel("learning rate")
    at = thinned(rates)
    right.plot(epochs[at], rates[at], ":", color=COLOURS[2], drawstyle="steps-mid", label="learning rate")
    _set_scale(right, rates, "auto")
    return right


def _mark_not_finite(axes: Axes, epochs: Real, losses: dict[str, Real]) -> int:
    """Crosses at the top of the epochs without a finite loss; return how many there are."""
    bad = np.zeros(len(epochs), dtype=bool)
    for values in losses.values():
        bad[: len(values)] |= ~np.isfinite(values)
    if bad.any():
        some = epochs[bad][:: max(1, int(bad.sum()) // 200)]
        axes.plot(
            some,
            np.full(len(some), 0.97),
            "x",
            color="black",
            transform=axes.get_xaxis_transform(),
            label="loss not finite",
        )
    return int(bad.sum())


def _write(axes: Axes, rates: Axes | None, history: History, bad: int) -> None:
    """The legend of both axes in one, and how it ended."""
    handles, labels = axes.get_legend_handles_labels()
    if rates is not None:
        more = rates.get_legend_handles_labels()
        handles, labels = handles + more[0], labels + more[1]
    axes.legend(handles, labels, fontsize="small")
    said = [count(len(history), "epoch"), REASONS[history.stop_reason]]
    said += [f"loss not finite in {bad:,} of them"] if bad else []
    axes.set_title("; ".join(said), fontsize="medium", loc="left")
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
