"""Ctrl-C, the clock and other ends that a training goes on from; when checkpoints are written."""

from __future__ import annotations

import itertools
import os
import signal
import types

import numpy as np
import pytest

from corenet import table
from fastae import _archive, _checkpoint, _core, _training
from fits import (
    assert_same_fit,
    assert_same_weights,
    assert_unchanged,
    small_model,
    snapshot,
)

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
STOPPING = {"early_stopping": True, "validation_fraction": 0.2, "stopping_rounds": 2}
STOPPING["stopping_tolerance"] = 0.1
# Some end early, some at the last epoch; fast enough to have their best scoring on the way.
RUNS = {
    "plain": {},
    "online": {"batch_size": 1},
    "early stopping": STOPPING,
    "target": {"target_mse": 0.02},
    "best weights": {"validation_fraction": 0.2, "learning_rate_init": 0.3},
    "pretraining": {"pretraining": "stacked", "pretraining_epochs": 1},
}
# Fits long enough to press Ctrl-C while the core is at work, between two scorings.
SLOW = {
    batch_size: {
        "batch_size": batch_size, "hidden_layer_sizes": (200, 200), "max_epochs": max_epochs,
        "score_every": 99_999,
    }
    for batch_size, max_epochs in [(1, 150), (8, 700)]
}  # fmt: skip


@pytest.fixture(name="X")
def training_rows():
    return table(120, 6)


@pytest.fixture(name="path")
def checkpoint_path(tmp_path):
    return tmp_path / "run.ckpt"


def model(**options):
    defaults = {"max_epochs": 8, "learning_rate_init": 0.03, "scaling": "range"}
    return small_model(**{**defaults, **options})


def pressed_in_call(n, function):
    """Return a function that raises KeyboardInterrupt in its n-th call, counted from 0."""
    calls = itertools.count()

    def pressed(*args, **options):
        if next(calls) == n:
            raise KeyboardInterrupt
        return function(*args, **options)

    return pressed


def interrupted(fitted, X):
    try:
        with pytest.warns(UserWarning, match="Training interrupted by user"):
            return fitted.fit(X)
    finally:
        if hasattr(signal, "setitimer"):  # an alarm that comes too late would end the test run
            signal.setitimer(signal.ITIMER_REAL, 0)


def test_the_runs_end_as_they_should(X):
    ended = {run: model(**options).fit(X) for run, options in RUNS.items()}
    reasons = {run: one.stop_reason_ for run, one in ended.items() if one.n_iter_ < 8}
    assert reasons == {"early stopping": "early_stopping", "target": "target_mse"}
    assert len(ended["early stopping"].history_["epochs"]) > 10
    last, restored = ended["best weights"].history_["validation_mse"][-2:]
    assert restored < last


@pytest.mark.parametrize("run", RUNS)
def test_ctrl_c_in_any_callback(X, path, run):
    rows = []
    whole = model(callback=rows.append, **RUNS[run]).fit(X)
    for event in range(len(rows)):
        callback = pressed_in_call(event, lambda _: None)
        stopping = model(callback=callback, checkpoint=path, **RUNS[run])
        if event == len(rows) - 1 and whole.stop_reason_ != "max_epochs":
            stopping.fit(X)  # it had ended anyway
        else:
            assert interrupted(stopping, X).stop_reason_ == "interrupted"
        assert_same_fit(model(checkpoint=path, **RUNS[run]).fit(X), whole)
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["train", "score"])
@pytest.mark.parametrize("run", [run for run in RUNS if run != "pretraining"])
def test_ctrl_c_in_any_call_of_the_core(X, path, run, name, monkeypatch):
    rows = []
    whole = model(callback=rows.append, **RUNS[run]).fit(X)
    function = getattr(_core, name)
    n_scores = 2 if whole.history_["validation_mse"][0] > 0 else 1
    for call in range(len(rows) - 1 if name == "train" else n_scores * len(rows)):
        with monkeypatch.context() as patch:
            patch.setattr(_core, name, pressed_in_call(call, function))
            stopped = interrupted(model(checkpoint=path, **RUNS[run]), X)
        assert np.isfinite(stopped.score_samples(X)).all()
        assert stopped.stop_reason_ == "interrupted"
        assert_same_fit(model(checkpoint=path, **RUNS[run]).fit(X), whole)
        path.unlink(missing_ok=True)


def test_ctrl_c_twice_changes_nothing(X, path, monkeypatch):
    fitted = model().fit(X).set_params(checkpoint=path)
    before = snapshot(fitted)

    def pressed(*args, **options):
        raise KeyboardInterrupt

    for name in ("train", "score"):
        monkeypatch.setattr(_core, name, pressed)
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(X)
    assert_unchanged(fitted, before)


