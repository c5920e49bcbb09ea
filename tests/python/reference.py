"""A float64 autoencoder in plain NumPy, written from the equations; slow, and short enough to read.

Weights are lists ``W[l]`` (fan_in, fan_out) and ``b[l]`` (fan_out,). Rows are already scaled.
Options have the names that the compiled core gives them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

ACTIVATIONS = ("tanh", "relu", "elu", "logistic", "identity")
LOSSES = {"squared_error": 0.0, "absolute_error": 0.0, "huber": 0.1, "quantile": 0.8}  # parameters


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


def cost(loss, e, parameter=0.0):
    """Loss of the errors ``e``, reconstruction minus target: of Huber's delta, or a quantile."""
    return {
        "squared_error": lambda: e * e / 2,
        "absolute_error": lambda: np.abs(e),
        "huber": lambda: np.where(
            np.abs(e) <= parameter, e * e / 2, parameter * (np.abs(e) - parameter / 2)
        ),
        "quantile": lambda: np.maximum(-parameter * e, (1 - parameter) * e),
    }[loss]()


def cost_slope(loss, e, parameter=0.0):
    """Derivative of `cost`, 0 where there is a corner."""
    return {
        "squared_error": lambda: e,
        "absolute_error": lambda: np.sign(e),
        "huber": lambda: np.clip(e, -parameter, parameter),
        "quantile": lambda: np.sign(e) * np.where(e > 0, 1 - parameter, parameter),
    }[loss]()


def forward(x, W, b, names, factors=None):
    """Outputs of every layer, the input first and the reconstruction last.

    ``factors[l]`` multiplies the outputs of hidden layer ``l``, counted from 0 (dropout).
    """
    outputs = [np.asarray(x, dtype=np.float64)]
    for layer, (weights, bias, name) in enumerate(zip(W, b, names, strict=True)):
        h = activate(name, outputs[-1] @ weights + bias)
        outputs.append(h * factors[layer] if factors and layer < len(factors) else h)
    return outputs


@dataclass
class Batch:
    """Rows to learn from, and the circumstances under which the network sees them."""

    x: np.ndarray  #: what is to be reconstructed
    seen: np.ndarray | None = None  #: what the network gets instead
    factors: list | None = None  #: see `forward`
    weight: np.ndarray | float = 1.0  #: of every row, (n, 1)
    averages: list | None = None  #: average outputs of the hidden layers over earlier rows
    share: float = 1.0  #: of these rows in the averages to come

    def forward(self, W, b, names):
        """Outputs of every layer."""
        return forward(self.x if self.seen is None else self.seen, W, b, names, self.factors)

    def new_averages(self, h):
        """Averages of the hidden layers' outputs, these rows included."""
        means = [(self.weight * output).mean(axis=0) for output in h[1:-1]]
        if self.averages is None:
            return means
        pairs = zip(self.averages, means, strict=True)
        return [old + (mean - old) * self.share for old, mean in pairs]


