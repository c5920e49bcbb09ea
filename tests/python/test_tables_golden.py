"""H2O's network over numbers and factors, reproduced by the estimator's own way with both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastae import Autoencoder

pl = pytest.importorskip("polars")

GOLDEN = Path(__file__).parent / "golden"
# H2O's biases are float64, ours float32.
RELATIVE = 1e-5


@pytest.fixture(scope="module", name="golden")
def golden_case():
    with np.load(GOLDEN / "mixed_score.npz") as file:
        case = dict(file)
    for part in ("train", "test"):
        case[f"X_{part}"] = pd.read_csv(GOLDEN / f"mixed_{part}.csv")
    return case


@pytest.fixture(scope="module", name="model")
def network_of_h2o(golden):
    model = Autoencoder(
        hidden_layer_sizes=tuple(len(golden[f"b{i}"]) for i in range(3)),
        output_activation="tanh",
        categorical_loss="squared_error",
        missing="impute",
        scaling="range",
        constant_features="drop",
        max_epochs=0,
    ).fit(golden["X_train"])
    names = golden["input_names"].tolist()
    places = [names.index(unit) for unit in units(model, golden["X_train"].columns)]
    first, last = golden["W0"].T, golden["W3"].T
    model.coefs_[0][...] = 0.0  # also what says "unknown", which H2O does not have
    model.coefs_[0][: len(places)] = first[places]
    model.coefs_[1][...], model.coefs_[2][...] = golden["W1"].T, golden["W2"].T
    model.coefs_[3][...] = last[:, places]
    for i in range(3):
        model.intercepts_[i][...] = golden[f"b{i}"]
    model.intercepts_[3][...] = golden["b3"][places]
    model.golden_places = places
    return model


def units(model, columns):
    """Return H2O's names of our outputs: numbers first, then levels in the table's order."""
    kept = [name for j, name in enumerate(columns) if j not in model.constant_features_]
    factors = model._schema.factors
    numbers = [name for name in kept if name not in {factor.name for factor in factors}]
    levels = [
        f"{factor.name}.{'missing(NA)' if level is None else level}"
        for factor in factors
        for level in factor.levels
    ]
    return numbers + levels


def test_scaling_of_h2o(golden, model):
    np.testing.assert_allclose(model.shift_, golden["normsub"], rtol=1e-12)
    np.testing.assert_allclose(model.scale_, golden["normmul"], rtol=1e-12)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("library", [pd.DataFrame, pl.from_pandas])
def test_row_errors_of_h2o(part, library, golden, model):
    made = model.reconstruction_error(library(golden[f"X_{part}"]))
    np.testing.assert_allclose(made, golden[f"mse_rows_{part}"], rtol=RELATIVE)


def test_mse_of_h2o(golden, model):
    assert -model.score(golden["X_train"]) == pytest.approx(float(golden["mse_train"]), rel=1e-6)


def test_codes_of_h2o(golden, model):
    made = model.deep_features(golden["X_test"], layer=1)
    np.testing.assert_allclose(made, golden["deepfeatures1_test"], rtol=RELATIVE, atol=1e-6)


def test_errors_per_column_of_h2o(golden, model):
    errors = model.reconstruction_error(golden["X_test"], per_feature=True)
    theirs = pd.DataFrame(golden["se_features_test"], columns=golden["input_names"])
    for name in errors.columns[:-1]:
        # A factor's error is the sum of those of its levels.
        its = theirs[[unit for unit in theirs if unit.split(".")[0] == name]].sum(axis=1)
        np.testing.assert_allclose(errors[name], its, rtol=RELATIVE, atol=1e-6)
    assert errors["const"].isna().all()


def test_reconstruction_of_h2o(golden, model):
    made = model.reconstruct(golden["X_test"])
    theirs = pd.DataFrame(golden["reconstruction_test"], columns=golden["input_names"])
    numbers = [name for name in theirs if "." not in name]
    for name in numbers:
        atol = RELATIVE * theirs[name].abs().max()
        np.testing.assert_allclose(made[name], theirs[name], rtol=RELATIVE, atol=atol)
    for name in ("size", "colour"):
        likeliest = theirs[[unit for unit in theirs if unit.split(".")[0] == name]].idxmax(axis=1)
        expected = likeliest.str.split(".").str[1].replace("missing(NA)", None)
        assert made[name].fillna("missing").tolist() == expected.fillna("missing").tolist()
