"""Optimizers in plain NumPy, written from the equations; see `reference`."""

from __future__ import annotations

import numpy as np


def rate_factor(schedule, progress, steps, power):
    """Factor of the learning rate after a part of all samples, and so many steps."""

    def cosine(start, stop, t):
        return stop + (start - stop) * (1 + np.cos(np.pi * t)) / 2

    return {
        "constant": lambda: 1.0,
        "cosine": lambda: cosine(1, 0, progress),
        "invscaling": lambda: (1 + steps) ** -power,
        "onecycle": lambda: (
            cosine(1 / 25, 1, progress / 0.3)
            if progress < 0.3
            else cosine(1, 1 / 25e4, (progress - 0.3) / 0.7)
        ),
    }[schedule]()


class Optimizer:
    """Updates lists of arrays in place: ADADELTA, Adam, or SGD with momentum and annealing.

    ``rates`` are factors of the learning rate, one for each array; an array of rate 0 never
    changes. ``thaw_steps`` are the steps before each array's first: until then it does not change
    either, and nothing is kept of its gradients.
    """

    def __init__(self, solver, arrays, *, rates=None, thaw_steps=None, learning_rate=1.0,
                 schedule="constant", samples_total=0.0, power=0.5, annealing=0.0, momentum=0.0,
                 momentum_start=0.0, momentum_ramp=0.0, dampening=False, nesterov=False, rho=0.99,
                 beta_1=0.9, beta_2=0.999, epsilon=1e-8):  # fmt: skip
        self.step = getattr(self, solver)
        self.arrays = arrays
        self.rates = [1.0] * len(arrays) if rates is None else rates
        self.thaw_steps = [0] * len(arrays) if thaw_steps is None else thaw_steps
        self.first = [np.zeros_like(w) for w in arrays]
        self.second = [np.zeros_like(w) for w in arrays]
        self.learning_rate, self.annealing = learning_rate, annealing
        self.schedule, self.samples_total, self.power = schedule, samples_total, power
        self.momentum, self.nesterov, self.dampening = momentum, nesterov, dampening
        self.momentum_start, self.momentum_ramp = momentum_start, momentum_ramp
        self.rho, self.beta_1, self.beta_2, self.epsilon = rho, beta_1, beta_2, epsilon
        self.steps = self.samples = 0

    def rate(self):
        """Learning rate of the next step."""
        progress = min(1.0, self.samples / self.samples_total) if self.samples_total else 0.0
        factor = rate_factor(self.schedule, progress, self.steps, self.power)
        return self.learning_rate * factor

    def momentum_now(self):
        """Momentum of the next step: it grows in a straight line."""
        ramp = min(1.0, self.samples / self.momentum_ramp) if self.momentum_ramp else 1.0
        return self.momentum_start + (self.momentum - self.momentum_start) * ramp

    def changes(self, i):
        """Return whether array ``i`` changes in the next step."""
        return self.rates[i] != 0 and self.steps >= self.thaw_steps[i]

    def update(self, grads, n_rows):
        """Take one step with the gradients of a mini-batch of ``n_rows``."""
        rate = self.rate()
        for i, (w, g) in enumerate(zip(self.arrays, grads, strict=True)):
            if self.changes(i):
                self.own_steps = self.steps + 1 - self.thaw_steps[i]
                self.step(rate * self.rates[i], w, g, self.first[i], self.second[i])
        self.steps += 1
        self.samples += n_rows

    def adadelta(self, rate, w, g, mean_g2, mean_step2):
        mean_g2[:] = self.rho * mean_g2 + (1 - self.rho) * g * g
        step = np.sqrt((mean_step2 + self.epsilon) / (mean_g2 + self.epsilon)) * g
        mean_step2[:] = self.rho * mean_step2 + (1 - self.rho) * step * step
        w -= rate * step

    def adam(self, rate, w, g, m, v):
        m[:] = self.beta_1 * m + (1 - self.beta_1) * g
        v[:] = self.beta_2 * v + (1 - self.beta_2) * g * g
        m_hat = m / (1 - self.beta_1**self.own_steps)
        v_hat = v / (1 - self.beta_2**self.own_steps)
        w -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)

    def sgd(self, rate, w, g, velocity, _):
        rate /= 1 + self.annealing * self.samples
        momentum = self.momentum_now()
        push = rate * g * (1 - momentum if self.dampening else 1)
        velocity[:] = momentum * velocity - push
        w += momentum * velocity - push if self.nesterov else velocity


def limit(W, max_w2):
    """Scale the weights into every unit, in place, so that their squares sum to ``max_w2``."""
    for w in W:
        w *= np.sqrt(np.minimum(1.0, max_w2 / np.maximum((w * w).sum(axis=0), 1e-300)))
