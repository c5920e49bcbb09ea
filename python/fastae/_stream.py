"""Scaling that follows a stream: running statistics, and weights that move along with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._scaling import robust_scaling, rounding, scaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._data import ScoredRows
    from fastae._weights import Network

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColumnStats:
    """What is known of the columns of all rows so far.

    Attributes
    ----------
    count : ndarray of shape (n_features,), float64
        Values that are not missing, or their weights added up.
    mean, minimum, maximum, variance : ndarray of shape (n_features,), float64
        The variance is the population's.
    total : float
        `count` of a column without missing values.
    """

    count: Float64
    mean: Float64
    minimum: Float64
    maximum: Float64
    variance: Float64
    total: float

    @property
    def has_missing(self) -> bool:
        """Whether a value is missing."""
        return bool((self.count < self.total).any())

    @property
    def known_share(self) -> float:
        """The share of values that are not missing."""
        return float(self.count.mean() / self.total)

    @property
    def columns(self) -> tuple[Float64, Float64, Float64, Float64]:
        """Mean, minimum, maximum and variance."""
        return self.mean, self.minimum, self.maximum, self.variance

    def of(self, columns: npt.NDArray[np.intp] | None) -> ColumnStats:
        """Return the statistics of some columns; None: of all."""
        if columns is None:
            return self
        return ColumnStats(
            self.count[columns],
            self.mean[columns],
            self.minimum[columns],
            self.maximum[columns],
            self.variance[columns],
            self.total,
        )

    @classmethod
    def nothing(cls, total: float) -> ColumnStats:
        """Return the statistics of rows without numbers."""
        none = np.zeros(0)
        return cls(none, none, none, none, none, total)

    def merged(self, more: ColumnStats) -> ColumnStats:
        """Return the statistics of the rows of both.

        Means and variances after Chan, Golub & LeVeque, "Algorithms for Computing the Sample
        Variance", The American Statistician 37, 1983.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae._stream import ColumnStats
        >>> one = ColumnStats(*(np.array([v]) for v in (1.0, 2.0, 2.0, 2.0, 0.0)), total=1.0)
        >>> two = ColumnStats(*(np.array([v]) for v in (1.0, 6.0, 6.0, 6.0, 0.0)), total=1.0)
        >>> [float(column[0]) for column in one.merged(two).columns]
        [4.0, 2.0, 6.0, 4.0]
        """
        count = self.count + more.count
        share = more.count / np.where(count > 0, count, 1.0)
        gap = more.mean - self.mean
        with np.errstate(over="ignore", invalid="ignore"):  # `scaling` reports what is too wide
            variance = (1 - share) * self.variance + share * more.variance
            variance += share * (1 - share) * gap**2
        is_new, is_known = self.count == 0, more.count > 0
        minimum = np.where(is_new, more.minimum, np.minimum(self.minimum, more.minimum))
        maximum = np.where(is_new, more.maximum, np.maximum(self.maximum, more.maximum))
        return ColumnStats(
            count,
            self.mean + gap * share,
            np.where(is_known, minimum, self.minimum),
            np.where(is_known, maximum, self.maximum),
            variance,
            self.total + more.total,
        )

    def scaling(
        self,
        kind: str,
        dtype: np.dtype[Any],
        *,
        columns: npt.NDArray[np.intp] | None = None,
        sample: ScoredRows | None = None,
    ) -> tuple[Float64, Float64]:
        """Return shift and scale of the columns, as `fastae._scaling.scaling` does.

        A column of which no value is known has scale 0: whatever stands there is the same.
        "robust" needs a sample of the rows.
        """
        shift, scale = scaling(kind, self.columns, dtype, columns=columns)
        if kind == "robust":
            assert sample is not None
            value_range = self.maximum - self.minimum
            median, robust = robust_scaling(sample.X, sample.rows, sample.weights, value_range)
            varies = value_range > rounding(self.minimum, self.maximum, dtype)
            shift, scale = np.where(varies, median, shift), np.where(varies, robust, scale)
        return shift, np.where(self.count > 0, scale, 0.0)


def rescale(
    network: Network,
    activations: Sequence[str],
    old: tuple[Float64, Float64],
    new: tuple[Float64, Float64],
    outputs: tuple[tuple[Float64, Float64], tuple[Float64, Float64]] | None = None,
) -> None:
    """Change weights so that the network, under a new scaling, computes what it did before.

    Parameters
    ----------
    network : Network
        Changed in place.
    activations : sequence of str
        One per layer.
    old, new : (shift, scale), ndarrays of shape (n_features,), float64
        The network saw ``(x - shift) * scale``.
    outputs : (old, new), (shift, scale) each, or None
        The same of its outputs; None: they are the inputs again.

    Notes
    -----
    With x' = (x - s) c before and x'' = (x - t) e now, x' = x'' c / e + (t - s) c: the first
    layer's weights take the factor, its biases the shift. The outputs go the other way,
    r'' = r' e / c + (s - t) e; a last layer with an activation cannot, and keeps its weights: what
    it says is then in the new units.
    """
    if not _same(old, new):
        n_inputs = len(network.coefs[0])
        (shift, scale), (new_shift, new_scale) = _widened(old, n_inputs), _widened(new, n_inputs)
        W, b = (np.asarray(array, dtype=np.float64) for array in _layer(network, 0))
        offset = (new_shift - shift) * scale
        _write(network, 0, W * _ratio(scale, new_scale)[:, np.newaxis], b + offset @ W)
    old, new = (old, new) if outputs is None else outputs
    if activations[-1] == "identity" and not _same(old, new):
        n_outputs = len(network.intercepts[-1])
        (shift, scale), (new_shift, new_scale) = _widened(old, n_outputs), _widened(new, n_outputs)
        last = len(network.coefs) - 1
        W, b = (np.asarray(array, dtype=np.float64) for array in _layer(network, last))
        factor = _ratio(new_scale, scale)
        _write(network, last, W * factor, b * factor + (shift - new_shift) * new_scale)


def _widened(scaling: tuple[Float64, Float64], n_units: int) -> tuple[Float64, Float64]:
    """Return the scaling of all units: those after the numbers have none."""
    shift, scale = scaling
    more = n_units - shift.size
    return np.append(shift, np.zeros(more)), np.append(scale, np.ones(more))


def _ratio(one: Float64, other: Float64) -> Float64:
    """Return the quotients, 1 for columns of which nothing is known."""
    return np.divide(one, other, out=np.ones_like(one), where=other != 0)


def _same(one: tuple[Float64, Float64], other: tuple[Float64, Float64]) -> bool:
    return all(map(np.array_equal, one, other))


def _layer(network: Network, layer: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    return network.coefs[layer], network.intercepts[layer]


def _write(network: Network, layer: int, W: Float64, b: Float64) -> None:
    network.coefs[layer][...] = W
    network.intercepts[layer][...] = b
