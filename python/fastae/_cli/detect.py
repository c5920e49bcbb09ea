"""``fastae detect``: learn what rows look like, then say which ones do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from fastae import Autoencoder
from fastae._cli.csv_io import write_scores
from fastae._cli.errors import print_note
from fastae._cli.files import check_writable
from fastae._cli.pair import read_pair
from fastae._cli.tables import print_model, print_ranking, rank_rows
from fastae._cli.training import fit, model_errors

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class DetectJob:
    """What the user wants to be done.

    Attributes
    ----------
    train : Path
        CSV file to learn from.
    test : Path or None
        CSV file to score; None scores the training rows.
    output : Path or None
        CSV file for all scores.
    header : bool or None
        Whether the first lines are headers; None finds out.
    delimiter : str
        What separates fields.
    drop : tuple of str
        Columns to leave out.
    top : int
        How many of the worst rows to show.
    """

    train: Path
    test: Path | None
    output: Path | None
    header: bool | None
    delimiter: str
    drop: tuple[str, ...]
    top: int


def detect(job: DetectJob, parameters: dict[str, Any]) -> None:
    """Train on one table, score another, print the outcome and write it down.

    Parameters
    ----------
    job : DetectJob
        Files, columns and how much to show.
    parameters : dict
        Keyword arguments of `fastae.Autoencoder`.

    Raises
    ------
    CliError
        If a file, a cell or a parameter is not as it should be; nothing is written then.
    """
    inputs = (job.train,) if job.test is None else (job.train, job.test)
    if job.output is not None:
        check_writable(job.output, inputs=inputs)
    X_train, X_test = read_pair(
        job.train, job.test, header=job.header, delimiter=job.delimiter, drop=job.drop
    )
    _warn_of_index(X_train)
    columns = list(X_train.columns)
    model = fit(Autoencoder(**parameters), X_train, source=job.train.name, columns=columns)
    with model_errors(inputs[-1].name, columns):
        ranking = rank_rows(model, X_test)
    if job.output is not None:
        write_scores(job.output, mse=ranking.mse, rank=ranking.rank, flag=ranking.flag)
    console = Console()
    print_model(console, model)
    print_ranking(console, ranking, top=job.top, title=f"Rows of {inputs[-1].name}, worst first")


def _warn_of_index(X: pd.DataFrame) -> None:
    """Say so if the first column only counts the rows: frames are often written with an index."""
    first = X.iloc[:, 0].to_numpy()
    if X.shape[1] > 1 and len(X) > 2 and np.array_equal(first - first[0], np.arange(len(X))):
        name = X.columns[0]
        print_note(f"column {name!r} only counts the rows; --drop {name} leaves it out")
