"""The training loop: calls the core for some epochs at a time and keeps the history."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastae import _core
from fastae._errors import DivergenceError

if TYPE_CHECKING:
    from fastae._params import Params
    from fastae._weights import Network

logger = logging.getLogger("fastae")

# (samples done, samples to do, training MSE of the last epoch)
Progress = Callable[[int, int, float], None]

# Epochs are handed to the core in portions of about this long: few calls for tiny tables, and
# something to report every now and then for large ones.
PORTION_SECONDS = 0.2


@dataclass
class Training:
    """One run: a network being trained on a table, and what has been seen on the way.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    network : Network
        Trained in place.
    shift, scale : ndarray of shape (n_features,), float64
    params : Params
    seed : int
        Below 2**64; decides the order of the rows.
    n_threads : int
    untrained_mse : float
        Of the network before training.
    mse, seconds : list of float
        Of each complete epoch.
    samples, steps : int
        Rows and mini-batches trained on, those of an interrupted epoch included.
    interrupted : bool
        True if Ctrl-C ended the training.
    """

    X: npt.NDArray[Any]
    network: Network
    shift: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    params: Params
    seed: int
    n_threads: int
    untrained_mse: float = float("nan")
    mse: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    samples: int = 0
    steps: int = 0
    interrupted: bool = False

    def run(self, on_progress: Progress | None = None, *, verbose: int = 0) -> None:
        """Train until all epochs are done or Ctrl-C is pressed.

        Parameters
        ----------
        on_progress : callable or None
            Called now and then with samples done, samples to do, and the last epoch's MSE (the
            untrained network's before the first is complete).
        verbose : int
            1 or more: log a line per portion.

        Raises
        ------
        DivergenceError
            If an error or a weight stopped being finite.
        """
        slots = self.network.slots(self.params.n_slots)
        n_epochs = min(1, self.params.max_epochs)
        try:
            while n_epochs > 0 and not self.interrupted:
                elapsed = self._portion(slots, n_epochs, on_progress)
                if verbose:
                    self._log()
                fitting = int(PORTION_SECONDS * n_epochs / max(elapsed, 1e-9))
                n_epochs = min(max(fitting, 1), self.params.max_epochs - len(self.mse))
        except KeyboardInterrupt:  # pressed between two portions
            self.interrupted = True

    def _portion(
        self, slots: npt.NDArray[np.float32], n_epochs: int, on_progress: Progress | None
    ) -> float:
        """Train for some epochs and note the result; returns the seconds it took."""

        def tick(samples_now: int) -> None:
            if on_progress is not None:
                samples_to_do = self.params.max_epochs * self.X.shape[0]
                on_progress(self.samples + samples_now, samples_to_do, self._last_mse())

        start = time.perf_counter()
        result = _core.train(
            self.X,
            self.network.params,
            slots,
            widths=self.params.widths,
            activations=self.params.activations,
            shift=self.shift,
            scale=self.scale,
            **self.params.optimiser,
            batch_size=self.params.batch_size,
            seed=self.seed,
            first_epoch=len(self.mse),
            n_epochs=n_epochs,
            samples_total=self.params.max_epochs * self.X.shape[0],
            samples_done=self.samples,
            steps_done=self.steps,
            n_threads=self.n_threads,
            tick=None if on_progress is None else tick,
        )
        elapsed = time.perf_counter() - start
        self.mse += result["mse"].tolist()
        self.seconds += result["seconds"].tolist()
        self.samples += result["samples"]
        self.steps += result["steps"]
        if result["status"] == "diverged":
            raise diverged(len(self.mse) + 1, self.params)
        self.interrupted = result["status"] == "interrupted"
        tick(0)
        return elapsed

    def _last_mse(self) -> float:
        return self.mse[-1] if self.mse else self.untrained_mse

    def _log(self) -> None:
        """Log where training stands."""
        _show_log()
        logger.info(
            "epoch %d/%d: training MSE %.6g, %.3g rows/s",
            len(self.mse),
            self.params.max_epochs,
            self._last_mse(),
            self.X.shape[0] / max(self.seconds[-1] if self.seconds else 0.0, 1e-9),
        )

    def history(self) -> dict[str, npt.NDArray[Any]]:
        """Return the scoring history as columns; row 0 is the network before training."""
        epoch = np.arange(len(self.mse) + 1)
        seconds = np.asarray(self.seconds, dtype=np.float64)
        mse = np.array([self.untrained_mse, *self.mse])
        n_samples = self.X.shape[0]
        return {
            "epoch": epoch,
            "samples": epoch * n_samples,
            "duration": np.concatenate([[0.0], np.cumsum(seconds)]),
            "obs_per_s": np.concatenate([[np.nan], n_samples / np.maximum(seconds, 1e-9)]),
            "mse": mse,
            "rmse": np.sqrt(mse),
        }


def diverged(epoch: int, params: Params) -> DivergenceError:
    """Return the error for a training whose numbers stopped being finite."""
    cures = [f"lower learning_rate_init (it was {params.optimiser['learning_rate']:g})"]
    if params.activations[-1] != "tanh":
        cures.append("use bounded activations (output_activation='tanh')")
    cures.append("check that the columns are scaled (scaling='range')")
    return DivergenceError(
        f"Training diverged in epoch {epoch}: errors or weights became infinite or NaN; "
        f"{', or '.join(cures)}."
    )


def _show_log() -> None:
    """Make ``verbose=1`` visible where the application has not set up logging."""
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
