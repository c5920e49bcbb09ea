"""Running tests of new errors against calibration errors, which `fastae.DriftMonitor` is made of.

Both take errors in the order of the stream, in batches of any size, and keep

- `statistic`, float: what the last rows say (NaN as long as that is nothing);
- `p_value`, float: the smallest false alarm rate at which there would have been an alarm by now;
- `alarm_at`, int or None: after how many rows `p_value` first was at most the false alarm rate.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import gammaln

Float64 = npt.NDArray[np.float64]

# Of the capital, the share that changes bets at each row (Vovk et al. 2021: J = 0.01).
JUMP = 0.01
# Rows are compared with each other within chunks of so many.
CHUNK = 512
# Stakes beyond it, or below its inverse, are written as multiples of a power of e.
_LARGE = 1e100


class SeenErrors:
    """Errors so far, for the places of new ones among them.

    They are kept in sorted runs, each at least twice as long as the next, so that a new row costs
    some ``log(n)`` comparisons with each of ``log(n)`` runs, and is moved ``log(n)`` times.

    Parameters
    ----------
    errors : ndarray of shape (n,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._drift_tests import SeenErrors
    >>> seen = SeenErrors(np.array([3.0, 1.0]))
    >>> seen.place(np.array([2.0, 2.0, 0.0]))  # as if one came after the other
    (array([1, 1, 4]), array([0, 1, 0]))
    >>> seen.n
    5
    """

    def __init__(self, errors: Float64) -> None:
        self.n = errors.size
        self._runs = [np.sort(errors)]

    def place(self, errors: Float64) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
        """Return how many before each are larger, and how many equal; then they count as seen.

        Parameters
        ----------
        errors : ndarray of shape (n,), float64
            A chunk: this takes n**2 comparisons.

        Returns
        -------
        larger, equal : ndarray of shape (n,), int
        """
        ordered, place = np.unique(errors, return_inverse=True)
        larger, upto = np.zeros((2, ordered.size), dtype=np.int_)
        for run in self._runs:
            larger += run.size - np.searchsorted(run, ordered, side="right")
            upto += run.size - np.searchsorted(run, ordered, side="left")
        before = np.tri(errors.size, k=-1, dtype=bool)
        own_larger = (before & (place > place[:, np.newaxis])).sum(axis=1)
        own_equal = (before & (place == place[:, np.newaxis])).sum(axis=1)
        self._add(np.sort(errors))
        return larger[place] + own_larger, (upto - larger)[place] + own_equal

    def _add(self, run: Float64) -> None:
        self.n += run.size
        while self._runs and self._runs[-1].size < 2 * run.size:
            # Stable, since that sort merges what is in order already.
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)


def bets(p: Float64) -> Float64:
    """Return by what each bet multiplies its stake.

    Each function of p has the integral 1 from 0 to 1: a fair bet. None, on large errors and on
    small ones (straight lines, which gather evidence of small shifts), and on some very large or
    very small ones (which outweigh many normal rows).

    Parameters
    ----------
    p : ndarray of shape (n,), float64
        In (0, 1].

    Returns
    -------
    factors : ndarray of shape (n, 5), float64
    """
    rest = np.maximum(1.0 - p, np.finfo(np.float64).eps)
    return np.column_stack(
        [np.ones_like(p), 1.5 - p, 0.5 + p, 0.5 / np.sqrt(p), 0.5 / np.sqrt(rest)]
    )


def reserve(n: int) -> float:
    """Return the share of the capital that is not yet staked after n rows."""
    return 1.0 / math.log2(n + 2)


class Martingale:
    """A conformal test martingale: the capital of a gambler against "nothing has changed".

    Row n has the p-value ``p = (larger + u * (equal + 1)) / n``, where so many of the n - 1 errors
    before it, calibration rows included, are larger and equal, and u is uniform on (0, 1]. As long
    as all rows are exchangeable these are independent and uniform, also with equal errors, and no
    bet on them wins on average: whatever the bets, the probability that a capital of 1 ever
    becomes c is at most 1 / c (Ville's inequality).

    The bets are those of the Simple Jumper, and two more (`bets`). It starts anew at every row with
    a share of the capital, in place of only at the first: a Simple Jumper loses while nothing
    happens, and would have to win that back first.

    Parameters
    ----------
    calibration : ndarray of shape (n,), float64
    false_alarm_rate : float
    rng : Generator
        Breaks ties.

    References
    ----------
    V. Vovk, I. Petej, I. Nouretdinov, E. Ahlberg, L. Carlsson, A. Gammerman. "Retrain or not
    Retrain: Conformal Test Martingales for Change-Point Detection." COPA 2021: algorithm 1.
    """

    def __init__(
        self, calibration: Float64, false_alarm_rate: float, rng: np.random.Generator
    ) -> None:
        self.statistic, self.p_value = 0.0, 1.0
        self.alarm_at: int | None = None
        self._level = -math.log(false_alarm_rate)
        self._seen = SeenErrors(calibration)
        self._rng = rng
        self._n = 0
        self._stakes = (0.0,) * 5
        self._log_scale = 0.0  # stakes are to be multiplied by exp(_log_scale)

    def add(self, errors: Float64) -> None:
        """Bet on some rows."""
        for start in range(0, errors.size, CHUNK):
            capital = self._bet(self._p_values(errors[start : start + CHUNK]))
            first = next((i for i, log in enumerate(capital) if log >= self._level), None)
            if self.alarm_at is None and first is not None:
                self.alarm_at = self._n + first + 1
            self._n += len(capital)
            self.statistic = capital[-1] / math.log(10)
            self.p_value = min(self.p_value, math.exp(-max(capital)))

    def _p_values(self, errors: Float64) -> Float64:
        before = self._seen.n + np.arange(errors.size)
        larger, equal = self._seen.place(errors)
        u = 1.0 - self._rng.random(errors.size)
        return np.asarray((larger + u * (equal + 1)) / (before + 1))

    def _bet(self, p: Float64) -> list[float]:
        """Return the logarithms of the capital after each row.

        Plain floats, row after row: each stake depends on the one before, and arrays of five
        numbers would be slower.
        """
        a, b, c, d, e = self._stakes
        kept, log_scale, capital = reserve(self._n), self._log_scale, []
        unit = math.exp(-log_scale)
        for n, (_, fb, fc, fd, fe) in enumerate(bets(p).tolist(), start=self._n + 1):
            left = reserve(n)
            share = (JUMP * (a + b + c + d + e) + (kept - left) * unit) / 5
            kept = left
            a = (1 - JUMP) * a + share
            b = ((1 - JUMP) * b + share) * fb
            c = ((1 - JUMP) * c + share) * fc
            d = ((1 - JUMP) * d + share) * fd
            e = ((1 - JUMP) * e + share) * fe
            total = a + b + c + d + e
            capital.append(math.log(total + kept * unit) + log_scale)
            if not 1 / _LARGE < total < _LARGE:
                a, b, c, d, e = (stake / total for stake in (a, b, c, d, e))
                log_scale += math.log(total)
                unit = math.exp(-log_scale)
        self._stakes, self._log_scale = (a, b, c, d, e), log_scale
        return capital


class KolmogorovSmirnov:
    """Two-sample tests of calibration errors with one window of rows after the other.

    Windows do not overlap. The k-th test may alarm with a probability of
    ``false_alarm_rate / (k (k + 1))``; these add up to the rate, however long the stream is and
    however tests depend on each other (by the calibration errors, which all of them see).

    Parameters
    ----------
    calibration : ndarray of shape (n,), float64
    false_alarm_rate : float
    window : int
    """

    def __init__(self, calibration: Float64, false_alarm_rate: float, window: int) -> None:
        self.statistic, self.p_value = math.nan, 1.0
        self.alarm_at: int | None = None
        self._rate = false_alarm_rate
        self._calibration = np.sort(calibration)
        self._window, self._rows = window, np.empty(0)
        self._n_tests = 0

    def add(self, errors: Float64) -> None:
        """Test each window that becomes full."""
        rows = np.concatenate([self._rows, errors])
        n_full = rows.size // self._window
        for window in rows[: n_full * self._window].reshape(n_full, self._window):
            self._test(window)
        self._rows = rows[n_full * self._window :].copy()

    def _test(self, window: Float64) -> None:
        with warnings.catch_warnings():
            # That it goes over to the asymptotic distribution.
            warnings.simplefilter("ignore", RuntimeWarning)
            result = stats.ks_2samp(window, self._calibration)
        self._n_tests += 1
        k = self._n_tests
        self.statistic = float(result.statistic)
        self.p_value = min(self.p_value, k * (k + 1) * float(result.pvalue))
        if self.alarm_at is None and self.p_value <= self._rate:
            self.alarm_at = k * self._window


def log_least_p_value(n_calibration: int, window: int) -> float:
    """Return the logarithm of the least p-value that a first test can have.

    Examples
    --------
    >>> import math
    >>> from fastae._drift_tests import log_least_p_value
    >>> round(math.exp(log_least_p_value(2, 2)), 6)  # 2 of 4 places, one side or the other
    0.333333
    """
    n, m = n_calibration, window
    ways = float(gammaln(n + m + 1) - gammaln(n + 1) - gammaln(m + 1))
    return math.log(2.0) - ways
