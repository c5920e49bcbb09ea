"""Codes in two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm, Normalize
from sklearn.decomposition import PCA

from fastae.plot._given import given_errors, given_flags, given_table, given_threshold
from fastae.plot._rows import check_detector, errors_of
from fastae.plot._style import (
    GREY,
    MSE_LABEL,
    RED,
    axes_or_new,
    clean,
    count,
    headline,
    scale_for,
    set_scale,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

    from fastae.plot._style import AnyFigure

Float64 = npt.NDArray[np.float64]

# The share of the rows at either end of the errors beyond the last colours, if rows are many.
_TAIL, _MANY = 0.01, 100
_ROUNDING = 1e-9


class CodesDisplay:
    """Codes of rows in two dimensions, coloured by error; flagged rows are red-rimmed triangles.

    Two codes are drawn as they are, one code against the error, more of them by their first two
    principal components.

    Parameters
    ----------
    points : ndarray of shape (n_rows, 2), float64
        Where the rows are.
    errors : ndarray of shape (n_rows,), float64
    flagged : ndarray of shape (n_rows,), bool
    axis_labels : (str, str)
    label : str, default="mean squared error, scaled units"
        What the errors are.

    Attributes
    ----------
    points, errors, flagged, axis_labels, label
        As given.
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from fastae import Autoencoder
    >>> from fastae.plot import CodesDisplay
    >>> X = load_digits().data
    >>> model = Autoencoder(hidden_layer_sizes=2, max_epochs=5, random_state=0).fit(X)
    >>> ax = Figure(layout="constrained").subplots()
    >>> display = CodesDisplay.from_estimator(model, X, ax=ax)
    >>> display.axis_labels
    ('code 0', 'code 1')
    >>> again = display.plot(Figure().subplots())  # into other axes
    """

    def __init__(
        self,
        points: Float64,
        errors: Float64,
        flagged: npt.NDArray[np.bool_],
        axis_labels: tuple[str, str],
        *,
        label: str = MSE_LABEL,
    ) -> None:
        self.points, self.errors, self.flagged = points, errors, flagged
        self.axis_labels, self.label = axis_labels, label

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, ax: Axes | None = None) -> Self:
        """Compute codes and errors of rows, and draw them.

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
        display : CodesDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError, ValueError
            If it is no autoencoder, or X is wrong as in `Autoencoder.transform`.
        """
        check_detector(estimator, cls.__name__)
        errors = errors_of(estimator, X)
        codes = np.asarray(estimator.transform(X), dtype=np.float64)
        points, labels = _flat(codes, errors.values, errors.label)
        return cls(points, errors.values, errors.flagged, labels, label=errors.label).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        codes: npt.ArrayLike,
        errors: npt.ArrayLike,
        threshold: float | None = None,
        *,
        flagged: npt.ArrayLike | None = None,
        ax: Axes | None = None,
        label: str = MSE_LABEL,
    ) -> Self:
        """Draw codes that are known.

        Parameters
        ----------
        codes : array-like of shape (n_rows, n_codes)
            As `Autoencoder.transform` returns them.
        errors : array-like of shape (n_rows,)
        threshold : float, default=None
            Rows of larger errors are flagged.
        flagged : array-like of bool of shape (n_rows,), default=None
            Which rows are flagged, if not those above the threshold.
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.
        label : str
            As in the constructor.

        Returns
        -------
        display : CodesDisplay

        Raises
        ------
        ValueError
            If codes or errors are not finite, or errors or flags are not one per row.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from fastae.plot import CodesDisplay
        >>> codes, errors = [[0.1, -0.5], [0.4, 0.9]], [0.2, 3.0]
        >>> display = CodesDisplay.from_predictions(codes, errors, 1.0, ax=Figure().subplots())
        >>> display.flagged.tolist()
        [False, True]
        """
        table, values = given_table("codes", codes), given_errors("errors", errors)
        if len(table) != values.size or np.isnan(table).any():
            msg = (
                "codes must be finite and have one row per error, got shape "
                f"{table.shape} and {values.size} errors."
            )
            raise ValueError(msg)
        flags = given_flags(flagged, values, given_threshold(threshold))
        points, labels = _flat(table, values, label)
        return cls(points, values, flags, labels, label=label).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            None: of a new figure.

        Returns
        -------
        display : CodesDisplay
        """
        ax = axes_or_new(ax, (7, 5))
        n = self.errors.size
        size = 30.0 if n <= 200 else 12.0 if n <= 3000 else 5.0
        shown, norm = self._colors()
        order = np.argsort(self.errors, kind="stable")  # the odd ones on top
        rim = {"linewidths": 1, "edgecolors": RED}
        styles = (
            (False, "o", size, {"linewidths": 0}, "not flagged"),
            (True, "^", max(2 * size, 25.0), rim, "flagged"),
        )
        drawn: Any = None
        for flag, marker, area, edge, word in styles:
            rows = order[self.flagged[order] == flag]
            if not rows.size:
                continue
            drawn = ax.scatter(
                self.points[rows, 0], self.points[rows, 1], s=area, c=shown[rows], norm=norm,
                cmap="viridis", marker=marker, rasterized=n > 3000,
                label=f"{rows.size:,} {word}", **edge,
            )  # fmt: skip
        self._draw_colorbar(ax, drawn)
        ax.set_xlabel(self.axis_labels[0])
        ax.set_ylabel(self.axis_labels[1])
        set_scale(ax, "x", self.points[:, 0], scale="linear")
        scale = None if self.axis_labels[1] == self.label else "linear"
        set_scale(ax, "y", self.points[:, 1], scale=scale)
        clean(ax)
        headline(ax, f"Codes of {count(n)}")
        legend: Any = ax.get_legend()
        for handle in legend.legend_handles:  # whose colour would be that of one row
            handle.set_array(None)
            handle.set_facecolor(GREY)
        self.ax_ = ax
        self.figure_: AnyFigure = ax.figure
        return self

    def _colors(self) -> tuple[Float64, Normalize]:
        """Return what is coloured, and how it is spread over the colours."""
        known = self.errors
        is_log = scale_for(known) == "log"
        if is_log:
            known = known[known > 0]
        # A few absurd errors would leave one colour for all others.
        tail = _TAIL if known.size >= _MANY else 0.0
        low, high = np.quantile(known, [tail, 1 - tail])
        if not is_log or low == high:
            return self.errors, Normalize(low, high)
        return np.maximum(self.errors, known.min()), LogNorm(low, high)

    def _draw_colorbar(self, ax: Axes, drawn: ScalarMappable) -> None:
        low, high = drawn.get_clim()
        assert low is not None
        assert high is not None
        beyond = self.errors < low, self.errors > high
        extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
        bar = ax.figure.colorbar(
            drawn, ax=ax, label=self.label, pad=0.02,
            extend=extend[bool(beyond[0].any()), bool(beyond[1].any())],
        )  # fmt: skip
        scale = "log" if isinstance(drawn.norm, LogNorm) else "linear"
        set_scale(bar.ax, "y", [low, high], scale=scale)


def _flat(codes: Float64, errors: Float64, label: str) -> tuple[Float64, tuple[str, str]]:
    """Return codes in two dimensions, and what these are."""
    n_rows, n_codes = codes.shape
    if n_codes == 1:
        return np.column_stack([codes[:, 0], errors]), ("the code", label)
    if n_codes == 2:
        return codes, ("code 0", "code 1")
    if n_rows < 2:
        msg = f"{n_codes} codes of one row have no principal components: give more rows."
        raise ValueError(msg)
    pca = PCA(n_components=2, svd_solver="full")
    if np.ptp(codes, axis=0).any():
        points = pca.fit_transform(codes)
        shares = 100 * pca.explained_variance_ratio_
        # Of two rows the second component is nothing but rounding.
        points[np.abs(points) < _ROUNDING * np.abs(points).max()] = 0.0
    else:
        points, shares = np.zeros((n_rows, 2)), np.zeros(2)
    first, second = (
        f"{word} principal component of {n_codes} codes ({share:.0f} %)"
        for word, share in zip(("first", "second"), shares, strict=True)
    )
    return np.asarray(points), (first, second)
