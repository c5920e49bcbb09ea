"""Scans of CSV files: types that hold to the last line, and options."""

from __future__ import annotations

import datetime as dt
import gzip
import threading

import pytest

from fastae._scan import scan

pa = pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


N = 150_000  # lines, of several blocks of the reader (1 MB each)


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def read(data, **options):
    """Return the table, and check that all batches have one schema."""
    source = scan(data, **options)
    batches = list(source.batches())
    assert len({str(batch.schema) for batch in batches}) == 1
    table = pa.Table.from_batches(batches)
    assert source.n_rows == table.num_rows
    assert source.names == tuple(table.column_names)
    return table


@pytest.mark.parametrize(
    ("last", "kind", "value"),
    [
        ("7", pa.int64(), 7),
        ("1.5", pa.float64(), 1.5),
        ("1e300", pa.float64(), 1e300),
        ("99999999999999999999", pa.float64(), 1e20),
        ("+3", pa.float64(), 3.0),
        ("", pa.int64(), None),
        ("NA", pa.int64(), None),
        ("unknown", pa.large_string(), "unknown"),
        ("true", pa.large_string(), "true"),
        ("2020-01-01", pa.large_string(), "2020-01-01"),
    ],
)
def test_the_last_line_has_a_say_in_the_type(tmp_path, last, kind, value):
    lines = ["key,row", *(f"{i % 10},{i:09d}" for i in range(N)), f"{last},{N}"]
    table = read(write(tmp_path / "x.csv", lines), batch_size=20_000)
    assert table.schema.field("key").type == kind
    assert table["key"][-1].as_py() == value
    assert table["key"][1].as_py() == ("1" if kind == pa.large_string() else 1)
    assert table["row"].type == pa.int64()
    assert table["row"].to_pylist() == list(range(N + 1))


DAY = dt.datetime(2020, 1, 2)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1.5", "2"], pa.float64(), [1.5, 2.0]),
        (["2", "1.5", "3"], pa.float64(), [2.0, 1.5, 3.0]),
        ([" 1.5", "2 "], pa.float64(), [1.5, 2.0]),
        (["inf", "nan", "-1"], pa.float64(), [float("inf"), None, -1.0]),
        (["true", "False"], pa.bool_(), [True, False]),
        (["true", "0"], pa.large_string(), ["true", "0"]),
        (["1", "0"], pa.int64(), [1, 0]),
        (["2020-01-02", "", "2020-01-02 00:00:00"], pa.timestamp("us"), [DAY, None, DAY]),
        (["2020-01-02", "soon"], pa.large_string(), ["2020-01-02", "soon"]),
        (["2020-01-02T00:00:00Z"], pa.timestamp("us", "UTC"), [DAY.replace(tzinfo=dt.UTC)]),
        (["", "NA", "null"], pa.float64(), [None, None, None]),
        (["", "5"], pa.int64(), [None, 5]),
        (["a", "", '""'], pa.large_string(), ["a", None, None]),
        (['"a,b"', '"c""d"', '"two\nlines"'], pa.large_string(), ["a,b", 'c"d', "two\nlines"]),
        (['"1"', "2"], pa.int64(), [1, 2]),
        (["1", "a", "2"], pa.large_string(), ["1", "a", "2"]),
        (["-", "1"], pa.large_string(), ["-", "1"]),
    ],
)  # fmt: skip
def test_cells_settle_the_type(tmp_path, cells, kind, values):
    path = write(tmp_path / "x.csv", ["cell,other", *(f"{cell},0" for cell in cells)])
    table = read(path)
    assert table.schema.field("cell").type == kind
    assert table["cell"].to_pylist() == values


