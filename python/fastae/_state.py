"""What training changes: weights, the optimiser's state, and the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fastae._weights import Network, aligned_zeros

if TYPE_CHECKING:
    from fastae._history import Event
    from fastae._params import Params

Float32 = npt.NDArray[np.float32]


@dataclass(eq=False)
class State:
    """Where a training stands: enough to go on from.

    Attributes
    ----------
    network : Network
        Trained in place.
    slots : ndarray of shape (n_slots, n_floats), float32
        The optimiser's state, in the layout of ``network.params``.
    averages : ndarray, float32
        Average activations of hidden units, layers in whole lines of 16; empty if not needed.
    seed : int
        Below 2**64; decides the order of the rows and all noise.
    epoch, epoch_rows : int
        The epoch that is under way, counted from 0, and the rows of it that are done.
    epoch_error : float
        Of these rows: sum of weighted errors.
    samples : int
        Rows trained on: what schedules go by.
    run_start : int
        `samples` when this run began: 0, but in a stream.
    samples_before : int
        Rows of earlier runs, which schedules have forgotten.
    epochs_before : float
        Epochs of earlier runs.
    steps, steps_before : int
        Updates of the weights that `slots` has seen, and those that it has forgotten.
    seconds : float
        Of training, without scoring.
    loss_curve : list of float
        Mean error of each complete epoch as seen while the weights were changing.
    events : list of Event
    """

    network: Network
    slots: Float32
    averages: Float32
    seed: int
    epoch: int = 0
    epoch_rows: int = 0
    epoch_error: float = 0.0
    samples: int = 0
    run_start: int = 0
    samples_before: int = 0
    epochs_before: float = 0.0
    steps: int = 0
    steps_before: int = 0
    seconds: float = 0.0
    loss_curve: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @classmethod
    def fresh(cls, network: Network, params: Params, seed: int) -> State:
        """Return the state before the first step."""
        averages = aligned_zeros((params.averages_size if params.is_sparse else 0,))
        return cls(network, network.slots(params.n_slots), averages, seed)

    def next_run(self, network: Network, params: Params, seed: int, *, stream: bool) -> State:
        """Return a state of its own from which another run goes on, over other rows perhaps.

        Books and (where it still fits) the optimiser's state are kept. Schedules start anew, but
        in a stream, which has no end that they could lead to.

        Parameters
        ----------
        network : Network
            The weights to go on from.
        params : Params
        seed : int
        stream : bool
        """
        fresh = State.fresh(network, params, seed)
        fits = fresh.slots.shape == self.slots.shape
        if fits:
            fresh.slots[...] = self.slots
        if fresh.averages.shape == self.averages.shape:
            fresh.averages[...] = self.averages
        fresh.epoch = self.epoch + 1 if self.epoch_rows else self.epoch
        if stream:
            fresh.samples = fresh.run_start = self.samples
            fresh.samples_before = self.samples_before
        else:
            fresh.samples_before = self.samples_before + self.samples
        fresh.epochs_before = self.events[-1].epochs if self.events else 0.0
        fresh.steps = self.steps if fits else 0
        fresh.steps_before = self.steps_before + self.steps - fresh.steps
        fresh.seconds = self.seconds
        fresh.loss_curve = list(self.loss_curve)
        fresh.events = list(self.events)
        return fresh

    @property
    def iterations(self) -> int:
        """Updates of the weights in all runs."""
        return self.steps_before + self.steps

    @property
    def n_samples_seen(self) -> int:
        """Rows trained on in all runs."""
        return self.samples_before + self.samples

    def epochs(self, n_samples: int) -> float:
        """Return the passes over the rows in all runs, `n_samples` being one pass of this run."""
        return self.epochs_before + (self.samples - self.run_start) / n_samples

    def forget_optimiser(self) -> None:
        """Free the optimiser's state: the next run starts it anew."""
        self.slots = aligned_zeros((0, self.network.params.size))

    def book(
        self, n_samples: int, n_errors: float, rows: int, error: float, seconds: float
    ) -> None:
        """Note a part of an epoch.

        Parameters
        ----------
        n_samples, n_errors : int, float
            Rows per epoch, and how many errors (or their weights) they add up.
        rows, error, seconds : int, float, float
            Of the part: rows, sum of weighted errors, time.
        """
        self.epoch_rows += rows
        self.epoch_error += error
        self.samples += rows
        self.seconds += seconds
        if self.epoch_rows >= n_samples:
            self.loss_curve.append(self.epoch_error / n_errors)
            self.epoch += 1
            self.epoch_rows = 0
            self.epoch_error = 0.0
