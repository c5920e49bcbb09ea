"""Gives commands that train an option for each parameter of the estimator."""

from __future__ import annotations

import functools
import inspect
import re
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastae._cli.parameters import MODEL_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

# Options that are no parameters of the estimator, by their names in its messages.
_OTHERS = (
    "false_positive_rate", "fdr", "layer", "opset", "outputs", "dtype", "shape", "n_rows",
    "n_columns", "n_units",
)  # fmt: skip
_NAMES = (*MODEL_OPTIONS, *_OTHERS)
# A parameter's name in a message of the estimator's: at its start, before "=", or with an
# underscore inside; elsewhere "activation" or "scaling" may be plain English.
_PARAMETER = re.compile(
    rf"^({'|'.join(_NAMES)})\b"
    rf"|\b({'|'.join(MODEL_OPTIONS)})(?==)"
    rf"|\b({'|'.join(name for name in _NAMES if '_' in name)})\b"
)
# What the estimator says of a value out of its range, whatever the rows are.
_OUT_OF_RANGE = re.compile(rf"({'|'.join(_NAMES)}) must be .*\bgot ", re.DOTALL)
# What it says of a rule for the threshold that asks more than its rows support.
_TOO_FINE = re.compile(r"(quantile|false_positive_rate|contamination)=(\S+)(?= is finer than )")
_RULES = {
    "quantile": "a quantile of",
    "false_positive_rate": "a false-positive rate of",
    "contamination": "a contamination of",
}
# What can be done about it in Python, and here.
_CURES = (
    ("must be None or ", "must be "),
    ("must be None, ", "must be "),
    ("a scan of more than one window: set 0.0", "more rows than memory holds: leave it out"),
    ("a scan of more than one window: set None", "more rows than memory holds: leave it out"),
    ("give more rows, or X_val", "give more rows, or --validation FILE"),
    ("give more rows, or calibrate with others after fit", "give more rows"),
    ("or method='evt' for", "or --threshold evt for"),
    ("method='evt' needs", "--threshold evt needs"),
    ("call calibrate(X) first, or give a value", "give --threshold a number"),
    (
        "set calibration_fraction before fit, or call calibrate(X) before set_threshold",
        "train with --calibration-fraction, such as 0.2, for a rate of new rows",
    ),
)


def option_name(name: str) -> str:
    """Return a parameter's name as an option."""
    return "--" + name.replace("_", "-")


def option_names(message: str) -> str:
    """Return a message of the estimator's with its parameters spelled as options."""
    for theirs, ours in _CURES:
        message = message.replace(theirs, ours)
    message = _TOO_FINE.sub(lambda found: f"{_RULES[found[1]]} {found[2]}", message)
    message = _PARAMETER.sub(lambda found: option_name(found[0]), message)
    return re.sub(r"(--[\w-]+)='([\w-]+)'", r"\1 \2", message)


def is_out_of_range(message: str) -> bool:
    """Return whether a message of the estimator's is about the value of an option alone."""
    return _OUT_OF_RANGE.match(message) is not None


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option or argument stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, beside its own options, one for each entry of `MODEL_OPTIONS`.

    The command receives those that were given as a dictionary named ``parameters``, ready for the
    estimator, and the ``context`` if it takes one. Typer reads options off a function's signature,
    so the signature is what is rewritten.
    """
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=Annotated[option.kind, option.option],
        )
        for name, option in MODEL_OPTIONS.items()
    ]

    own = inspect.signature(command, eval_str=True).parameters

    @functools.wraps(command)
    def wrapper(context: typer.Context, **options: Any) -> None:
        values = {name: options.pop(name) for name in MODEL_OPTIONS}
        parameters = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in values.items()
            if is_given(context, name)
        }
        if "context" in own:
            options["context"] = context
        command(**options, parameters=parameters)

    kept = [own[name] for name in own if name not in ("context", "parameters")]
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    wrapper.__signature__ = inspect.Signature([context, *kept, *added])  # type: ignore[attr-defined]
    return wrapper
