"""Schemas of tables: what is learned, how cells become numbers and codes, clear errors."""

from __future__ import annotations

import json
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from fastae._schema import Schema, SchemaLearner, needs_schema

NAN = float("nan")


def learn(X, categorical_features="from_dtype", *, max_levels=100, missing="ignore", **options):
    return Schema.learn(
        X,
        categorical_features=categorical_features,
        max_levels=max_levels,
        missing=missing,
        **options,
    )


def text(*values):
    """Return a frame with one column of text."""
    return pd.DataFrame({"city": pd.Series(values, dtype="str")})


@pytest.fixture
def people():
    return pd.DataFrame(
        {
            "age": [31.0, NAN, 50.0],
            "city": ["Rome", "Oslo", None],
            "member": [True, False, True],
            "size": pd.Categorical(["L", "S", "L"], categories=["S", "M", "L"], ordered=True),
        }
    )


# ---------------------------------------------------------------------------- what is learned


def test_a_table_of_everything(people):
    schema = learn(people)
    assert schema.names == ("age", "city", "member", "size")
    assert schema.numbers == (0, 2)
    assert [(f.column, f.name, f.levels, f.counts.tolist()) for f in schema.factors] == [
        (1, "city", ("Oslo", "Rome"), [1.0, 1.0]),
        (3, "size", ("S", "M", "L"), [1.0, 0.0, 2.0]),
    ]
    table = schema.encode(people)
    np.testing.assert_array_equal(table.numbers, [[31.0, 1.0], [NAN, 0.0], [50.0, 1.0]])
    np.testing.assert_array_equal(table.codes, [[1, 2], [0, 0], [-1, 2]])
    assert table.codes.dtype == np.int32
    assert table.codes.flags.c_contiguous
    assert table.shape == (3, 4)
    assert table.dtype == np.float64
    assert table[1:].codes.tolist() == [[0, 0], [-1, 2]]
    assert table[1:].shape == (2, 4)
    assert len(table) == 3


@pytest.mark.parametrize("named", [["b"], [1], np.array([1]), [False, True, False]])
def test_numbers_named_as_categorical(named):
    X = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": [7, 3, 7], "c": [1.0, 2.0, NAN]})
    schema = learn(X, named)
    assert schema.factors[0].levels == (3, 7)
    assert schema.encode(X).codes.ravel().tolist() == [1, 0, 1]
    assert schema.encode(X).numbers.shape == (3, 2)


def test_missing_numbers_of_a_factor():
    X = np.array([[2.0, 1.0], [NAN, 1.0], [1.5, 1.0]])
    schema = learn(X, [0])
    assert schema.factors[0].levels == (1.5, 2.0)
    assert schema.encode(X).codes.ravel().tolist() == [1, -1, 0]


def test_large_integers_stay_apart():
    ids = [2**53, 2**53 + 1, None]
    X = pd.DataFrame({"id": pd.array(ids, dtype="Int64")})
    schema = learn(X, ["id"])
    assert schema.factors[0].levels == (2**53, 2**53 + 1)
    assert schema.encode(X).codes.ravel().tolist() == [0, 1, -1]


def test_the_most_frequent_levels_are_kept():
    X = text(*"aaabbccdde")
    schema = learn(X, max_levels=4)
    factor = schema.factors[0]
    # b, c and d are equally frequent: the first ones in order stay.
    assert factor.levels == ("a", "b", "c", "(other)")
    assert factor.counts.tolist() == [3.0, 2.0, 2.0, 3.0]
    assert factor.other
    assert schema.encode(text("d", "unseen", "a", None)).codes.ravel().tolist() == [3, 3, 0, -1]


def test_as_many_levels_as_allowed_are_all_kept():
    factor = learn(text(*"abc"), max_levels=3).factors[0]
    assert factor.levels == ("a", "b", "c")
    assert not factor.other


