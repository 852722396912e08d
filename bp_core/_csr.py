"""Sparse rows: recognised by what they offer, checked, and taken apart into arrays; no library of them is imported."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
PARTS = ("data", "indices", "indptr", "shape")
BLOCK = 1 << 20
"""Entries looked at in one go, so that a check needs little memory."""


class Sparse(Protocol):
    """A sparse matrix or array: CSR, or one that can become it."""

    def tocsr(self) -> Any:
        """Return the same numbers as CSR."""


class Csr(NamedTuple):
    """Rows as the engine takes them: those of row s lie at ``indptr[s]`` to ``indptr[s + 1]``, columns ascending."""

    data: Array
    indices: Array
    """int32 or int64, one for each number of ``data``."""
    indptr: Array
    """(n + 1,), int32 or int64."""
    shape: tuple[int, int]

    def row_of(self, place: int) -> int:
        """The row that a place of ``data`` belongs to."""
        return int(np.searchsorted(self.indptr, place, side="right")) - 1

    def entries_a_row(self) -> float:
        """The mean number of entries in a row."""
        return float(self.indptr[-1]) / max(1, self.shape[0])


def is_sparse(X: object) -> bool:
    """Whether X is a sparse matrix or array: CSR, or one that can become it."""
    return callable(getattr(X, "tocsr", None)) or (
        getattr(X, "format", None) == "csr" and all(hasattr(X, part) for part in PARTS)
    )


def take_apart(X: Any) -> Csr:
    """The parts of a sparse X, which stays as it is: parts that the engine cannot read are copied.

    Raises
    ------
    TypeError
        If X holds no real numbers, or its indices are no integers.
    ValueError
        If X has not two dimensions, or its parts do not fit together.
    """
    X = X if getattr(X, "format", None) == "csr" else X.tocsr()
    shape = tuple(X.shape)
    if len(shape) != 2:
        raise ValueError(f"X is sparse and has shape {shape}; expected two dimensions")
    data = np.asarray(X.data)
    if data.dtype.kind not in "biuf":
        raise TypeError(f"X has dtype {data.dtype}; expected real numbers (bool, integers or floats)")
    if data.dtype.char == "g" and not data.dtype.isnative:
        data = data.astype(np.longdouble)
    rows = Csr(data, _integers("indices", X.indices), _integers("indptr", X.indptr), (int(shape[0]), int(shape[1])))
    _check_lengths(rows)
    return rows if _check_columns(rows) else _in_order(rows)


def _integers(name: str, values: object) -> Array:
    """The values as the engine reads them: int32 or int64 side by side."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(f"the {name} of X have dtype {array.dtype}, shape {array.shape}; expected (m,) integers")
    kind = array.dtype.newbyteorder("=") if array.dtype.kind == "i" and array.itemsize >= 4 else np.dtype(np.int64)
    return np.require(array, kind, ["C_CONTIGUOUS", "ALIGNED"])


def _check_lengths(rows: Csr) -> None:
    """Raise unless the rows follow each other within the data."""
    data, indices, indptr, (n, _) = rows
    if data.ndim != 1 or data.shape != indices.shape:
        raise ValueError(f"X has data of shape {data.shape} and indices of shape {indices.shape}; expected (m,) both")
    if indptr.shape != (n + 1,):
        raise ValueError(f"the indptr of X has shape {indptr.shape}; expected ({n + 1},) for {n} rows")
    first, last = indptr[0], indptr[-1]
    if first != 0 or last > data.shape[0]:
        raise ValueError(f"the indptr of X goes from {first} to {last}; expected 0 to {data.shape[0]} or less")
    falls = indptr[1:] < indptr[:-1]
    if falls.any():
        row = int(np.argmax(falls))
        raise ValueError(f"the indptr of X falls from {indptr[row]} to {indptr[row + 1]} at row {row}")


def _check_columns(rows: Csr) -> bool:
    """Raise for a column outside X; return whether the columns of every row ascend."""
    end, columns, ascends = int(rows.indptr[-1]), rows.shape[1], True
    for first in range(0, end, BLOCK):
        some = rows.indices[first : min(first + BLOCK, end)]
        if some.min() < 0 or some.max() >= columns:
            place = first + int(np.argmax((some < 0) | (some >= columns)))
            where = f"row {rows.row_of(place)} of X has a number in column {rows.indices[place]}"
            raise ValueError(f"{where}; expected columns 0 to {columns - 1}")
        ascends = ascends and _ascends(rows, first, min(first + BLOCK, end - 1))
    return ascends


def _ascends(rows: Csr, first: int, end: int) -> bool:
    """Whether the columns from place ``first`` rise to the one after each, but where a row ends."""
    rises = rows.indices[first + 1 : end + 1] > rows.indices[first:end]
    if rises.all():
        return True
    low, high = np.searchsorted(rows.indptr, [first, end], side="right")
    rises[rows.indptr[low:high] - 1 - first] = True
    return bool(rises.all())


def _in_order(rows: Csr) -> Csr:
    """A copy whose columns ascend in every row; numbers that share a place are added in their order."""
    end = int(rows.indptr[-1])
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices[:end], row))
    row, columns = row[order], rows.indices[order]
    first = np.ones(end, dtype=bool)
    first[1:] = (row[1:] != row[:-1]) | (columns[1:] != columns[:-1])
    starts = np.flatnonzero(first)
    data = np.add.reduceat(rows.data[order], starts, dtype=rows.data.dtype)
    indptr = np.zeros(rows.shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(row[starts], minlength=rows.shape[0]), out=indptr[1:])
    return Csr(data, columns[starts], indptr, rows.shape)


def rows_at(rows: Csr, chosen: NDArray[np.int64]) -> Csr:
    """A copy of some rows, in the order in which they are chosen."""
    counts = np.diff(rows.indptr)[chosen]
    indptr = np.zeros(len(chosen) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    places = np.repeat(rows.indptr[chosen] - indptr[:-1], counts) + np.arange(indptr[-1])
    return Csr(rows.data[places], rows.indices[places], indptr, (len(chosen), rows.shape[1]))


def first_bad(rows: Csr, first: int, end: int, dtype: np.dtype[Any]) -> int | None:
    """The place from ``first`` to ``end`` of the first number that is not finite in ``dtype``."""
    for start in range(first, end, BLOCK):
        with np.errstate(over="ignore"):
            finite = np.isfinite(rows.data[start : min(start + BLOCK, end)].astype(dtype))
        if not finite.all():
            return start + int(np.argmin(finite))
    return None
