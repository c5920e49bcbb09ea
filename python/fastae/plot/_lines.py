"""Rows as curves: which values are drawn along which axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.lines import Line2D

from fastae.plot._names import name_ticks
from fastae.plot._rows import column_names, is_series, scaled
from fastae.plot._style import BLUE, GREY, RED, clean, count
from fastae.plot._ticks import plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastae.plot._rows import Numbers

Float64 = npt.NDArray[np.float64]

# More names along an axis cannot be read.
_MOST_NAMES = 40
_RECONSTRUCTION: dict[str, Any] = {"color": GREY, "ls": "--", "lw": 1.2}
# Dots of rows and, open, of reconstructions, where no line goes.
_DOTS: dict[str, Any] = {"marker": "o", "ms": 5}
_OPEN_DOTS: dict[str, Any] = {"marker": "s", "ms": 7, "mfc": "none"}


@dataclass(frozen=True, eq=False)
class Abscissa:
    """What runs along the horizontal axis of curves.

    Attributes
    ----------
    x : ndarray of shape (n_points,)
    names : list or None
        Of the columns, if they are no points of a curve.
    x_label, y_label : str
    left_out : str
        Which columns are not drawn, in words; empty if all are.
    """

    x: npt.NDArray[Any]
    names: list[object] | None
    x_label: str
    y_label: str
    left_out: str = ""

    def label(self, ax: Axes) -> None:
        """Write names and labels along the axes."""
        self.ticks(ax)
        if self.names is not None:
            name_ticks(ax.xaxis, self.names, most=_MOST_NAMES)
        ax.set_xlabel(self.x_label)
        ax.set_ylabel(self.y_label)
        ax.margins(x=0.01)
        clean(ax)

    def ticks(self, ax: Axes) -> None:
        """Write the numbers along the axes: those of columns are whole ones."""
        if self.x.dtype.kind in "iuf":  # and not times
            plain_ticks(ax.xaxis, whole=self.x.dtype.kind != "f")
        if self.x.size == 1 and self.x.dtype.kind in "iu":
            ax.set(xlim=(self.x[0] - 1, self.x[0] + 1), xticks=self.x)
        plain_ticks(ax.yaxis)


def given_x(x: Any, n_points: int) -> npt.NDArray[Any]:
    """Return positions along an axis, by default the numbers from 0.

    Raises
    ------
    ValueError
        If there is not one per point.
    """
    if x is None:
        return np.arange(n_points)
    values = np.asarray(x)
    if values.shape != (n_points,):
        msg = f"x must have one value for each of {n_points} columns, got shape {values.shape}."
        raise ValueError(msg)
    return values


def curves_of(
    estimator: Any,
    numbers: Numbers,
    x: Any,
    x_label: str | None,
    y_label: str | None,
) -> tuple[Float64, Float64, Abscissa]:
    """Return observed and expected values as curves, and what runs below them.

    Columns that are points of a curve are drawn in their own units: with `x`, or if neighbours are
    alike. Columns of a table have units of their own each: they are drawn as the network sees
    them, under their names.

    Parameters
    ----------
    estimator : Autoencoder
    numbers : Numbers
    x : array-like of shape (n_points,) or None
    x_label, y_label : str or None

    Returns
    -------
    observed, expected : ndarray of shape (n, n_points), float64
    abscissa : Abscissa
    """
    n_factors = int(estimator.n_features_in_) - numbers.columns.size
    if x is not None or is_series(numbers.observed):
        positions = given_x(x, numbers.columns.size)
        words = "column" if x is None else ""
        left_out = left_out_in_words(n_factors)
        abscissa = Abscissa(positions, None, x_label or words, y_label or "value", left_out)
        return numbers.observed, numbers.expected, abscissa
    names = column_names(estimator)
    has_names = any(isinstance(name, str) for name in names)
    observed, expected = (scaled(estimator, part) for part in numbers[:2])
    seen = ~np.isnan(expected).all(axis=0)
    columns = numbers.columns[seen]
    abscissa = Abscissa(
        np.arange(columns.size) if has_names else columns,
        [names[j] for j in columns] if has_names else None,
        x_label or ("" if has_names else "column"), y_label or "value, scaled units",
        left_out_in_words(n_factors, int((~seen).sum())),
    )  # fmt: skip
    return observed[:, seen], expected[:, seen], abscissa


def draw_pair(
    ax: Axes, x: npt.NDArray[Any], original: Float64, reconstruction: Float64, *, flagged: bool
) -> None:
    """Draw a row and its reconstruction."""
    ax.plot(x, original, **_style_of_row(flagged), **_DOTS, markevery=alone(original))
    at = alone(reconstruction)
    ax.plot(x, reconstruction, **_RECONSTRUCTION, **_OPEN_DOTS, markevery=at)


def pair_handles(flagged: npt.NDArray[np.bool_], *, dots: bool = False) -> list[Line2D]:
    """Return what a legend of rows and their reconstructions shows.

    Parameters
    ----------
    flagged : ndarray of shape (n_rows,), bool
    dots : bool, default=False
        Rows are dots, of one column, and no lines.
    """
    row, made = (_DOTS | {"ls": ""}, _OPEN_DOTS | {"ls": ""}) if dots else ({}, {})
    rows = [
        Line2D([], [], label=word, **(_style_of_row(flag) | row))
        for flag, word in ((False, "row"), (True, "flagged row"))
        if (flagged == flag).any()
    ]
    return [*rows, Line2D([], [], label="reconstruction", **(_RECONSTRUCTION | made))]


def alone(curve: Float64) -> list[int]:
    """Return the points without neighbours, which a line does not show.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.plot._lines import alone
    >>> alone(np.array([1.0, np.nan, 2.0, 3.0])), alone(np.array([5.0]))
    ([0], [0])
    """
    known = np.isfinite(curve)
    beside = np.zeros(known.shape, dtype=bool)
    beside[1:] |= known[:-1]
    beside[:-1] |= known[1:]
    points: list[int] = np.flatnonzero(known & ~beside).tolist()
    return points


def left_out_in_words(n_factors: int, n_constant: int = 0) -> str:
    """Return which columns a picture of numbers leaves out; empty if it draws all.

    Examples
    --------
    >>> from fastae.plot._lines import left_out_in_words
    >>> left_out_in_words(2, 1), left_out_in_words(0)
    ('not drawn: 2 columns of categories, 1 constant column', '')
    """
    parts = [f"{count(n_factors, 'column')} of categories"] * (n_factors > 0)
    parts += [count(n_constant, "constant column")] * (n_constant > 0)
    return f"not drawn: {', '.join(parts)}" if parts else ""


def _style_of_row(flagged: bool) -> dict[str, Any]:
    return {"color": RED if flagged else BLUE, "lw": 1.4}