def test_a_level_called_as_the_shared_one_belongs_to_it():
    X = text("(other)", "(other)", "(other)", "a", "a", "b", "c")
    factor = learn(X, max_levels=3).factors[0]
    assert factor.levels == ("a", "b", "(other)")
    assert factor.counts.tolist() == [2.0, 1.0, 4.0]
    assert learn(X, max_levels=3).encode(X).codes.ravel().tolist() == [2, 2, 2, 0, 0, 1, 2]
    assert learn(X).encode(X).codes.ravel().tolist() == [0, 0, 0, 1, 1, 2, 3]


@pytest.mark.parametrize(
    ("missing", "max_levels", "levels", "codes"),
    [
        ("ignore", 9, ("a", "b"), [0, -1, -1]),
        ("impute", 9, ("a", "b", None), [0, 2, 2]),
        ("impute", 2, ("a", "b", None), [0, 2, 2]),
    ],
)
def test_missing_and_unknown_levels(missing, max_levels, levels, codes):
    schema = learn(text("a", "b", "a"), missing=missing, max_levels=max_levels)
    assert schema.factors[0].levels == levels
    assert schema.encode(text("a", None, "new")).codes.ravel().tolist() == codes


def test_rare_levels_and_missing_ones_are_apart():
    schema = learn(text("a", "a", "b", "c", None), missing="impute", max_levels=2)
    factor = schema.factors[0]
    assert factor.levels == ("a", "(other)", None)
    assert factor.counts.tolist() == [2.0, 2.0, 1.0]
    assert schema.encode(text("a", "new", None)).codes.ravel().tolist() == [0, 1, 2]


def test_weights_count_and_rows_without_weight_are_absent():
    X = text("a", "b", "c", "b")
    factor = learn(X, sample_weight=[1.0, 0.5, 0.0, 2.0]).factors[0]
    assert factor.levels == ("a", "b")
    assert factor.counts.tolist() == [1.0, 2.5]
    absent = learn(text("a", None), missing="error", sample_weight=[1.0, 0.0])
    assert absent.factors[0].levels == ("a",)


def test_a_factor_without_any_value():
    schema = learn(text(None, None))
    assert schema.factors[0].levels == ()
    assert schema.encode(text("a", None)).codes.ravel().tolist() == [-1, -1]


def test_columns_in_order(people):
    schema = learn(people)
    errors = np.array([[0.0, 2.0, 1.0, 3.0]])  # age, member; city, size
    np.testing.assert_array_equal(schema.columns_in_order(errors), [[0.0, 1.0, 2.0, 3.0]])


def test_names_that_are_no_text_or_not_unique():
    X = pd.DataFrame([[1.0, "a", 2.0]], columns=[0, "x", "x"])
    schema = learn(X)
    assert schema.names == ("0", "x", "x")
    assert schema.numbers == (0, 2)
    back = schema.decode(*_arrays(schema, X), X)
    pd.testing.assert_frame_equal(back, X)


# ------------------------------------------------------------------------------------ batches


def test_levels_of_later_batches_are_added():
    learner = SchemaLearner("from_dtype", max_levels=10, missing="ignore")
    schema = learner.add(text("b", "c")).add(text("a", "c"), [1.0, 3.0]).schema()
    assert schema.factors[0].levels == ("a", "b", "c")
    assert schema.factors[0].counts.tolist() == [1.0, 1.0, 4.0]


def test_equal_categories_keep_their_order_and_different_ones_are_sorted():
    def sizes(*categories):
        return pd.DataFrame({"size": pd.Categorical(categories[:1], categories=categories)})

    for second, levels in (
        (sizes("S", "M", "L"), ("S", "M", "L")),
        (sizes("M", "XL"), ("L", "M", "S", "XL")),
    ):
        learner = SchemaLearner(None, max_levels=10, missing="ignore")
        assert learner.add(sizes("S", "M", "L")).add(second).schema().factors[0].levels == levels


