"""Tables that are not what `fit` saw, or that cannot be read: one clear sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import IsolationForest
from sklearn.preprocessing import StandardScaler

from fastae import Autoencoder, AutoencoderClassifier
from fits import assert_unchanged, snapshot
from tables import FACTORS, frames, mixed, model

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


@pytest.fixture(scope="module", name="frame")
def table_of_pandas():
    return mixed()


@pytest.fixture(scope="module", name="fitted")
def fitted_on_pandas(frame):
    return model().fit(frame)


def message(method, X):
    with pytest.raises(ValueError, match=r".+") as caught:
        method(X)
    return str(caught.value)


CHANGES = {
    "reversed": lambda X: X[X.columns[::-1]],
    "missing": lambda X: X.drop(columns="y"),
    "more": lambda X: X.assign(new=1.0),
    "renamed": lambda X: X.rename(columns={"x": "z"}),
}


@pytest.mark.parametrize("library", [pd.DataFrame, pl.from_pandas])
@pytest.mark.parametrize("change", CHANGES)
def test_other_columns_are_scikit_learns_errors(change, library, frame, fitted):
    numbers = pd.DataFrame(np.ones((9, 6)), columns=frame.columns)
    theirs = StandardScaler().fit(library(numbers))
    forest = IsolationForest(n_estimators=2, random_state=0).fit(numbers)
    expected = message(theirs.transform, library(CHANGES[change](numbers)))
    assert expected == message(forest.score_samples, CHANGES[change](numbers))
    X = library(CHANGES[change](frame))
    for name in ("score_samples", "transform", "reconstruct", "predict", "deep_features"):
        assert message(getattr(fitted, name), X) == expected


@pytest.mark.parametrize("change", CHANGES)
def test_later_rows_have_the_same_columns(change, frame):
    stream = model().partial_fit(frame)
    before = snapshot(stream)
    assert "feature names should match" in message(stream.partial_fit, CHANGES[change](frame))
    assert_unchanged(stream, before)


def test_names_of_arrow_tables(frame):
    X = frames(frame)["arrow"]
    fitted = model().fit(X)
    assert fitted.feature_names_in_.tolist() == list(frame.columns)
    assert "in the same order" in message(fitted.score_samples, X.select(X.column_names[::-1]))


def test_number_of_columns_of_arrays(frame):
    X = frames(frame)["objects"]
    fitted = model().fit(X)
    expected = r"^X has 3 features, but Autoencoder is expecting 6 features as input\.$"
    with pytest.raises(ValueError, match=expected):
        fitted.score_samples(X[:, :3])


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("x", "a", r"Column 1 \('x'\) holds text or categories \(str\), but numbers in training"),
        ("x", "1.5", r"Column 1 \('x'\) holds text or categories \(str\), but numbers in training"),
        ("kind", 1.5, r"Column 4 \('kind'\) holds numbers \(float64\), but its categories were te"),
        ("y", np.inf, r"Input X contains infinity in row 0, column 3 \('y'\)"),
    ],
)
def test_columns_of_another_kind(column, value, sentence, frame, fitted):
    with pytest.raises(ValueError, match=sentence):
        fitted.score_samples(frame.assign(**{column: value}))
    with pytest.raises(ValueError, match=sentence):
        model().partial_fit(frame).partial_fit(frame.assign(**{column: value}))


@pytest.mark.parametrize("name", ["x", "y"])
def test_infinity(name, frame):
    X = frame.copy()
    X.loc[X.index[17], name] = -np.inf
    column = X.columns.get_loc(name)
    with pytest.raises(ValueError, match=rf"infinity in row 17, column {column} \('{name}'\)"):
        model().fit(X)


def test_mixtures_of_text_and_numbers(frame):
    X = frame.assign(x=frame["x"].astype(object))
    X.iloc[8, 1] = "many"
    with pytest.raises(ValueError, match=r"Column 1 \('x'\) holds values of different kinds: .* r"):
        model().fit(X)


@pytest.mark.parametrize(
    ("X", "what"),
    [
        (pd.DataFrame({"a": ["u", "v"], "b": [[1], [2]]}), "list in row 0"),
        (pl.DataFrame({"a": ["u", "v"], "b": [[1], [2]]}), r"List\(Int64\)"),
        (pa.table({"a": ["u", "v"], "b": [{"c": 1}, {"c": 2}]}), "struct<c: int64>"),
        (pl.DataFrame({"a": ["u", "v"], "b": [b"c", b"d"]}), "Binary"),
        (pd.DataFrame({"a": ["u", "v"], "b": [1j, 2j]}), "complex128"),
    ],
)
def test_columns_that_cannot_be_read(X, what):
    with pytest.raises(TypeError, match=rf"^Column 1 \('b'\) holds {what}: only numbers, truth va"):
        Autoencoder().fit(X)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_w2": 1.0}, r"^max_w2 is not there for columns of categories: set max_w2=None\.$"),
        ({"pretraining": "stacked"}, "^pretraining is not there for columns of categories"),
        ({"hidden_layer_sizes": ()}, "at least one layer for columns of categories"),
        ({"missing": "impute", "missing_indicator": True}, "missing_indicator is for missing='ig"),
        ({"max_categories": 1}, "max_categories must be a whole number >= 2, got 1"),
        ({"categorical_loss": "hinge"}, "categorical_loss must be one of 'cross_entropy', 'squar"),
        ({"categorical_features": "x"}, r"got 'x'; for one column write \['x'\]"),
        ({"categorical_features": [6]}, "positions from 0 to 5, got 6"),
        ({"categorical_features": ["z"]}, "names 'z', but the table has no column of that name"),
        ({"categorical_features": [True]}, "one truth value for each of the 6 columns"),
    ],
)
def test_parameters_that_do_not_suit_factors(options, sentence, frame):
    with pytest.raises(ValueError, match=sentence):
        model(**options).fit(frame)


def test_words_for_categorical_features_where_there_are_only_numbers(frame):
    with pytest.raises(ValueError, match=r"got 'x'; for one column write \['x'\]"):
        model(categorical_features="x").fit(frame[["x", "y"]])


def test_sparse_tables_and_factors(fitted):
    X = sparse.csr_matrix(np.eye(6))
    with pytest.raises(TypeError, match="X is sparse, but fit saw a table with categories"):
        fitted.score_samples(X)
    with pytest.raises(ValueError, match="categorical_features names columns, but X is sparse"):
        model(categorical_features=[0]).fit(X)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.from_pandas])
def test_no_rows(library, frame, fitted):
    sentence = r"Found array with 0 sample\(s\) \(shape=\(0, 6\)\) while a minimum of 1 is required"
    with pytest.raises(ValueError, match=sentence):
        fitted.score_samples(library(frame[:0]))
    with pytest.raises(ValueError, match=sentence):
        model().fit(library(frame[:0]))


def test_columns_of_the_autoencoder_below(frame, fitted):
    y = np.arange(len(frame)) % 2
    above = AutoencoderClassifier(fitted, max_epochs=1, random_state=0)
    sentence = "Column 0 of X is 'flag', but 'colour' in the table that the autoencoder was trained"
    with pytest.raises(ValueError, match=sentence):
        above.fit(frame[frame.columns[::-1]], y)
    with pytest.raises(ValueError, match="X has 3 columns, but the autoencoder was trained on 6"):
        above.fit(frame[FACTORS], y)


def test_errors_leave_the_model_as_it_was(frame):
    fitted = model().fit(frame)
    before = snapshot(fitted)
    with pytest.raises(TypeError):
        fitted.fit(frame.assign(x=[[1]] * len(frame)))
    assert_unchanged(fitted, before)
