"""Training with targets in several calls and by several threads, and wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, SOLVERS, Net, sample_weight, table
from coretargets import N_ROWS, Shape, network, some_classes, some_numbers
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


SHAPE = Shape((130, 60), 140, True)  # columns in several parts, targets within one
BELOW = Shape((20, 160, 40), 3)  # contracted


def everything(solver, shape, task):
    """Return all options at once that this solver knows."""
    n_hidden = len(shape.widths) - 1
    options = {
        **SOLVERS[solver], **task(N_ROWS, shape.n_targets), "seed": 9,
        "loss": "quantile", "loss_parameter": 0.4, "target_weight": 1.3,
        "reconstruction_weight": 0.6, "sample_weight": sample_weight(N_ROWS), "input_dropout": 0.1,
        "input_noise": 0.05, "hidden_dropout": [0.2] * n_hidden, "sparsity_beta": 0.05,
        "average_activation": 0.1, "l1": 1e-4, "l2": 1e-3, "max_w2": 0.7,
        "layer_rates": [0.8, *[1.2] * n_hidden], "thaw_steps": [4, *[0] * n_hidden],
        "schedule": "cosine", "samples_total": 300,
    }  # fmt: skip
    return options | ({"learning_rate": 0.003} if solver.startswith("sgd") else {})


def run(core, shape, options, portions, n_threads):
    """Train in several calls; return all that is left behind, and the errors of every epoch."""
    net, X = network(core, shape)
    slots, averages = net.slots(**options), net.averages()
    n_rows = np.count_nonzero(options["sample_weight"])
    samples = steps = 0
    errors = np.zeros((3, 2))
    for n_samples in portions:
        made = net.train(
            X, slots=slots, averages=averages, **options, n_samples=n_samples, samples_done=samples,
            first_epoch=samples // n_rows, first_row=samples % n_rows, steps_done=steps,
            n_threads=n_threads,
        )  # fmt: skip
        assert made["status"] == "ok"
        epochs = samples // n_rows + np.arange(len(made["rows"]))
        np.add.at(errors[:, 0], epochs, made["squared_error"])
        np.add.at(errors[:, 1], epochs, made["target_error"])
        samples += made["samples"]
        steps += made["steps"]
    return (net.params, slots, averages), (samples, steps), errors


@pytest.mark.parametrize("batch_size", [1, 5, 100])
@pytest.mark.parametrize("task", [some_classes, some_numbers])
@pytest.mark.parametrize("solver", ["adadelta", "adam", "sgd-nesterov"])
@pytest.mark.parametrize("shape", [SHAPE, BELOW], ids=str)
def test_same_bits_for_any_threads_and_any_split_of_the_rows(core, shape, solver, task, batch_size):
    options = {**everything(solver, shape, task), "batch_size": batch_size}
    n_rows = np.count_nonzero(options["sample_weight"])
    per_epoch = [batch_size] * (n_rows // batch_size)
    if n_rows % batch_size:
        per_epoch.append(n_rows % batch_size)
    one_by_one = per_epoch * 2
    once = run(core, shape, options, [2 * n_rows], 1)
    assert once[1] == (2 * n_rows, len(one_by_one))
    for portions, n_threads in [([2 * n_rows], 2), ([2 * n_rows], 3), ([2 * n_rows], 4),
                                (one_by_one, 1), ([n_rows, n_rows], 2)]:  # fmt: skip
        state, counts, errors = run(core, shape, options, portions, n_threads)
        assert counts == once[1]
        for buffer, expected in zip(state, once[0], strict=True):
            np.testing.assert_array_equal(buffer, expected)
        np.testing.assert_allclose(errors, once[2], rtol=1e-12)


@pytest.mark.parametrize("task", [some_classes, some_numbers])
@pytest.mark.parametrize("shape", [SHAPE, BELOW], ids=str)
def test_padding_stays_zero(core, shape, task):
    for parallel, batch_size in [("deterministic", 1), ("deterministic", 5), ("hogwild", 5)]:
        options = everything("adam", shape, task) | {"batch_size": batch_size}
        net, X = network(core, shape)
        slots = net.slots(**options)
        made = net.train(X, slots=slots, **options, n_epochs=3, parallel=parallel, n_threads=2)
        assert made["status"] == "ok"
        for buffer in (net.params, slots):
            np.testing.assert_array_equal(net.padding(buffer), 0)


def groups(n, seed=0):
    """Return rows around three centres, and which one."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n).astype(np.int32)
    return rng.normal(0, 1, (3, 12))[classes] * 2 + rng.normal(0, 0.7, (n, 12)), classes


