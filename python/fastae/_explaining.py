"""Reasons: which columns make a row odd, and what the network expected of them."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from fastae import _core
from fastae._checks import check_integer, fail, is_integer
from fastae._reading import check_finite, numbers_of
from fastae._scoring import ScoringMixin
from fastae._sparse import SparseTable
from fastae._table import Table as Tidy

if TYPE_CHECKING:
    from fastae._input import Array
    from fastae._reading import Table

Float64 = npt.NDArray[np.float64]

# Errors of about so many cells are looked at together.
_CELLS = 1 << 21


class ExplainingMixin(ScoringMixin):
    """What a fitted autoencoder says of single cells."""

    def explain(
        self, X: Any, top: int | None = None, *, shape: int | Sequence[int] | None = None
    ) -> Any:
        """Return why rows are odd: their columns, by how much of the row's error they make up.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        top : int >= 1, default=None
            Columns per row; None: all.
        shape : int or sequence of int, default=None
            For images and series, tables of numbers: return arrays of this shape per row rather
            than a table, such as (28, 28), or (width, n_channels) for windows of a series, or
            n_features.

        Returns
        -------
        reasons : pandas.DataFrame, or without pandas a Table; or dict of str to ndarray
            A table has one row per row of X and column, those with the largest errors first:

            - "row": the index of a pandas frame, else the number of the row;
            - "rank": from 1 on;
            - "feature": the column's name, or its position if `fit` saw none;
            - "share": of the row's error, from 0 to 1; all of a row add up to 1;
            - "error": as ``reconstruction_error(X, per_feature=True)`` has it, of a factor that
              of all its levels;
            - "observed", "expected": the cell, and its reconstruction, in the column's units, of
              factors the levels;
            - "difference": observed minus expected, of times in seconds; NaN for factors.

            Missing cells and dropped columns have no error, and are not there.

            With `shape`: "share", "error", "observed", "expected" and "difference", each an array
            of shape ``(n_samples, *shape)``, float64; NaN where a cell has no error.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X is wrong as in `transform`, `top` is below 1 or given together with `shape`, or
            `shape` does not have one place per column.
        TypeError
            If X has factors and `shape` is given, or the network was taken over from H2O with
            factors.

        Notes
        -----
        Shares say where the error is, which need not be where its cause is: an absurd value also
        spoils the reconstruction of the columns that are predicted by it.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> t = np.linspace(0, 1, 100)
        >>> X = np.column_stack([t, 20 * t, 5 - t, t**2])
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> reasons = model.explain([[0.5, 10.0, 9.0, 0.25]], top=1)
        >>> int(reasons["feature"][0]), float(reasons["observed"][0])
        (2, 9.0)
        """
        check_is_fitted(self)
        if self._encoder is not None:
            msg = "explain is not there for networks taken over from H2O with factors."
            raise TypeError(msg)
        if shape is not None:
            return self._explained_arrays(X, top, shape)
        if top is not None:
            check_integer("top", top, 1, "None or ")
        table = self._read_more(X)
        check_finite(self, table)
        n_columns = int(self.n_features_in_)
        most = n_columns if top is None else min(int(top), n_columns)
        parts = [
            self._reasons(X, table[rows], most, rows.start)
            for rows in _blocks(table.shape[0], n_columns)
        ]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        columns["row"] = _index_of(X, columns["row"])
        columns["feature"] = self._column_names()[columns["feature"]]
        return _frame(columns)

    def _reasons(self, X: Any, table: Table, most: int, start: int) -> dict[str, Array]:
        """Return the columns of the result for some rows, features as positions.

        Parameters
        ----------
        X : table
            All rows.
        table : ndarray, SparseTable or MixedTable
            Some of them, which begin at `start`.
        most : int
            Columns per row.
        start : int
        """
        seen = self._kept_of(table)
        row, rank, column, share, error = _ranked(self._column_errors(seen), most)
        made = self._call(_core.reconstruct, seen)
        numbers, codes = made if self._units is not None else (made, None)
        numbers = self._without_unknown(numbers)
        place = np.arange(self.n_features_in_)  # among the numbers; -1: a factor
        if self._schema is not None:
            place = np.full(self.n_features_in_, -1)
            place[list(self._schema.numbers)] = np.arange(len(self._schema.numbers))
        is_number = place[column] >= 0
        at = row[is_number], place[column][is_number]
        observed, expected = np.full((2, row.size), np.nan)
        observed[is_number] = _dense(table)[at]
        expected[is_number] = numbers[at]
        difference = observed - expected
        if self._schema is not None:
            if codes is None:
                codes = np.empty((len(numbers), 0), dtype=np.int32)
            decoded = self._schema.decode(numbers, codes, self._like)
            observed = _cells(X, row + start, column)
            expected = _cells(decoded, row, column)
        return {
            "row": row + start, "rank": rank, "feature": column, "share": share, "error": error,
            "observed": observed, "expected": expected, "difference": difference,
        }  # fmt: skip

    def _explained_arrays(self, X: Any, top: int | None, shape: Any) -> dict[str, Float64]:
        """Return what `explain` says as one array each."""
        if top is not None:
            msg = "top is for tables of reasons: give either top or shape."
            raise ValueError(msg)
        if self._schema is not None and self._schema.factors:
            msg = "shape is for tables of numbers, but fit saw factors: leave it out."
            raise TypeError(msg)
        listed = (shape,) if is_integer(shape) else shape
        n = int(self.n_features_in_)
        is_sequence = isinstance(listed, Sequence | np.ndarray) and not isinstance(listed, str)
        if not is_sequence or not all(is_integer(k) and k >= 1 for k in listed):
            fail("shape", "None, a whole number >= 1 or a sequence of these", shape)
        if math.prod(listed) != n:
            fail("shape", f"that of {n} columns", shape)
        table = self._read_more(X)
        check_finite(self, table)
        seen = self._kept_of(table)
        made = self._call(_core.reconstruct, seen)
        expected = self._without_unknown(made if self._units is None else made[0])
        error = np.asarray(self._column_errors(seen), dtype=np.float64)
        observed = np.where(np.isnan(error), np.nan, _dense(table)).astype(np.float64)
        expected = np.where(np.isnan(error), np.nan, expected).astype(np.float64)
        arrays = {
            "share": _shares(error),
            "error": error,
            "observed": observed,
            "expected": expected,
            "difference": observed - expected,
        }
        return {name: array.reshape(-1, *listed) for name, array in arrays.items()}

    def _column_names(self) -> npt.NDArray[Any]:
        """Return the names of the columns, or their positions."""
        names = getattr(self, "feature_names_in_", None)
        if names is None and self._schema is not None and self._schema.named:
            names = self._schema.names
        if names is None:
            return np.arange(self.n_features_in_)
        return np.asarray(names, dtype=object)


def _ranked(errors: Array, most: int) -> tuple[Array, Array, Array, Float64, Float64]:
    """Return rows, ranks, columns, shares and errors of the largest errors of each row.

    Parameters
    ----------
    errors : ndarray of shape (n, n_columns)
        NaN where there is none.
    most : int
    """
    order = np.argsort(-errors, axis=1, kind="stable")[:, :most]  # NaN comes last
    values = np.take_along_axis(errors, order, axis=1).astype(np.float64)
    row, at = np.nonzero(~np.isnan(values))
    error = values[row, at]
    column = order[row, at]
    return row, at + 1, column, _shares(errors)[row, column], error


def _shares(errors: Array) -> Float64:
    """Return what share of its row's sum each error is; of infinite ones alike."""
    endless = np.isinf(errors)
    has_endless = endless.any(axis=1, keepdims=True)
    values = np.where(has_endless & ~np.isnan(errors), endless, errors).astype(np.float64)
    # Over the largest first, so that sums stay finite.
    largest = np.max(np.nan_to_num(values), axis=1, keepdims=True, initial=0.0)
    values /= np.where(largest > 0, largest, 1.0)
    total = np.nansum(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(total > 0, total, 1.0))


