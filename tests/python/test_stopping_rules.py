"""What ends training early, what is left behind then, and rows that are only validated with."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from corenet import table
from fastae import Autoencoder, _core
from fastae._stopping import MovingAverageStop


@pytest.fixture(name="X", scope="module")
def training_rows():
    return table(200, 6)


def estimator(**options):
    defaults = {"hidden_layer_sizes": 3, "max_epochs": 100, "batch_size": 8, "random_state": 0}
    return Autoencoder(**defaults | {"scaling": "range"} | options)


def fitted(X, X_val=None, **options):
    return estimator(**options).fit(X, X_val=X_val)


def stops_after(errors, rounds, tolerance):
    """Return how many errors it takes to stop, None if they do not."""
    stop = MovingAverageStop(rounds, tolerance)
    return next((n for n, error in enumerate(errors, 1) if stop.add(error)), None)


@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize(
    ("rounds", "tolerance", "every"), [(1, 0.01, 200), (3, 0.05, 200), (5, 0.0, 40), (2, 0.3, 8)]
)
def test_early_stopping_stops_when_the_rule_says_so(X, rounds, tolerance, every, validated):
    options = {
        "score_every": every, "learning_rate": "constant", "restore_best_weights": False,
        "validation_fraction": 0.25 * validated,
    }  # fmt: skip
    stopped = fitted(
        X, early_stopping=True, stopping_rounds=rounds, stopping_tolerance=tolerance, **options
    )
    free = fitted(X, **options)
    metric = "validation_mse" if validated else "training_mse"
    n = stops_after(free.history_[metric], rounds, tolerance)
    assert stopped.stop_reason_ == "early_stopping"
    assert free.stop_reason_ == "max_epochs"
    assert 2 * rounds + 1 <= n < free.history_.n_rows
    assert stopped.history_[metric].tolist() == free.history_[metric][:n].tolist()


def test_nothing_stops_a_training_that_gets_better(X):
    model = fitted(X, early_stopping=True, max_epochs=8, score_every=200, stopping_rounds=2)
    assert (np.diff(model.history_["training_mse"]) < 0).all()
    assert model.stop_reason_ == "max_epochs"


OVERFITTING = {"hidden_layer_sizes": 8, "learning_rate": "constant", "learning_rate_init": 0.05}
OVERFITTING |= {"score_every": 20, "validation_fraction": 0.5, "max_epochs": 50}


def test_the_best_weights_come_back(X):
    X = np.random.default_rng(0).normal(size=(40, 12))  # noise, which can only be learned by heart
    model = fitted(X, **OVERFITTING)
    errors = model.history_["validation_mse"]
    best = errors[:-1].argmin()
    assert best < len(errors) - 2
    assert model.best_mse_ == errors[best] == errors[-1]
    assert model.history_["training_mse"][-1] == model.history_["training_mse"][best]
    assert model.history_["samples"][-1] == model.n_samples_seen_ == model.history_["samples"][-2]


def test_the_last_weights_stay_if_asked_for(X):
    X = np.random.default_rng(0).normal(size=(40, 12))
    best, last = fitted(X, **OVERFITTING), fitted(X, restore_best_weights=False, **OVERFITTING)
    assert last.history_["validation_mse"].tolist() == best.history_["validation_mse"][:-1].tolist()
    assert last.history_["validation_mse"][-1] > best.best_mse_
    assert np.isnan(last.best_mse_)


RESTLESS = {"learning_rate_init": 0.3, "learning_rate": "constant", "score_every": 8}


def test_the_best_weights_are_those_of_that_moment(X):
    seen = []
    model = estimator(early_stopping=True, stopping_rounds=100, max_epochs=3, **RESTLESS)
    model.set_params(callback=lambda event: seen.append([W.copy() for W in model.coefs_])).fit(X)
    best = model.history_["training_mse"][: len(seen)].argmin()
    assert 0 < best < len(seen) - 1
    for mine, kept in zip(model.coefs_, seen[best], strict=True):
        np.testing.assert_array_equal(mine, kept)
    assert -model.score(X) == model.best_mse_ == model.history_["training_mse"].min()


def test_without_early_stopping_and_validation_the_last_weights_stay(X):
    model = fitted(X, max_epochs=3, **RESTLESS)
    assert model.history_["training_mse"][-1] > model.history_["training_mse"].min()
    assert np.isnan(model.best_mse_)


def test_target_mse(X):
    free = fitted(X, score_every=200).history_["training_mse"]
    model = fitted(X, score_every=200, target_mse=free[10])
    assert model.stop_reason_ == "target_mse"
    assert model.history_["training_mse"].tolist() == free[:11].tolist()
    assert -model.score(X) <= free[10]
    assert fitted(X, target_mse=0.0).stop_reason_ == "max_epochs"
    assert fitted(X, target_mse=10.0).n_samples_seen_ == 0  # the untrained network will do


@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
@pytest.mark.parametrize(("n", "batch_size"), [(100, 1), (30_000, 1), (8000, 8000)])
def test_max_time(n, batch_size, parallel):
    X = table(n, 60, np.float32)
    started = time.monotonic()
    model = fitted(
        X, max_epochs=10**6, max_time=0.1, score_every=10**12, batch_size=batch_size,
        learning_rate_init=1e-4, hidden_layer_sizes=100, parallel=parallel, n_jobs=2,
    )  # fmt: skip
    assert 0.1 < time.monotonic() - started < 2  # on a busy machine
    assert model.stop_reason_ == "max_time"
    assert 0 < model.n_samples_seen_ == model.history_["samples"][-1]
    assert model.history_["training_mse"][-1] < model.history_["training_mse"][0]
    assert set(model.predict(X)) <= {-1, 1}


def test_no_checkpoint_no_file(X, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fitted(X, max_epochs=2, checkpoint_interval=0).stop_reason_ == "max_epochs"
    assert not list(tmp_path.iterdir())


def test_callback_hears_every_scoring(X):
    heard = []
    model = fitted(X, callback=heard.append, score_every=400, validation_fraction=0.1)
    history = model.history_.to_pandas()
    pd.testing.assert_frame_equal(pd.DataFrame(heard), history[: len(heard)])
    assert len(history) - len(heard) <= 1  # the best weights again
    assert heard[0]["samples"] == 0
    assert model.stop_reason_ == "max_epochs"


def test_callback_stops_the_training(X):
    model = fitted(X, callback=lambda event: event["samples"] >= 600, score_every=200)
    assert model.stop_reason_ == "callback"
    assert model.history_["samples"].tolist() == [0, 200, 400, 600]
    assert model.n_iter_ == 3
    assert set(model.predict(X)) <= {-1, 1}


@pytest.mark.parametrize("answer", [None, False, 1, "stop"])
def test_only_true_stops(X, answer):
    assert fitted(X, callback=lambda event: answer, max_epochs=2).stop_reason_ == "max_epochs"


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_exception_in_a_callback_leaves_the_estimator_as_it_was(X, error):
    def fail(event):
        if event["samples"] > 300:
            raise error("enough")

    model = estimator(callback=fail)
    before = dict(vars(model))
    with pytest.raises(error, match="enough"):
        model.fit(X)
    assert vars(model) == before
    model = fitted(X)
    before = vars(model) | {"callback": fail}
    score = model.score(X)
    with pytest.raises(error, match="enough"):
        model.set_params(callback=fail).fit(X + 1)
    assert all(vars(model)[name] is value for name, value in before.items())
    assert model.score(X) == score


# Ctrl-C while Python runs: after a part of the training, or while the core asks whether to go on.
@pytest.mark.parametrize(("n", "every"), [(200, 200), (3000, 10**6)], ids=["between", "within"])
def test_interrupt_of_the_progress_report_leaves_a_usable_model(n, every):
    def interrupt(done, total, mse):
        seen.append(done)
        if done >= 1000:
            raise KeyboardInterrupt

    seen, X = [], table(n, 60)
    model = estimator(max_epochs=1000, hidden_layer_sizes=100, score_every=every)
    with pytest.warns(UserWarning, match="Training interrupted by user") as caught:
        model._fit(X, on_progress=interrupt)
    assert len(caught) == 1
    assert model.stop_reason_ == "interrupted"
    assert seen[-1] <= model.n_samples_seen_ < 1000 * n
    assert model.n_iter_ == len(model.loss_curve_) == model.n_samples_seen_ // n
    assert model.history_["samples"][-1] == model.n_samples_seen_
    assert model.history_["training_mse"][-1] == -model.score(X)
    assert set(model.predict(X)) <= {-1, 1}


def test_interrupt_in_the_core_keeps_the_rows_so_far(X, monkeypatch):
    def train(*args, **options):
        result = original(*args, **options | {"n_samples": 217})
        return result | {"status": "interrupted"}

    original = _core.train
    monkeypatch.setattr(_core, "train", train)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model = fitted(X, score_every=400)
    assert model.stop_reason_ == "interrupted"
    assert model.n_iter_ == 1
    assert model.n_samples_seen_ == 224  # whole batches
    assert model.history_["samples"].tolist() == [0, 224]
    assert model.history_["training_mse"][-1] == -model.score(X)


ZERO = {"coefs_init": [np.zeros((1, 1)), np.zeros((1, 1))], "hidden_layer_sizes": 1}


def held_out(n, **options):
    """Return which of n < 50 rows are held out, by what the validation MSE of such rows is."""
    x = np.sqrt(2.0 ** np.arange(n))[:, np.newaxis]
    model = fitted(x, max_epochs=0, scaling="none", **ZERO, **options)  # it says 0: MSE is x * x
    n_held = n - fitted(x, max_epochs=1, batch_size=1, **ZERO, **options).n_samples_seen_
    held = round(model.history_["validation_mse"][0] * n_held)
    return np.array([row for row in range(n) if held >> row & 1]), n_held


@pytest.mark.parametrize(("fraction", "n_held"), [(0.25, 10), (0.01, 1), (0.5, 20), (0.97, 39)])
def test_so_many_rows_are_held_out_at_random(fraction, n_held):
    rows, n = held_out(40, validation_fraction=fraction)
    assert len(rows) == n == n_held
    assert rows.tolist() == held_out(40, validation_fraction=fraction)[0].tolist()
    others = held_out(40, validation_fraction=fraction, random_state=1)[0]
    assert rows.tolist() != others.tolist()


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_held_out_rows_are_validated_with_and_nothing_else(X, scaling, contamination):
    X = X[:40].copy()
    held, _ = held_out(40, validation_fraction=0.25)
    X[held] *= 1e6
    options = {
        "coefs_init": fitted(X, max_epochs=0).coefs_, "batch_size": 4, "max_epochs": 10,
        "scaling": scaling, "contamination": contamination, "restore_best_weights": False,
    }  # fmt: skip
    model = fitted(X, validation_fraction=0.25, **options)
    without = fitted(np.delete(X, held, axis=0), **options)
    np.testing.assert_allclose(model.shift_, without.shift_, rtol=1e-12)
    np.testing.assert_allclose(model.scale_, without.scale_, rtol=1e-12)
    for one, other in zip(model.coefs_, without.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert model.offset_ == pytest.approx(without.offset_, rel=1e-4)
    assert model.n_samples_seen_ == 300
    expected = model.reconstruction_error(X[held]).mean()
    assert model.history_["validation_mse"][-1] == pytest.approx(expected, rel=1e-12)
    assert model.history_["training_mse"][-1] == pytest.approx(
        without.history_["training_mse"][-1], rel=1e-4
    )


def test_rows_must_be_left_to_train_on(X):
    with pytest.raises(ValueError, match=r"validation_fraction=0.9 of 2 rows leaves none to train"):
        fitted(X[:2], validation_fraction=0.9)


@pytest.mark.parametrize("fraction", [0.0, 0.4])
def test_rows_of_their_own_replace_held_out_ones(X, fraction):
    train, validation = X[:150], X[150:].copy()
    plain = fitted(train, max_epochs=5)
    model = fitted(train, validation, max_epochs=5, restore_best_weights=False,
                   validation_fraction=fraction)  # fmt: skip
    for one, other in zip(model.coefs_, plain.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.offset_ == plain.offset_
    assert model.history_["validation_mse"][-1] == -model.score(validation)
    with pytest.raises(ValueError, match="5 features, but Autoencoder is expecting 6"):
        fitted(train, validation[:, :5])
    validation[3, 2] = np.nan
    with pytest.raises(ValueError, match="NaN in row 3, column 2"):
        fitted(train, validation, missing="error")


@pytest.mark.parametrize(("most", "step"), [(0, 1), (50, 1), (49, 2), (13, 4)])
def test_evenly_spaced_validation_rows_are_scored(X, most, step):
    train, validation = X[:150], X[150:]
    model = fitted(train, validation, max_epochs=2, score_validation_samples=most,
                   restore_best_weights=False)  # fmt: skip
    expected = model.reconstruction_error(validation[::step]).mean()
    assert model.history_["validation_mse"][-1] == pytest.approx(expected, rel=1e-12)
