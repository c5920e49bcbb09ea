"""Tables with labels, small networks over them, and what they compute in float64."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

import reference
from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_weights, snapshot

CLOCK = ("time", "duration", "obs_per_s")
NUMBERS = ("loss_curve_", "n_iter_", "n_samples_seen_", "stop_reason_", "batch_size_")
LEARNED = ("shift_", "scale_", "classes_", "target_shift_", "target_scale_")


def blobs(n=90, d=5, n_classes=3, seed=0):
    """Return rows around one centre per class, in columns of different units, and classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    X = rng.normal(size=(n, d)) + 2 * rng.normal(size=(n_classes, d))[y]
    return X * rng.uniform(0.5, 4, d) + rng.uniform(-5, 5, d), y


def slope(n=90, d=5, n_targets=1, seed=0):
    """Return rows, and numbers that depend on them; of one target one-dimensional."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.5, 4, d)
    y = 10 * np.tanh(X @ rng.normal(size=(d, n_targets))) + rng.normal(size=(n, n_targets)) + 50
    return X, y[:, 0] if n_targets == 1 else y


def odd_table(seed=0, n=400):
    """Return rows near a plane, the last 80 somewhat beside it, and which 40 of these are known."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 8)) + 0.3 * rng.normal(size=(n, 8))
    X[-80:] += 0.8 * rng.normal(size=8)
    return X * rng.uniform(1, 4, 8) + 5, np.arange(n) >= n - 40


def classifier(autoencoder=None, **options):
    defaults = {"max_epochs": 3, "batch_size": 8, "random_state": 0}
    return AutoencoderClassifier(autoencoder, **{**defaults, **options})


def regressor(autoencoder=None, **options):
    defaults = {"max_epochs": 3, "batch_size": 8, "random_state": 0}
    return AutoencoderRegressor(autoencoder, **{**defaults, **options})


def below(**options):
    """Return an unfitted autoencoder with codes in the middle of three layers."""
    defaults = {"hidden_layer_sizes": (4, 2, 4), "max_epochs": 3, "batch_size": 8}
    return Autoencoder(**{**defaults, "random_state": 1, **options})


# Both kinds of estimators, with a table that suits them.
KINDS = {"classifier": (classifier, blobs), "regressor": (regressor, slope)}


def changed(history):
    """Return the columns of a history that no clock has a part in."""
    return {name: history[name].tolist() for name in history if name not in CLOCK}


def assert_same(model, other):
    """Fail unless two fits are the same in all that does not depend on the clock."""
    assert_same_weights(model, other)
    for name in LEARNED:
        assert hasattr(model, name) == hasattr(other, name)
        np.testing.assert_array_equal(getattr(model, name, 0), getattr(other, name, 0))
    for name in NUMBERS:
        assert getattr(model, name) == getattr(other, name), name
    mine, its = changed(model.history_), changed(other.history_)
    assert mine.keys() == its.keys()
    for name, values in mine.items():
        np.testing.assert_array_equal(values, its[name], err_msg=name)


def books(model):
    """Return an estimator's attributes, to be compared after an error; also of an unfitted one."""
    return snapshot(model) if hasattr(model, "coefs_") else {**vars(model)}


def outputs64(model, X):
    """Return a network's last outputs, computed in float64 from its weights alone."""
    x = (np.asarray(X, dtype=np.float64) - model.shift_) * model.scale_
    W = [np.asarray(w, dtype=np.float64) for w in model.coefs_]
    b = [np.asarray(v, dtype=np.float64) for v in model.intercepts_]
    return reference.forward(x, W, b, model.summary()["type"].tolist()[1:])[-1]


def proba64(model, X):
    """Return the probabilities of a classifier from its weights alone."""
    return softmax(outputs64(model, X)[:, -len(model.classes_) :], axis=1)


def values64(model, X):
    """Return the predictions of a regressor from its weights alone."""
    outputs = outputs64(model, X)[:, -len(model.target_scale_) :]
    return outputs / model.target_scale_ + model.target_shift_


class KilledError(Exception):
    """Ends a training from within."""


def kill(event):
    if event["epochs"] >= 2:
        raise KilledError
