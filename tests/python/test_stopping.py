"""Early stopping on moving averages, and the best weights seen on the way."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

from fastae._stopping import BestWeights, MovingAverageStop

NAN, INF = float("nan"), float("inf")


def events_until_stop(values, rounds, tolerance=0.0):
    """Return how many values were added when it said stop, None if it never did."""
    stop = MovingAverageStop(rounds, tolerance)
    return next((n for n, value in enumerate(values, 1) if stop.add(value)), None)


def should_stop(history, k, tolerance):
    """The rule again, written as the fact sheet words it, by NumPy's sliding windows."""
    if k == 0 or len(history) < 2 * k + 1:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(np.array(history[-2 * k :]), k)
    means = windows.mean(axis=1)
    assert means.size == k + 1
    if np.isnan(means).any():
        return False
    return bool(means[0] == 0 or min(means[1:]) / means[0] >= 1 - tolerance)


@pytest.mark.parametrize(
    ("values", "rounds", "tolerance", "event"),
    [
        # k = 1: the last error against the one before; never the untrained network's.
        ([1, 1, 1], 1, 0, 3),
        ([1, 1, 0.9, 0.9], 1, 0, 4),
        ([0.1, 0.9, 0.8, 0.85], 1, 0, 4),
        ([1, 0.8, 0.75, 0.1], 1, 0.0625, 3),  # 0.75 / 0.8 = 0.9375, the bound itself
        ([1, 0.8, 0.74, 0.1], 1, 0.0625, None),
        # k = 2, errors 4, 2, 1, 3: MA = 3, 1.5, 2; then 2, 1, 3, 3: MA = 1.5, 2, 3.
        ([9, 4, 2, 1, 3, 3], 2, 0, 6),
        ([9, 4, 2, 1, 3, 3], 2, 0.5, 5),  # 1.5 / 3 = 0.5
        ([9, 4, 2, 1, 3, 3], 2, 0.49, 6),
        # k = 3, errors 3, 3, 3, 3, 3, 0: MA = 3, 3, 3, 2.
        ([9, 3, 3, 3, 3, 3, 0], 3, 0, None),
        ([9, 3, 3, 3, 3, 3, 0], 3, 0.4, 7),
        ([0, 0, 0], 1, 0, 3),
        ([1, 0, 0, 0.5, 0.5], 2, 0, 5),  # MA_0 is 0: there is nothing to improve on
        ([1, 0.5, 0], 1, 0, None),
    ],
)
def test_examples_by_hand(values, rounds, tolerance, event):
    assert events_until_stop(values, rounds, tolerance) == event


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 5, 8])
@pytest.mark.parametrize("tolerance", [0.0, 1e-3, 0.05, 0.5])
def test_random_series_stop_where_the_plain_rule_stops(rounds, tolerance):
    rng = np.random.default_rng(rounds)
    n_stops = 0
    for _ in range(30):
        falling = 0.2 + np.exp(-np.cumsum(rng.exponential(0.2, size=60)))
        values = (falling * rng.uniform(0.95, 1.05, size=60)).tolist()
        stop = MovingAverageStop(rounds, tolerance)
        for n, value in enumerate(values, 1):
            expected = should_stop(values[:n], rounds, tolerance)
            assert stop.add(value) == stop.converged == expected
            n_stops += expected
    assert (n_stops > 0) == (rounds > 0)


@pytest.mark.parametrize("rounds", [1, 2, 5, 10])
def test_steady_improvement_never_stops(rounds):
    assert events_until_stop([0.99**i for i in range(500)], rounds) is None


@pytest.mark.parametrize("rounds", [1, 2, 3, 5, 10])
def test_plateau_stops_once_it_fills_the_window(rounds):
    # 0.1 is no binary fraction: the means of equal values must still be equal.
    improving = [2.0 - 0.05 * i for i in range(20)]
    assert events_until_stop(improving + [0.1] * 50, rounds) == 20 + 2 * rounds
    assert events_until_stop([0.1] * 50, rounds) == 2 * rounds + 1


def test_zero_rounds_never_stop():
    assert events_until_stop([1.0] * 100, rounds=0) is None


@pytest.mark.parametrize("rounds", [1, 3])
def test_nan_delays_until_it_has_left_the_window(rounds):
    assert events_until_stop([1.0, NAN, *[1.0] * 20], rounds) == 2 + 2 * rounds
    assert events_until_stop([NAN] * 30, rounds) is None


