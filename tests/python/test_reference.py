"""The reference itself: its gradients against finite differences, its optimizers by hand."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from reference import ACTIVATIONS


def finite_differences(f, w, step=1e-6):
    """Central differences of the scalar ``f()`` for every element of ``w``, changed in place."""
    grad = np.empty_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + step
        above = f()
        w[i] = kept - step
        grad[i] = (above - f()) / (2 * step)
        w[i] = kept
    return grad


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(4, 4), (4, 3, 4), (5, 3, 2, 3, 5)], ids=str)
def test_gradients_equal_finite_differences(widths, hidden, output):
    rng = np.random.default_rng(len(widths))
    W, b = reference.glorot(rng, widths)
    x = rng.uniform(-1, 1, (6, widths[0]))
    names = [hidden] * (len(W) - 1) + [output]
    penalties = {"l1": 0.01, "l2": 0.02}
    dW, db = reference.gradients(x, W, b, names, **penalties)
    for array, grad in zip([*W, *b], [*dW, *db], strict=True):
        expected = finite_differences(lambda: reference.loss(x, W, b, names, **penalties), array)
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-9)


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
    curve, optimizer = reference.train(
        x, W, b, ["identity"], orders=[[1, 0]], batch_size=1, solver="sgd", learning_rate=0.1
    )
    # Row 3: error 3, then W = 0.9 and b = 0.3, so row 1 is seen with the error 1.2 - 1.
    np.testing.assert_allclose(curve, [(9.0 + 0.04) / 2])
    assert (optimizer.steps, optimizer.samples) == (2, 2)
