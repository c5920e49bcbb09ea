"""Fits that are killed at random moments and go on, again and again: prints what happened as JSON.

Run as ``python kill_driver.py FOLDER N_ROUNDS SEED``. Every fit runs in a forked child; the parent
never fits, so that it has no threads to lose.
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import pickle
import random
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from fastae import Autoencoder, _archive, _checkpoint

SMALL = {"hidden_layer_sizes": (6, 3, 6), "score_every": 50, "max_epochs": 7.3, "batch_size": 16}
ONLINE = {**SMALL, "batch_size": 1, "max_epochs": 4.55, "score_every": 37}
SPARSE = {"sparsity_beta": 0.2, "average_activation": 0.1}
NOISY = {"input_dropout": 0.2, "input_noise": 0.1, "hidden_dropout": (0.1, 0.0, 0.3)}
STOPPING = {**SMALL, "max_epochs": 60, "early_stopping": True, "stopping_rounds": 4}

# Parameters of the estimator, together all that a checkpoint has to bring back.
CASES = {
    "adam": SMALL,
    "adadelta": {**SMALL, "solver": "adadelta", "loss": "huber", "huber_delta": 0.1},
    "sgd": {**SMALL, "solver": "sgd", "learning_rate": "onecycle", "momentum_start": 0.2},
    "adam online": {**ONLINE, "l1": 1e-4, "max_w2": 2.0},
    "adadelta online": {**ONLINE, "solver": "adadelta", "score_every": 101},
    "sgd online": {**ONLINE, "solver": "sgd", "annealing": 1e-4, "momentum_ramp": 900.0,
                   "momentum_start": 0.5},
    "plain sgd": {**ONLINE, "solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"},
    "noise": {**SMALL, **NOISY, **SPARSE, "layer_rate_decay": 0.8},
    "noise online": {**ONLINE, **NOISY, **SPARSE},
    "early stopping": {**STOPPING, "validation_fraction": 0.2, "learning_rate_init": 0.05},
    "training error": {**STOPPING, **NOISY, "score_every": 77, "stopping_tolerance": 0.05},
    "best of all": {**SMALL, "validation_fraction": 0.3, "learning_rate_init": 0.1},
    "target": {**SMALL, "target_mse": 0.021},
    "pretraining": {**SMALL, **SPARSE, "pretraining": "stacked", "pretraining_epochs": 2.5},
    "whole epochs": {**SMALL, "max_epochs": 30, "score_every": 300, "hidden_layer_sizes": "auto"},
    "threads": {**SMALL, "batch_size": 128, "max_epochs": 15},
    "between scorings": {**ONLINE, "hidden_layer_sizes": (300, 300), "score_every": 10_000},
    "weights": {**SMALL, "loss": "absolute_error", "contamination": 0.07},
}  # fmt: skip
COLUMNS = ("epochs", "iterations", "samples", "training_mse", "training_rmse", "validation_mse")
TRAINING, WRITING = b"T", b"W"


def table(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 12)) + 0.1 * rng.normal(size=(300, 12))
    return np.asfortranarray(X, dtype=np.float32) if name == "weights" else X


def fitted(name, n_jobs=1, **options):
    X = table(name)
    weight = np.arange(300) % 4 * 0.7 if name == "weights" else None
    defaults = {"scaling": "range", "random_state": 0, "n_jobs": n_jobs}
    model = Autoencoder(**defaults, **CASES[name], **options)
    return model.fit(X, sample_weight=weight)


def outcome(model):
    """Return what must not depend on any kill, as bytes."""
    arrays = [*model.coefs_, *model.intercepts_, *(model.history_[name] for name in COLUMNS)]
    numbers = [model.offset_, model.loss_curve_, model.best_mse_, model.n_iter_]
    numbers += [model.n_samples_seen_, model.stop_reason_]
    return pickle.dumps([[array.tobytes() for array in arrays], numbers])


class Child:
    """A fit in a forked process, which tells what it is doing through one byte."""

    def __init__(self, work):
        self.phase = mmap.mmap(-1, 1)
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(self._run(work))

    def _run(self, work):
        warnings.simplefilter("error")
        write = _archive.write

        def noted_write(*args, **options):
            self.phase[:1] = WRITING
            write(*args, **options)
            self.phase[:1] = TRAINING

        _archive.write = noted_write
        self.phase[:1] = TRAINING
        try:
            work()
        except BaseException:  # noqa: BLE001 (a child must not go on with the parent's work)
            sys.excepthook(*sys.exc_info())
            return 1
        return 0

    def killed(self, delay, *, while_writing):
        """Kill it after a delay; return what it was doing, or None if it had finished."""
        time.sleep(delay)
        deadline = time.monotonic() + 0.02
        while while_writing and self.phase[:1] != WRITING and time.monotonic() < deadline:
            pass
        os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if code > 0:
            raise SystemExit(code)
        return None if code == 0 else self.phase[:1]

    def finish(self):
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if code != 0:
            raise SystemExit(code)


def expected(name, folder):
    """Return the outcome of an undisturbed fit, and how long one with checkpoints takes."""
    path = folder / "expected"
    Child(lambda: path.write_bytes(outcome(fitted(name)))).finish()
    start = time.monotonic()
    options = {"checkpoint": folder / "expected.ckpt", "checkpoint_interval": 0}
    Child(lambda: fitted(name, **options)).finish()
    return path.read_bytes(), time.monotonic() - start


def rows_done(path):
    """Return how far a checkpoint has come; fails if it cannot be read."""
    return _archive.read(path, kind=_checkpoint.KIND, version=_checkpoint.VERSION)[1]["samples"]


def one_round(name, folder, duration, rng):
    """Kill a fit until it has finished; return its outcome and what the kills hit."""
    path, result = folder / "run.ckpt", folder / "result"
    hits, done = Counter(), 0
    n_kills = rng.choice([1, 2, 3, 12])
    for attempt in range(n_kills + 1):
        n_jobs = 1 + attempt % 2 if name == "threads" else 1
        options = {"checkpoint": path, "checkpoint_interval": 0, "n_jobs": n_jobs}
        child = Child(lambda options=options: result.write_bytes(outcome(fitted(name, **options))))
        if attempt == n_kills:
            child.finish()
            break
        delay = rng.uniform(0, duration / max(1, n_kills / 3))
        hit = child.killed(delay, while_writing=rng.random() < 0.5)
        if hit is None:
            break
        hits[hit] += 1
        if done and not path.exists():
            raise SystemExit(f"{name}: a checkpoint was lost")
        before, done = done, rows_done(path) if path.exists() else 0
        if done < before:
            raise SystemExit(f"{name}: a checkpoint of {before} rows became one of {done}")
        hits["resumed"] += done > 0
    return result.read_bytes(), hits


def main(folder, n_rounds, seed):
    rng = random.Random(seed)
    hits, different = Counter(), []
    known = {}
    for number, name in zip(range(n_rounds), itertools.cycle(CASES), strict=False):
        place = folder / str(number)
        place.mkdir()
        if name not in known:
            known[name] = expected(name, place)
        result, round_hits = one_round(name, place, known[name][1], rng)
        hits += round_hits
        if result != known[name][0]:
            different.append(f"round {number}: {name}")
    durations = {name: duration for name, (_, duration) in known.items()}
    print(json.dumps({
        "training": hits[TRAINING], "writing": hits[WRITING], "resumed": hits["resumed"],
        "different": different, "cases": len(known), "durations": durations,
    }))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
