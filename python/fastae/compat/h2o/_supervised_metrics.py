"""The figures that H2O calls the metrics of a classification or a regression."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae._table import Table
from fastae.compat.h2o._output import Kind, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]

_LEAST_PROBABILITY = 1e-15  # so that no single row makes the log-loss infinite


@dataclass(frozen=True, repr=False)
class _Metrics:
    """What predictions of classes and of numbers have in common.

    Attributes
    ----------
    nobs : int
        Rows of the frame whose response is known.
    reported_on : str
        Which frame: "train", "validation" or "test".
    """

    _figures: dict[str, float]
    nobs: int
    reported_on: str

    def mse(self) -> float:
        """Return the mean squared error; of classes, of the true one's probability."""
        return self._figures["mse"]

    def rmse(self) -> float:
        """Return the square root of the MSE."""
        return sqrt(self.mse())

    def r2(self) -> float:
        """Return 1 - MSE / variance of the response (of classes, of their positions)."""
        return self._figures["r2"]

    def _printed(self, title: str, figures: dict[str, float]) -> str:
        lines = "\n".join(f"{name}: {value:.10g}" for name, value in figures.items())
        return f"{title}: deeplearning\n** Reported on {self.reported_on} data. **\n\n{lines}"


@dataclass(frozen=True, repr=False)
class ClassificationMetrics(_Metrics):
    """How well classes are predicted.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.compat.h2o import ClassificationMetrics
    >>> chances = np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    >>> metrics = ClassificationMetrics.of(chances, np.array([0, 1, 1]), ["no", "yes"], "test")
    >>> round(metrics.logloss(), 4), metrics.mean_per_class_error()
    (0.646, 0.25)
    """

    levels: tuple[str, ...] = ()
    kind: Kind = "pandas"
    _counts: Float64 = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def of(
        cls,
        probabilities: Float64,
        codes: npt.NDArray[np.intp],
        levels: Sequence[str],
        reported_on: str,
        *,
        weights: Float64 | None = None,
        kind: Kind = "pandas",
    ) -> Self:
        """Return the metrics of a frame.

        Parameters
        ----------
        probabilities : ndarray of shape (n, n_classes)
        codes : ndarray of shape (n,), int
            The true classes.
        levels : sequence of str
            Their names.
        reported_on : str
        weights : ndarray of shape (n,) or None, default=None
            How much each row counts.
        kind : {"pandas", "polars"}, default="pandas"
            Of the confusion matrix.
        """
        true = probabilities[np.arange(codes.size), codes]
        mse = np.average((1.0 - true) ** 2, weights=weights)
        counts = np.zeros((len(levels), len(levels)))
        ones = np.ones(codes.size) if weights is None else weights
        np.add.at(counts, (codes, probabilities.argmax(axis=1)), ones)
        figures = {
            "mse": float(mse),
            "r2": _r2(float(mse), codes, weights),
            "logloss": float(
                np.average(-np.log(np.maximum(true, _LEAST_PROBABILITY)), weights=weights)
            ),
            # As in H2O, a class without rows counts as predicted without error.
            "mean_per_class_error": float(np.mean(np.nan_to_num(_errors(counts)))),
        }
        if len(levels) == 2 and np.unique(codes).size == 2:
            from sklearn.metrics import roc_auc_score

            figures["auc"] = float(roc_auc_score(codes, probabilities[:, 1], sample_weight=weights))
        return cls(figures, codes.size, reported_on, tuple(levels), kind, counts)

    def logloss(self) -> float:
        """Return the mean of minus the logarithm of the true class's probability."""
        return self._figures["logloss"]

    def mean_per_class_error(self) -> float:
        """Return the mean over the classes of their shares of wrongly predicted rows."""
        return self._figures["mean_per_class_error"]

    def auc(self) -> float:
        """Return the area under the ROC curve; NaN unless there are two classes."""
        return self._figures.get("auc", float("nan"))

    def confusion_matrix(self) -> Any:
        """Return how many rows of each class are predicted to be of which.

        Returns
        -------
        matrix : frame
            A row per true class and one of totals; a column per predicted class, "Error" and
            "Rate".
        """
        return table_of(self.kind, self._confusion())

    def _confusion(self) -> dict[str, list[Any]]:
        whole = bool((self._counts == self._counts.round()).all())
        counts = self._counts.astype(np.int64) if whole else self._counts
        rows = counts.sum(axis=1)
        wrong = rows - counts.diagonal()
        with_totals = np.vstack([counts, counts.sum(axis=0)])
        errors = [*_errors(self._counts).tolist(), float(wrong.sum() / rows.sum())]
        rates = zip([*wrong, wrong.sum()], [*rows, rows.sum()], strict=True)
        columns: dict[str, list[Any]] = {
            level: with_totals[:, code].tolist() for code, level in enumerate(self.levels)
        }
        return columns | {"Error": errors, "Rate": [f"{a:,} / {b:,}" for a, b in rates]}

    def __repr__(self) -> str:
        figures = {
            "MSE": self.mse(),
            "RMSE": self.rmse(),
            "LogLoss": self.logloss(),
            "Mean Per-Class Error": self.mean_per_class_error(),
        }
        two = "auc" in self._figures
        figures |= {"AUC": self.auc()} if two else {}
        title = "ModelMetricsBinomial" if len(self.levels) == 2 else "ModelMetricsMultinomial"
        words = "Confusion Matrix: Row labels: Actual class; Column labels: Predicted class"
        table = Table(self._confusion(), title=words)
        return f"{self._printed(title, figures)}\n\n{table}"


