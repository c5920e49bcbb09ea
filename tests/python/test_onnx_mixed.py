"""Graphs over tables with factors, dates and missing cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fastae import Autoencoder
from onnxruns import assert_same_outputs, inputs_of, run, session

GOLDEN = Path(__file__).parent / "golden"


def mixed(n=300, seed=0, *, gaps=True):
    """Return a frame of every kind of column."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    frame = pd.DataFrame({
        "size (mm)": a,
        "colour": np.array(["red", "green", "blue"], dtype=object)[np.digitize(a, [-0.5, 0.5])],
        "when": pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 10**7, n), "s"),
        "kind": pd.Categorical(np.where(a > 0, "pos", "neg"), categories=["pos", "neg", "none"]),
        "code": rng.integers(0, 5, n),
        "took": pd.to_timedelta(rng.exponential(100, n).round(3), "s"),
        "label": 2 * a + 0.1 * rng.normal(size=n),
        "ok": a > 0.2,
        "town": np.array([f"town {i}" for i in rng.integers(0, 40, n)], dtype=object),
    })  # fmt: skip
    if gaps:
        for j, name in enumerate(["size (mm)", "colour", "when", "kind", "took", "label"]):
            frame.loc[rng.random(n) < 0.1, name] = None
            frame.loc[7 + j, name] = None
        frame.loc[3, ["size (mm)", "colour", "when", "kind", "took", "label", "town"]] = None
    return frame


def strange(frame):
    """Return the rows with levels that were not there before."""
    frame = frame.copy()
    frame.loc[10:14, "colour"], frame.loc[12:20, "town"] = "purple", "elsewhere"
    frame["code"] = frame["code"] + 3
    frame["kind"] = frame["kind"].astype(object)
    frame.loc[15:18, "kind"] = "other"
    return frame


def fitted(X, **options):
    defaults = {
        "hidden_layer_sizes": (6, 3), "max_epochs": 5, "random_state": 0,
        "categorical_features": ["code", "ok"],
    }  # fmt: skip
    return Autoencoder(**{**defaults, **options}).fit(X)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("options", [
    {},
    {"missing": "impute"},
    {"missing_indicator": True},
    {"max_categories": 4},
    {"max_categories": 4, "missing": "impute"},
    {"output_activation": "tanh", "activation": "relu"},
    {"constant_features": "drop", "hidden_layer_sizes": 4},
], ids=str)  # fmt: skip
def test_every_kind_of_column(options, loss):
    X = mixed()
    model = fitted(X, categorical_loss=loss, **options)
    assert_same_outputs(model, X, seconds=1e-5)
    assert_same_outputs(model, strange(X), seconds=1e-5)


def test_without_missing_values():
    X = mixed(gaps=False)
    model = fitted(X, missing="error")
    assert_same_outputs(model, X, seconds=1e-5)


def test_unknown_levels_lead_where_the_schema_says():
    X = mixed(gaps=False)
    model = fitted(X, max_categories=3)
    proto = model.to_onnx(outputs=["errors"])
    changed = X.copy()
    changed["town"] = "nowhere"
    errors = run(proto, changed)["errors"]
    assert np.isfinite(errors[:, 8]).all()  # "(other)" is a level
    changed["colour"] = "purple"
    errors = run(fitted(X).to_onnx(outputs=["errors"]), changed)["errors"]
    assert np.isnan(errors[:, [1, 8]]).all()


def test_float32():
    X = mixed().drop(columns=["code"])
    X["size (mm)"], X["label"] = X["size (mm)"].astype("f4"), X["label"].astype("f4")
    model = fitted(X, categorical_features=["ok"])
    outputs = assert_same_outputs(model, X, tolerance=1e-5, seconds=30, dtype="float32")
    assert outputs["score"].dtype == outputs["errors"].dtype == np.float32
    assert outputs["reconstruction"].dtype == np.float64  # it has times


def test_names_and_types_of_inputs():
    proto = fitted(mixed()).to_onnx()
    types = {value.name: value.type for value in session(proto).get_inputs()}
    assert types == {
        "size__mm_": "tensor(double)", "colour": "tensor(string)", "when": "tensor(double)",
        "kind": "tensor(string)", "code": "tensor(double)", "took": "tensor(double)",
        "label_1": "tensor(double)", "ok": "tensor(double)", "town": "tensor(string)",
    }  # fmt: skip
    about = inputs_of(proto)
    assert [entry["columns"][0] for entry in about] == list(mixed().columns)
    assert about[2]["holds"] == "seconds since 1970-01-01 00:00 UTC"
    assert about[1]["missing"] == "'' where missing"


