"""What a scan reads from, besides files: tables in memory, Datasets, iterables of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from scipy.sparse import issparse

from fastae._scan_files import arrow, check_names, naming, regrouped

if TYPE_CHECKING:
    Columns: TypeAlias = Sequence[str] | Sequence[int] | None

_FRAMES = {  # by library, as none is imported just for the question
    "pandas": ("DataFrame",),
    "polars": ("DataFrame",),
    "pyarrow": ("Table", "RecordBatch"),
}


class Source(Protocol):
    """A table that can be iterated in batches.

    Attributes
    ----------
    what : str
        "3 Parquet files", or the like.
    """

    what: str

    def names(self) -> tuple[str, ...] | None:
        """Return the names of the columns; None if there are none, or they are not known yet."""

    def n_rows(self) -> int | None:
        """Return the number of rows, if that is known without reading them."""

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:
        """Return an iterator of batches, in a random order if `order` is given."""


class InMemory:
    """Slices of a table in memory, or of anything with a 2-D shape that can be sliced."""

    def __init__(self, table: Any, columns: Columns, batch_size: int) -> None:
        self.what = f"a table of type {type(table).__name__}"
        self._table = table
        self._columns = columns
        self._batch_size = batch_size

    def names(self) -> tuple[str, ...] | None:
        """Return the names of the columns; None for arrays."""
        return names_of(select(_slice(self._table, 0, 0), self._columns))

    def n_rows(self) -> int:
        """Return the number of rows."""
        return int(self._table.shape[0])

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:
        """Yield slices; with `order`, in a random order."""
        starts = np.arange(0, self.n_rows(), self._batch_size)
        for start in map(int, starts if order is None else order.permutation(starts)):
            piece = _slice(self._table, start, start + self._batch_size)
            yield select(piece if is_frame(piece) else np.asarray(piece), self._columns)


class Iterated:
    """Batches from an iterable, or from a callable that returns iterators."""

    def __init__(self, data: Iterable[Any] | Callable[[], Iterable[Any]], columns: Columns) -> None:
        self.what = f"batches from a {type(data).__name__}"
        self._data = data
        self._columns = columns
        self._last: Iterator[Any] | None = None  # iterated in the pass before, and used up

    def names(self) -> None:
        """Return None: only the batches tell."""

    def n_rows(self) -> None:
        """Return None: only the batches tell."""

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:  # noqa: ARG002
        """Return an iterator of the batches, as they come."""
        if isinstance(self._data, Iterator):
            self._begin(self._data)
        return self._selected()

    def _begin(self, batches: Iterable[Any]) -> None:
        if isinstance(batches, Iterator):
            if batches is self._last:
                msg = (
                    f"A {type(batches).__name__} can be read only once, but the table is needed "
                    f"again: give a function that returns a new iterator at each call."
                )
                raise ValueError(msg)
            self._last = batches

    def _selected(self) -> Iterator[Any]:
        batches: Any = self._data
        if not isinstance(batches, Iterable):
            batches = batches()
            if not isinstance(batches, Iterable):
                msg = (
                    f"The function must return an iterator of batches, got a "
                    f"{type(batches).__name__}."
                )
                raise TypeError(msg)
            self._begin(batches)
        iterator = iter(batches)
        try:
            for index, batch in enumerate(iterator):
                yield select(_checked(batch, index), self._columns)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()


class DatasetBatches:
    """Batches from a pyarrow Dataset."""

    def __init__(self, dataset: Any, columns: Sequence[str] | None, batch_size: int) -> None:
        self.what = f"a pyarrow {type(dataset).__name__}"
        self._dataset = dataset
        self._columns = columns
        self._batch_size = batch_size
        parquet = arrow("dataset").ParquetFileFormat
        self._is_parquet = isinstance(getattr(dataset, "format", None), parquet)

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return check_names("The Dataset", self._dataset.schema.names, self._columns)

    def n_rows(self) -> int | None:
        """Return the number of rows if the files' metadata have it."""
        return int(self._dataset.count_rows()) if self._is_parquet else None

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:  # noqa: ARG002
        """Yield record batches, as they come."""
        options = {}
        if self._is_parquet:
            options["fragment_scan_options"] = arrow("dataset").ParquetFragmentScanOptions(
                pre_buffer=False, use_buffered_stream=True
            )
        # Few batches read ahead, as each is a part of a row group that is in memory as a whole.
        batches = self._dataset.to_batches(
            columns=list(self.names()),
            batch_size=self._batch_size,
            batch_readahead=1,
            fragment_readahead=1,
            use_threads=False,
            **options,
        )
        with naming("the Dataset"):
            yield from regrouped(batches, self._batch_size)


