"""Tables that are read in batches: folders, patterns, and files larger than memory."""

from __future__ import annotations

import glob
import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastae._cli.csv_io import open_csv
from fastae._cli.errors import CliError, UsageError, one_line, os_reason
from fastae._cli.files import STANDARD
from fastae._cli.header import is_number
from fastae._cli.notes import Notes, note_one_row
from fastae._scan import scan
from fastae._scan_files import arrow, find_files
from fastae._scan_kinds import fail_if_foreign, is_gzip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastae._cli.columns import Kind
    from fastae._cli.csv_io import CsvText
    from fastae._scan import Scan

# Enough of a CSV file to see its header.
_HEAD = 1 << 20


class Stream:
    """A table in files that are read one batch after another.

    Attributes
    ----------
    label : str
    names : tuple of str
        Of all files' columns; a column that is not in all of them can only be left out.
    named : bool
        As of a `Source`.
    files : tuple of Path
    decimal : str or None
        What stands before decimals in CSV files; None of Parquet files.
    """

    def __init__(
        self, path: Path, *, header: bool | None, delimiter: str, decimal: str = "."
    ) -> None:
        try:
            files, is_parquet = find_files([path])
            self.label, self.files = str(path), tuple(map(Path, files))
            self.decimal = None if is_parquet else decimal
            self._csv: dict[str, Any] = {}
            if is_parquet:
                self.named = True
                columns = [_parquet_columns(file) for file in files]
            else:
                columns = self._csv_columns(header, delimiter, decimal)
        except OSError as error:
            message = f"{path}: cannot be read ({os_reason(error)})"
            raise CliError(message) from error
        except (ValueError, arrow().ArrowException) as error:
            message = one_line(error).removesuffix(".")
            raise CliError(message) from error
        self._columns = dict(zip(self.files, columns, strict=True))
        self.names = tuple(dict.fromkeys(name for names in columns for name in names))

    def scan(
        self,
        columns: Sequence[str],
        kinds: Mapping[str, Kind] | None = None,
        *,
        categories: Any = (),
    ) -> Scan:
        """Return some columns as what `fastae.scan` returns.

        Parameters
        ----------
        columns : sequence of str
        kinds : mapping of str to Kind, or None
            Of CSV files: what they are, so that nothing has to be read to find that out. Columns
            come as text, to be read by the batch. None: notes are printed of columns that may not
            be what they seem.
        categories : "from_dtype" or list of str
            Columns of which that is known.

        Raises
        ------
        CliError
            If a file lacks a column.
        """
        self._check_all_have(columns)
        options = dict(self._csv)
        if kinds is not None and self.decimal is not None:
            options["column_types"] = dict.fromkeys(columns, arrow().large_string())
            options["null_values"] = []
        csv = None if self.decimal is None else options
        scanned = scan(list(self.files), columns=list(columns), csv=csv)
        if kinds is None:
            self._note(scanned, () if isinstance(categories, str) else categories)
        return scanned

    def _csv_columns(
        self, header: bool | None, delimiter: str, decimal: str
    ) -> list[tuple[str, ...]]:
        """Find out what each CSV file's columns are called."""
        how = {"delimiter": delimiter, "decimal": decimal}
        first, *others = self.files
        text = _beginning(first, header=header, **how)
        self.named, names = text.named, text.names
        columns = [names]
        for file in others:
            text = _beginning(file, header=self.named or header, **how)
            unlike = text.named != self.named
            if self.named and header is None:  # was it read as a header for want of another one?
                unlike = any(is_number(name) and name not in names for name in text.names)
            if unlike:
                message = (
                    f"{file}: starts with a {'row' if self.named else 'header'}, unlike {first};"
                    " give all files a header or none, or say --header or --no-header"
                )
                raise CliError(message)
            if not self.named and len(text.names) != len(names):
                message = (
                    f"{file}: has {len(text.names)} columns where {first} has {len(names)}; give"
                    " all files the same columns"
                )
                raise CliError(message)
            columns.append(text.names)
        self._csv = {"delimiter": delimiter, "has_header": self.named, "decimal_point": decimal}
        # By names of our own: blank ones in a header have none, and files without any header have
        # to be told so.
        self._csv["column_names"] = list(names)
        return columns

    def _check_all_have(self, columns: Sequence[str]) -> None:
        for name in columns:
            for file, names in self._columns.items():
                if name not in names:
                    other = next(f for f, found in self._columns.items() if name in found)
                    message = (
                        f"{file}: has no column {name!r}, which {other} has; give all files the"
                        " same columns"
                    )
                    raise CliError(message)

    def _note(self, scanned: Scan, known: Sequence[str]) -> None:
        """Print notes on columns, by their first cells."""
        notes = Notes(self.label, self.decimal)
        with scanned.batches(prefetch=0) as reader:
            batch = next((batch for batch in reader if batch.num_rows), None)
        if batch is None:
            message = f"{self.label}: the table has no rows; add rows"
            raise CliError(message)
        if scanned.n_rows == 1:
            note_one_row(self.label)
        for name in batch.schema.names:
            if name not in known:
                cells = arrow().chunked_array([batch.column(name)])
                notes.look(name, cells, cells.to_pandas())
        notes.say()


def _parquet_columns(file: str) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns, but for the index of a pandas frame."""
    fail_if_foreign(file, parquet=True)
    schema = arrow("parquet").read_schema(file)
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    return tuple(name for name in schema.names if name not in index)


def _beginning(file: Path, *, header: bool | None, delimiter: str, decimal: str) -> CsvText:
    """Look at the first lines of a CSV file."""
    fail_if_foreign(str(file))
    with (gzip.open if is_gzip(str(file)) else open)(file, "rb") as stream:
        content = stream.read(_HEAD)
    if len(content) == _HEAD:  # without the line that is cut
        content = content[: content.rfind(b"\n") + 1]
    return open_csv(str(file), content, header=header, delimiter=delimiter, decimal=decimal)


def is_stream(path: Path, *, wanted: bool = False) -> bool:
    """Return whether an input is to be read in batches.

    Parameters
    ----------
    path : Path
        Folders and patterns are.
    wanted : bool, default=False
        Whether the user says so.

    Raises
    ------
    UsageError
        If standard input is to be read more than once.
    """
    if path == STANDARD:
        if wanted:
            message = "--stream reads the table several times, which standard input is not for"
            raise UsageError(message)
        return False
    return wanted or path.is_dir() or (not path.exists() and glob.has_magic(str(path)))


def files_of(path: Path | None) -> tuple[Path, ...]:
    """Return all files that an input stands for, none of which may be written over."""
    if path is None or path == STANDARD:
        return ()
    if not is_stream(path):
        return (path,)
    try:
        return tuple(map(Path, find_files([path])[0]))
    except ValueError:  # which reading it will say
        return ()
