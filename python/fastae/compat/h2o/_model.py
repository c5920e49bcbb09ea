"""A trained model's scores, in H2O's frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError

from fastae.compat.h2o._columns import is_pandas
from fastae.compat.h2o._metrics import AutoEncoderMetrics
from fastae.compat.h2o._output import Kind, frame_of, kind_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from fastae import Autoencoder
    from fastae.compat.h2o._encoder import FrameEncoder


@dataclass(frozen=True)
class Trained:
    """What training leaves behind.

    Attributes
    ----------
    autoencoder : Autoencoder
        It scores frames by its encoder.
    encoder : FrameEncoder
    parameters : dict
        H2O's, as they were in training.
    kind : {"pandas", "polars"}
        Frames of the training frame's kind.
    n_rows : int
        Rows trained on.
    train, valid : AutoEncoderMetrics
        `valid` is None without a validation frame.
    """

    autoencoder: Autoencoder
    encoder: FrameEncoder
    parameters: dict[str, Any]
    kind: Kind
    n_rows: int
    train: AutoEncoderMetrics
    valid: AutoEncoderMetrics | None

    @property
    def epochs(self) -> float:
        """Passes over the training rows so far."""
        return self.autoencoder.n_samples_seen_ / self.n_rows


class ScoringModel:
    """What a model says about frames; columns as H2O names them."""

    _result: Trained | None = None

    @property
    def _trained(self) -> Trained:
        if self._result is None:
            msg = "This model is not trained yet: call train first."
            raise NotFittedError(msg)
        return self._result

    @property
    def fastae_model(self) -> Autoencoder:
        """The trained `fastae.Autoencoder`, which takes the same frames."""
        return self._trained.autoencoder

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
        """
        errors = self.fastae_model.reconstruction_error(_given(test_data), per_feature=per_feature)
        if not per_feature:
            return self._answer(test_data, ["Reconstruction.MSE"], errors[:, np.newaxis])
        names = [f"reconstr_{name}.SE" for name in self._trained.encoder.names]
        return self._answer(test_data, names, errors)

    def predict(self, test_data: Any) -> Any:
        """Return the rows as the network reconstructs them.

        Parameters
        ----------
        test_data : pandas.DataFrame, polars.DataFrame or array-like

        Returns
        -------
        reconstruction : frame
            A column "reconstr_NAME" per input: numbers in their own units, and of factors the
            output of each level's unit.
        """
        rows = self.fastae_model.reconstruct(_given(test_data))
        names = [f"reconstr_{name}" for name in self._trained.encoder.names]
        return self._answer(test_data, names, rows)

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
        features = model.deep_features(_given(test_data), layer=layer)
        names = [f"DF.L{layer + 1}.C{unit + 1}" for unit in range(features.shape[1])]
        return self._answer(test_data, names, features)

    def model_performance(
        self, test_data: Any = None, train: bool = False, valid: bool = False
    ) -> AutoEncoderMetrics:
        """Return MSE and RMSE of a frame.

        Parameters
        ----------
        test_data : frame or None, default=None
            None is the training frame.
        train, valid : bool, default=False
            Without `test_data`: of the training or the validation frame.

        Returns
        -------
        metrics : AutoEncoderMetrics
        """
        if test_data is not None:
            errors = self.fastae_model.reconstruction_error(_given(test_data))
            return AutoEncoderMetrics.of(errors, "test")
        if not valid or train:
            return self._trained.train
        if self._trained.valid is None:
            msg = "There is no validation metric: train had no validation_frame."
            raise ValueError(msg)
        return self._trained.valid

    def mse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the mean squared error of the training frame.

        Parameters
        ----------
        train, valid : bool, default=False
            `valid` asks for the validation frame; with both, a dict of both is returned.
        xval : bool, default=False
            Autoencoders have no cross-validation, so it must be False.

        Returns
        -------
        mse : float or dict of float
        """
        return self._metric("mse", train=train, valid=valid, xval=xval)

    def rmse(self, train: bool = False, valid: bool = False, xval: bool = False) -> Any:
        """Return the square root of the MSE; parameters as in `mse`."""
        return self._metric("rmse", train=train, valid=valid, xval=xval)

    def _metric(self, name: str, *, train: bool, valid: bool, xval: bool) -> Any:
        if xval:
            msg = "xval must be False: autoencoders have no cross-validation."
            raise ValueError(msg)
        if train and valid:
            parts = {"train": {"train": True}, "valid": {"valid": True}}
            return {k: getattr(self.model_performance(**v), name)() for k, v in parts.items()}
        return getattr(self.model_performance(train=train, valid=valid), name)()

    def _answer(self, data: Any, names: list[str], matrix: npt.NDArray[Any]) -> Any:
        return frame_of(kind_of(data), names, matrix, data.index if is_pandas(data) else None)


def _given(data: Any) -> Any:
    if data is None or len(data) == 0:
        msg = "The frame to score has no rows."
        raise ValueError(msg)
    return data
