"""One row under the lens: the core's numbers for it, and the factors that they are to the chain rule."""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core._unit_names import Parameter, UnitNames
from bp_core.explain import _rules
from bp_core.explain._alone import output_slopes, unit_slopes
from bp_core.explain._terms import MOST_PATHS, Factor, Product, shortened, total
from bp_core.losses import LossLike

if TYPE_CHECKING:
    from bp_core.network import Network

Real = NDArray[Any]


class Objective(NamedTuple):
    """A resolved loss: as it was given, by name, its parameter, and over how many outputs."""

    loss: LossLike
    name: str
    parameter: float
    m: int


class Row:
    """The forward pass of one row, its loss, and every derivative on the way back."""

    def __init__(self, net: Network, names: UnitNames, objective: Objective, x: Real, y: Real | int) -> None:
        self.net, self.names, self.objective = net, names, objective
        self.activations = (*net.hidden, net.output)
        self.x = np.asarray(x, net.dtype)
        passed = net.forward(self.x)
        self.z, self.a = passed.z, passed.a
        self._check_finite()
        self.y = np.asarray(_one_hot(y, objective.m), net.dtype)
        found = net.gradients(self.x, y, loss=objective.loss)
        self.loss, self.deltas, self.inputs = found.loss, found.deltas, found.inputs
        self.last = len(self.a) - 1

    def _check_finite(self) -> None:
        """Raise for a unit beyond all numbers: there is nothing to explain then."""
        for l, z in enumerate(self.z):
            if not np.isfinite(z).all():
                j = int(np.argmin(np.isfinite(z)))
                raise ValueError(
                    f"{self.names.z(l, j)} is {z[j]} in {z.dtype}; expected finite numbers: "
                    "the inputs or the weights are too large"
                )

    @cached_property
    def slopes(self) -> list[Real]:
        """The derivative da/dz of every unit, layer by layer; a softmax has none unit by unit."""
        return [unit_slopes(name, z) for name, z in zip(self.activations, self.z, strict=True)]

    @cached_property
    def by_output(self) -> Real:
        """The derivative dE/da of every output, for a loss of the residual."""
        return output_slopes(self.objective.loss, self.a[-1], self.y)

    def activation(self, l: int, k: int) -> float:
        """The activation of a unit; of layer -1 the input."""
        return float(self.x[k] if l < 0 else self.a[l][k])

    # ----------------------------------------------------------------- factors
    def output_factors(self, j: int) -> tuple[Factor, ...]:
        """dE/da * da/dz of output j; of a loss computed from z dE/dz."""
        l, o = self.last, self.objective
        z, a, y = self.names.z(l, j), self.names.a(l, j), self.names.y(j)
        residual = float(self.a[l][j]) - float(self.y[j])
        formula = _rules.by_output(o.name, a, y, o.m, o.parameter, residual)
        if _rules.joined(o.name):
            return (Factor(f"dE/d{z}", formula, float(self.deltas[l][j])),)
        return Factor(f"dE/d{a}", formula, float(self.by_output[j])), self.slope_factor(l, j)

    def slope_factor(self, l: int, j: int) -> Factor:
        """da/dz of a unit."""
        z, a = self.names.z(l, j), self.names.a(l, j)
        formula = _rules.slope(self.activations[l], z, a, bool(self.z[l][j] > 0))
        return Factor(f"d{a}/d{z}", formula, float(self.slopes[l][j]))

    def weight_factor(self, l: int, k: int, j: int) -> Factor:
        """dz/da between two units of neighbouring layers: the weight."""
        name = f"d{self.names.z(l, j)}/d{self.names.source(l, k)}"
        return Factor(name, self.names.weight(l, k, j), float(self.net.weights[l][k, j]))

    # ------------------------------------------------------------- the way back
    def delta_factors(self, l: int, j: int) -> tuple[Factor, ...]:
        """The factors of dE/dz of a unit, all the way from the error."""
        if l == self.last:
            return self.output_factors(j)
        return *self.error_factors(l, j), self.slope_factor(l, j)

    def error_factors(self, l: int, k: int) -> tuple[Factor, ...]:
        """The factors of dE/da of a unit below the output; of layer -1 dE/dx."""
        paths = self.paths_up(l, k)
        if len(paths) == 1:
            return paths[0].factors
        over = self._over(l, self.count_paths(l) <= MOST_PATHS)
        return (Factor(f"dE/d{self.names.a(l, k)}", f"sum over {over}", total(paths), paths, over),)

    def step_factors(self, l: int, j: int) -> tuple[Factor, ...]:
        """The factors of dE/dz of a unit from the units just above it."""
        if l == self.last:
            return self.output_factors(j)
        steps = self._steps_up(l, j)
        name = f"dE/d{self.names.a(l, j)}"
        summed = Factor(name, name, total(steps), steps, self._over(l, False))
        return *(steps[0].factors if len(steps) == 1 else (summed,)), self.slope_factor(l, j)

    def paths_up(self, l: int, k: int) -> tuple[Product, ...]:
        """One product for each path from a unit's a up to the error; of very many, one for each unit above."""
        if self.count_paths(l) <= MOST_PATHS:
            return tuple(self._spelled_out(l, k))
        return self._steps_up(l, k)

    def count_paths(self, l: int) -> int:
        """How many paths lead from a unit of layer l to the error."""
        return prod(self.net.layer_sizes[l + 2 :])

    def _over(self, l: int, spelled_out: bool) -> str:
        """What a sum goes over, in words."""
        count, above = self.count_paths(l), self.net.layer_sizes[l + 2]
        return f"{count} paths" if spelled_out else f"the {above:,} units above, {count:,} paths"

    def _spelled_out(self, l: int, k: int) -> list[Product]:
        above, found = l + 1, []
        for j in range(self.net.layer_sizes[above + 1]):
            weight = self.weight_factor(above, k, j)
            if above == self.last:
                found.append(Product((*self.output_factors(j), weight)))
                continue
            slope = self.slope_factor(above, j)
            found += [Product((*path.factors, slope, weight)) for path in self._spelled_out(above, j)]
        return found

    def _steps_up(self, l: int, k: int) -> tuple[Product, ...]:
        return shortened([self._one_step(l + 1, k, j) for j in range(self.net.layer_sizes[l + 2])])

    def _one_step(self, l: int, k: int, j: int) -> Product:
        name = f"dE/d{self.names.z(l, j)}"
        return Product((Factor(name, name, float(self.deltas[l][j])), self.weight_factor(l, k, j)))

    # ------------------------------------------------------------- parameters
    def products(self, parameter: Parameter) -> tuple[Product, ...]:
        """The chain rule of a parameter: one product, or for a bias that a layer shares one for each unit."""
        l, k, j = parameter
        units = range(self.net.layer_sizes[l + 1]) if j is None else (j,)
        name = self.names.name(parameter)
        source, value = ("1", 1.0) if k is None else (self.names.source(l, k), self.activation(l - 1, k))
        lasts = [Factor(f"d{self.names.z(l, unit)}/d{name}", source, value) for unit in units]
        return shortened(
            [Product((*self.delta_factors(l, unit), last)) for unit, last in zip(units, lasts, strict=True)]
        )


def _one_hot(y: Real | int, m: int) -> Real:
    """A class index as a row of zeros with a one; a row as it is."""
    array = np.asarray(y)
    return array if array.ndim else np.eye(m)[int(array)]
