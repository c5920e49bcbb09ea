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
    levels, method = [0.25, 0.5, 0.75], "averaged_inverted_cdf"
    low, median, high = np.quantile(X, levels, axis=0, method=method)
    spread = (high - low) / 1.349
    for j in np.flatnonzero(spread == 0):
        distance = np.abs(X[:, j] - median[j])
        spread[j] = min(np.ptp(X[:, j]) / 2, 2 * np.median(distance[distance > 0]))
    return np.clip((X - median) / spread, -10, 10)


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


def test_where_half_of_the_values_are_the_same_the_others_decide():
    n = np.arange(1000)
    rng = np.random.default_rng(0)
    counts = np.where(n % 10 == 0, rng.exponential(size=1000), 0.0)
    X = np.column_stack([
        counts,
        np.where(n == 500, 1e9, counts),  # nor does an absurd one among them
        n % 20 == 0,  # a flag
        np.where(n == 3, 77.0, 5.0),
        np.full(1000, 2.0),
        np.where(n % 2 == 0, 0.1, np.nextafter(0.1, 1)),  # constant but for rounding
    ])  # fmt: skip
    shift, scale = robust_scaling(X, None, None, np.ptp(X, axis=0))
    np.testing.assert_allclose(shift, [0, 0, 0, 5, 2, 0.1])
    twice = 2 * np.median(counts[n % 10 == 0])
    np.testing.assert_allclose(1 / scale[:5], [twice, twice, 0.5, 36, 1], rtol=0.1)
    fitted = model(scaling="robust").fit(X)
    np.testing.assert_array_equal(fitted.scale_[4:], [1, 1])


def test_only_the_given_rows_are_looked_at():
    X = wild_table()
    rows = np.arange(0, len(X), 3, dtype=np.uint32)
    some = robust_scaling(X, rows, None, np.ptp(X, axis=0))
    of_them = robust_scaling(np.asfortranarray(X[rows]), None, None, np.ptp(X, axis=0))
    np.testing.assert_array_equal(some, of_them)


@pytest.mark.parametrize(
    ("dtype", "options", "kind"),
    [
        (np.float32, {}, "robust"),
        (np.int64, {}, "robust"),
        (np.uint8, {}, "range"),
        (np.int8, {}, "range"),
        (np.bool_, {}, "range"),
        (np.float64, {"output_activation": "tanh"}, "range"),
        (np.float64, {"output_activation": "logistic"}, "range"),
        (np.float64, {"scaling": "none"}, "none"),
    ],
)
def test_what_auto_is(dtype, options, kind):
    X = (np.random.default_rng(0).random((300, 4)) * 100).astype(dtype)
    fitted = model(**options).fit(X)
    assert fitted.scaling_ == kind
    explicit = model(**{**options, "scaling": kind}).fit(X)
    np.testing.assert_array_equal(fitted.score_samples(X), explicit.score_samples(X))
    np.testing.assert_array_equal(fitted.shift_, explicit.shift_)


@pytest.mark.parametrize(("n_first", "kind"), [(255, "standard"), (256, "robust")])
def test_the_first_call_of_a_stream_settles_auto(n_first, kind):
    X = wild_table()
    stream = model().partial_fit(X[:n_first])
    assert stream.scaling_ == kind
    scale = stream.scale_
    stream.partial_fit(X[:300] * 3)
    assert stream.scaling_ == kind
    assert np.array_equal(stream.scale_, scale) == (kind == "robust")
    # A stream that goes on from fit has its scaling.
    assert model().fit(X).partial_fit(X[:10]).scaling_ == "robust"


def test_absurd_values_in_every_column_do_no_harm_by_default():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 6)) * [1e-6, 1, 1e6, 1, 1, 1]
    X += 0.01 * rng.normal(size=X.shape) * X.std(axis=0)
    wild = X.copy()
    wild[np.arange(6), np.arange(6)] += 1e6 * X.std(axis=0)
    others = np.arange(500) > 5

    def unexplained(**options):
        fitted = model(max_epochs=60, **options).fit(wild)
        gaps = (fitted.reconstruct(X) - X)[others] / X.std(axis=0)
        return (gaps**2).mean(axis=0)

    assert unexplained().max() < 0.05
    assert unexplained(scaling="range").min() > 0.5


def test_weights_are_counts_of_which_only_ratios_matter():
    X, counts = wild_table(60), np.arange(60) % 4
    X[:, 0] = counts == 1  # mostly 0
    expected = model(scaling="robust", max_epochs=0).fit(np.repeat(X, counts, axis=0))
    for factor in (1, 0.3, 1e6):
        weighted = model(scaling="robust", max_epochs=0).fit(X, sample_weight=factor * counts)
        np.testing.assert_array_equal(weighted.shift_, expected.shift_)
        np.testing.assert_allclose(weighted.scale_, expected.scale_, rtol=1e-12)


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
