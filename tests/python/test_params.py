"""Hyper-parameters: what "auto" becomes, and what reaches the core."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastae import Autoencoder, _core
from fastae._params import auto_batch_size, auto_learning_rate, hidden_widths, resolve


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
    params = resolve(Autoencoder(hidden_layer_sizes=50, parallel="hogwild"), 60_000, 784)
    assert params.batch_size == 32
    model = Autoencoder(hidden_layer_sizes=50, parallel="hogwild", batch_size=128)
    rate = resolve(model, 60_000, 784).optimiser["learning_rate"]
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
    assert resolve(Autoencoder(**parameters), 10, 3).n_slots == n_slots


def test_batches_are_not_larger_than_the_table():
    assert resolve(Autoencoder(batch_size=64), 10, 3).batch_size == 10


def test_every_parameter_reaches_the_core(monkeypatch):
    calls = []

    def train(X, params, slots, **options):
        calls.append(options | {"n_slots": slots.shape[0]})
        return original(X, params, slots, **options)

    original = _core.train
    monkeypatch.setattr(_core, "train", train)
    given = {
        "solver": "sgd",
        "momentum": 0.8,
        "annealing": 1e-3,
        "rho": 0.9,
        "beta_1": 0.7,
        "beta_2": 0.99,
        "epsilon": 1e-6,
        "l1": 1e-4,
        "l2": 1e-3,
        "batch_size": 7,
        "parallel": "hogwild",
    }
    model = Autoencoder(
        hidden_layer_sizes=(3, 2, 4),
        activation="elu",
        output_activation="logistic",
        learning_rate_init=0.03,
        nesterovs_momentum=False,
        max_epochs=1,
        n_jobs=1,
        **given,
    )
    X = np.random.default_rng(0).normal(size=(40, 5))
    model.fit(X)
    (options,) = calls
    assert {name: options[name] for name in given} == given
    assert options["learning_rate"] == 0.03
    assert options["nesterov"] is False
    assert options["widths"] == (5, 3, 2, 4, 5)
    assert options["activations"] == ("elu", "elu", "elu", "logistic")
    assert (options["n_epochs"], options["n_threads"], options["n_slots"]) == (1, 1, 1)
    assert options["tick"] is None
    np.testing.assert_array_equal(options["shift"], model.shift_)
    np.testing.assert_array_equal(options["scale"], model.scale_)


def test_parameters_are_stored_as_given():
    sizes = [4, 2]
    model = Autoencoder(hidden_layer_sizes=sizes, random_state=0, max_epochs=1)
    model.fit(np.random.default_rng(0).normal(size=(10, 3)))
    assert model.hidden_layer_sizes is sizes
    assert sizes == [4, 2]
