"""Classifiers and regressors on tables with missing values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from fits import weights
from gaps import with_gaps
from labelled import KINDS, below, values64


@pytest.mark.parametrize("missing", ["ignore", "impute"])
@pytest.mark.parametrize("estimator", KINDS, ids=str)
def test_predictions_see_means(estimator, missing):
    make, rows = KINDS[estimator]
    X, y = rows()
    gaps = with_gaps(X)
    for autoencoder in (None, below(missing=missing)):
        fitted = make(autoencoder, missing=missing, max_epochs=40).fit(gaps, y)
        filled = np.where(np.isnan(gaps), fitted.shift_, gaps)
        np.testing.assert_array_equal(fitted.predict(gaps), fitted.predict(filled))
        if estimator == "regressor":
            np.testing.assert_allclose(fitted.predict(gaps), values64(fitted, filled)[:, 0])
        assert fitted.score(gaps, y) > fitted.score(gaps[::-1], y)
    assert np.isfinite(cross_val_score(clone(fitted), gaps, y, cv=3)).all()


@pytest.mark.parametrize("estimator", KINDS, ids=str)
def test_as_many_targets_as_columns_are_learned_like_fewer(estimator):
    # The output for class 2 is not that for column 2, which nothing is known of.
    make = KINDS[estimator][0]
    X = np.random.default_rng(0).normal(size=(90, 5))
    X[:, 2] = np.nan
    y = (
        np.arange(90) % 6
        if estimator == "classifier"
        else np.random.default_rng(1).normal(size=(90, 6))
    )
    start = make(max_epochs=0).fit(X, y).coefs_[-1]
    assert (np.abs(start).sum(axis=0) > 0).all()


@pytest.mark.parametrize("weight", [0.0, 0.5])
@pytest.mark.parametrize("estimator", KINDS, ids=str)
def test_unlabelled_rows_may_miss_values(estimator, weight):
    make, rows = KINDS[estimator]
    X, y = rows()
    options = {"reconstruction_weight": weight} if weight else {}
    more = {"X_unlabeled": with_gaps(X, seed=5)} if weight else {}
    fitted = make(below(), validation_fraction=0.2, **options).fit(with_gaps(X), y, **more)
    assert all(np.isfinite(array).all() for array in weights(fitted))
    assert np.isfinite(fitted.loss_curve_).all()
