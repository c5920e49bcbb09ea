"""``fastae features``: what the layers of a network make of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastae._cli.outputs import Output
from fastae._cli.progress import row_bar
from fastae._cli.training import model_errors

if TYPE_CHECKING:
    from pathlib import Path

    from fastae._cli.detect import ModelRows


def features(given: ModelRows, *, layer: int | None, output: Path, form: str | None) -> None:
    """Write the output of a hidden layer, a line per row.

    Parameters
    ----------
    given : ModelRows
    layer : int or None
        As of `Autoencoder.deep_features`.
    output : Path
    form : str or None
        As of `Output`.

    Raises
    ------
    CliError
        If a file or a cell is not as it should be, or there is no such layer.
    """
    import pandas as pd

    target = Output(output, form, given.files)
    model, rows = given.open()
    model.set_output(transform="pandas")
    parts = []
    with row_bar(f"Coding {rows.label}", rows.n_rows) as advance, model_errors(rows.label):
        for block in rows.blocks():
            parts.append(model.deep_features(block, layer=layer))
            advance(len(block))
    target.write(pd.concat(parts, ignore_index=True))
