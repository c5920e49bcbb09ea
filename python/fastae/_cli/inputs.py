"""Tables from files and from standard input: CSV, Parquet and NumPy's npy."""

from __future__ import annotations

import gzip
import io
import shlex
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.columns import BadCellError, frame_of, read_text, read_typed
from fastae._cli.csv_io import CsvText, open_csv
from fastae._cli.errors import CliError, UsageError, one_line, os_reason
from fastae._cli.files import STANDARD
from fastae._scan_files import arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from fastae._cli.columns import Kind

_PARQUET, _NPY, _GZIP = b"PAR1", b"\x93NUMPY", b"\x1f\x8b"
# Longer cells are cut in messages.
_N_SHOWN = 30


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
            self.label, table, columns, kinds or {}, cure, as_text=True,
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


def open_source(path: Path, *, header: bool | None = None, delimiter: str = ",") -> Source:
    """Return the table in a file; its format shows in its first bytes.

    Parameters
    ----------
    path : Path
        A file, or "-" for standard input.
    header : bool or None, default=None
        Of CSV: whether the first record holds names; None finds out.
    delimiter : str, default=","
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
        magic = content[:6]
        file: Any = io.BytesIO(content)
    else:
        try:
            with path.open("rb") as stream:
                magic = stream.read(6)
                content = b"" if magic.startswith((_PARQUET, _NPY)) else magic + stream.read()
        except OSError as error:
            message = f"{path}: cannot be read ({os_reason(error)}); give the path of a table"
            raise CliError(message) from error
        file = path
    if magic.startswith(_PARQUET):
        return ParquetSource(label, file)
    if magic.startswith(_NPY):
        return ArraySource(label, _load(label, file))
    if magic.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError) as error:
            raise _unreadable(label, error) from error
    return CsvSource(open_csv(label, content, header=header, delimiter=delimiter))


def label_of(path: Path) -> str:
    """Return what messages call an input."""
    return "standard input" if path == STANDARD else str(path)


def check_standard_input(*paths: Path | None) -> None:
    """Raise UsageError if standard input is to be two tables."""
    if sum(path == STANDARD for path in paths) > 1:
        message = "'-' stands for standard input, which can be read once: give a file for one"
        raise UsageError(message)


def frame_from(
    label: str,
    table: Any,
    columns: Sequence[str],
    kinds: Mapping[str, Kind],
    cure: str,
    *,
    as_text: bool = False,
    place: Callable[[int], str] = "row {}".format,
) -> pd.DataFrame:
    """Return columns of an Arrow table or batch as a frame.

    Parameters
    ----------
    label : str
        What messages call the table.
    table : pyarrow.Table or pyarrow.RecordBatch
    columns, kinds, cure
        As of `Source.read`.
    as_text : bool, default=False
        Whether all cells are text as it stands in a CSV file.
    place : callable
        Says where a row is.

    Raises
    ------
    CliError
        If a cell or a column is of another kind.
    """
    made = {}
    read = read_text if as_text else read_typed
    for name in columns:
        kind = kinds.get(name)
        try:
            made[name] = read(_chunked(table.column(name)), kind)
        except BadCellError as bad:
            where = f"{label}: {place(bad.row)}, column {name!r}"
            message = f"{where} {_complaint(bad, name, cure)}"
            raise CliError(message) from bad
        except TypeError as error:
            message = f"{label}: column {name!r} holds {error}, where {kind}s are expected"
            raise CliError(message) from error
        table = table.drop_columns([name])  # as soon as it is no longer needed
    return frame_of(made)


def _chunked(column: Any) -> Any:
    return column if hasattr(column, "chunks") else arrow().chunked_array([column])


def _load(label: str, file: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.load(file, mmap_mode=None if isinstance(file, io.BytesIO) else "r")
    except (ValueError, OSError, EOFError) as error:
        raise _unreadable(label, error) from error
    return np.asarray(array)


def _unreadable(label: str, error: Exception) -> CliError:
    return CliError(f"{label}: {one_line(error).removesuffix('.')}")


def _complaint(bad: BadCellError, column: str, cure: str) -> str:
    cell = bad.cell.strip()
    shown = cell if len(cell) <= _N_SHOWN else f"{cell[:_N_SHOWN]}..."
    name = shlex.quote(column)
    if bad.mixed:
        cure = (
            f"as most of that column; correct it, leave the column out with --drop {name}, or say"
            f" --categorical-features {name} if it holds categories"
        )
        return f"is {shown!r}, {bad.complaint} {cure}"
    default = "correct it, delete the row or leave the column out with --drop NAME"
    return f"is {shown!r}, {bad.complaint}; {(cure or default).replace('NAME', name)}"
