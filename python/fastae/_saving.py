"""Fitted estimators in files: one archive of arrays and JSON, no pickle.

The archive (`fastae._archive`) is of kind "model". Its metadata are::

    {"fastae": "0.1.0", "estimators": [{"class": "Autoencoder", "params": [...], "fitted": [...]}]}

The first estimator is the one that was saved, others are those below it. "params" are the
constructor's parameters, "fitted" the attributes, as pairs of a name and a value
(`fastae._saved_values`). What a file lacks, since an older version wrote it, has its default.
"""

from __future__ import annotations

import importlib
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from fastae import _archive, _saved_tables
from fastae._saved_checks import check_attribute, check_fitted
from fastae._saved_values import TRAINING_STATE, Decoder, Encoder
from fastae._state import State
from fastae._weights import Network

if TYPE_CHECKING:
    import os

    from fastae._autoencoder import Autoencoder
    from fastae._classifier import AutoencoderClassifier
    from fastae._regressor import AutoencoderRegressor

KIND = "model"
VERSION = 1

_CLASSES = {
    "Autoencoder": "fastae._autoencoder",
    "AutoencoderClassifier": "fastae._classifier",
    "AutoencoderRegressor": "fastae._regressor",
}
# Parameters about one run on one machine, which a file from elsewhere must not bring along.
_OF_A_RUN = ("callback", "checkpoint")
# Attributes that are made anew, and those of scikit-learn's that belong to a run.
_NOT_STORED = ("_network", "_skl_callbacks", "_callback_fit_ctx", "_parent_callback_ctx")
_WEIGHTS = ("coefs_", "intercepts_")
# What is raised on the way from JSON to an estimator where something is not what it should be.
_DAMAGE: tuple[type[Exception], ...] = (*_archive.DAMAGE, AttributeError)


class SavingMixin:
    """Lets fitted estimators be saved."""

    def save(self, path: str | os.PathLike[str], *, training_state: bool = False) -> None:
        """Write the fitted estimator to a file that `fastae.load` reads.

        The file is a NumPy archive of arrays and JSON: it holds no code, and loading it runs
        none. It is written beside its target and then moved there, so that there is always the
        old or the new file.

        Parameters
        ----------
        path : str or path-like
            The file to create or to replace, by custom with the ending ".fastae".
        training_state : bool, default=False
            Store the optimiser's state too (two more numbers per weight with Adam), where the
            estimator has one (after `partial_fit`, or `fit` with ``warm_start=True``): training
            that goes on after loading then gives the same bits as if it had never been saved.
            Without it, it goes on from the weights, and the optimiser starts anew.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        TypeError
            If it is of another class than fastae's own, or an attribute is no plain data.
        OSError
            If the file cannot be written; an older one is then as it was.

        Warns
        -----
        UserWarning
            If a parameter is left out, so that the loaded estimator has its default: `callback`
            and `checkpoint`, which belong to a run, and objects that are no plain data.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import fastae
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = fastae.Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(Path(folder, "model.fastae"))
        ...     again = fastae.load(Path(folder, "model.fastae"))
        >>> np.array_equal(again.score_samples(X), model.score_samples(X))
        True
        """
        check_is_fitted(self)
        writer = _Writer(training_state=bool(training_state))
        writer.add(self, "")
        if writer.left_out:
            names = " and ".join(writer.left_out)
            msg = f"{names} cannot be saved: the loaded estimator has the default there."
            warnings.warn(msg, UserWarning, stacklevel=2)
        meta = {"fastae": version("fastae"), "estimators": writer.estimators}
        _archive.write(path, writer.arrays, meta, kind=KIND, version=VERSION)


