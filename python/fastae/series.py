"""Time series: cut into windows that an autoencoder takes for rows, and scores mapped back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["point_errors", "sliding_windows"]

Float64 = npt.NDArray[np.float64]


def sliding_windows(series: npt.ArrayLike, width: int, stride: int = 1) -> npt.NDArray[Any]:
    """Return the windows of a series, one per row.

    Parameters
    ----------
    series : array-like of shape (n_points,) or (n_points, n_channels)
        Measurements in the order of time, in any units; NaN where one is missing.
    width : int
        Points per window.
    stride : int, default=1
        Points from the beginning of one window to that of the next. Points at the end that fill
        no window are in none.

    Returns
    -------
    windows : ndarray of shape (n_windows, width * n_channels)
        A read-only view of the series (nothing is copied) where that is one block of memory.
        Channels vary fastest: a row is point by point.

    Raises
    ------
    ValueError
        If `series` has more than two dimensions or fewer than `width` points, or `width` or
        `stride` is below 1.

    Examples
    --------
    >>> from fastae.series import sliding_windows
    >>> sliding_windows([1, 2, 3, 4, 5, 6], width=3, stride=2).tolist()
    [[1, 2, 3], [3, 4, 5]]
    """
    points = np.ascontiguousarray(series)
    if points.ndim not in (1, 2) or points.size == 0:
        msg = f"series must have shape (n_points,) or (n_points, n_channels), got {points.shape}."
        raise ValueError(msg)
    _check(width, stride)
    if points.shape[0] < width:
        msg = f"series must have at least width={width} points, got {points.shape[0]}."
        raise ValueError(msg)
    n_channels = points.size // points.shape[0]
    flat = points.reshape(-1)
    windows = np.lib.stride_tricks.sliding_window_view(flat, width * n_channels)
    return windows[:: stride * n_channels]


def point_errors(errors: npt.ArrayLike, n_points: int, width: int, stride: int = 1) -> Float64:
    """Return the error at every point of a series, from those of its windows.

    Parameters
    ----------
    errors : array-like of shape (n_windows,) or (n_windows, width * n_channels)
        Of every window, as `Autoencoder.reconstruction_error` returns them; or of every cell
        (``per_feature=True``), which tells apart points of one window and channels of one point.
    n_points : int
        Of the series.
    width, stride : int
        As in `sliding_windows`.

    Returns
    -------
    errors : ndarray of shape (n_points,) or (n_points, n_channels), float64
        The mean over all windows that a point is in; the second shape for errors of cells of
        several channels. Missing cells (NaN) do not count. NaN where there is nothing.

    Raises
    ------
    ValueError
        If there are not as many errors as there are windows, or their cells are no multiple of
        `width`.

    Examples
    --------
    >>> from fastae.series import point_errors
    >>> point_errors([1.0, 3.0], n_points=6, width=3, stride=2).tolist()
    [1.0, 1.0, 2.0, 3.0, 3.0, nan]
    """
    given = np.asarray(errors, dtype=np.float64)
    _check(width, stride)
    n_windows = max(0, (n_points - width) // stride + 1)
    if given.ndim not in (1, 2) or given.shape[0] != n_windows:
        msg = (
            f"errors must have one row per window, {n_windows} for {n_points} points, width "
            f"{width} and stride {stride}, got shape {given.shape}."
        )
        raise ValueError(msg)
    if given.ndim == 2 and given.shape[1] % width:
        msg = (
            f"errors of cells must have a multiple of width={width} columns, got {given.shape[1]}."
        )
        raise ValueError(msg)
    n_channels = given.shape[1] // width if given.ndim == 2 else 1
    cells = given.reshape(n_windows, -1, n_channels)  # (n_windows, 1 or width, n_channels)
    known = ~np.isnan(cells)
    values = np.where(known, cells, 0.0)
    total, count = np.zeros((n_points, n_channels)), np.zeros((n_points, n_channels))
    starts = np.arange(n_windows) * stride
    for offset in range(width):  # no window twice at the same offset: plain sums will do
        at = min(offset, cells.shape[1] - 1)
        total[starts + offset] += values[:, at]
        count[starts + offset] += known[:, at]
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return mean if n_channels > 1 else mean[:, 0]


def _check(width: int, stride: int) -> None:
    for name, value in (("width", width), ("stride", stride)):
        if value < 1 or value != int(value):
            msg = f"{name} must be a whole number >= 1, got {value!r}."
            raise ValueError(msg)
