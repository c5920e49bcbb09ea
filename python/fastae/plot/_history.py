"""The training history as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from fastae.plot._rows import check_network
from fastae.plot._style import (
    BLUE,
    GREEN,
    INK,
    MSE_LABEL,
    ORANGE,
    axes_or_new,
    clean,
    headline,
    set_scale,
)
from fastae.plot._ticks import plain_ticks, short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from fastae.plot._style import AnyFigure

_LABELS = {"mse": MSE_LABEL, "rmse": "root mean squared error, scaled units"}
_SCALES = {
    "epochs": "epochs",
    "duration": "seconds of training",
    "samples": "rows trained on",
    "iterations": "updates of the weights",
}
# Beyond so many scorings markers would hide the line.
_MOST_MARKERS = 40
# From so many epochs on, parts of one need no tick.
_WHOLE = 4


class HistoryDisplay:
    """Training history: the error at every scoring, of training and validation rows.

    The best scoring is marked: by the validation rows if there are any. The title says how many
    rows per second training took, and what ended it.

    Parameters
    ----------
    history : mapping of str to array-like of shape (n_scorings,)
        As `Autoencoder.history_`.
    metric : str, default="mse"
        Columns ``"training_..."`` and ``"validation_..."`` of the history: "mse" or "rmse";
        "logloss" or "error" for classifiers.
    x : {"epochs", "duration", "samples", "iterations"}, default="epochs"
        What runs along the horizontal axis.
    label : str, default=None
        Of the vertical axis; None: the metric's name.
    stop_reason : str, default=None
        What ended training.

    Attributes
    ----------
    x_values, training, validation : ndarray of shape (n_scorings,), float64
        What is drawn; `validation` is NaN without validation rows.
    best : int
        The scoring of the least error.
    obs_per_s : float
        Rows per second of the whole training; NaN if it took no time.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    line_, validation_line_ : matplotlib.lines.Line2D
        The second is None without validation rows.

    Raises
    ------
    ValueError
        If the history is empty or lacks the columns, or `x` is none of them.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from fastae import Autoencoder
    >>> from fastae.plot import HistoryDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> model = Autoencoder(max_epochs=10, validation_fraction=0.2, random_state=0).fit(X)
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = HistoryDisplay.from_estimator(model, ax=ax)
    >>> display.ax_.get_ylabel()
    'mean squared error, scaled units'
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self,
        history: Mapping[str, Any],
        *,
        metric: str = "mse",
        x: str = "epochs",
        label: str | None = None,
        stop_reason: str | None = None,
    ) -> None:
        self.metric, self.x, self.stop_reason = metric, x, stop_reason
        self.label = _LABELS.get(metric, metric) if label is None else label
        if x not in _SCALES:
            msg = f"x must be one of {', '.join(map(repr, _SCALES))}, got {x!r}."
            raise ValueError(msg)
        known = [name.removeprefix("training_") for name in history if name.startswith("training_")]
        if metric not in known:
            msg = f"metric must be one of {', '.join(map(repr, known))}, got {metric!r}."
            raise ValueError(msg)
        self.training = np.array(history[f"training_{metric}"], dtype=np.float64)
        if not self.training.size:
            msg = "The history has no rows: there is nothing to draw."
            raise ValueError(msg)
        missing = np.full(self.training.shape, np.nan)
        self.validation = np.array(history.get(f"validation_{metric}", missing), dtype=np.float64)
        self.x_values = np.array(history[x], dtype=np.float64)
        decisive = self.training if np.isnan(self.validation).all() else self.validation
        self.best = int(np.nanargmin(decisive))
        seconds = float(history["duration"][-1])
        self.obs_per_s = float(history["samples"][-1]) / seconds if seconds > 0 else np.nan

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Axes | None = None,
        metric: str = "mse",
        x: str = "epochs",
    ) -> Self:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : Autoencoder, AutoencoderClassifier or AutoencoderRegressor
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        metric, x : str
            As in the constructor.

        Returns
        -------
        display : HistoryDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError, ValueError
            If it is no estimator of fastae, has no history, or not this metric.
        """
        check_network(estimator, cls.__name__)
        history = getattr(estimator, "history_", None)
        if history is None:
            msg = "The estimator has no history: its weights were taken over, not trained here."
            raise ValueError(msg)
        # Regressors measure in the units of y.
        label = None if hasattr(estimator, "offset_") else f"{metric} of the predictions"
        reason = getattr(estimator, "stop_reason_", None)
        return cls(history, metric=metric, x=x, label=label, stop_reason=reason).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : HistoryDisplay
        """
        ax = axes_or_new(ax, (7, 4.2))
        few = self.training.size <= _MOST_MARKERS
        (self.line_,) = ax.plot(
            self.x_values, self.training, color=BLUE, marker="o" if few else "", ms=4,
            label="training rows",
        )  # fmt: skip
        self.validation_line_ = None
        if not np.isnan(self.validation).all():
            (self.validation_line_,) = ax.plot(
                self.x_values, self.validation, color=ORANGE, ls="--", ms=4,
                marker="s" if few else "", label="validation rows",
            )  # fmt: skip
        decisive = self.training if self.validation_line_ is None else self.validation
        ax.plot(
            self.x_values[self.best], decisive[self.best], ls="", marker="*", ms=13, color=GREEN,
            mec=INK, mew=0.8, zorder=5, label=f"best: {short(decisive[self.best])}",
        )  # fmt: skip
        drawn = np.concatenate([self.training, self.validation])
        set_scale(ax, "y", drawn, scale="log" if np.nanmin(drawn) > 0 else "linear")
        whole = self.x != "duration" and self.x_values[-1] >= _WHOLE
        plain_ticks(ax.xaxis, whole=bool(whole))
        ax.set_xlabel(_SCALES[self.x])
        ax.set_ylabel(self.label)
        ax.grid(axis="y", alpha=0.3)
        clean(ax)
        headline(ax, self._title())
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self

    def _title(self) -> str:
        title = "Training history"
        if np.isfinite(self.obs_per_s):
            title += f": {self.obs_per_s:,.0f} obs/s"
        if self.stop_reason is not None:
            title += f", ended by {self.stop_reason}"
        return title
