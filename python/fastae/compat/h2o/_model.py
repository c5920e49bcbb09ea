"""A trained model's scores, in H2O's frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError

from fastae.compat.h2o._columns import is_pandas
from fastae.compat.h2o._figures import FiguresMixin, given
from fastae.compat.h2o._output import Kind, frame_of, kind_of

if TYPE_CHECKING:
    from fastae.compat.h2o._encoder import FrameEncoder
    from fastae.compat.h2o._tasks import Metrics, Task


@dataclass(frozen=True)
class Trained:
    """What training leaves behind.

    Attributes
    ----------
    model : Autoencoder, AutoencoderClassifier or AutoencoderRegressor
        It scores frames by its encoder.
    encoder : FrameEncoder
    columns : tuple of str
        What training was to use; the encoder may have dropped constant ones.
    task : Task
    parameters : dict
        H2O's, as they were in training.
    kind : {"pandas", "polars"}
        Frames of the training frame's kind.
    n_rows : int
        Rows trained on.
    train, valid : Metrics
        `valid` is None without a validation frame.
    """

    model: Any
    encoder: FrameEncoder
    columns: tuple[str, ...]
    task: Task
    parameters: dict[str, Any]
    kind: Kind
    n_rows: int
    train: Metrics
    valid: Metrics | None

    @property
    def epochs(self) -> float:
        """Passes over the training rows so far."""
        return float(self.model.n_samples_seen_ / self.n_rows)


class ScoringModel(FiguresMixin):
    """What a model says about frames; columns as H2O names them."""

    _result: Trained | None = None

    @property
    def _trained(self) -> Trained:
        if self._result is None:
            msg = "This model is not trained yet: call train first."
            raise NotFittedError(msg)
        return self._result

    @property
    def fastae_model(self) -> Any:
        """The trained estimator of fastae, which takes the same frames."""
        return self._trained.model

    def anomaly(self, test_data: Any, per_feature: bool = False) -> Any:
        """Return the reconstruction error of each row.

        Parameters
        ----------
        test_data : pandas.DataFrame, polars.DataFrame or array-like
            Columns are found by name; absent and unknown values count as missing.
        per_feature : bool, default=False
            Return the squared error of each of the network's inputs, rather than their mean.

        Returns
        -------
        errors : frame
            Column "Reconstruction.MSE", or a column "reconstr_NAME.SE" per input, in scaled units.

        Raises
        ------
        AttributeError
            If the model is no autoencoder.
        """
        if self._trained.task.response is not None:
            msg = "anomaly is for autoencoders; this model predicts a response."
            raise AttributeError(msg)
        errors = self.fastae_model.reconstruction_error(given(test_data), per_feature=per_feature)
        if not per_feature:
            return self._answer(test_data, ["Reconstruction.MSE"], errors[:, np.newaxis])
        names = [f"reconstr_{name}.SE" for name in self._trained.encoder.names]
        return self._answer(test_data, names, errors)

    def predict(self, test_data: Any) -> Any:
        """Return what the network makes of the rows.

        Parameters
        ----------
        test_data : pandas.DataFrame, polars.DataFrame or array-like

        Returns
        -------
        predictions : frame
            An autoencoder's: a column "reconstr_NAME" per input, numbers in their own units, and
            of factors the output of each level's unit. Else a column "predict"; of a factor, the
            most probable level, followed by a column with the probability of each, of the level's
            name or, for whole numbers, "p0", "p1", ...
        """
        names, columns = self._trained.task.predictions(self.fastae_model, given(test_data))
        return self._answer(test_data, names, columns)

    def deepfeatures(self, test_data: Any, layer: int) -> Any:
        """Return the output of a hidden layer.

        Parameters
        ----------
        test_data : pandas.DataFrame, polars.DataFrame or array-like
        layer : int
            0 is the first hidden layer.

        Returns
        -------
        features : frame
            Columns "DF.L1.C1", "DF.L1.C2", ... for layer 0.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        model = self.fastae_model
        n_hidden = len(model.hidden_layer_sizes_)
        if not 0 <= layer < n_hidden:
            msg = f"layer must be from 0 to {n_hidden - 1}, one of the hidden layers, got {layer}."
            raise ValueError(msg)
        features = model.deep_features(given(test_data), layer=layer)
        names = [f"DF.L{layer + 1}.C{unit + 1}" for unit in range(features.shape[1])]
        return self._answer(test_data, names, features)

    def _answer(self, data: Any, names: list[str], matrix: Any) -> Any:
        return frame_of(kind_of(data), names, matrix, data.index if is_pandas(data) else None)
