"""From H2O's parameters and frames to a trained network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastae import Autoencoder
from fastae.compat.h2o._checkpoint import check_checkpoint
from fastae.compat.h2o._columns import Frame
from fastae.compat.h2o._encoder import FrameEncoder
from fastae.compat.h2o._mapping import estimator_parameters, hidden_sizes
from fastae.compat.h2o._model import Trained
from fastae.compat.h2o._response import Response
from fastae.compat.h2o._selection import name_of, row_weights, used_columns
from fastae.compat.h2o._supervised import Prepared, check_pretrained, fit_supervised
from fastae.compat.h2o._tasks import Reconstruction, Rows, Task
from fastae.compat.h2o._weights import first_weights


def train(
    settings: dict[str, Any],
    x: Any,
    y: Any,
    training: Any,
    validation: Any,
    *,
    before: Trained | None,
    pretrained: Trained | None,
    verbose: bool,
) -> Trained:
    """Train a network on a frame.

    Parameters
    ----------
    settings : dict
        All of H2O's parameters that mean something here.
    x : list of str or int, str, int, or None
        Names or positions of the columns to use; None takes all.
    y : str, int or None
        The response; None is what `settings` say. Of no meaning for an autoencoder.
    training : frame
    validation : frame or None
    before : Trained or None
        The model to go on from. Its levels and scaling stay, so that its weights keep their
        meaning.
    pretrained : Trained or None
        The autoencoder to begin with, with its levels and scaling, unless there is `before`.
    verbose : bool
        Log progress.
    """
    frame = Frame(training)
    response = None if settings["autoencoder"] else _response(settings, y, frame, before)
    columns = used_columns(frame, x, settings, response.name if response else None)
    pretrained = None if before else pretrained
    if before:
        check_checkpoint(before, settings, columns)
    if pretrained:
        check_pretrained(pretrained, settings, columns)
    if response:
        training = response.known_rows(training)
    encoder = _encoder(training, columns, settings, before or pretrained)
    if response:
        encoder = replace(encoder, frame_names=frame.names, response=response.name)
        validation = None if validation is None else response.known_rows(validation, encoder)
    weights = row_weights(training, encoder, settings)
    rows = Rows.of(training, encoder)
    held = None if validation is None else Rows.of(validation, encoder)
    n_rows = len(rows.matrix) if weights is None else int(np.count_nonzero(weights))
    prepared = Prepared(settings, encoder, rows, held, weights, n_rows, before, verbose)
    model, task = (
        fit_supervised(prepared, response, pretrained) if response else _fit_autoencoder(prepared)
    )
    return Trained(
        model=model,
        encoder=encoder,
        columns=columns,
        task=task,
        parameters=settings,
        kind=rows.kind,
        n_rows=n_rows,
        train=task.metrics(model, rows, "train"),
        valid=None if held is None else task.metrics(model, held, "validation"),
    )


def _response(settings: dict[str, Any], y: Any, frame: Frame, before: Trained | None) -> Response:
    y = settings["response_column"] if y is None else y
    if y is None:
        msg = "train needs y, the column to predict, unless autoencoder=True."
        raise ValueError(msg)
    name = name_of(frame, y, "y")
    old = before.task.response if before else None
    if old is None:
        return Response.learn(frame, name)
    if old.name != name:
        msg = f"checkpoint: y must stay {old.name!r}, got {name!r}."
        raise ValueError(msg)
    return old


def _encoder(
    training: Any, columns: tuple[str, ...], settings: dict[str, Any], given: Trained | None
) -> FrameEncoder:
    if given:
        return given.encoder
    return FrameEncoder.fit(
        training,
        columns,
        standardize=settings["standardize"],
        ignore_const_cols=settings["ignore_const_cols"],
        unit="range" if settings["autoencoder"] else "deviation",
    )


def _fit_autoencoder(given: Prepared) -> tuple[Autoencoder, Task]:
    encoder, before, n_columns = given.encoder, given.before, given.encoder.n_columns
    made = estimator_parameters(given.settings, n_rows=given.n_rows)
    widths = (n_columns, *hidden_sizes(given.settings), n_columns)
    made |= first_weights(given.settings, widths) | given.epochs_left()
    model = Autoencoder(**made, verbose=int(given.verbose))
    model._fit_encoded(
        given.rows.matrix,
        encoder=encoder,
        scaling=(encoder.shift, encoder.scale),
        sample_weight=given.weights,
        validation=given.held.matrix if given.held else None,
        checkpoint_model=before.model if before else None,
    )
    return model, Reconstruction(encoder.names, made["loss"])
