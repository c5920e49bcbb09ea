"""scaling="robust": quartiles rather than extremes, and an end to scaled values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fastae._scaling import robust_scaling


def wild_table(n=400, seed=0):
    """Return rows near a plane in other units, where one value and one column are absurd."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 6)) * [1, 10, 100, 1, 1, 1] + 5
    X[7, 2] = 1e9
    X[:, 5] = np.where(np.arange(n) < 8, -1e7, 3.0)
    return X


def scaled(X):
    """Return what the network is to see, by the definition."""
    q = np.quantile(X, [0.01, 0.25, 0.5, 0.75, 0.99], axis=0)
    inner, outer = (q[3] - q[1]) / 1.349, (q[4] - q[0]) / 4.652
    spread = np.where(inner > 0, inner, np.where(outer > 0, outer, X.std(axis=0)))
    return np.clip((X - q[2]) / spread, -10, 10)


def model(**options):
    defaults = {"hidden_layer_sizes": 3, "max_epochs": 5, "random_state": 0}
    return Autoencoder(**{**defaults, **options})


@pytest.mark.parametrize("batch_size", [1, 16])
def test_it_is_what_its_definition_says(batch_size):
    X = wild_table()
    robust = model(scaling="robust", batch_size=batch_size).fit(X)
    plain = model(scaling="none", batch_size=batch_size).fit(scaled(X))
    for mine, its in zip(robust.coefs_, plain.coefs_, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)
    scores = plain.score_samples(scaled(X))
    np.testing.assert_allclose(robust.score_samples(X), scores, rtol=1e-3)
    np.testing.assert_allclose(
        robust.transform(X), plain.transform(scaled(X)), rtol=1e-3, atol=1e-4
    )
    errors = robust.reconstruction_error(X, per_feature=True)
    np.testing.assert_allclose(errors.mean(axis=1), -scores, rtol=1e-3)


def test_one_absurd_value_does_not_make_its_column_useless():
    X = wild_table()
    others = np.arange(len(X)) != 7

    def agreement(scaling):
        fitted = model(scaling=scaling, activation="identity", max_epochs=60).fit(X)
        assert np.argmax(-fitted.score_samples(X)) == 7
        return np.corrcoef(fitted.reconstruct(X)[others, 2], X[others, 2])[0, 1]

    assert agreement("robust") > 0.95
    assert agreement("range") < 0.5


def test_quartiles_that_are_the_same_leave_wider_ones_or_the_standard_deviation():
    n = np.arange(1000)
    X = np.column_stack(
        [np.where(n % 10 == 0, n, 5.0), np.where(n == 3, 77.0, 5.0), np.full(1000, 2.0)]
    )
    fallback = np.array([1.0, 0.25, 0.125])
    shift, scale = robust_scaling(X, None, fallback)
    assert shift.tolist() == [5, 5, 2]
    q = np.quantile(X[:, 0], [0.01, 0.99])
    np.testing.assert_allclose(scale, [4.652 / (q[1] - q[0]), 0.25, 0.125])


def test_weights_are_counts():
    X, counts = wild_table(60), np.arange(60) % 4
    weighted = model(scaling="robust", max_epochs=0).fit(X, sample_weight=counts)
    repeated = model(scaling="robust", max_epochs=0).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_allclose(weighted.shift_, repeated.shift_)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_)


def test_missing_values_are_left_out():
    X = wild_table()
    X[::3, 1] = np.nan
    X[:, 4] = np.nan
    fitted = model(scaling="robust").fit(X)
    known = X[~np.isnan(X[:, 1]), 1]
    assert fitted.shift_[1] == np.median(known)
    assert (fitted.scale_[4], np.isfinite(fitted.score_samples(X)).all()) == (0, True)


def test_a_stream_keeps_the_scaling_of_its_first_call():
    X = wild_table()
    stream = model(scaling="robust").partial_fit(X[:200])
    first = stream.shift_.copy(), stream.scale_.copy()
    stream.partial_fit(X[200:] * 3)
    np.testing.assert_array_equal(stream.shift_, first[0])
    np.testing.assert_array_equal(stream.scale_, first[1])


@pytest.mark.parametrize("make", [AutoencoderClassifier, AutoencoderRegressor])
def test_supervised_networks_take_the_limit_over(make):
    X = wild_table()
    y = (X[:, 0] > 5).astype(int)
    below = model(scaling="robust").fit(X)
    on_top = make(below, max_epochs=3, random_state=0).fit(X, y)
    further = X.copy()
    further[7, 2] = 1e12  # as far as the limit already
    np.testing.assert_array_equal(on_top.predict(X), on_top.predict(further))
    again = pickle.loads(pickle.dumps(on_top))
    np.testing.assert_array_equal(again.predict(X), on_top.predict(X))
    plain = make(None, scaling="robust", max_epochs=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(plain.predict(X), plain.predict(further))
    # With another scaling there is no limit, and none is left over.
    plain.set_params(scaling="standard").fit(X, y)
    assert plain._limit == np.inf


def test_stacked_pretraining_and_hogwild_know_the_limit():
    X = wild_table()
    fitted = model(scaling="robust", hidden_layer_sizes=(5, 3, 5), pretraining="stacked").fit(X)
    assert np.isfinite(fitted.score_samples(X)).all()
    threads = model(scaling="robust", parallel="hogwild", n_jobs=2, max_epochs=20).fit(X)
    assert threads.history_["training_mse"][-1] < threads.history_["training_mse"][0]
