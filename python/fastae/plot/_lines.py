"""Rows as curves: which values are drawn along which axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.lines import Line2D

from fastae.plot._rows import column_names, is_series, scaled
from fastae.plot._style import BLUE, GREY, VERMILLION, clean, name_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastae.plot._rows import Numbers

Float64 = npt.NDArray[np.float64]

# More names along an axis cannot be read.
_MOST_NAMES = 40
_RECONSTRUCTION: dict[str, Any] = {"color": GREY, "ls": "--", "lw": 1.2}


@dataclass(frozen=True, eq=False)
class Abscissa:
    """What runs along the horizontal axis of curves.

    Attributes
    ----------
    x : ndarray of shape (n_points,)
    names : list or None
        Of the columns, if they are no points of a curve.
    x_label, y_label : str
    """

    x: npt.NDArray[Any]
    names: list[object] | None
    x_label: str
    y_label: str

    def label(self, ax: Axes) -> None:
        """Write names and labels along the axes."""
        if self.names is not None:
            name_ticks(ax.xaxis, self.names, most=_MOST_NAMES)
        ax.set_xlabel(self.x_label)
        ax.set_ylabel(self.y_label)
        ax.margins(x=0.01)
        clean(ax)


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
    if x is not None or is_series(numbers.observed):
        positions = given_x(x, numbers.columns.size)
        words = "column" if x is None else ""
        abscissa = Abscissa(positions, None, x_label or words, y_label or "value")
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
    )  # fmt: skip
    return observed[:, seen], expected[:, seen], abscissa


def draw_pair(
    ax: Axes, x: npt.NDArray[Any], original: Float64, reconstruction: Float64, *, flagged: bool
) -> None:
    """Draw a row and its reconstruction."""
    ax.plot(x, original, **_style_of_row(flagged))
    ax.plot(x, reconstruction, **_RECONSTRUCTION)


def pair_handles(flagged: npt.NDArray[np.bool_]) -> list[Line2D]:
    """Return what a legend of rows and their reconstructions shows."""
    rows = [
        Line2D([], [], label=word, **_style_of_row(flag))
        for flag, word in ((False, "row"), (True, "flagged row"))
        if (flagged == flag).any()
    ]
    return [*rows, Line2D([], [], label="reconstruction", **_RECONSTRUCTION)]


def _style_of_row(flagged: bool) -> dict[str, Any]:
    return {"color": VERMILLION if flagged else BLUE, "lw": 1.4}
