"""H2O's parameters: their names, defaults and spellings, and which mean nothing here."""

from __future__ import annotations

import difflib
import math
import warnings
from typing import Any

# What H2O uses where nothing is given.
DEFAULTS: dict[str, Any] = {
    "model_id": None,
    "training_frame": None,
    "validation_frame": None,
    "nfolds": 0,
    "ignored_columns": None,
    "ignore_const_cols": True,
    "weights_column": None,
    "checkpoint": None,
    "autoencoder": True,
    # the network
    "hidden": (200, 200),
    "activation": "rectifier",
    "standardize": True,
    "categorical_encoding": "auto",
    "missing_values_handling": "mean_imputation",
    "input_dropout_ratio": 0.0,
    "hidden_dropout_ratios": None,
    "initial_weight_distribution": "uniform_adaptive",
    "initial_weight_scale": 1.0,
    "initial_weights": None,
    "initial_biases": None,
    # what is minimised
    "loss": "automatic",
    "distribution": "auto",
    "quantile_alpha": 0.5,
    "l1": 0.0,
    "l2": 0.0,
    "max_w2": 3.4028235e38,
    "average_activation": 0.0,
    "sparsity_beta": 0.0,
    # how
    "adaptive_rate": True,
    "rho": 0.99,
    "epsilon": 1e-8,
    "rate": 0.005,
    "rate_annealing": 1e-6,
    "rate_decay": 1.0,
    "momentum_start": 0.0,
    "momentum_ramp": 1e6,
    "momentum_stable": 0.0,
    "nesterov_accelerated_gradient": True,
    "mini_batch_size": 1,
    "seed": -1,
    "reproducible": False,
    # how long, and what is watched
    "epochs": 10.0,
    "train_samples_per_iteration": -2,
    "max_runtime_secs": 0.0,
    "score_each_iteration": False,
    "score_interval": 5.0,
    "score_duty_cycle": 0.1,
    "score_training_samples": 10000,
    "score_validation_samples": 0,
    "stopping_rounds": 5,
    "stopping_metric": "auto",
    "stopping_tolerance": 0.0,
    "regression_stop": 1e-6,
    "overwrite_with_best_model": True,
    # always there, on demand
    "export_weights_and_biases": False,
    "variable_importances": True,
}

# The same of a network with a response; `autoencoder` tells them apart.
SUPERVISED_DEFAULTS: dict[str, Any] = DEFAULTS | {
    "autoencoder": False,
    "balance_classes": False,
    "class_sampling_factors": None,
    "classification_stop": 0.0,
    "offset_column": None,
    "pretrained_autoencoder": None,
    "response_column": None,
}
_AUTOENCODERS_ONLY = frozenset(["average_activation"])

# Cluster, cross-validation, supervised learning, storage, deprecated: accepted with a warning.
MEANINGLESS = frozenset(
    [
        "auc_type",
        "balance_classes",
        "class_sampling_factors",
        "classification_stop",
        "col_major",
        "custom_metric_func",
        "diagnostics",
        "elastic_averaging",
        "elastic_averaging_moving_rate",
        "elastic_averaging_regularization",
        "export_checkpoints_dir",
        "fast_mode",
        "fold_assignment",
        "fold_column",
        "force_load_balance",
        "gainslift_bins",
        "huber_alpha",
        "keep_cross_validation_fold_assignment",
        "keep_cross_validation_models",
        "keep_cross_validation_predictions",
        "max_after_balance_size",
        "max_categorical_features",
        "max_confusion_matrix_size",
        "offset_column",
        "quiet_mode",
        "replicate_training_data",
        "response_column",
        "score_validation_sampling",
        "shuffle_training_data",
        "single_node_mode",
        "sparse",
        "target_ratio_comm_to_comp",
        "tweedie_power",
        "use_all_factor_levels",
    ]
)

_ONLY_WITHOUT_ADAPTIVE_RATE = frozenset(
    [
        "rate",
        "rate_annealing",
        "rate_decay",
        "momentum_start",
        "momentum_ramp",
        "momentum_stable",
        "nesterov_accelerated_gradient",
    ]
)

_ABOVE_0, _BELOW_1 = 1e-12, 0.999999

