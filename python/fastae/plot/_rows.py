"""What pictures need of an estimator and of rows: errors, numbers, reconstructions, names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from fastae import _core
from fastae._anomaly_scores import MSE, names_of
from fastae._base import NetworkMixin
from fastae._checks import fail, is_integer
from fastae._explaining import ExplainingMixin, _dense, _index_of
from fastae._reading import check_finite
from fastae._scan import Scan
from fastae.plot._style import MSE_LABEL

if TYPE_CHECKING:
    from fastae._reading import Table

Float64 = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

# Neighbouring columns of a series differ by less than this share of how far values lie from their
# middle; those of 20 public tables by 0.47 times as much or more, those of heartbeats by 0.12.
_SMOOTH = 0.3
_BLOCK = 4096


class Errors(NamedTuple):
    """What a detector says of rows.

    Attributes
    ----------
    values : ndarray of shape (n,), float64
        Minus `score_samples`.
    flagged : ndarray of shape (n,), bool
    threshold : float
        Larger errors are flagged.
    label : str
        What the values are, in which units.
    """

    values: Float64
    flagged: Flags
    threshold: float
    label: str


class Numbers(NamedTuple):
    """The numbers among the columns of some rows.

    Attributes
    ----------
    observed, expected : ndarray of shape (n, n_numbers), float64
        The cells, NaN where missing, and what the network makes of them.
    columns : ndarray of shape (n_numbers,)
        Where they stand in the table.
    """

    observed: Float64
    expected: Float64
    columns: Positions


def check_network(estimator: Any, display: str) -> None:
    """Raise TypeError for what has no network of ours, NotFittedError before `fit`."""
    if not isinstance(estimator, NetworkMixin):
        msg = f"{display} draws an estimator of fastae, got {_kind(estimator)}."
        raise TypeError(msg)
    check_is_fitted(estimator)


def check_detector(estimator: Any, display: str) -> None:
    """Raise TypeError for what is no autoencoder, NotFittedError before `fit`."""
    if not isinstance(estimator, ExplainingMixin):
        msg = (
            f"{display} draws what a fastae.Autoencoder makes of rows, got {_kind(estimator)}: of "
            "a pipeline, give the last step, and the rows as the steps before it make them."
        )
        raise TypeError(msg)
    check_is_fitted(estimator)


def check_in_memory(X: Any, display: str) -> None:
    """Raise TypeError for a scan, whose rows are gone once they have been read."""
    if isinstance(X, Scan):
        msg = f"{display} draws single rows, which a scan does not keep: give one of its batches."
        raise TypeError(msg)


def errors_of(estimator: Any, X: Any) -> Errors:
    """Return the errors that a fitted autoencoder decides by."""
    values = -np.asarray(estimator.score_samples(X), dtype=np.float64)
    threshold = -float(estimator.offset_)
    return Errors(values, values > threshold, threshold, score_label(estimator))


def score_label(estimator: Any) -> str:
    """Return what the errors of a detector are."""
    names = names_of(estimator.anomaly_score)
    return MSE_LABEL if names == (MSE,) else f"anomaly score: {' and '.join(names)}"


def numbers_of_rows(estimator: Any, X: Any, rows: Positions, display: str) -> Numbers:
    """Return the numbers of some rows, and their reconstructions.

    Raises
    ------
    TypeError
        If X is a scan, or the network was taken over from H2O with factors.
    ValueError
        If X is wrong as in `transform`, or no column is a number.
    """
    table = _read(estimator, X, display)[rows]
    made = estimator._call(_core.reconstruct, estimator._kept_of(table))
    expected = estimator._without_unknown(made if estimator._units is None else made[0])
    if not expected.shape[1]:
        msg = f"{display} draws numbers, but all columns of X are factors."
        raise ValueError(msg)
    observed = np.asarray(_dense(table), dtype=np.float64)
    return Numbers(observed, np.asarray(expected, dtype=np.float64), number_columns(estimator))


def known_rows(estimator: Any, X: Any, display: str) -> Flags:
    """Return which rows have a number that the network sees."""
    table = _read(estimator, X, display)
    known = np.zeros(len(table), dtype=bool)
    for start in range(0, len(table), _BLOCK):  # sparse rows become dense ones
        part = slice(start, start + _BLOCK)
        numbers = _dense(estimator._kept_of(table[part]))
        known[part] = ~np.isnan(numbers).all(axis=1)
    return known


def cell_errors(estimator: Any, X: Any, rows: Positions, display: str) -> Float64:
    """Return the errors of all cells of some rows, (n_rows, n_features), NaN where none is."""
    table = _read(estimator, X, display)[rows]
    errors = estimator._column_errors(estimator._kept_of(table))
    return np.asarray(errors, dtype=np.float64)


def number_columns(estimator: Any) -> Positions:
    """Return the positions of the columns that are numbers."""
    if estimator._schema is not None:
        return np.asarray(estimator._schema.numbers, dtype=np.intp)
    return np.arange(int(estimator.n_features_in_))


def column_names(estimator: Any) -> list[object]:
    """Return the names of the columns, or their positions."""
    names = getattr(estimator, "feature_names_in_", None)
    schema = estimator._schema
    if names is None and schema is not None and schema.named:
        names = schema.names
    return list(range(int(estimator.n_features_in_))) if names is None else list(names)


def row_names(X: Any, rows: Positions) -> list[str]:
    """Return what the user calls rows: the index of a pandas frame, else their numbers."""
    return [str(name) for name in _index_of(X, rows)]


def scaled(estimator: Any, values: Float64) -> Float64:
    """Return numbers as the network sees them; NaN in columns that it does not see."""
    shift = estimator._completed(estimator.shift_, np.nan)
    scale = estimator._completed(estimator.scale_, np.nan)
    limit = estimator._limit
    return np.asarray(np.clip((values - shift) * scale, -limit, limit))


def is_series(values: Float64) -> bool:
    """Tell whether neighbouring columns are alike, as points of a curve are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.plot._rows import is_series
    >>> waves = np.sin(np.linspace(0, 6, 50)) * np.array([[1.0], [2.0]])
    >>> is_series(waves), is_series(waves[:, ::-12] * [1e3, 1, 20, 1, 5])
    (True, False)
    """
    if values.shape[1] < 3 or not np.isfinite(values).any():
        return False
    steps = np.abs(np.diff(values, axis=1))
    if not np.isfinite(steps).any():
        return False
    distance = np.nanmedian(np.abs(values - np.nanmedian(values)))
    return bool(np.nanmedian(steps) < _SMOOTH * distance)


def checked_shape(shape: Any, n: int) -> tuple[int, ...]:
    """Return a shape that has one place for each of n columns.

    Raises
    ------
    ValueError
        If it has not, or is none.
    """
    listed: Any = (shape,) if is_integer(shape) else shape
    is_sequence = isinstance(listed, Sequence | np.ndarray) and not isinstance(listed, str)
    if not is_sequence or not 1 <= len(listed) <= 3 or not all(map(_is_positive, listed)):
        fail("shape", "None or up to three whole numbers >= 1, such as (28, 28)", shape)
    if math.prod(listed) != n:
        fail("shape", f"that of {n} columns", shape)
    if len(listed) == 3 and listed[2] not in (1, 3):
        fail("shape", "(height, width), or (height, width, channels) with 1 or 3 channels", shape)
    return tuple(int(k) for k in listed)


def check_count(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number; raise ValueError if it is none, or too small."""
    if not is_integer(value) or value < least:
        fail(name, f"a whole number >= {least}", value)
    return int(value)


def _read(estimator: Any, X: Any, display: str) -> Table:
    check_in_memory(X, display)
    if estimator._encoder is not None:
        msg = f"{display} is not there for networks taken over from H2O with factors."
        raise TypeError(msg)
    table: Table = estimator._read_more(X)
    check_finite(estimator, table)
    return table


def _is_positive(value: Any) -> bool:
    return is_integer(value) and value >= 1


def _kind(estimator: Any) -> str:
    if isinstance(estimator, type):
        return f"the class {estimator.__name__}"
    return f"an object of type {type(estimator).__name__}"
