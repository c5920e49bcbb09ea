"""Columns that hold one value and hardly any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._log import logger, show_log
from fastae._reading import check_finite, core_rows, numbers_of
from fastae._scaling import rounding
from fastae._schema import MixedTable
from fastae._sparse import SparseTable
from fastae._threshold import quantiles

if TYPE_CHECKING:
    from fastae._input import Array
    from fastae._reading import Table
    from fastae._schema import Schema
    from fastae._units import Units

Float64 = npt.NDArray[np.float64]

# The share of equal values from which a column counts as constant, judged by so many rows.
LEAST_SHARE = 0.999
CONSTANT_ROWS = 10_000
# The same for columns that are worth the look at all of these.
CANDIDATE_SHARE = 0.95
CANDIDATE_ROWS = 1_000


@dataclass(frozen=True, eq=False)
class Constants:
    """The constant columns of a table.

    Attributes
    ----------
    columns : ndarray of shape (n,), intp
        Their positions, in order.
    values : ndarray of shape (n,), float64
        What they hold; NaN where no value is known.
    """

    columns: npt.NDArray[np.intp]
    values: Float64

    def shared(self, other: Constants) -> Constants:
        """Return the columns that hold the same value in both.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae._constant import constants
        >>> one, two = constants(np.array([[1, 2, 3]])), constants(np.array([[1, 2, 4]]))
        >>> one.shared(two).columns.tolist()
        [0, 1]
        """
        _, mine, theirs = np.intersect1d(self.columns, other.columns, return_indices=True)
        ours, its = self.values[mine], other.values[theirs]
        values = np.where(np.isnan(ours), its, ours)
        same = ~(np.abs(ours - its) > rounding(ours, its, np.dtype(np.float32)))
        return Constants(self.columns[mine][same], values[same])


def constants(X: Array, weights: Float64 | None = None) -> Constants:
    """Return which columns are constant, or almost.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,), float64, or None
        How much each row counts; 0: the row is absent.

    Returns
    -------
    found : Constants
        Columns where at least 99.9 % of the values that are not missing are equal but for
        rounding, by up to 10,000 evenly spaced rows; and columns without any value.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._constant import constants
    >>> X = np.array([[1.0, 5.0, np.nan], [2.0, 5.0, np.nan]])
    >>> found = constants(X)
    >>> found.columns.tolist(), found.values.tolist()
    ([1, 2], [5.0, nan])
    """
    rows = np.arange(X.shape[0]) if weights is None else np.flatnonzero(weights)
    rows = rows[:: -(-rows.size // CONSTANT_ROWS)]
    # Of a column that counts as constant at most ten of the rows hold other values: it looks
    # constant enough by a tenth of the rows too.
    few = rows[:: -(-rows.size // CANDIDATE_ROWS)]
    columns = _constant_by(X[few], weights if weights is None else weights[few], CANDIDATE_SHARE)[0]
    sample = np.asarray(X[np.ix_(rows, columns)])
    at, values = _constant_by(sample, weights if weights is None else weights[rows], LEAST_SHARE)
    return Constants(columns[at], values[at])


def _constant_by(
    sample: Array, weights: Float64 | None, least: float
) -> tuple[npt.NDArray[np.intp], Float64]:
    """Return the columns of which so large a share is the median, and all columns' medians."""
    medians = _medians(sample, weights)
    size = np.abs(medians)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity is reported elsewhere
        equal = np.abs(sample - medians) <= rounding(size, size, sample.dtype)
    counts = np.ones(sample.shape[0]) if weights is None else weights
    known = counts @ np.equal(sample, sample)  # NaN is not
    return np.flatnonzero(counts @ equal >= least * known), medians


def _medians(sample: Array, weights: Float64 | None) -> Float64:
    """Return the median of each column, NaN where no value is known."""
    table = np.asarray(sample, dtype=np.float64)
    unknown = np.isnan(table)
    if weights is None and not unknown.any():
        return np.asarray(np.median(table, axis=0))
    medians = np.full(table.shape[1], np.nan)
    with np.errstate(invalid="ignore"):  # infinity is reported elsewhere
        for j in np.flatnonzero(~unknown.all(axis=0)):
            known = ~unknown[:, j]
            counts = None if weights is None else weights[known]
            medians[j] = quantiles(table[known, j], [0.5], counts)[0]
    return medians


def constant_numbers(table: Table, weights: Float64 | None = None) -> Constants:
    """Return which of a table's numbers are constant; of sparse ones those that are quite so."""
    numbers = numbers_of(table)
    if not isinstance(numbers, SparseTable):
        if not numbers.shape[1]:
            return Constants(np.empty(0, dtype=np.intp), np.empty(0))
        return constants(numbers, weights)
    stats = _core.column_stats(
        core_rows(numbers)["X"],
        n_threads=1,
        sample_weight=None if weights is None else weights.astype(np.float32),
    )
    same = np.flatnonzero(stats[1] == stats[2])
    return Constants(same, np.where(stats[4][same] > 0, stats[1][same], np.nan))


