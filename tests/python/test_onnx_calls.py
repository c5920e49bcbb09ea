"""Graphs of classifiers and regressors, and what to_onnx refuses."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from fastae import Autoencoder
from fastae.compat.h2o import FrameEncoder
from gaps import narrow_table, with_gaps
from labelled import below, blobs, classifier, regressor, slope
from onnxruns import onnx, run
from test_onnx_mixed import mixed


@pytest.mark.parametrize("names", [
    [0, 1, 2], ["a", "größe", "c"], [0.0, 2.0, 5.0], [7, 8, 300]
], ids=str)  # fmt: skip
def test_labels_of_every_type(names):
    X, y = blobs()
    model = classifier().fit(X, np.array(names)[y])
    outputs = run(model.to_onnx(), X)
    assert tuple(outputs) == ("label", "probabilities")
    assert outputs["label"].tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(X), rtol=1e-9)


def test_two_truth_values():
    X, y = blobs(n_classes=2)
    model = classifier(hidden_layer_sizes=()).fit(X, y == 1)
    outputs = run(model.to_onnx(outputs=["label"]), X)
    assert outputs["label"].tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("n_targets", [1, 2])
def test_predictions(n_targets):
    X, y = slope(n_targets=n_targets)
    model = regressor(activation="relu").fit(X, y)
    prediction = run(model.to_onnx(), X)["prediction"]
    assert prediction.shape == y.shape
    np.testing.assert_allclose(prediction, model.predict(X), rtol=1e-9)
    single = run(model.to_onnx(dtype="float32"), X)["prediction"]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, model.predict(X.astype(np.float32)), rtol=1e-5)


@pytest.mark.parametrize("options", [
    {}, {"reconstruction_weight": 0.5}, {"reconstruction_weight": 0.5, "missing_indicator": True}
], ids=str)  # fmt: skip
def test_layers_of_an_autoencoder_and_gaps(options):
    X, y = blobs()
    X = with_gaps(X)
    encoder = below(missing_indicator=options.get("missing_indicator", False))
    model = classifier(encoder, **options).fit(X, y)
    outputs = run(model.to_onnx(), X)
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("options", [
    {}, {"autoencoder": Autoencoder(hidden_layer_sizes=3, max_epochs=2, random_state=0)},
    {"reconstruction_weight": 0.1}, {"constant_features": "drop"},
], ids=["plain", "autoencoder", "reconstructs", "drops"])  # fmt: skip
def test_factors_in_supervised_networks(options):
    X = mixed()
    X["one"] = 1.0
    y = np.arange(len(X)) % 3
    model = classifier(**options).fit(X, y)
    outputs = run(model.to_onnx(), X)
    np.testing.assert_allclose(outputs["probabilities"], model.predict_proba(X), rtol=1e-9)
    values = regressor(**options).fit(X, y)
    np.testing.assert_allclose(run(values.to_onnx(), X)["prediction"], values.predict(X), rtol=1e-9)


def fitted(X):
    return Autoencoder(hidden_layer_sizes=2, max_epochs=1, random_state=0).fit(X)


@pytest.mark.parametrize(("options", "message"), [
    ({"outputs": ["scores"]}, r"outputs must be None or some of 'label', 'score'.*got \['scores'"),
    ({"outputs": []}, "outputs must be None or some of"),
    ({"outputs": ["score", "score"]}, "each once"),
    ({"opset": 17}, "opset must be a whole number >= 18, got 17"),
    ({"opset": 1000}, r"opset must be from 18 to \d+ \(onnx .*\), got 1000"),
    ({"dtype": "float16"}, "dtype must be 'float64' or 'float32', got 'float16'"),
    ({"dtype": None}, "dtype must be 'float64' or 'float32', got None"),
    ({"dtype": "double trouble"}, "dtype must be 'float64' or 'float32'"),
], ids=str)  # fmt: skip
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        fitted(narrow_table()).to_onnx(**options)


def test_outputs_are_those_of_the_estimator():
    X, y = blobs()
    with pytest.raises(ValueError, match="some of 'label', 'probabilities', each once"):
        classifier().fit(X, y).to_onnx(outputs=["score"])
    with pytest.raises(ValueError, match="some of 'prediction'"):
        regressor().fit(X, y).to_onnx(outputs=["label"])


def test_not_fitted():
    with pytest.raises(NotFittedError):
        Autoencoder().to_onnx()


def test_without_the_package(monkeypatch):
    model = fitted(narrow_table())
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'needs the package onnx: pip install "fastae\[onnx\]"'):
        model.to_onnx()


def test_an_encoder_of_frames_is_refused():
    model = fitted(narrow_table())
    model._encoder = FrameEncoder
    with pytest.raises(ValueError, match=r"this estimator is one of fastae\.compat\.h2o"):
        model.to_onnx()


def test_text_beside_numbers_in_a_factor_is_refused():
    kinds = pd.Categorical([1, "one", 1, "one"] * 10, categories=[1, "one"])
    model = fitted(pd.DataFrame({"x": np.arange(40.0), "kind": kinds}))
    with pytest.raises(ValueError, match=r"Column 1 \('kind'\) has categories that are text"):
        model.to_onnx()


def test_levels_beyond_every_type_are_refused():
    ids = np.array([1, 2, 1, 2**64 - 1], dtype=np.uint64)
    X = pd.DataFrame({"x": np.arange(4.0), "id": ids})
    model = Autoencoder(max_epochs=1, categorical_features=["id"], random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"Column 1 \('id'\) has the category 1844674407"):
        model.to_onnx()


def test_no_folder(tmp_path):
    path = tmp_path / "none" / "model.onnx"
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        fitted(narrow_table()).to_onnx(path)


def test_the_estimator_stays_as_it_was():
    model = fitted(narrow_table())
    before = dict(vars(model))
    assert isinstance(model.to_onnx(), onnx.ModelProto)
    assert vars(model) == before
