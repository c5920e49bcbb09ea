"""H2O's own figures, reproduced with H2O's own weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fastae
import reference

GOLDEN = Path(__file__).parent / "golden"
# The bar is 1e-5. What separates us from H2O: it keeps its biases in float64, we in float32 (an
# output near 0 feels their rounding of 6e-8 most), and float32 input is computed in float32.
RELATIVE = {np.float64: 2e-6, np.float32: 1e-5}
CASES = {
    "tanh_score": {"hidden_layer_sizes": (5,), "activation": "tanh"},
    "relu_score": {"hidden_layer_sizes": (6,), "activation": "relu"},
    "deep_tanh_score": {"hidden_layer_sizes": (7, 3, 7), "activation": "tanh"},
}


@pytest.fixture(params=CASES)
def golden(request):
    with np.load(GOLDEN / f"{request.param}.npz") as file:
        return {"case": CASES[request.param], **file}


@pytest.fixture(params=RELATIVE, ids=lambda dtype: dtype.__name__)
def dtype(request):
    return request.param


def weights(golden):
    """Return H2O's weights as ours: (fan_in, fan_out) and (fan_out,)."""
    n = sum(key.startswith("W") for key in golden)
    return [golden[f"W{i}"].T for i in range(n)], [golden[f"b{i}"] for i in range(n)]


@pytest.fixture
def model(golden):
    """An estimator that learned its scaling from H2O's table, and then got H2O's weights."""
    case = golden["case"]
    model = fastae.Autoencoder(
        **case, output_activation=case["activation"], scaling="range", max_epochs=1, random_state=0
    )
    model.fit(golden["X_train"])
    coefs, intercepts = weights(golden)
    for mine, theirs in zip(
        [*model.coefs_, *model.intercepts_], [*coefs, *intercepts], strict=True
    ):
        assert mine.shape == theirs.shape
        mine[...] = theirs
        np.testing.assert_allclose(mine, theirs, rtol=1e-7)  # H2O trains in float32 too
    return model


def assert_relative(made, expected, tolerance):
    """Compare relative to the size of the table: single numbers may be close to 0."""
    assert made.shape == expected.shape
    np.testing.assert_allclose(made, expected, rtol=tolerance, atol=tolerance * abs(expected).max())


def test_scaling(golden, model):
    np.testing.assert_allclose(model.shift_, golden["normsub"], rtol=1e-12)
    np.testing.assert_allclose(model.scale_, golden["normmul"], rtol=1e-12)


def test_row_errors(golden, model, dtype):
    for part in ("train", "test"):
        made = model.reconstruction_error(golden[f"X_{part}"].astype(dtype))
        assert_relative(made, golden[f"mse_rows_{part}"], RELATIVE[dtype])
    mse = -model.score(golden["X_train"].astype(dtype))
    np.testing.assert_allclose(mse, golden["mse_train"], rtol=RELATIVE[dtype])


def test_row_errors_one_by_one_in_float64(golden, model):
    made = model.reconstruction_error(golden["X_test"])
    np.testing.assert_allclose(made, golden["mse_rows_test"], rtol=2e-6)


def test_float64_is_exact_but_for_the_rounding_of_the_weights(golden, model):
    x = (golden["X_test"] - golden["normsub"]) * golden["normmul"]
    names = [golden["case"]["activation"]] * len(model.coefs_)

    def mse(coefs, intercepts):
        W = [np.asarray(w, dtype=np.float64) for w in coefs]
        b = [np.asarray(v, dtype=np.float64) for v in intercepts]
        return ((reference.forward(x, W, b, names)[-1] - x) ** 2).mean(axis=1)

    exact = mse(*weights(golden))
    np.testing.assert_allclose(exact, golden["mse_rows_test"], rtol=1e-10)
    rounded = mse(model.coefs_, model.intercepts_)
    made = model.reconstruction_error(golden["X_test"])
    np.testing.assert_allclose(made, rounded, rtol=1e-11)


def test_feature_errors(golden, model, dtype):
    made = model.reconstruction_error(golden["X_test"].astype(dtype), per_feature=True)
    assert_relative(made, golden["se_features_test"], RELATIVE[dtype])


def test_reconstruction(golden, model, dtype):
    made = model.reconstruct(golden["X_test"].astype(dtype))
    assert_relative(made, golden["reconstruction_test"], RELATIVE[dtype])


def test_deep_features(golden, model, dtype):
    X = golden["X_test"].astype(dtype)
    sizes = golden["case"]["hidden_layer_sizes"]
    for layer in range(len(sizes)):
        expected = golden[f"deepfeatures{layer}_test"]
        assert_relative(model.deep_features(X, layer=layer), expected, RELATIVE[dtype])
        assert_relative(model.deep_features(X, layer=layer - len(sizes)), expected, RELATIVE[dtype])


def test_codes_of_the_narrowest_layer_and_back(golden, model, dtype):
    sizes = golden["case"]["hidden_layer_sizes"]
    codes = model.transform(golden["X_test"].astype(dtype))
    expected = golden[f"deepfeatures{int(np.argmin(sizes))}_test"]
    assert_relative(codes, expected, RELATIVE[dtype])
    made = model.inverse_transform(codes)
    assert_relative(made, golden["reconstruction_test"], RELATIVE[dtype])


def test_row_errors_of_missing_values(dtype):
    # H2O takes a missing value for the column's mean.
    with np.load(GOLDEN / "tanh_missing.npz") as file:
        golden = {**file}
    assert np.isnan(golden["X_train"]).any()
    model = fastae.Autoencoder(
        hidden_layer_sizes=(5,), activation="tanh", output_activation="tanh", missing="impute",
        max_epochs=1, random_state=0,
    ).fit(golden["X_train"])  # fmt: skip
    np.testing.assert_allclose(model.shift_, golden["normsub"], rtol=1e-12)
    np.testing.assert_allclose(model.scale_, golden["normmul"], rtol=1e-12)
    model.coefs_, model.intercepts_ = weights(golden)
    for part in ("train", "test"):
        made = model.reconstruction_error(golden[f"X_{part}"].astype(dtype))
        assert_relative(made, golden[f"mse_rows_{part}"], RELATIVE[dtype])
    X = golden["X_test"].astype(dtype)
    made = model.reconstruction_error(X, per_feature=True)
    assert_relative(made, golden["se_features_test"], RELATIVE[dtype])
    assert_relative(model.reconstruct(X), golden["reconstruction_test"], RELATIVE[dtype])
