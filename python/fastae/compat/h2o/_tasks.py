"""What a network is for: to reconstruct rows, or to predict classes or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from fastae.compat.h2o._metrics import AutoEncoderMetrics
from fastae.compat.h2o._output import Kind, kind_of
from fastae.compat.h2o._selection import weights_of
from fastae.compat.h2o._supervised_metrics import ClassificationMetrics, RegressionMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastae.compat.h2o._columns import Frame
    from fastae.compat.h2o._encoder import FrameEncoder
    from fastae.compat.h2o._response import Response

Float64 = npt.NDArray[np.float64]
Metrics = AutoEncoderMetrics | ClassificationMetrics | RegressionMetrics

_LOSSES = {
    "squared_error": ("gaussian", "Quadratic"),
    "absolute_error": ("laplace", "Absolute"),
    "huber": ("huber", "Huber"),
    "quantile": ("quantile", "Quantile"),
}


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a frame of some kind, and what an encoder made of them."""

    frame: Frame
    matrix: Float64
    kind: Kind

    @classmethod
    def of(cls, data: Any, encoder: FrameEncoder) -> Self:
        """Return the rows of a frame."""
        return cls(encoder.frame(data), encoder.transform(data), kind_of(data))


class Task(Protocol):
    """What a model predicts, and how well.

    Attributes
    ----------
    response : Response or None
    described : str
        In the words of H2O's table of layers.
    output : str or None
        H2O's name of the output layer's type; None: by its activation.
    history : mapping of str to str
        The figures of fastae's history, and H2O's names for them.
    """

    @property
    def response(self) -> Response | None: ...
    @property
    def described(self) -> str: ...
    @property
    def output(self) -> str | None: ...
    @property
    def history(self) -> Mapping[str, str]: ...

    def predictions(self, model: Any, data: Any) -> tuple[list[str], Any]:
        """Return the names of predicted columns, and the columns: a table, or a dict."""
        ...

    def metrics(self, model: Any, rows: Rows, reported_on: str) -> Metrics:
        """Return how good the predictions for some rows are."""
        ...


@dataclass(frozen=True)
class Reconstruction:
    """An autoencoder's task; `names` are those of its inputs."""

    names: list[str]
    loss: str
    response = None
    output = None
    history = {"rmse": "rmse", "mse": "mse"}  # noqa: RUF012

    @property
    def described(self) -> str:
        """What H2O calls it."""
        distribution, loss = _LOSSES[self.loss]
        return f"auto-encoder, {distribution} distribution, {loss} loss"

    def predictions(self, model: Any, data: Any) -> tuple[list[str], Any]:
        """Return the reconstructed rows."""
        return [f"reconstr_{name}" for name in self.names], model.reconstruct(data)

    def metrics(self, model: Any, rows: Rows, reported_on: str) -> AutoEncoderMetrics:
        """Return the reconstruction error."""
        return AutoEncoderMetrics.of(model._row_errors(rows.matrix), reported_on)


@dataclass(frozen=True)
class Classes:
    """Which level of a factor a row has."""

    response: Response
    weights_column: str | None
    output = "Softmax"
    history = {"logloss": "logloss", "error": "classification_error"}  # noqa: RUF012

    @property
    def described(self) -> str:
        """What H2O calls it."""
        n_classes = len(self.response.levels)
        distribution = "bernoulli" if n_classes == 2 else "multinomial"
        return (
            f"predicting {self.response.name}, {n_classes}-class classification, {distribution} "
            "distribution, CrossEntropy loss"
        )

    def predictions(self, model: Any, data: Any) -> tuple[list[str], Any]:
        """Return the most probable level, as the training frame had it, and all probabilities."""
        probabilities = self._in_order(model, model.predict_proba(data))
        names = [f"p{level}" if _is_whole(level) else level for level in self.response.levels]
        columns = {"predict": self.response.labels[probabilities.argmax(axis=1)]}
        columns |= {name: probabilities[:, code] for code, name in enumerate(names)}
        return ["predict", *names], columns

    def metrics(self, model: Any, rows: Rows, reported_on: str) -> ClassificationMetrics:
        """Return the metrics of rows whose level is known."""
        outputs = np.asarray(model._outputs(rows.matrix), dtype=np.float64)
        return ClassificationMetrics.of(
            self._in_order(model, softmax(outputs, axis=1)),
            self.response.codes(rows.frame),
            self.response.levels,
            reported_on,
            weights=_weights(rows.frame, self.weights_column),
            kind=rows.kind,
        )

    def _in_order(self, model: Any, probabilities: Float64) -> Float64:
        """Return columns in the order of H2O's levels, which is not that of their texts."""
        return probabilities[:, np.searchsorted(model.classes_, self.response.levels)]


@dataclass(frozen=True)
class Numbers:
    """What number a row has."""

    response: Response
    weights_column: str | None
    loss: str
    quantile: float
    output = "Linear"

    @property
    def described(self) -> str:
        """What H2O calls it."""
        distribution, loss = _LOSSES[self.loss]
        return (
            f"predicting {self.response.name}, regression, {distribution} distribution, {loss} loss"
        )

    @property
    def history(self) -> Mapping[str, str]:
        """Figures of the history; the deviance is the MSE where that is the loss."""
        return {"rmse": "rmse", "mse": "deviance" if self.loss == "squared_error" else "mse"}

    def predictions(self, model: Any, data: Any) -> tuple[list[str], Any]:
        """Return the number."""
        return ["predict"], model.predict(data)[:, np.newaxis]

    def metrics(self, model: Any, rows: Rows, reported_on: str) -> RegressionMetrics:
        """Return the metrics of rows whose number is known."""
        outputs = np.asarray(model._outputs(rows.matrix), dtype=np.float64)
        return RegressionMetrics.of(
            model._in_own_units(outputs)[:, 0],
            self.response.numbers(rows.frame),
            reported_on,
            weights=_weights(rows.frame, self.weights_column),
            loss=self.loss,
            quantile=self.quantile,
        )


def _weights(frame: Frame, column: str | None) -> Float64 | None:
    """Return how much rows count, if the frame says so."""
    return weights_of(frame, column) if column is not None and column in frame else None


def _is_whole(level: str) -> bool:
    """Tell whether Java takes a level for a whole number: H2O puts a p in front of these."""
    digits = level[1:] if level[:1] in ("-", "+") else level
    return digits.isascii() and digits.isdigit() and -(2**31) <= int(level) < 2**31
