"""What users pass, checked and named in their words; the engine checks once more for memory's sake."""

import math
import operator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bp_core import _csr
from bp_core._csr import Csr

Array = NDArray[Any]

FINITE_BLOCK = 1 << 20
"""Numbers looked at in one go, so that a check needs little memory."""


def is_number(value: object) -> bool:
    """Whether value is a finite real number, and no bool."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return real and math.isfinite(value)  # type: ignore[arg-type]


def positive_integer(name: str, value: object, other: str = "") -> int:
    """Return ``value`` as an int of at least 1."""
    return whole_number(name, value, 1, other=other)


def whole_number(name: str, value: object, least: int, most: int | None = None, *, other: str = "") -> int:
    """Return ``value`` as an int from ``least`` up, to ``most`` if there is one."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most) or isinstance(value, bool):
        end = ("up" if most is None else f"to {most}") + (f", {other}" if other else "")
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} {end}")
    return number


def boolean(name: str, value: object, expected: str = "True or False") -> bool:
    """Return ``value`` as a bool; 0 and 1 are none."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is {value!r}; expected {expected}")
    return bool(value)


def number_from_zero(name: str, value: object) -> float:
    """Return ``value`` as a float of at least 0."""
    if not is_number(value) or value < 0:  # type: ignore[operator]
        raise ValueError(f"{name} is {value!r}; expected a number from 0 up")
    return float(value)  # type: ignore[arg-type]


def positive_number(name: str, value: object) -> float:
    """Return ``value`` as a float above 0."""
    if not is_number(value) or value <= 0:  # type: ignore[operator]
        raise ValueError(f"{name} is {value!r}; expected a positive number")
    return float(value)  # type: ignore[arg-type]


def check_representable(name: str, value: float, dtype: np.dtype[Any]) -> None:
    """Raise where a setting becomes 0 or infinite in the network's dtype."""
    with np.errstate(over="ignore", under="ignore"):
        inside = dtype.type(value)
    if not np.isfinite(inside) or (inside == 0) != (value == 0):
        raise ValueError(f"{name} is {value!r}, which {dtype} can only hold as {float(inside)!r}")


def check_threads(n_threads: object) -> None:
    """Raise unless ``n_threads`` is None or at least 1."""
    if n_threads is not None:
        positive_integer("n_threads", n_threads)


def check_seed(seed: object) -> int | None:
    """Return ``seed`` as an int of at least 0, or None."""
    if seed is None:
        return None
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0 or isinstance(seed, bool):
        raise ValueError(f"seed is {seed!r}; expected None or a whole number from 0 up")
    return number


def numeric(name: str, values: object, hint: str = "") -> Array:
    """Return ``values`` as an array of real numbers; they stay as they are. The hint is for text and objects."""
    if values is None or isinstance(values, (str, bytes)):
        raise TypeError(f"{name} is {values!r}; expected an array of real numbers")
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} is a masked array with masked numbers; fill them or leave their rows out first")
    if _csr.is_sparse(values):
        raise TypeError(f"{name} is sparse ({type(values).__name__}); expected dense rows: pass {name}.toarray()")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} cannot be made an array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} has dtype {array.dtype}{_text_columns(values)}; "
            f"expected real numbers (bool, integers or floats){hint if array.dtype.kind in 'OSTU' else ''}"
        )
    if array.dtype.char == "g" and not array.dtype.isnative:
        array = array.astype(np.longdouble)
    return array


def _text_columns(values: object) -> str:
    """Which columns of a data frame hold no numbers."""
    dtypes = getattr(values, "dtypes", None)
    if dtypes is None or not hasattr(values, "columns"):
        return ""
    names = [str(name) for name, dtype in dtypes.items() if getattr(dtype, "kind", "O") not in "biuf"]
    return f" (columns without numbers: {', '.join(names[:5])})" if names else ""


def features(X: object, n_in: int, *, row_allowed: bool = True) -> tuple[Array, bool]:
    """X as an array (n, n_in), and whether it was given as one row (n_in,)."""
    array = numeric("X", X)
    single = array.ndim == 1
    column_hint = "; for N rows of one feature pass X[:, None]" if n_in == 1 else ""
    if single and not row_allowed:
        row_hint = "; for one row pass X[None, :]" if array.shape[0] == n_in != 1 else column_hint
        raise ValueError(f"X has shape {array.shape}; expected (n, {n_in}){row_hint}")
    if single and array.shape[0] != n_in:
        raise ValueError(f"x has {array.shape[0]} features; this network takes {n_in}{column_hint}")
    if single:
        array = array[None, :]
    if array.ndim != 2:
        raise ValueError(f"X has shape {array.shape}; expected (n, {n_in})" + (f" or ({n_in},)" if row_allowed else ""))
    if array.shape[1] != n_in:
        raise ValueError(f"x has {array.shape[1]} features per row; this network takes {n_in}")
    return array, single


