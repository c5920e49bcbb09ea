"""Frames of polars."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from fastae._schema._columns import (
    Array,
    Coded,
    Column,
    Filled,
    Frame,
    Kind,
    Positions,
    coded_numbers,
    plain,
    to_seconds,
    to_stamps,
)

_SMALL = (pl.Boolean, pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Float32)


class PolarsColumn(Column):
    """A column of polars.

    Parameters
    ----------
    series : polars.Series
    label : str
    """

    def __init__(self, series: Any, label: str) -> None:
        super().__init__(label, str(series.dtype))
        self._series = series

    @property
    def kind(self) -> Kind:
        """What it holds, by its type."""
        dtype = self._series.dtype
        if dtype == pl.Null:
            return "empty"
        if dtype.is_numeric() or dtype == pl.Boolean:
            return "number"
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            return "factor"
        if dtype in (pl.Date, pl.Datetime):
            return "datetime"
        return "duration" if dtype == pl.Duration else self.fail_at_type()

    def numbers(self) -> Array:
        """Return numbers in their own type, as floats where some are missing; or seconds."""
        series = self._series
        if self.kind in ("datetime", "duration"):
            return to_seconds(series.to_numpy())
        if self.kind == "empty":
            return np.full(len(series), np.nan, dtype=np.float32)
        if series.null_count() or series.dtype.is_decimal() or series.dtype == pl.Int128:
            series = series.cast(pl.Float32 if series.dtype in _SMALL else pl.Float64)
        return np.asarray(series.to_numpy())

    def coded(self) -> Coded:
        """Return the physical codes where the type has them, else look for different values."""
        series = self._series
        if self.kind == "empty" or self.kind in ("datetime", "duration"):
            return super().coded()
        if series.dtype == pl.Enum:
            return Coded(series.dtype.categories.to_list(), _signed(series), declared=True)
        if series.dtype == pl.Categorical:
            return _coded_categories(series)
        if series.dtype == pl.String:
            texts = series.unique().drop_nulls()
            return Coded(texts.to_list(), _signed(series.cast(pl.Enum(texts))))
        if not series.null_count():
            return coded_numbers(self.numbers())
        known = series.is_not_null().to_numpy()
        read = coded_numbers(PolarsColumn(series.drop_nulls(), self.label).numbers())
        codes = np.full(len(series), -1, dtype=np.int32)
        codes[known] = read.codes
        return Coded(read.levels, codes)


class PolarsFrame(Frame):
    """A frame of polars as a table.

    Parameters
    ----------
    X : polars.DataFrame
    """

    def __init__(self, X: Any) -> None:
        self._frame = X
        self.names = tuple(X.columns)
        self.named = True
        self.n_rows = X.height

    def column(self, position: int) -> Column:
        """Return a column by its position."""
        return PolarsColumn(self._frame.to_series(position), self.label(position))

    def block(self, positions: Positions) -> Array | None:  # noqa: ARG002
        """Return None: columns lie apart."""
        return None

    def rebuild(self, columns: list[Filled]) -> Any:
        """Return a frame with the same names."""
        dtypes = self._frame.dtypes
        series = [_fill(column, dtypes[j]) for j, column in enumerate(columns)]
        named = zip(self.names, series, strict=True)
        return pl.DataFrame([values.alias(name) for name, values in named])


def _signed(series: Any) -> Array:
    codes = series.to_physical().cast(pl.Int32)
    return np.asarray((codes.fill_null(-1) if codes.null_count() else codes).to_numpy())


def _coded_categories(series: Any) -> Coded:
    """Return the categories that occur: the type's own list is shared with other frames."""
    categories = series.unique().drop_nulls()
    physical = categories.to_physical().to_numpy()
    places = np.full(int(physical.max(initial=0)) + 2, -1, dtype=np.int32)  # -1 reads the last
    places[physical] = np.arange(len(physical))
    return Coded(categories.cast(pl.String).to_list(), places[_signed(series)])


def _fill(column: Filled, dtype: Any) -> Any:
    """Return the values in a type as near to `dtype` as holds them."""
    numbers = column.numbers()
    if column.kind in ("datetime", "duration"):
        return _fill_times(column.values, column.kind, dtype)
    if numbers is None:
        return _fill_texts(column, dtype)
    if dtype in (pl.Date, pl.Datetime, pl.Duration):
        return _fill_times(numbers, "duration" if dtype == pl.Duration else "datetime", dtype)
    made = pl.Series(numbers, nan_to_null=True)
    if column.factor is not None and (dtype.is_integer() or dtype == pl.Boolean):
        return made.cast(dtype)
    return made


def _fill_times(seconds: Array, kind: Kind, dtype: Any) -> Any:
    unit = "D" if dtype == pl.Date else getattr(dtype, "time_unit", "us")
    made = pl.Series(to_stamps(seconds, kind, unit))
    if getattr(dtype, "time_zone", None):
        return made.dt.replace_time_zone("UTC").dt.convert_time_zone(dtype.time_zone)
    return made.cast(dtype) if dtype in (pl.Date, pl.Datetime, pl.Duration) else made


def _fill_texts(column: Filled, dtype: Any) -> Any:
    levels, codes = column.texts()
    texts = pl.Series([str(plain(level)) for level in levels], dtype=pl.String)
    made = texts.gather(pl.Series(codes, dtype=pl.Int64).replace({-1: None}))
    if dtype == pl.Enum:
        used = made.unique().drop_nulls()
        fits = used.is_in(dtype.categories).all()
        return made.cast(dtype if fits else pl.Categorical)
    return made.cast(dtype) if dtype == pl.Categorical else made
