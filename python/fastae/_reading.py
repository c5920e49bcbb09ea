"""Tables of every kind, read into what the core takes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import validate_data

from fastae._input import Array, check_table, checked_weights, fail_if_not_finite
from fastae._scan import Scan
from fastae._schema import MixedTable, Schema, names_factors, needs_schema
from fastae._sparse import SparseTable, is_sparse
from fastae._units import Units

if TYPE_CHECKING:
    from collections.abc import Callable

Table: TypeAlias = Array | MixedTable | SparseTable


def core_rows(table: Table, *, with_codes: bool = False) -> dict[str, Any]:
    """Return the core's arguments for the rows of a table.

    Parameters
    ----------
    table : ndarray, SparseTable or MixedTable
    with_codes : bool
        Whether the network has inputs that are no numbers: then it wants codes, if of no factor.
    """
    numbers = numbers_of(table)
    rows: dict[str, Any] = {"X": numbers.core if isinstance(numbers, SparseTable) else numbers}
    if with_codes:
        none = np.empty((len(table), 0), dtype=np.int32)
        rows["codes"] = table.codes if isinstance(table, MixedTable) else none
    return rows


def numbers_of(table: Table) -> Array | SparseTable:
    """Return the columns that are numbers."""
    return table.numbers if isinstance(table, MixedTable) else table


def joined(one: Table, two: Table) -> Table:
    """Return the rows of both tables, which are of one kind."""
    if isinstance(one, MixedTable) and isinstance(two, MixedTable):
        numbers = np.concatenate([one.numbers, two.numbers])
        return MixedTable(numbers, np.concatenate([one.codes, two.codes]), one.schema)
    if isinstance(one, SparseTable) or isinstance(two, SparseTable):
        from scipy import sparse

        parts = [part.matrix if isinstance(part, SparseTable) else part for part in (one, two)]
        return SparseTable(sparse.vstack(parts, format="csr"))
    assert isinstance(one, np.ndarray)
    assert isinstance(two, np.ndarray)
    return np.concatenate([one, two])


def arrays_of(table: Table) -> list[npt.NDArray[Any]]:
    """Return all that a table consists of."""
    if isinstance(table, MixedTable):
        return [table.numbers, table.codes]
    return list(table.core[:3]) if isinstance(table, SparseTable) else [table]


def any_missing(table: Table) -> bool:
    """Tell whether a number is NaN."""
    numbers = numbers_of(table)
    values = numbers.values if isinstance(numbers, SparseTable) else numbers
    return bool(np.isnan(values).any())


class ReadingMixin:
    """How an estimator reads tables: which columns are factors, and what their levels are."""

    categorical_features: Any
    categorical_loss: str
    max_categories: int
    missing: str
    missing_indicator: bool
    hidden_layer_sizes: Any

    n_features_in_: int
    # What `fit` learned of the columns; None: they are numbers.
    _schema: Schema | None = None
    # A table without rows of the kind that `fit` saw, if it had factors.
    _like: Any = None
    # What the network's inputs stand for; None: numbers.
    _units: Units | None = None
    _kept_of: Callable[..., Any]

    def _read_new(self, X: Any, sample_weight: Any = None) -> Table:
        """Return a table to be trained on, and learn what its columns are."""
        _fail_if_scan(X)
        self._schema = self._like = None
        if isinstance(X, MixedTable):
            self._schema, self.n_features_in_ = X.schema, X.shape[1]
            self._like = np.empty((0, X.shape[1]), dtype=object)
            return X
        if isinstance(X, SparseTable):
            self.n_features_in_ = X.shape[1]
            return X
        if is_sparse(X):
            if names_factors(self.categorical_features):
                msg = (
                    "categorical_features names columns, but X is sparse, whose columns are "
                    "numbers: give X.toarray(), or a data frame."
                )
                raise ValueError(msg)
            self._fail_if_marks_missing()
            return SparseTable.of(self, X, reset=True)
        needed = _is_arrow(X) or needs_schema(X, self.categorical_features)
        if not needed or _is_numbers_as_text(X):
            return check_table(self, X, reset=True, finite=False)
        X = validate_data(self, _frame(X), reset=True, skip_check_array=True)
        _check_rows(X)
        schema = Schema.learn(
            X,
            categorical_features=self.categorical_features,
            max_levels=int(self.max_categories),
            missing=self.missing,
            sample_weight=checked_weights(sample_weight, X),
        )
        return self._encoded(X, schema)

    def _read_as(self, X: Any, schema: Schema) -> Table:
        """Return a table to be trained on, whose columns another estimator has learned."""
        if isinstance(X, MixedTable):
            return self._read_new(X)
        X = validate_data(self, _frame(X), reset=True, skip_check_array=True)
        _check_rows(X)
        if X.shape[1] != schema.n_columns:
            msg = (
                f"X has {X.shape[1]} columns, but the autoencoder was trained on "
                f"{schema.n_columns}."
            )
            raise ValueError(msg)
        names = [str(name) for name in getattr(self, "feature_names_in_", ())]
        if schema.named and names and names != list(schema.names):
            column = next(j for j, name in enumerate(names) if name != schema.names[j])
            msg = (
                f"Column {column} of X is {names[column]!r}, but {schema.names[column]!r} in the "
                "table that the autoencoder was trained on: give the same columns in the same "
                "order."
            )
            raise ValueError(msg)
        return self._encoded(X, schema)

    def _encoded(self, X: Any, schema: Schema) -> Table:
        """Return a table under a schema, and keep that if there is any factor."""
        table = schema.encode(X)
        self._schema = schema
        self._like = X[:0] if hasattr(X, "shape") else np.empty((0, schema.n_columns), dtype=object)
        return table

    def _read_more(self, X: Any) -> Table:
        """Return a table of the same columns."""
        _fail_if_scan(X)
        if isinstance(X, MixedTable | SparseTable):
            return X
        if self._schema is not None:
            if is_sparse(X):
                msg = "X is sparse, but fit saw a table with categories: give such a table."
                raise TypeError(msg)
            X = validate_data(self, _frame(X), reset=False, skip_check_array=True)
            _check_rows(X)
            return self._schema.encode(X)
        if is_sparse(X):
            if self._units is not None:
                self._fail_if_marks_missing()
            return SparseTable.of(self, X, reset=False)
        if _is_arrow(X) and hasattr(self, "feature_names_in_"):
            # scikit-learn sees no names in record batches, as scans give them: it would warn of
            # that, and take columns in another order for those of fit.
            X = _frame(X)
        return check_table(self, X, reset=False, finite=False)

    def _read(self, X: Any, *, finite: bool = True) -> Table:
        """Return rows as the core reads them, the columns that the network sees."""
        table = self._read_more(X)
        if finite:
            check_finite(self, table)
        kept: Table = self._kept_of(table)
        return kept

    def _settle_units(self, table: Table) -> Units:
        """Set what the network's inputs are for a table to be trained on."""
        counts = [] if self._schema is None else [factor.counts for factor in self._schema.factors]
        marks = bool(self.missing_indicator) and not isinstance(table, SparseTable)
        units = Units.of_factors(
            numbers_of(table).shape[1], counts, loss=self.categorical_loss, marks_missing=marks
        )
        if not units.n_outputs:
            msg = "No column of X has a value in rows of weight above 0: there is nothing to learn."
            raise ValueError(msg)
        if not units.is_plain:
            self._check_suits_units()
        self._units = None if units.is_plain else units
        return units

    def _fail_if_marks_missing(self) -> None:
        """Raise ValueError for a network with inputs that sparse tables do not have."""
        if self.missing_indicator or self._units is not None:
            msg = "missing_indicator=True is for dense tables, but X is sparse: give X.toarray()."
            raise ValueError(msg)

    def _check_suits_units(self) -> None:
        """Raise ValueError for parameters that are for tables of numbers only."""
        what = "missing_indicator" if self._schema is None else "columns of categories"
        for name, wanted in (("max_w2", None), ("pretraining", None)):
            if getattr(self, name) is not wanted:
                msg = f"{name} is not there for {what}: set {name}=None."
                raise ValueError(msg)
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, tuple | list) and not sizes and not hasattr(self, "autoencoder"):
            msg = f"hidden_layer_sizes must have at least one layer for {what}, got ()."
            raise ValueError(msg)
        if self.missing_indicator and self.missing == "impute":
            msg = "missing_indicator is for missing='ignore': what is imputed is not missing."
            raise ValueError(msg)

    def _units_of(self, n_numbers: int) -> Units:
        return Units(n_numbers) if self._units is None else self._units


