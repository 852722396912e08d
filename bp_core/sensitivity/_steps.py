"""The step of each input that a change is told for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _statistics

Real = NDArray[Any]
Float = NDArray[np.float64]

UNIT, DEVIATION, STEP = "unit", "standard deviation", "step"
"""What a step is called: 1, that of the rows, or one that was given."""


def steps_of(scale: Any, rows: Real, dtype: np.dtype[Any]) -> tuple[Float, str]:
    """Return the step of every input, and what it is called."""
    n_in = rows.shape[1]
    if scale is None:
        return np.ones(n_in), UNIT
    if isinstance(scale, str):
        if scale != "std":
            raise ValueError(f'scale is {scale!r}; expected None, "std" or a number for each input')
        return _deviations(rows), DEVIATION
    steps = _checks.numeric("scale", scale).astype(np.float64)
    if steps.shape != (n_in,):
        raise ValueError(f"scale has shape {steps.shape}; expected ({n_in},), one step for each input")
    _checks.check_finite("scale", steps, dtype)
    for k, size in enumerate(steps.tolist()):
        _checks.check_representable(f"scale[{k}]", _checks.positive_number(f"scale[{k}]", size), dtype)
    return steps, STEP


def _deviations(rows: Real) -> Float:
    """The standard deviation of each input; NaN where it is constant, as a step of 0 would say that it does nothing."""
    n = len(rows)
    if n < 2:
        raise ValueError('scale is "std" and X has 1 row; expected at least 2, over which inputs vary')
    deviations = _statistics.deviation(rows, axis=0)
    if not deviations.any():
        raise ValueError(f'scale is "std" and X has {n} equal rows; expected at least one input that varies')
    return np.where(deviations > 0, deviations, np.nan)
