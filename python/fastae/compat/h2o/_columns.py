"""Reading frames of any kind as named columns: floats with NaN, or factors."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterable

Float64 = npt.NDArray[np.float64]

_MOST_SPREAD = 8e37  # within float32's normal range, as is its reciprocal


@dataclass(frozen=True)
class Factor:
    """A column of categories.

    Attributes
    ----------
    levels : tuple of str
        The categories that occur, in their order.
    codes : ndarray of int
        Index of each row's level; -1 where the value is missing.
    """

    levels: tuple[str, ...]
    codes: npt.NDArray[np.intp]


Column = Float64 | Factor
Unit = Literal["range", "deviation"]


class Frame:
    """One interface to pandas and polars frames and to two-dimensional arrays.

    Parameters
    ----------
    data : pandas.DataFrame, polars.DataFrame or array-like of shape (n_rows, n_columns)
    names : sequence of str or None
        Columns' names where `data` has none; None names them C1, C2, ... as H2O does.

    Attributes
    ----------
    names : tuple of str
    n_rows : int
    named : bool
        Whether the names are the table's own.

    Examples
    --------
    >>> from fastae.compat.h2o._columns import Frame
    >>> frame = Frame([[1.0, "red"], [None, "blue"]])
    >>> frame.names, frame.column("C1").tolist(), frame.column("C2").levels
    (('C1', 'C2'), [1.0, nan], ('blue', 'red'))
    """

    def __init__(self, data: Any, names: Iterable[str] | None = None) -> None:
        self.named = is_pandas(data) or is_polars(data)
        self._data: Any = data if self.named else _array(data)
        if self.named:
            names = map(str, data.columns)
        elif names is None:
            names = (f"C{i + 1}" for i in range(self._data.shape[1]))
        self.names = tuple(names)
        self.n_rows, n_columns = map(int, self._data.shape)
        if len(self.names) != n_columns:
            msg = f"The table must have {len(self.names)} columns, got {n_columns}."
            raise ValueError(msg)
        self._positions = {name: i for i, name in enumerate(self.names)}
        if len(self._positions) < n_columns:
            name, times = Counter(self.names).most_common(1)[0]
            msg = f"Columns must have different names, but {name!r} occurs {times} times."
            raise ValueError(msg)

    def __contains__(self, name: str) -> bool:
        return name in self._positions

    def column(self, name: str) -> Column:
        """Return a column as floats, with NaN where a number is missing, or as a factor."""
        position = self._positions[name]
        if is_pandas(self._data):
            return _from_pandas(self._data.iloc[:, position], name)
        if is_polars(self._data):
            return _from_polars(self._data.to_series(position), name)
        values = self._data[:, position]
        if values.dtype.kind in "biuf":
            return np.asarray(values, dtype=np.float64)
        return _from_objects(values.tolist())

    def distinct(self, name: str) -> list[Any]:
        """Return the different values of a column, as Python's objects, without missing ones."""
        position = self._positions[name]
        if is_pandas(self._data):
            values = self._data.iloc[:, position].dropna().unique().tolist()
        elif is_polars(self._data):
            values = self._data.to_series(position).drop_nulls().unique().to_list()
        else:
            values = list(dict.fromkeys(self._data[:, position].tolist()))
        return [value for value in values if not _is_missing(value)]


def is_pandas(data: Any) -> bool:
    """Tell whether this is a pandas frame, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def is_polars(data: Any) -> bool:
    """Tell whether this is a polars frame, without importing polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, polars.DataFrame)


def with_rows(data: Any, rows: npt.NDArray[np.bool_]) -> Any:
    """Return some rows of a frame or table."""
    if is_pandas(data):
        return data.loc[rows]
    return data.filter(rows) if is_polars(data) else _array(data)[rows]


def _array(data: Any) -> npt.NDArray[Any]:
    data = data.as_data_frame() if hasattr(data, "as_data_frame") else data
    table = np.asarray(data, dtype=None if hasattr(data, "dtype") else object)
    if table.ndim != 2:
        msg = f"A frame must be a table of rows and columns, got {type(data).__name__}."
        raise ValueError(msg)
    return table


def _from_pandas(series: Any, name: str) -> Column:
    kind = str(series.dtype)
    if kind == "category":
        categories = [text_of(value) for value in series.cat.categories]
        return _seen(categories, series.cat.codes.to_numpy())
    if series.dtype.kind in "iuf":
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if kind.startswith("str"):  # not objects, which may be of any type
        codes, levels = series.factorize(sort=True)
        return Factor(tuple(levels), codes)
    _fail_if_time(series.dtype.kind in "mM", name, kind)
    return _from_objects(series.astype(object).where(series.notna(), None).tolist())


