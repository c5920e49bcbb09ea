"""Tables in memory and in print."""

from __future__ import annotations

import builtins
import copy
import pickle
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from fastae._table import Table

NAN = float("nan")


def history(n=5):
    mse = 0.2 * 0.99 ** np.arange(n)
    return Table({"epoch": np.arange(n), "mse": mse, "rmse": np.sqrt(mse)}, title="History")


def cells(values, name="c"):
    """Return what is printed of one column, below its name."""
    heading, *lines = str(Table({name: values})).split("\n")
    assert heading.strip() == name
    return lines


def test_it_is_a_mapping_of_columns():
    table = history()
    assert len(table) == 3
    assert list(table) == list(table.keys()) == ["epoch", "mse", "rmse"]
    assert "mse" in table
    assert "mae" not in table
    assert table.n_rows == 5
    assert table.title == "History"
    np.testing.assert_array_equal(table["epoch"], range(5))
    assert table.get("mae") is None


def test_a_missing_column_is_told_from_those_that_exist():
    with pytest.raises(KeyError, match=r"no column 'mae'; the columns are 'epoch', 'mse', 'rmse'"):
        history()["mae"]
    with pytest.raises(KeyError, match="the columns are none"):
        Table({})["mse"]


def test_it_cannot_be_changed():
    source = np.arange(3.0)
    table = Table({"a": source})
    source[0] = 9.0
    assert table["a"][0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        table["a"][0] = 1.0
    with pytest.raises(TypeError):
        table["a"] = source
    with pytest.raises(AttributeError):
        table.title = "b"
    with pytest.raises(AttributeError):
        table.other = 1


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, *(lambda t, p=p: pickle.loads(pickle.dumps(t, p)) for p in (2, 5))],
)
def test_copies_and_pickles(copied):
    table = Table({"n": [1, 2], "x": [0.5, NAN], "s": ["a", "b"], "o": [None, 3]}, title="T")
    other = copied(table)
    assert type(other) is Table
    assert str(other) == str(table)
    assert [column.dtype for column in other.values()] == [c.dtype for c in table.values()]
    assert not any(column.flags.writeable for column in other.values())


def test_equal_is_the_same():
    table = history()
    assert table == table  # noqa: PLR0124
    assert table != history()
    assert len({table, history()}) == 2


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "i"),
        (np.array([1, 2], dtype=np.uint8), "u"),
        ([True, False], "b"),
        ([0.5, 1], "f"),
        (np.array([0.5, 1], dtype=np.float32), "f"),
        (["a", "b"], "U"),
        ([1, None], "O"),
        (["a", None], "O"),
        (["a", 1], "O"),
        (pd.Series([1, 2]), "i"),
        (range(2), "i"),
    ],
)
def test_kinds_of_columns(values, kind):
    column = Table({"c": values})["c"]
    assert column.dtype.kind == kind
    assert column.tolist() == list(values)


def test_rows_are_python_scalars():
    table = Table(
        {
            "i": np.array([1, 2], dtype=np.int16),
            "f": np.array([0.5, 2], dtype=np.float32),
            "b": [True, False],
            "s": ["x", "y"],
            "o": np.array([np.float64(1.5), None], dtype=object),
            "l": np.array([0.5, 2], dtype=np.longdouble),
        }
    )
    rows = table.rows()
    assert rows == [
        {"i": 1, "f": 0.5, "b": True, "s": "x", "o": 1.5, "l": 0.5},
        {"i": 2, "f": 2.0, "b": False, "s": "y", "o": None, "l": 2.0},
    ]
    types = [int, float, bool, str, float, float]
    assert [type(value) for value in rows[0].values()] == types


@pytest.mark.parametrize("columns", [{}, {"a": []}])
def test_empty_tables(columns):
    table = Table(columns)
    assert table.n_rows == 0
    assert table.rows() == []
    assert str(table).endswith(f"[0 rows x {len(columns)} columns]")
    assert table.to_pandas().shape == (0, len(columns))
    parse(table)


def test_to_pandas():
    table = history()
    frame = table.to_pandas()
    assert list(frame.columns) == list(table)
    for name, column in table.items():
        np.testing.assert_array_equal(frame[name].to_numpy(), column)
    frame.loc[0, "mse"] = 7.0
    assert table["mse"][0] == 0.2


def test_to_pandas_without_pandas(monkeypatch):
    real_import = builtins.__import__

    def no_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ModuleNotFoundError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pandas)
    with pytest.raises(ImportError, match=r"^to_pandas needs pandas: install it with"):
        history().to_pandas()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, 2], "b": [1]}, "'a' has 2 values and 'b' has 1"),
        ({"a": [[1, 2]]}, r"'a' must be a 1-D array, got shape \(1, 2\)"),
        ({"a": 1.0}, r"'a' must be a 1-D array, got shape \(\)"),
        ({"a": [[1], [1, 2]]}, "'a' must be a 1-D array, got values of different shapes"),
        ({"a": [1j]}, "'a' must hold numbers, text or objects, got dtype complex128"),
        ({"a": np.zeros(2, "M8[s]")}, "'a' must hold numbers, text or objects, got dtype datet"),
    ],
)
def test_bad_columns(columns, message):
    with pytest.raises(ValueError, match=rf"^Column.*{message}.*\.$"):
        Table(columns)


