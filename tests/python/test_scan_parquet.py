"""Scans of Parquet files: which ones, in which order, their columns, and memory."""

from __future__ import annotations

import datetime as dt
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from fastae._scan import scan

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


def write(path, start, n, row_group_size=100, **more):
    rows = np.arange(start, start + n)
    table = pa.table({"row": rows, "half": rows / 2, "text": [f"t{i % 7}" for i in rows], **more})
    pq.write_table(table, path, row_group_size=row_group_size)
    return table


@pytest.fixture
def folder(tmp_path):
    """Three files; in the order of their names, rows count from 0 to 999."""
    for name, start, n in [("c.pq", 900, 100), ("a.parquet", 0, 500), ("b.parquet", 500, 400)]:
        write(tmp_path / name, start, n)
    (tmp_path / "README.md").write_text("not a table")
    (tmp_path / "_metadata.parquet").write_text("not a table either")
    return tmp_path


def rows_of(batches):
    return [row for batch in batches for row in batch["row"].to_pylist()]


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_files_of_a_folder_come_in_the_order_of_their_names(folder, prefetch):
    source = scan(folder, batch_size=150)
    assert (source.names, source.n_rows) == (("row", "half", "text"), 1000)
    batches = list(source.batches(prefetch))
    assert rows_of(batches) == list(range(1000))
    assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
    assert 75 <= min(b.num_rows for b in batches[:-1]) <= max(b.num_rows for b in batches) <= 225
    assert rows_of(source.batches(prefetch)) == list(range(1000))


def test_paths_are_files_patterns_or_lists_of_these(folder, monkeypatch):
    assert rows_of(scan(str(folder / "[a-z]*.parquet")).batches()) == list(range(900))
    assert rows_of(scan(folder / "b.parquet").batches()) == list(range(500, 900))
    listed = scan([folder / "c.pq", str(folder / "a.parquet")])
    assert rows_of(listed.batches()) == [*range(900, 1000), *range(500)]
    assert rows_of(scan(f"{folder}/**/[ab].parquet").batches()) == list(range(900))
    monkeypatch.chdir(folder)
    assert rows_of(scan("c.pq").batches()) == list(range(900, 1000))


def test_a_file_may_have_the_name_of_a_pattern(tmp_path):
    write(tmp_path / "part[1].parquet", 0, 10)
    assert scan(tmp_path / "part[1].parquet").n_rows == 10


def test_nothing_is_read_before_it_is_needed(folder):
    source = scan(folder)
    for file in folder.glob("*.p*"):
        file.write_text("broken")
    with pytest.raises(ValueError, match=r"Cannot read .*a\.parquet: "):
        source.n_rows  # noqa: B018


def test_only_some_columns_are_read_in_their_order(folder):
    source = scan(folder, columns=["text", "row"])
    (batch,) = source.batches()
    assert batch.schema.names == ["text", "row"] == list(source.names)
    assert rows_of([batch]) == list(range(1000))
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'z'; its columns are 'row', "):
        list(scan(folder, columns=["z"]).batches())
    with pytest.raises(ValueError, match="columns must be names of columns, got 1"):
        scan(folder, columns=[1])


def test_order_permutes_row_groups_of_all_files(folder):
    source = scan(folder, batch_size=100)

    def order(seed):
        return rows_of(source.batches(order_seed=seed))

    one = order((3, 0))
    assert sorted(one) == list(range(1000))
    assert one == order((3, 0))
    assert all(one[i : i + 100] == list(range(one[i], one[i] + 100)) for i in range(0, 1000, 100))
    assert len({tuple(order(seed)) for seed in [None, (3, 0), (3, 1), (4, 0)]}) == 4
    files = [(row > 499) + (row > 899) for row in one[::100]]
    assert files != sorted(files)


def test_small_row_groups_are_read_together(tmp_path):
    write(tmp_path / "x.parquet", 0, 1000, row_group_size=10)
    for seed in [None, (0, 0)]:
        batches = list(scan(tmp_path, batch_size=200).batches(order_seed=seed))
        assert [batch.num_rows for batch in batches] == [200] * 5
        assert sorted(rows_of(batches)) == list(range(1000))


def test_small_files_are_put_together_with_their_dictionaries(tmp_path):
    for i in range(6):
        levels = pa.array([f"level {i}", f"level {i + 1}"]).dictionary_encode()
        pq.write_table(pa.table({"factor": levels}), tmp_path / f"{i}.parquet")
    (batch,) = scan(tmp_path, batch_size=100).batches()
    expected = [f"level {i + j}" for i in range(6) for j in range(2)]
    assert batch["factor"].to_pylist() == expected


def test_columns_may_come_in_another_order(tmp_path):
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["y"], "a": [2]}), tmp_path / "2.parquet")
    (batch,) = scan(tmp_path).batches()
    assert batch.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": [1]}, r"2\.parquet has no column 'b', which .*1\.parquet has: all files must be"),
        ({"a": [1], "b": [1], "c": [1]}, r"2\.parquet has a column 'c', which .* has not"),
        ({"a": ["x"], "b": [1]}, r"'a' is of type string in .*2\.parquet, but of type int64"),
    ],
)  # fmt: skip
def test_files_must_have_the_same_columns(tmp_path, other, message):
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table(other), tmp_path / "2.parquet")
    with pytest.raises(ValueError, match=message):
        list(scan(tmp_path).batches())


