"""Hyper-parameters: checked once in `fit`, with every "auto" turned into a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

ACTIVATIONS = ("tanh", "relu", "elu", "logistic", "identity")

_CHOICES = {
    "activation": ACTIVATIONS,
    "output_activation": ACTIVATIONS,
    "solver": ("adam", "adadelta", "sgd"),
    "learning_rate": ("cosine", "constant"),
    "init": ("glorot_uniform", "uniform", "normal"),
    "scaling": ("range", "standard", "none"),
    "parallel": ("deterministic", "hogwild"),
}


@dataclass(frozen=True)
class _Number:
    """What a number must be: a test, and the words for it."""

    words: str
    holds: Callable[[float], bool]


_POSITIVE = _Number("a number > 0", lambda value: value > 0)
_NOT_NEGATIVE = _Number("a number >= 0", lambda value: value >= 0)
_BELOW_ONE = _Number("a number in [0, 1)", lambda value: 0 <= value < 1)

_NUMBERS = {
    "l1": _NOT_NEGATIVE,
    "l2": _NOT_NEGATIVE,
    "momentum": _BELOW_ONE,
    "annealing": _NOT_NEGATIVE,
    "rho": _BELOW_ONE,
    "beta_1": _BELOW_ONE,
    "beta_2": _BELOW_ONE,
    # The core multiplies two sums that are at least epsilon, and the product must not underflow.
    "epsilon": _Number("a number >= 1e-18", lambda value: value >= 1e-18),
    "init_scale": _POSITIVE,
}
_NUMBERS_OR_AUTO = {
    "learning_rate_init": _POSITIVE,
    "contamination": _Number("a number in (0, 0.5]", lambda value: 0 < value <= 0.5),
}


# Rows per update that threads without locks still bear well (benchmarks/sweeps.py hogwild).
HOGWILD_ROWS = 32


@dataclass(frozen=True)
class Params:
    """What training needs to know, checked and without "auto".

    Attributes
    ----------
    widths : tuple of int
        Units per layer: n_features, hidden layers, n_features.
    activations : tuple of str
        One per layer but the input.
    optimiser : dict
        Keyword arguments of ``_core.train`` that do not change while training.
    n_slots : int
        How many buffers of state the solver keeps.
    batch_size, max_epochs : int
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    optimiser: dict[str, Any]
    n_slots: int
    batch_size: int
    max_epochs: int


def resolve(estimator: Any, n_samples: int, n_features: int) -> Params:
    """Check an estimator's parameters and fill in what depends on the table.

    Parameters
    ----------
    estimator : Autoencoder
    n_samples, n_features : int
        The training table's shape.

    Returns
    -------
    params : Params

    Raises
    ------
    ValueError
        Naming the first parameter that is wrong, what it may be, and what it was.
    """
    _check(estimator)
    hidden = hidden_widths(estimator.hidden_layer_sizes, n_features)
    batch_size = auto_batch_size(estimator.solver, n_samples, estimator.parallel)
    if not _is_auto(estimator.batch_size):
        batch_size = min(int(estimator.batch_size), n_samples)
    learning_rate = auto_learning_rate(
        estimator.solver, estimator.learning_rate, batch_size, hidden, estimator.parallel
    )
    if not _is_auto(estimator.learning_rate_init):
        learning_rate = float(estimator.learning_rate_init)
    momentum = float(estimator.momentum)
    optimiser = {
        "solver": estimator.solver,
        "learning_rate": learning_rate,
        "schedule": estimator.learning_rate,
        "momentum": momentum,
        "nesterov": bool(estimator.nesterovs_momentum),
        "parallel": estimator.parallel,
    }
    for name in ("annealing", "rho", "beta_1", "beta_2", "epsilon", "l1", "l2"):
        optimiser[name] = float(getattr(estimator, name))
    return Params(
        widths=(n_features, *hidden, n_features),
        activations=(*[estimator.activation] * len(hidden), estimator.output_activation),
        optimiser=optimiser,
        n_slots=2 if estimator.solver != "sgd" else int(momentum > 0),
        batch_size=batch_size,
        max_epochs=int(estimator.max_epochs),
    )


