"""Tables for a model that there is: its columns, read as it knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fastae._cli.errors import CliError
from fastae._cli.pair import note_left_out, suggestion

if TYPE_CHECKING:
    from fastae import Autoencoder
    from fastae._cli.columns import Kind
    from fastae._cli.inputs import Source
    from fastae._cli.pair import Named

CURE = "the model has learned that column so: correct it, or leave the cell empty"


class Columns:
    """The columns of a fitted model.

    Parameters
    ----------
    model : Autoencoder

    Attributes
    ----------
    names : tuple of str or None
        None where the model was trained on an array.
    kinds : list of Kind
    """

    def __init__(self, model: Autoencoder) -> None:
        schema, n = model._schema, int(model.n_features_in_)
        names = getattr(model, "feature_names_in_", None)
        if names is None and schema is not None and schema.named:
            names = schema.names
        self.names = None if names is None else tuple(map(str, names))
        self.kinds: list[Kind] = ["number"] * n
        if schema is not None:
            for j, kind in enumerate(schema.kinds):
                self.kinds[j] = "text" if kind == "factor" else _KINDS[kind]
            for factor in schema.factors:
                if factor.numeric:
                    truth = all(isinstance(level, bool) for level in factor.known)
                    self.kinds[factor.column] = "truth" if truth else "category"

    @property
    def by_place(self) -> bool:
        """Whether the columns have no names but their places."""
        return self.names is None or self.names == tuple(
            f"C{j + 1}" for j in range(len(self.kinds))
        )

    def of(self, source: Named, model_label: str) -> list[str]:
        """Return the source's columns that the model wants, in its order.

        Raises
        ------
        CliError
            If one is not there.
        """
        n = len(self.kinds)
        if self.by_place or not source.named:
            if len(source.names) != n:
                message = (
                    f"{source.label}: has {len(source.names)} columns where {model_label} knows"
                    f" {n}; give it the columns that it was trained on"
                )
                raise CliError(message)
            return list(source.names)
        assert self.names is not None
        for name in self.names:
            if name not in source.names:
                message = (
                    f"{source.label}: column {name!r} of {model_label} is missing;"
                    f" {suggestion(name, source.names)}"
                )
                raise CliError(message)
        unknown = [name for name in source.names if name not in set(self.names)]
        if unknown:
            note_left_out(source.label, unknown, f"not known to {model_label}")
        return list(self.names)

    def suited(self, table: Any) -> Any:
        """Return a table that was read, named as the model's was in training.

        Parameters
        ----------
        table : DataFrame or ndarray
        """
        if self.names is None:
            if not hasattr(table, "columns"):
                return table
            numbers = set(self.kinds) == {"number"}
            return table.to_numpy() if numbers else table.astype(object).to_numpy()
        if hasattr(table, "columns"):
            table.columns = list(self.names)
            return table
        return pd.DataFrame(table, columns=list(self.names), copy=False)


_KINDS: dict[str, Kind] = {"number": "number", "datetime": "datetime", "duration": "duration"}


def read_for(model: Autoencoder, source: Source, model_label: str) -> Any:
    """Read a table as a model wants it.

    Parameters
    ----------
    model : Autoencoder
    source : Source
        Columns that the model does not know are left out, with a note.
    model_label : str
        What messages call the model.

    Returns
    -------
    table : DataFrame or ndarray

    Raises
    ------
    CliError
        If a column is missing, or holds something else than in training.
    """
    columns = Columns(model)
    wanted = columns.of(source, model_label)
    kinds = dict(zip(wanted, columns.kinds, strict=True))
    return columns.suited(source.read(wanted, kinds, CURE))
