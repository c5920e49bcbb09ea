"""A float64 autoencoder in plain NumPy, written from the equations; slow, and short enough to read.

Weights are lists ``W[l]`` (fan_in, fan_out) and ``b[l]`` (fan_out,). Rows are already scaled.
Options have the names that the compiled core gives them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from reference_noise import corrupted, dropout, noise_keys
from reference_optimizer import Optimizer, limit

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


def log_softmax(z):
    """Logarithms of the probabilities of classes, from the logits of every row."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


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

    x: np.ndarray  #: what is to be reconstructed, NaN where that is not known
    seen: np.ndarray | None = None  #: what the network gets instead
    factors: list | None = None  #: see `forward`
    weight: np.ndarray | float = 1.0  #: of every row, (n, 1)
    averages: list | None = None  #: average outputs of the hidden layers over earlier rows
    share: float = 1.0  #: of these rows in the averages to come
    target: np.ndarray | None = None  #: numbers (n, n_targets), NaN where not known, or
    classes: np.ndarray | None = None  #: (n,), negative where not known
    anomalous: np.ndarray | None = None  #: (n,), true for rows that are not to be reconstructed

    def one_hot(self, n):
        """1 for the class of every row, 0 for the others, or for all where it is not known."""
        return (self.classes[:, None] == np.arange(n)).astype(np.float64)

    def forward(self, W, b, names):
        """Outputs of every layer."""
        seen = self.x if self.seen is None else self.seen
        return forward(np.where(np.isnan(seen), 0.0, seen), W, b, names, self.factors)

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

    The last ``n_targets`` outputs have targets of their own, the others reconstruct as many inputs;
    each group's loss then has a weight. Of classes it is the cross-entropy of the softmax. The loss
    of an anomalous row is minus its cost while its mean squared error is below ``margin``, and a
    constant, taken as 0, from there on.
    """

    loss: str = "squared_error"
    loss_parameter: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    sparsity_beta: float = 0.0
    average_activation: float = 0.0
    n_targets: int = 0
    target_weight: float = 1.0
    reconstruction_weight: float = 1.0
    margin: float = 0.0

    def split(self, outputs):
        """Outputs that reconstruct, and outputs with targets."""
        first = outputs.shape[1] - self.n_targets
        return outputs[:, :first], outputs[:, first:]

    def errors(self, batch, outputs):
        """Errors of the reconstruction and of targets, 0 where what they are of is not known.

        Those of classes are errors of probabilities: the cross-entropy's derivatives by the logits.
        """
        r, t = self.split(outputs)
        x = batch.x[:, : r.shape[1]]
        e = np.where(np.isnan(x), 0.0, r - x)
        if batch.classes is not None:
            known = batch.one_hot(self.n_targets)
            return e, np.exp(log_softmax(t)) * known.sum(axis=1, keepdims=True) - known
        return e, np.where(np.isnan(batch.target), 0.0, t - batch.target) if self.n_targets else t

    def sign(self, batch, e):
        """Sign of the reconstruction's loss in every row, or 0: see the class."""
        if batch.anomalous is None:
            return 1.0
        close = (e * e).mean(axis=1) < self.margin
        return np.where(batch.anomalous, np.where(close, -1.0, 0.0), 1.0)[:, None]

    def cross_entropy(self, batch, outputs):
        """Cross-entropy of every row, (n, 1); 0 where the class is not known."""
        log_p = log_softmax(self.split(outputs)[1])
        return -(batch.one_hot(self.n_targets) * log_p).sum(axis=1, keepdims=True)

    def booked(self, batch, outputs):
        """Weighted sums of the squared errors, anomalies left out, and of the targets' errors."""
        e, e_target = self.errors(batch, outputs)
        ordinary = 1.0 if batch.anomalous is None else 1.0 - batch.anomalous[:, None]
        of_classes = batch.classes is not None
        targets = self.cross_entropy(batch, outputs) if of_classes else e_target**2
        return (batch.weight * ordinary * e * e).sum(), (batch.weight * targets).sum()

    def output_loss(self, batch, outputs):
        """Loss of all rows together, times their number."""
        e, e_target = self.errors(batch, outputs)
        total = (batch.weight * self.sign(batch, e) * self.cost(e)).sum()
        if not self.n_targets:
            return total
        of_classes = batch.classes is not None
        targets = self.cross_entropy(batch, outputs) if of_classes else self.cost(e_target)
        targets = (batch.weight * targets).sum()
        return self.reconstruction_weight * total + self.target_weight * targets

    def output_slopes(self, batch, outputs):
        """Derivatives of `output_loss` by the outputs."""
        e, e_target = self.errors(batch, outputs)
        slopes = self.sign(batch, e) * self.cost_slope(e)
        if self.n_targets:
            of_targets = e_target if batch.classes is not None else self.cost_slope(e_target)
            slopes = np.hstack(
                [self.reconstruction_weight * slopes, self.target_weight * of_targets]
            )
        return batch.weight * slopes

    def cost(self, e):
        return cost(self.loss, e, self.loss_parameter)

    def cost_slope(self, e):
        return cost_slope(self.loss, e, self.loss_parameter)

    def value(self, batch, W, b, names):
        """Objective of one mini-batch."""
        h = batch.forward(W, b, names)
        total = self.output_loss(batch, h[-1]) / len(batch.x)
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
        delta = self.output_slopes(batch, h[-1]) / len(batch.x) * slope(names[-1], h[-1])
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


