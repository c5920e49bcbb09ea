"""Scoring speed: reconstruction errors of rows per second, for 1 and for all threads."""

from __future__ import annotations

import time

import numpy as np
import pytest

import fastae
from cases import CASES, scoring_flops
from fastae import Autoencoder

FASHION = next(case for case in CASES if case.name == "fashion-batch-128")
DEEP = next(case for case in CASES if case.name == "fashion-deep")


@pytest.mark.parametrize("case", [FASHION, DEEP], ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64], ids=lambda t: t.__name__)
def test_scoring(benchmark, case, dtype, rows, rounds, n_threads, report) -> None:
    X = rows(case)[:10_000]
    model = Autoencoder(
        hidden_layer_sizes=case.hidden,
        max_epochs=0,
        n_jobs=n_threads,
        random_state=0,
        **case.settings,
    ).fit(X)
    table = X.astype(dtype)
    speeds = []

    def score() -> None:
        start = time.perf_counter()
        model.reconstruction_error(table)
        speeds.append(table.shape[0] / (time.perf_counter() - start))

    benchmark.pedantic(score, rounds=4 * rounds, warmup_rounds=1)
    report(speeds[1:], scoring_flops(case.hidden, X.shape[1]))


def test_one_row(benchmark, rows, rounds, n_threads, report) -> None:
    """Latency of a single row, the estimator's checks included."""
    X = rows(FASHION)
    model = Autoencoder(
        hidden_layer_sizes=FASHION.hidden, max_epochs=0, n_jobs=n_threads, random_state=0
    ).fit(X[:2_000])
    row = X[:1]
    speeds = []

    def score() -> None:
        start = time.perf_counter()
        model.reconstruction_error(row)
        speeds.append(1 / (time.perf_counter() - start))

    benchmark.pedantic(score, rounds=100 * rounds, warmup_rounds=10)
    report(speeds[10:], scoring_flops(FASHION.hidden, X.shape[1]))


def test_load_and_score(benchmark, rows, rounds, n_threads, report, tmp_path) -> None:
    """Latency of reading a saved model and scoring one row with it."""
    X = rows(FASHION)
    model = Autoencoder(
        hidden_layer_sizes=FASHION.hidden, max_epochs=0, n_jobs=n_threads, random_state=0
    ).fit(X[:2_000])
    model.save(tmp_path / "model.fastae")
    row = X[:1]
    speeds = []

    def load_and_score() -> None:
        start = time.perf_counter()
        fastae.load(tmp_path / "model.fastae").score_samples(row)
        speeds.append(1 / (time.perf_counter() - start))

    benchmark.pedantic(load_and_score, rounds=30 * rounds, warmup_rounds=3)
    report(speeds[3:], scoring_flops(FASHION.hidden, X.shape[1]))