def _dense(table: Table) -> Array:
    """Return all numbers of a table."""
    numbers = numbers_of(table)
    return numbers.toarray() if isinstance(numbers, SparseTable) else numbers


def _blocks(n_rows: int, n_columns: int) -> list[slice]:
    step = max(1, _CELLS // max(1, n_columns))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def _cells(X: Any, row: Array, column: Array) -> npt.NDArray[np.object_]:
    """Return single cells of a table of any kind as Python objects."""
    cells = np.empty(row.size, dtype=object)
    frame = X if hasattr(X, "shape") or hasattr(X, "schema") else np.asarray(X, dtype=object)
    for j in np.unique(column):
        chosen = np.flatnonzero(column == j)
        for at, value in zip(chosen, _taken(frame, row[chosen], int(j)), strict=True):
            cells[at] = value
    return cells


def _taken(X: Any, rows: Array, column: int) -> list[Any]:
    """Return some cells of a column."""
    if hasattr(X, "iloc"):
        return list(X.iloc[rows, column])
    kind = type(X).__module__.partition(".")[0]
    if kind == "polars":
        return list(X.to_series(column).gather(rows))
    if kind == "pyarrow":
        return list(X.column(column).take(rows).to_pylist())
    return list(X[rows, column])


def _index_of(X: Any, rows: Array) -> Any:
    """Return what the user calls the rows."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(X, pandas.DataFrame):
        return rows
    index = X.index.take(rows)
    return index.to_flat_index() if index.nlevels > 1 else index


def _frame(columns: dict[str, Any]) -> Any:
    """Return columns as a pandas frame, or without pandas as a table of our own."""
    try:
        import pandas as pd
    except ImportError:
        return Tidy(columns)
    return pd.DataFrame(columns)
