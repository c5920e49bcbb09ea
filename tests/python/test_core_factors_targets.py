"""Categories in networks with targets, and in rows that are known to be anomalies."""

from __future__ import annotations

import numpy as np
import pytest

from corefactors import LOSSES, N_ROWS, FactorNet, Shape, assert_threads_alike, gentle, network
from corenet import ISAS, SOLVERS, sample_weight
from coretargets import TASKS
from fastae import _core
from reference import LOSSES as LOSSES_OF_NUMBERS


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


@pytest.fixture
def fastest():
    """The best instruction set alone, for what does not depend on it."""
    return _core.load(ISAS[-1])


# Targets behind the levels, in the same part as numbers or in others, and targets alone.
SHAPES = [
    Shape(5, (3, 7, 2), (6, 4), marks=True, n_targets=3),
    Shape(0, (3, 7), (6,), n_targets=4),
    Shape(5, (3, 7, 2), (6, 4), n_targets=3, reconstructs=False),
    Shape(0, (4,), (20,), n_targets=2, reconstructs=False),
    Shape(130, (60, 5), (60,), marks=True, n_targets=140),
    Shape(20, (60, 5), (160,), marks=True, n_targets=140, reconstructs=False),
]


@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("task", ["some classes", "some numbers"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_targets_beside_factors_equal_the_reference(core, shape, loss, task, batch_size):
    net, options = network(core, shape, loss)
    options |= {**gentle(shape), **TASKS[task](N_ROWS, shape.n_targets), "batch_size": batch_size}
    assert_threads_alike(net, teams=[2, 3], **options)


def cases(shape):
    """What else there is to train with, by name."""
    return {
        **{
            f"loss {name}": {"loss": name, "loss_parameter": parameter}
            for name, parameter in LOSSES_OF_NUMBERS.items()
        },
        "weights": {"target_weight": 2.5, "reconstruction_weight": 0.3},
        "no reconstruction weight": {"reconstruction_weight": 0.0},
        "sample weight": {"sample_weight": sample_weight(N_ROWS)},
        "dropout": {"input_dropout": 0.3, "hidden_dropout": [0.3] * len(shape.hidden)},
        "penalties": {"l1": 0.01, "l2": 0.05},
    }


@pytest.mark.parametrize("task", ["some classes", "some numbers"])
@pytest.mark.parametrize("case", cases(SHAPES[0]))
@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[2], SHAPES[4]], ids=str)
def test_targets_with_every_option_equal_the_reference(fastest, shape, case, task):
    net, options = network(fastest, shape)
    options |= {**gentle(shape), **TASKS[task](N_ROWS, shape.n_targets), "batch_size": 5}
    assert_threads_alike(net, **options, **cases(shape)[case])


@pytest.mark.parametrize("task", ["some classes", "some numbers"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_learns_targets_like_the_reference(core, solver, task):
    shape = SHAPES[0]
    net, options = network(core, shape, full_levels=5, n_sampled=3)
    options |= {**SOLVERS[solver], **TASKS[task](N_ROWS, shape.n_targets), "batch_size": 5}
    if solver.startswith("sgd"):
        options |= gentle(shape)
    elif solver == "adadelta":
        options["learning_rate"] = 0.3
    assert_threads_alike(net, tolerance=3e-4, **options)


def test_what_is_not_reconstructed_has_no_error(core):
    net, options = network(core, SHAPES[2])
    made = net.fit(**gentle(SHAPES[2]), **options, **TASKS["classes"](N_ROWS, 3), batch_size=4)
    assert made["squared_error"] == [0.0]
    assert made["target_error"][0] > 0


ANOMALOUS = np.isin(np.arange(N_ROWS), [0, 2, 7, 8, 13, 14, 18])
WITH_ANOMALIES = [
    Shape(5, (3, 7, 2), (6, 4)),
    Shape(0, (3, 7), (12,)),
    Shape(130, (60, 5), (140, 20)),
]


def of_rows(net):
    """Return the rows' mean errors; rows that lack something have a smaller one in training."""
    errors = net.made_of("feature_errors")
    n_factors = sum(map(net.factors.n_errors, range(net.factors.n)))
    return np.nansum(errors, axis=1) / (net.shape.n_numbers + n_factors)


@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("margin", ["low", "middle", "high"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", WITH_ANOMALIES, ids=str)
def test_anomalies_equal_the_reference(core, shape, loss, margin, batch_size):
    net = FactorNet.of(core, shape, loss)
    scores = np.sort(of_rows(net)[ANOMALOUS])
    gap = np.argmax(np.diff(scores)[1:-1]) + 1
    middle = scores[gap : gap + 2].mean()
    assert scores[gap] < middle < scores[gap + 1]
    options = {**gentle(shape), "anomalous": ANOMALOUS, "batch_size": batch_size}
    value = {"low": 1e-6, "middle": float(middle), "high": 1e3}[margin]
    assert_threads_alike(net, teams=[2, 3], **options, margin=value)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", ["sample weight", "loss huber", "dropout", "penalties"])
def test_anomalies_with_more_options_equal_the_reference(fastest, case, loss):
    shape = WITH_ANOMALIES[0]
    net = FactorNet.of(fastest, shape, loss, full_levels=5, n_sampled=3)
    options = {**gentle(shape), "anomalous": ANOMALOUS, "margin": 1e3, "batch_size": 5}
    assert_threads_alike(net, **options, **cases(shape)[case])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_margin_counts_the_errors_of_factors(core, loss):
    # One anomaly whose numbers alone are far below the margin, or all its errors are.
    net = FactorNet.of(core, Shape(5, (3, 7, 2), (6, 4)), loss, n=1)
    net.codes[...] = [[0, 6, 1]]
    error = float(of_rows(net)[0])
    for margin, moves in [(0.99 * error, False), (1.01 * error, True)]:
        other = net.copy()
        made = other.fit(solver="sgd", learning_rate=0.1, anomalous=np.ones(1, bool), margin=margin)
        assert made["squared_error"] == [0.0]
        assert np.array_equal(other.params, net.params) != moves
        if moves:  # away from its levels, too
            assert of_rows(other)[0] > error
            errors = [one.made_of("feature_errors")[0, 5:] for one in (other, net)]
            assert (errors[0] > errors[1]).all()
