"""Results as frames of the kind that the question came in."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal

from fastae.compat.h2o._columns import is_polars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

Kind = Literal["pandas", "polars"]


def kind_of(data: Any) -> Kind:
    """Return which frames to answer with: pandas unless the question came in polars."""
    return "polars" if is_polars(data) else "pandas"


def frame_of(
    kind: Kind,
    names: Sequence[str],
    matrix: npt.NDArray[Any] | Mapping[str, npt.NDArray[Any]],
    index: Any = None,
) -> Any:
    """Return a frame with the columns of a matrix.

    Parameters
    ----------
    kind : {"pandas", "polars"}
    names : sequence of str
    matrix : ndarray of shape (n_rows, n_columns), or mapping of names to columns
    index : pandas.Index or None
        Of the pandas frame that the rows belong to.

    Returns
    -------
    frame : H2OFrame or polars.DataFrame
    """
    if kind == "polars":
        return importlib.import_module("polars").DataFrame(matrix, schema=list(names))
    module = importlib.import_module("fastae.compat.h2o._frame")
    return module.H2OFrame(matrix, columns=list(names), index=index)


def table_of(kind: Kind, columns: Mapping[str, Iterable[Any]]) -> Any:
    """Return a plain frame with columns of any types."""
    return importlib.import_module(kind).DataFrame({k: list(v) for k, v in columns.items()})
