"""Fits a model for a command: with a progress bar, and stopped for good by Ctrl-C."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastae._cli.errors import CliError, one_line
from fastae._cli.options import option_names
from fastae._cli.progress import training_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastae import Autoencoder

_INTERRUPTED = "Training interrupted"  # the estimator's warning after Ctrl-C
_COLUMN_OF_X = re.compile(r"\bColumn (\d+) of X\b")


@contextmanager
def model_errors(source: str = "X", columns: Sequence[str] = ()) -> Iterator[None]:
    """Turn what the estimator has to say about parameters and rows into a `CliError`.

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
    except (ValueError, TypeError, ArithmeticError) as error:
        message = _COLUMN_OF_X.sub(name, option_names(one_line(error)))
        raise CliError(message.removesuffix(".")) from error
    except MemoryError as error:
        message = (
            f"not enough memory ({one_line(error) or 'for the model'});"
            " choose smaller --hidden-layer-sizes"
        )
        raise CliError(message) from error


def fit(model: Autoencoder, X: Any, *, source: str, columns: Sequence[str] = ()) -> Autoencoder:
    """Fit a model and show how it goes.

    Parameters
    ----------
    model : Autoencoder
        To be fitted in place.
    X : array-like of shape (n_rows, n_features)
        Training rows.
    source : str
        Where the rows come from, for the progress bar and for messages.
    columns : sequence of str, default=()
        Names of the columns, for messages.

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
        warnings.catch_warnings(),
        training_bar(f"Training on {source}") as on_progress,
        model_errors(source, columns),
    ):
        warnings.filterwarnings("error", message=_INTERRUPTED)
        try:
            model._fit(X, on_progress=on_progress)
        except UserWarning as warning:
            if str(warning).startswith(_INTERRUPTED):
                raise KeyboardInterrupt from None
            raise
    return model
