"""What every estimator over a network can do once it is fitted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils._set_output import _get_container_adapter
from sklearn.utils.validation import check_is_fitted

from fastae import _core, _history, _summary, _threads
from fastae._checks import hidden_dropout
from fastae._constant import ColumnsMixin
from fastae._html import HtmlMixin
from fastae._onnx import OnnxMixin
from fastae._reading import ReadingMixin, Table, core_rows
from fastae._saving import SavingMixin
from fastae._weights import Network, n_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastae._input import Array
    from fastae._state import State
    from fastae._table import Table as Summary

Float64 = npt.NDArray[np.float64]


class NetworkMixin(HtmlMixin, ReadingMixin, ColumnsMixin, SavingMixin, OnnxMixin):
    """A fitted network: `coefs_` and `intercepts_` under a scaling of the inputs.

    The class that uses it has the parameters below. With an `_encoder` (of data frames to numbers)
    every table goes through it first.
    """

    hidden_dropout: float | Sequence[float]
    input_dropout: float
    l1: float
    l2: float
    missing: str
    n_jobs: int | None
    parallel: str

    coefs_: list[npt.NDArray[np.float32]]
    intercepts_: list[npt.NDArray[np.float32]]
    shift_: Float64
    scale_: Float64
    hidden_layer_sizes_: tuple[int, ...]
    scaling_: str
    _activations: tuple[str, ...]
    _encoder: Any = None
    # What missing values were in `fit`: parameters may change afterwards, fitted networks do not.
    _missing: str = "error"
    # Beyond which scaled values do not go.
    _limit: float = math.inf
    _momentum: float
    _network: Network
    _state: State
    _step_sizes: _summary.Rates

    def _table(self, X: Any, *, finite: bool = True) -> Table:
        """Return rows as the core reads them."""
        if self._encoder is not None:
            encoded: Array = self._encoder.transform(X)
            return encoded
        return self._read(X, finite=finite)

    def _call(
        self, function: Callable[..., Any], X: Table, n_rows: int | None = None, **extra: Any
    ) -> Any:
        """Call one of the core's scoring functions on (so many rows of) a checked table."""
        network = self._network
        if not network.shows(self.coefs_, self.intercepts_):
            # The user put other arrays there. Nothing is stored: scoring changes no attribute,
            # so several threads may score at once.
            network = Network.from_arrays(network.widths, self.coefs_, self.intercepts_)
        n_rows = X.shape[0] if n_rows is None else n_rows
        if function is not _core.decode:  # which reads codes, of which none is missing
            extra["missing"] = "none" if self._missing == "error" else self._missing
            extra["limit"] = self._limit
            extra |= core_rows(X, with_codes=self._units is not None)
            X = extra.pop("X")
        if self._units is not None:
            extra["factors"] = self._units.description(reconstructed=self._reconstructs)
        flops = 2.0 * n_rows * n_weights(network.widths)
        return function(
            X,
            network.params,
            widths=network.widths,
            activations=self._activations,
            shift=self.shift_,
            scale=self.scale_,
            n_threads=_threads.resolve(self.n_jobs, flops=flops),
            **extra,
        )

    def _show(
        self, network: Network, activations: tuple[str, ...], shift: Float64, scale: Float64
    ) -> None:
        """Set what scoring needs."""
        self._network = network
        self._activations = activations
        self.coefs_ = list(network.coefs)
        self.intercepts_ = list(network.intercepts)
        self.shift_ = shift
        self.scale_ = scale
        self.hidden_layer_sizes_ = network.widths[1:-1]
        self.n_layers_ = len(network.widths)

    def _feature_layer(self) -> int:
        """Return how many layers lead to the features: all hidden ones."""
        return max(1, len(self.hidden_layer_sizes_))

    def deep_features(self, X: Any, layer: int | None = None) -> Any:
        """Return the output of any hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        layer : int or None, default=None
            0 is the first hidden layer, -1 the last; None the narrowest of an autoencoder, the
            last of other networks.

        Returns
        -------
        features : ndarray, or data frame, of shape (n_samples, hidden_layer_sizes_[layer])
            float64 for float64 input and 32 and 64 bit integers, else float32. A frame where
            ``set_output``, or scikit-learn's ``set_config(transform_output=...)``, asks for one,
            with the index of a pandas X. Its columns are called by class, layer and unit, as in
            "autoencoder_layer1_0": the layer always counted from 0, so that a layer's names do not
            depend on how it was asked for, and those of several layers can stand side by side.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If there is no such layer, or X is wrong as in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=(5, 2, 4), random_state=0).fit(X)
        >>> model.deep_features(X, layer=-1).shape
        (50, 4)
        >>> model.set_output(transform="pandas").deep_features(X).columns.tolist()
        ['autoencoder_layer1_0', 'autoencoder_layer1_1']
        """
        check_is_fitted(self)
        n_hidden = len(self.hidden_layer_sizes_)
        if layer is not None and not -n_hidden <= layer < n_hidden:
            allowed = f"from {-n_hidden} to {n_hidden - 1}" if n_hidden else "None here"
            msg = f"layer must be {allowed} (hidden layers of this network), got {layer}."
            raise ValueError(msg)
        n_layers = self._feature_layer() if layer is None else layer % n_hidden + 1
        features: Array = self._call(_core.activations, self._table(X), n_layers=n_layers)
        adapter = _get_container_adapter("transform", self)
        if adapter is None:
            return features
        prefix = f"{type(self).__name__.lower()}_layer{n_layers - 1}_"
        names = [f"{prefix}{unit}" for unit in range(features.shape[1])]
        return adapter.create_container(features, X, columns=names)

    @property
    def _reconstructs(self) -> bool:
        """Whether the first outputs are the inputs again; in general they are."""
        return True

    @property
    def history_(self) -> Summary:
        """The scoring history: one row per scoring, the untrained network first.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, max_epochs=3, random_state=0).fit(X)
        >>> model.history_["epochs"][[0, -1]].tolist()
        [0.0, 3.0]
        """
        if "_state" not in vars(self):
            msg = f"{type(self).__name__!r} object has no attribute 'history_' before fit"
            raise AttributeError(msg)
        return _history.table(self._state.events)

    def summary(self) -> Summary:
        """Return a table of the layers.

        Returns
        -------
        layers : Table
            One row per layer, the input first. "layer" (1 is the input), "units", "type" ("input"
            or the activation), "dropout" (probability), "l1", "l2", "mean_rate" and "rate_sd"
            (what gradients were multiplied by in the last step of `fit`; Adam and ADADELTA: mean
            and standard deviation over the layer's weights), "momentum", "mean_weight",
            "weight_sd", "mean_bias", "bias_sd" (population standard deviations). NaN where a
            layer has no such thing.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> layers = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X).summary()
        >>> layers["type"].tolist(), layers["units"].tolist()
        (['input', 'tanh', 'identity'], [6, 2, 6])
        """
        check_is_fitted(self)
        return _summary.layer_table(
            self._activations,
            self.coefs_,
            self.intercepts_,
            input_dropout=float(self.input_dropout),
            hidden_dropout=hidden_dropout(self.hidden_dropout, len(self.hidden_layer_sizes_)),
            l1=float(self.l1),
            l2=float(self.l2),
            rates=self._step_sizes,
            momentum=self._momentum,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.non_deterministic = self.parallel == "hogwild"
        tags.input_tags.allow_nan = self.missing != "error"
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        # coefs_ and intercepts_ carry the weights; the buffer would store them again.
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_network", None)
        if "_state" in state:
            state["_state"] = replace(state["_state"], network=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if hasattr(self, "coefs_"):
            widths = [self.coefs_[0].shape[0], *(W.shape[1] for W in self.coefs_)]
            self._network = Network.from_arrays(widths, self.coefs_, self.intercepts_)
            self.coefs_ = list(self._network.coefs)
            self.intercepts_ = list(self._network.intercepts)
        if hasattr(self, "_state"):
            self._state = replace(self._state, network=self._network)