@dataclass(frozen=True, repr=False)
class RegressionMetrics(_Metrics):
    """How well numbers are predicted.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.compat.h2o import RegressionMetrics
    >>> metrics = RegressionMetrics.of(np.array([1.0, 2.0]), np.array([1.0, 4.0]), "test")
    >>> metrics.mse(), metrics.mae()
    (2.0, 1.0)
    """

    @classmethod
    def of(
        cls,
        predicted: Float64,
        true: Float64,
        reported_on: str,
        *,
        weights: Float64 | None = None,
        quantile: float | None = None,
        loss: str = "squared_error",
    ) -> Self:
        """Return the metrics of a frame.

        Parameters
        ----------
        predicted, true : ndarray of shape (n,)
        reported_on : str
        weights : ndarray of shape (n,) or None, default=None
            How much each row counts.
        quantile : float or None, default=None
            Of the loss "quantile".
        loss : str, default="squared_error"
            What training minimised: "absolute_error" and "quantile" have a deviance of their own.
        """
        gaps = true - predicted
        mse, mae = (float(np.average(x, weights=weights)) for x in (gaps**2, np.abs(gaps)))
        deviance = mse
        if loss == "absolute_error":
            deviance = mae
        elif loss == "quantile" and quantile is not None:
            pinball = np.maximum(quantile * gaps, (quantile - 1.0) * gaps)
            deviance = float(np.average(pinball, weights=weights))
        rmsle = float("nan")
        if min(true.min(), predicted.min()) > -1:
            squares = (np.log1p(predicted) - np.log1p(true)) ** 2
            rmsle = sqrt(np.average(squares, weights=weights))
        figures = {"mse": mse, "mae": mae, "rmsle": rmsle, "deviance": deviance}
        return cls(figures | {"r2": _r2(mse, true, weights)}, true.size, reported_on)

    def mae(self) -> float:
        """Return the mean absolute error."""
        return self._figures["mae"]

    def rmsle(self) -> float:
        """Return the root of the mean squared error of log(1 + y); NaN if one is not above -1."""
        return self._figures["rmsle"]

    def mean_residual_deviance(self) -> float:
        """Return the loss: MSE, for Absolute the MAE, for Quantile the pinball loss."""
        return self._figures["deviance"]

    def __repr__(self) -> str:
        figures = {
            "MSE": self.mse(),
            "RMSE": self.rmse(),
            "MAE": self.mae(),
            "RMSLE": self.rmsle(),
            "Mean Residual Deviance": self.mean_residual_deviance(),
        }
        return self._printed("ModelMetricsRegression", figures)


def _errors(counts: Float64) -> Float64:
    """Return each class's share of wrongly predicted rows; NaN for a class without rows."""
    rows = counts.sum(axis=1)
    return np.asarray((rows - counts.diagonal()) / np.where(rows > 0, rows, np.nan))


def _r2(mse: float, true: npt.NDArray[Any], weights: Float64 | None) -> float:
    mean = np.average(true, weights=weights)
    variance = float(np.average((true - mean) ** 2, weights=weights))
    return 1.0 - mse / variance if variance > 0 else float("nan")
