"""A float64 network on numbers and categories in plain NumPy; see `reference`.

Columns of categories ("factors") enter as one unit per level, of which a row activates one, and
leave as one output per level. Units that no row of a mini-batch touches keep weights and state.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from reference import activate, average_share, cost, cost_slope, forward, log_softmax, slope
from reference_noise import GOLDEN, corrupted, dropout, mix64, noise_keys
from reference_optimizer import Optimizer


@dataclass(frozen=True)
class Factors:
    """Categories beside numbers, and their units; options have the names the core gives them."""

    n_numbers: int
    n_levels: tuple
    weights: tuple
    loss: str = "cross_entropy"
    marks_missing: bool = False
    reconstructed: bool = True
    full_levels: int = 512
    n_sampled: int = 256
    frequencies: tuple = ()

    @property
    def n(self):
        return len(self.n_levels)

    @property
    def first(self):
        """Where the levels of every factor begin among all, and their number."""
        return [0, *itertools.accumulate(self.n_levels)]

    @property
    def n_inputs(self):
        marks = self.n_numbers if self.marks_missing else 0
        return self.n_numbers + self.first[-1] + self.n + marks

    @property
    def n_reconstructed(self):
        return self.n_numbers + self.first[-1] if self.reconstructed else 0

    def outputs(self, f):
        """Outputs of the levels of factor ``f``."""
        return slice(self.n_numbers + self.first[f], self.n_numbers + self.first[f + 1])

    def n_errors(self, f):
        return self.n_levels[f] if self.loss == "squared_error" else 1

    def is_sampled(self, f):
        return self.loss == "cross_entropy" and self.n_levels[f] > self.full_levels

    def described(self):
        """Return what the core is told, but for the number of numbers."""
        told = {name: value for name, value in vars(self).items() if name != "n_numbers"}
        return {n: list(v) if isinstance(v, tuple) else v for n, v in told.items()}

    def inputs(self, seen, codes, kept=None, missing=None):
        """Inputs of the network (n_rows, n_inputs).

        ``seen`` are numbers without NaN, ``kept`` (n_rows, n) multiplies the unit of every factor,
        and ``missing`` tells which numbers are to be marked.
        """
        kept = np.ones(codes.shape) if kept is None else kept
        marks = np.zeros_like(seen) if missing is None else missing
        units = np.zeros((len(seen), self.first[-1] + self.n))
        for f in range(self.n):
            unit = np.where(codes[:, f] < 0, self.first[-1] + f, self.first[f] + codes[:, f])
            units[np.arange(len(seen)), unit] = kept[:, f]
        return np.hstack([seen, units, marks][: 3 if self.marks_missing else 2])

    def drawn(self, f, seed, epoch, first_row):
        """Levels drawn as wrong answers to one mini-batch, and minus ln of their expected number.

        A level that is drawn several times counts as often.
        """
        stream = (np.uint64(epoch) << np.uint64(32)) + np.uint64(first_row)
        keys = np.array([seed ^ (0x8CB92BA72F3D8DD7 + f)], dtype=np.uint64)
        steps = np.arange(1, self.n_sampled + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        state = mix64(keys) ^ mix64(~np.array([stream]))
        u = (mix64(state + steps) >> np.uint64(11)) * 2.0**-53
        n = self.n_levels[f]
        frequencies = np.array(self.frequencies[self.first[f] : self.first[f + 1]] or [1.0] * n)
        up_to = np.cumsum(frequencies) / frequencies.sum()
        levels, draws = np.unique(np.searchsorted(up_to, u, side="right"), return_counts=True)
        p = frequencies[levels] / frequencies.sum()
        return levels, np.log(draws / (self.n_sampled * p))


@dataclass
class Batch:
    """Rows to learn from."""

    x: np.ndarray  #: what is to be reconstructed, NaN where that is not known
    codes: np.ndarray  #: (n, number of factors), negative where not known
    weight: np.ndarray  #: (n, 1)
    place: tuple  #: seed, epoch and first row: what draws depend on
    target: np.ndarray | None = None  #: numbers, NaN where not known, or
    classes: np.ndarray | None = None  #: (n,), negative where not known
    anomalous: np.ndarray | None = None  #: (n,)


@dataclass(frozen=True)
class Objective:
    """What training minimises but for penalties: see `reference.Objective`.

    A factor's part is half its cross-entropy, or the loss of its levels' outputs compared with 0
    and 1; times its weight.
    """

    loss: str = "squared_error"
    loss_parameter: float = 0.0
    n_targets: int = 0
    target_weight: float = 1.0
    reconstruction_weight: float = 1.0
    margin: float = 0.0

    def of_numbers(self, z, expected, name):
        """Derivatives by ``z`` and squared errors (n,) of outputs that are compared one by one."""
        y = activate(name, z)
        e = np.where(np.isnan(expected), 0.0, y - np.nan_to_num(expected))
        return cost_slope(self.loss, e, self.loss_parameter) * slope(name, y), (e * e).sum(axis=1)

    def of_factor(self, factors, f, z, batch, name):
        """Return the same of a factor, not weighted."""
        codes = batch.codes[:, f]
        own = (codes[:, None] == np.arange(z.shape[1])).astype(np.float64)
        known = codes >= 0
        if factors.loss == "squared_error":
            return self.of_numbers(z, np.where(known[:, None], own, np.nan), name)
        if factors.is_sampled(f):
            levels, log_weights = factors.drawn(f, *batch.place)
            weighted = np.full(z.shape, -np.inf)
            weighted[:, levels] = z[:, levels] + log_weights
            z = np.where(own > 0, z, weighted)
            z[~known] = 0.0
        if z.shape[1] == 0:
            return z, np.zeros(len(z))
        log_p = log_softmax(z)
        entropy = -np.where(own > 0, log_p, 0.0).sum(axis=1)
        return (np.exp(log_p) - own) * known[:, None] / 2, entropy

    def of_targets(self, z, batch, name):
        """Return the same of the targets; of classes, their cross-entropy."""
        if batch.classes is None:
            return self.of_numbers(z, batch.target, name)
        own = (batch.classes[:, None] == np.arange(z.shape[1])).astype(np.float64)
        log_p = log_softmax(z)
        known = own.sum(axis=1, keepdims=True)
        return np.exp(log_p) * known - own, -(own * log_p).sum(axis=1)

    def slopes(self, factors, z, batch, name):
        """Derivatives of the rows' weighted losses by ``z``, and what is booked of every row."""
        made, booked = np.zeros_like(z), np.zeros(len(z))
        if factors.reconstructed:
            numbers = slice(0, factors.n_numbers)
            made[:, numbers], booked = self.of_numbers(z[:, numbers], batch.x, name)
            for f in range(factors.n):
                at = factors.outputs(f)
                of_factor, error = self.of_factor(factors, f, z[:, at], batch, name)
                made[:, at] = factors.weights[f] * of_factor
                booked = booked + factors.weights[f] * error
        if batch.anomalous is not None:
            n_errors = factors.n_numbers + sum(map(factors.n_errors, range(factors.n)))
            close = booked < self.margin * n_errors
            made[batch.anomalous] *= np.where(close, -1.0, 0.0)[batch.anomalous, None]
            booked = np.where(batch.anomalous, 0.0, booked)
        of_targets = np.zeros(len(z))
        if self.n_targets:
            first = z.shape[1] - self.n_targets
            made *= self.reconstruction_weight
            made[:, first:], of_targets = self.of_targets(z[:, first:], batch, name)
            made[:, first:] *= self.target_weight
        weight = batch.weight[:, 0]
        return made * batch.weight, (weight @ booked, weight @ of_targets)

    def value(self, factors, z, batch, name):
        """Loss of all rows together, whose derivatives `slopes` are; of full softmaxes only."""
        plain = replace(self, loss="squared_error")  # whose errors give every other cost
        total = np.zeros(len(z))
        if factors.reconstructed:
            y = activate(name, z[:, : factors.n_numbers])
            e = np.where(np.isnan(batch.x), 0.0, y - np.nan_to_num(batch.x))
            total = cost(self.loss, e, self.loss_parameter).sum(axis=1)
            for f in range(factors.n):
                logits = z[:, factors.outputs(f)]
                if factors.loss == "cross_entropy":
                    of_factor = plain.of_factor(factors, f, logits, batch, name)[1] / 2
                else:
                    own = batch.codes[:, f, None] == np.arange(logits.shape[1])
                    e = (activate(name, logits) - own) * (batch.codes[:, f, None] >= 0)
                    of_factor = cost(self.loss, e, self.loss_parameter).sum(axis=1)
                total = total + factors.weights[f] * of_factor
        return (batch.weight[:, 0] * total).sum()


