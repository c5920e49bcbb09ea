"""The inputs of an ONNX graph: the user's columns, and what the network is given of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._base import NetworkMixin
    from fastae._onnx_graph import Array, Graph
    from fastae._schema import Factor, Schema

# Integers that float64 tells apart.
_EXACT = 2**53

_HOLDS = {
    "number": "numbers",
    "datetime": "seconds since 1970-01-01 00:00 UTC",
    "duration": "seconds",
}


@dataclass(frozen=True)
class Rows:
    """What the network is given of a table.

    Attributes
    ----------
    numbers : str or None
        (n, n_numbers) float64, the columns that the network sees; None if there are none.
    units : tuple of str
        Per factor (n, 1) int64: which of the inputs behind the numbers is 1.
    """

    numbers: str | None
    units: tuple[str, ...]


def read_rows(
    graph: Graph, model: NetworkMixin, reserved: Sequence[str]
) -> tuple[Rows, list[dict[str, Any]]]:
    """Declare the inputs, and read them.

    Parameters
    ----------
    graph : Graph
    model : NetworkMixin
        Fitted.
    reserved : sequence of str
        Names that inputs must not have.

    Returns
    -------
    rows : Rows
    inputs : list of dict
        Of every input its "name", the "columns" of the user's table that it has (names, or how
        many), what it "holds", and what is "missing" (in words).
    """
    schema = model._schema
    if schema is None or all(kind == "number" for kind in schema.kinds):
        return _read_matrix(graph, model)
    return _read_columns(graph, model, schema, reserved)


def _read_matrix(graph: Graph, model: NetworkMixin) -> tuple[Rows, list[dict[str, Any]]]:
    width = model.n_features_in_
    missing = _missing_number(model)
    X = graph.input("X", graph.dtype, width, f"One column per column of fit's table; {missing}.")
    numbers = graph.cast(X, np.float64)
    if model._kept is not None:
        kept = graph.constant(np.asarray(model._kept, dtype=np.int64))
        numbers = graph.node("Gather", numbers, kept, axis=1)
    names = getattr(model, "feature_names_in_", None)
    columns = width if names is None else list(names)
    about = {"name": "X", "columns": columns, "holds": "numbers", "missing": missing}
    return Rows(numbers, ()), [about]


def _read_columns(
    graph: Graph, model: NetworkMixin, schema: Schema, reserved: Sequence[str]
) -> tuple[Rows, list[dict[str, Any]]]:
    names = safe_names(schema.names, reserved)
    factors = {factor.column: factor for factor in schema.factors}
    numbers: list[str] = []
    units: list[str] = []
    inputs = []
    n_levels = sum(len(factor.levels) for factor in schema.factors)
    first = 0
    for position, (name, kind) in enumerate(zip(names, schema.kinds, strict=True)):
        if kind == "factor":
            factor = factors[position]
            reading = _LevelReading(factor, first, n_levels + len(units))
            about, missing = reading.holds, reading.missing
            units.append(reading.read(graph, name))
            first += len(factor.levels)
        else:
            about, missing = _HOLDS[kind], _missing_number(model)
            # Seconds since 1970 need more digits than float32 has.
            dtype = graph.dtype if kind == "number" else np.dtype(np.float64)
            graph.input(name, dtype, 1, f"{schema.names[position]}: {about}; {missing}.")
            numbers.append(graph.cast(name, np.float64))
        own = [schema.names[position]]
        inputs.append({"name": name, "columns": own, "holds": about, "missing": missing})
    if model._kept is not None:
        numbers = [numbers[j] for j in model._kept]
    return Rows(graph.concat(numbers) if numbers else None, tuple(units)), inputs


def _missing_number(model: NetworkMixin) -> str:
    return "none may be missing" if model._missing == "error" else "NaN where missing"


class _LevelReading:
    """How the levels of one factor become units of the network.

    Parameters
    ----------
    factor : Factor
    first : int
        The unit of its first level.
    unknown : int
        The unit that says that none is known.
    """

    def __init__(self, factor: Factor, first: int, unknown: int) -> None:
        self._factor = factor
        self._first, self._unknown = first, unknown
        levels = list(factor.known)
        texts = [level for level in levels if isinstance(level, str)]
        if texts and len(texts) < len(levels):
            msg = (
                f"Column {factor.column} ({factor.name!r}) has categories that are text "
                f"({texts[0]!r}) and others that are numbers: ONNX knows columns of one kind, make "
                "all of them text before fit."
            )
            raise ValueError(msg)
        self._dtype: type = object if texts or not levels else self._type_for(levels)
        self._marker = self._free_marker()

    @property
    def holds(self) -> str:
        """What the input holds, in words."""
        return "text" if self._dtype is object else "categories that are numbers"

    @property
    def missing(self) -> str:
        """What is to be given for a missing value, in words."""
        return f"{'NaN' if self._dtype is np.float64 else repr(self._marker)} where missing"

    def read(self, graph: Graph, name: str) -> str:
        """Declare the input, and return its units."""
        factor = self._factor
        graph.input(name, self._dtype, 1, f"{factor.name}: {self.holds}; {self.missing}.")
        places = {level: self._first + code for level, code in factor.known.items()}
        places[self._marker] = self._unit(factor.missing_code)
        keys: Array = np.empty(len(places), dtype=self._dtype)
        keys[:] = list(places)
        numbers = np.fromiter(places.values(), dtype=np.int64)
        return graph.lookup(name, keys, numbers, self._unit(factor.unknown_code))

    def _unit(self, code: int) -> int:
        return self._unknown if code < 0 else self._first + code

    def _type_for(self, levels: Sequence[Any]) -> type:
        """Return the type that tells all these numbers apart."""
        largest = max(map(abs, levels))
        if largest <= _EXACT or not all(isinstance(level, int) for level in levels):
            return np.float64
        if largest >= 2**63:
            msg = (
                f"Column {self._factor.column} ({self._factor.name!r}) has the category {largest}, "
                "which no type of ONNX's look-ups holds: make the column text before fit."
            )
            raise ValueError(msg)
        return np.int64

    def _free_marker(self) -> Any:
        """Return what stands for a missing value: no level."""
        if self._dtype is np.float64:
            return np.nan
        marker: Any = "" if self._dtype is object else -(2**63)
        while marker in self._factor.known:
            marker = f"({marker or 'missing'})" if self._dtype is object else marker + 1
        return marker


def safe_names(names: Sequence[str], reserved: Sequence[str]) -> list[str]:
    """Return names of ASCII letters, digits and _, each once; those that are so already stay.

    Parameters
    ----------
    names : sequence of str
    reserved : sequence of str
        Names that are taken.

    Examples
    --------
    >>> from fastae._onnx_inputs import safe_names
    >>> safe_names(["size (mm)", "size__mm_", "label", "größe"], ["label"])
    ['size__mm__1', 'size__mm_', 'label_1', 'gr__e']
    """
    plain = [re.sub(r"[^A-Za-z0-9_]", "_", name) or "_" for name in names]
    taken = set(reserved) | {name for name, safe in zip(names, plain, strict=True) if name == safe}
    mine: set[str] = set()
    result = []
    for name, safe in zip(names, plain, strict=True):
        made, count = safe, 0
        stays = name == safe and name not in reserved
        while made in mine or (made in taken and not (stays and made == safe)):
            count += 1
            made = f"{safe}_{count}"
        mine.add(made)
        result.append(made)
    return result
