"""Targets: their shapes and values, checked for the loss that will read them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bp_core._checks import FINITE_BLOCK, OFFER, Array, check_finite, numeric
from bp_core._names import look_up

SUM_TOLERANCE = 1e-3
"""How far a row of probabilities may sum from 1."""

PROBABILITIES = 0.0, 1.0, "from 0 to 1"
MISSING = ("error", "ignore")
"""What to do about a NaN among the targets."""

LABELS = "; np.unique(y, return_inverse=True) gives the names of classes and their indices"
"""What helps where targets are no numbers."""

LIMITS = {
    "binary_cross_entropy": PROBABILITIES,
    "cross_entropy": PROBABILITIES,
    "poisson": (0.0, np.inf, "from 0 up"),
}
"""The losses that take some numbers only: the least, the largest, and in words."""


class Data(NamedTuple):
    """Rows as the engine takes them."""

    X: Any
    y: Array | None = None
    classes: NDArray[np.int64] | None = None
    weights: NDArray[np.float64] | None = None
    sizes: NDArray[np.float64] | None = None
    """What each row adds to the divisor of its batch; None: 1."""
    missing: bool = False
    """Whether a NaN in y, or class -1, is a target that is not there."""

    @property
    def targets(self) -> Array:
        """The targets of either kind."""
        targets = self.y if self.classes is None else self.classes
        assert targets is not None
        return targets


class Targets(NamedTuple):
    """Targets as the engine takes them: rows of numbers, or class indices."""

    rows: Array | None
    classes: NDArray[np.int64] | None
    sizes: NDArray[np.float64] | None = None
    """The share of each row's targets that are there; None: all are."""


def check_missing(missing_targets: object) -> str:
    """Return "error" or "ignore"; raise for anything else."""
    return look_up("missing_targets", missing_targets, MISSING)


def check(
    y: object,
    n: int,
    n_out: int,
    loss: str,
    dtype: np.dtype[Any],
    *,
    single: bool = False,
    finite: bool = True,
    missing: str | None = None,
) -> Targets:
    """Return the targets for n rows; a single row's may come without the row axis.

    Without ``finite`` the engine is left to find a number that is not finite, as it reads the rows. ``missing`` is the
    user's choice about NaN, "error" or "ignore"; None where there is none.
    """
    array = numeric("y", y, LABELS)
    given = array.shape
    if single:
        array = _as_row(array, n_out, loss)
    if loss == "cross_entropy" and array.ndim == 1:
        return _classes(array, n, n_out, missing)
    if array.ndim == 1 and n_out == 1:
        array = array[:, None] if array.shape == (n,) else array
    if array.shape != (n, n_out):
        classes = array.ndim == 1 and n_out > 1 and loss != "cross_entropy"
        hint = "; class indices (n,) are for output='softmax'" if classes else ""
        raise ValueError(f"y has shape {given}; expected {_expected(n, n_out, loss)} for X with {n} rows{hint}")
    sizes = _sizes(array, loss) if missing == "ignore" else None
    if finite:
        check_finite("y", array, dtype, missing)
    if loss in LIMITS:
        _check_limits(array, loss)
    if loss == "cross_entropy":
        _check_sums(array)
    return Targets(array, None, sizes)


def check_free(y: object, n: int, n_out: int, missing: str) -> Targets:
    """Return targets that only the user's own function reads: any shape with n rows; (n,) for one output is (n, 1)."""
    array = numeric("y", y)
    if array.ndim == 0 or array.shape[0] != n:
        raise ValueError(f"y has shape {array.shape}; expected {n} rows, as X has")
    if missing == "ignore":
        raise ValueError("missing_targets='ignore' is not for a loss that is a function, which knows what to leave out")
    array = array[:, None] if array.ndim == 1 and n_out == 1 else array
    check_finite("y", array if array.ndim == 1 else array.reshape(n, -1), np.dtype(np.float64))
    return Targets(array, None)


