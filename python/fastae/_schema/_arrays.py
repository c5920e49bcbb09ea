"""Tables that are arrays, and columns of Python's objects."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Any, Literal, NoReturn, cast

import numpy as np

from fastae._input import readable
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
    sentence,
    to_seconds,
    to_stamps,
)

Family = Literal["missing", "number", "datetime", "duration", "factor", "unknown"]


class ArrayColumn(Column):
    """A column of numbers, dates or durations in an array.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
    label : str
    """

    def __init__(self, values: Array, label: str) -> None:
        super().__init__(label, str(values.dtype))
        self._values = values

    @property
    def kind(self) -> Kind:
        """What it holds."""
        kinds: dict[str, Kind] = dict.fromkeys("biuf", "number")
        kinds |= {"M": "datetime", "m": "duration"}
        return kinds.get(self._values.dtype.kind) or self.fail_at_type()

    def numbers(self) -> Array:
        """Return the values, or seconds."""
        times = self._values.dtype.kind in "mM"
        return to_seconds(self._values) if times else readable(self._values)


class ObjectColumn(Column):
    """A column of Python's objects: all text, all numbers, all dates or all durations.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), object
    label : str
    """

    def __init__(self, values: Array, label: str) -> None:
        super().__init__(label, "objects")
        self._values = values

    @cached_property
    def _families(self) -> dict[type, Family]:
        return {kind: family_of(kind) for kind in set(map(type, self._values))}

    @cached_property
    def _kind(self) -> Kind:
        families = set(self._families.values()) - {"missing"}
        if "unknown" in families:
            row = self._first("unknown")
            self.type_name = f"{type(self._values[row]).__name__} in row {row}"
            self.fail_at_type()
        if len(families) > 1 and "number" in families and self._first("number") < 0:
            families.remove("number")  # all of them are NaN
        if len(families) > 1:
            self._fail_at_mix()
        return cast("Kind", next(iter(families), "empty"))

    @property
    def kind(self) -> Kind:
        """What it holds; ValueError if a mixture."""
        return self._kind

    def numbers(self) -> Array:
        """Return numbers as float64, or seconds."""
        gone = [kind for kind, family in self._families.items() if family == "missing"]
        if self.kind in ("number", "empty"):
            return np.array([np.nan if type(v) in gone else v for v in self._values], np.float64)
        gone = [kind for kind, family in self._families.items() if family != self.kind]
        values = [None if type(v) in gone else _without_zone(v) for v in self._values]
        return to_seconds(np.array(values, "M8[us]" if self.kind == "datetime" else "m8[us]"))

    def coded(self) -> Coded:
        """Return levels in order of appearance, and codes."""
        if self.kind in ("datetime", "duration"):
            return coded_numbers(self.numbers())
        gone = {kind for kind, family in self._families.items() if family == "missing"}
        index: dict[Any, int] = {}
        codes = (
            -1 if type(v) in gone or v != v else index.setdefault(v, len(index))  # noqa: PLR0124
            for v in self._values
        )
        read = np.fromiter(codes, dtype=np.int32, count=len(self._values))
        return Coded([plain(value) for value in index], read)

    def _first(self, family: Family) -> int:
        """Return the first row with a value of that family that is not NaN, or -1."""
        for row, value in enumerate(self._values):
            if self._families[type(value)] == family and not _is_nan(value):
                return row
        return -1

    def _fail_at_mix(self) -> NoReturn:
        families = set(self._families.values()) - {"missing"}
        rows = sorted(row for row in map(self._first, families) if row >= 0)
        msg = (
            f"{sentence(self.label)} holds values of different kinds: "
            f"{self._values[rows[0]]!r} in row {rows[0]}, but {self._values[rows[1]]!r} in row "
            f"{rows[1]}; make it all numbers or all text first."
        )
        raise ValueError(msg)


class ArrayFrame(Frame):
    """A two-dimensional array as a table.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_columns)
        Numbers, dates, durations, text, or objects.

    Raises
    ------
    ValueError
        If X is no table.
    """

    def __init__(self, X: Any) -> None:
        table = as_array(X)
        if table.ndim != 2:
            msg = f"X must be a table of rows and columns, got {table.ndim} dimensions."
            raise ValueError(msg)
        self._table = table
        self.n_rows, n_columns = map(int, table.shape)
        self.names = tuple(f"x{i}" for i in range(n_columns))
        self.named = False

    def column(self, position: int) -> Column:
        """Return a column by its position."""
        values = self._table[:, position]
        if values.dtype.kind in "UT":
            values = values.astype(object)
        make = ObjectColumn if values.dtype.kind == "O" else ArrayColumn
        return make(values, self.label(position))

    def block(self, positions: Positions) -> Array | None:
        """Return columns as they are, if this is an array of numbers."""
        return self._table[:, positions] if self._table.dtype.kind in "biuf" else None

    def rebuild(self, columns: list[Filled]) -> Any:
        """Return floats if all columns are numbers, else objects."""
        if self._table.dtype.kind not in "biuf":
            columns = [column.as_times(self.column(j)) for j, column in enumerate(columns)]
        numbers = [c.numbers() if c.kind in ("number", "factor") else None for c in columns]
        objects = self._table.dtype.kind not in "biuf" or any(n is None for n in numbers)
        n_rows = len(columns[0].values) if columns else 0
        table = np.empty((n_rows, len(columns)), dtype=object if objects else np.float64)
        for j, column in enumerate(columns):
            if column.kind in ("datetime", "duration"):
                table[:, j] = to_stamps(column.values, column.kind, "us").astype(object)
            else:
                table[:, j] = column.objects() if objects else numbers[j]
        if self._table.dtype.kind in "mM":
            return table.astype(f"{self._table.dtype.kind}8[us]").astype(self._table.dtype)
        return table


def as_array(X: Any) -> Array:
    """Return an array-like as it is; lists with text as objects, so that numbers stay numbers."""
    table = np.asarray(X)
    if table.dtype.kind in "US" and not hasattr(X, "dtype"):
        return np.asarray(X, dtype=object)
    return table


def family_of(kind: type) -> Family:
    """Return what values of a Python type are."""
    # pandas' NaT is a datetime, and NumPy's timedelta64 an integer.
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):
        return "missing"
    families: tuple[tuple[Family, tuple[type, ...]], ...] = (
        ("factor", (str,)),
        ("duration", (timedelta, np.timedelta64)),
        ("number", (Real, Decimal, np.bool_)),
        ("datetime", (date, np.datetime64)),
    )
    return next((family for family, types in families if issubclass(kind, types)), "unknown")


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _without_zone(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
