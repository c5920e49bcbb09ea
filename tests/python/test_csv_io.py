"""CSV files: shape, header, cells, and files that are written whole or not at all."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from fastae._cli.errors import CliError
from fastae._cli.inputs import open_source
from fastae._cli.outputs import Output, scores_frame
from fastae._cli.pair import read_train
from fastae._cli.tables import Ranking


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def read_csv(path, **options):
    """Return a whole table."""
    source = open_source(path, **options)
    return source.read(source.names)


def read_pair(*paths, **options):
    return read_train(*map(open_source, paths), **options)


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
    assert open_source(write(text)).named is has_header


def test_header_can_be_forced(write):
    path = write("1,2\n3,4\n")
    assert list(read_csv(path, header=True).columns) == ["1", "2"]
    assert list(read_csv(path, header=False).columns) == ["C1", "C2"]
    assert len(read_csv(path, header=True)) == 1


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
    frame = read_csv(write(content))
    assert list(frame.columns) == ["a", "b"]
    assert frame.to_numpy().dtype == np.float64
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 2.5], [-3, 400]])


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_delimiters(write, delimiter):
    path = write(f"a{delimiter}b\n1{delimiter}2\n")
    frame = read_csv(path, delimiter=delimiter)
    np.testing.assert_array_equal(frame.to_numpy(), [[1, 2]])


def test_numbers_keep_their_digits(write):
    rng = np.random.default_rng(0)
    values = rng.standard_normal(500) * 10.0 ** rng.integers(-30, 30, size=500)
    path = write("\n".join(map(repr, values.tolist())))
    np.testing.assert_array_equal(read_csv(path).to_numpy()[:, 0], values)


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
        (b"1,2\n3,x y\n", "line 2 (row 1), column 'C2' is 'x y', not a number"),
        (b"a,b\n1,2\n3,1_000\n", "'1_000', not a number"),
        (b"a,b\n1,2\n3,0x10\n", "'0x10', not a number"),
        (b"a,b\n1,2\n3,True\n", "'True', not a number"),
        (b'a,b\n1,2\n3,"1,5"\n', "'1,5', not a number"),
        (b"a,b\n1,2\n3,-inf\n", "'-inf', not a finite number"),
        (b"a,b\n1,2\n3,1e999\n", "'1e999', not a finite number"),
        (b'a,b\n"1\n",2\n3,x\n', "line 4 (row 1), column 'b' is 'x'"),
        (b"\n\na,b\n\n1,2\n3,x\n", "line 6 (row 1), column 'b' is 'x'"),
        (b"a b,c\nx,1\n2,1\n", "--drop 'a b', or say --categorical-features 'a b'"),
        (b"a;b\n1;2\n", "say --delimiter ';'"),
        (b"a\tb\n1\t2\n", "say --delimiter '\\t'"),
        (b"a,b\n1," + b"x" * 100 + b"\n2,3\n", "x" * 30 + "..."),
        (b"1\n\n3\n", "line 2 is blank"),
        (b"\n\nx\n1\n\n3\n", "line 5 is blank"),
        (b"a,a\n1,2\n", "columns 1 and 2 are both named 'a'"),
        (b",C1,b\n1,2,3\n", "columns 1 and 2 are both named 'C1'"),
        (b"1,2\n3,\xff\n", "line 2 is not UTF-8 text"),
        (b"1,2\n" * 60_000 + b"3,\xff\n", "line 60001 is not UTF-8 text"),
        (b"1,2\n\x003,4\n", "line 2 is not UTF-8 text"),
        (b'a,"b\n1,2\n', "close every quote"),
        (b'"a"x,b\n1,2\n', "close every quote"),
        (b'a,b\n"x",2\n' + b"y,2\n" * 99 + b'y,"2\n' + b"y,2\n" * 99, "close every quote"),
    ],
)
def test_faults_are_named(write, content, words):
    path = write(content)
    message = message_of(read_csv, path)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


def test_blank_names_are_made_up(write):
    assert list(read_csv(write("a,C1,\n1,2,3\n")).columns) == ["a", "C1", "C3"]


@pytest.mark.parametrize("word", ["", " ", "NA", "nan", "NaN", "null", "N/A"])
def test_words_for_missing_cells(write, word):
    frame = read_csv(write(f"a,b\n1,x\n{word},{word}\n3,y\n"))
    np.testing.assert_array_equal(frame["a"], [1, np.nan, 3])
    assert frame["b"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", ""], "f"),
        (["+1", "1e3", ".5"], "f"),
        (["true", "FALSE", "True"], "b"),
        (["2024-01-31", "", "2024-02-29"], "M"),
        (["2024-01-31T12:00:00.5", "2024-01-31"], "M"),
        (["2024-01-31T12:00:00Z", "2024-01-31T12:00:00+01:00"], "M"),
        (["red", "blue", ""], "O"),
        (["1", "A2", "B3"], "O"),  # codes, some of which happen to be numbers
        (["31/01/2024", "29/02/2024"], "O"),
        (["", ""], "f"),
    ],
)
def test_columns_are_what_their_cells_are(write, cells, kind):
    content = "id,x\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    column = read_csv(write(content))["x"]
    assert column.dtype.kind == kind
    assert column.isna().tolist() == [not cell for cell in cells]


def test_text_keeps_its_digits(write):
    path = write("zip,x\n01234,1\nA1,2\nB2,3\n")
    assert read_csv(path)["zip"].tolist() == ["01234", "A1", "B2"]


def test_compressed_files(write):
    path = write(gzip.compress(b"a,b\n1,2\n"), "table.csv.gz")
    np.testing.assert_array_equal(read_csv(path).to_numpy(), [[1, 2]])
    path.write_bytes(path.read_bytes()[:-9])
    assert "table.csv.gz" in message_of(read_csv, path)


def test_unreadable_files(tmp_path):
    assert "no such file" in message_of(read_csv, tmp_path / "absent.csv")
    assert "is a directory" in message_of(read_csv, tmp_path)


def test_dropped_columns_are_not_even_parsed(write):
    path = write("id,x,label\nrow one,1,good\n5,2,\n")
    (frame,) = read_pair(path, drop=["label", "id"])
    assert list(frame.columns) == ["x"]
    np.testing.assert_array_equal(frame.to_numpy(), [[1], [2]])
    assert "keep at least one" in message_of(read_pair, path, drop=["id", "x", "label"])


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
        ("a,c\n1,2\n", (), "test.csv: column 'b' of"),
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


def test_pair_is_read_alike(write):
    """Text stays text where a file happens to hold numbers only, and dates stay dates."""
    train = write("zip,day,n\nA1,2024-01-01,1\nB2,2024-01-02,2\nC3,,3\n", "train.csv")
    X, X_new = read_pair(train, write("zip,day,n\n12,,1\n", "test.csv"))
    assert X_new["zip"].tolist() == ["12"]
    assert X_new["day"].dtype == X["day"].dtype
    for cells, words in {
        "A1,2024-01-01,x": "column 'n' is 'x', not a number",
        "A1,soon,1": "column 'day' is 'soon', not a date such as",
    }.items():
        message = message_of(read_pair, train, write(f"zip,day,n\n{cells}\n", "test.csv"))
        assert "line 2 (row 0), " + words in message


def test_categories_of_numbers(write):
    train = write("zip,n\n1,1\n2,2\n1,3\n", "train.csv")
    (X,) = read_pair(train, categories=["zip"])
    assert X["zip"].dtype == np.int64
    (X,) = read_pair(write("zip,n\n1,1\nA,2\n2,3\n"), categories=["zip"])
    assert X["zip"].tolist() == ["1", "A", "2"]


def test_scores_come_back_with_all_their_digits(tmp_path):
    mse = np.random.default_rng(0).exponential(size=50) ** 9
    ranking = Ranking.of(mse, mse, mse > 1, 1.0)
    path = tmp_path / "out.csv"
    Output(path, None).write(scores_frame(ranking))
    lines = path.read_text().split("\n")
    assert lines.pop(0) == "row,mse,rank,flag"
    assert lines.pop() == ""
    rows, errors, ranks, flags = zip(*(line.split(",") for line in lines), strict=True)
    assert list(map(int, rows)) == list(range(50))
    assert list(map(float, errors)) == mse.tolist()
    assert list(map(int, ranks)) == (np.argsort(np.argsort(-mse)) + 1).tolist()
    assert flags == tuple("1" if error > 1 else "0" for error in mse)
