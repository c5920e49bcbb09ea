"""The schema of a table: which columns are numbers, which are factors, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._input import readable
from fastae._schema._columns import (
    HOLDS,
    Array,
    Coded,
    Column,
    Filled,
    Kind,
    Positions,
    float_for,
    sentence,
)
from fastae._schema._factors import Factor
from fastae._schema._tables import open_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastae._schema._columns import Frame

Codes = npt.NDArray[np.int32]

_ROWS = 4096  # written together, so that rows of the table stay in the cache


@dataclass(frozen=True, eq=False)
class MixedTable:
    """A table as the core reads it.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_numbers)
        NaN where missing; of any type and memory layout that the core reads.
    codes : ndarray of shape (n_rows, n_factors), int32
        In C order; -1 where missing or unknown, unless a level stands for that.
    schema : Schema
        That made it.
    """

    numbers: Array
    codes: Codes
    schema: Schema

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the user's table."""
        return len(self), self.numbers.shape[1] + self.codes.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return self.numbers.dtype

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def __getitem__(self, rows: Any) -> MixedTable:
        return MixedTable(self.numbers[rows], np.ascontiguousarray(self.codes[rows]), self.schema)


class Schema:
    """What the columns of a table are, as learned in training.

    Factors are columns of text and of category types, and those named as categorical. Truth
    values are numbers. Dates become seconds since 1970 and durations seconds, as float64.

    Parameters
    ----------
    names : tuple of str
    kinds : tuple of {"number", "datetime", "duration", "factor"}
        One per column.
    factors : tuple of Factor
        In the order of their columns.
    missing : {"ignore", "impute", "error"}
    named : bool
        Whether the names are the user's own.

    Attributes
    ----------
    names, kinds, factors, missing, named
        As given.
    n_columns : int
    numbers : tuple of int
        Positions of the columns that are no factors.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastae._schema import Schema
    >>> X = pd.DataFrame({"colour": ["red", "blue", None], "size": [1.5, 2.0, None]})
    >>> schema = Schema.learn(X, categorical_features=None, max_levels=10, missing="ignore")
    >>> table = schema.encode(X)
    >>> table.codes.ravel().tolist(), table.numbers.ravel().tolist()
    ([1, 0, -1], [1.5, 2.0, nan])
    >>> schema.decode(table.numbers, table.codes, X).equals(X)
    True
    """

    def __init__(
        self,
        names: tuple[str, ...],
        kinds: tuple[Kind, ...],
        factors: tuple[Factor, ...],
        missing: str,
        *,
        named: bool,
    ) -> None:
        self.names = names
        self.kinds = kinds
        self.factors = factors
        self.missing = missing
        self.named = named
        self.n_columns = len(names)
        self.numbers = tuple(i for i, kind in enumerate(kinds) if kind != "factor")

    @classmethod
    def learn(
        cls,
        X: Any,
        *,
        categorical_features: Any,
        max_levels: int,
        missing: str,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Schema:
        """Learn from one table; see `SchemaLearner` for parameters and errors.

        Parameters
        ----------
        X : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or array-like
        categorical_features : None, "from_dtype", "auto" or array-like
        max_levels : int
        missing : {"ignore", "impute", "error"}
        sample_weight : array-like of shape (n_rows,) or None

        Returns
        -------
        schema : Schema
        """
        from fastae._schema._learner import SchemaLearner

        learner = SchemaLearner(categorical_features, max_levels, missing)
        return learner.add(X, sample_weight).schema()

    def encode(self, X: Any) -> MixedTable:
        """Return a table as the core reads it.

        Parameters
        ----------
        X : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or array-like
            Columns as in training. A factor may be of another type whose values are equal. Names
            are not compared.

        Returns
        -------
        table : MixedTable
            `numbers` lies in the user's memory where that holds all of them in one type.

        Raises
        ------
        ValueError
            If a column holds something else than in training, or a value is missing and must
            not be.
        TypeError
            If a column is of a type that cannot be read.
        """
        frame = open_table(X)
        if len(frame.names) != self.n_columns:
            msg = f"The table must have {self.n_columns} columns, got {len(frame.names)}."
            raise ValueError(msg)
        codes = np.empty((frame.n_rows, len(self.factors)), dtype=np.int32)
        for j, factor in enumerate(self.factors):
            column = frame.column(factor.column)
            coded = column.coded()
            _check_levels(factor, coded, column)
            if self.missing == "error":
                fail_at_missing(coded.codes < 0, self._label(factor.column))
            factor.write(coded, codes[:, j])
        return MixedTable(self._read_numbers(frame), codes, self)

    def decode(self, numbers: npt.ArrayLike, codes: npt.ArrayLike, like: Any) -> Any:
        """Return numbers and codes as a table like the user's.

        Parameters
        ----------
        numbers : array-like of shape (n_rows, n_numbers)
        codes : array-like of shape (n_rows, n_factors)
            Missing values are below 0.
        like : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or array-like
            Of the columns that were learned; decides on the kind of the result, its names, types
            of its factors and times, and in pandas its index if it has as many rows.

        Returns
        -------
        table : of the kind of `like`
            Numbers are floats. A level "(other)" of numbers is missing.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        numbers, codes = np.asarray(numbers), np.asarray(codes)
        frame = open_table(like)
        wanted = {"numbers": len(self.numbers), "codes": len(self.factors)}
        for (name, width), array in zip(wanted.items(), (numbers, codes), strict=True):
            if array.shape != (len(numbers), width):
                msg = f"{name} must be of shape ({len(numbers)}, {width}), got {array.shape}."
                raise ValueError(msg)
        if len(frame.names) != self.n_columns:
            msg = f"like must have {self.n_columns} columns, got {len(frame.names)}."
            raise ValueError(msg)
        columns = {
            position: Filled(self.kinds[position], _floats(numbers[:, j]))
            for j, position in enumerate(self.numbers)
        }
        for j, factor in enumerate(self.factors):
            columns[factor.column] = Filled("factor", np.maximum(codes[:, j], -1), factor)
        return frame.rebuild([columns[position] for position in range(self.n_columns)])

    def columns_in_order(self, numbers_then_factors: Array) -> Array:
        """Return columns in the user's order.

        Parameters
        ----------
        numbers_then_factors : ndarray of shape (n_rows, n_numbers + n_factors)

        Returns
        -------
        columns : ndarray of shape (n_rows, n_columns)
        """
        positions = [*self.numbers, *(factor.column for factor in self.factors)]
        return numbers_then_factors[:, np.argsort(positions)]

    def state(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold, and one array "counts" of all levels."""
        return {
            "names": list(self.names),
            "named": self.named,
            "kinds": list(self.kinds),
            "missing": self.missing,
            "factors": [{"levels": list(f.levels), "other": f.other} for f in self.factors],
            "counts": np.concatenate([np.empty(0), *(f.counts for f in self.factors)]),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Schema:
        """Return the schema that `state` was called on.

        Parameters
        ----------
        state : mapping

        Returns
        -------
        schema : Schema
        """
        names, kinds = tuple(state["names"]), tuple(state["kinds"])
        columns = [i for i, kind in enumerate(kinds) if kind == "factor"]
        ends = np.cumsum([len(saved["levels"]) for saved in state["factors"]], dtype=np.intp)
        counts = np.split(np.asarray(state["counts"], dtype=np.float64), ends)
        factors = tuple(
            Factor(i, names[i], tuple(saved["levels"]), counts[j].copy(), bool(saved["other"]))
            for j, (i, saved) in enumerate(zip(columns, state["factors"], strict=True))
        )
        return cls(names, kinds, factors, state["missing"], named=bool(state["named"]))

    def _label(self, position: int) -> str:
        return f"column {position}" + (f" ({self.names[position]!r})" if self.named else "")

    def _read_numbers(self, frame: Frame) -> Array:
        if not self.numbers:
            return np.empty((frame.n_rows, 0), dtype=np.float32)
        block = None
        if all(self.kinds[position] == "number" for position in self.numbers):
            block = frame.block(_evenly(self.numbers))
        if block is None:
            columns = [self._read_column(frame, position) for position in self.numbers]
            block = columns[0][:, np.newaxis] if len(columns) == 1 else _side_by_side(columns)
        if self.missing == "error":
            self._fail_at_nan(block)
        return readable(block)

    def _read_column(self, frame: Frame, position: int) -> Array:
        column, wanted = frame.column(position), self.kinds[position]
        kind = column.kind
        if kind not in (wanted, "empty"):
            msg = (
                f"{sentence(self._label(position))} holds {HOLDS[kind]} ({column.type_name}), but "
                f"{HOLDS[wanted]} in training: convert it first."
            )
            raise ValueError(msg)
        return column.numbers()

    def _fail_at_nan(self, block: Array) -> None:
        if block.dtype.kind != "f":
            return
        for j, position in enumerate(self.numbers):
            # The sum is cheaper than the test, and NaN if a value is.
            with np.errstate(over="ignore", invalid="ignore"):
                if np.isnan(np.sum(block[:, j])):
                    fail_at_missing(np.isnan(block[:, j]), self._label(position))


def fail_at_missing(
    missing: npt.NDArray[np.bool_],
    label: str,
    present: npt.NDArray[np.bool_] | None = None,
    n_before: int = 0,
) -> None:
    """Raise ValueError naming the first row with a missing value, if there is one.

    Parameters
    ----------
    missing : ndarray of shape (n_rows,), bool
    label : str
        The column's position and name.
    present : ndarray of shape (n_rows,), bool, or None
        Rows that are looked at.
    n_before : int
        Rows of earlier batches.
    """
    rows = np.flatnonzero(missing if present is None else missing & present)
    if rows.size:
        msg = (
            f"Input X has a missing value in row {n_before + int(rows[0])}, {label}: fill in or "
            "drop missing values first, or set missing='ignore'."
        )
        raise ValueError(msg)


def _check_levels(factor: Factor, coded: Coded, column: Column) -> None:
    """Raise ValueError if there was text in training and are only numbers now, or vice versa."""
    if not factor.known or not coded.levels:
        return
    text = {isinstance(level, str) for level in factor.known}
    if text.isdisjoint(isinstance(level, str) for level in coded.levels):
        now, before = ("numbers", "text") if True in text else ("text", "numbers")
        msg = (
            f"{sentence(column.label)} holds {now} ({column.type_name}), but its categories were "
            f"{before} in training: convert it first."
        )
        raise ValueError(msg)


def _evenly(positions: tuple[int, ...]) -> Positions:
    """Return the positions as a slice where they are evenly spaced: slices are views."""
    step = positions[1] - positions[0] if len(positions) > 1 else 1
    steps = range(positions[0], positions[-1] + 1, step)
    return slice(steps.start, steps.stop, step) if positions == tuple(steps) else list(positions)


def _side_by_side(columns: list[Array]) -> Array:
    # In C order: training reads rows in random order.
    table = np.empty((len(columns[0]), len(columns)), float_for([c.dtype for c in columns]))
    for start in range(0, len(table), _ROWS):
        for j, column in enumerate(columns):
            table[start : start + _ROWS, j] = column[start : start + _ROWS]
    return table


def _floats(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float64)
