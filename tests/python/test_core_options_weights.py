"""Weights of rows, and rows by their numbers: the same as other tables without them."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, SOLVERS, STORAGES, Net, farthest, table
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


# Everything that has not to do with random numbers, which belong to the numbers of rows.
OPTIONS = {
    "n_epochs": 3, "seed": 1, "loss": "huber", "loss_parameter": 0.2, "sparsity_beta": 0.1,
    "average_activation": 0.1, "l2": 1e-3, "max_w2": 0.9, "layer_rates": [1.0, 0.5, 1.0],
}  # fmt: skip


def network(core, X):
    return Net.ranged(core, X, (20, 6), ["elu", "logistic", "tanh"], seed=3)


def trained(net, X, **options):
    """Return everything that training leaves behind."""
    slots, averages = net.slots(**options), net.averages()
    made = net.train(X, slots=slots, averages=averages, **{**OPTIONS, **options})
    assert made["status"] == "ok"
    return made, net.params, slots, averages


def assert_same(made, expected):
    """Compare what training left behind bit for bit."""
    for key in set(made[0]) - {"seconds"}:
        assert made[0][key] == expected[0][key], key
    for buffer, other in zip(made[1:], expected[1:], strict=True):
        np.testing.assert_array_equal(buffer, other)


@pytest.mark.parametrize("batch_size", [1, 6, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_weights_of_one_are_none(core, solver, batch_size):
    X, options = table(30, 40), {**SOLVERS[solver], "batch_size": batch_size}
    noise = {"input_dropout": 0.1, "input_noise": 0.1, "hidden_dropout": [0.1, 0.2]}
    without = trained(network(core, X), X, **options, **noise)
    ones = np.ones(30, dtype=np.float32)
    assert_same(trained(network(core, X), X, **options, **noise, sample_weight=ones), without)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 6, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_row_of_weight_0_is_absent(core, solver, batch_size, n_threads):
    X = table(30, 40)
    weight = np.random.default_rng(0).integers(0, 2, 30).astype(np.float32)
    assert 0 < weight.sum() < 29
    options = {**SOLVERS[solver], "batch_size": batch_size, "n_threads": n_threads}
    expected = trained(network(core, X), X[weight > 0], **options)
    spoilt = np.where(weight[:, None] > 0, X, np.nan)  # never looked at
    assert_same(trained(network(core, X), spoilt, **options, sample_weight=weight), expected)
    # The same with weights other than 1.
    weight[weight > 0] *= np.random.default_rng(1).uniform(0.5, 1.5, int(weight.sum()))
    few = trained(network(core, X), X[weight > 0], **options, sample_weight=weight[weight > 0])
    assert_same(trained(network(core, X), spoilt, **options, sample_weight=weight), few)
    assert not np.array_equal(few[1], expected[1])


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("solver", SOLVERS)
def test_weight_k_is_k_copies_in_a_full_batch(core, solver, n_threads):
    X = table(20, 40)
    copies = np.random.default_rng(0).integers(0, 4, 20)
    repeated = np.repeat(X, copies, axis=0)
    n, total = np.count_nonzero(copies), copies.sum()
    options = {**SOLVERS[solver], "n_epochs": 5, "batch_size": 1000, "n_threads": n_threads}
    net, other = network(core, X), network(core, X)
    start = net.weights64()
    expected = trained(net, repeated, **options)
    if "annealing" in options:  # by samples
        options["annealing"] *= total / n
    weight = (copies * n / total).astype(np.float32)
    made = trained(other, X, **options, sample_weight=weight)
    assert made[0]["rows"] == [n] * 5
    np.testing.assert_allclose(made[0]["mse"], expected[0]["mse"], rtol=1e-5)
    moved = farthest(*net.weights64(), *start)
    assert farthest(*net.weights64(), *other.weights64()) < 1e-4 * moved
    np.testing.assert_allclose(made[3], expected[3], atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 6])
def test_mse_is_the_weighted_mean(core, batch_size):
    X = table(25, 40)
    weight = np.random.default_rng(0).uniform(0, 2, 25).astype(np.float32)
    weight /= weight.mean()
    net = network(core, X)
    scores = net.call("score", X)
    made = net.train(X, layer_rates=[0.0] * 3, sample_weight=weight, batch_size=batch_size)
    assert made["mse"] == [pytest.approx(np.average(scores, weights=weight), rel=1e-5)]


@pytest.mark.parametrize("batch_size", [1, 6])
def test_hogwild_leaves_out_rows_of_weight_0(core, batch_size):
    X = table(200, 40)
    weight = np.ones(200, dtype=np.float32)
    X[::3], weight[::3] = np.nan, 0
    net = Net.ranged(core, X[weight > 0], (6,), ["tanh", "tanh"])
    made = net.train(
        X, sample_weight=weight, batch_size=batch_size, parallel="hogwild", n_threads=2, n_epochs=20
    )  # fmt: skip
    assert (made["status"], made["rows"], made["samples"]) == ("ok", [133] * 20, 20 * 133)
    assert made["mse"][-1] < made["mse"][0] / 2


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(30, np.float32),  # nothing left
        np.ones(29, np.float32),
        np.ones((30, 1), np.float32),
        np.ones(30),
        np.ones(60, np.float32)[::2],
        np.full(30, -1.0, np.float32),
        np.full(30, np.nan, np.float32),
        np.full(30, np.inf, np.float32),
    ],
    ids=["zeros", "short", "2-d", "float64", "strided", "negative", "nan", "infinite"],
)
def test_wrong_weights_are_refused(core, wrong):
    X = table(30, 40)
    net = network(core, X)
    before = net.params.copy()
    with pytest.raises((ValueError, TypeError)):
        net.train(X, sample_weight=wrong)
    with pytest.raises((ValueError, TypeError)):
        core.column_stats(X, n_threads=1, sample_weight=wrong)
    np.testing.assert_array_equal(net.params, before)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_score_of_some_rows_is_that_of_a_table_of_them(core, dtype, storage):
    X = (20 * table(150, 33) % 200).astype(dtype)
    net = Net.ranged(core, X, (7,), ["tanh", "tanh"])
    rng = np.random.default_rng(0)
    stored = STORAGES[storage](X)
    for rows in (rng.permutation(150), rng.integers(0, 150, 400), np.array([149]), np.arange(0)):
        numbers = rows.astype(np.uint32)
        for n_threads in (1, 2):
            made = net.call("score", stored, rows=numbers, n_threads=n_threads)
            np.testing.assert_array_equal(made, net.call("score", X[rows]))


@pytest.mark.parametrize(
    "rows",
    [np.array([0, 10]), np.array([[0]]), np.array(0), np.array([2**32 - 1])],
    ids=["beyond", "2-d", "0-d", "-1"],
)
def test_wrong_rows_are_value_errors(core, rows):
    X = table(10, 5)
    net = Net.ranged(core, X, (2,), ["tanh", "tanh"])
    with pytest.raises(ValueError, match="rows"):
        net.call("score", X, rows=rows.astype(np.uint32))
    with pytest.raises(TypeError):
        net.call("score", X, rows=np.arange(3))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 3), (257, 16), (9000, 5)])
def test_weighted_column_stats_equal_numpy(core, n, d, dtype):
    X = (20 * table(n, d, seed=n) % 200).astype(dtype)
    X64 = X.astype(np.float64)
    weight = np.random.default_rng(n).uniform(0.1, 3, n).astype(np.float32)
    weight[1::5] = 0
    mean = np.average(X64, axis=0, weights=weight)
    there = X64[weight > 0]
    expected = (
        mean, there.min(axis=0), there.max(axis=0),
        np.average((X64 - mean) ** 2, axis=0, weights=weight),
        np.full(d, weight.astype(np.float64).sum()),
    )  # fmt: skip
    *first, total = core.column_stats(X, n_threads=1, sample_weight=weight)
    np.testing.assert_array_equal(first[-1], total)
    for made, exact in zip(first, expected, strict=True):
        np.testing.assert_allclose(made, exact, rtol=1e-12, atol=1e-12)
    for n_threads in (2, 3):
        *again, _ = core.column_stats(X, n_threads=n_threads, sample_weight=weight)
        np.testing.assert_array_equal(again, first)
    # A factor of all weights has no effect but rounding; a power of two has none.
    *again, total = core.column_stats(X, n_threads=1, sample_weight=weight * np.float32(4))
    np.testing.assert_array_equal(again[:4], first[:4])
    np.testing.assert_array_equal(again[4], total)
    np.testing.assert_array_equal(again[4], 4 * first[4])


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("n", [10, 257, 9000])
def test_column_stats_of_weights_0_and_1_are_those_of_the_rows_that_count(core, n, storage):
    X = 1e3 + table(n, 6, seed=n)
    weight = (np.random.default_rng(n).random(n) < 0.6).astype(np.float32)
    spoilt = STORAGES[storage](np.where(weight[:, None] > 0, X, np.nan))
    for rows, weights, same in [
        (spoilt, weight, X[weight > 0]), (X, np.ones(n, np.float32), X)
    ]:  # fmt: skip
        *made, total = core.column_stats(rows, n_threads=2, sample_weight=weights)
        *expected, n_same = core.column_stats(same, n_threads=1)
        np.testing.assert_array_equal(made, expected)
        assert total == n_same == len(same)