def test_a_column_without_values_waits_for_a_later_batch():
    def objects(*values):
        return pd.DataFrame({"x": pd.Series(values, dtype=object)})

    learner = SchemaLearner(None, max_levels=10, missing="ignore")
    assert learner.add(objects(None, None)).add(objects("a", None)).schema().kinds == ("factor",)
    with pytest.raises(ValueError, match=r"Column 0 \('x'\) holds numbers in one batch"):
        learner.add(objects(1, 2))


def test_batches_must_have_the_same_columns():
    learner = SchemaLearner(None, max_levels=10, missing="ignore").add(text("a"))
    with pytest.raises(ValueError, match="A batch has 2 columns, earlier ones have 1"):
        learner.add(text("a").assign(b=1))
    with pytest.raises(ValueError, match="Column 0 of a batch is called 'b', in earlier ones 'ci"):
        learner.add(pd.DataFrame({"b": ["a"]}))
    with pytest.raises(ValueError, match="at least one batch"):
        SchemaLearner(None, max_levels=10, missing="ignore").schema()


# -------------------------------------------------------------------------- dates and durations


def test_dates_and_durations_are_seconds():
    X = pd.DataFrame(
        {
            "at": pd.Series(["1970-01-02", None, "2024-02-29 12:00:00.5"]).astype("datetime64[us]"),
            "took": pd.to_timedelta(["1min", "-2h", None]),
        }
    )
    schema = learn(X)
    assert schema.kinds == ("datetime", "duration")
    table = schema.encode(X)
    assert table.numbers.dtype == np.float64
    np.testing.assert_array_equal(
        table.numbers, [[86400.0, 60.0], [NAN, -7200.0], [1709208000.5, NAN]]
    )
    pd.testing.assert_frame_equal(schema.decode(table.numbers, table.codes, X), X)


def test_decoded_dates_are_rounded_and_stay_within_their_type():
    for dtype, expected in (
        ("datetime64[s]", "1970-01-01 00:00:02"),
        ("datetime64[us]", "1970-01-01 00:00:01.600000"),
        ("datetime64[ns, Europe/Berlin]", "1970-01-01 01:00:01.600000+01:00"),
    ):
        X = pd.DataFrame({"at": pd.Series(["2020-01-01"]).astype(dtype)})
        back = learn(X).decode([[1.6], [NAN], [1e300]], np.empty((3, 0)), X)
        assert back["at"].dtype == dtype
        assert str(back["at"][0]) == expected
        assert back["at"].isna().tolist() == [False, True, False]


# ------------------------------------------------------------------------------ numbers' memory


def test_numbers_held_together_are_not_copied():
    values = np.random.default_rng(0).random((50, 3))
    for X, schema in (
        (pd.DataFrame(values).assign(c="a"), None),
        (np.column_stack([values, np.ones(50)]), [3]),
    ):
        read = learn(X, schema).encode(X).numbers
        source = X if isinstance(X, np.ndarray) else X[0].to_numpy()
        assert np.shares_memory(read, source)


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["int16", "int16"], "int16"),
        (["int16", "float32"], "float32"),
        (["bool", "Int8"], "float32"),
        (["float32", "int32"], "float64"),
        (["float16", "float16"], "float32"),
        (["float32", "datetime64[s]"], "float64"),
    ],
)
def test_types_of_numbers(dtypes, expected):
    X = pd.DataFrame({str(j): pd.Series([0, 1]).astype(t) for j, t in enumerate(dtypes)})
    X["c"] = "a"
    read = learn(X).encode(X).numbers
    assert read.dtype == expected
    np.testing.assert_array_equal(read, [[0, 0], [1, 1]])


