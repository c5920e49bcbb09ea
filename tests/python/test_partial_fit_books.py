"""What else `partial_fit` keeps: threshold, history, parameters, and everything on errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from corenet import table
from fastae import DivergenceError, _core, _params
from fastae._threshold import threshold
from fits import (
    assert_same_fit,
    assert_same_weights,
    assert_unchanged,
    shallow_model,
    snapshot,
)


@pytest.fixture(name="X")
def training_rows():
    return table(600, 6)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("options", [{}, {"score_training_samples": 5}])
def test_the_threshold_is_that_of_the_last_rows_errors(X, contamination, options):
    fitted, errors = shallow_model(contamination=contamination, **options), []
    for chunk in np.split(X, [100, 101, 400]):
        fitted.partial_fit(chunk)
        errors.extend(fitted.reconstruction_error(chunk))
        expected = -threshold(np.array(errors), contamination)
        assert fitted.offset_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sizes", [[15_000], [8_000, 7_000], [4_000] * 4, [9_999, 1, 10_000, 1]])
def test_the_threshold_forgets_rows_before_the_last_10_000(sizes):
    X, fitted, errors = (
        table(sum(sizes), 2),
        shallow_model(contamination=0.2, hidden_layer_sizes=1),
        [],
    )
    for chunk in np.split(X, np.cumsum(sizes)[:-1]):
        fitted.partial_fit(chunk)
        errors.extend(fitted.reconstruction_error(chunk))
    expected = -threshold(np.array(errors[-10_000:]), 0.2)
    assert fitted.offset_ == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("options", [{}, {"score_training_samples": 5}])
def test_the_threshold_goes_on_after_fit(X, contamination, options):
    fitted = shallow_model(contamination=contamination, max_epochs=2, **options).fit(X)
    errors = np.append(fitted.reconstruction_error(X), fitted.partial_fit(X[:9] * 2)
                       .reconstruction_error(X[:9] * 2))  # fmt: skip
    assert fitted.offset_ == pytest.approx(-threshold(errors, contamination), rel=1e-12)


def test_the_books_grow(X):
    fitted = shallow_model(batch_size=16)
    for call, chunk in enumerate(np.split(X, [100, 110, 400]), 1):
        fitted.partial_fit(chunk)
        assert fitted.n_iter_ == len(fitted.loss_curve_) == call
    history = fitted.history_
    assert history["samples"].tolist() == [0, 100, 110, 400, 600]
    assert history["epochs"].tolist() == [0, 1, 2, 3, 4]
    assert history["iterations"].tolist() == np.cumsum([0, 7, 1, 19, 13]).tolist()
    assert np.all(np.diff(history["duration"]) >= 0)
    assert fitted.n_samples_seen_ == 600
    assert fitted.stop_reason_ == "max_epochs"
    assert np.isnan(fitted.best_mse_)
    mse = fitted.reconstruction_error(X[400:]).mean()
    assert history["training_mse"][-1] == pytest.approx(mse, rel=1e-12)


def test_the_books_go_on_after_fit(X):
    fitted = shallow_model(max_epochs=2.5, score_every=600, batch_size=10).fit(X)
    before = fitted.history_["training_mse"]
    fitted.partial_fit(X[:50])
    assert fitted.n_samples_seen_ == 2.5 * 600 + 50
    assert fitted.history_["epochs"].tolist() == [0, 1, 2, 2.5, 3.5]
    np.testing.assert_array_equal(fitted.history_["training_mse"][:-1], before)
    assert len(fitted.loss_curve_) == 3


def test_after_fit_training_goes_on_from_its_weights(X):
    fitted = shallow_model(max_epochs=30).fit(X)
    good = fitted.score(X)
    assert fitted.partial_fit(X[:10]).score(X) > 1.5 * good
    assert shallow_model().partial_fit(X[:10]).score(X) < 5 * good


def test_fit_after_a_stream_starts_anew(X):
    fitted = shallow_model(max_epochs=2).partial_fit(X[:100] * 7)
    assert_same_fit(fitted.fit(X), shallow_model(max_epochs=2).fit(X))


def test_columns_are_fixed_by_the_first_call(X):
    fitted = shallow_model().partial_fit(pd.DataFrame(X, columns=list("abcdef")))
    assert fitted.n_features_in_ == 6
    assert fitted.feature_names_in_.tolist() == list("abcdef")
    before = snapshot(fitted)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.partial_fit(pd.DataFrame(X[:, :5], columns=list("abcde")))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.partial_fit(pd.DataFrame(X, columns=list("abcdeg")))
    assert_unchanged(fitted, before)
    with pytest.raises(ValueError, match="X has 5 features, but Autoencoder is expecting 6"):
        shallow_model().partial_fit(X).partial_fit(X[:, :5])


def with_value(X, value):
    X = X.copy()
    X[7, 2] = value
    return X


def call_with_weight(weight):
    return lambda fitted, X: fitted.partial_fit(X, sample_weight=weight)


FAILURES = {
    "NaN": (lambda fitted, X: fitted.partial_fit(with_value(X, np.nan)), "NaN in row 7, column 2"),
    "infinity": (lambda fitted, X: fitted.partial_fit(with_value(X, -np.inf)), "infinity in row 7"),
    "no rows": (lambda fitted, X: fitted.partial_fit(X[:0]), "0 sample"),
    "wide": (lambda fitted, X: fitted.partial_fit(with_value(X, 1e300)), "Column 2 of X has"),
    "diverged": (
        lambda fitted, X: fitted.set_params(learning_rate_init=1e30, solver="sgd").partial_fit(X),
        "Training diverged",
    ),
    "parameter": (lambda fitted, X: fitted.set_params(l1=-1).partial_fit(X), "l1 must be"),
    "layers": (
        lambda fitted, X: fitted.set_params(hidden_layer_sizes=4).partial_fit(X),
        "Training can only go on with the layers it has",
    ),
    "weights": (call_with_weight(np.zeros(600)), "[Ww]eight"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_leaves_the_estimator_as_it_was(X, failure):
    fails, message = FAILURES[failure]
    fitted = shallow_model(missing="error").partial_fit(X[:100])
    parameters = fitted.get_params()
    before = snapshot(fitted)
    with pytest.raises((ValueError, DivergenceError), match=message):
        fails(fitted, X)
    fitted.set_params(**parameters)
    assert_unchanged(fitted, before)
    assert_same_fit(fitted.partial_fit(X), shallow_model().partial_fit(X[:100]).partial_fit(X))


def test_an_error_in_the_first_call_leaves_it_unfitted(X):
    fitted = shallow_model()
    with pytest.raises(ValueError, match="infinity"):
        fitted.partial_fit(with_value(X, np.inf))
    assert not [name for name in vars(fitted) if name.endswith("_")]
    assert_same_fit(fitted.partial_fit(X), shallow_model().partial_fit(X))


def test_ctrl_c_leaves_a_usable_model(X, monkeypatch):
    fitted = shallow_model().partial_fit(X)
    train = _core.train

    def pressed(table, *args, **options):
        options["n_samples"] = 100
        return {**train(table, *args, **options), "status": "interrupted"}

    monkeypatch.setattr(_core, "train", pressed)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted.partial_fit(X)
    assert 700 <= fitted.n_samples_seen_ < 800
    monkeypatch.undo()
    assert fitted.partial_fit(X).n_samples_seen_ >= 1300
    assert np.isfinite(fitted.offset_)


def test_rows_of_weight_0_are_absent(X):
    weighted, reduced = shallow_model(), shallow_model()
    for chunk in np.split(X, 4):
        weight = np.arange(len(chunk)) % 3 > 0
        kept = chunk[weight]
        chunk[~weight] = 1e20
        weighted.partial_fit(chunk, sample_weight=weight)
        reduced.partial_fit(kept)
        assert_same_weights(weighted, reduced)
        assert weighted.offset_ == pytest.approx(reduced.offset_, rel=1e-12)
    assert weighted.n_samples_seen_ == 400
    np.testing.assert_array_equal(weighted.scale_, reduced.scale_)


def test_weights_count_in_scaling_and_threshold(X):
    fitted, errors, counts = shallow_model(contamination=0.2), [], []
    for chunk, k in zip(np.split(X, 3), [1, 3, 2], strict=True):
        fitted.partial_fit(chunk, sample_weight=np.full(200, k) if k > 1 else None)
        errors.append(fitted.reconstruction_error(chunk))
        counts.append(np.full(200, k))
    repeated = np.repeat(X, np.concatenate(counts), axis=0)
    np.testing.assert_allclose(fitted.shift_, repeated.mean(axis=0), rtol=1e-6)
    expected = threshold(np.repeat(np.concatenate(errors), np.concatenate(counts)), 0.2)
    assert fitted.offset_ == pytest.approx(-expected, rel=1e-9)


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
@pytest.mark.parametrize("rate", ["auto", 0.01])
def test_schedules_with_an_end_are_constant(X, schedule, rate):
    fitted, constant = (
        shallow_model(learning_rate=name, learning_rate_init=rate)
        for name in (schedule, "constant")
    )
    for chunk in np.split(X, 3):
        assert_same_fit(fitted.partial_fit(chunk), constant.partial_fit(chunk))


def test_invscaling_goes_on(X):
    fitted = shallow_model(learning_rate="invscaling", solver="sgd", momentum=0.0, batch_size=1)
    steps = []
    for chunk in np.split(X, 6):
        fitted.partial_fit(chunk)
        steps.append(fitted.summary()["mean_rate"][1])
    np.testing.assert_allclose(steps, steps[0] * np.arange(1, 7) ** -0.5, rtol=1e-3)


def rates_of_calls(X, sizes, monkeypatch, **options):
    """Return batch size and learning rate that each call gave the core."""
    seen, train = [], _core.train

    def noted(*args, **given):
        seen.append((given["batch_size"], given["learning_rate"]))
        return train(*args, **given)

    monkeypatch.setattr(_core, "train", noted)
    fitted = shallow_model(**options)
    for chunk in np.split(X, np.cumsum(sizes)[:-1]):
        fitted.partial_fit(chunk)
    return seen


@pytest.mark.parametrize(("sizes", "batch_size"), [([64, 536], 1), ([400, 150, 50], 4)])
def test_auto_sizes_and_rates_are_settled_by_the_first_call(X, sizes, batch_size, monkeypatch):
    rate = _params.auto_learning_rate("adam", "constant", batch_size, (3,))
    expected = [(batch_size, pytest.approx(rate))] * len(sizes)
    assert rates_of_calls(X, sizes, monkeypatch) == expected


def test_a_given_batch_size_holds_for_small_chunks_too(X, monkeypatch):
    seen = rates_of_calls(X, [3, 500, 97], monkeypatch, batch_size=32)
    assert [size for size, _ in seen] == [32] * 3


def test_what_belongs_to_fit_is_ignored(X, tmp_path):
    options = {
        "early_stopping": True, "max_time": 1e-9, "checkpoint": tmp_path / "none" / "run.ckpt",
        "checkpoint_interval": 0, "pretraining": "stacked", "validation_fraction": 0.3,
        "target_mse": 1e9, "max_epochs": 0,
    }  # fmt: skip
    fitted, plain = shallow_model(**options), shallow_model()
    for chunk in np.split(X, 3):
        assert_same_fit(fitted.partial_fit(chunk), plain.partial_fit(chunk))
    assert not list(tmp_path.iterdir())
