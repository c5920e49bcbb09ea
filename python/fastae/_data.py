"""What training reads: rows, their weights, and the rows that are only scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import _check_sample_weight

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.uint32]

# (table, chosen rows or None for all) -> MSE of each row
RowErrors = Callable[[Array, Rows | None], Float64]


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Rows whose errors are looked at together.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    rows : ndarray of shape (n_rows,), uint32, or None
        Which rows of X; None: all.
    weights : ndarray of shape (n_rows,), float64, or None
        How much each counts; None: each counts 1.
    """

    X: Array
    rows: Rows | None = None
    weights: Float64 | None = None

    def mse(self, errors: Float64) -> float:
        """Return the weighted mean of the rows' errors."""
        return float(np.average(errors, weights=self.weights))


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A table, divided into rows to train on, rows to validate with, and absent ones.

    Attributes
    ----------
    X : ndarray of shape (n, n_features)
    row_weights : ndarray of shape (n,), float32, or None
        As the core takes them: 0 for rows not trained on, mean 1 over the others. None: every
        row is trained on, and counts 1.
    given_weights : ndarray of shape (n,), float64, or None
        As the user gave them, 0 for rows not trained on.
    n_samples : int
        Rows trained on.
    validation : ScoredRows or None
    """

    X: Array
    row_weights: Float32 | None
    given_weights: Float64 | None
    n_samples: int
    validation: ScoredRows | None

    def sample(self, most: int) -> ScoredRows:
        """Return at most `most` evenly spaced training rows (0: all)."""
        step = -(-self.n_samples // most) if most else 1
        if self.given_weights is None:
            if step == 1:
                return ScoredRows(self.X)
            return ScoredRows(self.X, np.arange(0, self.n_samples, step, dtype=np.uint32))
        rows = np.flatnonzero(self.given_weights)[::step].astype(np.uint32)
        return ScoredRows(self.X, rows, self.given_weights[rows])

    def last(self, most: int) -> ScoredRows:
        """Return the last training rows, at most `most`."""
        if self.given_weights is None:
            start = max(0, self.n_samples - most)
            return ScoredRows(self.X, np.arange(start, self.n_samples, dtype=np.uint32))
        rows = np.flatnonzero(self.given_weights)[-most:].astype(np.uint32)
        return ScoredRows(self.X, rows, self.given_weights[rows])


def training_data(
    X: Array,
    sample_weight: Any,
    *,
    X_val: Array | None = None,
    validation_fraction: float = 0.0,
    validation_samples: int = 0,
    rng: np.random.RandomState | None = None,
) -> TrainingData:
    """Divide a table.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    sample_weight : array-like of shape (n,) or None
    X_val : ndarray of shape (n_val, n_features) or None
        Rows to validate with; then none of X are held out.
    validation_fraction : float in [0, 1)
        Share of the rows of X to hold out, at least one if it is above 0; drawn at random.
    validation_samples : int
        Most rows to validate with; 0: all.
    rng : RandomState
        Needed where rows are held out.

    Returns
    -------
    data : TrainingData

    Raises
    ------
    ValueError
        If the weights are negative, not finite, not one per row, or all 0, or if no row would be
        left to train on.
    """
    weights = None if sample_weight is None else _checked_weights(sample_weight, X)
    validation = None if X_val is None else ScoredRows(X_val, _spread(X_val, validation_samples))
    if X_val is None and validation_fraction > 0:
        assert rng is not None
        present = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights)
        n_held = max(1, round(validation_fraction * present.size))
        if n_held >= present.size:
            msg = (
                f"validation_fraction={validation_fraction} of {present.size} rows leaves none to "
                "train on: give more rows, or X_val."
            )
            raise ValueError(msg)
        held = np.sort(rng.permutation(present)[:n_held])
        kept = held[:: -(-n_held // validation_samples)] if validation_samples else held
        held_weights = None if weights is None else weights[kept]
        validation = ScoredRows(X, kept.astype(np.uint32), held_weights)
        weights = np.ones(X.shape[0]) if weights is None else weights.copy()
        weights[held] = 0.0
    if weights is None:
        return TrainingData(X, None, None, X.shape[0], validation)
    n_samples = int(np.count_nonzero(weights))
    normalised = (weights * (n_samples / weights.sum())).astype(np.float32)
    return TrainingData(X, normalised, weights, n_samples, validation)


def _spread(X: Array, most: int) -> Rows | None:
    """Return at most `most` evenly spaced rows (0: all)."""
    if not most or X.shape[0] <= most:
        return None
    return np.arange(0, X.shape[0], -(-X.shape[0] // most), dtype=np.uint32)


def _checked_weights(sample_weight: Any, X: Array) -> Float64:
    """Return weights as one float64 per row."""
    weights: Float64 = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True, copy=True
    )
    if not weights.any():
        msg = "sample_weight must be above 0 for at least one row, but every row has weight 0."
        raise ValueError(msg)
    # What float32 cannot tell from 0 beside the others is absent.
    weights[weights < weights.max() * np.finfo(np.float32).tiny] = 0.0
    return weights
