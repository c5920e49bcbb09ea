"""Tables of which most values are 0, as the compiled core takes them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

import fits
from corenet import Net, deep_names, farthest
from fastae import Autoencoder

# Hidden layers in one part, in two and in four, narrower and wider than one another and than the
# table; tables of one block of columns, of some, of a few more.
SHAPES = [
    (12, (1,)),
    (17, (5,)),
    (64, (16,)),
    (65, (17, 9)),
    (40, (60, 3)),
    (130, (8, 20)),
    (90, (140, 6, 30)),
    (300, (270, 10)),
    (700, (9, 40)),
]


def zeros_and_more(n, d, density=0.1, dtype=np.float64, seed=0):
    """A table of few values that are not 0, all of which are in few directions.

    From 9 rows on, row 2 has no value and row 5 all; from 9 columns on, column 1 has none.
    """
    rng = np.random.default_rng(seed)
    stored = rng.random((n, d)) < density
    if n > 8:
        stored[2], stored[5] = False, True
    if d > 8:
        stored[:, 1] = False
    size = rng.uniform(0.5, 2, (n, 1)) * rng.uniform(0.5, 4, d)
    if np.dtype(dtype).kind in "biu":
        size = np.ceil(size)
    elif n > 1:
        size *= rng.choice([-1, 1], (n, 1))
    return np.where(stored, size, 0).astype(dtype)


def sparse_rows(X):
    """Return a dense table as the core takes sparse ones."""
    matrix = sparse.csr_array(X)
    return (
        matrix.data.astype(X.dtype, copy=False),
        matrix.indices.astype(np.int32),
        matrix.indptr.astype(np.int64),
        X.shape[1],
    )


class SparseNet(Net):
    """A network that is given sparse rows in place of dense tables."""

    def copy(self):
        other = SparseNet(self.core, self.widths, self.names, shift=self.shift, scale=self.scale)
        other.params[...] = self.params
        return other

    def dense(self):
        """Return a network of the same weights that takes tables as they are."""
        return super().copy()

    def call(self, name, X, **more):
        return super().call(name, X if name == "decode" else sparse_rows(X), **more)

    def train(self, X, **options):
        return super().train(sparse_rows(X), **options)


def train_both(net, X, **options):
    """Train on sparse rows and on the dense table; return what was made of both, and the nets."""
    dense = net.dense()
    options = {"n_epochs": 2, "seed": 5, **options}
    averages = net.averages(), net.averages()
    made = net.train(X, averages=averages[0], **options)
    expected = dense.train(X, averages=averages[1], **options)
    return (made, net, averages[0]), (expected, dense, averages[1])


def assert_like_dense(net, X, *, tolerance=1e-4, **options):
    """Fail unless training on sparse rows is that on the dense table but for rounding."""
    start = net.weights64()
    (made, _, averages), (expected, dense, expected_averages) = train_both(net, X, **options)
    assert made["status"] == expected["status"] == "ok"
    for name in ("rows", "epochs", "samples", "steps"):
        assert made[name] == expected[name]
    for name in ("squared_error", "target_error", "mse"):
        np.testing.assert_allclose(made[name], expected[name], rtol=1e-4, atol=1e-6)
    W, b = dense.weights64()
    moved = farthest(W, b, *start)
    assert moved > 1e-4
    # Otherwise it was the dense table's own way.
    assert not np.array_equal(net.params, dense.params)
    rounding = 6e-8 * made["steps"] ** 0.5 * max(1.0, np.abs(dense.params).max())
    worst = farthest(*net.weights64(), W, b)
    assert worst <= tolerance * moved + rounding, f"off by {worst / moved:.2g} of {moved:.2g}"
    np.testing.assert_allclose(averages, expected_averages, atol=1e-5)


def assert_as_dense(net, X, **options):
    """Fail unless training on sparse rows is that on the dense table, bit for bit."""
    (made, _, averages), (expected, dense, expected_averages) = train_both(net, X, **options)
    np.testing.assert_array_equal(net.params, dense.params)
    np.testing.assert_array_equal(averages, expected_averages)
    for name in ("squared_error", "target_error", "rows", "steps", "status"):
        assert made[name] == expected[name]


def network(core, X, hidden=(6,), hidden_name="tanh", *, n_outputs=None, shifted=True, seed=4):
    names = deep_names((X.shape[1], *hidden, X.shape[1]), hidden_name, "identity")
    net = SparseNet.ranged(core, X, hidden, names, seed=seed, n_outputs=n_outputs)
    if not shifted:
        net.shift[...] = 0
    return net


# Tables and models of the estimators' tests
FORMATS = ("csr", "csc", "coo", "bsr", "lil", "dok")
N_ROWS, N_COLUMNS = 240, 40
BATCH = {"batch_size": 32}  # "auto" takes more rows of sparse tables


def rows(dtype=np.float64, density=0.08, seed=0):
    return zeros_and_more(N_ROWS, N_COLUMNS, density, dtype, seed)


def model(**options):
    defaults = {"max_epochs": 4, "random_state": 0, "scaling": "range", "score_every": 96, **BATCH}
    return Autoencoder(**{**defaults, **options})


def assert_alike(fitted, other, tolerance=1e-5):
    """Fail unless two fits are the same but for rounding."""
    assert fits.farthest(fitted, other) < tolerance
    np.testing.assert_allclose(fitted.loss_curve_, other.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(fitted.shift_, other.shift_, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(fitted.scale_, other.scale_, rtol=1e-10)
    np.testing.assert_allclose(fitted.offset_, other.offset_, rtol=1e-4)
    assert fitted.n_samples_seen_ == other.n_samples_seen_
