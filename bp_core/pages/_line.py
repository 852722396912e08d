"""The decision line of a replay: where the only output is in the middle of its range.

Marching squares finds the sides of a grid's cells that the line crosses (W. E. Lorensen and H. E. Cline, Computer
Graphics 21(4), 1987, in two dimensions); where on a side it does, the core is asked, by halving. So the line is as
smooth as the network's, however flat or steep the output is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core.network import Network
from bp_core.pages._frames import BOUNDED, LINE_BYTES, at_each, value_range
from bp_core.pages._pack import GROWTH, pack
from bp_core.pages._recording import Recording, Snapshot
from bp_core.pages._slice import Slice

Real = NDArray[Any]
Height = Callable[[Real], Real]
"""Heights (n,) at places (n, 2), in shares of the picture's sides from its left and its top; 0 on the line."""

FINENESS = (64, 48, 32, 16, 8)
"""Points along a side of the grid, the best first."""

HALVINGS = 12
STEPS = 65535
"""Steps of a coordinate along a side of the picture."""


def decision_lines(recording: Recording, snapshots: list[Snapshot], plane: Slice) -> dict[str, Any]:
    """The points of all lines in steps of uint16, and of each snapshot how many points each of its lines has."""
    for n in FINENESS:
        found = [
            [np.rint(line * STEPS).astype(np.uint16) for line in trace(_height(recording, net, plane), n)]
            for net in at_each(recording.net, snapshots)
        ]
        points = np.concatenate([np.empty((0, 2), np.uint16), *(line for lines in found for line in lines)])
        if points.nbytes * GROWTH <= LINE_BYTES * len(snapshots):
            break
    return {"points": pack(points), "lengths": [[len(line) for line in lines] for lines in found]}


def _height(recording: Recording, net: Network, plane: Slice) -> Height:
    """What is 0 on the line: z, which stays exact where the output saturates, or the output less the middle."""
    if net.output in BOUNDED:
        return lambda places: net.forward(plane.rows(places)).z[-1][:, 0]
    middle = sum(value_range(recording, np.empty(0))) / 2
    return lambda places: net.predict(plane.rows(places))[:, 0] - middle


# ----------------------------------------------------------------- marching squares
class Grid(NamedTuple):
    """Places (n * n, 2), row by row from the top, and whether each is above 0, and finite, (n, n)."""

    places: Real
    above: NDArray[np.bool_]
    finite: NDArray[np.bool_]


def trace(height: Height, n: int) -> list[Real]:
    """The lines, (points, 2) each, where ``height`` is 0, found on a grid of n x n places.

    A closed line ends at its start. No line leads through a cell of the grid with a corner that is not finite.
    """
    steps = np.linspace(0, 1, n)
    places = np.stack([np.tile(steps, n), np.repeat(steps, n)], axis=1)
    values = height(places).reshape(n, n)
    grid = Grid(places, values > 0, np.isfinite(values))
    pieces = _pieces(height, grid)
    sides = np.unique(pieces)
    points = dict(zip(sides.tolist(), _points(height, grid, sides), strict=True))
    return [np.stack([points[side] for side in line]) for line in _join(pieces.tolist())]


def _pieces(height: Height, grid: Grid) -> NDArray[np.int64]:
    """Pairs of sides (pieces, 2) between which the line crosses a cell.

    Side 2 i leads from place i to the right, side 2 i + 1 down.
    """
    n = len(grid.above)
    corners = [np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:], np.s_[1:, :-1]]
    clockwise = np.stack([grid.above[corner].ravel() for corner in corners])
    whole = np.logical_and.reduce([grid.finite[corner].ravel() for corner in corners])
    crossed = (clockwise != np.roll(clockwise, -1, axis=0)) & whole
    first = np.arange(n * n).reshape(n, n)[corners[0]].ravel()
    top, right, bottom, left = sides = np.stack([2 * first, 2 * first + 3, 2 * (first + n), 2 * first + 1])
    count = crossed.sum(axis=0)
    plain = count == 2
    found = [sides.T[plain][crossed.T[plain]].reshape(-1, 2)]
    saddle = np.flatnonzero(count == 4)
    if saddle.size:
        centre = (grid.places[first[saddle]] + grid.places[first[saddle] + n + 1]) / 2
        falling = ((height(centre) > 0) == clockwise[0, saddle])[:, None]  # the first corner and the third are one
        pairs = np.stack([top, right, bottom, left, left, top, right, bottom])[:, saddle].T
        found.append(np.where(falling, pairs[:, :4], pairs[:, 4:]).reshape(-1, 2))
    return np.concatenate(found)


def _points(height: Height, grid: Grid, sides: NDArray[np.int64]) -> Real:
    """Where on each side the sign changes, by halving."""
    start = sides // 2
    end = start + np.where(sides % 2, len(grid.above), 1)
    low, high = grid.places[start], grid.places[end]
    above = grid.above.ravel()[start]
    for _ in range(HALVINGS if sides.size else 0):
        middle = (low + high) / 2
        beyond = ((height(middle) > 0) != above)[:, None]
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return (low + high) / 2


def _join(pieces: list[list[int]]) -> list[list[int]]:
    """Pieces to lines, each as the sides it crosses: first the open ones, then the closed."""
    neighbours: defaultdict[int, list[int]] = defaultdict(list)
    for one, other in pieces:
        neighbours[one].append(other)
        neighbours[other].append(one)
    ends = [side for side, others in neighbours.items() if len(others) == 1]
    return [_follow(neighbours, start) for start in (*ends, *neighbours) if neighbours[start]]


def _follow(neighbours: dict[int, list[int]], start: int) -> list[int]:
    """One line from a side on, as far as it leads; its pieces are taken away."""
    line = [start]
    while neighbours[line[-1]]:
        to = neighbours[line[-1]].pop()
        neighbours[to].remove(line[-1])
        line.append(to)
    return line
