"""scikit-learn's MLPRegressor, from X to X. Its output layer is linear: it has no tanh there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from peers._worker import Job, Memory, range_scaling, repeated, scaled, timed, train_result

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    for job in jobs:
        with threadpool_limits(job.n_threads):
            yield _train(job)


def _train(job: Job) -> dict[str, Any]:
    X = job.train_table()
    memory = Memory()
    scaling = range_scaling(X)
    Z = scaled(X, *scaling)
    models = []

    def train() -> float:
        models[:] = [
            MLPRegressor(
                hidden_layer_sizes=job.hidden,
                activation="tanh",
                alpha=0,
                batch_size=job.batch_size,
                learning_rate_init=job.rate,
                random_state=1,
            )
        ]
        # An epoch each, shuffled and batched as in fit, but without a warning at its end.
        return timed(lambda: [models[0].partial_fit(Z, Z) for _ in range(job.epochs)])

    seconds = repeated(train, job.min_seconds)
    peak = memory.peak_mib()
    T = scaled(job.test_table(), *scaling)
    mse = float(np.mean((models[0].predict(T) - T) ** 2))
    return train_result(job, seconds, peak, test_mse=mse)
