"""Which columns of a training frame go in, and how much each of its rows counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae.compat.h2o._columns import Factor, Frame
from fastae.compat.h2o._mapping import skips_missing

if TYPE_CHECKING:
    from fastae.compat.h2o._encoder import FrameEncoder

Float64 = npt.NDArray[np.float64]


def used_columns(
    frame: Frame, x: Any, settings: dict[str, Any], response: str | None
) -> tuple[str, ...]:
    """Return the names in x but those that are ignored, hold weights or are to be predicted."""
    names = list(frame.names) if x is None else [name_of(frame, item, "x") for item in _listed(x)]
    left_out = {settings["weights_column"], response}
    for item in _listed(settings["ignored_columns"]):
        left_out.add(name_of(frame, item, "ignored_columns"))
    return tuple(name for name in names if name not in left_out)


def name_of(frame: Frame, item: Any, where: str) -> str:
    """Return the name of a column that is given by its name or position."""
    if isinstance(item, int | np.integer) and -len(frame.names) <= item < len(frame.names):
        return frame.names[item]
    if item in frame.names:
        return str(item)
    verb = "must name a column" if where == "y" else "must name columns"
    msg = f"{where} {verb} of the training frame, which has no {item!r}."
    raise ValueError(msg)


def _listed(items: Any) -> list[Any]:
    if items is None:
        return []
    return [items] if isinstance(items, str | int | np.integer) else list(items)


def row_weights(training: Any, encoder: FrameEncoder, settings: dict[str, Any]) -> Float64 | None:
    """Return how much each row counts, 0 for skipped ones; None: all the same."""
    name = settings["weights_column"]
    weights = None
    if name is not None:
        frame = Frame(training)
        weights = weights_of(frame, name_of(frame, name, "weights_column"))
    if not skips_missing(settings):
        return weights
    missing = encoder.missing_rows(training)
    if missing.all():
        msg = "Every row has a missing value: use missing_values_handling='MeanImputation'."
        raise ValueError(msg)
    if weights is None and not missing.any():
        return None
    return np.where(missing, 0.0, 1.0 if weights is None else weights)


def weights_of(frame: Frame, name: str) -> Float64:
    """Return a column of weights."""
    column = frame.column(name)
    if isinstance(column, Factor) or not np.isfinite(column).all() or column.min() < 0:
        msg = f"weights_column {name!r} must hold numbers of at least 0, none missing."
        raise ValueError(msg)
    return column
