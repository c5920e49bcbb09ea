"""Training on categories in several calls and by several threads, and wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

from corefactors import LARGE, LOSSES, N_ROWS, SMALL, FactorNet, Shape, network, with_levels
from corenet import ISAS, SOLVERS, sample_weight
from coretargets import some_classes, some_numbers
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


SAMPLED = Shape(4, (40, 3), (9, 5), marks=True)
WITH_TARGETS = Shape(5, (3, 7, 2), (6, 4), marks=True, n_targets=3)
TARGETS_ALONE = WITH_TARGETS._replace(reconstructs=False)


def everything(solver, shape):
    """Return all options at once that this solver and shape know."""
    n_hidden = len(shape.hidden)
    options = {
        **SOLVERS[solver], "seed": 9, "loss": "quantile", "loss_parameter": 0.4,
        "sample_weight": sample_weight(N_ROWS), "input_dropout": 0.1, "input_noise": 0.05,
        "hidden_dropout": [0.2] * n_hidden, "sparsity_beta": 0.05, "average_activation": 0.1,
        "l1": 1e-4, "l2": 1e-3, "layer_rates": [0.8, *[1.2] * n_hidden],
        "thaw_steps": [4, *[0] * n_hidden], "schedule": "cosine", "samples_total": 300,
    }  # fmt: skip
    if shape.n_targets:
        options |= {"target_weight": 1.3, "reconstruction_weight": 0.6}
        options |= (some_classes if shape.reconstructs else some_numbers)(N_ROWS, shape.n_targets)
    else:
        options |= {"margin": 1.0, "anomalous": np.arange(N_ROWS) % 4 == 1}
    return options | ({"learning_rate": 0.003} if solver.startswith("sgd") else {})


def run(core, shape, options, portions, n_threads):
    """Train in several calls; return all that is left behind, and the errors of every epoch."""
    net, more = network(core, shape, full_levels=20, n_sampled=6)
    slots, averages = net.slots(**options), net.averages()
    n_rows = np.count_nonzero(options["sample_weight"])
    samples = steps = 0
    errors = np.zeros((3, 2))
    for n_samples in portions:
        made = net.fit(
            slots=slots, averages=averages, **options, **more, n_samples=n_samples,
            samples_done=samples, first_epoch=samples // n_rows, first_row=samples % n_rows,
            steps_done=steps, n_threads=n_threads,
        )  # fmt: skip
        assert made["status"] == "ok"
        epochs = samples // n_rows + np.arange(len(made["rows"]))
        np.add.at(errors[:, 0], epochs, made["squared_error"])
        np.add.at(errors[:, 1], epochs, made["target_error"])
        samples += made["samples"]
        steps += made["steps"]
    return (net.params, slots, averages), (samples, steps), errors


@pytest.mark.parametrize("batch_size", [1, 5, 100])
@pytest.mark.parametrize("solver", ["adadelta", "adam", "sgd-nesterov"])
@pytest.mark.parametrize("shape", [SMALL, SAMPLED, LARGE, WITH_TARGETS, TARGETS_ALONE], ids=str)
def test_same_bits_for_any_threads_and_any_split_of_the_rows(core, shape, solver, batch_size):
    options = {**everything(solver, shape), "batch_size": batch_size}
    n_rows = np.count_nonzero(options["sample_weight"])
    per_epoch = [batch_size] * (n_rows // batch_size)
    if n_rows % batch_size:
        per_epoch.append(n_rows % batch_size)
    one_by_one = per_epoch * 2
    once = run(core, shape, options, [2 * n_rows], 1)
    assert once[1] == (2 * n_rows, len(one_by_one))
    in_one_call = [([2 * n_rows], n_threads) for n_threads in (1, 2, 3, 4)]
    for portions, n_threads in [*in_one_call, (one_by_one, 1), ([n_rows, n_rows], 2)]:
        state, counts, errors = run(core, shape, options, portions, n_threads)
        assert counts == once[1]
        for buffer, expected in zip(state, once[0], strict=True):
            np.testing.assert_array_equal(buffer, expected)
        np.testing.assert_allclose(errors, once[2], rtol=1e-12)


@pytest.mark.parametrize("shape", [SMALL, SAMPLED, LARGE, TARGETS_ALONE], ids=str)
def test_padding_stays_zero(core, shape):
    for parallel, batch_size in [("deterministic", 1), ("deterministic", 5), ("hogwild", 5)]:
        options = everything("adam", shape) | {"batch_size": batch_size}
        net, more = network(core, shape, full_levels=20, n_sampled=6)
        slots = net.slots(**options)
        made = net.fit(slots=slots, **options, **more, n_epochs=3, parallel=parallel, n_threads=2)
        assert made["status"] == "ok"
        for buffer in (net.params, slots):
            np.testing.assert_array_equal(net.padding(buffer), 0)


def learnable(core, loss):
    """Return a network whose two factors and two numbers all say which of 6 groups a row is of."""
    net = FactorNet.of(core, Shape(2, (6, 3), (8,)), loss, n=600)
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 6, 600)
    net.codes = np.column_stack([groups, groups // 2]).astype(np.int32)
    net.codes[rng.random((600, 2)) < 0.1] = -1
    net.X = np.column_stack([groups % 2, groups / 6]) + rng.normal(0, 0.05, (600, 2))
    net.shift[:], net.scale[:] = net.X.mean(axis=0), 1 / np.ptp(net.X, axis=0)
    return net, groups


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("solver", ["adadelta", "adam", "sgd"])
def test_hogwild_learns(core, solver, batch_size, loss):
    net, groups = learnable(core, loss)
    rate = {"learning_rate": 0.2} if solver == "sgd" else {}
    made = net.fit(**{**SOLVERS[solver], **rate}, batch_size=batch_size, n_epochs=40,
                   input_dropout=0.2, parallel="hogwild", n_threads=2)  # fmt: skip
    assert (made["status"], made["samples"], made["rows"]) == ("ok", 24_000, [600] * 40)
    assert made["squared_error"][-1] < made["squared_error"][0] / 2
    levels = net.made_of("reconstruct")[1]
    right = levels == np.column_stack([groups, groups // 2])
    known = net.codes >= 0
    assert right[known].mean() > 0.97
    assert right[~known].mean() > 0.5  # guesses are 1 / 6 and 1 / 3


def test_hogwild_of_one_thread_is_the_deterministic_way(core):
    trained = []
    for parallel in ("hogwild", "deterministic"):
        net, more = network(core, SMALL)
        net.fit(**SOLVERS["adam"], **more, batch_size=4, n_epochs=2, parallel=parallel)
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)


def test_the_seed_matters(core):
    trained = []
    for seed in (0, 1):
        # One mini-batch: the order of its rows is no difference, what is drawn is.
        net, more = network(core, SAMPLED, full_levels=20, n_sampled=6)
        net.fit(**SOLVERS["adam"], **more, batch_size=N_ROWS, seed=seed)
        trained.append(net.W[-1][:, 4:44].copy())
    assert np.abs(trained[0] - trained[1]).max() > 1e-3


@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
def test_a_tick_may_stop_the_training(core, parallel):
    net, _ = learnable(core, "cross_entropy")
    seen = []

    def tick(samples):
        seen.append(samples)
        return len(seen) == 2

    made = net.fit(**SOLVERS["adam"], batch_size=8, n_epochs=10**6, parallel=parallel, n_threads=2,
                   tick=tick)  # fmt: skip
    assert made["status"] == "stopped"
    assert 0 < seen[0] < seen[1] <= made["samples"]
    assert np.isfinite(net.params).all()


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 2), ("hogwild", 2)])
@pytest.mark.parametrize("n_numbers", [0, 4])
@pytest.mark.parametrize("loss", LOSSES)
def test_divergence_is_detected(core, loss, n_numbers, parallel, n_threads):
    net = FactorNet.of(core, Shape(n_numbers, (4, 6), (5,)), loss)
    net.names[0] = "identity"
    made = net.fit(solver="sgd", learning_rate=1e20, batch_size=4, n_epochs=100, parallel=parallel,
                   n_threads=n_threads)  # fmt: skip
    assert made["status"] == "diverged"


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 2), ("hogwild", 2)])
@pytest.mark.parametrize("n_numbers", [0, 4])
def test_infinite_weights_of_levels_alone_are_divergence(core, n_numbers, parallel, n_threads):
    # The one step of the last layer: no row sees what it made of the weights.
    net = with_levels(FactorNet.of(core, Shape(n_numbers, (4, 6), (5,))), weights=(40.0, 40.0))
    options = {"solver": "sgd", "learning_rate": 3e38, "layer_rates": [0, 1]}
    made = net.fit(**options, batch_size=N_ROWS, parallel=parallel, n_threads=n_threads)
    assert not np.isfinite(net.params).all()
    assert made["status"] == "diverged"
