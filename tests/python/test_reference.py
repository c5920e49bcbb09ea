"""The reference itself: its gradients against finite differences, its optimizers by hand."""

from __future__ import annotations

import numpy as np
import pytest

import reference
import reference_noise as noise
from gradients import assert_gradients, finite_differences, flat, random_batch
from reference import ACTIVATIONS, LOSSES, Batch, Objective
from reference_optimizer import rate_factor


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(4, 4), (4, 3, 4), (5, 3, 2, 3, 5)], ids=str)
def test_gradients_equal_finite_differences(widths, hidden, output):
    rng = np.random.default_rng(len(widths))
    W, b = reference.glorot(rng, widths)
    x = rng.uniform(-1, 1, (6, widths[0]))
    names = [hidden] * (len(W) - 1) + [output]
    assert_gradients(Objective(l1=0.01, l2=0.02), Batch(x), W, b, names)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("widths", [(4, 4), (4, 3, 4), (5, 7, 2, 3, 5)], ids=str)
def test_gradients_of_every_loss_with_everything_equal_finite_differences(widths, loss, hidden):
    batch, W, b, names = random_batch(np.random.default_rng(len(widths)), widths, hidden)
    objective = Objective(
        loss=loss, loss_parameter=LOSSES[loss], l1=0.01, l2=0.02,
        sparsity_beta=0.5, average_activation=0.1,
    )  # fmt: skip
    assert_gradients(objective, batch, W, b, names)


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_gradient_of_the_sparsity_penalty_alone_equals_finite_differences(share):
    rng = np.random.default_rng(0)
    batch, W, b, names = random_batch(rng, (5, 7, 3, 5), "logistic")
    batch.share = share
    with_penalty = Objective(sparsity_beta=0.7, average_activation=0.05)
    penalty = [
        with_it - without
        for with_it, without in zip(
            flat(with_penalty.gradients(batch, W, b, names)),
            flat(Objective().gradients(batch, W, b, names)),
            strict=True,
        )
    ]

    def value():
        averages = batch.new_averages(batch.forward(W, b, names))
        return 0.35 * sum(((average - 0.05) ** 2).sum() for average in averages)

    for array, grad in zip([*W, *b], penalty, strict=True):
        # That by the mini-batch's mean, of which only a share is in the average.
        expected = finite_differences(value, array) / share
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-9)
    assert np.abs(penalty[0]).max() > 0.01
    np.testing.assert_allclose(penalty[2], 0, atol=1e-15)  # of the output's weights


def test_losses_at_known_points():
    e = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    for loss, parameter, values, slopes in [
        ("squared_error", 0, [2, 0.125, 0, 0.125, 2], [-2, -0.5, 0, 0.5, 2]),
        ("absolute_error", 0, [2, 0.5, 0, 0.5, 2], [-1, -1, 0, 1, 1]),
        ("huber", 1, [1.5, 0.125, 0, 0.125, 1.5], [-1, -0.5, 0, 0.5, 1]),
        ("quantile", 0.8, [1.6, 0.4, 0, 0.1, 0.4], [-0.8, -0.8, 0, 0.2, 0.2]),
    ]:
        np.testing.assert_allclose(reference.cost(loss, e, parameter), values, rtol=1e-14)
        np.testing.assert_allclose(reference.cost_slope(loss, e, parameter), slopes, rtol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_known_points(name):
    known = {
        "tanh": (-0.7615941559557649, 0.0, 0.7615941559557649),
        "relu": (0.0, 0.0, 1.0),
        "elu": (-0.6321205588285577, 0.0, 1.0),
        "logistic": (0.2689414213699951, 0.5, 0.7310585786300049),
        "identity": (-1.0, 0.0, 1.0),
    }[name]
    value = reference.activate(name, np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(value, known, rtol=1e-15)


def two_steps(solver, **options):
    """Weight after each of two steps from 1.0 with the gradients 0.5 and -0.25, one row each."""
    w = np.array([1.0])
    optimizer = reference.Optimizer(solver, [w], **options)
    seen = []
    for gradient in (0.5, -0.25):
        optimizer.update([np.array([gradient])], 1)
        seen.append(w[0])
    return seen


@pytest.mark.parametrize(
    ("solver", "options", "expected"),
    [
        ("sgd", {"learning_rate": 0.1}, (0.95, 0.975)),
        # Rates 0.1 and 0.1 / (1 + 1 * 1).
        ("sgd", {"learning_rate": 0.1, "annealing": 1.0}, (0.95, 0.9625)),
        # Velocities -0.05 and 0.9 * -0.05 + 0.025 = -0.02.
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9}, (0.95, 0.93)),
        # Steps 0.9 * -0.05 - 0.05 = -0.095 and 0.9 * -0.02 + 0.025 = 0.007.
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}, (0.905, 0.912)),
        # Velocities 0.1 * -0.05 and 0.9 * -0.005 + 0.1 * 0.025.
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "dampening": True}, (0.995, 0.993)),
        # Momenta 0.5 and 0.7: velocities -0.05 and 0.7 * -0.05 + 0.025.
        ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "momentum_start": 0.5, "momentum_ramp": 2},
         (0.95, 0.94)),
        # Rates 0.1 and 0.1 / 2^0.5.
        ("sgd", {"learning_rate": 0.1, "schedule": "invscaling"}, (0.95, 0.95 + 0.025 * 0.5**0.5)),
        # Rates 0.1 and 0.05: half of all samples are done.
        ("sgd", {"learning_rate": 0.1, "schedule": "cosine", "samples_total": 2}, (0.95, 0.9625)),
        # Rates 0.004, and 0.1 after 30 % of all samples.
        ("sgd", {"learning_rate": 0.1, "schedule": "onecycle", "samples_total": 10 / 3},
         (0.998, 1.023)),
        # Half the rate.
        ("sgd", {"learning_rate": 0.1, "rates": [0.5]}, (0.975, 0.9875)),
        # m = 0.05, 0.02, and the bias corrections of Algorithm 1: 1 - 0.9^t and 1 - 0.999^t.
        ("adam", {"learning_rate": 0.1, "epsilon": 0.0}, (0.9, 0.9 - 0.1 * 0.02 / 0.19
            / np.sqrt((0.999 * 2.5e-4 + 6.25e-5) / (1 - 0.999**2)))),
        # E[g^2] = 0.0025, so a step of sqrt(1e-4 / 0.0026) * 0.5; then the same by the rule.
        ("adadelta", {"epsilon": 1e-4}, (
            1 - np.sqrt(1e-4 / 0.0026) * 0.5,
            1 - np.sqrt(1e-4 / 0.0026) * 0.5
            + 0.25 * np.sqrt((0.01 * 1e-4 / 0.0026 * 0.25 + 1e-4)
                             / (0.99 * 0.0025 + 0.01 * 0.0625 + 1e-4)),
        )),
    ],
)  # fmt: skip
def test_two_steps_by_hand(solver, options, expected):
    np.testing.assert_allclose(two_steps(solver, **options), expected, rtol=1e-14)


