"""Whether a CSV file starts with a header, and what its columns are called."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fastae._cli.errors import CliError, print_note

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, NaN and infinity included."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # 1_000 is a number in Python only


def is_text(cell: str) -> bool:
    """Return whether a cell holds something that is not a number."""
    return bool(cell.strip()) and not is_number(cell)


def detect_header(
    label: str,
    line: int,
    first: Sequence[str],
    rest: Sequence[list[str]],
    decimal: str = ".",
) -> bool:
    """Return whether the first record of a file is a header.

    Parameters
    ----------
    label : str
        The file, for messages.
    line : int
        The first record's line.
    first : sequence of str
        The fields of the first record.
    rest : sequence of list of str
        Some of the records below it.
    decimal : str, default="."
        What stands before the decimals of numbers.

    Returns
    -------
    bool
        Words above numbers are a header, and so are the numbers 0, 1, 2, ... that pandas writes
        for want of names, and years one after the other above what are none. Otherwise it is a row.

    Raises
    ------
    CliError
        If the first record has a word above numbers and, in another column, a number: a header
        with years in it looks like that, but so does a first row with a fault.
    """
    if decimal != ".":
        first, *rest = (
            [cell.replace(decimal, ".") for cell in fields] for fields in (first, *rest)
        )
    if not any(is_text(cell) for cell in first):
        return _is_counting(first) or _is_years(label, line, first, rest)
    if not any(cell.strip() and is_number(cell) for cell in first):
        return True
    for j, cell in enumerate(first):
        if is_text(cell) and not any(is_text(record[j]) for record in rest):
            message = (
                f"{label}: line {line} is a header or a row with text, column {j + 1} being"
                f" {cell!r}; say --header or --no-header"
            )
            raise CliError(message)
    return False


def _is_counting(cells: Sequence[str]) -> bool:
    # Frames without names get 0, 1, 2, ...; the index in front of them has no name at all.
    names = cells if cells[0].strip() else cells[1:]
    shortest = 3  # two values 0, 1 may well be a row
    return len(names) >= shortest and list(names) == [str(j) for j in range(len(names))]


def _is_years(label: str, line: int, first: Sequence[str], rest: Sequence[list[str]]) -> bool:
    """Return whether a record of numbers counts years, as no other does, and say so."""
    if not rest or not _counts_years(first) or any(map(_counts_years, rest)):
        return False
    print_note(
        f"{label}: line {line} counts years, from {first[0].strip()} to {first[-1].strip()}, and is"
        " taken for a header; say --no-header if it is a row"
    )
    return True


def _counts_years(cells: Sequence[str]) -> bool:
    shortest, earliest, latest = 3, 1800, 2200
    if len(cells) < shortest or not all(cell.strip().isdecimal() for cell in cells):
        return False
    years = [int(cell) for cell in cells]
    counted = list(range(years[0], years[0] + len(years)))
    return years == counted and earliest <= years[0] <= years[-1] <= latest


def column_names(label: str, header: Sequence[str]) -> tuple[str, ...]:
    """Return the names in a header, with ``C1``, ``C2``, ... where it has none.

    Parameters
    ----------
    label : str
        The file, for messages.
    header : sequence of str
        Its names; blank ones are replaced by their place, counted from 1.

    Raises
    ------
    CliError
        If two columns have one name.
    """
    names = tuple(cell.strip() or f"C{j}" for j, cell in enumerate(header, start=1))
    first_place: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        other = first_place.setdefault(name, place)
        if other != place:
            message = (
                f"{label}: columns {other} and {place} are both named {name!r}; rename one,"
                " or say --no-header if the first line is a row"
            )
            raise CliError(message)
    return names


def is_finite_number(cell: str) -> bool:
    """Return whether a cell holds a number that can be calculated with."""
    return is_number(cell) and math.isfinite(float(cell))
