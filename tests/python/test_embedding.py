"""The C++ library without Python: built, installed, found, and equal to Python to the last bit."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastae
from fastae import Autoencoder, AutoencoderRegressor, _core
from saved import MODELS
from test_cpp import find, run, unavailable

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "cpp" / "examples"
GOLDEN = Path(__file__).parent / "golden"
# Kept between runs, so that only what has changed is compiled again.
BUILD = ROOT / "build" / "embedding"
OPTIONS = {"max_epochs": 3, "random_state": 0, "n_jobs": 1}

pytestmark = pytest.mark.slow


def configured(source, folder, prefixes, **options):
    """Configure a project for the instruction-set level of Python; return exit code and output."""
    (folder / "CMakeCache.txt").unlink(missing_ok=True)  # it may be of another environment
    options = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_MAKE_PROGRAM": find("ninja"),
        "CMAKE_PREFIX_PATH": ";".join(map(str, prefixes)),
        **options,
    }
    definitions = [f"-D{name}={value}" for name, value in options.items()]
    return run(find("cmake"), "-G", "Ninja", "-S", source, "-B", folder, *definitions)


def built(source, folder, prefixes, **options):
    """Configure and build a project; return its folder."""
    code, output = configured(source, folder, prefixes, **options)
    if code and "Eigen3" in output:
        unavailable("the C++ library needs Eigen: pip install cmeel-eigen")
    assert code == 0, output
    code, output = run(find("cmake"), "--build", folder)
    assert code == 0, output[-20_000:]
    return folder


@pytest.fixture(scope="module")
def programs():
    """Build the library as part of a program, install it from there, and let others find it."""
    compiler = os.environ.get("CXX", "c++").split()[0]
    missing = [name for name in ("cmake", "ninja", compiler) if find(name) is None]
    if missing:
        unavailable(f"the C++ library needs {' and '.join(missing)} on the PATH")
    packages = Path(sysconfig.get_path("purelib"))  # where pip puts Eigen
    within = built(
        EXAMPLES, BUILD / "within", [packages],
        FASTAE_SOURCE=ROOT, FASTAE_ISA=_core.isa, FASTAE_WERROR="ON",
    )  # fmt: skip
    installed = BUILD / "installed"
    code, output = run(find("cmake"), "--install", within / "fastae", "--prefix", installed)
    assert code == 0, output
    prefixes = [installed, packages / "cmeel.prefix"]
    found = built(EXAMPLES, BUILD / "found", prefixes)
    say = built(ROOT / "tests" / "cpp" / "embedding", BUILD / "say", prefixes)
    return {
        "add_subdirectory": within / "score_csv",
        "find_package": found / "score_csv",
        "say": say / "say",
    }


@pytest.fixture(scope="module")
def score_csv(programs):
    return programs["find_package"]


def rows(n_rows=70, n_columns=9):
    """Return rows near a plane, of columns in different units, some of them constant or absurd."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, n_columns))
    X = (X + 0.1 * rng.normal(size=X.shape)) * 10.0 ** np.arange(-4, n_columns - 4)
    X[:, 2] = 7.25
    X[5, 1] = 1e6
    return X


def gaps(X):
    """Return rows of which some cells are missing, and some rows and columns altogether."""
    X = X.copy()
    X[np.random.default_rng(4).random(X.shape) < 0.2] = np.nan
    X[3] = np.nan
    X[:, 4] = np.nan
    return X


# Of each model what it is trained on and its parameters.
PLAIN, GAPS = rows(), gaps(rows())
NUMBERS = {
    "range": (PLAIN, {"scaling": "range", "hidden_layer_sizes": 4}),
    "standard": (PLAIN, {"scaling": "standard", "activation": "relu"}),
    "robust": (PLAIN, {"scaling": "robust", "activation": "elu"}),
    "none": (PLAIN / np.abs(PLAIN).max(axis=0), {"scaling": "none", "activation": "logistic"}),
    "deep": (PLAIN, {"hidden_layer_sizes": (20, 8, 3, 3, 18), "output_activation": "tanh"}),
    "no hidden layer": (PLAIN, {"hidden_layer_sizes": ()}),
    "wide": (rows(40, 13).repeat(16, axis=1), {"hidden_layer_sizes": (300, 17)}),
    "ignored": (GAPS, {"scaling": "standard", "hidden_layer_sizes": (6, 2, 6)}),
    "imputed": (GAPS, {"missing": "impute"}),
    "marked": (GAPS, {"missing_indicator": True}),
    "dropped": (GAPS, {"constant_features": "drop"}),
    "dropped and marked": (GAPS, {"constant_features": "drop", "missing_indicator": True}),
    "gaps forbidden": (PLAIN, {"missing": "error", "constant_features": "drop"}),
    "bytes": (np.arange(700, dtype=np.uint8).reshape(70, 10), {"contamination": 0.2}),
}  # fmt: skip