@pytest.mark.parametrize("convert", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_other_frames(convert):
    X = mixed()
    model = fitted(convert(X))
    outputs = run(model.to_onnx(), X)
    given = convert(strange(X).astype({"kind": "category"}))
    later = run(model.to_onnx(), strange(X))
    for table, found in ((convert(X), outputs), (given, later)):
        np.testing.assert_allclose(found["score"], model.score_samples(table), rtol=1e-9)
        np.testing.assert_allclose(found["codes"], model.transform(table), rtol=1e-9, atol=1e-12)


def test_tables_of_numbers_in_other_frames_are_one_input():
    X = mixed()[["size (mm)", "label", "code"]].dropna()
    frame = pl.from_pandas(X)
    model = fitted(frame, categorical_features="from_dtype")
    outputs = run(model.to_onnx(), X.to_numpy())
    np.testing.assert_allclose(outputs["score"], model.score_samples(frame), rtol=1e-9)
    np.testing.assert_allclose(outputs["reconstruction"], model.reconstruct(frame), rtol=1e-9)
    arrow = fitted(pa.Table.from_pandas(X, preserve_index=False), categorical_features="from_dtype")
    outputs = run(arrow.to_onnx(), X.to_numpy())
    np.testing.assert_allclose(outputs["score"], model.score_samples(frame), rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"missing_indicator": True}], ids=str)
def test_times_without_factors(options):
    X = mixed()[["when", "label", "took"]]
    model = fitted(X, categorical_features="from_dtype", **options)
    assert_same_outputs(model, X, seconds=1e-5)


def test_arrays_without_names():
    X = mixed(gaps=False)[["colour", "label", "size (mm)"]].to_numpy(dtype=object)
    model = fitted(X, categorical_features="from_dtype")
    assert_same_outputs(model, X)
    numbers = mixed(gaps=False)[["code", "label", "size (mm)"]].to_numpy()
    assert_same_outputs(fitted(numbers, categorical_features=[0]), numbers)


def test_factors_only():
    X = mixed()[["colour", "town", "ok"]]
    model = fitted(X, categorical_features=["ok"])
    # The estimator itself computes in float32 where there are no numbers.
    outputs = assert_same_outputs(model, X, tolerance=1e-5)
    assert "reconstruction" not in outputs


def test_all_numbers_dropped():
    X = mixed()[["colour", "size (mm)", "town"]].assign(**{"size (mm)": 4.0})
    model = fitted(X, categorical_features="from_dtype", constant_features="drop")
    outputs = assert_same_outputs(model, X)
    assert (outputs["reconstruction"] == 4.0).all()
    assert np.isnan(outputs["errors"][:, 1]).all()


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_a_factor_without_levels(loss):
    X = mixed()[["label", "colour", "town"]]
    X["colour"] = pd.Categorical([None] * len(X), categories=[])
    assert_same_outputs(fitted(X, categorical_features="from_dtype", categorical_loss=loss), X)


def test_empty_text_as_a_level():
    X = mixed()[["label", "colour"]]
    X.loc[X["colour"] == "red", "colour"] = ""
    model = fitted(X, categorical_features="from_dtype", missing="impute")
    assert inputs_of(model.to_onnx())[1]["missing"] == "'(missing)' where missing"
    assert_same_outputs(model, X)


def test_whole_numbers_that_no_float_holds():
    X = mixed(gaps=False)[["label", "code"]]
    X["code"] = X["code"].astype("Int64") + 2**60
    X.loc[5, "code"] = pd.NA
    model = fitted(X, categorical_features=["code"], missing="impute")
    proto = model.to_onnx()
    assert session(proto).get_inputs()[1].type == "tensor(int64)"
    assert len(model._schema.factors[0].levels) == 6
    assert_same_outputs(model, X)


def test_levels_with_gaps_and_fractions():
    X = mixed(gaps=False)[["label", "code"]].astype({"code": float})
    X["code"] /= 3
    X.loc[[4, 9], "code"] = np.nan
    for missing in ("ignore", "impute"):
        assert_same_outputs(fitted(X, categorical_features=["code"], missing=missing), X)


def test_many_levels():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": rng.integers(0, 3000, 6000).astype(str), "x": rng.normal(size=6000)})
    model = fitted(X, categorical_features="from_dtype", max_epochs=1, hidden_layer_sizes=5)
    assert_same_outputs(model, X)


def test_golden_table():
    X = pd.read_csv(GOLDEN / "mixed_train.csv")
    held = pd.read_csv(GOLDEN / "mixed_test.csv")
    model = Autoencoder(random_state=0, max_epochs=10).fit(X)
    assert_same_outputs(model, held)
