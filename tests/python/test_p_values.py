"""Conformal p-values and false discoveries: what they are, and that promised rates hold."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fastae import Autoencoder
from fastae._conformal import conformal_p_values, discoveries
from fits import assert_same_weights

TARGETS = (0.01, 0.05, 0.1)


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(2, 6))
    return rng.normal(size=(n, 2)) @ mix + 0.2 * rng.normal(size=(n, 6))


def model(**options):
    return Autoencoder(**{"hidden_layer_sizes": 2, "max_epochs": 3, "random_state": 0, **options})


@pytest.fixture(name="calibrated", scope="module")
def fit_with_calibration_rows():
    return model(calibration_fraction=0.25).fit(table(800))


def of_one(error, calibration):
    return (1 + sum(e >= error for e in calibration)) / (1 + len(calibration))


def test_they_count_calibration_rows_that_are_at_least_as_odd():
    rng = np.random.default_rng(0)
    errors, calibration = rng.integers(0, 20, 50) * 1.0, rng.integers(0, 20, 33) * 1.0
    p = conformal_p_values(errors, calibration, np.ones(33))
    np.testing.assert_allclose(p, [of_one(e, calibration) for e in errors], rtol=1e-15)
    counts = rng.integers(1, 4, 33)
    p = conformal_p_values(errors, calibration, counts.astype(float))
    repeated = np.repeat(calibration, counts)
    np.testing.assert_allclose(p, [of_one(e, repeated) for e in errors], rtol=1e-12)


def held_out(X, fitted):
    """Return which rows' errors the model has kept, each of which is another's."""
    errors = fitted.reconstruction_error(X)
    assert np.unique(errors).size == errors.size
    return np.isin(errors, fitted._calibration[0])


@pytest.mark.parametrize(
    "options",
    [{}, {"solver": "adadelta"}, {"batch_size": 16}, {"validation_fraction": 0.2},
     {"scaling": "range", "constant_features": "drop"}],
)  # fmt: skip
def test_calibration_rows_have_no_part_in_anything_else(options):
    X = table(300)
    fitted = model(calibration_fraction=0.25, **options).fit(X)
    held = held_out(X, fitted)
    assert held.sum() == 75
    wild = X.copy()
    wild[held] *= 1e6
    other = model(calibration_fraction=0.25, **options).fit(wild)
    assert_same_weights(other, fitted)
    for name in ("shift_", "scale_", "constant_features_"):
        np.testing.assert_array_equal(getattr(other, name), getattr(fitted, name))
    np.testing.assert_array_equal(other.history_["training_mse"], fitted.history_["training_mse"])
    if "validation_fraction" not in options:  # which draws by the row's number
        without = model(**options).fit(X[~held])
        assert_same_weights(without, fitted)


def test_levels_that_only_calibration_rows_have_are_unknown():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=60), "b": [f"level {i}" for i in range(60)]})
    fitted = model(calibration_fraction=0.5).fit(X)
    assert len(fitted._schema.factors[0].levels) == 30


def test_anomalies_and_absent_rows_are_not_drawn():
    X, marks = table(200), np.arange(200) < 40
    weight = np.where(np.arange(200) >= 180, 0.0, 1.0 + np.arange(200) % 2)
    fitted = model(calibration_fraction=0.5).fit(X, anomalous=marks, sample_weight=weight)
    held = held_out(X, fitted)
    assert held.sum() == 70
    assert not held[:40].any()
    assert not held[180:].any()
    errors, counts = fitted._calibration
    shares = weight * held.sum() / weight[held].sum()  # no more evidence than rows
    np.testing.assert_allclose(np.sort(counts), np.sort(shares[held]))
    order = np.argsort(errors)
    by_row = np.flatnonzero(held)[np.argsort(fitted.reconstruction_error(X)[held])]
    np.testing.assert_allclose(counts[order], shares[by_row])


def test_rows_can_be_given_in_three_ways(calibrated):
    X, more, new = table(800), table(100, seed=1), table(50, seed=2)
    errors = calibrated.reconstruction_error(more)
    expected = [of_one(e, errors) for e in calibrated.reconstruction_error(new)]
    before = calibrated.p_values(new)
    given = calibrated.p_values(new, calibration=more)
    np.testing.assert_allclose(given, expected, rtol=1e-12)
    np.testing.assert_array_equal(calibrated.p_values(new), before)
    other = model().fit(X)
    offset = other.offset_
    assert other.calibrate(more) is other
    assert other.offset_ == offset
    errors = other.reconstruction_error(more)
    expected = [of_one(e, errors) for e in other.reconstruction_error(new)]
    np.testing.assert_allclose(other.p_values(new), expected, rtol=1e-12)
    np.testing.assert_array_equal(
        other.detect(new, fdr=0.2), other.detect(new, fdr=0.2, calibration=more)
    )


def test_thresholds_of_a_rate_are_those_of_p_values(calibrated):
    new = table(2000, seed=3) * 1.5
    for rate in (0.005, 0.01, 0.05, 0.1, 0.29, 0.5):
        odd = calibrated.set_threshold(false_positive_rate=rate).predict(new) == -1
        np.testing.assert_array_equal(odd, calibrated.p_values(new) <= rate)
        assert odd.any()


def test_pickles_keep_them_and_more_training_forgets_them(calibrated):
    copy = pickle.loads(pickle.dumps(calibrated))
    new = table(50, seed=2)
    np.testing.assert_array_equal(copy.p_values(new), calibrated.p_values(new))
    copy.partial_fit(table(50, seed=4))
    with pytest.raises(ValueError, match=r"p_values needs rows .* call calibrate\(X\)"):
        copy.p_values(new)
    copy = pickle.loads(pickle.dumps(calibrated)).set_params(calibration_fraction=0.0)
    with pytest.raises(ValueError, match=r"detect needs rows .* set calibration_fraction"):
        copy.fit(table(50)).detect(new)


def test_training_that_goes_on_leaves_out_the_same_rows(tmp_path):
    X, path = table(300), tmp_path / "checkpoint"
    options = {"calibration_fraction": 0.25, "checkpoint": path}
    model(**options).fit(X)
    resumed = model(**{**options, "max_epochs": 6}).fit(X)
    assert held_out(X, resumed).sum() == 75
    assert resumed.n_iter_ == 6
    for unsafe in ({"checkpoint": path}, {"warm_start": True}):
        with pytest.raises(ValueError, match=r"calibration_fraction with .* needs random_state"):
            model(calibration_fraction=0.25, random_state=None, **unsafe).fit(X)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match=r"calibration_fraction=0.6 of 1 rows leaves none"):
        model(calibration_fraction=0.6).fit(table(1))


@pytest.mark.parametrize("fdr", [0, 1, -0.1, "low"])
def test_wrong_rates_are_named(calibrated, fdr):
    with pytest.raises(ValueError, match=r"fdr must be a number in \(0, 1\), got"):
        calibrated.detect(table(5), fdr=fdr)


def test_a_rate_at_which_nothing_could_be_found_is_refused(calibrated):
    with pytest.raises(ValueError, match=r"fdr=0.004 .* 200 calibration rows .* 0.00497512"):
        calibrated.detect(table(5), fdr=0.004)
    assert (calibrated.detect(table(5) + 100, fdr=0.005) == -1).all()


@pytest.mark.parametrize("seed", range(20))
def test_discoveries_are_those_of_scipy(seed):
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=100) ** rng.uniform(1, 6)
    p = np.ceil(p * 50) / 50 if seed % 2 else p
    for fdr in (0.01, 0.1, 0.5):
        expected = stats.false_discovery_control(p) <= fdr * (1 + 1e-12)
        np.testing.assert_array_equal(discoveries(p, fdr), expected)


@pytest.mark.parametrize("n_calibration", [99, 30])
def test_rates_hold_over_many_draws(n_calibration):
    # Calibration and test rows anew each time: rates are promised over both.
    flagged = np.zeros(len(TARGETS))
    n_draws, n = 400, 20
    for seed in range(n_draws // n):
        fitted = model(random_state=seed).fit(table(60, seed=seed))
        for draw in range(n):
            rows = table(n_calibration + 10, seed=10_000 + seed * n + draw)
            p = fitted.p_values(rows[:10], calibration=rows[10:])
            flagged += [np.mean(p <= target) for target in TARGETS]
    for target, got in zip(TARGETS, flagged / n_draws, strict=True):
        exact = int(target * (n_calibration + 1) + 1e-9) / (n_calibration + 1)
        # The variance of ten rows' share that are judged by the same calibration rows.
        spread = np.sqrt(exact * (1 - exact) * (1 / (n_calibration + 2) + 0.1) / n_draws)
        assert abs(got - exact) <= 4 * spread
        assert got <= target + 4 * spread


def test_false_discoveries_are_few_on_average():
    false, found = [], []
    for seed in range(30):
        X = table(600, seed=seed)
        fitted = model(calibration_fraction=0.7, random_state=seed, max_epochs=20).fit(X)
        rng = np.random.default_rng(seed)
        odd = rng.normal(size=(20, 6)) * 3
        called = fitted.detect(np.vstack([table(180, seed=1000 + seed), odd]), fdr=0.1) == -1
        false.append(called[:180].sum() / max(1, called.sum()))
        found.append(called[180:].mean())
    assert np.mean(found) > 0.7
    # 0.09 is expected: nine of ten rows are normal
    assert 0.04 < np.mean(false) < 0.09 + 3 * np.std(false) / np.sqrt(30)


SMALL = ["Hepatitis", "Lymphography", "Pima", "Stamps", "vertebral", "WDBC", "wine", "yeast"]
LARGER = ["Cardiotocography", "landsat", "mammography", "PageBlocks", "satimage-2", "Waveform"]


@pytest.mark.real_data
@pytest.mark.parametrize("name", SMALL + LARGER)
def test_rates_on_real_tables(name):
    (path,) = (Path(os.environ["FASTAE_DATA"]) / "adbench").glob(f"*_{name}.npz")
    with np.load(path) as file:
        X = file["X"][file["y"].ravel() == 0]
    X = X[np.random.default_rng(0).permutation(len(X))[:1500]]
    n = len(X) // 3
    flagged = {target: [] for target in TARGETS}
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(len(X))
        fitted = Autoencoder(calibration_fraction=0.5, max_epochs=10, random_state=seed)
        p = fitted.fit(X[order[n:]]).p_values(X[order[:n]])
        for target, shares in flagged.items():
            shares.append(np.mean(p <= target))
    for target, shares in flagged.items():
        low, high = stats.binom.interval(0.99, n, target)
        assert low / n <= np.mean(shares) <= high / n


def test_weights_make_no_evidence():
    """100 calibration rows of weight 10 are 100 rows."""
    X = table(200)
    fitted = model(calibration_fraction=0.5).fit(X, sample_weight=np.full(200, 10.0))
    assert fitted.p_values(np.full((1, X.shape[1]), 1e6))[0] == pytest.approx(1 / 101)
    with pytest.raises(ValueError, match="finer than the errors of 100 calibration rows"):
        fitted.set_threshold(false_positive_rate=0.001)
