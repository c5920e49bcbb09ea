"""PyOD's AutoEncoder, with the options that make it the same network.

Its output layer is linear. Rows go through its own data loader, one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pyod.models.auto_encoder import AutoEncoder

from peers._worker import Job, Memory, range_scaling, scaled, timed, train_result

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        torch.set_num_threads(job.n_threads)
        yield _train(job)


class _Timed(AutoEncoder):
    """Keeps the time of the training loop: `fit` also scores all the rows."""

    seconds = 0.0

    def train(self, train_loader: Any) -> None:
        self.seconds = timed(lambda: super(_Timed, self).train(train_loader))


def _train(job: Job) -> dict[str, Any]:
    X = job.train_table()
    memory = Memory()
    scaling = range_scaling(X)
    Z = scaled(X, *scaling)
    model = _Timed(
        preprocessing=False, lr=job.rate, epoch_num=job.epochs, batch_size=job.batch_size,
        optimizer_params={}, hidden_neuron_list=job.hidden, hidden_activation_name="tanh",
        batch_norm=False, dropout_rate=0.0, device=torch.device("cpu"), random_state=1, verbose=0,
    )  # fmt: skip
    call_seconds = timed(lambda: model.fit(Z))
    peak = memory.peak_mib()
    distances = model.decision_function(scaled(job.test_table(), *scaling))
    mse = float(np.mean(distances**2) / X.shape[1])
    return train_result(job, [model.seconds], peak, test_mse=mse, call_seconds=call_seconds)