def load(
    path: str | os.PathLike[str],
) -> Autoencoder | AutoencoderClassifier | AutoencoderRegressor:
    """Return the fitted estimator that a file holds.

    Nothing in the file is executed or trusted: sizes are compared with the file's before memory
    is taken, every part has a checksum, and weights, columns and levels must fit together. Arrays
    take no more memory than the file is long; forged JSON may take 25 times its text. Files of
    this and of all earlier versions can be read.

    Parameters
    ----------
    path : str or path-like
        Of a file written by the `save` of an estimator.

    Returns
    -------
    estimator : Autoencoder, AutoencoderClassifier or AutoencoderRegressor
        Its scores, predictions and codes are the same bits as those of the one that was saved.
        `inverse_transform` returns the kind of table that was trained on (pandas, polars, Arrow),
        or an array of objects where that library is not installed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, is truncated or otherwise damaged, or was written by a newer
        version.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import fastae
    >>> X = np.random.default_rng(0).normal(size=(50, 6))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.fastae")
    ...     fastae.Autoencoder(hidden_layer_sizes=2).fit(X).save(path)
    ...     fastae.load(path).transform(X).shape
    (50, 2)
    """
    arrays, meta = _archive.read(path, kind=KIND, version=VERSION)
    try:
        # Of numbers beyond their type, which the checks report.
        with np.errstate(all="ignore"):
            estimator: Autoencoder = _Reader(arrays, meta["estimators"]).first()
            return estimator
    except _DAMAGE as error:
        detail = str(error) or type(error).__name__
        raise _archive.damaged(Path(path), detail) from error


class _Writer:
    """Describes an estimator and those below it."""

    def __init__(self, *, training_state: bool) -> None:
        self.estimators: list[dict[str, Any]] = []
        self.left_out: list[str] = []
        self._places: dict[int, int] = {}
        self._encoder = Encoder(training_state=training_state, others=self._other)
        self.arrays = self._encoder.arrays

    def add(self, estimator: Any, where: str) -> int:
        """Describe an estimator, unless that was done before; return its position."""
        if id(estimator) in self._places:
            return self._places[id(estimator)]
        kind = type(estimator)
        if _CLASSES.get(kind.__name__) != kind.__module__:
            msg = (
                f"save is for fastae's own estimators, not for {kind.__module__}."
                f"{kind.__qualname__}: use pickle, which needs that class where it is loaded."
            )
            raise TypeError(msg)
        if getattr(estimator, "_encoder", None) is not None:
            msg = (
                "This estimator reads tables by way of an H2O model's columns, which save does "
                "not store: use pickle."
            )
            raise TypeError(msg)
        place = self._places[id(estimator)] = len(self.estimators)
        described: dict[str, Any] = {"class": kind.__name__}
        self.estimators.append(described)
        params = estimator.get_params(deep=False)
        described["params"] = self._parameters(params, where)
        described["fitted"] = [
            [name, self._attribute(name, value, where)]
            for name, value in sorted(vars(estimator).items())
            if name not in params and name not in _NOT_STORED
        ]
        return place

    def _parameters(self, params: dict[str, Any], where: str) -> list[list[Any]]:
        stored = []
        for name, value in params.items():
            try:
                if value is not None and name in _OF_A_RUN:
                    raise TypeError(name)
                stored.append([name, self._encoder.encode(value, f"{where}params/{name}")])
            except TypeError:
                if name == "autoencoder":
                    raise
                self.left_out.append(where.replace("/", ".") + name)
        return stored

    def _attribute(self, name: str, value: Any, where: str) -> Any:
        if name == "_like" and value is not None:
            return {"like": _saved_tables.describe(value, self._encoder.encode, f"{where}_like")}
        if name in _WEIGHTS:
            value = [np.asarray(array, dtype=np.float32) for array in value]
        try:
            return self._encoder.encode(value, where + name)
        except TypeError as error:
            if "save is for" in str(error):
                raise
            msg = f"The attribute {error}: delete it before saving, or use pickle."
            raise TypeError(msg) from error

    def _other(self, value: Any, where: str) -> Any:
        """Return an estimator's position as JSON; None if it is none."""
        if isinstance(value, FrozenEstimator):
            return {"frozen": self.add(value.estimator, f"{where}/".replace("params/", ""))}
        if hasattr(value, "get_params") and not isinstance(value, type):
            return {"estimator": self.add(value, f"{where}/".replace("params/", ""))}
        return None


