"""What the schedules are computed with: own functions, so that the bits are the same everywhere."""

from __future__ import annotations

import numpy as np

from bp_core import _checks, _engine_f64
from bp_core._schedule import Factors


def exp(x: Factors) -> Factors:
    """Return e^x."""
    return _engine_f64.elementary("exp", x, np.empty_like(x))


def log(x: Factors) -> Factors:
    """Return the natural logarithm."""
    return _engine_f64.elementary("log", x, np.empty_like(x))


def cospi(x: Factors) -> Factors:
    """Return cos(pi x)."""
    return _engine_f64.elementary("cospi", x, np.empty_like(x))


def powers(base: float, first: int, count: int) -> Factors:
    """Return base^k for ``count`` whole numbers k from ``first`` on, each by squaring: exact while it can be."""
    k = np.arange(first, first + count, dtype=np.int64)
    found, square = np.ones(count), base
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # where it is not taken
        while k[-1]:
            found = np.where(k & 1, found * square, found)
            square, k = square * square, k >> 1
    return found


def fall(x: Factors, high: float | Factors, low: float | Factors) -> Factors:
    """Return low + (high - low) (1 + cos(pi x)) / 2 for x from 0 to 1: both ends exact, and nothing lost near them."""
    root = cospi(0.5 * x)  # (1 + cos(pi x)) / 2 is its square
    share = root * root
    return high * share + low * (1.0 - share)


def steps_of(name: str, value: object, least: int = 1) -> None:
    """Raise unless ``value`` is a number of steps, of which each is a float64 too."""
    _checks.whole_number(name, value, least, 2**53)


def number_to_one(name: str, value: object) -> float:
    """Return ``value`` as a float from 0 to 1."""
    if not _checks.is_number(value) or not 0 <= value <= 1:  # type: ignore[operator]
        raise ValueError(f"{name} is {value!r}; expected a number from 0 to 1")
    return float(value)  # type: ignore[arg-type]
