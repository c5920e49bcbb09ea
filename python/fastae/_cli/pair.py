"""Two tables with the same columns: one to learn from and another to score."""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from fastae._cli.columns import Kind, kinds_of
from fastae._cli.errors import CliError, print_note
from fastae._cli.frames import as_listed
from fastae._cli.notes import names_in_short, note_one_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._cli.inputs import Source

# Names in a message; a table may have thousands of columns.
_N_SUGGESTED = 8


class Named(Protocol):
    """A table whose columns have names: a `Source` or a `Stream`."""

    label: str
    names: tuple[str, ...]
    named: bool


def match(
    train: Named, *others: Named, drop: Sequence[str] = (), categories: Any = "from_dtype"
) -> tuple[list[str], list[list[str]]]:
    """Return which columns to read of tables that are to have the same ones.

    Parameters
    ----------
    train : Source or Stream
    *others : Source or Stream
        A table without names has those of the others.
    drop : sequence of str, default=()
        Columns to leave out of whichever table has them.
    categories : "from_dtype" or list of str
        Columns whose numbers are categories.

    Returns
    -------
    names : list of str
        What the columns are called.
    own : list of list of str
        What each table calls them, the training table first.

    Raises
    ------
    CliError
        If no table has a column that is named, or tables do not have the same columns.
    """
    sources = [train, *others]
    names = {id(source): _names(source, sources) for source in sources}
    _check_named("--drop", drop, sources, names)
    wanted = [name for name in names[id(train)] if name not in drop]
    if not wanted:
        message = f"{train.label}: --drop leaves no column; keep at least one"
        raise CliError(message)
    if not isinstance(categories, str):
        _check_named("--categorical-features", categories, [train], names)
    own = []
    for source in sources:
        order = wanted if source is train else _match(train, source, wanted, names, drop)
        place = dict(zip(names[id(source)], source.names, strict=True))
        own.append([place[name] for name in order])
    return wanted, own


def read_train(
    train: Source, *others: Source, drop: Sequence[str] = (), categories: Any = "from_dtype"
) -> list[Any]:
    """Read training rows, and other tables with the same columns in the same order.

    Parameters
    ----------
    train : Source
        What is not known of its columns' types is found out.
    *others : Source
        Read as the training table was.
    drop, categories
        As of `match`.

    Returns
    -------
    tables : list of DataFrame, or of ndarray if all are arrays
        One per source.

    Raises
    ------
    CliError
        As of `match`, or if a cell does not suit its column.
    """
    names, own = match(train, *others, drop=drop, categories=categories)
    kinds: dict[str, Kind] = {}
    if not isinstance(categories, str):
        kinds = dict.fromkeys(categories, "category")
    tables: list[Any] = []
    for source, columns in zip((train, *others), own, strict=True):
        known = {to: kinds[name] for to, name in zip(columns, names, strict=True) if name in kinds}
        table = source.read(columns, known)
        if hasattr(table, "columns"):
            table.columns = names
            if source is train:
                kinds = kinds_of(table)
        if source is train and len(table) == 1:
            note_one_row(train.label)
        tables.append(table)
    if any(hasattr(table, "columns") for table in tables):
        return [_as_frame(table, names) for table in tables]
    return tables


def note_left_out(label: str, names: Sequence[str], why: str) -> None:
    """Say that a table has columns that are left out."""
    many = len(names) > 1
    print_note(
        f"{label}: column{'s' * many} {names_in_short(names)} {'are' if many else 'is'} {why}, and"
        " left out"
    )


def suggestion(name: str, columns: Sequence[str]) -> str:
    """Return what a name that is not there may have meant, or some names that are there."""
    alike = difflib.get_close_matches(name, columns, n=1)
    if alike:
        return f"did you mean {alike[0]!r}?"
    more = ", ..." if len(columns) > _N_SUGGESTED else ""
    return f"the columns are {', '.join(columns[:_N_SUGGESTED])}{more}"


def _as_frame(table: Any, names: Sequence[str]) -> Any:
    if hasattr(table, "columns"):
        return table
    return pd.DataFrame(table, columns=list(names), copy=False)


def _names(source: Named, sources: Sequence[Named]) -> tuple[str, ...]:
    """Return what a table's columns are called: by another table's header if it has none."""
    if not source.named:
        for other in sources:
            if other.named and len(other.names) == len(source.names):
                return other.names
    return source.names


def _check_named(
    option: str,
    given: Sequence[str],
    sources: Sequence[Named],
    names: dict[int, tuple[str, ...]],
) -> None:
    columns = {name: None for source in sources for name in names[id(source)]}
    for name in given:
        if name not in columns:
            files = " and ".join(source.label for source in sources)
            verb = "has" if len(sources) == 1 else "have"
            # A list of names was cut at the comma of one.
            whole = next(
                (c for c in columns if "," in c and name in map(str.strip, c.split(","))), ""
            )
            cure = suggestion(name, list(columns))
            if whole and option != "--drop":
                cure = f"a name with a comma is quoted, as {option} {shlex.quote(as_listed(whole))}"
            message = f"{option} {shlex.quote(name)}: {files} {verb} no column of that name; {cure}"
            raise CliError(message)


def _match(
    train: Named,
    test: Named,
    wanted: list[str],
    names: dict[int, tuple[str, ...]],
    drop: Sequence[str],
) -> list[str]:
    """Return the columns to take of the second table, in the order of the first one's."""
    found = [name for name in names[id(test)] if name not in drop]
    if not (train.named and test.named):
        if len(wanted) != len(found):
            message = (
                f"{test.label}: has {len(found)} columns where {train.label} has {len(wanted)};"
                " give both the same columns, or leave some out with --drop"
            )
            raise CliError(message)
        return found
    missing = [name for name in wanted if name not in found]
    if missing:
        message = (
            f"{test.label}: column {missing[0]!r} of {train.label} is missing;"
            f" add it or leave it out with --drop {shlex.quote(missing[0])}"
        )
        raise CliError(message)
    surplus = [name for name in found if name not in wanted]
    if surplus:
        note_left_out(test.label, surplus, f"not in {train.label}")
    return wanted