def average_share(n, samples):
    """Share of ``n`` rows in an average with ``samples`` earlier ones, 1000 rows long at most."""
    return n / max(n, min(samples + n, 1000))


def train(x, W, b, names, *, orders, batch_size, solver, seed=0, sample_weight=None, target=None,
          classes=None, anomalous=None, missing="none", input_dropout=0.0, input_noise=0.0,
          hidden_dropout=(), max_w2=np.inf, layer_rates=None, thaw_steps=None, errors=None,
          **options):  # fmt: skip
    """Train ``W`` and ``b`` in place, one epoch for each row order.

    Returns the mean squared error of each epoch over rows and columns, every row as it was
    reconstructed just before the step that learns from it; the optimizer; and the averages of the
    hidden units. The sums of `Objective.booked` of every epoch are appended to the list ``errors``.
    NaN in ``x`` is no target and seen as 0; or 0 altogether if ``missing`` is "impute".
    """
    x = np.nan_to_num(x) if missing == "impute" else x
    settings = {name: options.pop(name) for name in vars(Objective()) if name in options}
    objective = Objective(**settings)
    of_layers = {"rates": layer_rates, "thaw_steps": thaw_steps}
    twice = {name: [*of, *of] for name, of in of_layers.items() if of is not None}
    optimizer = Optimizer(solver, [*W, *b], **twice, **options)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    averages = [np.zeros(len(bias)) for bias in b[:-1]]
    errors = [] if errors is None else errors
    of_rows = {"target": target, "classes": classes, "anomalous": anomalous}
    for epoch, order in enumerate(orders):
        booked = []
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
                **{name: of[rows] for name, of in of_rows.items() if of is not None},
            )  # fmt: skip
            h = batch.forward(W, b, names)
            booked.append(objective.booked(batch, h[-1]))
            averages = batch.new_averages(h)
            dW, db = objective.gradients(batch, W, b, names)
            changing = [w for layer, w in enumerate(W) if optimizer.changes(layer)]
            optimizer.update([*dW, *db], len(rows))
            if np.isfinite(max_w2):
                limit(changing, max_w2)
        errors.append(np.sum(booked, axis=0))
    sizes = [len(order) * x.shape[1] for order in orders]
    curve = [squared / n for (squared, _), n in zip(errors, sizes, strict=True)]
    return np.array(curve), optimizer, averages


def glorot(rng, widths):
    """Random float64 weights of the size that training starts from, and small random biases."""
    pairs = list(itertools.pairwise(widths))
    W = [rng.uniform(-1, 1, pair) * np.sqrt(6 / sum(pair)) for pair in pairs]
    return W, [rng.uniform(-0.1, 0.1, fan_out) for _, fan_out in pairs]
