"""Tables of any kind: some of their rows, their columns, and a fingerprint."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import _safe_indexing

from fastae._schema._tables import open_table

if TYPE_CHECKING:
    from fastae._schema._columns import Column

Positions = npt.NDArray[np.intp]

_BLOCK = 4096  # rows hashed together, so that columns of an array are read while in the cache


def picked(X: Any, rows: Positions) -> Any:
    """Return some rows, in the kind of table that X is."""
    if sparse.issparse(X):
        return X.tocsr()[rows]
    if type(X).__module__.partition(".")[0] == "pyarrow":
        return X.take(rows)
    return _safe_indexing(X, rows)


def evenly(n_rows: int, most: int) -> Positions:
    """Return the positions of up to so many evenly spaced rows."""
    return np.arange(0, n_rows, max(1, -(-n_rows // most)))


def kind_of(X: Any) -> str:
    """Return what the table is, in words.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._report._rows import kind_of
    >>> kind_of(np.zeros((2, 2), dtype=np.float32)), kind_of([[1.0, 2.0]])
    ('NumPy array of float32', 'list')
    """
    libraries = {"pandas": "pandas", "polars": "polars", "pyarrow": "pyarrow"}
    if isinstance(X, np.ndarray):
        return f"NumPy array of {X.dtype}"
    if sparse.issparse(X):
        return f"SciPy sparse matrix of {X.dtype}"
    library = libraries.get(type(X).__module__.partition(".")[0])
    name = type(X).__name__
    return f"{library} {name}" if library else name


def fingerprint(X: Any) -> str:
    """Return a hash of all values of a table.

    Parameters
    ----------
    X : pandas.DataFrame, polars.DataFrame, pyarrow.Table, SciPy sparse matrix or array-like

    Returns
    -------
    fingerprint : str
        SHA-256 in hexadecimal digits. The same for equal values in the same order, whatever the
        library and the type of numbers; of sparse matrices that of their entries.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from fastae._report._rows import fingerprint
    >>> X = np.array([[1, 2], [3, 4]])
    >>> fingerprint(X) == fingerprint(pd.DataFrame(X, columns=["a", "b"], dtype="float32"))
    True
    >>> fingerprint(X)[:12]
    'c0d9022fc0db'
    """
    if sparse.issparse(X):
        return _of_entries(X)
    frame = open_table(X)
    columns = [frame.column(position) for position in range(len(frame.names))]
    digest = hashlib.sha256(repr((frame.n_rows, len(columns))).encode())
    factors = [column.kind == "factor" for column in columns]
    for column, is_factor in zip(columns, factors, strict=True):
        if is_factor:
            _add_levels(digest, column)
    numbers = [c.numbers() for c, is_factor in zip(columns, factors, strict=True) if not is_factor]
    for start in range(0, frame.n_rows if numbers else 0, _BLOCK):
        block = np.column_stack([values[start : start + _BLOCK] for values in numbers])
        digest.update(_canonical(block))
    return digest.hexdigest()


def _add_levels(digest: Any, column: Column) -> None:
    """Add a column of categories, whatever the order that its library keeps them in."""
    coded = column.coded()
    texts = np.array([str(level) for level in coded.levels], dtype=object)
    occurring = np.unique(coded.codes[coded.codes >= 0])
    order = occurring[np.argsort(texts[occurring])]
    places = np.full(texts.size + 1, -1, dtype="<i4")  # the last one is what -1 reads
    places[order] = np.arange(order.size)
    digest.update("\0".join(texts[order]).encode("utf-8", "surrogatepass"))
    digest.update(places[coded.codes].tobytes())


def _of_entries(X: Any) -> str:
    entries = X.tocsr(copy=True)
    entries.sum_duplicates()
    entries.eliminate_zeros()
    digest = hashlib.sha256(repr(("sparse", X.shape)).encode())
    for indices in (entries.indptr, entries.indices):
        digest.update(indices.astype("<i8").tobytes())
    digest.update(_canonical(entries.data))
    return digest.hexdigest()


def _canonical(values: npt.NDArray[Any]) -> bytes:
    """Return numbers as bytes that are the same for equal numbers, and for all NaN."""
    numbers = values.astype("<f8") + 0.0  # which takes the sign off -0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers.tobytes()
