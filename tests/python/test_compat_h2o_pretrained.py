"""H2ODeepLearningEstimator on the layers of an autoencoder."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastae.compat.h2o import H2OAutoEncoderEstimator, H2ODeepLearningEstimator, H2OFrame
from fastae.datasets import load_mnist
from h2o_tables import X, assert_same_weights, autoencoder, network, table


@pytest.fixture(name="frame")
def made_frame():
    return table()


@pytest.fixture(name="ae", scope="module")
def made_autoencoder():
    return autoencoder()


@pytest.mark.real_data
@pytest.mark.skipif("FASTAE_DATA" not in os.environ, reason="FASTAE_DATA is not set")
def test_tutorial():
    """H2O's pyunit_autoencoderDeepLearning_large on fewer pictures, its lines in its order."""
    mnist = load_mnist()
    order = np.random.default_rng(0).permutation(len(mnist.x_train))
    train_hex = H2OFrame(mnist.x_train[order[:1500]].astype(float))
    test_hex = H2OFrame(mnist.x_test[::20].astype(float))
    predictors, resp = train_hex.names, "C785"
    train_hex[resp] = mnist.y_train[order[:1500]]
    test_hex[resp] = mnist.y_test[::20]
    for data in (train_hex, test_hex):
        data[resp] = data[resp].asfactor()
    unlabelled, labelled = train_hex.iloc[:1000], train_hex.iloc[1000:]
    options = {"activation": "Tanh", "hidden": [20], "epochs": 2, "ignore_const_cols": False}
    ae_model = H2OAutoEncoderEstimator(**options, reproducible=True, seed=1234)
    ae_model.train(predictors, training_frame=unlabelled)
    model = H2ODeepLearningEstimator(
        **options, reproducible=True, seed=1234, pretrained_autoencoder=ae_model.model_id
    )
    model.train(predictors, resp, training_frame=labelled, validation_frame=test_hex)
    answer = model.predict(test_hex)
    assert answer.names == ["predict", *(f"p{digit}" for digit in range(10))]
    error = float((answer["predict"] != test_hex[resp]).mean())
    assert error < 0.3
    assert model.scoring_history()["validation_classification_error"].min() <= error
    assert model.confusion_matrix(test_hex)["Error"].iloc[-1] == pytest.approx(error)
    assert model.deepfeatures(test_hex, 0).shape == (500, 20)


@pytest.mark.parametrize("use", ["object", "id"])
def test_layers_and_scaling_of_the_autoencoder(frame, ae, use):
    given = ae if use == "object" else ae.model_id
    start = network(frame, epochs=0, pretrained_autoencoder=given)
    below = ae.fastae_model
    np.testing.assert_array_equal(start.fastae_model.coefs_[0], below.coefs_[0])
    np.testing.assert_array_equal(start.fastae_model.intercepts_[0], below.intercepts_[0])
    assert start.normmul() == ae.normmul()
    np.testing.assert_array_equal(start.deepfeatures(frame, 0), ae.deepfeatures(frame, 0))
    model = network(frame, pretrained_autoencoder=given)
    assert model.logloss() < start.logloss()
    np.testing.assert_array_equal(below.coefs_[0], start.fastae_model.coefs_[0])
    assert model.fastae_model.autoencoder_ is below


def test_first_layers_of_a_deeper_autoencoder(frame):
    deep = autoencoder(frame, hidden=[5, 3, 5])
    model = network(frame, hidden=[5, 3], epochs=0, pretrained_autoencoder=deep)
    np.testing.assert_array_equal(model.deepfeatures(frame, 1), deep.deepfeatures(frame, 1))
    assert model.summary()["units"].tolist() == [6, 5, 3, 3]


def test_constant_columns_of_the_autoencoder_stay_out(frame):
    with pytest.warns(UserWarning, match="Dropping constant columns: d"):
        ae = autoencoder(frame[X].assign(d=1), x=None)
    model = network(frame.assign(d=frame["a"]), x=[*X, "d"], epochs=1, pretrained_autoencoder=ae)
    assert "d" not in model.weights(0).columns


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"hidden": [5]}, ValueError, r"hidden must be its hidden layers.* \[6\], got \[5\]"),
        ({"hidden": [6, 6]}, ValueError, r"hidden must be .*got \[6, 6\]"),
        ({"x": X[1:]}, ValueError, "must have the columns it was trained on; 'a' is absent"),
        ({"x": [*X, "y"]}, ValueError, "it does not know 'y'"),
        ({"pretrained_autoencoder": "nobody"}, ValueError, "no model 'nobody'"),
        ({"pretrained_autoencoder": 3}, TypeError, "must be a model or its model_id, got int"),
        ({"y": None}, ValueError, "train needs y, the column to predict"),
        ({"y": "z"}, ValueError, "y must name a column of the training frame, which has no 'z'"),
    ],
)
def test_mismatches(frame, ae, change, error, message):
    with pytest.raises(error, match=message):
        network(frame, **({"pretrained_autoencoder": ae} | change))


def test_only_an_autoencoder_can_be_below(frame):
    model = network(frame, epochs=0)
    with pytest.raises(ValueError, match="an autoencoder, not a model that predicts 'label'"):
        network(frame, pretrained_autoencoder=model)
    with pytest.raises(TypeError, match="pretrained_autoencoder starts a supervised network"):
        H2ODeepLearningEstimator(autoencoder=True, pretrained_autoencoder=model)


def test_activation_is_the_autoencoders(frame, ae):
    with pytest.warns(UserWarning, match="No effect here: activation; .* keep theirs, 'tanh'"):
        model = network(frame, activation="Rectifier", pretrained_autoencoder=ae)
    assert model.summary()["type"].tolist() == ["Input", "Tanh", "Softmax"]


def test_training_goes_on(frame, ae):
    first = network(frame, epochs=3, pretrained_autoencoder=ae)
    model = network(frame, epochs=6, checkpoint=first.model_id)
    assert model.fastae_model.n_samples_seen_ == 6 * 120
    assert model.logloss() < first.logloss()
    with pytest.raises(ValueError, match="checkpoint: y must stay 'label', got 'y'"):
        network(frame, "y", checkpoint=first)
    with pytest.raises(ValueError, match="checkpoint: autoencoder must stay True, got False"):
        network(frame, checkpoint=ae, epochs=20)


@pytest.mark.parametrize("y", ["label", "y"])
def test_other_frames(frame, ae, y):
    pl = pytest.importorskip("polars")
    frame = frame.assign(label=frame["label"].astype(str))
    model = network(frame, y, pretrained_autoencoder=ae)
    objects = frame.astype(object).where(frame.notna(), None)
    polars = pl.DataFrame(objects.to_dict("list"))
    same = network(polars, y, pretrained_autoencoder=ae)
    assert_same_weights(model, same)
    assert same.predict(polars).to_dict(as_series=False) == model.predict(frame).to_dict("list")
    array = frame.to_numpy(dtype=object)
    below = autoencoder(table(400, 7)[X].to_numpy(), x=None)
    by_array = network(array, list(frame).index(y), x=[0, 1, 2, 3], pretrained_autoencoder=below)
    assert_same_weights(model, by_array)
    np.testing.assert_array_equal(by_array.predict(array[:, :4]), by_array.predict(array))
