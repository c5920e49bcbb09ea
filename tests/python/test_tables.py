"""Tables with factors in every library: the same bits, and results of the kind that was given."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context

from fastae import AutoencoderClassifier
from fits import assert_same_fit
from tables import COLOURS, FACTORS, NUMBERS, cells, frames, mixed, model

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

KINDS = list(frames(mixed(20)))
# Codes of these come in frames whatever the kind of the rows.
CONTAINERS = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


@pytest.fixture(scope="module", name="frame")
def table_of_pandas():
    return mixed()


@pytest.fixture(scope="module", name="fitted")
def fitted_on_pandas(frame):
    return model().fit(frame)


@pytest.mark.parametrize("kind", KINDS)
def test_libraries_give_the_same_bits(kind, frame, fitted):
    X = frames(frame)[kind]
    other = model().fit(X)
    assert_same_fit(other, fitted)
    np.testing.assert_array_equal(other.score_samples(X), fitted.score_samples(frame))
    np.testing.assert_array_equal(other.transform(X), fitted.transform(frame))
    assert (other._schema.state()["factors"]) == (fitted._schema.state()["factors"])


@pytest.mark.parametrize("kind", KINDS)
def test_scoring_reads_any_library(kind, frame, fitted):
    X = frames(frame)[kind]
    with warnings.catch_warnings():
        if isinstance(X, np.ndarray):  # scikit-learn's word on arrays for named columns
            warnings.filterwarnings("ignore", "X does not have valid feature names")
        np.testing.assert_array_equal(fitted.score_samples(X), fitted.score_samples(frame))


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_of_the_kind_given(kind, frame, fitted):
    X = frames(frame)[kind]
    other = model().fit(X)
    back, errors = other.reconstruct(X), other.reconstruction_error(X, per_feature=True)
    assert type(back) is type(X)
    assert type(errors) is type(X)
    expected, expected_errors = fitted.reconstruct(frame), _errors(fitted, frame)
    np.testing.assert_array_equal(cells(errors).to_numpy(dtype=float), expected_errors)
    rows, theirs = cells(back), cells(expected)
    if not isinstance(X, np.ndarray):
        assert list(rows.columns) == list(cells(errors).columns) == list(frame.columns)
    for j, name in enumerate(frame.columns):
        mine, its = rows.iloc[:, j], theirs[name]
        if name in FACTORS:
            assert mine.astype(str).tolist() == its.astype(str).tolist()
        else:
            np.testing.assert_array_equal(mine.astype(float), its)
    if isinstance(X, pd.DataFrame):
        assert back.index.equals(X.index)
        assert errors.index.equals(X.index)
        for name in FACTORS:
            assert back[name].dtype == X[name].dtype


def _errors(fitted, X):
    return fitted.reconstruction_error(X, per_feature=True).to_numpy(dtype=float)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", sorted(CONTAINERS))
def test_codes_follow_set_output(how, kind, frame):
    X = frames(frame)[kind]
    plain = model().fit(X)
    wrapped = model().set_output(transform=how).fit(X)
    for layer, names in (
        (None, [f"autoencoder_layer0_{i}" for i in range(4)]),
        ("transform", [f"autoencoder{i}" for i in range(4)]),
    ):
        made = wrapped.transform(X) if layer else wrapped.deep_features(X)
        assert isinstance(made, CONTAINERS[how])
        assert list(made.columns) == names
        np.testing.assert_array_equal(made.to_numpy(), plain.transform(X))
        if how == "pandas" and isinstance(X, pd.DataFrame):
            assert made.index.equals(X.index)
        elif how == "pandas":
            assert made.index.equals(pd.RangeIndex(len(frame)))
    # A frame of codes goes back as well.
    again = wrapped.inverse_transform(wrapped.transform(X))
    assert type(again) is (pa.Table if isinstance(X, pa.RecordBatch) else type(X))


def test_names_of_deep_features(frame):
    deep = model(hidden_layer_sizes=(5, 2, 3)).set_output(transform="pandas").fit(frame)
    for layer, (number, width) in {0: (0, 5), 1: (1, 2), -1: (2, 3), None: (1, 2)}.items():
        names = [f"autoencoder_layer{number}_{unit}" for unit in range(width)]
        assert deep.deep_features(frame, layer=layer).columns.tolist() == names
    side_by_side = pd.concat([deep.deep_features(frame, k) for k in range(3)], axis=1)
    assert side_by_side.columns.is_unique
    assert side_by_side.index.equals(frame.index)


def test_deep_features_without_set_output(frame, fitted):
    assert isinstance(fitted.deep_features(frame), np.ndarray)
    y = np.arange(len(frame)) % 2
    network = AutoencoderClassifier(hidden_layer_sizes=3, max_epochs=1, random_state=0)
    network.fit(frame, y)
    assert isinstance(network.deep_features(frame), np.ndarray)
    with config_context(transform_output="pandas"):
        made = network.deep_features(frame)
    assert made.columns.tolist() == [f"autoencoderclassifier_layer0_{i}" for i in range(3)]
    assert made.index.equals(frame.index)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scaling", ["auto", "range", "standard", "none"])
def test_tables_of_factors_alone(kind, scaling, frame):
    X = frames(frame[FACTORS])[kind]
    made, same = model(scaling=scaling).fit(X), model().fit(frame[FACTORS])
    np.testing.assert_array_equal(made.score_samples(X), same.score_samples(frame[FACTORS]))
    assert made.shift_.size == 0
    assert cells(made.reconstruct(X)).iloc[:, 0].isin(COLOURS).all()
    again = model(scaling=scaling).partial_fit(X).partial_fit(X)
    assert np.isfinite(again.score(X))


def test_arrow_tables_of_numbers_alone(frame):
    numbers = frame[["x", "y"]]
    X = pa.Table.from_pandas(numbers, preserve_index=False)
    made, same = model().fit(X), model().fit(numbers)
    assert_same_fit(made, same)
    np.testing.assert_array_equal(made.score_samples(X), same.score_samples(numbers))
    for back in (made.reconstruct(X), made.inverse_transform(made.transform(X))):
        assert isinstance(back, pa.Table)
        assert back.column_names == ["x", "y"]
    for later in (X, X.to_batches()[0]):
        made.partial_fit(later)
    np.testing.assert_array_equal(
        made.feature_importances(X), made.feature_importances(made._read(X))
    )


def test_dates_are_numbers_that_come_back_as_dates():
    n = 120
    hours = np.arange(n)
    X = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=n, freq="h", tz="Europe/Rome"),
            "day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(h)) for h in hours],
            "took": pd.to_timedelta(60 - hours / 2, "min"),
            "kind": np.where(hours < 60, "early", "late"),
        }
    )
    X.loc[3, "when"] = pd.NaT
    fitted = model(max_epochs=60).fit(X)
    back = fitted.reconstruct(X)
    assert back["when"].dtype == X["when"].dtype
    assert back["took"].dtype == X["took"].dtype
    assert (back["kind"] == X["kind"]).mean() > 0.95
    near = (back["when"] - X["when"]).dropna().abs()
    assert near.median() < pd.Timedelta(hours=n / 6)
    assert np.isnan(fitted.reconstruction_error(X, per_feature=True).loc[3, "when"])
    same = pl.from_pandas(X)
    np.testing.assert_array_equal(
        model(max_epochs=60).fit(same).score_samples(same), fitted.score_samples(X)
    )
    odd = X.assign(when=X["when"] + pd.Timedelta(days=60))
    assert fitted.score(odd) < 2 * fitted.score(X)


def test_dates_alone():
    X = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=60, freq="D"), "n": range(60)})
    fitted = model(hidden_layer_sizes=1, max_epochs=60).fit(X)
    back = fitted.reconstruct(X)
    assert back["when"].dtype == X["when"].dtype
    assert ((back["when"] - X["when"]).abs() < pd.Timedelta(days=30)).mean() > 0.8


@pytest.mark.parametrize(
    "types",
    [
        {"x": "Float64", "y": "Float64", "flag": "boolean"},
        {"x": "double[pyarrow]", "y": "double[pyarrow]", "flag": "bool[pyarrow]"},
    ],
)
@pytest.mark.parametrize("columns", [NUMBERS, [*NUMBERS, *FACTORS]])
def test_nullable_columns(types, columns, frame, fitted):
    plain = frame[columns]
    X = plain.astype(types)
    made, same = model().fit(X), model().fit(plain)
    assert_same_fit(made, same)
    np.testing.assert_array_equal(made.score_samples(X), same.score_samples(plain))
    errors = made.reconstruction_error(X, per_feature=True)
    np.testing.assert_array_equal(errors["x"].isna(), plain["x"].isna())


def test_missing_truth_values(frame):
    X = frame.assign(flag=frame["flag"].astype("boolean"))
    X.iloc[7, X.columns.get_loc("flag")] = pd.NA
    errors = model().fit(X).reconstruction_error(X, per_feature=True)
    assert np.isnan(errors["flag"].iloc[7])
    assert errors["flag"].notna().sum() == len(X) - 1


def test_truth_values_named_as_categorical(frame):
    fitted = model(categorical_features=["flag"]).fit(frame)
    back = fitted.reconstruct(frame)
    assert back["flag"].dtype == bool
    assert fitted.coefs_[-1].shape[1] == 2 + 3 + 4 + 2 + 2


def test_categorical_features_of_arrays(frame):
    numbers = frame[["x", "y"]].to_numpy()
    group = frame["colour"].cat.codes.to_numpy().astype(float)
    X = np.column_stack([numbers, np.where(group < 0, np.nan, group)])
    made = model(categorical_features=[2]).fit(X)
    for same in ([False, False, True], np.array([2])):
        assert_same_fit(model(categorical_features=same).fit(X), made)
    text = frame[["x", "y", "colour"]]
    np.testing.assert_array_equal(made.score_samples(X), model().fit(text).score_samples(text))
    back = made.reconstruct(X)
    assert back.dtype == np.float64
    assert set(back[:, 2]) <= {0.0, 1.0, 2.0}
    named = text.assign(colour=X[:, 2])
    assert_same_fit(model(categorical_features=["colour"]).fit(named), made)