def test_bad_names():
    with pytest.raises(TypeError, match=r"^Column names must be str, got 1\.$"):
        Table({1: [0]})


def test_text_table():
    table = Table(
        {
            "layer": [1, 2, 3],
            "type": ["input", "tanh", "tanh"],
            "units": [784, 50, 784],
            "l1": [None, 1e-5, 0.0],
            "mean_rate": [NAN, 0.0123456, 0.5],
        },
        title="Layers",
    )
    assert str(table) == repr(table)
    assert str(table).split("\n") == [
        "Layers",
        "layer  type   units     l1  mean_rate",
        "    1  input    784",
        "    2  tanh      50  1e-05   0.012346",
        "    3  tanh     784      0   0.500000",
    ]


@pytest.mark.parametrize(
    ("values", "printed"),
    [
        ([1, 1234567, -3], ["      1", "1234567", "     -3"]),
        ([1.0, 20.0], [" 1", "20"]),
        ([0.5, 0.25, 3.0], ["0.50", "0.25", "3.00"]),
        ([1234567.8, 0.5], ["1234568", "  5e-01"]),
        ([123.456, 1.5], ["123.456", "  1.500"]),
        ([1 / 3, 2 / 3], ["0.333333", "0.666667"]),
        ([1 / 3, 1 / 3000], ["0.3333333", "0.0003333"]),
        ([1 / 3, 1 / 30000], [" 0.333333", "3.333e-05"]),
        ([1e-7, 2.5e-7], ["1.0e-07", "2.5e-07"]),
        ([1e20, 1.5], ["1e+20", "  1.5"]),
        ([48000.123, 51000.456], ["48000.1", "51000.5"]),
        ([0.0, -0.0, -0.5], [" 0.0", " 0.0", "-0.5"]),
        ([NAN, 1.5, float("inf"), -float("inf")], ["", " 1.5", " inf", "-inf"]),
        ([None, 1, 20], ["", " 1", "20"]),
        ([None, 1, 2.5], ["", "1.0", "2.5"]),
        ([10**30, 7], ["1" + 30 * "0", 30 * " " + "7"]),
        ([10**400, 0.5], ["inf", "0.5"]),
        ([True, False], ["True", "False"]),
        (["a", None, 1.23456789, 3], ["a", "", "1.23457", "3"]),
        (["two\nlines", "tab\t"], [r"two\nlines", r"tab\t"]),
        (["x" * 51, "y" * 50], ["x" * 47 + "...", "y" * 50]),
        ([0.999999999, 0.1], ["1.0", "0.1"]),
        (np.array([0.1, 0.2], dtype=np.float32), ["0.1", "0.2"]),
    ],
)
def test_cells(values, printed):
    assert cells(values) == printed


def test_printed_numbers_are_true_to_four_digits():
    rng = np.random.default_rng(0)
    for _ in range(300):
        spread = rng.uniform(0, 12)
        values = rng.normal(size=15) * 10.0 ** rng.uniform(-spread, spread, size=15)
        printed = cells(values)
        assert len({len(line) for line in printed}) == 1
        np.testing.assert_allclose([float(line) for line in printed], values, rtol=5.01e-4)
        # Points of the numbers without an exponent stand below each other.
        points = {len(p) - p.index(".") for p in printed if "." in p and "e" not in p}
        assert len(points) <= 1
        assert max(map(len, printed)) <= 16


def test_long_tables_are_shortened():
    lines = str(history(101)).split("\n")
    assert lines[0] == "History"
    assert lines[1].split() == ["epoch", "mse", "rmse"]
    epochs = [line.split()[0] for line in lines[2:-1]]
    assert epochs == [*map(str, range(8)), "...", *map(str, range(93, 101))]
    assert lines[-1] == "[101 rows x 3 columns]"
    assert str(history(20)).count("\n") == 21
    assert "..." not in str(history(20))
    assert "..." in str(history(21))


def test_lines_have_no_blanks_at_the_end():
    table = Table({"a": ["x", "longer"], "b": [NAN, 1.0]})
    assert all(line == line.rstrip() for line in str(table).split("\n"))


class Tags(HTMLParser):
    """Checks that tags are closed in order, and collects the texts of cells."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.texts, self.attrs = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.attrs += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        elif data.strip():
            self.texts.append(data)


def parse(table):
    parser = Tags()
    parser.feed(table._repr_html_())
    parser.close()
    assert not parser.open
    assert {name for name, _ in parser.attrs} <= {"class", "style", "colspan"}
    return parser


@pytest.mark.parametrize("n", [1, 20, 21, 101])
def test_html_shows_what_the_text_shows(n):
    table = history(n)
    parsed = parse(table)
    assert ("class", "fastae-table") in parsed.attrs
    lines = str(table).split("\n")
    n_size_lines = n > 20
    assert parsed.texts == [lines[0], *lines[len(lines) - n_size_lines :]]
    assert parsed.rows == [line.split() for line in lines[1 : len(lines) - n_size_lines]]


def test_html_is_escaped():
    evil = "<script>alert('&\"')</script>"
    parsed = parse(Table({evil: [evil[:40]]}, title=evil))
    assert parsed.rows == [[evil], [evil[:40]]]
    assert parsed.texts == [evil]
