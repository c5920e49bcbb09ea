"""A network as the compiled core takes it, with float64 copies for the reference."""

from __future__ import annotations

import numpy as np

import reference
from fastae import _core

ISAS = _core.available_isas()
# Both sides of every vector width (4, 8, 16 floats; 2, 4, 8 doubles).
SIZES = (1, 3, 4, 7, 8, 15, 16, 17, 33, 100)

# Every way to update a weight. Adam's epsilon is large enough for its first step, otherwise
# close to the sign of the gradient, to be a smooth function of it.
SOLVERS = {
    "adadelta": {"solver": "adadelta", "learning_rate": 1.0},
    "adam": {"solver": "adam", "learning_rate": 0.01, "epsilon": 1e-3},
    "sgd": {"solver": "sgd", "learning_rate": 0.1},
    "sgd-annealing": {"solver": "sgd", "learning_rate": 0.1, "annealing": 0.05},
    "sgd-momentum": {"solver": "sgd", "learning_rate": 0.05, "momentum": 0.8},
    "sgd-nesterov": {
        "solver": "sgd", "learning_rate": 0.05, "momentum": 0.8, "nesterov": True, "annealing": 0.01
    },
}  # fmt: skip


def n_slots(options):
    """Buffers of optimizer state that a solver keeps."""
    if options["solver"] == "sgd":
        ramp = options.get("momentum_start", 0.0) and options.get("momentum_ramp", 0.0)
        return 1 if options.get("momentum", 0.0) or ramp else 0
    return 2


def orders(core, n, *, seed=0, first_epoch=0, n_epochs=1, sample_weight=None):
    """Row orders of some epochs; rows of weight 0 are left out."""
    rows = np.arange(n) if sample_weight is None else np.flatnonzero(sample_weight)
    return [rows[core.row_order(len(rows), seed, first_epoch + e)] for e in range(n_epochs)]


