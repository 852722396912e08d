"""The picture of descents, still and animated: what does not move is drawn once, what does is set step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core.plot._canvas import COLOURS, need_matplotlib, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bp_core.learning_rates._course import Course
    from bp_core.learning_rates.descent import Descent

Float = NDArray[np.float64]

CURVE_POINTS, MAP_POINTS = 201, 61
LEVELS = 14
MOST_TANGENTS = 8
TANGENT = 0.09
"""Half of a tangent's length, in widths of the picture."""

COLUMNS, PANEL = 3, (4.2, 3.6)
HOLD = 2
"""Seconds that an animation shows its last step."""

GIF_DPI, GIF_COLOURS = 80, 96
"""Enough to read, few enough for a small file."""


def draw(descent: Descent) -> Figure:
    """Draw all steps."""
    figure, panels = _panels(descent)
    for panel in panels:
        panel.show(len(panel.course.losses) - 1)
    return figure


def animate(descent: Descent, path: str | os.PathLike[str], fps: int) -> None:
    """Save a frame for each step."""
    need_matplotlib()
    import matplotlib.pyplot as plt
    from PIL import Image

    figure, panels = _panels(descent)
    try:
        frames = list(_frames(figure, panels, max(map(len, descent.losses))))
    finally:
        plt.close(figure)
    palette = frames[-1].quantize(GIF_COLOURS, method=Image.Quantize.MAXCOVERAGE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [1000 // fps] * (len(frames) - 1) + [1000 * HOLD]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def _frames(figure: Figure, panels: list[Panel], n: int) -> Iterator[Any]:
    """Render every step as a Pillow image."""
    from PIL import Image

    for panel in panels:
        panel.show(n - 1)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout of the last step serves all
    for step in range(n):
        for panel in panels:
            panel.show(step)
        page = BytesIO()
        figure.savefig(page, format="png", dpi=GIF_DPI)
        yield Image.open(page).convert("RGB")


def _panels(descent: Descent) -> tuple[Figure, list[Panel]]:
    """The figure with what does not move."""
    n = len(descent.courses)
    rows = -(-n // COLUMNS)
    columns = -(-n // rows)
    figure, axes = new_figure(rows, columns, (PANEL[0] * columns, PANEL[1] * rows))
    kind: type[Panel] = CurvePanel if len(descent.parameters) == 1 else MapPanel
    background = kind.background(descent)
    for left_over in axes[n:]:
        left_over.set_axis_off()
    return figure, [kind(ax, descent, i, background) for i, ax in enumerate(axes[:n])]


class Panel:
    """One descent: ``path`` through points in the picture, up to the step that is shown."""

    _dodges = False
    """Whether the text moves away from where the path leaves."""

    def __init__(self, axes: Axes, descent: Descent, i: int, background: tuple[Float, ...]) -> None:
        self._draw_background(axes, descent, background)
        self.axes, self.course = axes, descent.courses[i]
        self._name = f"learning_rate {descent.learning_rates[i]:g} {descent.verdicts[i]}"
        self._points = self.points(self.course)
        style: dict[str, Any] = {"color": COLOURS[1], "zorder": 4}
        (self._line,) = axes.plot([], [], linewidth=1.1, **style)
        (self._dots,) = axes.plot([], [], "o", markersize=4.5, markeredgecolor="white", markeredgewidth=0.3, **style)
        (self._exits,) = axes.plot([], [], "X", markersize=9, color="black", zorder=5, clip_on=False)
        self._exits.set_in_layout(False)  # without points it would claim an endless box
        (self._start,) = axes.plot(*self._points[0], "s", color="black", markersize=6, zorder=5)
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        self._said = axes.text(0.5, 0.96, "", transform=axes.transAxes, ha="center", va="top", fontsize=9, bbox=box)
        self._said.set_zorder(6)

    @staticmethod
    def background(descent: Descent) -> tuple[Float, ...]:
        """Return the loss over the picture, and where it was taken."""
        raise NotImplementedError

    def points(self, course: Course) -> Float:
        """Return the positions in the picture, (steps + 1, 2)."""
        raise NotImplementedError

    def _draw_background(self, axes: Axes, descent: Descent, background: tuple[Float, ...]) -> None:
        raise NotImplementedError

    def show(self, step: int) -> None:
        """Show the descent up to a step, or up to its last."""
        last = len(self._points) - 1
        at = min(step, last)
        window = np.array([self.axes.get_xlim(), self.axes.get_ylim()])
        path, exits = clip(self._points[: at + 1], window)
        inside = _inside(self._points[: at + 1], window)
        self._line.set_data(*path.T)
        self._dots.set_data(*self._points[: at + 1][inside].T)
        self._exits.set_data(*exits.T)
        self._said.set_text(self._words(step, inside, last))
        self._said.set_visible(bool(self._said.get_text()))
        if len(exits) and self._dodges and exits[-1, 1] > window[1].mean():
            self._said.set(y=0.04, va="bottom")
        else:
            self._said.set(y=0.96, va="top")
        losses = self.course.losses
        self.axes.set_title(
            f"{self._name}\nstep {at}: loss {losses[0]:.4g} \N{RIGHTWARDS ARROW} {losses[at]:.4g}", fontsize=10
        )

    def _words(self, step: int, inside: NDArray[np.bool_], last: int) -> str:
        """What the path alone cannot say."""
        said = []
        if not inside[-1]:
            left = len(inside) - int(np.argmax(inside[::-1])) if inside.any() else 0
            said.append(f"left the picture at step {left}")
        if step >= last and not self.course.finite:
            said.append(f"no longer finite at step {last + 1}")
        return "\n".join(said)


class CurvePanel(Panel):
    """One parameter: the loss curve, the points on it and their tangents."""

    def _draw_background(self, axes: Axes, descent: Descent, background: tuple[Float, ...]) -> None:
        from matplotlib.collections import LineCollection

        x, losses = background
        axes.plot(x, losses, color="#555555", linewidth=1.4, zorder=2)
        axes.set(xlabel=descent.parameters[0], ylabel="loss", xlim=descent.span[0])
        finite = losses[np.isfinite(losses)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        room = 0.08 * (high - low) or 1.0
        axes.set_ylim(low - room, high + 2.5 * room)
        self._tangents = LineCollection([], colors=COLOURS[0], linewidths=1.8, zorder=3)
        axes.add_collection(self._tangents)

    @staticmethod
    def background(descent: Descent) -> tuple[Float, ...]:
        """Return the loss curve."""
        x = np.linspace(*descent.span[0], CURVE_POINTS)
        return x, np.array([descent.surface.loss(np.array([value])) for value in x])

    def points(self, course: Course) -> Float:
        """Return (parameter, loss)."""
        return np.column_stack([course.positions[:, 0], course.losses])

    def show(self, step: int) -> None:
        """Show the descent up to a step, with the tangents of its first points and of the last."""
        super().show(step)
        at = min(step, len(self._points) - 1)
        shown = [s for s in range(at + 1) if s < MOST_TANGENTS or s == at]
        self._tangents.set_segments([self._tangent(s) for s in shown])

    def _tangent(self, s: int) -> Float:
        """The ends of a tangent, equally long in the picture whatever its slope."""
        (left, right), (low, high) = self.axes.get_xlim(), self.axes.get_ylim()
        slope = float(self.course.slopes[s, 0])
        if not _inside(self._points[s : s + 1], np.array([[left, right], [low, high]]))[0]:
            return np.full((2, 2), np.nan)
        half = TANGENT * (right - left) / np.hypot(1, slope * (right - left) / (high - low))
        ends: Float = self._points[s] + half * np.array([[-1, -slope], [1, slope]])
        return ends


class MapPanel(Panel):
    """Two parameters: lines of equal loss, and the path."""

    _dodges = True

    def _draw_background(self, axes: Axes, descent: Descent, background: tuple[Float, ...]) -> None:
        x, y, losses = background
        levels = contour_levels(losses)
        if len(levels) > 1:
            axes.contourf(x, y, losses, levels, cmap="Blues", alpha=0.75, extend="both", zorder=1)
            lines = axes.contour(x, y, losses, levels, colors="#777777", linewidths=0.6, zorder=2)
            axes.clabel(lines, levels[::3], fontsize=7, fmt="%.4g", colors="#333333")
        axes.set(xlabel=descent.parameters[0], ylabel=descent.parameters[1], xlim=descent.span[0], ylim=descent.span[1])

    @staticmethod
    def background(descent: Descent) -> tuple[Float, ...]:
        """Return the loss on a grid."""
        x, y = (np.linspace(*span, MAP_POINTS) for span in descent.span)
        return x, y, np.array([[descent.surface.loss(np.array([a, b])) for a in x] for b in y])

    def points(self, course: Course) -> Float:
        """Return the two parameters."""
        return course.positions


def contour_levels(losses: Float) -> Float:
    """Return levels between the lowest and the highest loss, denser towards the lowest; none on a plain."""
    finite = losses[np.isfinite(losses)]
    if len(finite) == 0 or not finite.max() > finite.min():
        return np.zeros(0)
    low, high = float(finite.min()), float(finite.max())
    return low + (high - low) * np.linspace(0, 1, LEVELS + 1)[1:] ** 2


def _inside(points: Float, window: Float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.all((points >= window[:, 0]) & (points <= window[:, 1]), axis=1)
    return inside


def clip(points: Float, window: Float) -> tuple[Float, Float]:
    """Cut a path at the borders of a window ((low, high) of x and of y).

    Returns
    -------
    path : ndarray, (n, 2)
        Rows of NaN where it is outside.
    exits : ndarray, (m, 2)
        Where it crosses the border outwards.
    """
    inside = _inside(points, window)
    path, exits = [], []
    for s in range(len(points)):
        if s and inside[s] != inside[s - 1]:
            within, beyond = (s, s - 1) if inside[s] else (s - 1, s)
            crossing = _crossing(points[within], points[beyond], window)
            path.append(crossing)
            exits += [crossing] if inside[s - 1] else []
        path.append(points[s] if inside[s] else np.full(2, np.nan))
    return np.array(path), np.array(exits).reshape(-1, 2)


def _crossing(within: Float, beyond: Float, window: Float) -> Float:
    """Where the way from a point inside to one outside meets the border."""
    step = beyond / 2 - within / 2  # halves: the difference of huge numbers would overflow
    border = np.where(step > 0, window[:, 1], window[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(step == 0, np.inf, (border - within) / step)
    crossing: Float = within + shares.min() * step
    return crossing
