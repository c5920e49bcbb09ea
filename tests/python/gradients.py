"""Gradients of the reference against finite differences."""

from __future__ import annotations

import numpy as np

import reference
from reference import Batch


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


def random_batch(rng, widths, hidden):
    """Weights, and a batch with everything in it that can be."""
    W, b = reference.glorot(rng, widths)
    n = 6
    seen = rng.uniform(-1, 1, (n, widths[0]))
    batch = Batch(
        x=seen + rng.normal(0, 0.3, seen.shape),
        seen=seen,
        factors=[(rng.random((n, width)) < 0.7) / 0.7 for width in widths[1:-1]],
        weight=rng.uniform(0, 2, (n, 1)),
        averages=[rng.uniform(-1, 1, width) for width in widths[1:-1]],
        share=0.3,
    )
    return batch, W, b, [hidden] * (len(W) - 1) + ["identity"]


def flat(gradients):
    dW, db = gradients
    return [*dW, *db]


def assert_gradients(objective, batch, W, b, names):
    """Compare the gradients with finite differences of the value."""
    made = flat(objective.gradients(batch, W, b, names))
    for array, grad in zip([*W, *b], made, strict=True):
        expected = finite_differences(lambda: objective.value(batch, W, b, names), array)
        np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-9)
