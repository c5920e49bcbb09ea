"""The project itself."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

import fastae
from peers._worker import Job, Memory, repeated, seconds_to_target, timed, train_result

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    actions = {"train": _train, "score": _score, "bits": _bits}
    for job in jobs:
        yield actions[job.kind](job)


def _model(job: Job, **changes: Any) -> fastae.Autoencoder:
    settings = {
        "hidden_layer_sizes": job.hidden,
        "output_activation": "tanh",
        "batch_size": job.batch_size,
        "learning_rate_init": job.rate or "auto",
        "learning_rate": "constant",
        "max_epochs": job.epochs,
        "l1": job.l1,
        "n_jobs": job.n_threads,
        "random_state": 1,
    }
    return fastae.Autoencoder(**(settings | job.settings | changes))


def _train(job: Job) -> dict[str, Any]:
    X = job.train_table()
    memory = Memory()
    _model(job, max_epochs=1).fit(X[:2_000])
    calls = []

    def fit() -> float:
        # The training loop alone counts, as in H2O's own figure; the whole call is kept as well.
        start = time.perf_counter()
        model = _model(job).fit(X)
        calls.append(time.perf_counter() - start)
        models[:] = [model]
        return model.history_["duration"][-1]

    models: list[fastae.Autoencoder] = []
    seconds = repeated(fit, job.min_seconds)
    peak = memory.peak_mib()
    X_test = job.test_table()
    result = train_result(job, seconds, peak, call_seconds=float(np.median(calls)))
    result["test_mse"] = -models[0].score(X_test)
    result["final_train_mse"] = models[0].loss_curve_[-1]
    result["isa"] = fastae._core.isa
    if job.target:
        result["target_seconds"] = seconds_to_target(job, lambda n: _call(job, X[:n], X_test))
    return result


def _call(job: Job, X: np.ndarray, X_test: np.ndarray) -> tuple[float, float]:
    """Return seconds of a whole call of `fit`, median of three, and its test MSE."""
    model = _model(job)
    seconds = sorted(timed(lambda: model.fit(X)) for _ in range(3))[1]
    return seconds, -model.score(X_test)


def _score(job: Job) -> dict[str, Any]:
    X = job.test_table()[: job.n_rows]
    coefs, intercepts = job.weights()
    model = _model(job, max_epochs=0, coefs_init=coefs, intercepts_init=intercepts)
    model.fit(X)
    # Of the whole training table, as the other contenders have it, and not of these rows.
    model.shift_, model.scale_ = job.scaling()
    memory = Memory()
    mse = model.reconstruction_error(X).mean()
    seconds = repeated(lambda: timed(lambda: model.reconstruction_error(X)), job.min_seconds)
    return train_result(job, seconds, memory.peak_mib(), test_mse=float(mse))


def _bits(job: Job) -> dict[str, Any]:
    """Return the check sum of the weights for 1 to 4 threads."""
    X = job.train_table()[:6_000]
    sums = {}
    for n_threads in (1, 2, 3, 4):
        model = _model(job, n_jobs=n_threads).fit(X)
        sums[n_threads] = zlib.crc32(b"".join(W.tobytes() for W in model.coefs_))
    return {"equal_bits": len(set(sums.values())) == 1, "threads": list(sums)}