NOON = dt.datetime(2020, 1, 1, 12)


@pytest.mark.parametrize(
    ("one", "other", "kind", "values"),
    [
        (pa.array([1]), pa.array([1.5]), pa.float64(), [1.0, 1.5]),
        (pa.array([1], pa.int8()), pa.array([True]), pa.float64(), [1.0, 1.0]),
        (pa.array([1.5], pa.float32()), pa.array([2], pa.int64()), pa.float64(), [1.5, 2.0]),
        (pa.array([None]), pa.array([1]), pa.int64(), [None, 1]),
        (pa.array(["x"]), pa.array(["y"]).dictionary_encode(), pa.large_string(), ["x", "y"]),
        (
            pa.array([NOON], pa.timestamp("ns")),
            pa.array([NOON], pa.timestamp("ms")),
            pa.timestamp("us"),
            [NOON, NOON],
        ),
    ],
)
def test_types_of_a_column_are_brought_together(tmp_path, one, other, kind, values):
    pq.write_table(pa.table({"a": one}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": other}), tmp_path / "2.parquet")
    (batch,) = scan(tmp_path).batches()
    assert batch.schema.field("a").type == kind
    assert batch["a"].to_pylist() == values


def test_two_columns_of_one_name_are_named(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"x\.parquet has two columns with the name 'a'"):
        scan(tmp_path).names  # noqa: B018


def test_files_that_are_not_there_are_named(folder, tmp_path):
    with pytest.raises(ValueError, match=r"No file matches .*nowhere\.parquet\."):
        scan(folder / "nowhere.parquet")
    with pytest.raises(ValueError, match=r"No file matches .*\*\.csv\."):
        scan(f"{folder}/*.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"The folder .*empty holds no file that ends in"):
        scan(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"must end in \.parquet, .*, got .*README\.md"):
        scan(folder / "README.md")
    (folder / "x.csv").write_text("a\n1\n")
    with pytest.raises(ValueError, match="Files must be of one kind, Parquet or CSV, got"):
        scan(folder)
    with pytest.raises(ValueError, match="csv has options for CSV files, but the data are Parquet"):
        scan(folder / "c.pq", csv={"delimiter": ";"})


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_is_named(folder, share):
    content = (folder / "b.parquet").read_bytes()
    (folder / "b.parquet").write_bytes(content[: int(share * len(content))])
    reader = scan(folder).batches()
    with pytest.raises(ValueError, match=r"^Cannot read [^\n]*b\.parquet: [^\n]*\.$"):
        list(reader)


def test_a_file_damaged_inside_is_named(tmp_path):
    rows = np.random.default_rng(0).normal(size=20_000)
    pq.write_table(pa.table({"row": rows}), tmp_path / "x.parquet", use_dictionary=False)
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[4:60] = b"\xff" * 56  # the header of the first page
    (tmp_path / "x.parquet").write_bytes(content)
    source = scan(tmp_path)
    assert source.n_rows == 20_000
    with pytest.raises(ValueError, match=r"^Cannot read [^\n]*x\.parquet: [^\n]*$"):
        list(source.batches())


def test_a_file_that_changes_between_passes_is_noticed(tmp_path):
    write(tmp_path / "x.parquet", 0, 300)
    source = scan(tmp_path)
    list(source.batches())
    write(tmp_path / "x.parquet", 0, 300, row_group_size=300)
    with pytest.raises(ValueError, match=r"x\.parquet has changed since it was read first"):
        list(source.batches())


def test_closing_in_the_middle_leaves_nothing_open(folder):
    with scan(folder, batch_size=50).batches() as batches:
        next(batches)
    (folder / "a.parquet").unlink()
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


def test_scans_of_files_are_pickled(folder):
    source = pickle.loads(pickle.dumps(scan(folder, columns=["row"])))
    assert rows_of(source.batches()) == list(range(1000))
    assert repr(source) == "<Scan of 3 Parquet files, 1000 rows>"


def test_without_pyarrow_the_cure_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    source = scan(folder)
    with pytest.raises(
        ImportError, match=r'needs pyarrow: install it with `pip install "fastae\[f'
    ):
        source.n_rows  # noqa: B018


def test_pyarrow_is_imported_only_for_files():
    code = """
    import sys
    import numpy as np
    from fastae._scan import scan
    assert list(scan(np.ones((2, 2))).batches())[0].shape == (2, 2)
    assert "pyarrow.parquet" not in sys.modules  # others may have imported pyarrow itself
    assert "pyarrow.dataset" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_large_file_is_read_in_little_memory(tmp_path):
    # 1.2 million rows of 25 float64: 240 MB, in three row groups.
    rng = np.random.default_rng(0)
    n = 400_000
    columns = {f"x{j}": rng.normal(size=n) for j in range(25)}
    with pq.ParquetWriter(tmp_path / "x.parquet", pa.table(columns).schema) as writer:
        for _ in range(3):
            writer.write_table(pa.table(columns), row_group_size=n)
    code = """
    import resource, sys
    import pyarrow.parquet
    from fastae._scan import scan
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(batch.num_rows for batch in scan(sys.argv[1]).batches())
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(total, (after - before) // 1024)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "x.parquet")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    n_rows, megabytes = map(int, run.stdout.split())
    assert n_rows == 1_200_000
    # 4 batches of 13 MB and what the allocator keeps: 143 measured, with whole row groups 227, and
    # with what pyarrow does by default 383.
    assert megabytes < 190
