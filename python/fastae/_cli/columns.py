"""What the columns of a file are: numbers, truth values, dates or text.

A column of text is turned into what it seems to hold, or into what a model wants. Cells are missing
where they are empty or hold one of the words that pyarrow takes for that, such as NA and nan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from fastae._cli.header import is_finite_number, is_number
from fastae._scan_files import arrow

if TYPE_CHECKING:
    from collections.abc import Mapping

pa, pc, types = arrow(), arrow("compute"), arrow("types")

# "category": text or numbers, whichever all cells are.
Kind = Literal["number", "truth", "datetime", "duration", "text", "category"]

_MISSING = pa.array(arrow("csv").ConvertOptions().null_values, pa.large_string())
_TRUTH = ("true", "True", "TRUE", "false", "False", "FALSE")
_TIMES = (pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("us", "UTC"))
_HOLDS = {
    "number": "a number",
    "truth": "true or false",
    "datetime": "a date such as 2024-01-31 or 2024-01-31T12:00:00",
    "duration": "a duration",
}


class BadCellError(Exception):
    """A cell that does not fit into its column.

    Attributes
    ----------
    row : int
        Counted from 0.
    cell : str
    complaint : str
        What it is not.
    mixed : bool
        Whether the column's own cells speak against it, rather than a model.
    """

    def __init__(self, row: int, cell: str, complaint: str, *, mixed: bool = False) -> None:
        super().__init__(cell)
        self.row, self.cell, self.complaint, self.mixed = row, cell, complaint, mixed


def read_text(cells: Any, kind: Kind | None = None, decimal: str = ".") -> Any:
    """Return a column of text as what it holds.

    Parameters
    ----------
    cells : pyarrow.ChunkedArray of text
    kind : Kind or None
        What it is to hold; None finds out.
    decimal : str, default="."
        What stands before the decimals of numbers.

    Returns
    -------
    column : ndarray of float64 or bool, or pandas.Series
        Numbers have NaN where cells are missing.

    Raises
    ------
    BadCellError
        If a cell is not of that kind, or a number is infinite, or some cells are numbers and as
        many or fewer are not.
    """

    def numbers(cells: Any) -> Any:
        return _numbers(_with_points(cells, decimal))

    if kind in (None, "number", "category"):
        column = numbers(cells)  # most columns: nothing is missing, and nothing else is needed
        if column is not None:
            return _as_levels(column) if kind == "category" else column
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, value_set=_MISSING)
    trimmed = pc.if_else(missing, None, trimmed)
    if kind == "text":
        return _texts(cells, missing)
    readers = {"number": [numbers, _truths], "truth": [_truths], "datetime": [_times]}
    orders = [numbers, _truths, *([] if kind == "category" else [_times])]
    for read in readers.get(str(kind), orders):
        column = read(trimmed)
        if column is not None:
            if kind == "number" and column.dtype != np.float64:
                column = pd.Series(column).astype("float64").to_numpy()
            return _as_levels(column) if kind == "category" else column
    if kind in _HOLDS:
        if kind == "number" and decimal != ".":
            complaint = f"not a number with {decimal!r} before its decimals"
            raise _first(_with_points(trimmed, decimal), is_finite_number, complaint, shown=trimmed)
        test = _TESTS.get(str(kind), lambda _: False)
        raise _first(trimmed, test, f"not {_HOLDS[str(kind)]}")
    pointed = _with_points(trimmed, decimal)
    if kind is None and _mostly_numbers(pointed):
        raise _first(pointed, is_number, "not a number", shown=trimmed, mixed=True)
    return _texts(cells, missing)


def read_typed(column: Any, kind: Kind | None = None) -> Any:
    """Return a column of an Arrow table as what it holds, or is to hold.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
    kind : Kind or None
        None: what its type says.

    Returns
    -------
    column : ndarray or pandas.Series

    Raises
    ------
    BadCellError
        As in `read_text`.
    TypeError
        With the type's name, if that is of another kind.
    """
    kind_of_type = column.type
    is_text = _is_text(kind_of_type)
    if kind in ("number", "truth", "datetime") and is_text:
        return read_text(column.cast(pa.large_string()).fill_null(""), kind)
    if kind == "text" and not is_text:
        return _as_text(column).to_pandas()
    is_time = types.is_timestamp(kind_of_type) or types.is_date(kind_of_type)
    if (kind == "number" and not _is_number(kind_of_type)) or (kind == "datetime" and not is_time):
        raise TypeError(str(kind_of_type))
    if types.is_decimal(kind_of_type):
        column = column.cast(pa.float64())
    if types.is_date(kind_of_type):
        column = column.cast(pa.timestamp("ms"))
    if types.is_boolean(kind_of_type) and column.null_count:
        return pd.Series(column.to_pandas(), dtype="boolean")
    return column.to_pandas()


def frame_of(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return columns as a frame; numbers of one type lie in one block, row by row."""
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    dtypes = {array.dtype for array in arrays.values()}
    plain = all(
        isinstance(getattr(column, "dtype", None), np.dtype) and column.dtype.kind in "biuf"
        for column in columns.values()
    )
    if len(dtypes) == 1 and plain:
        block = np.column_stack(list(arrays.values()))
        return pd.DataFrame(block, columns=list(columns), copy=False)
    return pd.DataFrame(dict(columns))


