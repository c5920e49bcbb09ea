"""Streams: no alarm without reason, one soon after a change, and the same however rows come in."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from fastae import Autoencoder, DriftMonitor
from fastae._drift_tests import (
    JUMP,
    Martingale,
    SeenErrors,
    bets,
    reserve,
)

METHODS = ("martingale", "ks")


def errors_of(n, seed, scale=1.0):
    return scale * np.random.default_rng(seed).chisquare(5, size=n)


def table(n, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(2, 5))
    return scale * rng.normal(size=(n, 2)) @ mixing + rng.normal(size=(n, 5)) / 10


@pytest.fixture(scope="module")
def model():
    model = Autoencoder(calibration_fraction=0.3, max_epochs=10, random_state=0)
    return model.fit(table(1000))


# ---------------------------------------------------------------- what is computed


def uniforms(random_state, n):
    seed = np.random.RandomState(random_state).randint(2**31)
    return 1 - np.random.default_rng(seed).random(n)


def plain_p_values(errors, n_calibration, u):
    p = []
    for i in range(n_calibration, len(errors)):
        larger = sum(errors[j] > errors[i] for j in range(i))
        equal = sum(errors[j] == errors[i] for j in range(i + 1))  # itself, too
        p.append((larger + u[i - n_calibration] * equal) / (i + 1))
    return p


def simple_jumper(p, jump):
    """Algorithm 1 of Vovk et al. 2021, with two more bets: its capital after each row."""
    functions = {
        0: lambda p: 1.0,
        -1: lambda p: 1 - (p - 0.5),
        1: lambda p: 1 + (p - 0.5),
        "far": lambda p: 0.5 * p**-0.5,
        "near": lambda p: 0.5 * (1 - p) ** -0.5,
    }
    stakes = {epsilon: 1 / len(functions) for epsilon in functions}
    capital = []
    for value in p:
        total = sum(stakes.values())
        for epsilon, f in functions.items():
            stake = (1 - jump) * stakes[epsilon] + jump / len(functions) * total
            stakes[epsilon] = stake * f(value)
        capital.append(sum(stakes.values()))
    return np.array(capital)


def plain_capital(p):
    """One gambler begins before every row with what is no longer in reserve; their sum."""
    left = [1 / math.log2(n + 2) for n in range(len(p) + 1)]
    capital = np.array(left[1:])
    for start in range(len(p)):
        begins_with = left[start] - left[start + 1]
        capital[start:] += begins_with * simple_jumper(p[start:], JUMP)
    return capital


@pytest.mark.parametrize("ties", [False, True])
def test_the_martingale_is_a_sum_of_simple_jumpers(ties):
    errors = np.concatenate([errors_of(40, 0), errors_of(60, 1), errors_of(60, 2, scale=3)])
    if ties:
        errors = errors.round()
    p = plain_p_values(errors, 40, uniforms(7, 120))
    expected = plain_capital(p)

    monitor = DriftMonitor.from_errors(errors[:40], random_state=7)
    for error in errors[40:]:
        monitor.update_errors([error])
    np.testing.assert_allclose(monitor.history_["statistic"], np.log10(expected), atol=1e-9)
    np.testing.assert_allclose(
        monitor.history_["p_value"], np.minimum(1, 1 / np.maximum.accumulate(expected))
    )
    assert monitor.alarm_at_ == 1 + np.flatnonzero(expected >= 100)[0]


@pytest.mark.parametrize("bet", range(5))
def test_bets_are_fair(bet):
    area, _ = integrate.quad(lambda p: bets(np.array([p]))[0, bet], 0, 1)
    assert area == pytest.approx(1, abs=1e-6)


def test_no_capital_is_made_or_lost():
    """Every factor 1: stakes and reserve add up to 1, whatever jumps."""
    assert reserve(0) == 1
    rates = np.array([reserve(n) for n in range(1000)])
    assert (np.diff(rates) < 0).all()
    capital = [
        DriftMonitor.from_errors(errors_of(50, seed), random_state=seed)
        .update_errors(errors_of(20, 10_000 + seed))
        .statistic
        for seed in range(2000)
    ]
    capital = 10.0 ** np.array(capital)
    assert abs(capital.mean() - 1) < 4 * capital.std() / 2000**0.5


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=20), max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_places_are_those_of_counting(first, chunks):
    seen, before = SeenErrors(np.array(first, dtype=float)), list(first)
    for chunk in chunks:
        larger, equal = seen.place(np.array(chunk, dtype=float))
        for i, error in enumerate(chunk):
            assert larger[i] == sum(other > error for other in before)
            assert equal[i] == before.count(error)
            before.append(error)
    assert seen.n == len(before)
    assert len(seen._runs) <= 1 + math.log2(seen.n)


def test_windows_are_tested_at_ever_finer_levels():
    calibration, stream = errors_of(300, 0), errors_of(450, 1, scale=1.1)
    monitor = DriftMonitor.from_errors(calibration, method="ks", window=100)
    least = 1.0
    for k in range(1, 5):
        window = stream[100 * (k - 1) : 100 * k]
        test = stats.ks_2samp(window, calibration)
        least = min(least, k * (k + 1) * test.pvalue)
        state = monitor.update_errors(window)
        assert (state.statistic, state.p_value) == (test.statistic, pytest.approx(least))
    assert monitor.update_errors(stream[400:]).statistic == test.statistic  # no full window


# ---------------------------------------------------------------- what is promised


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("ties", [False, True])
def test_false_alarms_are_as_rare_as_promised(method, ties):
    n_streams, rate, alarms = 400, 0.1, 0
    options = {"window": 50} if method == "ks" else {}
    for seed in range(n_streams):
        errors = errors_of(700, seed)
        if ties:
            errors = np.minimum(errors.round(), 6)
        if method == "martingale":
            options["random_state"] = seed
        monitor = DriftMonitor.from_errors(
            errors[:100], method=method, false_alarm_rate=rate, **options
        )
        alarms += monitor.update_errors(errors[100:]).alarm
    assert alarms <= stats.binom.ppf(0.999, n_streams, rate)


def mixed(errors, rng, share):
    odd = rng.random(errors.size) < share
    return np.where(odd, 50 + errors, errors)


CHANGES = {
    "larger": (lambda errors, rng: 1.3 * errors, 200),
    "smaller": (lambda errors, rng: errors / 1.3, 200),
    "anomalies": (lambda errors, rng: mixed(errors, rng, 0.2), 60),
    "both": (lambda errors, rng: errors * rng.choice([0.2, 5.0], errors.size), 40),
}


@pytest.mark.parametrize("n_before", [0, 3000])
@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed_soon(change, n_before):
    make, most = CHANGES[change]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        errors = errors_of(2000 + n_before, seed)
        stream = np.concatenate([errors[1000:-1000], make(errors[-1000:], rng)])
        monitor = DriftMonitor.from_errors(errors[:1000], random_state=seed)
        monitor.update_errors(stream)
        assert monitor.alarm_
        assert n_before < monitor.alarm_at_ <= n_before + 2 * most


@pytest.mark.parametrize("method", METHODS)
def test_a_gradual_change_is_noticed(method):
    errors = errors_of(3000, 0)
    stream = errors[1000:] * np.linspace(1, 2, 2000)
    assert DriftMonitor.from_errors(errors[:1000], method=method).update_errors(stream).alarm


def test_windows_notice_a_change_by_their_end():
    errors = errors_of(3000, 0)
    monitor = DriftMonitor.from_errors(errors[:1000], method="ks")
    monitor.update_errors(errors[1000:2000])
    assert not monitor.alarm_
    monitor.update_errors(1.5 * errors[2000:])
    assert monitor.alarm_at_ == 1200


def test_capital_of_any_size_is_a_number():
    martingale = Martingale(errors_of(20, 0), 0.01, np.random.default_rng(0))
    capital = martingale._bet(np.full(600, 0.01))
    assert capital[-1] > 800  # beyond 64 bits
    capital = martingale._bet(np.random.default_rng(1).uniform(size=250_000))
    assert np.isfinite(capital).all()
    assert capital[0] > 800
    assert math.log(reserve(250_000)) < capital[-1] < 0


# ---------------------------------------------------------------- streams in pieces


@pytest.mark.parametrize("method", METHODS)
def test_batches_make_no_difference(method):
    errors = np.concatenate([errors_of(2000, 0), errors_of(1000, 1, scale=2)])
    errors[500:700] = errors[500]
    seed = 3 if method == "martingale" else None
    expected = DriftMonitor.from_errors(errors[:300], method=method, random_state=seed)
    state = expected.update_errors(errors[300:])
    for size in (1, 7, 512, 513, 2000):
        monitor = DriftMonitor.from_errors(errors[:300], method=method, random_state=seed)
        for start in range(300, errors.size, size):
            last = monitor.update_errors(errors[start : start + size])
        assert last == state == monitor.state_
        assert monitor.update_errors([]) == state


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_copies_go_on_alike(model, method, copied):
    monitor = DriftMonitor(model, method=method, false_alarm_rate=0.05)
    monitor.update(table(130, seed=1))
    other = copied(monitor)
    assert other.update(table(900, seed=2)) == monitor.update(table(900, seed=2))
    for name, column in monitor.history_.items():
        np.testing.assert_array_equal(other.history_[name], column)
    assert other.n_seen_ == 1030


def test_a_monitor_begins_anew():
    errors = errors_of(400, 0)
    monitor = DriftMonitor.from_errors(errors[:200], random_state=0)
    first = monitor.update_errors(3 * errors[200:])
    assert monitor.alarm_
    assert str(monitor.alarm_at_) in repr(monitor)
    assert monitor.reset() is monitor
    assert (monitor.alarm_, monitor.alarm_at_, monitor.n_seen_) == (False, None, 0)
    assert monitor.history_.n_rows == 0
    assert repr(monitor) == "<DriftMonitor (martingale): 0 rows, no alarm>"
    assert monitor.update_errors(3 * errors[200:]) == first


def test_history_has_a_row_per_update():
    errors = errors_of(300, 0)
    monitor = DriftMonitor.from_errors(errors[:200], random_state=0)
    states = [monitor.update_errors(k * errors[200:]) for k in (1, 3, 1)]
    history = monitor.history_
    assert history["n_seen"].tolist() == [100, 200, 300]
    assert history["alarm"].tolist() == [False, True, True] == [s.alarm for s in states]
    assert history["p_value"].tolist() == [s.p_value for s in states]
    assert list(history.to_pandas().columns) == ["n_seen", "statistic", "p_value", "alarm"]
