"""`H2OAutoEncoderEstimator`: H2O's parameters and training call on fastae's network."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from fastae.compat.h2o._mapping import estimator_parameters
from fastae.compat.h2o._parameters import DEFAULTS, checked_names
from fastae.compat.h2o._report import ReportingModel
from fastae.compat.h2o._training import train

if TYPE_CHECKING:
    from fastae.compat.h2o._model import Trained

_numbers = count(1)
_models: WeakValueDictionary[str, H2OAutoEncoderEstimator] = WeakValueDictionary()


class H2OAutoEncoderEstimator(ReportingModel):
    """H2O's autoencoder, trained by fastae: no Java, no cluster, no copies of frames.

    Frames are pandas or polars data frames or NumPy arrays. Columns of text, booleans and
    categories are factors; other columns are numbers. Both may have missing values.

    Parameters
    ----------
    **parameters
        H2O's, by its names and with its defaults and spellings ("TanhWithDropout" or
        "tanh_with_dropout"). Those that mean nothing here, for clusters, cross-validation or
        supervised networks, are accepted with one warning. `reproducible` changes only how
        often the error is measured, since training always gives the same bits for a seed.
        ``docs/coming-from-h2o.md`` lists what is meant to differ.

    Attributes
    ----------
    model_id : str
        Name of the model, for `checkpoint` and `get_model`.
    actual_params : dict
        All parameters that mean something here.
    fastae_model : Autoencoder
        The trained network.

    Raises
    ------
    TypeError
        If H2O's autoencoder has no such parameter.
    ValueError
        If H2O would not take a value, or it asks for something else than an autoencoder.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.compat.h2o import H2OAutoEncoderEstimator
    >>> t = np.linspace(0, 1, 100)
    >>> X = np.column_stack([t, 20 * t, 5 - t])
    >>> model = H2OAutoEncoderEstimator(activation="Tanh", hidden=[2], epochs=50, seed=1)
    >>> model = model.train(training_frame=X)
    >>> model.anomaly([[0.5, 10.0, 4.5], [0.5, 2.0, 4.5]])["Reconstruction.MSE"] > 0.01
    0    False
    1     True
    Name: Reconstruction.MSE, dtype: bool
    >>> model.deepfeatures(X, 0).shape
    (100, 2)
    """

    checkpoint: Any
    training_frame: Any
    validation_frame: Any

    def __init__(self, **parameters: Any) -> None:
        vars(self).update(DEFAULTS | checked_names(parameters))
        estimator_parameters(self.actual_params)  # a wrong value is reported here and now
        if self.model_id is None:
            self.model_id = f"DeepLearning_model_python_{next(_numbers)}"
        _models[self.model_id] = self

    @property
    def actual_params(self) -> dict[str, Any]:
        """All parameters that mean something here."""
        return {name: getattr(self, name) for name in DEFAULTS}

    def train(
        self,
        x: Any = None,
        y: Any = None,  # noqa: ARG002
        training_frame: Any = None,
        *,
        validation_frame: Any = None,
        verbose: bool = False,
        **parameters: Any,
    ) -> Self:
        """Train the network to reconstruct the rows of a frame.

        Parameters
        ----------
        x : list of str or int, or None, default=None
            Names or positions of the columns to use; None takes all.
        y : ignored
            An autoencoder has no response.
        training_frame : pandas.DataFrame, polars.DataFrame or array-like
        validation_frame : frame or None, default=None
            Its error decides on early stopping and on the best weights.
        verbose : bool, default=False
            Log progress to the logger "fastae".
        **parameters
            `weights_column`, `ignored_columns`, `max_runtime_secs`, `model_id` and others, which
            override those given to the constructor.

        Returns
        -------
        self : H2OAutoEncoderEstimator

        Raises
        ------
        TypeError, ValueError
            If a parameter or frame is wrong.
        fastae.DivergenceError
            If errors or weights stop being finite while training.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        settings = self.actual_params | checked_names(given)
        frames = (training_frame, validation_frame)
        training, validation = (
            settings[name] if frame is None else frame
            for name, frame in zip(("training_frame", "validation_frame"), frames, strict=True)
        )
        if training is None:
            msg = "train needs a training_frame."
            raise ValueError(msg)
        before = _checkpoint(settings["checkpoint"])
        result = train(settings, x, training, validation, before=before, verbose=verbose)
        vars(self).update({name: settings[name] for name in given if name in DEFAULTS})
        self._result = result
        return self


class H2ODeepLearningEstimator(H2OAutoEncoderEstimator):
    """H2O's name for all its networks; here for ``H2ODeepLearningEstimator(autoencoder=True)``."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**({"autoencoder": False} | parameters))


def get_model(model_id: str) -> H2OAutoEncoderEstimator:
    """Return a model by its name, as long as something else refers to it.

    Examples
    --------
    >>> from fastae.compat import h2o
    >>> model = h2o.H2OAutoEncoderEstimator(model_id="mine")
    >>> h2o.get_model("mine") is model
    True
    """
    try:
        return _models[model_id]
    except KeyError:
        msg = f"There is no model {model_id!r} in this process."
        raise ValueError(msg) from None


def _checkpoint(checkpoint: Any) -> Trained | None:
    """Return the model to go on from, given as such or by its name."""
    if checkpoint is None:
        return None
    model = get_model(checkpoint) if isinstance(checkpoint, str) else checkpoint
    if not isinstance(model, H2OAutoEncoderEstimator):
        msg = f"checkpoint must be a model or its model_id, got {type(checkpoint).__name__}."
        raise TypeError(msg)
    return model._trained
