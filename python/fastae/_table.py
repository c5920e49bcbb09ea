"""Tables of equally long named columns: training histories, summaries of layers."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Column = npt.NDArray[Any]

# A printed table of more rows shows the first and the last ones only.
MAX_ROWS = 20
EDGE_ROWS = 8
# Longer texts are cut in print, so that one cell does not make the whole table wide.
MAX_TEXT = 50

# Digits of a float column: of its largest number at least 6 significant ones, and up to 7 where
# that gives its smaller ones 4.
_DIGITS = 6
_FEWEST_DIGITS = 4
_MOST_DIGITS = 7
_MOST_DECIMALS = 8
# Powers of ten between which numbers are written without an exponent.
_LEAST_POWER, _GREATEST_POWER = -4, 14

_KINDS = "biufUO"  # of NumPy dtypes: truth values, numbers, text, Python objects


class Table(Mapping[str, Column]):
    """An immutable table: a mapping of column names to equally long arrays.

    Printed, it shows the first and last 8 rows if it has more than 20. Numbers are rounded in
    print only. NaN and None are left blank.

    Parameters
    ----------
    columns : mapping of str to array-like of shape (n_rows,)
        Truth values, numbers, text or Python objects; they are copied.
    title : str
        Printed above the table.

    Attributes
    ----------
    title : str
    n_rows : int

    Raises
    ------
    ValueError
        If columns differ in length, or one is not 1-D or holds something else.
    TypeError
        If a name is not a str.

    Examples
    --------
    >>> from fastae._table import Table
    >>> table = Table({"epoch": [0, 1, 2], "mse": [0.25, 0.125, float("nan")]}, title="History")
    >>> table
    History
    epoch    mse
        0  0.250
        1  0.125
        2
    >>> table["mse"].tolist(), list(table), table.n_rows
    ([0.25, 0.125, nan], ['epoch', 'mse'], 3)
    """

    __slots__ = ("_columns", "_title")

    def __init__(self, columns: Mapping[str, npt.ArrayLike], title: str = "") -> None:
        self._columns = {_name(name): _column(name, values) for name, values in columns.items()}
        self._title = str(title)
        for name, column in self._columns.items():
            if column.size != self.n_rows:
                msg = (
                    f"Columns must be equally long, but {next(iter(self._columns))!r} has "
                    f"{self.n_rows} values and {name!r} has {column.size}."
                )
                raise ValueError(msg)

    @property
    def title(self) -> str:
        """What is printed above the table."""
        return self._title

    @property
    def n_rows(self) -> int:
        """Values per column; 0 without columns."""
        return next(iter(self._columns.values())).size if self._columns else 0

    def __getitem__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            known = ", ".join(map(repr, self._columns))
            msg = f"There is no column {name!r}; the columns are {known or 'none'}."
            raise KeyError(msg) from None

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    # A mapping compares by content, which arrays answer element by element: equal is the same.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    # By way of the constructor, since arrays that are unpickled or deep-copied can be written to.
    def __reduce__(self) -> tuple[type[Table], tuple[dict[str, Column], str]]:
        return type(self), (self._columns, self._title)

    def rows(self) -> list[dict[str, Any]]:
        """Return one dict of Python scalars per row.

        Examples
        --------
        >>> from fastae._table import Table
        >>> Table({"layer": [1, 2], "type": ["input", "tanh"]}).rows()
        [{'layer': 1, 'type': 'input'}, {'layer': 2, 'type': 'tanh'}]
        """
        columns = [_scalars(column) for column in self._columns.values()]
        return [dict(zip(self._columns, row, strict=True)) for row in zip(*columns, strict=True)]

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas DataFrame with copies of the columns.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            msg = "to_pandas needs pandas: install it with `pip install pandas`, or use rows()."
            raise ImportError(msg) from error
        return pd.DataFrame({name: column.copy() for name, column in self._columns.items()})

    def __repr__(self) -> str:
        shown = [_show(name, column) for name, column in self._columns.items()]
        lines = [shown_line.rstrip() for shown_line in _aligned(shown)]
        if self._shortened:
            lines.insert(1 + EDGE_ROWS, "...")
        if self._shortened or self.n_rows == 0:
            lines.append(self._size)
        return "\n".join([self._title, *lines] if self._title else lines)

    def _repr_html_(self) -> str:
        shown = [_show(name, column) for name, column in self._columns.items()]
        head, *body = (_html_row(tag, shown, row) for tag, row in _numbered(shown))
        if self._shortened:
            body.insert(EDGE_ROWS, f'<tr><td colspan="{len(self)}">...</td></tr>')
        caption = f"<caption>{html.escape(self._title)}</caption>\n" if self._title else ""
        size = f"<p>{self._size}</p>\n" if self._shortened or self.n_rows == 0 else ""
        body_lines = "".join(f"{line}\n" for line in body)
        return (
            '<div style="overflow-x: auto">\n'
            f'<table class="fastae-table">\n{caption}<thead>\n{head}\n</thead>\n'
            f"<tbody>\n{body_lines}</tbody>\n</table>\n{size}</div>"
        )

    @property
    def _shortened(self) -> bool:
        return self.n_rows > MAX_ROWS

    @property
    def _size(self) -> str:
        return f"[{self.n_rows} rows x {len(self)} columns]"


def _name(name: object) -> str:
    if not isinstance(name, str):
        msg = f"Column names must be str, got {name!r}."
        raise TypeError(msg)
    return name


def _column(name: str, values: npt.ArrayLike) -> Column:
    """Return a read-only copy of one column."""
    try:
        column = np.array(values)
    except ValueError as error:
        msg = f"Column {name!r} must be a 1-D array, got values of different shapes."
        raise ValueError(msg) from error
    if column.ndim != 1:
        msg = f"Column {name!r} must be a 1-D array, got shape {column.shape}."
        raise ValueError(msg)
    if column.dtype.kind not in _KINDS:
        msg = f"Column {name!r} must hold numbers, text or objects, got dtype {column.dtype}."
        raise ValueError(msg)
    if _turned_to_text(values, column):
        column = np.array(values, dtype=object)
    if column.dtype == np.longdouble:  # which is no Python float
        column = column.astype(np.float64)
    column.flags.writeable = False
    return column


def _turned_to_text(values: npt.ArrayLike, column: Column) -> bool:
    """Tell whether NumPy made text of numbers, because they stand beside text."""
    return (
        column.dtype.kind == "U"
        and isinstance(values, Sequence)
        and not all(isinstance(value, str) for value in values)
    )


def _scalars(column: Column) -> list[Any]:
    """Return a column's values as Python scalars."""
    return [value.item() if isinstance(value, np.generic) else value for value in column.tolist()]