def _is_constant(counts: Float64) -> bool:
    """Tell whether nearly all rows of a factor have one level, or none has any."""
    return counts.size == 0 or bool(counts.max() >= LEAST_SHARE * counts.sum())


class ColumnsMixin:
    """What an estimator does with constant columns."""

    constant_features: str
    verbose: int

    constant_features_: npt.NDArray[np.intp]
    n_features_in_: int
    _schema: Schema | None
    _units: Units | None
    # What `fit` found to be constant, and which columns the network sees; None: all.
    _constants: Constants | None = None
    _kept: npt.NDArray[np.intp] | None = None

    def _without_constants(
        self, table: Table, weights: Float64 | None, more: Table | None = None
    ) -> Table:
        """Note which columns are constant; return the table, without them if they are dropped.

        With `more` rows, only columns that are constant in both tables are.
        """
        found = constant_numbers(table, weights)
        if more is not None:
            found = found.shared(constant_numbers(more))
        self._note(found)
        self._kept = None
        if self.constant_features == "drop" and found.columns.size:
            table = self._dropped_from(table)
        if self.verbose and self.constant_features_.size:
            self._log_constants()
        return table

    def _note(self, found: Constants) -> None:
        """Set which columns are constant: numbers, and factors with one level."""
        self._constants = found
        self.constant_features_ = found.columns
        if self._schema is not None:
            numbers = np.asarray(self._schema.numbers, dtype=np.intp)
            factors = [f.column for f in self._schema.factors if _is_constant(f.counts)]
            positions = np.concatenate([numbers[found.columns], factors])
            self.constant_features_ = np.sort(positions).astype(np.intp)

    def _dropped_from(self, table: Table) -> Table:
        """Set which numbers are kept, and return the table with these."""
        assert self._constants is not None
        kept = np.setdiff1d(np.arange(numbers_of(table).shape[1]), self._constants.columns)
        if not kept.size and not (self._schema is not None and self._schema.factors):
            msg = (
                "Every column of X is constant: give rows that differ, or set "
                "constant_features='keep'."
            )
            raise ValueError(msg)
        self._kept = kept
        return self._kept_of(table)

    def _kept_of(self, table: Table) -> Table:
        """Return the columns of a table that the network sees."""
        if self._kept is None:
            return table
        check_finite(self, table)  # in the columns as the user counts them
        if isinstance(table, SparseTable):
            return table.columns(self._kept)
        if isinstance(table, MixedTable):
            numbers = np.take(table.numbers, self._kept, axis=1)
            return MixedTable(numbers, table.codes, table.schema)
        return np.take(table, self._kept, axis=1)

    def _note_the_same(self, table: Table, weights: Float64 | None) -> None:
        """Note which columns are still constant with the next rows of a stream."""
        if self._kept is None and self._constants is not None and self._constants.columns.size:
            self._note(self._constants.shared(constant_numbers(table, weights)))

    def _completed(self, values: Array, dropped: Float64 | float) -> Array:
        """Return values per number the network sees as ones per number of the user's table."""
        if self._kept is None:
            return values
        assert self._constants is not None
        n_numbers = self._kept.size + self._constants.columns.size
        whole = np.empty((*values.shape[:-1], n_numbers), dtype=values.dtype)
        whole[..., self._constants.columns] = dropped
        whole[..., self._kept] = values
        return whole

    def _by_column(self, units: Float64) -> Float64:
        """Return the sums over the inputs that each column of the user's table has."""
        if self._units is None:
            return np.asarray(self._completed(units, 0.0))
        n_numbers, n_outputs = self._units.n_numbers, self._units.n_outputs
        n_factors = len(self._units.n_levels)
        numbers, unknown = units[:n_numbers], units[n_outputs : n_outputs + n_factors]
        if self._units.marks_missing:
            numbers = numbers + units[n_outputs + n_factors :]
        ends = np.cumsum(self._units.n_levels, dtype=np.intp)[:-1]
        levels = np.array([part.sum() for part in np.split(units[n_numbers:n_outputs], ends)])
        numbers = np.asarray(self._completed(numbers, 0.0))
        if self._schema is None:
            return numbers
        columns = np.concatenate([numbers, levels + unknown])
        return np.asarray(self._schema.columns_in_order(columns[np.newaxis])[0])

    def _log_constants(self) -> None:
        """Log a line on the constant columns."""
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        some = [str(names[j]) for j in self.constant_features_[:10]]
        if self.constant_features_.size > len(some):
            some.append("...")
        show_log()
        logger.info(
            "constant columns (%d), %s: %s",
            self.constant_features_.size,
            "kept" if self._kept is None else "dropped",
            ", ".join(some),
        )
