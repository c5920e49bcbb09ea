"""Factors: the levels of a column of categories, counted and limited in number."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fastae._schema._columns import Array, Coded, Level

OTHER = "(other)"  # the level that rare ones share

_BLOCK = 1 << 16  # rows handled together, so that temporary arrays stay small


@dataclass(frozen=True, eq=False)
class Factor:
    """A column of categories as learned.

    Attributes
    ----------
    column : int
        Position in the user's table.
    name : str
    levels : tuple of str, number, bool or None
        In order; then "(other)" if rare levels share one; then None if missing is a level.
    counts : ndarray of shape (n_levels,), float64
        Weighted occurrences in training.
    other : bool
        Whether "(other)" stands for rare levels, and for those unknown in training.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae._schema import Factor
    >>> colour = Factor(0, "colour", ("blue", "red", "(other)", None), np.ones(4), other=True)
    >>> colour.code("red"), colour.code("pink"), colour.missing_code
    (1, 2, 3)
    """

    column: int
    name: str
    levels: tuple[Level, ...]
    counts: npt.NDArray[np.float64]
    other: bool = False

    @property
    def missing_code(self) -> int:
        """Code of a missing value: the level None if there is one, else -1."""
        return len(self.levels) - 1 if self.levels and self.levels[-1] is None else -1

    @property
    def other_code(self) -> int:
        """Code of "(other)", or -1 where rare levels do not share one."""
        return len(self.levels) - 1 - (self.missing_code >= 0) if self.other else -1

    @property
    def unknown_code(self) -> int:
        """Code of a level unknown in training: "(other)", else as a missing value."""
        return self.other_code if self.other else self.missing_code

    @cached_property
    def known(self) -> dict[Level, int]:
        """Codes of the levels that values can have."""
        return {level: i for i, level in enumerate(self.levels) if self._is_value(i)}

    @cached_property
    def numeric(self) -> bool:
        """Whether the levels are numbers or truth values, and there is one."""
        return bool(self.known) and not any(isinstance(level, str) for level in self.known)

    def code(self, level: Level) -> int:
        """Return the code of a level; that of unknown ones if it was not learned."""
        return self.missing_code if level is None else self.known.get(level, self.unknown_code)

    def write(self, coded: Coded, out: Array) -> None:
        """Write the column's codes.

        Parameters
        ----------
        coded : Coded
        out : ndarray of shape (n_rows,), int32
        """
        places = np.empty(len(coded.levels) + 1, dtype=np.int32)
        places[-1] = self.missing_code  # what -1 reads
        places[:-1] = [self.code(level) for level in coded.levels]
        for start in range(0, len(out), _BLOCK):
            rows = slice(start, start + _BLOCK)
            out[rows] = places[coded.codes[rows]]

    def _is_value(self, code: int) -> bool:
        return code not in (self.missing_code, self.other_code)

    def __getstate__(self) -> dict[str, Any]:
        # Without the index of levels, which is made again when needed.
        return {field.name: getattr(self, field.name) for field in fields(self)}


class LevelCounter:
    """Levels of one column and how often they occur, over any number of batches."""

    def __init__(self) -> None:
        self._counts: dict[Level, float] = {}
        self._missing = 0.0
        # The order that the column's type gives its levels; False once batches disagree.
        self._declared: tuple[Level, ...] | bool | None = None

    def add(self, coded: Coded, weights: Array | None) -> None:
        """Count a batch.

        Parameters
        ----------
        coded : Coded
        weights : ndarray of shape (n_rows,) or None
            Rows of weight 0 are absent.
        """
        counts = np.zeros(len(coded.levels) + 1)
        for start in range(0, len(coded.codes), _BLOCK):
            rows = slice(start, start + _BLOCK)
            counts += np.bincount(
                coded.codes[rows].astype(np.intp) + 1,
                weights=None if weights is None else weights[rows],
                minlength=counts.size,
            )
        self._missing += float(counts[0])
        for level, count in zip(coded.levels, counts[1:].tolist(), strict=True):
            if count > 0.0 or coded.declared:
                self._counts[level] = self._counts.get(level, 0.0) + count
        if coded.levels or coded.declared:  # a batch without values says nothing about order
            declared = tuple(coded.levels) if coded.declared else False
            self._declared = declared if self._declared in (None, declared) else False

    def factor(self, column: int, name: str, max_levels: int, *, missing_level: bool) -> Factor:
        """Return what was learned so far.

        Parameters
        ----------
        column : int
        name : str
        max_levels : int
            Of more levels only the most frequent max_levels - 1 are kept.
        missing_level : bool
            Whether missing is a level of its own, the last one.
        """
        levels = list(self._declared) if isinstance(self._declared, tuple) else self._sorted()
        counts = [self._counts[level] for level in levels]
        if not any(counts):  # of a type that lists levels, but without any value
            levels, counts = [], []
        other = len(levels) > max_levels
        if other:
            kept = self._most_frequent(levels, max_levels - 1)
            rest = sum(counts) - sum(self._counts[level] for level in kept)
            counts = [*(self._counts[level] for level in kept), max(rest, 0.0)]
            levels = [*kept, OTHER]
        if missing_level:
            levels, counts = [*levels, None], [*counts, self._missing]
        return Factor(column, name, tuple(levels), np.asarray(counts, dtype=np.float64), other)

    def _sorted(self) -> list[Level]:
        return sorted(self._counts, key=lambda level: (isinstance(level, str), level))

    def _most_frequent(self, levels: list[Level], n: int) -> list[Level]:
        # A level that is called as the shared one belongs there.
        places = [i for i, level in enumerate(levels) if level != OTHER]
        places.sort(key=lambda i: -self._counts[levels[i]])  # stable: ties keep the order
        return [levels[i] for i in sorted(places[:n])]
