"""Noise and dropout: every number by its place, their statistics, and losses by what they find."""

from __future__ import annotations

import numpy as np
import pytest

import reference_noise as noise
from corenet import ISAS, Net, farthest, table
from fastae import _core
from reference import LOSSES


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


def copying(core, d, n_layers=1):
    """Return a network that gives back what it is given."""
    net = Net(core, (d,) * (n_layers + 1), ["identity"] * n_layers)
    net.params[...] = 0
    for W in net.W:
        W[...] = np.eye(d)
    return net


def one_step(net, X, row, **options):
    """Train on one row with rate 1; return its errors: what the output's bias lost."""
    weight = np.zeros(len(X), dtype=np.float32)
    weight[row] = 1  # a row keeps its number, of which the noise is a function
    made = net.train(X, solver="sgd", sample_weight=weight, **options)
    assert (made["samples"], made["steps"]) == (1, 1)
    return -net.b[-1]


def frozen(net, X, **options):
    """Show the rows to a network that does not learn."""
    before = net.params.copy()
    made = net.train(X, solver="sgd", layer_rates=[0.0] * len(net.W), **options)
    np.testing.assert_array_equal(net.params, before)
    return made


PLACES = [(0, 0, 0), (42, 3, 7), (2**64 - 1, 10**6, 19)]  # seed, epoch, row


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("seed", "epoch", "row"), PLACES)
@pytest.mark.parametrize("d", [3, 300])
def test_noise_is_the_hash_of_its_place(core, d, seed, epoch, row, batch_size):
    X = np.zeros((20, d))
    (key,) = [noise.noise_keys(seed, epoch, [row], 0)]
    expected = noise.corrupted(X[:1], key, 0.0, 0.5)[0]
    for n_threads in (1, 2):
        made = one_step(
            copying(core, d), X, row, input_noise=0.5, seed=seed, first_epoch=epoch,
            batch_size=batch_size, n_threads=n_threads,
        )  # fmt: skip
        np.testing.assert_allclose(made, expected, atol=1e-6)
        # Dropout of noise: both are there.
        made = one_step(
            copying(core, d), X, row, input_noise=0.5, input_dropout=0.5, seed=seed,
            first_epoch=epoch, batch_size=batch_size, n_threads=n_threads,
        )  # fmt: skip
        both = noise.corrupted(X[:1], key, 0.5, 0.5)[0]
        np.testing.assert_allclose(made, both, atol=1e-6)
        assert not np.array_equal(expected, both)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize(("seed", "epoch", "row"), PLACES)
@pytest.mark.parametrize("d", [5, 300])
def test_dropped_units_are_the_hash_of_their_place(core, d, seed, epoch, row, batch_size):
    X, p = np.ones((20, d)), 0.3
    place = {"seed": seed, "first_epoch": epoch, "batch_size": batch_size}
    for layer, options in [
        (0, {"input_dropout": p}),
        (1, {"hidden_dropout": [p, 0.0]}),
        (2, {"hidden_dropout": [0.0, p]}),
    ]:
        expected = noise.dropout(p, noise.noise_keys(seed, epoch, [row], layer), d)[0]
        for n_threads in (1, 2):
            net = copying(core, d, 3)
            made = one_step(net, X, row, n_threads=n_threads, **options, **place)
            np.testing.assert_allclose(made, expected - 1, atol=1e-6)
            np.testing.assert_array_equal(made == -1, expected == 0)


@pytest.mark.parametrize("batch_size", [1, 50])
@pytest.mark.parametrize("p", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("where", ["input", "hidden"])
def test_share_of_dropped_units_and_expectation_of_the_others(core, where, p, batch_size):
    n, d = 1000, 40
    net, X = copying(core, d, 2), np.ones((n, d))
    options = {"input_dropout": p} if where == "input" else {"hidden_dropout": [p]}
    averages = net.averages()
    made = frozen(
        net, X, **options, batch_size=batch_size, sparsity_beta=1e-30, averages=averages
    )  # fmt: skip
    # A dropped unit is off by 1, and any other by the p / (1 - p) that it is larger.
    excess = (p / (1 - p)) ** 2
    share = (made["mse"][0] - excess) / (1 - excess)
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / (n * d))
    # The averages of the 1000 rows: what the units are without dropout, with its sampling error.
    error = np.sqrt(p / (1 - p) / n)
    (mean,) = net.averages_of_layers(averages)
    assert abs(mean.mean() - 1) < 4 * error / np.sqrt(d)
    assert np.abs(mean - 1).max() < 5 * error
    assert mean.std() == pytest.approx(error, rel=0.5)


@pytest.mark.parametrize("batch_size", [1, 50])
@pytest.mark.parametrize("sd", [0.1, 2.0])
def test_standard_deviation_of_the_noise(core, sd, batch_size):
    n, d = 2000, 30
    net = copying(core, d, 2)
    net.scale[...] = 7.0  # noise is in units of the network
    made = frozen(net, table(n, d), input_noise=sd, batch_size=batch_size)
    assert made["mse"][0] == pytest.approx(sd**2, rel=4 * np.sqrt(2 / (n * d)))


