"""Ranked errors, the threshold, and the rows above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.plot._given import given_errors, given_flags, given_names, given_threshold
from fastae.plot._names import name_ticks
from fastae.plot._rows import check_detector, errors_of, row_names
from fastae.plot._style import (
    BLUE,
    INK,
    MSE_LABEL,
    RED,
    axes_or_new,
    clean,
    count,
    headline,
    set_scale,
)
from fastae.plot._ticks import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

# So many rows can be called by name along the axis; of more than the second number the first ranks
# would be squeezed on a linear axis.
_MOST_NAMED, _MOST_LINEAR = 40, 150


class RankedErrorsDisplay:
    """Errors of rows, the worst first, with the threshold and the flagged rows.

    Parameters
    ----------
    errors : ndarray of shape (n_rows,), float64
    flagged : ndarray of shape (n_rows,), bool
    threshold : float, default=None
        None: no line is drawn.
    names : list of str, default=None
        What the rows are called; up to 40 are named along the axis. None: their numbers.
    label : str, default="mean squared error, scaled units"
        What the errors are.

    Attributes
    ----------
    errors, flagged, threshold, names, label
        As given.
    order : ndarray of shape (n_rows,), intp
        Row numbers, the worst first; of equal errors the earlier row.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastae.plot import RankedErrorsDisplay
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = RankedErrorsDisplay.from_predictions([0.1, 4.0, 0.2], threshold=1.0, ax=ax)
    >>> display.order.tolist(), display.ax_.get_title(loc="left")
    ([1, 2, 0], '1 of 3 rows flagged')
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self,
        errors: npt.NDArray[np.float64],
        flagged: npt.NDArray[np.bool_],
        threshold: float | None = None,
        *,
        names: list[str] | None = None,
        label: str = MSE_LABEL,
    ) -> None:
        self.errors, self.flagged, self.threshold = errors, flagged, threshold
        self.names = given_names("names", names, errors.size)
        self.label = label
        self.order = np.argsort(-errors, kind="stable")

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Axes | None = None) -> Self:
        """Score rows, and draw their errors.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted.
        X : array-like of shape (n_rows, n_features)
            Or a scan.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : RankedErrorsDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError, ValueError
            If it is no autoencoder, or X is wrong as in `Autoencoder.score_samples`.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from fastae import Autoencoder
        >>> from fastae.plot import RankedErrorsDisplay
        >>> X = np.random.default_rng(0).normal(size=(200, 5))
        >>> model = Autoencoder(random_state=0).fit(X)
        >>> display = RankedErrorsDisplay.from_estimator(model, X, ax=Figure().subplots())
        >>> display.threshold == -model.offset_
        True
        """
        check_detector(estimator, cls.__name__)
        errors = errors_of(estimator, X)
        names = row_names(X, np.arange(errors.values.size))
        threshold = given_threshold(errors.threshold)
        return cls(
            errors.values, errors.flagged, threshold, names=names, label=errors.label
        ).plot(ax)  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        errors: npt.ArrayLike,
        threshold: float | None = None,
        *,
        flagged: npt.ArrayLike | None = None,
        ax: Axes | None = None,
        names: Sequence[object] | None = None,
        label: str = MSE_LABEL,
    ) -> Self:
        """Draw errors that are known.

        Parameters
        ----------
        errors : array-like of shape (n_rows,)
        threshold : float, default=None
            Larger errors are flagged. None: no line.
        flagged : array-like of bool of shape (n_rows,), default=None
            Which rows are flagged, if not those above the threshold.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        names : sequence of shape (n_rows,), default=None
        label : str
            As in the constructor.

        Returns
        -------
        display : RankedErrorsDisplay

        Raises
        ------
        ValueError
            If errors are not finite, the threshold is no number, or flags or names are not one
            per row.
        """
        values = given_errors("errors", errors)
        limit = given_threshold(threshold)
        flags = given_flags(flagged, values, limit)
        listed = given_names("names", names, values.size)
        return cls(values, flags, limit, names=listed, label=label).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : RankedErrorsDisplay
        """
        ax = axes_or_new(ax, (7, 4.2))
        n = self.errors.size
        size = 6.0 if n <= _MOST_NAMED else 4.0 if n <= 10 * _MOST_NAMED else 2.5
        errors, flagged = self.errors[self.order], self.flagged[self.order]
        limit = [] if self.threshold is None else [self.threshold]
        scale = set_scale(ax, "y", [*errors, *limit])
        visible = errors > 0 if scale == "log" else np.ones(n, dtype=bool)
        named = n <= _MOST_NAMED
        ranks = np.arange(n) if named else np.arange(1, n + 1)
        styles = (
            (flagged, RED, "^", max(size, 4.0), "flagged"),
            (~flagged, BLUE, "o", size, "not flagged"),
        )
        for marked, color, marker, points, word in styles:
            at = marked & visible
            if marked.any():
                ax.plot(
                    ranks[at], errors[at], ls="", marker=marker, ms=points, mew=0, color=color,
                    label=f"{int(marked.sum()):,} {word}",
                )  # fmt: skip
        if self.threshold is not None:
            label = f"threshold {short(self.threshold)}"
            ax.axhline(self.threshold, color=INK, ls="--", lw=1, label=label)
        ax.set_ylabel(self.label)
        if named:
            name_ticks(ax.xaxis, [self.names[row] for row in self.order], most=_MOST_NAMED)
            ax.set_xlabel("row, worst first")
        else:
            set_scale(ax, "x", ranks, scale="log" if n > _MOST_LINEAR else "linear")
            ax.set_xlabel("rank of the row, 1 is the worst")
        ax.grid(axis="y", alpha=0.3)
        clean(ax)
        headline(ax, self._title(int((~visible).sum())))
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self

    def _title(self, n_hidden: int) -> str:
        title = f"{int(self.flagged.sum()):,} of {count(self.errors.size)} flagged"
        return title + (f"; {count(n_hidden)} without error not shown" if n_hidden else "")
