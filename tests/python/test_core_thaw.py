"""Layers that are not trained, for a while or at all."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, SOLVERS, Net, alternating, assert_threads_alike, gentle_rate, table
from coretargets import Shape, some_classes, some_numbers
from coretargets import network as network_with_targets
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


N_ROWS = 19
NETWORKS = {
    (5, 9, 5): ["elu", "logistic"],
    (40, 17, 6, 17, 40): ["tanh", "elu", "logistic", "tanh"],
    (20, 140, 300, 130, 20): ["tanh", "logistic", "elu", "identity"],
}
DEEP = (40, 17, 6, 17, 40)
SOME_SOLVERS = ["adadelta", "adam", "sgd", "sgd-momentum", "sgd-nesterov"]


def network(core, widths=DEEP, seed=3):
    X = table(N_ROWS, widths[0], seed=2)
    return Net.ranged(core, X, widths[1:-1], NETWORKS[widths], seed=seed), X


def options_of(solver, widths=DEEP):
    options = dict(SOLVERS[solver])
    if solver.startswith("sgd"):
        options["learning_rate"] = gentle_rate(widths)
    return options


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("how", ["bottom up", "top down", "odd", "never"])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_thawing_equals_the_reference(core, widths, solver, how, batch_size):
    net, X = network(core, widths)
    last = len(widths) - 2
    thaw = {
        "bottom up": [2 * layer for layer in range(last + 1)],
        "top down": [2 * (last - layer) for layer in range(last + 1)],
        "odd": alternating(widths, 3, 0, 1),
        "never": [1000, *[0] * last],
    }[how]
    options = options_of(solver, widths) | {"thaw_steps": thaw, "batch_size": batch_size}
    if solver == "adadelta":
        options["learning_rate"] = 0.3
    assert_threads_alike(net, X, tolerance=3e-4, max_w2=0.7, **options)


def trained(net, X, portions, *, solver, **options):
    """Train in several calls, each of a number of steps and options of its own."""
    options = {**options_of(solver, net.widths), "seed": 1, **options}
    slots, samples, steps = net.slots(**options), 0, 0
    for n_steps, more in portions:
        made = net.train(
            X, slots=slots, **{**options, **more}, n_samples=n_steps * options["batch_size"],
            first_epoch=samples // len(X), first_row=samples % len(X), samples_done=samples,
            steps_done=steps,
        )  # fmt: skip
        assert (made["status"], made["steps"]) == ("ok", n_steps)
        samples += made["samples"]
        steps += made["steps"]
    return net.params, slots


def assert_same(made, expected):
    for buffer, other in zip(made, expected, strict=True):
        np.testing.assert_array_equal(buffer, other)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", [name for name in SOME_SOLVERS if name != "adam"])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_a_layer_thaws_as_if_its_rate_had_been_0_until_then(
    core, widths, solver, batch_size, n_threads
):
    X = network(core, widths)[1][:12]
    n_layers = len(widths) - 1
    options = {"solver": solver, "batch_size": batch_size, "n_threads": n_threads, "max_w2": 0.9}
    for frozen in ([0], [n_layers - 1], [0, 1], [0, n_layers - 1]):
        at_rest = dict.fromkeys(frozen, 0.0)
        rates = {"layer_rates": [at_rest.get(layer, 0.8) for layer in range(n_layers)]}
        all_rates = {"layer_rates": [0.8] * n_layers}
        thaw = {"thaw_steps": [5 if layer in frozen else 0 for layer in range(n_layers)]}
        expected = trained(network(core, widths)[0], X, [(5, rates), (4, all_rates)], **options)
        for portions in ([9], [5, 4], [2, 6, 1]):
            net = network(core, widths)[0]
            split = [(n_steps, all_rates | thaw) for n_steps in portions]
            assert_same(trained(net, X, split, **options), expected)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_adam_thaws_with_the_same_bits_in_any_calls(core, batch_size):
    X = network(core)[1][:12]
    thaw = {"thaw_steps": [6, 3, 0, 4]}
    runs = [
        trained(network(core)[0], X, [(n, thaw) for n in portions], solver="adam",
                batch_size=batch_size, n_threads=n_threads)
        for portions in ([9], [6, 3], [1] * 9)
        for n_threads in (1, 2, 3)
    ]  # fmt: skip
    for run in runs[1:]:
        assert_same(run, runs[0])


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_thawing_at_once_is_none_and_thawing_later_is_freezing(core, solver, batch_size):
    X = network(core)[1][:12]

    def run(**more):
        return trained(network(core)[0], X, [(6, more)], solver=solver, batch_size=batch_size)

    assert_same(run(thaw_steps=[0.0] * 4), run())
    params, slots = run(layer_rates=[0.0, 1.0, 0.0, 1.0])
    assert_same(run(thaw_steps=[6, 0, 100, 0]), (params, slots))
    start, made = network(core)[0], network(core)[0]
    made.params[...] = params
    assert [np.array_equal(*w) for w in zip(made.W, start.W, strict=True)] == [True, False] * 2
    assert [np.array_equal(*b) for b in zip(made.b, start.b, strict=True)] == [True, False] * 2
    # Nothing is kept of the gradients of a layer at rest.
    for made.params[...] in slots:
        assert [bool(w.any()) for w in (*made.W, *made.b)] == [False, True] * 4


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("solver", ["adam", "sgd-nesterov"])
def test_weights_at_rest_are_those_that_hardly_move(core, solver, batch_size):
    # At a rate at which no weight changes for its rounding, nothing is left out of the computation.
    for widths in NETWORKS:
        n = len(widths) - 2
        made = []
        for rate in (0.0, 1e-30):
            net, X = network(core, widths)
            net.train(X, **options_of(solver, widths), batch_size=batch_size, n_epochs=2,
                      layer_rates=[rate] * n + [1.0])  # fmt: skip
            made.append(net.params)
        np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("task", [some_classes, some_numbers])
@pytest.mark.parametrize("n_frozen", [1, 2])
@pytest.mark.parametrize("shape", [Shape((12, 40, 30), 20), Shape((20, 30, 140), 160)], ids=str)
def test_training_above_frozen_layers_is_training_on_their_outputs(
    core, shape, n_frozen, task, batch_size, n_threads
):
    net, X = network_with_targets(core, shape)
    start = net.copy()
    options = {
        **SOLVERS["sgd-momentum"], **task(N_ROWS, shape.n_targets), "batch_size": batch_size,
        "learning_rate": 0.01, "n_epochs": 2, "n_threads": n_threads,
    }  # fmt: skip
    rates = [0.0] * n_frozen + [1.0] * (len(net.W) - n_frozen)
    net.train(X, **options, layer_rates=rates)
    for layer in range(n_frozen):
        np.testing.assert_array_equal(net.W[layer], start.W[layer])
        np.testing.assert_array_equal(net.b[layer], start.b[layer])
    upper = Net(core, net.widths[n_frozen:], net.names[n_frozen:])
    for mine, other in zip([*upper.W, *upper.b], [*start.W[n_frozen:], *start.b[n_frozen:]],
                           strict=True):  # fmt: skip
        mine[...] = other
    upper.train(start.call("activations", X, n_layers=n_frozen), **options)
    for mine, other, before in zip(upper.W, net.W[n_frozen:], start.W[n_frozen:], strict=True):
        moved = np.abs(other - before).max()
        assert moved > 1e-4
        np.testing.assert_allclose(mine, other, atol=1e-4 * moved + 1e-6)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("task", [some_classes, some_numbers])
def test_targets_thaw_with_the_same_bits_in_any_calls(core, task, batch_size):
    shape = Shape((130, 60), 140, True)
    options = task(N_ROWS, 140) | {"solver": "adam", "batch_size": batch_size}
    # Rows of two epochs of whole mini-batches.
    n = N_ROWS // batch_size * batch_size
    options = {name: of[:n] if name in ("classes", "target") else of
               for name, of in options.items()}  # fmt: skip
    total = 2 * n // batch_size
    runs = []
    for portions, n_threads in [([total], 1), ([total], 2), ([1] * total, 3)]:
        net, X = network_with_targets(core, shape)
        split = [(steps, {"thaw_steps": [3, 1]}) for steps in portions]
        runs.append(trained(net, X[:n], split, **options, n_threads=n_threads))
    for run in runs[1:]:
        assert_same(run, runs[0])


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_layers_at_rest_keep_their_bits_in_hogwild_too(core, solver, batch_size):
    X = table(200, 40)
    for n_epochs, moves in [(1, False), (20, True)]:
        net = Net.ranged(core, X, DEEP[1:-1], NETWORKS[DEEP], seed=3)
        start = net.copy()
        made = net.train(X, **options_of(solver), batch_size=batch_size, n_epochs=n_epochs,
                         thaw_steps=[400 // batch_size, 0, 10**6, 0], parallel="hogwild",
                         n_threads=2)  # fmt: skip
        assert made["status"] == "ok"
        same = [np.array_equal(w, before) for w, before in zip(net.W, start.W, strict=True)]
        assert same == [not moves, False, True, False]
