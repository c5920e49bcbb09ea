"""The program ``fastae``: what it prints and writes, and how it fails."""

from __future__ import annotations

import inspect
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import fastae
from fastae import Autoencoder
from fastae._cli.app import app
from fastae._cli.options import MODEL_OPTIONS, option_names, read_number, read_sizes

# Arrays; functions; what takes a second `fit`; the progress bar's job.
OUT_OF_REACH = {"coefs_init", "intercepts_init", "callback", "warm_start", "verbose"}
OUT_OF_REACH |= {"anomaly_margin", "anomaly_weight"}  # no way to mark rows yet
# An empty cell is an error there, and so is text.
OUT_OF_REACH |= {"missing", "missing_indicator"}
OUT_OF_REACH |= {"categorical_features", "categorical_loss", "max_categories"}
OUT_OF_REACH |= {"threshold", "calibration_fraction"}  # no way to keep a fitted model yet


@pytest.fixture
def invoke(monkeypatch):
    """Return a function that runs a command in this process, 80 columns wide."""
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def table(tmp_path):
    """Return the path of a table of 60 rows on a line in space and, last, one beside it."""
    rng = np.random.default_rng(0)
    X = np.outer(rng.uniform(-1, 1, size=60), [1, 2, -1]) + rng.normal(scale=0.01, size=(60, 3))
    X = np.vstack([X, [[1, -2, 1]]])
    path = tmp_path / "table.csv"
    pd.DataFrame(X, columns=["x", "y", "z"]).to_csv(path, index=False)
    return path


