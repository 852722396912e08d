"""Where the units of a network stand in its picture: one column a layer, inputs on the left, 0 at half height."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]

RADIUS = 0.36
"""Of a unit; the units of the tallest layer are 1 apart, or more."""

MOST_SPREAD = 1.5
"""How far a short layer is pulled apart beside a tall one."""


class Column(NamedTuple):
    """The units of a layer that are drawn, from the top down."""

    size: int
    shown: list[int]
    x: float
    y: Real
    ellipsis: float | None

    @property
    def top(self) -> float:
        """Height of the first unit."""
        return float(self.y[0])

    @property
    def left_out(self) -> int:
        """How many units are not drawn."""
        return self.size - len(self.shown)


def shown_units(size: int, most: int) -> list[int]:
    """All units of a layer, or the first and the last of a large one, ``most`` together."""
    if size <= most:
        return list(range(size))
    last = most // 2
    return [*range(most - last), *range(size - last, size)]


def columns(sizes: Sequence[int], most: int, spacing: float, distance: float) -> list[Column]:
    """Place every layer; units stand ``spacing`` apart or a little more, layers ``distance``."""
    shown = [shown_units(size, most) for size in sizes]
    rows = [len(units) + (len(units) < size) for units, size in zip(shown, sizes, strict=True)]
    tallest = max(rows)
    return [
        _column(size, units, l * distance, spacing * min(MOST_SPREAD, tallest / n))
        for l, (size, units, n) in enumerate(zip(sizes, shown, rows, strict=True))
    ]


def _column(size: int, shown: list[int], x: float, spacing: float) -> Column:
    """A reduced layer leaves one row free for the ellipsis."""
    upper = len(shown) - len(shown) // 2
    reduced = len(shown) < size
    row = np.array([place + (reduced and place >= upper) for place in range(len(shown))], dtype=float)
    middle = (len(shown) + reduced - 1) / 2
    return Column(size, shown, x, (middle - row) * spacing, (middle - upper) * spacing if reduced else None)


def place_along(lines: Real, lengths: Real, obstacles: Real, written: Real, circles: Real) -> Real:
    """Return where along each line its text, written along it, is clearest of all else.

    Parameters
    ----------
    lines, obstacles : ndarray, (n, 2, 2)
        From a point (x, y) to another; texts stand on ``lines`` and keep off both.
    written : ndarray, (n, 2, 2)
        Where texts stand already: a line through each.
    lengths : ndarray, (n,)
        Of the texts.
    circles : ndarray, (c, 2)
        Centres of the units.

    Returns
    -------
    ndarray, (n,)
        Fractions of the way, each chosen for the largest distance given the others, in three rounds.
    """
    points = _tried(lines, lengths)
    others = np.concatenate([lines, obstacles])
    fixed = [_room(points[i], np.delete(others, i, axis=0), circles) for i in range(len(lines))]
    middles = _tried(written, np.linalg.norm(written[:, 1] - written[:, 0], axis=1))[:, 0]
    best = np.zeros(len(lines), dtype=np.int64)
    for _ in range(3):
        for i in range(len(lines)):
            placed = np.delete(points[np.arange(len(lines)), best], i, axis=0)
            texts = np.concatenate([placed.reshape(-1, 2), middles.reshape(-1, 2)])
            best[i] = np.minimum(fixed[i], _room_between(points[i], texts)).argmax()
    return TRIED[best]


HEIGHT = 0.3
"""Of a text with the space around it."""

TRIED = np.array(sorted((t / 40 for t in range(6, 35)), key=lambda t: abs(t - 0.5)))
"""Fractions of the way; the middle first: of two equal places it wins."""

ALONG = np.linspace(-0.5, 0.5, 9)
"""Where points stand in for a text, of its length."""


def _tried(lines: Real, lengths: Real) -> Real:
    """The points of a text at every place tried along its line, (lines, places, points, 2)."""
    way = lines[:, 1] - lines[:, 0]
    share = ALONG * (lengths / np.linalg.norm(way, axis=1))[:, None]
    at: Real = TRIED[None, :, None] + share[:, None, :]
    points: Real = lines[:, 0, None, None] + at[..., None] * way[:, None, None]
    return points


def _room(text: Real, lines: Real, circles: Real) -> Real:
    """The distance of a text at each place to the nearest line or unit, (places,)."""
    to_unit = _nearest(text[..., 0, None] - circles[:, 0], text[..., 1, None] - circles[:, 1]) - RADIUS
    if len(lines) == 0:
        return to_unit
    (x, y), (across, up) = lines[:, 0].T, (lines[:, 1] - lines[:, 0]).T
    dx, dy = text[..., 0, None] - x, text[..., 1, None] - y
    t = np.clip((dx * across + dy * up) / (across**2 + up**2), 0, 1)
    return np.minimum(to_unit, _nearest(dx - t * across, dy - t * up))


def _room_between(text: Real, others: Real) -> Real:
    """The distance of a text at each place to the nearest other; half, as both have a height, and must not touch."""
    if len(others) == 0:
        return np.full(len(text), np.inf)
    between = _nearest(text[..., 0, None] - others[:, 0], text[..., 1, None] - others[:, 1])
    return np.where(between > HEIGHT, between / 2, between - HEIGHT)


def _nearest(dx: Real, dy: Real) -> Real:
    """The least distance at each place, of differences (places, points, others)."""
    found: Real = np.sqrt((dx * dx + dy * dy).min(axis=(1, 2)))
    return found
