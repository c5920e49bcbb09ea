"""Constant and almost constant columns: reported, and kept or dropped."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fastae._constant import constants
from fits import assert_same_weights

KINDS = [Autoencoder, AutoencoderClassifier, AutoencoderRegressor]
CONSTANT = [1, 4]  # columns of `table`
VARYING = [0, 2, 3, 5]


def table(n=300, seed=0):
    """Return rows of six columns, two of them constant."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 6)) * [1, 1, 10, 1, 1, 1e-3] + 3
    X[:, 1], X[:, 4] = 7.0, -0.1
    return X


def model(kind=Autoencoder, **options):
    defaults = {"hidden_layer_sizes": 2, "max_epochs": 4, "random_state": 0}
    return kind(**{**defaults, **options})


def labels(X):
    return (X[:, 0] > np.nanmedian(X[:, 0])).astype(int)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8, np.bool_])
def test_constants_of_every_type(dtype):
    X = np.zeros((50, 3), dtype=dtype)
    X[:, 1] = 1
    X[::2, 2] = 1
    found = constants(X)
    assert (found.columns.tolist(), list(found.values)) == ([0, 1], [0, 1])


@pytest.mark.parametrize(("n_others", "is_constant"), [(0, True), (4, True), (5, False)])
def test_almost_constant_is_999_in_1000(n_others, is_constant):
    X = table(4_000)
    X[100 : 100 + n_others, 1] = np.arange(n_others) * 1e6
    assert (1 in constants(X).columns) == is_constant
    # Of the values that are known, whatever their number.
    X[1::2, 1] = np.nan
    few = np.flatnonzero(~np.isnan(X[:, 1]) & (X[:, 1] != 7)).size
    assert (1 in constants(X).columns) == (few <= 2)


def test_values_that_differ_by_rounding_are_equal():
    X = table()
    X[::3, 1] = np.nextafter(7.0, 8)
    assert constants(X).columns.tolist() == CONSTANT
    X[::3, 1] += 1e-12
    assert constants(X).columns.tolist() == [4]


def test_columns_without_values_and_absent_rows():
    X = table()
    X[:, 5] = np.nan
    found = constants(X)
    assert found.columns.tolist() == [*CONSTANT, 5]
    np.testing.assert_array_equal(found.values, [7, -0.1, np.nan])
    weights = np.ones(len(X))
    X[:10, 1] = 0
    assert constants(X, weights).columns.tolist() == [4, 5]
    weights[:10] = 0
    assert constants(X, weights).columns.tolist() == [1, 4, 5]
    # Weights count: one row in 300, but as much as 1 in 3,000.
    weights[0] = 0.1
    assert constants(X, weights).columns.tolist() == [1, 4, 5]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("constant_features", ["keep", "drop"])
