"""Tables from files and from standard input: CSV, Parquet and NumPy's npy."""

from __future__ import annotations

import gzip
import io
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.csv_io import CsvText, open_csv
from fastae._cli.errors import CliError, UsageError, one_line, os_reason
from fastae._cli.files import STANDARD
from fastae._cli.frames import frame_from
from fastae._scan_files import arrow
from fastae._scan_kinds import GZIP, N_BYTES, NPY, PARQUET, foreign

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from fastae._cli.columns import Kind


class Source(ABC):
    """A table in a file.

    Attributes
    ----------
    label : str
        What messages call it.
    names : tuple of str
        Of the columns; ``C1``, ``C2``, ... where the file has none.
    named : bool
        Whether the file has names.
    """

    label: str
    names: tuple[str, ...]
    named: bool

    @abstractmethod
    def read(
        self, columns: Sequence[str], kinds: Mapping[str, Kind] | None = None, cure: str = ""
    ) -> Any:
        """Return some columns, in the order given.

        Parameters
        ----------
        columns : sequence of str
        kinds : mapping of str to Kind, or None
            What they are to be, where that is settled.
        cure : str
            What to do about a cell that is not of that kind, for messages; "NAME" in it stands
            for the column.

        Returns
        -------
        table : DataFrame, or ndarray of shape (n_rows, n_columns)

        Raises
        ------
        CliError
            If a cell does not suit its column, or a record the others.
        """


class CsvSource(Source):
    """A CSV file."""

    def __init__(self, text: CsvText) -> None:
        self._text = text
        self.label, self.names, self.named = text.label, text.names, text.named

    def read(
        self, columns: Sequence[str], kinds: Mapping[str, Kind] | None = None, cure: str = ""
    ) -> pd.DataFrame:
        """Return a frame of numbers, truth values, dates and text."""
        table = self._text.cells(columns)
        return frame_from(
            self.label, table, columns, kinds or {}, cure, decimal=self._text.decimal,
            place=lambda row: f"line {self._text.line_of(row)} (row {row})",
        )  # fmt: skip


class ParquetSource(Source):
    """A Parquet file."""

    def __init__(self, label: str, file: Any) -> None:
        pa, parquet = arrow(), arrow("parquet")
        self.label, self.named = label, True
        try:
            self._file = parquet.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(label, error) from error
        schema = self._file.schema_arrow
        index = (schema.pandas_metadata or {}).get("index_columns", [])
        self.names = tuple(name for name in schema.names if name not in index)

    def read(
        self, columns: Sequence[str], kinds: Mapping[str, Kind] | None = None, cure: str = ""
    ) -> pd.DataFrame:
        """Return a frame of the file's types, or of those that are wanted."""
        pa = arrow()
        try:
            table = self._file.read(columns=list(columns))
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(self.label, error) from error
        if not table.num_rows:
            message = f"{self.label}: the table has no rows"
            raise CliError(message)
        return frame_from(self.label, table, columns, kinds or {}, cure)


class ArraySource(Source):
    """An npy file: numbers, and an image or a series per row if it has more than two dimensions."""

    def __init__(self, label: str, array: np.ndarray[Any, Any]) -> None:
        if array.dtype.kind not in "biuf" or array.ndim < 2 or array.size == 0:
            message = (
                f"{label}: an npy file must hold a table of numbers with a row per line, got an"
                f" array of shape {array.shape} and type {array.dtype}"
            )
            raise CliError(message)
        self._array = array.reshape(len(array), -1)
        self.label, self.named = label, False
        self.names = tuple(f"C{j + 1}" for j in range(self._array.shape[1]))

    def read(
        self,
        columns: Sequence[str],
        kinds: Mapping[str, Kind] | None = None,  # noqa: ARG002
        cure: str = "",  # noqa: ARG002
    ) -> np.ndarray[Any, Any]:
        """Return the array, in place if all columns are wanted: the file is mapped."""
        if tuple(columns) == self.names:
            return self._array
        place = {name: j for j, name in enumerate(self.names)}
        return self._array[:, [place[name] for name in columns]]


def open_source(
    path: Path, *, header: bool | None = None, delimiter: str = ",", decimal: str = "."
) -> Source:
    """Return the table in a file; its format shows in its first bytes.

    Parameters
    ----------
    path : Path
        A file, or "-" for standard input.
    header : bool or None, default=None
        Of CSV: whether the first record holds names; None finds out.
    delimiter : str, default=","
    decimal : str, default="."
        Of CSV.

    Returns
    -------
    source : Source

    Raises
    ------
    CliError
        If it cannot be read, or is no table.
    """
    label = label_of(path)
    if path == STANDARD:
        content = sys.stdin.buffer.read()
        head = content[:N_BYTES]
        file: Any = io.BytesIO(content)
    else:
        try:
            with path.open("rb") as stream:
                head = stream.read(N_BYTES)
                content = b"" if head.startswith((PARQUET, NPY)) else head + stream.read()
        except OSError as error:
            message = f"{path}: cannot be read ({os_reason(error)}); give the path of a table"
            raise CliError(message) from error
        file = path
    if head.startswith(PARQUET):
        return ParquetSource(label, file)
    if head.startswith(NPY):
        return ArraySource(label, _load(label, file))
    if head.startswith(GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise _unreadable(label, error) from error
        head = content[:N_BYTES]
    fail_if_no_text(label, head)
    return CsvSource(open_csv(label, content, header=header, delimiter=delimiter, decimal=decimal))


def fail_if_no_text(label: str, head: bytes) -> None:
    """Raise CliError if a file is of a kind that is not read, by its first bytes."""
    found = foreign(head)
    if found is not None:
        what, cure = found
        message = f"{label}: this is {what}, not CSV, Parquet or npy; {cure}"
        raise CliError(message)


def label_of(path: Path) -> str:
    """Return what messages call an input."""
    return "standard input" if path == STANDARD else str(path)


def check_standard_input(*paths: Path | None) -> None:
    """Raise UsageError if standard input is to be two tables."""
    if sum(path == STANDARD for path in paths) > 1:
        message = "'-' stands for standard input, which can be read once: give a file for one"
        raise UsageError(message)


def _load(label: str, file: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.load(file, mmap_mode=None if isinstance(file, io.BytesIO) else "r")
    except (ValueError, OSError, EOFError) as error:
        if "object" in str(error).lower():
            message = (
                f"{label}: the npy file holds Python objects, not numbers; save numbers, as by"
                " numpy.save(path, table.astype(float))"
            )
            raise CliError(message) from error
        raise _unreadable(label, error) from error
    return np.asarray(array)


def _unreadable(label: str, error: Exception) -> CliError:
    return CliError(f"{label}: {one_line(error).removesuffix('.')}")
