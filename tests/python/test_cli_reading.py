"""What becomes of CSV files whose numbers, dates, delimiters or headers are written otherwise."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import fastae
from clirun import fails, invoke, succeeds
from fastae._cli.notes import notation_of

FAST = ("--max-epochs", 1, "--random-state", 0, "--n-jobs", 1, "-q")


def numbers(n=60, seed=0):
    """Return a table of three columns of numbers."""
    x = np.random.default_rng(seed).normal(size=(n, 1)).round(2)
    return pd.DataFrame(np.hstack([x, 2 * x, 3 - x]).round(2), columns=list("abc"))


def train(path, *args):
    """Train and return the model and the notes."""
    result = invoke("train", path, "-o", path.parent / "m.fastae", *FAST, *args)
    assert result.exit_code == 0, result.output
    return fastae.load(path.parent / "m.fastae"), result.stderr.splitlines()


@pytest.mark.parametrize("stream", [(), ("--stream",)])
@pytest.mark.parametrize(
    ("cells", "what", "cure"),
    [
        (["3,14", "2,5", "7", "-0,1"], "decimal comma, such as '3,14'", "say --decimal ,"),
        (["1.234,5", "12,5", "7.000,25"], "points between thousands", "and say --decimal ,"),
        (["1,234", "12,345,678.5"], "between thousands, such as '1,234'", "write them without"),
        (["$3", "$4.50"], "amounts of money, such as '$3'", "plain numbers"),
        (["3 €", "4,50 €"], "amounts of money", "plain numbers"),
        (["3%", "4.5 %"], "percentages, such as '3%'", "plain numbers"),
        (["1 234", "17 000"], "thousands set apart", "plain numbers"),
        (["31.01.2024", "1.2.2024"], "dates, such as '31.01.2024'", "2024-01-31"),
        (["01/31/2024", "12/01/2024"], "dates, such as '01/31/2024'", "2024-01-31"),
        (["31 Jan 2024", "1 Feb 2024"], "dates, such as '31 Jan 2024'", "2024-01-31"),
        (["Jan 31, 2024", "May 1, 2024"], "dates, such as 'Jan 31, 2024'", "2024-01-31"),
        (["12:30", "9:15"], "times of day, such as '12:30'", "hours"),
    ],
)
def test_other_notations_are_noted(tmp_path, cells, what, cure, stream):
    table = numbers().assign(price=np.resize(np.array(cells, dtype=object), 60))
    table.to_csv(tmp_path / "t.csv", index=False)
    _, (note,) = train(tmp_path / "t.csv", *stream)
    assert note.startswith(f"fastae: {tmp_path / 't.csv'}: column 'price' holds ")
    assert what in note
    assert cure in note.partition(";")[2]


@pytest.mark.parametrize(
    "cells", [["a,b"], ["red", "3,14"], ["1.2.3.4"], ["3a", "4b"], ["12-34"], ["v1.2"], []]
)
def test_text_is_no_notation(cells):
    assert notation_of(cells) is None


def test_a_column_that_is_said_to_be_categories_needs_no_note(tmp_path):
    numbers().assign(size=np.resize(["3,5", "4,5"], 60)).to_csv(tmp_path / "t.csv", index=False)
    for more in ((), ("--stream",)):
        _, notes = train(tmp_path / "t.csv", "--categorical-features", "size", *more)
        assert notes == []
    succeeds("train", tmp_path / "t.csv", "-o", tmp_path / "m", *FAST)
    assert invoke("score", tmp_path / "m", tmp_path / "t.csv").stderr == ""


@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas_are_read_on_demand(tmp_path, header):
    table = numbers()
    table.to_csv(tmp_path / "t.csv", index=False, header=header)
    table.to_csv(tmp_path / "c.csv", index=False, header=header, sep=";", decimal=",")
    comma = ("--delimiter", ";", "--decimal", ",")
    expected, _ = train(tmp_path / "t.csv")
    point = {}
    for verb in ("score", "features", "explain"):
        out = () if verb != "explain" else ("-o", "-")
        m = tmp_path / "m.fastae"
        point[verb] = succeeds(verb, m, tmp_path / "t.csv", *out)
        for stream in ((), ("--stream",)):
            assert succeeds(verb, m, tmp_path / "c.csv", *comma, *stream, *out) == point[verb]
    for stream in ((), ("--stream",)):
        model, notes = train(tmp_path / "c.csv", *comma, *stream)
        assert notes == []
        np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
    fails(invoke("score", m, tmp_path / "c.csv", "--delimiter", ";"), "say --decimal ,")
    fails(invoke("score", m, tmp_path / "t.csv", "--decimal", ","), "not a number with ','")
    fails(invoke("score", m, tmp_path / "t.csv", "--decimal", "x"), "neither", status=2)
    text = succeeds("detect", tmp_path / "c.csv", tmp_path / "c.csv", *comma, *FAST, "-o", "-")
    assert text == succeeds("detect", tmp_path / "t.csv", tmp_path / "t.csv", *FAST, "-o", "-")
    args = (*comma, "--calibration", tmp_path / "c.csv", "--p-values")
    text = succeeds("score", m, tmp_path / "c.csv", *args)
    assert pd.read_csv(io.StringIO(text))["p_value"].between(0, 1).all()


def test_points_where_commas_are_decimal_are_noted(tmp_path):
    table = numbers().map(str).assign(d=np.resize(["3.5", "4.5"], 60))
    table["a"] = table["a"].str.replace(".", ",")
    table[["a", "d"]].to_csv(tmp_path / "t.csv", index=False)
    _, (note,) = train(tmp_path / "t.csv", "--decimal", ",")
    assert "column 'd' holds numbers with a decimal point, such as '3.5'" in note
    table["d"] = np.resize(["1.234,5", "6.789"], 60)
    table[["a", "d"]].to_csv(tmp_path / "t.csv", index=False)
    _, (note,) = train(tmp_path / "t.csv", "--decimal", ",")
    assert "column 'd' holds numbers with points between thousands, such as '1.234,5'" in note


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_ids_are_noted(tmp_path, stream):
    ids = [f"A-{i}" for i in range(60)]
    table = numbers().assign(id=ids, kind=np.resize(["x", "y"], 60))
    table.to_csv(tmp_path / "t.csv", index=False)
    _, (note,) = train(tmp_path / "t.csv", *stream)
    assert "column 'id' holds text that differs in nearly every row, such as 'A-0'" in note
    assert "--drop id leaves it out" in note
    assert train(tmp_path / "t.csv", *stream, "--drop", "id")[1] == []


def test_words_among_numbers_are_noted_in_streams(tmp_path):
    table = numbers().astype({"c": object})
    table.loc[5, "c"] = "broken"
    table.to_csv(tmp_path / "t.csv", index=False)
    _, (note,) = train(tmp_path / "t.csv", "--stream")
    assert "column 'c' holds words among numbers, such as 'broken'" in note


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_counters_beyond_floats_are_noted(tmp_path, form, stream):
    table = numbers().assign(n=10**18 + np.arange(60), ms=10**18 + 10**9 * np.arange(60))
    path = tmp_path / f"t.{form}"
    table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path)
    _, notes = train(path, *stream)
    (note,) = [note for note in notes if "only counts" not in note]
    assert "column 'n' holds whole numbers beyond 9,007,199,254,740,992" in note
    assert "whose last digits are lost" in note


@pytest.mark.parametrize("stream", [(), ("--stream",)])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_right_delimiter_is_named(tmp_path, delimiter, stream):
    path = tmp_path / "t.csv"
    lines = [f"{i}{delimiter}well, {'good, ' * (i % 2)}{i}" for i in range(9)]
    path.write_text("\n".join([f"n{delimiter}text", *lines]))
    fails(invoke("detect", path, *stream), "lines differ", f"say --delimiter {delimiter!r}")
    lines = [f"{3 * i % 7},5{delimiter}{i},25" for i in range(9)]
    cut = f"5{delimiter}0"
    for header, words in (([f"n{delimiter}m"], "lines differ"), ([], f"a field is {cut!r}")):
        path.write_text("\n".join([*header, *lines]))
        cure = f"say --delimiter {delimiter!r} --decimal ,"
        fails(invoke("detect", path, *stream), words, cure)
    assert train(path, "--delimiter", delimiter, "--decimal", ",", *stream)[1] == []


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_blanks_between_numbers(tmp_path, stream):
    path = tmp_path / "t.csv"
    numbers().to_csv(path, index=False, sep=" ")
    fails(invoke("detect", path, *stream), "every line is one field", "say --delimiter ' '")
    assert train(path, "--delimiter", " ", *stream)[0].n_features_in_ == 3
    path.write_text("  1.0   2.0\n 11.0   5.0\n")
    fails(invoke("detect", path, *stream), "write commas in place of the blanks")
    path.write_text("some words\nand others\nand others\n")
    assert train(path)[1] == []


def test_a_short_record_of_a_stream_is_one_sentence(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n3\n4,5\n")
    words = f"Cannot read {path}: record 3 has 1 field where 2 are expected, being '3'"
    fails(invoke("detect", path, "--stream"), words)


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_years_are_a_header(tmp_path, stream):
    path = tmp_path / "t.csv"
    numbers().set_axis([2019, 2020, 2021], axis=1).to_csv(path, index=False)
    model, (note,) = train(path, *stream)
    assert model.feature_names_in_.tolist() == ["2019", "2020", "2021"]
    assert "line 1 counts years, from 2019 to 2021, and is taken for a header" in note
    model, notes = train(path, "--no-header", *stream)
    assert model.feature_names_in_.tolist() == ["C1", "C2", "C3"]
    assert notes == []
    path.write_text("2019,2020,2021\n2018,2019,2020\n2019,2021,2020\n")
    assert train(path, *stream)[0].feature_names_in_.tolist() == ["C1", "C2", "C3"]


def test_names_with_commas_are_quoted(tmp_path):
    path = tmp_path / "t.csv"
    table = numbers().assign(**{"shop, old": np.resize([1, 2], 60)})
    table.to_csv(path, index=False)
    option = "--categorical-features"
    words = ("no column of that name", "quoted, as --categorical-features '\"shop, old\"'")
    fails(invoke("train", path, "-o", tmp_path / "m", option, "shop, old"), *words)
    model, _ = train(path, option, '"shop, old"')
    assert [factor.column for factor in model._schema.factors] == [3]
    table.astype({"shop, old": object}).replace({"shop, old": {2: "two"}}).to_csv(path, index=False)
    fails(invoke("train", path, "-o", tmp_path / "m"), f"{option} '\"shop, old\"' if it holds")


@pytest.mark.parametrize("stream", [(), ("--stream",)])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_of_no_and_of_one_row(tmp_path, form, stream):
    path, m = tmp_path / f"t.{form}", tmp_path / "m"
    train_path = tmp_path / "train.csv"
    numbers().to_csv(train_path, index=False)
    succeeds("train", train_path, "-o", m, *FAST)
    for n in (0, 1):
        table = numbers(n)
        table.to_csv(path, index=False) if form == "csv" else table.to_parquet(path)
        if n:
            assert "has one row, and a model cannot learn from it" in train(path, *stream)[1][0]
            assert succeeds("score", m, path, *stream).count("\n") == 2
        else:
            fails(invoke("train", path, "-o", tmp_path / "n", *stream), f"{path}: ", "row")
            fails(invoke("score", m, path, *stream), f"{path}: ", "row")


def test_detect_leaves_out_what_train_lacks(tmp_path):
    numbers().to_csv(tmp_path / "train.csv", index=False)
    new = numbers(20, seed=1)
    new.to_csv(tmp_path / "new.csv", index=False)
    new.assign(d=1, e="x")[["d", "c", "b", "a", "e"]].to_csv(tmp_path / "more.csv", index=False)
    args = (*FAST, "-o", "-")
    for train_path, stream in ((tmp_path / "train.csv", ()), (tmp_path / "train.csv", "--stream")):
        more = (stream,) if stream else ()
        expected = succeeds("detect", train_path, tmp_path / "new.csv", *more, *args)
        result = invoke("detect", train_path, tmp_path / "more.csv", *more, *args)
        assert result.stdout == expected
        assert "more.csv: columns 'd', 'e' are not in" in result.stderr
        assert result.stderr.endswith("and left out\n")


def test_models_judge_one_table(tmp_path):
    path, m = tmp_path / "t.csv", tmp_path / "m"
    numbers().to_csv(path, index=False)
    succeeds("train", path, "-o", m, *FAST)
    fails(invoke("detect"), "TRAIN is missing: give the table to learn from", status=2)
    fails(invoke("detect", "--model", m), "--model judges rows: give their table", status=2)
    fails(invoke("detect", "--model", m, path, path), "one table is judged", status=2)
    fails(invoke("detect", "--model", m, path, "--drop", "a"), "--drop is for training", status=2)
    result = invoke("detect", "--model", m, path, "--max-epochs", 3)
    fails(result, "--max-epochs is for training, and with --model nothing is trained", status=2)


def test_columns_of_objects_are_left_to_the_estimator(tmp_path):
    table = numbers()
    table["odd"] = [[1, 2]] * 60
    table.to_parquet(tmp_path / "t.parquet")
    fails(invoke("train", tmp_path / "t.parquet", "-o", tmp_path / "m"), "'odd'")
    table["odd"] = pd.Series(["x", "y"] * 30, dtype="category")
    table["gone"] = pd.Series([None] * 60, dtype="string")
    table.to_parquet(tmp_path / "t.parquet")
    assert train(tmp_path / "t.parquet")[0].n_features_in_ == 5
