"""The table that the network sees: factors as groups of units, then numbers; no gaps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.compat.h2o._columns import (
    Column,
    Factor,
    Frame,
    Unit,
    as_factor,
    fail_if_infinite,
    gaps,
    is_constant,
    is_pandas,
    is_polars,
    mean,
    scale_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Float64 = npt.NDArray[np.float64]

MISSING = "missing(NA)"  # what H2O calls the unit that stands for a factor's missing value


@dataclass(frozen=True, eq=False)
class FrameEncoder:
    """Turns frames into the numbers that go into a network, column by column as H2O does.

    A factor of K levels becomes K + 1 units: a 1 among zeros at the row's level, or at the last
    unit where the value is missing or a level that training never saw. Numbers stay in their own
    units, and a missing one becomes `fill`.

    Attributes
    ----------
    factors : dict of str to tuple of str
        Levels of each factor, in the order of the units.
    numbers : tuple of str
        Columns of numbers, which follow the factors.
    shift, scale : ndarray of shape (n_columns,), float64
        The network sees ``(x - shift) * scale``: units as they are, numbers as in training.
    fill : ndarray of shape (len(numbers),), float64
        In place of missing numbers.
    frame_names : tuple of str
        All columns of the training frame, for tables that have no names.
    had_missing : frozenset of str
        Columns in which training saw missing values.
    response : str or None
        The column that is to be predicted, which tables without names may lack.

    Examples
    --------
    >>> from fastae.compat.h2o import FrameEncoder
    >>> encoder = FrameEncoder.fit([[1.0, "red"], [3.0, "blue"], [None, "red"]])
    >>> encoder.names
    ['C2.blue', 'C2.red', 'C2.missing(NA)', 'C1']
    >>> encoder.transform([[None, "red"], [5.0, None]])
    array([[0., 1., 0., 2.],
           [0., 0., 1., 5.]])
    """

    factors: Mapping[str, tuple[str, ...]]
    numbers: tuple[str, ...]
    shift: Float64
    scale: Float64
    fill: Float64
    frame_names: tuple[str, ...]
    had_missing: frozenset[str] = frozenset()
    response: str | None = None

    @classmethod
    def fit(
        cls,
        data: Any,
        columns: Iterable[str] | None = None,
        *,
        standardize: bool = True,
        ignore_const_cols: bool = True,
        unit: Unit = "range",
    ) -> Self:
        """Learn levels, means and ranges from a training frame.

        Parameters
        ----------
        data : pandas.DataFrame, polars.DataFrame or array-like of shape (n_rows, n_columns)
        columns : iterable of str or None, default=None
            The columns to use; None takes all. The frame's order counts, not this one.
        standardize : bool, default=True
            Shift numbers by their mean and divide them by `unit`.
        ignore_const_cols : bool, default=True
            Drop columns with a single value, or none at all, with a warning.
        unit : {"range", "deviation"}, default="range"
            "deviation" is the standard deviation, as in H2O's networks with a response.

        Returns
        -------
        encoder : FrameEncoder

        Raises
        ------
        ValueError
            If the frame has no rows, no usable column, or a column with infinity.
        """
        frame = Frame(data)
        if frame.n_rows == 0:
            msg = "The training frame has no rows."
            raise ValueError(msg)
        wanted = set(frame.names if columns is None else columns)
        read = {name: frame.column(name) for name in frame.names if name in wanted}
        constant = [name for name, column in read.items() if is_constant(column)]
        if ignore_const_cols and constant:
            warnings.warn(f"Dropping constant columns: {_listed(constant)}.", stacklevel=3)
            read = {name: column for name, column in read.items() if name not in constant}
        if not read:
            msg = "The training frame has no usable column: all are constant or ignored."
            raise ValueError(msg)
        return cls._from_columns(read, frame.names, unit if standardize else None)

    @classmethod
    def _from_columns(
        cls, read: Mapping[str, Column], frame_names: tuple[str, ...], unit: Unit | None
    ) -> Self:
        levels = {name: c.levels for name, c in read.items() if isinstance(c, Factor)}
        factors = {name: levels[name] for name in _by_size(levels)}
        numbers = {name: c for name, c in read.items() if not isinstance(c, Factor)}
        means = np.array([mean(fail_if_infinite(values, name)) for name, values in numbers.items()])
        scale = np.array([scale_of(x, name, unit or "range") for name, x in numbers.items()])
        fill = means
        if unit is None:
            means, scale = np.zeros_like(means), np.ones_like(scale)
        had_missing = frozenset(name for name, column in read.items() if gaps(column).any())
        encoder = cls.for_network(factors, tuple(numbers), means, scale)
        return replace(encoder, fill=fill, frame_names=frame_names, had_missing=had_missing)

    @classmethod
    def for_network(
        cls,
        factors: Mapping[str, tuple[str, ...]],
        numbers: Sequence[str],
        shift: npt.ArrayLike,
        scale: npt.ArrayLike,
    ) -> Self:
        """Return the encoder of a network whose levels and scaling are known.

        Parameters
        ----------
        factors : mapping of str to sequence of str
            Levels of each factor, in the order of the network's inputs.
        numbers : sequence of str
            Columns of numbers, in the same order.
        shift, scale : array-like of shape (len(numbers),)
            The network sees ``(x - shift) * scale``, and 0 for a missing number.

        Returns
        -------
        encoder : FrameEncoder
        """
        n_units = sum(len(levels) + 1 for levels in factors.values())
        shift = np.asarray(shift, dtype=np.float64)
        scale = np.asarray(scale, dtype=np.float64)
        return cls(
            factors={name: tuple(levels) for name, levels in factors.items()},
            numbers=tuple(numbers),
            shift=np.concatenate([np.zeros(n_units), shift]),
            scale=np.concatenate([np.ones(n_units), scale]),
            fill=shift,
            frame_names=(*factors, *numbers),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a frame that are read, factors first."""
        return (*self.factors, *self.numbers)

    @property
    def n_columns(self) -> int:
        """Columns of the encoded table: the width of the network's input."""
        return self.shift.size

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns: "column.level", "column.missing(NA)", or "column"."""
        units = [f"{name}.{x}" for name, levels in self.factors.items() for x in (*levels, MISSING)]
        return [*units, *self.numbers]

    @property
    def offsets(self) -> list[int]:
        """Where each factor's units start, and where the last one's end."""
        return [0, *accumulate(len(levels) + 1 for levels in self.factors.values())]

    def transform(self, data: Any) -> Float64:
        """Return a frame as the network's input, in the columns' own units.

        Parameters
        ----------
        data : pandas.DataFrame, polars.DataFrame or array-like of shape (n_rows, n_columns)
            Columns are found by their names, and those that training did not use are ignored. An
            array has the columns of the training frame, or those that the network uses.

        Returns
        -------
        matrix : ndarray of shape (n_rows, n_columns), float64
            Without NaN. Columns that the frame lacks are taken as missing, with a warning.

        Raises
        ------
        ValueError
            If no column is known, or a column of numbers holds text or infinity.
        """
        frame = self.frame(data)
        matrix = np.zeros((self.n_columns, frame.n_rows)).T  # it is filled column by column
        rows = np.arange(frame.n_rows)
        present = [name for name in self.columns if name in frame]
        self._check_present(present)
        unknown: list[str] = []
        for start, (name, levels) in zip(self.offsets, self.factors.items(), strict=False):
            codes = np.full(frame.n_rows, len(levels))
            if name in frame:
                codes = _codes(as_factor(frame.column(name)), levels, name, unknown)
            matrix[rows, start + codes] = 1.0
        for position, name in enumerate(self.numbers):
            fill = self.fill[position]
            values = _numbers(frame.column(name), name) if name in frame else fill
            matrix[:, self.offsets[-1] + position] = np.where(np.isnan(values), fill, values)
        if unknown:
            warnings.warn(
                f"Levels that training did not see count as missing: {_listed(unknown)}.",
                stacklevel=4,
            )
        return np.ascontiguousarray(matrix)  # training reads it row by row

    def missing_rows(self, data: Any) -> npt.NDArray[np.bool_]:
        """Return which rows have a missing value in a column that the network uses."""
        frame = self.frame(data)
        missing = np.zeros(frame.n_rows, dtype=bool)
        for name in self.columns:
            missing |= gaps(frame.column(name)) if name in frame else True
        return missing

    def frame(self, data: Any) -> Frame:
        """Return data with names; an array gets those of the training frame."""
        if is_pandas(data) or is_polars(data):
            return Frame(data)
        width = np.shape(data)[1] if np.ndim(data) == 2 else 0
        without_response = [name for name in self.frame_names if name != self.response]
        in_frame_order = [name for name in self.frame_names if name in set(self.columns)]
        fits = (
            names
            for names in (self.frame_names, without_response, in_frame_order)
            if len(names) == width
        )
        return Frame(data, next(fits, self.frame_names))

    def _check_present(self, present: list[str]) -> None:
        if not present:
            msg = f"The frame has none of the columns of training: {_listed(self.columns)}."
            raise ValueError(msg)
        absent = [name for name in self.columns if name not in present]
        if absent:
            warnings.warn(
                f"Columns that the frame lacks count as missing: {_listed(absent)}.", stacklevel=5
            )


def _by_size(levels: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return names by descending number of levels, ties in the order H2O's sort leaves them."""
    names = list(levels)
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            if len(levels[names[i]]) < len(levels[names[j]]):
                names[i], names[j] = names[j], names[i]
    return names


def _codes(
    factor: Factor, levels: tuple[str, ...], name: str, unknown: list[str]
) -> npt.NDArray[np.intp]:
    """Return each row's unit within its group, noting levels that training did not see."""
    index = {level: code for code, level in enumerate(levels)}
    unknown += [f"{name}.{level}" for level in factor.levels if level not in index]
    missing = len(levels)
    units = np.array([*(index.get(level, missing) for level in factor.levels), missing])
    return units[factor.codes]  # code -1, a missing value, reads the last one


def _numbers(column: Column, name: str) -> Float64:
    if isinstance(column, Factor):
        if not column.levels:  # nothing but missing values
            return np.full(column.codes.size, np.nan)
        msg = f"Column {name!r} must hold numbers as in training, got {column.levels[0]!r}."
        raise ValueError(msg)
    return fail_if_infinite(column, name)


def _listed(names: Iterable[str]) -> str:
    """Return names for a message, the first few of many."""
    names = list(names)
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more
