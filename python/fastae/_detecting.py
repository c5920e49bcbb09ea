"""What `fit` and `partial_fit` of an autoencoder do: train, and set the threshold."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from fastae._anomaly_scores import check_size
from fastae._checks import check, hidden_widths, is_auto
from fastae._conformal import ConformalMixin, warn_of_promise
from fastae._data import ScoredRows, TrainingData, training_data
from fastae._explaining import ExplainingMixin
from fastae._fitting import FittingMixin, Scaling, unchanged_on_error
from fastae._input import check_marks, checked_weights
from fastae._params import Architecture
from fastae._pretraining import stacked
from fastae._reading import numbers_of
from fastae._rules import Rule, rule_of_parameters
from fastae._scan import Scan
from fastae._scanning import Survey, in_one_window, survey
from fastae._training import SAMPLE_ROWS, Progress, Training, diverged
from fastae._units import Units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._input import Array
    from fastae._reading import Table
    from fastae._state import State

Float64 = npt.NDArray[np.float64]


# Known anomalies weigh together as much as this share of the normal rows, and are pushed to so many
# times the error of the columns' means (benchmarks/labels.py anomalies).
ANOMALY_SHARE = 1.0
MARGIN = 10.0


class DetectingMixin(FittingMixin, ConformalMixin, ExplainingMixin):
    """The training side of an autoencoder whose parameters are attributes."""

    activation: str
    anomaly_margin: float | Literal["auto"]
    anomaly_weight: float | Literal["auto"]
    contamination: float | Literal["auto"]
    hidden_layer_sizes: int | Sequence[int] | Literal["auto"]
    layer_rate_decay: float
    output_activation: str
    pretraining: str | None
    pretraining_epochs: float | None
    threshold: Any

    def _architecture(self, units: Units) -> Architecture:
        check_size(self.anomaly_score, units.n_numbers + len(units.n_levels))
        hidden = hidden_widths(self.hidden_layer_sizes, units.n_bits)
        return Architecture(
            widths=(units.n_inputs, *hidden, units.n_outputs),
            activations=(*[self.activation] * len(hidden), self.output_activation),
            rates=tuple(float(self.layer_rate_decay) ** k for k in range(len(hidden) + 1)),
        )

    def _measure(self, rows: ScoredRows) -> tuple[Float64, dict[str, float]]:
        errors = self._row_errors(rows.X, rows.rows)
        mse = rows.mean(errors)
        return errors, {"rmse": mse**0.5, "mse": mse}

    def _fit(
        self,
        X: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        on_progress: Progress | None = None,
        *,
        anomalous: Any = None,
    ) -> Self:
        """Do what `fit` says; `on_progress` as in `fastae._training.Training.run`."""
        if isinstance(X, Scan):
            return self._fit_scan(X, sample_weight, X_val, on_progress, anomalous)
        with unchanged_on_error(self):
            check(self)
            rule = self._rule()
            sample_weight, held, held_weights = self._held_out(X, sample_weight, anomalous)
            self._missing = self.missing
            continues = self._goes_on()
            if continues:
                table = self._table(X, finite=False)
            else:
                self._encoder = None
                table = self._read_new(X, sample_weight)
            marked = self._marked(anomalous, sample_weight, table)
            if held is not None:
                rule.check_suits(held.size, "calibration")  # before all the training
            else:
                if sample_weight is None:
                    n = table.shape[0]
                    rule.check_suits(n if rule.wants_all else min(n, SAMPLE_ROWS), "training")
                warn_of_promise(rule, stacklevel=4)
            if not continues:
                table = self._without_constants(table, _normal(table, sample_weight, marked))
                self._settle_units(table)
            validation = None if X_val is None else ScoredRows(self._table(X_val))
            calibration = None if held is None else ScoredRows(table, held, held_weights)
            make_data = partial(
                training_data, table, sample_weight, validation=validation,
                calibration=calibration, **marked,
            )  # fmt: skip
            units = self._units_of(numbers_of(table).shape[1])
            training = self._train(make_data, units, on_progress=on_progress, continues=continues)
        return self._ended(training)

    def _fit_scan(
        self,
        scan: Scan,
        sample_weight: Any,
        X_val: Any,
        on_progress: Progress | None,
        anomalous: Any,
    ) -> Self:
        """Do what `fit` says with rows that are read in batches."""
        check(self)
        given = {"sample_weight": sample_weight, "anomalous": anomalous}
        wanted = {
            "validation_fraction": 0.0, "calibration_fraction": 0.0, "checkpoint": None,
            "pretraining": None,
        }  # fmt: skip
        for name, value in given.items():
            if value is not None:
                msg = f"{name} is not there for a scan: fit a table in memory, or its batches."
                raise ValueError(msg)
        whole = in_one_window(scan)
        if whole is not None:
            return self._fit(whole, None, X_val, on_progress)
        for name, value in wanted.items():
            if getattr(self, name) != value:
                msg = f"{name} is not there for a scan of more than one window: set {value!r}."
                raise ValueError(msg)
        if self._goes_on():
            msg = "warm_start is not there for a scan: call partial_fit with its batches."
            raise ValueError(msg)
        with unchanged_on_error(self):
            warn_of_promise(self._rule(), stacklevel=5)
            self._missing, self._encoder, self._kept = self.missing, None, None
            seed = check_random_state(self.random_state).randint(2**31)
            seen = survey(self, scan, seed)
            sample = self._without_constants(seen.sample, None)
            units = self._settle_units(sample)
            seen = replace(seen, stats=seen.stats.of(self._kept), sample=sample)
            validation = None if X_val is None else ScoredRows(self._table(X_val))
            make_data = partial(_sampled_data, seen, validation)
            training = self._train(make_data, units, on_progress=on_progress, scanned=(scan, seen))
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
        with unchanged_on_error(self):
            check(self)
            self._missing = self.missing
            self._limit, self._kept, self.scaling_ = math.inf, None, self.scaling
            if checkpoint_model is not None:
                for name in ("_state", "_stats", "coefs_", "intercepts_", "_network", "_limit"):
                    setattr(self, name, getattr(checkpoint_model, name))
                scaling = (checkpoint_model.shift_, checkpoint_model.scale_)
            self._encoder = encoder
            self.n_features_in_ = encoder.n_columns
            rows = None if validation is None else ScoredRows(validation)
            training = self._train(
                partial(training_data, matrix, sample_weight, validation=rows),
                Units(matrix.shape[1]),
                scaling=scaling, continues=checkpoint_model is not None,
            )  # fmt: skip
        return self._ended(training)

    def _marked(self, anomalous: Any, sample_weight: Any, table: Table) -> dict[str, Any]:
        """Return known anomalies as `training_data` takes them: which, and how much they count."""
        if anomalous is None:
            return {}
        marks = check_marks(anomalous, table.shape[0])
        weights = checked_weights(sample_weight, table)
        present = np.ones(marks.size, dtype=bool) if weights is None else weights > 0
        n_marked = int(np.count_nonzero(marks & present))
        n_normal = int(np.count_nonzero(~marks & present))
        if n_normal == 0:
            msg = "anomalous marks every row of weight above 0: there must be normal ones too."
            raise ValueError(msg)
        if n_marked == 0:
            return {}
        weight = self.anomaly_weight
        if is_auto(weight):
            weight = max(1.0, ANOMALY_SHARE * n_normal / n_marked)
        return {"anomalous": marks, "factors": np.where(marks, float(weight), 1.0)}

    def _training(self, data: TrainingData, *args: Any) -> Training:
        """Return a training that knows of the margin for known anomalies."""
        if data.anomalous is None:
            return super()._training(data, *args)
        scaling, params, what, state = args
        margin = self.anomaly_margin
        if is_auto(margin):
            # What reconstructing every row by the columns' means would cost.
            spreads = self._stats.variance * np.square(scaling[1])
            spreads = np.minimum(spreads, 1.0)  # extremes aside
            if self._units is not None:  # a factor's error is about 1 then
                spreads = np.append(spreads, self._units.errors_per_factor)
            spread = float(np.mean(spreads))
            margin = MARGIN * max(spread, float(np.finfo(np.float32).tiny))
        params = replace(params, options=params.options | {"margin": float(margin)})
        return super()._training(data, scaling, params, what, state)

    def _pretrain(self, training: Training, rng: np.random.RandomState) -> None:
        if self.pretraining is None:
            return
        epochs = self.pretraining_epochs
        stacked(
            training.state.network, training.data, training.shift, training.scale,
            training.params,
            epochs=float(self.max_epochs if epochs is None else epochs),
            seed=training.state.seed, n_threads=training.n_threads, rng=rng,
        )  # fmt: skip

    def _rule(self) -> Rule:
        return rule_of_parameters(self.threshold, self.contamination)

    def _fitted_now(self, training: Training, state: State) -> dict[str, Any]:
        errors, rows, held = training.errors, training.sample, training.data.calibration
        self._learn_scores(rows)
        if held is not None:
            rows = held
        if held is not None or self._score_model is not None:
            errors = self._oddness(rows.X, rows.rows)
        kind = "training" if held is None else "calibration"
        weights = rows.weights if held is None else _as_shares(rows.weights)
        offset = -self._rule().threshold(errors, weights, kind)
        own = {"offset_": offset, "_score_model": self._score_model}
        return super()._fitted_now(training, state) | own

    def _finish(self, training: Training) -> None:
        """Set the books and the threshold."""
        super()._finish(training)
        rule, held = self._rule(), training.data.calibration
        sample, errors = training.sample, training.errors
        self._learn_scores(sample)
        if rule.wants_all and held is None:
            sample = training.data.sample(0)
        elif int(self.score_training_samples) != SAMPLE_ROWS:
            sample = training.data.sample(SAMPLE_ROWS)
        is_other = sample.rows is not training.sample.rows or sample.X is not training.sample.X
        if is_other or self._score_model is not None:
            errors = self._oddness(sample.X, sample.rows)
        if not np.isfinite(errors).all():
            raise diverged(max(self.n_iter_, 1), training.params)
        self._calibration = None
        if held is None:
            self.offset_ = -rule.threshold(errors, sample.weights, "training")
        else:
            errors_held = self._oddness(held.X, held.rows)
            self._calibration = _errors_and_weights(errors_held, _as_shares(held.weights))
            self.offset_ = -rule.threshold(*self._calibration, "calibration")
        errors, weights = _errors_and_weights(errors, sample.weights)
        step = -(-errors.size // SAMPLE_ROWS)
        self._errors = errors[::step].copy(), weights[::step].copy()

    def _partial_fit(self, X: Any, sample_weight: Any = None, anomalous: Any = None) -> Self:
        """Do what `partial_fit` says."""
        with unchanged_on_error(self):
            check(self)
            warn_of_promise(self._rule(), stacklevel=4)
            self._missing = self.missing
            first = not hasattr(self, "_state")
            table = self._read_new(X, sample_weight) if first else self._read_more(X)
            marked = self._marked(anomalous, sample_weight, table)
            weights = _normal(table, sample_weight, marked)
            if first:
                table = self._without_constants(table, weights)
                self._settle_units(table)
            else:
                self._note_the_same(table, weights)
                table = self._kept_of(table)
            data = training_data(table, sample_weight, **marked)
            training = self._train_on(data, first=first)
            self._follow(training, first=first)
        return self._ended(training)

    def _follow(self, training: Training, *, first: bool) -> None:
        """Set the books, and the threshold on the errors of the last rows."""
        rows = training.data.last(SAMPLE_ROWS)
        before = None if self._score_model is None else self._score_model.names
        self._learn_scores(rows, keep=not first)
        now = None if self._score_model is None else self._score_model.names
        errors, weights = _errors_and_weights(self._oddness(rows.X, rows.rows), rows.weights)
        if not first and before == now:  # else the old errors are in other units
            old_errors, old_weights = _errors_and_weights(*self._errors)
            errors = np.concatenate([old_errors, errors])[-SAMPLE_ROWS:]
            weights = np.concatenate([old_weights, weights])[-SAMPLE_ROWS:]
        self._keep(training)
        if not np.isfinite(errors).all():
            raise diverged(max(self.n_iter_, 1), training.params)
        self._errors, self._calibration = (errors, weights), None
        self.offset_ = -self._rule().threshold(errors, weights, "training")


def _sampled_data(seen: Survey, validation: ScoredRows | None, **_: Any) -> TrainingData:
    """Return the data of a scan: the rows to be scored, and how many there are."""
    return TrainingData(seen.sample, None, None, seen.n_rows, validation)


def _normal(table: Table, sample_weight: Any, marked: dict[str, Any]) -> Float64 | None:
    """Return the weights of the rows, 0 for known anomalies; None: each counts 1."""
    weights = checked_weights(sample_weight, table)
    if not marked:
        return weights
    return np.where(marked["anomalous"], 0.0, 1.0 if weights is None else weights)


def _as_shares(weights: Float64 | None) -> Float64 | None:
    """Return weights that add up to the number of rows: there is no more evidence than rows."""
    return None if weights is None else weights * (weights.size / weights.sum())


def _errors_and_weights(errors: Float64, weights: Float64 | None) -> tuple[Float64, Float64]:
    return errors, np.ones(errors.size) if weights is None else weights
