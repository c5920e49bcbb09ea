"""Tables of numbers, categories, text, truth values and dates, in every library."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fastae import Autoencoder

COLOURS = ["blue", "green", "red"]  # sorted, as text is
FACTORS = ["colour", "city", "kind"]
NUMBERS = ["x", "y", "flag"]


def mixed(n=200, seed=0, *, gaps=True):
    """Return numbers x and y, a truth value, and factors that go with x; with missing cells.

    The index of the frame is not the default one.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    colours = np.array(COLOURS)[np.digitize(x, [-0.5, 0.5])]
    frame = pd.DataFrame(
        {
            "colour": pd.Categorical(colours, categories=COLOURS),
            "x": x,
            "city": pd.Series(rng.choice(["Bonn", "Cork", "Oslo", "Rome"], n), dtype="str"),
            "y": 3 * x + rng.normal(size=n) / 10 + 7,
            "kind": np.where(x > 0, "plus", "minus").astype(object),
            "flag": rng.random(n) < 0.3,
        }
    )
    if gaps:
        frame.loc[3, "x"] = np.nan
        frame.loc[[4, 9], "colour"] = None
        frame.loc[5, "city"] = None
        frame.loc[6, "kind"] = None
    frame.index = pd.RangeIndex(n)[::-1] + 1000
    return frame


def frames(frame):
    """Return a frame's cells in every library and type that stands for the same table."""
    import polars as pl
    import pyarrow as pa

    factors = [name for name in frame.columns if name in FACTORS]
    text = {name: frame[name].astype(object).where(frame[name].notna(), None) for name in factors}
    arrow = pa.Table.from_pandas(frame.assign(**text), preserve_index=False)
    dictionaries = [
        column.dictionary_encode() if name in factors else column
        for name, column in zip(arrow.column_names, arrow.columns, strict=True)
    ]
    enums = {"colour": pl.Enum(COLOURS), "city": pl.Categorical}
    return {
        "category": frame.astype(dict.fromkeys(factors, "category")),
        "str": frame.astype(dict.fromkeys(factors, "str")),
        "string": frame.astype(dict.fromkeys(factors, "string")),
        "object": frame.assign(**text),
        "arrow-backed": arrow.to_pandas(types_mapper=pd.ArrowDtype).set_index(frame.index),
        "polars": pl.from_arrow(arrow),
        "polars categories": pl.from_arrow(arrow).cast(enums),
        "arrow": arrow,
        "arrow batch": arrow.combine_chunks().to_batches()[0],
        "arrow dictionary": pa.table(dictionaries, names=arrow.column_names),
        "objects": frame.assign(**text).astype(object).to_numpy(),
    }


def model(**options):
    """Return an unfitted small network, scored at fixed times."""
    defaults = {
        "hidden_layer_sizes": 4, "max_epochs": 3, "batch_size": 16, "score_every": 200,
        "random_state": 0,
    }  # fmt: skip
    return Autoencoder(**(defaults | options))


def cells(table):
    """Return the cells of any table as a frame of pandas, without its index."""
    if isinstance(table, np.ndarray):
        return pd.DataFrame(table)
    if not isinstance(table, pd.DataFrame):
        table = table.to_pandas()
    return table.reset_index(drop=True)
