"""H2O's deep learning autoencoder on the Java found here: online, ADADELTA, Hogwild."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h2o
import numpy as np
from h2o.estimators import H2OAutoEncoderEstimator

from peers._worker import Job, Memory, repeated, timed, train_result

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(jobs: list[Job]) -> Iterator[dict[str, Any]]:
    h2o.init(
        nthreads=jobs[0].n_threads, max_mem_size="4G", log_level="WARN", name="fastae_compare",
        port=54391, bind_to_localhost=True,
    )  # fmt: skip
    h2o.no_progress()
    trained: dict[str, Any] = {}
    try:
        for job in jobs:
            yield _train(job, trained) if job.kind == "train" else _score(job, trained)
    finally:
        h2o.cluster().shutdown()


def _frame(job: Job, part: str) -> Any:
    """Return a table as H2O's frame, read from a CSV file: much faster than from an array."""
    path = Path(job.folder) / f"{job.table}_{part}.csv"
    if not path.exists():
        _write_csv(np.load(path.with_suffix(".npy")), path)
    return h2o.import_file(str(path), header=-1)


def _write_csv(X: np.ndarray, path: Path) -> None:
    if X.dtype != np.uint8:
        np.savetxt(path, X, fmt="%.9g", delimiter=",")
        return
    # 47 million numbers: look up the text of each, "007,", instead of formatting it.
    texts = np.frombuffer(b"".join(b"%03d," % value for value in range(256)), dtype="S4")
    lines = texts[X].view(np.uint8).reshape(X.shape[0], -1)
    lines[:, -1] = ord("\n")
    lines.tofile(path)


def _train(job: Job, trained: dict[str, Any]) -> dict[str, Any]:
    frame, test = _frame(job, "train"), _frame(job, "test")
    if frame.nrow > job.n_rows:
        frame = frame[: job.n_rows, :]
        frame.nrow  # noqa: B018  evaluates the slice before anything is timed
    memory = Memory(h2o.connection().local_server._process.pid)
    calls = []

    def train() -> float:
        model = H2OAutoEncoderEstimator(
            activation="Tanh", hidden=job.hidden, epochs=job.epochs, l1=job.l1, seed=1
        )
        start = time.perf_counter()
        model.train(x=frame.names, training_frame=frame)
        calls.append(time.perf_counter() - start)
        trained[job.table] = model, test
        return _own_seconds(model) or calls[-1]

    seconds = repeated(train, job.min_seconds)
    peak = memory.peak_mib()
    model = trained[job.table][0]
    history = model.scoring_history()
    return train_result(job, seconds, peak, call_seconds=float(np.median(calls))) | {
        "test_mse": float(np.mean(_errors(model, test))),
        "final_train_mse": float(history["training_mse"].iloc[-1]),
        "target_seconds": float(np.median(calls)),
    }


def _own_seconds(model: Any) -> float | None:
    """Return the training time that H2O's own speed stands for: its scoring left out."""
    last = model.scoring_history().iloc[-1]
    speed = float(str(last["training_speed"]).split()[0])
    return float(last["samples"]) / speed if speed else None


def _errors(model: Any, frame: Any) -> np.ndarray:
    return model.anomaly(frame).as_data_frame()["Reconstruction.MSE"].to_numpy()


def _score(job: Job, trained: dict[str, Any]) -> dict[str, Any]:
    model, test = trained[job.table]
    memory = Memory(h2o.connection().local_server._process.pid)
    n_rows = test.nrow

    def score() -> float:
        # Reading the row count makes H2O finish; the scores stay in Java's memory.
        return timed(lambda: model.anomaly(test).nrow) * job.n_rows / n_rows

    score()
    seconds = repeated(score, job.min_seconds)
    mse = float(np.mean(_errors(model, test)))
    return train_result(job, seconds, memory.peak_mib(), test_mse=mse, own_weights=True)
