"""Streams: `partial_fit` trains on rows as they come, and scaling and threshold follow."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import reference
from corenet import farthest as farthest_weights
from fastae import _core
from fits import assert_same_fit, shallow_model, weights

# In chunks: equal, single rows, fewer rows than a mini-batch, one row first.
SIZES = {
    "equal": [100] * 6,
    "unequal": [30, 250, 3, 17, 300],
    "small": [5] * 20 + [500],
    "single rows": [40] + [1] * 60 + [500],
    "one row first": [1, 599],
}
SOLVERS = ["adam", "adadelta", "sgd"]


def rows(n=600, d=6, seed=1, spread=1.0):
    """Rows near a plane, the same for every seed, in columns of different centre and spread."""
    plane = np.random.default_rng(99).normal(size=(3, d))
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ plane + 0.1 * rng.normal(size=(n, d))
    return (X * np.linspace(0.5, 20, d) + np.linspace(-3, 50, d)) * spread


def chunks(X, sizes):
    return np.split(X, np.cumsum(sizes)[:-1])


def streamed(X, sizes, **options):
    fitted = shallow_model(**options)
    for chunk in chunks(X, sizes):
        fitted.partial_fit(chunk)
    return fitted


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("scaling", ["range", "standard", "none"])
def test_scaling_is_that_of_all_rows_so_far(sizes, scaling):
    X, fitted, n = rows(), shallow_model(scaling=scaling), 0
    for chunk in chunks(X, SIZES[sizes]):
        fitted.partial_fit(chunk)
        n += len(chunk)
        seen = X[:n]
        if scaling == "none":
            np.testing.assert_array_equal([fitted.shift_, fitted.scale_], [[0] * 6, [1] * 6])
            continue
        spread = np.ptp(seen, axis=0) if scaling == "range" else seen.std(axis=0)
        np.testing.assert_allclose(fitted.shift_, seen.mean(axis=0), rtol=1e-10)
        np.testing.assert_allclose(fitted.scale_, 1 / np.where(spread, spread, 1), rtol=1e-9)


@pytest.mark.parametrize("before", ["fit", "stream", "warm fit"])
def test_scaling_goes_on_after_fit(before):
    X, Z = rows(), rows(200, seed=2) * 3
    options = {"scaling": "range", "warm_start": before == "warm fit"}
    fitted = shallow_model(max_epochs=2, **options).fit(X)
    seen = [X]
    if before != "fit":
        (fitted.fit if before == "warm fit" else fitted.partial_fit)(Z)
        seen.append(Z)
    seen.append(fitted.partial_fit(Z[:50]) and Z[:50])
    seen = np.vstack(seen)
    np.testing.assert_allclose(fitted.shift_, seen.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(fitted.scale_, 1 / np.ptp(seen, axis=0), rtol=1e-10)


@pytest.mark.parametrize("hidden", [3, (8, 3, 8), ()])
def test_what_was_learnt_stays_when_the_scaling_moves(hidden):
    # With a rate of almost nothing, a call only moves the scaling.
    X = rows()
    X[:, 0] = X[:, 0] > X[0, 0]  # a range of exactly 1, as if by a constant column
    options = {"hidden_layer_sizes": hidden, "solver": "sgd", "scaling": "range"}
    fitted = shallow_model(max_epochs=30, **options).fit(X)
    before, scale = fitted.reconstruct(X), fitted.scale_
    fitted.set_params(learning_rate_init=1e-20, momentum=0.0).partial_fit(rows(50, seed=2) * 3 - 70)
    assert np.all(fitted.scale_ < scale / 1.5)
    spread = np.ptp(X, axis=0)
    np.testing.assert_allclose(fitted.reconstruct(X) / spread, before / spread, atol=2e-6)


def test_a_bounded_output_speaks_the_new_units():
    X = rows()
    options = {"output_activation": "tanh", "max_epochs": 30, "solver": "sgd"}
    fitted = shallow_model(**options).fit(X)
    codes, reconstructed = fitted.transform(X), fitted.reconstruct(X)
    fitted.set_params(learning_rate_init=1e-20, momentum=0.0).partial_fit(X * 3)
    np.testing.assert_allclose(fitted.transform(X), codes, atol=1e-5)
    assert not np.allclose(fitted.reconstruct(X), reconstructed, rtol=0.1)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("batch_size", [1, 16])
def test_a_stream_learns_like_fit(solver, batch_size):
    options = {"solver": solver, "batch_size": batch_size, "scaling": "range"}
    X, unseen = rows(6000), rows(500, seed=2)
    fitted = streamed(X, [500] * 12, **options)
    at_once = shallow_model(max_epochs=1, learning_rate="constant", **options).fit(X)
    untrained = shallow_model(max_epochs=0, scaling="range").fit(X)
    assert -fitted.score(unseen) < max(-1.5 * at_once.score(unseen), 0.0005)
    assert -fitted.score(unseen) < -0.8 * untrained.score(unseen)
    assert fitted.loss_curve_[-1] < 0.8 * fitted.loss_curve_[0]


@pytest.mark.parametrize("sizes", [[1] + [100] * 60, [20] + [1] * 980 + [500] * 10])
def test_a_stream_of_single_rows_learns(sizes):
    X, unseen = rows(6001)[: sum(sizes)], rows(500, seed=2)
    start = -shallow_model(max_epochs=0).fit(X).score(unseen)
    assert -streamed(X, sizes, batch_size=1).score(unseen) < 0.1 * start


@pytest.mark.parametrize("sizes", SIZES)
def test_units_do_not_matter(sizes):
    # Powers of two: scaled columns are the same, bit for bit.
    small, large = (streamed(rows(spread=s), SIZES[sizes], batch_size=8) for s in (2.0**-10, 2**10))
    X = rows()
    np.testing.assert_allclose(
        large.score_samples(X * 2**10), small.score_samples(X * 2.0**-10), rtol=1e-4
    )


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("batch_size", ["auto", 1, 16])
def test_the_same_chunks_give_the_same_bits(sizes, batch_size):
    options = {"batch_size": batch_size, "hidden_layer_sizes": (4, 2, 4)}
    one = streamed(rows(), SIZES[sizes], n_jobs=1, **options)
    two = streamed(rows(), SIZES[sizes], n_jobs=2, **options)
    assert_same_fit(one, two)
    other = streamed(rows(), SIZES[sizes], **{**options, "random_state": 1})
    assert not np.array_equal(weights(one)[0], weights(other)[0])


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("solver", SOLVERS)
def test_pickling_in_between_changes_no_bit(solver, batch_size):
    options = {"solver": solver, "batch_size": batch_size, "sparsity_beta": 0.1}
    pickled = shallow_model(**options)
    for chunk in chunks(rows(), SIZES["unequal"]):
        pickled = pickle.loads(pickle.dumps(pickled)).partial_fit(chunk)
    assert_same_fit(pickled, streamed(rows(), SIZES["unequal"], **options))


RATES = {"adam": 0.01, "adadelta": 0.3, "sgd": 0.05}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("batch_size", [1, 16])
def test_the_optimiser_goes_on_as_in_one_long_training(solver, batch_size):
    X, sizes = rows(200) / 30, [40, 100, 3, 57]
    options = {"solver": solver, "epsilon": 1e-3, "annealing": 0.01, "batch_size": batch_size}
    if solver != "sgd":
        del options["annealing"]
    fitted = shallow_model(
        scaling="none",
        nesterovs_momentum=False,
        learning_rate_init=RATES[solver],
        max_epochs=0,
        **options,
    ).fit(X)
    W, b = ([array.astype(np.float64) for array in arrays]
            for arrays in (fitted.coefs_, fitted.intercepts_))  # fmt: skip
    start = [w.copy() for w in W], [v.copy() for v in b]
    fitted = streamed(X, sizes, **{**fitted.get_params(), "coefs_init": fitted.coefs_})
    orders = [
        end - n + _core.row_order(n, fitted._state.seed, epoch)
        for epoch, (n, end) in enumerate(zip(sizes, np.cumsum(sizes), strict=True))
    ]
    curve, optimizer, _ = reference.train(
        X, W, b, ["tanh", "identity"], orders=orders, learning_rate=RATES[solver], momentum=0.9,
        momentum_start=0.9, **options,
    )  # fmt: skip
    np.testing.assert_allclose(fitted.loss_curve_, curve, rtol=1e-3)
    assert fitted.history_["iterations"][-1] == optimizer.steps
    moved = farthest_weights(W, b, *start)
    assert moved > 0.05
    assert farthest_weights(fitted.coefs_, fitted.intercepts_, W, b) < 1e-3 * moved
