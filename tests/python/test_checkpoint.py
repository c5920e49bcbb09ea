"""Checkpoints: a training that was killed or stopped ends like one that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import kill_driver
from corenet import table
from fastae import _archive, _core
from fits import (
    assert_same_fit,
    assert_same_weights,
    assert_unchanged,
    small_model,
    snapshot,
)

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and fork")
STOPPING = {"early_stopping": True, "validation_fraction": 0.2, "stopping_rounds": 2}


@pytest.fixture(name="X")
def training_rows():
    return table(120, 6)


@pytest.fixture(name="path")
def checkpoint_path(tmp_path):
    return tmp_path / "run.ckpt"


def model(**options):
    return small_model(**{"max_epochs": 4, **options})


@posix
@pytest.mark.slow
def test_kill_9_at_random_moments(tmp_path):
    driver = [sys.executable, "-W", "error", kill_driver.__file__, tmp_path, "54", "0"]
    done = subprocess.run(driver, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    print(done.stdout)
    assert told["different"] == []
    assert told["cases"] == len(kill_driver.CASES)
    # That many kills hit a training, most of them after it had left a checkpoint, and many while
    # it was writing one.
    assert told["training"] + told["writing"] >= 50
    assert told["resumed"] >= 40
    assert told["writing"] >= 15


def test_cases_of_the_kill_test_end_as_they_should():
    reasons = {name: kill_driver.fitted(name).stop_reason_ for name in kill_driver.CASES}
    assert {name for name, reason in reasons.items() if reason != "max_epochs"} == {
        "early stopping", "training error", "target",
    }  # fmt: skip
    best = kill_driver.fitted("early stopping")
    last, restored = best.history_["validation_mse"][-2:]
    assert restored == best.best_mse_ < last


@pytest.mark.parametrize("options", [{}, STOPPING, {"target_mse": 0.02}, {"max_epochs": 0}])
def test_a_finished_run_is_returned_at_once(X, path, monkeypatch, options):
    whole = model(**options).fit(X)
    first = model(checkpoint=path, **options).fit(X)
    written = path.read_bytes()
    monkeypatch.setattr(_core, "train", None)  # fails if it is called
    for again in (model(checkpoint=path, **options), model(checkpoint=str(path), **options)):
        again.fit(X)
        assert_same_fit(again, first)
        assert_same_fit(again, whole)
        assert len(_archive.read(path, kind="checkpoint", version=2)[1]["events"]) == len(
            first.history_["epochs"]
        )
    assert len(path.read_bytes()) == len(written)


def test_a_run_that_a_callback_ended_is_finished(X, path):
    first = model(checkpoint=path, callback=lambda row: row["samples"] > 150).fit(X)
    assert first.stop_reason_ == "callback"
    assert_same_fit(model(checkpoint=path).fit(X), first)


@pytest.mark.parametrize("max_epochs", [0, 1, 1.25, 2.5])
def test_more_epochs_go_on(X, path, max_epochs):
    constant = {"learning_rate": "constant"}
    model(checkpoint=path, max_epochs=max_epochs, **constant).fit(X)
    longer = model(checkpoint=path, **constant).fit(X)
    assert_same_weights(longer, model(**constant).fit(X))
    assert longer.n_samples_seen_ == 4 * 120
    assert len(longer.loss_curve_) == 4
    # Adam's rate falls with the progress, which is less when there is more to do.
    model(checkpoint=path.with_name("b"), max_epochs=1).fit(X)
    assert model(checkpoint=path.with_name("b")).fit(X).n_samples_seen_ == 4 * 120


def test_fewer_epochs_than_done_end_at_once(X, path):
    first = model(checkpoint=path).fit(X)
    assert_same_weights(model(checkpoint=path, max_epochs=2).fit(X), first)


def test_a_lower_target_goes_on(X, path):
    options = {"scaling": "range"}
    stopped = model(checkpoint=path, target_mse=0.04, **options).fit(X)
    assert stopped.stop_reason_ == "target_mse"
    for target_mse in (None, 0.0):
        longer = model(checkpoint=path, target_mse=target_mse, **options).fit(X)
        assert longer.stop_reason_ == "max_epochs"
        assert_same_fit(longer, model(**options).fit(X))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 9}, "batch_size was 8 and is 9"),
        ({"hidden_layer_sizes": (4, 3, 4)}, r"hidden_layer_sizes was \(4, 2, 4\) and is \(4, 3"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"scaling": "standard"}, "scaling was 'auto' and is 'standard'"),
        ({"solver": "sgd"}, "solver was 'adam' and is 'sgd'"),
        ({"l2": 0.1}, r"l2 was 0.0 and is 0.1"),
        ({"score_every": 51}, "score_every was 50 and is 51"),
        ({"validation_fraction": 0.1}, "validation_fraction was 0.0 and is 0.1"),
        ({"coefs_init": [np.ones(s) for s in ((6, 4), (4, 2), (2, 4), (4, 6))]}, "coefs_init was"),
    ],
)
def test_other_settings_are_refused(X, path, changed, message):
    model(checkpoint=path, max_epochs=2).fit(X)
    refused(path, message, lambda: model(checkpoint=path, **changed).fit(X))


OTHERS = {
    "fewer rows": (lambda X: (X[:-1], None), "the table's shape was 120 rows of 6 columns"),
    "float32": (lambda X: (X.astype(np.float32), None), "the table's shape was .*float64 and is"),
    "other rows": (lambda X: (X[::-1], None), "values, labels, weights or"),
    "one value": (
        lambda X: (X + np.eye(120, 6) * 1e-9, None),
        "values, labels, weights or",
    ),
    "weights": (lambda X: (X, np.arange(1, 121)), "values, labels, weights or"),
    "absent row": (lambda X: (X, np.arange(120) > 0), "values, labels, weights or"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_tables_are_refused(X, path, other):
    made, message = OTHERS[other]
    Z, weight = made(X)
    model(checkpoint=path, max_epochs=2).fit(X)
    refused(path, message, lambda: model(checkpoint=path).fit(Z, sample_weight=weight))


def test_other_validation_rows_are_refused(X, path):
    model(checkpoint=path, max_epochs=2).fit(X, X_val=X[:9])
    for X_val in (X[:8], X[1:10]):
        refused(path, "values, labels", lambda Z=X_val: model(checkpoint=path).fit(X, X_val=Z))


def refused(path, message, fit, error=ValueError):
    """Fail unless a fit is refused with the file's name, and the file is as it was."""
    before = path.read_bytes()
    with pytest.raises(error, match=message) as caught:
        fit()
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


