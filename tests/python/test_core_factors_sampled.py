"""Factors of many levels, whose softmax is estimated from some of them."""

from __future__ import annotations

import numpy as np
import pytest

import reference_factors
from corefactors import (
    N_ROWS,
    FactorNet,
    Shape,
    assert_threads_alike,
    assert_trained_alike,
    gentle,
    network,
)
from corenet import ISAS, SOLVERS, sample_weight
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


# Sampled factors between, before and behind others; of a single level too.
SHAPES = [
    Shape(5, (4, 90, 3), (6,), marks=True),
    Shape(0, (70,), (9,)),
    Shape(3, (50, 200, 1, 5), (7, 30)),
    Shape(130, (300, 60), (140,)),
]
FEW = {"full_levels": 20, "n_sampled": 8}


def zipf(shape):
    """Return frequencies of all levels: the k-th of a factor in proportion to 1 / k."""
    return tuple(1 / k for n in shape.levels for k in range(1, n + 1))


@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("frequencies", [False, True], ids=["alike", "frequencies"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sampled_levels_equal_the_reference(core, shape, frequencies, batch_size):
    net, options = network(core, shape, **FEW, frequencies=zipf(shape) if frequencies else ())
    assert_threads_alike(net, teams=[2, 3, 4], **gentle(shape), **options, batch_size=batch_size)


@pytest.mark.parametrize(
    "few",
    [
        {"full_levels": 0, "n_sampled": 1},
        {"full_levels": 0, "n_sampled": 5},
        {"full_levels": 89, "n_sampled": 500},
    ],
    ids=str,
)
def test_any_number_of_draws_equals_the_reference(core, few):
    shape = SHAPES[0]
    net, options = network(core, shape, **few, frequencies=zipf(shape))
    assert_threads_alike(net, **gentle(shape), **options, batch_size=5)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_with_sampled_levels_equals_the_reference(core, solver, batch_size):
    shape = SHAPES[2]
    net = FactorNet.of(core, shape, **FEW, frequencies=zipf(shape))
    options = {
        **SOLVERS[solver], "batch_size": batch_size, "sample_weight": sample_weight(N_ROWS),
        "input_dropout": 0.2, "hidden_dropout": [0.2, 0.1], "l2": 1e-2,
        "layer_rates": [1.2, 0.7, 0.9], "thaw_steps": [2, 0, 1],
    }  # fmt: skip
    if solver.startswith("sgd"):
        options |= gentle(shape)
    elif solver == "adadelta":
        options["learning_rate"] = 0.3
    assert_threads_alike(net, tolerance=3e-4, **options)


def test_squared_errors_are_of_all_levels(core):
    net, options = network(core, SHAPES[0], "squared_error", **FEW)
    other = FactorNet.of(core, SHAPES[0], "squared_error")
    other.X = net.X
    assert_trained_alike(net, **gentle(SHAPES[0]), **options, batch_size=5)
    other.fit(**gentle(SHAPES[0]), **options, batch_size=5, n_epochs=2, seed=5)
    np.testing.assert_array_equal(net.params, other.params)


def test_up_to_full_levels_nothing_is_drawn(core):
    trained = []
    for n_sampled, full_levels in [(1, 90), (256, 1000)]:
        net, options = network(core, SHAPES[0], full_levels=full_levels, n_sampled=n_sampled)
        net.fit(**gentle(SHAPES[0]), **options, batch_size=5)
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd-momentum"])
def test_levels_that_are_neither_drawn_nor_a_rows_own_keep_every_bit(core, solver):
    net = FactorNet.of(core, Shape(3, (500,), (6,)), **FEW)
    slots = net.slots(**SOLVERS[solver])
    slots[...] = 0.25 * (net.params != 0)
    start, start_slots = net.copy(), slots.copy()
    net.fit(**SOLVERS[solver], slots=slots, batch_size=5, n_samples=5, seed=4, l1=1e-3, l2=0.1)
    rows = net.core.row_order(N_ROWS, 4, 0)[:5]
    own = net.codes[rows, 0]
    chosen = np.union1d(own[own >= 0], net.factors.drawn(0, 4, 0, rows[0])[0])
    assert len(chosen) > 8
    sleeping = 3 + np.setdiff1d(np.arange(500), chosen)
    np.testing.assert_array_equal(net.W[-1][:, sleeping], start.W[-1][:, sleeping])
    np.testing.assert_array_equal(net.b[-1][sleeping], start.b[-1][sleeping])
    assert (net.W[-1][:, 3 + chosen] != start.W[-1][:, 3 + chosen]).all()
    for slot, before in zip(slots, start_slots, strict=True):
        now, then = net.copy(), net.copy()
        now.params[...], then.params[...] = slot, before
        np.testing.assert_array_equal(now.W[-1][:, sleeping], then.W[-1][:, sleeping])
        assert (now.W[-1][:, 3 + chosen] != then.W[-1][:, 3 + chosen]).all()


def bias_steps(core, seeds, frequencies=(), **options):
    """Return mean steps of the levels' biases in one step of SGD, on one batch of all rows."""
    shape = Shape(0, (40,), (4,))
    steps = []
    for seed in seeds:
        net = FactorNet.of(core, shape, **options, frequencies=frequencies)
        # Logits that do not depend on the row; of some range, or all levels would be alike.
        net.W[-1][...] = 0
        net.b[-1][...] = np.linspace(-1, 1, 40)[np.random.default_rng(0).permutation(40)]
        net.codes[...] = 3
        start = net.b[-1].copy()
        net.fit(solver="sgd", learning_rate=1.0, batch_size=N_ROWS, seed=seed)
        steps.append(net.b[-1] - start)
    return np.mean(steps, axis=0)


@pytest.mark.parametrize("frequencies", [(), tuple(1 / np.arange(1, 41))], ids=["alike", "zipf"])
def test_steps_are_those_of_the_full_softmax_on_average(frequencies):
    # The sum over all levels is estimated without bias; that of its inverse vanishes with the
    # number of draws, here to below the spread of the mean.
    full = bias_steps(_core, [0])
    sampled = bias_steps(_core, range(400), frequencies, full_levels=10, n_sampled=400)
    assert full.argmax() == 3
    wrong = np.arange(40) != 3
    assert full[wrong].min() < 3 * full[wrong].max() < 0  # -0.014 to -0.002
    np.testing.assert_allclose(sampled, full, rtol=0.1)


def test_frequent_levels_are_drawn_more_often():
    factors = Shape(0, (6, 30), (4,)).factors(
        full_levels=10, n_sampled=4000, frequencies=(1.0,) * 6 + tuple(range(1, 31))
    )
    levels, log_weights = factors.drawn(1, 3, 0, 7)
    p = levels + 1
    expected = 4000 * p / 465
    draws = np.exp(log_weights) * expected
    assert draws.sum() == pytest.approx(4000)
    assert (np.abs(draws - expected) < 5 * np.sqrt(expected)).all()


def test_the_frequencies_scale_does_not_matter(core):
    shape = SHAPES[1]
    trained = []
    for scale in (1.0, 1024.0):
        net = FactorNet.of(core, shape, **FEW, frequencies=tuple(scale * np.array(zipf(shape))))
        net.fit(**gentle(shape), batch_size=5)
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)
    other = FactorNet.of(core, shape, **FEW)
    other.fit(**gentle(shape), batch_size=5)
    assert not np.array_equal(other.params, trained[0])


@pytest.mark.parametrize("n_sampled", [1, 5])
def test_rows_own_levels_are_pushed_up(core, n_sampled):
    net = FactorNet.of(core, Shape(0, (100,), (4,)), full_levels=10, n_sampled=n_sampled)
    net.codes[:, 0] = np.arange(N_ROWS)
    start = net.b[-1].copy()
    net.fit(solver="sgd", learning_rate=1.0, batch_size=N_ROWS, seed=2)
    step = net.b[-1] - start
    drawn, _ = net.factors.drawn(0, 2, 0, net.core.row_order(N_ROWS, 2, 0)[0])
    own = np.setdiff1d(np.arange(N_ROWS), drawn)  # nobody's wrong answers
    assert len(own) > 10
    assert (step[own] > 0).all()
    others = np.setdiff1d(drawn, np.arange(N_ROWS))
    assert len(others) > 0
    assert (step[others] < 0).all()
    assert (step[np.setdiff1d(np.arange(N_ROWS, 100), drawn)] == 0).all()


def chained(n, levels, seed=0):
    """Return codes of two factors: the second of 20 levels tells the first's but for 10 of them."""
    rng = np.random.default_rng(seed)
    second = rng.integers(0, 20, n)
    first = second * (levels // 20) + rng.integers(0, levels // 20, n)
    return np.column_stack([first, second]).astype(np.int32)


def entropy_after(core, *, n_sampled, full_levels=50, **more):
    """Return the true cross-entropies of both factors after some epochs."""
    net = FactorNet.of(core, Shape(1, (200, 20), (10,)), n=2000, full_levels=full_levels,
                       n_sampled=n_sampled)  # fmt: skip
    net.codes = chained(2000, 200)
    net.X = np.zeros((2000, 1))
    net.scale[:] = 1
    options = {"solver": "adam", "learning_rate": 0.02, "batch_size": 32, "n_epochs": 6, **more}
    assert net.fit(**options)["status"] == "ok"
    errors = net.made_of("feature_errors", n_threads=2)[:, 1:]
    return errors.mean(axis=0) / net.factors.weights


def test_many_draws_learn_as_much_as_the_full_softmax():
    full = entropy_after(_core, n_sampled=1, full_levels=200)
    assert full[0] < 2 < np.log(200) - 3
    gaps = []
    for n_sampled in (5, 50, 500):
        of_first, of_second = entropy_after(_core, n_sampled=n_sampled)
        assert of_first < np.log(200) - 2
        assert of_second < 0.1
        gaps.append(of_first - full[0])
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.2


def test_hogwild_learns_sampled_levels():
    made = entropy_after(_core, n_sampled=100, parallel="hogwild", n_threads=2)
    assert made[0] < 2.5
    assert made[1] < 0.1


def test_the_reference_draws_what_the_frequencies_say():
    # Its mean weight is 1: what is drawn stands for all levels.
    factors = Shape(0, (50,), (4,)).factors(full_levels=10, n_sampled=20,
                                            frequencies=zipf(Shape(0, (50,), (4,))))  # fmt: skip
    total = np.zeros(50)
    for row in range(3000):
        levels, log_weights = reference_factors.Factors.drawn(factors, 0, 1, 0, row)
        total[levels] += np.exp(log_weights)
    np.testing.assert_allclose(total / 3000, 1.0, atol=0.25)
    assert (total / 3000).mean() == pytest.approx(1, abs=0.03)
