"""Whether the fields of a CSV file end where they are said to."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from fastae._cli.errors import CliError
from fastae._cli.header import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Records = Sequence[Sequence[str]]

_DELIMITERS = ",;\t|"
_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+\s*")


def check_delimiter(
    label: str, top: Records, delimiter: str, records_by: Callable[[str], Records]
) -> None:
    """Raise CliError if fields seem to end at another character.

    Parameters
    ----------
    label : str
        The file, for messages.
    top : sequence of sequence of str
        Its first records.
    delimiter : str
        What separates their fields.
    records_by : callable
        Returns the first records as they are with another delimiter; may raise csv.Error.
    """
    widths = {len(fields) for fields in top}
    if widths == {1}:
        _check_single_fields(label, [fields[0] for fields in top], delimiter, records_by)
        return
    for other in _DELIMITERS:
        if other == delimiter:
            continue
        records = _records(other, records_by)
        if len(records) < 2 or not _is_table(records):
            continue
        cells = [cell for fields in records for cell in fields]
        comma = delimiter == "," and any(map(_COMMA_NUMBER.fullmatch, cells))
        if len(widths) > 1:
            found = "lines differ in their number of fields"
        elif comma and all(map(_is_filled_by_number, cells)):
            # Equally many fields in every line, but numbers cut in two.
            found = f"a field is {next(cell for cell in top[0] if other in cell)!r}"
        else:
            continue
        decimal = " --decimal ," if comma else ""
        message = (
            f"{label}: {found}; if fields end at {other!r}, say --delimiter {other!r}{decimal}"
        )
        raise CliError(message)


def _check_single_fields(
    label: str, lines: Sequence[str], delimiter: str, records_by: Callable[[str], Records]
) -> None:
    for other in _DELIMITERS:
        if other != delimiter and all(other in line for line in lines):
            message = (
                f"{label}: every line is one field, such as {lines[-1]!r}; if fields end at"
                f" {other!r}, say --delimiter {other!r}"
            )
            raise CliError(message)
    words = [line.split() for line in lines]
    if not _is_table(words) or not all(map(is_number, words[-1])):
        return
    cure = "write commas in place of the blanks"
    if delimiter != " " and _records(" ", records_by) == words:
        cure = "say --delimiter ' '"
    message = (
        f"{label}: every line is one field, such as {lines[-1]!r}; if fields end at blanks, {cure}"
    )
    raise CliError(message)


def _is_filled_by_number(cell: str) -> bool:
    return not cell.strip() or is_number(cell) or bool(_COMMA_NUMBER.fullmatch(cell))


def _records(delimiter: str, records_by: Callable[[str], Records]) -> Records:
    try:
        return [list(fields) for fields in records_by(delimiter)]
    except csv.Error:
        return []


def _is_table(records: Records) -> bool:
    widths = {len(fields) for fields in records}
    return len(widths) == 1 and widths != {1}
