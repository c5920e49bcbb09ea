"""Tables and models for the tests of the command line."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clirun import succeeds

MODES = np.array(["idle", "slow", "fast"])


def orders(n, seed=0):
    """Return a table with text, numbers, gaps, truth values, dates, codes and an id."""
    rng = np.random.default_rng(seed)
    mode = rng.choice(3, n)
    speed = np.array([0.0, 40.0, 90.0])[mode] + rng.normal(0, 2, n)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    table = pd.DataFrame(
        {
            "id": range(n),
            "mode": MODES[mode],
            "speed": speed,
            "power": 5 + 0.3 * speed + rng.normal(0, 1, n),
            "zip": rng.integers(0, 5, n) + 1000,
            "day": day,
            "checked": rng.random(n) < 0.5,
        }
    )
    table.loc[rng.random(n) < 0.05, "power"] = np.nan
    return table


def fill(path):
    """Put train.csv, new.csv, new.parquet and a model of the first into a folder, and return it."""
    table = orders(700)
    new = table.tail(100).reset_index(drop=True)
    new.loc[10, "power"] = 90.0
    table.head(600).to_csv(path / "train.csv", index=False)
    new.to_csv(path / "new.csv", index=False)
    new.to_parquet(path / "new.parquet")
    args = "--drop", "id", "--categorical-features", "zip", "--random-state", 0, "--max-epochs", 20
    succeeds("train", path / "train.csv", "-o", path / "m.fastae", *args, "-q")
    return path
