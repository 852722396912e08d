"""Tables from files: CSV, Parquet, NPZ, and CSV from standard input."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bp_core.model._columns import CategoryColumn, is_number_text
from bp_core.model._model import Model
from bp_core.model._table import BadValue, Table, read_table
from bp_core.model._target import ClassTarget

from ._csv import CsvFile
from ._errors import CommandError
from ._extras import need

Place = Callable[[int], str]


@dataclass(frozen=True)
class TableFile:
    """A table and where it comes from.

    Attributes
    ----------
    name : str
        Of the file, as messages call it.
    table : Table
    seconds : float
        Spent in reading it.
    place : callable
        What a row, counted from 0, is called in the file: "line 2".
    n_unnamed : int
        Columns left out as they have no name, such as the index that pandas writes.
    """

    name: str
    table: Table
    seconds: float
    place: Place
    n_unnamed: int = 0

    @contextmanager
    def naming_lines(self, first: int = 0) -> Iterator[None]:
        """Name a bad value by its place in the file; the rows in hand begin with its row ``first``."""
        try:
            yield
        except BadValue as error:
            raise CommandError(f"{self.name}: {error.naming(self.place(first + error.row))}") from None


def read(path: str, texts: Collection[str] = ()) -> TableFile:
    """Read a table; the columns named in ``texts`` as text, whatever they hold."""
    began = perf_counter()
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        name, table, place, n_unnamed = path, _read_npz(path), _row, 0
    elif suffix in (".parquet", ".pq"):
        name, table, place, n_unnamed = path, _read_parquet(path), _row, 0
    else:
        file = CsvFile(path)
        name, table, place, n_unnamed = file.name, read_table(file.read(texts)), file.place, file.header.count("")
    if not table.n_rows:
        raise CommandError(f"{name} holds no rows")
    return TableFile(name, table, perf_counter() - began, place, n_unnamed)


def texts_of(model: Model) -> tuple[str, ...]:
    """Return the columns that a model takes as text: 01 is not 1 there."""
    columns = [column.name for column in model.columns if isinstance(column, CategoryColumn)]
    target = model.target
    if isinstance(target, ClassTarget) and not all(map(is_number_text, target.classes)):
        columns.append(target.name)
    return tuple(columns)


def _row(row: int) -> str:
    return f"row {row}"


def _read_parquet(path: str) -> Table:
    pd = need("pandas", "reading a Parquet file")
    need("pyarrow", "reading a Parquet file", "pyarrow")
    with open(path, "rb") as file:
        try:
            frame = pd.read_parquet(file, engine="pyarrow")
        except (ValueError, OSError) as error:
            raise CommandError(f"{path} is no Parquet file that can be read: {error}") from None
    return read_table(frame)


def _read_npz(path: str) -> Table:
    """Read every array of one axis as a column, X of two as x1, x2, ..."""
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise CommandError(f"{path} is no NPZ file")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
        except (zipfile.BadZipFile, EOFError, ValueError, KeyError) as error:
            raise CommandError(f"{path} is no NPZ file that can be read: {error}") from None
    columns: dict[str, Any] = {}
    for name, array in found.items():
        if array.ndim not in (1, 2):
            raise CommandError(f"{path}: array {name!r} has shape {array.shape}; expected one axis or two")
        wide = array.ndim == 2 and (name == "X" or array.shape[1] > 1)
        for column, values in (_spread(name, array) if wide else {name: np.ravel(array)}).items():
            if column in columns:
                raise CommandError(f"{path} has more than one column called {column!r}")
            columns[column] = values
    if not columns:
        raise CommandError(f"{path} holds no arrays")
    return read_table(columns)


def _spread(name: str, array: Any) -> dict[str, Any]:
    prefix = "x" if name == "X" else name
    return {f"{prefix}{k + 1}": array[:, k] for k in range(array.shape[1])}
