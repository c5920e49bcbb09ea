"""Sparse tables: SciPy's CSR matrices, as the core reads them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.validation import validate_data

from fastae._input import readable

Array = npt.NDArray[Any]


class SparseTable:
    """Rows of which only the values that are not zero are stored.

    Parameters
    ----------
    matrix : SciPy CSR matrix or array of shape (n, n_features)
        Its values and columns are read in place; it must be in canonical format.
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.shape: tuple[int, int] = matrix.shape
        # The core's types; only the short one is copied as a rule.
        self._indices = np.ascontiguousarray(matrix.indices, dtype=np.int32)
        self._indptr = np.ascontiguousarray(matrix.indptr, dtype=np.int64)

    @classmethod
    def of(cls, estimator: Any, X: Any, *, reset: bool) -> SparseTable:
        """Return a sparse matrix of any format as a checked table.

        Parameters
        ----------
        estimator : estimator
            Its `n_features_in_` is set or compared with.
        X : SciPy sparse matrix or array of shape (n, n_features)
            CSR is read in place if its columns ascend within rows, each once; else it is copied.
        reset : bool
            True in `fit`.

        Raises
        ------
        ValueError
            If it has no rows, or another number of columns than in `fit`.
        """
        matrix = validate_data(
            estimator, X, reset=reset, accept_sparse="csr", accept_large_sparse=True,
            dtype="numeric", ensure_all_finite=False,
        )  # fmt: skip
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        values = np.ascontiguousarray(readable(matrix.data))
        if values is not matrix.data:
            matrix = type(matrix)((values, matrix.indices, matrix.indptr), shape=matrix.shape)
            matrix.has_canonical_format = True
        return cls(matrix)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> SparseTable:
        return SparseTable(self.matrix[rows])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return cast("np.dtype[Any]", self.matrix.dtype)

    @property
    def values(self) -> Array:
        """The stored values, (n_stored,)."""
        return cast("Array", self.matrix.data)

    @property
    def size(self) -> int:
        """How many values are stored."""
        return int(self.matrix.nnz)

    @property
    def core(self) -> tuple[Array, Array, Array, int]:
        """What the core reads: values, columns, where rows begin, and how many columns."""
        return self.values, self._indices, self._indptr, self.shape[1]

    def columns(self, kept: npt.NDArray[np.intp]) -> SparseTable:
        """Return some columns, in ascending order, as a copy."""
        return SparseTable(self.matrix[:, kept])

    def toarray(self) -> Array:
        """Return all values, (n, n_features)."""
        return cast("Array", self.matrix.toarray())


def is_sparse(X: Any) -> bool:
    """Tell whether the user gave a SciPy sparse matrix."""
    return bool(sparse.issparse(X))
