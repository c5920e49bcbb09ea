"""What a fitted network does with rows: scores, codes, reconstructions."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from fastae import _core
from fastae._input import Array, check_codes
from fastae._output import like_frame
from fastae._readahead import ReadClock
from fastae._reading import Table, check_finite
from fastae._scan import Scan
from fastae._scores import RowScoresMixin

if TYPE_CHECKING:
    from collections.abc import Callable

Float64 = npt.NDArray[np.float64]


def _batchwise(function: Callable[[Any], Any], scan: Scan) -> Array:
    """Return a function's results of all batches, one below the other."""
    scan.clock = ReadClock()
    with scan.batches(clock=scan.clock) as reader:
        parts = [np.asarray(function(batch)) for batch in reader if batch.shape[0]]
    if not parts:
        msg = "The scan has no rows."
        raise ValueError(msg)
    return np.concatenate(parts)


class ScoringMixin(RowScoresMixin, TransformerMixin):  # type: ignore[misc]
    """The methods of a fitted autoencoder."""

    offset_: float

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
            If X has infinity, text, NaN with ``missing="error"``, or another number of columns than
            in `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> model.transform(X).shape
        (50, 2)
        """
        check_is_fitted(self)
        if isinstance(X, Scan):
            return _batchwise(lambda batch: self._codes(self._table(batch)), X)
        return self._codes(self._table(X))

    def _codes(self, table: Table) -> Array:
        codes: Array = self._call(_core.activations, table, n_layers=self._feature_layer())
        return codes

    def inverse_transform(self, X: Any) -> Any:
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

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> model.inverse_transform(model.transform(X)).shape
        (50, 6)
        """
        check_is_fitted(self)
        codes = check_codes(X, self._n_features_out)
        rows = self._call(_core.decode, codes, first_layer=self._feature_layer())
        return self._as_table(rows, self._like)

    def reconstruct(self, X: Any) -> Any:
        """Return what the network makes of rows, in their own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        reconstruction : ndarray of shape (n_samples, n_features)
            The same as ``inverse_transform(transform(X))`` but for rounding; dropped columns have
            their constant. float64 for float64
            input and 32 and 64 bit integers, else float32.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> model.reconstruct(X).shape
        (50, 6)
        """
        check_is_fitted(self)
        rows = self._call(_core.reconstruct, self._table(X))
        return self._as_table(rows, X)

    def _as_table(self, rows: Any, like: Any) -> Any:
        """Return reconstructed numbers, or these and levels, as a table like another one."""
        if self._encoder is not None:
            return self._without_unknown(rows)
        numbers, codes = (rows, None) if self._units is None else rows
        numbers = self._without_unknown(numbers)
        if self._schema is None:
            return like_frame(numbers, like)
        if codes is None:
            codes = np.empty((len(numbers), 0), dtype=np.int32)
        return self._schema.decode(numbers, codes, like)

    def _without_unknown(self, rows: Array) -> Array:
        """Return rows with dropped columns, and NaN where no value was known in `fit`."""
        rows[:, self.scale_ == 0] = np.nan
        return self._completed(rows, np.nan if self._constants is None else self._constants.values)

    def reconstruction_error(self, X: Any, per_feature: bool = False) -> Any:
        """Return the squared error of the reconstruction, in scaled units.

        Whatever `anomaly_score` is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        per_feature : bool, default=False
            Return the error of each column rather than their mean.

        Returns
        -------
        error : ndarray of shape (n_samples,), float64, or (n_samples, n_features)
            MSE of each row; or squared errors per column, float64 for float64 input and 32 and
            64 bit integers, else float32; NaN in missing cells and in dropped columns.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> errors = model.reconstruction_error(X)
        >>> cells = model.reconstruction_error(X, per_feature=True)
        >>> errors.shape, cells.shape, np.allclose(cells.mean(axis=1), errors)
        ((50,), (50, 6), True)
        """
        if not per_feature:
            return self._per_row(X, self._row_errors)
        check_is_fitted(self)
        if isinstance(X, Scan):
            per_batch = partial(self.reconstruction_error, per_feature=True)
            return _batchwise(per_batch, X)
        errors = self._column_errors(self._table(X))
        return errors if self._encoder is not None else like_frame(errors, X)

    def _column_errors(self, table: Table) -> Array:
        """Return the errors of all columns of the user's table, NaN of those without any."""
        errors: Array = self._call(_core.feature_errors, table)
        n_numbers = self.scale_.size
        numbers = self._completed(errors[:, :n_numbers], np.nan)
        if self._schema is None:
            return numbers
        errors = np.concatenate([numbers, errors[:, n_numbers:]], axis=1)
        return self._schema.columns_in_order(errors)

    def score_samples(self, X: Any) -> Float64:
        """Return how normal each row looks: minus its `anomaly_score`, in general the MSE.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            At most 0; the lower, the more abnormal. The MSE is in squared scaled units, the other
            scores are about -1 for ordinary rows.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> np.array_equal(model.score_samples(X), -model.reconstruction_error(X))
        True
        """
        scores = self._per_row(X, self._oddness)
        return np.negative(scores, out=scores)

    def _per_row(self, X: Any, function: Callable[[Table], Float64]) -> Float64:
        """Return what a function says of the rows of any table, once it is checked."""
        check_is_fitted(self)
        if isinstance(X, Scan):
            return _batchwise(partial(self._per_row, function=function), X)
        # Infinity shows in the scores, unless scaled values have an end.
        table = self._table(X, finite=math.isfinite(self._limit))
        values = function(table)
        if not np.isfinite(values).all():  # so NaN in X costs no pass of its own
            check_finite(self, table)
        return values

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

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> np.array_equal(model.decision_function(X) < 0, model.predict(X) == -1)
        True
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

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> model.predict([[0.0] * 6, [100.0] * 6])
        array([ 1, -1])
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def score(self, X: Any, y: object = None) -> float:  # noqa: ARG002
        """Return the mean of `score_samples`: higher is better, for model selection.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
            For scikit-learn's conventions.

        Returns
        -------
        score : float
            Minus the mean MSE, in squared scaled units, unless `anomaly_score` is another: a
            search must not compare different ones by it, whose units differ.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError
            As in `transform`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> bool(model.score(X) == model.score_samples(X).mean())
        True
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

        Examples
        --------
        >>> import numpy as np
        >>> from fastae import Autoencoder
        >>> X = np.random.default_rng(0).normal(size=(50, 6))
        >>> model = Autoencoder(hidden_layer_sizes=2, random_state=0).fit(X)
        >>> model.get_feature_names_out()
        array(['autoencoder0', 'autoencoder1'], dtype=object)
        """
        # Called, not inherited: the mixin would have to come before TransformerMixin.
        names: npt.NDArray[np.object_] = ClassNamePrefixFeaturesOutMixin.get_feature_names_out(
            self, input_features
        )
        return names

    @property
    def _n_features_out(self) -> int:
        return min(self.hidden_layer_sizes_, default=self.coefs_[0].shape[0])
