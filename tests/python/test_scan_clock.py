"""What a scan says about the time that reading took."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fastae import Autoencoder, scan


@pytest.fixture
def slow():
    """A table of 4 batches, each of which takes a while."""
    batch = np.random.default_rng(0).normal(size=(50, 3))

    def batches():
        for _ in range(4):
            time.sleep(0.01)
            yield batch

    return scan(batches, window=64)


def test_training_and_scoring_have_clocks_of_their_own(slow):
    start = time.perf_counter()
    model = Autoencoder(max_epochs=2, random_state=0).fit(slow)
    seconds = time.perf_counter() - start
    training = slow.clock
    # Two epochs, without the pass before them.
    assert 8 * 0.01 <= training.read_seconds < seconds
    assert 0 < training.wait_seconds < seconds
    model.score_samples(slow)
    assert slow.clock is not training
    assert slow.clock.read_seconds >= 4 * 0.01


def test_a_clock_begins_at_zero(slow):
    assert (slow.clock.read_seconds, slow.clock.wait_seconds) == (0, 0)
