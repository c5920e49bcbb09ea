"""Reasons: which columns a row's error is made of, and what was expected of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from fastae import Autoencoder, scan
from fastae._table import Table

NUMBERS = ["error", "share", "difference"]


def numbers(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) * 7 + rng.normal(size=(n, 5))


def mixed(n=200):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    days = pd.to_timedelta(np.round(50 + 20 * x), unit="D")
    frame = pd.DataFrame(
        {
            "sign": np.where(x > 0, "plus", "minus"),
            "x": x,
            "day": pd.Timestamp("2024-01-01") + days,
            "size": pd.Categorical(np.where(abs(x) > 1, "large", "small")),
            "twice": 2 * x + rng.normal(scale=0.1, size=n),
            "same": 3.5,
        },
        index=[f"row {i}" for i in range(n)],
    )
    frame.loc["row 1", "x"] = np.nan
    frame.loc["row 2", "sign"] = None
    return frame


def model(**options):
    return Autoencoder(**{"hidden_layer_sizes": 2, "max_epochs": 5, "random_state": 0, **options})


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_numbers_are_those_of_the_other_methods(dtype):
    X = numbers(60).astype(dtype)
    fitted = model().fit(X)
    reasons = fitted.explain(X)
    assert list(reasons) == [
        "row", "rank", "feature", "share", "error", "observed", "expected", "difference"
    ]  # fmt: skip
    assert reasons["row"].tolist() == np.repeat(np.arange(60), 5).tolist()
    assert reasons["rank"].tolist() == [1, 2, 3, 4, 5] * 60
    at = reasons["row"], reasons["feature"]
    errors = fitted.reconstruction_error(X, per_feature=True)
    np.testing.assert_array_equal(reasons["error"], errors[at])
    np.testing.assert_array_equal(reasons["observed"], X[at])
    np.testing.assert_array_equal(reasons["expected"], fitted.reconstruct(X)[at])
    np.testing.assert_array_equal(reasons["difference"], reasons["observed"] - reasons["expected"])
    per_row = reasons.groupby("row")
    np.testing.assert_allclose(per_row["share"].sum(), 1, rtol=1e-9)
    np.testing.assert_allclose(per_row["error"].mean(), fitted.reconstruction_error(X), rtol=1e-5)
    assert (per_row["error"].diff().fillna(0) <= 0).all()


@pytest.mark.parametrize("top", [1, 2, 5, 100, np.int64(3)])
def test_top_are_the_first_ones(top):
    X = numbers(60)
    fitted = model().fit(X)
    every = fitted.explain(X)
    pd.testing.assert_frame_equal(
        fitted.explain(X, top), every[every["rank"] <= top].reset_index(drop=True)
    )


def test_blocks_of_rows_change_nothing(monkeypatch):
    X = mixed()
    fitted = model().fit(X)
    whole = fitted.explain(X, top=3)
    monkeypatch.setattr("fastae._explaining._CELLS", 40)
    pd.testing.assert_frame_equal(fitted.explain(X, top=3), whole)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("constant", ["keep", "drop"])
def test_factors_and_times_in_their_own_units(loss, constant):
    X = mixed()
    fitted = model(categorical_loss=loss, constant_features=constant).fit(X)
    reasons = fitted.explain(X[:20])
    errors = fitted.reconstruction_error(X[:20], per_feature=True)
    made = fitted.reconstruct(X[:20])
    assert len(reasons) == errors.notna().sum().sum()
    for reason in reasons.itertuples():
        cell = reason.row, reason.feature
        assert reason.error == errors.loc[cell]
        assert reason.observed == X.loc[cell]
        expected = made.loc[cell]
        if reason.feature in ("sign", "size"):
            assert reason.expected == expected
            assert np.isnan(reason.difference)
        elif reason.feature == "day":
            assert abs(reason.expected - expected) < pd.Timedelta("1s")
            seconds = (reason.observed - reason.expected).total_seconds()
            assert reason.difference == pytest.approx(seconds, abs=1)
        else:
            assert reason.expected == expected
            assert reason.difference == pytest.approx(reason.observed - expected)
        assert reason.share == pytest.approx(reason.error / errors.loc[reason.row].sum())
    of_row = reasons.groupby("row")["feature"].apply(set)
    assert "x" not in of_row["row 1"]
    assert "sign" not in of_row["row 2"]
    assert ("same" in of_row["row 3"]) == (constant == "keep")


@pytest.mark.parametrize("kind", [pl.from_pandas, pa.Table.from_pandas])
def test_frames_of_other_libraries(kind):
    X = mixed().reset_index(drop=True)
    other = kind(X)
    expected, got = (model().fit(table).explain(table, top=2) for table in (X, other))
    assert got["feature"].tolist() == expected["feature"].tolist()
    assert [str(v) for v in got["observed"]] == [str(v) for v in expected["observed"]]
    np.testing.assert_allclose(got["difference"], expected["difference"], rtol=1e-4, atol=1)


def test_names_and_indices():
    X = numbers(50)
    named = pd.DataFrame(
        X, columns=list("abcde"), index=pd.date_range("2024", periods=50, tz="CET")
    )
    reasons = model().fit(named).explain(named, top=1)
    assert reasons["row"].tolist() == named.index.tolist()
    assert set(reasons["feature"]) <= set("abcde")
    several = named.set_index(pd.MultiIndex.from_product([range(5), list("0123456789")]))
    assert model().fit(named).explain(several[:2], top=1)["row"].tolist() == [(0, "0"), (0, "1")]
    unnamed = model().fit(X).explain(X, top=1)
    assert [list("abcde")[j] for j in unnamed["feature"]] == reasons["feature"].tolist()


def test_lists_of_rows_with_text():
    rows = [[1.0, "a"], [2.0, "b"], [1.0, "a"], [3.0, "b"]] * 10
    reasons = model().fit(rows).explain(rows[:2])
    assert sorted(reasons["feature"][:2]) == [0, 1]
    assert set(reasons["observed"]) == {1.0, "a", 2.0, "b"}


def test_sparse_rows_are_dense_ones():
    X = sparse.random(200, 30, 0.1, format="csr", random_state=0)
    fitted = model().fit(X)
    pd.testing.assert_frame_equal(fitted.explain(X, top=4), fitted.explain(X.toarray(), top=4))
    for name, array in fitted.explain(X, shape=30).items():
        np.testing.assert_allclose(array, fitted.explain(X.toarray(), shape=30)[name], rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"missing_indicator": True}, {"missing": "impute"}])
def test_arrays_of_the_rows_shape(options):
    X = np.pad(numbers(40), ((0, 0), (0, 1)))
    X[3, 2] = np.nan
    fitted = model(**options).fit(X)
    arrays = fitted.explain(X, shape=(2, 3))
    assert set(arrays) == {"share", "error", "observed", "expected", "difference"}
    assert {array.shape for array in arrays.values()} == {(40, 2, 3)}
    reasons = fitted.explain(X)
    for name, array in arrays.items():
        flat = array.reshape(40, 6)
        np.testing.assert_array_equal(flat[reasons["row"], reasons["feature"]], reasons[name])
        if not options.get("missing"):
            assert np.isnan(flat[3, 2])
            assert np.isnan(flat).sum() == 1
    assert fitted.explain(X, shape=6)["error"].shape == (40, 6)


def test_rows_without_error_have_no_shares():
    X = numbers(30)
    fitted = model(missing="ignore").fit(X)
    nothing = np.full((2, 5), np.nan)
    assert len(fitted.explain(nothing)) == 0
    fitted.coefs_[0][:] = fitted.coefs_[1][:] = 0
    fitted.intercepts_[1][:] = 0
    perfect = fitted.explain(fitted.shift_[np.newaxis])
    assert perfect["share"].tolist() == [0.0] * 5


def test_without_pandas_a_table_of_our_own(monkeypatch):
    X = numbers(30)
    fitted = model().fit(X)
    expected = fitted.explain(X, top=2)
    monkeypatch.setitem(sys.modules, "pandas", None)
    reasons = fitted.explain(X, top=2)
    assert isinstance(reasons, Table)
    for name in expected:
        np.testing.assert_array_equal(reasons[name], expected[name])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"top": 0}, "top must be None or a whole number >= 1, got 0"),
        ({"top": 1.5}, "top must be None or a whole number >= 1, got 1.5"),
        ({"top": 1, "shape": 5}, "give either top or shape"),
        ({"shape": (2, 3)}, r"shape must be that of 5 columns, got \(2, 3\)"),
        ({"shape": "wide"}, "shape must be None, a whole number >= 1 or a sequence of these"),
        ({"shape": (-1, -5)}, "shape must be None, a whole number >= 1 or a sequence of these"),
    ],
)
def test_wrong_arguments_are_named(given, message):
    X = numbers(30)
    with pytest.raises(ValueError, match=message):
        model().fit(X).explain(X, **given)


def test_what_has_no_arrays_or_no_columns_of_its_own():
    X = mixed()
    fitted = model().fit(X)
    with pytest.raises(TypeError, match="shape is for tables of numbers"):
        fitted.explain(X, shape=6)
    with pytest.raises(TypeError, match="give other methods its batches"):
        fitted.explain(scan(X))
    taken = Autoencoder._assembled(
        coefs=[np.eye(3)], intercepts=[np.zeros(3)], shift=np.zeros(3), scale=np.ones(3),
        encoder=SimpleNamespace(n_columns=2),
    )  # fmt: skip
    with pytest.raises(TypeError, match="taken over from H2O with factors"):
        taken.explain(numbers(3))


# A cell beyond the training rows' range, by as much as that is wide.
@pytest.mark.real_data
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["satimage-2", "Waveform", "WDBC", "landsat", "Pima"])
def test_the_column_of_a_planted_value_is_the_first_reason(name, seed):
    (path,) = (Path(os.environ["FASTAE_DATA"]) / "adbench").glob(f"*_{name}.npz")
    with np.load(path) as file:
        X = file["X"][file["y"].ravel() == 0]
    rng = np.random.default_rng(seed)
    X = X[rng.permutation(len(X))[:2000]]
    train, test = np.split(X, [int(0.7 * len(X))])
    fitted = Autoencoder(max_epochs=30, random_state=seed).fit(train)
    columns = np.setdiff1d(np.arange(X.shape[1]), fitted.constant_features_)
    rows, chosen = test[rng.integers(len(test), size=100)], rng.choice(columns, 100)
    low, high = train.min(axis=0)[chosen], train.max(axis=0)[chosen]
    up = rng.random(100) < 0.5
    rows[np.arange(100), chosen] = np.where(up, 2 * high - low, 2 * low - high)
    reasons = fitted.explain(rows, top=1)
    assert (reasons["feature"] == chosen).sum() >= 95
    named = reasons[reasons["feature"] == chosen]
    assert ((named["difference"] > 0) == up[named["row"]]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errors_that_overflow_have_shares(dtype):
    X = np.random.default_rng(0).normal(size=(100, 4)).astype(dtype)
    model = Autoencoder(scaling="standard", max_epochs=3, random_state=0).fit(X)
    odd = X[:2].copy()
    odd[1, 2] = 1e30 if dtype == np.float32 else 1e160
    reasons = model.explain(odd)
    assert reasons.groupby("row")["share"].sum().to_numpy() == pytest.approx(1)
    assert reasons[reasons["row"] == 1].iloc[0][["feature", "share"]].tolist() == [2, 1.0]
    np.testing.assert_allclose(model.explain(odd, shape=4)["share"].sum(axis=1), 1)


def test_arrays_are_float64():
    X = np.random.default_rng(0).integers(0, 255, (50, 4)).astype(np.uint8)
    arrays = Autoencoder(max_epochs=1, random_state=0).fit(X).explain(X, shape=(2, 2))
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float64)}
