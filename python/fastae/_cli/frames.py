"""Columns of a file as a frame: each read as what it holds, or is to hold."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from fastae._cli.columns import BadCellError, frame_of, read_text, read_typed
from fastae._cli.errors import CliError
from fastae._cli.notes import Notes, has_decimal_comma
from fastae._scan_files import arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from fastae._cli.columns import Kind

# Longer cells are cut in messages.
_N_SHOWN = 30


def frame_from(
    label: str,
    table: Any,
    columns: Sequence[str],
    kinds: Mapping[str, Kind],
    cure: str,
    *,
    decimal: str | None = None,
    place: Callable[[int], str] = "row {}".format,
) -> pd.DataFrame:
    """Return columns of an Arrow table or batch as a frame.

    Parameters
    ----------
    label : str
        What messages call the table.
    table : pyarrow.Table or pyarrow.RecordBatch
    columns, kinds, cure
        As of `Source.read`.
    decimal : str or None
        Of cells that are text as it stands in a CSV file; None: cells have types.
    place : callable
        Says where a row is.

    Raises
    ------
    CliError
        If a cell or a column is of another kind.
    """
    made, notes = {}, Notes(label, decimal)
    for name in columns:
        kind, cells = kinds.get(name), _chunked(table.column(name))
        try:
            if decimal is None:
                made[name] = read_typed(cells, kind)
            else:
                made[name] = read_text(cells, kind, decimal)
        except BadCellError as bad:
            where = f"{label}: {place(bad.row)}, column {name!r}"
            message = f"{where} {_complaint(bad, name, cure, decimal)}"
            raise CliError(message) from bad
        except TypeError as error:
            message = f"{label}: column {name!r} holds {error}, where {kind}s are expected"
            raise CliError(message) from error
        if kind is None:
            notes.look(name, cells, made[name])
        del cells
        table = table.drop_columns([name])  # as soon as it is no longer needed
    notes.say()
    return frame_of(made)


def as_listed(name: str) -> str:
    """Return a name as it stands in a list of names: quoted if it has a comma or a quote."""
    if not name.startswith(('"', " ")) and "," not in name:
        return name
    return '"' + name.replace('"', '""') + '"'


def _chunked(column: Any) -> Any:
    return column if hasattr(column, "chunks") else arrow().chunked_array([column])


def _complaint(bad: BadCellError, column: str, cure: str, decimal: str | None) -> str:
    cell = bad.cell.strip()
    shown = cell if len(cell) <= _N_SHOWN else f"{cell[:_N_SHOWN]}..."
    name = shlex.quote(column)
    if decimal == "." and has_decimal_comma(cell):
        return f"is {shown!r}, {bad.complaint}; say --decimal , if that is a decimal comma"
    if bad.mixed:
        cure = (
            f"as most of that column; correct it, leave the column out with --drop {name}, or say"
            f" --categorical-features {shlex.quote(as_listed(column))} if it holds categories"
        )
        return f"is {shown!r}, {bad.complaint} {cure}"
    default = "correct it, delete the row or leave the column out with --drop NAME"
    return f"is {shown!r}, {bad.complaint}; {(cure or default).replace('NAME', name)}"
