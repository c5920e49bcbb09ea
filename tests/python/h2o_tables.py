"""A small table with a response in H2O's terms, and networks over it."""

from __future__ import annotations

import numpy as np

from fastae.compat.h2o import H2OAutoEncoderEstimator, H2ODeepLearningEstimator, H2OFrame

X = ["a", "b", "c", "colour"]
COMMON = {"activation": "Tanh", "hidden": [6], "seed": 1}


def table(n=120, seed=0):
    """Return a frame with factors and gaps, a number to predict, and levels 1, 2 and 10."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, n)) * [[1], [20], [3]] + [[0], [5], [0]]
    frame = H2OFrame({"a": a, "b": b, "c": c, "colour": np.where(a + c > 0, "red", "blue")})
    frame["y"] = 50 + 10 * np.tanh(a) + b / 4
    frame["label"] = np.where(a > 0.4, 10, np.where(b > 5, 2, 1))
    frame["label"] = frame["label"].asfactor()
    frame.loc[3, "colour"] = None
    frame.loc[5, "b"] = np.nan
    return frame


def autoencoder(frame=None, x=X, **parameters):
    model = H2OAutoEncoderEstimator(**(COMMON | {"epochs": 5} | parameters))
    return model.train(x=x, training_frame=table(400, 7) if frame is None else frame)


def network(frame, y="label", *, x=X, validation=None, **parameters):
    model = H2ODeepLearningEstimator(**(COMMON | {"epochs": 10} | parameters))
    return model.train(x=x, y=y, training_frame=frame, validation_frame=validation)


def assert_same_weights(one, other):
    for mine, its in zip(one.fastae_model.coefs_, other.fastae_model.coefs_, strict=True):
        np.testing.assert_array_equal(mine, its)
