"""What `summary` and `feature_importances` say, against figures worked out otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from corenet import orders, table
from fastae import Autoencoder, _core
from fastae._summary import momentum_after

N = 40
COLUMNS = ["layer", "units", "type", "dropout", "l1", "l2", "mean_rate", "rate_sd", "momentum"]
COLUMNS += ["mean_weight", "weight_sd", "mean_bias", "bias_sd"]


@pytest.fixture(name="X", scope="module")
def training_rows():
    return table(N, 6)


def fitted(X, **options):
    options = {"hidden_layer_sizes": (4, 3), "max_epochs": 3, "random_state": 0} | options
    return Autoencoder(**options).fit(X)


def test_a_row_per_layer(X):
    model = fitted(X, l1=1e-5, l2=1e-4, input_dropout=0.1, hidden_dropout=(0.2, 0.3))
    layers = model.summary()
    assert list(layers) == COLUMNS
    assert layers["layer"].tolist() == [1, 2, 3, 4]
    assert layers["units"].tolist() == [6, 4, 3, 6]
    assert layers["type"].tolist() == ["input", "tanh", "tanh", "identity"]
    np.testing.assert_array_equal(layers["dropout"], [0.1, 0.2, 0.3, np.nan])
    np.testing.assert_array_equal(layers["l1"], [np.nan, 1e-5, 1e-5, 1e-5])
    np.testing.assert_array_equal(layers["l2"], [np.nan, 1e-4, 1e-4, 1e-4])
    assert all(np.isnan(layers[name][0]) for name in COLUMNS[4:])
    assert repr(layers).splitlines()[0] == "Layers"


def test_weights_and_biases(X):
    model = fitted(X)
    layers = model.summary()
    for i, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), 1):
        for name, values in (("weight", W), ("bias", b)):
            values = values.astype(np.float64)
            assert layers[f"mean_{name}"][i] == pytest.approx(values.mean(), rel=1e-12)
            assert layers[f"{name}_sd"][i] == pytest.approx(values.std(), rel=1e-12)


def test_no_hidden_layer(X):
    layers = fitted(X, hidden_layer_sizes=(), input_dropout=0.5).summary()
    assert layers["type"].tolist() == ["input", "identity"]
    np.testing.assert_array_equal(layers["dropout"], [0.5, np.nan])


def seed_of(X, monkeypatch, **options):
    """Return the seed that training gets, which decides the order of the rows."""
    seen = []
    with monkeypatch.context() as patch:
        train = _core.train
        patch.setattr(_core, "train", lambda *a, **o: seen.append(o["seed"]) or train(*a, **o))
        fitted(X, **options)
    return seen[0]


def reference_run(X, monkeypatch, *, batch_size, max_epochs, **options):
    """Train in float64 as the estimator does; return its optimiser, and the number of layers."""
    start = fitted(X, max_epochs=0, batch_size=batch_size, **options)
    seed = seed_of(X, monkeypatch, batch_size=batch_size, max_epochs=max_epochs, **options)
    W = [W.astype(np.float64) for W in start.coefs_]
    b = [b.astype(np.float64) for b in start.intercepts_]
    names = {"learning_rate_init": "learning_rate", "learning_rate": "schedule", "power_t": "power"}
    given = {names.get(name, name): value for name, value in options.items()}
    rows = orders(_core, N, seed=seed, n_epochs=max_epochs)
    _, optimizer, _ = reference.train(
        (X - start.shift_) * start.scale_, W, b, ["tanh", "tanh", "identity"], orders=rows,
        batch_size=batch_size, samples_total=max_epochs * N, **given,
    )  # fmt: skip
    return optimizer


def last_rate(optimizer, batch_size):
    """Return the learning rate of the step that was last."""
    optimizer.steps -= 1
    optimizer.samples -= batch_size
    rate = optimizer.rate()
    optimizer.steps += 1
    optimizer.samples += batch_size
    return rate


def adadelta_steps(optimizer, layer):
    g2, step2 = optimizer.first[layer], optimizer.second[layer]
    return np.sqrt((step2 + optimizer.epsilon) / (g2 + optimizer.epsilon))


def adam_steps(optimizer, layer):
    v = optimizer.second[layer] / (1 - optimizer.beta_2**optimizer.steps)
    return 1 / (np.sqrt(v) + optimizer.epsilon)


def sgd_steps(optimizer, layer):
    return np.ones_like(optimizer.first[layer])


STEPS = {"adadelta": adadelta_steps, "adam": adam_steps, "sgd": sgd_steps}


@pytest.mark.parametrize("schedule", ["constant", "cosine", "invscaling", "onecycle"])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize(
    ("solver", "options"),
    [
        ("adadelta", {"learning_rate_init": 1.0, "rho": 0.9, "epsilon": 1e-6}),
        ("adadelta", {"learning_rate_init": 2.0, "rho": 0.99, "epsilon": 1e-8}),
        ("adam", {"learning_rate_init": 0.01, "beta_2": 0.99, "epsilon": 1e-3}),
        ("sgd", {"learning_rate_init": 0.02, "momentum": 0.5}),
    ],
)
def test_rates_are_those_of_an_independent_run(
    X, monkeypatch, solver, options, batch_size, schedule
):
    options = {"solver": solver, "learning_rate": schedule, "batch_size": batch_size} | options
    layers = fitted(X, max_epochs=3, nesterovs_momentum=False, **options).summary()
    optimizer = reference_run(X, monkeypatch, max_epochs=3, **options)
    rate = last_rate(optimizer, batch_size)
    for layer in range(3):
        steps = rate * STEPS[solver](optimizer, layer)
        assert layers["mean_rate"][layer + 1] == pytest.approx(steps.mean(), rel=1e-3)
        assert layers["rate_sd"][layer + 1] == pytest.approx(steps.std(), rel=1e-3, abs=1e-12)


# Of the last of three epochs' 24 batches of 5 rows: 115 of 120 rows and 23 updates were before.
RATES = {
    "constant": lambda: 0.02,
    "cosine": lambda: 0.02 * (1 + np.cos(np.pi * 115 / 120)) / 2,
    "invscaling": lambda: 0.02 / 24**0.3,
    "onecycle": lambda: (
        0.02 * (4e-6 + (1 - 4e-6) * (1 + np.cos(np.pi * (115 / 120 - 0.3) / 0.7)) / 2)
    ),
}


@pytest.mark.parametrize("annealing", [0.0, 0.01])
@pytest.mark.parametrize("schedule", list(RATES))
def test_rate_of_gradient_descent_in_closed_form(X, schedule, annealing):
    layers = fitted(
        X, solver="sgd", learning_rate_init=0.02, learning_rate=schedule, power_t=0.3,
        annealing=annealing, layer_rate_decay=0.5, batch_size=5,
    ).summary()  # fmt: skip
    rate = RATES[schedule]() / (1 + annealing * 115)
    expected = [np.nan, rate, rate * 0.5, rate * 0.25]
    np.testing.assert_allclose(layers["mean_rate"], expected, rtol=1e-12)
    np.testing.assert_array_equal(layers["rate_sd"], [np.nan, 0, 0, 0])


def test_rate_of_a_last_batch_that_is_smaller(X):
    options = {"solver": "sgd", "learning_rate_init": 0.02, "batch_size": 16}  # 16, 16 and 8 rows
    rate = fitted(X, **options).summary()["mean_rate"][1]
    assert rate == pytest.approx(0.02 * (1 + np.cos(np.pi * 112 / 120)) / 2, rel=1e-12)
    rate = fitted(X, max_epochs=2.8, **options).summary()["mean_rate"][1]  # ends after two of three
    assert rate == pytest.approx(0.02 * (1 + np.cos(np.pi * 96 / 112)) / 2, rel=1e-12)


def test_decay_of_rates_by_layer(X):
    options = {"batch_size": 5, "max_epochs": 1 / 8}  # one step, whose gradients are the same
    plain, decayed = (fitted(X, layer_rate_decay=r, **options).summary() for r in (1.0, 0.1))
    for name in ("mean_rate", "rate_sd"):
        expected = plain[name] * [np.nan, 1, 0.1, 0.01]
        np.testing.assert_allclose(decayed[name], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"momentum": 0.8}, 0.8),
        ({"momentum": 0.0}, 0.0),
        ({"momentum": 0.8, "momentum_start": 0.2, "momentum_ramp": 480.0}, 0.35),  # a quarter
        ({"momentum": 0.8, "momentum_start": 0.2, "momentum_ramp": 120.0}, 0.8),
        ({"momentum": 0.8, "momentum_start": 0.2, "momentum_ramp": 0.0}, 0.8),
        ({"momentum": 0.8, "momentum_start": 0.2}, 0.2 + 0.6 * 120 / 1e6),
    ],
)
def test_momentum_after_the_training(X, options, expected):
    layers = fitted(X, solver="sgd", batch_size=5, **options).summary()
    np.testing.assert_allclose(layers["momentum"], [np.nan, *[expected] * 3], rtol=1e-12)
    optimizer = reference.Optimizer("sgd", [], **{"momentum_start": options["momentum"]} | options)
    optimizer.samples = 120
    if "momentum_ramp" in options:
        assert optimizer.momentum_now() == pytest.approx(expected)


def test_other_solvers_have_no_momentum(X):
    assert fitted(X, solver="adam").summary()["momentum"][1:].tolist() == [0, 0, 0]
    assert momentum_after({"solver": "adadelta"}, 5) == 0


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_no_step_no_rates(X, solver):
    layers = fitted(X, solver=solver, max_epochs=0).summary()
    assert np.isnan(layers["mean_rate"]).all()
    assert np.isnan(layers["rate_sd"]).all()
    assert np.isfinite(layers["mean_weight"][1:]).all()


def test_summary_is_of_the_last_fit(X):
    model = fitted(X, solver="sgd", learning_rate="constant", learning_rate_init=0.01)
    model.set_params(learning_rate_init=0.5)
    assert model.summary()["mean_rate"][1] == pytest.approx(0.01)
    model.coefs_[0][...] = 2
    assert model.summary()["mean_weight"][1] == 2


def gedeon(W1, W2):
    """Gedeon's measure in loops: shares of shares, over all paths."""
    P = np.zeros((W1.shape[0], W2.shape[1]))
    for i in range(W1.shape[0]):
        for k in range(W2.shape[1]):
            for j in range(W1.shape[1]):
                into_j = sum(abs(W1[r, j]) for r in range(W1.shape[0]))
                into_k = sum(abs(W2[r, k]) for r in range(W2.shape[0]))
                P[i, k] += abs(W1[i, j]) / into_j * abs(W2[j, k]) / into_k
    Q = np.array([sum(P[i]) for i in range(len(P))])
    return Q / max(Q)