@pytest.fixture
def alarm():
    """Return a maker of callbacks: some time after the n-th scoring the user presses Ctrl-C."""

    def at(event, seconds):
        events = itertools.count()

        def callback(_):
            if next(events) == event:
                signal.setitimer(signal.ITIMER_REAL, seconds)

        return callback

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield at
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@posix
@pytest.mark.parametrize(("batch_size", "n_jobs"), [(1, 1), (8, 2)])
def test_ctrl_c_while_the_core_is_at_work(X, path, alarm, batch_size, n_jobs):
    whole = model(**SLOW[batch_size]).fit(X)
    stopping = model(**SLOW[batch_size], checkpoint=path, n_jobs=n_jobs, callback=alarm(0, 0.07))
    interrupted(stopping, X)
    assert stopping.n_samples_seen_ < whole.n_samples_seen_
    assert stopping.history_["samples"][-1] == stopping.n_samples_seen_
    assert_same_fit(model(**SLOW[batch_size], checkpoint=path).fit(X), whole)


@posix
@pytest.mark.parametrize("event", range(8))
def test_ctrl_c_while_the_core_does_not_look(X, path, alarm, event):
    # It looks up every 50 ms only. Of a shorter call, Python hears of the signal at the end, when
    # the weights have moved already.
    options = {
        "hidden_layer_sizes": (100, 100), "batch_size": 1, "score_every": 120, "max_epochs": 30,
        "n_jobs": 1,
    }  # fmt: skip
    whole = model(**options).fit(X)
    stopped = interrupted(model(callback=alarm(event, 0.004), checkpoint=path, **options), X)
    assert stopped.n_samples_seen_ % 120 == 0
    assert_same_fit(model(checkpoint=path, **options).fit(X), whole)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_max_time_again_and_again(X, path, batch_size):
    whole = model(**SLOW[batch_size]).fit(X)
    parts = []
    while not parts or parts[-1].stop_reason_ == "max_time":
        part = model(**SLOW[batch_size], max_time=0.1, checkpoint=path)
        parts.append(part.fit(X))
    assert len(parts) > 1
    assert_same_fit(parts[-1], whole)


def test_threads_without_locks_go_on(X, path):
    options = {"parallel": "hogwild", "n_jobs": 2, "batch_size": 1}
    stopped = model(callback=pressed_in_call(2, lambda _: None), checkpoint=path, **options)
    assert 0 < interrupted(stopped, X).n_samples_seen_ < 900
    again = model(checkpoint=path, **options).fit(X)
    assert again.n_samples_seen_ >= 960
    assert again.history_["training_mse"][-1] < stopped.history_["training_mse"][0] / 2
    assert again.n_iter_ == 8


@pytest.mark.parametrize("changed", [
    {"n_jobs": 2}, {"verbose": 0}, {"contamination": 0.1}, {"checkpoint_interval": 0},
    {"callback": lambda _: None}, {"max_time": 1e6}, {"warm_start": True},
])  # fmt: skip
def test_what_may_change(X, path, changed):
    interrupted(model(callback=pressed_in_call(3, lambda _: None), checkpoint=path), X)
    again = model(checkpoint=path, **changed).fit(X)
    assert_same_weights(again, model().fit(X))
    if "contamination" in changed:
        assert np.count_nonzero(again.predict(X) == -1) == 12


def test_without_a_random_state_the_file_has_the_seed(X, path):
    drawn = model(random_state=None, checkpoint=path).fit(X)
    assert_same_fit(model(random_state=None, checkpoint=path).fit(X), drawn)
    path.unlink(missing_ok=True)
    stopping = model(
        random_state=None, checkpoint=path, callback=pressed_in_call(1, lambda _: None)
    )
    interrupted(stopping, X)
    seed = _archive.read(path, kind="checkpoint", version=2)[1]["seed"]
    again = model(random_state=None, checkpoint=path).fit(X)
    assert again._state.seed == seed != drawn._state.seed


def test_a_random_state_object_goes_on(X, path):
    whole = model(random_state=np.random.RandomState(3)).fit(X)
    options = {"random_state": np.random.RandomState(3), "checkpoint": path}
    interrupted(model(callback=pressed_in_call(4, lambda _: None), **options), X)
    options["random_state"] = np.random.RandomState(3)
    assert_same_fit(model(**options).fit(X), whole)


def times_of_writing(monkeypatch, X, path, **options):
    """Return the rows done at every checkpoint, under a clock that a scoring takes 1 s on."""
    clock, writings, save = [0.0], [], _checkpoint.save

    def noted(path, training):
        writings.append(training.state.samples)
        save(path, training)

    def tick(_):
        clock[0] += 1.0

    with monkeypatch.context() as patch:
        patch.setattr(_training, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))
        patch.setattr(_checkpoint, "save", noted)
        model(checkpoint=path, callback=tick, score_every=40, **options).fit(X)
    return writings


@pytest.mark.parametrize(
    ("interval", "expected"),
    [(0, [*range(40, 961, 40), 960]), (3, [*range(80, 961, 120), 960]), (1000, [960])],
)
def test_checkpoints_are_written_once_per_interval(X, path, monkeypatch, interval, expected):
    assert times_of_writing(monkeypatch, X, path, checkpoint_interval=interval) == expected


def test_without_a_checkpoint_nothing_is_written(X, monkeypatch):
    assert times_of_writing(monkeypatch, X, None, checkpoint_interval=0) == []


def test_a_failed_fit_leaves_the_file(X, path):
    model(checkpoint=path, max_epochs=2).fit(X)
    before = path.read_bytes()

    def fails(_):
        msg = "no"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="no"):
        model(checkpoint=path, callback=fails).fit(X)
    assert path.read_bytes() == before
