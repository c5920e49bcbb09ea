"""Rows beside what the network makes of them: the best, the median and the worst ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.plot._given import (
    given_errors,
    given_flags,
    given_names,
    given_table,
    given_threshold,
)
from fastae.plot._images import as_images, draw_mosaic, limits_of, mosaic
from fastae.plot._lines import Abscissa, curves_of, draw_pair, given_x, pair_handles
from fastae.plot._names import name_ticks, shortened
from fastae.plot._rows import (
    check_count,
    check_detector,
    check_in_memory,
    checked_shape,
    errors_of,
    known_rows,
    number_columns,
    numbers_of_rows,
    row_names,
)
from fastae.plot._style import (
    RED,
    clean,
    figure_or_new,
)
from fastae.plot._ticks import plain_ticks, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

_N_IMAGES, _N_CURVES = 8, 4
# Captions of so many images have room in smaller print only.
_MANY_IMAGES = 10
# Beside several panels there is room for so many names.
_MOST_NAMES = 10


class ReconstructionsDisplay:
    """Reconstructions of the best, median and worst rows: the good, the bad and the ugly.

    As images, original above reconstruction, all on one scale of grey; or as curves, the
    reconstruction dashed (which columns are points of a curve, and in which units, says
    `CurvesDisplay`). Captions say which row it is, and its error; those of flagged rows are red and
    bold. Missing cells are pale blue in images and gaps in curves; what the network makes of them
    is drawn; rows without any known number are left out.

    Parameters
    ----------
    originals, reconstructions : ndarray of shape (n_shown, n_columns), float64
        NaN where missing.
    groups : dict of str to ndarray of int
        Which of these rows make up each line of pictures, under its title.
    captions : list of str of length n_shown
    flagged : ndarray of shape (n_shown,), bool
    shape : tuple of int, default=None
        Of images: (height, width), or (height, width, channels). None: curves.
    abscissa : Abscissa, default=None
        Of curves: what runs along the horizontal axis. None: the columns' numbers.

    Attributes
    ----------
    originals, reconstructions, groups, captions, flagged, shape, abscissa
        As given.
    axes_ : ndarray of matplotlib.axes.Axes
        Of shape (n_groups,) for images and (n_groups, n_rows) for curves.
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from fastae import Autoencoder
    >>> from fastae.plot import ReconstructionsDisplay
    >>> X = load_digits().data
    >>> model = Autoencoder(scaling="none", max_epochs=5, random_state=0).fit(X)
    >>> display = ReconstructionsDisplay.from_estimator(
    ...     model, X, shape=(8, 8), figure=Figure(figsize=(9, 6))
    ... )
    >>> list(display.groups), display.originals.shape
    (['Lowest errors', 'Median errors', 'Highest errors'], (24, 64))
    >>> again = display.plot(Figure(figsize=(9, 6)))  # into another figure
    """

    def __init__(
        self,
        originals: Float64,
        reconstructions: Float64,
        groups: dict[str, Positions],
        captions: list[str],
        flagged: npt.NDArray[np.bool_],
        *,
        shape: tuple[int, ...] | None = None,
        abscissa: Abscissa | None = None,
    ) -> None:
        self.originals, self.reconstructions, self.groups = originals, reconstructions, groups
        self.captions, self.flagged, self.shape = captions, flagged, shape
        columns = np.arange(originals.shape[1])
        self.abscissa = abscissa or Abscissa(columns, None, "column", "value")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        shape: int | Sequence[int] | None = None,
        n_rows: int | None = None,
        figure: AnyFigure | None = None,
        x: npt.ArrayLike | None = None,
        x_label: str | None = None,
        y_label: str | None = None,
        limits: tuple[float, float] | None = None,
    ) -> Self:
        """Draw rows of a table, and what a fitted autoencoder makes of them.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted.
        X : array-like of shape (n_rows, n_features)
        shape : int or sequence of int, default=None
            Two or three numbers, such as (28, 28) or (32, 32, 3): rows are images. Else curves.
        n_rows : int >= 1, default=None
            Rows per line. None: 8 images or 4 curves.
        figure : matplotlib.figure.Figure or SubFigure, default=None
            An empty one to draw into. None: a new one.
        x : array-like of shape (n_numbers,), default=None
            For curves: where the columns are along the axis.
        x_label, y_label : str, default=None
            For curves; for images, `y_label` is written beside the scale of grey.
        limits : (float, float), default=None
            For images: the values drawn as white and black.

        Returns
        -------
        display : ReconstructionsDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError
            If it is no autoencoder, X is a scan, X has factors and `shape` is given, or the
            network was taken over from H2O with factors.
        ValueError
            If X is wrong as in `Autoencoder.transform`, no column is a number, or `shape` or `x`
            do not have one place per column.
        """
        check_detector(estimator, cls.__name__)
        check_in_memory(X, cls.__name__)
        image = _image_shape(estimator, shape)
        errors = errors_of(estimator, X)
        known = known_rows(estimator, X, cls.__name__)
        rows, groups = _grouped(errors.values, known, _per_line(n_rows, image))
        numbers = numbers_of_rows(estimator, X, rows, cls.__name__)
        if image is None:
            original, made, abscissa = curves_of(estimator, numbers, x, x_label, y_label)
        else:
            original, made = numbers.observed, numbers.expected
            abscissa = Abscissa(numbers.columns, None, "", y_label or "value")
        names = shortened(row_names(X, rows))
        return cls(
            original, made, groups, _captions(names, errors.values[rows]), errors.flagged[rows],
            shape=image, abscissa=abscissa,
        ).plot(figure, limits=limits)  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        X: npt.ArrayLike,
        reconstructions: npt.ArrayLike,
        errors: npt.ArrayLike,
        threshold: float | None = None,
        *,
        flagged: npt.ArrayLike | None = None,
        shape: int | Sequence[int] | None = None,
        n_rows: int | None = None,
        figure: AnyFigure | None = None,
        captions: Sequence[str] | None = None,
        x: npt.ArrayLike | None = None,
        x_label: str = "column",
        y_label: str = "value",
        limits: tuple[float, float] | None = None,
    ) -> Self:
        """Draw rows whose reconstructions and errors are known.

        Parameters
        ----------
        X, reconstructions : array-like of shape (n_rows, n_columns)
            Numbers, NaN where missing.
        errors : array-like of shape (n_rows,)
        threshold : float, default=None
            Rows of larger errors are flagged.
        flagged : array-like of bool of shape (n_rows,), default=None
            Which rows are flagged, if not those above the threshold.
        shape, n_rows, figure
            As in `from_estimator`.
        captions : sequence of str of shape (n_rows,), default=None
            None: the number of the row, and its error.
        x, x_label, y_label, limits
            As in `from_estimator`.

        Returns
        -------
        display : ReconstructionsDisplay

        Raises
        ------
        ValueError
            If the tables are no numbers of one shape, errors, flags or captions are not one per
            row, or `shape` or `x` do not have one place per column.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from fastae.plot import ReconstructionsDisplay
        >>> X, made, errors = [[0.0, 1.0], [5.0, 5.0]], [[0.0, 0.9], [1.0, 1.0]], [0.005, 16.0]
        >>> display = ReconstructionsDisplay.from_predictions(X, made, errors, 1.0, figure=Figure())
        >>> display.flagged.tolist()
        [False, True]
        """
        table, made = given_table("X", X), given_table("reconstructions", reconstructions)
        values = given_errors("errors", errors)
        if table.shape != made.shape or len(table) != values.size:
            msg = (
                "X and reconstructions must have one shape, and errors one entry per row, got "
                f"{table.shape}, {made.shape} and {values.shape}."
            )
            raise ValueError(msg)
        flags = given_flags(flagged, values, given_threshold(threshold))
        whole = None if shape is None else checked_shape(shape, table.shape[1])
        image = whole if whole is not None and len(whole) > 1 else None
        known = np.asarray(~np.isnan(table).all(axis=1))
        rows, groups = _grouped(values, known, _per_line(n_rows, image))
        names = [str(row) for row in rows]
        written = _captions(names, values[rows])
        if captions is not None:
            listed = given_names("captions", captions, len(table))
            written = [listed[row] for row in rows]
        abscissa = Abscissa(given_x(x, table.shape[1]), None, x_label, y_label)
        return cls(
            table[rows], made[rows], groups, written, flags[rows], shape=image, abscissa=abscissa
        ).plot(figure, limits=limits)  # fmt: skip

    def plot(
        self, figure: AnyFigure | None = None, *, limits: tuple[float, float] | None = None
    ) -> Self:
        """Draw.

        Parameters
        ----------
        figure : matplotlib.figure.Figure or SubFigure, default=None
            An empty one to draw into. None: a new one.
        limits : (float, float), default=None
            Of images: the values drawn as white and black. None: the least and the largest value
            of the originals.

        Returns
        -------
        display : ReconstructionsDisplay
        """
        n_across = max(rows.size for rows in self.groups.values())
        if self.shape is None:
            size = (2.4 * max(n_across, 2) + 0.6, 1.9 * len(self.groups) + 0.6)
            self.figure_ = figure_or_new(figure, size)
            self._draw_curves(n_across)
        else:
            height = 1.85 * self.shape[0] / self.shape[1] + 0.75
            size = (0.92 * max(n_across, 4) + 1.9, height * len(self.groups))
            self.figure_ = figure_or_new(figure, size)
            self._draw_images(n_across, limits)
        return self

    def _draw_images(self, n_across: int, limits: tuple[float, float] | None) -> None:
        assert self.shape is not None
        limits = limits_of(self.originals) if limits is None else limits
        originals, made = (
            as_images(rows, self.shape) for rows in (self.originals, self.reconstructions)
        )
        size = 7.5 if n_across < _MANY_IMAGES else 6.5
        self.axes_ = self.figure_.subplots(len(self.groups), 1, squeeze=False)[:, 0]
        for ax, (title, rows) in zip(self.axes_, self.groups.items(), strict=True):
            both = np.full((2 * n_across, *originals.shape[1:]), np.nan)
            both[: rows.size], both[n_across : n_across + rows.size] = originals[rows], made[rows]
            used = np.tile(np.arange(n_across) < rows.size, 2)
            tiles = mosaic(both, n_across, used=used)
            drawn = draw_mosaic(ax, tiles, limits)
            ax.set_title(title, loc="left", fontsize=11)
            ax.set_yticks(tiles.down, ["original", "reconstructed"], fontsize=9)
            at = tiles.across[: rows.size]
            ax.set_xticks(at, [self.captions[i] for i in rows], fontsize=size)
            for i, label in zip(rows, ax.get_xticklabels(), strict=True):
                if self.flagged[i]:
                    label.set(color=RED, fontweight="bold")
        if originals.ndim == 3:  # colours need no scale
            bar = self.figure_.colorbar(
                drawn, ax=list(self.axes_), label=self.abscissa.y_label, shrink=0.5, pad=0.02
            )
            plain_ticks(bar.ax.yaxis)

    def _draw_curves(self, n_across: int) -> None:
        self.axes_ = self.figure_.subplots(
            len(self.groups), n_across, sharex=True, sharey=True, squeeze=False
        )
        for axes, (title, rows) in zip(self.axes_, self.groups.items(), strict=True):
            for ax in axes[rows.size :]:
                ax.set_visible(False)
            for ax, i in zip(axes, rows, strict=False):
                draw_pair(
                    ax, self.abscissa.x, self.originals[i], self.reconstructions[i],
                    flagged=bool(self.flagged[i]),
                )  # fmt: skip
                self._caption(ax, i)
                self.abscissa.ticks(ax)
            axes[0].set_ylabel(f"{title}\n{self.abscissa.y_label}", fontsize=9)
        names = self.abscissa.names
        for ax in self.axes_[-1]:
            ax.set_xlabel(self.abscissa.x_label if names is None else "column", fontsize=9)
            if names is not None and len(names) <= _MOST_NAMES:
                name_ticks(ax.xaxis, names, most=_MOST_NAMES)
                ax.set_xlabel("")
        self.figure_.legend(
            handles=pair_handles(self.flagged, dots=self.originals.shape[1] == 1),
            loc="outside upper right", ncols=3, frameon=False, fontsize=9,
        )  # fmt: skip
        if self.abscissa.left_out:
            self.figure_.supxlabel(self.abscissa.left_out, fontsize=9)

    def _caption(self, ax: Axes, i: int) -> None:
        flagged = bool(self.flagged[i])
        style: dict[str, Any] = {"color": RED, "fontweight": "bold"} if flagged else {}
        ax.set_title(self.captions[i].replace("\n", ": "), fontsize=8.5, **style)
        ax.tick_params(labelsize=8)
        ax.margins(x=0.02)
        clean(ax)


def _image_shape(estimator: Any, shape: Any) -> tuple[int, ...] | None:
    """Return the shape of images, None for curves."""
    if shape is None:
        return None
    n = int(estimator.n_features_in_)
    if number_columns(estimator).size != n:
        msg = "shape is for tables of numbers, but fit saw factors: leave it out."
        raise TypeError(msg)
    whole = checked_shape(shape, n)
    return whole if len(whole) > 1 else None


def _per_line(n_rows: Any, image: tuple[int, ...] | None) -> int:
    if n_rows is None:
        return _N_CURVES if image is None else _N_IMAGES
    return check_count("n_rows", n_rows)


def _grouped(
    errors: Float64, known: npt.NDArray[np.bool_], n_rows: int
) -> tuple[Positions, dict[str, Positions]]:
    """Return rows by error, and which of these make up each group; no row is in two.

    Rows without a number, which have no error, are not among them if there are others.
    """
    order = np.argsort(errors, kind="stable")
    order = order[known[order]] if known.any() else order
    n = order.size
    each = max(1, min(n_rows, n // 3))
    middle = (n - each) // 2
    parts = {
        "Lowest errors": order[:each],
        "Median errors": order[middle : middle + each],
        "Highest errors": order[-each:],
    }
    if n < 3:
        del parts["Median errors"]
    if n < 2:
        del parts["Lowest errors"]
    groups = {
        title: np.arange(each) + i * each for i, title in enumerate(parts)
    }  # fmt: skip
    return np.concatenate(list(parts.values())), groups


def _captions(names: list[str], errors: Float64) -> list[str]:
    return [f"row {name}\n{short(error)}" for name, error in zip(names, errors, strict=True)]
