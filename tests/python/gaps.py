"""Tables with missing values."""

from __future__ import annotations

import numpy as np


def narrow_table(n=200, d=6, seed=0):
    """Return a table of two directions, with columns of different centre and spread."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)) @ rng.normal(size=(2, d)) + 0.1 * rng.normal(size=(n, d))
    return X * rng.uniform(0.5, 4, d) + rng.uniform(-5, 5, d)


def with_gaps(X, share=0.2, seed=1):
    """Return the table with NaN in it: in all of row 3, and nowhere in row 0."""
    gone = np.random.default_rng(seed).random(X.shape) < share
    gone[3], gone[0] = True, False
    return np.where(gone, np.nan, X)
