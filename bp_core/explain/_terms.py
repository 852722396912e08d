"""What a chain rule is made of: factors, their products, and sums of products."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Any


@dataclass(frozen=True)
class Factor:
    """One derivative of the chain rule.

    Attributes
    ----------
    name : str
        What it is: ``"da4/dz4"``.
    formula : str
        What it is computed from: ``"a4 (1 - a4)"``.
    value : float
    paths : tuple of Product
        Where it is a sum over the paths upwards to the error: one product for each. Empty otherwise.
    """

    name: str
    formula: str
    value: float
    paths: tuple[Product, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        found: dict[str, Any] = {"name": self.name, "formula": self.formula, "value": self.value}
        if self.paths:
            found["paths"] = [path.to_dict() for path in self.paths]
        return found


@dataclass(frozen=True)
class Product:
    """Factors that are multiplied."""

    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product of the factors' values."""
        product = 1.0
        for factor in self.factors:
            product *= factor.value
        return product

    def to_dict(self) -> list[dict[str, Any]]:
        """Return it as JSON can hold it."""
        return [factor.to_dict() for factor in self.factors]


def total(products: tuple[Product, ...]) -> float:
    """The sum of products."""
    return fsum(product.value for product in products)