@pytest.mark.parametrize("reconstructs", [False, True])
@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("solver", ["adadelta", "adam", "sgd"])
def test_hogwild_learns_classes(core, solver, batch_size, reconstructs):
    X, classes = groups(600)
    options = {**SOLVERS[solver], "batch_size": batch_size, "n_targets": 3, "n_epochs": 20}
    net = Net.ranged(core, X, (8,), ["tanh", "identity"], n_outputs=15 if reconstructs else 3)
    few = np.where(np.arange(600) % 4, classes, -1).astype(np.int32)
    made = net.train(X, **options, classes=few, parallel="hogwild", n_threads=2)
    assert (made["status"], made["samples"], made["rows"]) == ("ok", 12_000, [600] * 20)
    assert made["target_error"][-1] < made["target_error"][0] / 2
    found = net.outputs64(X)[-1][:, -3:].argmax(axis=1)
    assert (found == classes).mean() > 0.98  # of those too that were not known


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 2), ("hogwild", 2)])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_target_counts_as_divergence(core, value, parallel, n_threads):
    net, X = network(core, SHAPE)
    options = some_numbers(N_ROWS, SHAPE.n_targets)
    options["target"][7, 2] = value
    made = net.train(X, **options, n_epochs=3, batch_size=4, parallel=parallel, n_threads=n_threads)
    assert made["status"] == "diverged"


@pytest.mark.parametrize("task", [some_classes, some_numbers])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_divergence_of_targets_is_detected(core, task, batch_size):
    net, X = network(core, Shape((6, 8, 8), 5))
    net.names[:2] = ["identity", "identity"]
    made = net.train(X, **task(N_ROWS, 5), solver="sgd", learning_rate=1e20, n_epochs=1000,
                     batch_size=batch_size)  # fmt: skip
    assert made["status"] == "diverged" or np.isfinite(net.params).all()
    if task is some_numbers:
        assert made["status"] == "diverged"


