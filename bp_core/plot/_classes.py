"""Classes as people give them: indices, a column of indices, rows of probabilities, or one probability each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks

Classes = NDArray[np.int64]


def read_classes(name: str, values: object, *, threshold: float = 0.5) -> Classes:
    """Return class indices (n,) of indices (n,) or (n, 1), of rows (n, m), or of probabilities of class 1.

    Rows give the place of their largest number; probabilities are numbers from 0 to 1 that are not all whole.
    """
    array = _checks.numeric(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or array.shape[0] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; expected (n,) class indices or (n, classes) rows, n from 1 up"
        )
    _checks.check_finite(name, array, np.dtype(np.float64))
    if array.ndim == 2:
        return np.asarray(array.argmax(axis=1), dtype=np.int64)
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        return _by_threshold(name, array, threshold)
    if array.min() < 0:
        row = int(np.argmax(array < 0))
        raise ValueError(f"{name}[{row}] is {array[row]}; expected class indices from 0 up")
    return array.astype(np.int64)


def _by_threshold(name: str, array: NDArray[Any], threshold: float) -> Classes:
    outside = (array < 0) | (array > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{row}] is {array[row]:g}; expected class indices (whole numbers) or probabilities from 0 to 1"
        )
    return (array >= threshold).astype(np.int64)


def read_class_names(class_names: Sequence[object] | None, n_classes: int) -> list[str]:
    """One name for each class: those given, or the numbers from 0 up."""
    if class_names is None:
        return [str(c) for c in range(n_classes)]
    if isinstance(class_names, str) or len(class_names) < n_classes:
        found = repr(class_names) if isinstance(class_names, str) else f"{len(class_names)} names"
        raise ValueError(f"class_names is {found}; expected a sequence of {n_classes} names")
    return [str(name) for name in class_names]


def column_names(X: object, expected: int) -> list[str]:
    """What a data frame calls its columns; else x1, x2, ..."""
    columns = getattr(X, "columns", None)
    if columns is not None and len(columns) == expected:
        return [str(name) for name in columns]
    return [f"x{k + 1}" for k in range(expected)]
