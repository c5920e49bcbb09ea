"""The estimator's methods and attributes on small tables."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastae import Autoencoder
from fastae._input import check_table

MODULES = [
    "_archive",
    "_autoencoder",
    "_checks",
    "_config",
    "_constant",
    "_core",
    "_errors",
    "_history",
]
MODULES += ["_params", "_scaling", "_base", "_stopping", "_stream", "_summary", "_table"]
MODULES += ["_threads", "_threshold", "_weights"]
DTYPES = [np.bool_, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64]
DTYPES += [np.int64, np.float16, np.float32, np.float64, np.longdouble, object, ">f4", ">f8", ">i2"]


@pytest.fixture(name="X")
def training_rows():
    """Rows near a curved surface of two dimensions, in columns of different units."""
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(200, 2))
    columns = [t[:, 0], t[:, 1], t[:, 0] * t[:, 1], t[:, 0] ** 2, t.sum(axis=1), np.sin(t[:, 1])]
    return np.column_stack(columns) * [1, 10, 100, 1, 0.01, 1] + rng.normal(size=6)


@pytest.fixture
def model(X):
    options = {"learning_rate_init": 0.005, "scaling": "range", "random_state": 0}
    return Autoencoder(hidden_layer_sizes=(5, 2, 4), **options).fit(X)


def test_training_lowers_the_error(model, X):
    untrained, trained = model.history_["training_mse"][[0, -1]]
    assert trained < untrained / 5
    assert -model.score(X) < untrained / 5
    odd = X[:20].copy()
    odd[:, 0] *= -1
    assert np.median(model.score_samples(odd)) < 5 * np.median(model.score_samples(X))


def test_attributes(model, X):
    assert [W.shape for W in model.coefs_] == [(6, 5), (5, 2), (2, 4), (4, 6)]
    assert [b.shape for b in model.intercepts_] == [(5,), (2,), (4,), (6,)]
    assert model.hidden_layer_sizes_ == (5, 2, 4)
    assert model.n_layers_ == 5
    assert model.n_features_in_ == 6
    assert model.batch_size_ == 2
    assert model.n_iter_ == len(model.loss_curve_) == 100
    assert model.n_samples_seen_ == 100 * 200
    assert isinstance(model.offset_, float)


def test_no_epochs_keeps_the_given_weights(X):
    rng = np.random.default_rng(1)
    coefs = [rng.normal(size=(6, 3)), rng.normal(size=(3, 6))]
    intercepts = [rng.normal(size=3), rng.normal(size=6)]
    model = Autoencoder(
        hidden_layer_sizes=3, coefs_init=coefs, intercepts_init=intercepts, max_epochs=0
    ).fit(X)
    for mine, given in zip(model.coefs_ + model.intercepts_, coefs + intercepts, strict=True):
        np.testing.assert_array_equal(mine, given.astype(np.float32))
    assert (model.n_iter_, model.loss_curve_, model.n_samples_seen_) == (0, [], 0)
    scaled = (X - model.shift_) * model.scale_
    codes = np.tanh(scaled @ model.coefs_[0].astype(float) + model.intercepts_[0])
    np.testing.assert_allclose(model.transform(X), codes, rtol=1e-9, atol=1e-12)
    reconstruction = codes @ model.coefs_[1].astype(float) + model.intercepts_[1]
    np.testing.assert_allclose(
        model.reconstruct(X), reconstruction / model.scale_ + model.shift_, rtol=1e-9
    )
    error = (reconstruction - scaled) ** 2
    np.testing.assert_allclose(model.reconstruction_error(X, per_feature=True), error, rtol=1e-9)
    np.testing.assert_allclose(model.score_samples(X), -error.mean(axis=1), rtol=1e-9)


def test_training_starts_from_the_given_weights(X):
    random = Autoencoder(random_state=0, max_epochs=0).fit(X)
    given = Autoencoder(
        coefs_init=random.coefs_, intercepts_init=random.intercepts_, max_epochs=1, random_state=5
    ).fit(X)
    assert given.history_["training_mse"][0] == random.history_["training_mse"][0]
    assert not np.array_equal(given.coefs_[0], random.coefs_[0])


def test_same_seed_same_bits_other_seed_others(X):
    one, two, other = (
        Autoencoder(random_state=seed, max_epochs=3).fit(X).coefs_[0] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_global_random_state_is_left_alone(X):
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    Autoencoder(random_state=3, max_epochs=1).fit(X)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_codes_are_those_of_the_narrowest_layer(model, X):
    codes = model.transform(X)
    assert codes.shape == (200, 2)
    np.testing.assert_array_equal(codes, model.deep_features(X))
    np.testing.assert_array_equal(codes, model.deep_features(X, layer=1))
    np.testing.assert_array_equal(codes, model.deep_features(X, layer=-2))
    assert model.deep_features(X, layer=0).shape == (200, 5)
    assert model.deep_features(X, layer=-1).shape == (200, 4)


def test_first_of_equally_narrow_layers(X):
    model = Autoencoder(hidden_layer_sizes=(3, 2, 2), random_state=0, max_epochs=1).fit(X)
    np.testing.assert_array_equal(model.transform(X), model.deep_features(X, layer=1))
    assert not np.array_equal(model.transform(X), model.deep_features(X, layer=2))


@pytest.mark.parametrize("hidden", [(), 1, (5, 2, 4), (3, 3), (2, 9)])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-4), (np.float64, 1e-9)])
def test_decoding_the_codes_is_the_reconstruction(X, hidden, dtype, rtol):
    model = Autoencoder(hidden_layer_sizes=hidden, random_state=0, max_epochs=3).fit(X)
    table = X.astype(dtype)
    codes = model.transform(table)
    rows = model.inverse_transform(codes)
    assert codes.dtype == rows.dtype == model.reconstruct(table).dtype == dtype
    np.testing.assert_allclose(rows, model.reconstruct(table), rtol=rtol, atol=rtol)


def test_without_hidden_layer_the_codes_are_the_scaled_reconstruction(X):
    model = Autoencoder(hidden_layer_sizes=(), random_state=0).fit(X)
    scaled = (model.reconstruct(X) - model.shift_) * model.scale_
    np.testing.assert_allclose(model.transform(X), scaled, atol=1e-9)
    assert model.get_feature_names_out().size == 6


def test_errors_agree_with_each_other(model, X):
    per_feature = model.reconstruction_error(X, per_feature=True)
    per_row = model.reconstruction_error(X)
    np.testing.assert_allclose(per_feature.mean(axis=1), per_row, rtol=1e-12)
    np.testing.assert_array_equal(model.score_samples(X), -per_row)
    assert model.score(X) == pytest.approx(-per_row.mean())
    assert per_row.dtype == np.float64


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 2)])
@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_smallest_tables(shape, solver):
    X = np.random.default_rng(0).normal(size=shape)
    model = Autoencoder(solver=solver, random_state=0, max_epochs=20).fit(X)
    assert model.predict(X).tolist() == [1] * shape[0]
    assert model.reconstruct(X).shape == shape
    assert np.isfinite(model.score_samples(X)).all()
    if shape[0] == 1:
        np.testing.assert_allclose(model.reconstruct(X), X, atol=0.05)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_number_gives_the_same_model(X, dtype):
    table = (np.abs(X) > 0.5).astype(np.float64)
    # "auto" depends on the type.
    expected = Autoencoder(scaling="range", random_state=0, max_epochs=5).fit(table)
    model = Autoencoder(scaling="range", random_state=0, max_epochs=5).fit(table.astype(dtype))
    np.testing.assert_allclose(model.score_samples(table), expected.score_samples(table), rtol=1e-4)
    np.testing.assert_allclose(
        model.score_samples(table.astype(dtype)), expected.score_samples(table), rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int32, np.float32, np.float64])
@pytest.mark.parametrize(
    "view",
    [
        np.ascontiguousarray,
        np.asfortranarray,
        lambda X: X[::-2, ::3],
        lambda X: np.broadcast_to(X[:1], (50, 6)),
    ],
    ids=["C", "F", "strided", "broadcast"],
)
def test_tables_are_read_in_place(X, dtype, view):
    table = view(np.abs(X).astype(dtype))
    table.flags.writeable = False
    before = table.copy()
    read = check_table(Autoencoder(), table, reset=True)
    assert np.shares_memory(read, table)
    assert (read.dtype, read.strides) == (table.dtype, table.strides)
    model = Autoencoder(random_state=0, max_epochs=2).fit(table)
    np.testing.assert_array_equal(table, before)
    twin = Autoencoder(random_state=0, max_epochs=2).fit(before)
    for one, other in zip(model.coefs_, twin.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_scoring_uses_the_settings_of_fit(model, X):
    expected = model.score_samples(X)
    model.set_params(activation="relu", hidden_layer_sizes=9, scaling="none", l1=1.0)
    np.testing.assert_array_equal(model.score_samples(X), expected)


def test_fit_again_with_other_columns(model, X):
    model.fit(X[:, :2])
    assert model.n_features_in_ == 2
    assert model.reconstruct(X[:, :2]).shape == (200, 2)


def test_data_frames(X):
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(200) + 1000)
    model = Autoencoder(hidden_layer_sizes=2, random_state=0, max_epochs=2)
    codes = model.set_output(transform="pandas").fit(frame).transform(frame)
    assert codes.columns.tolist() == ["autoencoder0", "autoencoder1"]
    assert codes.index.tolist() == frame.index.tolist()
    assert model.feature_names_in_.tolist() == list("abcdef")
    assert model.inverse_transform(codes).shape == X.shape
    np.testing.assert_array_equal(
        model.fit(X).score_samples(X), Autoencoder(**model.get_params()).fit(X).score_samples(X)
    )


def test_pipeline_and_grid_search(X):
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Autoencoder(random_state=0, max_epochs=20)),
        {"autoencoder__hidden_layer_sizes": [1, 4]},
        cv=2,
    ).fit(X)
    # Score is minus the error, so the wider layer must win.
    assert search.best_params_ == {"autoencoder__hidden_layer_sizes": 4}
    assert set(search.predict(X)) <= {-1, 1}


def test_no_heavy_import():
    heavy = {"torch", "tensorflow", "matplotlib", "typer", "rich", "pooch"}
    code = "import sys; from fastae import Autoencoder; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert not heavy & set(loaded)
