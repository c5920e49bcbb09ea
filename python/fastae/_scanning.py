"""Training on tables that do not fit into memory: surveyed once, then read window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._input import fail_if_not_finite
from fastae._readahead import ReadAhead, ReadClock
from fastae._reading import any_missing, arrays_of, core_rows, numbers_of
from fastae._scaling import ROBUST_ROWS
from fastae._schema import MixedTable, SchemaLearner
from fastae._sparse import SparseTable
from fastae._stream import ColumnStats
from fastae._windows import sample_rows, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastae._data import TrainingData
    from fastae._params import Params
    from fastae._reading import ReadingMixin, Table
    from fastae._scan import Scan
    from fastae._state import State

Parts = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a scanned table before training.

    Attributes
    ----------
    n_rows : int
    stats : ColumnStats
        Of all rows' numbers.
    sample : Table
        Some rows, drawn at random.
    """

    n_rows: int
    stats: ColumnStats
    sample: Table


def in_one_window(scan: Scan) -> Any:
    """Return all rows of a scan as one table if they fit into one window; else None."""
    if scan.n_rows is not None and scan.n_rows > scan.window:
        return None
    batches, n_rows = [], 0
    with scan.batches() as reader:
        for batch in reader:
            n_rows += batch.shape[0]
            if n_rows > scan.window:
                return None
            batches.append(batch)
    if not batches:
        msg = "The scan has no rows."
        raise ValueError(msg)
    return _one_table(batches)


def survey(estimator: ReadingMixin, scan: Scan, seed: int) -> Survey:
    """Pass over all rows once, or twice if there are factors, and learn what they are.

    Parameters
    ----------
    estimator : estimator
        Whose columns are learned.
    scan : Scan
    seed : int
        Of the sample.
    """
    _learn_columns(estimator, scan)
    stats: list[ColumnStats] = []
    n_rows = 0

    def parts() -> Iterator[Parts]:
        nonlocal n_rows
        with scan.batches() as reader:
            for batch in reader:
                if not batch.shape[0]:
                    continue
                try:
                    table = _dense(estimator._read_more(batch))
                except ValueError as error:
                    if not n_rows or " row " not in str(error):
                        raise
                    msg = f"{error} Row 0 here is row {n_rows} of the scan."
                    raise ValueError(msg) from error
                _add_stats(estimator, table, stats, n_rows)
                n_rows += table.shape[0]
                yield tuple(arrays_of(table))

    sample = sample_rows(parts(), ROBUST_ROWS, seed=seed)
    if not sample:
        msg = "The scan has no rows."
        raise ValueError(msg)
    return Survey(n_rows, stats[0], _as_table(estimator, sample))


def _learn_columns(estimator: ReadingMixin, scan: Scan) -> None:
    """Set what the columns are: by the first batch, or if it has factors by all."""
    with scan.batches() as reader:
        first = next((batch for batch in reader if batch.shape[0]), None)
        if first is None:
            msg = "The scan has no rows."
            raise ValueError(msg)
        estimator._read_new(first)
        if estimator._schema is None and not _has_untyped_columns(first):
            return
        # Text may still come in a column that had no value so far.
        learner = SchemaLearner(
            estimator.categorical_features, int(estimator.max_categories), estimator.missing
        ).add(first)
        for batch in reader:
            learner.add(batch)
    estimator._encoded(first, learner.schema())


def _has_untyped_columns(batch: Any) -> bool:
    """Tell whether a table has columns that may hold anything, for all its types say."""
    dtypes = list(batch.dtypes) if hasattr(batch, "dtypes") else [getattr(batch, "dtype", None)]
    return any(str(dtype) in ("object", "Null") for dtype in dtypes)


def _add_stats(
    estimator: ReadingMixin, table: Table, stats: list[ColumnStats], first_row: int
) -> None:
    """Merge the statistics of a batch into those of all before it."""
    numbers = numbers_of(table)
    n = float(table.shape[0])
    if not numbers.shape[1]:
        new = ColumnStats.nothing(n)
    else:
        mean, low, high, variance, count, total = _core.column_stats(
            core_rows(numbers)["X"], n_threads=1
        )
        new = ColumnStats(count, mean, low, high, variance, total)
        finite = all(np.isfinite(column).all() for column in (mean, low, high, variance))
        if not finite or (any_missing(table) and estimator.missing == "error"):
            assert isinstance(numbers, np.ndarray)
            columns = table.schema.numbers if isinstance(table, MixedTable) else None
            fail_if_not_finite(estimator, numbers, columns, first_row)
    stats[:] = [new if not stats else stats[0].merged(new)]


