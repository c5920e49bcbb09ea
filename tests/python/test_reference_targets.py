"""The reference's targets, anomalies and thawing layers: finite differences, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from gradients import assert_gradients, random_batch
from reference import ACTIVATIONS, LOSSES, Batch, Objective

N_TARGETS = 3


def batch_with_targets(widths, hidden, kind, *, reconstructs):
    """Return weights, and a batch with everything in it, targets included."""
    n_outputs = N_TARGETS + (widths[0] if reconstructs else 0)
    rng = np.random.default_rng(len(widths))
    batch, W, b, names = random_batch(rng, (*widths, n_outputs), hidden)
    n = len(batch.x)
    if kind == "classes":
        batch.classes = np.array([0, 2, -1, 1, -7, 2])
    else:
        batch.target = rng.uniform(-2, 2, (n, N_TARGETS))
        batch.target[[0, 3, 3, 3], [1, 0, 1, 2]] = np.nan
    return batch, W, b, names


@pytest.mark.parametrize("reconstructs", [False, True])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["classes", *LOSSES])
@pytest.mark.parametrize("widths", [(4,), (4, 6), (4, 3, 5)], ids=str)
def test_gradients_of_targets_equal_finite_differences(widths, kind, hidden, reconstructs):
    batch, W, b, names = batch_with_targets(widths, hidden, kind, reconstructs=reconstructs)
    loss = "huber" if kind == "classes" else kind
    objective = Objective(
        loss=loss, loss_parameter=LOSSES[loss], l1=0.01, l2=0.02, sparsity_beta=0.5,
        average_activation=0.1, n_targets=N_TARGETS, target_weight=0.7, reconstruction_weight=1.9,
    )  # fmt: skip
    assert_gradients(objective, batch, W, b, names)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_of_anomalies_equal_finite_differences(loss, hidden):
    batch, W, b, names = random_batch(np.random.default_rng(0), (4, 5, 4), hidden)
    batch.anomalous = np.array([True, False, True, True, False, True])
    e = batch.forward(W, b, names)[-1] - batch.x
    of_anomalies = np.sort((e * e).mean(axis=1)[batch.anomalous])
    margin = of_anomalies[1:3].mean()
    objective = Objective(loss=loss, loss_parameter=LOSSES[loss], l2=0.02, margin=margin)
    np.testing.assert_array_equal(np.unique(objective.sign(batch, e)), [-1, 0, 1])
    assert_gradients(objective, batch, W, b, names)


def test_losses_of_targets_by_hand():
    outputs = np.array([[1.0, 0.0, np.log(3.0)], [2.0, 5.0, 5.0], [1.0, -4.0, 9.0]])
    batch = Batch(np.array([[0.0], [4.0], [1.5]]), classes=np.array([1, 0, -1]))
    batch.weight = np.array([[1.0], [2.0], [1.0]])
    objective = Objective(n_targets=2, target_weight=10.0, reconstruction_weight=100.0)
    # Probabilities 1/4 and 3/4, then 1/2; squared errors 1, 4 and 1/4.
    np.testing.assert_allclose(
        objective.output_slopes(batch, outputs),
        [[100, 2.5, -2.5], [-400, -10, 10], [-50, 0, 0]],
        atol=1e-12,
    )
    entropies = np.log(4 / 3) + 2 * np.log(2)
    np.testing.assert_allclose(objective.booked(batch, outputs), (1 + 8 + 0.25, entropies))
    value = 100 * (0.5 + 4 + 0.125) + 10 * entropies
    np.testing.assert_allclose(objective.output_loss(batch, outputs), value)
    # Numbers: errors -1 and none, none and 3, 0 and 0.
    batch.classes = None
    batch.target = np.array([[1.0, np.nan], [np.nan, 2.0], [-4.0, 9.0]])
    np.testing.assert_allclose(objective.booked(batch, outputs), (9.25, 1 + 2 * 9))
    slopes = [[100, -10, 0], [-400, 0, 60], [-50, 0, 0]]
    np.testing.assert_allclose(objective.output_slopes(batch, outputs), slopes)


def test_large_logits_neither_overflow_nor_lose_anything():
    log_p = reference.log_softmax(np.array([[1e4, 0.0], [-1e4, -1e4], [0.0, 1e300]]))
    np.testing.assert_allclose(log_p, [[0, -1e4], [-np.log(2), -np.log(2)], [-1e300, 0]])


def test_anomalies_by_hand():
    outputs = np.array([[1.0, 1.0], [1.0, 3.0], [1.0, 3.0]])
    batch = Batch(np.zeros((3, 2)), anomalous=np.array([True, True, False]))
    objective = Objective(margin=5.0)  # mean squared errors 1, 5 and 5
    slopes = [[-1, -1], [0, 0], [1, 3]]
    np.testing.assert_allclose(objective.output_slopes(batch, outputs), slopes)
    np.testing.assert_allclose(objective.booked(batch, outputs), (10, 0))
    np.testing.assert_allclose(objective.output_loss(batch, outputs), -1 + 0 + 5)


@pytest.mark.parametrize(
    ("solver", "expected"),
    [
        ("adam", [1, 1, 0.9, 0.8]),  # its first steps are of the size of the learning rate
        ("sgd", [1, 1, 0.95, 0.855]),  # velocities -0.05 and 0.9 * -0.05 - 0.05 = -0.095
    ],
)
def test_an_array_that_thaws_begins_as_if_it_were_new(solver, expected):
    w = [np.array([1.0]), np.array([1.0])]
    optimizer = reference.Optimizer(
        solver, w, thaw_steps=[2, 0], rates=[1, 0], learning_rate=0.1, epsilon=0.0, momentum=0.9
    )
    seen = []
    for _ in expected:
        optimizer.update([np.array([0.5])] * 2, 1)
        seen.append(w[0][0])
    np.testing.assert_allclose(seen, expected)
    np.testing.assert_array_equal(w[1], 1)


def test_the_limit_leaves_layers_alone_that_do_not_change():
    x = np.ones((4, 2))
    for how, changed in [
        ({}, [True, True]),
        ({"layer_rates": [0.0, 1.0]}, [False, True]),
        ({"thaw_steps": [2, 0]}, [False, True]),
        ({"thaw_steps": [1, 2]}, [True, False]),
    ]:
        W, b = reference.glorot(np.random.default_rng(0), (2, 3, 2))
        start = [w.copy() for w in W]
        reference.train(
            x, W, b, ["tanh", "identity"], orders=[[0, 1, 2, 3]], batch_size=2, solver="sgd",
            learning_rate=1e-9, max_w2=0.1, **how,
        )  # fmt: skip
        for w, before, moved in zip(W, start, changed, strict=True):
            assert (np.abs(w - before).max() > 0.1) == moved
