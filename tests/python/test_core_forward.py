"""Scoring by every compiled core, against the float64 reference."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import reference
from corenet import ISAS, SIZES, STORAGES, Net, deep_names, table
from fastae import _core
from reference import ACTIVATIONS

# Errors relative to the size of what is compared. float32: some tens of roundings of 6e-8 each,
# in sums as long as the layers are wide.
TOLERANCE = {np.dtype(np.float32): 2e-6, np.dtype(np.float64): 1e-12}
FLOAT64_INPUTS = ("int32", "uint32", "int64", "uint64", "float64")
FLOAT32_INPUTS = ("bool", "int8", "uint8", "int16", "uint16", "float32")
SHAPES = [
    *((d, h, d) for d in SIZES for h in (1, 7, 16, 33)),
    *((d, d) for d in SIZES),
    (17, 33, 4, 15, 17),
    (33, 100, 100, 8, 1, 3, 33),
    (784, 50, 784),
    (50, 784, 50),
    (2100, 5, 2100),
]


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


def expected_outputs(net, X):
    """Return what the reference makes of a table, by the names of `Net.every_output`."""
    h = net.outputs64(X)
    errors = (h[-1] - h[0]) ** 2
    own_units = h[-1] / net.scale + net.shift
    made = {"score": errors.mean(axis=1), "feature_errors": errors, "reconstruct": own_units}
    for layer in range(1, len(h)):
        made[f"activations {layer}"] = h[layer]
        if layer < len(h) - 1:
            made[f"decode {layer}"] = own_units
    return made


def assert_close(net, X, tolerance):
    """Compare every output with the reference, relative to the largest number that goes in."""
    made = net.every_output(X, n_threads=2)
    expected = expected_outputs(net, X)
    h = net.outputs64(X)
    size = max(1.0, *(np.abs(values).max() for values in h))
    units = 1 / net.scale.min()
    sizes = {"score": size**2, "feature_errors": size**2, "reconstruct": size * units}
    assert made.keys() == expected.keys()
    for name, values in made.items():
        assert values.shape == expected[name].shape, name
        unit = size * units if name.startswith("decode") else sizes.get(name, size)
        bound = tolerance * unit + 1e-15 * np.abs(expected[name]).max()
        worst = np.abs(values - expected[name]).max()
        assert worst <= bound, f"{name}: off by {worst / unit:.2g} of {unit:.3g}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("widths", SHAPES, ids=lambda widths: "-".join(map(str, widths)))
def test_every_size_equals_the_reference(core, widths, dtype):
    X = table(5, widths[0], dtype)
    for hidden, output in itertools.product(ACTIVATIONS, ("tanh", "identity")):
        net = Net.ranged(core, X, widths[1:-1], deep_names(widths, hidden, output), seed=3)
        assert_close(net, X, TOLERANCE[np.dtype(dtype)])


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("n", [1, 2, 31, 32, 33, 64, 65, 257])
def test_every_number_of_rows_equals_the_reference(core, n, output):
    X = table(300, 19)
    net = Net.ranged(core, X, (6,), ["tanh", output])
    assert_close(net, X[:n], 1e-12)
    assert_close(net, X[:n].astype(np.float32), 2e-6)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", [*FLOAT32_INPUTS, *FLOAT64_INPUTS])
def test_every_dtype_and_storage_equals_the_reference(core, dtype, storage):
    low = 0 if dtype == "bool" or dtype.startswith("u") else -20
    X = np.random.default_rng(1).integers(low, 2 if dtype == "bool" else 90, (41, 18))
    X = X.astype(dtype)
    net = Net.ranged(core, X, (5,), ["elu", "tanh"])
    stored = STORAGES[storage](X)
    np.testing.assert_array_equal(stored, X)
    compute_type = np.dtype(np.float64 if dtype in FLOAT64_INPUTS else np.float32)
    assert_close(net, stored, TOLERANCE[compute_type])
    contiguous = net.every_output(X)
    for name, values in net.every_output(stored).items():
        assert values.dtype == (np.float64 if name == "score" else compute_type), name
        np.testing.assert_array_equal(values, contiguous[name], err_msg=name)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint64", "int64"])
def test_extreme_integers_are_read_exactly(core, dtype):
    limits = np.iinfo(dtype)
    X = np.array([[limits.min, limits.max], [limits.max, limits.min]], dtype=dtype)
    net = Net.ranged(core, X, (), ["identity"])
    assert_close(net, X, TOLERANCE[net.call("reconstruct", X).dtype])


def test_a_column_far_from_zero_keeps_its_digits(core):
    # The spread is a few roundings of the mean: the mean must not be rounded to float32.
    X = (1e6 + np.random.default_rng(0).uniform(-4, 4, (50, 3))).astype(np.float32)
    net = Net.ranged(core, X, (2,), ["tanh", "tanh"])
    expected = net.outputs64(X)
    h = net.call("activations", X, n_layers=1)
    np.testing.assert_allclose(h, expected[1], atol=1e-6)
    errors = ((expected[-1] - expected[0]) ** 2).mean(axis=1)
    np.testing.assert_allclose(net.call("score", X), errors, rtol=1e-5)


@pytest.mark.parametrize("storage", ["c", "fortran"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("widths", [(19, 6, 19), (784, 50, 784), (33, 70, 3, 33)], ids=str)
def test_same_bits_for_any_threads_and_any_batch(core, widths, dtype, storage):
    X = (20 * table(101, widths[0]) % 200).astype(dtype)
    net = Net.ranged(core, X, widths[1:-1], deep_names(widths, "tanh", "tanh"))
    X = STORAGES[storage](X)
    whole = net.every_output(X)
    for n_threads in (2, 3, 4, 7):
        for name, values in net.every_output(X, n_threads=n_threads).items():
            np.testing.assert_array_equal(values, whole[name], err_msg=name)
    for start, stop in [(0, 1), (57, 58), (100, 101), (1, 3), (31, 40), (7, 72), (90, 101)]:
        for name, values in net.every_output(X[start:stop], n_threads=2).items():
            np.testing.assert_array_equal(values, whole[name][start:stop], err_msg=name)
    order = np.random.default_rng(0).permutation(len(X))
    for name, values in net.every_output(X[order]).items():
        np.testing.assert_array_equal(values, whole[name][order], err_msg=name)


def test_score_is_the_mean_of_the_feature_errors(core):
    X = table(20, 30)
    net = Net.ranged(core, X, (4,), ["relu", "tanh"])
    errors = net.call("feature_errors", X)
    np.testing.assert_allclose(net.call("score", X), errors.mean(axis=1), rtol=1e-14)


def single(core, name, x):
    """Apply one activation to numbers: a network of one column with weight 1 and bias 0."""
    net = Net(core, (1, 1), [name])
    net.W[0][...], net.b[0][...] = 1, 0
    return net.call("activations", x.reshape(-1, 1), n_layers=1).ravel()


def grid(dtype):
    """Numbers of both signs: dense around 0 and the bends, and over every exponent."""
    limits = np.finfo(dtype)
    exponents = np.linspace(math.log10(limits.tiny), math.log10(limits.max) - 0.01, 20_000)
    x = np.concatenate([np.linspace(0, 25, 100_001), 10.0**exponents, [limits.tiny]])
    return np.concatenate([-x, x]).astype(dtype)


# In units of the last place of the result; its own rounding alone is half of one.
@pytest.mark.parametrize(("dtype", "ulps"), [(np.float32, 5), (np.float64, 4)])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_accurate_to_the_last_places(core, name, dtype, ulps):
    x = grid(dtype)
    expected = reference.activate(name, x.astype(np.float64))
    place = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    # Below the normal numbers nothing is promised but being as small.
    place = np.maximum(place, np.finfo(dtype).tiny)
    error = np.abs(single(core, name, x).astype(np.float64) - expected) / place
    worst = int(error.argmax())
    assert error[worst] <= ulps, f"{name}({x[worst]!r}) is off by {error[worst]:.3g} ulp"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_nan_and_infinity(core, name, dtype):
    made = single(core, name, np.array([np.nan, np.inf, -np.inf, 0.0], dtype=dtype))
    limits = {
        "tanh": (1, -1, 0),
        "relu": (np.inf, 0, 0),
        "elu": (np.inf, -1, 0),
        "logistic": (1, 0, 0.5),
        "identity": (np.inf, -np.inf, 0),
    }[name]
    # The last place of 1 may be missing: tanh is constant beyond +-8 in float32.
    places = 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(made, [np.nan, *limits], rtol=places, atol=places)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_is_odd_bounded_and_rising(core, dtype):
    x = np.sort(grid(dtype))
    y = single(core, "tanh", x)
    places = 8 * np.spacing(np.abs(y))
    assert (np.abs(y + single(core, "tanh", -x)) <= places).all()
    assert np.abs(y).max() <= 1  # or the derivative 1 - h^2 would change its sign
    np.testing.assert_array_equal(np.sign(y), np.sign(x))
    # Where the curve is flat it may step back, but only by its rounding errors.
    assert (np.diff(y) >= -places[1:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_bad_row_does_not_touch_its_neighbours(core, dtype):
    X = table(9, 20, dtype)
    net = Net.ranged(core, X, (4,), ["tanh", "tanh"])
    clean = net.call("score", X)
    X[3, 5], X[6, 0] = np.nan, np.inf
    scores = net.call("score", X)
    good = [0, 1, 2, 4, 5, 7, 8]
    np.testing.assert_array_equal(scores[good], clean[good])
    assert np.isnan(scores[3])
    assert np.isinf(scores[6])


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (1, 17), (2, 3), (257, 16), (1000, 33)])
def test_column_stats_equal_numpy(core, n, d, dtype):
    X = (20 * table(n, d, seed=n) % 200).astype(dtype)
    X64 = X.astype(np.float64)
    expected = (
        X64.mean(axis=0), X64.min(axis=0), X64.max(axis=0), X64.var(axis=0), np.full(d, float(n)),
    )  # fmt: skip
    *first, total = core.column_stats(X, n_threads=1)
    assert total == n
    for made, exact in zip(first, expected, strict=True):
        assert made.dtype == np.float64
        np.testing.assert_allclose(made, exact, rtol=1e-13, atol=1e-13)
    for storage in STORAGES.values():
        for n_threads in (1, 2, 3, 4):
            *again, _ = core.column_stats(storage(X), n_threads=n_threads)
            np.testing.assert_array_equal(again, first)


def test_column_stats_far_from_zero(core):
    X = 1e9 + np.random.default_rng(0).uniform(-1, 1, (500, 3))
    _, _, _, variance, *_ = core.column_stats(X, n_threads=2)
    np.testing.assert_allclose(variance, X.var(axis=0), rtol=1e-6)


def test_column_stats_of_constant_columns_are_exact(core):
    X = np.full((1000, 3), 0.1)
    mean, low, high, variance, *_ = core.column_stats(X, n_threads=2)
    np.testing.assert_array_equal([mean, low, high], np.full((3, 3), 0.1))
    np.testing.assert_array_equal(variance, 0)


BAD_CALLS = {
    "1-d": {"X": np.zeros(4)},
    "3-d": {"X": np.zeros((2, 4, 1))},
    "columns": {"X": np.zeros((2, 5))},
    "complex": {"X": np.zeros((2, 4), dtype=complex)},
    "float16": {"X": np.zeros((2, 4), dtype=np.float16)},
    "text": {"X": np.full((2, 4), "a")},
    "object": {"X": np.zeros((2, 4), dtype=object)},
    "byte order": {"X": np.zeros((2, 4), dtype=np.dtype(np.float64).newbyteorder())},
    "params size": {"params": np.zeros(7, dtype=np.float32)},
    "params dtype": {"params": np.zeros(1000)},
    "no widths": {"widths": []},
    "one width": {"widths": [4]},
    "zero width": {"widths": [4, 0, 4]},
    "negative width": {"widths": [4, -2, 4]},
    "other output": {"widths": [4, 2, 5]},
    "unknown activation": {"activations": ["tanh", "softmax"]},
    "too few activations": {"activations": ["tanh"]},
    "shift": {"shift": np.zeros(3)},
    "scale": {"scale": np.zeros((4, 1))},
    "threads": {"n_threads": 0},
}


@pytest.mark.parametrize(
    "name", ["score", "feature_errors", "reconstruct", "activations", "decode"]
)
@pytest.mark.parametrize("bad", BAD_CALLS)
def test_bad_arguments_are_value_errors(core, name, bad):
    if (name, bad) == ("activations", "other output"):
        return  # right for a network that predicts
    net = Net(core, (4, 2, 4), ["tanh", "identity"])
    more = {"activations": {"n_layers": 1}, "decode": {"first_layer": 0}}.get(name, {})
    # The columns of the layer that `decode` starts from are as many as those of the table.
    good = {"X": np.zeros((2, 4)), "params": net.params, "n_threads": 1, **net.options, **more}
    wrong = {**good, **BAD_CALLS[bad]}
    function = getattr(core, name)
    function(good.pop("X"), **good)
    X = wrong.pop("X")
    with pytest.raises((ValueError, TypeError)):
        function(X, **wrong)


@pytest.mark.parametrize("width", [2**31, 2**59, 2**60, 2**61, 2**62, 2**63 - 1])
def test_sizes_that_overflow_are_value_errors(core, width):
    with pytest.raises(ValueError, match="large"):
        core.layout([width, width, width])
    with pytest.raises(ValueError, match="large"):
        core.layout([4, width, 4] if width > 2**31 else [width, width])


@pytest.mark.parametrize("layer", [-1, 3])
def test_layers_out_of_range_are_value_errors(core, layer):
    net = Net(core, (4, 2, 4), ["tanh", "identity"])
    with pytest.raises(ValueError, match="layer"):
        net.call("activations", np.zeros((2, 4)), n_layers=layer)
    with pytest.raises(ValueError, match="layer"):
        net.call("decode", np.zeros((2, 4)), first_layer=layer)


def test_build_info_names_the_instruction_set(core):
    info = core.build_info()
    assert info["isa"] in ISAS
    assert core is _core.load(info["isa"])
    assert info["vector_bytes"] in (16, 32, 64)
    assert info["ndebug"] is True
