"""What every kind of table offers: its columns as numbers, or as levels and their codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._schema._factors import Factor

Array = npt.NDArray[Any]
Level = str | float | int | bool | None
Positions = slice | list[int]

# "empty" is a column of missing values only whose type does not say what it would hold.
Kind = Literal["number", "datetime", "duration", "factor", "empty"]

HOLDS = {
    "number": "numbers",
    "datetime": "dates",
    "duration": "durations",
    "factor": "text or categories",
    "empty": "nothing",
}

_FITS_FLOAT32 = tuple(map(np.dtype, ("f2", "f4", "b1", "i1", "u1", "i2", "u2")))

# Seconds as float64 tell microseconds apart until the year 2242, nanoseconds never.
_SECONDS_PER = {"D": 86_400, "h": 3_600, "m": 60, "s": 1}
_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
# From year 1 to year 9999, as Python's datetime; nanoseconds in 64 bits reach 292 years.
_TIME_LIMITS = (-62_135_596_800.0, 253_402_300_799.0)
_NANOSECOND_LIMIT = 9.2e9


@dataclass(frozen=True, eq=False)
class Coded:
    """A column of categories.

    Attributes
    ----------
    levels : sequence of str, numbers, bool
        Different values that may occur, in any order.
    codes : ndarray of shape (n_rows,), signed integers
        Each row's position in `levels`; -1 where the value is missing.
    declared : bool
        Whether the column's type lists the levels, in an order that means something, also those
        that do not occur.
    """

    levels: Sequence[Level]
    codes: Array
    declared: bool = False


@dataclass(frozen=True, eq=False)
class Filled:
    """A column to be written into a table like the user's.

    Attributes
    ----------
    kind : {"number", "datetime", "duration", "factor"}
    values : ndarray of shape (n_rows,)
        Numbers or seconds, NaN where missing; of a factor its codes, -1 where missing.
    factor : Factor or None
    """

    kind: Kind
    values: Array
    factor: Factor | None = None

    def numbers(self) -> Array | None:
        """Return the values as numbers, NaN where missing; None if they are text."""
        if self.factor is None:
            return self.values
        if not self.factor.numeric:
            return None
        values = [lv if isinstance(lv, Real) else np.nan for lv in self.factor.levels]
        return np.asarray([*values, np.nan], dtype=np.float64)[self.values]

    def texts(self) -> tuple[list[Level], Array]:
        """Return a factor's levels and codes, -1 where missing, also if missing is a level."""
        assert self.factor is not None
        levels: list[Level] = [level for level in self.factor.levels if level is not None]
        return levels, np.where(self.values >= len(levels), -1, self.values)

    def as_times(self, like: Column) -> Filled:
        """Return a factor whose levels are seconds as times, where `like` holds times."""
        numbers = self.numbers() if self.factor is not None else None
        if numbers is None or like.kind not in ("datetime", "duration"):
            return self
        return Filled(like.kind, numbers)

    def objects(self) -> Array:
        """Return the values as Python's objects, None where missing."""
        if self.factor is None:
            values = self.values.astype(object)
            values[np.isnan(self.values)] = None
            return values
        levels, codes = self.texts()
        return np.array([*levels, None], dtype=object)[codes]


class Column(ABC):
    """One column of a table.

    Attributes
    ----------
    label : str
        Position and name for messages, such as "column 2 ('age')".
    type_name : str
        What the table's library calls its type.
    """

    def __init__(self, label: str, type_name: str) -> None:
        self.label = label
        self.type_name = type_name

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What it holds; TypeError if neither numbers, times nor categories."""

    @abstractmethod
    def numbers(self) -> Array:
        """Return numbers or seconds of shape (n_rows,), NaN where missing; a view if possible."""

    def coded(self) -> Coded:
        """Return the column as levels and codes."""
        return coded_numbers(self.numbers())

    def fail_at_type(self) -> NoReturn:
        """Raise TypeError: the column's type is none that can be read."""
        msg = (
            f"{sentence(self.label)} holds {self.type_name}: only numbers, truth values, text, "
            "categories, dates and durations can be read; convert or drop that column first."
        )
        raise TypeError(msg)


