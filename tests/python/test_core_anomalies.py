"""Rows that are known to be anomalies, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import (
    ISAS,
    SOLVERS,
    Net,
    alternating,
    assert_threads_alike,
    farthest,
    gentle_rate,
    sample_weight,
    table,
)
from fastae import _core
from reference import LOSSES


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


N_ROWS = 19
ANOMALOUS = np.isin(np.arange(N_ROWS), [0, 2, 7, 8, 13, 14, 18])
NETWORKS = {
    (7, 3, 7): ["logistic", "identity"],
    (5, 9, 5): ["elu", "logistic"],
    (40, 17, 6, 17, 40): ["tanh", "elu", "logistic", "tanh"],
    (300, 140, 300): ["logistic", "tanh"],
    (20, 140, 300, 130, 20): ["tanh", "logistic", "elu", "identity"],
    (130, 200, 130): ["tanh", "identity"],
}


def network(core, widths):
    X = table(N_ROWS, widths[0], seed=2)
    return Net.ranged(core, X, widths[1:-1], NETWORKS[widths], seed=3), X


def middle_margin(net, X):
    """Return a margin that some anomalies are below, and some not: in their widest middle gap."""
    scores = np.sort(net.call("score", X)[ANOMALOUS])
    gap = np.argmax(np.diff(scores)[1:-1]) + 1
    return float(scores[gap : gap + 2].mean())


def sgd(widths):
    return {"solver": "sgd", "learning_rate": gentle_rate(widths)}


@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("margin", ["low", "middle", "high"])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_anomalies_equal_the_reference(core, widths, margin, batch_size):
    net, X = network(core, widths)
    value = {"low": 1e-6, "middle": middle_margin(net, X), "high": 1e3}[margin]
    assert_threads_alike(net, X, teams=[2, 3], **sgd(widths), batch_size=batch_size,
                         margin=value, anomalous=ANOMALOUS)  # fmt: skip


def cases(widths):
    hidden = alternating(widths, 0.3, 0.0, 0.5)[:-1]
    return {
        **{f"loss {name}": {"loss": name, "loss_parameter": LOSSES[name]} for name in LOSSES},
        "sample weight": {"sample_weight": sample_weight(N_ROWS)},
        "input dropout": {"input_dropout": 0.3},
        "input noise": {"input_noise": 0.2},
        "hidden dropout": {"hidden_dropout": hidden},
        "sparsity": {"sparsity_beta": 0.3, "average_activation": 0.1},
        "penalties": {"l1": 0.01, "l2": 0.05, "max_w2": 0.6},
        "layer rates": {"layer_rates": alternating(widths, 0.0, 1.5, 0.3)},
        "thaw": {"thaw_steps": alternating(widths, 5, 0, 3)},
    }


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("case", cases((1, 1)))
@pytest.mark.parametrize("widths", [(40, 17, 6, 17, 40), (300, 140, 300)], ids=str)
def test_anomalies_with_every_option_equal_the_reference(core, widths, case, batch_size):
    net, X = network(core, widths)
    assert_threads_alike(net, X, **sgd(widths), **cases(widths)[case], batch_size=batch_size,
                         margin=middle_margin(net, X), anomalous=ANOMALOUS)  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("solver", SOLVERS)
def test_anomalies_with_every_solver_equal_the_reference(core, solver, batch_size):
    net, X = network(core, (40, 17, 6, 17, 40))
    options = {**SOLVERS[solver], "batch_size": batch_size}
    if solver == "adadelta":
        options["learning_rate"] = 0.3
    margin = middle_margin(net, X)
    assert_threads_alike(net, X, tolerance=3e-4, **options, margin=margin, anomalous=ANOMALOUS)


def steps(net, X, **options):
    """Return how weights and biases change in an epoch of one mini-batch, and the result."""
    start = net.params.astype(np.float64)
    made = net.train(X, solver="sgd", learning_rate=0.25, batch_size=len(X), **options)
    return net.params - start, made


@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_an_anomaly_is_pushed_where_others_come_from(core, widths):
    net, X = network(core, widths)
    all_rows = np.ones(N_ROWS, bool)
    ordinary, made = steps(net.copy(), X)
    pushed, not_booked = steps(net.copy(), X, anomalous=all_rows, margin=1e3)
    np.testing.assert_allclose(pushed, -ordinary, atol=1e-6)
    assert np.abs(pushed).max() > 1e-3
    assert made["squared_error"][0] > 0
    assert not_booked["squared_error"] == not_booked["target_error"] == [0.0]
    far, _ = steps(net.copy(), X, anomalous=all_rows, margin=1e-6)
    np.testing.assert_array_equal(far, 0)


@pytest.mark.parametrize("case", ["none", "weighted", "corrupted"])
@pytest.mark.parametrize("widths", NETWORKS, ids=str)
def test_the_margin_is_of_the_mean_squared_error_of_the_row(core, widths, case):
    # Of what the network makes of it: the weight of the row is of no influence, corruption is.
    more = {
        "none": {},
        "weighted": {"sample_weight": np.full(1, 7.0, np.float32)},
        "corrupted": {"input_dropout": 0.5, "input_noise": 0.2},
    }[case]
    net, X = network(core, widths)
    X, anomalous = X[:1], np.ones(1, bool)
    _, made = steps(net.copy(), X, **more)
    score = made["squared_error"][0] / widths[0] / more.get("sample_weight", [1.0])[0]
    if case != "corrupted":
        assert score == pytest.approx(net.call("score", X)[0], rel=1e-4)
    for factor, moves in [(1.001, True), (0.999, False)]:
        moved, _ = steps(net.copy(), X, **more, anomalous=anomalous, margin=factor * score)
        assert (np.abs(moved).max() > 0) == moves


@pytest.mark.parametrize("batch_size", [1, 5])
def test_none_that_is_anomalous_is_as_if_nothing_were_said(core, batch_size):
    trained = []
    for more in ({}, {"anomalous": np.zeros(N_ROWS, bool), "margin": 1.0}):
        net, X = network(core, (130, 200, 130))
        net.train(X, **sgd(net.widths), batch_size=batch_size, n_epochs=3, **more)
        trained.append(net)
    if batch_size > 1:
        np.testing.assert_array_equal(trained[0].params, trained[1].params)
    # Single rows have kernels of their own, but not where some may be anomalies.
    assert farthest(*trained[0].weights64(), *trained[1].weights64()) < 1e-5


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 1), ("hogwild", 2)])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_anomalies_end_up_beyond_the_margin(core, batch_size, parallel, n_threads):
    X = table(400, 30, seed=1)
    anomalous = np.zeros(400, bool)
    anomalous[::8] = True
    X[anomalous] = X[anomalous][:, ::-1]  # other correlations
    medians = {}
    for marked in (np.zeros(400, bool), anomalous):
        net = Net.ranged(core, X, (12,), ["tanh", "identity"])
        made = net.train(
            X, solver="adam", learning_rate=3e-3, batch_size=batch_size, n_epochs=30, margin=0.3,
            anomalous=marked, parallel=parallel, n_threads=n_threads,
        )  # fmt: skip
        assert made["status"] == "ok"
        scores = net.call("score", X)
        medians[bool(marked.any())] = np.median(scores[anomalous]), np.median(scores[~anomalous])
    assert medians[True][0] > 0.2
    assert medians[True][0] > 5 * medians[False][0]
    assert medians[True][1] < 0.02
