"""Properties of schemas that hold for every table."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastae._schema import Schema, SchemaLearner

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

# No "(other)", which rare levels would be mixed up with when cells are compared.
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00("), max_size=4)
CELLS = {
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "int": st.integers(-(2**40), 2**40),
    "bool": st.booleans(),
    "text": st.one_of(st.sampled_from(["a", "b", "c"]), words),
    "category": st.one_of(st.sampled_from(["x", "y"]), words),
    "time": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),
    "span": st.timedeltas(dt.timedelta(-10_000), dt.timedelta(10_000)),
}
PANDAS = {
    "float": ("float64", "Float64", object, "double[pyarrow]"),
    "int": ("Int64", object, "int64[pyarrow]"),
    "bool": ("boolean", object, "bool[pyarrow]"),
    "text": ("str", "string", object, "string[pyarrow]"),
    "category": ("category",),
    "time": ("datetime64[us]", object, pd.ArrowDtype(pa.timestamp("us"))),
    "span": ("timedelta64[us]", object, pd.ArrowDtype(pa.duration("us"))),
}
POLARS = {
    "float": pl.Float64,
    "int": pl.Int64,
    "bool": pl.Boolean,
    "text": pl.String,
    "category": pl.Categorical,
    "time": pl.Datetime("us"),
    "span": pl.Duration("us"),
}
ARROW = {
    "float": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "category": pa.dictionary(pa.int32(), pa.string()),
    "time": pa.timestamp("us"),
    "span": pa.duration("us"),
}


@st.composite
def tables(draw, max_rows=12):
    """Columns of random kinds, in a table of a random library; kinds and cells."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=6))
    n = draw(st.integers(0, max_rows))
    columns = [draw(st.lists(st.none() | CELLS[kind], min_size=n, max_size=n)) for kind in kinds]
    names = draw(st.lists(words, min_size=len(kinds), max_size=len(kinds), unique=True))
    make = draw(st.sampled_from([_pandas, _polars, _arrow, _array]))
    return kinds, columns, make(draw, kinds, names, columns)


def _pandas(draw, kinds, names, columns):
    series = []
    for kind, values in zip(kinds, columns, strict=True):
        dtype = draw(st.sampled_from(PANDAS[kind]))
        if kind == "category":  # in any order, with some that do not occur
            known = sorted({v for v in values if v is not None} | {"unused", "x"})
            dtype = pd.CategoricalDtype(draw(st.permutations(known)))
        series.append(pd.Series(values, dtype=dtype))
    frame = pd.concat(series, axis=1)
    frame.columns = names
    frame.index = draw(st.permutations(range(len(frame))))
    return frame


def _polars(draw, kinds, names, columns):
    made = zip(names, columns, kinds, strict=True)
    return pl.DataFrame([pl.Series(name, v, dtype=POLARS[kind]) for name, v, kind in made])


def _arrow(draw, kinds, names, columns):
    arrays = [pa.array(v, ARROW[kind]) for v, kind in zip(columns, kinds, strict=True)]
    return pa.Table.from_arrays(arrays, names)


def _array(draw, kinds, names, columns):
    table = np.empty((len(columns[0]), len(kinds)), dtype=object)
    for j, values in enumerate(columns):
        table[:, j] = values
    return table


def _rows(X, start, stop):
    if isinstance(X, pa.Table):
        return X.slice(start, stop - start)
    return X.iloc[start:stop] if isinstance(X, pd.DataFrame) else X[start:stop]


def _column(X, j):
    if isinstance(X, pd.DataFrame):
        values = X.iloc[:, j].astype(object).tolist()
    elif isinstance(X, pl.DataFrame):
        values = X.to_series(j).to_list()
    else:
        values = X.column(j).to_pylist() if isinstance(X, pa.Table) else X[:, j].tolist()
    return [_cell(value) for value in values]


def _cell(value):
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if isinstance(value, pd.Timedelta):
        return value.to_pytimedelta()
    return float(value) if isinstance(value, bool | int | float) else value


def _learn(X, named, max_levels, missing):
    return Schema.learn(X, categorical_features=named, max_levels=max_levels, missing=missing)


def _named(data, kinds):
    return data.draw(st.lists(st.sampled_from(range(len(kinds))), unique=True))


@quick
@given(table=tables(), data=st.data(), missing=st.sampled_from(["ignore", "impute"]))
def test_decoding_what_was_encoded_gives_the_cells(table, data, missing):
    kinds, columns, X = table
    schema = _learn(X, _named(data, kinds), 1000, missing)
    read = schema.encode(X)
    back = schema.decode(read.numbers, read.codes, X)
    assert type(back) is type(X)
    if isinstance(X, pd.DataFrame):
        assert back.index.equals(X.index)
        assert back.columns.equals(X.columns)
    for j, values in enumerate(columns):
        assert _column(back, j) == [_cell(value) for value in values]


@quick
@given(
    trained=tables(),
    data=st.data(),
    max_levels=st.integers(2, 4),
    missing=st.sampled_from(["ignore", "impute"]),
)
def test_codes_stay_within_the_levels(trained, data, max_levels, missing):
    kinds, columns, X = trained
    schema = _learn(X, _named(data, kinds), max_levels, missing)
    # Other cells of the same kinds, as objects.
    n = data.draw(st.integers(0, 8))
    seen = [any(value is not None for value in values) for values in columns]
    cells = [
        data.draw(st.lists(st.none() | CELLS[kind], min_size=n, max_size=n))
        if known
        else [None] * n
        for kind, known in zip(kinds, seen, strict=True)
    ]
    for asked in (X, _array(None, kinds, None, cells)):
        codes = schema.encode(asked).codes
        for j, factor in enumerate(schema.factors):
            most = max_levels + (missing == "impute")
            if kinds[factor.column] != "category":
                assert len(factor.levels) <= most
            assert factor.counts.shape == (len(factor.levels),)
            assert set(codes[:, j].tolist()) <= set(range(-1, len(factor.levels)))
            if missing == "impute":
                assert -1 not in codes[:, j]
    codes = schema.encode(X).codes
    for j, factor in enumerate(schema.factors):
        used = np.bincount(codes[codes[:, j] >= 0, j], minlength=len(factor.levels))
        np.testing.assert_array_equal(used, factor.counts)


@quick
@given(table=tables(), data=st.data(), max_levels=st.integers(2, 5))
def test_batches_give_the_same_schema(table, data, max_levels):
    kinds, columns, X = table
    n = len(columns[0])
    # Whole numbers: their sums are exact in any order.
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), float)
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, n), max_size=3))), n]
    named = _named(data, kinds)
    whole = Schema.learn(
        X,
        categorical_features=named,
        max_levels=max_levels,
        missing="impute",
        sample_weight=weights,
    )
    learner = SchemaLearner(named, max_levels=max_levels, missing="impute")
    batches = [slice(a, b) for a, b in pairwise(cuts)]
    for rows in data.draw(st.permutations(batches)):
        learner.add(_rows(X, rows.start, rows.stop), weights[rows])
    mine, theirs = whole.state(), learner.schema().state()
    np.testing.assert_array_equal(mine.pop("counts"), theirs.pop("counts"))
    assert mine == theirs
