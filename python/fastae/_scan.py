"""Tables that need not fit into memory: read in batches, as often as a fit needs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._readahead import ReadAhead, ReadClock
from fastae._scan_csv import CsvFiles
from fastae._scan_files import ParquetFiles, find_files
from fastae._scan_sources import InMemory, library_of, names_of, only_names, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fastae._scan_sources import Columns, Source


def scan(
    data: Any,
    *,
    columns: Columns = None,
    batch_size: int = 65_536,
    window: int = 262_144,
    csv: Mapping[str, Any] | None = None,
) -> Scan:
    """Describe a table that is read in batches, for what does not fit into memory.

    Parameters
    ----------
    data : path, list of paths, table, pyarrow Dataset, iterable or callable
        - Path of a Parquet file (``.parquet``, ``.pq``) or CSV file (``.csv``, ``.csv.gz``), of a
          folder that holds such files, or a pattern as ``"data/*.parquet"``; or a list of these.
          Their files must have the same columns, in any order.
        - A 2-D array or memory map, anything else with a 2-D shape whose rows can be sliced, or a
          pandas, polars or pyarrow table: its batches are slices of it.
        - A pyarrow Dataset.
        - An iterable of such arrays or tables, which are its batches, that can be iterated more
          than once; or a callable that returns a new iterator of them at each call, as
          ``lambda: pandas.read_sql(query, engine, chunksize=65_536)``. Some are read ahead: no
          batch may be overwritten by the next.
    columns : sequence of str or int, or None
        Which columns to read, in this order: names, or positions in arrays. None: all.
    batch_size : int, default=65536
        About how many rows are read at a time. Batches of an iterable are what they are.
    window : int, default=262144
        Rows that an estimator holds in memory at a time, twice, and visits in random order.
    csv : mapping or None
        Options for CSV files: `has_header` (default True), `column_names` (list of str; without
        `has_header`, the first line is a row; with it, they stand for the names in the first
        file's header, and for the same ones in the others', in any order), `column_types` (mapping
        of names to pyarrow types; by default, all files are read once to settle them),
        `delimiter`, `quote_char`, `escape_char`, `newlines_in_values` (default True), `encoding`,
        `skip_rows`, `null_values`, `true_values`, `false_values` (lists of str) and
        `decimal_point`, as pyarrow.csv takes them. Empty cells are missing values.

    Returns
    -------
    source : Scan
        Nothing is read yet; only files are looked for.

    Raises
    ------
    ValueError
        If no file matches, or a parameter is out of range.
    TypeError
        If `data` is nothing of the above.
    ImportError
        If files are to be read without pyarrow.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scan import scan
    >>> source = scan(np.arange(12).reshape(6, 2), batch_size=4)
    >>> source.n_rows, [batch.shape for batch in source.batches()]
    (6, [(4, 2), (2, 2)])
    """
    for name, value in {"batch_size": batch_size, "window": window}.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            msg = f"{name} must be an integer of at least 1, got {value!r}."
            raise ValueError(msg)
    columns = _checked_columns(columns)
    source = _read_by(data, columns, int(batch_size), csv)
    return Scan(source, columns=columns, batch_size=int(batch_size), window=int(window))


class Scan:
    """A table that is read in batches; `fastae.scan` makes it.

    Attributes
    ----------
    columns : tuple or None
    batch_size, window : int
        As given to `fastae.scan`.
    clock : ReadClock
        Of the last training in windows, or the last scoring: its `read_seconds` are the reading
        thread's (files, factors, windows), its `wait_seconds` those that the network waited.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scan import scan
    >>> source = scan(lambda: iter([np.eye(2), np.eye(2)]))
    >>> source.n_rows is None, sum(len(batch) for batch in source.batches()), source.n_rows
    (True, 4, 4)
    """

    def __init__(
        self,
        source: Source,
        *,
        columns: Columns,
        batch_size: int,
        window: int,
    ) -> None:
        self.columns = columns
        self.batch_size = batch_size
        self.window = window
        self.clock = ReadClock()
        self._source = source
        self._names: tuple[str, ...] | None = None
        self._n_rows: int | None = None

    def __repr__(self) -> str:
        rows = "" if self._n_rows is None else f", {self._n_rows} rows"
        return f"<{type(self).__name__} of {self._source.what}{rows}>"

    @property
    def names(self) -> tuple[str, ...] | None:
        """Names of the columns; None for arrays, and for iterables before their first batch.

        Raises
        ------
        ValueError
            If a file cannot be read, or files differ in their columns.
        """
        return self._source.names() or self._names

    @property
    def n_rows(self) -> int | None:
        """Number of rows; None as long as neither metadata nor a whole pass have told.

        Raises
        ------
        ValueError
            If a file cannot be read, or files differ in their columns.
        """
        if self._n_rows is None:
            self._n_rows = self._source.n_rows()
        return self._n_rows

    def batches(
        self,
        prefetch: int = 2,
        *,
        order_seed: tuple[int, int] | None = None,
        clock: ReadClock | None = None,
    ) -> ReadAhead[Any]:
        """Iterate over the table once.

        Parameters
        ----------
        prefetch : int, default=2
            Batches that a thread reads ahead; 0: none, the caller's thread reads. Tables in memory
            need no thread and get none.
        order_seed : (seed, epoch) or None
            The files come in a random order, and so do the row groups of all Parquet files and the
            batches of a table in memory. CSV files are each read from top to bottom; iterables and
            Datasets come as they are. None: everything comes as it is.
        clock : ReadClock or None
            Adds up the seconds of reading and waiting.

        Returns
        -------
        batches : ReadAhead
            An iterator of pyarrow RecordBatches (files, Datasets), slices (tables in memory) or of
            what the iterable gives. It has the attributes `read_seconds` and `wait_seconds`, a
            method `close`, and is a context manager.

        Raises
        ------
        ValueError
            If the iterable can be iterated only once and has been, or `prefetch` is negative.
            While iterating: if a file cannot be read or differs from the first one, batches differ
            in their columns, or there are not as many rows as in the pass before.
        """
        order = None if order_seed is None else np.random.default_rng(order_seed)
        batches = self._source.batches(order)
        if isinstance(self._source, InMemory):
            prefetch = min(prefetch, 0)
        return ReadAhead(lambda: self._counted(batches), prefetch, clock)

    def _counted(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches; compare them with each other and with the pass before."""
        n_rows, first, kinds = 0, None, ""
        for index, batch in enumerate(batches):
            found = names_of(batch), int(batch.shape[1])
            first = found if first is None else first
            if found != first:
                one, other = map(_described, (found, first))
                msg = (
                    f"Batch {index} has {one}, but batch 0 has {other}: all batches must have "
                    f"the same columns."
                )
                raise ValueError(msg)
            kind = library_of(batch)
            kinds = kinds or kind
            if kind != kinds:
                msg = f"Batch {index} is of {kind}, but batch 0 of {kinds}: give all of one kind."
                raise TypeError(msg)
            self._names = found[0]
            n_rows += int(batch.shape[0])
            yield batch
        known = self.n_rows
        if known is not None and known != n_rows:
            msg = (
                f"The table had {known} rows at first and {n_rows} now: each pass must give the "
                f"same rows."
            )
            raise ValueError(msg)
        self._n_rows = n_rows


