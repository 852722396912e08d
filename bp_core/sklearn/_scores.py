"""The score of held-out rows after an epoch: what ``accuracy_score`` and ``r2_score`` give, without their checks."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Real = NDArray[Any]


class Score(Protocol):
    """The score of some rows' outputs, made for their targets."""

    def __call__(self, outputs: Real) -> float:
        """Return the score; NaN where an output is not finite and the score needs it."""


class Accuracy:
    """The weighted share of rows whose labels are all right.

    ``targets`` is a row of indicators for each row, a single column for two classes.
    """

    def __init__(self, targets: Real, weights: Real | None, one_of_many: bool) -> None:
        self._one_of_many, self._weights = one_of_many, weights
        self._targets = targets.argmax(axis=1) if one_of_many else targets.astype(bool)

    def __call__(self, outputs: Real) -> float:
        if self._one_of_many:
            right = outputs.argmax(axis=1) == self._targets
        else:
            right = ((outputs > 0.5) == self._targets).all(axis=1)
        return float(np.average(right, weights=self._weights))


class R2:
    """1 - sum w (y - a)^2 / sum w (y - mean y)^2, the mean over the outputs; an output of one value scores 1 or 0."""

    def __init__(self, targets: Real, weights: Real | None) -> None:
        self._targets = targets
        self._weights: Any = 1.0 if weights is None else weights[:, None]
        centre = np.average(targets, axis=0, weights=weights)
        self._spread = (self._weights * (targets - centre) ** 2).sum(axis=0, dtype=np.float64)

    def __call__(self, outputs: Real) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        with np.errstate(over="ignore"):
            rest = (self._weights * (self._targets - outputs) ** 2).sum(axis=0, dtype=np.float64)
        flat = self._spread == 0
        shares = rest / np.where(flat, 1.0, self._spread)
        return float(np.where(flat, np.where(rest == 0, 1.0, 0.0), 1.0 - shares).mean())
