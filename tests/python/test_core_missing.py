"""Missing inputs: training and scoring with NaN against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import (
    ISAS,
    SOLVERS,
    STORAGES,
    Net,
    alternating,
    assert_threads_alike,
    gentle_rate,
    sample_weight,
    table,
)
from coretargets import TASKS
from fastae import _core
from reference import LOSSES

N_ROWS = 19
# Both sides of a vector and of a part of the columns; layers that narrow and that widen.
NETWORKS = {
    (7, 3, 7): ["tanh", "identity"],
    (17, 20, 17): ["logistic", "tanh"],
    (40, 17, 6, 17, 40): ["tanh", "elu", "logistic", "identity"],
    (300, 140, 300): ["tanh", "identity"],
}
MODES = ["ignore", "impute"]
BOTH = [np.float32, np.float64]


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


def with_gaps(X, share=0.25, seed=7):
    """Return the table with NaN in it: all of two rows, and nothing of three."""
    gone = np.random.default_rng(seed).random(X.shape) < share
    gone[:, X.shape[1] // 2] = True
    gone[[1, len(X) // 2]] = True
    gone[[0, 5, len(X) - 1]] = False
    return np.where(gone, X.dtype.type(np.nan), X)


def network(core, widths, dtype=np.float64, n=N_ROWS):
    """Return a network, its complete table, and that table with gaps."""
    X = table(n, widths[0], dtype, seed=2)
    return Net.ranged(core, X, widths[1:-1], NETWORKS[widths], seed=3), X, with_gaps(X)


def filled(net, X):
    """Return the table with NaN replaced by what the network takes for 0."""
    return np.where(np.isnan(X), net.shift, X)


def cases(widths):
    """What to train with, by name."""
    return {
        "plain": {},
        **{f"loss {name}": {"loss": name, "loss_parameter": LOSSES[name]} for name in LOSSES},
        "input dropout": {"input_dropout": 0.3},
        "input noise": {"input_noise": 0.2},
        "dropout and noise": {"input_dropout": 0.2, "input_noise": 0.1},
        "hidden dropout": {"hidden_dropout": alternating(widths, 0.3, 0.0, 0.5)[:-1]},
        "sparsity": {"sparsity_beta": 0.3, "average_activation": 0.1},
        "penalties": {"l2": 0.05, "max_w2": 0.6},
        "sample weight": {"sample_weight": sample_weight(N_ROWS)},
    }


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("case", cases((1, 1)))
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_training_equals_the_reference(core, widths, case, batch_size, missing):
    net, _, gaps = network(core, widths)
    options = {"solver": "sgd", "learning_rate": gentle_rate(widths), **cases(widths)[case]}
    assert_threads_alike(net, gaps, batch_size=batch_size, missing=missing, **options)


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_equals_the_reference(core, solver, batch_size, missing):
    net, _, gaps = network(core, (40, 17, 6, 17, 40))
    assert_threads_alike(net, gaps, batch_size=batch_size, missing=missing, **SOLVERS[solver])


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("widths", "n_targets", "reconstructs"),
    [((7, 3), 3, True), ((7, 3), 3, False), ((130, 60), 140, True)],
    ids=str,
)
def test_targets_beside_missing_inputs(
    core, widths, n_targets, reconstructs, task, batch_size, missing
):
    X = table(N_ROWS, widths[0], seed=2)
    n_outputs = n_targets + (widths[0] if reconstructs else 0)
    net = Net.ranged(core, X, widths[1:], ["tanh", "identity"], seed=3, n_outputs=n_outputs)
    options = {"solver": "sgd", "learning_rate": gentle_rate(net.widths), "batch_size": batch_size}
    assert_threads_alike(
        net, with_gaps(X), missing=missing, **options, **TASKS[task](N_ROWS, n_targets)
    )


@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("batch_size", [1, 5])
def test_anomalies_equal_the_reference(core, batch_size, missing):
    net, _, gaps = network(core, (7, 3, 7))
    anomalous = np.arange(N_ROWS) % 3 == 0
    options = {"solver": "sgd", "learning_rate": 0.05, "anomalous": anomalous, "margin": 1e3}
    assert_threads_alike(net, gaps, batch_size=batch_size, missing=missing, **options)


@pytest.mark.parametrize("noise", [{}, {"input_noise": 0.2}, {"input_dropout": 0.3}], ids=str)
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_imputing_is_training_on_the_filled_table(core, widths, batch_size, noise):
    net, _, gaps = network(core, widths)
    other = net.copy()
    made = net.train(gaps, batch_size=batch_size, missing="impute", **noise)
    expected = other.train(filled(net, gaps), batch_size=batch_size, **noise)
    np.testing.assert_array_equal(net.params, other.params)
    assert made["squared_error"] == expected["squared_error"]


@pytest.mark.parametrize("noise", [{}, {"input_noise": 0.2}], ids=str)
@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_a_complete_table_is_trained_on_as_ever(core, widths, batch_size, missing, noise):
    net, X, _ = network(core, widths)
    other = net.copy()
    net.train(X, batch_size=batch_size, missing=missing, **noise)
    other.train(X, batch_size=batch_size, **noise)
    np.testing.assert_array_equal(net.params, other.params)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_what_is_missing_moves_nothing(core, widths, batch_size):
    # No weight of an input that is never known, nor of an output never asked for.
    net, X, _ = network(core, widths)
    column = widths[0] - 1
    X[:, column] = np.nan
    start = net.copy()
    net.train(X, batch_size=batch_size, missing="ignore")
    np.testing.assert_array_equal(net.W[0][column], start.W[0][column])
    np.testing.assert_array_equal(net.W[-1][:, column], start.W[-1][:, column])
    assert net.b[-1][column] == start.b[-1][column]
    before = net.params.copy()
    made = net.train(np.full_like(X, np.nan), batch_size=batch_size, missing="ignore")
    assert (made["status"], made["squared_error"]) == ("ok", [0.0])
    np.testing.assert_array_equal(net.params, before)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_booked_errors_are_those_of_known_cells(core, batch_size):
    net, _, gaps = network(core, (40, 17, 6, 17, 40))
    weight = sample_weight(N_ROWS)
    errors = np.nansum(net.call("feature_errors", gaps, missing="ignore"), axis=1)
    made = net.train(
        gaps, missing="ignore", batch_size=batch_size, layer_rates=[0.0] * 4, sample_weight=weight
    )
    assert made["squared_error"] == [pytest.approx((weight * errors).sum(), rel=1e-5)]


@pytest.mark.parametrize("batch_size", [1, 5])
def test_without_being_told_training_diverges(core, batch_size):
    net, _, gaps = network(core, (7, 3, 7))
    for options in ({}, {"missing": "none"}):
        assert net.copy().train(gaps, batch_size=batch_size, **options)["status"] == "diverged"


@pytest.mark.parametrize("batch_size", [1, 6])
@pytest.mark.parametrize("missing", MODES)
def test_hogwild(core, missing, batch_size):
    X = with_gaps(table(200, 40), share=0.1)
    net = Net.ranged(core, table(200, 40), (6,), ["tanh", "tanh"])
    made = net.train(X, missing=missing, batch_size=batch_size, parallel="hogwild", n_threads=2,
                     n_epochs=20)  # fmt: skip
    assert made["status"] == "ok"
    assert np.isfinite(net.params).all()
    assert made["squared_error"][-1] < made["squared_error"][0] / 2


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_scores_of_known_cells_equal_the_reference(core, widths, dtype):
    net, _, gaps = network(core, widths, dtype, n=70)
    known = ~np.isnan(gaps)
    x = np.nan_to_num(net.scaled(gaps))
    r = net.outputs64(filled(net, gaps))[-1]
    errors = (r - x) ** 2
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-12}
    expected = np.where(known, errors, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    scores = net.call("score", gaps, missing="ignore")
    np.testing.assert_allclose(scores, expected, **close)
    assert (scores[~known.any(axis=1)] == 0).all()
    assert (~known.any(axis=1)).sum() == 2
    np.testing.assert_allclose(
        net.call("feature_errors", gaps, missing="ignore"), np.where(known, errors, np.nan), **close
    )
    np.testing.assert_allclose(
        net.call("score", gaps, missing="impute"), errors.mean(axis=1), **close
    )
    np.testing.assert_allclose(net.call("feature_errors", gaps, missing="impute"), errors, **close)
    for mode in MODES:
        made = net.call("reconstruct", gaps, missing=mode)
        assert made.dtype == dtype
        scale = {**close, "atol": close["atol"] * 50}
        np.testing.assert_allclose(made, r / net.scale + net.shift, **scale)
        for layer in range(len(widths)):
            h = net.call("activations", gaps, missing=mode, n_layers=layer)
            np.testing.assert_allclose(h, net.outputs64(filled(net, gaps))[layer], **close)


def outputs(net, X, **options):
    """Return what the functions that take `missing` make of a table."""
    last = len(net.names) - 1
    made = [net.call(f, X, **options) for f in ("score", "feature_errors", "reconstruct")]
    return [*made, net.call("activations", X, n_layers=last, **options)]


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("missing", MODES)
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_complete_rows_keep_their_bits(core, widths, missing, dtype):
    net, X, gaps = network(core, widths, dtype, n=70)
    complete = ~np.isnan(gaps).any(axis=1)
    assert 0 < complete.sum() < 10
    expected = outputs(net, X)
    for made, mine in zip(outputs(net, gaps, missing=missing), expected, strict=True):
        np.testing.assert_array_equal(made[complete], mine[complete])
    for made, mine in zip(outputs(net, X, missing=missing), expected, strict=True):
        np.testing.assert_array_equal(made, mine)


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize("missing", MODES)
def test_a_row_scores_the_same_in_any_company(core, missing, dtype):
    net, _, gaps = network(core, (40, 17, 6, 17, 40), dtype, n=70)
    alone = outputs(net, gaps, missing=missing)
    for n_threads in (2, 3):
        for made, mine in zip(outputs(net, gaps, missing=missing, n_threads=n_threads), alone,
                              strict=True):  # fmt: skip
            np.testing.assert_array_equal(made, mine)
    for rows in (slice(3, 4), slice(30, 41), slice(69, None)):
        for made, mine in zip(outputs(net, gaps[rows], missing=missing), alone, strict=True):
            np.testing.assert_array_equal(made, mine[rows])
    for storage in STORAGES.values():
        for made, mine in zip(outputs(net, storage(gaps), missing=missing), alone, strict=True):
            np.testing.assert_array_equal(made, mine)
    chosen = np.array([5, 1, 69, 1, 33], dtype=np.uint32)
    made = net.call("score", gaps, missing=missing, rows=chosen)
    np.testing.assert_array_equal(made, alone[0][chosen])


@pytest.mark.parametrize("dtype", BOTH)
def test_without_being_told_scores_are_nan(core, dtype):
    net, X, gaps = network(core, (7, 3, 7), dtype)
    complete = ~np.isnan(gaps).any(axis=1)
    for options in ({}, {"missing": "none"}):
        scores = net.call("score", gaps, **options)
        np.testing.assert_array_equal(np.isnan(scores), ~complete)
        np.testing.assert_array_equal(scores[complete], net.call("score", X)[complete])


@pytest.mark.parametrize("missing", MODES)
def test_infinity_is_not_missing(core, missing):
    net, X, _ = network(core, (7, 3, 7))
    X[3, 2] = np.inf
    assert np.isinf(net.call("score", X, missing=missing)[3])


@pytest.mark.parametrize("name", ["train", "score", "feature_errors", "reconstruct", "activations"])
def test_wrong_modes_are_value_errors(core, name):
    net, X, _ = network(core, (7, 3, 7))
    more = {"n_layers": 1} if name == "activations" else {}
    if name == "train":
        more = {"slots": net.slots(solver="sgd"), "solver": "sgd", "learning_rate": 0.1,
                "batch_size": 1}  # fmt: skip
    with pytest.raises(ValueError, match=r"missing.*skip"):
        net.call(name, X, missing="skip", **more)
