"""What `fit` and `partial_fit` of every estimator do."""

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from fastae import _checkpoint, _core, _params, _threads
from fastae._base import NetworkMixin
from fastae._callbacks import Tasks, has_callbacks, torn_down
from fastae._plan import Plan, plan
from fastae._reading import any_missing, check_finite, core_rows, numbers_of
from fastae._scaling import ROBUST_LIMIT, ROBUST_ROWS, auto_scaling
from fastae._scanning import Survey, WindowFeed
from fastae._schema import MixedTable
from fastae._sparse import SparseTable
from fastae._state import State
from fastae._stream import ColumnStats, rescale
from fastae._summary import momentum_after, step_sizes
from fastae._training import Progress, Training
from fastae._weights import Network, draw, fill, n_weights

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from fastae._data import ScoredRows, TrainingData
    from fastae._scan import Scan
    from fastae._units import Units

Float64 = npt.NDArray[np.float64]
Scaling = tuple[Float64, Float64]


class FittingMixin(NetworkMixin):
    """The training side of an estimator whose parameters are attributes.

    What is particular to a kind of estimator are `_architecture`, `_measure`, `_decisive`, and
    the methods that say "in general" here.
    """

    batch_size: int | str
    checkpoint: str | os.PathLike[str] | None
    coefs_init: Sequence[npt.ArrayLike] | None
    init: str
    init_scale: float
    intercepts_init: Sequence[npt.ArrayLike] | None
    max_epochs: float
    output_activation: str
    random_state: int | np.random.RandomState | None
    scaling: str
    score_training_samples: int
    score_validation_samples: int
    validation_fraction: float
    verbose: int
    warm_start: bool

    # The metric that decides when to stop, and after which the best one's attribute is named.
    _decisive = "mse"
    # Rows per update that batch_size="auto" does not go below.
    _least_batch = 1
    _stats: ColumnStats

    def _architecture(self, units: Units) -> _params.Architecture:
        """Return the layers of a network with such inputs."""
        raise NotImplementedError

    def _measure(self, rows: ScoredRows) -> tuple[Float64, dict[str, float]]:
        """Return an error per row, and metrics of all."""
        raise NotImplementedError

    def _goes_on(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "_state")

    def _train(
        self,
        make_data: Callable[..., TrainingData],
        units: Units,
        *,
        scaling: Scaling | None = None,
        on_progress: Progress | None = None,
        continues: bool = False,
        scanned: tuple[Scan, Survey] | None = None,
    ) -> Training:
        """Train on checked rows and set all attributes.

        Parameters
        ----------
        make_data : callable
            Takes the keyword arguments of `fastae._data.training_data` that are drawn here.
        units : Units
            What the inputs are.
        scaling : (shift, scale) or None
            None: by the rows.
        on_progress : callable or None
            As in `fastae._training.Training.run`.
        continues : bool
            Go on with the fitted network, under its scaling.
        scanned : (Scan, Survey) or None
            Where the rows are read from, and what is known of them; the data's are a sample.
        """
        rng = check_random_state(self.random_state)
        drawn = None if continues else self._initial_network(units, rng)
        seed = int.from_bytes(rng.bytes(8), "little")
        saved = _checkpoint.load(self.checkpoint)
        if self.random_state is None and saved is not None:
            seed = saved.seed
        data = make_data(
            validation_fraction=float(self.validation_fraction),
            validation_samples=int(self.score_validation_samples),
            rng=np.random.RandomState(seed % 2**32),
        )
        params = _params.resolve(self, data.n_samples, units, most_rows=_most_rows(data))
        stats = self._column_stats(data) if scanned is None else scanned[1].stats
        params.options["missing"] = self._missing_in(stats, data)
        self._stats = self._stats.merged(stats) if continues else stats
        data = self._with_scaled_targets(data, "kept" if continues else "anew")
        if scaling is None:
            scaling = (self.shift_, self.scale_) if continues else self._scaling_of(data)
        if drawn is None:
            state = self._state.next_run(self._own_network(params), params, seed, stream=False)
            thaw = params.options["thaw_steps"]  # counted from the first run on
            params.options["thaw_steps"] = [max(0, at - state.steps_before) for at in thaw]
        else:
            state = State.fresh(drawn, params, seed)
        listens = has_callbacks(self)
        what = plan(
            self, data.n_samples, has_validation=data.validation is not None,
            has_listeners=listens,
        )  # fmt: skip
        training = self._training(data, scaling, params, what, state)
        training.errors_per_row = self._errors_per_row(stats, data)
        if scanned is not None:
            rows = max(scanned[0].window // params.batch_size, 1) * params.batch_size
            training.feed = WindowFeed(
                scanned[0], lambda batch: self._read(batch, finite=False), rows, seed
            )
        if drawn is not None:
            self._silence_unknown(training.state.network)
        if saved is not None:
            _checkpoint.resume(saved, training)
        elif not continues:
            self._pretrain(training, rng)
        del saved  # as large as the training's own state
        self._run(training, on_progress, listens)
        self._finish(training)
        return training

    def _initial_network(self, units: Units, rng: np.random.RandomState) -> Network:
        """Return the network before training; in general random, or as the user gives it."""
        network = Network.zeros(self._architecture(units).widths)
        if self.coefs_init is None:
            draw(network, self.init, float(self.init_scale), rng)
            if not units.is_plain:
                self._suit_units(network, units)
        else:
            fill(network.coefs, self.coefs_init, "coefs_init")
        if self.intercepts_init is not None:
            fill(network.intercepts, self.intercepts_init, "intercepts_init")
        return network

    def _suit_units(self, network: Network, units: Units) -> None:
        """Let random weights suit inputs of which a row activates few."""
        if self.init == "glorot_uniform":
            # Its sums are over the inputs and outputs that a row has.
            n_in, n_hidden = network.coefs[0].shape
            network.coefs[0][...] *= np.sqrt((n_in + n_hidden) / (units.n_active + n_hidden))
            if self._reconstructs:
                n_hidden, n_out = network.coefs[-1].shape
                n_active = units.n_active + n_out - units.n_outputs
                factor = np.sqrt((n_out + n_hidden) / (n_active + n_hidden))
                network.coefs[-1][:, : units.n_numbers] *= factor
        # What was never missing or unknown says nothing.
        network.coefs[0][units.n_outputs :] = 0.0

    def _silence_unknown(self, network: Network) -> None:
        """Let the outputs for columns of which no value is known be 0, as such columns are."""
        if self._reconstructs:
            unknown = np.flatnonzero(self._stats.count == 0)
            network.coefs[-1][:, unknown] = 0.0
            network.intercepts[-1][unknown] = 0.0

    def _own_network(self, params: _params.Params) -> Network:
        """Return a copy of the fitted network, to be trained on."""
        if params.widths != self._network.widths:
            msg = (
                f"Training can only go on with the layers it has, {self._network.widths} units, "
                f"but the parameters and the table say {params.widths}: set warm_start=False, or "
                "restore hidden_layer_sizes and whatever else decides about layers."
            )
            raise ValueError(msg)
        return Network.from_arrays(params.widths, self.coefs_, self.intercepts_)

    def _column_stats(self, data: TrainingData) -> ColumnStats:
        """Return statistics of the columns of normal rows, from one pass that also finds NaN."""
        numbers = numbers_of(data.X)
        weights, n_normal = data.normal_rows
        if not numbers.shape[1]:
            return ColumnStats.nothing(float(n_normal))
        n_threads = _threads.resolve(self.n_jobs, flops=4.0 * numbers.size)
        mean, minimum, maximum, variance, count, complete = _core.column_stats(
            core_rows(numbers)["X"], n_threads=n_threads, sample_weight=weights
        )
        columns = (mean, minimum, maximum, variance)
        misses = bool((count < complete).any())
        if (
            not all(np.isfinite(column).all() for column in columns)
            or data.anomalous is not None
            or (data.validation is not None and data.validation.X is data.X)
            or (misses and self._missing == "error")
        ):
            check_finite(self, data.X)
        # Counted as the user weighs the rows: streams add up calls.
        given = data.given_weights
        total = n_normal
        if given is not None:
            total = given.sum() if data.anomalous is None else given[~data.anomalous].sum()
        return ColumnStats(count * (total / complete), *columns, float(total))

    def _missing_in(self, stats: ColumnStats, data: TrainingData) -> str:
        """Return what ``_core.train`` has to do about missing values."""
        has_missing = stats.has_missing or (
            data.anomalous is not None and any_missing(data.X[data.anomalous])
        )
        return self._missing if has_missing and self._missing != "error" else "none"

    def _errors_per_row(self, stats: ColumnStats, data: TrainingData) -> float:
        """Return how many errors of a row's reconstruction the core adds up, on average."""
        n = float(stats.count.size)
        if self._missing == "ignore":
            n = float(stats.count.sum() / stats.total)
        if isinstance(data.X, MixedTable) and self._units is not None:
            known = data.shares_known(data.X.codes >= 0)
            n += float(known @ self._units.errors_per_factor)
        return n

    def _scaling_of(self, data: TrainingData, n_stream: int | None = None) -> Scaling:
        """Return the scaling by the rows so far, and set its name and how far values may go.

        In a stream, `n_stream` are the rows of the first call, by which "auto" is settled; in
        later calls 0.
        """
        if n_stream != 0:
            self.scaling_ = self.scaling
            if self.scaling == "auto":
                sparse = isinstance(data.X, SparseTable)
                name = auto_scaling(data.X.dtype, self.output_activation, n_stream)
                self.scaling_ = "range" if sparse else name
        is_robust = self.scaling_ == "robust"
        self._limit = ROBUST_LIMIT if is_robust else math.inf
        return self._stats.scaling(
            self.scaling_,
            data.X.dtype,
            columns=self._kept,
            sample=_numbers_of_sample(data.sample(ROBUST_ROWS, unlabelled=True))
            if is_robust
            else None,
        )

    def _with_scaled_targets(
        self, data: TrainingData, how: Literal["anew", "merged", "kept"]
    ) -> TrainingData:
        """Return the data with targets as the network sees them; in general they have no units.

        Their scaling is that of these rows, of these and all before, or stays as it was.
        """
        del how
        return data

    def _training(
        self,
        data: TrainingData,
        scaling: Scaling,
        params: _params.Params,
        what: Plan,
        state: State,
    ) -> Training:
        """Return a training, and let its network be the one that scores."""
        params.options["limit"] = self._limit
        if self._units is not None:
            params.options["factors"] = self._units.description(
                reconstructed=self._reconstructs, trains=True
            )
        self._show(state.network, params.activations, *scaling)
        identity = {}
        if what.checkpoint is not None:
            identity = _checkpoint.identity(
                self, data, state.samples_before, self._identity_arrays(),
                shift=scaling[0], scale=scaling[1],
            )  # fmt: skip
        return Training(
            data, *scaling, params, what, state,
            n_threads=self._training_threads(data, params, what),
            measure=self._measure,
            decisive=self._decisive,
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
            widths=self._trained_widths(params),
            batch_size=params.batch_size,
            n_samples=max(what.total, 1),
        )

    def _trained_widths(self, params: _params.Params) -> tuple[int, ...]:
        """Return the units per layer that training computes for a row."""
        if self._units is None:
            return params.widths
        n_targets = params.widths[-1] - (self._units.n_outputs if self._reconstructs else 0)
        n_trained = self._units.n_trained if self._reconstructs else 0
        return (self._units.n_active, *params.widths[1:-1], n_trained + n_targets)

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
            self, *self._heard(training), -(-what.total // what.every),
            lambda state: self._fitted_now(training, state),
        )  # fmt: skip
        training.listener = tasks
        training.run(on_progress, verbose=int(self.verbose))
        tasks.close(training.state)

    def _fitted_now(self, training: Training, state: State) -> dict[str, Any]:
        """Return the attributes of an estimator whose training ended now; in general weights."""
        del training
        network = state.network.copy()
        attributes = {
            "_network": network,
            "coefs_": list(network.coefs),
            "intercepts_": list(network.intercepts),
        } | {name: getattr(self, name) for name in self._fitted_names}
        if self._kept is not None:  # callbacks have the rows that the network sees
            attributes |= {"_kept": None, "n_features_in_": self._kept.size}
        return attributes

    # Attributes of a fitted estimator that are known before training.
    _fitted_names: tuple[str, ...] = (
        "_activations", "_encoder", "shift_", "scale_", "hidden_layer_sizes_", "n_layers_",
        "n_features_in_",
    )  # fmt: skip

    def _output_scaling(self, inputs: Scaling) -> Scaling:
        """Return the scaling of the outputs; in general they are the inputs again."""
        return inputs

    def _heard(self, training: Training) -> tuple[Any, Any]:
        """Return rows, and what is to be learned, without which ScoringMonitor does not score."""
        return training.data.X, training.data.X

    def _identity_arrays(self) -> dict[str, list[npt.NDArray[Any]]]:
        """Return by name what else a checkpoint belongs to."""
        return {}

    def _pretrain(self, training: Training, rng: np.random.RandomState) -> None:
        """Do what comes before training; in general nothing."""

    def _finish(self, training: Training) -> None:
        """Set what is known after training; in general the books."""
        self._keep(training)
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
        self._state = state
        self.batch_size_ = training.params.batch_size
        self.loss_curve_ = state.loss_curve
        self.n_iter_ = len(state.loss_curve)
        self.n_samples_seen_ = state.n_samples_seen
        self.stop_reason_ = training.stop_reason
        setattr(self, f"best_{self._decisive}_", training.best_metric)

    def _ended(self, training: Training) -> Self:
        if training.interrupted:
            warnings.warn("Training interrupted by user.", UserWarning, stacklevel=4)
        return self

    def _train_on(
        self, data: TrainingData, *, first: bool, scaling: Scaling | None = None
    ) -> Training:
        """Train once on the next rows of a stream.

        Parameters
        ----------
        data : TrainingData
        first : bool
            Whether they are the first ones.
        scaling : (shift, scale) or None
            None: follows the stream.
        """
        new = self._column_stats(data)
        old = new if first else self._stats
        self._stats = new if first else old.merged(new)
        if scaling is None and not first and self.scaling_ == "robust":
            scaling = (self.shift_, self.scale_)  # quantiles cannot be added up over calls
        if scaling is None:
            scaling = self._scaling_of(data, n_stream=data.n_samples if first else 0)
        now = scaling
        if not first:
            # A column that was constant so far had no unit that weights could be converted of.
            constant = old.minimum == old.maximum
            inputs = self.shift_, np.where(constant, now[1], self.scale_)
            outputs = self._output_scaling(inputs)
        data = self._with_scaled_targets(data, "anew" if first else "merged")
        units = self._units_of(numbers_of(data.X).shape[1])
        params = self._stream_params(data, first=first)
        params.options["thaw_steps"] = []  # a matter of epochs
        params.options["missing"] = self._missing_in(new, data)
        rng = check_random_state(self.random_state)
        if first:
            network = self._initial_network(units, rng)
            state = State.fresh(network, params, int.from_bytes(rng.bytes(8), "little"))
        else:
            network = self._own_network(params)
            rescale(network, params.activations, inputs, now, (outputs, self._output_scaling(now)))
            state = self._state.next_run(network, params, self._state.seed, stream=True)
        total = state.samples + data.n_samples
        training = self._training(
            data, now, params, Plan(total=total, every=data.n_samples, exact=True), state
        )
        training.errors_per_row = self._errors_per_row(new, data)
        if first:
            self._silence_unknown(network)
        else:
            training.go_on(total, "")
        training.run(verbose=int(self.verbose))
        return training

    def _stream_params(self, data: TrainingData, *, first: bool) -> _params.Params:
        """Return the parameters for a stream; its first rows decide the batch size."""
        settled = None if first else self.batch_size_
        params = _params.resolve(
            self, data.n_samples, self._units_of(numbers_of(data.X).shape[1]), endless=True,
            batch_size=settled, most_rows=_most_rows(data),
        )  # fmt: skip
        if first or self.batch_size != "auto":
            # Whatever the rows of this call, a batch of one means online training, and only that.
            given = params.batch_size if self.batch_size == "auto" else int(self.batch_size)
            return replace(params, batch_size=given)
        return replace(params, batch_size=self.batch_size_)


def _numbers_of_sample(sample: ScoredRows) -> ScoredRows:
    """Return rows of which all columns are numbers; sparse ones by columns."""
    if isinstance(sample.X, SparseTable):
        table = sample.table
        assert isinstance(table, SparseTable)
        return replace(sample, X=table.matrix.tocsc(), rows=None)
    return replace(sample, X=numbers_of(sample.X))


def _most_rows(data: TrainingData) -> int:
    """Return the most rows per update that batch_size="auto" stands for."""
    # What an update of sparse rows costs hardly depends on their number.
    return _params.MOST_SPARSE if isinstance(data.X, SparseTable) else _params.MOST_DENSE


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Give the estimator back its attributes if the block fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
