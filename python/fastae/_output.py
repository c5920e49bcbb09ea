"""Results as the kind of table that the user gave."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._input import Array


def like_frame(values: Array, like: Any, names: Sequence[str] | None = None) -> Any:
    """Return values as a data frame of the library that another table is of, if it is of one.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    like : table
        Its column names are taken if `names` are not given; in pandas, its index too.
    names : sequence of str or None

    Returns
    -------
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or ndarray

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from fastae._output import like_frame
    >>> like_frame(np.array([[1.0, 2.0]]), pd.DataFrame({"a": [3], "b": [4]}, index=["x"]))
         a    b
    x  1.0  2.0
    """
    pandas, polars, arrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(like, pandas.DataFrame):
        index = like.index if len(like) == len(values) else None
        columns = like.columns if names is None else names
        return pandas.DataFrame(values, index=index, columns=columns)
    if polars is not None and isinstance(like, polars.DataFrame):
        return polars.DataFrame(values, schema=like.columns if names is None else list(names))
    if arrow is not None and isinstance(like, arrow.Table | arrow.RecordBatch):
        given = like.schema.names if names is None else list(names)
        return type(like).from_arrays([arrow.array(column) for column in values.T], names=given)
    return values