# Lowest and highest value; the bounds themselves are allowed.
_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (0, math.inf),
    "rho": (0, _BELOW_1),
    "epsilon": (1e-18, math.inf),
    "rate": (_ABOVE_0, math.inf),
    "rate_annealing": (0, math.inf),
    "rate_decay": (_ABOVE_0, math.inf),
    "momentum_start": (0, _BELOW_1),
    "momentum_ramp": (0, math.inf),
    "momentum_stable": (0, _BELOW_1),
    "mini_batch_size": (1, math.inf),
    "input_dropout_ratio": (0, _BELOW_1),
    "quantile_alpha": (_ABOVE_0, _BELOW_1),
    "l1": (0, math.inf),
    "l2": (0, math.inf),
    "max_w2": (_ABOVE_0, math.inf),
    "sparsity_beta": (0, math.inf),
    "initial_weight_scale": (_ABOVE_0, math.inf),
    "train_samples_per_iteration": (-2, math.inf),
    "max_runtime_secs": (0, math.inf),
    "score_interval": (0, math.inf),
    "score_duty_cycle": (0, 1),
    "score_training_samples": (0, math.inf),
    "score_validation_samples": (0, math.inf),
    "stopping_rounds": (0, math.inf),
    "stopping_tolerance": (0, math.inf),
}


def checked_names(given: dict[str, Any], *, autoencoder: bool) -> dict[str, Any]:
    """Return the given parameters that mean something here.

    Parameters
    ----------
    given : dict
        Parameters by H2O's names, those that the user set.
    autoencoder : bool
        Whether they are an autoencoder's; else those of a network with a response.

    Returns
    -------
    parameters : dict
        Without those that have no effect; they are named in one warning.

    Raises
    ------
    TypeError
        If H2O's networks have no such parameter.

    Examples
    --------
    >>> from fastae.compat.h2o import _parameters
    >>> _parameters.checked_names({"epoch": 5}, autoencoder=True)
    Traceback (most recent call last):
        ...
    TypeError: H2O's autoencoder has no parameter 'epoch'; did you mean 'epochs'?
    """
    known = DEFAULTS if autoencoder else SUPERVISED_DEFAULTS
    idle_names = MEANINGLESS - known.keys() | (frozenset() if autoencoder else _AUTOENCODERS_ONLY)
    for name in given:
        if autoencoder and name == "pretrained_autoencoder":
            msg = "pretrained_autoencoder starts a supervised network; use initial_weights here."
            raise TypeError(msg)
        if name not in known and name not in idle_names:
            _fail_at_unknown(name, [*known, *idle_names], autoencoder=autoencoder)
    idle = [name for name in given if name in idle_names]
    if given.get("adaptive_rate", True):
        idle += [name for name in given if name in _ONLY_WITHOUT_ADAPTIVE_RATE]
    if idle:
        warnings.warn(f"No effect here: {', '.join(sorted(idle))}.", stacklevel=3)
    return {name: value for name, value in given.items() if name not in idle_names}


def _fail_at_unknown(name: str, names: list[str], *, autoencoder: bool) -> None:
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    what = "autoencoder has" if autoencoder else "networks have"
    msg = f"H2O's {what} no parameter {name!r}{hint}"
    raise TypeError(msg)


def choice(parameters: dict[str, Any], name: str, allowed: dict[str, Any]) -> Any:
    """Return what one of H2O's words stands for, spelt as in Java, R or Python.

    Parameters
    ----------
    parameters : dict
    name : str
        The parameter that holds the word.
    allowed : dict of str to object
        What each word, in Python's spelling, stands for; an exception is raised.

    Examples
    --------
    >>> from fastae.compat.h2o import _parameters
    >>> words = {"uniform_adaptive": "glorot_uniform", "normal": "normal"}
    >>> _parameters.choice({"w": "UniformAdaptive"}, "w", words)
    'glorot_uniform'
    """
    given = parameters[name]
    words = {_plain(word): meaning for word, meaning in allowed.items()}
    meaning = words.get(_plain(given)) if isinstance(given, str) else None
    if isinstance(meaning, Exception):
        raise meaning
    if meaning is None:
        good = [w for w, meaning in allowed.items() if not isinstance(meaning, Exception)]
        msg = f"{name} must be one of {', '.join(good)}, got {given!r}."
        raise ValueError(msg)
    return meaning


def check_ranges(parameters: dict[str, Any]) -> None:
    """Raise ValueError at the first number that is out of its range."""
    for name, (low, high) in _RANGES.items():
        value = parameters[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            upper = f" and at most {high:g}" if high < math.inf else ""
            msg = f"{name} must be a number of at least {low:g}{upper}, got {value!r}."
            raise ValueError(msg)


def _plain(word: str) -> str:
    return word.replace("_", "").lower()
