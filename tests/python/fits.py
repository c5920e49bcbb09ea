"""Fits compared with each other, bit for bit."""

from __future__ import annotations

import numpy as np

from fastae import Autoencoder

# The columns of `history_` that no clock has a part in.
COLUMNS = ("epochs", "iterations", "samples", "training_rmse", "training_mse", "validation_rmse",
           "validation_mse")  # fmt: skip
NUMBERS = ("offset_", "loss_curve_", "n_iter_", "n_samples_seen_", "stop_reason_", "batch_size_")


def weights(model):
    """Return copies of all weights and biases."""
    return [np.array(array) for array in (*model.coefs_, *model.intercepts_)]


def assert_same_weights(model, other):
    for mine, its in zip(weights(model), weights(other), strict=True):
        np.testing.assert_array_equal(mine, its)


def assert_same_fit(model, other):
    """Fail unless two models are the same in all that does not depend on the clock."""
    assert_same_weights(model, other)
    for name in ("shift_", "scale_"):
        np.testing.assert_array_equal(getattr(model, name), getattr(other, name))
    for name in COLUMNS:
        np.testing.assert_array_equal(model.history_[name], other.history_[name], err_msg=name)
    for name in NUMBERS:
        assert getattr(model, name) == getattr(other, name), name


def farthest(model, other):
    """Return the largest difference between two models' weights."""
    pairs = zip(weights(model), weights(other), strict=True)
    return max(np.abs(mine - its).max() for mine, its in pairs)


def snapshot(model):
    """Return all attributes, arrays and lists by value, to be compared with `assert_unchanged`."""
    return {**vars(model)}, weights(model), list(model.loss_curve_), model.history_["samples"]


def assert_unchanged(model, before):
    attributes, arrays, curve, samples = before
    assert vars(model).keys() == attributes.keys()
    assert all(vars(model)[name] is value for name, value in attributes.items())
    for mine, its in zip(weights(model), arrays, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert model.loss_curve_ == curve
    np.testing.assert_array_equal(model.history_["samples"], samples)


def small_model(**options):
    """Return an unfitted deep network, scored within its epochs."""
    defaults = {
        "hidden_layer_sizes": (4, 2, 4), "batch_size": 8, "score_every": 50, "random_state": 0,
    }  # fmt: skip
    return Autoencoder(**{**defaults, **options})


def shallow_model(**options):
    """Return an unfitted network of one narrow layer, all else automatic."""
    return Autoencoder(**{"hidden_layer_sizes": 3, "random_state": 0, **options})
