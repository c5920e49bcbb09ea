"""CSV files in and out.

pandas parses the numbers, but it must not judge the shape of a file: it fills short records
with NaN and, below a header, takes a surplus field for an index, both without a word. So the
fields of every record are counted here first, and a cell that is not a finite number is looked
up in the text, to show the user what stands there.
"""

from __future__ import annotations

import csv
import io
import itertools
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastae._cli.errors import CliError, one_line, os_reason
from fastae._cli.files import write_atomically
from fastae._cli.header import column_names, detect_header, is_finite_number, is_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

# Enough records to tell a header from a row, few enough to be read twice without a thought.
_N_SNIFFED = 50
# Longer cells are cut in messages.
_N_SHOWN = 30


@dataclass(frozen=True)
class CsvText:
    """A CSV file whose records all have the same number of fields.

    Attributes
    ----------
    path : Path
        Where it came from, for messages.
    content : bytes
        UTF-8 with a line feed at the end of lines and no byte order mark.
    delimiter : str
        What separates fields.
    columns : tuple of str
        The header's names, or ``C1``, ``C2``, ... where there is none.
    has_header : bool
        Whether the first record is a header.
    n_rows : int
        Number of records below the header.
    """

    path: Path
    content: bytes
    delimiter: str
    columns: tuple[str, ...]
    has_header: bool
    n_rows: int


def read_csv(path: Path, *, header: bool | None = None, delimiter: str = ",") -> CsvText:
    """Read a CSV file and check its shape, not yet its numbers.

    Parameters
    ----------
    path : Path
        A UTF-8 file.
    header : bool or None, default=None
        Whether the first record holds names; None finds out.
    delimiter : str, default=","
        What separates fields, one ASCII character.

    Returns
    -------
    CsvText
        At least one row of at least one column.

    Raises
    ------
    CliError
        If the file is absent, unreadable, not text, ragged, without rows, or has two columns of
        one name.
    """
    content = _read_content(path)
    try:
        n_records = _count_records(path, content, delimiter)
        top = list(itertools.islice(_records(content, delimiter), _N_SNIFFED))
    except csv.Error as error:
        message = f"{path}: {error}; close every quote and put nothing behind it"
        raise CliError(message) from error
    if not top:
        message = f"{path}: the file is empty; rows of numbers are expected"
        raise CliError(message)
    line, first = top[0]
    if header is None:
        header = detect_header(path, line, first, [fields for _, fields in top[1:]])
    if header and n_records == 1:
        message = f"{path}: there is a header but no row below it; add rows of numbers"
        raise CliError(message)
    columns = column_names(path, first if header else [""] * len(first))
    return CsvText(path, content, delimiter, columns, header, n_records - header)


def parse_numbers(source: CsvText, *, drop: Collection[str] = ()) -> pd.DataFrame:
    """Return the rows of a file as float64 columns.

    Parameters
    ----------
    source : CsvText
        What `read_csv` returned.
    drop : collection of str, default=()
        Names of columns to leave out, unread; names that the file has not are ignored.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns - n_dropped)
        Finite numbers.

    Raises
    ------
    CliError
        If no column is left or a cell is empty, text, NaN or infinite.
    """
    import numpy as np
    import pandas as pd

    kept = [j for j, name in enumerate(source.columns) if name not in drop]
    if not kept:
        message = f"{source.path}: --drop leaves no column; keep at least one"
        raise CliError(message)
    try:
        frame = pd.read_csv(
            io.BytesIO(source.content),
            sep=source.delimiter,
            header=0 if source.has_header else None,
            names=list(source.columns),
            usecols=kept,
            index_col=False,
            dtype="float64",
        )
    except ValueError as error:  # pandas' ParserError is one
        raise _bad_cell(source, kept, otherwise=one_line(error)) from error
    if len(frame) != source.n_rows or not np.isfinite(frame.to_numpy()).all():
        raise _bad_cell(source, kept, otherwise="not all cells are numbers")
    return frame


