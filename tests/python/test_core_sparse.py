"""Sparse rows in the compiled core: trained on as the dense table, from its few values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from corenet import (
    ISAS,
    SOLVERS,
    assert_threads_alike,
    assert_trained_alike,
    gentle_rate,
    sample_weight,
)
from coretargets import TASKS
from fastae import _core
from sparserows import (
    SHAPES,
    SparseNet,
    assert_as_dense,
    assert_like_dense,
    network,
    sparse_rows,
    zeros_and_more,
)

N_ROWS = 60


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


@pytest.mark.parametrize("hidden", ["tanh", "relu", "logistic"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_first_steps_equal_the_reference(core, solver, hidden):
    X = zeros_and_more(N_ROWS, 40)
    for shifted, widths in itertools.product((True, False), [(6,), (20, 3, 9)]):
        net = network(core, X, widths, hidden, shifted=shifted)
        assert_trained_alike(net, X, batch_size=16, **SOLVERS[solver], l1=1e-3, l2=1e-2)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd-nesterov"])
def test_every_shape_equals_dense(core, shape, solver):
    d, hidden = shape
    X = zeros_and_more(N_ROWS, d, seed=d)
    options = dict(SOLVERS[solver], batch_size=45)
    if solver == "sgd-nesterov":
        options["learning_rate"] = gentle_rate((d, *hidden))
    for shifted in (True, False):
        assert_like_dense(network(core, X, hidden, shifted=shifted), X, **options)


@pytest.mark.parametrize("shape", [SHAPES[1], SHAPES[4], SHAPES[6]], ids=str)
def test_threads_make_the_same(core, shape):
    d, hidden = shape
    X = zeros_and_more(N_ROWS, d)
    rate = gentle_rate((d, *hidden))
    assert_threads_alike(
        network(core, X, hidden), X, teams=(2, 3, 4), batch_size=45, solver="sgd",
        learning_rate=rate,
    )  # fmt: skip


OPTIONS = {
    "weights": {"sample_weight": sample_weight(N_ROWS)},
    "limit": {"limit": 0.3},
    "l1": {"l1": 1e-2},
    "l2": {"l2": 1e-2},
    "hidden dropout": {"hidden_dropout": [0.3, 0.2]},
    "sparsity": {"sparsity_beta": 0.5, "average_activation": 0.1},
    "layer rates": {"layer_rates": [1.0, 0.5, 0.25]},
    "frozen": {"layer_rates": [0.0, 1.0, 0.0]},
    "thaw": {"thaw_steps": [2, 3, 0]},
    "cosine": {"schedule": "cosine", "samples_total": 2.0 * N_ROWS},
    "annealing": {"annealing": 0.01},
    "epochs": {"n_epochs": 5},
    "middle": {"first_epoch": 3, "first_row": 20, "n_samples": 70},
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("solver", ["sgd-momentum", "adam"])
def test_options_do_what_they_do_with_dense_rows(core, option, solver):
    X = zeros_and_more(N_ROWS, 70)
    options = {"batch_size": 20, **SOLVERS[solver], **OPTIONS[option]}
    if option == "limit":
        scaled = network(core, X, (9, 5)).scaled(X)
        assert (np.abs(scaled) > options["limit"]).mean() > 0.05
    # "limit" and weights do not move the columns' means apart from those of the network.
    assert_like_dense(network(core, X, (9, 5)), X, **options)


def test_a_limit_that_zeros_reach(core):
    X = zeros_and_more(N_ROWS, 70)
    net = network(core, X, (9, 5))
    net.shift[...] = 1.0  # zeros are scaled to less than -limit
    net.scale[...] = 1.0
    assert_like_dense(net, X, batch_size=20, solver="adam", learning_rate=0.01, limit=0.5)


@pytest.mark.parametrize("reconstructs", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_targets_beside_sparse_rows(core, task, reconstructs):
    X = zeros_and_more(N_ROWS, 70)
    for n_targets, batch_size in itertools.product((3, 20), (1, 20) if not reconstructs else (20,)):
        more = TASKS[task](N_ROWS, n_targets)
        net = network(core, X, (9, 5), n_outputs=n_targets + reconstructs * X.shape[1])
        options = {"target_weight": 0.7, "reconstruction_weight": 0.3} if reconstructs else {}
        assert_like_dense(
            net, X, batch_size=batch_size, solver="adam", learning_rate=0.01, epsilon=1e-3,
            sample_weight=sample_weight(N_ROWS), **more, **options,
        )  # fmt: skip


DENSE_OPTIONS = {
    "input_dropout": {"input_dropout": 0.3},
    "input_noise": {"input_noise": 0.3},
    "huber": {"loss": "huber", "loss_parameter": 0.5},
    "absolute": {"loss": "absolute_error"},
    "quantile": {"loss": "quantile", "loss_parameter": 0.3},
    "ignore": {"missing": "ignore"},
    "impute": {"missing": "impute"},
    "max_w2": {"max_w2": 0.5},
    "small batches": {"batch_size": 2},
    "margin": {"margin": 3.0, "anomalous": np.arange(N_ROWS) % 7 == 0},
}


@pytest.mark.parametrize("option", DENSE_OPTIONS)
def test_options_that_take_the_dense_way(core, option):
    X = zeros_and_more(N_ROWS, 70)
    if option in ("ignore", "impute"):
        X[X > 3] = np.nan
        assert np.isnan(X).any()
    net = network(core, np.nan_to_num(X), (9, 5))
    options = {"batch_size": 20, "solver": "adam", "learning_rate": 0.01, **DENSE_OPTIONS[option]}
    for n_threads in (1, 2):
        assert_as_dense(net.copy(), X, n_threads=n_threads, **options)


def test_tables_and_networks_that_take_the_dense_way(core):
    options = {"batch_size": 20, "solver": "adam", "learning_rate": 0.01}
    full = zeros_and_more(N_ROWS, 30, density=0.4)
    assert_as_dense(network(core, full), full, **options)
    X = zeros_and_more(N_ROWS, 30)
    bounded = SparseNet.ranged(core, X, (6,), ["tanh", "tanh"])
    assert_as_dense(bounded, X, **options)
    flat = SparseNet.ranged(core, X, (), ["identity"])
    assert_as_dense(flat, X, **options)


def test_the_dense_way_begins_at_a_fifth(core):
    options = {"batch_size": 20, "solver": "adam", "learning_rate": 0.01}
    X = np.zeros((20, 50))
    X[:, :10] = np.random.default_rng(0).uniform(1, 2, (20, 10))
    assert_like_dense(network(core, X), X, **options)
    X[3, 10] = 1.0
    assert_as_dense(network(core, X), X, **options)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_calls_add_up_to_one(core, solver, n_threads):
    X = zeros_and_more(N_ROWS, 70)
    weight = sample_weight(N_ROWS)
    n_rows = np.count_nonzero(weight)
    options = {**SOLVERS[solver], "batch_size": 20, "l2": 1e-3, "seed": 9, "sample_weight": weight}
    once, parts = network(core, X, (9, 5)), network(core, X, (9, 5))
    made = once.train(X, n_epochs=3, **options)
    slots, done, errors = parts.slots(**options), {"samples": 0, "steps": 0}, []
    for n_samples in (20, n_rows - 20, n_rows, 40, n_rows - 40):
        one = parts.train(
            X, slots=slots, **options, n_threads=n_threads, n_samples=n_samples,
            first_epoch=done["samples"] // n_rows, first_row=done["samples"] % n_rows,
            samples_done=done["samples"], steps_done=done["steps"],
        )  # fmt: skip
        errors += one["squared_error"]
        for key in done:
            done[key] += one[key]
    np.testing.assert_array_equal(parts.params, once.params)
    np.testing.assert_allclose(sum(errors), sum(made["squared_error"]), rtol=1e-12)
    assert done == {"samples": made["samples"], "steps": made["steps"]}


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_hogwild_learns_as_much(core, n_threads, batch_size):
    X = zeros_and_more(200, 70)
    net = network(core, X, (1,) if batch_size == 1 else (6,))
    options = {"solver": "adam", "learning_rate": 0.003, "batch_size": batch_size, "n_epochs": 20}
    calm = net.copy()
    expected = calm.train(X, **options)["mse"]
    made = net.train(X, parallel="hogwild", n_threads=n_threads, **options)
    assert made["status"] == "ok"
    assert np.isfinite(net.params).all()
    assert expected[-1] < 0.9 * expected[0]
    np.testing.assert_allclose(made["mse"][-1], expected[-1], rtol=0.15)


@pytest.mark.parametrize("solver", SOLVERS)
def test_few_rows(core, solver):
    for n in (1, 2):
        X = zeros_and_more(n, 40, density=0.15, seed=3)
        assert 0 < np.count_nonzero(X) < 0.2 * X.size
        for batch_size in (1, 2):
            net = network(core, X, (1,), shifted=False)
            net.scale[...] = 1.0
            assert_like_dense(net, X, batch_size=batch_size, **SOLVERS[solver])


def test_batches_of_one_row_with_one_unit(core):
    X = zeros_and_more(30, 40)
    assert_like_dense(network(core, X, (7, 1)), X, batch_size=1, solver="sgd", learning_rate=0.02)


def test_only_zeros(core):
    X = np.zeros((20, 40))
    net = SparseNet(core, (40, 4, 40), ["tanh", "identity"], shift=np.full(40, 0.5))
    assert_like_dense(net, X, batch_size=10, solver="adam", learning_rate=0.01)


def test_stored_zeros_change_nothing_but_rounding(core):
    X = zeros_and_more(N_ROWS, 70)
    values, indices, indptr, d = sparse_rows(X)
    # One more value per row, a 0 in the first column where nothing is.
    rows = np.flatnonzero(X[:, 0] == 0)
    at = indptr[rows]
    values, indices = np.insert(values, at, 0.0), np.insert(indices, at, np.int32(0))
    indptr = indptr + np.searchsorted(rows, np.arange(N_ROWS + 1))
    net, other = network(core, X), network(core, X)
    options = {"batch_size": 20, "solver": "adam", "learning_rate": 0.01, "n_epochs": 2}
    net.train(X, **options)
    super(SparseNet, other).train((values, indices, indptr, d), **options)
    np.testing.assert_allclose(other.params, net.params, atol=1e-6)
    scores = [
        super(SparseNet, net).call("score", rows) for rows in (X, (values, indices, indptr, d))
    ]
    np.testing.assert_array_equal(*scores)
