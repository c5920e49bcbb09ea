"""What a fitted network does with rows: scores, codes, reconstructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastae import _core, _threads
from fastae._input import Array, check_codes, check_table, fail_if_not_finite
from fastae._weights import Network, n_weights

if TYPE_CHECKING:
    from collections.abc import Callable

Float64 = npt.NDArray[np.float64]


class ScoringMixin(TransformerMixin):  # type: ignore[misc]
    """The methods of a fitted autoencoder.

    The class that uses it sets `coefs_`, `intercepts_`, `shift_`, `scale_`, `offset_`,
    `hidden_layer_sizes_`, `n_features_in_`, `_network`, `_activations` and has `n_jobs`. With an
    `_encoder` (of data frames to numbers) every table goes through it first.
    """

    n_jobs: int | None
    coefs_: list[npt.NDArray[np.float32]]
    intercepts_: list[npt.NDArray[np.float32]]
    shift_: Float64
    scale_: Float64
    offset_: float
    hidden_layer_sizes_: tuple[int, ...]
    n_features_in_: int
    _network: Network
    _activations: tuple[str, ...]
    _encoder: Any = None

    def _table(self, X: Any, *, finite: bool = True) -> Array:
        """Return rows as the core reads them."""
        if self._encoder is not None:
            encoded: Array = self._encoder.transform(X)
            return encoded
        return check_table(self, X, reset=False, finite=finite)

    def _call(
        self, function: Callable[..., Any], X: Array, n_rows: int | None = None, **extra: Any
    ) -> Any:
        """Call one of the core's scoring functions on (so many rows of) a checked table."""
        network = self._network
        if not network.shows(self.coefs_, self.intercepts_):
            # The user put other arrays there. Nothing is stored: scoring changes no attribute,
            # so several threads may score at once.
            network = Network.from_arrays(network.widths, self.coefs_, self.intercepts_)
        flops = 2.0 * (X.shape[0] if n_rows is None else n_rows) * n_weights(network.widths)
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

    def _row_errors(self, X: Array, rows: npt.NDArray[np.uint32] | None = None) -> Float64:
        """Return the MSE of the rows of a checked table, or of some of them."""
        if rows is None:
            errors: Float64 = self._call(_core.score, X)
        else:
            errors = self._call(_core.score, X, n_rows=rows.size, rows=rows)
        return errors

    def _scores(self, X: Array) -> Float64:
        errors = self._row_errors(X)
        return np.negative(errors, out=errors)

    def transform(self, X: Any) -> Array:
        """Return the codes of rows: the output of the narrowest hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        codes : ndarray of shape (n_samples, n_codes)
            Of the first layer among equally narrow ones. float64 for float64 input and 32 and
            64 bit integers, else float32. Without a hidden layer: the reconstruction, in scaled
            units.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X has NaN, infinity, text, or another number of columns than in `fit`.
        """
        check_is_fitted(self)
        X = self._table(X)
        codes: Array = self._call(_core.activations, X, n_layers=self._code_layer())
        return codes

    def inverse_transform(self, X: Any) -> Array:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_codes)
            Codes as `transform` returns them.

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            In the units of the training table. float32 for float32 codes, else float64.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If X is not a finite table with one column per code.
        """
        check_is_fitted(self)
        codes = check_codes(X, self._n_features_out)
        rows: Array = self._call(_core.decode, codes, first_layer=self._code_layer())
        return rows

    def reconstruct(self, X: Any) -> Array:
        """Return what the network makes of rows, in their own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            The same as ``inverse_transform(transform(X))`` but for rounding. float64 for float64
            input and 32 and 64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        check_is_fitted(self)
        rows: Array = self._call(_core.reconstruct, self._table(X))
        return rows

    def deep_features(self, X: Any, layer: int | None = None) -> Array:
        """Return the output of any hidden layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        layer : int or None, default=None
            0 is the first hidden layer, -1 the last; None the one that `transform` returns.

        Returns
        -------
        features : ndarray of shape (n_samples, hidden_layer_sizes_[layer])
            float64 for float64 input and 32 and 64 bit integers, else float32.

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
        """
        check_is_fitted(self)
        n_hidden = len(self.hidden_layer_sizes_)
        if layer is not None and not -n_hidden <= layer < n_hidden:
            allowed = f"from {-n_hidden} to {n_hidden - 1}" if n_hidden else "None here"
            msg = f"layer must be {allowed}: there are {n_hidden} hidden layers, got {layer}."
            raise ValueError(msg)
        n_layers = self._code_layer() if layer is None else layer % n_hidden + 1
        X = self._table(X)
        features: Array = self._call(_core.activations, X, n_layers=n_layers)
        return features

    def reconstruction_error(self, X: Any, per_feature: bool = False) -> Array:
        """Return the squared error of the reconstruction, in scaled units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        per_feature : bool, default=False
            Return the error of each column rather than their mean.

        Returns
        -------
        error : ndarray of shape (n_samples,), float64, or (n_samples, n_features)
            MSE of each row; or squared errors per column, float64 for float64 input and 32 and
            64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        if not per_feature:
            return -self.score_samples(X)
        check_is_fitted(self)
        X = self._table(X)
        errors: Array = self._call(_core.feature_errors, X)
        return errors

    def score_samples(self, X: Any) -> Float64:
        """Return how normal each row looks: minus its reconstruction MSE.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            At most 0; the lower, the more abnormal. In squared scaled units.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        check_is_fitted(self)
        X = self._table(X, finite=False)
        scores = self._scores(X)
        if not np.isfinite(scores).all():  # so NaN in X costs no pass of its own
            fail_if_not_finite(self, X)
        return scores

    def decision_function(self, X: Any) -> Float64:
        """Return the score of each row relative to the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,), float64
            ``score_samples(X) - offset_``: negative for odd rows.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        scores = self.score_samples(X)
        return np.subtract(scores, self.offset_, out=scores)

    def predict(self, X: Any) -> npt.NDArray[np.int_]:
        """Tell odd rows from normal ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,), int
            -1 for odd rows, 1 for normal ones.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def score(self, X: Any, y: object = None) -> float:  # noqa: ARG002
        """Return minus the mean reconstruction MSE: higher is better, for model selection.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
            For scikit-learn's conventions.

        Returns
        -------
        score : float
            In squared scaled units.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.
        """
        return float(np.mean(self.score_samples(X)))

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the names of the codes: "autoencoder0", "autoencoder1", ...

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Only compared with the names seen in `fit`.

        Returns
        -------
        names : ndarray of shape (n_codes,), object

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If `fit` has not been called.
        ValueError
            If `input_features` are not the columns of `fit`.
        """
        # Called, not inherited: the mixin would have to come before TransformerMixin.
        names: npt.NDArray[np.object_] = ClassNamePrefixFeaturesOutMixin.get_feature_names_out(
            self, input_features
        )
        return names

    @property
    def _n_features_out(self) -> int:
        return min(self.hidden_layer_sizes_, default=self.coefs_[0].shape[0])

    def _code_layer(self) -> int:
        """Return how many layers lead to the codes: up to the first narrowest hidden layer."""
        sizes = self.hidden_layer_sizes_
        return sizes.index(min(sizes)) + 1 if sizes else 1