DAMAGES = {
    "empty": lambda data: b"",
    "text": lambda data: b"hello",
    "half": lambda data: data[: len(data) // 2],
    "cut": lambda data: data[:-1],
    "flipped": lambda data: data[:400] + bytes([data[400] ^ 1]) + data[401:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_refused(X, path, damage):
    fitted = model(checkpoint=path, max_epochs=2).fit(X)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = snapshot(fitted)
    refused(path, "is damaged or was not written by fastae", lambda: fitted.fit(X))
    assert_unchanged(fitted, before)


def test_files_of_another_kind_or_version_are_refused(X, path):
    for kind, version, message in [("model", 1, "kind 'model'"), ("checkpoint", 99, "version 99")]:
        _archive.write(path, {"params": np.zeros(3)}, {}, kind=kind, version=version)
        refused(path, message, lambda: model(checkpoint=path).fit(X))


def test_a_folder_that_cannot_be_written_to_is_an_error(X, path):
    path.write_text("a file")
    for place in (path.parent / "none" / "run.ckpt", path / "run.ckpt", path.parent):
        fitted = model(checkpoint=place)
        with pytest.raises(OSError, match=path.parent.name):
            fitted.fit(X)
        assert not hasattr(fitted, "coefs_")
        fitted.set_params(checkpoint=None).fit(X)
        before = snapshot(fitted.set_params(checkpoint=place))
        with pytest.raises(OSError, match=path.parent.name):
            fitted.fit(X)
        assert_unchanged(fitted, before)
