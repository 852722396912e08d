"""Rows, targets and weights on their way to the engine."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from bp_core import _csr
from bp_core._targets import Data

Real = NDArray[Any]


def check_weights(weights: Any, X: Any) -> Real | None:
    """Row weights as an array (n,) of X's dtype; one number stands for all."""
    if weights is None:
        return None
    n = X.shape[0]
    if isinstance(weights, Number):
        array = np.full(n, weights, dtype=X.dtype)
    else:
        array = check_array(
            weights, ensure_2d=False, dtype=[np.float64, np.float32], order="C", input_name="sample_weight"
        )
    if array.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {array.ndim}D array. Expected either a scalar value or "
            f"a 1D array of length {n}."
        )
    if array.shape != (n,):
        raise ValueError(f"sample_weight.shape == {array.shape}, expected {(n,)}!")
    if not array.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return array


def dense(X: Any) -> Real:
    """Rows of a sparse X, every 0 written out."""
    rows: Real = X.toarray() if _csr.is_sparse(X) else X
    return rows


def rows(X: Any, targets: Real, weights: Real | None, one_of_many: bool) -> Data:
    """What the engine takes; a row of ``targets`` with a single 1 becomes a class index.

    The weights count as they are, and make up the divisor of a batch. Rows that lie column by column, as those of a
    data frame do, are copied once: gathering them in each epoch costs more.
    """
    w = None if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    X = _csr.take_apart(X) if _csr.is_sparse(X) else np.ascontiguousarray(X)
    if one_of_many:
        return Data(X, None, targets.argmax(axis=1).astype(np.int64), w, w)
    return Data(X, targets, None, w, w)