def touched(factors, inputs, batch, n_inputs, n_outputs):
    """Tell which inputs and which outputs a mini-batch touches."""
    entering, leaving = np.ones(n_inputs, dtype=bool), np.ones(n_outputs, dtype=bool)
    entering[factors.n_numbers :] = (inputs[:, factors.n_numbers :] != 0).any(axis=0)
    for f in range(factors.n if factors.reconstructed else 0):
        if factors.is_sampled(f):
            own = batch.codes[:, f][batch.codes[:, f] >= 0]
            chosen = np.union1d(own, factors.drawn(f, *batch.place)[0])
            leaving[factors.outputs(f)] = np.isin(np.arange(factors.n_levels[f]), chosen)
    return entering, leaving


@dataclass
class Network:
    """Weights that are trained in place, and what goes with them."""

    W: list
    b: list
    names: list
    l1: float = 0.0
    l2: float = 0.0
    sparsity_beta: float = 0.0
    average_activation: float = 0.0
    averages: list = field(default_factory=list)

    def __post_init__(self):
        self.averages = [np.zeros(len(bias)) for bias in self.b[:-1]]

    def forward(self, inputs, kept):
        """Outputs of the hidden layers, inputs first, and the last layer's pre-activation."""
        h = forward(inputs, self.W[:-1], self.b[:-1], self.names[:-1], kept)
        return h, h[-1] @ self.W[-1] + self.b[-1]

    def gradients(self, h, kept, delta, weight, share):
        """Gradients, from the derivatives by the last layer's pre-activation."""
        means = [(weight * output).mean(axis=0) for output in h[1:]]
        pairs = zip(self.averages, means, strict=True)
        self.averages = [old + (mean - old) * share for old, mean in pairs]
        dW, db = [], []
        for layer in reversed(range(len(self.W))):
            w = self.W[layer]
            dW.insert(0, h[layer].T @ delta + self.l1 * np.sign(w) + self.l2 * w)
            db.insert(0, delta.sum(axis=0))
            if layer:
                excess = self.averages[layer - 1] - self.average_activation
                factor = kept[layer - 1] if kept else 1.0
                delta = (delta @ w.T + weight / len(weight) * self.sparsity_beta * excess) * factor
                delta *= slope(self.names[layer - 1], h[layer] / np.where(factor, factor, 1.0))
        return dW, db