class Frame(ABC):
    """A table of any library.

    Attributes
    ----------
    names : tuple of str
    named : bool
        Whether the names are the table's own.
    n_rows : int
    """

    names: tuple[str, ...]
    named: bool
    n_rows: int

    @property
    def only_numbers(self) -> bool:
        """Whether that is known without a look at each column; False says nothing."""
        return False

    @abstractmethod
    def column(self, position: int) -> Column:
        """Return a column by its position."""

    @abstractmethod
    def block(self, positions: Positions) -> Array | None:
        """Return columns of numbers of one type as 2-D array, or None; a view if possible."""

    @abstractmethod
    def rebuild(self, columns: list[Filled]) -> Any:
        """Return a table of this kind with these columns, all of the same length."""

    def label(self, position: int) -> str:
        """Return position and name for messages."""
        name = f" ({self.names[position]!r})" if self.named else ""
        return f"column {position}{name}"


def sentence(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def plain(value: Any) -> Level:
    """Return a category as text, number or truth value of Python's own; None if missing."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        number = float(value)
        return None if np.isnan(number) else number
    return str(value)


def coded_numbers(values: Array) -> Coded:
    """Return numbers, NaN where missing, as levels in their order and codes."""
    levels = np.unique(values)
    codes = np.searchsorted(levels, values)  # less memory than np.unique's own inverse
    if levels.size and levels.dtype.kind == "f" and np.isnan(levels[-1]):
        levels = levels[:-1]  # NaN sorts last, and all NaN are one
        codes[codes == levels.size] = -1
    return Coded(levels.tolist(), codes)


def without_none(coded: Coded) -> Coded:
    """Return the same column where a level None is no level but missing."""
    if None not in coded.levels:
        return coded
    levels = [level for level in coded.levels if level is not None]
    places = np.full(len(coded.levels) + 1, -1, dtype=np.int32)  # the last one is what -1 reads
    places[[i for i, level in enumerate(coded.levels) if level is not None]] = range(len(levels))
    return Coded(levels, places[coded.codes], coded.declared)


def float_for(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """Return float32 if it holds all values of these types exactly, else float64."""
    return np.dtype(np.float32 if all(t in _FITS_FLOAT32 for t in dtypes) else np.float64)


def to_seconds(stamps: Array) -> npt.NDArray[np.float64]:
    """Return datetime64 or timedelta64 as seconds (since 1970), NaN where NaT."""
    if np.datetime_data(stamps.dtype)[0] not in _SECONDS_PER | _PER_SECOND:
        stamps = stamps.astype(f"{stamps.dtype.kind}8[s]")
    unit, step = np.datetime_data(stamps.dtype)
    ticks = stamps.view(np.int64) if step == 1 else stamps.astype(np.int64) * step
    if unit == "ns":  # more digits than a float has: equal times give equal seconds in any unit
        micros, rest = np.divmod(ticks, 1000)
        seconds = micros / 1e6 + rest / 1e9
    else:
        seconds = ticks * float(_SECONDS_PER.get(unit, 1)) / _PER_SECOND.get(unit, 1)
    seconds[np.isnat(stamps)] = np.nan
    return seconds


def to_stamps(seconds: Array, kind: Kind, unit: str) -> Array:
    """Return seconds as datetime64 or timedelta64, rounded to the unit, NaN as NaT.

    Nanoseconds are rounded to microseconds, which is what float64 can tell apart.
    """
    low, high = _TIME_LIMITS if kind == "datetime" else (-_TIME_LIMITS[1], _TIME_LIMITS[1])
    if unit == "ns":
        low, high = max(low, -_NANOSECOND_LIMIT), min(high, _NANOSECOND_LIMIT)
    exact = "us" if unit == "ns" else unit
    known = np.clip(np.nan_to_num(np.asarray(seconds, np.float64)), low, high)
    known /= _SECONDS_PER.get(exact, 1)
    whole = np.floor(known)  # apart from the fraction, of which a product would lose digits
    per_second = _PER_SECOND.get(exact, 1)
    ticks = whole.astype(np.int64) * per_second
    ticks += np.rint((known - whole) * per_second).astype(np.int64)
    letter = "M" if kind == "datetime" else "m"
    stamps = ticks.view(f"{letter}8[{exact}]").astype(f"{letter}8[{unit}]")
    stamps[np.isnan(seconds)] = np.array("NaT", stamps.dtype)
    return stamps
