"""What H2O's parameters are called here: from H2O's dictionary to that of `Autoencoder`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastae.compat.h2o._parameters import check_ranges, choice

# Activation of the hidden layers, of the output layer, and whether units are dropped. H2O gives
# the output layer the hidden layers' activation; a rectifier there could make no negative number,
# while half of all scaled inputs are negative.
_NO_MAXOUT = ValueError(
    "activation='Maxout' does not exist for autoencoders, as in H2O, nor for other networks here: "
    "use 'Tanh' or 'Rectifier'."
)
_ACTIVATIONS = {
    "tanh": ("tanh", "tanh", False),
    "tanh_with_dropout": ("tanh", "tanh", True),
    "rectifier": ("relu", "identity", False),
    "rectifier_with_dropout": ("relu", "identity", True),
    "maxout": _NO_MAXOUT,
    "maxout_with_dropout": _NO_MAXOUT,
}
_LOSSES = {
    "automatic": "squared_error",
    "quadratic": "squared_error",
    "absolute": "absolute_error",
    "huber": "huber",
    "quantile": "quantile",
    "cross_entropy": ValueError(
        "loss='CrossEntropy' is for classification: use 'Quadratic' or 'Absolute', for example, or "
        "make the response a factor."
    ),
}
_DISTRIBUTIONS = {
    "auto": "by loss",
    "gaussian": "squared_error",
    "laplace": "absolute_error",
    "huber": "huber",
    "quantile": "quantile",
}
# H2O's gradients of these are twice ours: it leaves out the half of half the squared error.
_DOUBLED = ("squared_error", "huber")

# ADADELTA's steps, of the published size with 1. After a few epochs its error depends on the order
# of the rows, by a factor of 2 and more; with steps of this size it was below H2O's in all orders
# tried (tests/python/golden/trajectories.json).
_ADADELTA_STEPS = 1.75

NEVER = 10**9  # rounds of early stopping


def estimator_parameters(
    parameters: dict[str, Any], *, n_rows: int | None = None
) -> dict[str, Any]:
    """Return the parameters of the `Autoencoder` that does what H2O's would.

    Parameters
    ----------
    parameters : dict
        All of H2O's parameters that mean something here, by H2O's names.
    n_rows : int or None, default=None
        Rows of the training frame: H2O's scoring counts in passes over them.

    Returns
    -------
    parameters : dict
        Keyword arguments of `fastae.Autoencoder`.

    Raises
    ------
    ValueError
        If a value is not one that H2O would take.

    Examples
    --------
    >>> from fastae.compat.h2o import H2OAutoEncoderEstimator, estimator_parameters
    >>> model = H2OAutoEncoderEstimator(hidden=[50], activation="TanhWithDropout", l1=1e-4)
    >>> made = estimator_parameters(model.actual_params)
    >>> made["hidden_layer_sizes"], made["hidden_dropout"], made["l1"]
    ((50,), (0.5,), 5e-05)
    """
    check_parameters(parameters)
    choice(parameters, "stopping_metric", {"auto": "mse", "mse": "mse"})
    loss, factor = loss_of_numbers(parameters)
    goal = parameters["regression_stop"]
    return {
        "scaling": "range" if parameters["standardize"] else "none",
        "output_activation": choice(parameters, "activation", _ACTIVATIONS)[1],
        "loss": loss,
        "quantile": float(parameters["quantile_alpha"]),
        "average_activation": float(parameters["average_activation"]),
        "sparsity_beta": parameters["sparsity_beta"] / factor,
        "target_mse": goal if goal > 0 else None,
        **shared_parameters(parameters, factor, n_rows),
    }


def loss_of_numbers(parameters: dict[str, Any]) -> tuple[str, float]:
    """Return the loss for numbers, and how much larger H2O's gradients of it are."""
    loss = choice(parameters, "distribution", _DISTRIBUTIONS)
    loss = choice(parameters, "loss", _LOSSES) if loss == "by loss" else loss
    return loss, 2.0 if loss in _DOUBLED else 1.0


def shared_parameters(
    parameters: dict[str, Any], factor: float, n_rows: int | None
) -> dict[str, Any]:
    """Return what does not depend on whether there is a response.

    Parameters
    ----------
    parameters : dict
    factor : float
        How much larger H2O's gradients of the loss are.
    n_rows : int or None
    """
    return {
        "l1": parameters["l1"] / factor,
        "l2": parameters["l2"] / factor,
        "max_w2": parameters["max_w2"] if parameters["max_w2"] < 3.4e38 else None,
        "batch_size": int(parameters["mini_batch_size"]),
        "max_epochs": parameters["epochs"],
        "random_state": None if parameters["seed"] == -1 else int(parameters["seed"]) % 2**32,
        "parallel": "deterministic",
        **_network(parameters),
        **_solver(parameters, factor),
        **_watching(parameters, n_rows),
    }


def hidden_sizes(parameters: dict[str, Any]) -> tuple[int, ...]:
    """Return the sizes of the hidden layers; a number alone is one layer."""
    hidden = parameters["hidden"]
    sizes = (hidden,) if np.ndim(hidden) == 0 else tuple(hidden)
    if not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
        msg = f"hidden must be a list of numbers of units, got {hidden!r}."
        raise ValueError(msg)
    return tuple(map(int, sizes))


