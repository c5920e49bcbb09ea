"""Checks of what callers give in place of an estimator: errors, flags, names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def given_errors(name: str, values: Any) -> Float64:
    """Return errors as an array of shape (n,), n >= 1.

    Raises
    ------
    ValueError
        If they are no finite numbers in one dimension, or there is none.
    """
    try:
        errors = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name} must be numbers, one per row."
        raise ValueError(msg) from error
    if errors.ndim != 1 or not errors.size:
        msg = f"{name} must have shape (n_rows,), one row at least, got {errors.shape}."
        raise ValueError(msg)
    if not np.isfinite(errors).all():
        at = int(np.argmin(np.isfinite(errors)))
        msg = f"{name} must be finite, got {errors[at]} in row {at}."
        raise ValueError(msg)
    return errors


def given_threshold(threshold: Any) -> float | None:
    """Return a threshold, None for one that nothing exceeds.

    Raises
    ------
    ValueError
        If it is no number.
    """
    if threshold is None:
        return None
    try:
        value = float(threshold)
    except (TypeError, ValueError):
        value = np.nan
    if np.isnan(value):
        msg = f"threshold must be None or a number, got {threshold!r}."
        raise ValueError(msg)
    return value if np.isfinite(value) else None


def given_table(name: str, values: Any) -> Float64:
    """Return an array of shape (n_rows, n_columns), NaN where something is missing.

    Raises
    ------
    ValueError
        If it has text or infinity, another number of dimensions, or no cell.
    """
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name} must be a table of numbers."
        raise ValueError(msg) from error
    if table.ndim != 2 or not table.size:
        msg = f"{name} must have shape (n_rows, n_columns), one cell at least, got {table.shape}."
        raise ValueError(msg)
    if np.isinf(table).any():
        msg = f"{name} must be finite, or NaN where a value is missing, but has infinity."
        raise ValueError(msg)
    return table


def given_flags(flagged: Any, errors: Float64, threshold: float | None) -> Flags:
    """Return which rows are flagged: as marked, else by the threshold.

    Raises
    ------
    ValueError
        If there is not one mark, True or False, per row.
    """
    if flagged is None:
        none = np.zeros(errors.shape, dtype=bool)
        return none if threshold is None else errors > threshold
    return marks(flagged, errors.size)


def marks(flagged: Any, n: int) -> Flags:
    """Return marks of n rows; raise ValueError if they are not."""
    flags = np.asarray(flagged)
    if flags.dtype != np.bool_ or flags.shape != (n,):
        msg = (
            f"flagged must be one True or False for each of {n} rows, got {flags.dtype} values of "
            f"shape {flags.shape}."
        )
        raise ValueError(msg)
    return flags


def given_names(name: str, names: Sequence[object] | None, n: int) -> list[str]:
    """Return n names, by default the numbers from 0.

    Raises
    ------
    ValueError
        If there are not as many.
    """
    if names is None:
        return [str(i) for i in range(n)]
    listed = [str(one) for one in names]
    if len(listed) != n:
        msg = f"{name} must have {n} entries, got {len(listed)}."
        raise ValueError(msg)
    return listed
