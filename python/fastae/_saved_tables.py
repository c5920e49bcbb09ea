"""Tables without rows, as JSON: so that a loaded model answers in the kind of table it learned."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

# What is asked of pandas by its name: words, and what stands in brackets behind one.
_PANDAS_NAME = re.compile(r"[A-Za-z]\w{0,40}(\[[\w ,:=+/<>.-]{1,80}\]){0,3}", re.ASCII)
_POLARS_NAMES = (
    "Null", "Boolean", "Int8", "Int16", "Int32", "Int64", "Int128", "UInt8", "UInt16", "UInt32",
    "UInt64", "UInt128", "Float16", "Float32", "Float64", "String", "Categorical", "Date",
)  # fmt: skip
_ARROW_NAMES = (
    "null", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "string", "large_string", "string_view", "date32", "date64",
)  # fmt: skip
_UNITS = ("s", "ms", "us", "ns")


def describe(table: Any, encode: Callable[[Any, str], Any], where: str) -> Any:
    """Return a table without rows as JSON.

    Parameters
    ----------
    table : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or ndarray
        Of 0 rows.
    encode : callable
        Takes a value and where it is; returns JSON. For names and categories.
    where : str

    Returns
    -------
    described : list
        The library, then what `rebuilt` wants. Types that have no description here become the
        most general one.
    """
    pandas, polars, arrow = (sys.modules.get(name) for name in ("pandas", "polars", "pyarrow"))
    if pandas is not None and isinstance(table, pandas.DataFrame):
        dtypes = [_pandas_dtype(dtype, encode, where) for dtype in table.dtypes]
        return ["pandas", encode(_names(table.columns), where), dtypes]
    if polars is not None and isinstance(table, polars.DataFrame):
        return ["polars", list(table.columns), [_polars_dtype(dtype) for dtype in table.dtypes]]
    if arrow is not None and isinstance(table, arrow.Table | arrow.RecordBatch):
        schema = table.schema
        return ["pyarrow", list(schema.names), [_arrow_type(kind) for kind in schema.types]]
    kind = table.dtype.str if table.dtype.kind in "biufUmM" else "|O"
    return ["numpy", int(table.shape[1]), kind]


def rebuilt(described: Any, decode: Callable[[Any], Any], n_columns: int) -> Any:
    """Return the table that `describe` was called on.

    Parameters
    ----------
    described : list
        Of a file, which may hold anything.
    decode : callable
        The inverse of `encode`.
    n_columns : int
        As there must be.

    Returns
    -------
    table : as in `describe`
        An ndarray of objects if its library is not installed here.

    Raises
    ------
    Exception
        Of any kind, if it is no description.
    """
    library, names, types = described
    if library == "numpy":
        if names != n_columns:
            msg = "an empty table has another number of columns"
            raise ValueError(msg)
        return np.empty((0, n_columns), dtype=_numpy_dtype(types))
    makers = {"pandas": _pandas_table, "polars": _polars_table, "pyarrow": _arrow_table}
    names = decode(names)
    if not len(names) == len(types) == n_columns:
        msg = "an empty table has another number of columns"
        raise ValueError(msg)
    try:
        return makers[library](names, types, decode)
    except ImportError:
        return np.empty((0, n_columns), dtype=object)
    except Exception as error:  # libraries have exceptions of their own
        msg = f"an empty table of {library} cannot be made: {error}"
        raise ValueError(msg) from error


def _numpy_dtype(text: str) -> np.dtype[Any]:
    if not re.fullmatch(r"\|O|[<>|=][biufUmM]\d{1,9}(\[\w{1,9}\])?", text, re.ASCII):
        msg = f"{text!r} is no type"
        raise ValueError(msg)
    return np.dtype(text).newbyteorder("=")


def _names(columns: Any) -> list[Any]:
    """Return column names as what can be stored: anything else as text."""
    plain = (str, int, float, bool, tuple)
    return [name if isinstance(name, plain) else str(name) for name in columns.tolist()]


def _pandas_dtype(dtype: Any, encode: Callable[[Any, str], Any], where: str) -> Any:
    import pandas as pd

    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories
        try:
            values = encode(categories.to_numpy(), f"{where}/categories{id(categories)}")
        except TypeError:  # periods, intervals
            return "object"
        name = _pandas_dtype(categories.dtype, encode, where)
        return ["category", values, name, bool(dtype.ordered)]
    if isinstance(dtype, pd.ArrowDtype):
        return ["arrow", _arrow_type(dtype.pyarrow_dtype)]
    name = dtype.str if isinstance(dtype, np.dtype) else str(dtype)
    if isinstance(dtype, np.dtype):
        return name if dtype.kind in "biufmM" else "object"
    try:
        return name if _pandas_of_name(name) == dtype else "object"
    except (TypeError, ValueError):
        return "object"


def _pandas_of_name(name: str) -> Any:
    import pandas as pd

    if name[:1] in "<>|=":
        return _numpy_dtype(name)
    if not _PANDAS_NAME.fullmatch(name):
        msg = f"{name!r} is no type of pandas"
        raise ValueError(msg)
    return pd.api.types.pandas_dtype(name)


def _pandas_table(names: list[Any], types: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pandas as pd

    def rebuilt_dtype(described: Any) -> Any:
        if not isinstance(described, list):
            return _pandas_of_name(described)
        kind, *parameters = described
        if kind == "arrow":
            return pd.ArrowDtype(_arrow_of(*parameters))
        values, name, ordered = parameters
        categories: Any = pd.Index(decode(values), dtype=rebuilt_dtype(name))
        return pd.CategoricalDtype(categories, ordered)

    made = pd.DataFrame({j: pd.Series([], dtype=rebuilt_dtype(d)) for j, d in enumerate(types)})
    made.columns = pd.Index(names)  # tuples become levels again
    return made


def _polars_dtype(dtype: Any) -> list[Any]:
    """Return the type's name, then its parameters."""
    name = str(dtype.base_type())
    if name == "Enum":
        return [name, dtype.categories.to_list()]
    if name == "Datetime":
        return [name, dtype.time_unit, dtype.time_zone]
    if name == "Duration":
        return [name, dtype.time_unit]
    if name == "Decimal":
        return [name, dtype.precision, dtype.scale]
    return [name if name in _POLARS_NAMES else "String"]


