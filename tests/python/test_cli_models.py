"""Models in files: train, and the commands that use what it wrote."""

from __future__ import annotations

import io
import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import fastae
from clirun import fails, invoke, ranking, succeeds
from clitables import fill, orders
from fastae import Autoencoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("orders"))


def scores_of(*args, **options):
    return pd.read_csv(io.StringIO(succeeds("score", *args, **options)))


def test_train_writes_what_the_estimator_fits(folder, tmp_path):
    table = pd.read_csv(folder / "train.csv", parse_dates=["day"]).drop(columns="id")
    model = Autoencoder(categorical_features=["zip"], random_state=0, max_epochs=20).fit(table)
    loaded = fastae.load(folder / "m.fastae")
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.score_samples(table), model.score_samples(table))
    assert loaded.offset_ == model.offset_


def test_train_prints_layers_history_and_threshold(folder, tmp_path):
    args = ("train", folder / "train.csv", "-o", tmp_path / "m", "--max-epochs", 1)
    text = succeeds(*args)
    assert "Layers" in text
    assert "Scoring history" in text
    threshold = -fastae.load(tmp_path / "m").offset_
    assert f"m: flags rows with an MSE above {threshold:.6g}." in text
    assert succeeds(*args, "--quiet") == ""


def test_score_is_predict(folder):
    scores = scores_of(folder / "m.fastae", folder / "new.csv")
    assert list(scores) == ["row", "mse", "rank", "flag"]
    model = fastae.load(folder / "m.fastae")
    new = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    np.testing.assert_allclose(scores["mse"], -model.score_samples(new), rtol=1e-12)
    np.testing.assert_array_equal(scores["flag"] == 1, model.predict(new) == -1)
    assert scores["rank"][10] == 1
    assert scores["flag"][10] == 1


def test_columns_that_the_model_does_not_know_are_noted(folder):
    result = invoke("score", folder / "m.fastae", folder / "new.csv")
    assert result.stderr.count("\n") == 1
    assert "new.csv: column 'id' is not known to" in result.stderr


def test_columns_come_in_any_order_and_must_all_be_there(folder, tmp_path):
    path = tmp_path / "other.csv"
    new = pd.read_csv(folder / "new.csv")
    new[reversed(new.columns)].to_csv(path, index=False)
    expected = scores_of(folder / "m.fastae", folder / "new.csv")
    assert scores_of(folder / "m.fastae", path).equals(expected)
    new.rename(columns={"power": "powr"}).to_csv(path, index=False)
    result = invoke("score", folder / "m.fastae", path)
    fails(result, "other.csv: column 'power' of", "did you mean 'powr'?")


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("speed", ["1.5", "fast"], "line 3 (row 1), column 'speed' is 'fast', not a number;"),
        ("speed", ["1", "inf"], "'inf', not a finite number"),
        ("day", ["2024-01-01", "12"], "column 'day' is '12', not a date"),
        ("zip", ["x", "y"], "'zip'"),
        ("mode", ["1", "2"], None),  # text it was, text it is: levels that are not known
        ("checked", ["1", "0"], None),
        ("checked", ["true", ""], None),
    ],
)
def test_new_tables_are_read_as_the_model_knows_them(folder, tmp_path, column, cells, words):
    new = pd.read_csv(folder / "new.csv", dtype=str).head(2).drop(columns="id")
    new[column] = cells
    new.to_csv(tmp_path / "odd.csv", index=False)
    result = invoke("score", folder / "m.fastae", tmp_path / "odd.csv")
    if words is None:
        assert result.exit_code == 0, result.output
        assert result.stdout.count("\n") == 3
    else:
        fails(result, "odd.csv", words)


def test_detect_by_a_model(folder, tmp_path):
    out = tmp_path / "scores.csv"
    args = ("detect", "--model", folder / "m.fastae", folder / "new.csv")
    text = succeeds(*args, "--top", 3, "-o", out)
    assert ranking(text)[0][0] == 10
    assert "Layers" not in text
    assert pd.read_csv(out).equals(scores_of(folder / "m.fastae", folder / "new.csv"))
    assert succeeds(*args, "-o", "-") == out.read_text()
    fails(invoke(*args, "--l1", 1e-5), "--l1 is for training", status=2)
    fails(invoke(*args, "--drop", "id"), "--drop is for training", status=2)
    fails(invoke(*args, folder / "new.csv"), "with --model one table is judged", status=2)
    fails(invoke(*args, "--p-values"), "--p-values is for the output file", status=2)
    fails(invoke(*args, "--format", "csv"), "--format is for the output file", status=2)
    succeeds(*args, "--n-jobs", 1)


