"""The threshold on training errors, and the labels that follow from it."""

from __future__ import annotations

import numpy as np
import pytest

from fastae import Autoencoder
from fastae._threshold import threshold


def log_normal(n, seed=0):
    return np.exp(np.random.default_rng(seed).normal(size=n))


def test_auto_is_the_outer_fence_of_the_logarithms():
    mse = log_normal(199)
    q1, q3 = np.quantile(np.log(mse), [0.25, 0.75])
    # The quantiles of 199 values fall between two of them, where log and mean do not commute.
    assert threshold(mse, "auto") == pytest.approx(np.exp(q3 + 3 * (q3 - q1)), rel=0.01)


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
