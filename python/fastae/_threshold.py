"""Where normal ends: thresholds on reconstruction errors.

What the rules are taken from:

- the fence: J. W. Tukey. "Exploratory Data Analysis." 1977.
- deviations from the median: B. Iglewicz, D. C. Hoaglin. "How to Detect and Handle Outliers." 1993.
- the rank: V. Vovk, A. Gammerman, G. Shafer. "Algorithmic Learning in a Random World." 2005.
- peaks over a threshold: A. Siffer, P.-A. Fouque, A. Termier, C. Largouet. "Anomaly Detection in
  Streams with Extreme Value Theory." KDD 2017; fitted after J. R. M. Hosking, J. R. Wallis.
  "Parameter and Quantile Estimation for the Generalized Pareto Distribution." Technometrics 29,
  1987.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

# Below this many rows a table may well have no odd row, and none has to be flagged.
MIN_ROWS_TO_FLAG = 200
MAX_QUANTILE = 0.995
# Where errors are few and spread over decades, the fence may lie beyond anything that a row can
# reach; the largest training error, so many times over, bounds it.
MAX_MULTIPLE = 5.0
# An error of float32 rounding on inputs of size 1; smaller ones say nothing.
NOISE = float(np.finfo(np.float32).eps) ** 2
# A normal distribution's standard deviation over its median absolute deviation.
SD_PER_MAD = 1.4826
# The largest errors, to which the tail is fitted, are this share of at least so many.
TAIL_SHARE = 0.1
MIN_ROWS_FOR_TAIL = 200


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
        errors of normal rows are skewed to the right, but at most 5 times the largest error; with
        200 rows or more it is at most their 99.5 % quantile, so that the worst training rows
        always count as odd.
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
    if n_rows(mse, weights) < MIN_ROWS_TO_FLAG:
        return min(fence, max(MAX_MULTIPLE * float(mse.max()), NOISE))
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
    total = n_rows(values, weights)
    ends = np.cumsum(counts * (total / counts.sum()))
    # Of `total` values in a row, value i takes the places from ends[i - 1] up to ends[i].
    place = np.asarray(q, dtype=np.float64) * (total - 1)
    below = np.floor(place + 1e-9)
    at = [np.minimum(np.searchsorted(ends, k + 1e-9, side="right"), ordered.size - 1)
          for k in (below, below + 1)]  # fmt: skip
    share = np.maximum(place - below, 0.0)
    return np.asarray(ordered[at[0]] * (1 - share) + ordered[at[1]] * share)


def rank_threshold(errors: Float64, rate: float, weights: Float64 | None = None) -> float:
    """Return the error above which a new row falls with at most a given probability.

    That is the conformal one: if the new row and those of the errors are exchangeable, it falls
    above the m-th largest of n errors with a probability of at most m / (n + 1), where m is the
    largest whole number for which this is not above `rate`.

    Parameters
    ----------
    errors : ndarray of shape (n,), float64
        Of rows that the network was not trained on.
    rate : float in [1 / (n + 1), 1)
    weights : ndarray of shape (n,), float64, or None
        How many rows each stands for, as in `quantiles`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._threshold import rank_threshold
    >>> rank_threshold(np.arange(1.0, 100.0), 0.05)
    95.0
    """
    order = np.argsort(-errors, kind="stable")
    counts = np.ones(errors.size) if weights is None else weights[order]
    total = n_rows(errors, weights)
    ends = np.cumsum(counts * (total / counts.sum()))
    # So many of the largest may lie above; rounding must not take one off.
    above = rate * (total + 1) - 1
    at = np.searchsorted(ends, above + 1e-9 * total, side="right")
    return float(errors[order[min(int(at), errors.size - 1)]])


def mad_threshold(errors: Float64, n_deviations: float, weights: Float64 | None = None) -> float:
    """Return the error so many robust standard deviations above the median, of the logarithms.

    Of the logarithms, since errors of normal rows are skewed to the right.

    Parameters
    ----------
    errors : ndarray of shape (n,), float64
    n_deviations : float
    weights : ndarray of shape (n,), float64, or None

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._threshold import mad_threshold
    >>> round(float(np.log(mad_threshold(np.exp([0.0, 1.0, 2.0, 3.0, 9.0]), 2.0))), 4)
    4.9652
    """
    logs = np.log(np.maximum(errors, NOISE))
    median = quantiles(logs, [0.5], weights)[0]
    mad = quantiles(np.abs(logs - median), [0.5], weights)[0]
    with np.errstate(over="ignore"):
        return float(np.exp(median + n_deviations * SD_PER_MAD * mad))


def tail_threshold(errors: Float64, rate: float, weights: Float64 | None = None) -> float:
    """Return the error above which a share of rows falls, by a fit to the largest tenth.

    Peaks over threshold: what the largest errors exceed the 90 % quantile by follows a
    generalised Pareto distribution, here fitted by probability-weighted moments. Its shape is
    taken for at least 0: squared errors have no upper end, and a tail that seems to have one makes
    rates beyond the data many times too high.

    Parameters
    ----------
    errors : ndarray of shape (n,), float64
    rate : float in (0, 1)
        From `TAIL_SHARE` on the rank decides, as in `rank_threshold`.
    weights : ndarray of shape (n,), float64, or None

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._threshold import tail_threshold
    >>> errors = np.random.default_rng(0).exponential(size=10_000)
    >>> bool(np.exp(-tail_threshold(errors, 1e-4)) < 2e-4)
    True
    """
    total = n_rows(errors, weights)
    counts = np.ones(errors.size) if weights is None else weights * (total / weights.sum())
    start = quantiles(errors, [1 - TAIL_SHARE], weights)[0]
    beyond = errors > start
    n_beyond = float(counts[beyond].sum())
    if rate * total >= n_beyond or not beyond.any():
        return rank_threshold(errors, rate, weights)
    shape, scale = generalised_pareto(errors[beyond] - start, counts[beyond])
    ratio = n_beyond / (rate * total)
    growth = np.log(ratio) if shape < 1e-9 else np.expm1(shape * np.log(ratio)) / shape
    return float(start + scale * growth)


def generalised_pareto(values: Float64, counts: Float64) -> tuple[float, float]:
    """Return shape (at least 0) and scale by probability-weighted moments.

    Parameters
    ----------
    values : ndarray of shape (n,), float64
        Above 0.
    counts : ndarray of shape (n,), float64
        How many values each stands for.
    """
    order = np.argsort(values, kind="stable")
    x, w = values[order], counts[order]
    n = w.sum()
    # Hosking and Wallis' plotting positions, means over the places that a value takes.
    p = (np.cumsum(w) - w + (w + 1) / 2 - 0.35) / n
    first, second = float((w * x).sum() / n), float((w * (1 - p) * x).sum() / n)
    shape = 2 - first / (first - 2 * second) if first > 2 * second else 0.0
    if shape <= 0:
        return 0.0, first
    return shape, 2 * first * second / (first - 2 * second)


def n_rows(values: Float64, weights: Float64 | None) -> float:
    """Return how many rows the values stand for."""
    return float(values.size) if weights is None else max(float(weights.sum()), float(values.size))
