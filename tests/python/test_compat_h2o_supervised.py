"""H2ODeepLearningEstimator with a response: answers, figures and parameters."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn import metrics

from fastae import AutoencoderClassifier, AutoencoderRegressor
from fastae.compat import h2o
from fastae.compat.h2o import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from fastae.compat.h2o._parameters import DEFAULTS, SUPERVISED_DEFAULTS
from fastae.compat.h2o._supervised_mapping import supervised_parameters
from h2o_tables import X, assert_same_weights, autoencoder, network, table


@pytest.fixture(name="frame")
def made_frame():
    return table()


@pytest.fixture(name="ae", scope="module")
def made_autoencoder():
    return autoencoder()


def test_classes(frame):
    model = network(frame, validation=table(60, 1))
    inner, answer = model.fastae_model, model.predict(frame)
    assert isinstance(inner, AutoencoderClassifier)
    assert answer.names == ["predict", "p1", "p2", "p10"]
    assert inner.classes_.tolist() == ["1", "10", "2"]
    np.testing.assert_array_equal(answer["predict"].astype(str), inner.predict(frame))
    probabilities = answer.iloc[:, 1:].to_numpy()
    np.testing.assert_array_equal(probabilities, inner.predict_proba(frame)[:, [0, 2, 1]])
    true, codes = frame["label"].to_numpy(), frame["label"].cat.codes.to_numpy()
    found = model.model_performance(frame)
    assert found.logloss() == pytest.approx(metrics.log_loss(codes, probabilities))
    assert found.mse() == pytest.approx(np.mean((1 - probabilities[np.arange(120), codes]) ** 2))
    balanced = metrics.balanced_accuracy_score(true, answer["predict"])
    assert model.mean_per_class_error() == pytest.approx(1 - balanced)
    assert set(model.logloss(train=True, valid=True)) == {"train", "valid"}
    confusion = model.confusion_matrix()
    assert confusion.columns.tolist() == ["1", "2", "10", "Error", "Rate"]
    counts = metrics.confusion_matrix(true, answer["predict"])
    np.testing.assert_array_equal(confusion.iloc[:3, :3], counts)
    assert confusion["Rate"].iloc[3] == f"{120 - counts.trace()} / 120"
    assert np.isnan(model.auc())
    with pytest.raises(ValueError, match=r"no mae of this model .*3-class classification"):
        model.mae()
    with pytest.raises(AttributeError, match="anomaly is for autoencoders"):
        model.anomaly(frame)
    columns = model.scoring_history().columns.tolist()
    assert columns[5:8] == ["samples", "training_logloss", "training_classification_error"]
    assert len(columns) == 10
    words = "predicting label, 3-class classification, multinomial distribution, CrossEntropy loss"
    assert words in str(model)
    assert model.varimp()[0][1] == 1.0


def test_two_classes(frame):
    model = network(frame, y="colour", x=["a", "b", "c"])
    answer, known = model.predict(frame), frame["colour"].notna().to_numpy()
    assert answer.names == ["predict", "blue", "red"]
    expected = metrics.roc_auc_score(frame["colour"][known] == "red", answer["red"][known])
    assert model.auc() == pytest.approx(expected)
    assert model.model_performance(frame).nobs == 119
    assert "ModelMetricsBinomial" in str(model)
    frame["colour"] = frame["colour"] == "red"
    assert network(frame, y="colour", x="a").predict(frame)["predict"].dtype == bool


def pinball(true, predicted):
    return metrics.mean_pinball_loss(true, predicted, alpha=0.25)


@pytest.mark.parametrize(
    ("loss", "deviance"),
    [
        ("Automatic", metrics.mean_squared_error),
        ("Absolute", metrics.mean_absolute_error),
        ("Huber", metrics.mean_squared_error),
        ("Quantile", pinball),
    ],
)
def test_numbers(frame, ae, loss, deviance):
    model = network(frame, "y", loss=loss, quantile_alpha=0.25, pretrained_autoencoder=ae)
    answer, true = model.predict(frame), frame["y"].to_numpy()
    assert isinstance(model.fastae_model, AutoencoderRegressor)
    assert answer.names == ["predict"]
    made = answer["predict"].to_numpy()
    np.testing.assert_array_equal(made, model.fastae_model.predict(frame))
    assert model.mse() == pytest.approx(metrics.mean_squared_error(true, made))
    assert model.r2() == pytest.approx(metrics.r2_score(true, made))
    assert model.mae() == pytest.approx(metrics.mean_absolute_error(true, made))
    assert model.rmsle() == pytest.approx(metrics.root_mean_squared_log_error(true, made))
    assert model.mean_residual_deviance() == pytest.approx(deviance(true, made))
    name = "training_deviance" if loss == "Automatic" else "training_mse"
    assert model.scoring_history()[name].iloc[-1] == pytest.approx(model.mse())
    assert f"{'Quadratic' if loss == 'Automatic' else loss} loss" in str(model)


def test_without_pretraining_numbers_are_standardised(frame):
    model = network(frame, epochs=1)
    np.testing.assert_allclose(1 / np.array(model.normmul()), frame[["a", "b", "c"]].std())
    assert network(frame, epochs=1, standardize=False).normmul() == [1.0, 1.0, 1.0]


def test_rows_without_response_are_left_out(frame):
    gaps = frame.copy()
    gaps.loc[[0, 7], "label"] = None
    model = network(gaps, validation=gaps)
    assert_same_weights(model, network(frame.drop(index=[0, 7])))
    assert model.model_performance(valid=True).nobs == 118
    assert len(model.predict(gaps)) == 120
    with pytest.raises(ValueError, match="'label' must have at least two different values"):
        network(gaps.assign(label="x"))


def test_unknown_levels(frame):
    model = network(frame)
    with pytest.warns(UserWarning, match=r"count as missing: colour\.green\.$"):
        unseen = model.predict(frame.assign(colour="green"))
    np.testing.assert_array_equal(unseen["p1"], model.predict(frame.assign(colour=None))["p1"])
    other = frame.assign(label=[3, *frame["label"].astype(int)[1:]])
    with pytest.warns(UserWarning, match="Rows whose 'label' training did not see .*missing: 3"):
        assert model.model_performance(other).nobs == 119
    with pytest.raises(ValueError, match="must have the response 'label'"):
        model.model_performance(frame[X])


def test_weights_count_and_ignored_columns_do_not(frame):
    frame["w"] = np.arange(120) % 3
    model = network(frame, x=None, weights_column="w", ignored_columns=["y", "c"])
    assert model.weights(0).columns.tolist()[-2:] == ["a", "b"]
    codes = frame["label"].cat.codes
    made = model.predict(frame).iloc[:, 1:]
    assert model.logloss() == pytest.approx(metrics.log_loss(codes, made, sample_weight=frame["w"]))
    twice = frame.loc[np.repeat(frame.index, frame["w"])]
    assert model.logloss() == pytest.approx(
        model.model_performance(twice.drop(columns="w")).logloss()
    )


@pytest.mark.parametrize("metric", ["misclassification", "logloss"])
def test_stopping(frame, metric):
    options = {"stopping_metric": metric, "stopping_rounds": 1, "stopping_tolerance": 0.9}
    model = network(frame, epochs=50, score_each_iteration=True, **options)
    assert model.fastae_model.n_iter_ < 50
    model = network(frame, epochs=50, score_each_iteration=True, classification_stop=0.5)
    assert model.fastae_model.n_iter_ < 50
    assert pickle.loads(pickle.dumps(model.fastae_model)).predict(frame).size == 120


def test_class_weights_and_first_weights(frame):
    assert network(frame, balance_classes=True).fastae_model.class_weight == "balanced"
    factors = {"balance_classes": True, "class_sampling_factors": [1, 2, 3]}
    weighted = frame.assign(w=frame["label"].cat.codes + 1)
    assert_same_weights(network(frame, **factors), network(weighted, weights_column="w"))
    first = [np.full((6, 6), 0.25), np.full((3, 6), -0.5)]
    start = network(frame, epochs=0, initial_weights=first, initial_biases=[[1] * 6, [0, 1, 2]])
    np.testing.assert_array_equal(start.weights(1), first[1])
    np.testing.assert_array_equal(start.biases(1)["C1"], [0, 1, 2])
    biases = network(
        frame, epochs=0, activation="Rectifier", hidden=[4, 3]
    ).fastae_model.intercepts_
    assert [b[0] for b in biases] == [0.5, 1.0, 0.0]


@pytest.mark.parametrize(
    ("given", "y", "message"),
    [
        ({"loss": "Absolute"}, "label", "loss must be Automatic or CrossEntropy"),
        ({"loss": "CrossEntropy"}, "y", "make the response a factor"),
        ({"distribution": "gaussian"}, "label", "distribution must be one of auto, bernoulli"),
        ({"stopping_metric": "logloss"}, "y", "stopping_metric must be one of auto, deviance"),
        ({"stopping_metric": "auc"}, "y", "stopping_metric must be one of"),
        ({"activation": "Maxout"}, "y", "'Maxout' does not exist"),
        ({"nfolds": 5}, "y", "nfolds must be 0: cross-validate with scikit-learn, got 5"),
        ({"sparsity_beta": 0.1}, "y", "sparsity_beta is for autoencoders only"),
        ({"offset_column": "a"}, "y", "offset_column does not exist here"),
        ({"balance_classes": True}, "y", "balance_classes needs a factor"),
        ({"balance_classes": True, "class_sampling_factors": [1]}, "label", "must be 3 numbers"),
    ],
)
def test_wrong_values(frame, given, y, message):
    with pytest.raises(ValueError, match=message):
        network(frame, y, **given)


def test_parameters():
    made = supervised_parameters(SUPERVISED_DEFAULTS, ["x", "y"], n_rows=10)
    assert made["hidden_layer_sizes"] == (200, 200)
    assert (made["activation"], made["scaling"], made["solver"]) == ("relu", "standard", "adadelta")
    AutoencoderClassifier(**made)
    AutoencoderRegressor(**supervised_parameters(SUPERVISED_DEFAULTS, [], n_rows=10))
    with pytest.warns(UserWarning, match=r"^No effect here: average_activation, fold_column\.$"):
        H2ODeepLearningEstimator(average_activation=0.1, fold_column="a")
    with pytest.raises(TypeError, match="H2O's networks have no parameter 'epoch'; did you mean"):
        H2ODeepLearningEstimator(epoch=1)
    assert H2ODeepLearningEstimator(autoencoder=True).actual_params.keys() == DEFAULTS.keys()
    assert issubclass(H2OAutoEncoderEstimator, H2ODeepLearningEstimator)
    model = H2ODeepLearningEstimator(response_column="y", epochs=1, hidden=[2])
    assert h2o.get_model(model.model_id).train(training_frame=table()[["a", "c", "y"]]).r2() < 1
    with pytest.raises(ValueError, match="autoencoder must stay False"):
        model.train(training_frame=table()[["a", "c", "y"]], autoencoder=True)