def test_codes_need_little_memory_besides_themselves():
    n = 1_000_000
    cells = np.random.default_rng(0).integers(0, 50, n)
    categories = [f"level {i}" for i in range(50)]
    X = pd.DataFrame({"c": pd.Categorical.from_codes(cells, categories)})
    schema = learn(X)
    tracemalloc.start()
    try:
        table = schema.encode(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert table.codes.nbytes == 4 * n
    assert peak < 1.5 * table.codes.nbytes
    np.testing.assert_array_equal(table.codes.ravel(), cells)


# ------------------------------------------------------------------------------------- errors


def _message(X, *args, **options):
    with pytest.raises((TypeError, ValueError)) as error:
        learn(X, *args, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("city", "write ['city']"),
        (["town"], "names 'town', but the table has no column of that name"),
        ([2], "positions from 0 to 1, got 2"),
        ([-1], "positions from 0 to 1, got -1"),
        ([True], "one truth value for each of the 2 columns, got shape (1,)"),
        ([False, False, False], "one truth value for each of the 2 columns, got shape (3,)"),
        ([[0]], "a list of names or of positions or a mask, got 2 dimensions"),
        ([0.5], "names, or positions, or one truth value per column, got [0.5]"),
        (["age", 1], "names, or positions, or one truth value per column"),
    ],
)
def test_wrong_categorical_features(people, named, words):
    assert words in _message(people[["age", "city"]], named)


def test_names_need_a_table_that_has_them():
    assert "the table has no names: give positions" in _message(np.zeros((2, 2)), ["x0"])
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert "the table has 2 columns of that name" in _message(twice, ["a"])


@pytest.mark.parametrize("max_levels", [1, 2.0, True, None, "many"])
def test_wrong_max_levels(max_levels):
    assert "an integer of at least 2, got" in _message(text("a"), max_levels=max_levels)


def test_wrong_missing_and_weights():
    assert "missing must be one of 'ignore', 'impute', 'error', got 'drop'" in _message(
        text("a"), missing="drop"
    )
    assert "one weight for each of the 1 rows, got shape (2,)" in _message(
        text("a"), sample_weight=[1, 1]
    )


def test_missing_values_that_must_not_be():
    words = "missing value in row 2, column 0 ('city')"
    assert words in _message(text("a", "b", None), missing="error")
    X = text("a", "b", "a").assign(age=[1.0, 2.0, NAN])
    schema = learn(X, missing="error")
    with pytest.raises(ValueError, match=r"missing value in row 2, column 1 \('age'\)"):
        schema.encode(X)
    with pytest.raises(ValueError, match=r"missing value in row 0, column 0 \('city'\)"):
        schema.encode(text(None).assign(age=1.0))
    learner = SchemaLearner(None, max_levels=9, missing="error").add(text("a", "b"))
    with pytest.raises(ValueError, match="missing value in row 3"):
        learner.add(text("a", None))


def test_a_mixture_of_text_and_numbers():
    X = np.array([[1, NAN], [2, "a"], [3, 4.5]], dtype=object)
    assert "Column 1 holds values of different kinds: 'a' in row 1, but 4.5 in row 2" in _message(X)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([None, [1, 2]], "holds list in row 1"),
        ([b"a"], "holds bytes in row 0"),
        (np.array([1j]), "holds complex128"),
        (pd.period_range("2020", periods=1, freq="D"), "holds period[D]"),
        (pd.IntervalIndex.from_breaks([0, 1]), "holds interval[int64"),
    ],
)
@pytest.mark.parametrize("named", [None, [0]])
def test_types_that_are_not_read(values, words, named):
    X = pd.DataFrame({"x": values if not isinstance(values, list) else pd.Series(values)})
    message = _message(X, named)
    assert message.startswith("Column 0 ('x') ")
    assert words in message


