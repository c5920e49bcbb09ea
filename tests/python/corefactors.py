"""Networks on numbers and categories, as the compiled core takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

import reference_factors
from corenet import Net, farthest, for_reference, orders, table
from reference_factors import Factors

N_ROWS = 19
HIDDEN = ("tanh", "logistic", "elu")  # in turn
LOSSES = ("cross_entropy", "squared_error")


class Shape(NamedTuple):
    """How many numbers there are, the factors' numbers of levels, hidden widths, and targets."""

    n_numbers: int
    levels: tuple
    hidden: tuple
    marks: bool = False
    n_targets: int = 0
    reconstructs: bool = True

    def __str__(self):
        targets = f" {self.n_targets}{'+' if self.reconstructs else ''}" if self.n_targets else ""
        inputs = "+".join(map(str, [self.n_numbers, *self.levels]))
        return "-".join([inputs, *map(str, self.hidden)]) + "?" * self.marks + targets

    def factors(self, loss="cross_entropy", **more):
        weights = tuple(np.linspace(0.5, 1.5, len(self.levels)))
        return Factors(self.n_numbers, self.levels, weights, loss, self.marks,
                       self.reconstructs, **more)  # fmt: skip


# Hidden layers narrower and wider than the numbers and than all units, in one part, in two and in
# four; the last one too. No numbers, no factors, factors of one level and of none at all.
SHAPES = [
    Shape(5, (3, 7, 2), (6, 4)),
    Shape(5, (3, 7, 2), (6, 4), marks=True),
    Shape(5, (3, 7, 2), (3,)),
    Shape(6, (3, 4, 2), (40,), marks=True),
    Shape(0, (3, 7, 2), (5,)),
    Shape(0, (4,), (30,)),
    Shape(3, (1, 0, 6), (9, 2, 12)),
    Shape(7, (), (4,), marks=True),
    Shape(150, (60, 5), (130,), marks=True),
    Shape(16, (40, 90), (140, 20)),
    Shape(300, (3, 17), (20, 260)),
    Shape(20, (150, 3), (260, 8, 270)),
]
SMALL = SHAPES[1]
LARGE = Shape(130, (60, 5), (140, 20), marks=True)


