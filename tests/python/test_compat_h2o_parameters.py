"""H2O's parameters: names, spellings, and what they become here."""

from __future__ import annotations

import inspect

import pytest

from fastae import Autoencoder
from fastae.compat.h2o import (
    H2OAutoEncoderEstimator,
    H2ODeepLearningEstimator,
    estimator_parameters,
)
from fastae.compat.h2o._mapping import rows_per_iteration
from fastae.compat.h2o._parameters import DEFAULTS, MEANINGLESS


def made(n_rows=None, **parameters):
    return estimator_parameters(DEFAULTS | parameters, n_rows=n_rows)


def test_every_made_parameter_exists():
    known = set(inspect.signature(Autoencoder).parameters)
    for adaptive_rate in (True, False):
        assert set(made(adaptive_rate=adaptive_rate, n_rows=10)) <= known


def test_defaults():
    parameters = made()
    expected = {
        "hidden_layer_sizes": (200, 200),
        "activation": "relu",
        "output_activation": "identity",
        "solver": "adadelta",
        "learning_rate_init": 1.75,
        "learning_rate": "constant",
        "batch_size": 1,
        "max_epochs": 10.0,
        "rho": 0.99,
        "epsilon": 1e-8,
        "max_w2": None,
        "hidden_dropout": 0.0,
        "input_dropout": 0.0,
        "init": "glorot_uniform",
        "loss": "squared_error",
        "early_stopping": True,
        "stopping_rounds": 5,
        "stopping_tolerance": 0.0,
        "restore_best_weights": True,
        "max_time": None,
        "target_mse": 1e-6,
        "score_interval": 5.0,
        "score_duty_cycle": 0.1,
        "score_training_samples": 10000,
        "random_state": None,
        "parallel": "deterministic",
        "scaling": "range",
    }
    assert {name: parameters[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "activation", "output", "drops"),
    [
        ("Tanh", "tanh", "tanh", False),
        ("tanh", "tanh", "tanh", False),
        ("TanhWithDropout", "tanh", "tanh", True),
        ("tanh_with_dropout", "tanh", "tanh", True),
        ("Rectifier", "relu", "identity", False),
        ("RectifierWithDropout", "relu", "identity", True),
    ],
)
def test_activations(given, activation, output, drops):
    parameters = made(activation=given, hidden=[4, 3])
    assert parameters["activation"] == activation
    assert parameters["output_activation"] == output
    assert parameters["hidden_dropout"] == ((0.5, 0.5) if drops else 0.0)


@pytest.mark.parametrize(
    ("loss", "distribution", "expected", "factor"),
    [
        ("Automatic", "auto", "squared_error", 2),
        ("Quadratic", "AUTO", "squared_error", 2),
        ("Absolute", "auto", "absolute_error", 1),
        ("huber", "auto", "huber", 2),
        ("Quantile", "auto", "quantile", 1),
        ("absolute", "gaussian", "squared_error", 2),
        ("automatic", "laplace", "absolute_error", 1),
    ],
)
def test_losses(loss, distribution, expected, factor):
    parameters = made(
        loss=loss, distribution=distribution, l1=1e-3, l2=1e-2, adaptive_rate=False, rate=0.1
    )
    assert parameters["loss"] == expected
    assert parameters["l1"] == 1e-3 / factor
    assert parameters["l2"] == 1e-2 / factor
    assert parameters["learning_rate_init"] == pytest.approx(0.1 * factor)


def test_gradient_descent():
    parameters = made(
        adaptive_rate=False,
        rate=0.01,
        rate_annealing=1e-3,
        rate_decay=0.5,
        momentum_start=0.5,
        momentum_stable=0.9,
        momentum_ramp=1000,
        nesterov_accelerated_gradient=False,
        mini_batch_size=8,
    )
    expected = {
        "solver": "sgd",
        "learning_rate_init": 0.02,
        "learning_rate": "constant",
        "annealing": pytest.approx(0.9e-3),
        "layer_rate_decay": 0.5,
        "momentum": 0.9,
        "momentum_start": 0.5,
        "momentum_ramp": 1000,
        "momentum_dampening": True,
        "nesterovs_momentum": False,
        "batch_size": 8,
    }
    assert {name: parameters[name] for name in expected} == expected
    assert made(adaptive_rate=False, momentum_start=0.5, momentum_ramp=0)["momentum"] == 0.5


def test_other_parameters():
    parameters = made(
        hidden=7,
        activation="tanh_with_dropout",
        hidden_dropout_ratios=[0.25],
        input_dropout_ratio=0.1,
        max_w2=10,
        epochs=13.3,
        seed=0xDECAF,
        initial_weight_distribution="Normal",
        initial_weight_scale=0.3,
        stopping_rounds=0,
        overwrite_with_best_model=False,
        max_runtime_secs=9,
        regression_stop=-1,
        standardize=False,
    )
    expected = {
        "hidden_layer_sizes": (7,),
        "hidden_dropout": (0.25,),
        "input_dropout": 0.1,
        "max_w2": 10,
        "max_epochs": 13.3,
        "random_state": 0xDECAF,
        "init": "normal",
        "init_scale": 0.3,
        "early_stopping": False,
        "restore_best_weights": False,
        "max_time": 9,
        "target_mse": None,
        "scaling": "none",
    }
    assert {name: parameters[name] for name in expected} == expected
    assert made(seed=2**40 + 5)["random_state"] == 5
    assert made(hidden=[])["hidden_layer_sizes"] == ()