def test_rules_for_the_decision(folder):
    m, new = folder / "m.fastae", folder / "new.csv"
    flags = {}
    for rule in (
        "--threshold 0.5",
        "--threshold quantile=0.9",
        "--threshold mad",
        "--contamination 0.2",
        "--contamination auto",
    ):
        flags[rule] = scores_of(m, new, *rule.split())["flag"].to_numpy() == 1
    mse = scores_of(m, new)["mse"]
    np.testing.assert_array_equal(flags["--threshold 0.5"], mse > 0.5)
    model = fastae.load(m)
    table = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    for rule, arguments in {
        "--threshold quantile=0.9": {"quantile": 0.9},
        "--threshold mad": {"method": "mad"},
        "--contamination 0.2": {"contamination": 0.2},
        "--contamination auto": {"contamination": "auto"},
    }.items():
        expected = model.set_threshold(**arguments).predict(table) == -1
        np.testing.assert_array_equal(flags[rule], expected, rule)
    assert 0 < flags["--threshold mad"].sum() < flags["--contamination 0.2"].sum()
    fails(invoke("score", m, new, "--threshold", "sigma=3"), "not 'sigma'", status=2)
    fails(invoke("score", m, new, "--threshold", -1), "--threshold must be", status=2)
    fails(invoke("score", m, new, "--threshold", 1, "--fdr", 0.1), "two rules", status=2)
    fails(invoke("score", m, new, "--fdr", 0.1), "--fdr needs normal rows that the network was not")
    rate = invoke("score", m, new, "--false-positive-rate", 0.1)
    assert rate.exit_code == 0
    assert "of new rows it is higher" in rate.stderr


def test_calibration_rows(folder, tmp_path):
    calibration = tmp_path / "normal.csv"
    orders(300, seed=1).to_csv(calibration, index=False)
    m, new = folder / "m.fastae", folder / "new.csv"
    args = (m, new, "--calibration", calibration)
    scores = scores_of(*args, "--fdr", 0.2)
    assert list(scores) == ["row", "mse", "p_value", "rank", "flag"]
    assert scores["p_value"][10] == pytest.approx(1 / 301)
    table = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    model = fastae.load(m).calibrate(orders(300, seed=1).drop(columns="id"))
    np.testing.assert_array_equal(scores["flag"] == 1, model.detect(table, fdr=0.2) == -1)
    np.testing.assert_allclose(scores["p_value"], model.p_values(table))
    rate = scores_of(*args, "--false-positive-rate", 0.05, "--p-values")
    np.testing.assert_array_equal(rate["flag"] == 1, rate["p_value"] <= 0.05)
    fails(invoke("score", *args, "--fdr", 0.001), "--fdr"[2:], "finer than 300 calibration rows")
    text = succeeds("detect", "--model", *args, "--fdr", 0.2)
    assert "flagged: false discovery rate 0.2." in text
    trained = succeeds("detect", folder / "train.csv", new, "--drop", "id", *args[2:], "--fdr", 0.2)
    assert ranking(trained)[2][0]


def test_other_scores_than_the_mse(folder, tmp_path):
    args = ("--drop", "id", "--max-epochs", 5, "--random-state", 0, "-q")
    path = tmp_path / "m.fastae"
    more = ("--anomaly-score", "standardized,code_distance")
    succeeds("train", folder / "train.csv", "-o", path, *args, *more)
    scores = scores_of(path, folder / "new.csv")
    assert list(scores) == ["row", "anomaly_score", "mse", "rank", "flag"]
    table = pd.read_parquet(folder / "new.parquet").drop(columns="id")
    model = fastae.load(path)
    np.testing.assert_allclose(scores["anomaly_score"], -model.score_samples(table))
    np.testing.assert_allclose(scores["mse"], model.reconstruction_error(table))
    np.testing.assert_array_equal(scores["flag"] == 1, model.predict(table) == -1)
    text = succeeds("detect", "--model", path, folder / "new.csv")
    assert "score above" in text
    assert "score" in text.splitlines()[1]


def test_status_of_flagged_rows(folder):
    args = (folder / "m.fastae", folder / "new.csv", "--fail-on-anomaly")
    assert invoke("score", *args).exit_code == 3
    assert invoke("score", *args, "--threshold", 1e9).exit_code == 0
    result = invoke("detect", "--model", *args, "-q")
    assert (result.exit_code, result.stdout) == (3, "")
    assert invoke("detect", folder / "train.csv", "--fail-on-anomaly").exit_code == 3


