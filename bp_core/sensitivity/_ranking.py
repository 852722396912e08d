"""Which inputs and outputs are shown: those that matter most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ALL_UP_TO, LARGEST = 30, 20
"""All are shown up to the first number; of more, so many of the largest."""


def largest(sizes: NDArray[np.float64], most: int | None = None) -> list[int]:
    """Return the places of the largest sizes, the largest first, those that are NaN left out."""
    ranked = [int(i) for i in np.argsort(-sizes, kind="stable") if not np.isnan(sizes[i])]
    if most is None:
        most = len(ranked) if len(ranked) <= ALL_UP_TO else LARGEST
    return ranked[:most]