@pytest.mark.parametrize("hidden", [1, 3, (4, 2), (7, 3, 7)])
def test_importances_by_weights(X, hidden):
    model = fitted(X, hidden_layer_sizes=hidden)
    W1, W2 = (W.astype(np.float64) for W in model.coefs_[:2])
    importances = model.feature_importances()
    assert importances.shape == (6,)
    assert importances.max() == 1
    np.testing.assert_allclose(importances, gedeon(W1, W2), rtol=1e-12)


def test_importances_without_hidden_layer_and_of_zeros(X):
    model = fitted(X, hidden_layer_sizes=())
    expected = np.abs(model.coefs_[0].astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(model.feature_importances(), expected / expected.max(), rtol=1e-12)
    model.coefs_[0][...] = 0
    assert model.feature_importances().tolist() == [0] * 6


def test_importances_by_errors(X):
    model = fitted(X)
    squared = ((model.reconstruct(X) - X) * model.scale_) ** 2
    importances = model.feature_importances(X)
    np.testing.assert_allclose(importances, squared.sum(axis=0) / squared.sum(), rtol=1e-6)
    assert importances.sum() == pytest.approx(1)
    odd = X[:3].copy()
    odd[:, 4] += 100 / model.scale_[4]
    assert model.feature_importances(odd).argmax() == 4


def test_importances_of_no_error():
    model = Autoencoder(max_epochs=0).fit(np.ones((3, 2)))
    assert model.feature_importances(np.ones((3, 2))).tolist() == [0, 0]
