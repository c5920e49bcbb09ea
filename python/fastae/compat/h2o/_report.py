"""A trained model's insides: layers, weights, history, importances; printed as H2O does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastae._summary import gedeon
from fastae._table import Table
from fastae.compat.h2o._mapping import rows_per_iteration
from fastae.compat.h2o._model import ScoringModel
from fastae.compat.h2o._output import frame_of, table_of

_TYPES = {"tanh": "Tanh", "relu": "Rectifier", "identity": "Linear"}
_MAX_IMPORTANCES = 20  # printed


class ReportingModel(ScoringModel):
    """What a model says about itself."""

    model_id: str | None

    def scoring_history(self) -> Any:
        """Return the errors measured during training, the untrained network's first.

        Returns
        -------
        history : pandas.DataFrame or polars.DataFrame
            Columns "timestamp", "duration", "training_speed", "epochs", "iterations", "samples",
            "training_rmse", "training_mse", and the validation errors if there are any. Networks
            that predict numbers have "training_deviance" for the MSE where that is the loss; those
            that predict classes, "training_logloss" and "training_classification_error".
        """
        return table_of(self._trained.kind, self._history())

    def varimp(self, use_pandas: bool = False) -> Any:
        """Return how much each of the network's inputs weighs in it, by Gedeon's method.

        Parameters
        ----------
        use_pandas : bool, default=False
            Return a frame rather than a list.

        Returns
        -------
        importances : list of tuple, or frame
            Name, importance relative to the largest, the same again, and share of the sum;
            the most important first. Units of missing values that training did not see get 0.
        """
        columns = self._importances()
        if use_pandas:
            return table_of(self._trained.kind, columns)
        return list(zip(*columns.values(), strict=True))

    def weights(self, matrix_id: int = 0) -> Any:
        """Return the weights of a layer, one row per output.

        Parameters
        ----------
        matrix_id : int, default=0
            0 leads from the input to the first hidden layer; its columns have the inputs' names.
        """
        coefs = self.fastae_model.coefs_
        W = _pick(coefs, matrix_id, "matrix_id").T
        names = [f"C{i + 1}" for i in range(W.shape[1])]
        names = self._trained.encoder.names if matrix_id == 0 else names
        return frame_of(self._trained.kind, names, np.ascontiguousarray(W))

    def biases(self, vector_id: int = 0) -> Any:
        """Return the biases of a layer, as a column "C1"; 0 is the first hidden layer's."""
        b = _pick(self.fastae_model.intercepts_, vector_id, "vector_id")
        return frame_of(self._trained.kind, ["C1"], b[:, np.newaxis])

    def normmul(self) -> list[float]:
        """Return the factors of the columns of numbers: the network sees (x - sub) * mul."""
        return self._of_numbers(self._trained.encoder.scale)

    def normsub(self) -> list[float]:
        """Return what is subtracted from the columns of numbers."""
        return self._of_numbers(self._trained.encoder.shift)

    def catoffsets(self) -> list[int]:
        """Return at which input each factor starts, and where the last one ends."""
        return self._trained.encoder.offsets

    def summary(self) -> Any:
        """Return a frame with a row per layer: units, type, rates, weights and biases."""
        return table_of(self._trained.kind, self._layers())

    def show(self) -> None:
        """Print the model."""
        print(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        if self._result is None:
            return f"{name} : Deep Learning, not trained yet"
        trained = self._trained
        parts = [
            f"Model Details\n=============\n{name} : Deep Learning\nModel Key: {self.model_id}",
            Table(self._layers(), title=self._title()),
            trained.train,
            trained.valid,
            Table(self._history(), title="Scoring History:"),
        ]
        if trained.parameters["variable_importances"]:
            top = {k: list(v)[:_MAX_IMPORTANCES] for k, v in self._importances().items()}
            parts.append(Table(top, title="Variable Importances:"))
        return "\n\n".join(str(part) for part in parts if part is not None) + "\n"

    def _title(self) -> str:
        model = self.fastae_model
        n_weights = sum(a.size for a in (*model.coefs_, *model.intercepts_))
        return (
            f"Status of Neuron Layers: {self._trained.task.described}, "
            f"{n_weights:,} weights/biases, {n_weights * 4 / 1024:,.1f} KB, "
            f"{model.n_samples_seen_:,} training samples, mini-batch size {model.batch_size_}"
        )

    def _history(self) -> dict[str, list[Any]]:
        history = self.fastae_model.history_
        speeds = [f"{x:.0f} obs/sec" if x > 0 else None for x in history["obs_per_s"]]
        columns: dict[str, list[Any]] = {
            "timestamp": [str(x)[:19].replace("T", " ") for x in history["time"]],
            "duration": [f"{x:.3f} sec" for x in history["duration"]],
            "training_speed": speeds,
        }
        # H2O's iteration is not an update of the weights but what is trained between two looks.
        per_iteration = rows_per_iteration(self._trained.parameters, self._trained.n_rows)
        columns["epochs"] = history["epochs"].tolist()
        columns["iterations"] = [math.ceil(n / per_iteration) for n in history["samples"]]
        columns["samples"] = history["samples"].tolist()
        for part in ("training", "validation") if self._trained.valid else ("training",):
            for ours, theirs in self._trained.task.history.items():
                columns[f"{part}_{theirs}"] = history[f"{part}_{ours}"].tolist()
        return columns

    def _importances(self) -> dict[str, list[Any]]:
        encoder = self._trained.encoder
        values = gedeon(self.fastae_model.coefs_)
        ends = dict(zip(encoder.factors, encoder.offsets[1:], strict=True))
        values[[end - 1 for name, end in ends.items() if name not in encoder.had_missing]] = 0.0
        order = np.argsort(-values, kind="stable")
        share = values / values.sum()
        scaled = values / values.max()
        return {
            "variable": [encoder.names[i] for i in order],
            "relative_importance": values[order].tolist(),
            "scaled_importance": scaled[order].tolist(),
            "percentage": share[order].tolist(),
        }

    def _layers(self) -> dict[str, list[Any]]:
        """Return H2O's table of layers; the input has neither penalties nor weights."""
        parameters, model = self._trained.parameters, self.fastae_model
        summary = model.summary()
        hidden, dropout = model.hidden_layer_sizes_, model.hidden_dropout
        ratios = np.broadcast_to(np.asarray(dropout or 0.0), len(hidden)).tolist()
        *names, output = [_TYPES[name] for name in summary["type"].tolist()[1:]]
        names = [name + ("Dropout" if dropout else "") for name in names]
        n_layers = len(hidden) + 1
        columns: dict[str, list[Any]] = {
            "layer": list(range(1, n_layers + 2)),
            "units": [int(n) for n in summary["units"]],
            "type": ["Input", *names, self._trained.task.output or output],
            "dropout": [100.0 * model.input_dropout, *(100.0 * r for r in ratios), None],
            "l1": [None, *[parameters["l1"]] * n_layers],
            "l2": [None, *[parameters["l2"]] * n_layers],
        }
        theirs = ("mean_rate", "rate_rms", "momentum", "mean_weight", "weight_rms")
        for column in (*theirs, "mean_bias", "bias_rms"):
            ours = column.replace("_rms", "_sd")
            columns[column] = [None, *np.asarray(summary[ours], dtype=float)[1:].tolist()]
        return columns

    def _of_numbers(self, values: npt.NDArray[np.float64]) -> list[float]:
        made: list[float] = values[self.catoffsets()[-1] :].tolist()
        return made


def _pick(arrays: list[npt.NDArray[Any]], position: int, name: str) -> npt.NDArray[Any]:
    if not 0 <= position < len(arrays):
        msg = f"{name} must be from 0 to {len(arrays) - 1}, got {position}."
        raise ValueError(msg)
    return arrays[position]
