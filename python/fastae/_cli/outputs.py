"""Tables of results in files: CSV, Parquet, npy."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from fastae._cli.errors import UsageError
from fastae._cli.files import STANDARD, check_writable, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from fastae._cli.tables import Ranking

_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".npy": "npy"}


class Output:
    """Where a table goes, and in which format.

    Parameters
    ----------
    path : Path
        "-" is standard output.
    form : str or None
        "csv", "parquet" or "npy"; None: by the file's ending, else CSV.
    inputs : tuple of Path, default=()
        Files that must not be written over.

    Raises
    ------
    UsageError
        If the file's ending stands for no format, or what no one can read is to go to a terminal.
    CliError
        If the file cannot be written.
    """

    def __init__(self, path: Path, form: str | None, inputs: tuple[Path, ...] = ()) -> None:
        check_writable(path, inputs=inputs)
        self.path = path
        self.form = form or _form_of(path)
        self.is_standard = path == STANDARD
        if self.form != "csv":
            refuse_terminal(path, f"--format {self.form}")

    def write(self, frame: pd.DataFrame) -> None:
        """Write a table in one step.

        Parameters
        ----------
        frame : DataFrame
            Without its index.

        Raises
        ------
        CliError
            If the file cannot be written; it is then as it was before.
        UsageError
            If the table holds text and is to be an npy file.
        """
        write = {"csv": _write_csv, "parquet": _write_parquet, "npy": _write_npy}[self.form]
        if self.form == "npy" and not all(dtype.kind in "biuf" for dtype in frame.dtypes):
            message = f"{self.path}: this table holds text, which npy is not for; write .csv"
            raise UsageError(message)
        write_atomically(self.path, lambda stream: write(stream, frame))


def refuse_terminal(path: Path, what: str) -> None:
    """Raise UsageError if bytes that are no text are to go to a terminal."""
    if path == STANDARD and sys.stdout.isatty():
        message = f"{what} is not for a terminal: name a file with -o, or send it on with > or |"
        raise UsageError(message)


def _form_of(path: Path) -> str:
    ending = path.suffix.lower()
    if ending and ending not in _ENDINGS:
        message = (
            f"{path}: the name of an output ends in .csv, .parquet or .npy; or say which it is to"
            " be with --format"
        )
        raise UsageError(message)
    return _ENDINGS.get(ending, "csv")


def scores_frame(ranking: Ranking) -> pd.DataFrame:
    """Return a line per row, in the rows' order.

    Parameters
    ----------
    ranking : Ranking

    Returns
    -------
    scores : DataFrame
        "row" (from 0), "anomaly_score" (if it is another than the MSE), "mse", "p_value" (if
        there are any), "rank" (from 1) and "flag" (0 or 1).
    """
    import pandas as pd

    columns: dict[str, Any] = {"row": np.arange(len(ranking.mse))}
    if ranking.score is not None:
        columns["anomaly_score"] = ranking.score
    columns["mse"] = ranking.mse
    if ranking.p_values is not None:
        columns["p_value"] = ranking.p_values
    columns["rank"] = ranking.rank
    columns["flag"] = ranking.flag.astype(int)
    return pd.DataFrame(columns)


def _write_csv(stream: BinaryIO, frame: pd.DataFrame) -> None:
    frame.to_csv(stream, index=False, mode="wb", lineterminator="\n")


def _write_parquet(stream: BinaryIO, frame: pd.DataFrame) -> None:
    # By way of memory: the writer wants to tell where it is, which a pipe cannot.
    content = io.BytesIO()
    frame.to_parquet(content, index=False)
    stream.write(content.getbuffer())


def _write_npy(stream: BinaryIO, frame: pd.DataFrame) -> None:
    if len(set(frame.dtypes)) == 1:
        np.save(stream, frame.to_numpy(), allow_pickle=False)
    else:  # as records, whose fields are the columns
        np.save(stream, frame.to_records(index=False), allow_pickle=False)
