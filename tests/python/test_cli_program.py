"""The program ``fastae``: help, start, exit statuses, terminals and pipes."""

from __future__ import annotations

import re
import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest

import fastae
from clirun import fails, invoke, python, terminal_shows
from fastae._cli.options import MODEL_OPTIONS


@pytest.fixture
def table(tmp_path):
    """Return the path of a table of 60 rows on a line in space and, last, one beside it."""
    rng = np.random.default_rng(0)
    X = np.outer(rng.uniform(-1, 1, size=60), [1, 2, -1]) + rng.normal(scale=0.01, size=(60, 3))
    X = np.vstack([X, [[1, -2, 1]]])
    path = tmp_path / "table.csv"
    pd.DataFrame(X, columns=["x", "y", "z"]).to_csv(path, index=False)
    return path


VERBS = (
    "train", "score", "detect", "explain", "features", "plot", "report", "export", "info", "demo",
    "bench",
)  # fmt: skip


def test_help_has_examples():
    top = invoke("--help")
    assert top.exit_code == 0
    for verb in VERBS:
        assert re.search(rf"^│ {verb} ", top.stdout, re.MULTILINE)
    for status in ("0 done", "1 a file", "2 the command line", "3 rows are flagged", "130", "141"):
        assert status in re.sub(r"\s+", " ", top.stdout)
    assert invoke().stdout == top.stdout
    text = invoke("detect", "--help").stdout
    assert "fastae detect normal.csv new.csv --top 20 -o scores.csv" in text
    for verb in VERBS:
        assert f"fastae {verb}" in invoke(verb, "--help").stdout.split("For example:")[1]
    for name in MODEL_OPTIONS:
        assert "--" + name.replace("_", "-") in text


def test_version():
    assert invoke("--version").stdout == f"fastae {fastae.__version__}\n"


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
    assert process.returncode == 1
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


@pytest.mark.parametrize("package", ["typer", "rich", "pandas", "pyarrow", "matplotlib", "jinja2"])
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
    assert process.returncode == 1
    assert stdout == ""
    assert stderr == (
        f"fastae: error: the command line needs {package}, not installed here;"
        " get what it needs with: pip install 'fastae[cli]'\n"
    )


HEAVY = "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "numpy", "onnx", "fastae._core"


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["train", "--help"], ["score", "-h"]])
def test_help_imports_nothing_heavy(args):
    """The command line alone: what `import fastae` itself imports is another matter."""
    program = (
        "import sys, types, importlib.util\n"
        "package = types.ModuleType('fastae')\n"
        "package.__path__ = [importlib.util.find_spec('fastae').submodule_search_locations[0]]\n"
        "sys.modules['fastae'] = package\n"
        "from fastae._cli.app import app\n"
        f"app({args!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    _, stderr = python("-c", program).communicate(timeout=120)
    assert stderr == "[]\n"


def test_closed_pipe_is_no_error(table, tmp_path):
    """As ``fastae score ... | head -1``, where head has gone before all is written."""
    big = tmp_path / "big.csv"
    np.savetxt(
        big,
        np.random.default_rng(0).normal(size=(20_000, 3)),
        "%.5f",
        ",",
        header="x,y,z",
        comments="",
    )
    model = tmp_path / "m.fastae"
    assert invoke("train", table, "-o", model, "-q").exit_code == 0
    process = python("-m", "fastae", "score", model, big)
    assert process.stdout.readline() == "row,mse,rank,flag\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_a_progress_bar(table):
    text = terminal_shows("detect", table, "--max-epochs", 20_000)
    assert re.search(r"Training on table.csv.* \d+% [\d,]+ obs/s +MSE 0\.\d+ +\d\d:\d\d", text)
    assert "rows flagged" in text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_gets_a_bar_for_scoring(table, tmp_path):
    assert invoke("train", table, "-o", tmp_path / "m", "-q").exit_code == 0
    big = tmp_path / "big.npy"
    np.save(big, np.random.default_rng(0).normal(size=(500_000, 3)))
    text = terminal_shows("score", tmp_path / "m", big, "-o", tmp_path / "out.npy")
    assert re.search(r"Scoring .*big.npy.* \d+% [\d,]+ obs/s +\d\d:\d\d", text)
    assert len(np.load(tmp_path / "out.npy")) == 500_000


def test_bench_measures_what_it_says(monkeypatch):
    result = invoke(
        "bench", "--hidden-layer-sizes", "5,2,5", "--columns", 12, "--rows", 300, "--repeat", 1,
        "--threads", 2, "--batch-size", 32,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    title, _, _, *lines = result.stdout.splitlines()
    assert title.startswith("12-5-2-5-12, adam, 32 rows a batch, 300 rows of float32")
    cells = [line.split() for line in lines if line.strip()]
    assert [tuple(row[:2]) for row in cells] == [
        ("train", "1"), ("train", "2"), ("score", "1"), ("score", "2"),
    ]  # fmt: skip
    for row in cells:
        speed = float(row[2].replace(",", ""))
        per_row = 2 * 140 if row[0] == "score" else 6 * 140 - 2 * 60
        assert float(row[3]) == pytest.approx(speed * per_row / 1e9, abs=0.051)
        assert row[4].endswith("%")
    fails(invoke("bench", "--hidden-layer-sizes", "0"), "--hidden-layer-sizes must be", status=2)
    fails(invoke("bench", "--repeat", 0), "--repeat", status=2)