def test_known_anomalies_and_validation(folder, tmp_path):
    known, new = tmp_path / "known.csv", orders(20, seed=3)
    new["power"] = 60.0
    new.to_csv(known, index=False)
    orders(100, seed=4).to_csv(tmp_path / "val.csv", index=False)
    args = ("--drop", "id", "--max-epochs", 20, "--random-state", 0, "-q")
    path = tmp_path / "m.fastae"
    more = ("--anomalous", known, "--validation", tmp_path / "val.csv")
    succeeds("train", folder / "train.csv", "-o", path, *args, *more)
    table = pd.read_csv(folder / "train.csv", parse_dates=["day"]).drop(columns="id")
    both = pd.concat([table, new.drop(columns="id")], ignore_index=True)
    model = Autoencoder(max_epochs=20, random_state=0).fit(
        both,
        anomalous=np.arange(len(both)) >= len(table),
        X_val=orders(100, seed=4).drop(columns="id"),
    )
    loaded = fastae.load(path)
    np.testing.assert_array_equal(loaded.score_samples(table), model.score_samples(table))
    np.testing.assert_array_equal(
        loaded.history_["validation_mse"], model.history_["validation_mse"]
    )
    new.drop(columns="speed").to_csv(known, index=False)
    result = invoke("train", folder / "train.csv", "-o", path, *args, *more)
    fails(result, "known.csv: column 'speed' of", "is missing")


def test_info(folder):
    text = succeeds("info", folder / "m.fastae")
    assert f"Autoencoder, written by fastae {fastae.__version__}" in text
    assert "mode, speed, power, zip, day, checked" in text
    assert 'categorical_features=["zip"], max_epochs=20, random_state=0' in text
    assert "Layers" in text
    about = json.loads(succeeds("info", folder / "m.fastae", "--json"))
    model = fastae.load(folder / "m.fastae")
    assert about["decision"]["threshold"] == -model.offset_
    assert about["hidden_layer_sizes"] == list(model.hidden_layer_sizes_)
    assert about["columns"][0] == {"name": "mode", "kind": "text"}
    assert [layer["units"] for layer in about["layers"]] == model.summary()["units"].tolist()
    assert about["training"]["samples"] == 20 * 600


def test_models_with_labels_have_info_too(folder, tmp_path):
    table = pd.read_csv(folder / "train.csv")[["speed", "power"]].fillna(0.0)
    path = tmp_path / "classifier.fastae"
    y = table["speed"] > 20
    fastae.AutoencoderClassifier(Autoencoder(max_epochs=2), max_epochs=2).fit(table, y).save(path)
    assert "AutoencoderClassifier" in succeeds("info", path)
    assert "output probabilities" in succeeds("export", path, tmp_path / "c.onnx")
    fails(invoke("score", path, folder / "new.csv"), "holds an AutoencoderClassifier")


def test_export(folder, tmp_path):
    out = tmp_path / "m.onnx"
    text = succeeds("export", folder / "m.fastae", out, "--outputs", "label,score")
    names = "mode", "speed", "power", "zip", "day", "checked"
    inputs = [f"input {name}" for name in names]
    assert text.splitlines() == [*inputs, "output label", "output score"]
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == ["label", "score"]
    fails(invoke("export", folder / "m.fastae", out, "--outputs", "labels"), "'labels'", status=2)
    fails(invoke("export", folder / "m.fastae", out, "--opset", 3), "--opset must be", status=2)
    fails(invoke("export", folder / "m.fastae", folder / "m.fastae"), "it is the input file")
    fails(invoke("export", folder / "m.fastae", "-"), "goes to a file", status=2)


@pytest.mark.parametrize(
    "args", [("score",), ("explain",), ("features",), ("detect", "--model"), ("info",)]
)
def test_files_that_are_no_models(folder, args):
    data = () if args == ("info",) else (folder / "new.csv",)
    fails(invoke(*args, folder / "absent.fastae", *data), "absent.fastae: there is no such file")
    fails(invoke(*args, folder / "train.csv", *data), "train.csv")
    fails(invoke(*args, folder, *data), "is a directory")


def test_models_are_not_written_over_inputs(folder):
    before = (folder / "train.csv").read_bytes()
    fails(invoke("train", folder / "train.csv", "-o", folder / "train.csv"), "the input file")
    assert (folder / "train.csv").read_bytes() == before
    model = (folder / "m.fastae").read_bytes()
    result = invoke("score", folder / "m.fastae", folder / "new.csv", "-o", folder / "m.fastae")
    fails(result, "the input file")
    assert (folder / "m.fastae").read_bytes() == model
    fails(invoke("train", folder / "train.csv", "-o", "-"), "goes to a file", status=2)
    fails(invoke("train", folder / "train.csv"), "--output", status=2)
