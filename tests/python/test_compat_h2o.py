"""H2O's networks taken over: its own figures, and frames encoded as H2O encodes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastae.compat.h2o import FrameEncoder, from_h2o

GOLDEN = Path(__file__).parent / "golden"
ACTIVATIONS = {
    "tanh_score": "Tanh",
    "relu_score": "Rectifier",
    "deep_tanh_score": "tanh",
    "tanh_missing": "Tanh",
    "mixed_score": "Tanh",
}
UNSEEN = "ignore:Levels that training did not see:UserWarning"
CONSTANT = "ignore:Dropping constant columns:UserWarning"
# H2O keeps its biases in float64, we in float32: their rounding is all that separates us.
RELATIVE = 2e-6


def load(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        case = {"name": name, **file}
    if name == "mixed_score":
        for part in ("train", "test"):
            case[f"X_{part}"] = pd.read_csv(GOLDEN / f"mixed_{part}.csv")
    return case


@pytest.fixture(params=ACTIVATIONS)
def golden(request):
    return load(request.param)


def exported(golden):
    """Return weights and biases as H2O exports them."""
    n = sum(key.startswith("W") for key in golden)
    return [golden[f"W{i}"] for i in range(n)], [golden[f"b{i}"] for i in range(n)]


@pytest.fixture
def model(golden):
    return taken_over(golden)


def taken_over(golden):
    names = golden["input_names"].tolist() if "input_names" in golden else None
    return from_h2o(
        *exported(golden),
        activation=ACTIVATIONS[golden["name"]],
        normmul=golden["normmul"],
        normsub=golden["normsub"],
        names=names,
    )


def assert_relative(made, expected):
    """Compare relative to the size of the table: single numbers may be close to 0."""
    assert made.shape == expected.shape
    atol = RELATIVE * abs(expected).max()
    np.testing.assert_allclose(made, expected, rtol=RELATIVE, atol=atol)


@pytest.mark.filterwarnings(UNSEEN)
def test_row_errors_of_h2o(golden, model):
    for part in ("train", "test"):
        made = model.reconstruction_error(golden[f"X_{part}"])
        np.testing.assert_allclose(made, golden[f"mse_rows_{part}"], rtol=RELATIVE)
    np.testing.assert_allclose(-model.score(golden["X_train"]), golden["mse_train"], rtol=RELATIVE)


@pytest.mark.filterwarnings(UNSEEN)
def test_other_scores_of_h2o(golden, model):
    X = golden["X_test"]
    errors = model.reconstruction_error(X, per_feature=True)
    assert_relative(errors, golden["se_features_test"])
    assert_relative(model.reconstruct(X), golden["reconstruction_test"])
    for layer in range(len(model.hidden_layer_sizes_)):
        if f"deepfeatures{layer}_test" in golden:
            features = model.deep_features(X, layer=layer)
            assert_relative(features, golden[f"deepfeatures{layer}_test"])
    assert set(model.predict(X)) == {1}  # no threshold came with the weights
    model.offset_ = np.median(model.score_samples(X))
    assert set(model.predict(X)) == {-1, 1}


@pytest.mark.filterwarnings(UNSEEN, CONSTANT)
def test_columns_and_scaling_of_h2o(golden):
    encoder = FrameEncoder.fit(golden["X_train"])
    factors = encoder.offsets[-1]
    np.testing.assert_allclose(encoder.shift[factors:], golden["normsub"], rtol=1e-12)
    np.testing.assert_allclose(encoder.scale[factors:], golden["normmul"], rtol=1e-12)
    if "input_names" in golden:
        assert encoder.names == golden["input_names"].tolist()
        assert encoder.offsets == golden["catoffsets"].tolist()


def test_unseen_level_is_named_and_counts_as_missing():
    golden = load("mixed_score")
    model, frame = taken_over(golden), golden["X_test"].head(3)
    with pytest.warns(UserWarning, match=r"did not see count as missing: colour\.violet\.$"):
        unseen = model.reconstruction_error(frame)
    np.testing.assert_array_equal(unseen, model.reconstruction_error(frame.assign(colour=None)))


@pytest.mark.filterwarnings(UNSEEN)
def test_frames_and_arrays_score_alike(golden, model):
    frame = pd.DataFrame(golden["X_test"])
    expected = model.reconstruction_error(golden["X_test"])
    if "input_names" not in golden:
        frame.columns = [f"C{i + 1}" for i in range(frame.shape[1])]
    for same in (frame, frame[frame.columns[::-1]]):
        np.testing.assert_array_equal(model.reconstruction_error(same), expected)


def test_exported_frames(golden, model, tmp_path):
    weights, biases = exported(golden)
    names = model._encoder.names
    tables = [pd.DataFrame(W) for W in weights]
    tables[0].columns = names
    for i, table in enumerate(tables):
        table.to_csv(tmp_path / f"{i}.csv", index=False)
    made = from_h2o(
        [pd.read_csv(tmp_path / f"{i}.csv") for i in range(len(tables))],
        [pd.DataFrame({"C1": b}) for b in biases],
        activation=ACTIVATIONS[golden["name"]],
        normmul=golden["normmul"].tolist(),
        normsub=golden["normsub"].tolist(),
    )
    assert made._encoder.names == names
    for mine, theirs in zip(made.coefs_, weights, strict=True):
        np.testing.assert_allclose(mine, theirs.T, rtol=1e-7)


def test_dropout_is_folded_into_the_weights():
    golden = load("deep_tanh_score")
    weights, biases = exported(golden)
    ratios = [0.5, 0.25, 0.1]
    options = {"normmul": golden["normmul"], "normsub": golden["normsub"]}
    model = from_h2o(
        weights, biases, activation="TanhWithDropout", hidden_dropout_ratios=ratios, **options
    )
    x = (golden["X_test"] - golden["normsub"]) * golden["normmul"]
    h = x
    for W, b, keep in zip(weights, biases, [0.5, 0.75, 0.9, 1.0], strict=True):
        h = keep * np.tanh(h @ W.T + b)
    made = model.reconstruction_error(golden["X_test"])
    np.testing.assert_allclose(made, ((h - x) ** 2).mean(axis=1), rtol=RELATIVE)


def test_without_scaling_and_with_other_output():
    W, b = [np.full((1, 2), 0.5), np.ones((2, 1))], [[0.0], [0.0, 0.0]]
    model = from_h2o(W, b, activation="rectifier", output_activation="linear")
    np.testing.assert_allclose(
        model.reconstruct([[1.0, 2.0], [np.nan, -2.0]]), [[1.5] * 2, [0] * 2]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weights": [np.ones((2, 3))]},
            "as many outputs as inputs, but .* 3 inputs and 2 outputs",
        ),
        ({"weights": [np.ones((2, 3)), np.ones((3, 1))]}, r"weights\[1\] must have 2 inputs"),
        ({"weights": [np.ones(3)]}, r"weights\[0\] must be a table"),
        ({"biases": [[0.0, 0.0], [0.0]]}, "biases must have 2, 3 values, .* got 2, 1"),
        ({"normmul": [1.0]}, "normmul must have one value per column of numbers, 3, got 1"),
        ({"names": ["a", "b"]}, "names must be those of the 3 inputs"),
        ({"activation": "Maxout"}, "activation must be one of tanh, .* got 'Maxout'"),
        ({"hidden_dropout_ratios": [0.5, 0.5]}, "hidden_dropout_ratios must be 1 numbers, got 2"),
    ],
)
def test_errors_of_from_h2o(change, message):
    given = {"weights": [np.ones((2, 3)), np.ones((3, 2))], "biases": [np.ones(2), np.ones(3)]}
    options = given | {"activation": "tanh"} | change
    with pytest.raises(ValueError, match=message):
        from_h2o(options.pop("weights"), options.pop("biases"), **options)


def test_factor_levels_must_fit_the_names():
    W, b = [np.ones((1, 4)), np.ones((4, 1))], [np.ones(1), np.ones(4)]
    names = ["f.x", "f.y", "f.missing(NA)", "n"]
    assert from_h2o(W, b, names=names)._encoder.factors == {"f": ("x", "y")}
    with pytest.raises(ValueError, match=r"'f\.x' does not fit the factors' levels"):
        from_h2o(W, b, names=names, factor_levels={"f": ["y", "x"]})
    made = from_h2o(W, b, factor_levels={"f": ["x", "y"]})
    assert made.reconstruction_error(pd.DataFrame({"f": ["y"], "C1": [0.0]})).shape == (1,)


def test_arrays_need_no_pandas():
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from fastae.compat import h2o\n"
        "model = h2o.from_h2o([[[1.0]], [[1.0]]], [[0.0], [0.0]])\n"
        "print(model.reconstruct([[0.0]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[[0.]]\n"


def test_missing_pandas_is_said_clearly():
    code = "import sys; sys.modules['pandas'] = None\nfrom fastae.compat.h2o import H2OFrame"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "H2OFrame needs pandas: run pip install pandas" in done.stderr
