"""CSV files: shape, header, numbers, and files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastae._cli.csv_io import parse_numbers, read_csv, write_scores
from fastae._cli.errors import CliError
from fastae._cli.files import check_writable, write_atomically
from fastae._cli.pair import read_pair


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def message_of(function, *args, **options):
    with pytest.raises(CliError) as caught:
        function(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "has_header"),
    [
        ("1,2\n3,4\n", False),
        ("a,b\n1,2\n", True),
        ("1,2\n", False),
        ("r1,1,2\nr2,3,4\n", False),  # text in both: names of rows
        ("name,kind\nr1,x\n", True),
        ("a,,c\n1,2,3\n", True),
        ("nan,2\n3,4\n", False),
        ("0,1,2\n5,6,7\n", True),  # written by pandas from a frame without names
        (",0,1,2\n0,5,6,7\n", True),  # the same with its index
        ("0,1\n5,6\n", False),
        ("0,1,3\n5,6,7\n", False),
    ],
)
def test_header_is_detected(write, text, has_header):
    assert read_csv(write(text)).has_header is has_header


def test_header_can_be_forced(write):
    path = write("1,2\n3,4\n")
    assert read_csv(path, header=True).columns == ("1", "2")
    assert read_csv(path, header=False).columns == ("C1", "C2")
    assert read_csv(path, header=True).n_rows == 1


def test_word_above_numbers_beside_a_number_is_not_guessed(write):
    message = message_of(read_csv, write("2019,oops\n1,2\n"))
    assert "line 1" in message
    assert "column 2 being 'oops'" in message
    assert "--header or --no-header" in message


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2.5\n-3,4e2\n",
        "a,b\r\n1,2.5\r\n-3,4e2\r\n",
        "a,b\r1,2.5\r-3,4e2\r",
        "a,b\n1,2.5\n-3,4e2",
        "\ufeffa,b\n1,2.5\n-3,4e2\n",
        '"a","b"\n"1",2.5\n-3,"4e2"\n',
        '"a",b\n"1\n",2.5\n-3,4e2\n',
        " a , b \n 1, 2.5\n -3 ,4e2 \n",
        "\na,b\n\n1,2.5\n  \n-3,4e2\n\n\n",
    ],
)
def test_ways_of_writing_one_table(write, content):
    source = read_csv(write(content))
    assert source.columns == ("a", "b")
    assert source.n_rows == 2
    frame = parse_numbers(source)
    assert list(frame.columns) == ["a", "b"]
    assert frame.to_numpy().dtype == np.float64
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 2.5], [-3, 400]])


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_delimiters(write, delimiter):
    path = write(f"a{delimiter}b\n1{delimiter}2\n")
    frame = parse_numbers(read_csv(path, delimiter=delimiter))
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 2]])


def test_numbers_keep_their_digits(write):
    rng = np.random.default_rng(0)
    values = rng.standard_normal(500) * 10.0 ** rng.integers(-30, 30, size=500)
    path = write("\n".join(map(repr, values.tolist())))
    # Equal with pandas 3.1; up to the last bit with the faster parser of older ones.
    np.testing.assert_allclose(parse_numbers(read_csv(path)).to_numpy()[:, 0], values, rtol=1e-15)


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("with_header", [False, True])
def test_ragged_line_is_named(write, quoted, change, with_header):
    rng = np.random.default_rng(0)
    for n_columns in (2, 3, 7):
        for _ in range(10):
            bad_row = int(rng.integers(1 - with_header, 30))
            lengths = np.full(30, n_columns)
            lengths[bad_row] += change
            cell = '"1"' if quoted else "1"
            lines = [",".join([cell] * length) for length in lengths]
            if with_header:
                lines.insert(0, ",".join(f"x{j}" for j in range(n_columns)))
            message = message_of(read_csv, write("\n".join(lines)))
            n_fields = n_columns + change
            fields = "1 field " if n_fields == 1 else f"{n_fields} fields "
            assert f"line {bad_row + 1 + with_header} has {fields}" in message
            assert f"the lines above have {n_columns};" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"a,b\n", "a header but no row"),
        (b"a,b\n1,2\n3,\n", "line 3 (row 1), column 'b' is empty"),
        (b"a,b\n1,2\n , 3\n", "line 3 (row 1), column 'a' is empty"),
        (b"1,2\n3,x y\n", "line 2 (row 1), column 'C2' is 'x y', not a number"),
        (b"a,b\n1,2\n3,1_000\n", "'1_000', not a number"),
        (b"a,b\n1,2\n3,0x10\n", "'0x10', not a number"),
        (b"a,b\n1,2\n3,True\n", "'True', not a number"),
        (b'a,b\n1,2\n3,"1,5"\n', "'1,5', not a number"),
        (b"a,b\n1,2\n3,NA\n", "'NA', not a number"),
        (b"a,b\n1,2\n3,nan\n", "'nan', not a finite number"),
        (b"a,b\n1,2\n3,-inf\n", "'-inf', not a finite number"),
        (b"a,b\n1,2\n3,1e999\n", "'1e999', not a finite number"),
        (b'a,b\n"1\n",2\n3,x\n', "line 4 (row 1), column 'b' is 'x'"),
        (b"\n\na,b\n\n1,2\n3,x\n", "line 6 (row 1), column 'b' is 'x'"),
        (b"a b,c\nx,1\n", "--drop 'a b'"),
        (b"a;b\n1;2\n", "say --delimiter ';'"),
        (b"a\tb\n1\t2\n", "say --delimiter '\\t'"),
        (b"a,b\n1," + b"x" * 100 + b"\n", "x" * 30 + "..."),
        (b"1\n\n3\n", "line 2 is blank"),
        (b"a,a\n1,2\n", "columns 1 and 2 are both named 'a'"),
        (b"a,C1,\n1,2,3\n", None),
        (b",C1,b\n1,2,3\n", "columns 1 and 2 are both named 'C1'"),
        (b"1,2\n3,\xff\n", "line 2 is not UTF-8 text"),
        (b"1,2\n\x003,4\n", "line 2 is not UTF-8 text"),
        (b'a,"b\n1,2\n', "close every quote"),
        (b'"a"x,b\n1,2\n', "close every quote"),
    ],
)
def test_faults_are_named(write, content, words):
    path = write(content)
    if words is None:
        assert read_csv(path).columns == ("a", "C1", "C3")
        return
    message = message_of(lambda: parse_numbers(read_csv(path)))
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


def test_unreadable_files(tmp_path):
    assert "no such file" in message_of(read_csv, tmp_path / "absent.csv")
    assert "is a directory" in message_of(read_csv, tmp_path)


def test_dropped_columns_are_not_even_parsed(write):
    source = read_csv(write("id,x,label\nrow one,1,good\nrow two,2,\n"))
    frame = parse_numbers(source, drop=["label", "id", "not there"])
    assert list(frame.columns) == ["x"]
    np.testing.assert_array_equal(frame.to_numpy(), [[1], [2]])
    assert "keep at least one" in message_of(parse_numbers, source, drop=["id", "x", "label"])


def test_pair_follows_the_names(write):
    train = write("a,b\n1,2\n", "train.csv")
    test = write("b,a,label\n20,10,x\n", "test.csv")
    X, X_new = read_pair(train, test, drop=["label"])
    assert list(X_new.columns) == list(X.columns) == ["a", "b"]
    np.testing.assert_array_equal(X_new.to_numpy(), [[10, 20]])


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("a,b,c\n1,2,3\n", "1,2,3\n4,5,6\n"),
        ("1,2,3\n4,5,6\n", "a,b,c\n1,2,3\n"),
    ],
)
def test_pair_shares_one_header(write, train, test):
    X, X_new = read_pair(write(train, "train.csv"), write(test, "test.csv"), drop=["b"])
    assert list(X.columns) == list(X_new.columns) == ["a", "c"]
    assert X.shape[1] == X_new.shape[1] == 2


def test_pair_without_any_header_may_drop_from_one_file(write):
    X, X_new = read_pair(
        write("1,2\n", "train.csv"), write("1,2,0\n3,4,1\n", "test.csv"), drop=["C3"]
    )
    assert X.shape == (1, 2)
    assert X_new.shape == (2, 2)


@pytest.mark.parametrize(
    ("test", "drop", "words"),
    [
        ("a,c\n1,2\n", (), "test.csv: column 'c' is not in"),
        ("a,b,c\n1,2,3\n", (), "leave it out with --drop c"),
        ("a\n1\n", (), "column 'b' of"),
        ("1,2,3\n4,5,6\n", (), "has 3 columns where"),
        ("a,b\n1,2\n", ("labell",), "no column of that name; the columns are a, b"),
        ("a,bravo\n1,2\n", ("brave",), "did you mean 'bravo'?"),
    ],
)
def test_pair_of_different_columns(write, test, drop, words):
    train = write("a,b\n1,2\n", "train.csv")
    message = message_of(read_pair, train, write(test, "test.csv"), drop=drop)
    assert words in message
    assert "\n" not in message


def test_scores_come_back_with_all_their_digits(tmp_path):
    mse = np.random.default_rng(0).exponential(size=50) ** 9
    rank = np.argsort(np.argsort(-mse)) + 1
    path = tmp_path / "out.csv"
    write_scores(path, mse=mse, rank=rank, flag=mse > 1)
    lines = path.read_text().split("\n")
    assert lines.pop(0) == "row,mse,rank,flag"
    assert lines.pop() == ""
    rows, errors, ranks, flags = zip(*(line.split(",") for line in lines), strict=True)
    assert list(map(int, rows)) == list(range(50))
    assert list(map(float, errors)) == mse.tolist()
    assert list(map(int, ranks)) == rank.tolist()
    assert flags == tuple("1" if error > 1 else "0" for error in mse)


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def write(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    message = message_of(write_atomically, path, write)
    assert "no space left on device" in message
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_write_leaves_nothing(tmp_path):
    def write(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "out.csv", write)
    assert list(tmp_path.iterdir()) == []


def test_permissions_and_links_survive(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write_atomically(link, lambda stream: stream.write(b"new"))
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_new_file_gets_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    write_atomically(tmp_path / "new", lambda stream: stream.write(b""))
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_places_that_cannot_be_written(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("1\n")
    assert "it is a folder" in message_of(check_writable, tmp_path)
    assert "there is no folder" in message_of(check_writable, tmp_path / "no" / "out.csv")
    link = tmp_path / "link.csv"
    link.symlink_to(table)
    assert "it is the input file" in message_of(check_writable, link, inputs=(table,))
    check_writable(tmp_path / "out.csv", inputs=(table,))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always-full device")
def test_device_is_written_to_directly():
    write_atomically(Path("/dev/null"), lambda stream: stream.write(b"x"))
    assert not Path("/dev/null").is_file()
    message = message_of(
        write_atomically, Path("/dev/full"), lambda stream: stream.write(b"x" * 100_000)
    )
    assert "no space left" in message
