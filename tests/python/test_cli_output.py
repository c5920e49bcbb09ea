"""What the commands print and write: tables on terminals and in pipes, names, formats."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pandas as pd
import pytest

from clirun import fails, invoke, ranking, succeeds, terminal_shows
from fastae._cli.screens import Screen, fitted, print_cut, print_table, shortened, table_of, visible

LONG = "freight charged per kilogram in the previous quarter"

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a model of columns with odd names, and rows, one of them odd."""
    path = tmp_path_factory.mktemp("odd-names")
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pd.DataFrame(
        {
            "goods": np.where(x > 0, "book", "a very long name of some goods indeed"),
            LONG: (x + rng.normal(0, 0.05, 200)).round(3),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta((50 + 10 * x).round(), unit="D"),
            "net, gross": (2 * x).round(3),
            "two\nlines": (3 * x).round(3),
            "[bold]:smile:": (x**2).round(3),
        }
    )
    table.to_csv(path / "train.csv", index=False)
    new = table.head(30).copy()
    new.loc[7, [LONG, "two\nlines", "[bold]:smile:"]] = [60.0, -50.0, 40.0]
    new.loc[9, "day"] = pd.Timestamp("2031-01-01")
    new.to_csv(path / "new.csv", index=False)
    new["day"] += pd.Timedelta("12h")
    new.to_csv(path / "noon.csv", index=False)
    args = ("--random-state", 0, "--max-epochs", 20, "--calibration-fraction", 0.2, "-q")
    succeeds("train", path / "train.csv", "-o", path / "m.fastae", *args)
    return path


def lines_of(text):
    """Return the lines of the last table that was printed, below its head."""
    lines = text.replace("\r", "").splitlines()
    first = max(i for i, line in enumerate(lines) if line.startswith("───"))
    return [line for line in lines[first + 1 :] if line.strip()]


def important(line):
    """Return row, error, share and flag of a line of ``explain``."""
    return re.findall(r"^ *(?:(\d+) +([\d.]+) +)?\S.*? (\d+%) .*?(anomaly)? *$", line)


def test_piped_reasons_have_no_width(folder):
    text = succeeds("explain", folder / "m.fastae", folder / "new.csv", "--top", 6)
    assert max(map(len, text.splitlines())) > 120
    lines = lines_of(text)
    assert any(LONG in line for line in lines)
    assert any("a very long name of some goods indeed" in line for line in lines)
    assert "…" not in text


@needs_terminal
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_terminals_cut_names_and_no_figures(folder, columns):
    args = ("explain", folder / "m.fastae", folder / "new.csv", "--top", 6, "--rows", 3)
    piped = lines_of(succeeds(*args))
    shown = lines_of(terminal_shows(*args, columns=columns))
    assert max(map(len, shown)) <= columns
    assert [important(line) for line in shown] == [important(line) for line in piped]
    assert all(important(line) for line in shown)
    assert any(re.search(r" frei[^…]*….*?er ", line) for line in shown)


@needs_terminal
def test_other_tables_fit_narrow_terminals_too(folder, tmp_path):
    text = terminal_shows("info", folder / "m.fastae", columns=60)
    layers = text[text.index("Layers") :]
    assert "weights" in layers
    assert "identity" in layers
    assert "…" not in layers
    shown = terminal_shows(
        "train", folder / "train.csv", "-o", tmp_path / "m", "--max-epochs", 2, columns=60
    )
    assert "…" not in shown[shown.index("Layers") :]


def test_piped_tables_of_detect_are_not_cut(folder):
    args = ("detect", folder / "train.csv", folder / "new.csv", "--max-epochs", 2)
    text = succeeds(*args, columns=20)
    assert "…" not in text
    assert len(ranking(text)[0]) >= 10


def test_days_are_shown_without_midnight(folder):
    day = r"2031-01-01 +20\d\d-\d\d-\d\d "
    args = ("--row", 9, "--top", 6)
    text = succeeds("explain", folder / "m.fastae", folder / "new.csv", *args)
    assert re.search(day, text)
    assert "00:00:00" not in text
    noon = succeeds("explain", folder / "m.fastae", folder / "noon.csv", *args)
    assert re.search(r"2031-01-01 12:00:00 +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d ", noon)
    written = pd.read_csv(
        io.StringIO(succeeds("explain", folder / "m.fastae", folder / "new.csv", *args, "-o", "-"))
    )
    observed = written.set_index("feature")["observed"]
    assert observed["day"] == "2031-01-01"


