"""What `fit` and `partial_fit` do."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from fastae import _checkpoint, _core, _params, _threads
from fastae._callbacks import Tasks, has_callbacks, torn_down
from fastae._checks import check
from fastae._data import TrainingData, training_data
from fastae._input import Array, check_table, fail_if_not_finite
from fastae._plan import Plan, plan
from fastae._pretraining import stacked
from fastae._scoring import ScoringMixin
from fastae._state import State
from fastae._stream import ColumnStats, rescale
from fastae._summary import momentum_after, step_sizes
from fastae._threshold import threshold
from fastae._training import SAMPLE_ROWS, Progress, Training, diverged
from fastae._weights import Network, draw, fill, n_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

Float64 = npt.NDArray[np.float64]
Scaling = tuple[Float64, Float64]


class FittingMixin(ScoringMixin):
    """The training side of an autoencoder whose parameters are attributes."""

    batch_size: int | str
    checkpoint: str | os.PathLike[str] | None
    coefs_init: Sequence[npt.ArrayLike] | None
    contamination: float | Literal["auto"]
    init: str
    init_scale: float
    intercepts_init: Sequence[npt.ArrayLike] | None
    max_epochs: float
    parallel: str
    pretraining: str | None
    pretraining_epochs: float | None
    random_state: int | np.random.RandomState | None
    scaling: str
    score_training_samples: int
    score_validation_samples: int
    validation_fraction: float
    verbose: int
    warm_start: bool

    _errors: tuple[Float64, Float64 | None]
    _state: State
    _stats: ColumnStats

    def _fit(
        self,
        X: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        on_progress: Progress | None = None,
    ) -> Self:
        """Do what `fit` says; `on_progress` as in `fastae._training.Training.run`."""
        with _unchanged_on_error(self):
            check(self)
            continues = self._goes_on()
            if not continues:
                self._encoder = None
            if continues:
                table = self._table(X, finite=False)
            else:
                table = check_table(self, X, reset=True, finite=False)
            validation = None if X_val is None else self._table(X_val)
            training = self._fit_table(
                table, sample_weight, validation, on_progress=on_progress, continues=continues
            )
        return self._ended(training)

    def _fit_encoded(
        self,
        matrix: Array,
        *,
        encoder: Any,
        scaling: Scaling,
        sample_weight: Any = None,
        validation: Array | None = None,
        checkpoint_model: Any = None,
    ) -> Self:
        """Train on a table that an encoder made of the user's, under a given scaling.

        Parameters
        ----------
        matrix : ndarray of shape (n_samples, n_units), float64
        encoder : object
            Its ``transform(X)`` makes such a table of rows to score; ``n_columns`` is how many
            columns they have.
        scaling : (shift, scale), ndarrays of shape (n_units,), float64
        sample_weight : array-like of shape (n_samples,) or None
        validation : ndarray of shape (n, n_units) or None
        checkpoint_model : Autoencoder or None
            Fitted: training goes on from its weights, under its scaling.
        """
        with _unchanged_on_error(self):
            check(self)
            if checkpoint_model is not None:
                for name in ("_state", "_stats", "coefs_", "intercepts_", "_network"):
                    setattr(self, name, getattr(checkpoint_model, name))
                scaling = (checkpoint_model.shift_, checkpoint_model.scale_)
            self._encoder = encoder
            self.n_features_in_ = encoder.n_columns
            training = self._fit_table(
                matrix, sample_weight, validation, scaling=scaling,
                continues=checkpoint_model is not None,
            )  # fmt: skip
        return self._ended(training)

    def _goes_on(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "_state")

    def _fit_table(
        self,
        table: Array,
        sample_weight: Any,
        validation: Array | None,
        *,
        scaling: Scaling | None = None,
        on_progress: Progress | None = None,
        continues: bool = False,
    ) -> Training:
        """Train on a checked table and set all attributes."""
        rng = check_random_state(self.random_state)
        drawn = None if continues else self._initial_network(table.shape[1], rng)
        seed = int.from_bytes(rng.bytes(8), "little")
        saved = _checkpoint.load(self.checkpoint)
        if self.random_state is None and saved is not None:
            seed = saved.seed
        data = training_data(
            table, sample_weight, X_val=validation,
            validation_fraction=self.validation_fraction,
            validation_samples=self.score_validation_samples,
            rng=np.random.RandomState(seed % 2**32),
        )  # fmt: skip
        params = _params.resolve(self, data.n_samples, table.shape[1])
        stats = self._column_stats(data)
        self._stats = self._stats.merged(stats) if continues else stats
        if scaling is None:
            scaling = (self.shift_, self.scale_) if continues else self._scaling_of(data)
        if drawn is None:
            state = self._state.next_run(self._own_network(params), params, seed, stream=False)
        else:
            state = State.fresh(drawn, params, seed)
        listens = has_callbacks(self)
        what = plan(
            self, data.n_samples, has_validation=data.validation is not None,
            has_listeners=listens,
        )  # fmt: skip
        training = self._training(data, scaling, params, what, state)
        if saved is not None:
            _checkpoint.resume(saved, training)
        elif self.pretraining is not None and not continues:
            self._pretrain(training, rng)
        del saved  # as large as the training's own state
        self._run(training, on_progress, listens)
        self._finish(training)
        return training

    def _initial_network(self, n_features: int, rng: np.random.RandomState) -> Network:
        """Return the network before training: random, or as the user gives it."""
        network = Network.zeros(_params.layer_widths(self, n_features))
        if self.coefs_init is None:
            draw(network, self.init, float(self.init_scale), rng)
        else:
            fill(network.coefs, self.coefs_init, "coefs_init")
        if self.intercepts_init is not None:
            fill(network.intercepts, self.intercepts_init, "intercepts_init")
        return network

    def _own_network(self, params: _params.Params) -> Network:
        """Return a copy of the fitted network, to be trained on."""
        if params.widths != self._network.widths:
            msg = (
                f"Training can only go on with the layers it has, {self._network.widths} units, "
                f"but the parameters and the table say {params.widths}: set warm_start=False, or "
                "restore hidden_layer_sizes."
            )
            raise ValueError(msg)
        return Network.from_arrays(params.widths, self.coefs_, self.intercepts_)

    def _column_stats(self, data: TrainingData) -> ColumnStats:
        """Return statistics of the columns, from one pass that also finds NaN."""
        n_threads = _threads.resolve(self.n_jobs, flops=4.0 * data.X.size)
        columns = _core.column_stats(data.X, n_threads=n_threads, sample_weight=data.row_weights)
        if not all(np.isfinite(column).all() for column in columns) or (
            data.validation is not None and data.validation.X is data.X
        ):
            fail_if_not_finite(self, data.X)
        weights = data.given_weights
        count = float(data.n_samples) if weights is None else float(weights.sum())
        return ColumnStats(count, *columns)

    def _scaling_of(self, data: TrainingData) -> Scaling:
        return self._stats.scaling(self.scaling, data.X.dtype)

    def _training(
        self,
        data: TrainingData,
        scaling: Scaling,
        params: _params.Params,
        what: Plan,
        state: State,
    ) -> Training:
        """Return a training, and let its network be the one that scores."""
        self._show(state.network, params.activations, *scaling)
        identity = {}
        if what.checkpoint is not None:
            identity = _checkpoint.identity(
                self, data, state.samples_before, shift=scaling[0], scale=scaling[1]
            )
        return Training(
            data, *scaling, params, what, state,
            n_threads=self._training_threads(data, params, what),
            row_errors=self._row_errors,
            sample_rows=int(self.score_training_samples),
            identity=identity,
        )  # fmt: skip

    def _training_threads(self, data: TrainingData, params: _params.Params, what: Plan) -> int:
        """Return the threads that pay for training: they meet per batch, or once per part."""
        if self.parallel == "hogwild":
            rows = min(what.every, data.n_samples) if what.exact else data.n_samples
            flops = 6.0 * rows * n_weights(params.widths)
            return _threads.resolve(self.n_jobs, flops=flops)
        return _threads.for_training(
            self.n_jobs,
            widths=params.widths,
            batch_size=params.batch_size,
            n_samples=max(what.total, 1),
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

    def _pretrain(self, training: Training, rng: np.random.RandomState) -> None:
        epochs = self.pretraining_epochs
        stacked(
            training.state.network, training.data, training.shift, training.scale,
            training.params,
            epochs=float(self.max_epochs if epochs is None else epochs),
            seed=training.state.seed, n_threads=training.n_threads, rng=rng,
        )  # fmt: skip

    def _run(self, training: Training, on_progress: Progress | None, listens: bool) -> None:
        """Train, with scikit-learn's callbacks if there are any."""
        if not listens:
            training.run(on_progress, verbose=int(self.verbose))
            return
        with torn_down(self):
            self._run_with_callbacks(training, on_progress)

    def _run_with_callbacks(self, training: Training, on_progress: Progress | None) -> None:
        what = training.plan
        tasks = Tasks(
            self, training.data.X, {}, -(-what.total // what.every),
            lambda state: self._fitted_now(training, state),
        )  # fmt: skip
        training.listener = tasks
        training.run(on_progress, verbose=int(self.verbose))
        tasks.close(training.state)

    def _fitted_now(self, training: Training, state: State) -> dict[str, Any]:
        """Return the attributes of an estimator whose training ended now."""
        network = state.network.copy()
        return {
            "_network": network,
            "coefs_": list(network.coefs),
            "intercepts_": list(network.intercepts),
            "offset_": -threshold(training.errors, self.contamination, training.sample.weights),
        } | {
            name: getattr(self, name)
            for name in (
                "_activations", "_encoder", "shift_", "scale_", "hidden_layer_sizes_",
                "n_layers_", "n_features_in_",
            )
        }  # fmt: skip

    def _finish(self, training: Training) -> None:
        """Set the books and the threshold."""
        self._keep(training)
        sample, errors = training.sample, training.errors
        if self.contamination != "auto":
            sample = training.data.sample(0)
        elif int(self.score_training_samples) != SAMPLE_ROWS:
            sample = training.data.sample(SAMPLE_ROWS)
        if sample.rows is not training.sample.rows or sample.X is not training.sample.X:
            errors = self._row_errors(sample.X, sample.rows)
        if not np.isfinite(errors).all():
            raise diverged(max(self.n_iter_, 1), training.params)
        self.offset_ = -threshold(errors, self.contamination, sample.weights)
        errors, weights = _errors_and_weights(errors, sample.weights)
        self._errors = errors[-SAMPLE_ROWS:], weights[-SAMPLE_ROWS:]
        if not self.warm_start:
            training.state.forget_optimiser()

    def _keep(self, training: Training) -> None:
        """Set what is known about the training."""
        state = training.state
        self._step_sizes = step_sizes(
            state,
            training.params,
            planned=training.plan.total,
            n_samples=training.data.n_samples,
        )
        self._momentum = momentum_after(training.params.options, state.samples)
        self._errors = (training.errors, training.sample.weights)
        self._state = state
        self.batch_size_ = training.params.batch_size
        self.loss_curve_ = state.loss_curve
        self.n_iter_ = len(state.loss_curve)
        self.n_samples_seen_ = state.n_samples_seen
        self.stop_reason_ = training.stop_reason
        self.best_mse_ = training.best_metric

    def _ended(self, training: Training) -> Self:
        if training.interrupted:
            warnings.warn("Training interrupted by user.", UserWarning, stacklevel=4)
        return self

    def _partial_fit(self, X: Any, sample_weight: Any = None) -> Self:
        """Do what `partial_fit` says."""
        with _unchanged_on_error(self):
            check(self)
            first = not hasattr(self, "_state")
            table = check_table(self, X, reset=first, finite=False)
            data = training_data(table, sample_weight)
            new = self._column_stats(data)
            old = new if first else self._stats
            self._stats = new if first else old.merged(new)
            scaling = self._scaling_of(data)
            before = None
            if not first:
                # A column that was constant so far had no unit that weights could be converted of.
                constant = old.minimum == old.maximum
                before = self.shift_, np.where(constant, scaling[1], self.scale_)
            params = self._stream_params(data, first=first)
            rng = check_random_state(self.random_state)
            if before is None:
                network = self._initial_network(table.shape[1], rng)
                state = State.fresh(network, params, int.from_bytes(rng.bytes(8), "little"))
            else:
                network = self._own_network(params)
                rescale(network, params.activations, before, scaling)
                state = self._state.next_run(network, params, self._state.seed, stream=True)
            total = state.samples + data.n_samples
            training = self._training(
                data, scaling, params, Plan(total=total, every=data.n_samples, exact=True), state
            )
            if not first:
                training.go_on(total, "")
            training.run(verbose=int(self.verbose))
            self._follow(training, first=first)
        return self._ended(training)

    def _stream_params(self, data: TrainingData, *, first: bool) -> _params.Params:
        """Return the parameters for a stream; its first rows decide the batch size."""
        settled = None if first else self.batch_size_
        params = _params.resolve(
            self, data.n_samples, data.X.shape[1], endless=True, batch_size=settled
        )
        if first or self.batch_size != "auto":
            # Whatever the rows of this call, a batch of one means online training, and only that.
            given = params.batch_size if self.batch_size == "auto" else int(self.batch_size)
            return replace(params, batch_size=given)
        return replace(params, batch_size=self.batch_size_)

    def _follow(self, training: Training, *, first: bool) -> None:
        """Set the books, and the threshold on the errors of the last rows."""
        rows = training.data.last(SAMPLE_ROWS)
        errors, weights = _errors_and_weights(self._row_errors(rows.X, rows.rows), rows.weights)
        if not first:
            old_errors, old_weights = _errors_and_weights(*self._errors)
            errors = np.concatenate([old_errors, errors])[-SAMPLE_ROWS:]
            weights = np.concatenate([old_weights, weights])[-SAMPLE_ROWS:]
        self._keep(training)
        if not np.isfinite(errors).all():
            raise diverged(max(self.n_iter_, 1), training.params)
        self._errors = (errors, weights)
        self.offset_ = -threshold(errors, self.contamination, weights)


def _errors_and_weights(errors: Float64, weights: Float64 | None) -> tuple[Float64, Float64]:
    return errors, np.ones(errors.size) if weights is None else weights


@contextmanager
def _unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Give the estimator back its attributes if the block fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
