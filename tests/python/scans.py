"""Tables that are scanned from several kinds of sources, and small networks over them."""

from __future__ import annotations

import numpy as np
import pandas as pd

import fastae
from fastae import Autoencoder

N_ROWS = 3000
# Several windows an epoch, and batches that do not divide them.
WINDOWS = {"window": 1000, "batch_size": 350}


def frame(n=N_ROWS, seed=0):
    """Return numbers that depend on one another, with gaps, and factors that tell of them."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    X = pd.DataFrame(
        {
            "a": a,
            "b": 3 * a + 0.1 * rng.normal(size=n) + 5,
            "c": a - b + 0.1 * rng.normal(size=n),
            "sign": np.where(a > 0, "plus", "minus"),
            "k": rng.integers(0, 9, n),
            "many": np.char.add("t", rng.integers(0, 40, n).astype(str)),
        }
    )
    X.loc[rng.random(n) < 0.1, "c"] = np.nan
    X.loc[rng.random(n) < 0.1, "sign"] = None
    return X


def numbers(n=N_ROWS, seed=0):
    return frame(n, seed)[["a", "b", "k"]].astype(float)


def batches(table, rows=350):
    return [table[start : start + rows] for start in range(0, len(table), rows)]


def model(**options):
    return Autoencoder(
        **{"max_epochs": 3, "batch_size": 32, "random_state": 0, "score_every": 992, **options}
    )


SOURCES = ("parquet", "csv", "folder", "list", "function", "frame")


def source(kind, table, folder, **options):
    """Return a scan of the table, stored in some way."""
    if kind in ("parquet", "csv"):
        path = folder / f"table.{kind}"
        _write(table, path)
        return fastae.scan(path, **options)
    if kind == "folder":
        for i, piece in enumerate(batches(table, 1300)):
            _write(piece, folder / f"part{i}.parquet")
        return fastae.scan(folder, **options)
    rows = options.get("batch_size", 350)
    if kind == "list":
        return fastae.scan(batches(table, rows), **options)
    if kind == "function":
        return fastae.scan(lambda: iter(batches(table, rows)), **options)
    return fastae.scan(table, **options)


def _write(table, path):
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False, row_group_size=700)
