"""The step of each input that a slope is told for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks, _statistics

Real = NDArray[Any]
Float = NDArray[np.float64]

UNIT, DEVIATION, STEP = "unit", "standard deviation", "step"
"""What a step is called: 1, that of the rows, or one that was given."""


class Steps(NamedTuple):
    """What a slope is told for: as the user counts it and, where that is not 1, as the network does."""

    sizes: Float
    kind: str
    of_x: Float | None


def read_steps(scale: Any, divided_by: Any, rows: Real, dtype: np.dtype[Any]) -> Steps:
    """Return the step of every input, in the units from before a division by ``divided_by``."""
    n_in = rows.shape[1]
    divisors = None if divided_by is None else _read_divisors(divided_by, n_in, dtype)
    if isinstance(scale, str):
        if scale != "std":
            raise ValueError(f'scale is {scale!r}; expected None, "std" or a number for each input')
        deviations = _deviations(rows)
        return Steps(deviations if divisors is None else deviations * divisors, DEVIATION, deviations)
    sizes, kind = np.ones(n_in), UNIT
    if scale is not None:
        sizes, kind = _read_positive("scale", scale, n_in, "step", dtype), STEP
    if divisors is None:
        return Steps(sizes, kind, None if kind == UNIT else sizes)
    for k, step in enumerate((sizes / divisors).tolist()):
        _checks.check_representable(f"the step of input {k} after its division", step, dtype)
    return Steps(sizes, kind, sizes / divisors)


def _read_divisors(divided_by: Any, n_in: int, dtype: np.dtype[Any]) -> Float:
    if _checks.is_number(divided_by):
        divided_by = np.full(n_in, float(divided_by))
    return _read_positive("divided_by", divided_by, n_in, "number", dtype)


def _read_positive(name: str, values: Any, n_in: int, what: str, dtype: np.dtype[Any]) -> Float:
    """Numbers above 0, one for each input, that the dtype holds."""
    array: Float = _checks.numeric(name, values).astype(np.float64)
    if array.shape != (n_in,):
        raise ValueError(f"{name} has shape {array.shape}; expected ({n_in},), one {what} for each input")
    _checks.check_finite(name, array, dtype)
    for k, size in enumerate(array.tolist()):
        _checks.check_representable(f"{name}[{k}]", _checks.positive_number(f"{name}[{k}]", size), dtype)
    return array


def _deviations(rows: Real) -> Float:
    """The standard deviation of each input; NaN where it is constant, as a step of 0 would say that it does nothing."""
    n = len(rows)
    if n < 2:
        raise ValueError('scale is "std" and X has 1 row; expected at least 2, over which inputs vary')
    deviations = _statistics.deviation(rows, axis=0)
    if not deviations.any():
        raise ValueError(f'scale is "std" and X has {n} equal rows; expected at least one input that varies')
    return np.where(deviations > 0, deviations, np.nan)
