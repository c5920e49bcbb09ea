"""Scikit-learn's own checks: every one passes, none is expected to fail."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastae import Autoencoder, _autoencoder
from fastae._input import check_table


class Float32Autoencoder(Autoencoder):
    """Sees float32 wherever a check passes float64."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@pytest.fixture(autouse=True)
def single_precision(monkeypatch):
    def check(estimator, X, **options):
        table = check_table(estimator, X, **options)
        single = isinstance(estimator, Float32Autoencoder) and table.dtype == np.float64
        return table.astype(np.float32) if single else table

    monkeypatch.setattr(_autoencoder, "check_table", check)


@parametrize_with_checks(
    [
        Autoencoder(),
        Float32Autoencoder(),
        Autoencoder(hidden_layer_sizes=(4, 2, 4), solver="adadelta", scaling="standard"),
        Autoencoder(hidden_layer_sizes=(), solver="sgd", batch_size=1, max_epochs=5, n_jobs=2),
        # One thread: what two lock-free ones train differs from run to run, and scikit-learn
        # compares two fits even of estimators whose tag says so.
        Autoencoder(parallel="hogwild", n_jobs=1),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_float32_is_scored_in_float32():
    # Guards the checks above: they would test float64 twice if the fixture had no effect.
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = Float32Autoencoder(random_state=0, max_epochs=2).fit(X)
    assert model.transform(X).dtype == np.float32