def source_of(data: Any, columns: Columns, batch_size: int) -> Source:
    """Return what reads data that are no files.

    Raises
    ------
    TypeError
        If `data` cannot be read in batches.
    ValueError
        If it is an array, but not a 2-D one.
    """
    if issparse(data):
        msg = "scan takes dense tables, got a sparse matrix."
        raise TypeError(msg)
    if type(data).__name__ == "LazyFrame":
        msg = "scan takes no LazyFrame: give a function that returns its collect_batches()."
        raise TypeError(msg)
    if is_frame(data):
        return InMemory(data, columns, batch_size)
    if library_of(data) == "pyarrow" and isinstance(data, arrow("dataset").Dataset):
        return DatasetBatches(data, only_names(columns), batch_size)
    shape = getattr(data, "shape", None)
    if shape is not None:
        if len(shape) != 2:
            msg = f"An array must have two dimensions, rows and columns, got shape {shape}."
            raise ValueError(msg)
        return InMemory(data, columns, batch_size)
    if callable(data) or (isinstance(data, Iterable) and not isinstance(data, Mapping | bytes)):
        return Iterated(data, columns)
    msg = (
        f"scan takes paths, 2-D arrays, pandas, polars or pyarrow tables, iterables of these or "
        f"functions that return such, got a {type(data).__name__}."
    )
    raise TypeError(msg)


def names_of(batch: Any) -> tuple[str, ...] | None:
    """Return the names of a table's columns as text; None for arrays."""
    if not is_frame(batch):
        return None
    return tuple(map(str, _labels(batch)))


def is_frame(table: Any) -> bool:
    """Tell whether it is a pandas, polars or pyarrow table."""
    library = library_of(table)
    return any(kind.__name__ in _FRAMES.get(library, ()) for kind in type(table).__mro__)


def select(batch: Any, columns: Columns) -> Any:
    """Return some columns of a batch, in their order; the batch itself if `columns` is None.

    Raises
    ------
    ValueError
        If a column is not there.
    """
    if columns is None:
        return batch
    frame = is_frame(batch)
    known: Sequence[Any] = _labels(batch) if frame else range(batch.shape[1])
    for column in columns:
        if column not in known:
            shown = ", ".join(map(repr, known[:20])) + (", ..." if len(known) > 20 else "")
            msg = f"There is no column {column!r} in the table; its columns are {shown}."
            raise ValueError(msg)
    if not frame:
        return batch[:, list(columns)]
    return batch[list(columns)] if library_of(batch) == "pandas" else batch.select(list(columns))


def only_names(columns: Columns) -> Sequence[str] | None:
    """Return the columns; raise ValueError if one is given by its position, not by its name."""
    for column in columns or ():
        if not isinstance(column, str):
            msg = f"columns must be names of columns, got {column!r}."
            raise ValueError(msg)  # noqa: TRY004
    return columns  # type: ignore[return-value]


def _labels(frame: Any) -> list[Any]:
    return list(frame.schema.names if library_of(frame) == "pyarrow" else frame.columns)


def library_of(table: Any) -> str:
    """Return the name of the library whose table it is; of arrays ""."""
    for kind in type(table).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in _FRAMES:
            return library
    return ""


def _slice(table: Any, start: int, stop: int) -> Any:
    if not is_frame(table):
        return table[start:stop]
    return table.iloc[start:stop] if hasattr(table, "iloc") else table.slice(start, stop - start)


def _checked(batch: Any, index: int) -> Any:
    """Return a batch of an iterable as an array or frame."""
    if is_frame(batch):
        return batch
    shape = getattr(batch, "shape", None)
    if shape is None or len(shape) != 2 or issparse(batch):
        found = type(batch).__name__ if shape is None else f"{type(batch).__name__} {shape}"
        msg = f"Batches must be dense 2-D arrays or tables, but batch {index} is a {found}."
        raise TypeError(msg)
    return np.asarray(batch)
