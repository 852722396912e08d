"""The derivative of one unit by another, over every path between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core.explain import _rules
from bp_core.explain._alone import softmax_slopes
from bp_core.explain._equations import formulas, names
from bp_core.explain._lines import Line, Math, Section
from bp_core.explain._notation import multiplied, number
from bp_core.explain._row import Row
from bp_core.explain._shown import Shown
from bp_core.explain._terms import MOST_PATHS, Factor, Product

ERROR = "E"


@dataclass(frozen=True, repr=False)
class PathExplanation(Shown):
    """The derivative of a unit, or of the error E, by a unit below it.

    Attributes
    ----------
    name : str
        ``"da4/dx1"``.
    through : tuple of str
        The units between that all of these paths lead through: the part of the derivative that goes this way.
    units : tuple of str
        The units that the paths lead through, as they were asked for.
    value : float
        The sum over all paths.
    n_paths : int
    paths : tuple of Product
        The factors of every path, from the last unit down; empty where there are more than 16 paths.
    """

    name: str
    through: tuple[str, ...]
    units: tuple[str, ...]
    value: float
    n_paths: int
    paths: tuple[Product, ...]

    def _section(self) -> Section:
        way = f" through {' and '.join(self.through)}" if self.through else ""
        paths = "1 path" if self.n_paths == 1 else f"{self.n_paths:,} paths"
        title = (Math(self.name), way, Math(f" = {number(self.value)}"), f", over {paths}")
        if not self.paths:
            return Section((*title, ", too many to spell out; name units between to follow fewer of them"), [])
        return Section(title, [line for path in self.paths for line in _path_lines(path)])

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "name": self.name,
            "through": list(self.through),
            "units": list(self.units),
            "value": self.value,
            "n_paths": self.n_paths,
            "paths": [path.to_dict() for path in self.paths],
        }


class Step(NamedTuple):
    """A place on the way up: the z or a of a layer, and which unit. Inputs are the a of layer -1."""

    height: int
    unit: int

    @property
    def layer(self) -> int:
        """The layer of the unit."""
        return self.height // 2


def follow(row: Row, units: tuple[str, ...]) -> PathExplanation:
    """Every path that leads through the units named, from the first up to the last."""
    if len(units) < 2:
        raise ValueError(f"path takes two units or more, as in path('x1', 'a2'); {len(units)} given")
    steps = [_step(row, name) for name in units]
    for (name, low), (other, high) in pairwise(zip(units, steps, strict=True)):
        _check_pair(row, name, low, other, high)
    pairs = list(pairwise(steps))
    count = prod(_count(row, low, high) for low, high in pairs)
    value = prod(_value(row, low, high) for low, high in pairs)
    paths: tuple[Product, ...] = ()
    if count <= MOST_PATHS:
        pieces = product(*(list(_spelled_out(row, low, high)) for low, high in reversed(pairs)))
        paths = tuple(Product(tuple(factor for piece in way for factor in piece)) for way in pieces)
    return PathExplanation(f"d{units[-1]}/d{units[0]}", units[1:-1], units, float(value), count, paths)


def _path_lines(path: Product) -> list[Line]:
    """One path by name, in formulas, in numbers."""
    values = multiplied([factor.value for factor in path.factors])
    lines = [Line((Math(names(path)),)), Line((Math(formulas(path)),), "", "=", 1)]
    return [*lines, Line((Math(f"{values} = {number(path.value)}"),), "", "=", 1)]


def _step(row: Row, name: str) -> Step:
    if name == ERROR:
        return Step(2 * len(row.a), 0)
    l, j = row.names.unit(name)
    return Step(2 * l + (0 if name.startswith("z") else 1), j)


def _check_pair(row: Row, name: str, low: Step, other: str, high: Step) -> None:
    """Raise unless a path can lead from one to the other."""
    top = 2 * len(row.a)
    if low.height >= high.height or (high.layer == low.layer and high.unit != low.unit and not _mixes(row, high)):
        raise ValueError(f"no path leads from {name} to {other}; name units from the inputs up to the error E")
    if high.height == top and low.height == top - 1 and _rules.joined(row.objective.name):
        z = row.names.z(low.layer, low.unit)
        raise ValueError(f"with {row.objective.name} the error is computed from z: ask for the path from {z} to E")


def _mixes(row: Row, step: Step) -> bool:
    """Whether the a here depends on every z of its layer."""
    return step.height % 2 == 1 and step.layer >= 0 and row.activations[step.layer] == "softmax"


def _is_direct(row: Row, height: int, top: int) -> bool:
    """Whether the next step up from this z is the error itself."""
    return top == 2 * len(row.a) and height == top - 2 and _rules.joined(row.objective.name)


# ------------------------------------------------------------------- the value
def _value(row: Row, low: Step, high: Step) -> float:
    """The sum over all paths, layer by layer."""
    v = np.zeros(_width(row, low.height))
    v[low.unit] = 1.0
    height = low.height
    while height < high.height:
        direct = _is_direct(row, height, high.height)
        v = _climb(row, height, v, direct)
        height += 2 if direct else 1
    return float(v[high.unit])


def _width(row: Row, height: int) -> int:
    return 1 if height == 2 * len(row.a) else row.net.layer_sizes[height // 2 + 1]


def _climb(row: Row, height: int, v: NDArray[np.float64], direct: bool) -> NDArray[np.float64]:
    """The derivatives of what is next above, from those of the z or a at this height."""
    l, last = height // 2, len(row.a) - 1
    if direct:
        return np.array([v @ row.deltas[l]])
    if height % 2 == 0:
        return v @ _softmax(row) if row.activations[l] == "softmax" else v * row.slopes[l]
    if l == last:
        return np.array([v @ [row.output_factors(j)[0].value for j in range(v.size)]])
    above: NDArray[np.float64] = v @ row.net.weights[l + 1].astype(np.float64)
    return above


def _softmax(row: Row) -> NDArray[np.float64]:
    """The derivatives of every a by every z, symmetric."""
    return softmax_slopes(row.z[-1]).astype(np.float64)


# ------------------------------------------------------------- path after path
def _count(row: Row, low: Step, high: Step) -> int:
    """How many paths lead from one place to the other."""
    count = 1
    for l in range(low.layer + 1, min(high.layer, len(row.a))):
        count *= row.net.layer_sizes[l + 1]
    return count * (row.objective.m if _mixes(row, high) and low.layer < high.layer else 1)


def _spelled_out(row: Row, low: Step, high: Step) -> Iterator[tuple[Factor, ...]]:
    """The factors of each path, the last step first."""
    if low == high:
        yield ()
        return
    for step, factor in _steps_up(row, low, high):
        for factors in _spelled_out(row, step, high):
            yield (*factors, factor)


def _steps_up(row: Row, low: Step, high: Step) -> Iterator[tuple[Step, Factor]]:
    """Every step up from here that still leads there, with its factor."""
    (height, j), l, top = low, low.layer, 2 * len(row.a)
    if _is_direct(row, height, high.height) or height == top - 1:
        yield Step(top, 0), row.output_factors(j)[0]
    elif height % 2:
        only = high.layer == l + 1 and not _mixes(row, high)
        for i in (high.unit,) if only and high.height < top else range(row.net.layer_sizes[l + 2]):
            yield Step(height + 1, i), row.weight_factor(l + 1, j, i)
    elif row.activations[l] == "softmax":
        yield Step(height + 1, high.unit), _softmax_factor(row, high.unit, j)
    else:
        yield Step(height + 1, j), row.slope_factor(l, j)


def _softmax_factor(row: Row, i: int, j: int) -> Factor:
    """da_i/dz_j of a softmax."""
    l = len(row.a) - 1
    a_i, a_j = row.names.a(l, i), row.names.a(l, j)
    formula = f"{a_i} (1 - {a_i})" if i == j else f"-{a_i} {a_j}"
    return Factor(f"d{a_i}/d{row.names.z(l, j)}", formula, float(_softmax(row)[i, j]))
