"""Per-column scaling: the network sees ``(x - shift) * scale``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

# scale is used in single precision, where its reciprocal must exist too.
_MAX_SPREAD = 1.0 / float(np.finfo(np.float32).tiny)
_MIN_SPREAD = 1.0 / float(np.finfo(np.float32).max)


def scaling(
    kind: str,
    stats: tuple[Float64, Float64, Float64, Float64],
    dtype: np.dtype[Any],
    name: str = "X",
) -> tuple[Float64, Float64]:
    """Return shift and scale of each column.

    Parameters
    ----------
    kind : {"range", "standard", "none"}
        Subtract the mean and divide by max - min; by the standard deviation; leave as it is.
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
    >>> shift, scale = scaling("range", _core.column_stats(X, n_threads=1), X.dtype)
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