def skips_missing(parameters: dict[str, Any]) -> bool:
    """Tell whether rows with missing values are left out of training."""
    words = {"mean_imputation": "impute", "skip": "skip"}
    return bool(choice(parameters, "missing_values_handling", words) == "skip")


def check_parameters(parameters: dict[str, Any]) -> None:
    """Check numbers, and words of which only some are supported with or without a response."""
    check_ranges(parameters)
    if parameters["nfolds"] > 1:
        why = "autoencoders have no cross-validation"
        if not parameters["autoencoder"]:
            why = "cross-validate with scikit-learn"
        msg = f"nfolds must be 0: {why}, got {parameters['nfolds']}."
        raise ValueError(msg)
    encodings = dict.fromkeys(("auto", "one_hot_internal"), "one-hot")
    choice(parameters, "categorical_encoding", encodings)
    skips_missing(parameters)


def _network(parameters: dict[str, Any]) -> dict[str, Any]:
    activation, _, drops = choice(parameters, "activation", _ACTIVATIONS)
    sizes = hidden_sizes(parameters)
    distributions = {"uniform_adaptive": "glorot_uniform", "uniform": "uniform", "normal": "normal"}
    return {
        "hidden_layer_sizes": sizes,
        "activation": activation,
        "input_dropout": float(parameters["input_dropout_ratio"]),
        "hidden_dropout": _hidden_dropout(parameters, len(sizes), drops=drops),
        "init": choice(parameters, "initial_weight_distribution", distributions),
        "init_scale": parameters["initial_weight_scale"],
    }


def _hidden_dropout(
    parameters: dict[str, Any], n_hidden: int, *, drops: bool
) -> float | tuple[float, ...]:
    ratios = parameters["hidden_dropout_ratios"]
    if not drops:
        if ratios is not None:
            msg = (
                "hidden_dropout_ratios needs an activation with dropout, like 'TanhWithDropout', "
                f"got {parameters['activation']!r}."
            )
            raise ValueError(msg)
        return 0.0
    if ratios is None:
        return (0.5,) * n_hidden or 0.0
    if len(ratios) != n_hidden or not all(0 <= ratio < 1 for ratio in ratios):
        msg = (
            f"hidden_dropout_ratios must be {n_hidden} numbers from 0 to below 1, one per hidden "
            f"layer, got {ratios!r}."
        )
        raise ValueError(msg)
    return tuple(map(float, ratios)) or 0.0


def _solver(parameters: dict[str, Any], factor: float) -> dict[str, Any]:
    if parameters["adaptive_rate"]:
        return {
            "solver": "adadelta",
            "learning_rate_init": _ADADELTA_STEPS,
            "learning_rate": "constant",
            "rho": parameters["rho"],
            "epsilon": parameters["epsilon"],
        }
    # H2O counts rows when a pass over them ends: the last pass has the rate of one pass less.
    epochs = max(1.0, parameters["epochs"])
    annealing = parameters["rate_annealing"] * (epochs - 1.0) / epochs
    start, stable = parameters["momentum_start"], parameters["momentum_stable"]
    ramp = parameters["momentum_ramp"]
    return {
        "solver": "sgd",
        "learning_rate_init": factor * parameters["rate"],
        "learning_rate": "constant",
        "annealing": annealing,
        "layer_rate_decay": parameters["rate_decay"],
        "momentum": stable if ramp else start,
        "momentum_start": start if ramp else None,
        "momentum_ramp": ramp or 1.0,
        "momentum_dampening": True,  # H2O multiplies the rate by 1 - momentum
        "nesterovs_momentum": bool(parameters["nesterov_accelerated_gradient"]),
    }


def _watching(parameters: dict[str, Any], n_rows: int | None) -> dict[str, Any]:
    """Return when to measure the error and when to stop."""
    always = parameters["score_each_iteration"] or parameters["reproducible"]
    rounds, keep_best = parameters["stopping_rounds"], parameters["overwrite_with_best_model"]
    return {
        # Only with early stopping are the best weights kept, so it is on, if only in name.
        "early_stopping": bool(rounds > 0 or keep_best),
        "stopping_rounds": int(rounds) or NEVER,
        "stopping_tolerance": parameters["stopping_tolerance"],
        "restore_best_weights": bool(keep_best),
        "max_time": parameters["max_runtime_secs"] or None,
        "score_every": "auto" if n_rows is None else rows_per_iteration(parameters, n_rows),
        "score_interval": 0.0 if always else parameters["score_interval"],
        "score_duty_cycle": 1.0 if always else max(parameters["score_duty_cycle"], 1e-3),
        "score_training_samples": int(parameters["score_training_samples"]),
        "score_validation_samples": int(parameters["score_validation_samples"]),
    }


def rows_per_iteration(parameters: dict[str, Any], n_rows: int) -> int:
    """Return after how many trained rows H2O may look at the error.

    Parameters
    ----------
    parameters : dict
        H2O's. Of `train_samples_per_iteration`, 0 and -1 stand for one epoch, and so does -2 with
        `reproducible`; -2 is else a tenth of the training, but at most 10 epochs or 100,000 rows.
    n_rows : int
        Rows of the training frame.
    """
    samples = int(parameters["train_samples_per_iteration"])
    total = max(1, int(parameters["epochs"] * n_rows))
    if samples == -2 and not parameters["reproducible"]:
        return max(1, min(total // 10, 10 * n_rows, 100_000))
    return min(samples, total) if samples > 0 else n_rows