def _dense(table: Table) -> Table:
    if isinstance(table, SparseTable):
        msg = "Batches of a scan must be dense: give sparse rows to fit or partial_fit themselves."
        raise TypeError(msg)
    return table


def _as_table(estimator: ReadingMixin, parts: Parts) -> Table:
    if estimator._schema is None:
        return parts[0]
    return MixedTable(parts[0], parts[1], estimator._schema)


def _one_table(batches: list[Any]) -> Any:
    """Return batches of one kind, one below the other."""
    if len(batches) == 1:
        return batches[0]
    kind = type(batches[0]).__module__.partition(".")[0]
    if kind == "pyarrow":
        import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

        tables = [b if isinstance(b, pa.Table) else pa.Table.from_batches([b]) for b in batches]
        return pa.concat_tables(tables, promote_options="permissive")
    if kind == "pandas":
        import pandas as pd

        return pd.concat(batches)
    if kind == "polars":
        import polars as pl

        return pl.concat(batches, how="vertical_relaxed")
    return np.concatenate(batches)


class WholeTable:
    """Feeds training with a table in memory."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data

    def turn(self, state: State, params: Params, until: int, total: int) -> dict[str, Any]:
        """Return what ``_core.train`` is to train on next: up to the row `until` of `total`."""
        del total
        return {
            "first_epoch": state.epoch,
            # Threads without locks may leave out a mini-batch when they are told to stop.
            "first_row": state.epoch_rows - state.epoch_rows % params.batch_size,
            "n_samples": until - state.samples,
            **self._data.rows(params.options.get("factors")),
            **self._data.arguments(),
        }

    def close(self) -> None:
        """Let go of what was opened."""


class WindowFeed:
    """Feeds training with windows of a scan, the next one being read meanwhile.

    Parameters
    ----------
    scan : Scan
    read : callable
        Takes a batch; returns the table that the network sees.
    rows : int
        Of a window.
    seed : int
        Of the order in which files are read.
    """

    def __init__(self, scan: Scan, read: Callable[[Any], Table], rows: int, seed: int) -> None:
        self.clock = scan.clock = ReadClock()
        self._scan, self._read, self._rows, self._seed = scan, read, rows, seed
        self._epoch = self._turns = 0
        self._windows: ReadAhead[Parts] | None = None

    def turn(self, state: State, params: Params, until: int, total: int) -> dict[str, Any]:
        """Return what ``_core.train`` is to train on next: one window, also beyond `until`."""
        del until
        window = self._next()
        self._turns += 1
        rows = {"X": window[0]}
        if params.options.get("factors") is not None:
            rows["codes"] = window[1]
        return {
            # An order of its own for every window.
            "first_epoch": self._turns - 1,
            "n_samples": min(len(window[0]), total - state.samples),
            **rows,
        }

    def _next(self) -> Parts:
        if self._windows is None:
            self._windows = self._begin()
        window = next(self._windows, None)
        if window is None:  # the epoch is over
            self._epoch += 1
            self._windows = self._begin()
            window = next(self._windows)
        return window

    def _begin(self) -> ReadAhead[Parts]:
        order_seed = (self._seed % 2**32, self._epoch)

        def parts() -> Iterator[Parts]:
            with self._scan.batches(prefetch=0, order_seed=order_seed) as reader:
                for batch in reader:
                    if not batch.shape[0]:
                        continue
                    table = self._read(batch)
                    numbers = numbers_of(table)
                    assert isinstance(numbers, np.ndarray)
                    no_codes = np.empty((len(numbers), 0), dtype=np.int32)
                    codes = table.codes if isinstance(table, MixedTable) else no_codes
                    yield numbers, codes

        return ReadAhead(lambda: windows(parts(), self._rows), prefetch=1, clock=self.clock)

    def close(self) -> None:
        """Stop reading."""
        if self._windows is not None:
            self._windows.close()
