"""The scoring history: what it says, when it is written, and that training ignores it."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from corenet import table
from fastae import Autoencoder, _core, _training

COLUMNS = ["time", "duration", "obs_per_s", "epochs", "iterations", "samples"]
COLUMNS += ["training_rmse", "training_mse", "validation_rmse", "validation_mse"]
PATIENT = {"score_duty_cycle": 1e-9}  # scores so rarely that "auto" means: at the end


@pytest.fixture(name="X", scope="module")
def training_rows():
    return table(200, 6)


def fitted(X, **options):
    options = {"hidden_layer_sizes": 3, "max_epochs": 4, "random_state": 0, **options}
    return Autoencoder(scaling="range", **options).fit(X)


def assert_same_bits(model, other):
    for one, two in zip(
        [*model.coefs_, *model.intercepts_], [*other.coefs_, *other.intercepts_], strict=True
    ):
        np.testing.assert_array_equal(one, two)


@pytest.fixture(name="model", scope="module")
def model_scored_every_epoch(X):
    return fitted(X, score_every=200, batch_size=8)


def test_a_row_per_scoring(model):
    history = model.history_
    assert list(history) == COLUMNS
    assert history["samples"].tolist() == [0, 200, 400, 600, 800]
    assert history["epochs"].tolist() == [0, 1, 2, 3, 4]
    assert history["iterations"].tolist() == [0, 25, 50, 75, 100]
    np.testing.assert_allclose(history["training_rmse"] ** 2, history["training_mse"])


def test_the_first_row_is_the_untrained_network(X, model):
    untrained = fitted(X, max_epochs=0)
    assert untrained.history_.n_rows == 1
    assert untrained.history_["training_mse"][0] == -untrained.score(X)
    assert model.history_["training_mse"][0] == -untrained.score(X)


@pytest.mark.parametrize(
    "options",
    [{}, PATIENT, {"score_every": 30}] + [{"max_epochs": epochs} for epochs in (2.3, 0.01, 0)],
)
def test_the_last_row_is_the_fitted_network(X, options):
    model = fitted(X, **options)
    assert model.history_["training_mse"][-1] == -model.score(X)
    assert model.history_["samples"][-1] == model.n_samples_seen_


def test_weighted_rows_are_scored_with_their_weights(X):
    weights = np.random.default_rng(1).integers(0, 3, size=200)
    model = Autoencoder(random_state=0, max_epochs=2).fit(X, sample_weight=weights)
    expected = np.average(model.reconstruction_error(X), weights=weights)
    assert model.history_["training_mse"][-1] == pytest.approx(expected, rel=1e-12)


def test_loss_curve_is_not_the_history(model):
    # The one averages over an epoch, while the weights changed; the other is of one moment.
    assert len(model.loss_curve_) == 4
    between = zip(model.history_["training_mse"][:-1], model.history_["training_mse"][1:],
                  model.loss_curve_, strict=True)  # fmt: skip
    assert all(after < mean < before for before, after, mean in between)


def test_times_and_speeds(X):
    before = datetime.now(UTC)
    history = fitted(table(5000, 20), score_every=5000).history_
    times = [datetime.fromisoformat(time) for time in history["time"]]
    assert times == sorted(times)
    assert (before - times[0]).total_seconds() < 0.01  # written in whole milliseconds
    assert times[-1] <= datetime.now(UTC)
    duration = history["duration"]
    assert duration[0] == 0
    assert (np.diff(duration) > 0).all()
    assert duration[-1] <= (datetime.now(UTC) - before).total_seconds()
    assert np.isnan(history["obs_per_s"][0])
    np.testing.assert_allclose(history["obs_per_s"][1:], 5000 / np.diff(duration), rtol=0.02)


def test_durations_leave_scoring_out(X, monkeypatch):
    def slow(*args, **options):
        _training.time.sleep(0.05)
        return score(*args, **options)

    score = _core.score
    monkeypatch.setattr(_core, "score", slow)
    assert fitted(X, score_every=200).history_["duration"][-1] < 0.2  # of 0.25


def test_without_validation_its_columns_are_blank(model, X):
    for name in ("validation_mse", "validation_rmse"):
        assert np.isnan(model.history_[name]).all()
        assert np.isfinite(fitted(X, validation_fraction=0.2).history_[name]).all()


def test_print(model):
    text = repr(model.history_)
    assert text.splitlines()[0] == "Scoring history"
    assert text.splitlines()[1].split() == COLUMNS
    assert len(text.splitlines()) == 2 + 5
    assert f"{model.history_['training_mse'][-1]:.4f}" in text.splitlines()[-1]
    page = model.history_._repr_html_()
    assert "<caption>Scoring history</caption>" in page
    assert page.count("<tr>") == 1 + 5
    assert all(f">{name}</th>" in page for name in COLUMNS)


def test_data_frame(model):
    frame = model.history_.to_pandas()
    assert frame.columns.tolist() == COLUMNS
    assert frame["samples"].tolist() == model.history_["samples"].tolist()
    assert frame["iterations"].dtype == np.int64


def test_history_is_a_copy_and_only_there_after_fit(model):
    assert not hasattr(Autoencoder(), "history_")
    with pytest.raises(AttributeError, match="no attribute 'history_' before fit"):
        _ = Autoencoder().history_
    with pytest.raises(ValueError, match="read-only"):
        model.history_["training_mse"][0] = 0
    again = pickle.loads(pickle.dumps(model)).history_
    assert again.to_pandas().equals(model.history_.to_pandas())


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (200, [0, 200, 400]),
        (8, [*range(0, 401, 8)]),  # 200 rows are 25 whole batches
        (20, [0, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240, 264, 288, 312, 336, 360, 384, 400]),
        (150, [0, 152, 304, 400]),  # rounded up to whole batches
        (300, [0, 304, 400]),
        (10**6, [0, 400]),
    ],
)
def test_scorings_are_so_many_rows_apart(X, every, expected):
    model = fitted(X, batch_size=8, max_epochs=2, score_every=every)
    assert model.history_["samples"].tolist() == expected


def test_automatic_scorings_are_a_tenth_of_the_training_apart_if_somebody_listens(X):
    model = fitted(X, batch_size=1, max_epochs=2.5, callback=lambda event: None)
    assert model.history_["samples"].tolist() == list(range(0, 501, 50))
    model = fitted(X, batch_size=1, max_epochs=30, callback=lambda event: None)
    assert model.history_["samples"].tolist() == list(range(0, 6001, 200))  # an epoch at most


def test_automatic_scorings_cost_no_more_than_their_share(X):
    assert fitted(X, max_epochs=50, **PATIENT).history_.n_rows == 2  # the start and the end
    scored = fitted(X, max_epochs=50, score_every=200, **PATIENT).history_.n_rows
    assert scored == 51  # it goes with "auto" only


def test_scorings_may_be_seconds_apart(X):
    model = fitted(X, max_epochs=2000, score_every=200, score_interval=1e4)
    assert model.history_["samples"].tolist()[1:] == [200, 400_000]


@pytest.mark.parametrize(("most", "step"), [(0, 1), (200, 1), (199, 2), (50, 4), (7, 29)])
def test_evenly_spaced_training_rows_are_scored(X, most, step):
    model = fitted(X, score_training_samples=most)
    errors = model.reconstruction_error(X)
    assert model.history_["training_mse"][-1] == pytest.approx(errors[::step].mean(), rel=1e-12)
    assert model.offset_ == fitted(X).offset_  # the threshold has its own sample


@pytest.mark.parametrize(
    ("epochs", "rows"),
    [(0.001, 1), (0.005, 1), (0.0051, 2), (0.29, 58), (1, 200), (1.25, 250), (2.999, 600)],
)
def test_fractions_of_epochs_train_on_so_many_rows(X, epochs, rows):
    model = fitted(X, batch_size=1, max_epochs=epochs)
    assert model.n_samples_seen_ == model.history_["samples"][-1] == rows
    assert model.history_["epochs"][-1] == rows / 200
    assert model.n_iter_ == len(model.loss_curve_) == rows // 200
    ends = [start + row for start in (0, 200, 400) for row in (*range(16, 200, 16), 200)]
    rounded_up = min(end for end in ends if end >= rows)
    assert fitted(X, batch_size=16, max_epochs=epochs).n_samples_seen_ == rounded_up


ALL_ON = {
    "hidden_layer_sizes": (5, 3),
    "input_dropout": 0.1,
    "input_noise": 0.01,
    "hidden_dropout": 0.2,
    "sparsity_beta": 0.1,
    "l1": 1e-4,
    "max_w2": 5.0,
}
SOLVERS = [
    {"solver": "adam"},
    {"solver": "adam", "learning_rate": "onecycle"},
    {"solver": "adadelta", "learning_rate": "invscaling"},
    {"solver": "adadelta", "batch_size": 16},
    {"solver": "sgd", "annealing": 1e-3, "momentum_start": 0.1, "momentum_ramp": 300.0},
]


@pytest.mark.parametrize("regularised", [{}, ALL_ON], ids=["plain", "regularised"])
@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_scoring_never_changes_training(X, solver, regularised):
    options = {"max_epochs": 3.3, "batch_size": 8, **solver, **regularised}
    expected = fitted(X, **options, **PATIENT)
    for scored in (
        {"score_every": options["batch_size"]},
        {"score_every": 70, "score_training_samples": 5},
        {"callback": lambda event: None, "verbose": 0},
        {"target_mse": 0.0},
        {"max_time": 1e4},
    ):
        model = fitted(X, **options, **scored)
        assert_same_bits(model, expected)
        assert model.loss_curve_ == pytest.approx(expected.loss_curve_, rel=1e-12)
        assert model.n_samples_seen_ == expected.n_samples_seen_
        pd.testing.assert_frame_equal(model.summary().to_pandas(), expected.summary().to_pandas())


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_scoring_never_changes_training_on_several_threads(X, n_jobs):
    expected = fitted(X, batch_size=32, **PATIENT, **ALL_ON)
    assert_same_bits(fitted(X, batch_size=32, score_every=32, n_jobs=n_jobs, **ALL_ON), expected)


def test_verbose_logs_a_line_per_scoring(X, caplog, monkeypatch):
    monkeypatch.setattr(_training.logger, "level", logging.NOTSET)
    fitted(X)
    assert not caplog.messages
    model = fitted(X, max_epochs=2, verbose=1, score_every=200, validation_fraction=0.5,
                   restore_best_weights=False)  # fmt: skip
    assert [message.split(":")[0] for message in caplog.messages] == [
        "epoch 0/2", "epoch 2/2"
    ]  # fmt: skip
    history = model.history_
    assert f"training MSE {history['training_mse'][-1]:.6g}, validation MSE" in caplog.messages[-1]
    assert f"{history['validation_mse'][-1]:.6g}" in caplog.messages[-1]


def test_verbose_is_seen_where_logging_is_not_set_up():
    code = "from fastae import Autoencoder; Autoencoder(max_epochs=2, verbose=1).fit([[1.0], [2]])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("epoch 2/2: training MSE ")
    assert not done.stdout


def test_progress_is_reported(X):
    seen = []
    model = Autoencoder(max_epochs=5, random_state=0)
    model._fit(X, on_progress=lambda *now: seen.append(now))
    done, total, mse = zip(*seen, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == total[-1] == 1000
    assert set(total) == {1000}
    assert set(mse) <= set(model.history_["training_mse"])


def test_exception_of_the_progress_report_ends_fit_and_leaves_no_model(X):
    def fail(*now):
        raise RuntimeError("no screen")

    model = Autoencoder()
    with pytest.raises(RuntimeError, match="no screen"):
        model._fit(X, on_progress=fail)
    assert vars(model) == vars(Autoencoder())
