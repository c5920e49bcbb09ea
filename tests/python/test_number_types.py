"""Tables of every type of numbers: what counts is the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_fit, farthest

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "float32", "float64", "longdouble"]  # fmt: skip
SWAPPED = [">i2", ">u4", ">i8", ">f2", ">f4", ">f8", ">f16"]
WIDE = ("i4", "u4", "i8", "u8", "f8", "f16")
N_ROWS = 150


def numbers(dtype):
    """Return a table of the type whose numbers all types near it can hold."""
    rng = np.random.default_rng(0)
    top = {"b": 2, "i": 100, "u": 200, "f": 100}[np.dtype(dtype).kind]
    X = rng.integers(0, top, (N_ROWS, 7))
    X[:, 3] = X[:, 0] // 2 + X[:, 1] // 2
    if np.dtype(dtype).kind in "if":
        X[:, 5] -= top // 2
    if np.dtype(dtype).kind == "f":
        return (X / 8).astype(dtype)
    return X.astype(dtype)


def model(**options):
    defaults = {"max_epochs": 5, "batch_size": 16, "random_state": 0, "scaling": "range"}
    return Autoencoder(**{**defaults, **options})


@pytest.mark.parametrize("scaling", ["range", "standard", "robust", "none"])
@pytest.mark.parametrize("dtype", DTYPES + SWAPPED)
def test_every_type_gives_the_model_of_float64(dtype, scaling):
    X = numbers(dtype)
    X64 = X.astype(np.float64)
    rate = {"learning_rate_init": 1e-4} if scaling == "none" else {}
    fitted, expected = (model(scaling=scaling, **rate).fit(T) for T in (X, X64))
    assert farthest(fitted, expected) < 1e-5
    np.testing.assert_allclose(fitted.shift_, expected.shift_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fitted.scale_, expected.scale_, rtol=1e-12)
    np.testing.assert_allclose(fitted.loss_curve_, expected.loss_curve_, rtol=1e-4)
    for name in ("score_samples", "transform", "reconstruct", "deep_features"):
        made, its = getattr(fitted, name)(X), getattr(expected, name)(X64)
        np.testing.assert_allclose(made, its, rtol=1e-4, atol=1e-4 * np.abs(its).max())
    is_wide = np.dtype(dtype).str[1:] in WIDE
    for name in ("transform", "reconstruct", "deep_features"):
        assert getattr(fitted, name)(X).dtype == (np.float64 if is_wide else np.float32)
    assert fitted.score_samples(X).dtype == np.float64
    assert X.dtype == dtype


@pytest.mark.parametrize("dtype", DTYPES + SWAPPED)
def test_a_fitted_model_takes_every_type(dtype):
    X = numbers(dtype)
    fitted = model(max_epochs=1).fit(X.astype(np.float64))
    np.testing.assert_allclose(
        fitted.score_samples(X), fitted.score_samples(X.astype(np.float64)), rtol=1e-4, atol=1e-6
    )
    streamed, expected = model(), model()
    for piece in np.split(X, 3):
        streamed.partial_fit(piece)
        expected.partial_fit(piece.astype(np.float64))
    assert farthest(streamed, expected) < 1e-4


@pytest.mark.parametrize("make", [AutoencoderClassifier, AutoencoderRegressor])
@pytest.mark.parametrize("dtype", [*DTYPES, ">f4", ">i8"])
def test_networks_with_targets_take_every_type(make, dtype):
    X = numbers(dtype)
    y = (X[:, 0] > X[:, 0].astype(np.float64).mean()).astype(int)
    options = {"max_epochs": 5, "batch_size": 16, "random_state": 0, "scaling": "range"}
    fitted, expected = (make(**options).fit(T, y) for T in (X, X.astype(np.float64)))
    assert farthest(fitted, expected) < 1e-4


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "float64", ">f8", "longdouble"])
def test_targets_of_every_type(dtype):
    X = numbers("float64")
    y = (X[:, 0] + X[:, 1]).round().astype(dtype)
    fitted, expected = (
        AutoencoderRegressor(max_epochs=3, batch_size=16, random_state=0).fit(X, t)
        for t in (y, y.astype(np.float64))
    )
    assert_same_weights_but_for_rounding(fitted, expected)
    classes = y.astype(np.float64).round(-1).astype(dtype)
    fitted, expected = (
        AutoencoderClassifier(max_epochs=3, batch_size=16, random_state=0).fit(X, t)
        for t in (classes, classes.astype(np.float64))
    )
    assert_same_weights_but_for_rounding(fitted, expected)


def assert_same_weights_but_for_rounding(fitted, expected):
    assert farthest(fitted, expected) < 1e-5


@pytest.mark.parametrize("scaling", ["range", "standard", "robust"])
@pytest.mark.parametrize(
    ("dtype", "offset"),
    [("int64", 2**60), ("uint64", 2**63), ("int32", 2**30), ("uint32", 2**31), ("float64", 1e12)],
)
def test_large_numbers_keep_their_differences(dtype, offset, scaling):
    # Of a size at which float32 cannot tell the rows apart.
    steps = 1 if dtype in ("int32", "uint32", "float64") else 2**14
    small = np.random.default_rng(0).integers(0, 100, (N_ROWS, 4))
    X = (small * steps).astype(dtype) + np.array(offset, dtype=dtype)
    fitted = model(scaling=scaling, max_epochs=20).fit(X)
    expected = model(scaling=scaling, max_epochs=20).fit(small.astype(np.float64))
    np.testing.assert_allclose(fitted.score_samples(X), expected.score_samples(small), rtol=0.05)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "longdouble"])
def test_missing_values_of_every_type(dtype):
    X = numbers(dtype)
    X[::9, 2] = np.nan
    fitted, expected = model().fit(X), model().fit(X.astype(np.float64))
    assert farthest(fitted, expected) < 1e-5
    errors = fitted.reconstruction_error(X, per_feature=True)
    np.testing.assert_array_equal(np.isnan(errors), np.isnan(X))
    X[4, 5] = np.inf
    with pytest.raises(ValueError, match="infinity in row 4, column 5"):
        model().fit(X)


def test_long_doubles_beyond_float64_are_infinite():
    X = numbers("longdouble")
    X[3, 1] = np.longdouble("1e400")
    if np.isinf(X[3, 1]):
        pytest.skip("long double is no wider than double")
    with (
        pytest.warns(RuntimeWarning, match="overflow"),
        pytest.raises(ValueError, match="infinity in row 3, column 1"),
    ):
        model().fit(X)


def test_objects_and_lists_of_numbers():
    X = numbers("float64")
    expected = model().fit(X)
    assert_same_fit(model().fit(X.astype(object)), expected)
    assert_same_fit(model().fit(X.tolist()), expected)
    assert_same_fit(model().fit([list(row) for row in X]), expected)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match="Complex data not supported"):
        model().fit(numbers("float32").astype(dtype))


@pytest.mark.parametrize("dtypes", [("int8", "float32"), ("int64", "uint8"), ("bool", "float64")])
def test_frames_of_several_types(dtypes):
    X = numbers("bool" if "bool" in dtypes else "uint8") % 100
    frame = pd.DataFrame({f"c{j}": X[:, j].astype(dtypes[j % 2]) for j in range(X.shape[1])})
    fitted, expected = model().fit(frame), model().fit(X.astype(np.float64))
    assert farthest(fitted, expected) < 1e-5
