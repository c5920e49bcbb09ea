"""Tables and record batches of Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

from fastae._schema._columns import (
    Array,
    Coded,
    Column,
    Filled,
    Frame,
    Kind,
    Positions,
    plain,
    to_seconds,
    to_stamps,
    without_none,
)


class ArrowColumn(Column):
    """A column of Arrow.

    Parameters
    ----------
    values : pyarrow.ChunkedArray or pyarrow.Array
    label : str
    """

    def __init__(self, values: Any, label: str) -> None:
        super().__init__(label, str(values.type))
        self._values = pa.chunked_array([values]) if isinstance(values, pa.Array) else values

    @property
    def kind(self) -> Kind:
        """What it holds, by its type."""
        return _kind(self._values.type) or self.fail_at_type()

    def numbers(self) -> Array:
        """Return numbers in their own type, as floats where some are missing; or seconds."""
        values, kind = self._values, self._values.type
        if self.kind in ("datetime", "duration"):
            return to_seconds(values.to_numpy())
        if self.kind == "empty":
            return np.full(len(values), np.nan, dtype=np.float32)
        if pa.types.is_decimal(kind):
            values = values.cast(pa.float64())
        elif values.null_count and _is_small(kind):
            values = values.cast(pa.float32())
        return np.asarray(values.to_numpy())

    def coded(self) -> Coded:
        """Return the dictionary as levels, and its indices."""
        kind, values = self._values.type, self._values
        if self.kind in ("datetime", "duration") or pa.types.is_decimal(kind):
            return super().coded()
        if not pa.types.is_dictionary(kind):
            values = values.dictionary_encode()
        values = values.unify_dictionaries()
        if not values.num_chunks:
            return Coded([], np.empty(0, dtype=np.int32))
        levels = [plain(value) for value in values.chunk(0).dictionary.to_pylist()]
        codes = np.empty(len(values), dtype=np.int32)
        start = 0
        for chunk in values.chunks:
            indices = chunk.indices
            if indices.null_count:
                indices = indices.cast(pa.int32()).fill_null(-1)
            codes[start : start + len(chunk)] = indices.to_numpy(zero_copy_only=False)
            start += len(chunk)
        # The order of a dictionary is that of appearance unless the type says more.
        declared = pa.types.is_dictionary(kind) and kind.ordered
        return without_none(Coded(levels, codes, declared))


class ArrowFrame(Frame):
    """A table or record batch of Arrow.

    Parameters
    ----------
    X : pyarrow.Table or pyarrow.RecordBatch
    """

    def __init__(self, X: Any) -> None:
        self._table = X
        self.names = tuple(X.schema.names)
        self.named = True
        self.n_rows = X.num_rows

    def column(self, position: int) -> Column:
        """Return a column by its position."""
        return ArrowColumn(self._table.column(position), self.label(position))

    def block(self, positions: Positions) -> Array | None:  # noqa: ARG002
        """Return None: columns lie apart."""
        return None

    def rebuild(self, columns: list[Filled]) -> Any:
        """Return a table, or record batch, with the same names."""
        arrays = [fill(c, f.type) for c, f in zip(columns, self._table.schema, strict=True)]
        return type(self._table).from_arrays(arrays, names=list(self.names))


def fill(column: Filled, kind: Any) -> Any:
    """Return the values as Arrow array, in a type as near to `kind` as holds them."""
    numbers = column.numbers()
    if column.kind in ("datetime", "duration") or (numbers is not None and _kind_of_time(kind)):
        return _fill_times(column, numbers, kind)
    if column.factor is not None and pa.types.is_dictionary(kind):
        return _fill_dictionary(column, kind)
    if numbers is None:
        return pa.array(column.objects(), kind if _kind(kind) == "factor" else pa.string())
    made = pa.array(numbers, from_pandas=True)
    if column.factor is not None and _kind(kind) == "number" and not pa.types.is_decimal(kind):
        return made.cast(kind)
    return made


def _fill_times(column: Filled, seconds: Any, kind: Any) -> Any:
    if not _kind_of_time(kind):
        kind = pa.timestamp("us") if column.kind == "datetime" else pa.duration("us")
    unit = "D" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms")
    wanted: Kind = "duration" if pa.types.is_duration(kind) else "datetime"
    stamps = pa.array(to_stamps(seconds, wanted, unit))
    # Arrow takes a cast to a zone as one from local time; UTC is what the integers count.
    return stamps.cast(pa.int64()).cast(kind) if getattr(kind, "tz", None) else stamps.cast(kind)


def _fill_dictionary(column: Filled, kind: Any) -> Any:
    levels, codes = column.texts()
    texts = levels
    if column.factor is not None and not column.factor.numeric:
        texts = [str(level) for level in levels]
    elif column.factor is not None and column.factor.other:
        texts = [level if column.factor.known.get(level) is not None else None for level in levels]
    indices = pa.array(codes, mask=codes < 0)
    try:
        dictionary = pa.array(texts).cast(kind.value_type)
    except pa.ArrowException:  # "(other)" where numbers or times were
        dictionary = pa.array(texts)
    made = pa.DictionaryArray.from_arrays(indices, dictionary, ordered=kind.ordered)
    wanted = pa.dictionary(kind.index_type, dictionary.type, kind.ordered)
    try:
        return made.cast(wanted)
    except pa.ArrowException:  # more levels than its index type counts
        return made


def _kind(kind: Any) -> Kind | None:
    t = pa.types
    if t.is_null(kind):
        return "empty"
    if t.is_boolean(kind) or t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind):
        return "number"
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return "factor"
    if t.is_dictionary(kind):
        return None if t.is_nested(kind.value_type) else "factor"
    return _kind_of_time(kind)


def _kind_of_time(kind: Any) -> Kind | None:
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    return "duration" if pa.types.is_duration(kind) else None


def _is_small(kind: Any) -> bool:
    return kind in (pa.bool_(), pa.int8(), pa.uint8(), pa.int16(), pa.uint16())
