"""Frames of pandas: its own, nullable and Arrow-backed types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fastae._schema._arrays import ArrayColumn, ObjectColumn
from fastae._schema._columns import (
    Array,
    Coded,
    Column,
    Filled,
    Frame,
    Kind,
    Positions,
    float_for,
    plain,
    to_stamps,
)


class CategoryColumn(Column):
    """A column of text or categories.

    Parameters
    ----------
    series : pandas.Series
        Of a string or category type.
    label : str
    """

    def __init__(self, series: Any, label: str) -> None:
        super().__init__(label, str(series.dtype))
        self._values = series.array

    @property
    def kind(self) -> Kind:
        """Always a factor."""
        return "factor"

    def numbers(self) -> Array:
        """Categories are no numbers."""
        self.fail_at_type()

    def coded(self) -> Coded:
        """Return a category type's levels and a view of its codes, or look for different texts."""
        if isinstance(self._values, pd.Categorical):
            levels = [plain(value) for value in self._values.categories]
            return Coded(levels, np.asarray(self._values.codes), declared=True)
        codes, levels = pd.factorize(self._values)
        return Coded([str(level) for level in levels], codes)


class NullableColumn(Column):
    """A column of a nullable number type such as Int64 or boolean.

    Parameters
    ----------
    series : pandas.Series
    label : str
    """

    def __init__(self, series: Any, label: str) -> None:
        super().__init__(label, str(series.dtype))
        self._values = series.array

    @property
    def kind(self) -> Kind:
        """Always numbers."""
        return "number"

    def numbers(self) -> Array:
        """Return the numbers in their own type, or as floats where some are missing."""
        dtype = self._values.dtype.numpy_dtype
        if not self._values.isna().any():
            return np.asarray(self._values.to_numpy(dtype=dtype, copy=False))
        return np.asarray(self._values.to_numpy(dtype=float_for([dtype]), na_value=np.nan))

    def coded(self) -> Coded:
        """Return exact levels, also of integers that no float holds."""
        codes, levels = pd.factorize(self._values)
        return Coded([plain(level) for level in levels], codes)


class UnreadableColumn(Column):
    """A column of a type that is neither numbers, times nor categories."""

    @property
    def kind(self) -> Kind:
        """Raise TypeError."""
        self.fail_at_type()

    def numbers(self) -> Array:
        """Raise TypeError."""
        self.fail_at_type()


class PandasFrame(Frame):
    """A frame of pandas as a table.

    Parameters
    ----------
    X : pandas.DataFrame
    """

    def __init__(self, X: Any) -> None:
        self._frame = X
        self.names = tuple(map(str, X.columns))
        self.named = True
        self.n_rows = len(X)

    @property
    def only_numbers(self) -> bool:
        """Whether all types are NumPy's numbers: a frame may have thousands of columns."""
        dtypes = set(self._frame.dtypes)
        return all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes)

    def column(self, position: int) -> Column:
        """Return a column by its position."""
        series, label = self._frame.iloc[:, position], self.label(position)
        dtype = series.dtype
        if isinstance(dtype, pd.ArrowDtype):
            from fastae._schema._arrow import ArrowColumn

            return ArrowColumn(series.array.__arrow_array__(), label)
        if isinstance(dtype, pd.SparseDtype):
            series = series.sparse.to_dense()
        if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
            return CategoryColumn(series, label)
        if isinstance(dtype, pd.DatetimeTZDtype):
            series = series.dt.tz_convert(None)
        if isinstance(series.dtype, np.dtype):
            values = series.to_numpy(copy=False)
            return (ObjectColumn if values.dtype.kind == "O" else ArrayColumn)(values, label)
        if isinstance(getattr(dtype, "numpy_dtype", None), np.dtype) and dtype.kind in "biuf":
            return NullableColumn(series, label)
        return UnreadableColumn(label, str(dtype))

    def block(self, positions: Positions) -> Array | None:
        """Return columns of one NumPy type: a view where pandas holds them together."""
        part = self._frame.iloc[:, positions]
        dtypes = set(part.dtypes)
        dtype = dtypes.pop() if len(dtypes) == 1 else None
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            return np.asarray(part.to_numpy(copy=False))
        return None

    def rebuild(self, columns: list[Filled]) -> Any:
        """Return a frame with the same names, and the same index if as many rows."""
        dtypes = list(self._frame.dtypes)
        values = {
            j: _fill(
                column.as_times(self.column(j)) if dtypes[j].kind in "OmM" else column, dtypes[j]
            )
            for j, column in enumerate(columns)
        }
        n_rows = len(columns[0].values) if columns else 0
        index = self._frame.index if n_rows == self.n_rows else pd.RangeIndex(n_rows)
        # With their type: pandas would take objects that are text for its string type.
        series = {j: pd.Series(v, index=index, dtype=v.dtype) for j, v in values.items()}
        made = pd.DataFrame(series, index=index)
        made.columns = self._frame.columns
        return made


def _fill(column: Filled, dtype: Any) -> Any:
    """Return the values in a type as near to `dtype` as holds them."""
    if isinstance(dtype, pd.ArrowDtype):
        from fastae._schema._arrow import fill

        return pd.arrays.ArrowExtensionArray(fill(column, dtype.pyarrow_dtype))
    if column.kind in ("datetime", "duration"):
        return _fill_times(column.values, column.kind, dtype)
    if isinstance(dtype, pd.CategoricalDtype) and column.factor is not None:
        return _fill_categories(column, dtype)
    numbers = column.numbers()
    if numbers is None:
        return _fill_texts(column, dtype)
    if column.factor is not None:
        if dtype.kind == "O":
            return column.objects()
        return pd.array(numbers).astype(dtype) if not np.isnan(numbers).any() else numbers
    if hasattr(dtype, "numpy_dtype"):
        return pd.array(numbers, dtype="Float32" if numbers.dtype == np.float32 else "Float64")
    return numbers


def _fill_times(seconds: Array, kind: Kind, dtype: Any) -> Any:
    zone = getattr(dtype, "tz", None)
    unit = getattr(dtype, "unit", None) or (
        np.datetime_data(dtype)[0] if getattr(dtype, "kind", "O") in "mM" else "us"
    )
    stamps = to_stamps(seconds, kind, unit)
    return pd.DatetimeIndex(stamps, tz="UTC").tz_convert(zone).array if zone else stamps


def _fill_categories(column: Filled, dtype: Any) -> Any:
    """Return categories of the same type; levels that it does not list are added at its end."""
    levels, codes = column.texts()
    categories: list[Any] = list(dtype.categories)
    places = {plain(category): i for i, category in enumerate(categories)}
    used = set(np.unique(codes).tolist())
    for i, level in enumerate(levels):
        if level not in places and i in used:
            places[level] = len(categories)
            categories.append(level)
    targets = np.array([places.get(level, -1) for level in levels] + [-1])[codes]
    if len(categories) == len(dtype.categories):
        return pd.Categorical.from_codes(targets, dtype=dtype)
    index: Any = pd.Index(categories)
    return pd.Categorical.from_codes(targets, categories=index, ordered=dtype.ordered)


def _fill_texts(column: Filled, dtype: Any) -> Any:
    if dtype.kind == "O" and not isinstance(dtype, pd.StringDtype):
        return column.objects()
    levels, codes = column.texts()
    text: Any = dtype if isinstance(dtype, pd.StringDtype) else "str"
    return pd.array([str(level) for level in levels], dtype=text).take(codes, allow_fill=True)
