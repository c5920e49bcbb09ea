"""H2OAutoEncoderEstimator on small frames: training, scores, tables, and the printed model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from fastae.compat import h2o
from fastae.compat.h2o import FrameEncoder, H2OAutoEncoderEstimator, H2OFrame, from_h2o


@pytest.fixture(name="X")
def numbers():
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(60, 2))
    return np.column_stack([t, t[:, 0] * t[:, 1], t.sum(axis=1), 100 * t[:, 0] + 7])


@pytest.fixture
def frame(X):
    mixed = pd.DataFrame(X, columns=list("abcde"))
    mixed["colour"] = np.where(X[:, 0] > 0, "red", "blue")
    mixed.loc[3, "colour"] = None
    mixed.loc[5, "b"] = np.nan
    return mixed


def trained(data, **parameters):
    options = {"activation": "Tanh", "hidden": [4, 2, 4], "epochs": 20, "seed": 1} | parameters
    return H2OAutoEncoderEstimator(**options).train(training_frame=data)


def test_errors_agree_with_each_other(frame):
    model = trained(frame)
    rows = model.anomaly(frame)
    features = model.anomaly(frame, per_feature=True)
    assert rows.columns.tolist() == ["Reconstruction.MSE"]
    names = ["colour.blue", "colour.red", "colour.missing(NA)", *"abcde"]
    assert features.columns.tolist() == [f"reconstr_{name}.SE" for name in names]
    np.testing.assert_allclose(features.sum(axis=1), 8 * rows["Reconstruction.MSE"], rtol=1e-12)
    np.testing.assert_allclose(model.mse(), rows["Reconstruction.MSE"].mean(), rtol=1e-12)
    assert model.rmse() == pytest.approx(model.mse() ** 0.5)
    assert model.model_performance(frame).mse() == pytest.approx(model.mse())


def test_reconstruction_gives_the_errors(frame):
    model = trained(frame)
    made = model.predict(frame)
    assert made.columns[:3].tolist() == [
        "reconstr_colour.blue",
        "reconstr_colour.red",
        "reconstr_colour.missing(NA)",
    ]
    errors = model.anomaly(frame, per_feature=True)
    scaled = (made["reconstr_a"] - frame["a"]) * model.normmul()[0]
    np.testing.assert_allclose(errors["reconstr_a.SE"], scaled**2, rtol=1e-6)
    red = (frame["colour"] == "red").astype(float)
    np.testing.assert_allclose(
        errors["reconstr_colour.red.SE"], (made["reconstr_colour.red"] - red) ** 2, rtol=1e-6
    )


def test_deep_features(frame):
    model = trained(frame)
    for layer, units in enumerate((4, 2, 4)):
        features = model.deepfeatures(frame, layer)
        names = [f"DF.L{layer + 1}.C{unit + 1}" for unit in range(units)]
        assert features.columns.tolist() == names
        assert features.abs().to_numpy().max() <= 1
    for layer in (-1, 3):
        with pytest.raises(ValueError, match=f"layer must be from 0 to 2, .* got {layer}"):
            model.deepfeatures(frame, layer)


def test_answers_are_frames_of_the_kind_of_the_question(frame):
    model = trained(frame)
    indexed = frame.set_index(np.arange(60) + 100)
    answer = model.anomaly(indexed)
    assert isinstance(answer, H2OFrame)
    assert answer.index.equals(indexed.index)
    assert type(answer.as_data_frame()) is pd.DataFrame
    array = model.predict(frame.to_numpy(dtype=object))
    assert isinstance(array, H2OFrame)
    np.testing.assert_array_equal(array, model.predict(frame))


def test_training_on_an_h2o_frame_gives_the_same_bits(frame):
    one, other = trained(frame), trained(H2OFrame(frame))
    np.testing.assert_array_equal(one.weights(0), other.weights(0))
    assert one.varimp() == other.varimp()


@pytest.mark.parametrize("x", [["a", "c"], [0, 2], ["c", 0], range(0, 3, 2)])
def test_columns_to_use(frame, x):
    model = trained_on(frame, x=x)
    assert model.weights(0).columns.tolist() == ["a", "c"]
    assert trained_on(frame, x="b").normsub() == [pytest.approx(frame["b"].mean())]


def trained_on(frame, **how):
    model = H2OAutoEncoderEstimator(hidden=[2], activation="tanh", epochs=1, seed=1)
    return model.train(training_frame=frame, **how)


def test_ignored_columns_and_response(frame):
    model = trained_on(frame, y="e", ignored_columns=["a", "colour"])
    assert model.weights(0).columns.tolist() == ["b", "c", "d", "e"]
    assert model.ignored_columns == ["a", "colour"]
    assert trained_on(frame, ignored_columns="colour").weights(0).shape == (2, 5)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"x": ["nope"]}, "x must name columns of the training frame, which has no 'nope'"),
        ({"x": [9]}, "x must name columns of the training frame, which has no 9"),
        ({"ignored_columns": "nope"}, "ignored_columns must name columns"),
        ({"weights_column": "colour"}, "weights_column 'colour' must hold numbers of at least 0"),
        ({"weights_column": "b"}, "weights_column 'b' must hold numbers of at least 0, none miss"),
        ({"training_frame": None}, "train needs a training_frame"),
        ({"validation_frame": pd.DataFrame({"z": [1]})}, "none of the columns of training"),
    ],
)
def test_errors_of_train_leave_the_model_as_it_was(frame, how, message):
    model = H2OAutoEncoderEstimator(hidden=[2], epochs=1)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.train(**({"training_frame": frame} | how))
    assert vars(model) == before


def test_untrained_model(frame):
    model = H2OAutoEncoderEstimator()
    for call in (model.mse, model.weights, model.scoring_history, lambda: model.anomaly(frame)):
        with pytest.raises(NotFittedError, match="not trained yet: call train first"):
            call()


def test_frames_without_rows(frame):
    model = trained(frame)
    for nothing in (None, frame.head(0)):
        with pytest.raises(ValueError, match="frame to score has no rows"):
            model.anomaly(nothing)
    with pytest.raises(ValueError, match="training frame has no rows"):
        trained(frame.head(0))


def test_skipping_rows_with_gaps(frame):
    model = trained(frame, missing_values_handling="Skip")
    assert model.fastae_model.n_samples_seen_ == 20 * 58
    assert np.isfinite(model.anomaly(frame).to_numpy()).all()
    np.testing.assert_allclose(model.mse(), model.anomaly(frame)["Reconstruction.MSE"].mean())
    gappy = frame.assign(a=[None, 2.0, 3.0] * 20, b=[1.0, None, None, 2.0, None, None] * 10)
    with pytest.raises(ValueError, match="Every row has a missing value"):
        trained(gappy, missing_values_handling="skip")


def test_raw_numbers(X):
    model = trained(X[:, :4], standardize=False)
    assert model.normmul() == [1.0] * 4
    errors = model.anomaly(X[:, :4], per_feature=True).to_numpy()
    made = model.predict(X[:, :4]).to_numpy()
    np.testing.assert_allclose(errors, (made - X[:, :4]) ** 2, rtol=1e-6, atol=1e-12)


def test_weights_and_back(frame):
    model = trained(frame)
    shapes = [(4, 8), (2, 4), (4, 2), (8, 4)]
    weights, biases = ([part(i) for i in range(4)] for part in (model.weights, model.biases))
    assert [W.shape for W in weights] == shapes
    assert [b.shape for b in biases] == [(n, 1) for n, _ in shapes]
    assert weights[0].columns.tolist()[:4] == [
        "colour.blue", "colour.red", "colour.missing(NA)", "a"
    ]  # fmt: skip
    assert weights[1].columns.tolist() == ["C1", "C2", "C3", "C4"]
    assert model.catoffsets() == [0, 3]
    same = from_h2o(
        weights, biases, activation="Tanh", normmul=model.normmul(), normsub=model.normsub()
    )
    np.testing.assert_allclose(
        same.reconstruction_error(frame), model.anomaly(frame)["Reconstruction.MSE"], rtol=1e-12
    )
    for call in (model.weights, model.biases):
        with pytest.raises(ValueError, match="must be from 0 to 3, got 4"):
            call(4)


def test_given_first_weights(frame):
    first = trained(frame, epochs=0)
    weights, biases = ([part(i) for i in range(4)] for part in (first.weights, first.biases))
    again = trained(frame, epochs=0, initial_weights=weights, initial_biases=biases, seed=9)
    np.testing.assert_array_equal(again.weights(2), first.weights(2))
    assert again.mse() == first.mse()
    with pytest.raises(ValueError, match=r"initial_weights\[1\] must have 4 inputs"):
        trained(frame, initial_weights=[weights[0], weights[0]])


def test_rectifiers_start_with_positive_biases(frame):
    model = trained(frame, activation="Rectifier", epochs=0)
    assert [model.biases(i)["C1"].unique().tolist() for i in range(4)] == [[0.5], [1], [1], [0]]
    weights = [model.weights(i) for i in range(4)]
    biases = [np.ones(n) for n in (4, 2, 4, 8)]
    given = trained(
        frame, activation="Rectifier", epochs=0, initial_weights=weights, initial_biases=biases
    )
    assert given.biases(0)["C1"].tolist() == [1.0] * 4


def test_importances(frame):
    model = trained(frame)
    rows = model.varimp()
    names, relative, scaled, share = zip(*rows, strict=True)
    assert sorted(names) == sorted(model.weights(0).columns)
    assert relative == scaled
    assert list(scaled) == sorted(scaled, reverse=True)
    assert scaled[0] == 1.0
    assert sum(share) == pytest.approx(1.0)
    assert rows[-1][1] >= 0
    complete = frame.dropna()
    assert trained(complete).varimp()[-1][:2] == ("colour.missing(NA)", 0.0)
    table = model.varimp(use_pandas=True)
    assert table.columns.tolist() == [
        "variable", "relative_importance", "scaled_importance", "percentage"
    ]  # fmt: skip


def test_history(frame):
    model = trained(frame, score_each_iteration=True, train_samples_per_iteration=-1)
    history = model.scoring_history()
    assert history.columns.tolist() == [
        "timestamp", "duration", "training_speed", "epochs", "iterations", "samples",
        "training_rmse", "training_mse",
    ]  # fmt: skip
    assert history["epochs"].iloc[0] == 0
    assert history["iterations"].tolist() == list(range(len(history)))
    assert history["samples"].iloc[0] == 0
    assert history["training_mse"].iloc[-1] < history["training_mse"].iloc[0]
    assert history["duration"].iloc[-1].endswith(" sec")
    assert history["training_speed"].iloc[-1].endswith(" obs/sec")


def test_validation(frame):
    model = H2OAutoEncoderEstimator(hidden=[2], activation="Tanh", epochs=5, seed=1)
    model.train(training_frame=frame.head(40), validation_frame=frame.tail(20))
    valid = model.anomaly(frame.tail(20))["Reconstruction.MSE"].mean()
    assert model.mse(valid=True) == pytest.approx(valid)
    assert model.mse(train=True, valid=True) == {
        "train": model.mse(),
        "valid": model.mse(valid=True),
    }
    assert model.rmse(valid=True) == pytest.approx(valid**0.5)
    columns = model.scoring_history().columns.tolist()
    assert columns[-2:] == ["validation_rmse", "validation_mse"]
    assert "** Reported on validation data. **" in str(model)
    with pytest.raises(ValueError, match="train had no validation_frame"):
        trained(frame).mse(valid=True)
    with pytest.raises(ValueError, match="autoencoders have no cross-validation"):
        model.rmse(xval=True)


def test_printed_model(frame, capsys):
    model = trained(frame, model_id="mine", l1=1e-5)
    model.show()
    text = capsys.readouterr().out
    assert text == f"{model}\n"
    lines = text.splitlines()
    assert lines[:4] == [
        "Model Details", "=============", "H2OAutoEncoderEstimator : Deep Learning",
        "Model Key: mine",
    ]  # fmt: skip
    n_weights = 8 * 4 + 4 * 2 + 2 * 4 + 4 * 8 + 4 + 2 + 4 + 8
    assert (
        "Status of Neuron Layers: auto-encoder, gaussian distribution, Quadratic loss, "
        f"{n_weights} weights/biases, 0.4 KB, 1,200 training samples, mini-batch size 1"
    ) in lines
    for part in ("ModelMetricsAutoEncoder", "MSE: ", "RMSE: ", "Scoring History", "Importances"):
        assert part in text
    assert "Importances" not in str(trained(frame, variable_importances=False))


def test_summary_of_layers(frame):
    model = trained(
        frame, activation="TanhWithDropout", hidden_dropout_ratios=[0.1, 0.2, 0.3],
        input_dropout_ratio=0.05, l1=1e-5, l2=1e-4,
    )  # fmt: skip
    table = model.summary()
    assert table.columns.tolist() == [
        "layer", "units", "type", "dropout", "l1", "l2", "mean_rate", "rate_rms", "momentum",
        "mean_weight", "weight_rms", "mean_bias", "bias_rms",
    ]  # fmt: skip
    assert table["units"].tolist() == [8, 4, 2, 4, 8]
    assert table["type"].tolist() == ["Input", *["TanhDropout"] * 3, "Tanh"]
    np.testing.assert_allclose(table["dropout"][:4], [5, 10, 20, 30])
    assert table["l1"].tolist()[1:] == [1e-5] * 4
    W = model.weights(0).to_numpy(dtype=float)
    np.testing.assert_allclose(table["mean_weight"][1], W.mean(), rtol=1e-5)
    np.testing.assert_allclose(table["weight_rms"][1], W.std(), rtol=1e-5)
    assert trained(frame, activation="Rectifier").summary()["type"].tolist()[-2:] == [
        "Rectifier", "Linear"
    ]  # fmt: skip


def test_names_of_models(frame):
    model = trained(frame)
    assert model.model_id.startswith("DeepLearning_model_python_")
    assert h2o.get_model(model.model_id) is model
    with pytest.raises(ValueError, match="no model 'nobody'"):
        h2o.get_model("nobody")


def test_weights_column(frame):
    heavy = frame.assign(w=np.where(np.arange(60) < 30, 0.0, 1.0))
    model = H2OAutoEncoderEstimator(hidden=[2], activation="Tanh", epochs=50, seed=1)
    model.train(training_frame=heavy, weights_column="w")
    assert "w" not in model.weights(0).columns
    errors = model.anomaly(heavy)["Reconstruction.MSE"]
    assert errors[30:].mean() < errors[:30].mean()


@pytest.mark.parametrize("by_name", [False, True])
def test_going_on_from_a_model(frame, by_name):
    one = trained(frame, epochs=10, stopping_rounds=0, overwrite_with_best_model=False)
    checkpoint = one.model_id if by_name else one
    two = trained(
        frame, epochs=20, checkpoint=checkpoint, stopping_rounds=0, overwrite_with_best_model=False
    )
    assert two.mse() < one.mse()
    assert two.fastae_model.n_samples_seen_ == 20 * 60
    whole = trained(frame, epochs=20, stopping_rounds=0, overwrite_with_best_model=False)
    np.testing.assert_allclose(two.mse(), whole.mse(), rtol=0.2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rho": 0.9}, r"checkpoint: rho must stay 0\.99, got 0\.9"),
        ({"hidden": [4]}, r"checkpoint: hidden must stay \(4, 2, 4\), got \(4,\)"),
        ({"activation": "Rectifier"}, "checkpoint: activation must stay 'Tanh'"),
        ({"epochs": 10}, "checkpoint: epochs must be more than the 10 that are done"),
    ],
)
def test_what_must_stay_when_going_on(frame, change, message):
    model = trained(frame, epochs=10, stopping_rounds=0)
    with pytest.raises(ValueError, match=message):
        trained(frame, **({"epochs": 30, "checkpoint": model} | change))
    with pytest.raises(ValueError, match=r"checkpoint: .* but 'a' is absent"):
        trained(frame.drop(columns="a"), epochs=30, checkpoint=model)
    with pytest.raises(TypeError, match="checkpoint must be a model or its model_id, got int"):
        trained(frame, checkpoint=5)


def test_spelling_may_change_when_going_on(frame):
    model = trained(frame, epochs=1, stopping_rounds=0)
    again = trained(frame, activation="tanh", epochs=2, checkpoint=model, stopping_rounds=0)
    assert again.fastae_model.n_samples_seen_ == 120


def test_encoder_of_the_model(frame):
    model = trained(frame)
    encoder = FrameEncoder.fit(frame)
    assert model.weights(0).columns.tolist() == encoder.names
    assert model.normsub() == encoder.shift[3:].tolist()


@pytest.mark.parametrize("activation", ["Tanh", "TanhWithDropout", "Rectifier"])
def test_no_hidden_layer(frame, activation):
    model = trained(frame, hidden=[], activation=activation)
    assert model.weights(0).shape == (8, 8)
    assert model.predict(frame).shape == (60, 8)
    assert len(model.summary()) == 2
    assert len(model.varimp()) == 8