def kinds_of(frame: pd.DataFrame) -> dict[str, Kind]:
    """Return what the columns of a frame are, so that another file can be read alike."""
    kinds: dict[str, Kind] = {}
    for name, dtype in frame.dtypes.items():
        if pd.api.types.is_bool_dtype(dtype):
            kinds[str(name)] = "truth"
        elif pd.api.types.is_numeric_dtype(dtype):
            kinds[str(name)] = "number"
        elif pd.api.types.is_datetime64_any_dtype(dtype):
            kinds[str(name)] = "datetime"
        elif pd.api.types.is_timedelta64_dtype(dtype):
            kinds[str(name)] = "duration"
        else:
            kinds[str(name)] = "text"
    return kinds


def _numbers(cells: Any) -> Any:
    try:
        values = cells.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        row = int(infinite[0])
        raise BadCellError(row, cells[row].as_py(), "not a finite number")
    return values


def _truths(cells: Any) -> Any:
    words = pa.array(_TRUTH, cells.type)
    if not pc.all(pc.is_in(cells.drop_null(), value_set=words)).as_py():
        return None
    values = pc.equal(pc.utf8_lower(cells), "true")
    if cells.null_count:
        return pd.Series(values.to_pandas(), dtype="boolean")
    return values.to_numpy()


def _times(cells: Any) -> Any:
    for kind in _TIMES:
        try:
            return cells.cast(kind).to_pandas()
        except pa.ArrowInvalid:
            continue
    return None


def _texts(cells: Any, missing: Any) -> Any:
    return pc.if_else(missing, None, cells).to_pandas()


def _as_levels(column: Any) -> Any:
    """Return numbers as whole ones if they are, so that levels read as in the file."""
    if not (isinstance(column, np.ndarray) and column.dtype.kind == "f"):
        return column
    known = column[~np.isnan(column)]
    if not known.size or (known != np.floor(known)).any() or np.abs(known).max() >= 2**53:
        return column
    whole = pd.Series(column).astype("Int64")
    return whole if known.size < column.size else column.astype(np.int64)


def _mostly_numbers(cells: Any) -> bool:
    """Return whether at least half of the cells that are not missing are numbers."""
    counts = pc.value_counts(cells.drop_null())
    pairs = zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)
    n_numbers = sum(count for cell, count in pairs if is_number(cell))
    return bool(2 * n_numbers >= len(cells) - cells.null_count and n_numbers > 0)


def _with_points(cells: Any, decimal: str) -> Any:
    """Return cells with points before decimals; what has points already is no number then."""
    if decimal == ".":
        return cells
    return pc.replace_substring(pc.replace_substring(cells, ".", "?"), decimal, ".")


def _first(
    cells: Any, test: Any, complaint: str, *, shown: Any = None, mixed: bool = False
) -> BadCellError:
    """Return a complaint about the first cell that fails a test."""
    for row, cell in enumerate(cells.to_pylist()):
        if cell is not None and not test(cell):
            cell = cell if shown is None else shown[row].as_py()
            return BadCellError(row, cell, complaint, mixed=mixed)
    return BadCellError(0, "", complaint, mixed=mixed)


def _is_time(cell: str) -> bool:
    return _times(pa.chunked_array([[cell]], pa.large_string())) is not None


_TESTS = {
    "number": is_finite_number,
    "truth": lambda cell: cell in _TRUTH,
    "datetime": _is_time,
}


def _is_text(kind: Any) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or str(kind) == "string_view")


def _is_number(kind: Any) -> bool:
    tests = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null
    return any(bool(test(kind)) for test in tests)


def _as_text(column: Any) -> Any:
    """Return numbers and truth values as a CSV file would have them."""
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_floating(column.type):
        whole = column.cast(pa.int64(), safe=False)
        same = pc.all(pc.equal(whole.cast(column.type), column)).as_py()
        column = whole if same else column
    return column.cast(pa.large_string())
