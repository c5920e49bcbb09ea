"""Sparse rows in the compiled core: their scores and statistics, and rows that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, assert_trained_alike, sample_weight
from fastae import _core
from sparserows import SHAPES, SparseNet, assert_like_dense, network, sparse_rows, zeros_and_more

N_ROWS = 60


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32",
                                   "int64", "uint64", "float32", "float64"])  # fmt: skip
def test_every_dtype(core, dtype):
    X = zeros_and_more(N_ROWS, 40, dtype=dtype)
    options = {"batch_size": 16, "solver": "sgd", "learning_rate": 0.05}
    net = network(core, X)
    assert_like_dense(net.copy(), X, **options)
    assert_trained_alike(net, X, **options)
    for name, made in net.every_output(X).items():
        expected = net.dense().every_output(X)[name]
        np.testing.assert_array_equal(made, expected)
        assert made.dtype == expected.dtype


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_scores_are_those_of_the_dense_table(core, shape):
    d, hidden = shape
    for density in (0.1, 0.6):
        X = zeros_and_more(N_ROWS, d, density)
        net = network(core, X, hidden)
        for n_threads in (1, 2):
            made = net.every_output(X, n_threads=n_threads)
            for name, expected in net.dense().every_output(X).items():
                np.testing.assert_array_equal(made[name], expected, err_msg=name)
        some = np.array([5, 2, 2, N_ROWS - 1], dtype=np.uint32)
        np.testing.assert_array_equal(net.call("score", X, rows=some), made["score"][some])


@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_scores_of_rows_with_missing_values(core, missing):
    X = zeros_and_more(N_ROWS, 40)
    X[X > 3] = np.nan
    net = network(core, np.nan_to_num(X))
    for name in ("score", "feature_errors", "reconstruct"):
        for limit in (np.inf, 0.3):
            made = net.call(name, X, missing=missing, limit=limit)
            expected = net.dense().call(name, X, missing=missing, limit=limit)
            np.testing.assert_array_equal(made, expected)
    assert np.isnan(net.call("score", X)).any()


def test_no_rows_have_no_scores(core):
    X = np.zeros((0, 40))
    net = SparseNet(core, (40, 4, 40), ["tanh", "identity"])
    assert net.call("score", X).shape == (0,)
    assert net.call("reconstruct", X).shape == (0, 40)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
def test_column_stats(core, dtype, weighted):
    X = zeros_and_more(N_ROWS, 40, dtype=dtype)
    X[:, 7] = X.max()  # a column without zeros
    if X.dtype.kind == "f":
        X[X[5, 9] == X] = np.nan
        X[:, 3] = np.nan
    weight = sample_weight(N_ROWS) if weighted else None
    made = core.column_stats(sparse_rows(X), n_threads=2, sample_weight=weight)
    expected = core.column_stats(X, n_threads=1, sample_weight=weight)
    names = ("mean", "min", "max", "variance", "count")
    for name, one, other in zip(names, made[:5], expected[:5], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, err_msg=name)
        assert one.dtype == other.dtype == np.float64
    np.testing.assert_allclose(made[5], expected[5], rtol=1e-12)


def test_infinity_shows_in_column_stats(core):
    X = zeros_and_more(N_ROWS, 40)
    X[5, 9] = -np.inf
    stats = core.column_stats(sparse_rows(X), n_threads=1)
    assert stats[1][9] == -np.inf
    assert not np.isfinite(stats[0][9])


GOOD = (
    np.array([1.0, 2.0, 3.0]),
    np.array([0, 2, 1], dtype=np.int32),
    np.array([0, 2, 2, 3], dtype=np.int64),
    4,
)
CONTENT = "ascending columns within the table, each once"
KINDS = r"contiguous values, indices \(int32\) and indptr \(int64\)"


def changed(at, value):
    return (*GOOD[:at], value, *GOOD[at + 1 :])


def int32(*values):
    return np.array(values, dtype=np.int32)


def int64(*values):
    return np.array(values, dtype=np.int64)


BAD = {
    "descending": (changed(1, int32(2, 0, 1)), CONTENT),
    "twice": (changed(1, int32(2, 2, 1)), CONTENT),
    "beyond": (changed(1, int32(0, 4, 1)), CONTENT),
    "negative": (changed(1, int32(-1, 2, 1)), CONTENT),
    "rows beyond the values": (changed(2, int64(0, 2, 2, 4)), CONTENT),
    "rows from before the values": (changed(2, int64(-1, 2, 2, 3)), CONTENT),
    "rows that end before they begin": (changed(2, int64(0, 3, 2, 3)), CONTENT),
    "a row far beyond": (changed(2, int64(0, 2**40, 2, 3)), CONTENT),
    "int64 indices": (changed(1, int64(0, 2, 1)), KINDS),
    "uint32 indices": (changed(1, np.array([0, 2, 1], dtype=np.uint32)), KINDS),
    "int32 indptr": (changed(2, int32(0, 2, 2, 3)), KINDS),
    "swapped indices": (changed(1, int32(0, 2, 1).astype(">i4")), KINDS),
    "strided indices": (changed(1, int32(0, 9, 2, 9, 1)[::2]), KINDS),
    "strided values": (changed(0, np.arange(6.0)[::2]), KINDS),
    "2-D values": (changed(0, np.ones((3, 1))), KINDS),
    "fewer values": (changed(0, np.ones(2)), KINDS),
    "no indptr": (changed(2, int64()), KINDS),
    "object values": (changed(0, np.array([1, 2, 3], dtype=object)), "X must be bool"),
    "float16 values": (changed(0, np.ones(3, dtype=np.float16)), "X must be bool"),
    "swapped values": (changed(0, np.ones(3, dtype=">f8")), "X must be bool"),
    "another width": (changed(3, 5), "X must have 4 columns, got 5"),
    "three objects": (GOOD[:3], "sparse rows are four objects"),
}


@pytest.mark.parametrize("fault", BAD)
def test_rows_that_the_core_refuses(core, fault):
    rows, message = BAD[fault]
    net = SparseNet(core, (4, 2, 4), ["tanh", "identity"])
    before = net.params.copy()
    plain = super(SparseNet, net)
    calls = [
        lambda: plain.train(rows),
        lambda: plain.call("score", rows),
        lambda: plain.call("feature_errors", rows),
        lambda: plain.call("reconstruct", rows),
        lambda: plain.call("activations", rows, n_layers=1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()
    np.testing.assert_array_equal(net.params, before)
    if fault not in ("another width", "three objects"):
        with pytest.raises(ValueError, match=message):
            core.column_stats(rows, n_threads=1)


def test_what_is_not_a_table_is_a_type_error(core):
    net = SparseNet(core, (4, 2, 4), ["tanh", "identity"])
    for rows in (list(GOOD), None, 3.0):
        for call in (
            lambda rows=rows: core.column_stats(rows, n_threads=1),
            lambda rows=rows: super(SparseNet, net).call("score", rows),
        ):
            with pytest.raises(TypeError, match="X must be an array, or sparse rows"):
                call()


def test_good_rows_are_taken(core):
    net = SparseNet(core, (4, 2, 4), ["tanh", "identity"])
    assert super(SparseNet, net).call("score", GOOD).shape == (3,)
    read_only = tuple(part.copy() for part in GOOD[:3])
    for part in read_only:
        part.flags.writeable = False
    assert super(SparseNet, net).train((*read_only, 4))["status"] == "ok"
