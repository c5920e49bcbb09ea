"""What a `fastae.DriftMonitor` may be given."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from fastae._checks import check_integer
from fastae._drift_tests import log_least_p_value

Float64 = npt.NDArray[np.float64]

WINDOW = 200
# With fewer, hardly a shift is large enough to be told from chance.
MIN_CALIBRATION = 20


def calibration_errors(estimator: Any, calibration: Any) -> Float64:
    """Return the errors of rows that the estimator was not trained on."""
    if calibration is not None:
        return errors_of(estimator, calibration)
    kept = getattr(estimator, "_calibration", None)
    if kept is None:
        msg = (
            "DriftMonitor needs rows that were not trained on, since the errors of training rows "
            "are smaller than those of new ones: set calibration_fraction before fit, call "
            "calibrate(X), or give calibration=X."
        )
        raise ValueError(msg)
    errors, weights = kept
    if (weights != weights[0]).any():
        msg = (
            "The calibration rows that fit held out have different sample weights, but rows of a "
            "stream count one each: call calibrate(X), or give calibration=X."
        )
        raise ValueError(msg)
    return np.array(errors, dtype=np.float64)


def errors_of(estimator: Any, X: Any) -> Float64:
    return np.negative(np.asarray(estimator.score_samples(X), dtype=np.float64))


def checked_errors(name: str, values: Any) -> Float64:
    """Return one number per row."""
    try:
        errors = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{name} must be numbers, one per row: {error}"
        raise ValueError(msg) from error
    if errors.ndim != 1:
        msg = f"{name} must be one number per row, got an array of shape {errors.shape}."
        raise ValueError(msg)
    # An infinite error is that of a row beyond all others, and has a rank.
    wrong = np.flatnonzero(np.isnan(errors) | np.isneginf(errors))
    if wrong.size:
        msg = f"{name} must be numbers, but that of row {wrong[0]} is {errors[wrong[0]]}."
        raise ValueError(msg)
    return errors


def checked_window(window: Any, n_calibration: int, rate: float) -> int:
    if window is None:
        window = WINDOW
    check_integer("window", window, 2, "None or ")
    # The first test has the highest level of all.
    if log_least_p_value(n_calibration, int(window)) > np.log(rate / 2):
        msg = (
            f"window={window} with {n_calibration} calibration rows and false_alarm_rate={rate:g} "
            "could never raise an alarm: give a longer window."
        )
        raise ValueError(msg)
    return int(window)


def fingerprint(estimator: Any) -> int | None:
    """Return a number that changes with the scores; None for estimators of other packages."""
    if not hasattr(estimator, "intercepts_"):
        return None
    arrays = [*estimator.coefs_, *estimator.intercepts_, estimator.shift_, estimator.scale_]
    scores = getattr(estimator, "_score_model", None)
    if scores is not None:
        clouds = [cloud for cloud in (scores.residuals, scores.codes) if cloud is not None]
        arrays += [part for cloud in clouds for part in (cloud.mean, cloud.whitening)]
        arrays += [part for part in (scores.levels, scores.column_errors) if part is not None]
    number = zlib.crc32(repr(None if scores is None else scores.names).encode())
    for array in arrays:
        number = zlib.crc32(np.ascontiguousarray(array).data, number)
    return number
