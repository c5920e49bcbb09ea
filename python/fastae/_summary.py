"""Tables about a trained network: its layers, and which columns matter to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._table import Table
from fastae._weights import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._params import Params
    from fastae._state import State

Float64 = npt.NDArray[np.float64]
Rates = list[tuple[float, float]]

_STATISTICS = (
    "mean_rate", "rate_sd", "momentum", "mean_weight", "weight_sd", "mean_bias", "bias_sd",
)  # fmt: skip


def layer_table(
    activations: Sequence[str],
    coefs: Sequence[npt.NDArray[np.float32]],
    intercepts: Sequence[npt.NDArray[np.float32]],
    *,
    input_dropout: float,
    hidden_dropout: Sequence[float],
    l1: float,
    l2: float,
    rates: Rates,
    momentum: float,
) -> Table:
    """Return one row per layer, the input first.

    Parameters
    ----------
    activations : sequence of str
        One per layer but the input.
    coefs, intercepts : sequences of ndarray
    input_dropout : float
    hidden_dropout : sequence of float
        One per hidden layer, or empty.
    l1, l2 : float
    rates : list of (mean, standard deviation)
        Step sizes of the weights, one pair per layer but the input; empty if not known.
    momentum : float

    Returns
    -------
    table : Table
        Means and population standard deviations in float64.
    """
    table: dict[str, list[Any]] = {
        "layer": [1],
        "units": [coefs[0].shape[0]],
        "type": ["input"],
        "dropout": [input_dropout],
        "l1": [None],
        "l2": [None],
    } | {name: [None] for name in _STATISTICS}
    unknown = (None, None)
    for i, (activation, W, b) in enumerate(zip(activations, coefs, intercepts, strict=True)):
        is_hidden = i + 1 < len(coefs)
        row = {
            "layer": i + 2,
            "units": b.size,
            "type": activation,
            "dropout": (hidden_dropout[i] if hidden_dropout else 0.0) if is_hidden else None,
            "l1": l1,
            "l2": l2,
        }
        moments = (*(rates[i] if rates else unknown), momentum, *_moments(W), *_moments(b))
        row |= dict(zip(_STATISTICS, moments, strict=True))
        for name, value in row.items():
            table[name].append(value)
    columns = {name: _as_column(name, values) for name, values in table.items()}
    return Table(columns, title="Layers")


def _as_column(name: str, values: list[Any]) -> npt.ArrayLike:
    if name in ("layer", "units", "type"):
        return values
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _moments(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    return float(np.mean(values, dtype=np.float64)), float(np.std(values, dtype=np.float64))


def step_sizes(state: State, params: Params, *, planned: int, n_samples: int) -> Rates:
    """Return mean and spread of what a gradient was multiplied by in the last step, per layer.

    Parameters
    ----------
    state : State
        After that step.
    params : Params
    planned, n_samples : int
        Rows that the run was planned for, and rows per epoch.

    Returns
    -------
    rates : list of (mean, standard deviation)
        SGD: the learning rate. ADADELTA: the root of the ratio of the averages of squared steps
        and squared gradients, times the learning rate. Adam: the learning rate over the root of
        the average squared gradient. Empty before the first step.
    """
    options = params.options
    if not state.steps:
        return []
    # The last mini-batch of an epoch may be smaller than the others.
    batch = (state.epoch_rows or n_samples) % params.batch_size or params.batch_size
    rate, _, decay_period = _core.step_rates(
        samples=max(state.samples - batch, 0),
        steps=state.steps - 1,
        samples_total=max(planned, 1),
        **options,
    )
    factors = options["layer_rates"] or [1.0] * len(state.network.coefs)
    if options["solver"] == "sgd":
        return [(rate * factor, 0.0) for factor in factors]
    first, second = (Network.over(state.network.widths, slot).coefs for slot in state.slots[:2])
    rates = []
    thawed = options["thaw_steps"] or [0] * len(first)
    for a, b, factor, before in zip(first, second, factors, thawed, strict=True):
        if options["solver"] == "adam":
            own_steps = max(state.steps - before, 1)
            v = np.asarray(b, dtype=np.float64) / (1 - options["beta_2"] ** own_steps)
            steps = rate / (np.sqrt(v) + options["epsilon"])
        else:
            # Online, the decay of the squared gradients is put off (StepConstants in C++).
            pending = (state.steps - 1) % decay_period if params.batch_size == 1 else 0.0
            steps = rate * _adadelta_ratio(a, b, pending, options)
        rates.append((float(steps.mean() * factor), float(steps.std() * factor)))
    return rates


def _adadelta_ratio(
    G: npt.NDArray[np.float32],
    S: npt.NDArray[np.float32],
    pending: float,
    options: dict[str, Any],
) -> Float64:
    """Return RMS[step] / RMS[gradient] from the core's state: Zeiler's averages over 1 - rho.

    The squared gradients have yet to decay by `pending` steps.
    """
    rho, epsilon = options["rho"], options["epsilon"]
    mean_g2 = np.asarray(G, dtype=np.float64) * (1 - rho) * rho**pending
    mean_step2 = np.asarray(S, dtype=np.float64) * (1 - rho)
    ratio: Float64 = np.sqrt((mean_step2 + epsilon) / (mean_g2 + epsilon))
    return ratio


def momentum_after(options: dict[str, Any], samples: int) -> float:
    """Return the momentum after so many rows; 0 for solvers without."""
    if options["solver"] != "sgd":
        return 0.0
    return _core.step_rates(samples=samples, steps=0, **options)[1]


def gedeon(coefs: Sequence[npt.NDArray[np.float32]]) -> Float64:
    """Return how much each input contributes to the network's first two layers.

    Parameters
    ----------
    coefs : sequence of ndarray of shape (fan_in, fan_out)

    Returns
    -------
    importances : ndarray of shape (n_features,), float64
        The largest is 1. Shares of absolute weights, multiplied along the paths from an input to
        the units of the second layer, each unit's summing to 1 (T. D. Gedeon, "Data Mining of
        Inputs: Analysing Magnitude and Functional Measures", Int. J. Neural Systems 8, 1997).

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._summary import gedeon
    >>> gedeon([np.array([[3.0], [1.0]]), np.array([[2.0, -2.0]])]).round(3).tolist()
    [1.0, 0.333]
    """
    if len(coefs) == 1:
        importances = np.abs(np.asarray(coefs[0], dtype=np.float64)).sum(axis=1)
    else:
        importances = _shares(_shares(coefs[0]) @ _shares(coefs[1])).sum(axis=1)
    return np.asarray(importances / max(importances.max(), np.finfo(np.float64).tiny))


def _shares(W: npt.NDArray[Any]) -> Float64:
    """Return absolute weights into each unit, scaled to sum 1; zeros stay zeros."""
    magnitude = np.abs(np.asarray(W, dtype=np.float64))
    total = magnitude.sum(axis=0)
    return np.asarray(magnitude / np.where(total > 0, total, 1.0))
