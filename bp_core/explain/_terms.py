"""What a chain rule is made of: factors, their products, and sums of products."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Any

MOST_PATHS = 16
"""Paths, or products of a sum, that are spelled out one by one."""


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
        Where it is a sum over several ways up to the error: one product for each. Empty otherwise.
    over : str
        What the sum goes over, in words: ``"4 paths"``, ``"5 units above, 50 paths"``.
    """

    name: str
    formula: str
    value: float
    paths: tuple[Product, ...] = ()
    over: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        found: dict[str, Any] = {"name": self.name, "formula": self.formula, "value": self.value}
        if self.paths:
            found |= {"paths": [path.to_dict() for path in self.paths], "over": self.over}
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


def shortened(products: list[Product]) -> tuple[Product, ...]:
    """The products of a sum; of very many the largest and one for the rest."""
    if len(products) <= MOST_PATHS:
        return tuple(products)
    by_size = sorted(products, key=lambda product: -abs(product.value))
    shown, rest = by_size[: MOST_PATHS - 1], by_size[MOST_PATHS - 1 :]
    words = f"{len(rest)} smaller ones"
    return (*shown, Product((Factor(words, words, total(tuple(rest))),)))