@pytest.fixture(params=NUMBERS)
def numbers(request):
    """Return a model of numbers, and rows."""
    X, params = NUMBERS[request.param]
    return Autoencoder(**params, **OPTIONS).fit(X), X


def write_csv(path, rows, header=None):
    """Write a table whose numbers can be read back exactly; what is missing is empty."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if header is not None:
            writer.writerow(header)
        for row in rows:
            cells = [float(x) if isinstance(x, np.generic) else x for x in row]
            writer.writerow(["" if x is None or x != x else x for x in cells])  # noqa: PLR0124


def scored(program, model, rows, folder, *options, header=None):
    """Return errors as float32 and flags as a program says them."""
    if not isinstance(model, Path):
        model.save(folder / "model")
        model = folder / "model"
    write_csv(folder / "rows.csv", rows, header)
    code, output = run(program, *options, model, folder / "rows.csv")
    assert code == 0, output
    lines = [line.split(",") for line in output.splitlines()]
    assert lines[0] == ["row", "mse", "flag"]
    assert [int(line[0]) for line in lines[1:]] == list(range(len(rows)))
    return np.array([np.float32(line[1]) for line in lines[1:]]), [line[2] for line in lines[1:]]


def assert_equal(found, model, X):
    """Fail unless a program said what Python does, errors to the last bit of float32."""
    errors, flags = found
    np.testing.assert_array_equal(errors, model.reconstruction_error(X).astype(np.float32))
    assert flags == ["1" if label == -1 else "0" for label in model.predict(X)]


@pytest.mark.parametrize("how", ["add_subdirectory", "find_package"])
def test_scores_are_those_of_python(programs, how, numbers, tmp_path):
    model, X = numbers
    assert_equal(scored(programs[how], model, X, tmp_path), model, X.astype(np.float64))


def test_scores_of_float32(score_csv, numbers, tmp_path):
    model, X = numbers
    X = X.astype(np.float32)
    assert_equal(scored(score_csv, model, X, tmp_path, "--float32"), model, X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_answers_are_those_of_python(programs, numbers, dtype, tmp_path):
    model, X = numbers
    X = np.ascontiguousarray(X, dtype=dtype)
    model.save(tmp_path / "model")
    (tmp_path / "rows").write_bytes(X.tobytes())
    kind = {4: "float", 8: "double"}[X.itemsize]
    answers = subprocess.run(
        [programs["say"], kind, tmp_path / "model", tmp_path / "rows"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    parts = [
        model.reconstruction_error(X),
        model.reconstruction_error(X, per_feature=True),
        model.reconstruct(X),
        model.transform(X),
        *(model.deep_features(X, layer) for layer in range(len(model.hidden_layer_sizes_))),
    ]
    for expected in parts:
        said, answers = answers[: expected.nbytes], answers[expected.nbytes :]
        said = np.frombuffer(said, expected.dtype).reshape(expected.shape)
        np.testing.assert_array_equal(said, expected)
    assert not answers


def factors():
    """Return 80 rows of numbers and text, with commas, quotes, rare levels and gaps."""
    rng = np.random.default_rng(5)
    words = ["red", "gr\u00fcn", 'say "no"', "a, b", "(other)", "x", "y", "z"]
    frame = pd.DataFrame({
        "size": rng.normal(10.0, 2.0, 80),
        "colour": rng.choice(words, 80, p=[0.3, 0.2, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05]),
        "unit, fixed": 1.5,
        "grade": rng.choice(["low", "high"], 80),
    })  # fmt: skip
    frame.loc[::7, "colour"] = None
    frame.loc[::9, "size"] = np.nan
    return frame


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"categorical_loss": "squared_error", "constant_features": "drop"},
        {"max_categories": 5, "missing_indicator": True},
        {"max_categories": 5, "missing": "impute"},
    ],
    ids=str,
)
def test_scores_of_factors(score_csv, params, tmp_path):
    frame = factors()
    model = Autoencoder(hidden_layer_sizes=3, **params, **OPTIONS).fit(frame)
    frame.loc[40:45, "colour"] = "unseen"
    header = list(frame.columns)
    found = scored(score_csv, model, frame.to_numpy(object), tmp_path, header=header)
    assert_equal(found, model, frame)


def test_files_of_earlier_versions(score_csv, tmp_path):
    _, X = MODELS["numbers"]()
    files = sorted(GOLDEN.glob("model-*-numbers.fastae"))
    assert files
    for path in files:
        assert_equal(scored(score_csv, path, X, tmp_path), fastae.load(path), X)
    for path in GOLDEN.glob("model-*-factors.fastae"):
        code, output = run(score_csv, path, tmp_path / "rows.csv")
        assert code == 1
        assert "5 cells, but the model has 6 columns" in output


def test_a_first_line_of_words_is_a_header(score_csv, tmp_path):
    model = Autoencoder(**OPTIONS).fit(PLAIN)
    header = [f"column {j}" for j in range(PLAIN.shape[1])]
    assert_equal(scored(score_csv, model, PLAIN, tmp_path, header=header), model, PLAIN)


def refused(program, *arguments):
    """Return the one line that a program says when it fails."""
    code, output = run(program, *arguments)
    assert code == 1
    assert output.count("\n") == 1
    assert output.startswith("score_csv: ")
    return output


def test_errors_are_one_line(score_csv, tmp_path):
    model = Autoencoder(**OPTIONS).fit(PLAIN)
    model.save(tmp_path / "model")
    table = tmp_path / "rows.csv"
    for cells, said in {
        ("word",) + (1,) * 8: "line 1: 'word' is no number",
        (1,) * 8: "line 1: 8 cells, but the model has 9 columns",
        ("inf",) + (1,) * 8: "infinity in row 0, column 0",
    }.items():
        write_csv(table, [cells])
        assert said in refused(score_csv, tmp_path / "model", table)
    write_csv(table, [], header=[f"column {j}" for j in range(9)])
    assert "has no rows" in refused(score_csv, tmp_path / "model", table)
    write_csv(table, PLAIN)
    assert "cannot be read" in refused(score_csv, tmp_path / "none", table)
    assert "cannot read" in refused(score_csv, tmp_path / "model", tmp_path / "none.csv")
    assert "does not begin as such a file does" in refused(score_csv, table, table)
    content = (tmp_path / "model").read_bytes()
    (tmp_path / "model").write_bytes(content[:-5])
    assert "ends too early" in refused(score_csv, tmp_path / "model", table)


def test_models_for_python_only_are_refused(score_csv, tmp_path):
    path = tmp_path / "model"
    AutoencoderRegressor(hidden_layer_sizes=3, **OPTIONS).fit(PLAIN, PLAIN[:, 0]).save(path)
    assert "a classifier or regressor, which only Python reads" in refused(score_csv, path, path)
    Autoencoder(anomaly_score="standardized", **OPTIONS).fit(PLAIN).save(path)
    assert "anomaly_score is another than 'mse'" in refused(score_csv, path, path)
    Autoencoder(hidden_layer_sizes=3, categorical_features=[2], **OPTIONS).fit(PLAIN).save(path)
    assert "levels that are no texts" in refused(score_csv, path, path)


def test_an_unknown_level_is_refused(programs, tmp_path):
    packages = Path(sysconfig.get_path("purelib"))
    code, output = configured(ROOT, tmp_path / "build", [packages], FASTAE_ISA="v9")
    assert code != 0
    assert "FASTAE_ISA must be one of" in output


def blocks(language):
    """Return the blocks of a language in the documentation."""
    text = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_documentation_shows_the_example():
    for name, language in {"CMakeLists.txt": "cmake", "score_csv.cpp": "cpp"}.items():
        assert blocks(language) == [(EXAMPLES / name).read_text(encoding="utf-8")]


def test_the_example_prints_what_the_documentation_shows(score_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,), (shown,) = blocks("python"), blocks("text")
    exec(compile(code, "embedding.md", "exec"), {})  # noqa: S102
    _, command, *expected = re.split(r"\$ (.*)\n", shown)
    name, *arguments = command.split()
    assert name == score_csv.name
    status, output = run(score_csv, *arguments)
    assert status == 0
    found, expected = (text.split("\n") for text in (output, expected[0]))
    assert found[0] == expected[0]
    found, expected = (np.loadtxt(lines[1:], delimiter=",") for lines in (found, expected))
    # Training differs among machines in the last bits of sums.
    np.testing.assert_allclose(found, expected, rtol=1e-3)
