"""Hyper-parameters: what "auto" becomes, and what reaches the core."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastae import Autoencoder, _core
from fastae._checks import hidden_widths
from fastae._params import auto_batch_size, auto_learning_rate, resolve
from fastae._units import Units


@pytest.mark.parametrize("d", [*range(1, 30), 210, 783, 784, 785])
def test_auto_hidden_layer(d):
    assert hidden_widths("auto", d) == (math.ceil(math.sqrt(d)),)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [(5, (5,)), (np.int32(5), (5,)), ([3, 2], (3, 2)), (np.array([4, 1]), (4, 1)), ((), ())],
)
def test_hidden_layer_sizes(sizes, expected):
    assert hidden_widths(sizes, 10) == expected


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, 1), (127, 1), (128, 2), (255, 2), (256, 4), (8191, 64), (8192, 128), (10**7, 128)],
)
def test_auto_batch_size(n, expected):
    assert auto_batch_size("adam", n) == expected
    assert auto_batch_size("sgd", n) == expected
    assert auto_batch_size("adadelta", n) == 1
    assert auto_batch_size("adam", n, "hogwild") == min(expected, 32)


def test_training_without_locks_gets_smaller_batches_and_steps():
    params = resolve(Autoencoder(hidden_layer_sizes=50, parallel="hogwild"), 60_000, Units(784))
    assert params.batch_size == 32
    model = Autoencoder(hidden_layer_sizes=50, parallel="hogwild", batch_size=128)
    rate = resolve(model, 60_000, Units(784)).options["learning_rate"]
    assert rate == auto_learning_rate("adam", "cosine", 32, (50,))


def test_auto_learning_rate():
    assert auto_learning_rate("adadelta", "cosine", 64, (50,)) == 4
    assert auto_learning_rate("adadelta", "constant", 64, (50,)) == 1
    assert auto_learning_rate("sgd", "cosine", 64, (50,)) == 0.02
    assert auto_learning_rate("sgd", "constant", 64, (50,)) == 0.01
    assert auto_learning_rate("sgd", "cosine", 64, (50,), "hogwild") == 0.01
    without_locks = [auto_learning_rate("adam", "cosine", n, (50,), "hogwild") for n in (8, 32, 64)]
    assert without_locks[0] == auto_learning_rate("adam", "cosine", 8, (50,))
    assert without_locks[1] == without_locks[2] == auto_learning_rate("adam", "cosine", 32, (50,))
    rates = [auto_learning_rate("adam", "cosine", n, (64,)) for n in (1, 4, 64)]
    assert rates == pytest.approx([0.001, 0.002, 0.008])


def test_auto_learning_rate_falls_with_width_and_depth():
    rates = [
        auto_learning_rate("adam", "cosine", 1, hidden)
        for hidden in ((), (64,), (256,), (64, 8, 64))
    ]
    assert rates == pytest.approx([0.001, 0.001, 0.0005, 0.0005])
    assert auto_learning_rate("adam", "cosine", 1, (1,)) == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("parameters", "n_slots"),
    [
        ({"solver": "adam"}, 2),
        ({"solver": "adadelta"}, 2),
        ({"solver": "sgd"}, 1),
        ({"solver": "sgd", "momentum": 0.0}, 0),
    ],
)
def test_optimiser_state(parameters, n_slots):
    assert resolve(Autoencoder(**parameters), 10, Units(3)).n_slots == n_slots


def test_batches_are_not_larger_than_the_table():
    assert resolve(Autoencoder(batch_size=64), 10, Units(3)).batch_size == 10


@pytest.fixture
def calls(monkeypatch):
    """Return a list to which every call of the core's training adds its options."""
    calls = []

    def train(X, params, slots, **options):
        calls.append(options | {"n_slots": slots.shape[0]})
        return original(X, params, slots, **options)

    original = _core.train
    monkeypatch.setattr(_core, "train", train)
    return calls


