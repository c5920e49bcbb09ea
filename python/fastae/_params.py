"""Hyper-parameters: every "auto" turned into a number, in the terms of the core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastae._checks import hidden_dropout, is_auto

if TYPE_CHECKING:
    from fastae._units import Units

# Rows per update that threads without locks still bear well (benchmarks/sweeps.py hogwild).
HOGWILD_ROWS = 32
# Most rows per update with batch_size="auto", of dense and of sparse tables.
MOST_DENSE, MOST_SPARSE = 128, 512
# Up to here Adam's rate was seen to grow with the root of the batch (benchmarks/sweeps.py batches).
MOST_ROWS = 512


@dataclass(frozen=True)
class Architecture:
    """What an estimator makes of its parameters and the number of columns.

    Attributes
    ----------
    widths : tuple of int
        Units per layer: n_features, hidden layers, outputs.
    activations : tuple of str
        One per layer but the input.
    rates : tuple of float
        By what each layer's step size is multiplied; 0: it is not trained.
    thaw_epochs : tuple of float
        Epochs after which each layer is trained.
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    rates: tuple[float, ...]
    thaw_epochs: tuple[float, ...] = ()


@dataclass(frozen=True)
class Params:
    """What training needs to know, checked and without "auto".

    Attributes
    ----------
    widths : tuple of int
        Units per layer: n_features, hidden layers, outputs.
    activations : tuple of str
        One per layer but the input.
    options : dict
        Keyword arguments of ``_core.train`` that do not change while training.
    n_slots : int
        How many buffers of state the solver keeps.
    batch_size : int
    max_epochs : float
    """

    widths: tuple[int, ...]
    activations: tuple[str, ...]
    options: dict[str, Any]
    n_slots: int
    batch_size: int
    max_epochs: float

    @property
    def is_sparse(self) -> bool:
        """Whether training keeps average activations."""
        return bool(self.options["sparsity_beta"] > 0)

    @property
    def averages_size(self) -> int:
        """Floats that the core needs for average activations: layers in whole lines of 16."""
        return sum(-(-width // 16) * 16 for width in self.widths[1:-1])


def resolve(
    estimator: Any,
    n_samples: int,
    units: Units,
    *,
    endless: bool = False,
    batch_size: int | None = None,
    most_rows: int = MOST_DENSE,
) -> Params:
    """Turn an estimator's parameters into what training needs to know of them and of the table.

    Parameters
    ----------
    estimator : Autoencoder or another with `_architecture`
        Its parameters have passed `fastae._checks.check`.
    n_samples : int
        The training rows, without those held out or of weight 0.
    units : Units
        What the inputs are.
    endless : bool
        True for a stream: schedules that lead to a last epoch become "constant".
    batch_size : int or None
        What "auto" stands for; None: it depends on the rows.
    most_rows : int
        The most that it then becomes.

    Returns
    -------
    params : Params

    Raises
    ------
    ValueError
        If `hidden_layer_sizes` or `hidden_dropout` is wrong: what it may be, and what it was.
    """
    architecture = estimator._architecture(units)
    hidden = architecture.widths[1:-1]
    if not is_auto(estimator.batch_size):
        batch_size = int(estimator.batch_size)
    elif batch_size is None:
        batch_size = auto_batch_size(
            estimator.solver, n_samples, estimator.parallel, estimator._least_batch, most_rows
        )
    batch_size = min(batch_size, n_samples)
    schedule = estimator.learning_rate
    if endless and schedule in ("cosine", "onecycle"):
        schedule = "constant"
    options = _solver_options(estimator, schedule, batch_size, hidden)
    options |= _layer_options(architecture, -(-n_samples // batch_size))
    options |= _objective_options(estimator, hidden)
    n_slots = 2
    if estimator.solver == "sgd":
        n_slots = int(estimator.momentum > 0 or options["momentum_start"] > 0)
    return Params(
        widths=architecture.widths,
        activations=architecture.activations,
        options=options,
        n_slots=n_slots,
        batch_size=batch_size,
        max_epochs=float(estimator.max_epochs),
    )


def _layer_options(architecture: Architecture, steps_per_epoch: int) -> dict[str, Any]:
    """Return what ``_core.train`` wants to know of single layers."""
    rates, thaw = list(architecture.rates), architecture.thaw_epochs
    return {
        "layer_rates": rates if any(rate != 1 for rate in rates) else [],
        "thaw_steps": [round(epochs * steps_per_epoch) for epochs in thaw] if any(thaw) else [],
    }


def _solver_options(
    estimator: Any, schedule: str, batch_size: int, hidden: tuple[int, ...]
) -> dict[str, Any]:
    """Return what ``_core.train`` wants to know of the optimiser."""
    rate = estimator.learning_rate_init
    if is_auto(rate):
        rate = auto_learning_rate(
            estimator.solver, schedule, batch_size, hidden, estimator.parallel
        )
    start, ramp = estimator.momentum_start, float(estimator.momentum_ramp)
    if start is None:
        start, ramp = estimator.momentum, 0.0
    options = {
        "solver": estimator.solver,
        "learning_rate": float(rate),
        "schedule": schedule,
        "power": float(estimator.power_t),
        "momentum_start": float(start),
        "momentum_ramp": ramp,
        "dampening": bool(estimator.momentum_dampening),
        "nesterov": bool(estimator.nesterovs_momentum),
        "max_w2": math.inf if estimator.max_w2 is None else float(estimator.max_w2),
        "parallel": estimator.parallel,
    }
    for name in ("momentum", "annealing", "rho", "beta_1", "beta_2", "epsilon", "l1", "l2"):
        options[name] = float(getattr(estimator, name))
    return options


def _objective_options(estimator: Any, hidden: tuple[int, ...]) -> dict[str, Any]:
    """Return what ``_core.train`` wants to know of the loss and of noise."""
    parameter = {"huber": estimator.huber_delta, "quantile": estimator.quantile}
    options: dict[str, Any] = {
        "missing": "none",  # until some value is found to be
        "loss": estimator.loss,
        "loss_parameter": float(parameter.get(estimator.loss, 0.0)),
        "hidden_dropout": list(hidden_dropout(estimator.hidden_dropout, len(hidden))),
    }
    for name in ("input_dropout", "input_noise", "sparsity_beta", "average_activation"):
        options[name] = float(getattr(estimator, name))
    return options


def auto_batch_size(
    solver: str,
    n_samples: int,
    parallel: str = "deterministic",
    least: int = 1,
    most: int = MOST_DENSE,
) -> int:
    """Return the rows per update that ``batch_size="auto"`` stands for.

    ADADELTA is made for one row at a time and learns slowly with more. The others get a power of
    two that leaves at least 64 updates per epoch, and not more than `most`: with 128 dense rows
    the products already run at full speed; without locks not more than 32, as every thread's
    update starts from weights that the others' mini-batches have moved meanwhile. Up to `least`
    rows, 8 updates per epoch are enough: what labels teach does not suffer, and single rows are
    slow.

    Examples
    --------
    >>> from fastae import _params
    >>> [_params.auto_batch_size("adam", n) for n in (20, 300, 60_000)]
    [1, 4, 128]
    """
    if solver == "adadelta":
        return 1
    rows = min(max(n_samples // 64, 1), HOGWILD_ROWS if parallel == "hogwild" else most)
    rows = max(rows, min(n_samples // 8, least))
    return 1 << (rows.bit_length() - 1)


def auto_learning_rate(
    solver: str,
    schedule: str,
    batch_size: int,
    hidden: tuple[int, ...],
    parallel: str = "deterministic",
) -> float:
    """Return the first step size that ``learning_rate_init="auto"`` stands for.

    A rate that falls to 0 may start some three times higher than one that stays, and one that
    falls with the root of the updates several times higher again. Adam's grows
    with the root of the batch size up to 512 rows (without locks, 32), as the noise of the gradient
    falls with it, and shrinks with the root of the width and with the depth of the network. The
    constants are best or close to it on a grid over tables and over networks from 64-8-64 to
    784-1000-500-250-30-250-500-1000-784 (``benchmarks/sweeps.py rates``).

    Parameters
    ----------
    solver : {"adam", "adadelta", "sgd"}
    schedule : {"cosine", "constant", "invscaling", "onecycle"}
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
    kind = schedule if schedule in ("constant", "invscaling") else "falling"
    if solver == "adadelta":
        return {"constant": 1.0, "falling": 4.0, "invscaling": 32.0}[kind]
    if solver == "sgd":
        rate = {"constant": 0.01, "falling": 0.02, "invscaling": 0.06}[kind]
        return min(rate, 0.01) if parallel == "hogwild" else rate
    batch_size = min(batch_size, HOGWILD_ROWS if parallel == "hogwild" else MOST_ROWS)
    width = min(4.0, math.sqrt(64 / max(hidden, default=64)))
    depth = 2 / max(2, len(hidden) + 1)
    rate = {"constant": 0.0003, "falling": 0.001, "invscaling": 0.004}[kind]
    return rate * math.sqrt(batch_size) * width * depth
