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

# A parameter's name in a message of the estimator's: at its start, before "=", or with an
# underscore inside; elsewhere "activation" or "scaling" may be plain English.
_PARAMETER = re.compile(
    rf"^({'|'.join(MODEL_OPTIONS)})\b"
    rf"|\b({'|'.join(MODEL_OPTIONS)})(?==)"
    rf"|\b({'|'.join(name for name in MODEL_OPTIONS if '_' in name)})\b"
)


def option_name(name: str) -> str:
    """Return a parameter's name as an option."""
    return "--" + name.replace("_", "-")


def option_names(message: str) -> str:
    """Return a message of the estimator's with its parameters spelled as options."""
    return _PARAMETER.sub(lambda found: option_name(found[0]), message)


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option or argument stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, beside its own options, one for each entry of `MODEL_OPTIONS`.

    The command receives those that were given as a dictionary named ``parameters``, ready for the
    estimator. Typer reads options off a function's signature, so the signature is what is
    rewritten.
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

    @functools.wraps(command)
    def wrapper(context: typer.Context, **options: Any) -> None:
        values = {name: options.pop(name) for name in MODEL_OPTIONS}
        parameters = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in values.items()
            if is_given(context, name)
        }
        command(**options, parameters=parameters)

    own = inspect.signature(command, eval_str=True).parameters
    kept = [parameter for name, parameter in own.items() if name != "parameters"]
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    wrapper.__signature__ = inspect.Signature([context, *kept, *added])  # type: ignore[attr-defined]
    return wrapper
