"""Networks with a response, on top of an autoencoder's layers or not."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae import AutoencoderClassifier, AutoencoderRegressor
from fastae.compat.h2o._mapping import hidden_sizes
from fastae.compat.h2o._supervised_mapping import class_factors, supervised_parameters
from fastae.compat.h2o._tasks import Classes, Numbers, Rows, Task
from fastae.compat.h2o._weights import first_weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastae.compat.h2o._encoder import FrameEncoder
    from fastae.compat.h2o._model import Trained
    from fastae.compat.h2o._response import Response


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a network is fitted with.

    Attributes
    ----------
    settings : dict
        H2O's parameters.
    encoder : FrameEncoder
    rows : Rows
        Of the training frame.
    held : Rows or None
        Of the validation frame.
    weights : ndarray or None
        Of the training rows.
    n_rows : int
        How many of them count.
    before : Trained or None
        The model to go on from.
    verbose : bool
    """

    settings: dict[str, Any]
    encoder: FrameEncoder
    rows: Rows
    held: Rows | None
    weights: npt.NDArray[np.float64] | None
    n_rows: int
    before: Trained | None
    verbose: bool

    def epochs_left(self) -> dict[str, Any]:
        """Return `max_epochs` where an earlier model's epochs count."""
        if self.before is None:
            return {}
        return {"max_epochs": self.settings["epochs"] - self.before.epochs}


def check_pretrained(
    autoencoder: Trained, settings: dict[str, Any], columns: tuple[str, ...]
) -> None:
    """Check that a network can begin with an autoencoder's layers.

    Raises
    ------
    ValueError
        If it is no autoencoder, or layers or columns are not the same.
    """
    if autoencoder.task.response is not None:
        msg = (
            "pretrained_autoencoder must be an autoencoder, not a model that predicts "
            f"{autoencoder.task.response.name!r}."
        )
        raise ValueError(msg)
    theirs, ours = autoencoder.model.hidden_layer_sizes_, hidden_sizes(settings)
    if theirs[: len(ours)] != ours:
        msg = (
            "pretrained_autoencoder: hidden must be its hidden layers, or the first of them, "
            f"{list(theirs)}, got {list(ours)}."
        )
        raise ValueError(msg)
    absent = [name for name in autoencoder.encoder.columns if name not in columns]
    more = [name for name in columns if name not in autoencoder.columns]
    if absent or more:
        what = f"{absent[0]!r} is absent" if absent else f"it does not know {more[0]!r}"
        msg = f"pretrained_autoencoder: training must have the columns it was trained on; {what}."
        raise ValueError(msg)


def fit_supervised(
    given: Prepared, response: Response, pretrained: Trained | None
) -> tuple[AutoencoderClassifier | AutoencoderRegressor, Task]:
    """Train a network to predict a response."""
    settings, encoder, before = given.settings, given.encoder, given.before
    hidden, held = hidden_sizes(settings), given.held
    made = supervised_parameters(settings, response.levels, n_rows=given.n_rows)
    if pretrained:
        _warn_of_activation(pretrained.model.activation, made["activation"])
        made |= _on_top_of(pretrained.model, len(hidden), ())
    if before:
        old = before.model
        made |= _on_top_of(old.autoencoder, old.encoder_layers, old.hidden_layer_sizes)
    made |= given.epochs_left()
    kind = AutoencoderClassifier if response.is_factor else AutoencoderRegressor
    model = kind(**made, verbose=int(given.verbose))
    model._fit_encoded(
        given.rows.matrix,
        response.targets(given.rows.frame),
        encoder=encoder,
        scaling=(encoder.shift, encoder.scale),
        sample_weight=_weights(given, response),
        validation=(held.matrix, response.targets(held.frame)) if held else None,
        start=first_weights(settings, (encoder.n_columns, *hidden, max(len(response.levels), 1))),
        checkpoint_model=before.model if before else None,
    )
    column = settings["weights_column"]
    if response.is_factor:
        return model, Classes(response, column)
    return model, Numbers(response, column, made["loss"], made["quantile"])


def _on_top_of(autoencoder: Any, layers: int | None, hidden: Any) -> dict[str, Any]:
    return {"autoencoder": autoencoder, "encoder_layers": layers, "hidden_layer_sizes": hidden}


def _warn_of_activation(theirs: str, ours: str) -> None:
    if theirs != ours:
        warnings.warn(
            f"No effect here: activation; the autoencoder's layers keep theirs, {theirs!r}.",
            stacklevel=5,
        )


def _weights(given: Prepared, response: Response) -> npt.NDArray[np.float64] | None:
    """Return how much rows count, those of some classes perhaps more than of others."""
    factors = class_factors(given.settings, response.levels)
    if factors is None:
        return given.weights
    weights = np.array(factors)[response.codes(given.rows.frame)]
    return weights if given.weights is None else weights * given.weights
