"""Which columns the errors of the worst rows are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from fastae._checks import fail
from fastae.plot._given import given_errors, given_names, given_table, marks
from fastae.plot._names import name_ticks, shortened
from fastae.plot._rows import (
    cell_errors,
    check_count,
    check_detector,
    check_in_memory,
    column_names,
    errors_of,
    row_names,
)
from fastae.plot._style import (
    MSE_LABEL,
    RED,
    UNSHADED,
    axes_or_new,
    count,
)
from fastae.plot._ticks import plain_ticks, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]

# A column that makes up less of every row's error than this does not matter.
_LEAST_SHARE = 0.01
# Of columns with names so many can be told apart, of others, which have no name to read, more.
_N_NAMED, _N_NUMBERED = 30, 400
_MOST_NAMES = 45
# Up to so many columns there is room for numbers in the cells.
_MOST_WRITTEN = 12
_LABELS = {"share": "share of the row's error (%)", "error": "squared error, scaled units"}


class ErrorHeatmapDisplay:
    """Errors of the worst rows, column by column: where they are odd.

    Of more columns than there is room for, those that matter are shown: with the largest shares,
    and without such as make up less than 1 % of every row's error. Columns with names stand in the
    order of their shares, others (points of a series, pixels) in that of the table. The names of
    flagged rows are red and bold. Cells without error (missing, or dropped) are grey.

    Parameters
    ----------
    values : ndarray of shape (n_shown, n_columns), float64
        Shares in percent, or errors.
    row_names, column_names : list of str
    flagged : ndarray of shape (n_shown,), bool
    values_are : {"share", "error"}, default="share"
    n_hidden : int, default=0
        Columns that are not shown.
    label : str, default="mean squared error, scaled units"
        What rows are ranked by.

    Attributes
    ----------
    values, row_names, column_names, flagged, values_are, n_hidden, label
        As given.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    image_ : matplotlib.image.AxesImage

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_breast_cancer
    >>> from fastae import Autoencoder
    >>> from fastae.plot import ErrorHeatmapDisplay
    >>> cancer = load_breast_cancer()
    >>> model = Autoencoder(max_epochs=20, random_state=0).fit(cancer.data[cancer.target == 1])
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = ErrorHeatmapDisplay.from_estimator(model, cancer.data, n_columns=8, ax=ax)
    >>> display.values.shape
    (20, 8)
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self,
        values: Float64,
        row_names: list[str],
        column_names: list[str],
        flagged: npt.NDArray[np.bool_],
        *,
        values_are: str = "share",
        n_hidden: int = 0,
        label: str = MSE_LABEL,
    ) -> None:
        self.values, self.row_names, self.column_names = values, row_names, column_names
        self.flagged, self.values_are, self.n_hidden = flagged, values_are, n_hidden
        self.label = label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        n_rows: int = 20,
        n_columns: int | None = None,
        ax: Axes | None = None,
        values: str = "share",
    ) -> Self:
        """Draw the errors of the worst rows of a table.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted.
        X : array-like of shape (n_samples, n_features)
        n_rows : int >= 1, default=20
            The most that are shown.
        n_columns : int >= 1, default=None
            The most that are shown. None: 30; of columns without names 400.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        values : {"share", "error"}, default="share"
            Of the row's error, in percent; or the error of the cell.

        Returns
        -------
        display : ErrorHeatmapDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError
            If it is no autoencoder, X is a scan, or the network was taken over from H2O with
            factors.
        ValueError
            If X is wrong as in `Autoencoder.transform`, or another argument out of its range.
        """
        check_detector(estimator, cls.__name__)
        check_in_memory(X, cls.__name__)
        most = check_count("n_rows", n_rows)
        errors = errors_of(estimator, X)
        rows = np.argsort(-errors.values, kind="stable")[:most]
        cells = cell_errors(estimator, X, rows, cls.__name__)
        names = column_names(estimator)
        display = cls._made(
            cells, errors.values[rows], errors.flagged[rows], row_names(X, rows),
            [str(name) for name in names], n_columns, values,
            by_share=any(isinstance(name, str) for name in names), label=errors.label,
        )  # fmt: skip
        return display.plot(ax)

    @classmethod
    def from_predictions(
        cls,
        cell_errors: npt.ArrayLike,
        *,
        errors: npt.ArrayLike | None = None,
        flagged: npt.ArrayLike | None = None,
        row_names: Sequence[object] | None = None,
        column_names: Sequence[object] | None = None,
        n_rows: int = 20,
        n_columns: int | None = None,
        ax: Axes | None = None,
        values: str = "share",
    ) -> Self:
        """Draw errors that are known.

        Parameters
        ----------
        cell_errors : array-like of shape (n_samples, n_features)
            As ``reconstruction_error(X, per_feature=True)`` returns them.
        errors : array-like of shape (n_samples,), default=None
            By which rows are ranked. None: the means of their cells.
        flagged : array-like of bool of shape (n_samples,), default=None
        row_names, column_names : sequence of str, default=None
            None: numbers.
        n_rows, n_columns, ax, values
            As in `from_estimator`.

        Returns
        -------
        display : ErrorHeatmapDisplay

        Raises
        ------
        ValueError
            If errors are no numbers, or anything is not one per row or column.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from fastae.plot import ErrorHeatmapDisplay
        >>> cell_errors = [[0.1, 0.3], [4.0, 0.0]]
        >>> display = ErrorHeatmapDisplay.from_predictions(cell_errors, ax=Figure().subplots())
        >>> display.values.round().tolist()  # per cent of a row's error, the worst row first
        [[100.0, 0.0], [25.0, 75.0]]
        """
        cells = given_table("cell_errors", cell_errors)
        n, known = len(cells), (~np.isnan(cells)).sum(axis=1)
        means = np.nansum(cells, axis=1) / np.maximum(known, 1)
        ranked = means if errors is None else given_errors("errors", errors)
        if ranked.size != n:
            msg = f"errors must have one entry for each of {n} rows, got {ranked.size}."
            raise ValueError(msg)
        flags = np.zeros(n, dtype=bool) if flagged is None else marks(flagged, n)
        rows = np.argsort(-ranked, kind="stable")[: check_count("n_rows", n_rows)]
        names = given_names("row_names", row_names, n)
        display = cls._made(
            cells[rows], ranked[rows], flags[rows], [names[row] for row in rows],
            given_names("column_names", column_names, cells.shape[1]), n_columns, values,
            by_share=column_names is not None,
        )  # fmt: skip
        return display.plot(ax)

    @classmethod
    def _made(
        cls,
        cells: Float64,
        errors: Float64,
        flagged: npt.NDArray[np.bool_],
        rows: list[str],
        columns: list[str],
        n_columns: int | None,
        values: str,
        *,
        by_share: bool,
        label: str = MSE_LABEL,
    ) -> Self:
        if values not in _LABELS:
            fail("values", '"share" or "error"', values)
        totals = np.nansum(cells, axis=1, keepdims=True)
        shares = cells / np.where(totals > 0, totals, 1.0)
        known = np.nan_to_num(shares)
        most = _N_NAMED if by_share else _N_NUMBERED
        if n_columns is not None:
            most = check_count("n_columns", n_columns)
        order = np.argsort(-known.sum(axis=0), kind="stable")
        chosen = order[:most]
        if most < order.size:
            matters = known[:, chosen].max(axis=0) >= _LEAST_SHARE
            chosen = chosen[matters] if matters.any() else chosen[:1]
        if not by_share:
            chosen = np.sort(chosen)
        shown = 100.0 * shares if values == "share" else cells
        names = [
            f"{name}  ({short(error)})" for name, error in zip(shortened(rows), errors, strict=True)
        ]
        return cls(
            shown[:, chosen], names, [columns[j] for j in chosen], flagged, values_are=values,
            n_hidden=cells.shape[1] - chosen.size, label=label,
        )  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : ErrorHeatmapDisplay
        """
        n_rows, n_columns = self.values.shape
        ax = axes_or_new(ax, (3.4 + 0.24 * min(max(n_columns, 12), 30), 2.2 + 0.2 * max(n_rows, 6)))
        colors = mpl.colormaps["Blues"].with_extremes(bad=UNSHADED)
        top = float(np.nanmax(self.values, initial=0.0)) or 1.0
        self.image_ = ax.imshow(
            self.values, cmap=colors, vmin=0, vmax=top, aspect="auto", interpolation="nearest"
        )
        if self.column_names == [str(j) for j in range(n_columns)]:
            ax.set_xlabel("column")
            plain_ticks(ax.xaxis, whole=True)
        else:
            name_ticks(ax.xaxis, self.column_names, most=_MOST_NAMES)
            if all(name.isdecimal() for name in self.column_names):
                ax.set_xlabel("column")
        ax.set_yticks(np.arange(n_rows), self.row_names, fontsize=8)
        for label, flag in zip(ax.get_yticklabels(), self.flagged, strict=True):
            if flag:
                label.set(color=RED, fontweight="bold")
        if n_columns <= _MOST_WRITTEN:
            self._write_cells(ax, top)
        word = "error" if self.label == MSE_LABEL else self.label
        ax.set_ylabel(f"row, worst first ({word})")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = ax.figure.colorbar(self.image_, ax=ax, label=_LABELS[self.values_are], pad=0.02)
        plain_ticks(bar.ax.yaxis)
        title = f"Columns behind the errors of the worst {count(n_rows)}"
        if self.n_hidden:
            title += f"\n{n_columns} of {count(n_columns + self.n_hidden, 'column')}"
        if np.isnan(self.values).any():
            title += "\ngrey: missing, or constant and dropped"
        ax.set_title(title, loc="left", fontsize=11)
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self

    def _write_cells(self, ax: Axes, top: float) -> None:
        """Write numbers where there is room for them, and something to say."""
        for (i, j), value in np.ndenumerate(self.values):
            if value >= _LEAST_SHARE * top:
                text = f"{value:.0f}" if self.values_are == "share" else short(float(value))
                color = "white" if value > 0.5 * top else "black"
                ax.text(j, i, text, ha="center", va="center", fontsize=7, color=color)