def step(optimizer, gradients, n_rows, entering, leaving):
    """Take a step, but give back to units that were not touched what they had."""
    last = len(gradients) // 2 - 1
    sleeping = [(0, (~entering, slice(None))), (last, (slice(None), ~leaving)), (-1, ~leaving)]
    kept = [
        (array, at, array[at].copy())
        for i, at in sleeping
        for array in (optimizer.arrays[i], optimizer.first[i], optimizer.second[i])
    ]
    optimizer.update(gradients, n_rows)
    for array, at, values in kept:
        array[at] = values


def train(factors, x, codes, W, b, names, *, orders, batch_size, solver, seed=0, sample_weight=None,
          missing="none", input_dropout=0.0, input_noise=0.0, hidden_dropout=(), layer_rates=None,
          thaw_steps=None, errors=None, target=None, classes=None, anomalous=None,
          **options):  # fmt: skip
    """Train ``W`` and ``b`` in place like `reference.train`; return optimizer and averages."""
    x = np.nan_to_num(x) if missing == "impute" else x
    objective, network = (
        of(*more, **{name: options.pop(name) for name in vars(of(*more)) if name in options})
        for of, more in [(Objective, ()), (Network, (W, b, names))]
    )
    of_layers = {"rates": layer_rates, "thaw_steps": thaw_steps}
    twice = {name: [*of, *of] for name, of in of_layers.items() if of is not None}
    optimizer = Optimizer(solver, [*W, *b], **twice, **options)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    of_rows = {"target": target, "classes": classes, "anomalous": anomalous}
    for epoch, order in enumerate(orders):
        booked = np.zeros(2)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = Batch(
                x[rows], codes[rows], weight[rows, None], (seed, epoch, rows[0]),
                **{name: of[rows] for name, of in of_rows.items() if of is not None},
            )  # fmt: skip
            keys = [noise_keys(seed, epoch, rows, layer) for layer in range(len(W))]
            seen = np.nan_to_num(corrupted(batch.x, keys[0], input_dropout, input_noise))
            # The columns of factors are behind those of numbers.
            kept = dropout(input_dropout, keys[0], factors.n_numbers + factors.n)
            inputs = factors.inputs(
                seen, batch.codes, kept[:, factors.n_numbers :], np.isnan(batch.x)
            )
            kept = [
                dropout(p, key, w.shape[1])
                for p, key, w in zip(hidden_dropout, keys[1:], W[:-1], strict=True)
            ] if len(hidden_dropout) else None  # fmt: skip
            h, z = network.forward(inputs, kept)
            delta, errors_of_batch = objective.slopes(factors, z, batch, names[-1])
            booked += errors_of_batch
            share = average_share(len(rows), optimizer.samples)
            dW, db = network.gradients(h, kept, delta / len(rows), batch.weight, share)
            step(optimizer, [*dW, *db], len(rows),
                 *touched(factors, inputs, batch, len(W[0]), len(b[-1])))  # fmt: skip
        if errors is not None:
            errors.append(booked)
    return optimizer, network.averages
