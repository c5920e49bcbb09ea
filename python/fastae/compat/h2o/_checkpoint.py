"""Going on from a trained model: what must be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastae.compat.h2o._mapping import hidden_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae.compat.h2o._model import Trained

# The network, its input and the optimiser's state would not fit otherwise.
_FIXED = [
    "activation",
    "adaptive_rate",
    "autoencoder",
    "average_activation",
    "distribution",
    "epsilon",
    "ignore_const_cols",
    "momentum_ramp",
    "momentum_stable",
    "momentum_start",
    "nesterov_accelerated_gradient",
    "quantile_alpha",
    "rate",
    "rate_annealing",
    "rate_decay",
    "rho",
    "sparsity_beta",
    "standardize",
]


def check_checkpoint(before: Trained, settings: dict[str, Any], columns: Sequence[str]) -> None:
    """Check that training can go on from a model.

    Parameters
    ----------
    before : Trained
        The model to go on from.
    settings : dict
        Parameters of the training to come; its epochs count from the very beginning.
    columns : sequence of str
        Columns that it would use.

    Raises
    ------
    ValueError
        If columns or parameters differ that must not, or no epochs are left.
    """
    old = before.parameters
    if hidden_sizes(old) != hidden_sizes(settings):
        _fail("hidden", hidden_sizes(old), hidden_sizes(settings))
    for name in _FIXED:
        if _plain(old[name]) != _plain(settings[name]):
            _fail(name, old[name], settings[name])
    absent = [name for name in before.encoder.columns if name not in columns]
    if absent:
        msg = f"checkpoint: training must have the columns of before, but {absent[0]!r} is absent."
        raise ValueError(msg)
    if settings["epochs"] <= before.epochs:
        msg = (
            f"checkpoint: epochs must be more than the {before.epochs:g} that are done, since they "
            f"count from the beginning, got {settings['epochs']:g}."
        )
        raise ValueError(msg)


def _plain(value: Any) -> Any:
    return value.replace("_", "").lower() if isinstance(value, str) else value


def _fail(name: str, old: Any, new: Any) -> None:
    msg = f"checkpoint: {name} must stay {old!r}, got {new!r}."
    raise ValueError(msg)