def _read_by(data: Any, columns: Columns, batch_size: int, csv: Mapping[str, Any] | None) -> Source:
    """Return what reads the data."""
    if isinstance(data, Scan):
        msg = "scan takes data, got what scan returned: use it as it is."
        raise TypeError(msg)
    paths = [data] if isinstance(data, str | Path) else data
    if isinstance(paths, list | tuple):
        if not paths:
            msg = "scan needs at least one file or batch, got an empty list."
            raise ValueError(msg)
        if all(isinstance(path, str | Path) for path in paths):
            files, is_parquet = find_files(paths)
            if not is_parquet:
                return CsvFiles(files, only_names(columns), batch_size, csv or {})
            _fail_if_given(csv, "Parquet files")
            return ParquetFiles(files, only_names(columns), batch_size)
    _fail_if_given(csv, f"a {type(data).__name__}")
    return source_of(data, columns, batch_size)


def _fail_if_given(csv: Mapping[str, Any] | None, what: str) -> None:
    if csv is not None:
        msg = f"csv has options for CSV files, but the data are {what}: leave it out."
        raise ValueError(msg)


def _checked_columns(columns: Columns) -> Columns:
    if columns is None:
        return None
    if isinstance(columns, str) or len(columns) == 0 or len(set(columns)) != len(columns):
        msg = f"columns must be a list of different names or positions, got {columns!r}."
        raise ValueError(msg)
    return tuple(columns)  # type: ignore[return-value]


def _described(found: tuple[tuple[str, ...] | None, int]) -> str:
    names, width = found
    if names is None:
        return f"{width} columns"
    return f"the columns {', '.join(map(repr, names[:20]))}{', ...' if width > 20 else ''}"
