"""Known anomalies: what is learned from them, and in what they do not count."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import reference
from fastae import Autoencoder, _core, _detecting
from fastae._threshold import threshold
from fits import assert_same_fit, shallow_model, weights
from labelled import odd_table


@pytest.fixture(name="X", scope="module")
def rows_of_both_kinds():
    return odd_table()[0]


@pytest.fixture(name="marks", scope="module")
def known_anomalies():
    return odd_table()[1]


def model(**options):
    return shallow_model(**{"max_epochs": 4, "score_every": 100, **options})


OPTIONS = {
    "auto": {},
    "online": {"batch_size": 1},
    "adadelta": {"solver": "adadelta"},
    "sgd": {"solver": "sgd", "batch_size": 16},
    "absolute": {"loss": "absolute_error"},
    "standard": {"scaling": "standard"},
    "deep": {"hidden_layer_sizes": (6, 3, 6), "output_activation": "tanh"},
    "noise": {"input_noise": 0.1, "hidden_dropout": 0.1, "hidden_layer_sizes": 5},
    "stopping": {"validation_fraction": 0.2, "early_stopping": True, "stopping_rounds": 1},
    "contamination": {"contamination": 0.1},
}


@pytest.mark.parametrize("seed", range(4))
def test_marks_tell_anomalies_of_their_kind_from_normal_rows(seed):
    X, marks = odd_table(seed, n=1000)
    odd = np.arange(1000) >= 920
    options = {"hidden_layer_sizes": 4, "max_epochs": 30, "random_state": seed}
    without = Autoencoder(**options).fit(X[~marks])
    marked = Autoencoder(**options).fit(X, anomalous=marks)
    for chosen in (~marks, ~odd | marks):  # the unknown ones, the known ones
        before, now = (
            roc_auc_score(odd[chosen], one.reconstruction_error(X[chosen]))
            for one in (without, marked)
        )
        assert now > max(0.95, before + 0.5 * (1 - before))


@pytest.mark.parametrize("name", OPTIONS)
def test_no_marks_change_nothing(X, name):
    plain = model(**OPTIONS[name]).fit(X)
    for marks in (None, np.zeros(400, dtype=bool), [0] * 400):
        assert_same_fit(model(**OPTIONS[name]).fit(X, anomalous=marks), plain)


@pytest.mark.parametrize("name", OPTIONS)
def test_all_numbers_are_those_of_normal_rows(X, marks, name, monkeypatch):
    seen, train = [], _core.train

    def noted(*args, **options):
        seen.append(options["sample_weight"])
        return train(*args, **options)

    weight = 1.0 + np.arange(400) % 3
    with monkeypatch.context() as patch:
        patch.setattr(_core, "train", noted)
        fitted = model(**OPTIONS[name]).fit(X, sample_weight=weight, anomalous=marks)
    trained_on = (seen[0] > 0) & ~marks
    assert (seen[0] > 0)[marks].all()
    errors = fitted.reconstruction_error(X)
    last = fitted.history_.rows()[-1]
    expected = np.average(errors[trained_on], weights=weight[trained_on])
    assert last["training_mse"] == pytest.approx(expected, rel=1e-9)
    if "validation_fraction" in OPTIONS[name]:
        held = seen[0] == 0
        expected = np.average(errors[held], weights=weight[held])
        assert last["validation_mse"] == pytest.approx(expected, rel=1e-9)
    limit = threshold(errors[trained_on], fitted.contamination, weight[trained_on])
    assert fitted.offset_ == pytest.approx(-limit, rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_scaling_is_that_of_normal_rows(X, marks, scaling, weighted):
    far = X + 1000.0 * marks[:, np.newaxis]
    weight = 1.0 + np.arange(400) % 3 if weighted else None
    fitted = model(scaling=scaling).fit(far, sample_weight=weight, anomalous=marks)
    if weighted:
        weight = weight[~marks]
    normal = model(scaling=scaling).fit(X[~marks], sample_weight=weight)
    precise = {"rtol": 1e-6 if weighted else 1e-12}  # the core's weights are of single precision
    np.testing.assert_allclose(fitted.shift_, normal.shift_, **precise)
    np.testing.assert_allclose(fitted.scale_, normal.scale_, **precise)


def test_the_loss_curve_is_that_of_normal_rows(X, marks):
    # Of one batch: then the errors seen in training are those of the network before it.
    weight = 1.0 + np.arange(400) % 3
    fitted = model(batch_size=400, max_epochs=1).fit(X, sample_weight=weight, anomalous=marks)
    first = fitted.history_["training_mse"][0]
    assert fitted.loss_curve_ == [pytest.approx(first, rel=1e-4)]


@pytest.mark.parametrize("margin", [1e-9, 0.15, 1e9])
@pytest.mark.parametrize("push", [0.5, 3.0])
def test_one_step_is_that_of_the_equations(X, marks, margin, push):
    # Down the error of normal rows, and up that of anomalies that are below the margin.
    weight = 1.0 + np.arange(400) % 3
    options = {"hidden_layer_sizes": (), "solver": "sgd", "momentum": 0, "batch_size": 400}
    options |= {"learning_rate": "constant", "learning_rate_init": 0.1}
    options |= {"anomaly_margin": margin, "anomaly_weight": push}
    start, stepped = (
        model(max_epochs=n, **options).fit(X, sample_weight=weight, anomalous=marks) for n in (0, 1)
    )
    x = (X - start.shift_) * start.scale_
    W, b = (np.float64(array) for array in weights(start))
    error = reference.forward(x, [W], [b], ["identity"])[-1] - x
    below = np.square(error).mean(axis=1) < margin
    sign = np.where(marks, np.where(below, -push, 0), 1) * weight
    total = (weight * np.where(marks, push, 1)).sum()
    delta = sign[:, np.newaxis] * error / total
    moved = [now - then for now, then in zip(weights(stepped), weights(start), strict=True)]
    np.testing.assert_allclose(moved[0], -0.1 * x.T @ delta, atol=1e-6)
    np.testing.assert_allclose(moved[1], -0.1 * delta.sum(axis=0), atol=1e-6)
    assert np.abs(moved[0]).max() > 1e-4
    assert 0.15 in (margin, 0.15) or not below[marks].all()


def test_auto_is_a_share_of_the_normal_rows_and_a_multiple_of_their_spread(X, marks):
    normal = X[~marks]
    push = _detecting.ANOMALY_SHARE * 360 / 40
    scaled = (normal - normal.mean(axis=0)) / np.ptp(normal, axis=0)
    margin = _detecting.MARGIN * float(scaled.var(axis=0).mean())
    options = {"scaling": "range"}
    given = model(anomaly_weight=push, anomaly_margin=margin, **options).fit(X, anomalous=marks)
    auto = model(**options).fit(X, anomalous=marks)
    for mine, its in zip(weights(given), weights(auto), strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-4)
    for other in ({"anomaly_weight": 2 * push}, {"anomaly_margin": 0.1 * margin}):
        fitted = model(**options, **other).fit(X, anomalous=marks)
        assert not np.array_equal(fitted.coefs_[0], auto.coefs_[0])


def test_errors_of_anomalies_are_pushed_to_the_margin_and_not_far_beyond(X, marks):
    medians = []
    for margin in (0.3, 1.0, 3.0):
        fitted = model(hidden_layer_sizes=6, max_epochs=60, anomaly_margin=margin)
        errors = fitted.fit(X, anomalous=marks).reconstruction_error(X)
        medians.append(np.median(errors[marks]) / margin)
        assert np.median(errors[:320]) < 0.1 * np.median(errors[marks])
    assert min(medians) > 0.4
    assert max(medians) < 2.5


@pytest.mark.parametrize("name", OPTIONS)
def test_anomalies_of_weight_0_are_absent(X, marks, name):
    weight = np.where(marks, 0.0, 1.0)
    fitted = model(**OPTIONS[name]).fit(X, sample_weight=weight, anomalous=marks)
    assert_same_fit(fitted, model(**OPTIONS[name]).fit(X, sample_weight=weight))
    some = weight + (np.arange(400) > 380)
    fitted = model(**OPTIONS[name]).fit(X, sample_weight=some, anomalous=marks)
    if name != "noise":  # which is that of a row, wherever it is
        kept = some > 0
        assert_same_fit(fitted, model(**OPTIONS[name]).fit(X[kept], anomalous=marks[kept]))