def _expected(n: int, n_out: int, loss: str) -> str:
    if loss == "cross_entropy":
        return f"({n},) class indices or ({n}, {n_out}) probability rows"
    return f"({n}, {n_out}) or ({n},)" if n_out == 1 else f"({n}, {n_out})"


def _as_row(array: Array, n_out: int, loss: str) -> Array:
    """The target of one row: a class index or number (), or (n_out,)."""
    if array.ndim == 0 and (loss == "cross_entropy" or n_out == 1):
        return array[None] if loss == "cross_entropy" else array[None, None]
    if array.shape == (n_out,):
        return array[None, :]
    expected = "() class index or " if loss == "cross_entropy" else ("() or " if n_out == 1 else "")
    raise ValueError(f"y has shape {array.shape}; expected {expected}({n_out},) for one row x")


def _classes(array: Array, n: int, n_out: int, missing: str | None) -> Targets:
    """A private copy of class indices: whole numbers from 0 up to n_out - 1, and -1 for a missing one."""
    if array.shape != (n,):
        raise ValueError(f"y has shape {array.shape}; expected {_expected(n, n_out, 'cross_entropy')}")
    whole = np.array(array)
    absent = np.isnan(whole) if missing == "ignore" and whole.dtype.kind == "f" else np.zeros(n, bool)
    whole[absent] = 0
    _check_whole(whole, n_out, missing)
    hint = "; softmax needs a unit for each class" if n_out == 1 else ""
    bad = (whole < 0) | (whole >= n_out)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"y[{row}] is class {int(whole[row])}; this network has classes 0 to {n_out - 1}{hint}")
    classes = np.ascontiguousarray(whole, dtype=np.int64)
    classes[absent] = -1
    return Targets(None, classes, (~absent).astype(np.float64) if absent.any() else None)


def _check_whole(array: Array, n_out: int, missing: str | None) -> None:
    """Raise for a class index that is no whole number."""
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array) | (array != np.floor(array))
    if bad.any():
        row = int(np.argmax(bad))
        offer = OFFER if missing and np.isnan(array[row]) else ""
        raise ValueError(f"y[{row}] is {array[row]}; class indices are whole numbers from 0 to {n_out - 1}{offer}")


def _sizes(array: Array, loss: str) -> NDArray[np.float64] | None:
    """The share of each row's targets that are there, or None where all are."""
    if array.dtype.kind != "f":
        return None
    sizes = np.ones(array.shape[0])
    for first, rows in _blocks(array):
        present = (~np.isnan(rows)).sum(axis=1)
        sizes[first : first + len(rows)] = present / array.shape[1]
    in_part = (sizes > 0) & (sizes < 1)
    if loss == "cross_entropy" and in_part.any():
        row = int(np.argmax(in_part))
        raise ValueError(f"y[{row}] is nan in part; a row of probabilities is missing as a whole or not at all")
    return None if (sizes == 1).all() else sizes


def _blocks(array: Array) -> Iterator[tuple[int, Array]]:
    """Some rows after the other in float64, each with the number of its first: looking at them needs little memory."""
    step = max(1, FINITE_BLOCK // array.shape[1])
    for first in range(0, array.shape[0], step):
        yield first, array[first : first + step].astype(np.float64)


def _check_limits(array: Array, loss: str) -> None:
    """Raise for a target that the loss does not take."""
    least, most, expected = LIMITS[loss]
    for first, rows in _blocks(array):
        bad = (rows < least) | (rows > most)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(f"y[{first + row}, {column}] is {rows[row, column]:g}; {loss} takes targets {expected}")


def _check_sums(array: Array) -> None:
    """Raise for a row of probabilities that does not sum to 1."""
    for first, rows in _blocks(array):
        off = np.abs(rows.sum(axis=1) - 1) > SUM_TOLERANCE
        if off.any():
            row = int(np.argmax(off))
            raise ValueError(f"y[{first + row}] sums to {rows[row].sum():g}; expected a probability row that sums to 1")