def fails(result, *words):
    """Check that a command has failed as promised: one line, status 2, no result."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("fastae: error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    for word in words:
        assert word in result.stderr


def ranking(output):
    """Return rows, errors and flags from the last table that was printed."""
    lines = re.findall(r"^ +\d+ +(\d+) +([\d.e+-]+) +(anomaly)? *$", output, flags=re.MULTILINE)
    rows, errors, flags = zip(*lines, strict=True)
    return [int(row) for row in rows], [float(error) for error in errors], list(map(bool, flags))


def test_options_are_the_estimators_parameters():
    parameters = inspect.signature(Autoencoder).parameters
    assert set(MODEL_OPTIONS) == set(parameters) - OUT_OF_REACH


# Every option with something else than its default.
GIVEN = {
    "hidden_layer_sizes": (4, 2, 4),
    "activation": "elu",
    "output_activation": "tanh",
    "loss": "huber",
    "huber_delta": 0.5,
    "quantile": 0.4,
    "solver": "sgd",
    "learning_rate_init": 0.015,
    "learning_rate": "constant",
    "power_t": 0.4,
    "layer_rate_decay": 0.9,
    "batch_size": 7,
    "max_epochs": 3,
    "l1": 1e-5,
    "l2": 2e-5,
    "max_w2": 10.0,
    "input_dropout": 0.1,
    "hidden_dropout": (0.1, 0.0, 0.2),
    "input_noise": 0.01,
    "sparsity_beta": 0.1,
    "average_activation": 0.05,
    "momentum": 0.5,
    "momentum_start": 0.3,
    "momentum_ramp": 100,
    "momentum_dampening": True,
    "nesterovs_momentum": False,
    "annealing": 1e-7,
    "rho": 0.95,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-7,
    "init": "normal",
    "init_scale": 0.1,
    "pretraining": "stacked",
    "pretraining_epochs": 0.5,
    "scaling": "standard",
    "constant_features": "drop",
    "contamination": 0.1,
    "validation_fraction": 0.2,
    "early_stopping": True,
    "stopping_rounds": 3,
    "stopping_tolerance": 0.001,
    "restore_best_weights": False,
    "target_mse": 1e-9,
    "max_time": 50,
    "score_every": 20,
    "score_interval": 0.0001,
    "score_duty_cycle": 0.5,
    "score_training_samples": 30,
    "score_validation_samples": 5,
    "checkpoint": "run.ckpt",
    "checkpoint_interval": 0,
    "parallel": "hogwild",
    "n_jobs": 1,
    "random_state": 5,
}


def as_option(name, value):
    """Return the words that give an option this value."""
    name = name.replace("_", "-")
    if isinstance(value, bool):
        negation = "--last" if name == "restore-best-weights" else f"--no-{name}"
        return [f"--{name}" if value else negation]
    return [f"--{name}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]


def test_every_option_reaches_the_estimator(invoke, table, monkeypatch, tmp_path):
    defaults = Autoencoder().get_params()
    assert set(GIVEN) == set(MODEL_OPTIONS)
    assert not [name for name, value in GIVEN.items() if defaults[name] == value]
    monkeypatch.chdir(tmp_path)
    args = [word for name, value in GIVEN.items() for word in as_option(name, value)]
    seen = []
    fit = Autoencoder._fit
    monkeypatch.setattr(
        Autoencoder,
        "_fit",
        lambda model, *args, **options: seen.append(model) or fit(model, *args, **options),
    )
    result = invoke("detect", table, *args)
    assert result.exit_code == 0, result.output
    parameters = seen[0].get_params()
    assert {name: parameters[name] for name in GIVEN} == GIVEN
    assert {name: type(parameters[name]) for name in GIVEN} == {
        name: type(value) for name, value in GIVEN.items()
    }
    assert (tmp_path / "run.ckpt").exists()


def test_defaults_are_the_estimators(invoke, table, monkeypatch):
    seen = []
    fit = Autoencoder._fit
    monkeypatch.setattr(
        Autoencoder,
        "_fit",
        lambda model, *args, **options: seen.append(model) or fit(model, *args, **options),
    )
    assert invoke("detect", table).exit_code == 0
    assert seen[0].get_params() == Autoencoder().get_params()


def test_detect_prints_and_writes_what_the_estimator_says(invoke, table, tmp_path):
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


def test_detect_shows_layers_and_history(invoke, table):
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


def test_second_file_is_scored(invoke, table, tmp_path):
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


def test_all_flagged_rows_are_shown_up_to_a_screenful(invoke, tmp_path):
    path = tmp_path / "noise.csv"
    np.savetxt(path, np.random.default_rng(0).normal(size=(300, 4)), delimiter=",")
    common = ("detect", path, "--hidden-layer-sizes", 1, "--max-epochs", 2, "--top", 3)
    few = invoke(*common, "--contamination", 0.05)
    assert ranking(few.stdout)[2] == [True] * 15
    many = invoke(*common, "--contamination", 0.5)
    assert ranking(many.stdout)[2] == [True] * 50
    assert "150 of 300 rows flagged" in many.stdout
    assert "100 flagged rows are not shown; -o FILE writes all." in many.stdout


def test_equal_errors_rank_in_the_order_of_rows(invoke, tmp_path):
    table, out = tmp_path / "same.csv", tmp_path / "out.csv"
    table.write_text("1,2\n3,5\n4,4\n" * 200)
    args = ("--hidden-layer-sizes", 1, "--max-epochs", 3)
    assert invoke("detect", table, *args, "-o", out).exit_code == 0
    scores = pd.read_csv(out)
    assert scores["mse"].nunique() == 3
    assert scores["rank"].tolist() == (-scores["mse"]).rank(method="first").tolist()


def test_column_that_counts_the_rows_is_pointed_out(invoke, table, tmp_path):
    with_index = tmp_path / "with_index.csv"
    pd.read_csv(table).to_csv(with_index)
    result = invoke("detect", with_index, "--max-epochs", 1)
    assert result.exit_code == 0
    assert result.stderr == "fastae: column 'C1' only counts the rows; --drop C1 leaves it out\n"
    assert invoke("detect", with_index, "--max-epochs", 1, "--drop", "C1").stderr == ""


@pytest.mark.parametrize("content", ["5\n", "5,6\n", "5\n6\n"])
def test_tiny_tables(invoke, tmp_path, content):
    table = tmp_path / "tiny.csv"
    table.write_text(content)
    assert invoke("detect", table, "--max-epochs", 2).exit_code == 0
    assert invoke("detect", table, "--hidden-layer-sizes", "none").exit_code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--max-epochs", "-1"), "--max-epochs must be a number >= 0, got -1"),
        (("--max-epochs", "nan"), "got nan"),
        (("--max-epochs", "many"), "got 'many'"),
        (("--batch-size", "0"), "--batch-size must be"),
        (("--hidden-layer-sizes", "0"), "--hidden-layer-sizes must be"),
        (("--hidden-layer-sizes", "5,-2"), "got (5, -2)"),
        (("--hidden-layer-sizes", "5,,2"), "got '5,,2'"),
        (("--learning-rate-init", "0"), "--learning-rate-init must be"),
        (("--l1", "-1"), "--l1 must be a number >= 0, got -1"),
        (("--l2", "nan"), "--l2 must be a number >= 0, got nan"),
        (("--contamination", "0.7"), "--contamination must be"),
        (("--n-jobs", "0"), "--n-jobs must be"),
        (("--hidden-dropout", "0.5,0.5"), "--hidden-dropout must be"),
        (("--hidden-dropout", "much"), "got 'much'"),
        (("--score-every", "0.5"), "--score-every must be"),
        (("--max-time", "0"), "--max-time must be None or a number > 0"),
        (("--pretraining", "deep"), "'--pretraining'"),
        (("--loss", "mse"), "'--loss'"),
        (("--activation", "sigmoid"), "'--activation'"),
        (("--solver", "lbfgs"), "'adam', 'adadelta', 'sgd'"),
        (("--random-state", "-1"), "'--random-state'"),
        (("--random-state", "4294967296"), "'--random-state'"),
        (("--top", "0"), "'--top'"),
        (("--delimiter", "ab"), "'--delimiter'"),
        (("--drop", "t"), "no column of that name; the columns are x, y, z"),
        (("--drop", "x", "--drop", "y", "--drop", "z"), "keep at least one"),
        (("--epochs", "3"), "--epochs"),
        (("--l1",), "--l1"),
        (("-o", "no/such/folder/out.csv"), "there is no folder"),
        (("-o", "."), "it is a folder"),
        (("absent.csv",), "absent.csv: cannot be read (no such file or directory)"),
        (("more.csv", "and-more.csv"), "and-more.csv"),
        (
            ("--solver", "sgd", "--learning-rate-init", "1e6", "--activation", "relu"),
            "lower --learning-rate-init",
        ),
    ],
)
def test_wrong_use_is_one_line(invoke, table, monkeypatch, tmp_path, args, words):
    monkeypatch.chdir(tmp_path)
    if "-o" not in args:
        args = ("-o", "out.csv", *args)
    fails(invoke("detect", table, *args), words)
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "table.csv: the file is empty"),
        ("x,y,z\n", "a header but no row"),
        ("x,y\n1,2\n3,4,5\n", "line 3 has 3 fields"),
        ("x,y\n1,2\n3\n", "line 3 has 1 field "),
        ("x,y\n1,2\n3,four\n", "line 3 (row 1), column 'y' is 'four', not a number"),
        ("x,y\n1,2\n3,nan\n", "line 3 (row 1), column 'y' is 'nan', not a finite number"),
        ("x,y\n1,2\n,4\n", "line 3 (row 1), column 'x' is empty"),
        ("x,y\n1e300,2\n-1e300,4\n", "table.csv: column 'x' has values as far apart"),
    ],
)
def test_bad_tables_are_one_line(invoke, tmp_path, content, words):
    table = tmp_path / "table.csv"
    table.write_text(content)
    fails(invoke("detect", table, "-o", tmp_path / "out.csv"), words)
    good = tmp_path / "good.csv"
    good.write_text("x,y\n1,2\n3,5\n")
    if "e300" not in content:  # as rows to score these are merely very odd
        fails(invoke("detect", good, table, "-o", tmp_path / "out.csv"), words)
    assert sorted(tmp_path.iterdir()) == [good, table]


def test_other_columns_are_one_line(invoke, table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("x,y,w\n1,2,3\n")
    fails(invoke("detect", table, other), "other.csv: column 'w' is not in", "--drop w")
    other.write_text("x,y\n1,2\n")
    fails(invoke("detect", table, other), "other.csv: column 'z' of", "--drop z")
    other.write_text("1,2\n")
    fails(invoke("detect", table, other), "has 2 columns where", "has 3")


def test_input_is_never_overwritten(invoke, table):
    before = table.read_bytes()
    fails(invoke("detect", table, "-o", table), "it is the input file")
    assert table.read_bytes() == before


def test_wrong_commands(invoke):
    fails(invoke("detect"), "TRAIN")
    fails(invoke("detekt"), "detekt")
    fails(invoke("--nonsense"), "--nonsense")


def test_help_has_examples(invoke):
    top = invoke("--help")
    assert top.exit_code == 0
    assert "detect" in top.stdout
    assert "demo" in top.stdout
    assert invoke().stdout == top.stdout
    text = invoke("detect", "--help").stdout
    assert "fastae detect normal.csv new.csv --top 20 -o scores.csv" in text
    assert "fastae demo --out pictures" in invoke("demo", "--help").stdout
    for name in MODEL_OPTIONS:
        assert "--" + name.replace("_", "-") in text


def test_version(invoke):
    assert invoke("--version").stdout == f"fastae {fastae.__version__}\n"


def test_words_are_read_as_numbers_where_they_are():
    assert read_number("3") == 3
    assert isinstance(read_number("3"), int)
    assert read_number("3.5") == 3.5
    assert read_number("auto") == "auto"
    assert read_number(1e-8) == 1e-8
    assert read_sizes("50,20,50") == (50, 20, 50)
    assert read_sizes("5") == (5,)
    assert read_sizes("none") == ()
    assert read_sizes("auto") == "auto"


def test_messages_speak_of_options():
    assert option_names("l1 must be a number") == "--l1 must be a number"
    assert option_names("use scaling='range' or less scaling") == (
        "use --scaling='range' or less scaling"
    )
    assert option_names("lower learning_rate_init now") == "lower --learning-rate-init now"


def test_memory_error_is_one_line(invoke, table, monkeypatch):
    def fit(self, X, on_progress=None):
        raise MemoryError

    monkeypatch.setattr(Autoencoder, "_fit", fit)
    fails(invoke("detect", table), "not enough memory", "--hidden-layer-sizes")


def test_mistakes_of_ours_are_not_hidden(invoke, table, monkeypatch):
    def fit(self, X, on_progress=None):
        raise KeyError("a bug")

    monkeypatch.setattr(Autoencoder, "_fit", fit)
    assert isinstance(invoke("detect", table).exception, KeyError)


def python(*args, **options):
    """Return a process that runs Python with the arguments, its output caught."""
    environment = os.environ | {"COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def test_program_runs_on_its_own(table):
    process = python("-m", "fastae", "detect", table, "--max-epochs", 3)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0
    assert stderr == ""  # no progress bar where nobody looks
    assert "\x1b" not in stdout
    assert "rows flagged" in stdout
    assert max(map(len, stdout.splitlines())) <= 80


def test_program_fails_on_its_own(tmp_path):
    process = python("-m", "fastae", "detect", tmp_path / "absent.csv")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert stdout == ""
    assert re.fullmatch(r"fastae: error: \S*absent.csv: cannot be read .*\n", stderr)


def test_ctrl_c_is_one_line(table, tmp_path):
    out = tmp_path / "out.csv"
    # Says when training has begun, so that the signal meets it there.
    program = (
        "import signal, sys\n"
        "from fastae import Autoencoder\n"
        "from fastae.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs ignore it
        "fit = Autoencoder._fit\n"
        "def announced(self, *args, **options):\n"
        "    print('training', flush=True)\n"
        "    return fit(self, *args, **options)\n"
        "Autoencoder._fit = announced\n"
        "sys.argv[0] = 'fastae'\n"
        "main()\n"
    )
    process = python("-c", program, "detect", table, "--max-epochs", 2_000_000_000, "-o", out)
    assert process.stdout.readline() == "training\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "fastae: interrupted\n"
    assert stdout == ""
    assert not out.exists()


@pytest.mark.parametrize("package", ["typer", "rich", "pandas", "matplotlib"])
def test_missing_extra_is_one_line(package):
    program = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name: None if name == {package!r} else find(name)\n"
        "from fastae.__main__ import main\n"
        "main()\n"
    )
    process = python("-c", program, "--version")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 2
    assert stdout == ""
    assert stderr == (
        f"fastae: error: the command line needs {package}, not installed here;"
        " get what it needs with: pip install 'fastae[cli]'\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_a_progress_bar(table):
    import pty

    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fastae", "detect", str(table), "--max-epochs", "20000"],
        stdout=other_end,
        stderr=other_end,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(other_end)
    seen = b""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
    except OSError:  # Linux says so when the program has closed its end
        pass
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    text = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen).decode()
    assert re.search(r"Training on table.csv.* \d+% [\d,]+ obs/s +MSE 0\.\d+ +\d\d:\d\d", text)
    assert "rows flagged" in text


@pytest.mark.real_data
def test_bad_heartbeats_are_named(invoke, tmp_path):
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
