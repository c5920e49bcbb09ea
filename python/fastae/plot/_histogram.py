"""How errors are distributed, of training rows and of new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.plot._given import given_errors, given_threshold
from fastae.plot._rows import check_detector, errors_of, score_label
from fastae.plot._style import (
    BLUE,
    INK,
    MSE_LABEL,
    RED,
    SKY,
    axes_or_new,
    clean,
    count,
    headline,
    scale_for,
    set_scale,
)
from fastae.plot._ticks import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]
_FEWEST_BINS, _MOST_BINS = 20, 50


class ErrorHistogramDisplay:
    """Histogram of the errors of training rows and of new rows, with the threshold.

    Heights are shares of the rows, so that tables of different lengths compare; every new row above
    the threshold has a red mark of its own below the axis, since a few among many have no height.

    Parameters
    ----------
    errors : ndarray of shape (n_rows,), float64, or None
        Of new rows.
    threshold : float, default=None
        None: no line is drawn.
    train_errors : ndarray of shape (n_train,), float64, default=None
        Of training rows.
    train_weights : ndarray of shape (n_train,), float64, default=None
        How much each of them counts.
    label : str, default="mean squared error, scaled units"
        What the errors are.

    Attributes
    ----------
    errors, threshold, train_errors, train_weights, label
        As given.
    bins : ndarray of shape (n_bins + 1,), float64
        Borders, evenly spaced on the axis, which is logarithmic if errors are of several sizes.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fastae.plot import ErrorHistogramDisplay
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = ErrorHistogramDisplay.from_predictions(
    ...     [0.1, 0.2, 4.0], 1.0, train_errors=[0.1, 0.1, 0.3], ax=ax
    ... )
    >>> display.ax_.get_xscale()
    'log'
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self,
        errors: Float64 | None,
        threshold: float | None = None,
        *,
        train_errors: Float64 | None = None,
        train_weights: Float64 | None = None,
        label: str = MSE_LABEL,
    ) -> None:
        self.errors, self.threshold, self.label = errors, threshold, label
        self.train_errors, self.train_weights = train_errors, train_weights
        both = [part for part in (errors, train_errors) if part is not None]
        if not both:
            msg = "There are no errors to draw: give errors, train_errors or both."
            raise ValueError(msg)
        limit = [] if threshold is None else [threshold]
        self._scale = scale_for(np.concatenate([*both, limit]))
        self.bins = _borders(np.concatenate([*both, limit]), self._scale, min(map(len, both)))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        X_train: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the errors of the training rows, and of new ones.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted.
        X : array-like of shape (n_rows, n_features), default=None
            New rows, or a scan of them.
        X_train : array-like of shape (n_train, n_features), default=None
            Training rows. None: the errors that the estimator has kept, of 10,000 evenly spaced
            ones at most, with their weights.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : ErrorHistogramDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError, ValueError
            If it is no autoencoder, X is wrong as in `Autoencoder.score_samples`, or there is no
            X and no error of a training row, because the weights were taken over.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from fastae import Autoencoder
        >>> from fastae.plot import ErrorHistogramDisplay
        >>> X = np.random.default_rng(0).normal(size=(400, 5))
        >>> model = Autoencoder(random_state=0).fit(X[:300])
        >>> ax = Figure().subplots()
        >>> display = ErrorHistogramDisplay.from_estimator(model, X[300:], X_train=X[:300], ax=ax)
        >>> display.threshold == -model.offset_
        True
        """
        check_detector(estimator, cls.__name__)
        train, weights = getattr(estimator, "_errors", (None, None))
        if X_train is not None:
            train, weights = errors_of(estimator, X_train).values, None
        if train is None and X is None:
            msg = "The estimator was not trained here and keeps no errors: give X or X_train."
            raise ValueError(msg)
        return cls(
            None if X is None else errors_of(estimator, X).values,
            given_threshold(-float(estimator.offset_)),
            train_errors=train,
            train_weights=weights,
            label=score_label(estimator),
        ).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        errors: npt.ArrayLike | None,
        threshold: float | None = None,
        *,
        train_errors: npt.ArrayLike | None = None,
        ax: Axes | None = None,
        label: str = MSE_LABEL,
    ) -> Self:
        """Draw errors that are known.

        Parameters
        ----------
        errors : array-like of shape (n_rows,), or None
            Of new rows.
        threshold : float, default=None
            None: no line is drawn.
        train_errors : array-like of shape (n_train,), default=None
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        label : str
            As in the constructor.

        Returns
        -------
        display : ErrorHistogramDisplay

        Raises
        ------
        ValueError
            If there are no errors at all, some are not finite, or the threshold is no number.
        """
        return cls(
            None if errors is None else given_errors("errors", errors),
            given_threshold(threshold),
            train_errors=None if train_errors is None else given_errors(
                "train_errors", train_errors
            ),
            label=label,
        ).plot(ax)  # fmt: skip

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : ErrorHistogramDisplay
        """
        ax = axes_or_new(ax, (7, 4.2))
        top = 0.0
        if self.train_errors is not None:
            heights = _shares(self.train_errors, self.train_weights, self.bins)
            label = f"{count(self.train_errors.size, 'training row')}"
            ax.stairs(heights, self.bins, fill=True, color=SKY, alpha=0.55, label=label)
            top = float(heights.max())
        if self.errors is not None:
            heights = _shares(self.errors, None, self.bins)
            label = f"{count(self.errors.size, 'new row')}"
            ax.stairs(heights, self.bins, color=BLUE, lw=1.6, label=label)
            top = max(top, float(heights.max()))
        set_scale(ax, "x", self.bins, scale=self._scale)
        ax.set_ylim(0, 1.05 * max(top, 1.0))
        if self.threshold is not None:
            label = f"threshold {short(self.threshold)}"
            ax.axvline(self.threshold, color=INK, ls="--", lw=1, label=label)
            if self.errors is not None:
                self._mark_flagged(ax, self.errors[self.errors > self.threshold])
        ax.set_xlabel(self.label)
        ax.set_ylabel("share of rows (%)")
        clean(ax)
        headline(ax, "Errors of rows" + self._remark())
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self

    def _mark_flagged(self, ax: Axes, flagged: Float64) -> None:
        """Draw a mark below the axis for each new row above the threshold."""
        if not flagged.size:
            return
        bottom, top = -0.07 * ax.get_ylim()[1], ax.get_ylim()[1]
        ax.set_ylim(bottom, top)
        ax.axhline(0, color=INK, lw=0.8)
        ax.plot(
            flagged, np.full(flagged.size, bottom / 2), ls="", marker="|", ms=9, mew=1.2,
            color=RED, label=f"{flagged.size:,} flagged",
        )  # fmt: skip
        ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top])

    def _remark(self) -> str:
        """Return what the bars do not say: rows without error have no place on a log axis."""
        parts = [part for part in (self.train_errors, self.errors) if part is not None]
        errors = np.concatenate(parts)
        if errors.size > 1 and errors.min() == errors.max():
            return f", which are all {short(float(errors[0]))}"
        n_hidden = int((errors <= 0).sum()) if self._scale == "log" else 0
        return f"; {count(n_hidden)} without error not shown" if n_hidden else ""


def _borders(errors: Float64, scale: str, n_rows: int) -> Float64:
    """Return the borders of bins from the least to the largest error."""
    n_bins = int(np.clip(2 * np.sqrt(n_rows), _FEWEST_BINS, _MOST_BINS))
    if scale == "log":
        positive = errors[errors > 0]
        # The ends lie a little outside: rounding must not push an error out of its bin.
        return np.geomspace(positive.min() * 0.999, positive.max() * 1.001, n_bins + 1)
    low, high = float(errors.min()), float(errors.max())
    if low == high:  # one bar amidst empty ones
        margin = 0.1 * abs(low) or 1.0
        return np.linspace(low - margin, high + margin, 22)
    margin = 0.001 * (high - low)
    return np.linspace(low - margin, high + margin, n_bins + 1)


def _shares(errors: Float64, weights: Float64 | None, bins: Float64) -> Float64:
    """Return how many percent of the rows lie in each bin."""
    counts = np.histogram(errors, bins, weights=weights)[0].astype(np.float64)
    total = errors.size if weights is None else weights.sum()
    return np.asarray(100.0 * counts / max(float(total), np.finfo(np.float64).tiny))
