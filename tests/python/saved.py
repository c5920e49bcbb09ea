"""Models to be saved: small ones of every kind, always the same, and what they say of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor

OPTIONS = {"max_epochs": 3, "random_state": 0, "n_jobs": 1}


def numbers():
    """Return 60 rows of 5 numbers, one of them constant, one with gaps."""
    X = np.random.default_rng(0).normal(size=(60, 5))
    X[:, 3] = 7.0
    X[::4, 1] = np.nan
    return X


def frame():
    """Return 60 rows of numbers, text, categories, dates and integers."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({
        "size": rng.normal(10.0, 2.0, 60),
        "colour": rng.choice(["red", "green", "blue"], 60),
        "day": pd.date_range("2024-01-01", periods=60, unit="us"),
        "grade": pd.Categorical(rng.choice(["low", "high"], 60), ["low", "high"], ordered=True),
        "count": rng.integers(0, 9, 60),
        "unit": 1.5,
    })  # fmt: skip
    frame.loc[::7, "colour"] = None
    return frame


def labels():
    """Return one text per row."""
    return np.where(frame()["size"] > 10, "large", "small")


def of_numbers():
    model = Autoencoder(hidden_layer_sizes=(4, 2, 4), solver="sgd", **OPTIONS)
    return model.fit(numbers()), numbers()


def of_factors():
    model = Autoencoder(hidden_layer_sizes=3, constant_features="drop", **OPTIONS)
    return model.fit(frame()), frame()


def of_labels():
    below = Autoencoder(hidden_layer_sizes=(4,), **OPTIONS)
    model = AutoencoderClassifier(below, class_weight={"large": 2.0, "small": 1.0}, **OPTIONS)
    return model.fit(frame(), labels()), frame()


def of_values():
    model = AutoencoderRegressor(
        hidden_layer_sizes=4, reconstruction_weight=0.5, missing_indicator=True,
        validation_fraction=0.2, early_stopping=True, **OPTIONS,
    )  # fmt: skip
    X = numbers()
    return model.fit(X, np.column_stack([X[:, 0], 50 + X[:, 2]])), X


def of_scores():
    model = Autoencoder(
        hidden_layer_sizes=3, calibration_fraction=0.4, threshold="mad",
        anomaly_score=("mse", "standardized", "mahalanobis", "code_distance"), **OPTIONS,
    )  # fmt: skip
    return model.fit(frame()), frame()


MODELS = {
    "numbers": of_numbers,
    "scores": of_scores,
    "factors": of_factors,
    "labels": of_labels,
    "values": of_values,
}


def said(model, X):
    """Return what a model says of rows, by the names of its methods."""
    names = ["transform", "reconstruct", "score_samples", "decision_function", "predict",
             "predict_proba", "deep_features"]  # fmt: skip
    found = {name: getattr(model, name)(X) for name in names if hasattr(model, name)}
    if getattr(model, "_calibration", None) is not None:
        found["p_values"] = model.p_values(X)
    if hasattr(model, "inverse_transform"):
        found["errors"] = model.reconstruction_error(X, per_feature=True)
        found["decoded"] = model.inverse_transform(found["transform"])
        found["importances"] = model.feature_importances()
    return found


def assert_same(one, other):
    """Fail unless two results are of the same type and the same bits."""
    assert type(one) is type(other)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one.equals(other)
