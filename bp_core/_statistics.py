"""Means and spreads in float64 of numbers of any size: divided by a power of two first, so that no sum overflows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]
Float = NDArray[np.float64]


def mean(values: Real, axis: int | None = None) -> Float:
    """The mean over an axis, or over all."""
    scaled, exponents = _scaled(values, axis)
    return np.asarray(np.ldexp(scaled.mean(axis=axis), exponents))


def deviation(values: Real, axis: int | None = None) -> Float:
    """The standard deviation (of n, not n - 1) over an axis, or over all; exactly 0 where all are equal."""
    scaled, exponents = _scaled(values, axis)
    found = np.ldexp(scaled.std(axis=axis), exponents)
    return np.asarray(np.where(values.min(axis=axis) == values.max(axis=axis), 0.0, found))


def root_mean_square(values: Real) -> np.float64:
    """The root of the mean of the squares."""
    scaled, exponent = _scaled(values, None)
    return np.float64(np.ldexp(np.sqrt((scaled**2).mean()), exponent))


def _scaled(values: Real, axis: int | None) -> tuple[Float, NDArray[np.int32]]:
    """The values as numbers up to 1 in size, and the powers of two they were divided by."""
    wide = values.astype(np.float64)
    _, exponents = np.frexp(np.abs(wide).max(axis=axis))
    return np.ldexp(wide, -exponents), exponents