def write_scores(
    path: Path,
    *,
    mse: npt.NDArray[np.float64],
    rank: npt.NDArray[np.intp],
    flag: npt.NDArray[np.bool_],
) -> None:
    """Write a line per row, in the rows' order: row (from 0), mse, rank (from 1), flag (0 or 1).

    Parameters
    ----------
    path : Path
        The CSV file; replaced in one step if it exists.
    mse, rank, flag : ndarray of shape (n_rows,)
        Each row's error with all its digits, its place when sorted by it, and the verdict.

    Raises
    ------
    CliError
        If the file cannot be written.
    """
    import pandas as pd

    scores = pd.DataFrame({"mse": mse, "rank": rank, "flag": flag.astype(int)})
    write_atomically(
        path,
        lambda stream: scores.to_csv(stream, index_label="row", mode="wb", lineterminator="\n"),
    )


def _read_content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read ({os_reason(error)}); give the path of a CSV file"
        raise CliError(message) from error
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    place = content.find(b"\0")
    if place < 0:
        try:
            content.decode()
        except UnicodeDecodeError as error:
            place = error.start
    if place >= 0:
        line = content.count(b"\n", 0, place) + 1
        message = f"{path}: line {line} is not UTF-8 text; save the table as CSV in UTF-8"
        raise CliError(message)
    return content


def _records(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record ends, from 1, and its fields, without blank lines."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    for fields in reader:
        if len(fields) > 1 or any(cell.strip() for cell in fields):
            yield reader.line_num, fields


def _field_counts(content: bytes, delimiter: str) -> Iterator[tuple[int, int]]:
    """Yield the line on which each record ends, from 1, and its number of fields."""
    if b'"' in content:
        yield from ((line, len(fields)) for line, fields in _records(content, delimiter))
        return
    # Without quotes a record is a line and a field ends at each delimiter: far quicker counted.
    mark = delimiter.encode()
    for line, text in enumerate(io.BytesIO(content), start=1):
        n_fields = text.count(mark) + 1
        if n_fields > 1 or text.strip():
            yield line, n_fields


def _count_records(path: Path, content: bytes, delimiter: str) -> int:
    """Return the number of records after checking that they are equally long."""
    n_records = n_expected = previous_line = 0
    for line, n_fields in _field_counts(content, delimiter):
        if n_records == 0:
            n_expected = n_fields
        if n_fields != n_expected:
            message = (
                f"{path}: line {line} has {n_fields} field{'s' * (n_fields != 1)} where the"
                f" lines above have {n_expected}; give every line the same number"
            )
            raise CliError(message)
        if n_expected == 1 and n_records and line != previous_line + 1:
            # In a wider table a blank line cannot be a row; in this one it is a missing number.
            message = f"{path}: line {line - 1} is blank; fill it in or delete it"
            raise CliError(message)
        n_records += 1
        previous_line = line
    return n_records


def _bad_cell(source: CsvText, kept: Sequence[int], *, otherwise: str) -> CliError:
    """Return an error about the first cell that is not a finite number, if one can be found."""
    rows = enumerate(_records(source.content, source.delimiter), start=-source.has_header)
    for row, (line, fields) in itertools.islice(rows, source.has_header, None):
        for j in kept:
            if not is_finite_number(fields[j]):
                name = source.columns[j]
                complaint = _complaint(fields[j], shlex.quote(name))
                place = f"line {line} (row {row}), column {name!r}"
                return CliError(f"{source.path}: {place} {complaint}")
    return CliError(f"{source.path}: {otherwise}")


def _complaint(cell: str, column: str) -> str:
    cell = cell.strip()
    shown = cell if len(cell) <= _N_SHOWN else f"{cell[:_N_SHOWN]}..."
    without = f"leave the column out with --drop {column}"
    if not cell:
        return f"is empty; fill it in, delete the row or {without}"
    for delimiter in ";\t|":
        if delimiter in cell:
            return f"is {shown!r}; if fields end at {delimiter!r}, say --delimiter {delimiter!r}"
    if is_text(cell):
        return f"is {shown!r}, not a number; correct it or {without}"
    return f"is {shown!r}, not a finite number; correct it, delete the row or {without}"