def test_best_weights_without_early_stopping():
    parameters = made(stopping_rounds=0)
    assert parameters["early_stopping"]
    assert parameters["restore_best_weights"]
    assert parameters["stopping_rounds"] >= 10**6
    assert not made(stopping_rounds=3, overwrite_with_best_model=False)["restore_best_weights"]


def test_reproducible_scores_every_epoch():
    parameters = made(n_rows=20, reproducible=True)
    assert parameters["score_every"] == 20
    assert parameters["score_interval"] == 0.0
    assert parameters["score_duty_cycle"] == 1.0
    assert made(n_rows=20)["score_interval"] == 5.0


@pytest.mark.parametrize(
    ("samples", "epochs", "n_rows", "expected"),
    [
        (-2, 10.0, 37, 37),
        (-2, 2.0, 37, 7),
        (-2, 0.0, 37, 1),
        (-2, 1000.0, 37, 370),
        (-2, 10.0, 10**6, 100_000),
        (-1, 10.0, 37, 37),
        (0, 10.0, 37, 37),
        (50, 10.0, 37, 50),
        (50, 1.0, 37, 37),
    ],
)
def test_rows_per_iteration(samples, epochs, n_rows, expected):
    parameters = DEFAULTS | {"train_samples_per_iteration": samples, "epochs": epochs}
    assert rows_per_iteration(parameters, n_rows) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "Maxout"}, "'Maxout' does not exist for autoencoders"),
        ({"activation": "maxout_with_dropout"}, "'Maxout' does not exist for autoencoders"),
        ({"activation": "sigmoid"}, "activation must be one of tanh, .* got 'sigmoid'"),
        ({"activation": None}, "activation must be one of tanh, .* got None"),
        ({"loss": "CrossEntropy"}, "loss='CrossEntropy' is for classification"),
        ({"loss": "mse"}, "loss must be one of automatic, quadratic"),
        ({"distribution": "poisson"}, "distribution must be one of auto, gaussian"),
        ({"autoencoder": False}, "autoencoder must be True"),
        ({"nfolds": 5}, "nfolds must be 0: .* got 5"),
        ({"categorical_encoding": "eigen"}, "categorical_encoding must be one of auto"),
        ({"stopping_metric": "logloss"}, "stopping_metric must be one of auto, mse"),
        ({"missing_values_handling": "drop"}, "missing_values_handling must be one of mean"),
        ({"initial_weight_distribution": "he"}, "initial_weight_distribution must be one of"),
        ({"hidden": [10, 0]}, r"hidden must be a list of numbers of units, got \[10, 0\]"),
        ({"hidden": "auto"}, "hidden must be a list of numbers of units, got 'auto'"),
        ({"hidden_dropout_ratios": [0.5, 0.5]}, "hidden_dropout_ratios needs an activation with"),
        (
            {"activation": "TanhWithDropout", "hidden_dropout_ratios": [0.5]},
            r"hidden_dropout_ratios must be 2 numbers from 0 to below 1, .* got \[0.5\]",
        ),
        ({"epochs": -1}, "epochs must be a number of at least 0, got -1"),
        ({"rho": 1.5}, "rho must be a number of at least 0 and at most 0.999999, got 1.5"),
        ({"adaptive_rate": False, "rate": 0}, "rate must be a number of at least 1e-12, got 0"),
        ({"l1": "small"}, "l1 must be a number of at least 0, got 'small'"),
    ],
)
def test_wrong_values(given, message):
    with pytest.raises(ValueError, match=message):
        H2OAutoEncoderEstimator(**given)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("epoch", "has no parameter 'epoch'; did you mean 'epochs'?"),
        ("hidden_layer_sizes", "has no parameter 'hidden_layer_sizes'"),
        ("pretrained_autoencoder", "pretrained_autoencoder starts a supervised network"),
    ],
)
def test_unknown_parameters(name, message):
    with pytest.raises(TypeError, match=message):
        H2OAutoEncoderEstimator(**{name: 1})
    with pytest.raises(TypeError, match=message):
        H2OAutoEncoderEstimator().train(training_frame=[[1.0], [2.0]], **{name: 1})


@pytest.mark.parametrize("name", sorted(MEANINGLESS))
def test_parameters_without_meaning_are_accepted_with_one_warning(name):
    with pytest.warns(UserWarning, match=f"^No effect here: {name}.$") as caught:
        H2OAutoEncoderEstimator(**{name: True})
    assert len(caught) == 1


def test_one_warning_for_all():
    with pytest.warns(UserWarning, match=r"^No effect here: quiet_mode, sparse\.$") as caught:
        H2OAutoEncoderEstimator(sparse=True, quiet_mode=True, hidden=[3])
    assert len(caught) == 1
    with pytest.warns(UserWarning, match=r"^No effect here: momentum_start, rate\.$"):
        H2OAutoEncoderEstimator(rate=0.1, momentum_start=0.5)
    H2OAutoEncoderEstimator(rate=0.1, momentum_start=0.5, adaptive_rate=False)


def test_deep_learning_estimator_can_be_an_autoencoder():
    parameters = {"hidden": [3], "model_id": "one"}
    model = H2ODeepLearningEstimator(autoencoder=True, **parameters)
    assert model.actual_params == H2OAutoEncoderEstimator(**parameters).actual_params


def test_parameters_are_attributes():
    model = H2OAutoEncoderEstimator(hidden=[3], epochs=4, activation="Tanh")
    assert (model.hidden, model.epochs, model.l1) == ([3], 4, 0.0)
    model.epochs = 5
    assert model.actual_params["epochs"] == 5
    assert repr(model) == "H2OAutoEncoderEstimator : Deep Learning, not trained yet"