N = 8
CLASSES = {"n_targets": 3, "classes": np.zeros(N, np.int32)}
NUMBERS = {
    "n_targets": 3,
    "target": np.zeros((N, 3)),
    "target_shift": np.zeros(3),
    "target_scale": np.ones(3),
}
WRONG = {
    "no targets": (3, {"n_targets": 3}, "target or classes, one of them"),
    "both": (3, {**CLASSES, **NUMBERS}, "target or classes, one of them"),
    "classes for nothing": (5, {"classes": np.zeros(N, np.int32)}, "need n_targets"),
    "numbers for nothing": (5, {**NUMBERS, "n_targets": 0}, "need n_targets"),
    "negative n_targets": (5, {"n_targets": -1}, "last width must be n_targets"),
    "one output too many": (4, CLASSES, "last width must be n_targets"),
    "one output too few": (7, NUMBERS, "last width must be n_targets"),
    "more targets than outputs": (3, {**CLASSES, "n_targets": 4}, "last width must be n_targets"),
    "outputs for nothing": (8, {}, "last width must be n_targets"),
    "fewer outputs": (3, {}, "last width must be n_targets"),
    "a class too many": (
        3, {**CLASSES, "classes": np.full(N, 3, np.int32)}, "classes must be below n_targets",
    ),
    "few classes": (
        3, {**CLASSES, "classes": np.zeros(N - 1, np.int32)}, "classes must have one entry per row",
    ),
    "classes 2-d": (
        3, {**CLASSES, "classes": np.zeros((N, 1), np.int32)}, "classes must have one entry",
    ),
    "few numbers": (3, {**NUMBERS, "target": np.zeros((N - 1, 3))}, "as many rows as X"),
    "narrow numbers": (3, {**NUMBERS, "target": np.zeros((N, 2))}, "target must"),
    "numbers 1-d": (3, {**NUMBERS, "target": np.zeros(N)}, "target must"),
    "text": (3, {**NUMBERS, "target": np.full((N, 3), "a")}, "must be bool"),
    "no shift": (3, {**NUMBERS, "target_shift": None}, "target_shift and target_scale"),
    "no scale": (3, {**NUMBERS, "target_scale": None}, "target_shift and target_scale"),
    "shift of 2": (3, {**NUMBERS, "target_shift": np.zeros(2)}, "shift"),
    "scale of 4": (3, {**NUMBERS, "target_scale": np.zeros(4)}, "scale"),
    "target_weight": (3, {**NUMBERS, "target_weight": -1}, "target_weight must be at least 0"),
    "nan weight": (3, {**NUMBERS, "target_weight": np.nan}, "target_weight must be at least 0"),
    "reconstruction_weight": (
        3, {**NUMBERS, "reconstruction_weight": -0.1}, "reconstruction_weight must be at least 0",
    ),
    "no margin": (5, {"anomalous": np.zeros(N, bool)}, "anomalous needs margin > 0"),
    "margin alone": (5, {"margin": 1.0}, "anomalous needs margin > 0"),
    "negative margin": (
        5, {"margin": -1.0, "anomalous": np.zeros(N, bool)}, "margin must be at least 0",
    ),
    "infinite margin": (
        5, {"margin": np.inf, "anomalous": np.zeros(N, bool)}, "margin must be at least 0",
    ),
    "few anomalous": (
        5, {"margin": 1.0, "anomalous": np.zeros(N - 1, bool)}, "anomalous must have one entry",
    ),
    "anomalous 2-d": (
        5, {"margin": 1.0, "anomalous": np.zeros((N, 1), bool)}, "anomalous must have one entry",
    ),
    "anomalous and targets": (
        3, {**CLASSES, "margin": 1.0, "anomalous": np.zeros(N, bool)}, "networks without targets",
    ),
    "thaw_steps of 1": (5, {"thaw_steps": [1]}, "thaw_steps must have one entry per layer"),
    "thaw_steps of 3": (5, {"thaw_steps": [1] * 3}, "thaw_steps must have one entry per layer"),
    "negative thaw_steps": (5, {"thaw_steps": [0, -1]}, "thaw_steps must be whole numbers"),
    "infinite thaw_steps": (5, {"thaw_steps": [0, np.inf]}, "thaw_steps must be whole numbers"),
}  # fmt: skip
WRONG_TYPES = {
    "classes int64": (3, {**CLASSES, "classes": np.zeros(N, np.int64)}),
    "classes strided": (3, {**CLASSES, "classes": np.zeros(2 * N, np.int32)[::2]}),
    "anomalous int": (5, {"margin": 1.0, "anomalous": np.zeros(N, np.int32)}),
    "shift float32": (3, {**NUMBERS, "target_shift": np.zeros(3, np.float32)}),
    "thaw_steps": (5, {"thaw_steps": 3}),
    "n_targets": (3, {**CLASSES, "n_targets": 3.5}),
}


def assert_refused(core, n_outputs, more, error, message=None):
    X = table(N, 5)
    net = Net.ranged(core, X, (4,), ["tanh", "identity"], n_outputs=n_outputs)
    before = net.params.copy()
    slots = net.slots(solver="adam")
    with pytest.raises(error, match=message):
        net.train(X, solver="adam", slots=slots, batch_size=4, **more)
    np.testing.assert_array_equal(net.params, before)
    np.testing.assert_array_equal(slots, 0)


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_targets_are_refused_before_anything_happens(core, wrong):
    n_outputs, more, message = WRONG[wrong]
    assert_refused(core, n_outputs, more, ValueError, message)


@pytest.mark.parametrize("wrong", WRONG_TYPES)
def test_wrong_types_are_refused(core, wrong):
    assert_refused(core, *WRONG_TYPES[wrong], TypeError)


@pytest.mark.parametrize("output", ["tanh", "relu", "elu", "logistic"])
def test_classes_need_logits(core, output):
    X = table(N, 5)
    net = Net.ranged(core, X, (4,), ["tanh", output], n_outputs=3)
    with pytest.raises(ValueError, match="classes need 'identity' as the last activation"):
        net.train(X, **CLASSES)
    assert net.train(X, **NUMBERS)["status"] == "ok"