def test_epoch_error_is_that_before_each_step():
    x = np.array([[1.0], [3.0]])
    W, b = [np.zeros((1, 1))], [np.zeros(1)]
    curve, optimizer, _ = reference.train(
        x, W, b, ["identity"], orders=[[1, 0]], batch_size=1, solver="sgd", learning_rate=0.1
    )
    # Row 3: error 3, then W = 0.9 and b = 0.3, so row 1 is seen with the error 1.2 - 1.
    np.testing.assert_allclose(curve, [(9.0 + 0.04) / 2])
    assert (optimizer.steps, optimizer.samples) == (2, 2)


def test_one_cycle_ends_at_a_250_thousandth():
    factors = [rate_factor("onecycle", t, 0, 0) for t in (0, 0.15, 0.3, 0.65, 1)]
    np.testing.assert_allclose(factors, [0.04, 0.52, 1, (1 + 4e-6) / 2, 4e-6])


def test_limit_of_the_weights_into_a_unit():
    W = [np.array([[3.0, 0.3], [4.0, 0.4]])]  # units with 25 and 0.25
    reference.limit(W, 1.0)
    np.testing.assert_allclose(W[0], [[0.6, 0.3], [0.8, 0.4]])


def test_averages_are_over_all_rows_up_to_a_thousand():
    rng = np.random.default_rng(0)
    h = rng.random((1200, 2))
    averages = None
    for start in range(0, 1000, 8):
        share = reference.average_share(8, start)
        batch = Batch(h, averages=averages and [averages[-1]], share=share)
        averages = batch.new_averages([None, h[start : start + 8], None])
        np.testing.assert_allclose(averages[0], h[: start + 8].mean(axis=0))
    assert reference.average_share(8, 5000) == 8 / 1000
    assert reference.average_share(3000, 5000) == 1


def test_random_numbers_are_independent_of_each_other():
    keys = noise.noise_keys(7, 3, np.arange(400), 1)
    columns = {
        "stream 0": noise.uniform(keys, 300),
        "stream 1": noise.uniform(keys, 300, 1),
        "next epoch": noise.uniform(noise.noise_keys(7, 4, np.arange(400), 1), 300),
        "next row": noise.uniform(noise.noise_keys(7, 3, np.arange(1, 401), 1), 300),
        "next layer": noise.uniform(noise.noise_keys(7, 3, np.arange(400), 2), 300),
        "next seed": noise.uniform(noise.noise_keys(8, 3, np.arange(400), 1), 300),
        "of the input's noise": noise.uniform(noise.noise_of_its_own(keys), 300),
        "next column": noise.uniform(keys, 301)[:, 1:],
    }
    bound = 5 / np.sqrt(400 * 300)  # five standard errors of a correlation
    first = columns["stream 0"].ravel()
    # A quarter of all numbers is in every quarter.
    assert np.abs(np.histogram(first, 4, (0, 1))[0] / first.size - 0.25).max() < bound
    for name, other in list(columns.items())[1:]:
        assert abs(np.corrcoef(first, other.ravel())[0, 1]) < bound, name
    normal = noise.normal(keys, 300)
    assert abs(normal.mean()) < bound
    assert abs(normal.std() - 1) < bound
    assert abs((normal**4).mean() - 3) < 10 * bound
