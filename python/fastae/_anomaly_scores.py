"""Scores of rows beyond the mean squared error: what a network's residuals and codes were like.

"standardized" measures every column's squared error in units of its mean on the training rows, so
that a column that the network knows well may speak as loudly as one that it never learned.
"mahalanobis" is the squared Mahalanobis distance of the vector of residuals from those of the
training rows [1]_, "code_distance" that of the codes [2]_, which sees rows that are reconstructed
well and yet lie where no training row did; several names are the mean of these scores, each in
units of its mean on the training rows [2]_.

.. [1] P. Malhotra, A. Ramakrishnan, G. Anand, L. Vig, P. Agarwal, G. Shroff. "LSTM-based
   Encoder-Decoder for Multi-sensor Anomaly Detection." ICML Anomaly Detection Workshop 2016.
.. [2] T. Denouden, R. Salay, K. Czarnecki, V. Abdelzad, B. Phan, S. Vernekar. "Improving
   Reconstruction Autoencoder Out-of-distribution Detection with Mahalanobis Distance."
   arXiv:1812.02765, 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastae._checks import fail

Float64 = npt.NDArray[np.float64]

MSE = "mse"
NAMES = (MSE, "standardized", "mahalanobis", "code_distance")
# A distance of the residual needs the square of this many numbers, and as much again on the way.
MAX_COLUMNS = 2048
# Columns and directions without any spread count as if they had this share of the mean (largest)
# one: rounding errors are no anomaly, and all else there is a large one.
_FLOOR = 1e-6


def names_of(anomaly_score: Any) -> tuple[str, ...]:
    """Return the names that the parameter `anomaly_score` holds.

    Raises
    ------
    ValueError
        If it is none of the names, or no sequence of different ones.

    Examples
    --------
    >>> from fastae._anomaly_scores import names_of
    >>> names_of("mse"), names_of(["mse", "code_distance"])
    (('mse',), ('mse', 'code_distance'))
    """
    is_list = isinstance(anomaly_score, Sequence) and not isinstance(anomaly_score, str)
    names = tuple(anomaly_score) if is_list else (anomaly_score,)
    known = all(isinstance(name, str) and name in NAMES for name in names)
    if not names or not known or len(set(names)) < len(names):
        allowed = ", ".join(repr(name) for name in NAMES)
        fail("anomaly_score", f"one of {allowed}, or a sequence of different ones", anomaly_score)
    return names


def check_size(anomaly_score: Any, n_columns: int) -> None:
    """Raise ValueError if there are too many columns for a score, or it is none."""
    if "mahalanobis" in names_of(anomaly_score) and n_columns > MAX_COLUMNS:
        msg = (
            f'anomaly_score="mahalanobis" keeps n_features ** 2 numbers: it is there for up to '
            f'{MAX_COLUMNS:,} columns, got {n_columns:,}; "standardized" has no such limit.'
        )
        raise ValueError(msg)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Where vectors lie, by their mean and covariance.

    Attributes
    ----------
    mean : ndarray of shape (d,), float64
    whitening : ndarray of shape (d, d), float64
        The covariance matrix is the inverse of ``whitening @ whitening.T``.
    """

    mean: Float64
    whitening: Float64

    @classmethod
    def of(cls, vectors: npt.NDArray[Any], weights: Float64 | None) -> Cloud:
        """Return the cloud of some vectors.

        The correlations are shrunk towards none as Ledoit and Wolf's formula says ("A
        Well-conditioned Estimator for Large-dimensional Covariance Matrices", 2004), so that there
        may be fewer vectors than dimensions.

        Parameters
        ----------
        vectors : ndarray of shape (n, d)
            NaN counts as the mean.
        weights : ndarray of shape (n,), float64, or None
        """
        shares = np.full(len(vectors), 1.0 / len(vectors))
        if weights is not None:
            vectors, shares = vectors[weights > 0], weights[weights > 0] / weights.sum()
        known = ~np.isnan(vectors)
        totals = np.where(known.any(axis=0), shares @ known, 1.0)
        mean = (shares @ np.where(known, vectors, 0.0)) / totals
        centred = np.where(known, vectors - mean, 0.0)
        spread = np.sqrt(shares @ np.square(centred) / totals)
        largest = spread.max(initial=0.0)
        spread = np.maximum(spread, _FLOOR * largest) if largest > 0 else np.ones_like(spread)
        centred *= np.sqrt(shares * len(shares))[:, np.newaxis] / (spread * np.sqrt(totals))
        if largest == 0:  # one vector, or all alike
            return cls(mean, np.eye(len(mean)))
        from sklearn.covariance import ledoit_wolf  # which imports much, for few users

        correlation, _ = ledoit_wolf(centred, assume_centered=True)
        values, directions = np.linalg.eigh(correlation)
        values = np.maximum(values, _FLOOR * max(values[-1], _FLOOR))
        return cls(mean, directions / np.sqrt(values) / spread[:, np.newaxis])

    def distances(self, vectors: npt.NDArray[Any]) -> Float64:
        """Return squared Mahalanobis distances over what they are on average: over d, in general.

        With P the inverse covariance, what vectors of the cloud have on average is
        ``trace(P @ covariance) = d``, or with some values taken for the mean the sum of
        ``P * covariance`` over the rows and columns of the others.

        Parameters
        ----------
        vectors : ndarray of shape (n, d)
            NaN counts as the mean.

        Returns
        -------
        distances : ndarray of shape (n,), float64
        """
        centred = vectors - self.mean
        unknown = np.isnan(centred)
        centred[unknown] = 0.0
        expected: Any = vectors.shape[1]
        if unknown.any():
            known = (~unknown).astype(np.float64)
            expected = np.einsum("ij,ij->i", known @ self.parts, known)
            expected[expected <= 0] = 1.0  # nothing is known
        with np.errstate(invalid="ignore", over="ignore"):  # infinite errors
            white = centred @ self.whitening
            squares = np.einsum("ij,ij->i", white, white)
        return np.where(np.isnan(squares), np.inf, squares / expected)

    @cached_property
    def parts(self) -> Float64:
        """The inverse covariance times the covariance, element by element, (d, d)."""
        colouring = np.linalg.inv(self.whitening)
        return np.asarray((self.whitening @ self.whitening.T) * (colouring.T @ colouring))