def auto_batch_size(solver: str, n_samples: int, parallel: str = "deterministic") -> int:
    """Return the rows per update that ``batch_size="auto"`` stands for.

    ADADELTA is made for one row at a time and learns slowly with more. The others get a power of
    two that leaves at least 64 updates per epoch, and not more than 128, where the products
    already run at full speed; without locks not more than 32, as every thread's update starts from
    weights that the others' mini-batches have moved meanwhile.

    Examples
    --------
    >>> from fastae import _params
    >>> [_params.auto_batch_size("adam", n) for n in (20, 300, 60_000)]
    [1, 4, 128]
    """
    if solver == "adadelta":
        return 1
    rows = min(max(n_samples // 64, 1), HOGWILD_ROWS if parallel == "hogwild" else 128)
    return 1 << (rows.bit_length() - 1)


def auto_learning_rate(
    solver: str,
    schedule: str,
    batch_size: int,
    hidden: tuple[int, ...],
    parallel: str = "deterministic",
) -> float:
    """Return the first step size that ``learning_rate_init="auto"`` stands for.

    A rate that falls to 0 may start some three times higher than one that stays. Adam's grows
    with the root of the batch size (without locks, up to 32 rows), as the noise of the gradient
    falls with it, and shrinks with the root of the width and with the depth of the network. The
    constants are best or close to it on a grid over tables and over networks from 64-8-64 to
    784-1000-500-250-30-250-500-1000-784 (``benchmarks/sweeps.py rates``).

    Parameters
    ----------
    solver : {"adam", "adadelta", "sgd"}
    schedule : {"cosine", "constant"}
    batch_size : int
    hidden : tuple of int
        Units per hidden layer.
    parallel : {"deterministic", "hogwild"}

    Examples
    --------
    >>> from fastae import _params
    >>> [round(_params.auto_learning_rate("adam", "cosine", n, (50,)), 4) for n in (1, 32, 128)]
    [0.0011, 0.0064, 0.0128]
    """
    falls = schedule != "constant"
    if solver == "adadelta":
        return 4.0 if falls else 1.0
    if solver == "sgd":
        return 0.02 if falls and parallel != "hogwild" else 0.01
    if parallel == "hogwild":
        batch_size = min(batch_size, HOGWILD_ROWS)
    width = min(4.0, math.sqrt(64 / max(hidden, default=64)))
    depth = 2 / max(2, len(hidden) + 1)
    return (0.001 if falls else 0.0003) * math.sqrt(batch_size) * width * depth


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
    if _is_auto(sizes):
        return (math.isqrt(n_features - 1) + 1,)
    listed = (sizes,) if _is_integer(sizes) else sizes
    is_sequence = isinstance(listed, Sequence | np.ndarray) and not isinstance(listed, str | bytes)
    if not is_sequence or not all(_is_integer(size) and 1 <= size < 2**31 for size in listed):
        msg = (
            "hidden_layer_sizes must be 'auto', a whole number from 1 to 2**31 - 1, or a "
            f"sequence of these, got {sizes!r}."
        )
        raise ValueError(msg)
    return tuple(int(size) for size in listed)


def _check(estimator: Any) -> None:
    """Raise ValueError for the first parameter that is out of its range."""
    for name, choices in _CHOICES.items():
        value = getattr(estimator, name)
        if not isinstance(value, str) or value not in choices:
            _fail(name, "one of " + ", ".join(map(repr, choices)), value)
    for name, number in _NUMBERS.items():
        _check_number(name, getattr(estimator, name), number)
    for name, number in _NUMBERS_OR_AUTO.items():
        value = getattr(estimator, name)
        if not _is_auto(value):
            _check_number(name, value, number, "'auto' or ")
    if not _is_auto(estimator.batch_size):
        _check_integer("batch_size", estimator.batch_size, 1, "'auto' or ")
    _check_integer("max_epochs", estimator.max_epochs, 0)
    if not isinstance(estimator.verbose, bool):
        _check_integer("verbose", estimator.verbose, 0)
    if not isinstance(estimator.nesterovs_momentum, bool | np.bool_):
        _fail("nesterovs_momentum", "True or False", estimator.nesterovs_momentum)


def _check_number(name: str, value: Any, number: _Number, prefix: str = "") -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if not is_number or not math.isfinite(value) or not number.holds(float(value)):
        _fail(name, prefix + number.words, value)


def _check_integer(name: str, value: Any, least: int, prefix: str = "") -> None:
    if not _is_integer(value) or value < least:
        _fail(name, f"{prefix}a whole number >= {least}", value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _fail(name: str, allowed: str, value: Any) -> None:
    msg = f"{name} must be {allowed}, got {value!r}."
    raise ValueError(msg)
