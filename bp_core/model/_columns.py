"""How a column becomes numbers: standardised, or a unit for each category; fitted on the rows that train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._names import nearest
from bp_core.model._table import BadValue, Table, Values, listed

Real = NDArray[Any]
MISSING = "missing"
MOST_CATEGORIES = 1000


@dataclass(frozen=True)
class NumberColumn:
    """A numeric column: (value - mean) / std.

    Attributes
    ----------
    name : str
    mean, std : float
        Of the rows trained on; std is 1 for a column that is constant there.
    imputes : bool
        Whether a missing value counts as the mean.
    """

    name: str
    mean: float
    std: float
    imputes: bool

    @property
    def units(self) -> tuple[str, ...]:
        """The names of the inputs it becomes: one."""
        return (self.name,)

    def encode(self, values: Values, out: Real) -> None:
        """Write the column's numbers into ``out`` (n, 1)."""
        numbers = self._check(values)
        np.divide(numbers - self.mean, self.std, out=out[:, 0], casting="same_kind")
        if self.imputes:
            out[np.isnan(out[:, 0]), 0] = 0.0

    def _check(self, values: Values) -> Real:
        if values.dtype == object:
            row = first_text(values)
            raise BadValue(f"column {self.name!r}, ", row, f" is {values[row]!r}; expected a number")
        if not self.imputes:
            require_complete(self.name, np.isnan(values))
        require_finite(f"column {self.name!r}", values)
        return values


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: an input of 0 or 1 for each.

    Attributes
    ----------
    name : str
    categories : tuple of str
        Those of all rows the training was given, sorted.
    imputes : bool
        Whether a missing value is no category: 0 in every input.
    """

    name: str
    categories: tuple[str, ...]
    imputes: bool

    @property
    def units(self) -> tuple[str, ...]:
        """The names of the inputs it becomes: one for each category."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, values: Values, out: Real) -> None:
        """Write the column's numbers into ``out`` (n, categories)."""
        out[...] = 0.0
        texts = as_texts(values)
        missing = np.array([text is None for text in texts])
        if not self.imputes:
            require_complete(self.name, missing)
        codes = {category: code for code, category in enumerate(self.categories)}
        for row, text in enumerate(texts):
            if text is None:
                continue
            if text not in codes:
                raise self._unknown(row, text)
            out[row, codes[text]] = 1.0

    def _unknown(self, row: int, text: str) -> BadValue:
        after = f" is {text!r}, which was not there in training{suggestion(text, self.categories)}"
        return BadValue(f"column {self.name!r}, ", row, after)


Column = NumberColumn | CategoryColumn


def fit_columns(
    table: Table, names: Sequence[str], rows: Real, categorical: Sequence[str], imputes: bool
) -> list[Column]:
    """Fit a column for each name, on these rows of the table."""
    return [_fit_column(name, table.column(name), rows, name in categorical, imputes) for name in names]


def _fit_column(name: str, values: Values, rows: Real, categorical: bool, imputes: bool) -> Column:
    if values.dtype == object or categorical:
        return _fit_categories(name, as_texts(values), categorical, imputes)
    if not imputes:
        require_complete(name, np.isnan(values))
    require_finite(f"column {name!r}", values)
    known = values[rows]
    known = known[~np.isnan(known)]
    if not known.size:
        raise ValueError(f"column {name!r} holds no number in the rows trained on; leave it out")
    return NumberColumn(name, *mean_and_std(f"column {name!r}", known), imputes)


def _fit_categories(name: str, texts: list[str | None], asked: bool, imputes: bool) -> CategoryColumn:
    """Of all rows: a rare category that happens to be held out is no error."""
    if not imputes:
        require_complete(name, np.array([text is None for text in texts]))
    if not asked:
        refuse_numbers(f"column {name!r}", texts, "name the column as categorical")
    found = sorted({text for text in texts if text is not None})
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"column {name!r} has {len(found):,} different texts, such as {found[0]!r}; "
            f"expected at most {MOST_CATEGORIES:,}: leave it out"
        )
    if not found:
        raise ValueError(f"column {name!r} is empty; leave it out")
    return CategoryColumn(name, tuple(found), imputes)


def refuse_numbers(what: str, texts: list[str | None], otherwise: str) -> None:
    """Raise where a column is numbers but for a few texts: most likely a slip."""
    numbers = [text is not None and is_number_text(text) for text in texts]
    others = [row for row, text in enumerate(texts) if text is not None and not numbers[row]]
    if others and sum(numbers) > len(others):
        row = others[0]
        after = f" is {texts[row]!r}, where {sum(numbers):,} other rows are numbers; mend it, or {otherwise}"
        raise BadValue(f"{what}, ", row, after)


def suggestion(text: str, known: Sequence[str]) -> str:
    """What to say of a text that is none of those known."""
    meant = nearest(text, known)
    return f"; did you mean {meant!r}? Expected {listed(known)}" if meant else f"; expected {listed(known)}"


def is_number_text(text: str) -> bool:
    """Whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def first_text(values: Values) -> int:
    """The first row of a column of texts that does not read as a number; else the first that is not missing."""
    known = [row for row, value in enumerate(values) if value is not None]
    return next((row for row in known if not is_number_text(values[row])), known[0])


def as_texts(values: Values) -> list[str | None]:
    """Every value as text, None where it is missing; whole numbers without a point."""
    if values.dtype == object:
        return list(values)
    return [None if value != value else number_text(value) for value in values.tolist()]


def number_text(value: float) -> str:
    """A number as a category or class is called: 3, 2.5."""
    return str(int(value)) if value.is_integer() else repr(value)


def require_finite(what: str, values: Values) -> None:
    """Raise where a value is infinite; one may be missing."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise BadValue(f"{what}, ", row, f" is {values[row]}; expected a finite number")


def mean_and_std(what: str, known: Real) -> tuple[float, float]:
    """Mean and standard deviation, 1 for what is constant."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(known.mean()), float(known.std())
    if not np.isfinite(mean + std):
        raise ValueError(f"{what} holds numbers as large as {np.abs(known).max():g}; expected at most about 1e150")
    return mean, std or 1.0


def require_complete(name: str, missing: NDArray[np.bool_]) -> None:
    """Raise where values are missing."""
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        values = "1 value is" if count == 1 else f"{count:,} values are"
        advice = "; fill them in, leave those rows out, or train with missing='impute'"
        raise BadValue(f"column {name!r}: {values} missing, the first in ", row, advice)


def encode(columns: Sequence[Column], table: Table, dtype: Any = np.float32) -> Real:
    """All columns of a table as rows of inputs (n, n_in)."""
    X = np.empty((table.n_rows, sum(len(column.units) for column in columns)), dtype)
    at = 0
    for column in columns:
        width = len(column.units)
        column.encode(table.column(column.name), X[:, at : at + width])
        at += width
    return X
