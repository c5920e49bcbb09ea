"""Training speed in rows (observations) per second, for 1 and for all threads."""

from __future__ import annotations

import pytest

from cases import CASES, Case, training_flops
from fastae import Autoencoder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training(benchmark, case: Case, rows, rounds, n_threads, report) -> None:
    X = rows(case)
    speeds = []

    def fit() -> None:
        model = Autoencoder(
            hidden_layer_sizes=case.hidden,
            max_epochs=case.epochs,
            n_jobs=n_threads,
            random_state=0,
            **case.settings,
        ).fit(X)
        # Training alone, as H2O counts it: without the scaling pass and the scoring around it.
        speeds.append(model.n_samples_seen_ / model.history_["duration"][-1])

    benchmark.pedantic(fit, rounds=rounds, warmup_rounds=1)
    report(speeds[1:], training_flops(case.hidden, X.shape[1]))