def rows_of(X: object, n_in: int, *, row_allowed: bool = True) -> tuple[Array | Csr, bool]:
    """The same, and a sparse X taken apart."""
    if not _csr.is_sparse(X):
        return features(X, n_in, row_allowed=row_allowed)
    rows = _csr.take_apart(X)
    if rows.shape[1] != n_in:
        raise ValueError(f"x has {rows.shape[1]} features per row; this network takes {n_in}")
    return rows, False


def require_rows(X: Array | Csr) -> None:
    """Raise for X without a row."""
    if X.shape[0] == 0:
        raise ValueError(f"X has shape {X.shape}: no rows; expected at least one")


OFFER = ", or missing_targets='ignore'"


def _accepted(numbers: Array, dtype: np.dtype[Any], missing: str | None) -> NDArray[np.bool_]:
    """Which numbers are finite in ``dtype``, or NaN where that means a missing one."""
    with np.errstate(over="ignore"):
        converted = numbers.astype(dtype, copy=False)
    finite: NDArray[np.bool_] = np.isfinite(converted)
    return finite | np.isnan(converted) if missing == "ignore" else finite


def describe_bad(name: str, array: Array | Csr, row: int, dtype: np.dtype[Any], missing: str | None = None) -> str:
    """Say which number of a row is not finite in ``dtype``, by row and column."""
    if isinstance(array, Csr):
        place = _csr.first_bad(array, int(array.indptr[row]), int(array.indptr[row + 1]), dtype)
        return _describe(f"{name}[{row}, {array.indices[place or 0]}]", array.data[place or 0], dtype)
    numbers = np.atleast_1d(array[row])
    column = int(np.argmin(_accepted(numbers, dtype, missing)))
    where = f"{name}[{row}, {column}]" if array.ndim == 2 else f"{name}[{row}]"
    return _describe(where, numbers[column], dtype, missing)


def _describe(where: str, value: Any, dtype: np.dtype[Any], missing: str | None = None) -> str:
    if np.isfinite(value):
        return f"{where} is {value}, too large for {dtype}; expected finite numbers"
    offer = OFFER if missing == "error" and np.isnan(value) else ""
    return f"{where} is {value}; expected finite numbers{offer}"


def check_finite(name: str, array: Array | Csr, dtype: np.dtype[Any], missing: str | None = None) -> None:
    """Raise for a number that is not finite in ``dtype``, by row and column; needs little memory.

    ``missing`` is the user's choice about NaN, "error" or "ignore", where there is one.
    """
    if isinstance(array, Csr):
        place = _csr.first_bad(array, 0, int(array.indptr[-1]), dtype)
        if place is not None:
            raise ValueError(describe_bad(name, array, array.row_of(place), dtype))
        return
    if array.dtype.kind != "f":
        return
    rows = max(1, FINITE_BLOCK // max(1, array[:1].size))
    for first in range(0, array.shape[0], rows):
        accepted = _accepted(array[first : first + rows], dtype, missing)
        if not accepted.all():
            row = first + int(np.argmin(accepted.reshape(accepted.shape[0], -1).all(axis=1)))
            raise ValueError(describe_bad(name, array, row, dtype, missing))


def first_bad_row(array: Array | Csr, dtype: np.dtype[Any]) -> int | None:
    """The first row with a number that is not finite in ``dtype``."""
    if isinstance(array, Csr):
        place = _csr.first_bad(array, 0, int(array.indptr[-1]), dtype)
        return None if place is None else array.row_of(place)
    accepted = _accepted(array, dtype, None).all(axis=1)
    return None if accepted.all() else int(np.argmin(accepted))


STATUS_OUT_OF_TIME, STATUS_TARGET, STATUS_NOT_FINITE, STATUS_BAD_X, STATUS_BAD_Y, STATUS_BAD_CLASS = range(1, 7)
STATUS_NO_MEMORY = 9
"""The engine's codes for why a call stopped; 0 is done."""


def raise_bad_row(
    status: int, row: int, data: tuple[Any, ...], dtype: np.dtype[Any], missing: str | None = None
) -> NoReturn:
    """Raise for the row that the engine stumbled over, by row and column."""
    if status == STATUS_BAD_X:
        raise ValueError(describe_bad("X", data[0], row, dtype))
    if status == STATUS_BAD_Y:
        raise ValueError(describe_bad("y", data[1], row, dtype, missing))
    if status == STATUS_NO_MEMORY:
        raise MemoryError("no memory for the entries of a sparse X")
    raise RuntimeError(f"row {row} changed while it was read")
