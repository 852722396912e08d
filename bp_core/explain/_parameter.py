"""The derivative of one parameter: its chain rule row by row, its update, its check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bp_core._gradient_check import TOLERANCE
from bp_core.explain._terms import Product, total


@dataclass(frozen=True)
class ParameterExplanation:
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
    difference, error : float or None
        The central difference of the loss in float64, and abs(derivative - difference) / (abs(difference) + g +
        1e-3), g being the largest absolute derivative of the same array, also in float64. None where a row lies
        within 1e-4 of a kink, where a difference says nothing.
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
    difference: float | None
    error: float | None
    rows: tuple[tuple[Product, ...], ...]
    n_rows: int

    @property
    def agrees(self) -> bool | None:
        """Whether backpropagation and central difference agree; None where there is no difference."""
        return None if self.error is None else self.error <= TOLERANCE

    @property
    def row_values(self) -> tuple[float, ...]:
        """The derivative of each row's own error: the products multiplied out."""
        return tuple(total(products) for products in self.rows)

    def __str__(self) -> str:
        from bp_core.explain._text import parameter_text

        return parameter_text(self)

    def _repr_html_(self) -> str:
        from bp_core.explain._html import parameter_html

        return parameter_html(self)

    def to_latex(self) -> str:
        """Return its chain rule in LaTeX, an ``align*`` of the package amsmath."""
        from bp_core.explain._latex import parameter_latex

        return parameter_latex(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "name": self.name,
            "place": self.place,
            "from": self.source,
            "to": self.target,
            "value": self.value,
            "derivative": self.derivative,
            "updated": self.updated,
            "difference": self.difference,
            "error": self.error,
            "agrees": self.agrees,
            "rows": [
                {"value": value, "products": [product.to_dict() for product in products]}
                for value, products in zip(self.row_values, self.rows, strict=True)
            ],
        }
