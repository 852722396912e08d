"""Numbers made small enough for a page: base64 of float32, uint16 or single bytes, and six digits in JSON."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]
NOT_FINITE = 0
"""The byte of a number that is infinite or NaN; the others, 1 to 255, are spread evenly over a range."""

GROWTH = 4 / 3
"""Characters of base64 for a byte."""


def pack(array: Real) -> str:
    """float32, or bytes and uint16 as they are, little end first, in base64."""
    kind = {"uint8": "u1", "uint16": "<u2"}.get(array.dtype.name, "<f4")
    with np.errstate(over="ignore"):
        return base64.b64encode(np.ascontiguousarray(array, kind).tobytes()).decode("ascii")


def quantise(values: Real, low: Real | float, high: Real | float) -> NDArray[np.uint8]:
    """Bytes 1 (``low`` or below) to 255 (``high`` or above); 0 where a value is not finite."""
    span = np.where(np.greater(high, low), np.subtract(high, low), 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.rint((values.astype(np.float64) - low) / span * 254) + 1
    steps = np.clip(steps, 1, 255)
    return np.where(np.isfinite(values), steps, NOT_FINITE).astype(np.uint8)


def six(value: float) -> float | None:
    """Six significant digits; None where JSON has no such number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def sixes(values: Real) -> list[float | None]:
    """Each with six digits."""
    return [six(float(value)) for value in np.ravel(values)]
