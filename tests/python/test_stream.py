"""Scaling that follows a stream: statistics of all rows so far, and weights that move along."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastae import _core
from fastae._checks import ACTIVATIONS
from fastae._stream import ColumnStats, rescale
from fastae._weights import Network, draw


def stats(X):
    *columns, count, total = _core.column_stats(X, n_threads=1)
    return ColumnStats(count, *columns, total)


def chunks(X, sizes):
    ends = np.cumsum(sizes)
    return np.split(X, ends[ends < len(X)])


SIZES = {
    "equal": [50] * 20,
    "single rows": [1] * 1000,
    "unequal": [1, 2, 300, 7, 1, 400, 289],
    "one row first": [1, 999],
    "one row last": [999, 1],
}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_merged_statistics_are_those_of_all_rows(sizes, centre):
    X = np.random.default_rng(0).normal(size=(1000, 4)) * [1, 100, 0.01, 0] + centre
    merged = None
    for chunk in chunks(X, SIZES[sizes]):
        merged = stats(chunk) if merged is None else merged.merged(stats(chunk))
    np.testing.assert_array_equal(merged.count, [1000] * 4)
    assert merged.total == 1000
    assert not merged.has_missing
    np.testing.assert_allclose(merged.mean, X.mean(axis=0), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(merged.minimum, X.min(axis=0))
    np.testing.assert_array_equal(merged.maximum, X.max(axis=0))
    rounding = 1e-15 * centre**2 * 1e-3
    np.testing.assert_allclose(merged.variance, X.var(axis=0), rtol=1e-9, atol=rounding)


def test_merging_depends_on_the_order_only_by_rounding():
    rng = np.random.default_rng(0)
    parts = [stats(rng.normal(size=(n, 3))) for n in (1, 5, 100)]
    first, *others = (
        a.merged(b).merged(c).columns for a, b, c in itertools.permutations(parts)
    )  # fmt: skip
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-12, atol=1e-14)


def test_weights_count_as_rows():
    X = np.random.default_rng(0).normal(size=(5, 2))
    heavy = ColumnStats(np.full(2, 10.0), *stats(X).columns, 10.0)  # every row twice
    repeated = stats(np.vstack([X, X, X + 1]))
    np.testing.assert_allclose(heavy.merged(stats(X + 1)).columns, repeated.columns, rtol=1e-12)


def test_merging_leaves_its_parts_alone():
    one, two = stats(np.eye(3)), stats(np.eye(3) * 5)
    before = [column.copy() for column in (*one.columns, *two.columns)]
    one.merged(two)
    np.testing.assert_array_equal(np.array([*one.columns, *two.columns]), np.array(before))


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:All-NaN", "ignore:Degrees of")
@pytest.mark.parametrize("sizes", SIZES)
def test_merged_statistics_of_known_values_are_those_of_all(sizes):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((1000, 4)) < 0.3, np.nan, rng.normal(5, 2, (1000, 4)))
    X[:600, 0] = X[300:, 1] = X[:, 3] = np.nan
    merged = None
    for chunk in chunks(X, SIZES[sizes]):
        merged = stats(chunk) if merged is None else merged.merged(stats(chunk))
    known = ~np.isnan(X)
    np.testing.assert_array_equal(merged.count, known.sum(axis=0))
    assert merged.total == 1000
    assert merged.has_missing
    assert merged.known_share == pytest.approx(known.mean())
    for made, function in zip(merged.columns, (np.nanmean, np.nanmin, np.nanmax, np.nanvar),
                              strict=True):  # fmt: skip
        np.testing.assert_allclose(made[:3], function(X[:, :3], axis=0), rtol=1e-11)
        assert made[3] == 0
    shift, scale = merged.scaling("range", X.dtype)
    assert (shift[3], scale[3]) == (0, 0)
    assert (scale[:3] > 0).all()


def scalings(n, kind):
    """Return two (shift, scale) that differ in the centre, the spread or both."""
    rng = np.random.default_rng(1)
    old = rng.normal(size=n), rng.uniform(0.5, 2, n)
    new = {
        "shift": (old[0] + rng.normal(size=n), old[1]),
        "scale": (old[0], old[1] * rng.uniform(0.1, 10, n)),
        "both": (old[0] + rng.normal(size=n), old[1] * rng.uniform(0.1, 10, n)),
    }[kind]
    return old, new


def random_network(widths):
    network = Network.zeros(widths)
    draw(network, "glorot_uniform", 1.0, np.random.RandomState(0))
    for b in network.intercepts:
        b[...] = np.random.default_rng(2).normal(size=b.shape)
    return network


def call(name, X, network, activations, scaling, **more):
    shift, scale = scaling
    return getattr(_core, name)(
        X, network.params, widths=network.widths, activations=activations, shift=shift,
        scale=scale, n_threads=1, **more,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["shift", "scale", "both"])
@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(5, 3, 5), (5, 8, 2, 8, 5)])
def test_a_linear_output_says_the_same_in_the_columns_own_units(widths, hidden, kind):
    X = np.random.default_rng(0).normal(size=(40, 5))
    network, activations = random_network(widths), [*[hidden] * (len(widths) - 2), "identity"]
    old, new = scalings(5, kind)
    before = call("reconstruct", X, network, activations, old)
    codes = call("activations", X, network, activations, old, n_layers=1)
    weights = network.params.copy()
    rescale(network, activations, old, new)
    assert not np.array_equal(network.params, weights)
    after = call("reconstruct", X, network, activations, new)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    new_codes = call("activations", X, network, activations, new, n_layers=1)
    np.testing.assert_allclose(new_codes, codes, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("output", [name for name in ACTIVATIONS if name != "identity"])
def test_only_the_encoder_is_kept_below_another_output(output):
    X = np.random.default_rng(0).normal(size=(40, 5))
    network, activations = random_network((5, 4, 2, 4, 5)), ["tanh", "elu", "tanh", output]
    old, new = scalings(5, "both")
    hidden = call("activations", X, network, activations, old, n_layers=3)
    last = [network.coefs[-1].copy(), network.intercepts[-1].copy()]
    rescale(network, activations, old, new)
    np.testing.assert_allclose(
        call("activations", X, network, activations, new, n_layers=3), hidden, atol=1e-5
    )
    np.testing.assert_array_equal(network.coefs[-1], last[0])
    np.testing.assert_array_equal(network.intercepts[-1], last[1])


def test_a_network_without_hidden_layers_is_both_first_and_last():
    X = np.random.default_rng(0).normal(size=(40, 5))
    network, (old, new) = random_network((5, 5)), scalings(5, "both")
    before = call("reconstruct", X, network, ["identity"], old)
    rescale(network, ["identity"], old, new)
    after = call("reconstruct", X, network, ["identity"], new)
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)


def test_the_same_scaling_changes_no_bit():
    network = random_network((5, 3, 5))
    before = network.params.copy()
    old, _ = scalings(5, "both")
    rescale(network, ["tanh", "identity"], old, (old[0].copy(), old[1].copy()))
    np.testing.assert_array_equal(network.params, before)


def test_padding_stays_empty():
    network = random_network((5, 3, 5))
    padding = Network.zeros((5, 3, 5))
    for view in (*padding.coefs, *padding.intercepts):
        view[...] = 1
    rescale(network, ["tanh", "identity"], *scalings(5, "both"))
    assert not network.params[padding.params == 0].any()
