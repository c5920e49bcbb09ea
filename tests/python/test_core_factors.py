"""Numbers and categories, against the float64 reference."""

from __future__ import annotations

import numpy as np
import pytest

import reference_factors
from corefactors import (
    LARGE,
    LOSSES,
    N_ROWS,
    SHAPES,
    SMALL,
    FactorNet,
    Shape,
    assert_threads_alike,
    gentle,
    network,
)
from corenet import ISAS, SOLVERS, sample_weight
from fastae import _core
from reference import ACTIVATIONS
from reference import LOSSES as LOSSES_OF_NUMBERS


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


@pytest.fixture
def fastest():
    """The best instruction set alone, for what does not depend on it."""
    return _core.load(ISAS[-1])


WIDE = Shape(6, (3, 4, 2), (40,), marks=True)


@pytest.mark.parametrize("batch_size", [1, 5, N_ROWS])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_factors_equal_the_reference(core, shape, loss, batch_size):
    net, options = network(core, shape, loss)
    assert_threads_alike(net, teams=[2, 3, 4], **gentle(shape), **options, batch_size=batch_size)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("shape", [SMALL, WIDE], ids=str)
def test_outputs_of_any_activation(fastest, shape, output, loss):
    net, options = network(fastest, shape, loss, output)
    assert_threads_alike(net, **gentle(shape), **options, batch_size=5)


def cases(shape):
    """What else there is to train with, by name."""
    hidden = [0.3, 0.5, 0.0][: len(shape.hidden)]
    return {
        **{
            f"loss {name}": {"loss": name, "loss_parameter": parameter}
            for name, parameter in LOSSES_OF_NUMBERS.items()
        },
        "sample weight": {"sample_weight": sample_weight(N_ROWS)},
        "input dropout": {"input_dropout": 0.3},
        "input noise": {"input_noise": 0.3},
        "hidden dropout": {"hidden_dropout": hidden},
        "sparsity": {"sparsity_beta": 0.3, "average_activation": 0.1},
        "penalties": {"l1": 0.01, "l2": 0.05},
        "layer rates": {"layer_rates": [0.5, *[1.5] * len(hidden)]},
        "first layer frozen": {"layer_rates": [0.0, *[1.0] * len(hidden)]},
        "last layer frozen": {"layer_rates": [*[1.0] * len(hidden), 0.0]},
        "thaw": {"thaw_steps": [3, *[0] * (len(hidden) - 1), 1]},
        "imputed": {"missing": "impute"},
    }


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", cases(SMALL))
@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=str)
def test_every_option_equals_the_reference(fastest, shape, case, loss, batch_size):
    more = cases(shape)[case]
    if "missing" in more:
        shape = shape._replace(marks=False)
    net = FactorNet.of(fastest, shape, loss)
    options = {**gentle(shape), **net.without_some(), **more, "batch_size": batch_size}
    assert_threads_alike(net, **options)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=str)
def test_every_solver_with_everything_equals_the_reference(core, shape, solver, loss, batch_size):
    # Units that no row of a mini-batch touches keep weights and state: so does the reference.
    net, options = network(core, shape, loss)
    n_hidden = len(shape.hidden)
    options |= {
        **SOLVERS[solver], "batch_size": batch_size, "sample_weight": sample_weight(N_ROWS),
        "input_dropout": 0.2, "input_noise": 0.05, "hidden_dropout": [0.2] * n_hidden,
        "sparsity_beta": 0.05, "average_activation": 0.1, "l2": 1e-2,
        "layer_rates": [1.2, *[0.7] * n_hidden], "thaw_steps": [2, *[0] * (n_hidden - 1), 1],
        "schedule": "onecycle", "samples_total": 3 * N_ROWS, "loss": "huber", "loss_parameter": 0.3,
    }  # fmt: skip
    if solver.startswith("sgd"):
        options |= gentle(shape)
    elif solver == "adadelta":
        options["learning_rate"] = 0.3
    assert_threads_alike(net, tolerance=3e-4, teams=[2, 3], **options)


def of_units(net, buffer):
    """Return views of such a buffer's part: rows of input units, columns and biases of outputs."""
    other = net.copy()
    other.params[...] = buffer[: net.params.size]
    return other.W[0], other.W[-1], other.b[-1]


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd-momentum"])
@pytest.mark.parametrize("shape", [SMALL, LARGE], ids=str)
def test_units_that_no_row_touches_keep_every_bit(core, shape, solver, batch_size):
    """Neither penalties nor the decay of their state reach them; all others change."""
    net, options = network(core, shape)
    options |= {**SOLVERS[solver], "batch_size": batch_size, "l1": 1e-3, "l2": 1e-2}
    slots = net.slots(**options)
    slots[...] = net.params != 0  # where weights are, state that every step changes
    slots *= 0.25
    for step in range(4):
        order = net.core.row_order(N_ROWS, 0, 0)[step * batch_size :][:batch_size]
        before = [part for buffer in (net.params, *slots) for part in of_units(net, buffer)]
        made = net.fit(**options, slots=slots, n_samples=batch_size, first_row=step * batch_size,
                       samples_done=step * batch_size, steps_done=step)  # fmt: skip
        assert made["steps"] == 1
        after = [part for buffer in (net.params, *slots) for part in of_units(net, buffer)]
        inputs = net.factors.inputs(
            np.ones((N_ROWS, shape.n_numbers)), net.codes, None, np.isnan(net.X)
        )
        entering = (inputs[order] != 0).any(axis=0)
        assert 0 < entering.sum() < len(entering)
        for k in range(0, len(before), 3):
            np.testing.assert_array_equal(after[k][~entering], before[k][~entering])
            assert (after[k][entering] != before[k][entering]).all(axis=1).all()
            # All levels are asked for in every row.
            assert (after[k + 1] != before[k + 1]).all()


