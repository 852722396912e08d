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
    at = np.full(len(lines), 0.5)
    others = np.concatenate([lines, obstacles])
    for _ in range(3):
        for i in range(len(lines)):
            apart = np.delete(others, i, axis=0)
            texts = [_along(lines[n], at[n], lengths[n]) for n in range(len(lines)) if n != i]
            placed = np.concatenate([np.empty((0, 2)), *texts, *(_along(text, 0.5, _length(text)) for text in written)])
            at[i] = max(TRIED, key=lambda t: _clearance(_along(lines[i], t, lengths[i]), apart, placed, circles))
    return at


HEIGHT = 0.3
"""Of a text with the space around it."""

TRIED = sorted((t / 40 for t in range(6, 35)), key=lambda t: abs(t - 0.5))
"""The middle first: of two equal places it wins."""


def _length(line: Real) -> float:
    return float(np.hypot(*(line[1] - line[0])))


def _along(line: Real, t: float, length: float) -> Real:
    """Points of a text written along a line."""
    start, way = line[0], line[1] - line[0]
    steps = np.linspace(-0.5, 0.5, 9) * length / _length(line)
    points: Real = start + (t + steps)[:, None] * way
    return points


def _clearance(text: Real, lines: Real, placed: Real, circles: Real) -> float:
    """The distance to what is nearest; other texts count half, as both have a height, and must not be touched."""
    found = [np.inf]
    if len(lines):
        found.append(_distance(text, lines))
    if len(placed):
        between = np.linalg.norm(text[:, None] - placed[None], axis=2).min()
        found.append(between / 2 if between > HEIGHT else between - HEIGHT)
    found.append(np.linalg.norm(text[:, None] - circles[None], axis=2).min() - RADIUS)
    return float(min(found))


def _distance(points: Real, lines: Real) -> float:
    """The least distance of any point to any line."""
    start, way = lines[:, 0], lines[:, 1] - lines[:, 0]
    reach = points[:, None] - start[None]
    t = np.clip((reach * way).sum(axis=2) / (way * way).sum(axis=1), 0, 1)
    return float(np.linalg.norm(reach - t[..., None] * way, axis=2).min())
