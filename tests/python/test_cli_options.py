"""Options: the estimator's parameters, and their values from text."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest

from clirun import invoke
from fastae import Autoencoder
from fastae._cli.options import MODEL_OPTIONS, is_out_of_range, option_names
from fastae._cli.readers import (
    read_names,
    read_number,
    read_scores,
    read_shape,
    read_sizes,
    read_threshold,
)

# Arrays; functions; what takes a second `fit`; the progress bar's job.
OUT_OF_REACH = {"coefs_init", "intercepts_init", "callback", "warm_start", "verbose"}


@pytest.fixture
def table(tmp_path):
    """Return the path of a table of 60 rows on a line in space and, last, one beside it."""
    rng = np.random.default_rng(0)
    X = np.outer(rng.uniform(-1, 1, size=60), [1, 2, -1]) + rng.normal(scale=0.01, size=(60, 3))
    X = np.vstack([X, [[1, -2, 1]]])
    path = tmp_path / "table.csv"
    pd.DataFrame(X, columns=["x", "y", "z"]).to_csv(path, index=False)
    return path


def test_options_are_the_estimators_parameters():
    parameters = inspect.signature(Autoencoder).parameters
    assert set(MODEL_OPTIONS) == set(parameters) - OUT_OF_REACH


# Every option with something else than its default.
GIVEN = {
    "anomaly_score": ("standardized", "code_distance"),
    "threshold": {"method": "mad", "n_deviations": 5},
    "calibration_fraction": 0.1,
    "hidden_layer_sizes": (4, 2, 4),
    "activation": "elu",
    "output_activation": "tanh",
    "loss": "huber",
    "huber_delta": 0.5,
    "solver": "sgd",
    "learning_rate_init": 0.015,
    "learning_rate": "invscaling",
    "power_t": 0.4,
    "layer_rate_decay": 0.9,
    "batch_size": 7,
    "max_epochs": 3,
    "l1": 1e-5,
    "l2": 2e-5,
    "max_w2": 10.0,
    "input_dropout": 0.1,
    "hidden_dropout": (0.1, 0.0, 0.2),
    "input_noise": 0.01,
    "sparsity_beta": 0.1,
    "average_activation": 0.05,
    "momentum": 0.5,
    "momentum_start": 0.3,
    "momentum_ramp": 100,
    "momentum_dampening": True,
    "nesterovs_momentum": False,
    "annealing": 1e-7,
    "init": "normal",
    "init_scale": 0.1,
    "pretraining": "stacked",
    "pretraining_epochs": 0.5,
    "scaling": "standard",
    "constant_features": "drop",
    "validation_fraction": 0.2,
    "early_stopping": True,
    "stopping_rounds": 3,
    "stopping_tolerance": 0.001,
    "restore_best_weights": False,
    "target_mse": 1e-9,
    "max_time": 50,
    "score_every": 20,
    "score_interval": 0.0001,
    "score_duty_cycle": 0.5,
    "score_training_samples": 30,
    "score_validation_samples": 5,
    "checkpoint": "run.ckpt",
    "checkpoint_interval": 0,
    "parallel": "hogwild",
    "n_jobs": 1,
    "random_state": 5,
}

# Those that do not go together with some of the above.
GIVEN_ELSE = [
    {
        "missing_indicator": True,
        "contamination": 0.1,
        "loss": "quantile",
        "quantile": 0.4,
        "beta_1": 0.8,
        "beta_2": 0.99,
        "epsilon": 1e-7,
    },
    {
        "missing": "impute",
        "categorical_features": ["z"],
        "categorical_loss": "squared_error",
        "max_categories": 20,
        "solver": "adadelta",
        "rho": 0.95,
    },
]
# With a table of known anomalies.
GIVEN_TO_TRAIN = {"anomaly_margin": 3.0, "anomaly_weight": 2.0}


def as_option(name, value):
    """Return the words that give an option this value."""
    name = name.replace("_", "-")
    if isinstance(value, bool):
        negation = "--last" if name == "restore-best-weights" else f"--no-{name}"
        return [f"--{name}" if value else negation]
    if isinstance(value, dict):
        value = [f"{key}={v}" for key, v in value.items()]
    return [
        f"--{name}",
        ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value),
    ]


def test_every_option_is_tried():
    defaults = Autoencoder().get_params()
    groups = (GIVEN, *GIVEN_ELSE, GIVEN_TO_TRAIN)
    tried = [(name, value) for given in groups for name, value in given.items()]
    assert {name for name, _ in tried} == set(MODEL_OPTIONS)
    assert not [name for name, value in tried if defaults[name] == value]


@pytest.mark.parametrize("given", [GIVEN, *GIVEN_ELSE, GIVEN_TO_TRAIN])
def test_options_reach_the_estimator(table, monkeypatch, tmp_path, given):
    monkeypatch.chdir(tmp_path)
    args = [word for name, value in given.items() for word in as_option(name, value)]
    seen = []
    fit = Autoencoder._fit
    monkeypatch.setattr(
        Autoencoder,
        "_fit",
        lambda model, *args, **options: seen.append(model) or fit(model, *args, **options),
    )
    if given is GIVEN_TO_TRAIN:
        result = invoke("train", table, "-o", "m.fastae", "--anomalous", table, *args)
    else:
        result = invoke("detect", table, *args)
    assert result.exit_code == 0, result.output
    parameters = seen[0].get_params()
    assert {name: parameters[name] for name in given} == given
    assert {name: type(parameters[name]) for name in given} == {
        name: type(value) for name, value in given.items()
    }
    assert (tmp_path / "run.ckpt").exists() == ("checkpoint" in given)


def test_shown_defaults_are_the_estimators():
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(Autoencoder).parameters.items()
    }
    for name, option in MODEL_OPTIONS.items():
        assert option.default == defaults[name], name
        assert type(option.default) is type(defaults[name]), name


def test_defaults_are_the_estimators(table, monkeypatch):
    seen = []
    fit = Autoencoder._fit
    monkeypatch.setattr(
        Autoencoder,
        "_fit",
        lambda model, *args, **options: seen.append(model) or fit(model, *args, **options),
    )
    assert invoke("detect", table).exit_code == 0
    assert seen[0].get_params() == Autoencoder().get_params()


def test_words_are_read_as_numbers_where_they_are():
    assert read_number("3") == 3
    assert isinstance(read_number("3"), int)
    assert read_number("3.5") == 3.5
    assert read_number("auto") == "auto"
    assert read_number(1e-8) == 1e-8
    assert read_sizes("50,20,50") == (50, 20, 50)
    assert read_sizes("5") == (5,)
    assert read_sizes("none") == ()
    assert read_sizes("auto") == "auto"


def test_words_are_read_as_lists_and_rules():
    assert read_names("from_dtype") == "from_dtype"
    assert read_names("zip") == ["zip"]
    assert read_names('zip, "shop, old"') == ["zip", "shop, old"]
    assert read_scores("mse") == "mse"
    assert read_scores("mse,code_distance") == ("mse", "code_distance")
    assert read_threshold("0.5") == 0.5
    assert read_threshold("mad") == "mad"
    assert read_threshold("method=evt,false_positive_rate=0.001") == {
        "method": "evt",
        "false_positive_rate": 0.001,
    }
    assert read_shape("28x28") == (28, 28)
    assert read_shape("32,32,3") == (32, 32, 3)


def test_messages_speak_of_options():
    assert option_names("l1 must be a number") == "--l1 must be a number"
    assert option_names("use scaling='range' or less scaling") == (
        "use --scaling range or less scaling"
    )
    assert option_names("lower learning_rate_init now") == "lower --learning-rate-init now"


def test_messages_give_the_cures_of_the_command_line():
    assert option_names("max_time must be None or a number > 0, got 0") == (
        "--max-time must be a number > 0, got 0"
    )
    assert option_names("quantile=0.9 is finer than 3 rows support") == (
        "a quantile of 0.9 is finer than 3 rows support"
    )
    assert option_names("validation_fraction=1 leaves none: give more rows, or X_val.") == (
        "--validation-fraction=1 leaves none: give more rows, or --validation FILE."
    )
    assert option_names("checkpoint is not there for a scan of more than one window: set None") == (
        "--checkpoint is not there for more rows than memory holds: leave it out"
    )


def test_values_out_of_range_are_told_from_bad_rows():
    assert is_out_of_range("layer must be from -1 to 0, got 9.")
    assert is_out_of_range("fdr must be a number in (0, 1), got 2.0.")
    assert not is_out_of_range("X must have 3 columns, got 2.")
    assert not is_out_of_range("max_w2 is not there for factors.")
