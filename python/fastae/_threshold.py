"""Where normal ends: the threshold on the training rows' reconstruction errors."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

# Below this many rows a table may well have no odd row, and none has to be flagged.
MIN_ROWS_TO_FLAG = 200
MAX_QUANTILE = 0.995
# An error of float32 rounding on inputs of size 1; smaller ones say nothing.
NOISE = float(np.finfo(np.float32).eps) ** 2


def threshold(
    mse: Float64, contamination: float | Literal["auto"], weights: Float64 | None = None
) -> float:
    """Return the largest error that still counts as normal.

    Parameters
    ----------
    mse : ndarray of shape (n_samples,), float64
        Errors of training rows, each >= 0.
    contamination : "auto" or float in (0, 0.5]
        A number is the share of the given rows to lie above the threshold, up to ties.
        "auto" is Tukey's outer fence on the logarithms of the errors, Q3 + 3 (Q3 - Q1), because
        errors of normal rows are skewed to the right; with 200 rows or more it is at most
        their 99.5 % quantile, so that the worst training rows always count as odd.
    weights : ndarray of shape (n_samples,), float64, or None
        How many rows each stands for, as in `quantiles`.

    Returns
    -------
    threshold : float
        In the units of `mse`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._threshold import threshold
    >>> float(threshold(np.array([1.0, 1.0, 2.0, 2.0, 50.0]), "auto"))
    16.0
    >>> float(threshold(np.arange(1.0, 12.0), 0.1))
    10.0
    """
    if contamination != "auto":
        # Of the scores -mse, as scikit-learn's IsolationForest does it.
        return -float(quantiles(-mse, [contamination], weights)[0])
    q1, q3, high = quantiles(mse, [0.25, 0.75, MAX_QUANTILE], weights)
    q1, q3 = np.maximum([q1, q3], NOISE)
    # exp(log q3 + 3 (log q3 - log q1)), exact where q1 == q3.
    fence = float(q3 * (q3 / q1) ** 3)
    if _n_rows(mse, weights) < MIN_ROWS_TO_FLAG:
        return fence
    return min(fence, float(high))


def quantiles(values: Float64, q: list[float], weights: Float64 | None = None) -> Float64:
    """Return quantiles by linear interpolation, as `numpy.quantile` defines them.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
    q : list of float in [0, 1]
    weights : ndarray of shape (n,), float64, or None
        A value of weight k counts as k values, for whole k exactly. Weights that add up to less
        than n are taken as shares, and scaled to add up to n.

    Returns
    -------
    quantiles : ndarray of shape (len(q),), float64

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._threshold import quantiles
    >>> quantiles(np.array([1.0, 5.0]), [0.5], np.array([1.0, 2.0]))
    array([5.])
    """
    if weights is None or (weights == 1).all():
        return np.asarray(np.quantile(values, q), dtype=np.float64)
    order = np.argsort(values, kind="stable")
    ordered, counts = values[order], weights[order]
    total = _n_rows(values, weights)
    ends = np.cumsum(counts * (total / counts.sum()))
    # Of `total` values in a row, value i takes the places from ends[i - 1] up to ends[i].
    place = np.asarray(q, dtype=np.float64) * (total - 1)
    below = np.floor(place + 1e-9)
    at = [np.minimum(np.searchsorted(ends, k + 1e-9, side="right"), ordered.size - 1)
          for k in (below, below + 1)]  # fmt: skip
    share = np.maximum(place - below, 0.0)
    return np.asarray(ordered[at[0]] * (1 - share) + ordered[at[1]] * share)


def _n_rows(values: Float64, weights: Float64 | None) -> float:
    """Return how many rows the values stand for."""
    return float(values.size) if weights is None else max(float(weights.sum()), float(values.size))