def _from_polars(series: Any, name: str) -> Column:
    if series.dtype.is_numeric():
        values = series.cast(float).fill_null(float("nan"))
        return np.array(values.to_numpy(), dtype=np.float64)
    _fail_if_time(series.dtype.is_temporal(), name, str(series.dtype))
    if str(series.dtype).startswith("Enum"):
        codes = series.to_physical().cast(int).fill_null(-1).to_numpy()
        return _seen(series.dtype.categories.to_list(), codes)
    return _from_objects(series.to_list())


def _fail_if_time(is_time: bool, name: str, kind: str) -> None:
    if is_time:
        msg = f"Column {name!r} holds {kind}: turn times into numbers first."
        raise TypeError(msg)


def _from_objects(values: list[Any]) -> Column:
    """Return floats if all that is not missing is a number, else a factor."""
    missing = np.fromiter((_is_missing(value) for value in values), dtype=bool, count=len(values))
    numbers = (value for value, gone in zip(values, missing, strict=True) if not gone)
    if all(isinstance(value, Real | Decimal) and not isinstance(value, bool) for value in numbers):
        floats = (np.nan if gone else value for value, gone in zip(values, missing, strict=True))
        return np.fromiter(floats, dtype=np.float64, count=len(values))
    texts = [None if gone else text_of(value) for value, gone in zip(values, missing, strict=True)]
    levels = sorted({text for text in texts if text is not None})
    index = {level: code for code, level in enumerate(levels)}
    codes = (-1 if text is None else index[text] for text in texts)
    return Factor(tuple(levels), np.fromiter(codes, dtype=np.intp, count=len(texts)))


def as_factor(column: Column) -> Factor:
    """Return a column of numbers as the factor that their texts make."""
    if isinstance(column, Factor):
        return column
    values, inverse = np.unique(column, return_inverse=True)  # NaN, if any, is the last value
    return _seen([text_of(v) for v in values], np.where(np.isnan(column), -1, inverse))


def _seen(categories: list[str], codes: npt.NDArray[Any]) -> Factor:
    """Return the factor of the categories that occur; codes below 0 are missing values."""
    seen = np.unique(codes[codes >= 0])
    places = np.full(len(categories) + 1, -1, dtype=np.intp)  # the last one is what -1 reads
    places[seen] = np.arange(seen.size)
    return Factor(tuple(categories[i] for i in seen), places[codes])


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def text_of(value: Any) -> str:
    """Return how H2O would write a value as a level: whole numbers without a point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def gaps(column: Column) -> npt.NDArray[np.bool_]:
    """Return which values are missing."""
    return column.codes < 0 if isinstance(column, Factor) else np.isnan(column)


def is_constant(column: Column) -> bool:
    """Tell whether there is no more than one value besides missing ones."""
    return len(column.levels) <= 1 if isinstance(column, Factor) else spread(column) == 0.0


def spread(values: Float64) -> float:
    """Return the range of the values that are not missing; 0 if there are none."""
    known = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        return float(np.ptp(known)) if known.size else 0.0


def scale_of(values: Float64, name: str, by: Unit = "range") -> float:
    """Return 1 over the range or standard deviation; 1 for a constant column.

    Both must exist in float32.
    """
    width = spread(values)
    if by == "deviation" and 0.0 < width < _MOST_SPREAD:
        width = float(np.nanstd(values, ddof=1))
    if not width < _MOST_SPREAD:
        msg = (
            f"Column {name!r} has values further apart than single precision can hold: divide it "
            "by a constant or take logarithms first."
        )
        raise ValueError(msg)
    return 1.0 / width if width > 1.0 / _MOST_SPREAD else 1.0


def mean(values: Float64) -> float:
    """Return the mean of the values that are not missing; 0 if there are none."""
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0
    # Of a constant column the value itself: a mean could be off by rounding.
    return float(known[0] if known.min() == known.max() else known.mean())


def fail_if_infinite(values: Float64, name: str) -> Float64:
    """Return the values, or raise ValueError if one of them is infinite."""
    rows = np.flatnonzero(np.isinf(values))
    if rows.size:
        msg = f"Column {name!r} contains infinity in row {rows[0]}: replace or drop such values."
        raise ValueError(msg)
    return values
