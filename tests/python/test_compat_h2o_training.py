"""Training as good as H2O's, from the same start; and H2O's own tutorials and test bars."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from fastae.compat import h2o
from fastae.compat.h2o.estimators.deeplearning import H2OAutoEncoderEstimator

GOLDEN = Path(__file__).parent / "golden"
TRAJECTORIES = json.loads((GOLDEN / "trajectories.json").read_text())
SEEDS = range(20)

real_data = pytest.mark.skipif("FASTAE_DATA" not in os.environ, reason="FASTAE_DATA is not set")


def first_weights(name):
    """Return initial_weights and initial_biases as H2O takes them."""
    with np.load(GOLDEN / "trajectory_starts.npz") as file:
        n = sum(key.startswith(f"{name}_W") for key in file)
        return [[file[f"{name}_{part}{i}"] for i in range(n)] for part in "Wb"]


@pytest.fixture(scope="module")
def table():
    with np.load(GOLDEN / "tanh_score.npz") as file:
        return file["X_train"]


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_trajectories_of_h2o(table, name):
    case = TRAJECTORIES[name]
    weights, biases = first_weights(case["start"])
    errors = []
    for seed in range(3):  # of the rows' order, which is not H2O's
        model = H2OAutoEncoderEstimator(
            **case["parameters"],
            initial_weights=weights,
            initial_biases=biases,
            stopping_rounds=0,
            overwrite_with_best_model=False,
            seed=seed,
        )
        errors.append(model.train(training_frame=table).mse())
    assert max(errors) <= 1.1 * case["mse"]


def ecg(part):
    return h2o.import_file(Path(os.environ["FASTAE_DATA"]) / "ecg" / f"ecg_discord_{part}.csv")


@real_data
@pytest.mark.real_data
def test_ecg_tutorial():
    """H2O's notebook on heartbeats, its lines in its order."""
    plt = pytest.importorskip("matplotlib.pyplot")
    h2o.init()
    train_ecg = ecg("train")
    test_ecg = ecg("test")
    assert train_ecg.shape == (20, 210)
    train_ecg.as_data_frame().T.plot(legend=False, title="ECG Train Data", color="blue")

    model = H2OAutoEncoderEstimator(
        activation="Tanh", hidden=[50], l1=1e-5, score_interval=0, epochs=100
    )
    model.train(x=train_ecg.names, training_frame=train_ecg)
    assert "Model Details" in str(model)

    reconstruction_error = model.anomaly(test_ecg)
    df = reconstruction_error.as_data_frame()
    df["Rank"] = df["Reconstruction.MSE"].rank(ascending=False)
    df_sorted = df.sort_values("Rank")
    anomalies = df_sorted[df_sorted["Reconstruction.MSE"] > 1.0]
    data = test_ecg.as_data_frame()
    ax = data.T.plot(legend=False, color="blue")
    data.T[anomalies.index].plot(legend=False, title="ECG Anomalies", color="red", ax=ax)
    plt.close("all")

    # The published run: 21, 22, 20 in this order, a training MSE of 0.00247, and no good beat
    # above 0.0048.
    assert anomalies.index.tolist() == [21, 22, 20]
    assert model.mse() <= 0.00247
    assert df["Reconstruction.MSE"][:20].max() < 0.0048
    assert model.predict(test_ecg).shape == (23, 210)


