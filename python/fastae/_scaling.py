"""Per-column scaling: the network sees ``(x - shift) * scale``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastae._threshold import quantiles

Float64 = npt.NDArray[np.float64]

# scale is used in single precision, where its reciprocal must exist too.
_MAX_SPREAD = 1.0 / float(np.finfo(np.float32).tiny)
_MIN_SPREAD = 1.0 / float(np.finfo(np.float32).max)
MAX_SCALE = float(np.finfo(np.float32).max)

# Scaled values beyond it are taken for it with "robust": spreads that few rows of a normal column
# reach, and by whose square an error is large enough (benchmarks/sweeps.py scalings).
ROBUST_LIMIT = 10.0
# Rows whose quantiles say enough.
ROBUST_ROWS = 20_000


def scaling(
    kind: str,
    stats: tuple[Float64, Float64, Float64, Float64],
    dtype: np.dtype[Any],
    name: str = "X",
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
        msg = (
            f"Column {too_wide[0]} of {name} has values as far apart as "
            f"{minimum[too_wide[0]]:.3g} and {maximum[too_wide[0]]:.3g}, more than single "
            "precision can hold: divide it by a constant or take logarithms first."
        )
        raise ValueError(msg)
    eps = float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps)
    rounding = 2 * eps * np.maximum(np.abs(minimum), np.abs(maximum))
    constant = (value_range <= rounding) | (spread <= _MIN_SPREAD)
    shift = np.where(value_range == 0, minimum, mean)
    scale = 1.0 / np.where(constant, 1.0, spread)
    return shift, scale


def robust_scaling(
    X: npt.NDArray[Any], weights: Float64 | None, fallback: Float64
) -> tuple[Float64, Float64]:
    """Return the median of each column, and one over its spread, NaN left out.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,), float64, or None
        How much each row counts.
    fallback : ndarray of shape (n_features,), float64
        Scale where the values leave no other choice.

    Returns
    -------
    shift, scale : ndarray of shape (n_features,), float64
        The spread is the distance between the quartiles over 1.349, or, where half of the values
        are the same, that between the 1st and the 99th percentile over 4.652: the standard
        deviation if the column were normal. A few absurd values do not change it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._scaling import robust_scaling
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0], [1e9]])
    >>> shift, scale = robust_scaling(X, None, np.ones(1))
    >>> float(shift[0]), round(float(1 / scale[0]), 2)
    (3.0, 1.48)
    """
    levels = [0.01, 0.25, 0.5, 0.75, 0.99]
    columns = []
    for j in range(X.shape[1]):
        column = np.asarray(X[:, j], dtype=np.float64)
        known = ~np.isnan(column)
        if known.any():
            columns.append(
                quantiles(column[known], levels, None if weights is None else weights[known])
            )
        else:
            columns.append(np.zeros(len(levels)))
    q = np.array(columns).T
    with np.errstate(divide="ignore"):
        inner, outer = 1.349 / (q[3] - q[1]), 4.652 / (q[4] - q[0])
    scale = np.where(inner < MAX_SCALE, inner, np.where(outer < MAX_SCALE, outer, fallback))
    return q[2], scale
