"""Tables that are read in batches: folders, patterns, and files larger than memory."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastae._cli.csv_io import open_csv
from fastae._cli.errors import CliError, UsageError, one_line, os_reason
from fastae._cli.files import STANDARD
from fastae._scan import scan
from fastae._scan_files import arrow, find_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastae._cli.columns import Kind
    from fastae._scan import Scan

# Enough of a CSV file to see its header.
_HEAD = 1 << 20


class Stream:
    """A table in files that are read one batch after another.

    Attributes
    ----------
    label : str
    names : tuple of str
    named : bool
        As of a `Source`.
    files : tuple of Path
    """

    def __init__(self, path: Path, *, header: bool | None, delimiter: str) -> None:
        try:
            files, self._is_parquet = find_files([path])
            self.label, self.files = str(path), tuple(map(Path, files))
            self._csv: dict[str, Any] = {}
            if self._is_parquet:
                schema = arrow("parquet").read_schema(files[0])
                index = (schema.pandas_metadata or {}).get("index_columns", [])
                self.names = tuple(name for name in schema.names if name not in index)
                self.named = True
            else:
                self._look(self.files[0], header, delimiter)
        except OSError as error:
            message = f"{path}: cannot be read ({os_reason(error)})"
            raise CliError(message) from error
        except (ValueError, arrow().ArrowException) as error:
            message = one_line(error).removesuffix(".")
            raise CliError(message) from error

    @property
    def is_text(self) -> bool:
        """Whether these are CSV files."""
        return not self._is_parquet

    def scan(self, columns: Sequence[str], kinds: Mapping[str, Kind] | None = None) -> Scan:
        """Return some columns as what `fastae.scan` returns.

        Parameters
        ----------
        columns : sequence of str
        kinds : mapping of str to Kind, or None
            Of CSV files: what they are, so that nothing has to be read to find that out. Columns
            come as text, to be read by the batch.
        """
        options = dict(self._csv)
        if kinds is not None and not self._is_parquet:
            options["column_types"] = dict.fromkeys(columns, arrow().large_string())
            options["null_values"] = []
        csv = None if self._is_parquet else options
        return scan(list(self.files), columns=list(columns), csv=csv)

    def _look(self, file: Path, header: bool | None, delimiter: str) -> None:
        """Find out what the first CSV file's columns are called."""
        if file.suffix.lower() == ".gz":
            import gzip

            with gzip.open(file) as stream:
                content = stream.read(_HEAD)
        else:
            with file.open("rb") as stream:
                content = stream.read(_HEAD)
        if len(content) == _HEAD:  # without the line that is cut
            content = content[: content.rfind(b"\n") + 1]
        text = open_csv(str(file), content, header=header, delimiter=delimiter)
        self.names, self.named = text.names, text.named
        self._csv = {"delimiter": delimiter, "has_header": text.named}
        # By names of our own: blank ones in a header have none, and a pattern of files without
        # any header has to be told so.
        self._csv["column_names"] = list(text.names)


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
