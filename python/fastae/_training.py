"""The training loop: calls the core for some rows at a time, scores, keeps the books."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fastae import _checkpoint, _core
from fastae._errors import DivergenceError
from fastae._history import Event, event
from fastae._log import Step, logger, show_log
from fastae._scanning import WholeTable, WindowFeed
from fastae._stopping import BestWeights, MovingAverageStop

if TYPE_CHECKING:
    from fastae._core import TrainResult
    from fastae._data import Measure, TrainingData
    from fastae._params import Params
    from fastae._plan import Plan
    from fastae._state import State

Float64 = npt.NDArray[np.float64]

# (samples done, samples to do, training error of the last scoring)
Progress = Callable[[int, int, float], None]

_TITLES = {"mse": "MSE", "logloss": "log-loss"}

# Rows for the "auto" threshold, and by default for the training error.
SAMPLE_ROWS = 10_000


class Listener(Protocol):
    """Hears of every part of the training, between two scorings."""

    def begin(self) -> None:
        """Hear that training goes on."""

    def end(self, state: State) -> bool:
        """Hear that it was scored; return True to stop it."""


class Training:
    """One run: a network being trained on a table, and what is seen on the way.

    Parameters
    ----------
    data : TrainingData
    shift, scale : ndarray of shape (n_features,), float64
    params : Params
    plan : Plan
    state : State
        Changed in place.
    n_threads : int
    measure : callable
        Scores rows with ``state.network``.
    decisive : str
        Which of its metrics decides when to stop.
    sample_rows : int
        Most training rows to score; 0: all.
    listener : Listener or None
    identity : dict
        What a checkpoint has to have in common with this run.

    Attributes
    ----------
    errors_per_row : float
        How many errors of the reconstruction of a row are known, on average.
    errors : ndarray of shape (n,), float64
        Of the sample of training rows, at the last scoring.
    next_event : int
        Rows of this run after which the next scoring is due.
    stop_reason : str
        "" while training goes on; then "max_epochs", "early_stopping", "target_mse", "max_time",
        "callback" or "interrupted".
    best_metric : float
        The least decisive metric of all scorings, if the best weights are kept; else NaN.
    """

    def __init__(
        self,
        data: TrainingData,
        shift: Float64,
        scale: Float64,
        params: Params,
        plan: Plan,
        state: State,
        *,
        n_threads: int,
        measure: Measure,
        decisive: str = "mse",
        sample_rows: int = SAMPLE_ROWS,
        listener: Listener | None = None,
        identity: dict[str, Any] | None = None,
    ) -> None:
        self.data, self.shift, self.scale = data, shift, scale
        self.params, self.plan, self.state = params, plan, state
        self.n_threads = n_threads
        self.sample = data.sample(sample_rows)
        self.errors: Float64 = np.empty(0)
        self.stop_reason = ""
        self.stop = MovingAverageStop(plan.rounds, plan.tolerance)
        self.best = BestWeights(state.network.params.size)
        self.identity = identity or {}
        self._measure, self._decisive = measure, decisive
        self.listener = listener
        self.feed: WholeTable | WindowFeed = WholeTable(data)
        self.errors_per_row = float(params.widths[0])
        self.next_event = 0
        self._part_start = 0
        self._scoring_seconds = 0.0
        self._last_saved = time.monotonic()
        # False while Ctrl-C would leave weights and books that do not belong together.
        self._is_whole = True

    @property
    def best_metric(self) -> float:
        """The least metric so far, if it is kept."""
        return self.best.metric if self.best.kept else math.nan

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.stop_reason == "interrupted"

    def run(self, on_progress: Progress | None = None, *, verbose: int = 0) -> None:
        """Train until all epochs are done or something stops it.

        Parameters
        ----------
        on_progress : callable or None
            Called now and then with samples done, samples to do, and the last scoring's training
            error.
        verbose : int
            1 or more: log a line per scoring.

        Raises
        ------
        DivergenceError
            If an error or a weight stopped being finite.
        """
        started = time.monotonic()
        try:
            if self.next_event == 0 and not self.stop_reason:
                self._score(verbose)
            while not self.stop_reason and self.state.samples < self.plan.total:
                self._part(started, on_progress, verbose)
        except KeyboardInterrupt:  # pressed between two calls of the core
            self.stop_reason = self.stop_reason or "interrupted"
        finally:
            self.feed.close()
        self._end(verbose)

    def _part(self, started: float, on_progress: Progress | None, verbose: int) -> None:
        """Train up to the next scoring, or until somebody has to look in."""
        if self.listener is not None and self.state.samples == self._part_start:
            self.listener.begin()
        if self.state.samples < self.next_event:
            self._train(started, on_progress)
        if not self.stop_reason and time.monotonic() - started > self.plan.max_time:
            self.stop_reason = "max_time"
        if self.state.samples >= min(self.next_event, self.plan.total) and not self.stop_reason:
            self._score(verbose)
        if time.monotonic() - self._last_saved >= self.plan.checkpoint_interval:
            self.save()

    def _train(self, started: float, on_progress: Progress | None) -> None:
        """Train on the rows up to the next scoring and note the result."""
        state, plan = self.state, self.plan
        deadline = started + plan.max_time
        save_at = self._last_saved + plan.checkpoint_interval

        pressed = False

        def tick(samples_now: int) -> bool:
            nonlocal pressed
            try:
                if on_progress is not None:
                    on_progress(state.samples + samples_now, plan.total, self._last_metric())
            except KeyboardInterrupt:
                pressed = True
            return pressed or time.monotonic() > min(deadline, save_at)

        watched = on_progress is not None or math.isfinite(min(deadline, save_at))
        turn = self.feed.turn(state, self.params, min(self.next_event, plan.total), plan.total)
        rows = turn.pop("X")
        train = partial(
            _core.train,
            params=state.network.params,
            slots=state.slots,
            widths=self.params.widths,
            activations=self.params.activations,
            shift=self.shift,
            scale=self.scale,
            averages=state.averages,
            tick=tick if watched else None,
            batch_size=self.params.batch_size,
            seed=state.seed,
            **turn,
            samples_total=plan.total,
            samples_done=state.samples,
            steps_done=state.steps,
            n_threads=self.n_threads,
            **self.params.options,
        )
        # Ctrl-C late in the core raises as soon as Python's own code goes on. The result has then
        # been stored by extend: without it, the books would not agree with the weights.
        results: list[TrainResult] = []
        self._is_whole = False
        try:
            results.extend(map(train, [rows]))
        except KeyboardInterrupt:
            if not results:
                raise
            pressed = True
        result = results[0]
        errors = result["squared_error" if self.data.targets is None else "target_error"]
        n_errors = self.data.error_weight * self._errors_per_row()
        n_errors = max(n_errors, math.ulp(0.0))  # of a table without any value
        for part in zip(result["rows"], errors, result["seconds"], strict=True):
            state.book(self.data.n_samples, n_errors, *part)
        state.steps += result["steps"]
        self._is_whole = True
        if result["status"] == "diverged":
            raise diverged(state.epoch + 1, self.params)
        if pressed or result["status"] == "interrupted":
            self.stop_reason = "interrupted"
        if on_progress is not None:
            on_progress(state.samples, plan.total, self._last_metric())

    def _score(self, verbose: int) -> None:
        """Score the network as it stands, and decide whether to go on."""
        start = time.monotonic()
        new = self._event()
        self._is_whole = False
        self.state.events.append(new)
        if self.plan.keep_best:
            self.best.offer(new.metric, self.state.network.params)
        reason = ""
        if self.stop.add(new.metric):
            reason = "early_stopping"
        if new.training[self._decisive] <= self.plan.target_mse:
            reason = "target_mse"
        self.stop_reason = self.stop_reason or reason
        self._is_whole = True
        if verbose:
            self._log(new)
        if self.plan.callback is not None:
            answer = self.plan.callback(new.row())
            if isinstance(answer, bool | np.bool_) and answer:
                reason = "callback"
        heard = self.listener is not None and self.state.samples > 0
        if heard and self.listener.end(self.state):  # type: ignore[union-attr]
            reason = "callback"
        self.stop_reason = self.stop_reason or reason
        self._scoring_seconds = time.monotonic() - start
        self._part_start = self.state.samples
        self.next_event = self.state.samples + self._rows_to_next_event()

    def _event(self) -> Event:
        state = self.state
        self.errors, training = self._measure(self.sample)
        validation = None
        if self.data.validation is not None:
            validation = self._measure(self.data.validation)[1]
        if not math.isfinite(training[self._decisive]):
            raise diverged(state.epoch + 1, self.params)
        return event(
            duration=state.seconds,
            epochs=state.epochs(self.data.n_samples),
            iterations=state.iterations,
            samples=state.n_samples_seen,
            training=training,
            validation=validation,
            decisive=self._decisive,
            before=state.events[-1] if state.events else None,
        )

    def _errors_per_row(self) -> float:
        """Return how many errors of a row the core adds up."""
        targets = self.data.targets
        if targets is None:
            return self.errors_per_row
        return targets.n_targets if targets.classes is None else 1

    def _rows_to_next_event(self) -> int:
        """Return how many rows to train on before the next scoring is due."""
        plan, state = self.plan, self.state
        pause = plan.interval
        if not plan.exact:
            pause = max(pause, self._scoring_seconds / plan.duty_cycle)
        rows = pause * state.samples / max(state.seconds, 1e-9)
        if not (plan.exact or state.samples):  # nothing measured yet: a row takes 3 times as long
            rows = self.errors.size / (3 * plan.duty_cycle)
        return plan.every * max(1, math.ceil(min(rows, plan.total) / plan.every))

    def _end(self, verbose: int) -> None:
        """Leave the best weights, or the last, and their scores behind."""
        state = self.state
        self.stop_reason = self.stop_reason or "max_epochs"
        ended_early = self.stop_reason in ("interrupted", "max_time")
        if self.plan.checkpoint is not None and ended_early and self._is_whole:
            self.save()  # before a scoring that an uninterrupted run would not have made
        if not state.events or state.events[-1].samples != state.n_samples_seen:
            self._score(verbose)
        elif not self.errors.size:  # of a checkpoint of a complete training
            self.errors = self._measure(self.sample)[0]
        if self.plan.keep_best and self.best.kept and self.best.metric < state.events[-1].metric:
            self.best.restore(state.network.params)
            state.events.append(self._event())
        if self.plan.checkpoint is not None and not ended_early and self._is_whole:
            self.save()

    def go_on(self, next_event: int, stop_reason: str) -> None:
        """Take over when the next scoring is due, and why training had ended (or "")."""
        self.next_event = next_event
        self.stop_reason = stop_reason
        self._part_start = self.state.samples
        events = self.state.events
        scored = bool(events) and events[-1].samples == self.state.n_samples_seen
        if scored and next_event <= self.state.samples:  # it was complete, with fewer epochs
            self.next_event = self.state.samples + self._rows_to_next_event()

    def save(self) -> None:
        """Write a checkpoint."""
        self._last_saved = time.monotonic()
        _checkpoint.save(self.plan.checkpoint, self)

    def _last_metric(self) -> float:
        return self.state.events[-1].training[self._decisive]

    def _log(self, new: Event) -> None:
        """Log where training stands."""
        show_log()
        validation, name = "", _TITLES[self._decisive]
        if not math.isnan(new.validation[self._decisive]):
            validation = f", validation {name} {new.validation[self._decisive]:.6g}"
        speed = "" if math.isnan(new.obs_per_s) else f", {new.obs_per_s:.3g} rows/s"
        total = self.state.epochs_before + self.params.max_epochs
        logger.info(
            "epoch %.4g/%g: training %s %.6g%s%s",
            new.epochs,
            total,
            name,
            new.training[self._decisive],
            validation,
            speed,
            extra={"fastae_step": Step(self, new.epochs, total, self.stop_reason)},
        )


def diverged(epoch: int, params: Params) -> DivergenceError:
    """Return the error for a training whose numbers stopped being finite."""
    cures = [f"lower learning_rate_init (it was {params.options['learning_rate']:g})"]
    if params.options.get("n_targets"):
        cures.append("use bounded activations (activation='tanh')")
    elif params.activations[-1] != "tanh":
        cures.append("use bounded activations (output_activation='tanh')")
    cures.append("check that the columns are scaled (scaling='range')")
    return DivergenceError(
        f"Training diverged in epoch {epoch}: errors or weights became infinite or NaN; "
        f"{', or '.join(cures)}."
    )
