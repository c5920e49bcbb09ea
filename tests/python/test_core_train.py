"""Training by every compiled core, against the float64 reference."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import reference
from corenet import ISAS, SIZES, SOLVERS, STORAGES, Net, assert_trained_alike, deep_names, table
from fastae import _core
from reference import ACTIVATIONS


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_first_steps_equal_the_reference(core, solver, hidden, batch_size):
    X = table(11, 17, seed=2)
    for output, widths in [("tanh", (5,)), (hidden, (20, 3, 18))]:
        net = Net.ranged(core, X, widths, deep_names((17, *widths, 17), hidden, output), seed=1)
        penalties = {"l1": 1e-3, "l2": 1e-2}
        assert_trained_alike(net, X, batch_size=batch_size, **SOLVERS[solver], **penalties)


@pytest.mark.parametrize("batch_size", [1, 3, 16, 70])
@pytest.mark.parametrize("d", SIZES)
def test_every_size_equals_the_reference(core, d, batch_size):
    X = table(37, d, seed=d)
    for hidden in [(), (1,), (8,), (33,), (2 * d + 1,)]:
        names = deep_names((d, *hidden, d), "tanh", "identity")
        net = Net.ranged(core, X, hidden, names, seed=4)
        assert_trained_alike(net, X, batch_size=batch_size, solver="sgd", learning_rate=0.05)


@pytest.mark.parametrize("widths", [(784, 50, 784), (1030, 3, 1030), (40, 300, 40)], ids=str)
def test_larger_networks_equal_the_reference(core, widths):
    X = table(70, widths[0])
    for solver in ("adadelta", "adam", "sgd-nesterov"):
        options = dict(SOLVERS[solver])
        options["learning_rate"] = {"adadelta": 1.0, "adam": 1e-3}.get(solver, 0.01)
        net = Net.ranged(core, X, widths[1:-1], ["tanh", "tanh"], seed=4)
        assert_trained_alike(net, X, batch_size=32, **options, l1=1e-4)


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(9, 9), (9, 4, 9), (9, 17, 4, 9)], ids=str)
def test_gradient_equals_finite_differences(core, widths, hidden, output):
    X = table(13, widths[0], seed=7)
    net = Net.ranged(core, X, widths[1:-1], deep_names(widths, hidden, output), seed=8)
    W, b = net.weights64()
    options = {"l1": 0.01, "l2": 0.02}
    # One plain step of rate 1 on the whole table: what a weight loses is its gradient.
    made = net.train(X, solver="sgd", learning_rate=1.0, batch_size=13, **options)
    assert made["steps"] == 1
    objective, batch = reference.Objective(**options), reference.Batch(net.scaled(X))
    for trained, start in zip([*net.W, *net.b], [*W, *b], strict=True):
        slope = np.empty_like(start)
        for i in np.ndindex(start.shape):
            kept, step = start[i], 1e-6
            start[i] = kept + step
            above = objective.value(batch, W, b, net.names)
            start[i] = kept - step
            slope[i] = (above - objective.value(batch, W, b, net.names)) / (2 * step)
            start[i] = kept
        np.testing.assert_allclose(start - trained, slope, atol=1e-6)


def test_adam_takes_steps_of_the_size_of_the_rate(core):
    # With the usual, tiny epsilon the first step is the rate times the sign of the gradient.
    X = table(20, 12)
    net = Net.ranged(core, X, (4,), ["tanh", "identity"])
    W, b = net.weights64()
    batch = reference.Batch(net.scaled(X))
    dW, db = reference.Objective().gradients(batch, W, b, net.names)
    net.train(X, solver="adam", learning_rate=0.25, batch_size=20)
    for trained, start, grad in zip([*net.W, *net.b], [*W, *b], [*dW, *db], strict=True):
        clear = np.abs(grad) > 1e-5
        assert clear.mean() > 0.9
        np.testing.assert_allclose((start - trained)[clear], 0.25 * np.sign(grad)[clear], rtol=2e-3)


@pytest.mark.parametrize("batch_size", [1, 7, 32, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_same_bits_for_any_threads_and_any_split_of_the_epochs(core, solver, batch_size):
    X = table(67, 37)
    options = {**SOLVERS[solver], "l1": 1e-4, "l2": 1e-4, "batch_size": batch_size, "seed": 9}

    def trained(n_threads, calls):
        net = Net.ranged(core, X, (40, 6), ["elu", "tanh", "tanh"], seed=3)
        slots, curve, done = net.slots(**options), [], {"samples": 0, "steps": 0, "epochs": 0}
        for n_epochs in calls:
            made = net.train(
                X, slots=slots, **options, n_threads=n_threads, n_epochs=n_epochs,
                first_epoch=done["epochs"], samples_done=done["samples"], steps_done=done["steps"],
            )  # fmt: skip
            curve.extend(made["mse"])
            for key in done:
                done[key] += made[key]
        return net.params, slots, np.array(curve)

    once = trained(1, [4])
    assert not np.array_equal(once[0], Net.ranged(core, X, (40, 6), ["elu"] * 3, seed=3).params)
    runs = itertools.product([1, 2, 3, 4], [[4], [1, 3], [2, 1, 1]])
    for n_threads, calls in runs:
        for made, expected in zip(trained(n_threads, calls), once, strict=True):
            np.testing.assert_array_equal(made, expected)


def test_same_bits_for_a_large_network(core):
    X = table(150, 784, np.float32)
    nets = [Net.ranged(core, X, (50,), ["tanh", "tanh"]) for _ in range(4)]
    for n_threads, net in enumerate(nets, 1):
        net.train(X, solver="adam", learning_rate=1e-3, batch_size=64, n_threads=n_threads)
    for net in nets[1:]:
        np.testing.assert_array_equal(net.params, nets[0].params)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32",
                                   "int64", "uint64", "float32", "float64"])  # fmt: skip
def test_every_dtype_and_storage_trains_alike(core, dtype, storage):
    X = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 90, (30, 18)).astype(dtype)
    stored = STORAGES[storage](X)
    net = Net.ranged(core, X, (5,), ["tanh", "tanh"])
    assert_trained_alike(net, stored, batch_size=4, solver="sgd", learning_rate=0.1)
    np.testing.assert_array_equal(stored, X)
    again = Net.ranged(core, X, (5,), ["tanh", "tanh"])
    again.train(X, n_epochs=2, seed=5, batch_size=4, solver="sgd", learning_rate=0.1)
    np.testing.assert_array_equal(again.params, net.params)


@pytest.mark.parametrize("solver", SOLVERS)
def test_one_row_and_one_column(core, solver):
    for X in (np.array([[3.0]]), table(1, 5), table(6, 1)):
        net = Net(core, (X.shape[1], 2, X.shape[1]), ["tanh", "identity"], seed=1)
        assert_trained_alike(net, X, batch_size=1, **SOLVERS[solver])


def test_row_order_is_a_permutation_of_its_own_for_every_epoch_and_seed(core):
    seen = {}
    for n, seed, epoch in itertools.product((1, 2, 100), (0, 1, 2**64 - 1), (0, 1, 10**6)):
        order = core.row_order(n, seed, epoch)
        assert order.dtype == np.int64
        np.testing.assert_array_equal(np.sort(order), np.arange(n))
        np.testing.assert_array_equal(order, core.row_order(n, seed, epoch))
        seen[n, seed, epoch] = tuple(order)
    large = [order for (n, *_), order in seen.items() if n == 100]
    assert len(set(large)) == len(large)


def test_row_order_is_the_same_for_every_instruction_set():
    made = [_core.load(isa).row_order(1000, 42, 3) for isa in ISAS]
    for order in made:
        np.testing.assert_array_equal(order, made[0])


def test_row_order_is_fair(core):
    # All 24 orders of 4 rows, over epochs and over seeds: chi-squared with 23 degrees of freedom,
    # which exceeds 60 once in 30,000 times (and the numbers are always the same).
    for orders_seen in (
        [tuple(core.row_order(4, 7, epoch)) for epoch in range(4800)],
        [tuple(core.row_order(4, seed, 7)) for seed in range(4800)],
    ):
        counts = np.array([orders_seen.count(p) for p in itertools.permutations(range(4))])
        assert ((counts - 200) ** 2 / 200).sum() < 60


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 2), ("hogwild", 1)])
@pytest.mark.parametrize("batch_size", [1, 5, 8, 30])
def test_every_row_is_visited_once_an_epoch(core, batch_size, parallel, n_threads):
    # Row i is the i-th unit vector, so only it moves weight (i, i), by about rate / batch size.
    n, rate, n_epochs = 30, 1e-4, 3
    net = Net(core, (n, n), ["identity"])
    net.params[...] = 0
    made = net.train(
        np.eye(n), solver="sgd", learning_rate=rate, n_epochs=n_epochs, batch_size=batch_size,
        parallel=parallel, n_threads=n_threads,
    )  # fmt: skip
    assert made["samples"] == n * n_epochs
    visits = np.diag(net.W[0]) / (rate / batch_size)
    short = n % batch_size
    if not short:
        np.testing.assert_allclose(visits, n_epochs, rtol=0.01)
        return
    # A row of the short last batch weighs batch_size / short times as much in that epoch.
    shorts = (visits - n_epochs) / (batch_size / short - 1)
    np.testing.assert_allclose(shorts, np.round(shorts), atol=0.05)
    assert np.round(shorts).sum() == short * n_epochs


@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_padding_stays_zero(core, solver, parallel):
    X = table(50, 19)
    net = Net.ranged(core, X, (5, 23), ["logistic", "elu", "logistic"])
    slots = net.slots(**SOLVERS[solver])
    net.train(
        X, slots=slots, **SOLVERS[solver], batch_size=4, n_epochs=5, l1=1e-3, l2=1e-3,
        parallel=parallel, n_threads=2,
    )  # fmt: skip
    for buffer in (net.params, slots):
        np.testing.assert_array_equal(net.padding(buffer), 0)


def test_untouched_by_zero_epochs(core):
    X = table(10, 6)
    net = Net.ranged(core, X, (2,), ["tanh", "tanh"])
    before = net.params.copy()
    made = net.train(X, n_epochs=0)
    np.testing.assert_array_equal(net.params, before)
    assert (made["epochs"], made["samples"], made["steps"], made["status"]) == (0, 0, 0, "ok")
    assert len(made["mse"]) == len(made["seconds"]) == 0