def test_they_are_reported_in_either_case(kind, constant_features, caplog):
    X = pd.DataFrame(table(), columns=list("abcdef"))
    options = {"constant_features": constant_features, "verbose": 1}
    with caplog.at_level(logging.INFO, logger="fastae"):
        fitted = model(kind, **options).fit(X, labels(X.to_numpy()))
    assert fitted.constant_features_.tolist() == CONSTANT
    assert fitted.n_features_in_ == 6
    word = "kept" if constant_features == "keep" else "dropped"
    assert f"constant columns (2), {word}: b, e" in caplog.messages
    with caplog.at_level(logging.INFO, logger="fastae"):
        caplog.clear()
        plain = model(kind, verbose=1).fit(X[["a", "c"]], labels(X.to_numpy()))
    assert plain.constant_features_.size == 0
    assert not any("constant" in message for message in caplog.messages)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scaling": "range", "hidden_layer_sizes": "auto", "validation_fraction": 0.2},
        {"contamination": 0.1, "missing": "impute", "batch_size": 1},
        {"scaling": "none", "early_stopping": True, "parallel": "hogwild", "n_jobs": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("gaps", [False, True])
def test_dropping_is_fitting_the_table_without_them(options, gaps):
    X = table()
    if gaps:
        X[::7, 2] = np.nan
        X[::5, 4] = np.nan
    without = np.ascontiguousarray(X[:, VARYING])
    fitted = model(constant_features="drop", **options).fit(X, X_val=None)
    plain = model(**options).fit(without)
    assert_same_weights(fitted, plain)
    assert fitted.loss_curve_ == plain.loss_curve_
    assert fitted.offset_ == plain.offset_
    for method in ("score_samples", "transform", "predict", "deep_features"):
        made, expected = getattr(fitted, method)(X), getattr(plain, method)(without)
        np.testing.assert_array_equal(made, expected)
    made = fitted.reconstruct(X)
    np.testing.assert_array_equal(made[:, VARYING], plain.reconstruct(without))
    np.testing.assert_array_equal(made[:, CONSTANT], np.tile([7, -0.1], (len(X), 1)))
    np.testing.assert_array_equal(fitted.inverse_transform(fitted.transform(X))[:, 1], 7)
    errors = fitted.reconstruction_error(X, per_feature=True)
    np.testing.assert_array_equal(
        errors[:, VARYING], plain.reconstruction_error(without, per_feature=True)
    )
    assert np.isnan(errors[:, CONSTANT]).all()
    np.testing.assert_allclose(np.nanmean(errors, axis=1), -fitted.score_samples(X), rtol=1e-9)
    for rows, its in ((None, None), (X[::35], without[::35])):
        shares = fitted.feature_importances(rows)
        np.testing.assert_array_equal(shares[VARYING], plain.feature_importances(its))
        assert (shares[CONSTANT] == 0).all()


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("semi", [0.0, 1.0])
def test_supervised_networks_drop_them_too(kind, semi):
    X, y = table(), labels(table())
    options = {"max_epochs": 4, "reconstruction_weight": semi}
    more = table(80, seed=1) if semi else None
    fitted = model(kind, constant_features="drop", **options).fit(X, y, X_unlabeled=more)
    plain = model(kind, **options).fit(
        X[:, VARYING], y, X_unlabeled=None if more is None else more[:, VARYING]
    )
    assert_same_weights(fitted, plain)
    np.testing.assert_array_equal(fitted.predict(X), plain.predict(X[:, VARYING]))
    if semi:  # what varies among rows without label is not constant
        more[:, 1] = np.arange(80)
        fitted.fit(X, y, X_unlabeled=more)
        assert fitted.constant_features_.tolist() == [4]


@pytest.mark.parametrize("is_fitted", [False, True])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_supervised_network_sees_the_columns_of_its_autoencoder(kind, is_fitted):
    X, y = table(), labels(table())
    below = model(constant_features="drop")
    plain_below = model()
    if is_fitted:
        below.fit(X)
        plain_below.fit(X[:, VARYING])
    fitted = kind(below, max_epochs=4, random_state=0).fit(X, y)
    plain = kind(plain_below, max_epochs=4, random_state=0).fit(X[:, VARYING], y)
    assert_same_weights(fitted, plain)
    assert fitted.constant_features_.tolist() == CONSTANT
    assert (fitted.scaling_, fitted.n_features_in_) == ("robust", 6)
    np.testing.assert_array_equal(fitted.predict(X), plain.predict(X[:, VARYING]))


def test_a_departure_counts_only_where_they_are_kept():
    X = table()
    odd = X[:1] + np.array([0, 5, 0, 0, 0, 0])
    for word, is_seen in (("keep", True), ("drop", False)):
        fitted = model(constant_features=word).fit(X)
        assert (fitted.score_samples(odd)[0] < fitted.score_samples(X[:1])[0]) == is_seen


def test_columns_and_values_that_errors_name_are_the_tables_own():
    X = table()
    fitted = model(constant_features="drop").fit(X)
    for column in (4, 5):
        bad = X.copy()
        bad[3, column] = np.inf
        for call in (fitted.score_samples, fitted.reconstruct, model(constant_features="drop").fit):
            with pytest.raises(ValueError, match=f"infinity in row 3, column {column}"):
                call(bad)
    X[:, 5] = np.where(np.arange(len(X)) % 2, 1e38, -1e38) * 9
    with pytest.raises(ValueError, match="Column 5 of X has values as far apart"):
        model(constant_features="drop").fit(X)
    with pytest.raises(ValueError, match="X has 4 features, but Autoencoder is expecting 6"):
        fitted.predict(X[:, :4])


def test_bad_values():
    with pytest.raises(ValueError, match="constant_features must be one of 'keep', 'drop'"):
        model(constant_features="ignore").fit(table())
    with pytest.raises(ValueError, match=r"Every column of X is constant: .*'keep'"):
        model(constant_features="drop").fit(np.ones((10, 3)))
    assert model().fit(np.ones((10, 3))).constant_features_.tolist() == [0, 1, 2]


def test_another_fit_decides_anew():
    X = table()
    fitted = model(constant_features="drop").fit(X)
    X[:, 1] = np.arange(len(X))
    fitted.fit(X)
    assert fitted.constant_features_.tolist() == [4]
    fitted.set_params(constant_features="keep").fit(X)
    assert_same_weights(fitted, model().fit(X))
    assert fitted.shift_.size == 6


def test_pickles_clones_and_warm_starts_keep_them():
    X = table()
    fitted = model(constant_features="drop", warm_start=True).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.reconstruct(X), fitted.reconstruct(X))
    assert_same_weights(clone(fitted).fit(X), fitted)
    X[:, 1] = np.arange(len(X))  # settled
    again.fit(X)
    assert again.constant_features_.tolist() == CONSTANT
    plain = model(warm_start=True).fit(X[:, VARYING]).fit(X[:, VARYING])
    assert_same_weights(again, plain)


