"""Two CSV files, one to learn from and one to score, with the same columns."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from fastae._cli.csv_io import CsvText, parse_numbers, read_csv
from fastae._cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

# Names in a message; a table may have thousands of columns.
_N_SUGGESTED = 8


def read_pair(
    train_path: Path,
    test_path: Path | None = None,
    *,
    header: bool | None = None,
    delimiter: str = ",",
    drop: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read training rows and, with the same columns in the same order, rows to score.

    Parameters
    ----------
    train_path, test_path : Path
        CSV files; without the second the training rows are scored.
    header, delimiter
        As for `read_csv`, for both files.
    drop : sequence of str, default=()
        Columns to leave out of whichever file has them.

    Returns
    -------
    train, test : DataFrame
        The same object twice if there is no second file.

    Raises
    ------
    CliError
        If a file is not as `read_csv` and `parse_numbers` want it, if no file has a column that
        is to be dropped, or if the two do not have the same columns.
    """
    train = read_csv(train_path, header=header, delimiter=delimiter)
    if test_path is None:
        _check_drop(drop, train)
        frame = parse_numbers(train, drop=drop)
        return frame, frame
    test = read_csv(test_path, header=header, delimiter=delimiter)
    train, test = _share_names(train, test)
    _check_drop(drop, train, test)
    order = _match(train, test, drop)
    rows = parse_numbers(train, drop=drop)
    new_rows = parse_numbers(test, drop=drop)[order]
    new_rows.columns = rows.columns
    return rows, new_rows


def _share_names(train: CsvText, test: CsvText) -> tuple[CsvText, CsvText]:
    """Give the names in one file's header to the other's columns if that has none."""
    if len(train.columns) == len(test.columns):
        if train.has_header and not test.has_header:
            test = replace(test, columns=train.columns)
        elif test.has_header and not train.has_header:
            train = replace(train, columns=test.columns)
    return train, test


def _check_drop(drop: Sequence[str], *sources: CsvText) -> None:
    columns = {name: None for source in sources for name in source.columns}
    for name in drop:
        if name not in columns:
            files = " and ".join(str(source.path) for source in sources)
            verb = "has" if len(sources) == 1 else "have"
            message = (
                f"--drop {shlex.quote(name)}: {files} {verb} no column of that name;"
                f" {_suggestion(name, list(columns))}"
            )
            raise CliError(message)


def _suggestion(name: str, columns: list[str]) -> str:
    alike = difflib.get_close_matches(name, columns, n=1)
    if alike:
        return f"did you mean {alike[0]!r}?"
    more = ", ..." if len(columns) > _N_SUGGESTED else ""
    return f"the columns are {', '.join(columns[:_N_SUGGESTED])}{more}"


def _match(train: CsvText, test: CsvText, drop: Sequence[str]) -> list[str]:
    """Return the columns to take of the second file, in the order of the first file's."""
    wanted = [name for name in train.columns if name not in drop]
    found = [name for name in test.columns if name not in drop]
    if not (train.has_header and test.has_header):
        if len(wanted) != len(found):
            message = (
                f"{test.path}: has {len(found)} columns where {train.path} has {len(wanted)};"
                " give both the same columns, or leave some out with --drop"
            )
            raise CliError(message)
        return found
    surplus = [name for name in found if name not in wanted]
    if surplus:
        message = (
            f"{test.path}: column {surplus[0]!r} is not in {train.path};"
            f" leave it out with --drop {shlex.quote(surplus[0])}"
        )
        raise CliError(message)
    missing = [name for name in wanted if name not in found]
    if missing:
        message = (
            f"{test.path}: column {missing[0]!r} of {train.path} is missing;"
            f" add it or leave it out with --drop {shlex.quote(missing[0])}"
        )
        raise CliError(message)
    return wanted