def test_infinite_errors():
    assert events_until_stop([INF] * 20, 2) is None
    assert events_until_stop([1.0, 1.0, INF], 1) == 3
    assert events_until_stop([1e308] * 3 + [1.0] * 9, 2) == 3 + 4  # their sum is infinite


def test_a_change_of_sign_goes_on():
    assert events_until_stop([1.0, 1.0, -1.0], 1) is None
    assert events_until_stop([1.0, -1.0, 1.0], 1) is None


def test_a_restored_run_continues_as_if_uninterrupted():
    values = np.random.default_rng(1).uniform(0.5, 1.0, size=40).tolist()
    whole = MovingAverageStop(3, 0.0)
    first = MovingAverageStop(3, 0.0)
    for value in values[:13]:
        assert whole.add(value) == first.add(value)
    second = MovingAverageStop(3, 0.0, json.loads(json.dumps(first.values)))
    assert second.converged == first.converged
    assert [whole.add(v) for v in values[13:]] == [second.add(v) for v in values[13:]]
    assert second.values == values


def test_exported_values_are_a_copy_of_plain_floats():
    stop = MovingAverageStop(np.int64(2), np.float32(0.0), np.ones(3, dtype=np.float32))
    stop.add(np.float32(0.5))
    assert [type(value) for value in stop.values] == [float] * 4
    stop.values.append(1.0)
    assert len(stop.values) == 4


@pytest.mark.parametrize("rounds", [-1, 1.5, True, None])
def test_bad_rounds(rounds):
    with pytest.raises(ValueError, match=r"^rounds must be a whole number >= 0, got "):
        MovingAverageStop(rounds, 0.0)


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, NAN, "0"])
def test_bad_tolerance(tolerance):
    with pytest.raises(ValueError, match=r"^tolerance must be a number in \[0, 1\), got "):
        MovingAverageStop(1, tolerance)


def weights(value, n=5):
    return np.full(n, value, dtype=np.float32)


def test_the_best_is_kept_and_copied():
    best = BestWeights(5)
    errors = [0.5, 0.6, 0.5, 0.4, NAN, INF, 0.3999, 2.0]
    buffer = weights(0)
    kept = []
    for step, error in enumerate(errors):
        buffer[:] = step
        kept.append(best.offer(error, buffer))
    assert kept == [True, False, False, True, False, False, True, False]
    assert best.metric == 0.3999
    np.testing.assert_array_equal(best.params, weights(6))
    best.restore(buffer)
    np.testing.assert_array_equal(buffer, weights(6))


def test_the_copy_stays_in_one_buffer():
    best = BestWeights(5)
    best.offer(2.0, weights(1))
    address = best.params.ctypes.data
    best.offer(1.0, weights(2))
    assert best.params.ctypes.data == address
    assert address % 64 == 0


def test_kept_weights_cannot_be_written_to():
    best = BestWeights(5)
    best.offer(1.0, weights(1))
    with pytest.raises(ValueError, match="read-only"):
        best.params[0] = 3.0


@pytest.mark.parametrize("error", [NAN, INF])
def test_nothing_is_kept_of_errors_that_say_nothing(error):
    best = BestWeights(5)
    assert not best.kept
    assert not best.offer(error, weights(1))
    assert not best.kept
    with pytest.raises(ValueError, match=r"^No weights are kept: "):
        best.restore(weights(0))
    with pytest.raises(ValueError, match=r"^No weights are kept: "):
        _ = best.params
    assert best.offer(1e300, weights(1))
    assert best.kept


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))])
def test_copies_are_independent(copied):
    best = BestWeights(5)
    best.offer(1.0, weights(1))
    other = copied(best)
    assert other.offer(0.5, weights(2))
    assert best.metric == 1.0
    np.testing.assert_array_equal(best.params, weights(1))


def test_offering_what_was_saved_brings_the_state_back():
    best = BestWeights(5)
    best.offer(0.25, weights(1))
    other = BestWeights(best.params.size)
    assert other.offer(best.metric, best.params)
    assert other.metric == best.metric
    np.testing.assert_array_equal(other.params, best.params)


@pytest.mark.parametrize("wrong", [weights(0, 4), weights(0).astype(np.float64), weights(0)[None]])
def test_weights_of_another_network_are_refused(wrong):
    best = BestWeights(5)
    with pytest.raises(ValueError, match=r"^params must have shape \(5,\) and dtype float32, got"):
        best.offer(1.0, wrong)
    best.offer(1.0, weights(1))
    with pytest.raises(ValueError, match=r"^into must have shape \(5,\) and dtype float32, got"):
        best.restore(wrong)
