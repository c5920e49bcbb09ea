"""``fastae train``: learn what rows look like, and keep that in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fastae._cli.errors import UsageError, print_note
from fastae._cli.files import STANDARD, check_writable
from fastae._cli.inputs import check_standard_input, open_source
from fastae._cli.matching import CURE, Columns
from fastae._cli.models import save_model
from fastae._cli.pair import match, read_train
from fastae._cli.rules import check_beside
from fastae._cli.screens import Screen
from fastae._cli.streaming import Stream, files_of, is_stream
from fastae._cli.tables import print_model
from fastae._cli.training import checked, fit, model_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fastae import Autoencoder
    from fastae._cli.columns import Kind


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables that a command reads, and how.

    Attributes
    ----------
    train : Path
        To learn from.
    test, validation, anomalous : Path or None
        To score; to validate with; known anomalies.
    header : bool or None
        Whether first lines are headers; None finds out.
    delimiter : str
        What separates fields.
    decimal : str
        What stands before the decimals of numbers.
    drop : tuple of str
        Columns to leave out.
    stream : bool
        Whether to read the training table in batches.
    """

    train: Path
    test: Path | None = None
    validation: Path | None = None
    anomalous: Path | None = None
    header: bool | None = None
    delimiter: str = ","
    decimal: str = "."
    drop: tuple[str, ...] = ()
    stream: bool = False

    @property
    def how(self) -> dict[str, Any]:
        """How CSV files are read."""
        return {"header": self.header, "delimiter": self.delimiter, "decimal": self.decimal}

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that are read."""
        paths = self.train, self.test, self.validation, self.anomalous
        return tuple(path for path in paths if path is not None)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files behind them, none of which may be written over."""
        return tuple(file for path in self.paths for file in files_of(path))


@dataclass(frozen=True)
class Fitted:
    """A model, and the rows that are to be scored by it.

    Attributes
    ----------
    model : Autoencoder
    label : str
        Of the training table.
    X_test : DataFrame or ndarray, or None
        None if the training table is a stream, and is to be scored.
    """

    model: Autoencoder
    label: str
    X_test: Any


def train(tables: Tables, output: Path, parameters: dict[str, Any], *, quiet: bool) -> None:
    """Train on a table and write the model.

    Parameters
    ----------
    tables : Tables
    output : Path
        The model's file.
    parameters : dict
        Keyword arguments of `fastae.Autoencoder`.
    quiet : bool
        Print nothing.

    Raises
    ------
    CliError
        If a table, a cell or a parameter is not as it should be; nothing is written then.
    """
    model = checked(parameters)
    check_beside(parameters, validation=tables.validation, anomalous=tables.anomalous)
    if output == STANDARD:
        message = "-o: a model goes to a file, not to standard output"
        raise UsageError(message)
    check_writable(output, inputs=tables.files)
    fitted = fit_tables(model, tables)
    save_model(model, output)
    if not quiet:
        screen = Screen()
        print_model(screen, fitted.model)
        name = "an MSE" if model.anomaly_score == "mse" else "a score"
        screen.print(
            f"{output}: flags rows with {name} above {-model.offset_:.6g}.",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def fit_tables(model: Autoencoder, tables: Tables) -> Fitted:
    """Read tables and fit a model to the training rows.

    Raises
    ------
    CliError
        If a table, a cell or a parameter is not as it should be.
    """
    check_standard_input(*tables.paths)
    if is_stream(tables.train, wanted=tables.stream):
        return _fit_stream(model, tables)
    others = [path for path in tables.paths if path != tables.train]
    sources = {path: open_source(path, **tables.how) for path in (tables.train, *others)}
    categories = model.categorical_features
    read = read_train(*sources.values(), drop=tables.drop, categories=categories)
    of = dict(zip(sources, read, strict=True))
    X = of[tables.train]
    _warn_of_index(X)
    if not isinstance(categories, str) and not hasattr(X, "columns"):
        names = [name for name in sources[tables.train].names if name not in tables.drop]
        model.set_params(categorical_features=[names.index(name) for name in categories])
    rows, anomalous = X, None
    if tables.anomalous is not None:
        known = of[tables.anomalous]
        rows, anomalous = _joined(X, known), np.repeat([False, True], [len(X), len(known)])
    label = name_of(tables.train)
    X_val = None if tables.validation is None else of[tables.validation]
    columns = list(X.columns) if hasattr(X, "columns") else ()
    fit(model, rows, source=label, columns=columns, anomalous=anomalous, X_val=X_val)
    return Fitted(model, label, X if tables.test is None else of[tables.test])


def _fit_stream(model: Autoencoder, tables: Tables) -> Fitted:
    if tables.anomalous is not None:
        message = "--anomalous is for a table that fits into memory: leave --stream out"
        raise UsageError(message)
    if tables.train.suffix == ".npy":
        message = f"{tables.train}: npy files are never read as a whole; leave --stream out"
        raise UsageError(message)
    stream = Stream(tables.train, **tables.how)
    paths = {"test": tables.test, "validation": tables.validation}
    sources = {
        name: open_source(path, **tables.how) for name, path in paths.items() if path is not None
    }
    names, (wanted, *own) = match(
        stream, *sources.values(), drop=tables.drop, categories=model.categorical_features
    )
    own_of = dict(zip(sources, own, strict=True))

    def table_of(role: str, kinds: Mapping[str, Kind] | None = None) -> Any:
        if role not in sources:
            return None
        table = sources[role].read(own_of[role], kinds, CURE)
        frame = pd.DataFrame(table) if isinstance(table, np.ndarray) else table
        frame.columns = names
        return frame

    with model_errors(stream.label):
        scan = stream.scan(wanted, categories=model.categorical_features)
    fit(model, scan, source=stream.label, columns=names, X_val=table_of("validation"))
    # As the model has learned its columns: text stays text if it is all digits here.
    kinds = dict(zip(own_of.get("test", ()), Columns(model).kinds, strict=False))
    return Fitted(model, stream.label, table_of("test", kinds))


def name_of(path: Path) -> str:
    """Return what titles call an input."""
    return "standard input" if path == STANDARD else path.name


def _joined(X: Any, known: Any) -> Any:
    if hasattr(X, "columns"):
        return pd.concat([X, known], ignore_index=True)
    return np.concatenate([X, known])


def _warn_of_index(X: Any) -> None:
    """Say so if the first column only counts the rows: frames are often written with an index."""
    if not hasattr(X, "columns") or X.dtypes.iloc[0].kind not in "iuf":
        return
    first = X.iloc[:, 0].to_numpy()
    if X.shape[1] > 1 and len(X) > 2 and np.array_equal(first - first[0], np.arange(len(X))):
        name = X.columns[0]
        print_note(f"column {name!r} only counts the rows; --drop {name} leaves it out")
