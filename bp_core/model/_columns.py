"""How a column becomes numbers: standardised, or a unit for each category; fitted on the rows that train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._names import nearest
from bp_core.model._table import Table, Values, listed

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
            row = next(s for s, value in enumerate(values) if value is not None)
            raise ValueError(f"column {self.name!r}, row {row} is {values[row]!r}; expected a number")
        if not self.imputes:
            require_complete(self.name, np.isnan(values))
        if np.isinf(values).any():
            row = int(np.argmax(np.isinf(values)))
            raise ValueError(f"column {self.name!r}, row {row} is {values[row]}; expected a finite number")
        return values


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories: an input of 0 or 1 for each.

    Attributes
    ----------
    name : str
    categories : tuple of str
        Those of the rows trained on, sorted.
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
                raise ValueError(self._unknown(row, text))
            out[row, codes[text]] = 1.0

    def _unknown(self, row: int, text: str) -> str:
        meant = nearest(text, self.categories)
        hint = f"; did you mean {meant!r}?" if meant else ""
        return (
            f"column {self.name!r}, row {row} is {text!r}, which was not there in training{hint} "
            f"Expected {listed(self.categories)}"
        )


Column = NumberColumn | CategoryColumn


def fit_columns(
    table: Table, names: Sequence[str], rows: Real, categorical: Sequence[str], imputes: bool
) -> list[Column]:
    """Fit a column for each name, on these rows of the table."""
    return [_fit_column(name, table.column(name), rows, name in categorical, imputes) for name in names]


def _fit_column(name: str, values: Values, rows: Real, categorical: bool, imputes: bool) -> Column:
    if values.dtype == object or categorical:
        return _fit_categories(name, as_texts(values), rows, categorical, imputes)
    known = values[rows]
    if not imputes:
        require_complete(name, np.isnan(values))
    known = known[~np.isnan(known)]
    if not known.size:
        raise ValueError(f"column {name!r} holds no number in the rows trained on; leave it out")
    return NumberColumn(name, float(known.mean()), float(known.std()) or 1.0, imputes)


def _fit_categories(name: str, texts: list[str | None], rows: Real, asked: bool, imputes: bool) -> CategoryColumn:
    if not imputes:
        require_complete(name, np.array([text is None for text in texts]))
    if not asked:
        _refuse_numbers(name, texts)
    found = sorted({text for text in (texts[row] for row in rows) if text is not None})
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"column {name!r} has {len(found):,} different texts, such as {found[0]!r}; "
            f"expected at most {MOST_CATEGORIES:,}: leave it out"
        )
    if not found:
        raise ValueError(f"column {name!r} is empty in the rows trained on; leave it out")
    return CategoryColumn(name, tuple(found), imputes)


def _refuse_numbers(name: str, texts: list[str | None]) -> None:
    """Raise where a column is numbers but for a few texts: most likely a slip."""
    numbers = [text is not None and is_number_text(text) for text in texts]
    others = [row for row, text in enumerate(texts) if text is not None and not numbers[row]]
    if others and sum(numbers) > len(others):
        row = others[0]
        raise ValueError(
            f"column {name!r}, row {row} is {texts[row]!r}, where {sum(numbers):,} other rows are numbers; mend it, or "
            f"name the column as categorical"
        )


def is_number_text(text: str) -> bool:
    """Whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_texts(values: Values) -> list[str | None]:
    """Every value as text, None where it is missing; whole numbers without a point."""
    if values.dtype == object:
        return list(values)
    return [None if value != value else number_text(value) for value in values.tolist()]


def number_text(value: float) -> str:
    """A number as a category or class is called: 3, 2.5."""
    return str(int(value)) if value.is_integer() else repr(value)


def require_complete(name: str, missing: NDArray[np.bool_]) -> None:
    """Raise where values are missing."""
    if missing.any():
        row, count = int(np.argmax(missing)), int(missing.sum())
        values = "1 value is" if count == 1 else f"{count:,} values are"
        raise ValueError(
            f"column {name!r}: {values} missing, the first in row {row}; fill them in, leave those rows out, or train "
            "with missing='impute'"
        )


def encode(columns: Sequence[Column], table: Table, dtype: Any = np.float32) -> Real:
    """All columns of a table as rows of inputs (n, n_in)."""
    X = np.empty((table.n_rows, sum(len(column.units) for column in columns)), dtype)
    at = 0
    for column in columns:
        width = len(column.units)
        column.encode(table.column(column.name), X[:, at : at + width])
        at += width
    return X
