"""``fastae detect``: what it prints and writes, and how it fails."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clirun import fails, invoke, ranking
from fastae import Autoencoder


@pytest.fixture
def table(tmp_path):
    """Return the path of a table of 60 rows on a line in space and, last, one beside it."""
    rng = np.random.default_rng(0)
    X = np.outer(rng.uniform(-1, 1, size=60), [1, 2, -1]) + rng.normal(scale=0.01, size=(60, 3))
    X = np.vstack([X, [[1, -2, 1]]])
    path = tmp_path / "table.csv"
    pd.DataFrame(X, columns=["x", "y", "z"]).to_csv(path, index=False)
    return path


def test_detect_prints_and_writes_what_the_estimator_says(table, tmp_path):
    out = tmp_path / "scores.csv"
    args = ("--hidden-layer-sizes", 1, "--random-state", 0, "--contamination", 0.05)
    result = invoke("detect", table, *args, "--top", 5, "-o", out)
    assert result.exit_code == 0
    assert result.stderr == ""

    X = pd.read_csv(table)
    model = Autoencoder(hidden_layer_sizes=(1,), random_state=0, contamination=0.05).fit(X)
    mse = model.reconstruction_error(X)
    scores = pd.read_csv(out)
    np.testing.assert_allclose(scores["mse"], mse, rtol=1e-15)
    np.testing.assert_array_equal(scores["flag"], (model.predict(X) == -1).astype(int))
    np.testing.assert_array_equal(scores["rank"], pd.Series(-mse).rank())
    assert scores["rank"].iloc[-1] == 1

    rows, errors, flags = ranking(result.stdout)
    order = np.argsort(-mse)[:5]
    assert rows == order.tolist()
    np.testing.assert_allclose(errors, mse[order], atol=1e-6)
    assert flags == (model.predict(X)[order] == -1).tolist()
    assert f"{scores['flag'].sum()} of 61 rows flagged: MSE above " in result.stdout


def test_detect_shows_layers_and_history(table):
    args = ("--hidden-layer-sizes", "4,2,4", "--max-epochs", 30, "--score-every", 61)
    result = invoke("detect", table, *args)
    lines = [line.split() for line in result.stdout.splitlines()]
    layers = lines[lines.index(["Layers"]) + 3 :][:5]
    assert [(words[1], words[2]) for words in layers] == [
        ("3", "input"),
        ("4", "tanh"),
        ("2", "tanh"),
        ("4", "tanh"),
        ("3", "identity"),
    ]
    history = lines[lines.index(["Scoring", "history"]) + 3 :][:8]
    assert history[0][:4] == ["0.000", "s", "0", "0"]  # the untrained network has no speed
    assert [int(words[3]) for words in history[1:]] == [4, 9, 13, 17, 21, 26, 30]
    assert history[-1][4] == f"{30 * 61:,}"
    assert float(history[-1][6]) == pytest.approx(float(history[-1][5]) ** 0.5, rel=1e-3)
    assert float(history[-1][5]) < float(history[0][4])


def test_second_file_is_scored(table, tmp_path):
    X = pd.read_csv(table)
    train, test, out = (tmp_path / name for name in ("train.csv", "test.csv", "out.csv"))
    X[:-1].to_csv(train, index=False)
    X[-3:].assign(label="?")[["label", "z", "x", "y"]].to_csv(test, index=False)
    args = ("--hidden-layer-sizes", 1, "--random-state", 0, "--drop", "label")
    result = invoke("detect", train, test, *args, "-o", out)
    assert result.exit_code == 0, result.output
    model = Autoencoder(hidden_layer_sizes=1, random_state=0).fit(X[:-1])
    np.testing.assert_allclose(
        pd.read_csv(out)["mse"], model.reconstruction_error(X[-3:]), rtol=1e-15
    )
    assert ranking(result.stdout)[0][0] == 2
    assert ranking(result.stdout)[2] == [True, False, False]


def test_all_flagged_rows_are_shown_up_to_a_screenful(tmp_path):
    path = tmp_path / "noise.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 4)), delimiter=",")
    common = ("detect", path, "--hidden-layer-sizes", 1, "--max-epochs", 2, "--top", 3)
    few = invoke(*common, "--contamination", 0.05)
    assert ranking(few.stdout)[2] == [True] * 15
    many = invoke(*common, "--contamination", 0.5)
    assert ranking(many.stdout)[2] == [True] * 50
    assert "150 of 300 rows flagged" in many.stdout
    assert "100 flagged rows are not shown; -o FILE writes all." in many.stdout


def test_equal_errors_rank_in_the_order_of_rows(tmp_path):
    table, out = tmp_path / "same.csv", tmp_path / "out.csv"
    table.write_text("1,2\n3,5\n4,4\n" * 200)
    args = ("--hidden-layer-sizes", 1, "--max-epochs", 3)
    assert invoke("detect", table, *args, "-o", out).exit_code == 0
    scores = pd.read_csv(out)
    assert scores["mse"].nunique() == 3
    assert scores["rank"].tolist() == (-scores["mse"]).rank(method="first").tolist()


def test_column_that_counts_the_rows_is_pointed_out(table, tmp_path):
    with_index = tmp_path / "with_index.csv"
    pd.read_csv(table).to_csv(with_index)
    result = invoke("detect", with_index, "--max-epochs", 1)
    assert result.exit_code == 0
    assert result.stderr == "fastae: column 'C1' only counts the rows; --drop C1 leaves it out\n"
    assert invoke("detect", with_index, "--max-epochs", 1, "--drop", "C1").stderr == ""


@pytest.mark.parametrize("content", ["5\n", "5,6\n", "5\n6\n"])
def test_tiny_tables(tmp_path, content):
    table = tmp_path / "tiny.csv"
    table.write_text(content)
    assert invoke("detect", table, "--max-epochs", 2).exit_code == 0
    assert invoke("detect", table, "--hidden-layer-sizes", "none").exit_code == 0


@pytest.mark.parametrize(
    ("args", "words", "status"),
    [
        (("--max-epochs", "-1"), "--max-epochs must be a number >= 0, got -1", 2),
        (("--max-epochs", "nan"), "got nan", 2),
        (("--max-epochs", "many"), "got 'many'", 2),
        (("--batch-size", "0"), "--batch-size must be", 2),
        (("--hidden-layer-sizes", "0"), "--hidden-layer-sizes must be", 2),
        (("--hidden-layer-sizes", "5,-2"), "got (5, -2)", 2),
        (("--hidden-layer-sizes", "5,,2"), "got '5,,2'", 2),
        (("--learning-rate-init", "0"), "--learning-rate-init must be", 2),
        (("--l1", "-1"), "--l1 must be a number >= 0, got -1", 2),
        (("--l2", "nan"), "--l2 must be a number >= 0, got nan", 2),
        (("--contamination", "0.7"), "--contamination must be", 2),
        (("--threshold", "mid"), "--threshold must be", 2),
        (("--threshold", "quantile=2"), "--threshold: quantile must be", 2),
        (("--threshold", "mad", "--contamination", "0.1"), "two rules", 2),
        (("--fdr", "0.1", "--contamination", "0.1"), "two rules", 2),
        (("--fdr", "0.1"), "give a TEST", 2),
        (("table.csv", "--fdr", "0.1"), "say --calibration-fraction", 2),
        (("--calibration", "table.csv"), "--calibration is for a rule", 2),
        (("--anomaly-score", "mad"), "--anomaly-score must be", 2),
        (("--n-jobs", "0"), "--n-jobs must be", 2),
        (("--hidden-dropout", "0.5,0.5"), "--hidden-dropout must be", 2),
        (("--hidden-dropout", "much"), "got 'much'", 2),
        (("--score-every", "0.5"), "--score-every must be", 2),
        (("--max-time", "0"), "--max-time must be a number > 0", 2),
        (("--pretraining", "deep"), "'--pretraining'", 2),
        (("--loss", "mse"), "'--loss'", 2),
        (("--activation", "sigmoid"), "'--activation'", 2),
        (("--solver", "lbfgs"), "'adam', 'adadelta', 'sgd'", 2),
        (("--random-state", "-1"), "'--random-state'", 2),
        (("--random-state", "4294967296"), "'--random-state'", 2),
        (("--top", "0"), "'--top'", 2),
        (("--delimiter", "ab"), "'--delimiter'", 2),
        (("--epochs", "3"), "--epochs", 2),
        (("--l1",), "--l1", 2),
        (("more.csv", "and-more.csv"), "and-more.csv", 2),
        (("-", "--drop", "x"), "there is a header but no row", 1),
        (("--drop", "t"), "no column of that name; the columns are x, y, z", 1),
        (("--drop", "x", "--drop", "y", "--drop", "z"), "keep at least one", 1),
        (("--categorical-features", "t"), "the columns are x, y, z", 1),
        (("-o", "no/such/folder/out.csv"), "there is no folder", 1),
        (("-o", "."), "it is a folder", 1),
        (("absent.csv",), "absent.csv: cannot be read (no such file or directory)", 1),
        (("--max-w2", "1", "--categorical-features", "x"), "--max-w2 is not there for", 1),
        (
            ("--solver", "sgd", "--learning-rate-init", "1e6", "--activation", "relu"),
            "lower --learning-rate-init",
            1,
        ),
    ],
)
def test_wrong_use_is_one_line(table, monkeypatch, tmp_path, args, words, status):
    monkeypatch.chdir(tmp_path)
    if "-o" not in args:
        args = ("-o", "out.csv", *args)
    fails(invoke("detect", table, *args, input="x,y,z\n"), words, status=status)
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "table.csv: the file is empty"),
        ("x,y\n", "a header but no row"),
        ("x,y\n1,2\n3,4,5\n", "line 3 has 3 fields"),
        ("x,y\n1,2\n3\n", "line 3 has 1 field "),
        ("x,y\n1,2\n3,four\n", "line 3 (row 1), column 'y' is 'four', not a number"),
        ("x,y\n1,2\n3,inf\n", "line 3 (row 1), column 'y' is 'inf', not a finite number"),
        ("x,y\n1e300,2\n-1e300,4\n", "table.csv: column 'x' has values as far apart"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, content, words):
    table = tmp_path / "table.csv"
    table.write_text(content)
    fails(invoke("detect", table, "-o", tmp_path / "out.csv"), words)
    good = tmp_path / "good.csv"
    good.write_text("x,y\n1,2\n3,5\n")
    if "e300" not in content:  # as rows to score these are merely very odd
        fails(invoke("detect", good, table, "-o", tmp_path / "out.csv"), words)
    assert sorted(tmp_path.iterdir()) == [good, table]


def test_other_columns_are_one_line(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("x,y,w\n1,2,3\n")
    fails(invoke("detect", table, other), "other.csv: column 'z' of", "--drop z")
    other.write_text("x,y\n1,2\n")
    fails(invoke("detect", table, other), "other.csv: column 'z' of", "--drop z")
    other.write_text("1,2\n")
    fails(invoke("detect", table, other), "has 2 columns where", "has 3")


def test_input_is_never_overwritten(table):
    before = table.read_bytes()
    fails(invoke("detect", table, "-o", table), "it is the input file")
    assert table.read_bytes() == before


def test_wrong_commands():
    fails(invoke("detect"), "give the table to learn from", status=2)
    fails(invoke("detekt"), "detekt", status=2)
    fails(invoke("--nonsense"), "--nonsense", status=2)


def test_memory_error_is_one_line(table, monkeypatch):
    def fit(self, *args, **options):
        raise MemoryError

    monkeypatch.setattr(Autoencoder, "_fit", fit)
    fails(invoke("detect", table), "not enough memory", "--hidden-layer-sizes")


def test_mistakes_of_ours_are_not_hidden(table, monkeypatch):
    def fit(self, *args, **options):
        raise KeyError("a bug")

    monkeypatch.setattr(Autoencoder, "_fit", fit)
    assert isinstance(invoke("detect", table).exception, KeyError)


@pytest.mark.real_data
def test_bad_heartbeats_are_named(tmp_path):
    folder = Path(os.environ["FASTAE_DATA"]) / "ecg"
    out = tmp_path / "out.csv"
    result = invoke(
        "detect",
        folder / "ecg_discord_train.csv",
        folder / "ecg_discord_test.csv",
        *("--hidden-layer-sizes", 50, "--solver", "adadelta", "--batch-size", 1),
        *("--l1", 1e-5, "--output-activation", "tanh", "--random-state", 0, "-o", out),
    )
    assert result.exit_code == 0
    scores = pd.read_csv(out)
    assert np.flatnonzero(scores["flag"]).tolist() == [20, 21, 22]
    assert (scores["mse"][20:] > 1).all()
    assert (scores["mse"][:20] < 0.004).all()
    assert set(ranking(result.stdout)[0][:3]) == {20, 21, 22}
