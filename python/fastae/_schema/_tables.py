"""Which library a table is of, and whether it needs a schema at all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._schema._arrays import ArrayFrame, as_array, family_of

if TYPE_CHECKING:
    from fastae._schema._columns import Frame

_WORDS = ("from_dtype", "auto")  # for categorical_features


def open_table(X: Any) -> Frame:
    """Return a table of any kind behind one interface, without importing what it is not of.

    Parameters
    ----------
    X : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or array-like

    Returns
    -------
    frame : Frame

    Raises
    ------
    ValueError
        If X is an array-like of other than two dimensions.
    """
    return _frame(X) or ArrayFrame(X)


def needs_schema(X: Any, categorical_features: Any = "from_dtype") -> bool:
    """Tell whether a table holds, or is said to hold, more than numbers.

    Parameters
    ----------
    X : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or array-like
    categorical_features : None, "from_dtype", "auto" or array-like
        As `Schema.learn` takes it.

    Returns
    -------
    bool
        False for arrays of numbers and for frames whose columns are numbers or truth values only,
        unless columns are named as categorical.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._schema import needs_schema
    >>> X = np.zeros((3, 2))
    >>> needs_schema(X), needs_schema(X, [1]), needs_schema([["a", 1.0], ["b", 2.0]])
    (False, True, True)
    """
    if names_factors(categorical_features):
        return True
    frame = _frame(X)
    if frame is None:
        return _array_needs_schema(X)
    if frame.only_numbers:
        return False
    return any(_needs_schema(frame, position) for position in range(len(frame.names)))


def names_factors(categorical_features: Any) -> bool:
    """Tell whether columns are named as categorical, beyond those that are by type.

    Raises
    ------
    ValueError
        If it is a word that means nothing.
    """
    if isinstance(categorical_features, str) and categorical_features not in _WORDS:
        msg = (
            "categorical_features must be 'from_dtype', or names or positions of columns or a "
            f"mask, got {categorical_features!r}; for one column write [{categorical_features!r}]."
        )
        raise ValueError(msg)
    if categorical_features is None or isinstance(categorical_features, str):
        return False
    named = np.asarray(categorical_features)
    return bool(named.any()) if named.dtype == bool else named.size > 0


def _frame(X: Any) -> Frame | None:
    pandas, polars, arrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(X, pandas.DataFrame):
        from fastae._schema._pandas import PandasFrame

        return PandasFrame(X)
    if polars is not None and isinstance(X, polars.DataFrame):
        from fastae._schema._polars import PolarsFrame

        return PolarsFrame(X)
    if arrow is not None and isinstance(X, arrow.Table | arrow.RecordBatch):
        from fastae._schema._arrow import ArrowFrame

        return ArrowFrame(X)
    return None


def _needs_schema(frame: Frame, position: int) -> bool:
    try:
        return frame.column(position).kind not in ("number", "empty")
    except (TypeError, ValueError):  # the schema says what is wrong
        return True


def _array_needs_schema(X: Any) -> bool:
    # What is no table, or holds what is neither number nor text, is refused elsewhere.
    if not isinstance(X, np.ndarray | list | tuple):
        return False
    try:
        table = as_array(X)
    except ValueError:
        return False
    if table.ndim != 2 or table.dtype.kind not in "UTmMO":
        return False
    if table.dtype.kind != "O":
        return True
    families = {family_of(kind) for kind in set(map(type, table.flat))}
    return not families.isdisjoint(("factor", "datetime", "duration"))
