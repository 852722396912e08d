"""One row under the lens: the core's numbers for it, and the factors that they are to the chain rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core._unit_names import UnitNames
from bp_core.explain import _rules
from bp_core.explain._terms import Factor, Product, total
from bp_core.losses import LossLike

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]
MOST_PATHS = 16
"""Paths upwards that are spelled out one by one."""


class Objective(NamedTuple):
    """A resolved loss: as it was given, by name, its threshold, and over how many outputs."""

    loss: LossLike
    name: str
    threshold: float
    m: int


class Row:
    """The forward pass of one row, its loss, and every derivative on the way back."""

    def __init__(self, net: Network, names: UnitNames, objective: Objective, x: Real, y: Real | int) -> None:
        self.net, self.names, self.objective = net, names, objective
        self.activations = (*net.hidden, net.output)
        self.x = np.asarray(x, net.dtype)
        passed = net.forward(self.x)
        self.z, self.a = passed.z, passed.a
        self.y = np.asarray(_one_hot(y, objective.m), net.dtype)
        found = net.gradients(self.x, y, loss=objective.loss)
        self.loss, self.deltas, self.inputs = found.loss, found.deltas, found.inputs
        self.slopes = [_slopes(name, z) for name, z in zip(self.activations, self.z, strict=True)]

    # ----------------------------------------------------------- the forward pass
    def activation(self, l: int, k: int) -> float:
        """The activation of a unit; of layer -1 the input."""
        return float(self.x[k] if l < 0 else self.a[l][k])

    # ------------------------------------------------------------ the way back
    def output_factors(self, j: int) -> tuple[Factor, ...]:
        """dE/da * da/dz of output j; of the cross-entropies, computed from z, dE/dz."""
        l, o = len(self.a) - 1, self.objective
        z, a, y = self.names.z(l, j), self.names.a(l, j), self.names.y(j)
        formula = _rules.by_output(o.name, a, y, o.m, o.threshold)
        if _rules.joined(o.name):
            return (Factor(f"dE/d{z}", formula, float(self.deltas[l][j])),)
        value = _rules.value_by_output(o.name, float(self.a[l][j]), float(self.y[j]), o.m, o.threshold)
        return Factor(f"dE/d{a}", formula, value), self.slope_factor(l, j)

    def slope_factor(self, l: int, j: int) -> Factor:
        """da/dz of a unit."""
        z, a = self.names.z(l, j), self.names.a(l, j)
        formula = _rules.slope(self.activations[l], z, a, bool(self.z[l][j] > 0))
        return Factor(f"d{a}/d{z}", formula, float(self.slopes[l][j]))

    def weight_factor(self, l: int, k: int, j: int) -> Factor:
        """dz/da between two units of neighbouring layers: the weight."""
        name = f"d{self.names.z(l, j)}/d{self.names.source(l, k)}"
        return Factor(name, self.names.weight(l, k, j), float(self.net.weights[l][k, j]))

    def delta_factors(self, l: int, j: int) -> tuple[Factor, ...]:
        """The factors of dE/dz of a unit: down from the error where there is one path, else a sum over the paths."""
        if l == len(self.a) - 1:
            return self.output_factors(j)
        return *self.error_factors(l, j), self.slope_factor(l, j)

    def error_factors(self, l: int, k: int) -> tuple[Factor, ...]:
        """The factors of dE/da of a unit below the output; of layer -1 dE/dx."""
        paths = self.paths_up(l, k)
        if len(paths) == 1:
            return paths[0].factors
        name = f"dE/d{self.names.a(l, k)}"
        return (Factor(name, "sum over the paths", total(paths), paths),)

    def paths_up(self, l: int, k: int) -> tuple[Product, ...]:
        """One product for each path from a unit's a up to the error; of very many, one for each unit above."""
        if self.count_paths(l) <= MOST_PATHS:
            return tuple(self._spelled_out(l, k))
        fan_out = self.net.layer_sizes[l + 2]
        return shortened([self._one_step(l + 1, k, j) for j in range(fan_out)])

    def count_paths(self, l: int) -> int:
        """How many paths lead from a unit of layer l to the error."""
        count = 1
        for units in self.net.layer_sizes[l + 2 :]:
            count *= units
        return count

    def _spelled_out(self, l: int, k: int) -> list[Product]:
        above = l + 1
        last = above == len(self.a) - 1
        found = []
        for j in range(self.net.layer_sizes[above + 1]):
            weight = self.weight_factor(above, k, j)
            if last:
                found.append(Product((*self.output_factors(j), weight)))
                continue
            slope = self.slope_factor(above, j)
            found += [Product((*path.factors, slope, weight)) for path in self._spelled_out(above, j)]
        return found

    def _one_step(self, l: int, k: int, j: int) -> Product:
        z = self.names.z(l, j)
        delta = Factor(f"dE/d{z}", f"dE/d{z}", float(self.deltas[l][j]))
        return Product((delta, self.weight_factor(l, k, j)))

    # ------------------------------------------------------------- parameters
    def weight_products(self, l: int, k: int, j: int) -> tuple[Product, ...]:
        """dE/dW as one product."""
        source = self.names.source(l, k)
        last = Factor(f"d{self.names.z(l, j)}/d{self.names.weight(l, k, j)}", source, self.activation(l - 1, k))
        return (Product((*self.delta_factors(l, j), last)),)

    def bias_products(self, l: int, j: int | None) -> tuple[Product, ...]:
        """dE/db: one product, or for a bias that a layer shares one for each unit."""
        units = range(self.net.layer_sizes[l + 1]) if j is None else (j,)
        return shortened([self._bias_product(l, unit) for unit in units])

    def _bias_product(self, l: int, j: int) -> Product:
        last = Factor(f"d{self.names.z(l, j)}/d{self.names.bias(l, j)}", "1", 1.0)
        return Product((*self.delta_factors(l, j), last))


def shortened(products: list[Product]) -> tuple[Product, ...]:
    """The products of a sum; of very many the largest and one for the rest."""
    if len(products) <= MOST_PATHS:
        return tuple(products)
    by_size = sorted(products, key=lambda product: -abs(product.value))
    shown, rest = by_size[: MOST_PATHS - 1], by_size[MOST_PATHS - 1 :]
    words = f"{len(rest)} smaller ones"
    return (*shown, Product((Factor(words, words, total(tuple(rest))),)))


def _slopes(activation: str, z: Real) -> Real:
    """f'(z) as the core computes it: the derivative of a network of one unit whose only weight is 1."""
    if activation == "softmax":
        return np.full(z.shape, np.nan)  # has none of its own: cross_entropy gives dE/dz
    from bp_core.network import Network

    unit = Network.from_arrays([np.ones((1, 1), z.dtype)], None, hidden=(), output=activation)
    return unit.jacobian(z[:, None])[:, 0, 0]


def _one_hot(y: Real | int, m: int) -> Real:
    """A class index as a row of zeros with a one; a row as it is."""
    array = np.asarray(y)
    return array if array.ndim else np.eye(m)[int(array)]
