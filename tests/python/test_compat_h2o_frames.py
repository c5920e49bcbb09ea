"""Frames of any kind: columns, factors, gaps, and the spellings of H2O's own frames."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from fastae.compat import h2o
from fastae.compat.h2o import FrameEncoder, H2OFrame
from fastae.compat.h2o._columns import Frame


def column(values):
    return Frame(pd.DataFrame({"a": values})).column("a")


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, None],
        pd.array([1, 2, None], dtype="Int64"),
        pd.Series([1, 2.0, None], dtype=object),
    ],
)
def test_columns_of_numbers(values):
    np.testing.assert_array_equal(column(values), [1.0, 2.0, np.nan])


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (["b", "a", None], ("a", "b")),
        (pd.Categorical(["b", "a", None], categories=["b", "unused", "a"]), ("b", "a")),
        (pd.Categorical([10, 9, None]), ("9", "10")),
        (pd.Categorical([10.0, 9.5, None]), ("9.5", "10")),
        ([True, False, None], ("False", "True")),
        (pd.array([True, False, None], dtype="boolean"), ("False", "True")),
        ([1, "x", None], ("1", "x")),
    ],
)  # fmt: skip
def test_columns_of_categories(values, levels):
    factor = column(values)
    assert factor.levels == levels
    assert factor.codes[2] == -1
    assert sorted(factor.codes) == [-1, 0, 1]


def test_arrays():
    frame = Frame(np.array([[1, 2], [3, 4]], dtype=np.uint8))
    assert frame.names == ("C1", "C2")
    np.testing.assert_array_equal(frame.column("C2"), [2.0, 4.0])
    mixed = Frame(np.array([[1, "a"], [None, "b"]], dtype=object))
    np.testing.assert_array_equal(mixed.column("C1"), [1.0, np.nan])
    assert mixed.column("C2").levels == ("a", "b")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros(3), "must be a table of rows and columns, got ndarray"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' occurs 2 times"),
    ],
)
def test_errors_of_tables(data, message):
    with pytest.raises(ValueError, match=message):
        Frame(data)


def test_times_are_refused():
    frame = pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])})
    with pytest.raises(TypeError, match=r"'when' holds datetime.*turn times into numbers first"):
        FrameEncoder.fit(frame)


def test_factors_come_first_by_descending_levels_and_numbers_in_frame_order():
    frame = pd.DataFrame(
        {
            "n1": [1.0, 2.0, 3.0],
            "two": ["a", "b", "a"],
            "three": ["x", "y", "z"],
            "n0": [5.0, 5.0, 6.0],
            "pair": ["c", "d", "d"],
        }
    )
    encoder = FrameEncoder.fit(frame)
    # The order of "two" and "pair" is what H2O's exchange sort leaves.
    assert list(encoder.factors) == ["three", "two", "pair"]
    assert encoder.numbers == ("n1", "n0")
    assert encoder.offsets == [0, 4, 7, 10]
    assert encoder.n_columns == 12
    assert encoder.names[:4] == ["three.x", "three.y", "three.z", "three.missing(NA)"]
    matrix = encoder.transform(frame)
    np.testing.assert_array_equal(matrix[:, :10].sum(axis=1), 3)
    np.testing.assert_array_equal(matrix[1], [0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 2.0, 5.0])


def test_gaps_are_means_and_ranges_ignore_them():
    encoder = FrameEncoder.fit([[1.0, 7.0], [np.nan, 9.0], [4.0, np.nan]])
    assert encoder.shift.tolist() == [2.5, 8.0]
    assert encoder.scale.tolist() == [1 / 3, 0.5]
    assert encoder.had_missing == {"C1", "C2"}
    np.testing.assert_array_equal(encoder.transform([[np.nan, 1.0]]), [[2.5, 1.0]])
    raw = FrameEncoder.fit([[1.0, 7.0], [np.nan, 9.0], [4.0, np.nan]], standardize=False)
    assert (raw.shift.tolist(), raw.scale.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    np.testing.assert_array_equal(raw.transform([[np.nan, 1.0]]), [[2.5, 1.0]])


def test_constant_columns():
    frame = pd.DataFrame({"a": [1.0, 2.0], "c": [3.0, None], "f": ["x", "x"], "e": [None, None]})
    with pytest.warns(UserWarning, match="Dropping constant columns: c, f, e"):
        assert FrameEncoder.fit(frame).names == ["a"]
    encoder = FrameEncoder.fit(frame, ignore_const_cols=False)
    assert encoder.names == ["f.x", "f.missing(NA)", "a", "c", "e"]
    assert encoder.shift[2:].tolist() == [1.5, 3.0, 0.0]
    assert encoder.scale[2:].tolist() == [1.0, 1.0, 1.0]
    with (
        pytest.warns(UserWarning, match="Dropping constant columns: c"),
        pytest.raises(ValueError, match="no usable column"),
    ):
        FrameEncoder.fit(frame[["c"]])


def test_absent_extra_and_swapped_columns():
    encoder = FrameEncoder.fit(pd.DataFrame({"a": [1.0, 3.0], "b": [0.0, 8.0], "f": ["x", "y"]}))
    swapped = pd.DataFrame({"extra": [9], "f": ["y"], "b": [1.0], "a": [2.0]})
    np.testing.assert_array_equal(encoder.transform(swapped), [[0, 1, 0, 2.0, 1.0]])
    with pytest.warns(UserWarning, match="the frame lacks count as missing: f, b"):
        made = encoder.transform(pd.DataFrame({"a": [2.0]}))
    np.testing.assert_array_equal(made, [[0, 0, 1, 2.0, 4.0]])
    with pytest.raises(ValueError, match="none of the columns of training: f, a, b"):
        encoder.transform(pd.DataFrame({"z": [2.0]}))


def test_arrays_have_the_columns_of_training():
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [0.0, 8.0], "c": [4.0, 5.0]})
    encoder = FrameEncoder.fit(frame, ["c", "a"])
    np.testing.assert_array_equal(encoder.transform([[1.0, 2.0, 3.0]]), [[1.0, 3.0]])
    np.testing.assert_array_equal(encoder.transform([[1.0, 3.0]]), [[1.0, 3.0]])
    with pytest.raises(ValueError, match="must have 3 columns, got 1"):
        encoder.transform([[1.0]])


def test_factors_of_numbers_and_numbers_as_text():
    frame = pd.DataFrame({"f": pd.Categorical([1, 2, 10]), "n": [0.0, 1.0, 2.0]})
    encoder = FrameEncoder.fit(frame)
    assert encoder.factors == {"f": ("1", "2", "10")}
    made = encoder.transform(pd.DataFrame({"f": [10.0, np.nan], "n": [0.0, 0.0]}))
    np.testing.assert_array_equal(made, [[0, 0, 1, 0, 0.0], [0, 0, 0, 1, 0.0]])
    with pytest.raises(ValueError, match="'n' must hold numbers as in training, got 'x'"):
        encoder.transform(pd.DataFrame({"f": [1], "n": ["x"]}))


def test_infinity_is_refused():
    with pytest.raises(ValueError, match="'C2' contains infinity in row 1"):
        FrameEncoder.fit([[1.0, 2.0], [3.0, np.inf]])
    encoder = FrameEncoder.fit([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="'C1' contains infinity in row 0"):
        encoder.transform([[-np.inf, 2.0]])


def test_ranges_that_single_precision_cannot_hold():
    assert FrameEncoder.fit([[0.0, 1.0], [1e-300, 2.0]]).scale.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="'C1' has values further apart than single precision"):
        FrameEncoder.fit([[-1e308, 1.0], [1e308, 2.0]])


def test_missing_rows():
    frame = pd.DataFrame({"f": ["x", None, "y"], "n": [0.0, 1.0, np.nan], "other": [None] * 3})
    encoder = FrameEncoder.fit(frame, ["f", "n"])
    assert encoder.missing_rows(frame).tolist() == [False, True, True]


@pytest.fixture
def frame():
    return H2OFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0], "c": ["x", "y", "x"]})


def test_h2o_frame_is_pandas_with_other_spellings(frame):
    assert isinstance(frame, pd.DataFrame)
    assert frame.names == frame.col_names == ["a", "b", "c"]
    assert (frame.nrow, frame.ncol, frame.nrows, frame.ncols, frame.dim) == (3, 3, 3, 3, [3, 3])
    assert frame.types == {"a": "int", "b": "real", "c": "enum"}
    assert type(frame.as_data_frame()) is pd.DataFrame
    assert frame.as_data_frame(use_pandas=False)[1] == ["1", "4.0", "x"]
    assert frame.get_frame_data().splitlines()[:2] == ["a,b,c", "1,4.0,x"]
    assert isinstance(pickle.loads(pickle.dumps(frame)), H2OFrame)
    assert isinstance(frame.head(2), H2OFrame)


def test_h2o_frame_selection(frame):
    assert frame[[0, 2]].names == ["a", "c"]
    assert frame[range(2)].names == ["a", "b"]
    assert frame[1].tolist() == [4.0, 5.0, 6.0]
    assert frame["b"].max() == 6.0
    assert frame[0, "b"] == 4.0
    assert frame[1:, [0, 1]].shape == (2, 2)
    assert frame[:, 0].tolist() == [1, 2, 3]
    assert frame[frame["a"] > 1, :].nrow == 2
    assert frame[frame[["a"]] > 1, "c"].tolist() == ["y", "x"]
    assert frame[["a", "b"]].names == ["a", "b"]


def test_h2o_frame_conversions(frame, capsys):
    frame["a"] = frame["a"].asfactor()
    assert frame.types["a"] == "enum"
    assert Frame(frame).column("a").levels == ("1", "2", "3")
    assert frame["a"].asnumeric().tolist() == [1, 2, 3]
    assert set(frame.asfactor().types.values()) == {"enum"}
    assert frame["b"].as_data_frame().columns.tolist() == ["b"]
    assert frame.cbind(frame["b"].rename("d")).names == ["a", "b", "c", "d"]
    assert frame.rbind(frame).nrow == 6
    assert frame.set_names(["p", "q", "r"]).names == ["p", "q", "r"]
    frame.summary()
    frame.show()
    assert "mean" in capsys.readouterr().out
    assert H2OFrame(np.zeros((2, 2))).names == ["C1", "C2"]
    assert H2OFrame([[1, 2]], column_names=["u", "v"]).names == ["u", "v"]


def test_split_frame():
    frame = H2OFrame({"a": range(1000)})
    parts = frame.split_frame(ratios=[0.5, 0.3], seed=1)
    assert sorted(value for part in parts for value in part["a"]) == list(range(1000))
    np.testing.assert_allclose([part.nrow for part in parts], [500, 300, 200], atol=60)
    again = frame.split_frame(ratios=[0.5, 0.3], seed=1)
    assert [part.nrow for part in again] == [part.nrow for part in parts]


@pytest.mark.parametrize(
    ("text", "header", "names", "n_rows"),
    [
        ("1,2\n3,4\n", 0, ["C1", "C2"], 2),
        ("a,b\n3,4\n", 0, ["a", "b"], 1),
        ("1,2\n3,4\n", 1, ["1", "2"], 1),
        ("a,b\nc,d\n", -1, ["C1", "C2"], 2),
        ('a;"b,b"\n3;4\n', 0, ["a", "b,b"], 1),
        ("a\tb\n3\t4\n", 0, ["a", "b"], 1),
    ],
)
def test_import_file(tmp_path, text, header, names, n_rows):
    path = tmp_path / "table.csv"
    path.write_text(text)
    frame = h2o.import_file(path, header=header)
    assert frame.names == names
    assert frame.nrow == n_rows
    assert h2o.upload_file(str(path), header=header, col_names=["u", "v"]).names == ["u", "v"]


def test_functions_without_meaning():
    assert h2o.init(nthreads=-1, max_mem_size="2G") is None
    h2o.no_progress()
    h2o.remove_all()
    with pytest.raises(TypeError, match="no option 'decrypt_tool' here"):
        h2o.import_file("x.csv", decrypt_tool=1)
    with pytest.raises(AttributeError, match="no attribute 'glm'"):
        _ = h2o.glm
