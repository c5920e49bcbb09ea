"""The weight buffer: layout, views, and what copies and edits of a model share."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from fastae import Autoencoder, _core
from fastae._weights import Network, aligned_zeros, draw

# Both sides of a vector of 16 floats; wide and narrow on either side of a layer.
WIDTHS = [(1, 1), (3, 2, 3), (16, 17, 15, 16), (33, 5, 40, 33), (7, 7)]


@pytest.fixture(name="X")
def training_rows():
    return np.random.default_rng(0).normal(size=(60, 5))


@pytest.fixture
def model(X):
    return Autoencoder(hidden_layer_sizes=(4, 2), max_epochs=3, random_state=0).fit(X)


@pytest.mark.parametrize("shape", [(1,), (17,), (1000,), (3, 32)])
def test_aligned_zeros(shape):
    zeros = aligned_zeros(shape)
    assert zeros.shape == shape
    assert zeros.dtype == np.float32
    assert zeros.ctypes.data % 64 == 0
    assert not zeros.any()


@pytest.mark.parametrize("shape", [(0,), (0, 48)])
def test_aligned_zeros_may_be_empty(shape):
    assert aligned_zeros(shape).shape == shape


@pytest.mark.parametrize("widths", WIDTHS)
def test_views_cover_the_buffer_without_overlap(widths):
    network = Network.zeros(widths)
    assert network.params.size == _core.layout(widths)[0]
    assert network.params.ctypes.data % 64 == 0
    shapes = list(pairwise(widths))
    assert [W.shape for W in network.coefs] == shapes
    assert [b.shape for b in network.intercepts] == [(fan_out,) for _, fan_out in shapes]
    for view in (*network.coefs, *network.intercepts):
        assert np.shares_memory(view, network.params)
        view += 1
    # Every element belongs to at most one view, and the padding to none.
    assert set(np.unique(network.params)) <= {0, 1}
    n_weights = sum(fan_in * fan_out + fan_out for fan_in, fan_out in shapes)
    assert network.params.sum() == n_weights


@pytest.mark.parametrize("widths", WIDTHS)
def test_slots_are_aligned_rows_like_the_buffer(widths):
    network = Network.zeros(widths)
    for n_slots in (0, 1, 2):
        slots = network.slots(n_slots)
        assert slots.shape == (n_slots, network.params.size)
        for row in slots:
            assert row.ctypes.data % 64 == 0


@pytest.mark.parametrize("widths", WIDTHS)
def test_from_arrays_copies(widths):
    rng = np.random.default_rng(0)
    source = Network.zeros(widths)
    draw(source, "normal", 1.0, np.random.RandomState(0))
    coefs = [W.astype(np.float64) for W in source.coefs]
    intercepts = [rng.normal(size=b.shape).astype(np.float32) for b in source.intercepts]
    network = Network.from_arrays(widths, coefs, intercepts)
    for mine, given in zip(
        (*network.coefs, *network.intercepts), (*coefs, *intercepts), strict=True
    ):
        np.testing.assert_array_equal(mine, given)
        assert not np.shares_memory(mine, given)


@pytest.mark.parametrize(
    ("init", "expected_sd"),
    # Uniform in [-a, a] has the standard deviation a / sqrt(3).
    [("glorot_uniform", np.sqrt(6 / 500 / 3)), ("uniform", 0.7 / np.sqrt(3)), ("normal", 0.7)],
)
def test_initial_weights_have_the_stated_spread(init, expected_sd):
    network = Network.zeros((300, 200, 300))
    network.intercepts[0][...] = 1
    draw(network, init, 0.7, np.random.RandomState(0))
    for W, b in zip(network.coefs, network.intercepts, strict=True):
        # 60,000 draws: the sample's deviation is within 1.2 % in all but 1 of 10,000 cases.
        assert np.std(W) == pytest.approx(expected_sd, rel=0.012)
        assert abs(np.mean(W)) < 4 * expected_sd / np.sqrt(W.size)
        assert not b.any()
        if init != "normal":
            assert np.abs(W).max() <= expected_sd * np.sqrt(3) * (1 + 1e-6)


def test_fitted_weights_are_views_of_the_buffer(model):
    for view in (*model.coefs_, *model.intercepts_):
        assert np.shares_memory(view, model._network.params)


def test_edits_in_place_count(model, X):
    before = model.score_samples(X)
    model.coefs_[-1][...] = 0
    model.intercepts_[-1][...] = 0
    scaled = (X - model.shift_) * model.scale_
    np.testing.assert_allclose(model.score_samples(X), -np.mean(scaled**2, axis=1), rtol=1e-6)
    assert not np.array_equal(model.score_samples(X), before)


def test_replaced_arrays_count(model, X):
    model.coefs_[-1] = np.zeros((2, 5))
    model.intercepts_ = [model.intercepts_[0], model.intercepts_[1], np.zeros(5)]
    before = dict(vars(model))
    scaled = (X - model.shift_) * model.scale_
    np.testing.assert_allclose(model.score_samples(X), -np.mean(scaled**2, axis=1), rtol=1e-6)
    np.testing.assert_allclose(model.reconstruct(X), np.tile(model.shift_, (60, 1)), rtol=1e-6)
    assert vars(model) == before


def test_replaced_arrays_of_another_shape_are_refused(model, X):
    model.coefs_[0] = np.zeros((5, 3))
    with pytest.raises(ValueError, match=r"coefs_\[0\] must have shape \(5, 4\), got \(5, 3\)"):
        model.predict(X)
    model.coefs_ = model.coefs_[1:]
    with pytest.raises(ValueError, match="coefs_ must be a list of 3 arrays"):
        model.predict(X)


def by_pickle(model, folder):
    return pickle.loads(pickle.dumps(model))


def by_old_pickle(model, folder):
    return pickle.loads(pickle.dumps(model, protocol=2))


def by_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def by_read_only_memory_map(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def by_copy(model, folder):
    return copy.copy(model)


def by_deepcopy(model, folder):
    return copy.deepcopy(model)


COPIES = [by_pickle, by_old_pickle, by_joblib, by_read_only_memory_map, by_copy, by_deepcopy]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_score_alike_and_have_weights_of_their_own(model, X, copied, tmp_path):
    twin = copied(model, tmp_path)
    expected = model.score_samples(X)
    np.testing.assert_array_equal(twin.score_samples(X), expected)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    np.testing.assert_array_equal(twin.transform(X), model.transform(X))
    for view in (*twin.coefs_, *twin.intercepts_):
        assert np.shares_memory(view, twin._network.params)
        view[...] = 0
    assert not np.array_equal(twin.score_samples(X), expected)
    np.testing.assert_array_equal(model.score_samples(X), expected)


@pytest.mark.parametrize("copied", COPIES)
def test_edited_weights_survive_copying(model, X, copied, tmp_path):
    model.coefs_[0] = np.ones((5, 4))
    expected = model.score_samples(X)
    np.testing.assert_array_equal(copied(model, tmp_path).score_samples(X), expected)


def test_pickle_has_the_weights_once():
    X = np.random.default_rng(0).normal(size=(4, 1000))
    model = Autoencoder(hidden_layer_sizes=100, max_epochs=1, random_state=0).fit(X)
    assert len(pickle.dumps(model)) < 1.2 * 4 * (2 * 1000 * 100)


def test_unfitted_models_can_be_pickled(tmp_path):
    model = Autoencoder(max_epochs=7)
    for copied in COPIES:
        assert copied(model, tmp_path).get_params() == model.get_params()


def test_clone_is_not_fitted(model):
    twin = clone(model)
    assert not hasattr(twin, "coefs_")
    assert twin.get_params() == model.get_params()


def test_fit_again_does_not_touch_weights_handed_out(model, X):
    held = model.coefs_[0]
    expected = held.copy()
    model.set_params(random_state=1).fit(X)
    np.testing.assert_array_equal(held, expected)
    assert not np.array_equal(model.coefs_[0], expected)


@pytest.mark.parametrize("copied", COPIES)
def test_copies_are_trained_on_their_own(X, copied, tmp_path):
    model = Autoencoder(hidden_layer_sizes=2, max_epochs=3, random_state=0, warm_start=True).fit(X)
    expected, samples = model.coefs_[0].copy(), model.history_["samples"]
    twins = [copied(model, tmp_path) for _ in range(2)]
    twins[0].partial_fit(X[:20])
    twins[1].fit(X)
    np.testing.assert_array_equal(model.coefs_[0], expected)
    np.testing.assert_array_equal(model.history_["samples"], samples)
    again = model.partial_fit(X[:20])
    np.testing.assert_array_equal(twins[0].coefs_[0], again.coefs_[0])
    assert twins[0].history_["samples"].tolist() == again.history_["samples"].tolist()
    assert twins[1].n_iter_ == 6
