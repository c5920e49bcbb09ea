"""What classifiers and regressors share: layers of an autoencoder below, targets on top."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._checks import check, hidden_widths, is_auto
from fastae._data import ScoredRows, training_data
from fastae._fitting import FittingMixin, Scaling, unchanged_on_error
from fastae._input import checked_weights
from fastae._params import Architecture
from fastae._reading import joined, numbers_of
from fastae._takeover import (
    check_same_columns,
    check_takeover,
    copy_layers,
    fitted_clone,
    taken_layers,
    unwrapped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastae._autoencoder import Autoencoder
    from fastae._data import TrainingData
    from fastae._input import Array
    from fastae._reading import Table
    from fastae._targets import Targets
    from fastae._training import Training
    from fastae._units import Units
    from fastae._weights import Network

Float64 = npt.NDArray[np.float64]

# Hidden units with hidden_layer_sizes="auto" where no autoencoder brings any, as in scikit-learn.
HIDDEN = 100


class SupervisedMixin(FittingMixin):
    """The training side of a network with targets, whose parameters are attributes.

    Particular to classifiers and regressors are `_encoded_targets` and `_n_targets`.
    """

    # Parameters of an autoencoder that these networks do not have.
    anomaly_margin = "auto"
    anomaly_weight = "auto"
    average_activation = 0.0
    calibration_fraction = 0.0
    coefs_init = None
    contamination = "auto"
    huber_delta = 1.0
    intercepts_init = None
    loss = "squared_error"
    output_activation = "identity"
    pretraining = None
    pretraining_epochs = None
    quantile = 0.5
    sparsity_beta = 0.0
    target_mse = None

    _least_batch = 16
    _fitted_names = (*FittingMixin._fitted_names, "autoencoder_", "_n_targets")

    activation: str
    autoencoder: Any
    encoder_layers: int | None
    encoder_rate: float
    hidden_layer_sizes: int | Sequence[int] | str
    layer_rate_decay: float
    reconstruction_weight: float
    thaw_epochs: float

    autoencoder_: Autoencoder | None
    _n_targets: int

    def _encoded_targets(self, y: Any, *, learn: bool) -> Targets:
        """Return y as the network learns it; with `learn`, note what there is to predict."""
        raise NotImplementedError

    @property
    def _has_use_for_unlabelled(self) -> bool:
        """Whether a row without target can be learned from."""
        return self.autoencoder is not None or self._is_semi_supervised

    def _has_use_for_rows(self, *, continues: bool) -> bool:
        """Whether rows without label have been, or will be, trained on."""
        is_given = self.autoencoder_ is unwrapped(self.autoencoder)
        return self._is_semi_supervised or not (is_given or continues)

    @property
    def _reconstructs(self) -> bool:
        return self._is_semi_supervised

    @property
    def _is_semi_supervised(self) -> bool:
        return float(self.reconstruction_weight) > 0

    def _architecture(self, units: Units) -> Architecture:
        n_reconstructed = units.n_outputs if self._is_semi_supervised else 0
        taken = taken_layers(self.autoencoder_, self.encoder_layers)
        sizes = self.hidden_layer_sizes
        if is_auto(sizes):
            sizes = () if taken else (HIDDEN,)
        own = hidden_widths(sizes, units.n_bits)
        below: tuple[int, ...] = ()
        activations: tuple[str, ...] = ()
        if self.autoencoder_ is not None:
            below = self.autoencoder_.hidden_layer_sizes_[:taken]
            activations = self.autoencoder_._activations[:taken]
        n_outputs = n_reconstructed + self._n_targets
        decay, rate = float(self.layer_rate_decay), float(self.encoder_rate)
        thaw = float(self.thaw_epochs)
        n_layers = taken + len(own) + 1
        return Architecture(
            widths=(units.n_inputs, *below, *own, n_outputs),
            activations=(*activations, *[self.activation] * len(own), "identity"),
            rates=tuple(decay**k * (rate if k < taken else 1.0) for k in range(n_layers)),
            thaw_epochs=tuple(thaw * max(taken - k, 0) for k in range(n_layers)),
        )

    def _initial_network(self, units: Units, rng: np.random.RandomState) -> Network:
        network = super()._initial_network(units, rng)
        if self.autoencoder_ is not None:
            taken = taken_layers(self.autoencoder_, self.encoder_layers)
            copy_layers(self.autoencoder_, taken, network)
        return network

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_unlabeled: Any,
        validation: tuple[Any, Any],
    ) -> Self:
        """Do what `fit` says."""
        with unchanged_on_error(self):
            check(self)
            check_takeover(self)
            self._missing = self.missing
            continues = self._goes_on()
            table, more = self._tables(
                X, X_unlabeled, reset=not continues, sample_weight=sample_weight
            )
            targets = self._targets(y, table, learn=not continues)
            weights = checked_weights(sample_weight, table)
            if not continues:
                self._take_over(table, more, weights)
                table, more = self._settle_columns(table, more, weights)
            if more is not None and not self._has_use_for_rows(continues=continues):
                msg = (
                    "X_unlabeled has no use: give an unfitted autoencoder to be fitted on it, or "
                    "reconstruction_weight."
                )
                warnings.warn(msg, UserWarning, stacklevel=3)
            held = self._validation(validation)
            weights = self._row_weights(targets, weights)
            if self._is_semi_supervised and more is not None:
                table = joined(table, more)
                targets = targets.with_unknown(len(more))
                if weights is not None:
                    weights = np.concatenate([weights, np.ones(len(more))])
            training = self._train_targets(table, targets, weights, held, continues=continues)
        return self._ended(training)

    def _fit_encoded(
        self,
        matrix: Array,
        y: Any,
        *,
        encoder: Any,
        scaling: Scaling,
        sample_weight: Any = None,
        validation: tuple[Array, Any] | None = None,
        start: Mapping[str, Sequence[npt.ArrayLike]] | None = None,
        checkpoint_model: Any = None,
    ) -> Self:
        """Train on a table that an encoder made of the user's, under a given scaling.

        Parameters
        ----------
        matrix : ndarray of shape (n_samples, n_units), float64
        y : array-like of shape (n_samples,)
        encoder : object
            As in `DetectingMixin._fit_encoded`.
        scaling : (shift, scale), ndarrays of shape (n_units,), float64
            Without an autoencoder, whose own counts.
        sample_weight : array-like of shape (n_samples,) or None
        validation : (ndarray of shape (n, n_units), array-like of shape (n,)) or None
        start : mapping or None
            `coefs_init` and `intercepts_init`, as in `Autoencoder`; of layers that are taken over
            the autoencoder's count.
        checkpoint_model : estimator of the same kind or None
            Fitted: training goes on from its weights, under its scaling, with its classes.
        """
        with unchanged_on_error(self):
            check(self)
            check_takeover(self)
            self._missing = self.missing
            continues = checkpoint_model is not None
            if continues:
                mine = self.get_params(deep=False)  # type: ignore[attr-defined]
                learned = {k: v for k, v in vars(checkpoint_model).items() if k not in mine}
                vars(self).update(learned)
                scaling = (self.shift_, self.scale_)
            self._encoder, self._kept, self.scaling_ = encoder, None, self.scaling
            self.n_features_in_ = encoder.n_columns
            targets = self._targets(y, matrix, learn=not continues)
            weights = checked_weights(sample_weight, matrix)
            if not continues:
                self._take_over(matrix, None, weights)
            held = None if validation is None else self._held(*validation)
            weights = self._row_weights(targets, weights)
            vars(self).update(start or {})
            training = self._train_targets(
                matrix, targets, weights, held, scaling=scaling, continues=continues
            )
            for name in start or ():
                delattr(self, name)
        return self._ended(training)

    def _train_targets(
        self,
        table: Table,
        targets: Targets,
        weights: Float64 | None,
        held: ScoredRows | None,
        *,
        continues: bool,
        scaling: Scaling | None = None,
    ) -> Training:
        """Train on checked rows; under an autoencoder's scaling, if there is one."""
        make_data = partial(
            training_data, table, weights, targets=targets, validation=held,
            factors=self._factors(targets, weights),
        )  # fmt: skip
        if not continues:
            scaling = self._taken_scaling() or scaling
        units = self._units_of(numbers_of(table).shape[1])
        return self._train(make_data, units, scaling=scaling, continues=continues)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, *, first: bool) -> Self:
        """Do what `partial_fit` says, with targets that are known already."""
        check_takeover(self)
        self._missing = self.missing
        table, _ = self._tables(X, None, reset=first, sample_weight=sample_weight)
        targets = self._targets(y, table, learn=False)
        weights = checked_weights(sample_weight, table)
        if first:
            self._take_over(table, None, weights)
            table, _ = self._settle_columns(table, None, weights)
        elif self.autoencoder_ is None:
            self._note_the_same(table, weights)
        weights = self._row_weights(targets, weights)
        data = training_data(
            table, weights, targets=targets, factors=self._factors(targets, weights)
        )
        training = self._train_on(data, first=first, scaling=self._taken_scaling())
        self._keep(training)
        return self._ended(training)

    def _tables(
        self, X: Any, X_unlabeled: Any, *, reset: bool, sample_weight: Any = None
    ) -> tuple[Table, Table | None]:
        """Return the rows with and without labels as the core reads them."""
        if reset:
            self._encoder = self._kept = None
            given = unwrapped(self.autoencoder)
            schema = getattr(given, "_schema", None)
            if schema is not None and given.__sklearn_is_fitted__():
                table = self._read_as(X, schema)
            else:
                table = self._read_new(X, sample_weight)
        else:
            table = self._table(X, finite=False)
        return table, None if X_unlabeled is None else self._table(X_unlabeled)

    def _take_over(self, table: Table, more: Table | None, weights: Float64 | None) -> None:
        """Set `autoencoder_`: the given one, or one that is fitted here and now."""
        self.autoencoder_ = None
        if self.autoencoder is None:
            return
        given = unwrapped(self.autoencoder)
        if given.__sklearn_is_fitted__():
            check_same_columns(self, given)
            self.autoencoder_ = given
        else:
            self.autoencoder_ = fitted_clone(self, given, table, more, weights)

    def _settle_columns(
        self, table: Table, more: Table | None, weights: Float64 | None
    ) -> tuple[Table, Table | None]:
        """Drop the columns that are to be dropped, or that an autoencoder below does not see."""
        if self.autoencoder_ is None:
            table = self._without_constants(table, weights, more)
            self._settle_units(table)
        else:
            self._units = self.autoencoder_._units
            for name in ("_constants", "_kept", "constant_features_"):
                if hasattr(self.autoencoder_, name):
                    setattr(self, name, getattr(self.autoencoder_, name))
            table = self._kept_of(table)
        return table, None if more is None else self._kept_of(more)

    def _taken_scaling(self) -> Scaling | None:
        """Return the scaling of the autoencoder below, if there is one, and set its limit."""
        if self.autoencoder_ is None:
            return None
        self._limit, self.scaling_ = self.autoencoder_._limit, self.autoencoder_.scaling_
        return self.autoencoder_.shift_, self.autoencoder_.scale_

    def _targets(self, y: Any, table: Table, *, learn: bool, name: str = "y") -> Targets:
        """Return the targets of the rows of a table."""
        n_given = len(y) if hasattr(y, "__len__") else len(table)
        if n_given != len(table):
            msg = (
                f"{name} must have one label per row of the table: {len(table)} rows, but "
                f"{n_given} labels."
            )
            raise ValueError(msg)
        return self._encoded_targets(y, learn=learn)

    def _factors(self, targets: Targets, weights: Float64 | None) -> Float64 | None:
        """Return 0 for rows from which nothing can be learned."""
        known = targets.known
        if not (known.any() if weights is None else weights[known].any()):
            msg = "y has no labels: at least one row of weight above 0 must have one."
            raise ValueError(msg)
        if self._is_semi_supervised or known.all():
            return None
        return known.astype(np.float64)

    def _row_weights(self, targets: Targets, weights: Float64 | None) -> Float64 | None:
        """Return the weights of the rows; in general as they are given."""
        del targets
        return weights

    def _validation(self, given: tuple[Any, Any]) -> ScoredRows | None:
        if (given[0] is None) != (given[1] is None):
            msg = "X_val and y_val belong together: give both, or neither."
            raise ValueError(msg)
        return None if given[0] is None else self._held(self._table(given[0]), given[1])

    def _held(self, table: Table, y: Any) -> ScoredRows:
        """Return rows to validate with."""
        targets = self._targets(y, table, learn=False, name="y_val")
        if not targets.known.all():
            msg = "y_val has rows without label: leave them out."
            raise ValueError(msg)
        return ScoredRows(table, targets=targets)

    def _training(self, data: TrainingData, *args: Any) -> Training:
        """Return a training that knows about targets."""
        scaling, params, what, state = args
        assert data.targets is not None
        options = params.options | {"n_targets": data.targets.n_targets}
        if self._is_semi_supervised:
            options["reconstruction_weight"] = float(self.reconstruction_weight)
            # The mean over labelled rows, whatever their share.
            options["target_weight"] = data.n_samples / data.error_weight
        return super()._training(data, scaling, replace(params, options=options), what, state)

    def _outputs(self, table: Table) -> Array:
        """Return the last layer's outputs that have targets, (n, n_targets)."""
        outputs: Array = self._call(_core.activations, table, n_layers=len(self.coefs_))
        return outputs[:, outputs.shape[1] - self._n_targets :]

    def _predicted(self, X: Any) -> Float64:
        """Return the outputs that have targets, in float64, for a user's table."""
        # NaN cannot be told by the outputs: a rectifier makes 0 of it.
        return np.asarray(self._outputs(self._table(X)), dtype=np.float64)

    def _output_scaling(self, inputs: Scaling) -> Scaling:
        shift, scale = self._target_scaling()
        if len(self.intercepts_[-1]) == self._n_targets:
            return shift, scale
        # Levels of factors lie between numbers and targets, and have no units.
        n_levels = len(self.intercepts_[-1]) - inputs[0].size - self._n_targets
        shift = np.concatenate([inputs[0], np.zeros(n_levels), shift])
        return shift, np.concatenate([inputs[1], np.ones(n_levels), scale])

    def _target_scaling(self) -> Scaling:
        """Return the scaling of the targets; in general they have none."""
        return np.zeros(self._n_targets), np.ones(self._n_targets)

    def _heard(self, training: Training) -> tuple[Any, Any]:
        data = training.data
        assert data.targets is not None
        known = data.targets.known
        if known.all():
            return data.X, self._labels_of(data.targets.of(ScoredRows(data.X)))
        rows = ScoredRows(data.X, np.flatnonzero(known).astype(np.uint32))
        return rows.table, self._labels_of(data.targets.of(rows))

    def _labels_of(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return targets as the user gave them; in general they are."""
        return targets

    def _identity_arrays(self) -> dict[str, list[npt.NDArray[Any]]]:
        if self.autoencoder_ is None:
            return {}
        return {"the autoencoder": [*self.autoencoder_.coefs_, *self.autoencoder_.intercepts_]}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")
