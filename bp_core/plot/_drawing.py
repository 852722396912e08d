"""A scene put on axes. Everything scales with the picture, text too, so that what fits once always fits."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core.plot._ink import Ink
from bp_core.plot._layout import RADIUS, place_along
from bp_core.plot._scene import Lines, Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Real = NDArray[Any]

NAME, TEXT = 0.27, 0.24
"""Heights of the letters in units, and of all others."""

BIAS_RADIUS = 0.27
LINE = 1.35 * TEXT
SAMPLE = 0.9
"""The length of a line in the legend."""

LEGIBLE = 4.0
"""Points: smaller text is left out."""

ROUNDING = 0.06
"""Of the height, so much wider a letter may come out: at few dots an inch it ends on a whole pixel."""

CAPTION = "#444444"


class Drawing:
    """One picture: how large it is, and how it is drawn."""

    def __init__(self, scene: Scene, input_names: list[str], output_names: list[str]) -> None:
        self.scene = scene
        self.input_names, self.output_names = input_names, output_names
        self.legend = scene.legend()
        self._set_sides()
        self._set_heights()

    def _set_sides(self) -> None:
        """Left and right ends: as far as names, captions and the legend reach."""
        columns = self.scene.columns
        captions = [max(text_width(part, TEXT) for part in self.scene.caption(l)) / 2 for l in range(len(columns))]
        left = max(RADIUS + _widest(self.input_names), captions[0]) + 0.3
        right = max(RADIUS + _widest(self.output_names), captions[-1]) + 0.3
        legend = SAMPLE + 0.2 + _widest([text for _, text in self.legend]) + 0.4
        missing = max(0.0, legend - (left + right + columns[-1].x))
        self.left, self.right = -left - missing / 2, columns[-1].x + right + missing / 2

    def _set_heights(self) -> None:
        """Top and bottom ends, the captions' height and the legend's."""
        scene = self.scene
        self.notes = self._wrapped(scene.notes())
        tops = [at[1] + BIAS_RADIUS for l in range(len(scene.weights)) if (at := scene.bias_unit(l)) is not None]
        self.top = max([column.top + RADIUS for column in scene.columns] + tops) + 0.25
        lowest = min(float(column.y[-1]) for column in scene.columns) - RADIUS
        self.captions_at = lowest - (0.8 if scene.labelled and "unit" in scene.net.bias else 0.5)
        self.legend_at = self.captions_at - 2 * LINE - 0.2
        self.bottom = self.legend_at - LINE * (len(self.legend) + len(self.notes)) - 0.1

    def _wrapped(self, notes: list[str]) -> list[str]:
        room = self.right - self.left - 0.4
        letters = [int(room * len(note) / text_width(note, TEXT)) - 4 for note in notes]
        return [line for note, most in zip(notes, letters, strict=True) for line in textwrap.wrap(note, max(20, most))]

    @property
    def size(self) -> tuple[float, float]:
        """Inches of a figure of its own: text of 9 points, less in a tall one."""
        width, height = self.right - self.left, self.top - self.bottom
        scale = min(0.52, max(0.38, 8.0 / height))
        return width * scale, height * scale

    def is_legible_on(self, ax: Axes) -> bool:
        """Whether names, captions and labels come out large enough to be read."""
        return TEXT * self._points_per_unit(ax) >= LEGIBLE

    def draw(self, ax: Axes) -> None:
        """Put all of it on the axes."""
        ax.set(xlim=(self.left, self.right), ylim=(self.bottom, self.top), aspect="equal")
        ax.set_axis_off()
        self.ax, self.points = ax, self._points_per_unit(ax)
        self.ink = Ink(self.scene.largest, self.scene.n_lines, self.points)
        self._draw_edges()
        self._draw_biases()
        self._draw_units()
        self._draw_names()
        self._draw_captions()
        self._draw_legend()

    def _points_per_unit(self, ax: Axes) -> float:
        box = ax.get_window_extent()
        pixels = min(box.width / (self.right - self.left), box.height / (self.top - self.bottom))
        return float(pixels) * 72 / ax.figure.dpi

    def _write(self, x: float, y: float, text: str, height: float = TEXT, **style: Any) -> None:
        """A text, if it is large enough to be read."""
        size = height * self.points
        if size >= LEGIBLE:
            style = {"ha": "center", "va": "center", "zorder": 4, "color": "black", "parse_math": False, **style}
            self.ax.text(x, y, text, fontsize=size, **style)

    # --------------------------------------------------------------- lines
    def _draw_edges(self) -> None:
        layers = [self.scene.edges(l) for l in range(len(self.scene.weights))]
        for l, lines in enumerate(layers):
            self.ax.add_collection(self.ink.lines(lines.segments, lines.values, f"weights-{l}"), autolim=False)
            if self.scene.labelled:
                texts = [self.scene.label(*pair) for pair in zip(lines.names, lines.values.tolist(), strict=True)]
                self._write_along(l, lines.segments, texts)

    def _write_along(self, l: int, segments: Real, texts: list[str]) -> None:
        circles = np.array([(column.x, y) for column in self.scene.columns[l : l + 2] for y in column.y])
        lengths = np.array([text_width(text, TEXT) for text in texts])
        places = place_along(segments, lengths, self._obstacles(l), self._written(l), circles)
        for (start, end), text, t in zip(segments, texts, places, strict=True):
            x, y = start + t * (end - start)
            angle = float(np.degrees(np.arctan2(*(end - start)[::-1])))
            self._write(x, y, text, rotation=angle, rotation_mode="anchor", bbox=PAPER, gid="label")

    def _obstacles(self, l: int) -> Real:
        """Lines that labels of the edges of layer l keep off: those of a shared bias."""
        lines = self.scene.bias_lines(l)
        return np.empty((0, 2, 2)) if lines is None or self.scene.bias_unit(l) is None else lines.segments

    def _written(self, l: int) -> Real:
        """Texts that they must not touch: those under the units at both ends."""
        found = [np.empty((0, 2, 2))]
        for layer in range(max(0, l - 1), l + 1):
            lines = self.scene.bias_lines(layer)
            if lines is not None and self.scene.bias_unit(layer) is None:
                found.append(self._bias_texts(lines))
        return np.concatenate(found)

    def _bias_texts(self, lines: Lines) -> Real:
        """A line through each text under a unit."""
        halves = [text_width(self.scene.label(*pair), TEXT) / 2 for pair in zip(lines.names, lines.values, strict=True)]
        middles = lines.segments[:, 1] - (0, 0.03 + TEXT / 2)
        reach = np.array(halves)[:, None] * (1, 0)
        return np.stack([middles - reach, middles + reach], axis=1)

    def _draw_biases(self) -> None:
        for l in range(len(self.scene.weights)):
            lines, at = self.scene.bias_lines(l), self.scene.bias_unit(l)
            if lines is None:
                continue
            self.ax.add_collection(self.ink.lines(lines.segments, lines.values, f"biases-{l}"), autolim=False)
            if at is not None:
                self._draw_bias_unit(*at, lines.names[0], float(lines.values[0]))
            elif self.scene.labelled:
                for (_, (x, y)), name, value in zip(lines.segments, lines.names, lines.values.tolist(), strict=True):
                    self._write(x, y - 0.03, self.scene.label(name, value), va="top", bbox=PAPER, gid="label")

    def _draw_bias_unit(self, x: float, y: float, name: str, value: float) -> None:
        self._circle(x, y, BIAS_RADIUS, name, "#FFF3D6")
        self._write(x, y, name, min(NAME, _fitting(name, BIAS_RADIUS)))
        if self.scene.labelled:
            self._write(x + BIAS_RADIUS + 0.1, y, self.scene.label(name, value), ha="left", gid="label")

    # --------------------------------------------------------------- units
    def _circle(self, x: float, y: float, radius: float, name: str, fill: str) -> None:
        from matplotlib.patches import Circle

        width = 0.035 * self.points
        self.ax.add_patch(
            Circle((x, y), radius, facecolor=fill, edgecolor="#222222", linewidth=width, zorder=3, gid=name)
        )

    def _draw_units(self) -> None:
        names = [[self.scene.unit_name(l, n) for n in c.shown] for l, c in enumerate(self.scene.columns)]
        height = min(NAME, _fitting(max((name for row in names for name in row), key=len), RADIUS))
        for l, column in enumerate(self.scene.columns):
            for name, y in zip(names[l], column.y.tolist(), strict=True):
                self._circle(column.x, y, RADIUS, name, "#EEEEEE" if l == 0 else "white")
                self._write(column.x, y, name, height)
            if column.ellipsis is not None:
                dots = [column.ellipsis + step for step in (0.2, 0, -0.2)]
                self.ax.plot([column.x] * 3, dots, "o", color="#222222", markersize=0.09 * self.points, gid="ellipsis")

    def _draw_names(self) -> None:
        """What the user calls inputs and outputs, beside their units."""
        for column, names, side, align in (
            (self.scene.columns[0], self.input_names, -1, "right"),
            (self.scene.columns[-1], self.output_names, 1, "left"),
        ):
            for name, y in zip(names, column.y.tolist(), strict=bool(names)):
                self._write(column.x + side * (RADIUS + 0.12), y, name, ha=align)

    # --------------------------------------------------------------- words
    def _draw_captions(self) -> None:
        for l, column in enumerate(self.scene.columns):
            count, activation = self.scene.caption(l)
            self._write(column.x, self.captions_at, count, weight="bold")
            self._write(column.x, self.captions_at - LINE, activation, color=CAPTION)

    def _draw_legend(self) -> None:
        width = SAMPLE + 0.2 + _widest([text for _, text in self.legend])
        x, y = (self.left + self.right - width) / 2, self.legend_at
        for value, text in self.legend if self.is_legible_on(self.ax) else []:
            sample = self.ink.lines([((x, y), (x + SAMPLE, y))], np.array([value]), "legend")
            self.ax.add_collection(sample, autolim=False)
            self._write(x + SAMPLE + 0.2, y, text, ha="left", gid="legend-text")
            y -= LINE
        for note in self.notes:
            self._write((self.left + self.right) / 2, y, note, color=CAPTION, gid="note")
            y -= LINE


PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
"""Behind a text on a line."""


@lru_cache(maxsize=512)
def text_width(text: str, height: float) -> float:
    """Return how wide a text is at most, in the unit of its height, by the letters themselves."""
    from matplotlib.textpath import TextPath

    outline = TextPath((0, 0), text, size=10).get_extents().width if text.strip() else 0.0
    return (float(outline) / 10 + ROUNDING * len(text)) * height


def _widest(texts: list[str]) -> float:
    return max((text_width(text, TEXT) for text in texts), default=0.0)


def _fitting(text: str, radius: float) -> float:
    """The height at which a text fits a circle."""
    return 1.6 * radius / max(text_width(text, 1.0), 1e-9)
