"""When to stop training, and which weights were the best on the way there."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae._weights import aligned_zeros

if TYPE_CHECKING:
    from collections.abc import Iterable

Float32 = npt.NDArray[np.float32]


class MovingAverageStop:
    """Stop once the moving average of an error has ceased to fall, as H2O does it.

    Let k = `rounds`. Of the last 2k errors all k + 1 means of k successive ones are taken, MA_0
    the oldest. Training has converged if the least of MA_1, ..., MA_k is not below
    (1 - `tolerance`) MA_0, or if MA_0 is 0. The first error of all, the untrained network's, is
    never among them: at least 2k + 1 errors are needed. NaN among the last 2k means "go on".

    Parameters
    ----------
    rounds : int
        Errors per mean; 0 never stops.
    tolerance : float in [0, 1)
        The relative improvement below which training has converged.
    values : iterable of float
        The errors of a run to be continued, `values` of its MovingAverageStop.

    Raises
    ------
    ValueError
        If `rounds` or `tolerance` is out of range.

    Examples
    --------
    >>> from fastae._stopping import MovingAverageStop
    >>> stop = MovingAverageStop(rounds=1, tolerance=0.1)
    >>> [stop.add(mse) for mse in (1.0, 0.5, 0.4, 0.38)]
    [False, False, False, True]
    """

    def __init__(self, rounds: int, tolerance: float, values: Iterable[float] = ()) -> None:
        _check(rounds, tolerance)
        self.rounds = int(rounds)
        self.tolerance = float(tolerance)
        self._values = [float(value) for value in values]

    @property
    def values(self) -> list[float]:
        """A copy of all errors so far, oldest first: what a checkpoint has to keep."""
        return self._values.copy()

    def add(self, metric: float) -> bool:
        """Note the error of one more scoring event.

        Parameters
        ----------
        metric : float
            An error >= 0, less is better; of the untrained network in the first call.

        Returns
        -------
        stop : bool
            True if training has converged.
        """
        self._values.append(float(metric))
        return self.converged

    @property
    def converged(self) -> bool:
        """Whether the errors so far say that training should stop."""
        if self.rounds == 0 or len(self._values) <= 2 * self.rounds:
            return False
        means = _moving_average(self._values[-2 * self.rounds :], self.rounds)
        if np.isnan(means).any():
            return False
        oldest, best = float(means[0]), float(means[1:].min())
        if oldest == 0.0:
            return True
        # inf / inf is NaN and compares false: a run that has yet to become finite goes on.
        return best / oldest >= 1.0 - self.tolerance


def _check(rounds: Any, tolerance: Any) -> None:
    if isinstance(rounds, bool) or not isinstance(rounds, Integral) or rounds < 0:
        msg = f"rounds must be a whole number >= 0, got {rounds!r}."
        raise ValueError(msg)
    if not isinstance(tolerance, Real) or not 0.0 <= float(tolerance) < 1.0:
        msg = f"tolerance must be a number in [0, 1), got {tolerance!r}."
        raise ValueError(msg)


def _moving_average(values: list[float], k: int) -> npt.NDArray[np.float64]:
    """Return the means of all k successive values."""
    array = np.array(values)
    n_means = array.size - k + 1
    # Each sum afresh and from the oldest value on, as H2O adds: a running sum would drift, and
    # with tolerance 0 the last bit of a mean decides when a plateau begins.
    total = np.zeros(n_means)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(k):
            total += array[start : start + n_means]
    return total / k


class BestWeights:
    """A copy of the weights with the least error so far.

    A new object to which a saved `metric` and `params` are offered is in the state of the one that
    they come from.

    Parameters
    ----------
    n_params : int
        Length of the weights' buffer; the copy's memory is allocated here, once.

    Attributes
    ----------
    metric : float
        The least error offered so far; inf before that.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._stopping import BestWeights
    >>> best = BestWeights(2)
    >>> weights = np.array([1.0, 2.0], dtype=np.float32)
    >>> best.offer(0.5, weights)
    True
    >>> weights[:] = 7.0
    >>> best.offer(0.6, weights), best.metric, best.params.tolist()
    (False, 0.5, [1.0, 2.0])
    """

    def __init__(self, n_params: int) -> None:
        self.metric = math.inf
        self._params = aligned_zeros((n_params,))

    @property
    def kept(self) -> bool:
        """Whether there are any weights to go back to."""
        return self.metric < math.inf

    @property
    def params(self) -> Float32:
        """The best weights, ndarray of shape (n_params,), float32: a read-only view.

        Raises
        ------
        ValueError
            If no weights have been kept.
        """
        if not self.kept:
            msg = "No weights are kept: offer some with an error below infinity first."
            raise ValueError(msg)
        view = self._params.view()
        view.flags.writeable = False
        return view

    def offer(self, metric: float, params: Float32) -> bool:
        """Keep a copy of the weights if their error is less than any before.

        Parameters
        ----------
        metric : float
            Their error. NaN is never better, and neither is an equal one.
        params : ndarray of shape (n_params,), float32

        Returns
        -------
        kept : bool

        Raises
        ------
        ValueError
            If `params` is not float32 or has another shape.
        """
        self._check(params, "params")
        metric = float(metric)
        if not metric < self.metric:
            return False
        self._params[...] = params
        self.metric = metric
        return True

    def restore(self, into: Float32) -> None:
        """Write the best weights into a buffer.

        Parameters
        ----------
        into : ndarray of shape (n_params,), float32

        Raises
        ------
        ValueError
            If no weights have been kept, or `into` is not float32 or has another shape.
        """
        self._check(into, "into")
        into[...] = self.params

    def _check(self, array: Float32, name: str) -> None:
        if array.shape != self._params.shape or array.dtype != np.float32:
            msg = (
                f"{name} must have shape {self._params.shape} and dtype float32, "
                f"got {array.shape} and {array.dtype}."
            )
            raise ValueError(msg)
