"""How all pictures look: colours, titles, legends, and the words on axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axis import Axis

Float64 = npt.NDArray[np.float64]
AnyFigure: TypeAlias = Figure | SubFigure

# Okabe and Ito's palette.
BLUE, VERMILLION, SKY, ORANGE, GREEN = "#0072B2", "#D55E00", "#56B4E9", "#E69F00", "#009E73"
GREY, INK = "#5A5A5A", "#222222"
# Cells without a value, and the gaps between images: no grey, which is a value there.
NOTHING = "#E1ECF5"
# The same where blue is a value.
UNSHADED = "#D4D4D4"

MSE_LABEL = "mean squared error, scaled units"
# From this ratio of the largest to the smallest on, errors are told apart on a log axis only.
_LOG_RATIO = 10.0
# A log axis over fewer decades than this has room for 2 and 5 between the powers of ten.
_FEW_DECADES = 2.5
# Characters of a row's or column's name that fit beside a picture.
_LONGEST_NAME = 22
# Characters that have room side by side.
_ROOM = 85


def axes_or_new(ax: object, figsize: tuple[float, float]) -> Axes:
    """Return the given axes, or those of a new pyplot figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=figsize, layout="constrained")[1]
    if not isinstance(ax, Axes):
        msg = f"ax must be None or matplotlib axes, got {type(ax).__name__}."
        raise TypeError(msg)
    return ax


def figure_or_new(figure: object, figsize: tuple[float, float]) -> AnyFigure:
    """Return the given figure, or a new one of pyplot's."""
    if figure is None:
        import matplotlib.pyplot as plt

        return plt.figure(figsize=figsize, layout="constrained")
    if not isinstance(figure, Figure | SubFigure):
        msg = f"figure must be None or a matplotlib figure, got {type(figure).__name__}."
        raise TypeError(msg)
    if isinstance(figure, Figure) and figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")
    return figure


def headline(ax: Axes, title: str, *, legend: bool = True) -> None:
    """Put a title above axes, and between both the legend, where it covers nothing."""
    handles = ax.get_legend_handles_labels()[0] if legend else []
    ax.set_title(title, loc="left", fontsize=11, pad=24 if handles else 6)
    if handles:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles), frameon=False, fontsize=9,
            borderaxespad=0.2, borderpad=0.2, handlelength=1.5, columnspacing=1.2,
        )  # fmt: skip


def clean(ax: Axes) -> None:
    """Take away the lines that frame nothing."""
    ax.spines[["top", "right"]].set_visible(False)


def scale_for(values: npt.ArrayLike) -> str:
    """Return "log" for errors of several sizes, "linear" for others and if one is negative.

    Examples
    --------
    >>> from fastae.plot._style import scale_for
    >>> scale_for([0.0, 0.1, 5.0]), scale_for([1.0, 2.0]), scale_for([-1.0, 50.0])
    ('log', 'linear', 'linear')
    """
    known = np.asarray(values, dtype=np.float64)
    positive = known[known > 0]
    if (known < 0).any() or not positive.size:
        return "linear"
    return "log" if positive.max() >= _LOG_RATIO * positive.min() else "linear"


def set_scale(ax: Axes, which: str, values: npt.ArrayLike, *, scale: str | None = None) -> str:
    """Make an axis linear or logarithmic, as suits the values; return which.

    Ticks of a log axis are written as plain numbers, and as many as there is room for.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    which : {"x", "y"}
    values : array-like
        All that is drawn along the axis.
    scale : {"linear", "log"}, default=None
        None: by `scale_for`.
    """
    scale = scale or scale_for(values)
    ax.set(**{f"{which}scale": scale})
    if scale == "log":
        known = np.asarray(values, dtype=np.float64)
        positive = known[known > 0]
        decades = np.log10(positive.max() / positive.min())
        axis = ax.xaxis if which == "x" else ax.yaxis
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < _FEW_DECADES else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        axis.set_minor_formatter(NullFormatter())
    return scale


def short(value: float) -> str:
    """Return a number with three digits.

    Examples
    --------
    >>> from fastae.plot._style import short
    >>> short(0.01234), short(12345.6), short(2.5e-7)
    ('0.0123', '12,346', '2.5e-07')
    """
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def count(n: int, noun: str = "row") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> from fastae.plot._style import count
    >>> count(1), count(12_000)
    ('1 row', '12,000 rows')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"


def shortened(name: object) -> str:
    """Return a name that fits beside a picture."""
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def name_ticks(axis: Axis, names: Sequence[object], *, most: int) -> None:
    """Write names along an axis, one per position from 0; of more than `most` only some.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
    names : sequence
    most : int
    """
    step = -(-len(names) // most)
    at = range(0, len(names), step)
    labels = [shortened(names[i]) for i in at]
    # Some names have room beside each other, more or longer ones only upright.
    wide = (1 + max(map(len, labels), default=0)) * len(labels) > min(2.2 * most, _ROOM)
    upright = wide and axis.axis_name == "x"  # type: ignore[attr-defined]
    axis.set_ticks(at, labels, fontsize=8, rotation=90 if upright else 0)
