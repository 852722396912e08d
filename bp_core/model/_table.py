"""What users call a table, read column by column: a data frame, a dictionary of columns, an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bp_core._names import nearest

Values = NDArray[Any]


class BadValue(ValueError):
    """A value of a table that cannot be taken.

    Attributes
    ----------
    row : int
        Where it is, counted from 0.
    """

    __module__ = "bp_core.model"  # where it is found, and what a traceback says

    def __init__(self, before: str, row: int, after: str) -> None:
        super().__init__(before, row, after)
        self.row = row

    def __str__(self) -> str:
        return self.naming(f"row {self.row}")

    def naming(self, place: str) -> str:
        """Return the message with another name for the row, such as "line 7" of a file."""
        before, _, after = self.args
        return f"{before}{place}{after}"


class Table:
    """Columns of one length by name, in their order; each of float64, or of texts with None where one is missing."""

    def __init__(self, columns: dict[str, Values]) -> None:
        lengths = {name: len(values) for name, values in columns.items()}
        if not lengths:
            raise ValueError("the table has no columns")
        first, n = next(iter(lengths.items()))
        for name, length in lengths.items():
            if length != n:
                raise ValueError(f"column {name!r} has {length:,} rows, {first!r} has {n:,}; expected as many in each")
        self.columns, self.n_rows = columns, n

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.columns)

    def rows(self, which: NDArray[np.intp]) -> Table:
        """Some of the rows, in this order."""
        return Table({name: values[which] for name, values in self.columns.items()})

    def column(self, name: str) -> Values:
        """The values of a column; raise with the nearest name where there is none."""
        if name not in self.columns:
            meant = nearest(name, [*self.names])
            hint = f"; did you mean {meant!r}? It" if meant else "; it"
            raise ValueError(f"the table has no column {name!r}{hint} has {listed(self.names)}")
        return self.columns[name]


def read_table(data: object, names: Sequence[str] | None = None) -> Table:
    """Read what a user gave; ``names`` are those of the columns of a plain array."""
    if isinstance(data, Table):
        return data
    if hasattr(data, "to_pandas") and not hasattr(data, "iloc"):
        data = data.to_pandas()
    if hasattr(data, "to_frame") and hasattr(data, "iloc") and getattr(data, "ndim", 0) == 1:
        data = data.to_frame().T  # one row of a data frame
    if isinstance(data, Mapping):
        return Table({str(name): _values(str(name), _column(str(name), values)) for name, values in data.items()})
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return _read_frame(data)
    array = np.asarray(data)
    if array.dtype.names:
        return Table({name: _values(name, array[name]) for name in array.dtype.names})
    if array.ndim != 2:
        raise TypeError(
            f"the table is {type(data).__name__} of shape {array.shape}; expected a DataFrame, a dict of columns, "
            "or an array (rows, columns)"
        )
    given = [f"x{k + 1}" for k in range(array.shape[1])] if names is None else [*names]
    if len(given) != array.shape[1]:
        raise ValueError(f"the array has {array.shape[1]} columns; expected {len(given)}: {listed(given)}")
    return Table({name: _values(name, array[:, k]) for k, name in enumerate(given)})


def _read_frame(frame: Any) -> Table:
    """A pandas DataFrame."""
    names = [str(name) for name in frame.columns]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise ValueError(f"the table has more than one column called {sorted(twice)[0]!r}")
    return Table({name: _values(name, frame.iloc[:, k]) for k, name in enumerate(names)})


def _column(name: str, values: Any) -> Any:
    """A column of a dictionary with a dtype and one axis; a list keeps what is in it."""
    if not hasattr(values, "dtype"):
        values = np.array(list(values) if np.iterable(values) and not isinstance(values, str) else [values], object)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"column {name!r} has shape {values.shape}; expected one value a row")
    return values


def _values(name: str, values: Any) -> Values:
    """A column as float64 where it holds numbers, else as objects; True and False are texts."""
    kind = getattr(values.dtype, "kind", "O")
    if kind in "iuf":
        found: Values = values.to_numpy(np.float64, na_value=np.nan) if hasattr(values, "to_numpy") else values
        return np.asarray(found, np.float64)
    if kind in "mMc":
        raise TypeError(f"column {name!r} has dtype {values.dtype}; expected numbers or text")
    return _objects(name, np.asarray(values, object))


def _objects(name: str, values: Values) -> Values:
    """Objects, None where one is missing; floats where all others are numbers."""
    missing = np.fromiter((_is_missing(value) for value in values), bool, len(values))
    known = values[~missing]
    if all(map(_is_number, known)):
        numbers = np.full(len(values), np.nan)
        try:
            numbers[~missing] = known.astype(np.float64)
        except OverflowError:
            raise ValueError(f"column {name!r} holds a whole number too large for float64") from None
        return numbers
    for row, value in enumerate(values):
        if not (missing[row] or isinstance(value, (str, bool, np.bool_)) or _is_number(value)):
            kind = type(value).__name__
            raise BadValue(f"column {name!r}, ", row, f" is {value!r}, a {kind}; expected a number or a text")
    texts = np.empty(len(values), object)
    texts[~missing] = [str(value) for value in known]
    return texts


def _is_missing(value: object) -> bool:
    """Whether a value is None, NaN, or pandas' NA or NaT, which has no truth."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ in ("NAType", "NaTType")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number, Decimal)) and not isinstance(value, bool)


def listed(names: Sequence[str], most: int = 8) -> str:
    """Some names in words."""
    shown = ", ".join(map(repr, names[:most]))
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
