"""What a network on numbers and categories makes of a table, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from corefactors import LOSSES, SHAPES, FactorNet, Shape, network
from corenet import ISAS, STORAGES
from fastae import _core
from reference import activate, log_softmax


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


N = 75  # chunks of rows, the last incomplete
DTYPES = {"float32": 2e-5, "float64": 1e-10}
OUTPUTS = [("cross_entropy", "tanh"), ("squared_error", "tanh"), ("squared_error", "identity")]
FEW_SHAPES = [SHAPES[1], SHAPES[4], SHAPES[6], SHAPES[8]]
TARGETS_ALONE = Shape(5, (3, 7, 2), (6, 4), n_targets=3, reconstructs=False)


def made(core, shape, loss, dtype, output="identity", **more):
    """Return a network with rows that lack something, and the options that needs."""
    net = FactorNet.of(core, shape, loss, output, n=N, **more)
    options = net.without_some()
    net.X = net.X.astype(dtype)
    return net, options


def outputs(net):
    """Return the numbers' outputs, and every factor's: logits, or numbers of their own."""
    z = net.outputs()[1]
    name = net.names[-1]
    factors = net.factors
    of_factors = [z[:, factors.outputs(f)] for f in range(factors.n)]
    if factors.loss == "squared_error":
        of_factors = [activate(name, z) for z in of_factors]
    return activate(name, z[:, : factors.n_numbers]), of_factors


def errors(net):
    """Return the errors of numbers and factors, NaN where the value is not known."""
    numbers, of_factors = outputs(net)
    found = [(numbers - net.scaled(net.X)) ** 2]
    for f, z in enumerate(of_factors):
        own = (net.codes[:, f, None] == np.arange(z.shape[1])).astype(np.float64)
        if net.factors.loss == "squared_error":
            error = ((z - own) ** 2).sum(axis=1)
        else:
            error = -(own * log_softmax(z)).sum(axis=1) if z.shape[1] else np.zeros(N)
        known = net.codes[:, f] >= 0
        found.append(np.where(known, net.factors.weights[f] * error, np.nan)[:, None])
    return np.hstack(found)


def mean_errors(net, of_columns):
    """Return the rows' means over what is known of them, 0 where nothing is."""
    counts = [1.0] * net.factors.n_numbers + [net.factors.n_errors(f) for f in range(net.factors.n)]
    n_known = (~np.isnan(of_columns) * np.array(counts)).sum(axis=1)
    return np.nansum(of_columns, axis=1) / np.maximum(n_known, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_errors_equal_numpy(core, shape, output, loss, dtype):
    net, options = made(core, shape, loss, dtype, output)
    expected = errors(net)
    assert np.isnan(expected).any()
    # Networks compute in the precision of their input; scores are sums in double.
    tolerance = {"rtol": DTYPES[dtype], "atol": DTYPES[dtype]}
    of_columns = net.made_of("feature_errors", n_threads=2, **options)
    assert of_columns.dtype == dtype
    np.testing.assert_allclose(of_columns, expected, **tolerance)
    mse = net.made_of("score", n_threads=2, **options)
    assert mse.dtype == np.float64
    np.testing.assert_allclose(mse, mean_errors(net, expected), **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "output"), OUTPUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reconstructions_equal_numpy(core, shape, output, loss, dtype):
    net, options = made(core, shape, loss, dtype, output)
    numbers, of_factors = outputs(net)
    expected = numbers / net.scale + net.shift
    best = [z.argmax(axis=1) if z.shape[1] else np.full(N, -1) for z in of_factors]
    hidden = net.made_of("activations", n_layers=1, **options)
    assert hidden.dtype == dtype
    tolerance = DTYPES[dtype]
    np.testing.assert_allclose(hidden, net.outputs()[0][1], rtol=tolerance, atol=tolerance)
    decoded = net.call("decode", hidden, first_layer=1)
    for found, levels in (net.made_of("reconstruct", n_threads=2, **options), decoded):
        assert (found.dtype, levels.dtype) == (dtype, np.int32)
        assert levels.shape == net.codes.shape
        np.testing.assert_array_equal(levels, np.reshape(best, (-1, N)).T)
        # Of the spread of the column, where it is far from 0.
        atol = tolerance * np.abs(expected).max(initial=1.0)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", FEW_SHAPES, ids=str)
def test_all_layers_are_there(core, shape, loss):
    net, options = made(core, shape, loss, "float64", "tanh")
    h, _ = net.outputs()
    numbers, of_factors = outputs(net)
    last = np.hstack([numbers, *of_factors])
    for layer, expected in enumerate([*h[1:], last], start=1):
        found = net.made_of("activations", n_layers=layer, **options)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        if layer < len(net.names):
            decoded = net.call("decode", found, first_layer=layer)
            reconstructed = net.made_of("reconstruct", **options)
            np.testing.assert_allclose(decoded[0], reconstructed[0], rtol=1e-10, atol=1e-12)
            np.testing.assert_array_equal(decoded[1], reconstructed[1])
    np.testing.assert_array_equal(net.call("decode", found, first_layer=layer)[1], decoded[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [TARGETS_ALONE, TARGETS_ALONE._replace(reconstructs=True)])
def test_activations_of_networks_with_targets(core, shape, dtype):
    net, options = made(core, shape, "cross_entropy", dtype, "tanh")
    h, z = net.outputs()
    expected = activate("tanh", z)
    if shape.reconstructs:  # logits stay logits
        expected[:, 5:17] = z[:, 5:17]
    for layer, values in enumerate([*h[1:], expected], start=1):
        found = net.made_of("activations", n_layers=layer, **options)
        np.testing.assert_allclose(found, values, rtol=DTYPES[dtype], atol=DTYPES[dtype])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", FEW_SHAPES, ids=str)
def test_the_result_does_not_depend_on_threads_nor_on_the_other_rows(core, shape, loss):
    net, options = made(core, shape, loss, "float32")
    names = ("score", "feature_errors", "reconstruct")
    one = {name: net.made_of(name, n_threads=1, **options) for name in names}
    for name in names:
        np.testing.assert_equal(net.made_of(name, n_threads=4, **options), one[name])
    rows = np.array([70, 3, 3, 41], dtype=np.uint32)
    chosen = net.made_of("score", rows=rows, **options)
    np.testing.assert_array_equal(chosen, one["score"][rows])
    net.X, net.codes = net.X[rows], net.codes[rows]
    np.testing.assert_array_equal(net.made_of("score", **options), chosen)
    np.testing.assert_array_equal(
        net.made_of("feature_errors", **options), one["feature_errors"][rows]
    )


@pytest.mark.parametrize("storage", STORAGES)
def test_numbers_lie_anywhere(core, storage):
    net, options = made(core, SHAPES[8], "cross_entropy", "float64")
    stored = STORAGES[storage](net.X)
    for name in ("score", "feature_errors"):
        found = net.call(name, stored, codes=net.codes, **options)
        np.testing.assert_array_equal(found, net.made_of(name, **options))
    trained = []
    for X in (net.X, stored):
        other = net.copy()
        other.train(X, codes=net.codes, batch_size=8, **options)
        trained.append(other.params)
    np.testing.assert_array_equal(*trained)


def test_missing_numbers_are_errors_where_they_are_imputed(core):
    net, _ = made(core, SHAPES[0], "cross_entropy", "float64")
    found = net.made_of("feature_errors", missing="impute")
    numbers, _ = outputs(net)  # 0 stands for them on the way in
    expected = (numbers - np.nan_to_num(net.scaled(net.X))) ** 2
    np.testing.assert_allclose(found[:, :5], expected, rtol=1e-10, atol=1e-12)
    assert np.array_equal(np.isnan(found[:, 5:]), net.codes < 0)


def test_nothing_known_is_no_error(core):
    net, options = made(core, SHAPES[1], "cross_entropy", "float64")
    net.X[3], net.codes[3] = np.nan, -1
    assert net.made_of("score", **options)[3] == 0
    assert np.isnan(net.made_of("feature_errors", **options)[3]).all()


def test_huge_logits_stay_finite(core):
    net = FactorNet.of(core, Shape(0, (5,), (4,)), n=5)
    net.codes[:, 0] = range(5)
    net.W[-1][...] = 0
    net.b[-1][...] = [1e30, -1e30, 3e38, 0, 5]
    levels = net.made_of("reconstruct")[1]
    assert (levels == 2).all()
    for errors in (net.made_of("feature_errors")[:, 0], net.made_of("score")):
        logits = net.b[-1].astype(np.float64)
        np.testing.assert_allclose(errors, 0.5 * (logits.max() - logits), rtol=1e-6)
    net.fit(solver="sgd", learning_rate=0.1, batch_size=5)
    assert np.isfinite(net.params).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_equal_levels_is_taken(core, dtype):
    net = FactorNet.of(core, Shape(2, (4, 20), (3,)), n=3)
    net.X = net.X.astype(dtype)
    net.W[-1][...], net.b[-1][...] = 0, 0
    net.b[-1][[4, 5, 17, 25]] = 1
    np.testing.assert_array_equal(net.made_of("reconstruct")[1], [[2, 11]] * 3)


def test_sampling_is_for_training_only(core):
    net, options = network(core, SHAPES[0], full_levels=0, n_sampled=1)
    found = net.made_of("feature_errors", **options)
    net.factors = SHAPES[0].factors()
    np.testing.assert_array_equal(found, net.made_of("feature_errors", **options))


def test_no_rows(core):
    net, options = made(core, SHAPES[1], "cross_entropy", "float32")
    net.X, net.codes = net.X[:0], net.codes[:0]
    assert net.made_of("score", **options).shape == (0,)
    assert net.made_of("feature_errors", **options).shape == (0, 8)
    numbers, levels = net.made_of("reconstruct", **options)
    assert (numbers.shape, levels.shape) == ((0, 5), (0, 3))