def test_names_are_shown_as_they_are(folder):
    text = succeeds("explain", folder / "m.fastae", folder / "new.csv", "--row", 7, "--top", 6)
    assert "[bold]:smile:" in text
    assert r"two\nlines" in text
    about = succeeds("info", folder / "m.fastae")
    assert f'goods, {LONG}, day, "net, gross", "two\\nlines", [bold]:smile:\n' in about


def test_export_says_which_column_an_input_is(folder, tmp_path):
    text = succeeds("export", folder / "m.fastae", tmp_path / "m.onnx", "--outputs", "label")
    inputs = [line for line in text.splitlines() if line.startswith("input ")]
    assert inputs[0] == "input goods"
    assert inputs[1] == f'input {LONG.replace(" ", "_")} (column "{LONG}")'
    assert inputs[3] == 'input net__gross (column "net, gross")'
    assert text.endswith("output label\n")


def test_export_of_a_matrix_has_one_input(tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(40, 3)))
    succeeds("train", tmp_path / "X.npy", "-o", tmp_path / "m", "--max-epochs", 1, "-q")
    text = succeeds("export", tmp_path / "m", tmp_path / "m.onnx", "--outputs", "label")
    assert text == "input X\noutput label\n"


@pytest.mark.parametrize("name", ["out.xyz", "out.txt", "out.csv.gz", "out.json"])
@pytest.mark.parametrize(
    "verb", [("score",), ("features",), ("explain",), ("detect", "--model")], ids=lambda v: v[0]
)
def test_unknown_endings_are_refused(folder, tmp_path, verb, name):
    out = tmp_path / name
    args = (*verb, folder / "m.fastae", folder / "new.csv", "-o", out)
    fails(invoke(*args), f"{name}: the name of an output ends in .csv", "--format", status=2)
    assert not out.exists()
    succeeds(*args, "--format", "csv")
    assert out.read_text().startswith(("row,", "autoencoder_"))


def test_no_ending_is_csv(folder, tmp_path):
    succeeds("score", folder / "m.fastae", folder / "new.csv", "-o", tmp_path / "scores")
    assert (tmp_path / "scores").read_text().startswith("row,mse,rank,flag\n")


@needs_terminal
def test_what_is_no_text_is_refused_by_terminals(folder):
    model, new = folder / "m.fastae", folder / "new.csv"
    for args in (
        ("score", model, new, "--format", "parquet"),
        ("features", model, new, "--format", "npy"),
        ("plot", "history", model, "-o", "-"),
    ):
        shown = terminal_shows(*args, status=2, columns=300)
        assert re.fullmatch(r"fastae: error: .* is not for a terminal: name a file.*\r\n", shown)
    piped = invoke("score", model, new, "--format", "parquet")
    assert list(pd.read_parquet(io.BytesIO(piped.stdout_bytes))) == ["row", "mse", "rank", "flag"]


def test_widths():
    assert fitted([4, 30, 20], 30) == [4, 13, 13]
    assert fitted([4, 30, 20], 60) == [4, 30, 20]
    assert fitted([4, 30, 20], 0) == [4, 6, 6]
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("数数数数", 6) == "数…数"  # two columns each
    assert visible("a\tb\x1b[31m") == r"a\tb\x1b[31m"


def made(print_, width):
    """Return what is printed on a terminal of a width."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Screen(file=Terminal(), width=width, color_system=None)
    print_(screen)
    return screen.file.getvalue().splitlines()


def test_tables_that_are_too_wide_anyway_are_not_cut():
    def printed(screen):
        table = table_of("one", "two")
        table.add_row("123456789", "987654321")
        print_table(screen, "Title", table)

    assert made(printed, 40)[3] == " 123456789   987654321 "
    assert made(printed, 20)[3] == "123456789 987654321"
    assert made(printed, 10)[3] == "123456789 987654321"

    def cut(screen):
        print_cut(screen, "Title", ("n", "name"), [(("1234567", "abcdefghijkl"), None)], (1,))

    assert made(cut, 40)[3] == " 1234567   abcdefghijkl "
    assert made(cut, 16)[3] == "1234567 abcd…jkl"
    assert made(cut, 5)[3] == "1234567 abc…kl"


def test_headings_without_room_are_whole():
    assert made(lambda screen: screen.rule("A heading", align="left"), 30) == [
        "A heading " + "─" * 20
    ]
    assert made(lambda screen: screen.rule("A heading"), 9) == ["── A heading"]
    piped = Screen(file=io.StringIO())
    piped.rule("A heading")
    assert piped.file.getvalue() == "── A heading\n"
