"""Scikit-learn's own checks: all pass but one, which asks of mini-batches what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor, _reading
from fastae._input import check_table

REPEATED_ROWS = "check_sample_weight_equivalence_on_dense_data"


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

    monkeypatch.setattr(_reading, "check_table", check)


def expected_failed_checks(estimator):
    reason = (
        "A row of weight 2 is one step twice as long, two rows are two steps, in another order:"
        " the fits agree in expectation, not in the digits that the check compares."
    )
    return {REPEATED_ROWS: reason, REPEATED_ROWS.replace("dense", "sparse"): reason}


@parametrize_with_checks(
    [
        Autoencoder(),
        Float32Autoencoder(),
        Autoencoder(hidden_layer_sizes=(4, 2, 4), solver="adadelta", scaling="standard"),
        Autoencoder(hidden_layer_sizes=(), solver="sgd", batch_size=1, max_epochs=5, n_jobs=2),
        # One thread: what two lock-free ones train differs from run to run, and scikit-learn
        # compares two fits even of estimators whose tag says so.
        Autoencoder(parallel="hogwild", n_jobs=1),
        AutoencoderClassifier(),
        AutoencoderClassifier(Autoencoder(max_epochs=5)),
        AutoencoderRegressor(),
        AutoencoderRegressor(Autoencoder(max_epochs=5), reconstruction_weight=0.5),
    ],
    expected_failed_checks=expected_failed_checks,
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


def full_batches(solver, **options):
    """Return an estimator that sees all rows in every step, so that their order is nothing."""
    rate = 1.0 if solver == "adadelta" else 0.01  # "auto" goes by the number of rows
    return Autoencoder(
        solver=solver, learning_rate_init=rate, batch_size=10**6, max_epochs=50, **options
    )


@pytest.fixture(name="check_repeated_rows")
def check_that_single_precision_can_meet(monkeypatch):
    def compare(one, other, err_msg):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5, err_msg=err_msg)

    monkeypatch.setattr(estimator_checks, "assert_allclose_dense_sparse", compare)
    return getattr(estimator_checks, REPEATED_ROWS)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_whole_weights_count_as_repeated_rows(solver, contamination, check_repeated_rows):
    check_repeated_rows("Autoencoder", full_batches(solver, contamination=contamination))


@pytest.mark.parametrize("weight", [0, 0.5])
@pytest.mark.parametrize("kind", [AutoencoderClassifier, AutoencoderRegressor])
def test_whole_weights_of_labelled_rows_as_well(kind, weight, check_repeated_rows):
    options = {"learning_rate_init": 0.01, "batch_size": 10**6, "max_epochs": 50}
    check_repeated_rows(kind.__name__, kind(reconstruction_weight=weight, **options))


def test_full_batches_are_one_batch_and_do_train():
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = full_batches("adam", random_state=0).fit(X)
    assert model.batch_size_ == 30
    assert model.history_["iterations"][-1] == model.max_epochs
    untrained, trained = model.history_["training_mse"][[0, -1]]
    assert trained < 0.8 * untrained


def test_float32_is_scored_in_float32():
    # Guards the checks above: they would test float64 twice if the fixture had no effect.
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = Float32Autoencoder(random_state=0, max_epochs=2).fit(X)
    assert model.transform(X).dtype == np.float32
