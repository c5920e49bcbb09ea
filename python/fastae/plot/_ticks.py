"""Ticks that say which numbers they stand for, without a factor or an offset at the axis' end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import AutoLocator, Formatter, LogLocator, MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axis import Axis

# Of a log axis: fewer labels do not tell how far apart two places are.
_FEWEST = 2
# A log axis over fewer decades than this has room for 2 and 5 between the powers of ten.
_FEW_DECADES = 2.5
# Other numbers are written with a power of ten, if that is shorter.
_SMALLEST, _LARGEST = 1e-3, 1e7
_MOST_DIGITS = 18
# Of the tick labels' size, the width of a digit; and how many digits are free between two labels.
_DIGIT, _FREE = 0.62, 1.0


def short(value: float) -> str:
    """Return a number with three digits.

    Examples
    --------
    >>> from fastae.plot._ticks import short
    >>> short(0.01234), short(12345.6), short(2.5e-7)
    ('0.0123', '12,346', '2.5e-07')
    """
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def even_labels(values: Sequence[float]) -> list[str]:
    """Return evenly spaced numbers as text, all with as many digits as it takes.

    Examples
    --------
    >>> from fastae.plot._ticks import even_labels
    >>> even_labels([0.0, 0.25, 0.5]), even_labels([0.0, 5000.0]), even_labels([2e-9, 4e-9])
    (['0.00', '0.25', '0.50'], ['0', '5,000'], ['2e-09', '4e-09'])
    """
    numbers = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(numbers).max(initial=0.0))
    steps = np.diff(np.unique(numbers))
    exact = 1e-3 * (float(steps.min()) if steps.size else largest)
    numbers = np.where(np.abs(numbers) < exact, 0.0, numbers)  # which takes the sign off -0.0, too
    plain, powers = (_written(numbers, form, exact) for form in "fe")
    is_common = _SMALLEST <= largest < _LARGEST
    return plain if is_common or _width(plain) <= _width(powers) else powers


def _written(numbers: npt.NDArray[np.float64], form: str, exact: float) -> list[str]:
    """Return numbers with as few digits after the point as are exact enough."""
    texts: list[str] = []
    for digits in range(_MOST_DIGITS):
        texts = [f"{value:,.{digits}{form}}" for value in numbers]
        read = np.array([float(text.replace(",", "")) for text in texts])
        if np.abs(read - numbers).max(initial=0.0) <= exact:
            break
    return [
        text if value or form == "f" else "0" for value, text in zip(numbers, texts, strict=True)
    ]


def _width(texts: list[str]) -> int:
    return max(map(len, texts), default=0)


class EvenFormatter(Formatter):
    """Writes the ticks of a linear axis by `even_labels`."""

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002
        return self.format_ticks([value])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks."""
        return [text.replace("-", "\N{MINUS SIGN}") for text in even_labels(values)]


class EvenLocator(AutoLocator):
    """Ticks at round numbers, as many as their labels have room for."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return where the ticks are."""
        ticks = np.asarray(super().tick_values(vmin, vmax))
        axis: Any = self.axis
        if axis.axis_name != "x":
            return ticks
        low, high = sorted((vmin, vmax))
        seen = ticks[(ticks >= low) & (ticks <= high)]
        room = 3 * axis.get_tick_space() / (_DIGIT * (_width(even_labels(seen.tolist())) + _FREE))
        if len(seen) - 1 <= room:
            return ticks
        return MaxNLocator(max(1, int(room)), steps=[1, 2, 5, 10]).tick_values(vmin, vmax)


class LogFormatter(Formatter):
    """Writes the ticks of a log axis with three digits, or as many as tell them apart."""

    def __call__(self, value: float, pos: int | None = None) -> str:  # noqa: ARG002
        return short(value)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks."""
        texts = [short(value) for value in values]
        return texts if len(set(texts)) == len(set(values)) else even_labels(values)


class DecadeLocator(LogLocator):
    """Ticks at powers of ten; if these are few, at 2 and 5 as well; and without any, evenly."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return where the ticks are."""
        low, high = sorted((vmin, vmax))
        few = high > 0 and (low <= 0 or np.log10(high / low) < _FEW_DECADES)
        self.set_params(subs=(1, 2, 5) if few else (1,))
        ticks = np.asarray(super().tick_values(vmin, vmax))
        if low <= 0 or np.count_nonzero((ticks >= low) & (ticks <= high)) >= _FEWEST:
            return ticks
        even = np.asarray(MaxNLocator(5).tick_values(low, high))
        return even[even > 0]


def plain_ticks(axis: Axis, *, whole: bool = False) -> None:
    """Write the numbers along a linear axis in full; or whole numbers only.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
    whole : bool, default=False
        Ticks are at whole numbers, such as those of columns.
    """
    axis.set_major_formatter(EvenFormatter())
    whole_numbers = MaxNLocator("auto", integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    axis.set_major_locator(whole_numbers if whole else EvenLocator())