class _Reader:
    """Makes the estimators that a file describes."""

    def __init__(self, arrays: dict[str, Any], described: Any) -> None:
        self._arrays = arrays
        self._described = described
        self._made: dict[int, Any] = {}
        self._current = 0
        self._decoder = Decoder(
            arrays, estimator=self._below, like=lambda content: content,
            frozen=lambda place: FrozenEstimator(self._below(place)),
        )  # fmt: skip

    def first(self) -> Any:
        """Return the estimator that was saved."""
        # From the last: each only refers to later ones.
        for place in reversed(range(len(self._described))):
            self._current = place
            self._made[place] = self._estimator(self._described[place])
        if self._arrays:
            msg = f"nothing refers to its array {next(iter(self._arrays))!r}"
            raise ValueError(msg)
        estimator = self._made[0]
        if "_network" not in vars(estimator):
            msg = "its estimator is not fitted"
            raise ValueError(msg)
        return estimator

    def _below(self, place: int) -> Any:
        if place <= self._current:
            msg = "an estimator is part of itself"
            raise ValueError(msg)
        return self._made[place]

    def _estimator(self, described: dict[str, Any]) -> Any:
        name = described["class"]
        kind = getattr(importlib.import_module(_CLASSES[name]), name)
        params = self._decoder.items(described["params"])
        known = kind._get_param_names()
        unknown = [key for key in params if key not in known]
        if unknown:
            msg = f"{name} has no parameter {unknown[0]!r}"
            raise ValueError(msg)
        for key in _OF_A_RUN:
            params.pop(key, None)
        estimator = kind(**params)
        fitted = self._decoder.items(described["fitted"])
        for key in fitted:
            check_attribute(kind, key, known)
        if fitted:
            self._set(estimator, fitted)
        return estimator

    def _set(self, estimator: Any, fitted: dict[str, Any]) -> None:
        """Set the fitted attributes, once they have been found to fit together."""
        coefs, intercepts = (fitted.pop(name) for name in _WEIGHTS)
        widths = [coefs[0].shape[0], *(len(b) for b in intercepts)]
        if min(widths) < 1:
            msg = "a layer has no units"
            raise ValueError(msg)
        network = Network.from_arrays(widths, coefs, intercepts)
        like, state = fitted.pop("_like", None), fitted.pop("_state", None)
        vars(estimator).update(fitted)
        estimator._network = network
        check_fitted(estimator, network.widths)
        estimator.coefs_ = list(network.coefs)
        estimator.intercepts_ = list(network.intercepts)
        estimator._like = None
        if like is not None:
            n_columns = estimator.n_features_in_
            estimator._like = _saved_tables.rebuilt(like, self._decoder.decode, n_columns)
        if state is not None:
            estimator._state = _state(state, network)


def _state(stored: dict[str, Any], network: Network) -> State:
    """Return where the training stood; without an optimiser's state, which then starts anew."""
    empty = {"slots": np.empty((0, network.params.size)), "averages": np.empty(0)}
    state = State(network=network, **{k: v.astype(np.float32) for k, v in empty.items()} | stored)
    arrays = [getattr(state, name) for name in TRAINING_STATE]
    counters = (
        state.seed, state.epoch, state.epoch_rows, state.samples, state.run_start,
        state.samples_before, state.steps, state.steps_before,
    )  # fmt: skip
    if not (
        all(array.dtype == np.float32 for array in arrays)
        and state.slots.ndim == 2
        and state.slots.shape[1] == network.params.size
        and all(type(counter) is int and 0 <= counter < 2**64 for counter in counters)
        and all(type(value) is float for value in state.loss_curve)
    ):
        msg = "a state of training is none"
        raise ValueError(msg)
    return state
