"""Per-column scaling: the network sees ``(x - shift) * scale``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

Float64 = npt.NDArray[np.float64]

# scale is used in single precision, where its reciprocal must exist too.
_MAX_SPREAD = 1.0 / float(np.finfo(np.float32).tiny)
_MIN_SPREAD = 1.0 / float(np.finfo(np.float32).max)
MAX_SCALE = float(np.finfo(np.float32).max)

# Scaled values beyond it are taken for it with "robust": spreads that few rows of a normal column
# reach, and by whose square an error is large enough (benchmarks/sweeps.py scalings).
ROBUST_LIMIT = 10.0
# Rows whose quantiles say enough.
ROBUST_ROWS = 5_000
# Rows in the first call of a stream from which quantiles are settled for good.
STREAM_ROWS = 256
_CLOSE = 1e-9  # rounding of shares of weights
_BLOCK = 64  # columns whose quantiles are looked for at a time


def auto_scaling(dtype: np.dtype[Any], output_activation: str, n_stream: int | None = None) -> str:
    """Return what ``scaling="auto"`` stands for.

    Parameters
    ----------
    dtype : numpy dtype
        Of the training table.
    output_activation : str
        Of the network.
    n_stream : int or None
        The rows of a stream's first call; None: all rows are there.

    Returns
    -------
    kind : {"range", "standard", "robust"}
        "range" for types that bound their values, so that no extreme can be absurd, and for
        outputs that end at -1 or 1. Else "robust", which one absurd value does not touch; but a
        stream that begins with few rows is not scaled by their quantiles for good: "standard"
        follows it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scaling import auto_scaling
    >>> pixels, floats = np.dtype(np.uint8), np.dtype(float)
    >>> auto_scaling(pixels, "identity"), auto_scaling(floats, "identity")
    ('range', 'robust')
    >>> auto_scaling(floats, "tanh"), auto_scaling(floats, "identity", n_stream=10)
    ('range', 'standard')
    """
    if dtype in (np.bool_, np.uint8, np.int8) or output_activation in ("tanh", "logistic"):
        return "range"
    return "robust" if n_stream is None or n_stream >= STREAM_ROWS else "standard"


def scaling(
    kind: str,
    stats: tuple[Float64, Float64, Float64, Float64],
    dtype: np.dtype[Any],
    name: str = "X",
    columns: npt.NDArray[np.intp] | None = None,
) -> tuple[Float64, Float64]:
    """Return shift and scale of each column.

    Parameters
    ----------
    kind : {"range", "standard", "none", "robust"}
        Subtract the mean and divide by max - min; by the standard deviation; leave as it is.
        "robust" is as "standard" here: see `robust_scaling`.
    stats : tuple of four ndarray of shape (n_features,), float64
        Mean, minimum, maximum and population variance of the training columns.
    dtype : numpy dtype
        Of the training table: its precision decides which columns are constant.
    name : str
        Of the table, for errors.
    columns : ndarray of shape (n_features,), intp, or None
        Which columns of the table these are, for errors; None: all.

    Returns
    -------
    shift, scale : ndarray of shape (n_features,), float64
        A column that is constant but for rounding gets scale 1, so that a row that departs from
        the constant by 0.1 has an error of 0.1, and not of 0.1 divided by almost nothing.

    Raises
    ------
    ValueError
        If a column's values are too far apart for single precision.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae import _core
    >>> from fastae._scaling import scaling
    >>> X = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> stats = _core.column_stats(X, n_threads=1)[:4]
    >>> shift, scale = scaling("range", stats, X.dtype)
    >>> shift.tolist(), scale.tolist()
    ([2.0, 5.0], [0.5, 1.0])
    """
    mean, minimum, maximum, variance = stats
    if kind == "none":
        return np.zeros_like(mean), np.ones_like(mean)
    with np.errstate(over="ignore"):  # reported as too wide below
        value_range = maximum - minimum
    spread = value_range if kind == "range" else np.sqrt(variance)
    too_wide = np.flatnonzero(~(value_range < _MAX_SPREAD))
    if too_wide.size:
        at = too_wide[0]
        msg = (
            f"Column {at if columns is None else columns[at]} of {name} has values as far apart as "
            f"{minimum[at]:.3g} and {maximum[at]:.3g}, more than single "
            "precision can hold: divide it by a constant or take logarithms first."
        )
        raise ValueError(msg)
    constant = (value_range <= rounding(minimum, maximum, dtype)) | (spread <= _MIN_SPREAD)
    shift = np.where(value_range == 0, minimum, mean)
    scale = 1.0 / np.where(constant, 1.0, spread)
    return shift, scale


def rounding(low: Float64, high: Float64, dtype: np.dtype[Any]) -> Float64:
    """Return how far apart values between two bounds may be that differ by rounding only.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scaling import rounding
    >>> rounding(np.array([0.1]), np.array([0.1]), np.dtype(float)) < 1e-16
    array([ True])
    """
    eps = float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)
    return np.asarray(2 * eps * np.maximum(np.abs(low), np.abs(high)))


def robust_scaling(
    X: Any,
    rows: npt.NDArray[np.integer[Any]] | None,
    weights: Float64 | None,
    value_range: Float64,
) -> tuple[Float64, Float64]:
    """Return the median of each column, and one over its spread, NaN left out.

    Parameters
    ----------
    X : ndarray or SciPy CSC matrix of shape (n, n_features)
    rows : ndarray of shape (n_rows,), int, or None
        Which rows to look at; None: all.
    weights : ndarray of shape (n_rows,), float64, or None
        How much each row counts.
    value_range : ndarray of shape (n_features,), float64
        Maximum minus minimum of each column.

    Returns
    -------
    shift, scale : ndarray of shape (n_features,), float64
        The spread is the distance between the quartiles over 1.349: the standard deviation if the
        column were normal. Where half of the values are the same, it is half the range, which no
        standard deviation exceeds, or, if less, twice the median distance of the other values
        from these. A few absurd values do not change either. 1 for constant columns.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scaling import robust_scaling
    >>> X = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 1.0], [1e9, 0.0]])
    >>> shift, scale = robust_scaling(X, None, None, np.ptp(X, axis=0))
    >>> shift.tolist(), [round(float(spread), 2) for spread in 1 / scale]
    ([3.0, 0.0], [1.48, 0.5])
    """
    shift, spread = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for start in range(0, X.shape[1], _BLOCK):  # a copy of all columns could be large
        part = X[:, start : start + _BLOCK]
        if issparse(part):
            part = part.toarray()
        columns = np.array(part if rows is None else part[rows], dtype=np.float64, order="F")
        for j, column in enumerate(columns.T, start):
            known = ~np.isnan(column)
            counts = None if weights is None else weights[known]
            if known.any():
                shift[j], spread[j] = _center_and_spread(
                    column[known], counts, X.dtype, value_range[j]
                )
    tiny = spread <= 1.0 / MAX_SCALE
    return shift, 1.0 / np.where(tiny, 1.0, spread)


def _center_and_spread(
    values: Float64, weights: Float64 | None, dtype: np.dtype[Any], value_range: float
) -> tuple[float, float]:
    low, median, high = _quantiles(values, [0.25, 0.5, 0.75], weights)
    same = rounding(low, high, dtype)
    if high - low > same:
        return float(median), float((high - low) / 1.349)
    distance = np.abs(values - median)
    apart = distance > same
    if not apart.any():
        return float(median), value_range / 2
    typical = _quantiles(distance[apart], [0.5], None if weights is None else weights[apart])[0]
    return float(median), float(min(value_range / 2, 2 * typical))


def _quantiles(values: Float64, levels: list[float], weights: Float64 | None) -> Float64:
    """Return quantiles of which only the ratios of the weights matter, and repeated rows count.

    Interpolating ones, such as the threshold's, depend on the number of rows. These are values
    that are there, or halfway between two where a level falls between them (definition 2 of
    Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50, 1996).
    """
    if weights is None or (weights == weights[0]).all():
        ordered = np.sort(values)
        places = np.multiply(levels, values.size)
        at = [np.ceil(places - _CLOSE).astype(int) - 1, np.floor(places + _CLOSE).astype(int)]
    else:
        order = np.argsort(values, kind="stable")
        ordered, ends = values[order], np.cumsum(weights[order])
        ends /= ends[-1]
        at = [np.searchsorted(ends, np.add(levels, off)) for off in (-_CLOSE, _CLOSE)]
    return np.asarray(ordered[np.minimum(at, values.size - 1)].mean(axis=0))
