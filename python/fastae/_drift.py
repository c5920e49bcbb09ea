"""Drift: whether the rows of a stream still are what the network was calibrated with."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastae._checks import SHARE, check_number, fail
from fastae._drift_checks import (
    MIN_CALIBRATION,
    calibration_errors,
    checked_errors,
    checked_window,
    errors_of,
    fingerprint,
)
from fastae._drift_tests import KolmogorovSmirnov, Martingale
from fastae._scan import Scan
from fastae._table import Table

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DriftState:
    """What a `DriftMonitor` says after some rows.

    Attributes
    ----------
    n_seen : int
        Rows of the stream so far.
    statistic : float
        With "martingale" the decimal logarithm of the capital, about 0 or below as long as nothing
        changes; with "ks" the distance of the last full window from the calibration errors, in
        [0, 1], or NaN before the first one.
    p_value : float
        The smallest `false_alarm_rate` at which there would have been an alarm by now. It never
        grows.
    alarm : bool
        Whether there has been one.
    alarm_at : int or None
        After how many rows of the stream.
    """

    n_seen: int
    statistic: float
    p_value: float
    alarm: bool
    alarm_at: int | None


class DriftMonitor:
    """Compares the errors of a stream with calibration errors: an alarm when they differ.

    It tests whether calibration rows and stream are exchangeable: as if all had been drawn
    independently from one distribution, whatever that is. If they are, the probability of an alarm,
    ever, is at most `false_alarm_rate`, over all draws of calibration rows and streams. Errors that
    become smaller count as well as those that become larger; changes of the rows that leave their
    errors as they were cannot be seen.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted; its errors are ``-estimator.score_samples(X)``. With `calibration`, any estimator or
        pipeline with that method.
    calibration : array-like of shape (n, n_features), default=None
        20 normal rows or more that were not trained on; some hundreds show small shifts too. None:
        those that the estimator holds by `calibration_fraction` or `calibrate`. Training rows do
        not do: their errors are smaller than those of new rows.
    method : {"martingale", "ks"}, default="martingale"
        "martingale": the capital of a gambler who bets on the conformal p-value of each row [1]_,
        that is, on its error's rank among all errors before it. It sees single rows at once, and
        rows far out sooner than a test of means. It keeps all errors, 8 bytes per row.
        "ks": a Kolmogorov-Smirnov test of each `window` rows with the calibration errors, the
        k-th at a level of ``false_alarm_rate / (k * (k + 1))``. It keeps one window.
    false_alarm_rate : float in (0, 1), default=0.01
        With "martingale" the alarm comes when the capital is ``1 / false_alarm_rate`` times what it
        was (Ville's inequality).
    window : int >= 2, default=None
        For "ks": rows per test; None: 200.
    random_state : int, RandomState or None, default=None
        For "martingale": breaks ties. An int makes it repeatable.

    Attributes
    ----------
    state_ : DriftState
        What `update` returned last.
    alarm_ : bool
        Whether there has been an alarm. It stays until `reset`.
    alarm_at_ : int or None
        After how many rows of the stream.
    n_seen_ : int
        Rows of the stream so far.
    n_calibration_ : int
    history_ : Table
        One row per update (and per batch of a scan): "n_seen", "statistic", "p_value", "alarm";
        ``history_.to_pandas().plot("n_seen", "statistic")`` draws it.

    Raises
    ------
    ValueError
        If a parameter is out of its range or belongs to the other method, if there are no
        calibration errors or too few, or if `window` is so short that no rows could raise an alarm.
    TypeError
        If the estimator has no `score_samples`.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Notes
    -----
    An alarm says that errors have changed, not why: anomalies may have become more frequent, or
    normal rows different. Then look at `explain`; and train or calibrate anew. Rows that depend on
    the ones before them (a slow sensor, a season) are not exchangeable even if nothing is wrong.

    Which rows come in one call makes no difference to anything but `history_`. Monitors can be
    pickled and copied.

    References
    ----------
    .. [1] V. Vovk, I. Petej, I. Nouretdinov, E. Ahlberg, L. Carlsson, A. Gammerman. "Retrain or
       not Retrain: Conformal Test Martingales for Change-Point Detection." COPA 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae import Autoencoder, DriftMonitor
    >>> rng = np.random.default_rng(0)
    >>> model = Autoencoder(calibration_fraction=0.3, random_state=0)
    >>> model = model.fit(rng.normal(size=(1000, 4)))
    >>> monitor = DriftMonitor(model, random_state=0)
    >>> monitor.update(rng.normal(size=(500, 4))).alarm
    False
    >>> monitor.update(1.5 * rng.normal(size=(500, 4))).alarm
    True
    >>> 500 < monitor.alarm_at_ < 600
    True
    >>> monitor.history_["n_seen"].tolist()
    [500, 1000]
    """

    alarm_: bool
    alarm_at_: int | None
    n_seen_: int

    def __init__(
        self,
        estimator: Any,
        calibration: Any = None,
        *,
        method: Literal["martingale", "ks"] = "martingale",
        false_alarm_rate: float = 0.01,
        window: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        if not hasattr(estimator, "score_samples"):
            msg = (
                "estimator must be a fitted Autoencoder or another estimator with score_samples, "
                f"got a {type(estimator).__name__}; for errors alone there is from_errors."
            )
            raise TypeError(msg)
        check_is_fitted(estimator)
        errors = calibration_errors(estimator, calibration)
        self._set(errors, estimator, method, false_alarm_rate, window, random_state)

    @classmethod
    def from_errors(
        cls,
        calibration_errors: npt.ArrayLike,
        *,
        method: Literal["martingale", "ks"] = "martingale",
        false_alarm_rate: float = 0.01,
        window: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Self:
        """Return a monitor of errors, or of any other number per row, for `update_errors`.

        Parameters
        ----------
        calibration_errors : array-like of shape (n,)
            Of 20 rows or more that were not trained on.
        method, false_alarm_rate, window, random_state
            As in the class.

        Returns
        -------
        monitor : DriftMonitor
            Without an estimator.

        Raises
        ------
        ValueError
            As in the class, or if errors are not finite numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import DriftMonitor
        >>> errors = np.random.default_rng(0).exponential(size=500)
        >>> monitor = DriftMonitor.from_errors(errors[:300], method="ks", window=100)
        >>> monitor.update_errors(errors[300:]).alarm, monitor.update_errors(errors / 2).alarm
        (False, True)
        """
        monitor = cls.__new__(cls)
        errors = checked_errors("calibration_errors", calibration_errors)
        monitor._set(errors, None, method, false_alarm_rate, window, random_state)
        return monitor

    def _set(
        self,
        errors: Float64,
        estimator: Any,
        method: Any,
        false_alarm_rate: Any,
        window: Any,
        random_state: Any,
    ) -> None:
        if not (isinstance(method, str) and method in ("martingale", "ks")):
            fail("method", "'martingale' or 'ks'", method)
        check_number("false_alarm_rate", false_alarm_rate, SHARE)
        if errors.size < MIN_CALIBRATION:
            msg = (
                f"{errors.size} calibration rows are too few to tell a shift from chance: give "
                f"{MIN_CALIBRATION} or more."
            )
            raise ValueError(msg)
        if method == "ks":
            window = checked_window(window, errors.size, false_alarm_rate)
        elif window is not None:
            msg = f"window is for method='ks', got {window!r} with method='martingale'."
            raise ValueError(msg)
        if method == "ks" and random_state is not None:
            msg = f"random_state is for method='martingale', got {random_state!r} with method='ks'."
            raise ValueError(msg)
        self.estimator, self.method = estimator, method
        self.false_alarm_rate, self.window = float(false_alarm_rate), window
        self.n_calibration_ = errors.size
        self._calibration, self._trained = errors, fingerprint(estimator)
        self._seed = int(check_random_state(random_state).randint(2**31))
        self.reset()

    def reset(self) -> Self:
        """Forget the stream: as it was when it was made, with the same calibration errors.

        Returns
        -------
        self : DriftMonitor

        Examples
        --------
        >>> from fastae import DriftMonitor
        >>> monitor = DriftMonitor.from_errors(range(100), random_state=0)
        >>> monitor.update_errors([1000.0] * 100).alarm, monitor.reset().alarm_
        (True, False)
        """
        errors, rate = self._calibration, self.false_alarm_rate
        self._test: Martingale | KolmogorovSmirnov
        if self.window is None:
            self._test = Martingale(errors, rate, np.random.default_rng(self._seed))
        else:
            self._test = KolmogorovSmirnov(errors, rate, self.window)
        self.n_seen_ = 0
        self._columns = {name: array("d") for name in ("n_seen", "statistic", "p_value")}
        self._show()
        return self

    def update(self, X: Any) -> DriftState:
        """Go on with the next rows of the stream.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or Scan
            In the order of the stream; what the estimator's `score_samples` takes. A scan is read
            batch by batch.

        Returns
        -------
        state : DriftState
            After these rows.

        Raises
        ------
        ValueError
            If the table is wrong as in `score_samples`, the estimator was trained since the
            monitor was made, or there is none. Batches of a scan before the one that is wrong
            count.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder, DriftMonitor, scan
        >>> X = np.random.default_rng(0).normal(size=(900, 4))
        >>> model = Autoencoder(random_state=0).fit(X[:300])
        >>> monitor = DriftMonitor(model, X[300:600], random_state=0)
        >>> state = monitor.update(scan(X[600:], batch_size=100))
        >>> state.n_seen, state.alarm, monitor.history_.n_rows
        (300, False, 3)
        """
        if self.estimator is None:
            msg = "This monitor was made from errors: give it errors, by update_errors."
            raise ValueError(msg)
        if fingerprint(self.estimator) != self._trained:
            msg = (
                "The estimator was trained since this monitor was made, and its errors cannot be "
                "compared with those before: calibrate it, and make a new monitor."
            )
            raise ValueError(msg)
        if not isinstance(X, Scan):
            return self._add(errors_of(self.estimator, X))
        n_before = self.n_seen_
        with X.batches() as reader:
            for batch in reader:
                if batch.shape[0]:
                    self._add(errors_of(self.estimator, batch))
        if self.n_seen_ == n_before:
            msg = "The scan has no rows."
            raise ValueError(msg)
        return self.state_

    def update_errors(self, errors: npt.ArrayLike) -> DriftState:
        """Go on with the errors of the next rows, where these are at hand.

        Parameters
        ----------
        errors : array-like of shape (n,)
            ``-estimator.score_samples(X)``. None at all change nothing.

        Returns
        -------
        state : DriftState
            After these rows.

        Raises
        ------
        ValueError
            If they are not one finite number per row.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import DriftMonitor
        >>> errors = np.random.default_rng(0).exponential(size=400)
        >>> monitor = DriftMonitor.from_errors(errors[:200], random_state=0)
        >>> monitor.update_errors(errors[200:]).n_seen
        200
        """
        return self._add(checked_errors("errors", errors))

    def _add(self, errors: Float64) -> DriftState:
        if errors.size:
            self._test.add(errors)
            self.n_seen_ += errors.size
            self._show()
            for name, values in self._columns.items():
                values.append(getattr(self.state_, name))
        return self.state_

    def _show(self) -> None:
        test = self._test
        self.alarm_at_, self.alarm_ = test.alarm_at, test.alarm_at is not None
        self.state_ = DriftState(
            self.n_seen_, test.statistic, test.p_value, self.alarm_, self.alarm_at_
        )

    @property
    def history_(self) -> Table:
        """One row per update."""
        columns = {name: np.array(values) for name, values in self._columns.items()}
        n_seen = columns.pop("n_seen").astype(np.int64)
        at = np.inf if self.alarm_at_ is None else self.alarm_at_
        return Table({"n_seen": n_seen, **columns, "alarm": n_seen >= at}, title="Drift")

    def __repr__(self) -> str:
        alarm = f"alarm after row {self.alarm_at_:,}" if self.alarm_ else "no alarm"
        return f"<{type(self).__name__} ({self.method}): {self.n_seen_:,} rows, {alarm}>"
