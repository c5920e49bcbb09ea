"""How odd a fitted autoencoder finds rows, by the score that the user chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._anomaly_scores import (
    MSE,
    Cloud,
    ScoreModel,
    column_levels,
    mean_known,
    names_of,
)
from fastae._base import NetworkMixin
from fastae._reading import numbers_of
from fastae._sparse import SparseTable

if TYPE_CHECKING:
    from fastae._data import ScoredRows
    from fastae._input import Array
    from fastae._reading import Table

Float64 = npt.NDArray[np.float64]

# Residuals of so many cells are looked at together.
_CELLS = 1 << 20
# Of all training rows whose residuals and codes are kept for a moment.
_MOST_CELLS = 1 << 23
# A call of a stream with so many rows renews what scores compare with.
_ENOUGH_ROWS = 256


class RowScoresMixin(NetworkMixin):
    """The error of rows, and what else may stand for it."""

    anomaly_score: Any

    # None: the mean squared error.
    _score_model: ScoreModel | None = None

    def _feature_layer(self) -> int:
        """Return how many layers lead to the codes: up to the first narrowest hidden layer."""
        sizes = self.hidden_layer_sizes_
        return sizes.index(min(sizes)) + 1 if sizes else 1

    def _row_errors(self, X: Table, rows: npt.NDArray[np.uint32] | None = None) -> Float64:
        """Return the MSE of the rows of a checked table, or of some of them."""
        if rows is None:
            errors: Float64 = self._call(_core.score, X)
        else:
            errors = self._call(_core.score, X, n_rows=rows.size, rows=rows)
        return errors

    def _oddness(self, X: Table, rows: npt.NDArray[np.uint32] | None = None) -> Float64:
        """Return minus the score of the rows of a checked table, or of some of them."""
        model = self._score_model
        if model is None:
            return self._row_errors(X, rows)
        n = X.shape[0] if rows is None else rows.size
        step = max(1, _CELLS // max(1, self.coefs_[-1].shape[1]))
        made = np.empty(n)
        for start in range(0, n, step):
            block = slice(start, min(start + step, n))
            table = X[block] if rows is None else X[rows[block]]
            made[block] = model.combined(self._single_scores(table, model))
        return made

    def _single_scores(self, table: Table, model: ScoreModel) -> dict[str, Float64]:
        """Return each of a model's scores of some rows."""
        scores: dict[str, Float64] = {}
        if MSE in model.names:
            scores[MSE] = self._row_errors(table)
        errors: Array | None = None
        if model.column_errors is not None or model.residuals is not None:
            errors = self._call(_core.feature_errors, table)
        if errors is not None and model.column_errors is not None:
            scores["standardized"] = mean_known(errors / model.column_errors)
        if errors is not None and model.residuals is not None:
            scores["mahalanobis"] = model.residuals.distances(self._residuals(table, errors))
        if model.codes is not None:
            codes = self._call(_core.activations, table, n_layers=self._feature_layer())
            scores["code_distance"] = model.codes.distances(codes.astype(np.float64))
        return scores

    def _residuals(self, table: Table, errors: Array) -> Float64:
        """Return the roots of errors, of numbers with the sign of "observed minus expected".

        Parameters
        ----------
        table : ndarray, SparseTable or MixedTable of shape (n, ...)
        errors : ndarray of shape (n, n_units)
            As the core has them: numbers, then factors.
        """
        residuals = np.sqrt(errors, dtype=np.float64)
        numbers = numbers_of(table)
        observed = numbers.toarray() if isinstance(numbers, SparseTable) else numbers
        n_numbers = observed.shape[1]
        # In scaled units, where float32 has digits enough whatever the columns' own.
        expected = self._call(_core.activations, table, n_layers=len(self.coefs_))[:, :n_numbers]
        scaled = (observed - self.shift_) * self.scale_
        scaled = np.clip(np.where(np.isnan(scaled), 0.0, scaled), -self._limit, self._limit)
        residuals[:, :n_numbers] *= np.where(scaled < expected, -1.0, 1.0)
        return residuals

    def _learn_scores(self, sample: ScoredRows, *, keep: bool = False) -> None:
        """Set what the score compares with, by some of the training rows.

        With `keep` what is known stays, unless there are as many rows, or enough of them.
        """
        names, before = names_of(self.anomaly_score), self._score_model
        if names == (MSE,):
            self._score_model = None
            return
        X, rows, weights = _thinned(sample, self.coefs_[-1].shape[1])
        table = X if rows is None else X[rows]
        n_rows = int(table.shape[0] if weights is None else np.count_nonzero(weights))
        is_known = keep and before is not None and before.names == names
        if is_known and before is not None and n_rows < min(before.n_rows, _ENOUGH_ROWS):
            return
        column_errors = residuals = codes = None
        if {"standardized", "mahalanobis"} & set(names):
            errors = self._call(_core.feature_errors, table)
            if "standardized" in names:
                column_errors = column_levels(errors, weights)
            if "mahalanobis" in names:
                residuals = Cloud.of(self._residuals(table, errors), weights)
        if "code_distance" in names:
            vectors = self._call(_core.activations, table, n_layers=self._feature_layer())
            codes = Cloud.of(vectors.astype(np.float64), weights)
        found = n_rows, column_errors, residuals, codes
        model = ScoreModel(names, np.ones(len(names)), *found)
        if len(names) > 1:
            scores = self._single_scores(table, model)
            means = np.array([np.average(scores[name], weights=weights) for name in names])
            levels = np.where(means > 0, means, 1.0)
            model = ScoreModel(names, levels, *found)
        self._score_model = model


def _thinned(
    sample: ScoredRows, n_columns: int
) -> tuple[Table, npt.NDArray[np.intp] | None, Float64 | None]:
    """Return evenly spaced ones of some rows, so many that their residuals fit into memory."""
    n = sample.X.shape[0] if sample.rows is None else sample.rows.size
    step = -(-n // max(2, _MOST_CELLS // max(1, n_columns)))
    if step == 1 and sample.rows is None:
        return sample.X, None, sample.weights
    rows = np.arange(n) if sample.rows is None else sample.rows.astype(np.intp)
    weights = None if sample.weights is None else sample.weights[::step]
    return sample.X, rows[::step], weights