@pytest.mark.parametrize(("batch_size", "n_threads"), [(1, 2), (7, 1), (64, 2), (1000, 3)])
@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
def test_noise_depends_on_nothing_but_its_place(core, parallel, batch_size, n_threads):
    X = table(100, 40)
    options = {"input_dropout": 0.3, "input_noise": 0.2, "hidden_dropout": [0.4], "seed": 3}
    net = Net.ranged(core, X, (9,), ["tanh", "tanh"])
    expected = frozen(net, X, **options, n_epochs=3)["mse"]
    made = frozen(
        net, X, **options, n_epochs=3, batch_size=batch_size, n_threads=n_threads,
        parallel=parallel,
    )["mse"]  # fmt: skip
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    assert len(set(np.round(expected, 6))) == 3


@pytest.mark.parametrize("n_threads", [2, 4])
def test_average_activations_of_hogwild_are_those_of_all_rows(core, n_threads):
    net, X = copying(core, 200, 2), np.ones((2000, 200))
    for n_samples in (300, 1000, 2000):
        averages = net.averages()
        frozen(
            net, X, sparsity_beta=1e-30, averages=averages, parallel="hogwild",
            n_threads=n_threads, n_samples=n_samples,
        )  # fmt: skip
        (mean,) = net.averages_of_layers(averages)
        np.testing.assert_allclose(mean, 1, atol=0.05)


def trained_bias(core, column, rate=0.2, **options):
    """Return what a network without weights reconstructs: its output's bias."""
    net = Net(core, (1, 2, 1), ["tanh", "identity"])
    net.params[...] = 0
    n_epochs = -(-20_000 // len(column)) if options.get("batch_size", 1) == 1 else 400
    net.train(
        column.reshape(-1, 1), solver="sgd", learning_rate=rate, schedule="cosine",
        samples_total=n_epochs * len(column), n_epochs=n_epochs, **options,
    )  # fmt: skip
    np.testing.assert_array_equal(np.concatenate([net.W[0].ravel(), net.W[1].ravel()]), 0)
    return net.b[-1][0]


@pytest.mark.parametrize("batch_size", [1, 100, 500])
def test_every_loss_finds_its_own_middle(core, batch_size):
    column = np.random.default_rng(0).exponential(size=500)
    weight = np.random.default_rng(1).uniform(0.0, 2.0, 500).astype(np.float32)
    weight /= weight.mean()
    # As shares of the rows: where a loss is nearly flat, a value proves little.
    tolerance = 0.02 if batch_size == 1 else 0.01
    for options, share in [
        ({"loss": "absolute_error"}, 0.5),
        *[({"loss": "quantile", "loss_parameter": q}, q) for q in (0.1, 0.5, 0.9)],
    ]:
        found = trained_bias(core, column, **options, batch_size=batch_size)
        assert abs((column < found).mean() - share) < tolerance
        found = trained_bias(
            core, column, **options, batch_size=batch_size, sample_weight=weight
        )  # fmt: skip
        assert abs((weight * (column < found)).mean() - share) < tolerance
    mean = trained_bias(core, column, rate=0.02, batch_size=batch_size)
    assert mean == pytest.approx(column.mean(), abs=0.02)
    # Huber's: as far to both sides, none counted for more than delta.
    found = trained_bias(core, column, loss="huber", loss_parameter=0.5, batch_size=batch_size)
    assert abs(np.clip(found - column, -0.5, 0.5).mean()) < 0.01


@pytest.mark.parametrize("batch_size", [1, 8])
def test_losses_that_are_the_same(core, batch_size):
    X = table(20, 12)

    def trained(**options):
        net = Net.ranged(core, X, (5,), ["tanh", "identity"])
        net.train(X, n_epochs=2, solver="sgd", batch_size=batch_size, **options)
        return net.weights64()

    def assert_same(first, second, atol=0.0):
        assert farthest(*first, *second) <= atol

    squared = trained(learning_rate=0.05)
    assert_same(trained(loss="huber", loss_parameter=1e30, learning_rate=0.05), squared)
    absolute = trained(loss="absolute_error", learning_rate=0.01)
    half = {"loss": "quantile", "loss_parameter": 0.5}
    assert_same(trained(**half, learning_rate=0.02), absolute, 1e-6)
    tiny = {"loss": "huber", "loss_parameter": 2.0**-40}
    assert_same(trained(**tiny, learning_rate=0.01 * 2.0**40), absolute, 1e-6)
    assert farthest(*absolute, *squared) > 1e-3


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("loss", LOSSES)
def test_mse_is_that_of_any_loss(core, loss, batch_size):
    X = table(21, 12)
    net = Net.ranged(core, X, (5,), ["tanh", "identity"])
    made = frozen(net, X, loss=loss, loss_parameter=0.4, batch_size=batch_size)
    assert made["mse"] == [pytest.approx(net.call("score", X).mean(), rel=1e-5)]
    assert made["squared_error"] == [pytest.approx(made["mse"][0] * 21 * 12, rel=1e-12)]
