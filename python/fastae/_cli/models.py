"""Models in files, for the commands that use one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastae._cli.errors import CliError, one_line, os_reason
from fastae._cli.training import warnings_as_notes

if TYPE_CHECKING:
    from pathlib import Path

    from fastae import Autoencoder


def load_any(path: Path) -> Any:
    """Return the estimator in a file that `save` or ``fastae train`` wrote.

    Raises
    ------
    CliError
        If there is none.
    """
    from fastae import load

    try:
        return load(path)
    except FileNotFoundError as error:
        message = f"{path}: there is no such file; give a model that fastae train has written"
        raise CliError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read ({os_reason(error)})"
        raise CliError(message) from error
    except ValueError as error:
        message = one_line(error).removesuffix(".")
        raise CliError(message if str(path) in message else f"{path}: {message}") from error


def load_model(path: Path) -> Autoencoder:
    """Return the autoencoder in a file.

    Raises
    ------
    CliError
        If there is none, or another estimator.
    """
    model = load_any(path)
    if not hasattr(model, "offset_"):
        message = (
            f"{path}: holds an {type(model).__name__}; this command is for an Autoencoder, as"
            " fastae train writes it"
        )
        raise CliError(message)
    autoencoder: Autoencoder = model
    return autoencoder


def save_model(model: Autoencoder, path: Path) -> None:
    """Write a model in one step.

    Raises
    ------
    CliError
        If the file cannot be written; it is then as it was before.
    """
    if model.checkpoint is not None:  # of one run on one machine: files do not have it
        model.set_params(checkpoint=None)
    try:
        with warnings_as_notes():
            model.save(path)
    except OSError as error:
        message = f"cannot write {path}: {os_reason(error)}; name another place"
        raise CliError(message) from error