@real_data
@pytest.mark.real_data
def test_ecg_of_the_booklet():
    """The same in H2O's booklet: a deep network, and `sparse`, which means nothing here."""
    train_ecg, test_ecg = ecg("train"), ecg("test")
    with pytest.warns(UserWarning, match="No effect here: sparse"):
        model = H2OAutoEncoderEstimator(
            activation="Tanh", hidden=[50, 20, 50], sparse=True, l1=1e-4, epochs=100, seed=1
        )
    model.train(x=train_ecg.names, training_frame=train_ecg)
    errors = model.anomaly(test_ecg)["Reconstruction.MSE"]
    assert set(np.argsort(errors)[-3:]) == {20, 21, 22}
    assert errors[20:].min() > 1
    assert model.predict(test_ecg).names[0] == "reconstr_C1"


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize("sparsity_beta", [0.0, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_bars_of_h2os_own_test(seed, sparsity_beta):
    train_ecg, test_ecg = ecg("train"), ecg("test")
    model = H2OAutoEncoderEstimator(
        hidden=[37, 12],
        activation="TanhWithDropout",
        loss="Absolute",
        l1=1e-4,
        epochs=13.3,
        train_samples_per_iteration=-1,
        average_activation=-0.7,
        sparsity_beta=sparsity_beta,
        seed=seed,
    )
    model.train(training_frame=train_ecg, validation_frame=test_ecg)
    train_errors = model.anomaly(train_ecg)["Reconstruction.MSE"]
    errors = model.anomaly(test_ecg)["Reconstruction.MSE"]
    threshold = 10 * train_errors.quantile(0.95)
    assert np.flatnonzero(errors > threshold).tolist() == [20, 21, 22]
    assert train_errors.mean() == pytest.approx(model.mse(), abs=1e-7)
    assert errors.mean() == pytest.approx(model.mse(valid=True), abs=1e-7)
    assert errors.mean() < 2.0
    per_feature = model.anomaly(test_ecg, per_feature=True).to_numpy()
    np.testing.assert_allclose(per_feature.sum(axis=1), 210 * errors, rtol=1e-9)
    scaled = (model.predict(test_ecg).to_numpy() - test_ecg.to_numpy()) * model.normmul()
    np.testing.assert_allclose((scaled**2).mean(axis=1), errors, rtol=1e-7)
    assert [model.deepfeatures(test_ecg, layer).shape[1] for layer in (0, 1)] == [37, 12]


@real_data
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("hidden", "epochs", "mse"), [([50], 5, 0.01444), ([50, 20, 50], 100, 0.002602)]
)
def test_ecg_no_worse_than_h2o(hidden, epochs, mse):
    model = H2OAutoEncoderEstimator(
        activation="Tanh", hidden=hidden, l1=1e-4, epochs=epochs, reproducible=True, seed=1234
    )
    model.train(training_frame=ecg("train"))
    assert model.mse() <= 1.1 * mse


@pytest.fixture(scope="module")
def digits():
    with np.load(Path(os.environ["FASTAE_DATA"]) / "mnist" / "mnist_20k.npz") as file:
        return {
            part: h2o.H2OFrame(np.column_stack([file[f"x_{part}"], file[f"y_{part}"]]))
            for part in ("train", "test")
        }


@real_data
@pytest.mark.real_data
def test_mnist_tutorial(digits, capsys):
    """H2O's tutorial on handwritten digits: the good, the bad and the ugly."""
    h2o.init(nthreads=-1)
    predictors = list(range(784))
    resp = 784
    train, test = (digits[part][predictors] for part in ("train", "test"))
    labels = digits["test"][resp].to_numpy()
    assert train.shape == test.shape == (10_000, 784)

    ae_model = H2OAutoEncoderEstimator(
        activation="Tanh", hidden=[50], ignore_const_cols=False, epochs=1, autoencoder=True, seed=1
    )
    ae_model.train(x=predictors, training_frame=train)

    test_rec_error = ae_model.anomaly(test)["Reconstruction.MSE"]
    assert test_rec_error.shape == (10_000,)
    assert test_rec_error.mean() == pytest.approx(ae_model.model_performance(test).mse())
    # The median, since 12 digits have ink where no training digit has: such a column's range is
    # 0, and its pixels count in their own units, up to 255.
    assert test_rec_error.median() < 0.016
    assert ae_model.mse() < 0.016

    features = ae_model.deepfeatures(train, layer=0)
    assert features.names == [f"DF.L1.C{unit + 1}" for unit in range(50)]
    assert features.to_numpy().min() >= -1
    assert features.to_numpy().max() <= 1
    features.summary()
    assert "DF.L1.C50" in capsys.readouterr().out

    test_recon = ae_model.predict(test)
    assert test_recon.shape == (10_000, 784)
    order = np.argsort(test_rec_error.to_numpy())
    good, bad, ugly = order[:25], order[4988:5013], order[-25:]
    ink = test.to_numpy().sum(axis=1)
    # The tutorial's pictures: simple strokes, mostly ones; common digits; thick or odd ones.
    assert (labels[good] == 1).mean() > 0.9
    assert (labels[bad] == 1).mean() < 0.2
    assert (labels[ugly] == 1).mean() < 0.2
    errors = [test_rec_error[part].mean() for part in (good, bad, ugly)]
    assert errors[0] < errors[1] / 3
    assert errors[2] > 3 * errors[1]
    assert ink[good].mean() < 0.8 * min(ink[bad].mean(), ink[ugly].mean())
