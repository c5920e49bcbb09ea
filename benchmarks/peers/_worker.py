"""What the contenders share: jobs, tables, timing, memory, and the process that runs one.

``python -m peers._worker NAME`` reads a JSON list of jobs from standard input, hands it to
``peers.NAME.run`` and writes one line of JSON per job to standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET_SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 1)


@dataclass(frozen=True)
class Job:
    """One case for one contender.

    Attributes
    ----------
    case : str
        Its name in the table.
    kind : {"train", "score", "tune", "bits"}
        "tune" compares the contender's own options; "bits" compares weights by thread count.
    hidden : list of int
        Units per hidden layer; all layers are tanh.
    table : {"fashion", "ecg"}
    batch_size, epochs, n_rows, n_threads : int
    rate : float or None
        Adam's constant rate; None is the contender's default.
    l1 : float
    target : float or None
        Test MSE to which the time is wanted.
    min_seconds : float
        Repeat for at least so long.
    folder : str
        Where the tables are.
    settings : dict
        More parameters for fastae's estimator.
    variant : str or None
        What "tune" found best.
    """

    case: str
    kind: str
    hidden: list[int]
    table: str
    batch_size: int
    epochs: int
    n_rows: int
    n_threads: int
    rate: float | None
    l1: float
    target: float | None
    min_seconds: float
    folder: str
    settings: dict[str, Any]
    variant: str | None = None

    def train_table(self) -> np.ndarray:
        return np.load(Path(self.folder) / f"{self.table}_train.npy")[: self.n_rows]

    def test_table(self) -> np.ndarray:
        return np.load(Path(self.folder) / f"{self.table}_test.npy")

    def weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return coefs and intercepts of the network that all contenders score with."""
        with np.load(Path(self.folder) / "weights.npz") as arrays:
            n_layers = len(self.hidden) + 1
            return (
                [arrays[f"coefs_{layer}"] for layer in range(n_layers)],
                [arrays[f"intercepts_{layer}"] for layer in range(n_layers)],
            )

    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Return shift and scale of the columns of the full training table."""
        with np.load(Path(self.folder) / "weights.npz") as arrays:
            return arrays["shift"], arrays["scale"]


def range_scaling(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and 1 / (max - min) of the columns, as float32."""
    span = X.max(axis=0).astype(np.float64) - X.min(axis=0)
    scale = np.divide(1, span, out=np.ones_like(span), where=span > 0)
    return X.mean(axis=0).astype(np.float32), scale.astype(np.float32)


def scaled(X: np.ndarray, shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return ``(X - shift) * scale`` as float32."""
    result = X.astype(np.float32)
    result -= shift.astype(np.float32)
    result *= scale.astype(np.float32)
    return result


class Memory:
    """Growth of a process's resident memory, at its peak, since this was made."""

    def __init__(self, pid: int | str = "self") -> None:
        self._status = Path(f"/proc/{pid}/status")
        self.exact = True
        try:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is what it is now
            self._before = self._read("VmRSS")
        except OSError:
            self.exact = False
            self._before = self._max_rss()

    def peak_mib(self) -> float:
        peak = self._read("VmHWM") if self.exact else self._max_rss()
        return max(0, peak - self._before) / 1024

    def _read(self, key: str) -> int:
        for line in self._status.read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise OSError(f"{self._status} has no {key}.")

    @staticmethod
    def _max_rss() -> int:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak


def repeated(run: Callable[[], float], min_seconds: float) -> list[float]:
    """Call `run`, which returns the seconds that count, until they add up; at least once."""
    seconds = [run()]
    while sum(seconds) < min_seconds and len(seconds) < 200:
        seconds.append(run())
    return seconds


def timed(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def seconds_to_target(job: Job, train: Callable[[int], tuple[float, float]]) -> float | None:
    """Return the time of the shortest training that reaches the target on the test rows.

    Parameters
    ----------
    job : Job
    train : callable
        Trains a new network for one epoch on the first n rows; returns seconds and test MSE.

    Returns
    -------
    seconds : float or None
        None if the whole table is not enough.
    """
    for share in TARGET_SHARES:
        seconds, mse = train(max(1, round(job.n_rows * share)))
        if mse <= job.target:
            return seconds
    return None


def train_result(job: Job, seconds: list[float], memory: float, **more: Any) -> dict[str, Any]:
    """Return the result of training runs that took so long each."""
    median = float(np.median(seconds))
    return {
        "obs_per_s": job.n_rows * job.epochs / median,
        "seconds": median,
        "peak_mib": memory,
    } | more


def main() -> None:
    name = sys.argv[1]
    # Libraries print what they like to standard output: only results may go there.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    jobs = [Job(**fields) for fields in json.load(sys.stdin)]
    contender = importlib.import_module(f"peers.{name}")
    for result in contender.run(jobs):
        print(json.dumps(result), file=results, flush=True)


if __name__ == "__main__":
    main()
