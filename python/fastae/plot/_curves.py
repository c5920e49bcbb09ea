"""Rows as curves, the flagged ones in red."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.plot._given import given_table, marks
from fastae.plot._lines import Abscissa, alone, curves_of, given_x
from fastae.plot._rows import (
    check_count,
    check_detector,
    check_in_memory,
    errors_of,
    numbers_of_rows,
)
from fastae.plot._style import BLUE, RED, axes_or_new, count, headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]


class CurvesDisplay:
    """Rows as curves, the flagged ones in red, thicker, and above the others.

    Of a series, such as a heartbeat, the columns are points, in their own units. Columns of a table
    are drawn as the network sees them, under their names: each has units of its own. It is a series
    if there is an `x`, or if neighbouring columns are alike. Missing cells are gaps, a cell between
    two of them is a dot; the title says how many columns are left out because they are categories,
    or constant and dropped.

    Parameters
    ----------
    curves : ndarray of shape (n_drawn, n_points), float64
        NaN where missing.
    flagged : ndarray of shape (n_drawn,), bool
    abscissa : Abscissa
        What runs along the horizontal axis: `x`, `names`, `x_label`, `y_label`.
    title : str

    Attributes
    ----------
    curves, flagged, abscissa, title
        As given.
    lines_ : list of matplotlib.lines.Line2D
        One per curve, in the order of `curves`.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastae import Autoencoder
    >>> from fastae.datasets import make_heartbeats
    >>> from fastae.plot import CurvesDisplay
    >>> beats = make_heartbeats(random_state=0)
    >>> model = Autoencoder(hidden_layer_sizes=20, random_state=0).fit(beats.data[:20])
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = CurvesDisplay.from_estimator(model, beats.data, x=1e3 * beats.time, ax=ax)
    >>> display.ax_.get_title(loc="left")
    '3 of 23 rows flagged'
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self, curves: Float64, flagged: npt.NDArray[np.bool_], abscissa: Abscissa, title: str
    ) -> None:
        self.curves, self.flagged, self.abscissa = curves, flagged, abscissa
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        x: npt.ArrayLike | None = None,
        ax: Axes | None = None,
        x_label: str | None = None,
        y_label: str | None = None,
        n_rows: int = 300,
    ) -> Self:
        """Draw rows in the colours of the estimator's verdict.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted.
        X : array-like of shape (n_rows, n_features)
        x : array-like of shape (n_numbers,), default=None
            Where the columns are along the axis, such as times.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        x_label, y_label : str, default=None
            Of the axes.
        n_rows : int >= 1, default=300
            Of more flagged rows the worst ones are drawn, of more other rows evenly spaced ones.

        Returns
        -------
        display : CurvesDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError
            If it is no autoencoder, X is a scan, or the network was taken over from H2O with
            factors.
        ValueError
            If X is wrong as in `Autoencoder.transform`, no column is a number, or `x` has not one
            value per column that is.
        """
        check_detector(estimator, cls.__name__)
        check_in_memory(X, cls.__name__)
        most = check_count("n_rows", n_rows)
        errors = errors_of(estimator, X)
        rows, flags, title = _chosen(errors.flagged, errors.values, most)
        numbers = numbers_of_rows(estimator, X, rows, cls.__name__)
        curves, _, abscissa = curves_of(estimator, numbers, x, x_label, y_label)
        if abscissa.left_out:
            title += f"\n{abscissa.left_out}"
        return cls(curves, flags, abscissa, title).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        X: npt.ArrayLike,
        flagged: npt.ArrayLike,
        *,
        x: npt.ArrayLike | None = None,
        ax: Axes | None = None,
        x_label: str = "column",
        y_label: str = "value",
        n_rows: int = 300,
    ) -> Self:
        """Draw rows whose verdict is known, in their own units.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_points)
            Numbers, NaN where missing.
        flagged : array-like of bool of shape (n_rows,)
        x, ax, x_label, y_label, n_rows
            As in `from_estimator`; of more flagged rows the first ones are drawn.

        Returns
        -------
        display : CurvesDisplay

        Raises
        ------
        ValueError
            If X is no table of numbers, or flags are not one per row, or `x` is not one value per
            column.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from fastae.plot import CurvesDisplay
        >>> curves = [[0.0, 1.0, 0.0], [0.0, 1.1, 0.0], [0.0, 5.0, 0.0]]
        >>> ax = Figure().subplots()
        >>> display = CurvesDisplay.from_predictions(curves, [False, False, True], ax=ax)
        >>> display.ax_.get_title(loc="left")
        '1 of 3 rows flagged'
        """
        table = given_table("X", X)
        flags = marks(flagged, len(table))
        most = check_count("n_rows", n_rows)
        rows, chosen, title = _chosen(flags, np.zeros(len(table)), most)
        abscissa = Abscissa(given_x(x, table.shape[1]), None, x_label, y_label)
        return cls(table[rows], chosen, abscissa, title).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : CurvesDisplay
        """
        ax = axes_or_new(ax, (8, 4.2))
        # Many curves shine through each other, so that one sees where most of them are.
        n_odd = int(self.flagged.sum())
        alpha = float(np.clip(12 / max(1, self.flagged.size - n_odd), 0.12, 0.9))
        odd_alpha = float(np.clip(20 / max(1, n_odd), 0.3, 0.9))
        styles: dict[bool, dict[str, Any]] = {
            False: {"color": BLUE, "lw": 0.8, "alpha": alpha, "zorder": 2, "marker": "o", "ms": 4},
            True: {
                "color": RED,
                "lw": 1.6 if n_odd <= 20 else 1.1,
                "alpha": odd_alpha,
                "zorder": 3,
                "marker": "^",
                "ms": 6,
            },
        }
        self.lines_ = [
            ax.plot(self.abscissa.x, curve, markevery=alone(curve), **styles[bool(flag)])[0]
            for curve, flag in zip(self.curves, self.flagged, strict=True)
        ]
        for flag, word in ((True, "flagged"), (False, "not flagged")):
            if (self.flagged == flag).any():  # a line of the legend's own: alpha would make it pale
                style = styles[flag] | {"alpha": 1.0, "lw": 1.6}
                # A line, or the dot of a table of one column.
                style |= {"ls": ""} if self.abscissa.x.size == 1 else {"marker": ""}
                ax.plot([], [], label=word, **style)
        self.abscissa.label(ax)
        headline(ax, self.title)
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self


def _chosen(
    flags: npt.NDArray[np.bool_], errors: Float64, most: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_], str]:
    """Return the rows to draw, whether each is flagged, and the title that says so."""
    odd, other = np.flatnonzero(flags), np.flatnonzero(~flags)
    title = f"{odd.size:,} of {count(flags.size)} flagged"
    n_odd, n_other = odd.size, other.size
    if n_odd > most:
        odd = np.sort(odd[np.argsort(-errors[odd], kind="stable")[:most]])
    if n_other > most:
        other = other[np.linspace(0, n_other - 1, most).astype(np.intp)]
    if odd.size + other.size < flags.size:
        parts = ((odd.size, n_odd, "flagged"), (other.size, n_other, "other"))
        drawn = [f"{k:,} {word}" for k, n, word in parts if n]
        title += f"; drawn: {' and '.join(drawn)} ones"
    rows = np.sort(np.concatenate([odd, other]))
    return rows, flags[rows], title