def test_quoted_line_breaks_may_fall_on_the_edge_of_a_block(tmp_path):
    lines = ["text,row", *(f'"a\nb\n{i:06d}\nc\nd",{i}' for i in range(N // 2))]
    table = read(write(tmp_path / "x.csv", lines))
    assert table["row"].to_pylist() == list(range(N // 2))
    assert table["text"][77].as_py() == "a\nb\n000077\nc\nd"


def test_types_are_those_of_all_files(tmp_path):
    write(tmp_path / "1.csv", ["a,b,c", "1,2,", "3,4,"])
    write(tmp_path / "2.csv", ["c,b,a", "x,4,1.5"])
    with gzip.open(tmp_path / "3.csv.gz", "wt") as file:
        file.write("a,b,c\n7,z,\n")
    table = read(tmp_path)
    assert table.to_pydict() == {
        "a": [1.0, 3.0, 1.5, 7.0], "b": ["2", "4", "4", "z"], "c": [None, None, "x", None],
    }  # fmt: skip
    reduced = read(tmp_path, columns=["a"])
    assert reduced.to_pydict() == {"a": [1.0, 3.0, 1.5, 7.0]}


def test_order_permutes_whole_files(tmp_path):
    for i in range(8):
        write(tmp_path / f"{i}.csv", ["a", *(str(10 * i + j) for j in range(10))])
    source = scan(tmp_path, batch_size=10)

    def order(seed):
        return [v for batch in source.batches(order_seed=seed) for v in batch["a"].to_pylist()]

    assert order(None) == list(range(80))
    one = order((0, 0))
    assert sorted(one) == list(range(80))
    assert all(one[i : i + 10] == list(range(one[i], one[i] + 10)) for i in range(0, 80, 10))
    assert one == order((0, 0)) != order((0, 1))


def test_batches_have_about_the_size_asked_for(tmp_path):
    path = write(tmp_path / "x.csv", ["a", *(str(i) for i in range(N))])
    sizes = [batch.num_rows for batch in scan(path, batch_size=10_000).batches()]
    assert 5_000 <= min(sizes[:-1]) <= max(sizes) <= 15_000
    small = [batch.num_rows for batch in scan(path, batch_size=1_000_000).batches()]
    assert small == [N]


def test_reading_for_the_types_happens_once_and_is_on_the_clock(tmp_path):
    path = write(tmp_path / "x.csv", ["a,b,c", *(f"{i},{i / 3},{i}" for i in range(N))])
    source = scan(path)
    assert source.n_rows is None
    first = source.batches()
    next(first)
    assert source.n_rows == N  # counted on the way
    first.close()
    second = source.batches()
    list(second)
    typed = scan(path, csv={"column_types": dict.fromkeys("abc", pa.float64())}).batches()
    next(typed)
    typed.close()
    assert first.read_seconds > typed.read_seconds


def test_given_types_are_taken(tmp_path):
    path = write(tmp_path / "x.csv", ["a,b,c", "1,2,x", "3,4,y"])
    types = {"a": pa.string(), "b": pa.float32()}
    table = read(path, csv={"column_types": types})
    assert table.to_pydict() == {"a": ["1", "3"], "b": [2.0, 4.0], "c": ["x", "y"]}
    assert table.schema.field("b").type == pa.float32()
    with pytest.raises(ValueError, match=r"x\.csv has no column 'z'; its columns are 'a', 'b'"):
        read(path, csv={"column_types": {"z": pa.string()}})
    with pytest.raises(ValueError, match=r"^Cannot read .*x\.csv: .*invalid value 'x'"):
        read(path, csv={"column_types": {"c": pa.int64()}})


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a;b\n1,5;x\n2;y\n", {"delimiter": ";", "decimal_point": ","},
         {"a": [1.5, 2], "b": ["x", "y"]}),
        ("a;b\n1,5;x\n2.5;y\n", {"delimiter": ";", "decimal_point": ","},
         {"a": ["1,5", "2.5"], "b": ["x", "y"]}),
        ("1,x\n2,y\n", {"has_header": False}, {"f0": [1, 2], "f1": ["x", "y"]}),
        ("1,x\n2,y\n", {"column_names": ["k", "l"]}, {"k": [1, 2], "l": ["x", "y"]}),
        ("a,b\n2,y\n", {"column_names": ["k", "l"], "has_header": True}, {"k": [2], "l": ["y"]}),
        ("# by us\na\n1\n", {"skip_rows": 1}, {"a": [1]}),
        ("#\na\n1\n", {"skip_rows": 1, "column_names": ["k"], "has_header": True}, {"k": [1]}),
        ("a,b\n'x,y',1\n", {"quote_char": "'"}, {"a": ["x,y"], "b": [1]}),
        ("a,b\nx\\,y,1\n", {"escape_char": "\\"}, {"a": ["x,y"], "b": [1]}),
        ("a,b\n-,1\n2,?\n", {"null_values": ["-", "?"]}, {"a": [None, 2], "b": [1, None]}),
        ("a\nyes\nno\n", {"true_values": ["yes"], "false_values": ["no"]}, {"a": [True, False]}),
    ],
)  # fmt: skip
def test_options_of_the_format(tmp_path, text, options, expected):
    (tmp_path / "x.csv").write_text(text)
    assert read(tmp_path / "x.csv", csv=options).to_pydict() == expected


def test_encodings(tmp_path):
    (tmp_path / "x.csv").write_bytes("a\nGrün\n".encode("latin1"))
    assert read(tmp_path, csv={"encoding": "latin1"}).to_pydict() == {"a": ["Grün"]}
    with pytest.raises(ValueError, match=r"^Cannot read .*x\.csv: .*UTF8"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,a\n1,2,3\n", r"x\.csv has two columns with the name 'a': names must differ"),
        ("", r"^Cannot read .*x\.csv: .*Empty CSV file"),
        (
            "a,b\n1,2\n3\n",
            r"^Cannot read .*x\.csv: .*record 3 has 1 field where 2 are expected, being '3'",
        ),
    ],
)
def test_a_bad_file_is_named(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        list(scan(tmp_path / "x.csv").batches())


def test_files_must_have_the_same_columns(tmp_path):
    write(tmp_path / "1.csv", ["a,b", "1,2"])
    write(tmp_path / "2.csv", ["a,c", "1,2"])
    with pytest.raises(ValueError, match=r"2\.csv has no column 'b', which .*1\.csv has"):
        list(scan(tmp_path).batches())
    assert read(tmp_path, columns=["a"]).to_pydict() == {"a": [1, 1]}


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    source = scan(write(tmp_path / "x.csv", ["a,b"]))
    assert sum(batch.num_rows for batch in source.batches()) == 0
    assert (source.names, source.n_rows) == (("a", "b"), 0)


def test_an_unknown_option_is_named(tmp_path):
    write(tmp_path / "x.csv", ["a", "1"])
    with pytest.raises(
        ValueError, match="There is no CSV option 'sep'; the options are has_header"
    ):
        scan(tmp_path, csv={"sep": ";"})
