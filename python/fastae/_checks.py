"""What every hyper-parameter may be; checked once, in `fit`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np

ACTIVATIONS = ("tanh", "relu", "elu", "logistic", "identity")

_CHOICES = {
    "activation": ACTIVATIONS,
    "output_activation": ACTIVATIONS,
    "loss": ("squared_error", "absolute_error", "huber", "quantile"),
    "solver": ("adam", "adadelta", "sgd"),
    "learning_rate": ("cosine", "constant", "invscaling", "onecycle"),
    "init": ("glorot_uniform", "uniform", "normal"),
    "scaling": ("auto", "range", "standard", "robust", "none"),
    "constant_features": ("keep", "drop"),
    "missing": ("ignore", "impute", "error"),
    "categorical_loss": ("cross_entropy", "squared_error"),
    "parallel": ("deterministic", "hogwild"),
}
_FLAGS = (
    "nesterovs_momentum",
    "momentum_dampening",
    "early_stopping",
    "restore_best_weights",
    "warm_start",
    "missing_indicator",
)


@dataclass(frozen=True)
class Number:
    """What a number must be: a test, and the words for it."""

    words: str
    holds: Callable[[float], bool]


POSITIVE = Number("a number > 0", lambda value: value > 0)
NOT_NEGATIVE = Number("a number >= 0", lambda value: value >= 0)
_BELOW_ONE = Number("a number in [0, 1)", lambda value: 0 <= value < 1)
SHARE = Number("a number in (0, 1)", lambda value: 0 < value < 1)
UP_TO_HALF = Number("a number in (0, 0.5]", lambda value: 0 < value <= 0.5)

_NUMBERS = {
    "huber_delta": POSITIVE,
    "quantile": SHARE,
    "layer_rate_decay": POSITIVE,
    "power_t": NOT_NEGATIVE,
    "max_epochs": NOT_NEGATIVE,
    "l1": NOT_NEGATIVE,
    "l2": NOT_NEGATIVE,
    "input_dropout": _BELOW_ONE,
    "input_noise": NOT_NEGATIVE,
    "sparsity_beta": NOT_NEGATIVE,
    "average_activation": Number("a finite number", lambda _: True),
    "momentum": _BELOW_ONE,
    "momentum_ramp": NOT_NEGATIVE,
    "annealing": NOT_NEGATIVE,
    "rho": _BELOW_ONE,
    "beta_1": _BELOW_ONE,
    "beta_2": _BELOW_ONE,
    # The core multiplies two sums that are at least epsilon, and the product must not underflow.
    "epsilon": Number("a number >= 1e-18", lambda value: value >= 1e-18),
    "init_scale": POSITIVE,
    "validation_fraction": _BELOW_ONE,
    "calibration_fraction": _BELOW_ONE,
    "stopping_tolerance": _BELOW_ONE,
    "score_interval": NOT_NEGATIVE,
    "score_duty_cycle": Number("a number in (0, 1]", lambda value: 0 < value <= 1),
    "checkpoint_interval": NOT_NEGATIVE,
}
_NUMBERS_OR = {
    "learning_rate_init": ("auto", POSITIVE),
    "anomaly_margin": ("auto", POSITIVE),
    "anomaly_weight": ("auto", POSITIVE),
    "contamination": ("auto", UP_TO_HALF),
    "max_w2": (None, POSITIVE),
    "momentum_start": (None, _BELOW_ONE),
    "max_time": (None, POSITIVE),
    "target_mse": (None, NOT_NEGATIVE),
    "pretraining_epochs": (None, NOT_NEGATIVE),
}
_INTEGERS = {
    "max_categories": 2,
    "stopping_rounds": 1,
    "score_training_samples": 0,
    "score_validation_samples": 0,
}
_INTEGERS_OR_AUTO = {"batch_size": 1, "score_every": 1}


def check(estimator: Any) -> None:
    """Raise ValueError for the first parameter that is out of its range.

    Parameters
    ----------
    estimator : Autoencoder

    Raises
    ------
    ValueError
        Naming the parameter, what it may be, and what it was.
    """
    for name, choices in _CHOICES.items():
        value = getattr(estimator, name)
        if not isinstance(value, str) or value not in choices:
            fail(name, "one of " + ", ".join(map(repr, choices)), value)
    for name in _FLAGS:
        if not isinstance(getattr(estimator, name), bool | np.bool_):
            fail(name, "True or False", getattr(estimator, name))
    _check_numbers(estimator)
    _check_others(estimator)


def _check_numbers(estimator: Any) -> None:
    for name, number in _NUMBERS.items():
        check_number(name, getattr(estimator, name), number)
    for name, (alternative, number) in _NUMBERS_OR.items():
        value = getattr(estimator, name)
        if not _is(value, alternative):
            check_number(name, value, number, f"{alternative!r} or ")
    for name, least in _INTEGERS.items():
        check_integer(name, getattr(estimator, name), least)
    for name, least in _INTEGERS_OR_AUTO.items():
        if not is_auto(getattr(estimator, name)):
            check_integer(name, getattr(estimator, name), least, "'auto' or ")
    if not isinstance(estimator.verbose, bool):
        check_integer("verbose", estimator.verbose, 0)


def _check_others(estimator: Any) -> None:
    if estimator.pretraining not in (None, "stacked"):
        fail("pretraining", "None or 'stacked'", estimator.pretraining)
    if estimator.callback is not None and not callable(estimator.callback):
        fail("callback", "None or a function of one event", estimator.callback)
    if not isinstance(estimator.checkpoint, str | os.PathLike | None):
        fail("checkpoint", "None or the path of a file", estimator.checkpoint)


def hidden_dropout(value: Any, n_hidden: int) -> tuple[float, ...]:
    """Return `hidden_dropout` as one probability per hidden layer.

    Parameters
    ----------
    value : float or sequence of float
    n_hidden : int

    Returns
    -------
    probabilities : tuple of float
        Empty if all are 0.

    Raises
    ------
    ValueError
        If it is neither a probability below 1 nor one per hidden layer.

    Examples
    --------
    >>> from fastae import _checks
    >>> _checks.hidden_dropout(0.5, 2), _checks.hidden_dropout((0, 0.1), 2)
    ((0.5, 0.5), (0.0, 0.1))
    """
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        listed = list(value)
    else:
        listed = [value] * n_hidden
    if len(listed) != n_hidden or not all(_holds(p, _BELOW_ONE) for p in listed or [value]):
        fail("hidden_dropout", f"a number in [0, 1), or {n_hidden} of them, one per layer", value)
    return tuple(map(float, listed)) if any(listed) else ()


def hidden_widths(sizes: Any, n_features: int) -> tuple[int, ...]:
    """Return `hidden_layer_sizes` as a tuple; "auto" is one layer of ceil(sqrt(n_features)).

    Parameters
    ----------
    sizes : "auto", int or sequence of int
    n_features : int

    Raises
    ------
    ValueError
        If it is none of these, or a size is below 1 or above 2**31 - 1.
    """
    if is_auto(sizes):
        return (math.isqrt(n_features - 1) + 1,)
    listed = (sizes,) if is_integer(sizes) else sizes
    is_sequence = isinstance(listed, Sequence | np.ndarray) and not isinstance(listed, str | bytes)
    if not is_sequence or not all(is_integer(size) and 1 <= size < 2**31 for size in listed):
        msg = (
            "hidden_layer_sizes must be 'auto', a whole number from 1 to 2**31 - 1, or a "
            f"sequence of these, got {sizes!r}."
        )
        raise ValueError(msg)
    return tuple(int(size) for size in listed)


def is_integer(value: Any) -> bool:
    """Tell whether a value is a whole number; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_auto(value: Any) -> bool:
    """Tell whether a value is the word "auto"; arrays are compared with nothing."""
    return _is(value, "auto")


def _is(value: Any, alternative: str | None) -> bool:
    return value is None if alternative is None else isinstance(value, str) and value == alternative


def _holds(value: Any, number: Number) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return is_number and math.isfinite(value) and number.holds(float(value))


def check_number(name: str, value: Any, number: Number, prefix: str = "") -> None:
    """Raise ValueError unless a parameter is a number as it should be."""
    if not _holds(value, number):
        fail(name, prefix + number.words, value)


def check_integer(name: str, value: Any, least: int, prefix: str = "") -> None:
    """Raise ValueError unless a parameter is a whole number of at least `least`."""
    if not is_integer(value) or value < least:
        fail(name, f"{prefix}a whole number >= {least}", value)


def fail(name: str, allowed: str, value: Any) -> NoReturn:
    """Raise the error for a parameter: its name, what is allowed, and what it was."""
    msg = f"{name} must be {allowed}, got {value!r}."
    raise ValueError(msg)
