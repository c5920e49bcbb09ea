"""A float64 autoencoder in plain NumPy, written from the equations; slow, and short enough to read.

Weights are lists ``W[l]`` (fan_in, fan_out) and ``b[l]`` (fan_out,). The objective of a mini-batch
``x`` (n, d), already scaled, is the mean over its rows of ``0.5 * sum_j (r_j - x_j)^2``, plus
``l1 * sum|W| + 0.5 * l2 * sum W^2`` over the weights, biases left out.
"""

from __future__ import annotations

import itertools

import numpy as np

ACTIVATIONS = ("tanh", "relu", "elu", "logistic", "identity")


def activate(name, z):
    """Value of an activation at the pre-activation ``z``."""
    with np.errstate(over="ignore"):  # an exponential that overflows saturates, as it should
        return {
            "tanh": lambda: np.tanh(z),
            "relu": lambda: np.maximum(z, 0.0),
            "elu": lambda: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
            "logistic": lambda: 1.0 / (1.0 + np.exp(-z)),
            "identity": lambda: z,
        }[name]()


def slope(name, h):
    """Derivative of an activation, from its value ``h``."""
    return {
        "tanh": lambda: 1.0 - h * h,
        "relu": lambda: np.where(h > 0, 1.0, 0.0),
        "elu": lambda: np.where(h > 0, 1.0, h + 1.0),
        "logistic": lambda: h * (1.0 - h),
        "identity": lambda: np.ones_like(h),
    }[name]()


def forward(x, W, b, names):
    """Outputs of every layer, the input first and the reconstruction last."""
    outputs = [np.asarray(x, dtype=np.float64)]
    for weights, bias, name in zip(W, b, names, strict=True):
        outputs.append(activate(name, outputs[-1] @ weights + bias))
    return outputs


def loss(x, W, b, names, *, l1=0.0, l2=0.0):
    """Objective of one mini-batch."""
    error = forward(x, W, b, names)[-1] - x
    penalty = sum(l1 * np.abs(w).sum() + 0.5 * l2 * (w * w).sum() for w in W)
    return 0.5 * (error**2).sum() / len(x) + penalty


def gradients(x, W, b, names, *, l1=0.0, l2=0.0):
    """Gradients of `loss` as lists like ``W`` and ``b``, by back-propagation."""
    h = forward(x, W, b, names)
    delta = (h[-1] - x) / len(x) * slope(names[-1], h[-1])
    dW, db = [None] * len(W), [None] * len(W)
    for layer in reversed(range(len(W))):
        dW[layer] = h[layer].T @ delta + l1 * np.sign(W[layer]) + l2 * W[layer]
        db[layer] = delta.sum(axis=0)
        if layer:
            delta = delta @ W[layer].T * slope(names[layer - 1], h[layer])
    return dW, db


class Optimizer:
    """Updates lists of arrays in place: ADADELTA, Adam, or SGD with momentum and annealing."""

    def __init__(self, solver, arrays, *, learning_rate=1.0, annealing=0.0, momentum=0.0,
                 nesterov=False, rho=0.99, beta_1=0.9, beta_2=0.999, epsilon=1e-8):  # fmt: skip
        self.step = getattr(self, solver)
        self.arrays = arrays
        self.first = [np.zeros_like(w) for w in arrays]
        self.second = [np.zeros_like(w) for w in arrays]
        self.learning_rate, self.annealing = learning_rate, annealing
        self.momentum, self.nesterov = momentum, nesterov
        self.rho, self.beta_1, self.beta_2, self.epsilon = rho, beta_1, beta_2, epsilon
        self.steps = self.samples = 0

    def update(self, grads, n_rows):
        """Take one step with the gradients of a mini-batch of ``n_rows``."""
        self.steps += 1
        for w, g, first, second in zip(self.arrays, grads, self.first, self.second, strict=True):
            self.step(w, g, first, second)
        self.samples += n_rows

    def adadelta(self, w, g, mean_g2, mean_step2):
        mean_g2[:] = self.rho * mean_g2 + (1 - self.rho) * g * g
        step = np.sqrt((mean_step2 + self.epsilon) / (mean_g2 + self.epsilon)) * g
        mean_step2[:] = self.rho * mean_step2 + (1 - self.rho) * step * step
        w -= self.learning_rate * step

    def adam(self, w, g, m, v):
        m[:] = self.beta_1 * m + (1 - self.beta_1) * g
        v[:] = self.beta_2 * v + (1 - self.beta_2) * g * g
        m_hat = m / (1 - self.beta_1**self.steps)
        v_hat = v / (1 - self.beta_2**self.steps)
        w -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def sgd(self, w, g, velocity, _):
        rate = self.learning_rate / (1 + self.annealing * self.samples)
        velocity[:] = self.momentum * velocity - rate * g
        w += self.momentum * velocity - rate * g if self.nesterov else velocity


def train(x, W, b, names, *, orders, batch_size, l1=0.0, l2=0.0, solver, **options):
    """Train ``W`` and ``b`` in place, one epoch for each row order.

    Returns the mean squared error of each epoch over rows and columns, every row as it was
    reconstructed just before the step that learns from it; and the optimizer.
    """
    optimizer = Optimizer(solver, [*W, *b], **options)
    curve = []
    for order in orders:
        total = 0.0
        for start in range(0, len(order), batch_size):
            rows = x[order[start : start + batch_size]]
            total += ((forward(rows, W, b, names)[-1] - rows) ** 2).sum()
            dW, db = gradients(rows, W, b, names, l1=l1, l2=l2)
            optimizer.update([*dW, *db], len(rows))
        curve.append(total / x.size)
    return np.array(curve), optimizer


def glorot(rng, widths):
    """Random float64 weights of the size that training starts from, and small random biases."""
    pairs = list(itertools.pairwise(widths))
    W = [rng.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair)) for pair in pairs]
    return W, [rng.uniform(-0.1, 0.1, fan_out) for _, fan_out in pairs]