def _polars_table(names: list[Any], types: list[Any], decode: Callable[[Any], Any]) -> Any:
    import polars as pl

    del decode
    made = {}
    for name, (kind, *parameters) in zip(names, types, strict=True):
        # Polars panics at parameters that are none.
        if not isinstance(name, str) or not _is_polars_type(kind, parameters):
            msg = f"{kind!r} with {parameters} is no type of polars"
            raise ValueError(msg)
        # An older polars may not have all of them.
        dtype = getattr(pl, kind, pl.String)
        made[name] = dtype(*parameters) if parameters else dtype
    if len(made) != len(names):
        msg = "two columns have the same name"
        raise ValueError(msg)
    return pl.DataFrame(schema=made)


def _is_polars_type(kind: Any, parameters: list[Any]) -> bool:
    if kind in ("Datetime", "Duration"):
        unit, *zone = parameters
        is_zone = zone in ([], [None]) or re.fullmatch(r"[\w/+:-]{1,64}", zone[0])
        return unit in _UNITS[1:] and bool(is_zone) and len(zone) == (kind == "Datetime")
    if kind == "Enum":
        (texts,) = parameters
        return len(set(texts)) == len(texts) and all(isinstance(text, str) for text in texts)
    if kind == "Decimal":
        precision, scale = parameters
        return type(precision) is type(scale) is int and 0 <= scale <= precision <= 38
    return kind in _POLARS_NAMES and not parameters


def _arrow_type(kind: Any) -> list[Any]:
    """Return the type's name, then its parameters."""
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

    t = pa.types
    if t.is_dictionary(kind):
        return ["dictionary", _arrow_type(kind.index_type), _arrow_type(kind.value_type),
                bool(kind.ordered)]  # fmt: skip
    if t.is_timestamp(kind):
        return ["timestamp", kind.unit, kind.tz]
    if t.is_duration(kind):
        return ["duration", kind.unit]
    if t.is_decimal(kind):
        return [f"decimal{kind.bit_width}", kind.precision, kind.scale]
    known = (name for name in _ARROW_NAMES if getattr(pa, name, pa.null)() == kind)
    return [next(known, "string")]


def _arrow_of(described: list[Any]) -> Any:
    import pyarrow as pa

    name, *parameters = described
    if name in _ARROW_NAMES and not parameters:
        return getattr(pa, name, pa.string)()
    if name == "dictionary":
        index, values, ordered = parameters
        if "int" in index[0] and values[0] != "dictionary":
            return pa.dictionary(_arrow_of(index), _arrow_of(values), bool(ordered))
    if name in ("timestamp", "duration") and parameters[0] in _UNITS:
        return getattr(pa, name)(*parameters)
    if name in ("decimal32", "decimal64", "decimal128", "decimal256"):
        return getattr(pa, name, pa.decimal128)(*parameters)
    msg = f"{name!r} is no type of Arrow"
    raise ValueError(msg)


def _arrow_table(names: list[Any], types: list[Any], decode: Callable[[Any], Any]) -> Any:
    import pyarrow as pa

    del decode
    fields = [pa.field(name, _arrow_of(kind)) for name, kind in zip(names, types, strict=True)]
    return pa.schema(fields).empty_table()
