"""CSV files: what pandas reads of them, and what it would let pass: ragged rows, names given twice, mixed columns."""

from __future__ import annotations

import csv
import io
import sys
import warnings
from collections.abc import Collection, Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from bp_core._wording import count

from ._errors import CommandError
from ._extras import need

if TYPE_CHECKING:
    from pandas import DataFrame

SEPARATORS = (",", ";", "\t")


class CsvFile:
    """A CSV file, or standard input, which is kept to be looked at again.

    Attributes
    ----------
    name : str
        As messages call it.
    header : tuple of str
        Names of the columns; empty for a column without one.
    """

    def __init__(self, path: str) -> None:
        self.name = "standard input" if path == "-" else path
        self._path = path
        self._content = sys.stdin.buffer.read() if path == "-" else None
        self._separator = self._find_separator()
        self.header = tuple(name.strip() for name in next(self._records())[1])
        named = [name for name in self.header if name]
        twice = next((name for name in named if named.count(name) > 1), None) if len({*named}) < len(named) else None
        if twice is not None:
            raise CommandError(f"{self.name}, line 1 names column {twice!r} twice; expected names that differ")

    def read(self, texts: Collection[str]) -> DataFrame:
        """Read all columns that have a name; those in ``texts`` as text, whatever they hold."""
        pd = need("pandas", "reading a CSV file")
        frame = self._parse(pd, {name: str for name in texts if name in self.header})
        if frame.empty:
            raise CommandError(f"{self.name} holds a header and no rows")
        if frame.iloc[:, -1].isna().any():  # a row that is too short would lack at least this value
            self._check_widths()
        unclear = [name for name in frame.columns if not _is_clear(pd, frame[name])]
        if unclear:
            again = self._parse(pd, dict.fromkeys(unclear, str))
            for name in unclear:
                frame[name] = again[name]
        return frame[[name for name in self.header if name]]

    def place(self, row: int) -> str:
        """Return what a row, counted from 0, is called: the line it begins on, the header's being 1."""
        line, _ = next(islice(self._records(), row + 1, None))
        return f"line {line}"

    # ----------------------------------------------------------------- reading
    def _open(self) -> IO[bytes]:
        return open(self._path, "rb") if self._content is None else io.BytesIO(self._content)

    def _parse(self, pd: Any, kinds: dict[str, type]) -> DataFrame:
        labels = [name or f"\0{k}" for k, name in enumerate(self.header)]
        try:
            with self._open() as file, warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # such columns are read again
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame: DataFrame = pd.read_csv(
                    file, sep=self._separator, engine="c", header=0, names=labels, index_col=False, dtype=kinds,
                    skipinitialspace=True,
                )  # fmt: skip
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            if "EOF inside string" in str(error):
                *_, (line, _) = self._records()
                raise CommandError(f"{self.name}, line {line}: a quotation mark is never closed") from None
            self._check_widths()
            raise CommandError(f"{self.name} is no CSV file: {error}") from None
        return frame

    def _find_separator(self) -> str:
        """Return what stands most often between the names: a comma, a semicolon or a tab."""
        with self._open() as file:
            first = next((line for line in file if line.strip()), None)
        if first is None:
            raise CommandError(f"{self.name} is empty; expected a line of column names, then a line for each row")
        try:
            text = first.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        return max(SEPARATORS, key=text.count)

    # ------------------------------------------------------------ line by line
    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Every record that is not blank, with the line it begins on, the header first."""
        with io.TextIOWrapper(self._open(), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self._separator, skipinitialspace=True)
            try:
                begins = 1
                for fields in reader:
                    if any(fields) or len(fields) > 1:
                        yield begins, fields
                    begins = reader.line_num + 1
            except csv.Error as error:
                raise CommandError(f"{self.name}, line {reader.line_num} is no CSV: {error}") from None
            except UnicodeDecodeError:
                raise self._not_utf8() from None

    def _check_widths(self) -> None:
        """Raise for the first row that has more or fewer fields than the header."""
        for line, fields in self._records():
            if len(fields) != len(self.header):
                fits = f"expected {len(self.header):,}, as in line 1"
                raise CommandError(f"{self.name}, line {line} has {count(len(fields), 'field')}; {fits}")

    def _not_utf8(self) -> CommandError:
        with self._open() as file:
            for line, content in enumerate(file, start=1):
                try:
                    content.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = f"byte 0x{content[error.start]:02x}"
                    return CommandError(f"{self.name}, line {line} is not UTF-8 text ({byte}); save the file as UTF-8")
        return CommandError(f"{self.name} is not UTF-8 text; save the file as UTF-8")


def _is_clear(pd: Any, column: Any) -> bool:
    """Whether a column was read as numbers or as texts, not as a mixture, and not as True and False."""
    if column.dtype == bool:
        return False
    return column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")
