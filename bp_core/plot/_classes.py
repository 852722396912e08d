"""Classes as people give them: indices, a column of indices, rows of probabilities, or one probability each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks
from bp_core._names import read_names


class Classes(NamedTuple):
    """The class of each row, (n,), how many classes there are at least, and whether probabilities of class 1 told."""

    of_row: NDArray[np.int64]
    at_least: int
    by_probability: bool = False


def read_classes(name: str, values: object) -> Classes:
    """Return the classes of indices (n,) or (n, 1), of rows (n, m), or of probabilities of class 1.

    Rows give the place of their largest number; probabilities are numbers from 0 to 1 that are not all whole.
    """
    array = _checks.numeric(name, values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; expected (n,) class indices or (n, classes) rows, n from 1 up"
        )
    _checks.check_finite(name, array, np.dtype(np.float64))
    if array.ndim == 2:
        return Classes(np.asarray(array.argmax(axis=1), dtype=np.int64), array.shape[1])
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        return _by_probability(name, array)
    if array.min() < 0:
        row = int(np.argmax(array < 0))
        raise ValueError(f"{name}[{row}] is {array[row]}; expected class indices from 0 up")
    return Classes(array.astype(np.int64), int(array.max()) + 1)


def _by_probability(name: str, array: NDArray[Any]) -> Classes:
    outside = (array < 0) | (array > 1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{row}] is {array[row]:g}; expected class indices (whole numbers) or probabilities from 0 to 1"
        )
    return Classes((array >= 0.5).astype(np.int64), 2, by_probability=True)


def refuse_probabilities(name: str, classes: Classes, n_classes: int) -> None:
    """Raise where one probability a row was given, and there are more than two classes."""
    if classes.by_probability and n_classes > 2:
        raise ValueError(
            f"{name} holds one probability a row, and there are {n_classes} classes; "
            "expected class indices (whole numbers) or a row of probabilities for each"
        )


def read_class_names(class_names: object, n_classes: int) -> tuple[str, ...]:
    """One name for each class: those given, or the numbers from 0 up."""
    return read_names("class_names", class_names, n_classes) or tuple(map(str, range(n_classes)))
