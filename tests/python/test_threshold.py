"""The threshold on training errors, and the labels that follow from it."""

from __future__ import annotations

import numpy as np
import pytest

from fastae import Autoencoder
from fastae._threshold import quantiles, threshold


def log_normal(n, seed=0):
    return np.exp(np.random.default_rng(seed).normal(size=n))


def test_auto_is_the_outer_fence_of_the_logarithms():
    mse = log_normal(199) ** 0.3
    q1, q3 = np.quantile(np.log(mse), [0.25, 0.75])
    # The quantiles of 199 values fall between two of them, where log and mean do not commute.
    assert threshold(mse, "auto") == pytest.approx(np.exp(q3 + 3 * (q3 - q1)), rel=0.01)


def test_auto_is_not_far_beyond_all_errors():
    """Where few errors spread over decades, the fence alone is beyond what a row can reach."""
    mse = log_normal(150) ** 2
    assert threshold(mse, "auto") == 5 * mse.max()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_columns", [2, 4, 8])
def test_an_absurd_row_of_a_small_table_is_odd(n_columns, seed):
    X = np.random.default_rng(seed).normal(size=(150, n_columns))
    absurd = X[:1].copy()
    absurd[0] = 1e6
    assert Autoencoder(random_state=seed, max_epochs=30).fit(X).predict(absurd) == -1


def test_auto_does_not_depend_on_units():
    mse = log_normal(150)
    assert threshold(1000 * mse, "auto") == pytest.approx(1000 * threshold(mse, "auto"))


@pytest.mark.parametrize("n", [200, 300, 10_000])
def test_auto_flags_the_worst_of_200_rows_or_more(n):
    mse = log_normal(n)
    flagged = np.count_nonzero(mse > threshold(mse, "auto"))
    assert 1 <= flagged <= 0.005 * n + 1


def test_auto_flags_more_than_the_worst_where_the_fence_says_so():
    mse = log_normal(1000)
    mse[:50] = 1e6
    assert set(np.flatnonzero(mse > threshold(mse, "auto"))) == set(range(50))


@pytest.mark.parametrize("n", [1, 2, 5, 199])
def test_auto_flags_no_row_of_a_small_table_of_equals(n):
    for value in (0.0, 0.3, 1e-300):
        mse = np.full(n, value)
        assert not np.any(mse > threshold(mse, "auto"))


def test_perfect_reconstructions_do_not_make_rounding_errors_odd():
    mse = np.zeros(100)
    assert threshold(mse, "auto") > 1e-15
    mse[:20] = 1e-20
    assert not np.any(mse > threshold(mse, "auto"))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5])
def test_a_number_is_the_share_above(share):
    mse = log_normal(1000)
    assert np.count_nonzero(mse > threshold(mse, share)) == 1000 * share


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_labels_follow_from_the_share(share):
    X = np.random.default_rng(0).normal(size=(400, 4))
    model = Autoencoder(contamination=share, random_state=0, max_epochs=3).fit(X)
    labels = model.predict(X)
    assert np.count_nonzero(labels == -1) == 400 * share
    np.testing.assert_array_equal(labels == -1, model.decision_function(X) < 0)
    np.testing.assert_array_equal(
        model.decision_function(X), model.score_samples(X) - model.offset_
    )


def test_large_tables_are_judged_by_evenly_spaced_rows():
    X = np.random.default_rng(0).normal(size=(20_001, 2))
    model = Autoencoder(random_state=0, max_epochs=1).fit(X)
    assert model.offset_ == -threshold(model.reconstruction_error(X[::3]), "auto")


def random_weighted(seed):
    """Return values with ties, and whole weights, some of them 0."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 400))
    values = np.exp(rng.normal(size=n))
    values = np.round(values, 1) if seed % 3 == 0 else values
    counts = rng.integers(0, int(rng.integers(2, 8)), n)
    counts[rng.integers(n)] = 1
    return values[counts > 0], counts[counts > 0]


@pytest.mark.parametrize("seed", range(60))
def test_weighted_quantiles_are_those_of_repeated_values(seed):
    values, counts = random_weighted(seed)
    q = [0.0, 0.25, 0.5, 0.75, 0.995, 1.0, *np.random.default_rng(seed).uniform(size=20)]
    expected = np.quantile(np.repeat(values, counts), q)
    np.testing.assert_allclose(quantiles(values, q, counts.astype(float)), expected, rtol=1e-9)


@pytest.mark.parametrize("contamination", ["auto", 0.01, 0.1, 0.33, 0.5])
@pytest.mark.parametrize("seed", range(30))
def test_weighted_thresholds_are_those_of_repeated_errors(seed, contamination):
    values, counts = random_weighted(seed)
    expected = threshold(np.repeat(values, counts), contamination)
    given = threshold(values, contamination, counts.astype(float))
    assert given == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("n", [1, 2, 150, 1000])
def test_weights_of_1_change_no_bit(n, contamination):
    mse = log_normal(n)
    assert threshold(mse, contamination, np.ones(n)) == threshold(mse, contamination)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("total", [1e-30, 1e-3, 1.0, 100.0])
def test_weights_that_are_no_counts_are_shares(total, contamination):
    mse, weights = log_normal(300), np.random.default_rng(0).uniform(0.1, 1, 300)
    weights /= weights.sum()
    expected = threshold(mse, contamination, weights)
    assert threshold(mse, contamination, weights * total) == pytest.approx(expected, rel=1e-9)


def test_a_heavy_row_of_a_small_table_stands_for_many():
    # 150 rows need not have an odd one; the 500 for which they stand do.
    mse = log_normal(150)
    heavy = np.where(np.arange(150) == np.argmin(mse), 351.0, 1.0)
    light = threshold(mse, "auto")
    assert np.count_nonzero(mse > light) == 0
    assert np.count_nonzero(mse > threshold(mse, "auto", heavy)) >= 1


def test_the_order_of_rows_does_not_matter():
    mse, weights = log_normal(300), np.random.default_rng(0).integers(1, 9, 300).astype(float)
    turned = np.random.default_rng(1).permutation(300)
    for contamination in ("auto", 0.07):
        expected = threshold(mse, contamination, weights)
        assert threshold(mse[turned], contamination, weights[turned]) == expected
