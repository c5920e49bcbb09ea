"""Weights of rows: 0 is absent, whole numbers are copies, and only ratios matter to training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from corenet import table
from fastae import Autoencoder, _core
from fastae._threshold import threshold
from fits import assert_same_fit, assert_same_weights, farthest, weights

SOLVERS = ["adam", "adadelta", "sgd"]
OPTIONS = {
    "auto": {},
    "online": {"batch_size": 1},
    "adadelta": {"solver": "adadelta"},
    "mini-batches": {"batch_size": 16, "solver": "sgd"},
    "standard": {"scaling": "standard", "loss": "absolute_error"},
    "validation": {"validation_fraction": 0.2},
    "some validation": {"validation_fraction": 0.3, "score_validation_samples": 7},
    "stopping": {"validation_fraction": 0.2, "early_stopping": True, "stopping_rounds": 1},
    "pretraining": {"pretraining": "stacked", "hidden_layer_sizes": (4, 2, 4)},
    "contamination": {"contamination": 0.1},
    "few scored": {"score_training_samples": 11},
    "sparsity": {"sparsity_beta": 0.2, "batch_size": 4},
}
LOSSES = ["squared_error", "absolute_error", "huber", "quantile"]


@pytest.fixture(name="X")
def training_rows():
    return table(300, 6)


@pytest.fixture
def counts():
    return np.random.default_rng(3).integers(0, 4, 300)


def model(**options):
    defaults = {"hidden_layer_sizes": 3, "random_state": 0, "max_epochs": 4, "score_every": 100}
    return Autoencoder(**{**defaults, **options})


def absent(X, value):
    """Return a table, every third row of which is junk, and weights that say so."""
    weight = (np.arange(len(X)) % 3 > 0).astype(float)
    X = X.copy()
    X[weight == 0] = value
    return X, weight


@pytest.mark.parametrize("value", [0.0, 1e30, -1e300])
@pytest.mark.parametrize("name", OPTIONS)
def test_rows_of_weight_0_are_absent(X, name, value):
    Z, weight = absent(X, value)
    weighted = model(**OPTIONS[name]).fit(Z, sample_weight=weight)
    assert_same_fit(weighted, model(**OPTIONS[name]).fit(X[weight > 0]))


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_rows_of_weight_0_are_absent_in_any_dtype(X, dtype):
    Z, weight = absent(np.round(np.abs(X)).astype(dtype), 1)
    assert_same_fit(model().fit(Z, sample_weight=weight), model().fit(Z[weight > 0]))


@pytest.mark.parametrize("noise", [{"input_noise": 0.2}, {"hidden_dropout": 0.3}])
def test_what_is_in_absent_rows_does_not_matter_to_noise(X, noise):
    (Z, weight), (other, _) = absent(X, 0.0), absent(X, 1e30)
    assert_same_fit(*(model(**noise).fit(rows, sample_weight=weight) for rows in (Z, other)))


def test_rows_too_light_for_single_precision_are_absent(X):
    weight = np.where(np.arange(300) % 2, 1.0, 1e-60)
    assert_same_fit(model().fit(X, sample_weight=weight), model().fit(X[1::2]))


@pytest.mark.parametrize("name", OPTIONS)
def test_equal_weights_are_none(X, name):
    plain = model(**OPTIONS[name]).fit(X)
    assert_same_fit(model(**OPTIONS[name]).fit(X, sample_weight=np.ones(300)), plain)
    if name != "contamination":
        assert_same_weights(model(**OPTIONS[name]).fit(X, sample_weight=np.full(300, 3)), plain)


@pytest.mark.parametrize("factor", [2.0**-40, 0.25, 1024, 2.0**60])
@pytest.mark.parametrize("name", OPTIONS)
def test_only_ratios_matter_to_the_network(X, counts, name, factor):
    given = model(**OPTIONS[name]).fit(X, sample_weight=counts)
    scaled = model(**OPTIONS[name]).fit(X, sample_weight=counts * factor)
    assert_same_weights(scaled, given)
    for column in ("training_mse", "validation_mse"):
        np.testing.assert_array_equal(scaled.history_[column], given.history_[column])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_whole_weights_are_repeated_rows(X, counts, solver, loss):
    # With all rows in one batch; then their order is of no matter.
    options = {"solver": solver, "loss": loss, "batch_size": 10_000, "epsilon": 1e-3, "l2": 0.01}
    options |= {"learning_rate_init": 0.3 if solver == "adadelta" else 0.01, "max_epochs": 20}
    options |= {"huber_delta": 0.1, "contamination": 0.1, "score_every": 10_000}
    weighted = model(**options).fit(X, sample_weight=counts)
    repeated = model(**options).fit(np.repeat(X, counts, axis=0))
    start = model(**{**options, "max_epochs": 0}).fit(X)
    assert farthest(weighted, repeated) < 1e-3 * farthest(repeated, start)
    assert farthest(weighted, model(**options).fit(X)) > 0.01 * farthest(repeated, start)
    np.testing.assert_allclose(weighted.shift_, repeated.shift_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_, rtol=1e-7)
    assert weighted.offset_ == pytest.approx(repeated.offset_, rel=1e-3)
    for column in ("epochs", "iterations"):
        np.testing.assert_array_equal(weighted.history_[column], repeated.history_[column])
    np.testing.assert_allclose(
        weighted.history_["training_mse"], repeated.history_["training_mse"], rtol=1e-3
    )


@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_scaling_is_that_of_repeated_rows(X, counts, scaling):
    options = {"scaling": scaling, "max_epochs": 0}
    weighted = model(**options).fit(X, sample_weight=counts)
    repeated = model(**options).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_allclose(weighted.shift_, repeated.shift_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_, rtol=1e-7)


def fitted_and_trained_on(X, weight, monkeypatch, **options):
    """Return a model and which rows the core got to train on."""
    seen, train = [], _core.train

    def noted(*args, **given):
        seen.append(given["sample_weight"] > 0)
        return train(*args, **given)

    with monkeypatch.context() as patch:
        patch.setattr(_core, "train", noted)
        fitted = model(**options).fit(X, sample_weight=weight)
    return fitted, seen[0]


@pytest.mark.parametrize("contamination", ["auto", 0.05, 0.3, 0.5])
@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_the_threshold_is_that_of_repeated_rows(X, counts, contamination, validation, monkeypatch):
    options = {"contamination": contamination, "validation_fraction": validation}
    fitted, is_trained_on = fitted_and_trained_on(X, counts, monkeypatch, **options)
    errors = np.repeat(fitted.reconstruction_error(X), counts * is_trained_on)
    assert fitted.offset_ == pytest.approx(-threshold(errors, contamination), rel=1e-9)


def test_histories_are_those_of_repeated_rows(X, counts, monkeypatch):
    options = {"validation_fraction": 0.4, "restore_best_weights": False}
    fitted, is_trained_on = fitted_and_trained_on(X, counts, monkeypatch, **options)
    errors = fitted.reconstruction_error(X)
    for column, chosen in [("training_mse", is_trained_on), ("validation_mse", ~is_trained_on)]:
        expected = np.repeat(errors, counts * chosen).mean()
        assert fitted.history_[column][-1] == pytest.approx(expected, rel=1e-12)


def test_a_share_of_the_weight_is_odd(X, counts):
    fitted = model(contamination=0.2).fit(X, sample_weight=counts)
    odd = counts[fitted.predict(X) == -1].sum() / counts.sum()
    assert abs(odd - 0.2) < 3 / counts.sum()


@pytest.mark.parametrize("batch_size", [1, 5])
def test_on_average_a_mini_batch_pulls_like_all_repeated_rows(batch_size):
    # The step of plain gradient descent is the mean, over the rows of its batch, of weight times
    # gradient; over many orders of rows, that of the first batch is that of all rows on average.
    X = table(20, 3)
    counts = np.where(X[:, 0] > np.median(X[:, 0]), 9, 1)
    options = {
        "solver": "sgd", "momentum": 0.0, "learning_rate": "constant", "learning_rate_init": 2e-4,
        "scaling": "none", "hidden_layer_sizes": 2,
    }  # fmt: skip
    start = model(**options, max_epochs=0).fit(X)
    options |= {"coefs_init": start.coefs_, "intercepts_init": start.intercepts_}

    def first_step(rows, weight, batch_size, seed=0):
        fitted = model(**options, batch_size=batch_size, max_epochs=batch_size / len(rows))
        fitted.set_params(random_state=seed).fit(rows, sample_weight=weight)
        assert fitted.history_["iterations"][-1] == 1
        return fitted.coefs_[1] - start.coefs_[1]

    n = 400
    steps = np.array([first_step(X, counts, batch_size, seed) for seed in range(n)])
    repeated = np.repeat(X, counts, axis=0)
    expected = first_step(repeated, None, len(repeated))
    error = steps.std(axis=0) / np.sqrt(n)
    assert np.all(np.abs(steps.mean(axis=0) - expected) < 4 * error)
    assert np.any(np.abs(first_step(X, None, len(X)) - expected) > 6 * error)


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, np.float32, np.int8, "column"])
def test_weights_may_be_of_many_kinds(X, counts, kind):
    made = {
        np.float32: counts.astype(np.float32), np.int8: counts.astype(np.int8),
        "column": pd.DataFrame({"n": counts})["n"],
    }.get(kind)  # fmt: skip
    if kind is pd.Series:
        made = pd.Series(counts, index=range(7, 307))
    given = kind(counts.tolist()) if made is None else made
    assert_same_fit(model().fit(X, sample_weight=given), model().fit(X, sample_weight=counts))


def test_the_users_weights_are_not_changed(X):
    weight = np.where(np.arange(300) % 2, 1.0, 1e-60)
    before = weight.copy()
    model(validation_fraction=0.2).fit(X, sample_weight=weight)
    np.testing.assert_array_equal(weight, before)


WRONG = {
    "negative": (np.r_[-1.0, np.ones(299)], "Negative values in data passed to `sample_weight`"),
    "NaN": (np.r_[np.nan, np.ones(299)], "sample_weight contains NaN"),
    "infinite": (np.r_[np.inf, np.ones(299)], "sample_weight contains infinity"),
    "short": (np.ones(299), r"sample_weight.shape == \(299,\), expected \(300,\)"),
    "two columns": (np.ones((300, 2)), "Sample weights must be 1D"),
    "all zero": (np.zeros(300), "[Ss]ample.weight"),
    "text": (["x"] * 300, "could not convert string"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_weights_are_refused(X, wrong):
    weight, message = WRONG[wrong]
    for method in ("fit", "partial_fit"):
        fitted = model()
        with pytest.raises(ValueError, match=message):
            getattr(fitted, method)(X, sample_weight=weight)
        assert not hasattr(fitted, "n_features_in_")


def test_too_few_present_rows_to_hold_some_out(X):
    weight = (np.arange(300) == 5).astype(float)
    with pytest.raises(ValueError, match="of 1 rows leaves none to train on"):
        model(validation_fraction=0.1).fit(X, sample_weight=weight)
    assert model().fit(X, sample_weight=weight).n_samples_seen_ == 4


def test_metadata_routing(X, counts):
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            model().set_fit_request(sample_weight=True),
        ).fit(X, sample_weight=counts)
        ignoring = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True),
            model().set_fit_request(sample_weight=False),
        ).fit(X, sample_weight=np.ones(300))
        streamed = model().set_partial_fit_request(sample_weight=True)
        assert streamed.get_metadata_routing().partial_fit.requests["sample_weight"]
    Z = StandardScaler().fit_transform(X)
    assert_same_fit(pipeline[-1], model().fit(Z, sample_weight=counts))
    Z = StandardScaler().fit_transform(X, sample_weight=np.ones(300))
    assert_same_fit(ignoring[-1], model().fit(Z))


def test_metadata_routing_in_cross_validation(X, counts):
    with sklearn.config_context(enable_metadata_routing=True):
        made = cross_validate(
            model().set_fit_request(sample_weight=True), X, cv=3, return_estimator=True,
            params={"sample_weight": counts},
        )  # fmt: skip
    assert_same_fit(made["estimator"][0], model().fit(X[100:], sample_weight=counts[100:]))


def test_absent_rows_may_be_missing_values(X):
    Z, weight = absent(X, np.nan)
    assert_same_fit(model().fit(Z, sample_weight=weight), model().fit(X[weight > 0]))
    weight[0] = 1
    with pytest.raises(ValueError, match="NaN in row 0, column 0"):
        model(missing="error").fit(Z, sample_weight=weight)


def test_the_core_gets_weights_of_mean_1(X, counts, monkeypatch):
    seen, train = [], _core.train

    def noted(*args, **options):
        seen.append(options["sample_weight"])
        return train(*args, **options)

    monkeypatch.setattr(_core, "train", noted)
    assert len(weights(model().fit(X, sample_weight=counts * 7.3))) == 4
    assert seen[0][counts > 0].mean() == pytest.approx(1, rel=1e-6)
    np.testing.assert_array_equal(seen[0] == 0, counts == 0)
