"""What holds for estimators over every table."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastae import Autoencoder
from tables import cells

pl = pytest.importorskip("polars")

quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00("), max_size=3)
texts = st.one_of(st.sampled_from(["a", "b", "c"]), words)
CELLS = {
    "float": st.floats(-1e6, 1e6, width=32),
    "int": st.integers(-(2**31), 2**31),
    "bool": st.booleans(),
    "text": texts,
    "category": texts,
    "time": st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2040, 1, 1)),
}
PANDAS = {
    "float": ("float64", "Float64", "float32"),
    "int": ("Int64", "float64"),
    "bool": ("boolean",),
    "text": ("str", "string", object),
    "category": ("category",),
    "time": ("datetime64[us]",),
}
POLARS = {
    "float": pl.Float64,
    "int": pl.Int64,
    "bool": pl.Boolean,
    "text": pl.String,
    "category": pl.Categorical,
    "time": pl.Datetime("us"),
}
FACTORS = ("text", "category")
OURS = (
    "No column of X has a value",
    "for missing='ignore'",
    "Every column of X is constant",
)


@st.composite
def tables(draw):
    """Columns of random kinds in a frame of pandas or polars: their kinds, and the frame."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    n = draw(st.integers(2, 12))
    columns = [draw(st.lists(st.none() | CELLS[kind], min_size=n, max_size=n)) for kind in kinds]
    names = draw(st.lists(words, min_size=len(kinds), max_size=len(kinds), unique=True))
    if draw(st.booleans()):
        made = zip(names, columns, kinds, strict=True)
        return kinds, pl.DataFrame([pl.Series(name, v, dtype=POLARS[k]) for name, v, k in made])
    series = [
        pd.Series(values, dtype=draw(st.sampled_from(PANDAS[kind])))
        for kind, values in zip(kinds, columns, strict=True)
    ]
    frame = pd.concat(series, axis=1)
    frame.columns = names
    frame.index = draw(st.permutations(range(100, 100 + n)))
    return kinds, frame


parameters = st.fixed_dictionaries(
    {
        "missing": st.sampled_from(["ignore", "impute"]),
        "categorical_loss": st.sampled_from(["cross_entropy", "squared_error"]),
        "scaling": st.sampled_from(["auto", "range", "standard", "robust"]),
        "max_categories": st.sampled_from([2, 3, 100]),
        "constant_features": st.sampled_from(["keep", "drop"]),
        "missing_indicator": st.booleans(),
        "max_epochs": st.sampled_from([1, 2]),
        "batch_size": st.sampled_from([1, 4, "auto"]),
    }
)


def fitted(X, chosen):
    """Return a fitted model; None if the table and the parameters are rightly refused."""
    model = Autoencoder(hidden_layer_sizes=2, random_state=0, n_jobs=1, **chosen)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return model.fit(X)
    except ValueError as error:
        assert any(words in str(error) for words in OURS), error  # noqa: PT017
        return None


def rows_of(X, rows):
    return X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]


@quick
@given(table=tables(), chosen=parameters, data=st.data())
def test_scores_of_every_table(table, chosen, data):
    _, X = table
    model = fitted(X, chosen)
    if model is None:
        return
    errors = model.reconstruction_error(X)
    assert errors.shape == (len(X),)
    assert np.isfinite(errors).all()
    assert (errors >= 0).all()
    np.testing.assert_array_equal(model.score_samples(X), -errors)
    assert np.isfinite(model.transform(X)).all()
    rows = data.draw(st.lists(st.sampled_from(range(len(X))), min_size=1, max_size=6))
    np.testing.assert_array_equal(model.reconstruction_error(rows_of(X, rows)), errors[rows])


@quick
@given(table=tables(), chosen=parameters)
def test_errors_of_rows_are_means_over_columns(table, chosen):
    _, X = table
    model = fitted(X, chosen)
    if model is None:
        return
    made = model.reconstruction_error(X, per_feature=True)
    assert type(made) is type(X)
    assert list(made.columns) == list(X.columns)
    errors = cells(made).to_numpy(dtype=float)
    known = ~np.isnan(errors)
    if chosen["missing"] == "ignore":
        assert not known[cells(X).isna().to_numpy()].any()
    weights = np.ones(len(X.columns))
    if model._schema is not None and chosen["categorical_loss"] == "squared_error":
        for factor in model._schema.factors:
            weights[factor.column] = len(factor.levels)
    counts = (known * weights).sum(axis=1)
    expected = np.nansum(errors, axis=1) / np.where(counts == 0, 1, counts)
    np.testing.assert_allclose(model.reconstruction_error(X), expected, rtol=1e-5, atol=1e-9)


@quick
@given(table=tables(), chosen=parameters)
def test_reconstructions_are_like_the_table(table, chosen):
    kinds, X = table
    model = fitted(X, chosen)
    if model is None:
        return
    back, decoded = model.reconstruct(X), model.inverse_transform(model.transform(X))
    assert decoded.shape == X.shape
    # Codes do not say what they came from: of numbers alone, arrays are made.
    assert type(decoded) is (np.ndarray if model._schema is None else type(X))
    assert type(back) is type(X)
    assert list(back.columns) == list(X.columns)
    assert len(back) == len(X)
    if isinstance(X, pd.DataFrame):
        assert back.index.equals(X.index)
    given_cells, made = cells(X), cells(back)
    for j, kind in enumerate(kinds):
        values, its = given_cells.iloc[:, j].dropna(), made.iloc[:, j]
        if values.empty:
            assert its.isna().all()
        elif kind in FACTORS:
            seen = {*values, "(other)"} if chosen["max_categories"] < 100 else {*values}
            assert set(its.dropna()) <= seen
            if chosen["missing"] == "ignore":
                assert its.notna().all()
        else:
            assert its.notna().all()
