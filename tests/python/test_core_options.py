"""Options of training, one by one and all together, against the float64 reference."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from corenet import (
    ISAS,
    SOLVERS,
    Net,
    alternating,
    assert_threads_alike,
    farthest,
    gentle_rate,
    sample_weight,
    table,
)
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


# Layers that narrow and layers that widen, alone and after each other, with columns in one part
# and in several; activations that are not 0 at 0 among them.
NETWORKS = {
    (7, 3, 7): ["logistic", "identity"],
    (5, 9, 5): ["elu", "logistic"],
    (40, 17, 6, 17, 40): ["tanh", "elu", "logistic", "tanh"],
    (300, 140, 300): ["logistic", "tanh"],
    (20, 140, 300, 130, 20): ["tanh", "logistic", "elu", "identity"],
}
N_ROWS = 19


def cases(widths):
    """What to train with: the options to be tested on top of others."""
    sgd = {"solver": "sgd", "learning_rate": gentle_rate(widths)}
    momentum = {**sgd, "momentum": 0.8}
    total = 2 * N_ROWS
    hidden = alternating(widths, 0.3, 0.0, 0.5)[:-1]
    return {
        "absolute error": (sgd, {"loss": "absolute_error"}),
        "huber": (sgd, {"loss": "huber", "loss_parameter": 0.1}),
        "quantile": (sgd, {"loss": "quantile", "loss_parameter": 0.8}),
        "input dropout": (sgd, {"input_dropout": 0.3}),
        "input noise": (sgd, {"input_noise": 0.2}),
        "dropout and noise": (sgd, {"input_dropout": 0.2, "input_noise": 0.1}),
        "hidden dropout": (sgd, {"hidden_dropout": hidden}),
        "sparsity": (sgd, {"sparsity_beta": 0.3, "average_activation": 0.1}),
        "sparsity of dropped": (
            {**sgd, "hidden_dropout": hidden}, {"sparsity_beta": 0.3, "average_activation": -0.2}
        ),
        "l1": (sgd, {"l1": 0.01}),
        "l2": (sgd, {"l2": 0.05}),
        "max_w2": (sgd, {"max_w2": 0.6}),
        "layer rates": (sgd, {"layer_rates": alternating(widths, 0.3, 1.5, 0.0)}),
        "sample weight": (sgd, {"sample_weight": sample_weight(N_ROWS)}),
        "cosine": (sgd, {"schedule": "cosine", "samples_total": total}),
        "invscaling": (sgd, {"schedule": "invscaling", "power": 0.3}),
        "onecycle": (sgd, {"schedule": "onecycle", "samples_total": total}),
        "momentum ramp": (momentum, {"momentum_start": 0.3, "momentum_ramp": 1.3 * N_ROWS}),
        "ramp to none": ({**sgd, "momentum": 0.0}, {"momentum_start": 0.8, "momentum_ramp": 30.0}),
        "dampening": (momentum, {"dampening": True}),
        "dampened ramp": (
            {**momentum, "nesterov": True, "momentum_start": 0.3, "momentum_ramp": 30.0},
            {"dampening": True},
        ),
    }  # fmt: skip


def everything(widths, solver):
    """Return all options at once that this solver knows."""
    options = {
        **SOLVERS[solver],
        "loss": "huber", "loss_parameter": 0.3, "input_dropout": 0.1, "input_noise": 0.05,
        "hidden_dropout": alternating(widths, 0.2, 0.1)[:-1],
        "sparsity_beta": 0.05, "average_activation": 0.1, "l1": 1e-4, "l2": 1e-3, "max_w2": 0.7,
        "layer_rates": alternating(widths, 1.2, 0.7, 1.0), "sample_weight": sample_weight(N_ROWS),
        "schedule": "onecycle", "samples_total": 3 * N_ROWS,
    }  # fmt: skip
    if solver == "adadelta":
        options["learning_rate"] = 0.3
    if solver.startswith("sgd"):
        # The others take large steps for any gradient: weights would cross 0, where l1's bends.
        options |= {"learning_rate": gentle_rate(widths), "l1": 0.01, "l2": 0.03}
    if "momentum" in options:
        options |= {"momentum_start": 0.4, "momentum_ramp": 30.0, "dampening": True}
    return options


def network(core, widths, seed=3):
    """Return a network and its table."""
    X = table(N_ROWS, widths[0], seed=2)
    return Net.ranged(core, X, widths[1:-1], NETWORKS[widths], seed=seed), X


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("case", cases((1, 1)))
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_every_option_equals_the_reference(core, widths, case, batch_size):
    base, tested = cases(widths)[case]
    net, X = network(core, widths)
    assert_threads_alike(net, X, batch_size=batch_size, **base, **tested)


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_all_options_together_equal_the_reference(core, widths, solver, batch_size):
    net, X = network(core, widths)
    # Three times the usual: more is rounded, and l1 and the losses have kinks.
    options = everything(widths, solver)
    assert_threads_alike(net, X, batch_size=batch_size, tolerance=3e-4, **options)


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("solver", ["adadelta", "adam"])
def test_every_loss_of_every_solver_equals_the_reference(core, solver, loss, batch_size):
    net, X = network(core, (40, 17, 6, 17, 40))
    options = {**SOLVERS[solver], "loss": loss, "loss_parameter": 0.2}
    assert_threads_alike(net, X, batch_size=batch_size, **options)


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("case", cases((1, 1)))
def test_every_option_makes_a_difference(core, case, batch_size):
    # Far larger than what is let pass as rounding above: an option that is ignored fails there.
    for widths in NETWORKS:
        trained = []
        base, tested = cases(widths)[case]
        for options in (base, {**base, **tested}):
            net, X = network(core, widths)
            start = net.weights64()
            net.train(X, n_epochs=2, seed=5, batch_size=batch_size, **options)
            trained.append(net.weights64())
        moved = max(farthest(*weights, *start) for weights in trained)
        assert farthest(*trained[0], *trained[1]) > 0.01 * moved


CLASSES = np.arange(N_ROWS, dtype=np.int32) % 3
GAPPY = np.where(
    np.random.default_rng(0).random((N_ROWS, 5)) < 0.2, np.nan, table(N_ROWS, 5, seed=2)
)
NUMBERS = {
    "n_targets": 3,
    "target": np.ones((N_ROWS, 3)),
    "target_shift": np.zeros(3),
    "target_scale": np.ones(3),
}
ANOMALOUS = {"anomalous": np.arange(N_ROWS) % 2 == 0, "margin": 1e3}

# Pairs of values between which training must tell, given the other options.
PAIRS = {
    "solver": ("adam", "sgd", {}),
    "learning_rate": (0.1, 0.2, {}),
    "schedule": ("constant", "onecycle", {"samples_total": 40}),
    "samples_total": (40, 50, {"schedule": "cosine"}),
    "power": (0.5, 0.6, {"schedule": "invscaling"}),
    "annealing": (0.0, 0.1, {}),
    "momentum": (0.5, 0.6, {}),
    "momentum_start": (0.0, 0.2, {"momentum": 0.5, "momentum_ramp": 20}),
    "momentum_ramp": (10, 20, {"momentum": 0.5}),
    "dampening": (False, True, {"momentum": 0.5}),
    "nesterov": (False, True, {"momentum": 0.5}),
    "rho": (0.9, 0.95, {"solver": "adadelta"}),
    "beta_1": (0.9, 0.8, {"solver": "adam"}),
    "beta_2": (0.999, 0.99, {"solver": "adam"}),
    "epsilon": (1e-3, 1e-2, {"solver": "adam"}),
    "l1": (0.0, 0.01, {}),
    "l2": (0.0, 0.01, {}),
    "max_w2": (0.5, 0.6, {}),
    "layer_rates": ([1.0, 1.0], [1.0, 0.9], {}),
    "thaw_steps": ([0, 0], [2, 0], {}),
    "loss": ("squared_error", "absolute_error", {}),
    "loss_parameter": (0.1, 0.2, {"loss": "huber"}),
    "missing": ("ignore", "impute", {"X": GAPPY}),
    "limit": (0.2, 0.3, {}),
    "input_dropout": (0.1, 0.2, {}),
    "input_noise": (0.1, 0.2, {}),
    "hidden_dropout": ([0.1], [0.3], {}),
    "sparsity_beta": (0.1, 0.2, {}),
    "average_activation": (0.1, 0.2, {"sparsity_beta": 0.1}),
    "sample_weight": (np.ones(N_ROWS, np.float32), sample_weight(N_ROWS), {}),
    "target": (np.zeros((N_ROWS, 3)), np.ones((N_ROWS, 3)), NUMBERS),
    "target_shift": (np.zeros(3), np.ones(3), NUMBERS),
    "target_scale": (np.ones(3), np.full(3, 0.5), NUMBERS),
    "classes": (CLASSES, CLASSES[::-1].copy(), {"n_targets": 3}),
    "n_targets": (3, 8, {"classes": CLASSES}),
    "target_weight": (1.0, 2.0, NUMBERS),
    "reconstruction_weight": (1.0, 2.0, NUMBERS),
    "anomalous": (np.zeros(N_ROWS, bool), ANOMALOUS["anomalous"], {"margin": 1e3}),
    "margin": (1e-3, 1e3, ANOMALOUS),
    "averages": (0.0, 0.5, {"sparsity_beta": 0.5, "samples_done": 100}),
    "batch_size": (4, 5, {}),
    "seed": (1, 2, {}),
    "first_epoch": (0, 1, {}),
    "first_row": (0, 4, {"n_samples": 8}),
    "n_epochs": (1, 2, {}),
    "n_samples": (8, 12, {}),
    "samples_done": (0, 10, {"annealing": 0.1}),
    "steps_done": (0, 10, {"schedule": "invscaling"}),
    "parallel": ("deterministic", "hogwild", {"n_threads": 2, "n_epochs": 20}),
}


@pytest.mark.parametrize("option", PAIRS)
def test_every_option_is_heard(core, option):
    *values, others = PAIRS[option]
    trained = []
    for value in values:
        options = {"solver": "sgd", "learning_rate": 0.05, "batch_size": 4, **others, option: value}
        X = table(N_ROWS, 5, seed=2)
        rows = options.pop("X", X)
        n_outputs = 8 if "n_targets" in options else 5
        net = Net.ranged(core, X, (9,), ["elu", "identity"], seed=3, n_outputs=n_outputs)
        if "averages" in options:
            options["averages"] = np.full(16, value, dtype=np.float32)
        net.train(rows, **options)
        trained.append(net.weights64())
    if option != "parallel":  # whose two threads may happen to take turns
        assert farthest(*trained[0], *trained[1]) > 1e-6


def test_no_option_is_missing_here():
    stub = ast.parse(Path(_core.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    (train,) = [f for f in stub.body if isinstance(f, ast.FunctionDef) and f.name == "train"]
    others = {"widths", "activations", "shift", "scale", "n_threads", "tick"}
    others |= {"factors", "codes"}  # which are in test_core_factors.py
    assert {arg.arg for arg in train.args.kwonlyargs} - others == set(PAIRS)
