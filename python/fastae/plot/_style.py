"""How all pictures look: colours, titles, legends, and the words on axes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import NullFormatter

from fastae.plot._ticks import DecadeLocator, LogFormatter, plain_ticks

Float64 = npt.NDArray[np.float64]
AnyFigure: TypeAlias = Figure | SubFigure

# Okabe and Ito's palette; their vermillion is orange to most people, and red is what is flagged:
# Paul Tol's, which nobody takes for blue either.
BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#E69F00", "#009E73"
RED = "#CC3311"
GREY, INK = "#5A5A5A", "#222222"
# Cells without a value in grey images: no grey, which is a value there.
NOTHING = "#B5D9F2"
# The same where blue is a value.
UNSHADED = "#D4D4D4"

MSE_LABEL = "mean squared error, scaled units"
# From this ratio of the largest to the smallest on, errors are told apart on a log axis only.
_LOG_RATIO = 10.0


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

    Ticks are written as plain numbers, two at least.

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
    axis = ax.xaxis if which == "x" else ax.yaxis
    if scale == "log":
        axis.set_major_locator(DecadeLocator())
        axis.set_major_formatter(LogFormatter())
        axis.set_minor_formatter(NullFormatter())
    else:
        plain_ticks(axis)
    return scale


def count(n: int, noun: str = "row") -> str:
    """Return a number of things in words.

    Examples
    --------
    >>> from fastae.plot._style import count
    >>> count(1), count(12_000)
    ('1 row', '12,000 rows')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"
