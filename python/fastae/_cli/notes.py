"""Notes on columns that may not be what they seem: numbers taken for text, ids, counters."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastae._cli.errors import print_note
from fastae._cli.header import is_number
from fastae._scan_files import arrow

if TYPE_CHECKING:
    from collections.abc import Sequence

# So many different cells tell how a column writes its numbers, and nearly all have to.
_N_LOOKED_AT = 1_000
_SHARE = 0.95
# Fewer rows than this may well differ all in a column of categories.
_FEWEST_IDS = 30
# Integers beyond it are not told apart by the floats that a network calculates with.
_EXACT = 2**53
_N_NAMED = 5

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_CLOCK = r"([T ]\d{1,2}:\d{2}.*)?"
_PLAIN = r"[+-]?\d+(\.\d+)?"


class Notation(NamedTuple):
    """A way to write numbers or dates that is not read as such.

    Attributes
    ----------
    what : str
        Follows "holds".
    cure : str
    cells : re.Pattern
        Matches cells of such a column.
    telling : re.Pattern
        Is found in those that are no plain numbers; at least half must be so.
    """

    what: str
    cure: str
    cells: re.Pattern[str]
    telling: re.Pattern[str]


def _notation(what: str, cure: str, cells: str, telling: str = ".") -> Notation:
    return Notation(what, cure, re.compile(cells, re.IGNORECASE), re.compile(telling))


_NUMBERS = "write them as plain numbers"
_DATES = "write them as 2024-01-31"
_DECIMAL_COMMA = _notation(
    "numbers with a decimal comma", "say --decimal ,", r"[+-]?\d+(,\d+)?(e[+-]?\d+)?", ","
)
# Where commas are decimal.
_POINTS: tuple[Notation, ...] = (
    _notation(
        "numbers with points between thousands", "write them without",
        r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?|[+-]?\d+(,\d+)?", r"\.",
    ),
    _notation(
        "numbers with a decimal point", "leave --decimal out, or write commas", _PLAIN, r"\."
    ),
)  # fmt: skip
_COMMAS: tuple[Notation, ...] = (
    _notation(
        "numbers with commas between thousands",
        "write them without, or say --decimal , if it is a decimal comma",
        rf"[+-]?[1-9]\d{{0,2}}(,\d{{3}})+(\.\d+)?|{_PLAIN}", ",",
    ),
    _DECIMAL_COMMA,
    _notation(
        "numbers with a decimal comma and points between thousands",
        "write them without these points and say --decimal ,",
        r"[+-]?\d{1,3}(\.\d{3})*(,\d+)?", ",",
    ),
)  # fmt: skip
_OTHERS: tuple[Notation, ...] = (
    _notation(
        "numbers with thousands set apart", _NUMBERS,
        r"[+-]?\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+([.,]\d+)?|[+-]?\d+([.,]\d+)?",
        r"[ '\u2019\u00a0\u202f]",
    ),
    _notation("percentages", _NUMBERS, rf"[+-]?[\d.,]*\d\s?%|{_PLAIN}", "%"),
    _notation(
        "amounts of money", _NUMBERS,
        r"[+-]?[$€£¥]\s?[+-]?[\d.,]*\d|[+-]?[\d.,]*\d\s?([$€£¥]|eur|usd|gbp|chf)", r"\d",
    ),
    _notation("dates", _DATES, rf"\d{{1,2}}([./-])\d{{1,2}}\1(\d{{4}}|\d{{2}}){_CLOCK}"),
    _notation("dates", _DATES, rf"\d{{4}}([./-])\d{{1,2}}\1\d{{1,2}}{_CLOCK}"),
    _notation("dates", _DATES, rf"\d{{1,2}}\.?[ -]?{_MONTH}\.?[ -]?(\d{{4}}|\d{{2}}){_CLOCK}"),
    _notation("dates", _DATES, rf"{_MONTH}\.? \d{{1,2}},? \d{{4}}{_CLOCK}"),
    _notation(
        "times of day", "write them as numbers, such as hours",
        r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?",
    ),
)  # fmt: skip


class Notes:
    """Collects what is to be said of the columns of a table, and says it.

    Parameters
    ----------
    label : str
        What the table is called.
    decimal : str or None
        What stands before the decimals of numbers; None of files that hold numbers as such.
    """

    def __init__(self, label: str, decimal: str | None = None) -> None:
        self._label, self._decimal = label, decimal
        self._notations: dict[Notation, dict[str, str]] = {}
        self._ids: dict[str, str] = {}
        self._mixed: dict[str, str] = {}
        self._counters: dict[str, str] = {}

    def look(self, name: str, cells: Any, column: Any) -> None:
        """Look at a column whose kind was found out.

        Parameters
        ----------
        name : str
        cells : pyarrow.ChunkedArray
            As in the file.
        column : ndarray or pandas.Series
            What they were read as.
        """
        kind = getattr(column.dtype, "kind", "O")
        if kind in "iuf":
            self._look_at_numbers(name, cells, column)
        elif kind not in "bmM" and str(column.dtype) != "boolean":
            self._look_at_text(name, column.dropna())

    def say(self) -> None:
        """Print one line for each thing to say."""
        for notation, columns in self._notations.items():
            self._say(columns, f"{notation.what}, {{}}, read as text", notation.cure)
        self._say(
            self._mixed,
            "words among numbers, {}, and so text",
            "correct them if they are faults",
        )
        self._say(self._ids, "text that differs in nearly every row, {}", self._left_out(self._ids))
        self._say(
            self._counters,
            f"whole numbers beyond {_EXACT:,}, {{}}, whose last digits are lost",
            f"take a constant away from them first, or {self._left_out(self._counters)}",
        )

    def _say(self, columns: dict[str, str], what: str, cure: str) -> None:
        if columns:
            subject = f"column{'s' * (len(columns) > 1)} {names_in_short(list(columns))}"
            examples = [cell for cell in columns.values() if cell]
            example = f"such as {examples[0]!r}" if examples else "further down"
            verb = "holds" if len(columns) == 1 else "hold"
            print_note(f"{self._label}: {subject} {verb} {what.format(example)}; {cure}")

    @staticmethod
    def _left_out(columns: dict[str, str]) -> str:
        if len(columns) > 1:
            return "--drop NAME leaves one out"
        return f"--drop {shlex.quote(next(iter(columns), ''))} leaves it out"

    def _look_at_text(self, name: str, known: Any) -> None:
        if not len(known) or not isinstance(known.iloc[0], str):
            return
        levels = known.unique()
        looked_at = [str(cell).strip() for cell in levels[:_N_LOOKED_AT]]
        notation = notation_of(looked_at, self._decimal or ".")
        if notation is not None:
            example = next(cell for cell in looked_at if notation.telling.search(cell))
            self._notations.setdefault(notation, {})[name] = example
        elif self._decimal is not None and _mostly_numbers(known):
            words = (cell for cell in looked_at if not is_number(cell))
            self._mixed[name] = next(words, "")
        elif len(known) >= _FEWEST_IDS and len(levels) >= _SHARE * len(known):
            self._ids[name] = looked_at[0]

    def _look_at_numbers(self, name: str, cells: Any, column: Any) -> None:
        values = np.asarray(column, dtype=np.float64)
        if not values.size or not (np.abs(values) >= _EXACT).any():
            return
        pc = arrow("compute")
        text = cells.drop_null().cast(arrow().large_string())
        trimmed = pc.utf8_trim_whitespace(text)
        whole = pc.all(pc.match_substring_regex(trimmed, r"^[+-]?\d+$")).as_py()
        n_different = len(np.unique(values[~np.isnan(values)]))
        if whole and pc.count_distinct(trimmed).as_py() > n_different:
            self._counters[name] = trimmed[0].as_py()


def notation_of(cells: Sequence[str], decimal: str = ".") -> Notation | None:
    """Return how cells of text write numbers or dates, if nearly all do.

    Parameters
    ----------
    cells : sequence of str
        Different ones, without white space around them.
    decimal : str
    """
    for notation in (*(_COMMAS if decimal == "." else _POINTS), *_OTHERS):
        n = sum(notation.cells.fullmatch(cell) is not None for cell in cells)
        n_telling = sum(notation.telling.search(cell) is not None for cell in cells)
        if n and n >= _SHARE * len(cells) and 2 * n_telling >= n:
            return notation
    return None


def has_decimal_comma(cell: str) -> bool:
    """Return whether a cell can only be a number if its comma is a decimal one."""
    return notation_of([cell]) is _DECIMAL_COMMA


def _mostly_numbers(known: Any) -> bool:
    first = [is_number(str(cell).strip()) for cell in known[:_N_LOOKED_AT]]
    return 2 * sum(first) >= len(first) > 0


def note_one_row(label: str) -> None:
    """Say that a table to learn from has one row."""
    print_note(f"{label}: has one row, and a model cannot learn from it what others may look like")


def names_in_short(names: Sequence[str]) -> str:
    """Return names for a sentence, the first few."""
    return ", ".join(map(repr, names[:_N_NAMED])) + (", ..." if len(names) > _N_NAMED else "")
