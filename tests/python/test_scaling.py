"""Column scaling, constant columns in particular."""

from __future__ import annotations

import numpy as np
import pytest

from fastae import Autoencoder
from fastae._scaling import scaling


def stats(X):
    X = np.asarray(X, dtype=np.float64)
    return X.mean(axis=0), X.min(axis=0), X.max(axis=0), X.var(axis=0)


@pytest.fixture(name="X")
def training_rows():
    return np.random.default_rng(0).normal(size=(50, 3)) * [1.0, 100.0, 1e-6] + [0.0, 1e4, 1.0]


def test_range(X):
    shift, scale = scaling("range", stats(X), X.dtype)
    np.testing.assert_allclose(shift, X.mean(axis=0))
    np.testing.assert_allclose(np.ptp((X - shift) * scale, axis=0), 1)


def test_standard(X):
    shift, scale = scaling("standard", stats(X), X.dtype)
    np.testing.assert_allclose(shift, X.mean(axis=0))
    np.testing.assert_allclose(np.std((X - shift) * scale, axis=0), 1)


def test_none(X):
    shift, scale = scaling("none", stats(X), X.dtype)
    assert shift.tolist() == [0, 0, 0]
    assert scale.tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", ["range", "standard"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e6])
def test_constant_columns_are_shifted_to_exactly_zero(kind, dtype, value):
    X = np.full((1001, 1), value, dtype=dtype)
    shift, scale = scaling(kind, stats(X), X.dtype)
    assert shift[0] == X[0, 0]
    assert scale[0] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_that_vary_by_rounding_only_are_constant(dtype):
    X = np.full((10, 1), 0.1, dtype=dtype)
    X[3] = np.nextafter(X[3], dtype(1))
    assert scaling("range", stats(X), X.dtype)[1][0] == 1


def test_integers_that_vary_by_one_are_not_constant():
    X = np.full((10, 1), 2**40, dtype=np.int64)
    X[3] += 1
    assert scaling("range", stats(X), X.dtype)[1][0] == 1  # 1 / (max - min), and 1 it is
    X[4] += 4
    assert scaling("range", stats(X), X.dtype)[1][0] == 0.25


def test_columns_too_narrow_for_single_precision_are_constant():
    X = np.array([[0.0], [1e-40]])
    assert scaling("range", stats(X), X.dtype)[1][0] == 1
    X = np.array([[0.0], [1e-30]])
    assert scaling("range", stats(X), X.dtype)[1][0] == pytest.approx(1e30)


def test_columns_too_wide_for_single_precision_are_refused():
    X = np.array([[0.0, -1e38], [1.0, 1e38]])
    with pytest.raises(
        ValueError, match=r"Column 1 of X has values as far apart as -1e[+]38 and 1"
    ):
        scaling("range", stats(X), X.dtype)


@pytest.mark.parametrize("kind", ["range", "standard"])
@pytest.mark.parametrize("value", [0.0, 5.0])
def test_departure_from_a_constant_does_not_explode_the_score(X, kind, value):
    X[:, 1] = value
    model = Autoencoder(scaling=kind, hidden_layer_sizes=2, random_state=0).fit(X)
    odd = X[:1].copy()
    odd[0, 1] += 0.1
    # An error of 0.1 in one of three columns, and what the network makes of it elsewhere.
    assert model.reconstruction_error(odd)[0] < model.reconstruction_error(X[:1])[0] + 0.1
    assert model.reconstruction_error(odd, per_feature=True)[0, 1] == pytest.approx(0.01, rel=0.5)


def test_scaled_units_are_those_of_the_error(X):
    model = Autoencoder(scaling="range", random_state=0, max_epochs=3).fit(X)
    scaled_error = (model.reconstruct(X) - X) * model.scale_
    np.testing.assert_allclose(
        model.reconstruction_error(X, per_feature=True), scaled_error**2, rtol=1e-6, atol=1e-15
    )
