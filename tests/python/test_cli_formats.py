"""Formats and places: Parquet, npy, standard input and output, streams; explain and features."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import fastae
from clirun import fails, invoke, succeeds
from clitables import fill, orders
from fastae import Autoencoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("orders"))


def test_parquet_scores_as_csv_does(folder):
    csv, parquet = (
        succeeds("score", folder / "m.fastae", folder / name) for name in ("new.csv", "new.parquet")
    )
    assert csv == parquet


@pytest.mark.parametrize("name", ["new.csv", "new.parquet"])
def test_standard_input(folder, name):
    content = (folder / name).read_bytes()
    text = succeeds("score", folder / "m.fastae", "-", input=content)
    assert text == succeeds("score", folder / "m.fastae", folder / name)


def test_training_on_standard_input(folder, tmp_path):
    content = (folder / "train.csv").read_bytes()
    args = ("--drop", "id", "--max-epochs", 2, "--random-state", 0, "-q")
    succeeds("train", "-", "-o", tmp_path / "a", *args, input=content)
    succeeds("train", folder / "train.csv", "-o", tmp_path / "b", *args)
    one, other = (fastae.load(tmp_path / name) for name in "ab")
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    fails(invoke("detect", "-", "-", input=content), "can be read once", status=2)
    fails(invoke("train", "-", "-o", tmp_path / "c", "--stream"), "several times", status=2)


@pytest.mark.parametrize("form", ["csv", "parquet", "npy"])
def test_output_formats(folder, tmp_path, form):
    read = {
        "csv": pd.read_csv,
        "parquet": pd.read_parquet,
        "npy": lambda path: pd.DataFrame(np.load(path)),
    }[form]
    args = ("score", folder / "m.fastae", folder / "new.csv")
    expected = pd.read_csv(io.StringIO(succeeds(*args)))
    succeeds(*args, "-o", tmp_path / f"scores.{form}")
    pd.testing.assert_frame_equal(read(tmp_path / f"scores.{form}"), expected)
    succeeds(*args, "-o", tmp_path / "scores", "--format", form)
    pd.testing.assert_frame_equal(read(tmp_path / "scores"), expected)
    result = invoke(*args, "--format", form)
    pd.testing.assert_frame_equal(read(io.BytesIO(result.stdout_bytes)), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores", f"scores.{form}"]


def test_arrays(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, size=(80, 4, 3), dtype=np.uint8)
    path, out = tmp_path / "images.npy", tmp_path / "m.fastae"
    np.save(path, images)
    args = ("--random-state", 0, "--max-epochs", 3, "-q")
    succeeds("train", path, "-o", out, *args)
    model = Autoencoder(random_state=0, max_epochs=3).fit(images.reshape(80, 12))
    scores = pd.read_csv(io.StringIO(succeeds("score", out, path)))
    np.testing.assert_array_equal(scores["mse"], -model.score_samples(images.reshape(80, 12)))
    assert fastae.load(out).scaling_ == "range"  # bytes were bytes in training

    pd.DataFrame(images.reshape(80, 12)).to_csv(tmp_path / "images.csv", index=False)
    same = pd.read_csv(io.StringIO(succeeds("score", out, tmp_path / "images.csv")))
    np.testing.assert_allclose(same["mse"], scores["mse"], rtol=1e-5)

    more = ("--drop", "C2", "--categorical-features", "C5")
    succeeds("train", path, "-o", out, *args, *more)
    kinds = [factor.column for factor in fastae.load(out)._schema.factors]
    assert kinds == [3]
    fails(invoke("score", out, path), "has 12 columns where", "knows 11")


def test_arrays_for_models_with_names_and_the_reverse(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3))
    np.save(tmp_path / "X.npy", X)
    pd.DataFrame(X, columns=list("abc")).to_csv(tmp_path / "X.csv", index=False)
    args = ("--random-state", 0, "--max-epochs", 3, "-q")
    texts = []
    for train in ("X.npy", "X.csv"):
        succeeds("train", tmp_path / train, "-o", tmp_path / "m", *args)
        texts += [succeeds("score", tmp_path / "m", tmp_path / data) for data in ("X.npy", "X.csv")]
    assert len(set(texts)) == 1


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array(["a"]), "must hold a table of numbers"),
        (np.ones(3), "shape (3,)"),
        (np.ones((0, 3)), "shape (0, 3)"),
        (np.array([[1, None]]), "objects"),
    ],
)
def test_arrays_that_are_no_tables(tmp_path, array, words):
    np.save(tmp_path / "X.npy", array)
    fails(invoke("detect", tmp_path / "X.npy"), "X.npy: ", words)


def test_damaged_files(folder, tmp_path):
    (tmp_path / "a.parquet").write_bytes((folder / "new.parquet").read_bytes()[:-20])
    fails(invoke("score", folder / "m.fastae", tmp_path / "a.parquet"), "a.parquet: ")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00v")
    fails(invoke("score", folder / "m.fastae", tmp_path / "a.npy"), "a.npy: ")


def test_parquet_of_other_types(folder, tmp_path):
    new = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    expected = succeeds("score", folder / "m.fastae", folder / "new.csv")
    other = new.assign(
        mode=new["mode"].astype("category"),
        zip=new["zip"].astype("int16"),
        speed=new["speed"].map(repr),
        day=new["day"].dt.strftime("%Y-%m-%d"),
        checked=new["checked"].map({True: "true", False: "false"}),
    )
    other.to_parquet(tmp_path / "other.parquet")
    assert succeeds("score", folder / "m.fastae", tmp_path / "other.parquet") == expected
    for column, cells, words in (
        ("speed", new["day"], "column 'speed' holds timestamp"),
        ("speed", new["mode"], "row 0, column 'speed' is "),
        ("day", new["speed"], "column 'day' holds double, where datetimes are expected"),
    ):
        new.assign(**{column: cells}).to_parquet(tmp_path / "bad.parquet")
        fails(invoke("score", folder / "m.fastae", tmp_path / "bad.parquet"), "bad.parquet", words)


@pytest.fixture(scope="module")
def parts(folder):
    """Return a folder of two Parquet files, and one of two CSV files, of the training table."""
    table = pd.read_csv(folder / "train.csv", parse_dates=["day"])
    for name in ("parquet", "csv"):
        (folder / name).mkdir()
    for i, part in enumerate((table[:250], table[250:])):
        part.to_parquet(folder / "parquet" / f"{i}.parquet")
        part.to_csv(folder / "csv" / f"{i}.csv", index=False)
    return folder


def reasons_of(*args):
    """Return what explain writes, but for cells, which have the types of the file."""
    reasons = pd.read_csv(io.StringIO(succeeds("explain", *args, "-o", "-")))
    return reasons.drop(columns="observed")


@pytest.mark.parametrize(
    "data", [("parquet",), ("parquet/*.parquet",), ("csv",), ("train.csv", "--stream")]
)
def test_streams(parts, tmp_path, data):
    args = ("--drop", "id", "--random-state", 0, "--max-epochs", 5, "-q")
    path, *stream = data
    m = tmp_path / "m.fastae"
    succeeds("train", parts / path, *stream, "-o", m, *args, "--validation", parts / "new.csv")
    assert np.isfinite(fastae.load(m).history_["validation_mse"]).all()
    whole = succeeds("score", m, parts / "train.csv")
    assert succeeds("score", m, parts / path, *stream) == whole
    one, other = [
        reasons_of(m, parts / source, *more, "--rows", 5)
        for source, *more in (data, ("train.csv",))
    ]
    pd.testing.assert_frame_equal(one, other)
    codes = [succeeds("features", m, parts / s, *more) for s, *more in (data, ("train.csv",))]
    assert codes[0] == codes[1]
    for kind in ("ranked", "heatmap"):
        pictures = [tmp_path / "a.png", tmp_path / "b.png"]
        succeeds("plot", kind, m, parts / path, "-o", pictures[0])
        succeeds("plot", kind, m, parts / "train.csv", "-o", pictures[1])
        assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_reports_of_folders(parts, tmp_path):
    m, page = tmp_path / "m.fastae", tmp_path / "r.html"
    succeeds("train", parts / "csv", "-o", m, "--drop", "id", "--max-epochs", 5, "-q")
    succeeds("report", m, parts / "csv", "-o", page)
    assert "of 600 rows" in page.read_text()
    told = invoke("report", m, parts / "csv", "-o", page, "--label", "id")
    fails(told, "--label is for a table in one file", status=2)


def test_streams_are_detected_in(parts, tmp_path):
    args = ("--drop", "id", "--random-state", 0, "--max-epochs", 5)
    text = succeeds("detect", parts / "csv", *args, "-o", "-")
    assert text.count("\n") == 601
    text = succeeds("detect", parts / "parquet", parts / "new.csv", *args, "-o", "-")
    assert text.count("\n") == 101
    result = invoke("detect", parts / "csv", *args, "-o", parts / "csv" / "1.csv")
    fails(result, "it is the input file")
    result = invoke("train", parts / "csv", "-o", tmp_path / "m", "--anomalous", parts / "new.csv")
    fails(result, "--anomalous", status=2)
    fails(invoke("detect", parts / "*.txt"), "No file matches")
    fails(invoke("detect", tmp_path), "holds no file")


def test_explain(folder, tmp_path):
    args = ("explain", folder / "m.fastae", folder / "new.csv")
    text = succeeds(*args, "--rows", 2, "--top", 2)
    first = text.splitlines()[3].split()
    assert first[0] == "10"
    assert first[2] == "power"
    assert first[4] == "90"
    assert first[-1] == "anomaly"
    out = tmp_path / "reasons.csv"
    succeeds(*args, "--row", 10, "--row", 3, "--top", 1, "-o", out)
    reasons = pd.read_csv(out)
    assert reasons["row"].tolist() == [10, 3]
    model = fastae.load(folder / "m.fastae")
    table = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    expected = model.explain(table.iloc[[10, 3]], top=1)
    assert reasons["feature"].tolist() == expected["feature"].tolist()
    np.testing.assert_allclose(reasons["share"], expected["share"])
    succeeds(*args, "--rows", 0, "-o", tmp_path / "all.parquet")
    everything = pd.read_parquet(tmp_path / "all.parquet")
    assert everything["row"].nunique() == 100
    fails(invoke(*args, "--row", 100), "there is no row 100; rows count from 0 to 99")
    fails(invoke(*args, "--row", 1, "--rows", 2), "give one of them", status=2)
    fails(invoke(*args, "-o", tmp_path / "x.npy"), "npy is not for", status=2)
    fails(invoke(*args, "--format", "csv"), "name one with -o", status=2)


def test_features(folder, tmp_path):
    args = ("features", folder / "m.fastae", folder / "new.csv")
    model = fastae.load(folder / "m.fastae")
    table = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    codes = pd.read_csv(io.StringIO(succeeds(*args)))
    np.testing.assert_allclose(codes, model.transform(table))
    expected = [f"autoencoder_layer0_{j}" for j in range(codes.shape[1])]
    assert codes.columns.tolist() == expected
    succeeds(*args, "-o", tmp_path / "codes.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), codes)
    succeeds(*args, "-o", tmp_path / "codes.parquet", "--layer", -1)
    assert pd.read_parquet(tmp_path / "codes.parquet").equals(codes)
    fails(invoke(*args, "--layer", 3), "--layer must be from -1 to 0", status=2)


def test_unnamed_columns_have_names_in_reasons(tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(50, 3)))
    succeeds("train", tmp_path / "X.npy", "-o", tmp_path / "m", "-q", "--max-epochs", 1)
    text = succeeds("explain", tmp_path / "m", tmp_path / "X.npy", "-o", "-", "--rows", 0)
    assert set(pd.read_csv(io.StringIO(text))["feature"]) == {"C1", "C2", "C3"}


def test_rows_with_nothing_but_gaps(tmp_path):
    table = orders(60).drop(columns=["id", "day"])
    table.to_csv(tmp_path / "t.csv", index=False)
    succeeds("train", tmp_path / "t.csv", "-o", tmp_path / "m", "-q", "--max-epochs", 1)
    (tmp_path / "gaps.csv").write_text("mode,speed,power,zip,checked\n,,,,\nslow,1,1,1000,True\n")
    assert "slow" in succeeds("explain", tmp_path / "m", tmp_path / "gaps.csv", "--top", 5)
