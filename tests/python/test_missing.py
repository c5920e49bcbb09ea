"""Estimators on tables with missing values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import get_tags

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_fit, assert_same_weights, small_model
from gaps import narrow_table, with_gaps
from labelled import outputs64

KINDS_OF_ESTIMATORS = [Autoencoder, AutoencoderClassifier, AutoencoderRegressor]


@pytest.fixture(name="X")
def make_table():
    return narrow_table()


@pytest.fixture
def gaps(X):
    return with_gaps(X)


def model(**options):
    return small_model(**{"max_epochs": 4, **options})


def errors64(fitted, X):
    """Return squared errors from the weights alone, NaN in missing cells."""
    x = (X - fitted.shift_) * fitted.scale_
    return (outputs64(fitted, np.where(np.isnan(X), fitted.shift_, X)) - x) ** 2


@pytest.mark.parametrize("kind", KINDS_OF_ESTIMATORS)
def test_tags_and_default(kind):
    assert kind().missing == "ignore"
    for missing in ("ignore", "impute", "error"):
        assert get_tags(kind(missing=missing)).input_tags.allow_nan == (missing != "error")
    with pytest.raises(ValueError, match=r"missing must be one of .*'drop'"):
        kind(missing="drop").fit(narrow_table(), np.arange(200) % 2)


@pytest.mark.parametrize("missing", ["ignore", "impute", "error"])
def test_complete_tables_are_fitted_as_ever(X, missing):
    fitted = model(missing=missing).fit(X)
    assert_same_fit(fitted, model().fit(X))
    np.testing.assert_array_equal(fitted.score_samples(X), model().fit(X).score_samples(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_are_means_over_known_cells(gaps, dtype):
    gaps = gaps.astype(dtype)
    fitted = model().fit(gaps)
    rtol = 1e-4 if dtype == np.float32 else 1e-9
    errors = errors64(fitted, gaps)
    known = ~np.isnan(gaps)
    expected = np.nansum(errors, axis=1) / np.maximum(known.sum(axis=1), 1)
    scores = fitted.score_samples(gaps)
    np.testing.assert_allclose(scores, -expected, rtol=rtol)
    assert scores[3] == 0
    np.testing.assert_allclose(fitted.score(gaps), -expected.mean(), rtol=rtol)
    made = fitted.reconstruction_error(gaps, per_feature=True)
    np.testing.assert_array_equal(np.isnan(made), ~known)
    np.testing.assert_allclose(made, errors, rtol=1e-3 if dtype == np.float32 else 1e-7, atol=1e-9)
    for output in (fitted.reconstruct(gaps), fitted.transform(gaps)):
        assert np.isfinite(output).all()
    assert set(fitted.predict(gaps)) <= {-1, 1}
    complete = known.all(axis=1)
    np.testing.assert_array_equal(scores[complete], fitted.score_samples(gaps[complete]))


def test_imputed_cells_have_the_error_of_the_mean(gaps):
    fitted = model(missing="impute").fit(gaps)
    filled = np.where(np.isnan(gaps), fitted.shift_, gaps)
    for method in ("score_samples", "reconstruct", "transform", "predict"):
        made = getattr(fitted, method)(gaps)
        np.testing.assert_array_equal(made, getattr(fitted, method)(filled))
    np.testing.assert_array_equal(
        fitted.reconstruction_error(gaps, per_feature=True),
        fitted.reconstruction_error(filled, per_feature=True),
    )


@pytest.mark.parametrize("noise", [{}, {"input_noise": 0.2}, {"input_dropout": 0.2}], ids=str)
@pytest.mark.parametrize("batch_size", [1, 8])
def test_imputing_is_fitting_the_filled_table(gaps, batch_size, noise):
    options = {"scaling": "none", "batch_size": batch_size, **noise}
    gaps = gaps - np.nanmean(gaps, axis=0)
    imputed = model(missing="impute", **options).fit(gaps)
    expected = model(**options).fit(np.nan_to_num(gaps))
    assert_same_weights(imputed, expected)
    assert imputed.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_scaling_is_that_of_the_known_values(gaps, scaling):
    fitted = model(scaling=scaling, max_epochs=1).fit(gaps)
    spread = np.nanmax(gaps, axis=0) - np.nanmin(gaps, axis=0)
    spread = spread if scaling == "range" else np.nanstd(gaps, axis=0)
    np.testing.assert_allclose(fitted.shift_, np.nanmean(gaps, axis=0), rtol=1e-12)
    np.testing.assert_allclose(fitted.scale_, 1 / spread, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_the_loss_curve_is_the_mean_over_known_cells(gaps, missing, weighted):
    # With a rate of next to nothing, every row is reconstructed as after the training.
    weight = np.random.default_rng(2).uniform(0.5, 2, len(gaps)) if weighted else np.ones(len(gaps))
    fitted = model(missing=missing, solver="sgd", learning_rate_init=1e-12).fit(
        gaps, sample_weight=weight if weighted else None
    )
    errors, there = errors64(fitted, gaps), (~np.isnan(gaps)).astype(float)
    if missing == "impute":
        errors, there = errors64(fitted, np.where(np.isnan(gaps), fitted.shift_, gaps)), 1.0
    cells = weight[:, None] * there * np.ones_like(gaps)
    expected = (weight[:, None] * np.nan_to_num(errors)).sum() / cells.sum()
    np.testing.assert_allclose(fitted.loss_curve_, expected, rtol=1e-5)


def test_ignored_cells_are_filled_in_better_than_imputed_ones():
    # Whose network was taught to say the mean there.
    X = narrow_table(500)
    gaps = with_gaps(X, 0.1)
    gone = np.isnan(gaps)
    gone[3] = False  # of which nothing is known
    off = {}
    for missing in ("ignore", "impute"):
        options = {"hidden_layer_sizes": (8, 2, 8), "max_epochs": 100, "missing": missing}
        fitted = model(**options).fit(gaps)
        off[missing] = (((fitted.reconstruct(gaps) - X) * fitted.scale_)[gone] ** 2).mean()
    of_mean = (((X - fitted.shift_) * fitted.scale_)[gone] ** 2).mean()
    assert off["ignore"] < off["impute"] < 0.5 * of_mean


@pytest.mark.parametrize(
    ("missing", "output"),
    [("ignore", "identity"), ("ignore", "logistic"), ("impute", "identity"), ("impute", "tanh")],
)
def test_a_column_without_values_is_left_out(gaps, missing, output):
    gaps[:, 2] = np.nan
    fitted = model(missing=missing, output_activation=output).fit(gaps)
    assert (fitted.scale_[2], fitted.shift_[2]) == (0, 0)
    made = fitted.reconstruct(gaps)
    assert np.isnan(made[:, 2]).all()
    assert np.isfinite(np.delete(made, 2, axis=1)).all()
    errors = fitted.reconstruction_error(gaps, per_feature=True)
    if missing == "impute":
        assert (errors[:, 2] == 0).all()
    else:
        assert np.isnan(errors[:, 2]).all()
    for array in (fitted.score_samples(gaps), fitted.transform(gaps)):
        assert np.isfinite(array).all()


def test_values_in_a_column_that_had_none_have_no_error(gaps):
    gaps[:, 2] = np.nan
    fitted = model().fit(gaps)
    later = gaps.copy()
    later[:, 2] = np.arange(len(gaps))
    np.testing.assert_array_equal(fitted.transform(later), fitted.transform(gaps))
    assert (fitted.reconstruction_error(later, per_feature=True)[:, 2] == 0).all()
    known = (~np.isnan(gaps)).sum(axis=1)
    expected = fitted.score_samples(gaps) * known / (known + 1)
    np.testing.assert_allclose(fitted.score_samples(later), expected, rtol=1e-12)


def test_a_table_without_values_has_no_errors():
    X = np.full((20, 4), np.nan)
    fitted = model().fit(X)
    assert fitted.score(X) == 0
    assert fitted.loss_curve_ == [0.0] * 4


@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_constant_columns_with_gaps_are_only_shifted(gaps, scaling):
    gaps[:, 1] = np.where(np.isnan(gaps[:, 1]), np.nan, 0.1)
    fitted = model(scaling=scaling).fit(gaps)
    assert (fitted.shift_[1], fitted.scale_[1]) == (0.1, 1)


@pytest.mark.parametrize("kind", KINDS_OF_ESTIMATORS)
def test_infinity_is_an_error_wherever_nan_is(gaps, kind):
    y = np.arange(len(gaps)) % 2
    fitted = kind(max_epochs=1, batch_size=8, random_state=0).fit(gaps, y)
    gaps[70, 4] = -np.inf
    for call in (lambda: kind(max_epochs=1).fit(gaps, y), lambda: fitted.predict(gaps)):
        with pytest.raises(ValueError, match="infinity in row 70, column 4"):
            call()


def test_what_missing_was_in_fit_stays(X, gaps):
    fitted = model(missing="impute").fit(gaps)
    expected = fitted.score_samples(gaps)
    fitted.set_params(missing="ignore")
    np.testing.assert_array_equal(fitted.score_samples(gaps), expected)
    refusing = model(missing="error").fit(X)
    for either in (refusing, refusing.set_params(missing="ignore")):
        with pytest.raises(ValueError, match=r"NaN in row \d+, column \d+"):
            either.predict(gaps)


def test_pickles_and_clones(gaps):
    fitted = model(missing="impute").fit(gaps)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.score_samples(gaps), fitted.score_samples(gaps))
    assert_same_fit(clone(fitted).fit(gaps), fitted)
