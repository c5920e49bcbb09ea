"""Drift monitors of estimators and tables of all kinds, and what they refuse."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastae
from fastae import Autoencoder, DriftMonitor
from fastae._drift_tests import KolmogorovSmirnov, log_least_p_value


def errors_of(n, seed, scale=1.0):
    return scale * np.random.default_rng(seed).chisquare(5, size=n)


def table(n, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(2, 5))
    return scale * rng.normal(size=(n, 2)) @ mixing + rng.normal(size=(n, 5)) / 10


@pytest.fixture(scope="module")
def model():
    model = Autoencoder(calibration_fraction=0.3, max_epochs=10, random_state=0)
    return model.fit(table(1000))


def test_calibration_rows_can_be_given_in_three_ways(model):
    X, new = table(200, seed=1), table(50, seed=2)
    expected = DriftMonitor.from_errors(-model.score_samples(X), random_state=0)
    expected.update_errors(-model.score_samples(new))
    calibrated = copy.deepcopy(model).calibrate(X)
    for monitor in (
        DriftMonitor(model, X, random_state=0),
        DriftMonitor(calibrated, random_state=0),
    ):
        assert monitor.update(new) == expected.state_
        assert monitor.n_calibration_ == 200
    assert DriftMonitor(model).n_calibration_ == 300  # those that fit held out


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_with_factors_and_scans(library):
    frames = pytest.importorskip(library)
    X = table(900)
    columns = {f"c{j}": X[:, j] for j in range(5)} | {"kind": np.where(X[:, 0] > 0, "a", "b")}
    frame = frames.DataFrame(columns)
    fitted = Autoencoder(max_epochs=5, random_state=0).fit(frame[:300])
    monitor = DriftMonitor(fitted, frame[300:600], random_state=0)
    state = monitor.update(frame[600:])
    again = DriftMonitor(fitted, fastae.scan(frame[300:600]), random_state=0)
    assert again.update(fastae.scan(frame[600:], batch_size=70)) == state
    assert again.history_["n_seen"].tolist() == [70, 140, 210, 280, 300]


def test_it_goes_by_the_scores_of_the_decision(model):
    X, new = table(200, seed=1), table(100, seed=2)
    fitted = Autoencoder(anomaly_score="standardized", max_epochs=5, random_state=0).fit(table(300))
    monitor = DriftMonitor(fitted, X, random_state=0)
    expected = DriftMonitor.from_errors(-fitted.score_samples(X), random_state=0)
    assert monitor.update(new) == expected.update_errors(-fitted.score_samples(new))
    kept = DriftMonitor(fitted.calibrate(X), random_state=0)
    assert kept.update(new) == expected.state_


@pytest.mark.parametrize(
    "estimator",
    [IsolationForest(n_estimators=20), make_pipeline(StandardScaler(), Autoencoder(max_epochs=5))],
)
def test_other_estimators_with_scores_will_do(estimator):
    monitor = DriftMonitor(estimator.fit(table(300)), table(300, seed=1), random_state=0)
    assert not monitor.update(table(100, seed=2)).alarm
    assert monitor.update(table(200, seed=3, scale=4)).alarm


# ---------------------------------------------------------------- what is refused


def test_training_errors_are_refused():
    with pytest.raises(ValueError, match=r"training rows are smaller.*calibration_fraction"):
        DriftMonitor(Autoencoder(max_epochs=1).fit(table(50)))


def test_uneven_weights_are_refused():
    options = {"calibration_fraction": 0.5, "max_epochs": 1, "random_state": 0}
    weights = np.arange(1.0, 101.0)
    uneven = Autoencoder(**options).fit(table(100), sample_weight=weights)
    with pytest.raises(ValueError, match="different sample weights"):
        DriftMonitor(uneven)
    even = Autoencoder(**options).fit(table(100), sample_weight=np.full(100, 2.0))
    assert DriftMonitor(even).n_calibration_ == 50


def test_other_networks_are_refused():
    model = Autoencoder(max_epochs=1, random_state=0).fit(table(100))
    monitor = DriftMonitor(model, table(100, seed=1))
    assert monitor.update(table(10)).n_seen == 10
    model.set_threshold(0.5)
    assert monitor.update(table(10)).n_seen == 20
    model.partial_fit(table(100))
    with pytest.raises(ValueError, match="was trained since"):
        monitor.update(table(10))
    assert monitor.n_seen_ == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "cusum"}, "method must be 'martingale' or 'ks', got 'cusum'"),
        ({"method": None}, "method must be 'martingale' or 'ks', got None"),
        ({"false_alarm_rate": 0}, r"false_alarm_rate must be a number in \(0, 1\), got 0"),
        ({"false_alarm_rate": 1.0}, r"false_alarm_rate must be a number in \(0, 1\), got 1.0"),
        ({"window": 50}, "window is for method='ks', got 50"),
        ({"method": "ks", "window": 1}, "window must be None or a whole number >= 2, got 1"),
        ({"method": "ks", "random_state": 0}, "random_state is for method='martingale'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DriftMonitor.from_errors(errors_of(100, 0), **options)


def test_a_window_is_refused_where_it_never_alarms():
    errors = errors_of(100, 0)
    least = math.exp(log_least_p_value(100, 3))
    for rate, could in ((2.01 * least, True), (1.99 * least, False)):
        test = KolmogorovSmirnov(errors, rate, 3)
        test.add(np.full(3, 1e9))
        assert (test.alarm_at == 3) == could
        if could:
            DriftMonitor.from_errors(errors, method="ks", window=3, false_alarm_rate=rate)
            continue
        with pytest.raises(ValueError, match=r"window=3 with 100 .* could never raise an alarm"):
            DriftMonitor.from_errors(errors, method="ks", window=3, false_alarm_rate=rate)


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        (np.zeros((30, 1)), r"one number per row, got an array of shape \(30, 1\)"),
        ([0.0] * 30 + [np.nan], "must be numbers, but that of row 30 is nan"),
        ([-np.inf] + [0.0] * 30, "must be numbers, but that of row 0 is -inf"),
        (["odd"] * 30, "must be numbers, one per row"),
    ],
)
def test_wrong_errors_are_named(errors, message):
    with pytest.raises(ValueError, match=f"^calibration_errors {message}|{message}"):
        DriftMonitor.from_errors(errors)
    monitor = DriftMonitor.from_errors(errors_of(30, 0), random_state=0)
    with pytest.raises(ValueError, match=f"^errors .*{message}"):
        monitor.update_errors(errors)
    assert monitor.n_seen_ == 0


def test_too_few_and_none():
    with pytest.raises(ValueError, match=r"19 calibration rows are too few .*: give 20 or more"):
        DriftMonitor.from_errors(errors_of(19, 0))
    with pytest.raises(TypeError, match=r"estimator must be a fitted Autoencoder .* got a ndarray"):
        DriftMonitor(errors_of(100, 0))
    with pytest.raises(ValueError, match="made from errors: give it errors, by update_errors"):
        DriftMonitor.from_errors(errors_of(100, 0)).update(table(5))
    with pytest.raises(ValueError, match="not fitted yet"):
        DriftMonitor(Autoencoder(), table(100))


def test_scans_without_rows_are_refused(model):
    monitor = DriftMonitor(model)
    with pytest.raises(ValueError, match="The scan has no rows"):
        monitor.update(fastae.scan(lambda: iter([])))
    with pytest.raises(ValueError, match="features"):
        monitor.update(table(5)[:, :3])


@pytest.mark.parametrize("change", ["score", "weights", "seed"])
def test_an_estimator_whose_scores_changed_is_refused(change):
    X = np.random.default_rng(0).normal(size=(200, 4))
    settings = {"calibration_fraction": 0.5, "max_epochs": 0, "random_state": 0}
    model = Autoencoder(**settings).fit(X)
    monitor = DriftMonitor(model)
    if change == "score":
        model.set_params(anomaly_score="mahalanobis").fit(X)
    elif change == "weights":
        model.coefs_[0][:] *= 3
    else:
        model.set_params(random_state=1).fit(X)
    with pytest.raises(ValueError, match="trained"):
        monitor.update(X)


def test_infinite_errors_have_a_rank():
    errors = np.random.default_rng(0).exponential(size=200)
    monitor = DriftMonitor.from_errors(errors)
    assert monitor.update_errors(np.full(20, np.inf)).alarm
