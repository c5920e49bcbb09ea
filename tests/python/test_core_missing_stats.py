"""Statistics of columns with missing values against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, STORAGES, table
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


def gappy(n, d, dtype=np.float64):
    """Return a table with NaN here and there, in long runs, and in all of some column."""
    X = table(n, d, dtype, seed=n)
    rng = np.random.default_rng(n)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[: n // 2, 0] = np.nan  # not a value in the first chunks of 4096 rows
    X[n // 2 :, d - 1] = np.nan
    X[:, d // 2] = np.nan
    if d > 3:
        X[:, 1] = np.arange(n)  # complete
    return X


def expected(X, weight):
    """Return what `column_stats` should, column by column."""
    rows = np.flatnonzero(weight)
    stats = np.zeros((5, X.shape[1]))
    for j in range(X.shape[1]):
        of_column = rows[~np.isnan(X[rows, j])]
        if of_column.size:
            x, w = X[of_column, j].astype(np.longdouble), weight[of_column].astype(np.float64)
            mean = np.average(x, weights=w)
            variance = np.average((x - mean) ** 2, weights=w)
            stats[:, j] = mean, x.min(), x.max(), variance, w.sum()
    return stats


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "d"), [(1, 1), (2, 3), (63, 7), (257, 16), (4097, 5), (9000, 5), (20000, 3)]
)
def test_statistics_of_known_values_equal_numpy(core, n, d, dtype, weighted):
    X = gappy(n, d, dtype)
    weight, given = np.ones(n, np.float32), {}
    if weighted:
        weight = np.random.default_rng(n).uniform(0.1, 3, n).astype(np.float32)
        weight[1::5] = 0
        given = {"sample_weight": weight}
    *made, total = core.column_stats(X, n_threads=1, **given)
    np.testing.assert_allclose(made, expected(X, weight), rtol=1e-11, atol=1e-12)
    assert total == pytest.approx(weight.astype(np.float64).sum(), rel=1e-13)
    if d > 3:
        assert made[-1][1] == total  # to the last bit
    assert made[-1][d // 2] == 0
    for storage in STORAGES.values():
        for n_threads in (2, 3):
            *again, its = core.column_stats(storage(X), n_threads=n_threads, **given)
            np.testing.assert_array_equal(again, made)
            assert its == total


@pytest.mark.parametrize("n", [10, 4096, 9000])
@pytest.mark.parametrize("weighted", [False, True])
def test_complete_columns_count_all_rows_to_the_last_bit(core, n, weighted):
    X = table(n, 4, seed=n)
    X[n // 3, 2] = np.nan
    weight = np.random.default_rng(n).uniform(0.1, 3, n).astype(np.float32)
    given = {"sample_weight": weight} if weighted else {}
    *_, count, total = core.column_stats(X, n_threads=2, **given)
    np.testing.assert_array_equal(count[[0, 1, 3]], total)
    assert count[2] < total


def test_one_gap_changes_other_columns_only_by_rounding(core):
    X = table(9000, 4, seed=1)
    before = core.column_stats(X, n_threads=1)[:4]
    X[5000, 2] = np.nan
    after = core.column_stats(X, n_threads=1)[:4]
    others = [0, 1, 3]
    np.testing.assert_allclose(
        np.array(after)[:, others], np.array(before)[:, others], rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(("offset", "close"), [(1e6, 1e-10), (-1e9, 1e-7)])
def test_far_from_zero(core, offset, close):
    X = gappy(9000, 5)
    made = core.column_stats(X + offset, n_threads=1)
    stats = expected(X + offset, np.ones(9000))
    np.testing.assert_allclose(made[3], stats[3], rtol=close)


def test_constant_columns_with_gaps_are_exact_but_for_rounding(core):
    X = np.full((9000, 3), 0.1)
    X[::7, 1] = np.nan
    mean, low, high, variance, *_ = core.column_stats(X, n_threads=1)
    np.testing.assert_array_equal([low, high], np.full((2, 3), 0.1))
    np.testing.assert_allclose(mean, 0.1, rtol=1e-13)
    np.testing.assert_allclose(variance, 0, atol=1e-26)


def test_infinity_is_a_value(core):
    X = gappy(50, 5)
    X[7, 0] = X[30, 0] = np.inf
    mean, *_ = core.column_stats(X, n_threads=1)
    assert not np.isfinite(mean[0])
    assert np.isfinite(np.delete(mean, 0)).all()
