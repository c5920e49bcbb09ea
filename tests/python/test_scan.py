"""Scans of tables in memory, of iterables and functions, and of Datasets."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from fastae._readahead import ReadClock
from fastae._scan import scan

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


COLUMNS = {"a": np.arange(10.0), "b": [f"t{i % 3}" for i in range(10)], "c": np.arange(10)}
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow table": pa.table,
    "arrow batch": pa.RecordBatch.from_pydict,
}


def values(batch, name):
    column = batch[name]
    return column.to_pylist() if hasattr(column, "to_pylist") else list(column)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_is_sliced(kind):
    frame = FRAMES[kind](COLUMNS)
    source = scan(frame, batch_size=4)
    assert (source.names, source.n_rows) == (("a", "b", "c"), 10)
    batches = list(source.batches())
    assert [batch.shape for batch in batches] == [(4, 3), (4, 3), (2, 3)]
    assert {type(batch) for batch in batches} == {type(frame)}
    for name, column in COLUMNS.items():
        assert [value for batch in batches for value in values(batch, name)] == list(column)


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("as_batches", [False, True])
def test_columns_of_frames_are_chosen_by_name(kind, as_batches):
    frame = FRAMES[kind](COLUMNS)
    source = scan([frame, frame] if as_batches else frame, columns=["c", "a"], batch_size=4)
    batches = list(source.batches())
    assert source.names == ("c", "a")
    assert [value for batch in batches for value in values(batch, "c")][:10] == list(range(10))
    bad = scan([frame] if as_batches else frame, columns=["d"])
    with pytest.raises(ValueError, match="There is no column 'd' in the table; its columns are"):
        list(bad.batches())


def test_a_frame_may_have_a_column_named_as_a_method():
    frame = pd.DataFrame({"schema": [1, 2], "select": [3, 4]})
    (batch,) = scan(frame, columns=["select"]).batches()
    assert list(batch.columns) == ["select"]


def test_an_array_is_sliced_without_a_copy():
    X = np.arange(20.0).reshape(10, 2)
    source = scan(X, batch_size=4)
    assert (source.names, source.n_rows) == (None, 10)
    batches = list(source.batches())
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert all(np.shares_memory(batch, X) for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), X)
    (chosen,) = scan(X, columns=[1, 0]).batches()
    np.testing.assert_array_equal(chosen, X[:, [1, 0]])
    with pytest.raises(ValueError, match="There is no column 2 in the table"):
        list(scan(X, columns=[2]).batches())


def test_a_memory_map_is_not_read_into_memory(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (100_000, 20))
    X[::1000] = 1
    X.flush()
    tracemalloc.start()
    total = sum(batch.sum() for batch in scan(np.load(tmp_path / "x.npy", "r")).batches())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 2000
    assert peak < 1e6  # the table has 16


def test_whatever_has_rows_that_can_be_sliced_is_a_table():
    class Stored:  # as an array of h5py or zarr
        shape = (7, 2)

        def __getitem__(self, rows):
            assert rows.stop - rows.start <= 3
            return np.arange(14).reshape(7, 2)[rows]

    batches = list(scan(Stored(), batch_size=3).batches())
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(14).reshape(7, 2))


def test_tables_in_memory_are_sliced_in_the_thread_that_asks():
    reader = scan(np.ones((9, 1)), batch_size=2).batches(prefetch=4)
    next(reader)
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


def test_batches_of_a_table_come_in_an_order_given_by_seed_and_epoch():
    X = np.arange(100)[:, np.newaxis]
    source = scan(X, batch_size=5)

    def order(seed):
        return [int(batch[0, 0]) for batch in source.batches(order_seed=seed)]

    assert order(None) == list(range(0, 100, 5))
    assert sorted(order((0, 0))) == order(None)
    assert order((0, 0)) == order((0, 0))
    assert len({tuple(order(seed)) for seed in [(0, 0), (0, 1), (1, 0), None]}) == 4


ITERABLES = {
    "list": lambda parts: parts,
    "tuple": tuple,
    "function of a generator": lambda parts: lambda: (part for part in parts),
    "function of a list": lambda parts: lambda: parts,
}


@pytest.mark.parametrize("kind", ITERABLES)
@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_iterable_gives_its_batches_again_and_again(kind, prefetch):
    parts = [np.full((n, 2), n) for n in (3, 1, 0, 4)]
    source = scan(ITERABLES[kind](parts))
    assert (source.names, source.n_rows) == (None, None)
    for _ in range(3):
        batches = list(source.batches(prefetch))
        assert all(batch is part for batch, part in zip(batches, parts, strict=True))
    assert source.n_rows == 8


def test_names_of_an_iterable_are_known_from_its_first_batch():
    source = scan(lambda: iter([pd.DataFrame(COLUMNS)]))
    assert source.names is None
    list(source.batches())
    assert source.names == ("a", "b", "c")


def one_shots():
    batch = np.ones((2, 2))
    generator = (batch for _ in range(2))
    read = pa.RecordBatch.from_pydict({"a": [1]})
    return {
        "generator": generator,
        "iterator": iter([batch]),
        "reader": pa.RecordBatchReader.from_batches(read.schema, [read]),
    }


@pytest.mark.parametrize("kind", one_shots())
@pytest.mark.parametrize("behind_a_function", [False, True])
def test_what_can_be_read_only_once_says_so(kind, behind_a_function):
    data = one_shots()[kind]
    source = scan((lambda: data) if behind_a_function else data)
    assert sum(batch.shape[0] for batch in source.batches()) == source.n_rows > 0
    with pytest.raises(ValueError, match=r"can be read only once.*give a function that returns a"):
        list(source.batches())


def test_a_reader_from_a_function_is_new_each_time():
    read = pa.RecordBatch.from_pydict({"a": [1, 2]})
    source = scan(lambda: pa.RecordBatchReader.from_batches(read.schema, [read]))
    for _ in range(2):
        (batch,) = source.batches()
        assert batch.equals(read)
    assert (source.names, source.n_rows) == (("a",), 2)


def test_passes_must_give_equally_many_rows():
    parts = [np.ones((3, 1))]
    source = scan(lambda: list(parts))
    list(source.batches())
    parts.append(np.ones((2, 1)))
    with pytest.raises(ValueError, match="had 3 rows at first and 5 now"):
        list(source.batches())


def test_an_unfinished_pass_does_not_count():
    source = scan([np.ones((3, 1))] * 3)
    with source.batches(0) as batches:
        next(batches)
    assert source.n_rows is None
    list(source.batches())
    assert source.n_rows == 9


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([np.ones((1, 2)), np.ones((1, 3))], ValueError, "Batch 1 has 3 columns, but batch 0"),
        (
            [pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})],
            ValueError,
            "Batch 1 has the columns 'b', but batch 0 has the columns 'a'",
        ),
        ([np.ones((1, 2)), np.ones(3)], TypeError, r"batch 1 is a ndarray \(3,\)"),
        ([[1, 2], [3, 4]], TypeError, "Batches must be dense 2-D arrays or tables, but batch 0 is"),
        ([sparse.csr_array(np.eye(2))], TypeError, "Batches must be dense"),
        ([pd.Series([1, 2])], TypeError, "batch 0 is a Series"),
    ],
)  # fmt: skip
def test_batches_must_be_tables_with_the_same_columns(parts, error, message):
    with pytest.raises(error, match=message):
        list(scan(lambda: parts).batches())


def test_an_error_of_the_function_is_raised_where_the_batches_are_used():
    def broken():
        yield np.ones((2, 2))
        raise ConnectionError("server gone")

    reader = scan(broken).batches()
    next(reader)
    with pytest.raises(ConnectionError, match="server gone"):
        next(reader)
    with pytest.raises(TypeError, match="The function must return an iterator of batches, got a"):
        list(scan(lambda: None).batches())


def test_the_clock_of_several_passes_adds_up():
    clock = ReadClock()
    source = scan(lambda: (np.ones((10, 1)) for _ in range(5)))
    list(source.batches(clock=clock))
    once = clock.read_seconds
    reader = source.batches(clock=clock)
    list(reader)
    assert reader.read_seconds == clock.read_seconds > once > 0


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.ones(3), ValueError, r"two dimensions, rows and columns, got shape \(3,\)"),
        (pd.Series([1]), ValueError, "two dimensions"),
        (sparse.csr_array(np.eye(2)), TypeError, "scan takes dense tables, got a sparse matrix"),
        (pl.LazyFrame({"a": [1]}), TypeError, "give a function that returns its collect_batches"),
        ({"a": [1, 2]}, TypeError, "got a dict"),
        (b"x.csv", TypeError, "got a bytes"),
        (7, TypeError, "got a int"),
        (None, TypeError, "got a NoneType"),
        ([], ValueError, "got an empty list"),
        (scan(np.ones((2, 2))), TypeError, "got what scan returned"),
    ],
)
def test_what_is_no_table_is_named(data, error, message):
    with pytest.raises(error, match=message):
        scan(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"window": 2.5}, "window must be an integer of at least 1, got 2.5"),
        ({"columns": "abc"}, "columns must be a list of different names or positions, got 'abc'"),
        ({"columns": []}, r"columns must be a list of different names or positions, got \[\]"),
        ({"columns": ["a", "a"]}, "columns must be a list of different"),
        ({"csv": {}}, "csv has options for CSV files, but the data are a ndarray"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        scan(np.ones((2, 2)), **options)


def test_a_lazy_frame_is_read_by_way_of_a_function():
    frame = pl.DataFrame(COLUMNS).lazy()
    source = scan(lambda: frame.collect_batches())
    assert sum(batch.height for batch in source.batches()) == 10


def test_a_dataset_is_read(tmp_path):
    table = pa.table({"a": np.arange(1000), "b": np.arange(1000.0), "c": ["x"] * 1000})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=300)
    source = scan(dataset.dataset(tmp_path), columns=["b", "a"], batch_size=250)
    assert (source.names, source.n_rows) == (("b", "a"), 1000)
    for _ in range(2):
        batches = list(source.batches())
        assert pa.Table.from_batches(batches).equals(table.select(["b", "a"]))
        assert max(batch.num_rows for batch in batches) <= 375
    in_memory = scan(dataset.dataset(table))
    assert in_memory.n_rows is None
    assert sum(batch.num_rows for batch in in_memory.batches()) == in_memory.n_rows == 1000
    with pytest.raises(ValueError, match="The Dataset has no column 'z'; its columns are 'a', 'b'"):
        list(scan(dataset.dataset(tmp_path), columns=["z"]).batches())
    with pytest.raises(ValueError, match="columns must be names of columns, got 0"):
        scan(dataset.dataset(tmp_path), columns=[0])


def test_a_scan_says_what_it_is():
    source = scan(pd.DataFrame(COLUMNS))
    assert repr(source) == "<Scan of a table of type DataFrame>"
    list(source.batches())
    assert repr(source) == "<Scan of a table of type DataFrame, 10 rows>"
    assert (source.window, source.batch_size, source.columns) == (262_144, 65_536, None)