class _Shown(NamedTuple):
    """A column as it is printed: the heading, then the rows at both ends."""

    cells: list[str]
    align: Literal["left", "right"]


def _show(name: str, column: Column) -> _Shown:
    if column.size > MAX_ROWS:
        column = np.concatenate([column[:EDGE_ROWS], column[-EDGE_ROWS:]])
    values = [None if _is_missing(value) else value for value in _scalars(column)]
    if all(value is None or _is_number(value) for value in values):
        return _Shown([_printable(name), *_format_numbers(values)], "right")
    return _Shown([_printable(name), *map(_format_other, values)], "left")


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _format_other(value: object) -> str:
    if value is None:
        return ""
    text = _printable(f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value))
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 3]}..."


def _printable(text: str) -> str:
    """Escape line breaks and the like, which would tear a row apart."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _format_numbers(values: list[int | float | None]) -> list[str]:
    """Write a column's numbers so that their digits align, None as nothing."""
    if any(isinstance(value, float) for value in values):
        floats = [None if value is None else _as_float(value) for value in values]
        decimals = _decimals([value for value in floats if value is not None])
        return _format_floats(floats, decimals)
    return ["" if value is None else str(value) for value in values]


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an int beyond float64
        return math.inf if value > 0 else -math.inf


def _parts(value: float, digits: int = _DIGITS) -> tuple[int, int]:
    """Return the power of ten and the decimals of a number rounded to so many digits."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    return power, len(mantissa.rstrip("0").partition(".")[2]) - power


def _decimals(values: list[float]) -> int:
    """Return how many digits after the point suit all numbers of a column."""
    parts = [_parts(value) for value in values if value != 0.0 and math.isfinite(value)]
    parts = [part for part in parts if _LEAST_POWER <= part[0] <= _GREATEST_POWER]
    if not parts:
        return 0
    powers = [power for power, _ in parts]
    for_largest = _DIGITS - 1 - max(powers)
    for_smallest = min(_FEWEST_DIGITS - 1 - min(powers), _MOST_DIGITS - 1 - max(powers))
    # No more than it takes to write all of them: 0.25 and 0.5 need two decimals.
    needed = max(decimals for _, decimals in parts)
    return max(0, min(needed, max(for_largest, for_smallest), _MOST_DECIMALS))


def _format_floats(values: list[float | None], decimals: int) -> list[str]:
    """Write numbers with so many decimals, or with an exponent where these do not suit them."""
    with_exponent = [value for value in values if value is not None and _odd(value, decimals)]
    # As for decimals: no more digits than one of them needs.
    parts = [_parts(value, _FEWEST_DIGITS) for value in with_exponent]
    mantissa = max((power + decimals for power, decimals in parts), default=0)
    cells = []
    for value in values:
        if value is None:
            cells.append("")
        elif _odd(value, decimals):
            cells.append(f"{value:.{mantissa}e}")
        else:
            cells.append(f"{value + 0.0:.{decimals}f}")  # + 0.0 takes the sign off -0.0
    return cells


def _odd(value: float, decimals: int) -> bool:
    """Tell whether a number has too many or too few digits when written with so many decimals."""
    if value == 0.0 or not math.isfinite(value):
        return False
    power, needed = _parts(value)
    too_small = power + decimals + 1 < _FEWEST_DIGITS and needed > decimals
    return too_small or not _LEAST_POWER <= power <= _GREATEST_POWER


def _aligned(shown: list[_Shown]) -> list[str]:
    """Return the printed lines, headings first."""
    padded = []
    for cells, align in shown:
        width = max(map(len, cells))
        padded.append([c.ljust(width) if align == "left" else c.rjust(width) for c in cells])
    return ["  ".join(row) for row in zip(*padded, strict=True)]


def _numbered(shown: list[_Shown]) -> list[tuple[str, int]]:
    """Return the kind of cell and the index of each printed row."""
    n_printed = len(shown[0].cells) if shown else 1
    return [("th" if row == 0 else "td", row) for row in range(n_printed)]


def _html_row(tag: str, shown: list[_Shown], row: int) -> str:
    cells = "".join(
        f'<{tag} style="text-align: {align}">{html.escape(cells[row])}</{tag}>'
        for cells, align in shown
    )
    return f"<tr>{cells}</tr>"
