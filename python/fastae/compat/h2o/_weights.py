"""Weights as H2O exports them: one row per output unit, in arrays or frames."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]


def matrices(weights: Sequence[Any], name: str) -> list[Float64]:
    """Return weights of each layer as (fan_in, fan_out), which is how fastae keeps them.

    Parameters
    ----------
    weights : sequence of array-like or frame of shape (outputs, inputs)
    name : str
        What they are called in errors.

    Raises
    ------
    ValueError
        If one is not a table, or its inputs are not the outputs of the one before.
    """
    made = [_array(table).T for table in weights]
    for layer, matrix in enumerate(made):
        if matrix.ndim != 2:
            msg = f"{name}[{layer}] must be a table of (outputs, inputs), got {matrix.ndim}-D."
            raise ValueError(msg)
        if layer and matrix.shape[0] != made[layer - 1].shape[1]:
            msg = (
                f"{name}[{layer}] must have {made[layer - 1].shape[1]} inputs, as many as "
                f"{name}[{layer - 1}] has outputs, got {matrix.shape[0]}."
            )
            raise ValueError(msg)
    return made


def vectors(biases: Sequence[Any], matrices: Sequence[Float64], name: str) -> list[Float64]:
    """Return the biases of each layer as (fan_out,), from vectors or frames of one column.

    Raises
    ------
    ValueError
        If there are not as many as the matrices have outputs.
    """
    made = [_array(table).ravel() for table in biases]
    sizes = [matrix.shape[1] for matrix in matrices]
    if [vector.size for vector in made] != sizes:
        msg = (
            f"{name} must have {', '.join(map(str, sizes))} values, one per output of each layer, "
            f"got {', '.join(str(vector.size) for vector in made)}."
        )
        raise ValueError(msg)
    return made


def first_weights(settings: dict[str, Any], widths: Sequence[int]) -> dict[str, list[Float64]]:
    """Return the first weights where they are given, and the first biases of rectifiers.

    Parameters
    ----------
    settings : dict
        H2O's parameters.
    widths : sequence of int
        Units per layer.

    Returns
    -------
    start : dict
        `coefs_init` and `intercepts_init` of an estimator, as far as there is something to say.
    """
    start: dict[str, list[Float64]] = {}
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


def names_of(table: Any) -> list[str] | None:
    """Return the column names of a frame of weights; None for an array."""
    table = table.as_data_frame() if hasattr(table, "as_data_frame") else table
    columns = getattr(table, "columns", None)
    return None if columns is None else list(map(str, columns))


def _array(table: Any) -> Float64:
    table = table.as_data_frame() if hasattr(table, "as_data_frame") else table
    return np.asarray(table, dtype=np.float64)
