"""Estimators over scans: trained window by window, scored batch by batch."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
import time

import numpy as np
import polars as pl
import pytest

import fastae
from fits import assert_same_fit, assert_same_weights
from scans import N_ROWS, SOURCES, WINDOWS, batches, frame, model, numbers, source

pa = pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("make", [frame, numbers])
def test_what_fits_into_a_window_is_a_table(kind, make, tmp_path):
    table = make()
    expected = model().fit(table)
    fitted = model().fit(source(kind, table, tmp_path, batch_size=500))
    assert_same_fit(fitted, expected)
    assert fitted.feature_names_in_.tolist() == list(table.columns)
    np.testing.assert_array_equal(fitted.score_samples(table), expected.score_samples(table))


@pytest.mark.parametrize("kind", ["array", "memmap", "list"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_arrays_that_fit_into_a_window(kind, dtype, tmp_path):
    X = (10 * numbers().to_numpy() + 100).astype(dtype)
    given = X
    if kind == "memmap":
        np.save(tmp_path / "X.npy", X)
        given = np.load(tmp_path / "X.npy", mmap_mode="r")
    given = fastae.scan(batches(X) if kind == "list" else given, batch_size=700)
    assert_same_fit(model().fit(given), model().fit(X))


def test_one_window_takes_all_that_a_table_does():
    X = frame()
    options = {"validation_fraction": 0.2, "early_stopping": True, "max_epochs": 20}
    expected = model(**options).fit(X)
    assert_same_fit(model(**options).fit(fastae.scan(X)), expected)
    warm, other = model(warm_start=True), model(warm_start=True)
    for _ in range(2):
        warm.fit(fastae.scan(X))
        other.fit(X)
    assert_same_fit(warm, other)


def test_sources_of_the_same_rows_give_the_same_bits(tmp_path):
    X = frame()
    made = [
        model().fit(source(kind, X, tmp_path, **WINDOWS)) for kind in ("csv", "list", "function")
    ]
    for other in made[1:]:
        assert_same_fit(other, made[0])
    # How the reader cuts them makes no difference either.
    options = {"window": WINDOWS["window"], "batch_size": 90}
    assert_same_weights(model().fit(source("function", X, tmp_path, **options)), made[0])
    rows = [pl.from_pandas(batch) for batch in batches(X)]
    assert_same_weights(model().fit(fastae.scan(rows, **WINDOWS)), made[0])


@pytest.mark.parametrize("kind", SOURCES)
def test_fits_can_be_repeated(kind, tmp_path):
    scan = source(kind, frame(), tmp_path, **WINDOWS)
    one = model().fit(scan)
    assert_same_fit(model().fit(scan), one)
    assert_same_fit(model(n_jobs=2).fit(scan), one)
    other = model(random_state=1).fit(scan)
    assert not np.array_equal(other.coefs_[0], one.coefs_[0])


@pytest.mark.parametrize("kind", ["parquet", "folder", "csv", "list", "frame"])
@pytest.mark.parametrize("make", [frame, numbers])
def test_windows_learn_as_much_as_the_whole_table(kind, make, tmp_path):
    table, fresh = make(), make(seed=1)
    whole = model(max_epochs=20).fit(table)
    fitted = model(max_epochs=20).fit(source(kind, table, tmp_path, **WINDOWS))
    assert whole.score(fresh) > 0.5 * model(max_epochs=0).fit(table).score(fresh)
    np.testing.assert_allclose(fitted.score(fresh), whole.score(fresh), rtol=0.1)
    np.testing.assert_allclose(fitted.loss_curve_[-1], whole.loss_curve_[-1], rtol=0.1)
    np.testing.assert_allclose(fitted.offset_, whole.offset_, rtol=0.3)
    assert (fitted.n_iter_, fitted.n_samples_seen_) == (20, 20 * N_ROWS)
    assert fitted.stop_reason_ == "max_epochs"


@pytest.mark.parametrize("scaling", ["range", "standard", "robust", "none"])
def test_scaling_is_that_of_all_rows(scaling):
    X = numbers()
    # The sample of rows by which quantiles are found has all of them.
    whole = model(scaling=scaling).fit(X)
    fitted = model(scaling=scaling).fit(fastae.scan(X, **WINDOWS))
    np.testing.assert_allclose(fitted.shift_, whole.shift_, rtol=1e-12)
    np.testing.assert_allclose(fitted.scale_, whole.scale_, rtol=1e-12)
    assert fitted.scaling_ == whole.scaling_ == scaling


def test_columns_that_are_constant_but_for_the_last_window():
    X = numbers()
    X["d"] = 7.0
    fitted = model(constant_features="drop").fit(fastae.scan(X, **WINDOWS))
    np.testing.assert_array_equal(fitted.constant_features_, [3])
    assert fitted.coefs_[0].shape[0] == 3
    X.loc[2500:, "d"] = np.arange(500.0)
    fitted = model(constant_features="drop").fit(fastae.scan(X, **WINDOWS))
    assert fitted.constant_features_.size == 0


def test_epochs_that_end_within_a_window():
    X = fastae.scan(numbers(), **WINDOWS)
    for epochs in (0, 0.01, 0.5, 1, 1.7):
        fitted = model(max_epochs=epochs).fit(X)
        whole = model(max_epochs=epochs).fit(numbers())
        assert fitted.n_samples_seen_ == whole.n_samples_seen_
        assert fitted.n_iter_ == int(epochs)
        assert fitted.history_["epochs"][-1] == whole.history_["epochs"][-1]
    # The same first rows, though schedules know how many are to come.
    short = model(max_epochs=0.33, learning_rate="constant").fit(X)
    longer = model(max_epochs=1, learning_rate="constant", score_every=32).fit(X)
    assert short.n_samples_seen_ in longer.history_["samples"]
    assert short.history_["training_mse"][-1] in longer.history_["training_mse"]


def test_windows_smaller_than_a_batch():
    X = numbers(200)
    fitted = model().fit(fastae.scan(X, window=5, batch_size=3))
    assert (fitted.n_iter_, fitted.n_samples_seen_, fitted.batch_size_) == (3, 600, 32)
    assert np.isfinite(fitted.score(X))


def test_hogwild_learns_as_much():
    X, fresh = frame(), frame(seed=1)
    calm = model(max_epochs=20).fit(fastae.scan(X, **WINDOWS))
    wild = model(max_epochs=20, parallel="hogwild", n_jobs=2).fit(fastae.scan(X, **WINDOWS))
    np.testing.assert_allclose(wild.score(fresh), calm.score(fresh), rtol=0.15)
    assert wild.n_samples_seen_ == 20 * N_ROWS


def test_early_stopping_by_other_rows():
    X, X_val = frame(), frame(500, seed=1)
    options = {"early_stopping": True, "stopping_rounds": 2, "stopping_tolerance": 0.2}
    fitted = model(max_epochs=300, **options).fit(fastae.scan(X, **WINDOWS), X_val=X_val)
    assert fitted.stop_reason_ == "early_stopping"
    assert fitted.n_iter_ < 300
    np.testing.assert_allclose(fitted.best_mse_, -fitted.score(X_val), rtol=1e-6)
    np.testing.assert_allclose(fitted.history_["validation_mse"].min(), fitted.best_mse_)


def test_target_mse_and_callback_stop():
    scan = fastae.scan(frame(), **WINDOWS)
    fitted = model(max_epochs=50, target_mse=0.9).fit(scan)
    assert (fitted.stop_reason_, fitted.n_iter_ < 50) == ("target_mse", True)
    seen = []

    def stop(event):
        seen.append(event["epochs"])
        return event["epochs"] >= 2

    fitted = model(max_epochs=50, callback=stop).fit(scan)
    assert fitted.stop_reason_ == "callback"
    assert seen[-1] == fitted.history_["epochs"][-1] < 10
    with pytest.raises(KeyError):  # reading ends in any case
        model(callback=lambda event: event["no such thing"]).fit(scan)


def test_max_time_stops_within_a_window():
    fitted = model(max_epochs=100_000, max_time=0.1).fit(fastae.scan(frame(), **WINDOWS))
    assert fitted.stop_reason_ == "max_time"
    assert 0 < fitted.n_samples_seen_ < 100_000 * N_ROWS


@pytest.mark.parametrize("while_reading", [False, True])
def test_ctrl_c_ends_training(while_reading):
    X, passes = numbers(), itertools.count()

    def make():
        epoch = next(passes)
        for i, batch in enumerate(batches(X)):
            if while_reading and epoch == 5 and i == 4:
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.2)  # training waits meanwhile
            yield batch

    def press(event):
        if not while_reading and event["epochs"] >= 2:
            signal.raise_signal(signal.SIGINT)

    scan = fastae.scan(make, **WINDOWS)
    fitted = model(max_epochs=10_000, callback=press, score_every=N_ROWS)
    with pytest.warns(UserWarning, match="interrupted by user"):
        fitted.fit(scan)
    assert fitted.stop_reason_ == "interrupted"
    assert 0 < fitted.n_samples_seen_ < 10_000 * N_ROWS
    assert np.isfinite(fitted.score_samples(X)).all()


def test_verbose_says_how_far_it_is(caplog):
    with caplog.at_level(logging.INFO, logger="fastae"):
        model(verbose=1, score_every=N_ROWS).fit(fastae.scan(frame(), **WINDOWS))
    lines = [record.getMessage() for record in caplog.records]
    assert sum(line.startswith("epoch 3/3: training MSE") for line in lines) == 1
    assert sum(line.startswith("epoch ") for line in lines) == 4


METHODS = {
    "score_samples": {},
    "decision_function": {},
    "predict": {},
    "transform": {},
    "reconstruction_error": {},
    "errors per feature": {"per_feature": True},
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("method", METHODS)
def test_scores_of_a_scan_are_those_of_the_table(kind, method, tmp_path):
    X = frame(800)
    fitted = model().fit(X)
    name = "reconstruction_error" if method not in dir(fitted) else method
    expected = np.asarray(getattr(fitted, name)(X, **METHODS[method]))
    for options in ({"batch_size": 300}, {"batch_size": 1000}):
        scan = source(kind, X, tmp_path, **options)
        made = getattr(fitted, name)(scan, **METHODS[method])
        np.testing.assert_array_equal(np.asarray(made), expected)
    assert fitted.score(scan) == fitted.score(X)


def test_parts_of_a_table_are_chosen():
    X = frame()
    names = ["b", "sign", "a"]
    scan = fastae.scan(X, columns=names, **WINDOWS)
    fitted = model().fit(scan)
    assert fitted.feature_names_in_.tolist() == names
    np.testing.assert_array_equal(fitted.score_samples(scan), fitted.score_samples(X[names]))
    with pytest.raises(ValueError, match="feature names"):
        fitted.score_samples(fastae.scan(X, columns=["b", "a", "k"]))
