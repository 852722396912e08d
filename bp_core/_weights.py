"""What a row counts for in the loss: its own weight, and that of its class."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core._checks import check_finite, is_number, numeric
from bp_core._targets import Targets

Weights = NDArray[np.float64]
ClassWeight = str | Mapping[int, float] | ArrayLike
"""What a class_weight may be: "balanced", a weight by class, or one for each class."""

FLOAT64 = np.dtype(np.float64)


def sample_weights(weights: object, n: int, sizes: Weights | None = None) -> Weights | None:
    """A private copy of the row weights, divided by their mean over the targets that are there."""
    return None if weights is None else _by_mean(_checked(weights, n), sizes, "sample_weight is")


def with_classes(
    weights: object, class_weight: object, targets: Targets, n: int, output: tuple[str, int]
) -> Weights | None:
    """Row weights times those of the rows' classes, divided by their mean; ``output`` is activation and units."""
    if class_weight is None:
        return sample_weights(weights, n, targets.sizes)
    rows = np.ones(n) if weights is None else _checked(weights, n)
    classes, n_classes = _classes(targets, *output)
    rows = rows * _of_classes(class_weight, classes, n_classes, rows)[classes]
    return _by_mean(rows, targets.sizes, "sample_weight times class_weight is")


def _checked(weights: object, n: int) -> Weights:
    """A private copy of row weights: finite, from 0 up."""
    array = numeric("sample_weight", weights)
    if array.shape != (n,):
        raise ValueError(f"sample_weight has shape {array.shape}; expected ({n},), one weight per row of X")
    check_finite("sample_weight", array, FLOAT64)
    copy = np.array(array, dtype=np.float64)
    if (copy < 0).any():
        row = int(np.argmax(copy < 0))
        raise ValueError(f"sample_weight[{row}] is {copy[row]}; expected weights from 0 up")
    return _by_largest(copy)


def _by_largest(weights: Weights) -> Weights:
    """Divided by the largest, so that no sum or product overflows."""
    largest = float(weights.max())
    return weights / largest if largest > 0 else weights


def _by_mean(weights: Weights, sizes: Weights | None, what: str) -> Weights:
    """Divided by the mean, to which a row contributes as many times as it has targets."""
    weights = _by_largest(weights)
    n = float(len(weights)) if sizes is None else math.fsum(sizes)
    mean = math.fsum(weights if sizes is None else weights * sizes) / (n or 1.0)
    if mean == 0 and n:
        rows = "every row" if sizes is None else "every row with a target"
        raise ValueError(f"{what} 0 for {rows}; expected at least one weight above 0")
    return weights / mean if n else weights


# ------------------------------------------------------------------ the classes
def _classes(targets: Targets, activation: str, units: int) -> tuple[NDArray[np.int64], int]:
    """The class of each row and how many there are; -1 where it is missing."""
    if targets.classes is not None:
        return targets.classes, units
    rows = targets.rows
    assert rows is not None
    if activation == "softmax":
        classes, n_classes = rows.argmax(axis=1), units
        exact = (np.isin(rows, (0, 1)).all(axis=1)) & (rows.sum(axis=1) == 1)
        expected = "class indices, or rows with a single 1"
    elif activation == "sigmoid" and units == 1:
        classes, n_classes = (rows[:, 0] == 1).astype(np.int64), 2
        exact = np.isin(rows[:, 0], (0, 1))
        expected = "targets 0 and 1"
    else:
        raise ValueError(
            "class_weight is for networks whose output is classes: softmax, or one unit with sigmoid; "
            f"this one has {units} with {activation}"
        )
    absent = np.isnan(rows[:, 0])
    if not (exact | absent).all():
        row = int(np.argmin(exact | absent))
        raise ValueError(f"class_weight takes {expected}; y[{row}] is {rows[row].tolist()}")
    return np.where(absent, -1, classes), n_classes


def _of_classes(class_weight: Any, classes: NDArray[np.int64], n_classes: int, rows: Weights) -> Weights:
    """The weight of each class, and behind them one for class -1."""
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            expected = "'balanced', a dict, or a weight for each class"
            raise ValueError(f"class_weight is {class_weight!r}; expected {expected}")
        weights = _balanced(classes, n_classes, rows)
    elif isinstance(class_weight, Mapping):
        weights = _from_mapping(class_weight, n_classes)
    else:
        weights = _from_sequence(class_weight, n_classes)
    return np.append(_by_largest(weights), 0.0)


def _balanced(classes: NDArray[np.int64], n_classes: int, rows: Weights) -> Weights:
    """Weights by which all classes that occur count for the same: n / (their number times a class's share of n)."""
    present = classes >= 0
    counts = np.bincount(classes[present], weights=rows[present], minlength=n_classes)
    occurs = counts > 0
    weights = np.ones(n_classes)
    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return weights


def _from_mapping(class_weight: Mapping[Any, Any], n_classes: int) -> Weights:
    """Weights of the classes named; 1 for the others."""
    weights = np.ones(n_classes)
    for name, weight in class_weight.items():
        try:
            index = operator.index(name)
        except TypeError:
            index = -1
        if not 0 <= index < n_classes:
            raise ValueError(f"class_weight names class {name!r}; this network has classes 0 to {n_classes - 1}")
        weights[index] = _weight(f"class_weight[{index}]", weight)
    return weights


def _from_sequence(class_weight: object, n_classes: int) -> Weights:
    array = numeric("class_weight", class_weight)
    if array.shape != (n_classes,):
        raise ValueError(f"class_weight has shape {array.shape}; expected ({n_classes},), one weight for each class")
    return np.array([_weight(f"class_weight[{j}]", weight) for j, weight in enumerate(array.tolist())])


def _weight(name: str, weight: object) -> float:
    if not is_number(weight) or weight < 0:  # type: ignore[operator]
        raise ValueError(f"{name} is {weight!r}; expected a weight from 0 up")
    return float(weight)  # type: ignore[arg-type]
