"""Targets beside the inputs, numbers and classes, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import (
    ISAS,
    SOLVERS,
    STORAGES,
    assert_threads_alike,
    gentle_rate,
    sample_weight,
)
from coretargets import N_ROWS, SHAPES, TASKS, Shape, network, some_classes, some_numbers
from fastae import _core
from reference import ACTIVATIONS, LOSSES


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


# One row, some, all.
BATCH_SIZES = [1, 5, N_ROWS]
TEAMS = [2, 3]
# Outputs of one part, of two that are contracted, and of several with targets within a part.
FEW_SHAPES = [Shape((7, 3), 3, True), Shape((20, 160), 140), Shape((130, 60), 140, True)]


def sgd(shape):
    """Return options under which rounding errors do not grow."""
    return {"solver": "sgd", "learning_rate": gentle_rate((*shape.widths, shape.n_outputs))}


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_targets_equal_the_reference(core, shape, task, batch_size):
    net, X = network(core, shape)
    options = {**sgd(shape), **TASKS[task](N_ROWS, shape.n_targets), "batch_size": batch_size}
    assert_threads_alike(net, X, teams=TEAMS, **options)


def cases(shape):
    """What else there is to train with, by name."""
    hidden = [0.3, 0.5, 0.0][: len(shape.widths) - 1]
    return {
        **{f"loss {name}": {"loss": name, "loss_parameter": LOSSES[name]} for name in LOSSES},
        "target weight": {"target_weight": 2.5},
        "reconstruction weight": {"reconstruction_weight": 0.3},
        "no target weight": {"target_weight": 0.0},
        "no reconstruction weight": {"reconstruction_weight": 0.0},
        "weights": {"target_weight": 0.2, "reconstruction_weight": 1.7, "loss": "absolute_error"},
        "sample weight": {"sample_weight": sample_weight(N_ROWS)},
        "input dropout": {"input_dropout": 0.3},
        "input noise": {"input_noise": 0.3},
        "hidden dropout": {"hidden_dropout": hidden},
        "sparsity": {"sparsity_beta": 0.3, "average_activation": 0.1},
        "penalties": {"l1": 0.01, "l2": 0.05, "max_w2": 0.6},
        "layer rates": {"layer_rates": [0.5, *[1.5] * len(hidden)]},
        "lowest layer frozen": {"layer_rates": [0.0, *[1.0] * len(hidden)]},
    }


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("task", ["some classes", "some numbers"])
@pytest.mark.parametrize(
    ("shape", "case"),
    [
        (shape, case)
        for shape in FEW_SHAPES
        for case in cases(shape)
        if shape.reconstructs or case != "no target weight"  # nothing would be learnt
    ],
    ids=str,
)
def test_targets_with_every_option_equal_the_reference(core, shape, case, task, batch_size):
    net, X = network(core, shape)
    options = {**sgd(shape), **TASKS[task](N_ROWS, shape.n_targets), **cases(shape)[case]}
    assert_threads_alike(net, X, batch_size=batch_size, **options)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("task", ["some classes", "some numbers"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [Shape((12, 40, 30), 20), Shape((130, 60), 140, True)], ids=str)
def test_targets_with_everything_equal_the_reference(core, shape, solver, task, batch_size):
    net, X = network(core, shape)
    n_hidden = len(shape.widths) - 1
    options = {
        **SOLVERS[solver], **TASKS[task](N_ROWS, shape.n_targets), "batch_size": batch_size,
        "loss": "huber", "loss_parameter": 0.3, "target_weight": 1.3, "reconstruction_weight": 0.6,
        "sample_weight": sample_weight(N_ROWS), "input_dropout": 0.1, "input_noise": 0.05,
        "hidden_dropout": [0.2] * n_hidden, "sparsity_beta": 0.05, "average_activation": 0.1,
        "l2": 1e-3, "max_w2": 0.7, "layer_rates": [1.2, *[0.7] * n_hidden],
        "thaw_steps": [3, *[0] * n_hidden], "schedule": "onecycle", "samples_total": 3 * N_ROWS,
    }  # fmt: skip
    if solver.startswith("sgd"):
        options |= sgd(shape)
    elif solver == "adadelta":
        options["learning_rate"] = 0.3
    assert_threads_alike(net, X, teams=TEAMS, tolerance=3e-4, **options)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("shape", FEW_SHAPES, ids=str)
def test_outputs_of_any_activation_may_have_numbers_as_targets(core, shape, output, batch_size):
    net, X = network(core, shape, output)
    options = {**sgd(shape), **some_numbers(N_ROWS, shape.n_targets)}
    assert_threads_alike(net, X, batch_size=batch_size, **options)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_numbers_of_any_type_lie_anywhere(core, dtype, storage):
    shape = Shape((130, 60), 140, True)
    target = np.random.default_rng(0).uniform(0, 200, (N_ROWS, 140)).astype(dtype)
    stored = STORAGES[storage](target)
    shift, scale = np.linspace(80, 120, 140), np.linspace(0.01, 0.02, 140)
    trained = []
    for numbers in (target.astype(np.float64), stored):
        net, X = network(core, shape)
        net.train(X, **sgd(shape), batch_size=4, n_targets=140, target=numbers,
                  target_shift=shift, target_scale=scale)  # fmt: skip
        trained.append(net.params)
    # Numbers of 32 bits and less are scaled in float.
    np.testing.assert_allclose(*trained, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("shape", FEW_SHAPES, ids=str)
def test_unknown_targets_are_no_loss_at_all(core, shape, batch_size):
    # Neither that of the target, nor through it a change of any weight.
    n = shape.n_targets
    of_rows = {"classes": np.full(N_ROWS, -3, np.int32)}
    numbers = {"target": np.full((N_ROWS, n), np.nan), "target_shift": np.zeros(n),
               "target_scale": np.ones(n)}  # fmt: skip
    trained = []
    for more in (of_rows, numbers):
        net, X = network(core, shape)
        start = net.copy()
        made = net.train(X, **sgd(shape), **more, n_targets=n, batch_size=batch_size)
        assert made["target_error"] == [0.0]
        assert (made["squared_error"][0] > 0) == shape.reconstructs
        assert np.array_equal(net.params, start.params) != shape.reconstructs
        for mine, before in [(net.W[-1], start.W[-1]), (net.b[-1], start.b[-1])]:
            np.testing.assert_array_equal(mine[..., -n:], before[..., -n:])
        trained.append(net.params)
    np.testing.assert_array_equal(*trained)


@pytest.mark.parametrize("n_targets", [1, 2, 7, 17])
def test_the_error_of_classes_is_the_cross_entropy(core, n_targets):
    shape = Shape((6, 8), n_targets)
    net, X = network(core, shape)
    options = some_classes(N_ROWS, n_targets)
    logits, classes = net.outputs64(X)[-1], options["classes"]
    weight = sample_weight(N_ROWS)
    made = net.train(X, **options, sample_weight=weight, batch_size=5, layer_rates=[0.0, 0.0])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    known = classes >= 0
    entropy = -np.log(p[known, classes[known]])
    expected = (weight[known] * entropy).sum()
    assert made["target_error"] == [pytest.approx(expected, rel=1e-5, abs=1e-6)]
    assert made["squared_error"] == [0.0]


@pytest.mark.parametrize("n_targets", [1, 2, 7, 17])
def test_the_error_of_numbers_is_the_squared_error(core, n_targets):
    net, X = network(core, Shape((6, 8), n_targets, True))
    options = some_numbers(N_ROWS, n_targets)
    weight = sample_weight(N_ROWS)
    made = net.train(X, **options, loss="absolute_error", sample_weight=weight, batch_size=5,
                     target_weight=3.0, layer_rates=[0.0, 0.0])  # fmt: skip
    outputs = net.outputs64(X)[-1]
    target = (options["target"] - options["target_shift"]) * options["target_scale"]
    of_rows = np.nansum((outputs[:, 6:] - target) ** 2, axis=1)
    assert made["target_error"] == [pytest.approx((weight * of_rows).sum(), rel=1e-5)]
    of_rows = ((outputs[:, :6] - net.scaled(X)) ** 2).sum(axis=1)
    assert made["squared_error"] == [pytest.approx((weight * of_rows).sum(), rel=1e-5)]


@pytest.mark.parametrize("batch_size", [1, 5])
def test_huge_logits_stay_finite(core, batch_size):
    net, X = network(core, Shape((6, 8), 7))
    net.b[-1][...] = [1e30, -1e30, 1e30, 0, 5, -5, 3e38]
    options = some_classes(N_ROWS, 7, unknown=0)
    # Only the row's own class and the most likely one pull at their logits.
    made = net.train(X, **options, solver="sgd", batch_size=batch_size, learning_rate=0.1)
    assert np.isfinite(net.params).all()
    assert made["target_error"][0] > 1e38