@dataclass
class Objective:
    """What training minimises.

    The weighted mean over the rows of the summed `cost` of their errors; plus
    ``l1 * sum|W| + l2 / 2 * sum W^2`` over the weights, biases left out; plus
    ``sparsity_beta / 2 * sum_j (average_j - average_activation)^2`` over the hidden units, whose
    derivative by the average is taken as that by the mini-batch's mean.
    """

    loss: str = "squared_error"
    loss_parameter: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    sparsity_beta: float = 0.0
    average_activation: float = 0.0

    def value(self, batch, W, b, names):
        """Objective of one mini-batch."""
        h = batch.forward(W, b, names)
        costs = cost(self.loss, h[-1] - batch.x, self.loss_parameter)
        total = (batch.weight * costs).sum() / len(batch.x)
        total += sum(self.l1 * np.abs(w).sum() + 0.5 * self.l2 * (w * w).sum() for w in W)
        for average in batch.new_averages(h):
            excess = ((average - self.average_activation) ** 2).sum()
            total += 0.5 * self.sparsity_beta / batch.share * excess
        return total

    def gradients(self, batch, W, b, names):
        """Gradients of `value` as lists like ``W`` and ``b``, by back-propagation."""
        h = batch.forward(W, b, names)
        averages = batch.new_averages(h)
        factors = batch.factors or [1.0] * len(averages)
        row_weight = batch.weight / len(batch.x)
        delta = row_weight * cost_slope(self.loss, h[-1] - batch.x, self.loss_parameter)
        delta = delta * slope(names[-1], h[-1])
        dW, db = [None] * len(W), [None] * len(W)
        for layer in reversed(range(len(W))):
            dW[layer] = h[layer].T @ delta + self.l1 * np.sign(W[layer]) + self.l2 * W[layer]
            db[layer] = delta.sum(axis=0)
            if layer:
                push = self.sparsity_beta * (averages[layer - 1] - self.average_activation)
                factor = factors[layer - 1]
                activated = h[layer] / np.where(factor, factor, 1.0)
                delta = (delta @ W[layer].T + row_weight * push) * factor
                delta *= slope(names[layer - 1], activated)
        return dW, db


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

    ``rates`` are factors of the learning rate, one for each array.
    """

    def __init__(self, solver, arrays, *, rates=None, learning_rate=1.0, schedule="constant",
                 samples_total=0.0, power=0.5, annealing=0.0, momentum=0.0, momentum_start=0.0,
                 momentum_ramp=0.0, dampening=False, nesterov=False, rho=0.99, beta_1=0.9,
                 beta_2=0.999, epsilon=1e-8):  # fmt: skip
        self.step = getattr(self, solver)
        self.arrays = arrays
        self.rates = [1.0] * len(arrays) if rates is None else rates
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

    def update(self, grads, n_rows):
        """Take one step with the gradients of a mini-batch of ``n_rows``."""
        rate = self.rate()
        for w, g, factor, first, second in zip(
            self.arrays, grads, self.rates, self.first, self.second, strict=True
        ):
            self.step(rate * factor, w, g, first, second)
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
        m_hat = m / (1 - self.beta_1 ** (self.steps + 1))
        v_hat = v / (1 - self.beta_2 ** (self.steps + 1))
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


def average_share(n, samples):
    """Share of ``n`` rows in an average with ``samples`` earlier ones, 1000 rows long at most."""
    return n / max(n, min(samples + n, 1000))


def train(x, W, b, names, *, orders, batch_size, solver, seed=0, sample_weight=None,
          input_dropout=0.0, input_noise=0.0, hidden_dropout=(), max_w2=np.inf, layer_rates=None,
          **options):  # fmt: skip
    """Train ``W`` and ``b`` in place, one epoch for each row order.

    Returns the mean squared error of each epoch over rows and columns, every row as it was
    reconstructed just before the step that learns from it; the optimizer; and the averages of the
    hidden units.
    """
    settings = {name: options.pop(name) for name in vars(Objective()) if name in options}
    objective = Objective(**settings)
    rates = None if layer_rates is None else [*layer_rates, *layer_rates]
    optimizer = Optimizer(solver, [*W, *b], rates=rates, **options)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    averages = [np.zeros(len(bias)) for bias in b[:-1]]
    curve = []
    for epoch, order in enumerate(orders):
        total = 0.0
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            keys = [noise_keys(seed, epoch, rows, layer) for layer in range(len(W))]
            batch = Batch(
                x[rows],
                corrupted(x[rows], keys[0], input_dropout, input_noise),
                [dropout(p, key, w.shape[1])
                 for p, key, w in zip(hidden_dropout, keys[1:], W[:-1], strict=True)]
                if len(hidden_dropout) else None,
                weight[rows, None],
                averages,
                average_share(len(rows), optimizer.samples),
            )  # fmt: skip
            h = batch.forward(W, b, names)
            total += (batch.weight * (h[-1] - batch.x) ** 2).sum()
            averages = batch.new_averages(h)
            dW, db = objective.gradients(batch, W, b, names)
            optimizer.update([*dW, *db], len(rows))
            if np.isfinite(max_w2):
                limit(W, max_w2)
        curve.append(total / (len(order) * x.shape[1]))
    return np.array(curve), optimizer, averages


def glorot(rng, widths):
    """Random float64 weights of the size that training starts from, and small random biases."""
    pairs = list(itertools.pairwise(widths))
    W = [rng.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair)) for pair in pairs]
    return W, [rng.uniform(-0.1, 0.1, fan_out) for _, fan_out in pairs]


# Random numbers by place: a hash of seed, epoch, row, layer and column. Products of unsigned
# arrays wrap around, as they should.

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio


def mix64(z):
    """SplitMix64's hash (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def mix32(x):
    """The 32-bit hash that C. Wellons found in 2018."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def noise_keys(seed, epoch, rows, layer):
    """Keys of some rows, two uint32 columns: the first number of SplitMix64's stream for each."""
    place = (layer + 1) * 0xD1342543DE82EF95 % 2**64
    stream = (np.uint64(epoch) << np.uint64(32)) + np.asarray(rows, dtype=np.uint64)
    state = mix64(np.array([seed ^ place], dtype=np.uint64)) ^ mix64(~stream)
    bits = mix64(state + np.uint64(GOLDEN))
    return bits.astype(np.uint32)[:, None], (bits >> np.uint64(32)).astype(np.uint32)[:, None]


def random_bits(keys, n, stream=0):
    """Return 32 random bits for each of ``n`` columns of the rows that the keys stand for."""
    x = np.arange(n, dtype=np.uint32) + np.uint32(stream * 0x9E3779B9 % 2**32)
    return mix32(mix32(x * np.uint32(0x9E3779B1) + keys[0]) + keys[1])


def uniform(keys, n, stream=0):
    """Return multiples of 2^-24 and half of one, between 0 and 1."""
    u = ((random_bits(keys, n, stream) >> np.uint32(9)) + 0.5) / 2**23
    return u.astype(np.float32).astype(np.float64)


def normal(keys, n):
    """Return standard normal numbers (Box & Muller 1958)."""
    return np.sqrt(-2 * np.log(uniform(keys, n))) * np.cos(2 * np.pi * uniform(keys, n, 1))


def dropout(p, keys, n):
    """Return factors of ``n`` units: 0 with probability ``p``, else 1 / (1 - p)."""
    return (random_bits(keys, n) >= np.uint32(p * 2**32)) / (1 - p)


def noise_of_its_own(keys):
    """Return the keys of the input's noise, given those of its dropout."""
    return keys[0] ^ np.uint32(0x5BD1E995), keys[1]


def corrupted(x, keys, input_dropout, input_noise):
    """Return what the network sees of the rows ``x``."""
    if input_noise:
        x = x + input_noise * normal(noise_of_its_own(keys), x.shape[1])
    return x * dropout(input_dropout, keys, x.shape[1]) if input_dropout else x
