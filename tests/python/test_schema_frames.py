"""Schemas of tables of different libraries: equal cells give equal numbers and codes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from fastae._schema import Schema, SchemaLearner, needs_schema

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

N = 60
NUMBERS = [0, 2, 3, 5, 6]
FACTORS = [1, 4]


def learn(X, categorical_features=None, *, max_levels=100, missing="ignore"):
    return Schema.learn(
        X, categorical_features=categorical_features, max_levels=max_levels, missing=missing
    )


def _cells():
    """Return columns as lists with None for missing values."""
    rng = np.random.default_rng(7)

    def gaps(values):
        return [None if gone else v for v, gone in zip(values, rng.random(N) < 0.2, strict=True)]

    start = dt.datetime(2024, 1, 1)
    texts = np.array(["Rome", "Oslo", "Ürümqi", "", "(other)"])
    sizes = np.array(["L", "M", "S"])  # sorted, and all of them occur
    return {
        "weight": gaps(rng.normal(size=N).tolist()),
        "city": gaps(rng.choice(texts, N).tolist()),
        "member": gaps((rng.random(N) < 0.5).tolist()),
        "children": gaps(rng.integers(0, 5, N).tolist()),
        "size": gaps(rng.choice(sizes, N).tolist()),
        "at": gaps([start + dt.timedelta(microseconds=int(t)) for t in rng.integers(0, 10**15, N)]),
        "took": gaps([dt.timedelta(microseconds=int(t)) for t in rng.integers(-(10**9), 10**9, N)]),
    }


CELLS = _cells()
NUMPY_BACKED = {
    "city": "str",
    "member": "boolean",
    "children": "Int64",
    "size": "category",
    "at": "datetime64[us]",
    "took": "timedelta64[us]",
}
ARROW_BACKED = {
    "weight": "double[pyarrow]",
    "city": "string[pyarrow]",
    "member": "bool[pyarrow]",
    "children": "int64[pyarrow]",
    "at": pd.ArrowDtype(pa.timestamp("us", "UTC")),
    "took": pd.ArrowDtype(pa.duration("us")),
}


def _pandas(dtypes):
    series = {n: pd.Series(v, dtype=dtypes.get(n)) for n, v in CELLS.items()}
    return pd.DataFrame(series).set_axis(range(100, 100 + N), axis=0)


def _arrow_dictionary():
    table = pa.table(CELLS)
    for j in FACTORS:
        table = table.set_column(j, table.schema.field(j).name, table[j].dictionary_encode())
    # In chunks with dictionaries of their own.
    return pa.concat_tables(
        [pa.Table.from_batches(table.slice(s, 20).to_batches()) for s in (0, 20, 40)]
    )


def _chunked(**types):
    columns = {n: pa.array(v, type=types.get(n)) for n, v in CELLS.items()}
    table = pa.table(columns)
    return pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7)])


TABLES = {
    "pandas": lambda: _pandas(NUMPY_BACKED),
    "pandas, objects": lambda: pd.DataFrame(
        {n: pd.Series(v, dtype=object) for n, v in CELLS.items()}
    ),
    "pandas, arrow": lambda: _pandas(ARROW_BACKED),
    "pandas, dictionary": lambda: _arrow_dictionary().to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, category": lambda: _pandas({**NUMPY_BACKED, "city": "category"}),
    "polars": lambda: pl.DataFrame(CELLS),
    "polars, types": lambda: pl.DataFrame(
        CELLS,
        schema_overrides={
            "city": pl.Categorical,
            "size": pl.Enum(["L", "M", "S"]),
            "children": pl.Int8,
            "at": pl.Datetime("ns", "Asia/Tokyo"),
        },
    ),
    "arrow": lambda: pa.table(CELLS),
    "arrow, chunks": lambda: _chunked(city=pa.large_string(), children=pa.int8()),
    "arrow, views": lambda: _chunked(city=pa.string_view(), at=pa.timestamp("ns", "UTC")),
    "arrow, dictionary": _arrow_dictionary,
    "record batch": lambda: pa.RecordBatch.from_pydict(CELLS),
    "array": lambda: np.array([list(v) for v in CELLS.values()], dtype=object).T,
    "list": lambda: [list(row) for row in zip(*CELLS.values(), strict=True)],
}


@pytest.fixture(params=TABLES, ids=str)
def X(request):  # noqa: N802
    return TABLES[request.param]()


@pytest.fixture(scope="module")
def expected():
    """Numbers and codes, from the cells by plain Python."""
    columns = {}
    for name, values in CELLS.items():
        if name in ("city", "size"):
            levels = sorted({v for v in values if v is not None})
            columns[name] = [-1 if v is None else levels.index(v) for v in values]
        else:
            columns[name] = [np.nan if v is None else _number(v) for v in values]
    table = list(columns.values())
    return (
        np.array([table[j] for j in NUMBERS], dtype=float).T,
        np.array([table[j] for j in FACTORS]).T,
    )


def _number(value):
    epoch = dt.datetime(1970, 1, 1)
    if isinstance(value, dt.datetime):
        value = value - epoch
    if isinstance(value, dt.timedelta):
        return (value // dt.timedelta(microseconds=1)) / 10**6
    return float(value)


def rows(X):
    """Return a table's cells as Python's objects, None where missing, numbers as floats."""
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, j].astype(object).tolist() for j in range(X.shape[1])]
    elif isinstance(X, pl.DataFrame):
        columns = [X.to_series(j).to_list() for j in range(X.width)]
    elif isinstance(X, pa.Table | pa.RecordBatch):
        columns = [X.column(j).to_pylist() for j in range(X.num_columns)]
    else:
        columns = np.asarray(X, dtype=object).T.tolist()
    return [tuple(map(_cell, row)) for row in zip(*columns, strict=True)]


def _cell(value):
    if pd.isna(value):
        return None
    if isinstance(value, dt.datetime):
        value = pd.Timestamp(value)
        return (value.tz_convert("UTC").tz_localize(None) if value.tz else value).to_pydatetime()
    if isinstance(value, dt.timedelta):
        return pd.Timedelta(value).to_pytimedelta()
    return value if isinstance(value, str) else float(value)


CELL_ROWS = [tuple(map(_cell, row)) for row in zip(*CELLS.values(), strict=True)]


def test_every_table_gives_the_same_arrays(X, expected):
    schema = learn(X)
    assert schema.numbers == tuple(NUMBERS)
    assert [f.column for f in schema.factors] == FACTORS
    table = schema.encode(X)
    np.testing.assert_array_equal(table.codes, expected[1])
    np.testing.assert_array_equal(table.numbers, expected[0])
    assert needs_schema(X)


def test_decode_gives_the_cells_back(X):
    schema = learn(X)
    table = schema.encode(X)
    back = schema.decode(table.numbers, table.codes, X)
    assert type(back) is (np.ndarray if isinstance(X, list) else type(X))
    assert rows(back) == rows(X) == CELL_ROWS


@pytest.mark.parametrize("trained_on", ["pandas", "polars, types", "arrow, dictionary", "array"])
def test_trained_on_one_and_asked_with_another(X, trained_on, expected):
    table = learn(TABLES[trained_on]()).encode(X)
    np.testing.assert_array_equal(table.codes, expected[1])
    np.testing.assert_array_equal(table.numbers, expected[0])


def test_decoded_types():
    X = TABLES["pandas"]()
    schema = learn(X)
    table = schema.encode(X)
    back = schema.decode(table.numbers, table.codes, X)
    assert back.index.equals(X.index)
    assert back.columns.equals(X.columns)
    assert back.dtypes.astype(str).tolist() == [
        "float64",
        "str",
        "Float64",
        "Float64",
        "category",
        "datetime64[us]",
        "timedelta64[us]",
    ]
    assert back["size"].dtype == X["size"].dtype
    assert schema.decode(table.numbers[:2], table.codes[:2], X).index.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["polars, types", "arrow, dictionary", "arrow, views"])
def test_types_of_factors_and_times_stay(name):
    X = TABLES[name]()
    table = (schema := learn(X)).encode(X)
    back = schema.decode(table.numbers, table.codes, X)
    for column in ("city", "size", "at", "took"):
        assert _type(back, column) == _type(X, column)


def _type(X, column):
    return X.schema[column] if isinstance(X, pl.DataFrame) else X.schema.field(column).type


@pytest.mark.parametrize(
    "make",
    [
        lambda values: pd.DataFrame({"n": pd.array(values, dtype="Int64")}),
        lambda values: pd.DataFrame({"n": pd.array(values, dtype="int64[pyarrow]")}),
        lambda values: pl.DataFrame({"n": values}),
        lambda values: pa.table({"n": values}),
        lambda values: pd.DataFrame({"n": pd.Categorical(values)}),
        lambda values: np.array(values, dtype=object)[:, np.newaxis],
    ],
)
def test_numbers_as_factors(make):
    values = [2**53 + 1, None, 2**53, 5, 7, 5, 2**53]
    X = make(values)
    schema = learn(X, [0], max_levels=3)
    assert schema.factors[0].levels == (5, 2**53, "(other)")
    table = schema.encode(X)
    assert table.codes.ravel().tolist() == [2, -1, 1, 0, 2, 0, 1]
    # The rare one is no number any more.
    back = [row[0] for row in rows(schema.decode(table.numbers, table.codes, X))]
    assert [back[i] for i in (1, 2, 3, 5, 6)] == [None, 2**53, 5, 5, 2**53]
    assert {back[0], back[4]} <= {None, "(other)"}


@pytest.mark.parametrize(
    "name", ["pandas", "polars", "polars, types", "arrow, dictionary", "array"]
)
@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_rare_levels_are_decoded_as_other(name, missing):
    X = TABLES[name]()
    schema = learn(X, max_levels=2, missing=missing)
    table = schema.encode(X)
    back = rows(schema.decode(table.numbers, table.codes, X))
    for j in FACTORS:
        common = next(f.levels[0] for f in schema.factors if f.column == j)
        expected = [v if v in (None, common) else "(other)" for v in [r[j] for r in CELL_ROWS]]
        assert [row[j] for row in back] == expected


def test_ordered_dictionaries_keep_their_order():
    cells = pa.DictionaryArray.from_arrays([1, 0, None], ["S", "M", "L"], ordered=True)
    factor = learn(pa.table({"size": cells})).factors[0]
    assert factor.levels == ("S", "M", "L")
    assert factor.counts.tolist() == [1.0, 1.0, 0.0]


def test_a_missing_entry_of_a_dictionary_is_missing():
    cells = pa.DictionaryArray.from_arrays([0, 1, 2], ["b", None, "a"])
    X = pa.table({"x": cells})
    schema = learn(X)
    assert schema.factors[0].levels == ("a", "b")
    assert schema.encode(X).codes.ravel().tolist() == [1, -1, 0]


def test_times_of_a_zone_are_instants():
    at = pa.array([0, 86_400_000, None], pa.timestamp("ms", "Europe/Berlin"))
    for X in (
        pa.table({"at": at}),
        pd.DataFrame({"at": pd.arrays.ArrowExtensionArray(at)}),
        pd.DataFrame({"at": at.to_pandas()}),
        pl.DataFrame(pa.table({"at": at})),
    ):
        schema = learn(X)
        table = schema.encode(X)
        np.testing.assert_array_equal(table.numbers, [[0.0], [86400.0], [np.nan]])
        assert schema.decode(table.numbers, table.codes, X).equals(X)


def test_other_numbers():
    values = [Decimal("1.25"), None, Decimal(3)]
    for X in (pl.DataFrame({"x": values}), pa.table({"x": values})):
        np.testing.assert_array_equal(learn(X).encode(X).numbers, [[1.25], [np.nan], [3.0]])
    dates = [dt.date(1970, 1, 3), None]
    for X in (
        pl.DataFrame({"x": dates}),
        pa.table({"x": dates}),
        pa.table({"x": pa.array(dates, pa.date64())}),
    ):
        schema = learn(X)
        table = schema.encode(X)
        np.testing.assert_array_equal(table.numbers, [[172800.0], [np.nan]])
        assert schema.decode(table.numbers, table.codes, X).equals(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (pl.DataFrame({"x": [[1]]}), r"Column 0 \('x'\) holds List\(Int64\): only numbers"),
        (pl.DataFrame({"x": [dt.time(1)]}), r"Column 0 \('x'\) holds Time"),
        (pl.DataFrame({"x": [{"a": 1}]}), r"Column 0 \('x'\) holds Struct"),
        (pa.table({"x": [[1]]}), r"Column 0 \('x'\) holds list<"),
        (pa.table({"x": [b"a"]}), r"Column 0 \('x'\) holds binary"),
        (pd.DataFrame({"x": pd.array([b"a"], dtype="binary[pyarrow]")}), r"\('x'\) holds binary"),
    ],
)
@pytest.mark.parametrize("named", [None, [0]])
def test_types_that_are_not_read(X, words, named):
    with pytest.raises(TypeError, match=words):
        learn(X, named)
    assert needs_schema(X)


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame({"a": [1, None], "b": [True, False], "c": [None, None]}),
        pa.table({"a": [1, None], "b": [True, False]}),
        pd.DataFrame({"a": pd.array([1, None], dtype="int64[pyarrow]")}),
    ],
)
def test_frames_of_numbers_need_no_schema(X):
    assert not needs_schema(X)
    assert learn(X).factors == ()


@pytest.mark.parametrize(
    "nothing",
    [
        pl.DataFrame({"x": [None, None]}),
        pa.table({"x": [None, None]}),
        pd.DataFrame({"x": pd.Series([None, None], dtype=object)}),
        pd.DataFrame({"x": [np.nan, np.nan]}),
        [[None], [None]],
    ],
)
def test_columns_of_no_type(nothing):
    text = pa.table({"x": ["a", "b"]})
    assert learn(text).encode(nothing).codes.ravel().tolist() == [-1, -1]
    numbers = learn(nothing).encode(nothing).numbers
    np.testing.assert_array_equal(numbers, [[np.nan], [np.nan]])
    if not isinstance(nothing, pd.DataFrame) or nothing["x"].dtype == object:
        learner = SchemaLearner(None, max_levels=9, missing="impute")
        factor = learner.add(nothing).add(text).schema().factors[0]
        assert factor.levels == ("a", "b", None)
        assert factor.counts.tolist() == [1.0, 1.0, 2.0]


def test_empty_tables(X):
    empty = X[:0] if not isinstance(X, pa.Table | pa.RecordBatch) else X.slice(0, 0)
    if isinstance(empty, list):
        empty = np.empty((0, len(CELLS)), dtype=object)
    table = learn(X).encode(empty)
    assert table.numbers.shape == (0, len(NUMBERS))
    assert table.codes.shape == (0, len(FACTORS))
