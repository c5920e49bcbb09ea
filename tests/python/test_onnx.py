"""Graphs of autoencoders over tables of numbers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from fastae import Autoencoder
from gaps import narrow_table, with_gaps
from onnxruns import assert_same_outputs, onnx, run, session

ACTIVATIONS = ("tanh", "relu", "elu", "logistic", "identity")


def fitted(X, **options):
    defaults = {"hidden_layer_sizes": (4, 2, 4), "max_epochs": 5, "random_state": 0}
    return Autoencoder(**{**defaults, **options}).fit(X)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_every_activation(activation, output):
    X = narrow_table()
    assert_same_outputs(fitted(X, activation=activation, output_activation=output), X)


@pytest.mark.parametrize("scaling", ["range", "standard", "robust", "none"])
def test_every_scaling_and_its_limit(scaling):
    X = narrow_table()
    X[5, 2], X[6, 0] = 1e9, -1e7
    assert_same_outputs(fitted(X, scaling=scaling, activation="relu"), X)


@pytest.mark.parametrize("sizes", [(), 1, "auto", (5, 3)])
def test_every_depth(sizes):
    X = narrow_table()
    assert_same_outputs(fitted(X, hidden_layer_sizes=sizes, contamination=0.1), X)


@pytest.mark.parametrize("scaling", ["range", "robust"])
@pytest.mark.parametrize("options", [
    {}, {"missing": "impute"}, {"missing_indicator": True}
], ids=str)  # fmt: skip
def test_missing_values(options, scaling):
    X = with_gaps(narrow_table())
    outputs = assert_same_outputs(fitted(X, scaling=scaling, **options), X)
    assert options == {"missing": "impute"} or np.isnan(outputs["errors"][3]).all()


@pytest.mark.parametrize("scaling", ["range", "robust"])
def test_without_missing_values_nan_makes_a_score_nan(scaling):
    X = narrow_table()
    model = fitted(X, scaling=scaling, missing="error")
    assert_same_outputs(model, X)
    X[1, 2] = np.nan
    score = run(model.to_onnx(outputs="score"), X)["score"]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(score)), [1])


@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_a_column_that_never_had_a_value(missing):
    X = narrow_table()
    X[:, 1] = np.nan
    model = fitted(X, missing=missing)
    assert_same_outputs(model, X)
    X[4, 1] = 7.0
    assert_same_outputs(model, X)


def test_dropped_constants():
    X = narrow_table()
    X[:, 2], X[:, 4] = 3.5, np.nan
    model = fitted(X, constant_features="drop")
    X[7, 2] = -100.0
    outputs = assert_same_outputs(model, X)
    assert (outputs["reconstruction"][:, 2] == 3.5).all()
    assert np.isnan(outputs["errors"][:, [2, 4]]).all()


def test_weights_that_the_user_put_there():
    X = narrow_table()
    model = fitted(X)
    model.coefs_[1] = np.ones_like(model.coefs_[1])
    assert_same_outputs(model, X)


def test_frames_and_other_types():
    X = narrow_table()
    frame = pd.DataFrame(X, columns=["a", "b", "score", "größe", "e", "f"])
    assert_same_outputs(fitted(frame), frame)
    whole = (10 * X).astype(np.int64)
    assert_same_outputs(fitted(whole), whole)
    pixels = (10 * np.abs(X)).astype(np.uint8)  # which the estimator scores in float32
    assert_same_outputs(fitted(pixels), pixels, tolerance=1e-5)


def test_fit_on_sparse_rows():
    X = scipy.sparse.random(200, 30, 0.1, format="csr", random_state=0)
    assert_same_outputs(fitted(X), X.toarray())


@pytest.mark.parametrize("options", [
    {}, {"missing_indicator": True}, {"scaling": "standard", "activation": "elu"}
], ids=str)  # fmt: skip
def test_float32(options):
    X = with_gaps(narrow_table()).astype(np.float32)
    outputs = assert_same_outputs(fitted(X, **options), X, tolerance=1e-5, dtype="float32")
    assert all(v.dtype == np.float32 for k, v in outputs.items() if k != "label")


def test_float32_far_from_zero():
    X = (narrow_table() + 1e6).astype(np.float32)
    assert_same_outputs(fitted(X), X, tolerance=1e-5, dtype=np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_at_the_threshold_are_normal(dtype):
    X = np.repeat(narrow_table(20), 40, axis=0).astype(dtype)
    model = fitted(X, contamination=0.12)
    at = np.isclose(model.decision_function(X), 0, atol=1e-9)
    assert at.sum() >= 40
    label = run(model.to_onnx(dtype=dtype), X)["label"]
    np.testing.assert_array_equal(label, model.predict(X))
    assert (label == -1).any()


@pytest.mark.parametrize("opset", [18, 21])
def test_opsets(opset):
    X = narrow_table()
    model = fitted(X)
    proto = model.to_onnx(opset=opset)
    assert [entry.version for entry in proto.opset_import if not entry.domain] == [opset]
    np.testing.assert_allclose(run(proto, X)["score"], model.score_samples(X), rtol=1e-9)


def test_any_number_of_rows():
    X = narrow_table()
    model = fitted(X)
    made = session(model.to_onnx())
    alone = [made.run(["score"], {"X": X[i : i + 1]})[0][0] for i in range(5)]
    np.testing.assert_allclose(alone, model.score_samples(X)[:5], rtol=1e-9)
    assert made.run(["score"], {"X": X[:0]})[0].shape == (0,)


def test_only_what_outputs_need_is_kept():
    X = narrow_table(d=60)
    model = fitted(X, hidden_layer_sizes=20)
    whole, codes = model.to_onnx(), model.to_onnx(outputs=["codes"])
    assert len(codes.graph.node) < len(whole.graph.node) / 2
    assert codes.ByteSize() < 0.6 * whole.ByteSize()
    np.testing.assert_allclose(run(codes, X)["codes"], model.transform(X), rtol=1e-9)
    few = model.to_onnx(outputs=["decision", "label"])
    assert [value.name for value in few.graph.output] == ["decision", "label"]


def test_weights_are_stored_once_and_in_float32():
    X = narrow_table(d=200)
    model = fitted(X, hidden_layer_sizes=50)
    n_bytes = 4 * sum(W.size for W in model.coefs_)
    assert model.to_onnx(outputs=["score", "errors", "reconstruction"]).ByteSize() < 1.25 * n_bytes


def test_the_file_is_the_model(tmp_path):
    X = narrow_table()
    model = fitted(X)
    path = tmp_path / "model.onnx"
    path.write_bytes(b"what was there before")
    proto = model.to_onnx(path)
    assert onnx.load(path) == proto
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.real_data
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_real_tables(dtype):
    files = sorted(Path(os.environ["FASTAE_DATA"], "adbench").glob("*.npz"))
    assert len(files) > 15
    for file in files:
        X = np.load(file)["X"][:1500].astype(dtype)
        model = Autoencoder(max_epochs=2, random_state=0).fit(X)
        tolerance = 1e-9 if dtype == "float64" else 1e-5
        assert_same_outputs(model, X, tolerance=tolerance, dtype=dtype)