def test_columns_that_change_their_type():
    schema = learn(pd.DataFrame({"age": [1.0], "city": ["a"], "size": [1]}), ["size"])
    good = pd.DataFrame({"age": [1.0], "city": ["a"], "size": [1]})
    for column, values, words in (
        ("age", ["old"], r"'age'\) holds text or categories \(str\), but numbers in training"),
        ("age", pd.to_datetime(["2020"]), r"'age'\) holds dates \(datetime64.*, but numbers"),
        ("city", [3], r"'city'\) holds numbers \(int64\), but its categories were text"),
        ("size", ["1"], r"'size'\) holds text \(str\), but its categories were numbers"),
    ):
        with pytest.raises(ValueError, match=words):
            schema.encode(good.assign(**{column: values}))
    with pytest.raises(ValueError, match="must have 3 columns, got 2"):
        schema.encode(good[["age", "city"]])
    # Nothing at all, and numbers of another type, are fine.
    nothing = good.assign(age=pd.Series([None], dtype=object), city=None, size=1.0)
    table = schema.encode(nothing)
    assert table.codes.tolist() == [[-1, 0]]
    np.testing.assert_array_equal(table.numbers, [[NAN]])


def test_shapes_to_decode(people):
    schema = learn(people)
    with pytest.raises(ValueError, match=r"codes must be of shape \(3, 2\), got \(2, 2\)"):
        schema.decode(np.zeros((3, 2)), np.zeros((2, 2), int), people)
    with pytest.raises(ValueError, match="like must have 4 columns, got 1"):
        schema.decode(np.zeros((3, 2)), np.zeros((3, 2), int), people[["age"]])


def test_tables_have_two_dimensions():
    assert "rows and columns, got 1 dimensions" in _message(np.array(["a", "b"], dtype=object))


# ------------------------------------------------------------------------- who needs a schema


@pytest.mark.parametrize(
    ("X", "named", "expected"),
    [
        (np.zeros((2, 2)), None, False),
        (np.zeros((2, 2)), "auto", False),
        (np.zeros((2, 2)), [], False),
        (np.zeros((2, 2)), [False, False], False),
        (np.zeros((2, 2)), [False, True], True),
        ([[1, 2.5], [None, True]], None, False),
        ([[1, "a"]], None, True),
        ([[1], [2, 3]], None, False),
        (np.array([["a"]]), None, True),
        (np.array([[{}, 1]], dtype=object), None, False),
        (np.array([["2020"]], dtype="M8[s]"), None, True),
        (pd.DataFrame({"a": [1], "b": [True], "c": pd.array([None], "Int64")}), None, False),
        (pd.DataFrame({"a": pd.Series([1, 2.5, None], dtype=object)}), None, False),
        (pd.DataFrame({"a": ["x"]}), None, True),
        (pd.DataFrame({"a": pd.to_datetime(["2020"])}), None, True),
        (pd.DataFrame({"a": pd.Categorical([1])}), None, True),
        (pd.DataFrame({"a": [[1]]}), None, True),
        (np.zeros(3), None, False),
        ("text", None, False),
    ],
)
def test_who_needs_a_schema(X, named, expected):
    assert needs_schema(X, named) is expected


# --------------------------------------------------------------------------------------- saved


def _arrays(schema, X):
    table = schema.encode(X)
    return table.numbers, table.codes


@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_saved_and_loaded(people, missing):
    schema = learn(people, ["age"], missing=missing, max_levels=2)
    state = schema.state()
    counts = state.pop("counts")
    assert counts.dtype == np.float64
    loaded = Schema.from_state({**json.loads(json.dumps(state)), "counts": counts})
    assert pickle.loads(pickle.dumps(schema)).state().keys() == schema.state().keys()
    for other in (loaded, pickle.loads(pickle.dumps(schema))):
        assert other.names == schema.names
        assert other.kinds == schema.kinds
        assert other.numbers == schema.numbers
        for mine, theirs in zip(schema.factors, other.factors, strict=True):
            assert mine.levels == theirs.levels
            assert list(map(type, mine.levels)) == list(map(type, theirs.levels))
            np.testing.assert_array_equal(mine.counts, theirs.counts)
            assert (mine.column, mine.name, mine.other) == (
                theirs.column,
                theirs.name,
                theirs.other,
            )
        for a, b in zip(_arrays(schema, people), _arrays(other, people), strict=True):
            np.testing.assert_array_equal(a, b)
