"""What is asked of the command line before any file is read: rules, and options in pairs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastae._cli.errors import UsageError, one_line
from fastae._cli.options import option_name, option_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# What an option refines, and with which values of that (none: with any): elsewhere it would
# change nothing.
_SGD, _ADAM = {"solver": ("sgd",)}, {"solver": ("adam",)}
_REFINES: dict[str, Mapping[str, tuple[Any, ...]]] = {
    "huber_delta": {"loss": ("huber",)},
    "quantile": {"loss": ("quantile",)},
    "power_t": {"learning_rate": ("invscaling",)},
    "init_scale": {"init": ("uniform", "normal")},
    "momentum": _SGD,
    "momentum_start": _SGD,
    "momentum_ramp": {**_SGD, "momentum_start": ()},
    "momentum_dampening": _SGD,
    "nesterovs_momentum": _SGD,
    "annealing": _SGD,
    "rho": {"solver": ("adadelta",)},
    "beta_1": _ADAM,
    "beta_2": _ADAM,
    "epsilon": {"solver": ("adadelta", "adam")},
    "pretraining_epochs": {"pretraining": ("stacked",)},
    "stopping_rounds": {"early_stopping": (True,)},
    "stopping_tolerance": {"early_stopping": (True,)},
    "checkpoint_interval": {"checkpoint": ()},
    "average_activation": {"sparsity_beta": ()},
    "missing_indicator": {"missing": ("ignore",)},
}
_OF_HIDDEN_LAYERS = "activation", "hidden_dropout", "sparsity_beta", "pretraining"


@contextmanager
def usage_errors(prefix: str = "") -> Iterator[None]:
    """Turn a ValueError about the value of an option into a `UsageError`.

    Parameters
    ----------
    prefix : str, default=""
        The option, where the message only names a part of its value.
    """
    try:
        yield
    except ValueError as error:
        message = one_line(error)
        if prefix:
            message = f"{prefix}: {message[0].lower()}{message[1:]}"
        else:
            message = option_names(message)
        raise UsageError(message.removesuffix(".")) from error


def check_rule(
    threshold: Any = None, contamination: Any = None, false_positive_rate: Any = None
) -> None:
    """Raise UsageError if a rule for the threshold is none, or out of its range.

    Parameters
    ----------
    threshold, contamination, false_positive_rate
        As the user gives them; None where nothing was said.
    """
    from fastae._rules import ARGUMENTS, rule_of

    if isinstance(threshold, dict):
        unknown = [name for name in threshold if name not in ARGUMENTS]
        if unknown:
            message = f"--threshold knows {', '.join(ARGUMENTS)}, not {unknown[0]!r}"
            raise UsageError(message)
        with usage_errors("--threshold"):
            rule_of(**threshold)
    elif threshold is not None and threshold not in ("mad", "evt"):
        try:
            rule_of(threshold)
        except ValueError as error:
            message = (
                "--threshold must be a number >= 0, mad, evt, or arguments such as quantile=0.99,"
                f" got {threshold!r}"
            )
            raise UsageError(message) from error
    if contamination is not None:
        with usage_errors():
            rule_of(contamination=contamination)
    if false_positive_rate is not None:
        with usage_errors():
            rule_of(false_positive_rate=false_positive_rate)


def check_refinements(parameters: Mapping[str, Any]) -> None:
    """Raise UsageError if a parameter that was given would change nothing beside the others.

    Parameters
    ----------
    parameters : mapping
        Those of the estimator that were given.
    """
    from fastae._cli.parameters import MODEL_OPTIONS

    for name in _OF_HIDDEN_LAYERS:
        if name in parameters and parameters.get("hidden_layer_sizes") == ():
            message = (
                f"{option_name(name)} is for hidden layers: --hidden-layer-sizes none has none"
            )
            raise UsageError(message)
    for name in parameters:
        for refined, values in _REFINES.get(name, {}).items():
            value = parameters.get(refined, MODEL_OPTIONS[refined].default)
            if value in values if values else refined in parameters:
                continue
            cure = " or ".join(_spelled(refined, value) for value in values)
            message = (
                f"{option_name(name)} is for {cure or option_name(refined)}: say that too, or leave"
                " it out"
            )
            raise UsageError(message)


def check_beside(
    parameters: Mapping[str, Any], *, validation: Path | None = None, anomalous: Path | None = None
) -> None:
    """Raise UsageError if a parameter and a table beside the training table do not go together.

    Parameters
    ----------
    parameters : mapping
        Those of the estimator that were given.
    validation, anomalous : Path or None
        Rows to validate with; known anomalies.
    """
    fraction = parameters.get("validation_fraction")
    if validation is not None and fraction:
        message = (
            "--validation and --validation-fraction are two ways to get rows to validate with; give"
            " one"
        )
        raise UsageError(message)
    for name in ("anomaly_margin", "anomaly_weight"):
        if name in parameters and anomalous is None:
            message = (
                f"{option_name(name)} is for known anomalies: those of fastae train --anomalous"
            )
            raise UsageError(message)
    if validation is not None or fraction:
        return
    if "score_validation_samples" in parameters:
        message = (
            "--score-validation-samples is for rows to validate with: say which, or leave it out"
        )
        raise UsageError(message)
    if "restore_best_weights" in parameters and not parameters.get("early_stopping"):
        switch = "--restore-best-weights" if parameters["restore_best_weights"] else "--last"
        message = f"{switch} is for --early-stopping or rows to validate with: say one of these"
        raise UsageError(message)


def _spelled(name: str, value: Any) -> str:
    return option_name(name) if value is True else f"{option_name(name)} {value}"