# What the core calls as the estimator does, none of it at its default.
SAME_NAME = {
    "loss": "huber",
    "solver": "sgd",
    "momentum": 0.8,
    "momentum_start": 0.2,
    "momentum_ramp": 50.0,
    "annealing": 1e-3,
    "rho": 0.9,
    "beta_1": 0.7,
    "beta_2": 0.99,
    "epsilon": 1e-6,
    "l1": 1e-4,
    "l2": 1e-3,
    "max_w2": 2.5,
    "input_dropout": 0.1,
    "input_noise": 0.01,
    "sparsity_beta": 0.2,
    "average_activation": 0.05,
    "batch_size": 7,
    "parallel": "hogwild",
}
# And what it calls otherwise.
RENAMED = {
    "huber_delta": (0.4, "loss_parameter", 0.4),
    "learning_rate_init": (0.03, "learning_rate", 0.03),
    "learning_rate": ("invscaling", "schedule", "invscaling"),
    "power_t": (0.3, "power", 0.3),
    "layer_rate_decay": (0.5, "layer_rates", [1.0, 0.5, 0.25, 0.125]),
    "hidden_dropout": ((0.1, 0.0, 0.3), "hidden_dropout", [0.1, 0.0, 0.3]),
    "momentum_dampening": (True, "dampening", True),
    "nesterovs_momentum": (False, "nesterov", False),
}


def test_every_parameter_reaches_the_core(calls):
    renamed = {name: given for name, (given, _, _) in RENAMED.items()}
    model = Autoencoder(
        hidden_layer_sizes=(3, 2, 4),
        activation="elu",
        output_activation="logistic",
        max_epochs=1,
        score_every=40,
        n_jobs=1,
        **SAME_NAME,
        **renamed,
    )
    model.fit(np.random.default_rng(0).normal(size=(40, 5)))
    (options,) = calls
    assert {name: options[name] for name in SAME_NAME} == SAME_NAME
    for _, name, expected in RENAMED.values():
        assert options[name] == expected, name
    assert options["widths"] == (5, 3, 2, 4, 5)
    assert options["activations"] == ("elu", "elu", "elu", "logistic")
    assert (options["n_threads"], options["n_slots"]) == (1, 1)
    assert (options["n_samples"], options["samples_total"], options["samples_done"]) == (40, 40, 0)
    assert options["averages"].size == 3 * 16  # whole lines for each hidden layer
    assert options["sample_weight"] is None
    assert options["tick"] is None
    np.testing.assert_array_equal(options["shift"], model.shift_)
    np.testing.assert_array_equal(options["scale"], model.scale_)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [("quantile", 0.9), ("huber", 0.3), ("absolute_error", 0.0), ("squared_error", 0.0)],
)
def test_a_loss_gets_its_own_parameter(loss, expected):
    params = resolve(Autoencoder(loss=loss, quantile=0.9, huber_delta=0.3), 10, Units(3))
    assert (params.options["loss"], params.options["loss_parameter"]) == (loss, expected)


def test_what_is_off_by_default_reaches_the_core_as_off():
    options = resolve(Autoencoder(), 10, Units(3)).options
    assert options["max_w2"] == math.inf
    assert options["layer_rates"] == options["hidden_dropout"] == []
    assert options["momentum_start"] == options["momentum"]
    assert options["momentum_ramp"] == 0
    for name in ("l1", "l2", "input_dropout", "input_noise", "sparsity_beta", "annealing"):
        assert options[name] == 0


def test_the_seed_and_the_rows_so_far_reach_the_core(calls):
    Autoencoder(batch_size=4, max_epochs=1.6, score_every=8, random_state=0).fit(np.eye(10))
    names = ("samples_done", "n_samples", "first_epoch", "first_row")
    assert [tuple(call[name] for name in names) for call in calls] == [(0, 8, 0, 0), (8, 8, 0, 8)]
    assert {c["samples_total"] for c in calls} == {16}
    assert [c["steps_done"] for c in calls] == [0, 2]
    assert len({c["seed"] for c in calls}) == 1


def test_parameters_are_stored_as_given():
    sizes = [4, 2]
    model = Autoencoder(hidden_layer_sizes=sizes, random_state=0, max_epochs=1)
    model.fit(np.random.default_rng(0).normal(size=(10, 3)))
    assert model.hidden_layer_sizes is sizes
    assert sizes == [4, 2]
