"""Every way to train an autoencoder on tables with missing values."""

from __future__ import annotations

import numpy as np
import pytest

from fastae import Autoencoder
from fits import COLUMNS, assert_same_fit, assert_same_weights, small_model, weights
from gaps import narrow_table, with_gaps
from labelled import KilledError, kill

MODES = ["ignore", "impute"]


@pytest.fixture(name="X")
def make_table():
    return narrow_table()


@pytest.fixture
def gaps(X):
    return with_gaps(X)


def model(**options):
    return small_model(**{"max_epochs": 4, **options})


WAYS = {
    "one by one": {"batch_size": 1},
    "mini-batches": {"batch_size": 32},
    "full batches": {"batch_size": 1000},
    "auto": {"batch_size": "auto"},
    "two threads": {"n_jobs": 2},
    "hogwild": {"parallel": "hogwild", "n_jobs": 2},
    "sgd": {"solver": "sgd"},
    "adadelta": {"solver": "adadelta"},
    "stacked": {"pretraining": "stacked"},
    "held out": {"validation_fraction": 0.2},
    "stopping": {"early_stopping": True, "max_epochs": 20},
    "noise": {"input_noise": 0.1, "input_dropout": 0.1},
    "dropout": {"hidden_dropout": 0.1},
    "sparsity": {"sparsity_beta": 0.1},
    "huber": {"loss": "huber"},
    "contamination": {"contamination": 0.1},
    "penalties": {"l1": 1e-4, "l2": 1e-4, "max_w2": 1.0},
    "standard": {"scaling": "standard"},
}


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_train_learns_something(gaps, way, missing):
    fitted = model(missing=missing, **{"max_epochs": 20, **WAYS[way]}).fit(gaps)
    assert all(np.isfinite(array).all() for array in weights(fitted))
    mse = fitted.history_["training_mse"]
    assert np.isfinite(mse).all()
    assert mse[-1] < mse[0]
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]
    assert mse[-1] == pytest.approx(-fitted.score(gaps), rel=0.3 if way == "held out" else 1e-9)
    assert np.isfinite(fitted.offset_)


def test_threads_make_no_difference(gaps):
    assert_same_fit(model(n_jobs=1).fit(gaps), model(n_jobs=2).fit(gaps))


def test_in_validation_rows_only_it_changes_scores_alone(X, gaps):
    fitted = model(restore_best_weights=False).fit(X, X_val=gaps)
    assert_same_weights(fitted, model(restore_best_weights=False).fit(X))
    assert fitted.history_["validation_mse"][-1] == pytest.approx(-fitted.score(gaps))


@pytest.mark.parametrize("mode", MODES)
def test_rows_of_weight_0_are_absent_whatever_they_miss(gaps, mode):
    weight = np.arange(len(gaps)) % 3 > 0
    fitted = model(missing=mode).fit(gaps, sample_weight=weight.astype(float))
    assert_same_fit(fitted, model(missing=mode).fit(gaps[weight]))


@pytest.mark.parametrize("of_the_normal", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("missing", MODES)
def test_anomalous_rows_may_miss_values(X, gaps, missing, method, of_the_normal):
    anomalous = np.arange(len(X)) >= 180
    table = np.where(anomalous[:, None] | of_the_normal, gaps, X)
    fitted = getattr(model(missing=missing, scaling="range"), method)(table, anomalous=anomalous)
    assert all(np.isfinite(array).all() for array in weights(fitted))
    ordinary = table[~anomalous]
    np.testing.assert_allclose(fitted.shift_, np.nanmean(ordinary, axis=0), rtol=1e-12)
    assert np.isfinite(fitted.loss_curve_).all()


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("output", ["identity", "tanh"])
def test_streams(gaps, missing, output):
    # Nothing is known of column 2 in two of four parts, whose centres and spreads differ.
    parts = [part * (1 + k) + k for k, part in enumerate(np.array_split(gaps, 4))]
    parts[0][:, 2] = parts[1][:, 2] = np.nan
    parts[3][:, 4] = np.nan
    fitted = model(missing=missing, output_activation=output, scaling="range")
    for k, part in enumerate(parts):
        fitted.partial_fit(part)
        so_far = np.concatenate(parts[: k + 1])
        assert all(np.isfinite(array).all() for array in weights(fitted))
        known = [j for j in range(6) if j != 2 or k > 1]
        np.testing.assert_allclose(
            fitted.shift_[known], np.nanmean(so_far[:, known], axis=0), rtol=1e-10
        )
        spread = np.nanmax(so_far[:, known], axis=0) - np.nanmin(so_far[:, known], axis=0)
        np.testing.assert_allclose(1 / fitted.scale_[known], spread, rtol=1e-10)
        assert (fitted.scale_[2] == 0) == (k < 2)
        made = fitted.reconstruct(so_far)
        np.testing.assert_array_equal(np.isnan(made).any(axis=0), fitted.scale_ == 0)
        assert np.isfinite(fitted.score_samples(so_far)).all()
        assert np.isfinite(fitted.loss_curve_[-1])
        assert fitted.n_samples_seen_ == len(so_far)


def test_a_part_of_a_stream_without_values_changes_no_weight(gaps):
    fitted = model().partial_fit(gaps)
    before = weights(fitted)
    fitted.partial_fit(np.full((20, 6), np.nan))
    for mine, its in zip(weights(fitted), before, strict=True):
        np.testing.assert_allclose(mine, its, atol=0.05)  # momentum goes on
    assert np.isfinite(fitted.loss_curve_[-1])


def test_a_stream_that_begins_without_values(X):
    fitted = model().partial_fit(np.full((20, 6), np.nan)).partial_fit(X)
    assert all(np.isfinite(array).all() for array in weights(fitted))
    np.testing.assert_allclose(fitted.shift_, X.mean(axis=0), rtol=1e-10)
    assert np.isfinite(fitted.reconstruct(X)).all()


@pytest.mark.parametrize("missing", MODES)
def test_warm_start_goes_on_with_other_gaps(X, gaps, missing):
    fitted = model(missing=missing, warm_start=True).fit(X)
    scale = fitted.scale_
    fitted.fit(gaps).fit(with_gaps(X, seed=9))
    np.testing.assert_array_equal(fitted.scale_, scale)
    assert len(fitted.loss_curve_) == 12
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


@pytest.mark.parametrize("missing", MODES)
def test_an_interrupted_training_goes_on_from_its_checkpoint(gaps, missing, tmp_path):
    options = {"missing": missing, "checkpoint_interval": 0.0, "score_interval": 0.0}
    expected = model(missing=missing, score_interval=0.0).fit(gaps)
    options["checkpoint"] = tmp_path / "training.ckpt"
    with pytest.raises(KilledError):
        model(callback=kill, **options).fit(gaps)
    assert options["checkpoint"].exists()
    made = model(**options).fit(gaps)
    assert_same_weights(made, expected)
    assert made.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-12)


def test_histories_of_ignored_cells_are_those_of_known_ones(gaps):
    # Scored by the same network, the table with and without its rows of nothing else.
    fitted = Autoencoder(max_epochs=2, random_state=0).fit(gaps)
    for name in COLUMNS[:5]:
        assert np.isfinite(fitted.history_[name]).all()
    scores = -fitted.score_samples(gaps)
    assert fitted.history_["training_mse"][-1] == pytest.approx(scores.mean(), rel=1e-9)