@dataclass(frozen=True, eq=False)
class ScoreModel:
    """What scores beyond the MSE compare with.

    Attributes
    ----------
    names : tuple of str
        Of `NAMES`.
    levels : ndarray of shape (n_names,), float64
        What each is divided by.
    n_rows : int
        By how many rows all this is known.
    column_errors : ndarray of shape (n_units,), float64, or None
        Mean squared errors of the network's numbers and factors; for "standardized".
    residuals, codes : Cloud or None
        For "mahalanobis" and "code_distance".
    """

    names: tuple[str, ...]
    levels: Float64
    n_rows: int
    column_errors: Float64 | None = None
    residuals: Cloud | None = None
    codes: Cloud | None = None

    def combined(self, scores: dict[str, Float64]) -> Float64:
        """Return one score per row.

        Parameters
        ----------
        scores : dict of str to ndarray of shape (n,)
            One of each name.
        """
        parts = [scores[name] / level for name, level in zip(self.names, self.levels, strict=True)]
        return np.asarray(np.mean(parts, axis=0, dtype=np.float64))


def column_levels(errors: npt.NDArray[Any], weights: Float64 | None) -> Float64:
    """Return the mean error of each column, as "standardized" divides by it.

    Parameters
    ----------
    errors : ndarray of shape (n, n_units)
        NaN where there is none.
    weights : ndarray of shape (n,), float64, or None

    Returns
    -------
    levels : ndarray of shape (n_units,), float64
        Above 0.
    """
    known = ~np.isnan(errors)
    counts = np.ones(len(errors)) if weights is None else weights
    totals = counts @ known
    sums = counts @ np.where(known, errors, 0.0)
    levels = sums / np.where(totals > 0, totals, 1.0)
    floor = _FLOOR * float(levels[totals > 0].mean()) if (totals > 0).any() else 0.0
    return np.maximum(levels, floor) if floor > 0 else np.ones_like(levels)


def mean_known(values: npt.NDArray[Any]) -> Float64:
    """Return the mean of each row's values that are not NaN; 0 if there is none.

    Parameters
    ----------
    values : ndarray of shape (n, d)

    Returns
    -------
    means : ndarray of shape (n,), float64
    """
    n_known = values.shape[1] - np.isnan(values).sum(axis=1)
    return np.asarray(np.nansum(values, axis=1, dtype=np.float64) / np.maximum(n_known, 1))
