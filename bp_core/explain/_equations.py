"""Sums of products as lines: by the names of their factors, in formulas, in numbers."""

from __future__ import annotations

from bp_core.explain._lines import Line, Math
from bp_core.explain._notation import bracketed, multiplied, number
from bp_core.explain._terms import Factor, Product


def derivative_lines(name: str, products: tuple[Product, ...], value: float, indent: int = 0) -> list[Line]:
    """A derivative with its chain rule; sums inside it are spelled out below."""
    lines = [*_sum_lines(name, products, indent), Line((Math(number(value)),), "", "=", indent)]
    for factor in (factor for product in products for factor in product.factors if factor.paths):
        lines += [Line(("where ", Math(factor.name), f" is the sum over {factor.over}"), indent=indent)]
        lines += derivative_lines(factor.name, factor.paths, factor.value, indent + 1)
    return lines


def _sum_lines(name: str, products: tuple[Product, ...], indent: int) -> list[Line]:
    """The sum by name, in formulas and in numbers; each product on a line."""
    values = [multiplied([factor.value for factor in product.factors]) for product in products]
    lines: list[Line] = []
    for column in ([names(product) for product in products], [formulas(product) for product in products], values):
        lines += [Line((Math(column[0]),), "" if lines else name, "=", indent)]
        lines += [_added(part, indent) for part in column[1:]]
    return lines


def _added(part: str, indent: int) -> Line:
    sign, rest = ("-", part[1:]) if part.startswith("-") else ("+", part)
    return Line((Math(rest),), "", sign, indent)


def names(product: Product) -> str:
    """A product by the names of its factors."""
    return " * ".join(factor.name for factor in product.factors)


def formulas(product: Product) -> str:
    """A product by its factors' formulas; a sum over paths by its name, for it is spelled out below."""
    return " * ".join(_formula(factor) for factor in product.factors)


def _formula(factor: Factor) -> str:
    return factor.name if factor.paths else bracketed(factor.formula)
