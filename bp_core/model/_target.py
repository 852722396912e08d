"""The column that is predicted: classes by name, or numbers on their own scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._names import look_up
from bp_core.model._columns import (
    as_texts,
    first_text,
    is_number_text,
    mean_and_std,
    refuse_names,
    refuse_numbers,
    require_complete,
    require_finite,
    suggestion,
)
from bp_core.model._table import BadValue, Values

Real = NDArray[Any]
TASKS = ("auto", "classes", "numbers")
LEAVE_OUT = " or leave those rows out"
FEW_CLASSES = 20
"""Whole numbers with at most so many values are taken for classes unless the task is named."""


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes.

    Attributes
    ----------
    name : str
    classes : tuple of str
        Sorted; whole numbers by their size.
    numeric : bool
        Whether the classes are numbers, and predictions come back as numbers.
    """

    name: str
    classes: tuple[str, ...]
    numeric: bool = False

    @property
    def n_outputs(self) -> int:
        """Units of the output: one a class."""
        return len(self.classes)

    @property
    def output(self) -> str:
        """The activation of the output."""
        return "softmax"

    def encode(self, values: Values) -> NDArray[np.int64]:
        """The class index of every row."""
        texts = as_texts(values)
        require_complete(f"target {self.name!r}", np.array([text is None for text in texts]), LEAVE_OUT)
        codes = {text: code for code, text in enumerate(self.classes)}
        for row, text in enumerate(texts):
            if text not in codes:
                after = f" is {text!r}, a class that was not there in training{suggestion(str(text), self.classes)}"
                raise BadValue(f"target {self.name!r}, ", row, after)
        return np.array([codes[str(text)] for text in texts], np.int64)

    def decode(self, output: Real) -> NDArray[Any]:
        """Return the likeliest class of every row, as it was in the table: a text or a number."""
        names = np.array(self.classes)
        if self.numeric:
            numbers = names.astype(np.float64)
            names = numbers.astype(np.int64) if (numbers == np.floor(numbers)).all() else numbers
        return np.asarray(names[output.argmax(axis=-1)])


@dataclass(frozen=True)
class NumberTarget:
    """A target of numbers, which the network sees as (value - mean) / std.

    Attributes
    ----------
    name : str
    mean, std : float
        Of the rows trained on.
    """

    name: str
    mean: float
    std: float

    n_outputs = 1
    output = "identity"

    def encode(self, values: Values) -> Real:
        """The scaled target of every row, (n, 1)."""
        numbers = _numbers(self.name, values)
        return ((numbers - self.mean) / self.std)[:, None]

    def decode(self, output: Real) -> Real:
        """The network's output in the target's own units."""
        return output[..., 0].astype(np.float64) * self.std + self.mean


Target = ClassTarget | NumberTarget


def fit_target(name: str, values: Values, rows: Real, task: str) -> Target:
    """Decide what the target is, and fit it on these rows."""
    task = look_up("task", task, TASKS)
    asked = task == "classes"
    if task == "auto":
        if values.dtype == object:
            refuse_numbers(f"target {name!r}", as_texts(values), "say task='classes'")
        task = "classes" if _looks_like_classes(values) else "numbers"
    if task == "numbers":
        known = _numbers(name, values)[rows]
        return NumberTarget(name, *mean_and_std(f"target {name!r}", known))
    texts = as_texts(values)
    require_complete(f"target {name!r}", np.array([text is None for text in texts]), LEAVE_OUT)
    found = {str(text) for text in texts}
    if values.dtype == object and not asked:
        otherwise = "write numbers without commas and signs, or say task='classes'"
        refuse_names(f"target {name!r}", sorted(found), len(texts), otherwise)
    if len(found) == 1:
        raise ValueError(f"target {name!r} is {found.pop()!r} in every row; expected at least two classes")
    return ClassTarget(name, tuple(_sorted(found)), values.dtype != object)


def _looks_like_classes(values: Values) -> bool:
    if values.dtype == object:
        return True
    known = values[~np.isnan(values)]
    return bool((known == np.floor(known)).all()) and len(np.unique(known)) <= FEW_CLASSES


def _numbers(name: str, values: Values) -> Real:
    if values.dtype == object:
        row = first_text(values)
        raise BadValue(f"target {name!r}, ", row, f" is {values[row]!r}; expected a number")
    require_complete(f"target {name!r}", np.isnan(values), LEAVE_OUT)
    require_finite(f"target {name!r}", values)
    return values


def _sorted(classes: set[str]) -> list[str]:
    if all(is_number_text(text) for text in classes):
        return sorted(classes, key=float)
    return sorted(classes)
