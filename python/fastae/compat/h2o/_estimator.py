"""H2O's estimators: its parameters and training call on fastae's networks."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from fastae.compat.h2o._mapping import estimator_parameters
from fastae.compat.h2o._parameters import DEFAULTS, SUPERVISED_DEFAULTS, checked_names
from fastae.compat.h2o._report import ReportingModel
from fastae.compat.h2o._supervised_mapping import check_supervised
from fastae.compat.h2o._training import train

if TYPE_CHECKING:
    from fastae.compat.h2o._model import Trained

_numbers = count(1)
_models: WeakValueDictionary[str, H2ODeepLearningEstimator] = WeakValueDictionary()


class H2ODeepLearningEstimator(ReportingModel):
    """H2O's network that predicts a column, trained by fastae.

    It can begin with the layers that an autoencoder learned from rows without that column. With
    ``autoencoder=True`` it is an `H2OAutoEncoderEstimator`.

    Parameters
    ----------
    **parameters
        H2O's, by its names and with its defaults and spellings ("TanhWithDropout" or
        "tanh_with_dropout"). Those that mean nothing here, for clusters and storage, are accepted
        with one warning. `pretrained_autoencoder` is a trained autoencoder or its `model_id`:
        `hidden` must be its hidden layers, or the first of them; its levels and its scaling are
        taken over with the weights. ``docs/coming-from-h2o.md`` lists what is meant to differ.

    Attributes
    ----------
    model_id : str
        Name of the model, for `checkpoint`, `pretrained_autoencoder` and `get_model`.
    actual_params : dict
        All parameters that mean something here.
    fastae_model : AutoencoderClassifier, AutoencoderRegressor or Autoencoder
        The trained network.

    Raises
    ------
    TypeError
        If H2O's networks have no such parameter.
    ValueError
        If H2O would not take a value, or it asks for something that does not exist here.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.compat.h2o import H2OAutoEncoderEstimator, H2ODeepLearningEstimator, H2OFrame
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> rows = H2OFrame(X)
    >>> ae = H2OAutoEncoderEstimator(activation="Tanh", hidden=[6], epochs=10, seed=1)
    >>> ae = ae.train(training_frame=rows)
    >>> rows["sign"] = np.where(X[:, 0] > 0, "plus", "minus")
    >>> model = H2ODeepLearningEstimator(
    ...     activation="Tanh", hidden=[6], epochs=10, seed=1, pretrained_autoencoder=ae)
    >>> model = model.train(y="sign", training_frame=rows)
    >>> model.predict(rows).names, model.mean_per_class_error() < 0.1
    (['predict', 'minus', 'plus'], True)
    """

    autoencoder: bool
    checkpoint: Any
    pretrained_autoencoder: Any
    training_frame: Any
    validation_frame: Any

    _is_autoencoder = False  # where the parameters do not say

    def __init__(self, **parameters: Any) -> None:
        autoencoder = bool(parameters.setdefault("autoencoder", self._is_autoencoder))
        if self._is_autoencoder and not autoencoder:
            msg = "autoencoder must be True: H2ODeepLearningEstimator is for other networks."
            raise ValueError(msg)
        self._defaults = DEFAULTS if autoencoder else SUPERVISED_DEFAULTS
        vars(self).update(self._defaults | checked_names(parameters, autoencoder=autoencoder))
        # A wrong value is reported here and now.
        (estimator_parameters if autoencoder else check_supervised)(self.actual_params)
        if self.model_id is None:
            self.model_id = f"DeepLearning_model_python_{next(_numbers)}"
        _models[self.model_id] = self

    @property
    def actual_params(self) -> dict[str, Any]:
        """All parameters that mean something here."""
        return {name: getattr(self, name) for name in self._defaults}

    def train(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: Any = None,
        *,
        validation_frame: Any = None,
        verbose: bool = False,
        **parameters: Any,
    ) -> Self:
        """Train the network to predict a column of a frame, or to reconstruct its rows.

        Parameters
        ----------
        x : list of str or int, or None, default=None
            Names or positions of the columns to use; None takes all.
        y : str or int, default=None
            Name or position of the column to predict, unless `response_column` says so: the level
            of a factor or of text, or a number. Rows in which it is missing are left out. An
            autoencoder has none, and ignores it.
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
        self : H2ODeepLearningEstimator

        Raises
        ------
        TypeError, ValueError
            If a parameter or frame is wrong.
        fastae.DivergenceError
            If errors or weights stop being finite while training.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        settings = self.actual_params | checked_names(given, autoencoder=self._defaults is DEFAULTS)
        if bool(settings["autoencoder"]) is not (self._defaults is DEFAULTS):
            msg = f"autoencoder must stay {self._defaults['autoencoder']}: make another estimator."
            raise ValueError(msg)
        frames = (training_frame, validation_frame)
        training, validation = (
            settings[name] if frame is None else frame
            for name, frame in zip(("training_frame", "validation_frame"), frames, strict=True)
        )
        if training is None:
            msg = "train needs a training_frame."
            raise ValueError(msg)
        result = train(
            settings, x, y, training, validation,
            before=_trained(settings["checkpoint"], "checkpoint"),
            pretrained=_trained(settings.get("pretrained_autoencoder"), "pretrained_autoencoder"),
            verbose=verbose,
        )  # fmt: skip
        vars(self).update({name: settings[name] for name in given if name in self._defaults})
        self._result = result
        return self


class H2OAutoEncoderEstimator(H2ODeepLearningEstimator):
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

    _is_autoencoder = True


def get_model(model_id: str) -> H2ODeepLearningEstimator:
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


def _trained(given: Any, name: str) -> Trained | None:
    """Return a model to begin with, given as such or by its name."""
    if given is None:
        return None
    model = get_model(given) if isinstance(given, str) else given
    if not isinstance(model, H2ODeepLearningEstimator):
        msg = f"{name} must be a model or its model_id, got {type(given).__name__}."
        raise TypeError(msg)
    return model._trained
