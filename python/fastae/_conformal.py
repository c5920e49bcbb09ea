"""Decisions on rows: thresholds after `fit`, p-values, and a bound on false discoveries."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples, check_is_fitted

from fastae._checks import SHARE, check_number
from fastae._input import check_marks, checked_weights
from fastae._rules import Rule, rule_of
from fastae._scoring import ScoringMixin
from fastae._threshold import n_rows

Float64 = npt.NDArray[np.float64]
# Errors, and how many rows each stands for.
Errors = tuple[Float64, Float64]


class ConformalMixin(ScoringMixin):
    """What a fitted autoencoder decides by the errors of rows that it has kept."""

    calibration_fraction: float
    checkpoint: Any
    random_state: int | np.random.RandomState | None
    warm_start: bool

    # Of up to 10,000 training rows; not there where weights were taken over.
    _errors: Errors
    # Of rows that were not trained on.
    _calibration: Errors | None = None

    def set_threshold(
        self,
        value: float | None = None,
        *,
        contamination: float | Literal["auto"] | None = None,
        quantile: float | None = None,
        false_positive_rate: float | None = None,
        method: Literal["mad", "evt"] | None = None,
        n_deviations: float | None = None,
    ) -> Self:
        """Move the threshold, without training or any table: by the errors that `fit` has kept.

        These are the errors of the calibration rows if there are any (`calibration_fraction`,
        `calibrate`), else those of up to 10,000 evenly spaced training rows. `predict`,
        `decision_function` and `offset_` follow, until the next `fit` or `partial_fit`, which go
        by the parameters `threshold` and `contamination`. Give one of:

        Parameters
        ----------
        value : float >= 0, default=None
            The largest error that still counts as normal: minus what `score_samples` returns.
        contamination : "auto" or float in (0, 0.5], default=None
            Share of these rows to call odd, or the rule that the parameter's "auto" stands for.
        quantile : float in (0, 1), default=None
            Quantile of their errors.
        false_positive_rate : float in (0, 1), default=None
            The probability with which a new row like the calibration rows may be called odd: that
            of ``p_values(X) <= false_positive_rate``. Of the training rows, whose errors are
            smaller than those of new rows, it is only what their share was: a warning says so.
        method : {"mad", "evt"}, default=None
            "mad": so many (`n_deviations`) robust standard deviations above the median of the
            logarithms of errors [1]_. "evt": the `false_positive_rate` by a generalised Pareto
            distribution, fitted to the largest tenth of errors [2]_, [3]_: an estimate, for
            rates up to 5 times finer than one row in all, where the realised one may be three
            times as high.
        n_deviations : float > 0, default=None
            For "mad"; None: 3.5.

        Returns
        -------
        self : Autoencoder

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If it is none of these or out of range, or if a rate is finer than the number of errors
            supports.

        Notes
        -----
        With "evt" and without `false_positive_rate` the rate is 0.001.

        References
        ----------
        .. [1] B. Iglewicz, D. C. Hoaglin. "How to Detect and Handle Outliers." ASQC 1993.
        .. [2] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet. "Anomaly Detection in Streams with
           Extreme Value Theory." KDD 2017.
        .. [3] J. R. M. Hosking, J. R. Wallis. "Parameter and Quantile Estimation for the
           Generalized Pareto Distribution." Technometrics 29, 1987.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(1000, 4))
        >>> model = Autoencoder(calibration_fraction=0.2, random_state=0).fit(X)
        >>> model.set_threshold(0.5).offset_
        -0.5
        >>> n_odd = (model.set_threshold(false_positive_rate=0.05).predict(X) == -1).sum()
        >>> bool(10 < n_odd < 90)
        True
        """
        check_is_fitted(self)
        rule = rule_of(
            value, contamination=contamination, quantile=quantile,
            false_positive_rate=false_positive_rate, method=method, n_deviations=n_deviations,
        )  # fmt: skip
        if rule.method == "value":
            self.offset_ = -float(rule.level)
            return self
        errors, weights = self._kept_errors()
        kind = "training" if self._calibration is None else "calibration"
        offset = -rule.threshold(errors, weights, kind)
        if self._calibration is None:
            warn_of_promise(rule, stacklevel=3)
        self.offset_ = offset
        return self

    def _kept_errors(self) -> Errors:
        if self._calibration is not None:
            return self._calibration
        if not hasattr(self, "_errors"):
            msg = (
                "There are no errors to find a threshold by, since the weights were taken over: "
                "call calibrate(X) first, or give a value."
            )
            raise ValueError(msg)
        return self._errors

    def calibrate(self, X: Any) -> Self:
        """Keep the errors of rows that the network was not trained on.

        `p_values`, `detect` and `set_threshold` go by them; the threshold stays until
        `set_threshold`. They take the place of those that `fit` held out
        (`calibration_fraction`).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Normal rows, of the same origin as those to be judged, and not among the rows of
            `fit`, `X_val` included. Anomalies among them make p-values larger than they need be.

        Returns
        -------
        self : Autoencoder

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(300, 4))
        >>> model = Autoencoder(random_state=0).fit(X[:200]).calibrate(X[200:])
        >>> model.p_values([[9.0, -9.0, 9.0, -9.0]]).round(4)
        array([0.0099])
        """
        errors = -self.score_samples(X)
        self._calibration = errors, np.ones(errors.size)
        return self

    def p_values(self, X: Any, *, calibration: Any = None) -> Float64:
        """Return how probable it is that a normal row would look as odd as each row does.

        Split-conformal p-values [1]_, [2]_: ``(1 + n_odder) / (n + 1)``, where `n_odder` of the n
        calibration rows have an error at least as large. If a row and the calibration rows are
        exchangeable (as they are when all were drawn independently from one distribution, whatever
        that is and however good the network), then its p-value is at most a with a probability
        of at most a, for every a. Nothing is promised where normality has changed since, nor for
        rows that the network was trained on. Over all draws of calibration rows, that is: for the
        given ones the rate is off by about ``sqrt(a / n)``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        calibration : array-like of shape (n, n_features), default=None
            Rows as `calibrate` takes them; None: those of `calibrate`, or those that `fit` held
            out (`calibration_fraction`).

        Returns
        -------
        p : ndarray of shape (n_samples,), float64
            In [1 / (n + 1), 1]. Equal errors count as odder, so that p-values of tables with equal
            rows are rather too large.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If there are no calibration rows, or a table is wrong as in `transform`.

        Notes
        -----
        With `sample_weight`, calibration rows that `fit` held out count in proportion to it, all
        together as many as they are: weights make no evidence. The promise is then about rows
        that are drawn in the same proportions, and approximate.

        References
        ----------
        .. [1] V. Vovk, A. Gammerman, G. Shafer. "Algorithmic Learning in a Random World." Springer
           2005.
        .. [2] S. Bates, E. Candès, L. Lei, Y. Romano, M. Sesia. "Testing for Outliers with
           Conformal p-values." Annals of Statistics 51, 2023.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(1000, 4))
        >>> model = Autoencoder(calibration_fraction=0.5, random_state=0).fit(X)
        >>> p = model.p_values(rng.normal(size=(1000, 4)))
        >>> bool(0.05 < (p <= 0.1).mean() < 0.15)
        True
        """
        check_is_fitted(self)
        errors, weights = self._calibration_errors("p_values", calibration)
        return conformal_p_values(-self.score_samples(X), errors, weights)

    def detect(self, X: Any, fdr: float = 0.05, *, calibration: Any = None) -> npt.NDArray[np.int_]:
        """Tell odd rows from normal ones such that few of those called odd are normal.

        Benjamini and Hochberg's procedure [1]_ on `p_values`: of the rows of X called odd, a
        share of at most `fdr` is normal on average, if the normal ones are exchangeable with the
        calibration rows [2]_. The rows of X are judged together: a row's label depends on the
        others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        fdr : float in (0, 1), default=0.05
            The false discovery rate.
        calibration : array-like of shape (n, n_features), default=None
            As in `p_values`. A single row among m can be called odd only if
            ``n + 1 >= m / fdr``, k of them if ``n + 1 >= m / (k * fdr)``.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            -1 for odd rows, 1 for normal ones.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            As in `p_values`, or if `fdr` is below 1 / (n + 1), where no row could ever be odd.

        References
        ----------
        .. [1] Y. Benjamini, Y. Hochberg. "Controlling the False Discovery Rate." Journal of the
           Royal Statistical Society B 57, 1995.
        .. [2] S. Bates, E. Candès, L. Lei, Y. Romano, M. Sesia. "Testing for Outliers with
           Conformal p-values." Annals of Statistics 51, 2023: theorem 2.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(1000, 4))
        >>> model = Autoencoder(calibration_fraction=0.5, random_state=0).fit(X)
        >>> model.detect([[0.0, 0.0, 0.0, 0.0], [9.0, -9.0, 9.0, -9.0]], fdr=0.1)
        array([ 1, -1])
        """
        check_is_fitted(self)
        check_number("fdr", fdr, SHARE)
        errors, weights = self._calibration_errors("detect", calibration)
        n = n_rows(errors, weights)
        if fdr < 1 / (n + 1) * (1 - 1e-9):
            msg = (
                f"fdr={fdr:g} is finer than {n:,.0f} calibration rows support: at least "
                f"{1 / (n + 1):.6g}, whatever the rows."
            )
            raise ValueError(msg)
        p = conformal_p_values(-self.score_samples(X), errors, weights)
        return np.where(discoveries(p, float(fdr)), -1, 1)

    def _calibration_errors(self, method: str, calibration: Any) -> Errors:
        if calibration is not None:
            errors = -self.score_samples(calibration)
            return errors, np.ones(errors.size)
        if self._calibration is None:
            msg = (
                f"{method} needs rows that the network was not trained on: set "
                "calibration_fraction before fit, call calibrate(X), or give calibration=X."
            )
            raise ValueError(msg)
        return self._calibration

    def _held_out(
        self, X: Any, sample_weight: Any, anomalous: Any
    ) -> tuple[Any, npt.NDArray[np.uint32] | None, Float64 | None]:
        """Draw the calibration rows.

        Returns
        -------
        sample_weight : as given, or ndarray of shape (n,), float64
            0 for these rows.
        rows : ndarray of shape (n_held,), uint32, or None
            In order; None: there are none.
        weights : ndarray of shape (n_held,), float64, or None
            Of them, as given.
        """
        fraction = float(self.calibration_fraction)
        if not fraction:
            return sample_weight, None, None
        if self.random_state is None and (self.warm_start or self.checkpoint is not None):
            msg = (
                "calibration_fraction with warm_start or checkpoint needs random_state, an int: "
                "training that goes on must leave out the same rows."
            )
            raise ValueError(msg)
        weights = checked_weights(sample_weight, X)
        n = _num_samples(X)
        present = np.ones(n, dtype=bool) if weights is None else weights > 0
        if anomalous is not None:
            present &= ~check_marks(anomalous, n)
        rows = np.flatnonzero(present)
        n_held = max(1, round(fraction * rows.size))
        if n_held >= rows.size:
            msg = (
                f"calibration_fraction={fraction} of {rows.size} rows leaves none to train on: "
                "give more rows, or calibrate with others after fit."
            )
            raise ValueError(msg)
        held = np.sort(check_random_state(self.random_state).permutation(rows)[:n_held])
        left = np.ones(n) if weights is None else weights.copy()
        left[held] = 0.0
        return left, held.astype(np.uint32), None if weights is None else weights[held]


def conformal_p_values(errors: Float64, calibration: Float64, weights: Float64) -> Float64:
    """Return the p-values of errors.

    Parameters
    ----------
    errors : ndarray of shape (n,), float64
    calibration : ndarray of shape (n_calibration,), float64
    weights : ndarray of shape (n_calibration,), float64
        How many rows each stands for, as in `fastae._threshold.quantiles`.

    Returns
    -------
    p : ndarray of shape (n,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._conformal import conformal_p_values
    >>> conformal_p_values(np.array([0.0, 2.0, 9.0]), np.array([1.0, 2.0, 3.0]), np.ones(3))
    array([1.  , 0.75, 0.25])
    """
    order = np.argsort(calibration, kind="stable")
    total = n_rows(calibration, weights)
    counts = weights[order] * (total / weights.sum())
    # at_least[i]: rows from the i-th on, in ascending order.
    at_least = np.append(np.cumsum(counts[::-1])[::-1], 0.0)
    odder = at_least[np.searchsorted(calibration[order], errors, side="left")]
    return np.asarray((1.0 + odder) / (1.0 + total))


def discoveries(p: Float64, fdr: float) -> npt.NDArray[np.bool_]:
    """Return which p-values Benjamini and Hochberg's procedure rejects.

    Parameters
    ----------
    p : ndarray of shape (n,), float64
    fdr : float

    Returns
    -------
    rejected : ndarray of shape (n,), bool

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._conformal import discoveries
    >>> discoveries(np.array([0.01, 0.5, 0.06, 0.04]), 0.1)
    array([ True, False,  True,  True])
    """
    ordered = np.sort(p)
    below = np.flatnonzero(ordered <= fdr * np.arange(1, p.size + 1) / p.size * (1 + 1e-12))
    return p <= (ordered[below[-1]] if below.size else -1.0)


def warn_of_promise(rule: Rule, stacklevel: int) -> None:
    """Warn if a rate is to be promised by the errors of training rows."""
    if rule.promises:
        warnings.warn(
            "The false-positive rate is that of rows trained on; of new rows it is higher: set "
            "calibration_fraction before fit, or call calibrate(X) before set_threshold.",
            UserWarning,
            stacklevel=stacklevel,
        )
