"""Stacked pretraining: layer by layer, before all are trained together."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from corenet import table
from fastae import Autoencoder, DivergenceError, _core
from fits import assert_same_fit, assert_same_weights, farthest, weights

DEEP = (32, 16, 8, 16, 32)


@pytest.fixture(name="X")
def training_rows():
    return table(200, 8)


@pytest.fixture(name="digits", scope="module")
def digit_rows():
    return load_digits().data


def model(**options):
    defaults = {"hidden_layer_sizes": (6, 3, 6), "max_epochs": 0, "random_state": 0}
    defaults |= {"pretraining": "stacked", "pretraining_epochs": 10, "score_every": 200}
    return Autoencoder(**{**defaults, **options})


def digits_error(digits, event, **options):
    options |= {"hidden_layer_sizes": DEEP, "score_every": len(digits), "scaling": "range"}
    fitted = model(**options).fit(digits)
    return fitted.history_["training_mse"][event]


@pytest.mark.parametrize("solver", ["adam", "sgd", "adadelta"])
def test_a_deep_net_starts_better(digits, solver):
    options = {"solver": solver, "batch_size": 16 if solver == "adam" else 1}
    # Predicting the mean is all that a net can do that passes nothing on.
    mean = np.mean(((digits - digits.mean(axis=0)) / np.maximum(np.ptp(digits, axis=0), 1)) ** 2)
    pretrained = digits_error(digits, 0, pretraining_epochs=5, **options)
    drawn = digits_error(digits, 0, pretraining=None, **options)
    assert pretrained < 0.75 * mean < mean < drawn


def test_a_deep_net_needs_fewer_epochs(digits):
    options = {"max_epochs": 1, "batch_size": 16}
    pretrained = digits_error(digits, -1, pretraining_epochs=5, **options)
    assert pretrained < 0.85 * digits_error(digits, -1, pretraining=None, **options)


def layers_given_to_the_core(X, monkeypatch, **options):
    """Return the widths, activations and rows of every training that the core was called for."""
    calls, train = [], _core.train

    def noted(rows, *args, **given):
        calls.append((tuple(given["widths"]), tuple(given["activations"]), np.array(rows)))
        return train(rows, *args, **given)

    with monkeypatch.context() as patch:
        patch.setattr(_core, "train", noted)
        fitted = model(**options).fit(X)
    return fitted, calls


def test_every_layer_learns_to_compress_the_one_below(X, monkeypatch):
    fitted, calls = layers_given_to_the_core(X, monkeypatch, hidden_layer_sizes=(6, 4, 2, 4, 6))
    assert [call[0] for call in calls] == [(8, 6, 8), (6, 4, 6), (4, 2, 4)]
    assert [call[1] for call in calls] == [("tanh", "identity"), ("tanh", "tanh"), ("tanh", "tanh")]
    below = (X - fitted.shift_) * fitted.scale_
    np.testing.assert_array_equal(calls[0][2], X)
    for call, W, b in zip(calls[1:], fitted.coefs_, fitted.intercepts_, strict=False):
        below = np.tanh(below @ W + b)
        np.testing.assert_allclose(call[2], below, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((6, 3), [(8, 6, 8), (6, 3, 6)]),
        ((3, 6), [(8, 3, 8)]),
        (5, [(8, 5, 8)]),
        ((4, 4, 4), [(8, 4, 8)]),
        ((10, 3, 5, 7), [(8, 10, 8), (10, 3, 10)]),
        ((), []),
    ],
)
def test_layers_up_to_the_codes_are_trained(X, monkeypatch, sizes, expected):
    fitted, calls = layers_given_to_the_core(X, monkeypatch, hidden_layer_sizes=sizes)
    assert [call[0] for call in calls] == expected
    drawn = model(hidden_layer_sizes=sizes, pretraining=None).fit(X)
    for layer in range(len(expected)):
        assert not np.array_equal(fitted.coefs_[layer], drawn.coefs_[layer])
    if not expected:
        assert_same_weights(fitted, drawn)


def changed_layers(X, **options):
    """Return for each layer whether pretraining changed its weights."""
    pretrained, drawn = model(**options).fit(X), model(**options, pretraining=None).fit(X)
    pairs = zip(pretrained.coefs_, drawn.coefs_, strict=True)
    return [not np.array_equal(mine, other) for mine, other in pairs]


@pytest.mark.parametrize(
    ("sizes", "changed"),
    [
        ((6, 3, 6), [True, True, True, True]),
        ((6, 3, 5), [True, True, False, False]),  # neither 3-5 nor 5-8 mirrors an encoder's layer
        ((6, 3), [True, True, False]),  # 3-8 does not mirror 8-6
        ((6, 3, 7, 6), [True, True, False, False, True]),  # 6-8 mirrors 8-6
        (5, [True, True]),
    ],
)
def test_the_decoder_gets_the_mirrored_layers_that_fit(X, sizes, changed):
    assert changed_layers(X, hidden_layer_sizes=sizes) == changed


def test_a_shallow_net_is_just_trained_longer(X):
    # Its one layer and the mirrored one are all of it: pretraining is a training.
    mse = [model(hidden_layer_sizes=3, pretraining_epochs=epochs).fit(X)
           .history_["training_mse"][0] for epochs in (0, 5, 50)]  # fmt: skip
    assert mse[2] < mse[1] < mse[0]
    trained = model(hidden_layer_sizes=3, pretraining=None, max_epochs=50).fit(X)
    assert mse[2] < 1.5 * trained.history_["training_mse"][-1]


@pytest.mark.parametrize("options", [{}, {"hidden_layer_sizes": ()}, {"max_epochs": 4}])
def test_no_epochs_change_nothing(X, options):
    plain = model(**options, pretraining=None).fit(X)
    assert_same_fit(model(**options, pretraining_epochs=0).fit(X), plain)


@pytest.mark.parametrize("max_epochs", [0, 3])
def test_without_a_number_there_are_max_epochs(X, max_epochs):
    given = model(max_epochs=max_epochs, pretraining_epochs=max_epochs).fit(X)
    assert_same_fit(model(max_epochs=max_epochs, pretraining_epochs=None).fit(X), given)


@pytest.mark.parametrize("epochs", [0.5, 1.25])
def test_fractions_of_epochs(X, monkeypatch, epochs):
    seen, train = [], _core.train

    def noted(*args, **options):
        seen.append(train(*args, **options)["samples"])
        return {"status": "ok", "epochs": 0}

    monkeypatch.setattr(_core, "train", noted)
    model(pretraining_epochs=epochs, batch_size=10).fit(X)
    assert seen == [200 * epochs] * 2


def test_it_is_not_in_the_books(X):
    fitted = model(max_epochs=2).fit(X)
    assert fitted.history_["samples"].tolist() == [0, 200, 400]
    assert fitted.n_iter_ == 2
    assert fitted.n_samples_seen_ == 400


ALL_OPTIONS = {
    "input_dropout": 0.1, "input_noise": 0.1, "hidden_dropout": (0.1, 0.2, 0.0), "l1": 1e-4,
    "sparsity_beta": 0.1, "max_w2": 2.0, "layer_rate_decay": 0.5, "loss": "huber",
    "validation_fraction": 0.2, "max_epochs": 2, "pretraining_epochs": 3,
}  # fmt: skip


@pytest.mark.parametrize("options", [{}, ALL_OPTIONS, {"batch_size": 1}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_repeatable_and_does_not_depend_on_threads(X, options, dtype):
    X = X.astype(dtype)
    first = model(**options, n_jobs=1).fit(X)
    assert_same_fit(model(**options, n_jobs=1).fit(X), first)
    assert_same_fit(model(**options, n_jobs=2).fit(X), first)
    other = model(**options, random_state=1).fit(X)
    assert farthest(other, first) > 0.1
    assert all(np.isfinite(array).all() for array in weights(first))


@pytest.mark.parametrize("batch_size", [1, 16])
def test_rows_of_weight_0_are_absent(X, batch_size):
    Z, weight = X.copy(), (np.arange(200) % 3 > 0).astype(float)
    Z[weight == 0] = 1e30
    weighted = model(batch_size=batch_size).fit(Z, sample_weight=weight)
    assert_same_fit(weighted, model(batch_size=batch_size).fit(X[weight > 0]))


def test_weights_pull(X):
    X = np.vstack([X[:180], X[180:, ::-1]])  # the last rows lie in another plane
    heavy = np.where(np.arange(200) < 180, 1.0, 1000.0)
    options = {"hidden_layer_sizes": 3, "pretraining_epochs": 60}
    errors = model(**options).fit(X, sample_weight=heavy).reconstruction_error(X)
    plain = model(**options).fit(X).reconstruction_error(X)
    assert errors[180:].mean() < 0.3 * plain[180:].mean()
    assert errors[:180].mean() > plain[:180].mean()


def test_given_first_weights_are_where_it_starts(X):
    drawn = model(pretraining=None).fit(X)
    given = {"coefs_init": drawn.coefs_, "intercepts_init": drawn.intercepts_}
    tiny = {"pretraining_epochs": 1, "learning_rate_init": 1e-9, "solver": "sgd"}
    fitted = model(**given, **tiny).fit(X)
    for layer in range(4):
        np.testing.assert_allclose(fitted.coefs_[layer], drawn.coefs_[layer], atol=1e-6)


def test_divergence_leaves_the_estimator_as_it_was(X):
    fitted = model(solver="sgd", learning_rate_init=1e30)
    with pytest.raises(DivergenceError, match="Training diverged"):
        fitted.fit(X)
    assert not [name for name in vars(fitted) if name.endswith("_")]


def test_a_warm_start_does_not_pretrain_again(X):
    options = {"warm_start": True, "max_epochs": 1, "learning_rate": "constant"}
    fitted = model(**options).fit(X)
    before = fitted.history_["training_mse"][-1]
    fitted.fit(X)
    assert fitted.history_["training_mse"][2] == before


@pytest.mark.parametrize("value", ["deep", True, 1])
def test_other_kinds_are_refused(X, value):
    with pytest.raises(ValueError, match="pretraining must be None or 'stacked'"):
        model(pretraining=value).fit(X)
    with pytest.raises(ValueError, match="pretraining_epochs must be None or a number >= 0"):
        model(pretraining_epochs=-1).fit(X)
