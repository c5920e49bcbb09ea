"""Rows whose factors and numbers contradict each other are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from fastae import Autoencoder

polars = pytest.importorskip("polars")


def planted(n, n_levels, share, seed=0):
    """Return rows whose numbers follow from a factor, and which of them have the wrong level.

    The numbers of an odd row are ordinary, and so is its level: only together they are not.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_levels, 4)) * 3
    level = rng.integers(0, n_levels, n)
    numbers = centres[level] + rng.normal(size=(n, 4)) / 10
    odd = rng.random(n) < share
    shown = np.where(odd, (level + rng.integers(1, n_levels, n)) % n_levels, level)
    frame = pd.DataFrame(numbers, columns=list("abcd"))
    frame["level"] = [f"L{k}" for k in shown]
    frame["half"] = np.where(level % 2, "odd", "even")
    return frame, odd


@pytest.mark.parametrize("missing", ["ignore", "impute"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_contradictions_are_found(loss, missing):
    X, odd = planted(2_000, 6, 0.02)
    X.loc[::50, "a"] = np.nan
    model = Autoencoder(
        hidden_layer_sizes=8,
        categorical_loss=loss,
        missing=missing,
        max_epochs=60,
        batch_size=32,
        random_state=0,
    ).fit(X)
    assert roc_auc_score(odd, -model.score_samples(X)) > 0.95
    new, new_odd = planted(1_000, 6, 0.05, seed=0)
    assert roc_auc_score(new_odd, -model.score_samples(new)) > 0.95
    back = model.reconstruct(X)
    assert (back["level"] == X["level"])[~odd].mean() > 0.95


def test_contradictions_of_2000_levels():
    """Levels in groups: a level says the group, the numbers as well (so many are drawn from)."""
    rng = np.random.default_rng(0)
    n, n_levels, n_groups = 16_000, 2_000, 8
    group_of = rng.integers(0, n_groups, n_levels)
    centres = rng.normal(size=(n_groups, 5)) * 3
    level = rng.integers(0, n_levels, n)
    odd = rng.random(n) < 0.01
    others = (group_of[level] + rng.integers(1, n_groups, n)) % n_groups
    group = np.where(odd, others, group_of[level])
    X = pd.DataFrame(centres[group] + rng.normal(size=(n, 5)) / 5, columns=list("abcde"))
    X["level"] = [f"L{k}" for k in level]
    model = Autoencoder(hidden_layer_sizes=8, max_epochs=12, batch_size=64, random_state=0).fit(X)
    assert model.coefs_[-1].shape == (8, 5 + n_levels)
    assert roc_auc_score(odd, -model.score_samples(X)) > 0.95
    same = polars.from_pandas(X)
    np.testing.assert_array_equal(model.score_samples(same), model.score_samples(X))
