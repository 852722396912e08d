"""The derivative of one parameter: its chain rule row by row, its update, its check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bp_core.explain._check import Check
from bp_core.explain._equations import derivative_lines
from bp_core.explain._lines import Line, Math, Section, equation, words
from bp_core.explain._notation import added, bracketed, number
from bp_core.explain._shown import Shown
from bp_core.explain._terms import Product, total


@dataclass(frozen=True, repr=False)
class ParameterExplanation(Shown):
    """The derivative of the error by one weight or bias.

    Attributes
    ----------
    name : str
        ``"W7"``, ``"b2"``.
    place : str
        ``"weights[1][0, 0]"``.
    source, target : str
        What it leads from and to: ``"a1"``, ``"z4"``; a bias leads from ``"1"``.
    value : float
    derivative : float
        dE/dW as the core computed it, for a batch the mean over its rows.
    updated : float
        The value after one step of gradient descent by the core: value - learning_rate * derivative.
    learning_rate : float
    check : Check
        The central difference beside the derivative.
    rows : tuple
        For each of the first rows its chain rule: a sum of products of factors.
    n_rows : int
        Rows of the batch.
    """

    name: str
    place: str
    source: str
    target: str
    value: float
    derivative: float
    updated: float
    learning_rate: float
    check: Check
    rows: tuple[tuple[Product, ...], ...]
    n_rows: int

    @property
    def row_values(self) -> tuple[float, ...]:
        """The derivative of each row's own error: the products multiplied out."""
        return tuple(total(products) for products in self.rows)

    def _section(self) -> Section:
        title = (Math(self.name), "  ", Math(self.source), " -> ", Math(self.target), f"  {self.place} = ")
        return Section((*title, Math(number(self.value))), [*self._chain(), self.check.line(), self._update()], True)

    def _chain(self) -> list[Line]:
        """The chain rule of each row, and the mean."""
        name = f"dE/d{self.name}"
        if self.n_rows == 1:
            return derivative_lines(name, self.rows[0], self.derivative)
        lines = [equation(name, number(self.derivative), note=f"the mean over {self.n_rows:,} rows")]
        for s, (products, value) in enumerate(zip(self.rows, self.row_values, strict=True)):
            lines += [words(f"row {s}"), *derivative_lines(name, products, value, 1)]
        return lines

    def _update(self) -> Line:
        rate = number(self.learning_rate)
        by_name = f"{self.name} - learning_rate * dE/d{self.name}"
        numbers = added([number(self.value), f"-{rate} * {bracketed(number(self.derivative))}"])
        return Line((Math(f"{by_name} = {numbers} = {number(self.updated)}"),), self.name, "<-")

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "name": self.name,
            "place": self.place,
            "from": self.source,
            "to": self.target,
            "value": self.value,
            "derivative": self.derivative,
            "updated": self.updated if math.isfinite(self.updated) else None,
            **self.check.to_dict(),
            "rows": [
                {"value": value, "products": [product.to_dict() for product in products]}
                for value, products in zip(self.row_values, self.rows, strict=True)
            ],
        }