@pytest.mark.parametrize("solver", ["adam", "adadelta"])
def test_codes_of_rows_without_weight_are_not_touched(core, solver):
    net, options = network(core, SMALL)
    net.codes[:, 1] = np.where(np.arange(N_ROWS) == 4, 6, 0)
    weight = (np.arange(N_ROWS) != 4).astype(np.float32)
    start = net.copy()
    net.fit(**SOLVERS[solver], **options, sample_weight=weight, batch_size=4, n_epochs=2, l2=0.1)
    unit = SMALL.n_numbers + 3 + 6
    np.testing.assert_array_equal(net.W[0][unit], start.W[0][unit])
    assert (net.W[0][unit - 6] != start.W[0][unit - 6]).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_input_dropout_switches_off_whole_factors(core, loss):
    # After one step on one row: a unit that was off has not changed, one that was on has.
    shape = Shape(0, (3,) * 40, (6,))
    net = FactorNet.of(core, shape, loss)
    start = net.copy()
    net.fit(solver="sgd", learning_rate=0.1, input_dropout=0.4, n_samples=1, seed=11)
    row = net.core.row_order(N_ROWS, 11, 0)[:1]
    kept = reference_factors.dropout(0.4, reference_factors.noise_keys(11, 0, row, 0), 40)[0] > 0
    moved = (net.W[0] != start.W[0]).any(axis=1)
    active = net.factors.inputs(np.zeros((1, 0)), net.codes[row], kept[None])[0] > 0
    np.testing.assert_array_equal(moved, active)
    assert 10 < active.sum() < 40


@pytest.mark.parametrize("loss", LOSSES)
def test_unknown_levels_are_no_loss(core, loss):
    net = FactorNet.of(core, Shape(0, (4, 6), (5,)), loss)
    net.codes[...] = -1
    start = net.copy()
    made = net.fit(solver="sgd", learning_rate=0.1, batch_size=5, n_epochs=2)
    assert made["squared_error"] == [0.0, 0.0]
    np.testing.assert_array_equal(net.params, start.params)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_factor_of_weight_0_is_input_only(core, loss):
    net, options = network(core, SMALL, loss)
    weights = (0.0, *net.factors.weights[1:])
    net.factors = reference_factors.replace(net.factors, weights=weights)
    start = net.copy()
    assert_threads_alike(net, **gentle(SMALL), **options, batch_size=5)
    at = net.factors.outputs(0)
    np.testing.assert_array_equal(net.W[-1][:, at], start.W[-1][:, at])
    assert (net.W[0][5:8] != start.W[0][5:8]).any()


def test_mse_is_the_mean_over_numbers_and_factors(core):
    for loss, n_columns in [("cross_entropy", 5 + 3), ("squared_error", 5 + 12)]:
        net, options = network(core, SMALL, loss)
        made = net.fit(**gentle(SMALL), **options, batch_size=5, n_epochs=2)
        expected = np.array(made["squared_error"]) / (N_ROWS * n_columns)
        np.testing.assert_allclose(made["mse"], expected, rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_reference_has_the_derivatives_of_its_loss(loss):
    """By central differences: nothing above is worth more than the reference."""
    rng = np.random.default_rng(0)
    factors = Shape(3, (4, 5), ()).factors(loss)
    codes = np.array([[0, 4], [3, -1], [-1, 2], [1, 1]])
    x = rng.normal(size=(4, 3))
    x[1, 2] = np.nan
    batch = reference_factors.Batch(x, codes, rng.uniform(0.5, 2, (4, 1)), (0, 0, 0))
    for of_numbers, parameter in LOSSES_OF_NUMBERS.items():
        objective = reference_factors.Objective(of_numbers, parameter)
        z = rng.normal(size=(4, 12))
        slopes, _ = objective.slopes(factors, z, batch, "tanh")
        measured = np.zeros_like(z)
        for at in np.ndindex(*z.shape):
            step = np.zeros_like(z)
            step[at] = 1e-6
            ahead, behind = (objective.value(factors, z + s, batch, "tanh") for s in (step, -step))
            measured[at] = (ahead - behind) / 2e-6
        np.testing.assert_allclose(slopes, measured, atol=1e-7)
