"""Learning a schema, from one table or from batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastae._schema._columns import HOLDS, Array, Frame, Kind, sentence
from fastae._schema._factors import LevelCounter
from fastae._schema._schema import Schema, fail_at_missing
from fastae._schema._tables import names_factors, open_table

MISSING = ("ignore", "impute", "error")


class SchemaLearner:
    """Learns a schema from batches of rows, in any order.

    The levels of text are those of all batches, sorted. Those of category types keep their own
    order as long as all batches have the same ones, else they are sorted too.

    Parameters
    ----------
    categorical_features : None, "from_dtype", "auto" or array-like
        Columns that are factors although they hold numbers: names, positions, or a bool mask of
        shape (n_columns,). Columns of text and of category types always are.
    max_levels : int
        At least 2. Of more levels the max_levels - 1 most frequent are kept, and the others
        share a last one, "(other)".
    missing : {"ignore", "impute", "error"}
        Missing cells of factors have the code -1, or are a level None of their own, or an error.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from fastae._schema import SchemaLearner
    >>> learner = SchemaLearner("from_dtype", max_levels=10, missing="ignore")
    >>> learner.add([["red", 1.0], ["blue", 2.0]]).add([["green", None]]).schema().factors[0].levels
    ('blue', 'green', 'red')
    """

    def __init__(self, categorical_features: Any, max_levels: int, missing: str) -> None:
        _check_max_levels(max_levels)
        if missing not in MISSING:
            msg = f"missing must be one of {', '.join(map(repr, MISSING))}, got {missing!r}."
            raise ValueError(msg)
        self._categorical = categorical_features
        self._max_levels = int(max_levels)
        self._missing = missing
        self._names: tuple[str, ...] | None = None
        self._named = False
        self._kinds: list[Kind] = []
        self._chosen: frozenset[int] = frozenset()  # factors although they hold numbers
        self._counters: dict[int, LevelCounter] = {}
        self._n_rows = 0

    def add(self, batch: Any, sample_weight: npt.ArrayLike | None = None) -> SchemaLearner:
        """Learn from some rows.

        Parameters
        ----------
        batch : pandas.DataFrame, polars.DataFrame, pyarrow.Table or array-like
        sample_weight : array-like of shape (n_rows,) or None
            Rows of weight 0 are absent.

        Returns
        -------
        self : SchemaLearner

        Raises
        ------
        ValueError
            If columns differ from those of earlier batches, a column mixes numbers and text, or
            a value is missing and must not be.
        TypeError
            If a column is of a type that cannot be read.
        """
        frame = open_table(batch)
        weights = _weights(sample_weight, frame.n_rows)
        self._settle_names(frame)
        for position in range(len(frame.names)):
            self._add_column(frame, position, weights)
        self._n_rows += frame.n_rows
        return self

    def schema(self) -> Schema:
        """Return what was learned so far.

        Raises
        ------
        ValueError
            If nothing was added.
        """
        if self._names is None:
            msg = "A schema needs at least one batch: call add first."
            raise ValueError(msg)
        factors = tuple(
            counter.factor(
                position,
                self._names[position],
                self._max_levels,
                missing_level=self._missing == "impute",
            )
            for position, counter in sorted(self._counters.items())
            if self._kinds[position] == "factor"
        )
        # A column without any value says nothing: it is one of numbers, all missing.
        kinds: tuple[Kind, ...] = tuple("number" if k == "empty" else k for k in self._kinds)
        return Schema(self._names, kinds, factors, self._missing, named=self._named)

    def _settle_names(self, frame: Frame) -> None:
        if self._names is None:
            self._names, self._named = frame.names, frame.named
            self._kinds = ["empty"] * len(frame.names)
            self._chosen = chosen_factors(self._categorical, frame)
        elif len(frame.names) != len(self._names):
            msg = f"A batch has {len(frame.names)} columns, earlier ones have {len(self._names)}."
            raise ValueError(msg)
        elif frame.named and self._named and frame.names != self._names:
            position = next(i for i, name in enumerate(self._names) if name != frame.names[i])
            msg = (
                f"Column {position} of a batch is called {frame.names[position]!r}, in earlier "
                f"ones {self._names[position]!r}."
            )
            raise ValueError(msg)

    def _add_column(self, frame: Frame, position: int, weights: Array | None) -> None:
        column = frame.column(position)
        kind = column.kind
        if position in self._chosen:
            kind = "factor"
        before = self._kinds[position]
        if kind != before and "empty" not in (kind, before):
            msg = (
                f"{sentence(column.label)} holds {HOLDS[kind]} in one batch ({column.type_name}), "
                f"but {HOLDS[before]} in an earlier one."
            )
            raise ValueError(msg)
        if kind != "empty":
            self._kinds[position] = kind
        # Also where the type is open yet: if it turns out to be a factor, these were missing.
        if self._kinds[position] in ("factor", "empty"):
            coded = column.coded()
            if self._missing == "error":
                present = None if weights is None else weights > 0
                fail_at_missing(coded.codes < 0, column.label, present, self._n_rows)
            if position not in self._counters:
                self._counters[position] = LevelCounter()
            self._counters[position].add(coded, weights)


def chosen_factors(categorical_features: Any, frame: Frame) -> frozenset[int]:
    """Return the positions of columns that are named as categorical.

    Raises
    ------
    ValueError
        If it is neither names, positions nor a mask, or one of them is not in the table.
    TypeError
        If it is no array-like.
    """
    if not names_factors(categorical_features):
        mask = np.asarray(categorical_features if categorical_features is not None else "")
        if mask.dtype == bool and mask.ndim:
            _check_mask(mask, len(frame.names))
        return frozenset()
    given = np.asarray(categorical_features)
    if given.ndim != 1:
        msg = (
            "categorical_features must be a list of names or of positions or a mask, got "
            f"{given.ndim} dimensions."
        )
        raise ValueError(msg)
    if given.dtype == bool:
        _check_mask(given, len(frame.names))
        return frozenset(np.flatnonzero(given).tolist())
    if given.dtype.kind in "iu":
        return frozenset(_position(int(i), len(frame.names)) for i in given)
    if all(isinstance(name, str) for name in categorical_features):
        return frozenset(_position_of_name(str(name), frame) for name in categorical_features)
    msg = (
        "categorical_features must hold names, or positions, or one truth value per column, got "
        f"{categorical_features!r}."
    )
    raise ValueError(msg)


def _check_mask(mask: Array, n_columns: int) -> None:
    if mask.shape != (n_columns,):
        msg = (
            f"categorical_features as a mask must have one truth value for each of the "
            f"{n_columns} columns, got shape {mask.shape}."
        )
        raise ValueError(msg)


def _position(position: int, n_columns: int) -> int:
    if not 0 <= position < n_columns:
        msg = f"categorical_features must be positions from 0 to {n_columns - 1}, got {position}."
        raise ValueError(msg)
    return position


def _position_of_name(name: str, frame: Frame) -> int:
    if not frame.named:
        msg = (
            f"categorical_features names a column {name!r}, but the table has no names: give "
            "positions."
        )
        raise ValueError(msg)
    times = frame.names.count(name)
    if times != 1:
        what = "no column" if times == 0 else f"{times} columns"
        msg = f"categorical_features names {name!r}, but the table has {what} of that name."
        raise ValueError(msg)
    return frame.names.index(name)


def _check_max_levels(max_levels: Any) -> None:
    whole = isinstance(max_levels, int | np.integer) and not isinstance(max_levels, bool)
    if not whole or max_levels < 2:
        msg = f"max_levels must be an integer of at least 2, got {max_levels!r}."
        raise ValueError(msg)


def _weights(sample_weight: npt.ArrayLike | None, n_rows: int) -> Array | None:
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_rows,):
        msg = f"sample_weight must have one weight for each of the {n_rows} rows, got shape "
        msg += f"{weights.shape}."
        raise ValueError(msg)
    return weights
