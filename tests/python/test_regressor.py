"""The regressor: what it predicts, in whose units, and how well it learns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastae import AutoencoderRegressor
from fits import assert_same_weights, assert_unchanged
from labelled import assert_same, below, books, regressor, slope, values64


@pytest.fixture(name="table", scope="module")
def table_with_numbers():
    return slope()


OPTIONS = {
    "auto": {},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "deep": {"hidden_layer_sizes": (7, 4), "activation": "tanh"},
    "logistic": {"hidden_layer_sizes": 3, "activation": "logistic", "scaling": "standard"},
    "unscaled": {"hidden_layer_sizes": 3, "activation": "elu", "scaling": "none"},
    "autoencoder": {"autoencoder": below()},
    "semi-supervised": {"reconstruction_weight": 0.5},
}


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("name", OPTIONS)
def test_predictions_are_those_of_the_equations(name, n_targets):
    X, y = slope(n_targets=n_targets)
    model = regressor(**OPTIONS[name]).fit(X, y)
    predicted = model.predict(X)
    assert predicted.dtype == np.float64
    assert predicted.shape == y.shape
    np.testing.assert_allclose(predicted.reshape(90, -1), values64(model, X), rtol=1e-5)
    assert model.score(X, y) == r2_score(y, predicted)


def test_targets_are_standardised(table):
    X, y = slope(n_targets=2)
    weight = np.arange(90) % 4
    model = regressor().fit(X, y, sample_weight=weight)
    repeated = np.repeat(y, weight, axis=0)
    np.testing.assert_allclose(model.target_shift_, repeated.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.target_scale_, 1 / repeated.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("factor", [2.0**-60, 4.0, 2.0**60])
def test_the_unit_of_a_target_is_of_no_matter(table, factor):
    X, y = table
    plain, model = regressor().fit(X, y), regressor().fit(X, y * factor)
    assert_same_weights(model, plain)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X) * factor)
    assert model.history_["training_rmse"][-1] == plain.history_["training_rmse"][-1] * factor


def test_a_distant_origin_costs_no_digits(table):
    X, y = table
    model = regressor(max_epochs=50).fit(X, y)
    far = regressor(max_epochs=50).fit(X, y + 1e9)
    np.testing.assert_allclose(far.predict(X) - 1e9, model.predict(X), atol=1e-2 * y.std())


def test_targets_of_many_kinds(table):
    X, y = table
    plain = regressor().fit(X, y)
    for given in (y.tolist(), pd.Series(y, range(5, 95)), y.astype(object), y[::-1][::-1]):
        assert_same(regressor().fit(X, given), plain)
    column = regressor().fit(pd.DataFrame(X), y[:, np.newaxis])
    assert_same(column, plain)
    assert column.predict(pd.DataFrame(X)).shape == (90, 1)
    whole = regressor().fit(X, np.round(y).astype(np.int16))
    assert_same(whole, regressor().fit(X, np.round(y)))


def test_the_books_are_in_the_targets_units():
    X, y = slope(n_targets=2)
    model = regressor(restore_best_weights=False).fit(X[20:], y[20:], X_val=X[:20], y_val=y[:20])
    for column, rows in (("training", slice(20, None)), ("validation", slice(20))):
        mse = np.square(model.predict(X[rows]) - y[rows]).mean()
        assert model.history_[f"{column}_mse"][-1] == pytest.approx(mse, rel=1e-12)
        assert model.history_[f"{column}_rmse"][-1] == pytest.approx(mse**0.5, rel=1e-12)


def test_a_constant_target_is_learned_exactly(table):
    X, y = table
    model = regressor(max_epochs=300).fit(X, 0 * y + 7)
    assert model.target_scale_.tolist() == [1]
    np.testing.assert_allclose(model.predict(X), 7, atol=0.05)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2", [0.01, 1.0])
def test_without_hidden_layer_it_is_ridge_regression(l2, weighted):
    X, y = load_diabetes(return_X_y=True)
    weight = 1.0 + np.arange(y.size) % 3 if weighted else np.ones(y.size)
    model = AutoencoderRegressor(
        hidden_layer_sizes=(), l2=l2, batch_size=y.size, learning_rate_init=0.03, max_epochs=1000,
        scaling="standard", score_every=10**9, random_state=0,
    ).fit(X, y, sample_weight=weight)  # fmt: skip
    Z = (X - model.shift_) * model.scale_
    peer = Ridge(alpha=l2 * weight.sum()).fit(Z, y, sample_weight=weight)
    np.testing.assert_allclose(model.predict(X), peer.predict(Z), atol=1e-3 * y.std())
    np.testing.assert_allclose(
        model.coefs_[0][:, 0] / model.target_scale_, peer.coef_, atol=1e-3 * y.std()
    )


def test_it_learns_as_well_as_scikit_learns_network():
    X, y = load_diabetes(return_X_y=True)
    train, test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0)
    model = AutoencoderRegressor(hidden_layer_sizes=20, max_epochs=20, random_state=0)
    peer = MLPRegressor(hidden_layer_sizes=20, max_iter=40, tol=0, random_state=0)
    peer = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), peer), transformer=StandardScaler()
    )
    with pytest.warns(match="Maximum iterations"):
        peer.fit(train, y)
    assert model.fit(train, y).score(test, y_test) > peer.score(test, y_test) - 0.03
    assert model.score(test, y_test) > 0.35


def noisy(n=2000):
    """Return rows and numbers, whose noise is skewed and grows along the first column."""
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(n, 2))
    return X, X[:, 1] + (1 + 3 * X[:, 0]) * rng.exponential(size=n)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_cover_their_share(quantile):
    X, y = noisy()
    model = regressor(loss="quantile", quantile=quantile, max_epochs=30, batch_size=16)
    below_it = y <= model.fit(X, y).predict(X)
    assert below_it.mean() == pytest.approx(quantile, abs=0.03)
    for half in (X[:, 0] < 0.5, X[:, 0] >= 0.5):  # where noise is small, and where it is large
        assert below_it[half].mean() == pytest.approx(quantile, abs=0.06)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "squared_error"])
def test_robust_losses_do_not_follow_outliers(loss):
    X, clean = slope(400)
    y = np.where(np.arange(400) % 10 == 0, clean + 500, clean)
    model = regressor(loss=loss, huber_delta=0.1, hidden_layer_sizes=10, max_epochs=60)
    gap = np.median(model.fit(X, y).predict(X) - clean)
    assert (gap > 20) == (loss == "squared_error")
    assert (abs(gap) < 5) == (loss != "squared_error")


WRONG = {
    "no y": ({}, lambda X, y: (X, None), "requires y to be passed"),
    "short": ({}, lambda X, y: (X, y[:-1]), r"^(?=.*\b(rows|samples)\b)(?=.*\b89\b)"),
    "long": ({}, lambda X, y: (X, np.r_[y, 0]), r"^(?=.*\b(rows|samples)\b)(?=.*\b91\b)"),
    "text": ({}, lambda X, y: (X, ["a"] * 90), "could not convert string to float"),
    "NaN": ({}, lambda X, y: (X, np.where(y > 50, y, np.nan)), "y contains NaN"),
    "infinity": ({}, lambda X, y: (X, y + np.inf), "y contains infinity"),
    "infinity and semi-supervised": (
        {"reconstruction_weight": 1}, lambda X, y: (X, y + np.inf), "y contains infinity",
    ),
    "three dimensions": ({}, lambda X, y: (X, np.ones((90, 1, 1))), "array with dim 3"),
    "too far apart": ({}, lambda X, y: (X, np.where(y > 50, 1e300, 0)), "Column 0 of y"),
    "NaN in X": ({"missing": "error"}, lambda X, y: (X + np.nan, y), "NaN in row 0, column 0"),
    "loss": ({"loss": "hinge"}, lambda X, y: (X, y), "loss must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_targets_are_refused(table, wrong):
    changes, make, message = WRONG[wrong]
    X, y = table
    fitted = regressor().fit(X, y)
    options = fitted.get_params()
    before = books(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**changes).fit(*make(X, y))
    assert_unchanged(fitted.set_params(**options), before)
    fresh = regressor(**changes)
    before = books(fresh)
    with pytest.raises(ValueError, match=message):
        fresh.fit(*make(X, y))
    assert vars(fresh) == before


def test_before_fit_there_is_nothing_to_predict(table):
    with pytest.raises(NotFittedError):
        regressor().predict(table[0])


def parts(X, y):
    """Return chunks whose columns and targets widen on and on."""
    return [((k + 1) * X + k, (k + 1) ** 2 * y - k) for k in range(4)]


def test_in_a_stream_the_targets_scaling_is_that_of_all_rows():
    X, y = slope(n_targets=2)
    model = regressor(scaling="range")
    for rows, numbers in parts(X, y):
        model.partial_fit(rows, numbers)
    whole = regressor(max_epochs=0, scaling="range").fit(
        *map(np.concatenate, zip(*parts(X, y), strict=True))
    )
    for name in ("target_shift_", "target_scale_", "shift_", "scale_"):
        np.testing.assert_allclose(getattr(model, name), getattr(whole, name), rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"reconstruction_weight": 1}, {"hidden_layer_sizes": ()}])
def test_a_scaling_that_moves_changes_no_prediction(options):
    X, y = slope(n_targets=2)
    model = regressor(max_epochs=20, **options).fit(X, y)
    model.set_params(learning_rate_init=1e-30)  # what a step changes is below every digit
    before, scale = model.predict(X), model.target_scale_
    for rows, numbers in parts(X, y):
        model.partial_fit(rows, numbers)
    assert np.all(model.target_scale_ < scale / 2)
    np.testing.assert_allclose(model.predict(X), before, atol=1e-4 * y.std())


def test_a_stream_learns_on_after_its_targets_moved():
    X, y = slope(400)
    order = np.argsort(y)  # small targets first
    model = regressor(hidden_layer_sizes=20, learning_rate_init=0.003)
    for _ in range(30):
        for rows in np.array_split(order, 4):
            model.partial_fit(X[rows], y[rows])
        order = np.random.default_rng(0).permutation(400)
    assert model.score(X, y) > 0.9


def test_a_target_that_was_constant_so_far():
    X, y = slope()
    model = regressor().partial_fit(X, 0 * y + 3)
    assert model.target_scale_.tolist() == [1]
    model.partial_fit(X, y * 1000)
    assert np.isfinite(model.predict(X)).all()
    assert model.target_scale_[0] == pytest.approx(1 / np.r_[0 * y + 3, y * 1000].std())


def test_other_numbers_of_targets_are_refused(table):
    X, y = table
    model = regressor(warm_start=True).fit(X, y)
    before = books(model)
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="y must have 1 column"):
            method(X, np.c_[y, y])
    assert_unchanged(model, before)


def test_grid_search_and_cross_validation(table):
    search = GridSearchCV(
        regressor(max_epochs=20, scaling="range"), {"loss": ["squared_error", "huber"]}, cv=3
    )
    search.fit(*table)
    best = regressor(max_epochs=20, scaling="range").set_params(**search.best_params_).fit(*table)
    assert_same(search.best_estimator_, best)
    scores = cross_val_score(make_pipeline(StandardScaler(), best), *table, cv=3)
    assert scores.min() > 0.6
