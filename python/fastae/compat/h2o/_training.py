"""From H2O's parameters and frames to a trained network."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fastae import Autoencoder
from fastae.compat.h2o._checkpoint import check_checkpoint
from fastae.compat.h2o._columns import Factor, Frame
from fastae.compat.h2o._encoder import FrameEncoder
from fastae.compat.h2o._mapping import estimator_parameters, hidden_sizes, skips_missing
from fastae.compat.h2o._metrics import AutoEncoderMetrics
from fastae.compat.h2o._model import Trained
from fastae.compat.h2o._output import kind_of
from fastae.compat.h2o._weights import matrices, vectors


def train(
    settings: dict[str, Any],
    x: Any,
    training: Any,
    validation: Any,
    *,
    before: Trained | None,
    verbose: bool,
) -> Trained:
    """Train a network on a frame.

    Parameters
    ----------
    settings : dict
        All of H2O's parameters that mean something here.
    x : list of str or int, str, int, or None
        Names or positions of the columns to use; None takes all.
    training : frame
    validation : frame or None
    before : Trained or None
        The model to go on from. Its levels and scaling stay, so that its weights keep their
        meaning.
    verbose : bool
        Log progress.
    """
    columns = _used_columns(Frame(training), x, settings)
    if before:
        check_checkpoint(before, settings, columns)
    encoder = before.encoder if before else _fitted_encoder(training, columns, settings)
    weights = _row_weights(training, encoder, settings)
    matrix = encoder.transform(training)
    validation_matrix = None if validation is None else encoder.transform(validation)
    n_rows = len(matrix) if weights is None else int(np.count_nonzero(weights))
    made = estimator_parameters(settings, n_rows=n_rows) | _start(settings, encoder)
    if before:  # whose epochs count
        made["max_epochs"] = settings["epochs"] - before.epochs
    model = Autoencoder(**made, verbose=int(verbose))
    model._fit_encoded(
        matrix,
        encoder=encoder,
        scaling=(encoder.shift, encoder.scale),
        sample_weight=weights,
        validation=validation_matrix,
        checkpoint_model=before.autoencoder if before else None,
    )

    def metrics(table: npt.NDArray[np.float64], name: str) -> AutoEncoderMetrics:
        return AutoEncoderMetrics.of(model._row_errors(table), name)

    return Trained(
        autoencoder=model,
        encoder=encoder,
        parameters=settings,
        kind=kind_of(training),
        n_rows=n_rows,
        train=metrics(matrix, "train"),
        valid=None if validation_matrix is None else metrics(validation_matrix, "validation"),
    )


def _used_columns(frame: Frame, x: Any, settings: dict[str, Any]) -> list[str]:
    """Return the names in x but those that are ignored or hold weights."""
    names = list(frame.names) if x is None else [_name(frame, item, "x") for item in _listed(x)]
    left_out = {
        _name(frame, item, "ignored_columns") for item in _listed(settings["ignored_columns"])
    }
    return [name for name in names if name not in left_out | {settings["weights_column"]}]


def _name(frame: Frame, item: Any, where: str) -> str:
    if isinstance(item, int | np.integer) and -len(frame.names) <= item < len(frame.names):
        return frame.names[item]
    if item in frame.names:
        return str(item)
    msg = f"{where} must name columns of the training frame, which has no {item!r}."
    raise ValueError(msg)


def _listed(items: Any) -> list[Any]:
    if items is None:
        return []
    return [items] if isinstance(items, str | int | np.integer) else list(items)


def _fitted_encoder(training: Any, columns: list[str], settings: dict[str, Any]) -> FrameEncoder:
    return FrameEncoder.fit(
        training,
        columns,
        standardize=settings["standardize"],
        ignore_const_cols=settings["ignore_const_cols"],
    )


def _row_weights(
    training: Any, encoder: FrameEncoder, settings: dict[str, Any]
) -> npt.NDArray[np.float64] | None:
    """Return how much each row counts, 0 for skipped ones; None: all the same."""
    weights = _weights_column(training, settings["weights_column"])
    if not skips_missing(settings):
        return weights
    missing = encoder.missing_rows(training)
    if missing.all():
        msg = "Every row has a missing value: use missing_values_handling='MeanImputation'."
        raise ValueError(msg)
    if weights is None and not missing.any():
        return None
    return np.where(missing, 0.0, 1.0 if weights is None else weights)


def _weights_column(training: Any, name: Any) -> npt.NDArray[np.float64] | None:
    if name is None:
        return None
    frame = Frame(training)
    column = frame.column(_name(frame, name, "weights_column"))
    if isinstance(column, Factor) or not np.isfinite(column).all() or column.min() < 0:
        msg = f"weights_column {name!r} must hold numbers of at least 0, none missing."
        raise ValueError(msg)
    return column


def _start(settings: dict[str, Any], encoder: FrameEncoder) -> dict[str, Any]:
    """Return the first weights where they are given, and the first biases of rectifiers."""
    widths = [encoder.n_columns, *hidden_sizes(settings), encoder.n_columns]
    start: dict[str, Any] = {}
    if "rectifier" in settings["activation"].lower():
        # As in H2O: with positive biases few units start out dead.
        firsts = [0.5, *[1.0] * (len(widths) - 3)][: len(widths) - 2]
        start["intercepts_init"] = [
            np.full(n, b) for n, b in zip(widths[1:], [*firsts, 0.0], strict=True)
        ]
    if settings["initial_weights"] is not None:
        start["coefs_init"] = matrices(settings["initial_weights"], "initial_weights")
    if settings["initial_biases"] is not None:
        shapes = [np.empty(shape) for shape in pairwise(widths)]
        start["intercepts_init"] = vectors(settings["initial_biases"], shapes, "initial_biases")
    return start
