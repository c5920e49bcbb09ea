"""Where normal ends: the threshold on the training rows' reconstruction errors."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

# Below this many rows a table may well have no odd row, and none has to be flagged.
MIN_ROWS_TO_FLAG = 200
MAX_QUANTILE = 0.995
# An error of float32 rounding on inputs of size 1; smaller ones say nothing.
NOISE = float(np.finfo(np.float32).eps) ** 2


def threshold(mse: npt.NDArray[np.float64], contamination: float | Literal["auto"]) -> float:
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
        return -float(np.percentile(-mse, 100.0 * contamination))
    q1, q3 = np.maximum(np.quantile(mse, [0.25, 0.75]), NOISE)
    # exp(log q3 + 3 (log q3 - log q1)), exact where q1 == q3.
    fence = float(q3 * (q3 / q1) ** 3)
    if mse.size < MIN_ROWS_TO_FLAG:
        return fence
    return min(fence, float(np.quantile(mse, MAX_QUANTILE)))