def whole_lines(n):
    """Round up to whole lines of 16 floats."""
    return -(-n // 16) * 16


def aligned(shape):
    """Float32 zeros on a 64-byte boundary."""
    size = int(np.prod(shape))
    block = np.zeros(size + 16, dtype=np.float32)
    start = -(block.ctypes.data // 4) % 16
    return block[start : start + size].reshape(shape)


def deep_names(widths, hidden, output):
    """Names of the activations: one for the hidden layers, one for the output."""
    return [hidden] * (len(widths) - 2) + [output]


def table(n, d, dtype=np.float64, seed=0):
    """A random table of few directions, with columns of different centre and spread."""
    rng = np.random.default_rng(seed)
    rank = min(d, 3)
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
    X += 0.1 * rng.standard_normal((n, d))
    return (X * rng.uniform(0.5, 4, d) + rng.uniform(-5, 5, d)).astype(dtype)


def sample_weight(n):
    """Return weights of mean 1 over the rows that count; two do not."""
    weight = np.random.default_rng(1).uniform(0.2, 3, n)
    weight[[3, n - 2]] = 0
    return (weight / weight[weight > 0].mean()).astype(np.float32)


def alternating(widths, *values):
    """Return one value per layer, in turn; one fewer for the hidden layers."""
    return [values[layer % len(values)] for layer in range(len(widths) - 1)]


def gentle_rate(widths):
    """Return a rate at which SGD is stable: rounding errors of float32 do not grow."""
    return min(0.05, 1 / max(widths))


class Net:
    """Random weights in the core's flat buffer, and the core's functions applied to them."""

    def __init__(self, core, widths, names, *, seed=0, shift=None, scale=None):
        self.core, self.widths, self.names = core, tuple(widths), list(names)
        size, layers = core.layout(self.widths)
        self.params = aligned((size,))
        self.W, self.b = [], []
        for (offset, n_rows, stride, fan_in_is_wide, bias), fan_in, fan_out in zip(
            layers, self.widths[:-1], self.widths[1:], strict=True
        ):
            rows = self.params[offset : offset + n_rows * stride].reshape(n_rows, stride)
            self.W.append(rows[:, :fan_in].T if fan_in_is_wide else rows[:, :fan_out])
            self.b.append(self.params[bias : bias + fan_out])
        W, b = reference.glorot(np.random.default_rng(seed), self.widths)
        for view, array in zip([*self.W, *self.b], [*W, *b], strict=True):
            view[...] = array
        d = self.widths[0]
        self.shift = np.zeros(d) if shift is None else np.asarray(shift, dtype=np.float64)
        self.scale = np.ones(d) if scale is None else np.asarray(scale, dtype=np.float64)

    @classmethod
    def ranged(cls, core, X, hidden, names, *, seed=0, n_outputs=None):
        """A network for the table ``X``, which it scales to range 1 and mean 0."""
        X64 = np.asarray(X, dtype=np.float64)
        spread = X64.max(axis=0) - X64.min(axis=0)
        scale = 1.0 / np.where(spread > 0, spread, 1.0)
        widths = (X.shape[1], *hidden, n_outputs or X.shape[1])
        return cls(core, widths, names, seed=seed, shift=X64.mean(axis=0), scale=scale)

    def copy(self):
        """Return another network of the same weights."""
        other = Net(self.core, self.widths, self.names, shift=self.shift, scale=self.scale)
        other.params[...] = self.params
        return other

    @property
    def options(self):
        return {
            "widths": self.widths,
            "activations": self.names,
            "shift": self.shift,
            "scale": self.scale,
        }

    def weights64(self):
        """Return float64 copies of weights and biases, for the reference."""
        return [w.astype(np.float64) for w in self.W], [b.astype(np.float64) for b in self.b]

    def scaled(self, X):
        """Return the rows in network units, in float64."""
        return (np.asarray(X, dtype=np.float64) - self.shift) * self.scale

    def outputs64(self, X):
        """Return the reference's outputs of every layer, the scaled input first."""
        return reference.forward(self.scaled(X), *self.weights64(), self.names)

    def call(self, name, X, *, n_threads=1, **more):
        """Apply one of the core's functions to a table."""
        function = getattr(self.core, name)
        return function(X, self.params, **self.options, n_threads=n_threads, **more)

    def every_output(self, X, *, n_threads=1):
        """Return what all scoring functions make of a table, by name."""
        made = {
            name: self.call(name, X, n_threads=n_threads)
            for name in ("score", "feature_errors", "reconstruct")
        }
        for layer in range(1, len(self.widths)):
            h = self.call("activations", X, n_layers=layer, n_threads=n_threads)
            made[f"activations {layer}"] = h
            if layer < len(self.names):
                made[f"decode {layer}"] = self.call(
                    "decode", h, first_layer=layer, n_threads=n_threads
                )
        return made

    def train(self, X, *, slots=None, averages=None, **options):
        """Train in place; the options that matter to a test are given, the rest are defaults."""
        defaults = {"solver": "adadelta", "learning_rate": 1.0, "nesterov": False, "batch_size": 1}
        options = {**defaults, **options}
        if slots is None:
            slots = self.slots(**options)
        if averages is None and options.get("sparsity_beta"):
            averages = self.averages()
        return self.core.train(
            X, self.params, slots, **self.options, averages=averages, **options
        )  # fmt: skip

    def slots(self, **options):
        """Return optimizer state before the first step."""
        return aligned((n_slots(options), self.params.size))

    def averages(self):
        """Return the hidden units' average activations before the first step."""
        return aligned((sum(map(whole_lines, self.widths[1:-1])),))

    def averages_of_layers(self, averages):
        """Return the part of such a buffer that belongs to each hidden layer, without padding."""
        parts, start = [], 0
        for width in self.widths[1:-1]:
            parts.append(averages[start : start + width])
            start += whole_lines(width)
        return parts

    def padding(self, buffer):
        """Return the elements of a buffer like ``params`` that belong to no weight."""
        used = Net(self.core, self.widths, self.names)
        used.params[...] = 0
        for view in [*used.W, *used.b]:
            view[...] = 1
        return buffer[..., used.params == 0]


def farthest(W, b, other_W, other_b):
    """Return the largest difference of two networks' weights."""
    pairs = zip([*W, *b], [*other_W, *other_b], strict=True)
    return max(np.abs(mine - other).max() for mine, other in pairs)


def for_reference(options):
    """Return the options as the reference takes them: its targets are already scaled."""
    options = dict(options)
    if "target" in options:
        shift, scale = options.pop("target_shift"), options.pop("target_scale")
        options["target"] = (options["target"] - shift) * scale
    return options


def assert_trained_alike(net, X, *, tolerance=1e-4, **options):
    """Train with the core and with the reference; compare weights by how far they moved."""
    start = net.weights64()
    W, b = net.weights64()
    averages = net.averages()
    n_threads = options.pop("n_threads", 1)
    made = net.train(X, n_epochs=2, seed=5, averages=averages, n_threads=n_threads, **options)
    assert made["status"] == "ok"
    weight = options.get("sample_weight")
    errors = []
    _, optimizer, expected_averages = reference.train(
        net.scaled(X), W, b, net.names, seed=5, errors=errors, **for_reference(options),
        orders=orders(net.core, len(X), seed=5, n_epochs=2, sample_weight=weight),
    )  # fmt: skip
    n_rows = len(X) if weight is None else np.count_nonzero(weight)
    assert (made["epochs"], made["samples"], made["rows"]) == (2, 2 * n_rows, [n_rows] * 2)
    assert made["steps"] == optimizer.steps
    booked = np.column_stack([made["squared_error"], made["target_error"]])
    np.testing.assert_allclose(booked, errors, rtol=1e-4, atol=1e-6)
    moved = farthest(W, b, *start)
    assert moved > 1e-4
    for array, expected in zip([*net.W, *net.b], [*W, *b], strict=True):
        # Beside the arithmetic, float32 rounds every weight once a step, by at most 6e-8 of it.
        rounding = 6e-8 * optimizer.steps**0.5 * max(1.0, np.abs(expected).max())
        worst = np.abs(array - expected).max()
        assert worst <= tolerance * moved + rounding, f"off by {worst / moved:.2g} of {moved:.2g}"
    if options.get("sparsity_beta"):
        layers = net.averages_of_layers(averages)
        for array, expected in zip(layers, expected_averages, strict=True):
            np.testing.assert_allclose(array, expected, atol=1e-4 * np.abs(expected).max())


def assert_threads_alike(net, X, *, teams=(2,), tolerance=1e-4, **options):
    """Train like `assert_trained_alike`; more threads must make of it what one made."""
    again = net.copy()
    assert_trained_alike(net, X, tolerance=tolerance, **options)
    for n_threads in teams:
        other = again.copy()
        other.train(X, n_epochs=2, seed=5, n_threads=n_threads, **options)
        np.testing.assert_array_equal(other.params, net.params)


def as_is(X):
    return X


def reversed_view(X):
    """Return the same table, stored backwards in both directions."""
    return X[::-1, ::-1].copy()[::-1, ::-1]


def strided(X):
    """Return the same table as every third column of every second row of a larger one."""
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), dtype=X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def unaligned(X):
    """Return the same table, no element of which is aligned."""
    raw = np.zeros(X.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


STORAGES = {
    "c": as_is,
    "fortran": np.asfortranarray,
    "reversed": reversed_view,
    "strided": strided,
    "read-only": read_only,
    "unaligned": unaligned,
}
