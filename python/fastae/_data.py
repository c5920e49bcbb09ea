"""What training reads: rows, their weights, and the rows that are only scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._input import checked_weights
from fastae._reading import core_rows

if TYPE_CHECKING:
    from fastae._reading import Table
    from fastae._targets import Targets

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.uint32]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Rows whose errors are looked at together.

    Attributes
    ----------
    X : ndarray, SparseTable or MixedTable of shape (n, n_features)
    rows : ndarray of shape (n_rows,), uint32, or None
        Which rows of X; None: all.
    weights : ndarray of shape (n_rows,), float64, or None
        How much each counts; None: each counts 1.
    targets : Targets or None
        Of all rows of X.
    """

    X: Table
    rows: Rows | None = None
    weights: Float64 | None = None
    targets: Targets | None = None

    def mean(self, errors: npt.NDArray[Any]) -> float:
        """Return the weighted mean of the rows' errors."""
        return float(np.average(errors, weights=self.weights))

    @property
    def table(self) -> Table:
        """The rows themselves; a copy where they are some of X."""
        return self.X if self.rows is None else self.X[self.rows]


# The errors of some rows, and what is to be said of them: less is better
Measure = Callable[[ScoredRows], tuple[Float64, dict[str, float]]]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """A table, divided into rows to train on, rows to validate with, and absent ones.

    Attributes
    ----------
    X : ndarray, SparseTable or MixedTable of shape (n, n_features)
    row_weights : ndarray of shape (n,), float32, or None
        As the core takes them: 0 for rows not trained on, mean 1 over the others. None: every
        row is trained on, and counts 1.
    given_weights : ndarray of shape (n,), float64, or None
        As the user gave them, 0 for rows not trained on.
    n_samples : int
        Rows trained on.
    validation : ScoredRows or None
    targets : Targets or None
        Of a supervised network.
    anomalous : ndarray of shape (n,), bool, or None
        Rows that are not to be reconstructed.
    calibration : ScoredRows or None
        Rows that are absent but for thresholds and p-values.
    """

    X: Table
    row_weights: Float32 | None
    given_weights: Float64 | None
    n_samples: int
    validation: ScoredRows | None
    targets: Targets | None = None
    anomalous: Bool | None = None
    calibration: ScoredRows | None = None
    _scored: Bool | None = field(init=False)

    def __post_init__(self) -> None:
        scored = None
        if self.anomalous is not None:
            scored = ~self.anomalous
        elif self.targets is not None and not self.targets.known.all():
            scored = self.targets.known
        object.__setattr__(self, "_scored", scored)

    @property
    def error_weight(self) -> float:
        """The weights, as the core takes them, of all rows whose errors it adds up."""
        if self._scored is None:
            return float(self.n_samples)
        if self.row_weights is None:
            return float(np.count_nonzero(self._scored))
        return float(self.row_weights[self._scored].sum(dtype=np.float64))

    @property
    def normal_rows(self) -> tuple[Float32 | None, int]:
        """`row_weights` and `n_samples` without the anomalous rows."""
        if self.anomalous is None:
            return self.row_weights, self.n_samples
        weights = np.ones(self.X.shape[0]) if self.given_weights is None else self.given_weights
        return _as_the_core_takes_them(weights, np.where(self.anomalous, 0.0, 1.0), weights.size)

    def rows(self, factors: dict[str, Any] | None) -> dict[str, Any]:
        """Return the inputs of the rows as ``_core.train`` takes them.

        Parameters
        ----------
        factors : dict or None
            As ``_core.train`` takes it.
        """
        return core_rows(self.X, with_codes=factors is not None)

    def shares_known(self, known: Bool) -> Float64:
        """Return the share of the rows to be reconstructed for which each column is known.

        Parameters
        ----------
        known : ndarray of shape (n, n_columns), bool
        """
        weights = self.normal_rows[0]
        if weights is None:
            return np.asarray(known.mean(axis=0), dtype=np.float64)
        return np.asarray(np.average(known, axis=0, weights=weights), dtype=np.float64)

    def arguments(self) -> dict[str, Any]:
        """Return what ``_core.train`` wants to know of the rows beside their inputs."""
        more = {} if self.targets is None else self.targets.arguments()
        return more | {"sample_weight": self.row_weights, "anomalous": self.anomalous}

    def sample(self, most: int, *, unlabelled: bool = False) -> ScoredRows:
        """Return at most `most` evenly spaced training rows that can be scored (0: all).

        With `unlabelled`, also those without target.
        """
        rows = self._scorable(unlabelled=unlabelled)
        n_rows = self.X.shape[0] if rows is None else rows.size
        step = -(-n_rows // most) if most else 1
        if rows is None and step > 1:
            rows = np.arange(n_rows)
        return self._some(None if rows is None else rows[::step])

    def last(self, most: int) -> ScoredRows:
        """Return the last training rows that can be scored, at most `most`."""
        rows = self._scorable()
        return self._some((np.arange(self.X.shape[0]) if rows is None else rows)[-most:])

    def _scorable(self, *, unlabelled: bool = False) -> npt.NDArray[np.int_] | None:
        """Return the training rows that can be scored; None: all rows of the table."""
        scored = self._scored
        if unlabelled:
            scored = None if self.anomalous is None else ~self.anomalous
        if self.given_weights is None:
            return None if scored is None else np.flatnonzero(scored)
        counts = self.given_weights > 0
        return np.flatnonzero(counts if scored is None else counts & scored)

    def _some(self, rows: npt.NDArray[np.int_] | None) -> ScoredRows:
        if rows is None:
            return ScoredRows(self.X, targets=self.targets)
        weights = None if self.given_weights is None else self.given_weights[rows]
        return ScoredRows(self.X, rows.astype(np.uint32), weights, self.targets)


def training_data(
    X: Table,
    sample_weight: Any,
    *,
    targets: Targets | None = None,
    anomalous: Bool | None = None,
    factors: Float64 | None = None,
    calibration: ScoredRows | None = None,
    validation: ScoredRows | None = None,
    validation_fraction: float = 0.0,
    validation_samples: int = 0,
    rng: np.random.RandomState | None = None,
) -> TrainingData:
    """Divide a table.

    Parameters
    ----------
    X : ndarray, SparseTable or MixedTable of shape (n, n_features)
    sample_weight : array-like of shape (n,) or None
    targets : Targets or None
    anomalous : ndarray of shape (n,), bool, or None
        Rows that are not to be reconstructed.
    factors : ndarray of shape (n,), float64, or None
        How much more than their weights say rows count in training, and nowhere else; 0: the row
        is absent.
    calibration : ScoredRows or None
        Rows of X of weight 0.
    validation : ScoredRows or None
        Rows to validate with; then none of X are held out.
    validation_fraction : float in [0, 1)
        Share of the rows of X to hold out, at least one if it is above 0; drawn at random from
        those that can be scored, of every class in proportion.
    validation_samples : int
        Most rows to validate with; 0: all.
    rng : RandomState
        Needed where rows are held out.

    Returns
    -------
    data : TrainingData

    Raises
    ------
    ValueError
        If the weights are negative, not finite, not one per row, or all 0, or if no row would be
        left to train on.
    """
    weights = checked_weights(sample_weight, X)
    if factors is not None and not factors.all():
        weights = np.where(factors == 0, 0.0, np.ones(X.shape[0]) if weights is None else weights)
    if validation is not None:
        spread = _spread(validation.X.shape[0], validation_samples)
        validation = ScoredRows(validation.X, spread, None, validation.targets)
    elif validation_fraction > 0:
        assert rng is not None
        whole = TrainingData(X, None, weights, X.shape[0], None, targets, anomalous)
        held = _held_out(whole, validation_fraction, rng)
        kept = held[:: -(-held.size // validation_samples)] if validation_samples else held
        held_weights = None if weights is None else weights[kept]
        validation = ScoredRows(X, kept.astype(np.uint32), held_weights, targets)
        weights = np.ones(X.shape[0]) if weights is None else weights.copy()
        weights[held] = 0.0
    normalised, n_samples = _as_the_core_takes_them(weights, factors, X.shape[0])
    return TrainingData(
        X, normalised, weights, n_samples, validation, targets, anomalous, calibration
    )


def _as_the_core_takes_them(
    weights: Float64 | None, factors: Float64 | None, n_rows: int
) -> tuple[Float32 | None, int]:
    """Return weights of mean 1 over the rows that count, and how many these are."""
    if factors is not None:
        weights = factors if weights is None else weights * factors
    if weights is None:
        return None, n_rows
    n_samples = int(np.count_nonzero(weights))
    return (weights * (n_samples / weights.sum())).astype(np.float32), n_samples


def _held_out(
    data: TrainingData, fraction: float, rng: np.random.RandomState
) -> npt.NDArray[np.int_]:
    """Return rows to validate with, in order."""
    present = data._scorable()
    if present is None:
        present = np.arange(data.X.shape[0])
    n_held = max(1, round(fraction * present.size))
    if n_held >= present.size:
        msg = (
            f"validation_fraction={fraction} of {present.size} rows leaves none to train on: give "
            "more rows, or X_val."
        )
        raise ValueError(msg)
    classes = None if data.targets is None else data.targets.classes
    if classes is None:
        return np.sort(rng.permutation(present)[:n_held])
    counts = np.unique(classes[present], return_counts=True)[1]
    divisible = counts.min() > 1 and counts.size <= min(n_held, present.size - n_held)
    from sklearn.model_selection import train_test_split  # slow to import

    held: npt.NDArray[np.int_] = train_test_split(
        present,
        test_size=n_held,
        stratify=classes[present] if divisible else None,
        random_state=rng,
    )[1]
    return np.sort(held)


def _spread(n_rows: int, most: int) -> Rows | None:
    """Return at most `most` evenly spaced rows (0: all)."""
    if not most or n_rows <= most:
        return None
    return np.arange(0, n_rows, -(-n_rows // most), dtype=np.uint32)
