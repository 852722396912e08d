"""How a column becomes numbers: standardised, or a unit for each category; fitted on the rows that train."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._names import nearest
from bp_core.model._table import BadValue, Table, Values, listed

Real = NDArray[Any]
IMPUTE = ", leave those rows out, or train with missing='impute'"
MOST_CATEGORIES = 1000
FEW_CATEGORIES = 20
"""So many are always taken; more only where they are at most half as many as the rows."""

DECIMAL_COMMA = re.compile(r"[-+]?[0-9.]*,[0-9]+")


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
        with np.errstate(over="ignore"):
            np.divide(numbers - self.mean, self.std, out=out[:, 0], casting="same_kind")
        require_finite(f"column {self.name!r}", out[:, 0], numbers)
        if self.imputes:
            out[np.isnan(out[:, 0]), 0] = 0.0

    def _check(self, values: Values) -> Real:
        if values.dtype == object:
            row = first_text(values)
            raise BadValue(f"column {self.name!r}, ", row, f" is {values[row]!r}; expected a number")
        if not self.imputes:
            require_complete(f"column {self.name!r}", np.isnan(values))
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
            require_complete(f"column {self.name!r}", missing)
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
        require_complete(f"column {name!r}", np.isnan(values))
    require_finite(f"column {name!r}", values)
    known = values[rows]
    known = known[~np.isnan(known)]
    if not known.size:
        raise ValueError(f"column {name!r} holds no number in the rows trained on; leave it out")
    return NumberColumn(name, *mean_and_std(f"column {name!r}", known), imputes)


def _fit_categories(name: str, texts: list[str | None], asked: bool, imputes: bool) -> CategoryColumn:
    """Of all rows: a rare category that happens to be held out is no error."""
    if not imputes:
        require_complete(f"column {name!r}", np.array([text is None for text in texts]))
    if not asked:
        refuse_numbers(f"column {name!r}", texts, "name the column as categorical")
    found = sorted({text for text in texts if text is not None})
    if len(found) > MOST_CATEGORIES or not asked:
        refuse_names(f"column {name!r}", found, len(texts), "leave it out")
    if not found:
        raise ValueError(f"column {name!r} is empty; leave it out")
    return CategoryColumn(name, tuple(found), imputes)


def refuse_names(what: str, found: Sequence[str], n: int, otherwise: str) -> None:
    """Raise where nearly every row has a text of its own: names, dates or sentences, from which nothing is learned."""
    if len(found) > MOST_CATEGORIES or len(found) > max(FEW_CATEGORIES, n // 2):
        comma = "are these numbers with a decimal comma? " if DECIMAL_COMMA.fullmatch(found[0]) else ""
        raise ValueError(
            f"{what} has {len(found):,} different texts in {n:,} rows, such as {found[0]!r}: {comma}"
            f"they are too many to be categories; {otherwise}"
        )


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


def require_finite(what: str, values: Values, given: Values | None = None) -> None:
    """Raise where a value is infinite, or has become so; one may be missing."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        value = values[row] if given is None else given[row]
        expected = "expected a finite number" if np.isinf(value) else "too large beside the numbers trained on"
        raise BadValue(f"{what}, ", row, f" is {value}; {expected}")


def mean_and_std(what: str, known: Real) -> tuple[float, float]:
    """Mean and standard deviation, 1 for what is constant."""
    if known.size and known.min() == known.max():
        return float(known[0]), 1.0  # not a deviation of rounding
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(known.mean()), float(known.std())
    if not np.isfinite(mean + std):
        raise ValueError(f"{what} holds numbers as large as {np.abs(known).max():g}; expected at most about 1e150")
    return mean, std or 1.0


def require_complete(what: str, missing: NDArray[np.bool_], advice: str = IMPUTE) -> None:
    """Raise where values are missing."""
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        values = "1 value is" if count == 1 else f"{count:,} values are"
        raise BadValue(f"{what}: {values} missing, the first in ", row, f"; fill them in{advice}")


def encode(columns: Sequence[Column], table: Table, dtype: Any = np.float32) -> Real:
    """All columns of a table as rows of inputs (n, n_in)."""
    X = np.empty((table.n_rows, sum(len(column.units) for column in columns)), dtype)
    at = 0
    for column in columns:
        width = len(column.units)
        column.encode(table.column(column.name), X[:, at : at + width])
        at += width
    return X
