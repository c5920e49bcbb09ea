"""Rows to be scored: a table in memory, or one that is read in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fastae._cli.errors import CliError
from fastae._cli.frames import frame_from
from fastae._cli.inputs import open_source
from fastae._cli.matching import CURE, Columns, read_for
from fastae._cli.streaming import Stream, files_of, is_stream
from fastae._cli.training import model_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fastae import Autoencoder

# Rows that are scored together, between two movements of the progress bar.
_BLOCK = 65_536


class Rows:
    """Rows of a table, as a model wants them.

    Attributes
    ----------
    label : str
        What messages call the table.
    files : tuple of Path
        It is read from.
    """

    def __init__(self, label: str, files: tuple[Path, ...] = (), table: Any = None) -> None:
        self.label, self.files = label, files
        self._table = table
        self._batches: Callable[[], Iterator[Any]] | None = None
        self._n_rows: int | None = None if table is None else len(table)

    @classmethod
    def open(
        cls,
        model: Autoencoder,
        path: Path,
        *,
        model_label: str,
        header: bool | None = None,
        delimiter: str = ",",
        decimal: str = ".",
        stream: bool = False,
    ) -> Rows:
        """Return the rows of a file, folder or pattern for a model.

        Raises
        ------
        CliError
            If the table cannot be read, or does not have the model's columns.
        """
        how: dict[str, Any] = {"header": header, "delimiter": delimiter, "decimal": decimal}
        if not is_stream(path, wanted=stream):
            source = open_source(path, **how)
            return cls(source.label, files_of(path), read_for(model, source, model_label))
        return cls._streamed(model, Stream(path, **how), model_label)

    @classmethod
    def _streamed(cls, model: Autoencoder, source: Stream, model_label: str) -> Rows:
        columns = Columns(model)
        wanted = columns.of(source, model_label)
        kinds = dict(zip(wanted, columns.kinds, strict=True))
        scanned = source.scan(wanted, kinds)

        def batches() -> Iterator[Any]:
            start = 0
            with model_errors(source.label), scanned.batches() as reader:
                for batch in reader:
                    if batch.num_rows:
                        yield columns.suited(made_of(batch, start))
                    start += batch.num_rows
            if not start:
                message = f"{source.label}: the table has no rows; add rows"
                raise CliError(message)

        def made_of(batch: Any, start: int) -> Any:
            return frame_from(
                source.label, batch, wanted, kinds, CURE, decimal=source.decimal,
                place=lambda row: f"row {start + row}",
            )  # fmt: skip

        rows = cls(source.label, source.files)
        with model_errors(source.label):
            rows._n_rows = scanned.n_rows
        rows._batches = batches
        return rows

    @property
    def n_rows(self) -> int | None:
        """How many there are; None of CSV files that have not been read."""
        return self._n_rows

    @property
    def table(self) -> Any:
        """All rows at once, in memory: what pictures and pages are made of."""
        if self._table is None:
            parts = list(self.blocks())
            if hasattr(parts[0], "iloc"):
                self._table = pd.concat(parts, ignore_index=True)
            else:
                self._table = np.concatenate(parts)
        return self._table

    def blocks(self) -> Iterator[Any]:
        """Yield parts of the table, in order."""
        if self._batches is not None:
            yield from self._batches()
            return
        for start in range(0, len(self._table), _BLOCK):
            yield self._table[start : start + _BLOCK]

    def take(self, rows: Sequence[int]) -> Any:
        """Return some rows, in the order given.

        Parameters
        ----------
        rows : sequence of int
            Counted from 0.
        """
        wanted = np.asarray(rows, dtype=np.intp)
        if self._batches is None:
            table = self._table
            return table.iloc[wanted] if hasattr(table, "iloc") else table[wanted]
        parts, found, start = [], [], 0
        for block in self.blocks():
            here = np.flatnonzero((wanted >= start) & (wanted < start + len(block)))
            if here.size:
                places = wanted[here] - start
                parts.append(block.iloc[places] if hasattr(block, "iloc") else block[places])
                found.append(here)
            start += len(block)
        order = np.argsort(np.concatenate(found))
        if hasattr(parts[0], "iloc"):
            return pd.concat(parts, ignore_index=True).iloc[order]
        return np.concatenate(parts)[order]