def some_codes(n, levels, *, unknown=0.2, seed=6):
    """Return codes of which some are not known, small levels more often than large ones."""
    rng = np.random.default_rng(seed)
    codes = np.zeros((n, len(levels)), dtype=np.int32)
    for f, k in enumerate(levels):
        codes[:, f] = np.minimum(rng.random(n) ** 2 * k, k - 1)
        codes[rng.random(n) < unknown, f] = -1
    if unknown and levels:
        codes[n // 2] = -(2**31)
    return codes


class FactorNet(Net):
    """A network of the shape, its table and its codes."""

    def __init__(self, core, shape, factors, names, *, n=N_ROWS, seed=3):
        self.shape, self.factors = shape, factors
        X = table(n, shape.n_numbers, seed=2)
        spread = np.ptp(X, axis=0) if n > 1 else np.ones(shape.n_numbers)
        widths = (factors.n_inputs, *shape.hidden, factors.n_reconstructed + shape.n_targets)
        super().__init__(core, widths, names, seed=seed, shift=X.mean(axis=0), scale=1 / spread)
        self.X, self.codes = X, some_codes(n, shape.levels)

    @classmethod
    def of(cls, core, shape, loss="cross_entropy", output="identity", *, n=N_ROWS, seed=3, **more):
        names = [*(HIDDEN[layer % 3] for layer in range(len(shape.hidden))), output]
        return cls(core, shape, shape.factors(loss, **more), names, n=n, seed=seed)

    @property
    def options(self):
        return {**super().options, "factors": self.factors.described()}

    def copy(self):
        other = FactorNet(self.core, self.shape, self.factors, self.names, n=len(self.X))
        other.params[...] = self.params
        other.X, other.codes = self.X, self.codes
        return other

    def padding(self, buffer):
        """Return the elements of a buffer like ``params`` that belong to no weight."""
        return Net(self.core, self.widths, self.names).padding(buffer)

    def without_some(self, share=0.15, seed=8):
        """Return options of training after some numbers were lost; the network is changed."""
        lost = np.random.default_rng(seed).random(self.X.shape) < share
        lost[len(self.X) // 2] = True  # a whole row
        self.X = np.where(lost, np.nan, self.X)
        return {"missing": "ignore"}

    def outputs(self, codes=None):
        """Return the reference's outputs of all layers; of the last the pre-activation."""
        scaled = self.scaled(self.X)
        seen = self.factors.inputs(
            np.nan_to_num(scaled), self.codes if codes is None else codes, None, np.isnan(scaled)
        )
        return reference_factors.Network(*self.weights64(), self.names).forward(seen, None)

    def fit(self, **options):
        """Train in place on the network's own table."""
        return self.train(self.X, codes=self.codes, **options)

    def made_of(self, name, **more):
        """Apply one of the core's scoring functions to the network's own table."""
        return self.call(name, self.X, codes=self.codes, **more)


def network(core, shape, loss="cross_entropy", output="identity", **more):
    """Return a network and the options that its table needs."""
    net = FactorNet.of(core, shape, loss, output, **more)
    return net, net.without_some() if shape.marks else {}


def gentle(shape):
    """Return options under which rounding errors do not grow."""
    inputs = shape.n_numbers + len(shape.levels)
    outputs = shape.n_numbers + sum(shape.levels) + shape.n_targets
    rate = min(0.05, 1 / max(inputs, *shape.hidden, outputs))
    return {"solver": "sgd", "learning_rate": rate}


def tested_rows(made, n_rows, steps):
    """Check the books but for errors, after two epochs."""
    assert made["status"] == "ok"
    assert (made["epochs"], made["samples"], made["rows"]) == (2, 2 * n_rows, [n_rows] * 2)
    assert made["steps"] == steps


def assert_trained_alike(net, *, tolerance=1e-4, seed=5, **options):
    """Train with the core and with the reference; compare weights by how far they moved."""
    start, (W, b) = net.weights64(), net.weights64()
    averages = net.averages()
    slots = net.slots(**options)
    made = net.fit(n_epochs=2, seed=seed, averages=averages, slots=slots, **options)
    weight = options.get("sample_weight")
    errors = []
    optimizer, expected_averages = reference_factors.train(
        net.factors, net.scaled(net.X), net.codes, W, b, net.names, seed=seed, errors=errors,
        orders=orders(net.core, len(net.X), seed=seed, n_epochs=2, sample_weight=weight),
        **for_reference(options),
    )  # fmt: skip
    n_rows = len(net.X) if weight is None else np.count_nonzero(weight)
    tested_rows(made, n_rows, optimizer.steps)
    booked = np.column_stack([made["squared_error"], made["target_error"]])
    np.testing.assert_allclose(booked, errors, rtol=1e-4, atol=1e-6)
    moved = farthest(W, b, *start)
    assert moved > 1e-4
    for array, expected in zip([*net.W, *net.b], [*W, *b], strict=True):
        # Beside the arithmetic, float32 rounds every weight once a step, by at most 6e-8 of it.
        rounding = 6e-8 * optimizer.steps**0.5 * np.abs(expected).max(initial=1.0)
        worst = np.abs(array - expected).max(initial=0.0)
        assert worst <= tolerance * moved + rounding, f"off by {worst / moved:.2g} of {moved:.2g}"
    if options.get("sparsity_beta"):
        layers = net.averages_of_layers(averages)
        for array, expected in zip(layers, expected_averages, strict=True):
            np.testing.assert_allclose(array, expected, atol=1e-4 * np.abs(expected).max())
    return made, slots


def assert_threads_alike(net, *, teams=(2,), **options):
    """Train like `assert_trained_alike`; more threads must make of it what one made."""
    again = net.copy()
    made, slots = assert_trained_alike(net, **options)
    options.pop("tolerance", None)
    for n_threads in teams:
        other = again.copy()
        other_slots = other.slots(**options)
        also = other.fit(n_epochs=2, seed=5, n_threads=n_threads, slots=other_slots, **options)
        np.testing.assert_array_equal(other.params, net.params)
        np.testing.assert_array_equal(other_slots, slots)
        assert also["squared_error"] == made["squared_error"]


def with_levels(net, **more):
    """Return the same network with other options of its factors."""
    net.factors = replace(net.factors, **more)
    return net