def check_finite(estimator: Any, table: Table) -> None:
    """Raise ValueError if a table has infinity, or NaN that the estimator does not take."""
    if isinstance(table, MixedTable):
        fail_if_not_finite(estimator, table.numbers, table.schema.numbers)
    elif isinstance(table, SparseTable):
        takes_nan = getattr(estimator, "_missing", "error") != "error"
        values = table.values
        bad = np.isinf(values) if takes_nan else ~np.isfinite(values)
        if values.dtype.kind == "f" and bad.any():
            at = int(np.argmax(bad))
            row = int(np.searchsorted(table.core[2], at, side="right")) - 1
            fail_if_not_finite(estimator, table[row : row + 1].toarray(), first_row=row)
    else:
        fail_if_not_finite(estimator, table)


def _fail_if_scan(X: Any) -> None:
    if isinstance(X, Scan):
        msg = (
            "A scan goes to Autoencoder.fit, score_samples, predict, decision_function, transform, "
            "reconstruction_error, p_values, detect and calibrate: give other methods its batches, "
            "one by one."
        )
        raise TypeError(msg)


def _check_rows(X: Any) -> None:
    if X.shape[0] == 0:
        msg = f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required."
        raise ValueError(msg)


def _is_numbers_as_text(X: Any) -> bool:
    """Tell whether an array holds text, all of which could be numbers: rather a mistake."""
    if not isinstance(X, np.ndarray | list | tuple):
        return False
    array = np.asarray(X)
    if array.dtype.kind not in "US":
        return False
    try:
        array.astype(np.float64)
    except ValueError:
        return False
    return True


def _frame(X: Any) -> Any:
    """Return a table with a shape: what scikit-learn wants to see."""
    if type(X).__name__ == "RecordBatch" and _is_arrow(X):
        arrow = sys.modules["pyarrow"]
        return arrow.Table.from_batches([X])
    return X if hasattr(X, "shape") else np.asarray(X, dtype=object)


def _is_arrow(X: Any) -> bool:
    arrow = sys.modules.get("pyarrow")
    return arrow is not None and isinstance(X, arrow.Table | arrow.RecordBatch)
