"""Fits a model for a command: with a progress bar, and stopped for good by Ctrl-C."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastae._cli.errors import CliError, UsageError, one_line, print_note
from fastae._cli.options import is_out_of_range, option_names
from fastae._cli.progress import training_bar
from fastae._cli.rules import check_refinements, check_rule, usage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastae import Autoencoder

_INTERRUPTED = "Training interrupted"  # the estimator's warning after Ctrl-C
_COLUMN_OF_X = re.compile(r"\bColumn (\d+) of X\b")


@contextmanager
def model_errors(source: str = "X", columns: Sequence[str] = ()) -> Iterator[None]:
    """Turn what the estimator has to say about parameters and rows into a `CliError`.

    Of the value of an option it becomes a `UsageError`, whatever rows there are.

    Parameters
    ----------
    source : str, default="X"
        Where the rows come from; the estimator only knows them as X.
    columns : sequence of str, default=()
        Their names; the estimator may give only their numbers.
    """

    def name(found: re.Match[str]) -> str:
        return f"{source}: column {columns[int(found[1])]!r}" if columns else found[0]

    try:
        yield
    except (ValueError, TypeError, ArithmeticError, ImportError) as error:
        message = _COLUMN_OF_X.sub(name, option_names(one_line(error)))
        if is_out_of_range(str(error)):
            raise UsageError(message.removesuffix(".")) from error
        message = message.replace("Input X contains", f"{source} contains")
        if message.startswith(("Column ", "X ")):
            message = f"{source}: {message}"
        raise CliError(message.removesuffix(".")) from error
    except MemoryError as error:
        message = (
            f"not enough memory ({one_line(error) or 'for the model'});"
            " choose smaller --hidden-layer-sizes"
        )
        raise CliError(message) from error


@contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Print what the estimator warns of as lines on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        print_note(option_names(one_line(warning.message)).removesuffix("."))


def checked(parameters: dict[str, Any]) -> Autoencoder:
    """Return an estimator, not fitted, whose parameters are within their ranges.

    Raises
    ------
    UsageError
        If one is not: before any file is read.
    """
    from fastae import Autoencoder, _threads
    from fastae._anomaly_scores import names_of
    from fastae._checks import check, hidden_dropout, hidden_widths

    if "threshold" in parameters and "contamination" in parameters:
        message = "--threshold and --contamination are two rules for one decision; give one"
        raise UsageError(message)
    check_rule(parameters.get("threshold"), parameters.get("contamination"))
    model = Autoencoder(**parameters)
    with usage_errors():
        check(model)
        names_of(model.anomaly_score)
        hidden_dropout(model.hidden_dropout, len(hidden_widths(model.hidden_layer_sizes, 1)))
        _threads.resolve(model.n_jobs, flops=0.0)
    check_refinements(parameters)
    if model.checkpoint is not None and model.calibration_fraction and model.random_state is None:
        message = (
            "--calibration-fraction with --checkpoint needs --random-state: training that goes on"
            " must leave out the same rows"
        )
        raise UsageError(message)
    return model


def fit(
    model: Autoencoder,
    X: Any,
    *,
    source: str,
    columns: Sequence[str] = (),
    anomalous: Any = None,
    X_val: Any = None,
) -> Autoencoder:
    """Fit a model and show how it goes.

    Parameters
    ----------
    model : Autoencoder
        To be fitted in place.
    X : array-like of shape (n_rows, n_features), or Scan
        Training rows.
    source : str
        Where the rows come from, for the progress bar and for messages.
    columns : sequence of str, default=()
        Names of the columns, for messages.
    anomalous : array-like of bool of shape (n_rows,), optional
    X_val : array-like of shape (n_val, n_features), optional
        As of the estimator.

    Returns
    -------
    Autoencoder
        The same model.

    Raises
    ------
    CliError
        If the model refuses the parameters or the rows, or diverges.
    KeyboardInterrupt
        If the user stops it. In Python an interrupted fit leaves a usable model and a warning;
        a command has no one to hand that model to.
    """
    with (
        warnings_as_notes(),
        training_bar(f"Training on {source}") as on_progress,
        model_errors(source, columns),
    ):
        warnings.filterwarnings("error", message=_INTERRUPTED)
        try:
            model._fit(X, None, X_val, on_progress, anomalous=anomalous)
        except UserWarning as warning:
            if str(warning).startswith(_INTERRUPTED):
                raise KeyboardInterrupt from None
            raise
    return model
