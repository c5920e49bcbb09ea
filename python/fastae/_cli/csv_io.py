"""CSV text as a table of cells, whose lines can be named.

pyarrow reads the records, all cells as text. It counts records, not lines, and takes a quote that
is never closed for the rest of the file; so where something is wrong, the standard library's
strict reader goes through the text to say where.
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastae._cli.errors import CliError, one_line
from fastae._cli.header import column_names, detect_header
from fastae._cli.sniffing import check_delimiter
from fastae._scan_files import arrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Enough records to tell a header from a row, few enough to be read twice without a thought.
_N_SNIFFED = 50
# A record must fit into a block.
_BLOCK = 1 << 24


@dataclass(frozen=True)
class CsvText:
    """A CSV file whose first records have been looked at.

    Attributes
    ----------
    label : str
        Where it came from, for messages.
    content : bytes
        UTF-8, without a byte order mark.
    delimiter : str
        What separates fields.
    names : tuple of str
        The header's names, or ``C1``, ``C2``, ... where there is none.
    named : bool
        Whether the first record is a header.
    decimal : str
        What stands before the decimals of numbers.
    """

    label: str
    content: bytes
    delimiter: str
    names: tuple[str, ...]
    named: bool
    decimal: str = "."

    def cells(self, columns: Sequence[str]) -> Any:
        """Return the records below the header, as text.

        Parameters
        ----------
        columns : sequence of str
            Which columns to read.

        Returns
        -------
        table : pyarrow.Table
            Cells as they stand in the file, empty ones as "".

        Raises
        ------
        CliError
            If records differ in their number of fields, a quote is not closed, something is not
            UTF-8, or there is no row.
        """
        pa, arrow_csv = arrow(), arrow("csv")
        one_column = len(self.names) == 1
        # In a wider table a blank line cannot be a row; in this one it is a missing number.
        content = self.content.rstrip() if one_column else self.content
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(content),
                read_options=arrow_csv.ReadOptions(
                    column_names=list(self.names),
                    skip_rows=self._n_blank_lines(),
                    skip_rows_after_names=int(self.named),
                    block_size=_BLOCK,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.delimiter,
                    newlines_in_values=b'"' in content,
                    ignore_empty_lines=not one_column,
                    invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=list(columns),
                    column_types=dict.fromkeys(self.names, pa.large_string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowException as error:
            self.check()
            message = f"{self.label}: {one_line(error)}"
            raise CliError(message) from error
        if not table.num_rows:
            message = f"{self.label}: there is a header but no row below it; add rows"
            raise CliError(message)
        if b'"' in content and _ends_in_lines(table):
            self.check()
        if one_column:
            self._check_blank(table.column(0))
        return table

    def line_of(self, row: int) -> int:
        """Return the line, from 1, on which a row ends, counted from 0 below the header."""
        records = itertools.islice(_records(self.content, self.delimiter), row + self.named, None)
        return next(records)[0]

    def check(self) -> None:
        """Raise CliError about the first line that pyarrow cannot have liked, if there is one."""
        check_text(self.label, self.content)
        n_expected = len(self.names)
        try:
            for line, fields in _records(self.content, self.delimiter):
                n_fields = len(fields)
                if n_fields != n_expected:
                    message = (
                        f"{self.label}: line {line} has {n_fields} field{'s' * (n_fields != 1)}"
                        f" where the lines above have {n_expected}; give every line the same number"
                    )
                    raise CliError(message)
        except csv.Error as error:
            raise _bad_quotes(self.label, error) from error

    def _n_blank_lines(self) -> int:
        lines = io.BytesIO(self.content)
        return sum(1 for _ in itertools.takewhile(lambda line: not line.strip(), lines))

    def _check_blank(self, column: Any) -> None:
        pc = arrow("compute")
        row = pc.index(pc.utf8_trim_whitespace(column), "").as_py()
        if row >= 0:
            text = io.TextIOWrapper(io.BytesIO(self.content.lstrip()), "utf-8", newline=None)
            n_above = self._n_blank_lines()
            blank = (i for i, line in enumerate(text, start=1 + n_above) if not line.strip())
            message = f"{self.label}: line {next(blank, row + 1)} is blank; fill it in or delete it"
            raise CliError(message)


def open_csv(
    label: str, content: bytes, *, header: bool | None, delimiter: str, decimal: str = "."
) -> CsvText:
    """Look at the first records of a CSV file.

    Parameters
    ----------
    label : str
        Where it came from, for messages.
    content : bytes
        Of the file, or its beginning.
    header : bool or None
        Whether the first record holds names; None finds out.
    delimiter : str
        What separates fields, one ASCII character.
    decimal : str, default="."
        What stands before the decimals of numbers.

    Returns
    -------
    text : CsvText

    Raises
    ------
    CliError
        If it is empty, not text, its fields end at another character, or two columns have one name.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in content:
        check_text(label, content)
    try:
        top = list(itertools.islice(_records(content, delimiter), _N_SNIFFED))
    except csv.Error as error:
        raise _bad_quotes(label, error) from error
    except UnicodeDecodeError:
        check_text(label, content)
        raise
    if not top:
        message = f"{label}: the file is empty; a table is expected"
        raise CliError(message)
    line, first = top[0]
    check_delimiter(
        label,
        [fields for _, fields in top],
        delimiter,
        lambda other: [
            fields for _, fields in itertools.islice(_records(content, other), len(top))
        ],
    )
    if header is None:
        same = [fields for _, fields in top[1:] if len(fields) == len(first)]
        header = detect_header(label, line, first, same, decimal)
    names = column_names(label, first if header else [""] * len(first))
    return CsvText(label, content, delimiter, names, header, decimal)


def check_text(label: str, content: bytes) -> None:
    """Raise CliError, with the line, if something is not UTF-8 text."""
    place = content.find(b"\0")
    if place < 0:
        try:
            content.decode()
        except UnicodeDecodeError as error:
            place = error.start
    if place >= 0:
        above = content[:place].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = above.count(b"\n") + 1
        message = f"{label}: line {line} is not UTF-8 text; save the table as CSV in UTF-8"
        raise CliError(message)


def _bad_quotes(label: str, error: csv.Error) -> CliError:
    return CliError(f"{label}: {error}; close every quote and put nothing behind it")


def _ends_in_lines(table: Any) -> bool:
    """Return whether a cell of the last record has several lines, as if a quote was left open."""
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    return any("\n" in cell or "\r" in cell for cell in last.values())


def _records(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record ends, from 1, and its fields, without blank lines."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    for fields in reader:
        if len(fields) > 1 or any(cell.strip() for cell in fields):
            yield reader.line_num, fields
