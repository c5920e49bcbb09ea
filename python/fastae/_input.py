"""Tables from the user: checked, in a type that the core reads, without a copy if possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt
from sklearn import get_config
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    check_array,
    validate_data,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = npt.NDArray[Any]

_BLOCK = 1 << 20  # values looked at together when searching for one that is not finite


def check_table(estimator: Any, X: Any, *, reset: bool, finite: bool = True) -> Array:
    """Return X as a 2-D array that the core can read, in the user's memory where possible.

    Parameters
    ----------
    estimator : estimator
        Its `n_features_in_` and `feature_names_in_` are set or compared with.
    X : array-like of shape (n_samples, n_features)
        bool, integer, float32 and float64 arrays come back as they are, of any order; float16
        becomes float32; long double and numbers in objects become float64.
    reset : bool
        True in `fit`.
    finite : bool
        Look for NaN and infinity now. False where the caller sees them in the result anyway, and
        then calls `fail_if_not_finite`.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        One sentence: what is wrong with the table, where, and what would be right.
    TypeError
        If X is a sparse matrix, or holds something that is no number at all.
    """
    try:
        if not reset and _is_numeric_array(X) and not hasattr(estimator, "feature_names_in_"):
            # What is left to check. In the first call of a process validate_data lists the plugins
            # of all installed packages: 5 to 20 ms, where a row is scored in a fraction of one.
            _check_n_features(estimator, X, reset=False)
            table = X
        else:
            table = validate_data(
                estimator, X, reset=reset, dtype="numeric", ensure_all_finite=False, order=None
            )
    except ValueError as error:
        if "string" in str(error):
            _fail_at_text(X, error)
        if "inhomogeneous" in str(error):
            _fail_at_short_row(X, error)
        raise
    table = readable(table)
    if finite:
        fail_if_not_finite(estimator, table)
    return table


def _is_numeric_array(X: Any) -> bool:
    """Return whether X is an array of rows of numbers, and nothing that scikit-learn refuses."""
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind in "biuf" and X.size > 0


def check_codes(codes: Any, n_codes: int) -> Array:
    """Return codes, one row per sample, as an array that the core can read.

    Parameters
    ----------
    codes : array-like of shape (n_samples, n_codes)
    n_codes : int

    Returns
    -------
    codes : ndarray of shape (n_samples, n_codes), float32 or float64

    Raises
    ------
    ValueError
        If it is no finite table of that width.
    """
    table = check_array(codes, dtype=[np.float64, np.float32], input_name="codes")
    if table.shape[1] != n_codes:
        msg = f"codes must have {n_codes} columns, as transform returns, got {table.shape[1]}."
        raise ValueError(msg)
    return readable(table)


def check_marks(anomalous: Any, n_rows: int) -> npt.NDArray[np.bool_]:
    """Return which rows are marked, as one bool per row.

    Raises
    ------
    ValueError
        If there is not one mark per row, or one is neither true nor false.
    """
    marks = np.asarray(anomalous)
    if marks.shape != (n_rows,) or not np.isin(marks, (0, 1)).all():
        msg = (
            f"anomalous must hold True or False for each of the {n_rows} rows, got an array of "
            f"shape {marks.shape} and dtype {marks.dtype}."
        )
        raise ValueError(msg)
    return marks.astype(bool)


def readable(table: Array) -> Array:
    """Return the table in a type and memory layout that the core reads; a copy only if needed."""
    if table.dtype.kind == "f" and table.dtype.itemsize == 2:
        return table.astype(np.float32)
    if table.dtype.kind == "f" and table.dtype.itemsize > 8:
        return table.astype(np.float64)
    if not (table.dtype.isnative and table.flags.aligned):
        return table.astype(table.dtype.newbyteorder("="))
    return table


def fail_if_not_finite(
    estimator: Any, table: Array, columns: Sequence[int] | None = None, first_row: int = 0
) -> None:
    """Raise ValueError if a float table has infinity, or NaN that the estimator does not take.

    Names the first such value. Does nothing where scikit-learn's ``assume_finite`` is set.

    Parameters
    ----------
    estimator : estimator
    table : ndarray of shape (n, n_features)
    columns : sequence of int or None
        Which columns these are of the user's table; None: all.
    first_row : int
        Which row of the user's table the first one is.
    """
    if table.dtype.kind != "f" or get_config()["assume_finite"]:
        return
    takes_nan = getattr(estimator, "_missing", "error") != "error"
    n_rows = max(1, _BLOCK // max(1, table.shape[1]))
    for start in range(0, table.shape[0], n_rows):
        block = table[start : start + n_rows]
        # The sum is cheaper than the test, and not finite if a value is not; it may also
        # overflow, and then the test decides.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.sum(block)):
                continue
        bad = np.argwhere(np.isinf(block) if takes_nan else ~np.isfinite(block))
        if bad.size:
            row, column = map(int, bad[0])
            place = column if columns is None else columns[column]
            _fail_at(estimator, block[row, column], first_row + start + row, place)


def _fail_at(estimator: Any, value: Any, row: int, column: int) -> NoReturn:
    kind = "NaN" if np.isnan(value) else "infinity"
    cure = "replace or drop such values first"
    if kind == "NaN":
        cure = "fill in or drop missing values first, or set missing='ignore'"
    msg = f"Input X contains {kind} in row {row}, {_column(estimator, column)}: {cure}."
    raise ValueError(msg)


def _column(estimator: Any, column: int) -> str:
    names = getattr(estimator, "feature_names_in_", None)
    return f"column {column}" if names is None else f"column {column} ({str(names[column])!r})"


def _fail_at_text(X: Any, error: ValueError) -> None:
    """Raise an error that names the first cell of X that is no number, if X is a table."""
    cells = np.asarray(X, dtype=object)
    if cells.ndim != 2:
        return
    names = getattr(X, "columns", None)
    for row, column in np.ndindex(*cells.shape):
        cell: object = cells[row, column]
        if isinstance(cell, str | bytes) and not _is_number(cell):
            name = "" if names is None else f" ({str(names[column])!r})"
            msg = (
                f"Input X contains text in row {row}, column {column}{name}, where a number "
                f"should be: {cell!r}; encode or drop that column first."
            )
            raise ValueError(msg) from error
    msg = "Input X contains numbers written as text: convert it first, as with X.astype(float)."
    raise ValueError(msg) from error


def _fail_at_short_row(X: Any, error: ValueError) -> None:
    """Raise an error that names the first row whose length differs from that of row 0."""
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in X]
    for row, length in enumerate(lengths):
        if length != lengths[0]:
            msg = f"Input X has {lengths[0]} values in row 0 but {length} in row {row}."
            raise ValueError(msg) from error


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def checked_weights(sample_weight: Any, X: Any) -> npt.NDArray[np.float64] | None:
    """Return weights as one float64 per row; None for None.

    Raises
    ------
    ValueError
        If the weights are negative, not finite, not one per row, or all 0.
    """
    if sample_weight is None:
        return None
    weights: npt.NDArray[np.float64] = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    if not weights.any():
        msg = "sample_weight must be above 0 for at least one row, but every row has weight 0."
        raise ValueError(msg)
    # What float32 cannot tell from 0 beside the others is absent.
    weights[weights < weights.max() * np.finfo(np.float32).tiny] = 0.0
    return weights