def test_validation_rows_and_known_anomalies():
    X, held = table(), table(50, seed=2)
    marks = np.arange(len(X)) < 5
    X[:5, 1] = 1e3  # the anomalies depart from the constant
    fitted = model(constant_features="drop").fit(X, X_val=held, anomalous=marks)
    plain = model().fit(X[:, VARYING], X_val=held[:, VARYING], anomalous=marks)
    assert fitted.constant_features_.tolist() == CONSTANT
    assert_same_weights(fitted, plain)
    np.testing.assert_array_equal(
        fitted.history_["validation_mse"], plain.history_["validation_mse"]
    )


def test_streams():
    X = table(600)
    dropping = model(constant_features="drop").partial_fit(X[:300]).partial_fit(X[300:])
    plain = model().partial_fit(X[:300, VARYING]).partial_fit(X[300:, VARYING])
    assert_same_weights(dropping, plain)
    keeping = model().partial_fit(X[:300])
    assert keeping.constant_features_.tolist() == CONSTANT
    X[300:, 1] = 8.0  # constant, but not the same one
    assert keeping.partial_fit(X[300:]).constant_features_.tolist() == [4]
    assert dropping.partial_fit(X[300:]).constant_features_.tolist() == CONSTANT
    y = labels(X)
    networks = [
        model(AutoencoderClassifier, constant_features=word).partial_fit(
            part[:300], y[:300], classes=[0, 1]
        )
        for word, part in (("drop", X), ("keep", X[:, VARYING]))
    ]
    networks[0].partial_fit(X[300:], y[300:])
    networks[1].partial_fit(X[300:, VARYING], y[300:])
    assert_same_weights(*networks)


def test_checkpoints(tmp_path):
    X = table()
    options = {"constant_features": "drop", "learning_rate": "constant"}
    with_file = model(**options, checkpoint=tmp_path / "training").fit(X)
    with_file.set_params(max_epochs=6).fit(X)
    assert_same_weights(with_file, model(**options, max_epochs=6).fit(X))


def test_callbacks_score_the_columns_that_the_network_sees():
    callback = pytest.importorskip("sklearn.callback")
    X = table()
    monitor = callback.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    fitted = model(constant_features="drop").set_callbacks(monitor).fit(X)
    (log,) = monitor.get_logs(select="all")
    scores = [row["score"] for row in log.data if row["task_name"] == "scoring interval"]
    np.testing.assert_allclose(scores, -fitted.history_["training_mse"][1:], rtol=1e-12)
    np.testing.assert_allclose(scores[-1], fitted.score(X), rtol=1e-12)
