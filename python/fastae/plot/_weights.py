"""The weights of the first layer: what its units look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from fastae.plot._images import as_images, draw_frames, draw_mosaic, mosaic
from fastae.plot._lines import left_out_in_words
from fastae.plot._names import name_ticks
from fastae.plot._rows import (
    check_count,
    check_network,
    checked_shape,
    column_names,
    number_columns,
)
from fastae.plot._style import UNSHADED, count, figure_or_new
from fastae.plot._ticks import plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]

# A few weights may be far larger than all others, which would then look like nothing.
_BRIGHTEST = 0.998
_MOST_NAMES = 60


class WeightsDisplay:
    """Weights of the first layer, as images or as a heat map of units and columns.

    Units come in the order of the lengths of their weight vectors. Red is positive, blue negative,
    on one scale for all units, in scaled units of the columns. Weights of constant columns, whose
    input is always the same, mean nothing and are grey. Images have thin frames. The title says
    what is grey, and how many columns are left out because they are categories.

    Parameters
    ----------
    weights : ndarray of shape (n_shown, n_columns), float64
        NaN where there is none.
    units : ndarray of shape (n_shown,), int
        Which units these are.
    n_units : int
        Of the layer.
    shape : tuple of int, default=None
        Of images: (height, width), or with channels. None: a heat map.
    names : list, default=None
        Of the columns; None: they are numbered.
    n_factors : int, default=0
        Columns that are left out.

    Attributes
    ----------
    weights, units, n_units, shape, names, n_factors
        As given.
    axes_ : ndarray of matplotlib.axes.Axes, of shape (1,)
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from fastae import Autoencoder
    >>> from fastae.plot import WeightsDisplay
    >>> model = Autoencoder(hidden_layer_sizes=16, max_epochs=5, random_state=0)
    >>> model = model.fit(load_digits().data)
    >>> display = WeightsDisplay.from_estimator(model, shape=(8, 8), figure=Figure())
    >>> display.weights.shape
    (16, 64)
    >>> again = display.plot(Figure())  # into another figure
    """

    def __init__(
        self,
        weights: Float64,
        units: npt.NDArray[np.intp],
        n_units: int,
        *,
        shape: tuple[int, ...] | None = None,
        names: list[object] | None = None,
        n_factors: int = 0,
    ) -> None:
        self.weights, self.units, self.n_units = weights, units, n_units
        self.shape, self.names, self.n_factors = shape, names, n_factors

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        shape: int | Sequence[int] | None = None,
        n_units: int = 25,
        figure: AnyFigure | None = None,
    ) -> Self:
        """Draw the first layer of a fitted network.

        Parameters
        ----------
        estimator : Autoencoder, AutoencoderClassifier or AutoencoderRegressor
        shape : int or sequence of int, default=None
            Two or three numbers, such as (28, 28) or (32, 32, 3): weights are images. Else a heat
            map.
        n_units : int >= 1, default=25
            The most that are shown.
        figure : matplotlib.figure.Figure or SubFigure, default=None
            An empty one to draw into. None: a new one.

        Returns
        -------
        display : WeightsDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError
            If it is no estimator of fastae, has factors and `shape` is given, or was taken over
            from H2O with factors.
        ValueError
            If `shape` does not have one place per column, or no column is a number.
        """
        check_network(estimator, cls.__name__)
        most = check_count("n_units", n_units)
        if estimator._encoder is not None:
            msg = f"{cls.__name__} is not there for networks taken over from H2O with factors."
            raise TypeError(msg)
        columns = number_columns(estimator)
        n_columns = int(estimator.n_features_in_)
        if shape is not None and columns.size != n_columns:
            msg = "shape is for tables of numbers, but fit saw factors: leave it out."
            raise TypeError(msg)
        whole = None if shape is None else checked_shape(shape, n_columns)
        if not columns.size:
            msg = f"{cls.__name__} draws weights of numbers, but all columns are factors."
            raise ValueError(msg)
        weights = _weights_of(estimator, columns)
        lengths = np.nansum(np.square(weights), axis=1)
        units = np.argsort(-lengths, kind="stable")[:most]
        names = column_names(estimator)
        return cls(
            weights[units], units, len(weights),
            shape=whole if whole is not None and len(whole) > 1 else None,
            names=[names[j] for j in columns] if isinstance(names[0], str) else None,
            n_factors=n_columns - columns.size,
        ).plot(figure)  # fmt: skip

    def plot(self, figure: AnyFigure | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        figure : matplotlib.figure.Figure or SubFigure, default=None
            An empty one to draw into. None: a new one.

        Returns
        -------
        display : WeightsDisplay
        """
        known = np.abs(self.weights[~np.isnan(self.weights)])
        top = float(np.quantile(known, _BRIGHTEST)) if known.size else 0.0
        limits = (-(top or 1.0), top or 1.0)
        n_across = int(np.ceil(np.sqrt(len(self.units))))
        size = (8.0, 3.6 + 0.16 * len(self.units))
        if self.shape is not None:
            n_down = -(-len(self.units) // n_across)
            size = (6.4, 0.6 + 5.0 * n_down / n_across * self.shape[0] / self.shape[1])
        self.figure_ = figure_or_new(figure, size)
        ax = self.figure_.subplots()
        self.axes_ = np.array([ax])
        if self.shape is not None:
            tiles = mosaic(as_images(self.weights, self.shape), n_across)
            drawn = draw_mosaic(ax, tiles, limits, cmap="RdBu_r", nothing=UNSHADED)
            draw_frames(ax, tiles, *self.shape[:2])
        else:
            colors = mpl.colormaps["RdBu_r"].with_extremes(bad=UNSHADED)
            drawn = ax.imshow(
                self.weights, cmap=colors, vmin=limits[0], vmax=limits[1], aspect="auto",
                interpolation="nearest",
            )  # fmt: skip
            ax.set_yticks(np.arange(len(self.units)), [str(u) for u in self.units], fontsize=8)
            ax.set_ylabel("unit")
            if self.names is None:
                ax.set_xlabel("column")
                plain_ticks(ax.xaxis, whole=True)
            else:
                name_ticks(ax.xaxis, self.names, most=_MOST_NAMES)
        if self.shape is None or len(self.shape) == 2 or self.shape[2] == 1:
            extend = "both" if known.size and known.max() > limits[1] else "neither"
            bar = self.figure_.colorbar(
                drawn,
                ax=ax,
                label="weight, scaled units",
                pad=0.02,
                extend=extend,
                shrink=1.0 if self.shape is None else 0.8,
            )
            plain_ticks(bar.ax.yaxis)
        ax.set_title(self._title(), loc="left", fontsize=11)
        return self

    def _title(self) -> str:
        title = f"First layer: {count(len(self.units), 'unit')} of {self.n_units}"
        if np.isnan(self.weights).any():
            title += f"\ngrey: {'columns' if self.shape is None else 'pixels'} constant in training"
        if self.n_factors:
            title += f"\n{left_out_in_words(self.n_factors)}"
        return title


def _weights_of(estimator: Any, columns: npt.NDArray[np.intp]) -> Float64:
    """Return the weights of all units for all numbers of the table, NaN where they mean nothing."""
    n_seen = estimator.shift_.size
    seen = np.asarray(estimator.coefs_[0][:n_seen].T, dtype=np.float64)
    weights = np.array(estimator._completed(seen, np.nan))
    constant = getattr(estimator, "constant_features_", np.empty(0, dtype=np.intp))
    weights[:, np.isin(columns, constant)] = np.nan
    return weights
