"""The column that a network learns to predict: a factor's levels, or numbers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fastae.compat.h2o._columns import (
    Factor,
    Frame,
    as_factor,
    fail_if_infinite,
    is_constant,
    text_of,
    with_rows,
)

if TYPE_CHECKING:
    from fastae.compat.h2o._encoder import FrameEncoder

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Response:
    """What there is to predict.

    Attributes
    ----------
    name : str
        The column.
    levels : tuple of str
        The classes, in H2O's order; none where numbers are predicted.
    labels : ndarray of shape (len(levels),)
        The levels as the training frame has them: numbers, booleans or text.
    """

    name: str
    levels: tuple[str, ...]
    labels: npt.NDArray[Any]

    @classmethod
    def learn(cls, frame: Frame, name: str) -> Self:
        """Return the response that a column of the training frame is.

        Raises
        ------
        ValueError
            If it has not got two different values.
        """
        column = frame.column(name)
        if is_constant(column):
            msg = f"The response {name!r} must have at least two different values."
            raise ValueError(msg)
        if not isinstance(column, Factor):
            return cls(name, (), np.empty(0))
        known = {text_of(value): value for value in frame.distinct(name)}
        return cls(name, column.levels, np.array([known[level] for level in column.levels]))

    @property
    def is_factor(self) -> bool:
        """Whether there are classes to predict."""
        return bool(self.levels)

    def codes(self, frame: Frame) -> npt.NDArray[np.intp]:
        """Return each row's class, -1 where it is missing or training did not see it."""
        factor = as_factor(frame.column(self.name))
        index = {level: code for code, level in enumerate(self.levels)}
        unknown = [level for level in factor.levels if level not in index]
        if unknown:
            warnings.warn(
                f"Rows whose {self.name!r} training did not see count as missing: "
                f"{', '.join(unknown[:10])}.",
                stacklevel=4,
            )
        return np.array([*(index.get(level, -1) for level in factor.levels), -1])[factor.codes]

    def numbers(self, frame: Frame) -> Float64:
        """Return each row's number, NaN where it is missing."""
        column = frame.column(self.name)
        if isinstance(column, Factor):
            msg = f"The response {self.name!r} must hold numbers as in training."
            raise TypeError(msg)
        return fail_if_infinite(column, self.name)

    def targets(self, frame: Frame) -> npt.NDArray[Any]:
        """Return what fastae's networks learn, of rows in which nothing is missing."""
        return np.array(self.levels)[self.codes(frame)] if self.is_factor else self.numbers(frame)

    def known_rows(self, data: Any, encoder: FrameEncoder | None = None) -> Any:
        """Return the rows of a frame whose response is known, all others being dropped.

        Raises
        ------
        ValueError
            If there is none, or no such column.
        """
        frame = Frame(data) if encoder is None else encoder.frame(data)
        if self.name not in frame:
            msg = f"The frame must have the response {self.name!r}."
            raise ValueError(msg)
        known = self.codes(frame) >= 0 if self.is_factor else ~np.isnan(self.numbers(frame))
        if not known.any():
            msg = f"The response {self.name!r} is missing in every row."
            raise ValueError(msg)
        return data if known.all() else with_rows(data, known)
