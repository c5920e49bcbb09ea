"""Parquet and CSV files as record batches: which files, their columns, and reading them."""

from __future__ import annotations

import glob
import importlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastae._scan_kinds import fail_if_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz")
_ENDINGS = ", ".join((*PARQUET, *CSV))

# What pyarrow says of a record of another length than those above.
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)(?:: (.*))?")

# A row group is read in pieces of this size: whole ones would be hundreds of megabytes.
_BUFFER = 1 << 16


def arrow(module: str = "") -> Any:
    """Return pyarrow or one of its modules, imported when first needed.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    """
    try:
        return importlib.import_module(f"pyarrow.{module}" if module else "pyarrow")
    except ImportError as error:
        msg = 'Reading files needs pyarrow: install it with `pip install "fastae[files]"`.'
        raise ImportError(msg) from error


def find_files(paths: Sequence[str | Path]) -> tuple[list[str], bool]:
    """Return the files that paths stand for, and whether they are Parquet files.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders (the Parquet or CSV files directly in them) and patterns as ``*.parquet``;
        files of a folder or pattern come in the order of their names.

    Raises
    ------
    ValueError
        If a path stands for no file, a file is of another kind, or both kinds occur.
    """
    files = [file for path in paths for file in _expand(Path(path).expanduser())]
    kinds = {file: _is_parquet(file) for file in files}
    if len(set(kinds.values())) == 2:
        one = next(file for file in files if kinds[file])
        other = next(file for file in files if not kinds[file])
        msg = f"Files must be of one kind, Parquet or CSV, got {one} and {other}."
        raise ValueError(msg)
    return files, kinds[files[0]]


def _expand(path: Path) -> list[str]:
    if path.is_file():
        return [str(path)]
    if path.is_dir():
        files = [
            str(file)
            for file in sorted(path.iterdir())
            if file.name.lower().endswith((*PARQUET, *CSV)) and file.name[0] not in "._"
        ]
        if not files:
            msg = f"The folder {path} holds no file that ends in {_ENDINGS}."
            raise ValueError(msg)
        return files
    matches = glob.glob(str(path), recursive=True)  # noqa: PTH207 - patterns may be absolute
    files = sorted(match for match in matches if Path(match).is_file())
    if not files:
        msg = f"No file matches {path}."
        raise ValueError(msg)
    return files


def _is_parquet(file: str) -> bool:
    name = file.lower()
    if not name.endswith((*PARQUET, *CSV)):
        msg = f"The name of a file must end in {_ENDINGS}, got {file}."
        raise ValueError(msg)
    return name.endswith(PARQUET)


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Turn what pyarrow raises about a file into one sentence that names it."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (arrow().ArrowException, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = lines[0].rstrip(".")
        ragged = _RAGGED.search(reason)
        if ragged:
            row, expected, got, text = ragged.groups()
            where = "a record" if row is None else f"record {row}"
            reason = f"{where} has {got} field{'s' * (got != '1')} where {expected} are expected"
            reason += f", being {text!r}" if text else ""
        msg = f"Cannot read {file}: {reason}."
        raise ValueError(msg) from error


def check_names(file: str, names: Sequence[str], columns: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the columns to read from a file.

    Raises
    ------
    ValueError
        If two columns of the file have one name, or one of `columns` is not there.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            msg = f"{file} has two columns with the name {name!r}: names must differ."
            raise ValueError(msg)
        seen.add(name)
    for column in columns or ():
        if column not in seen:
            shown = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
            msg = f"{file} has no column {column!r}; its columns are {shown}."
            raise ValueError(msg)
    return tuple(names if columns is None else columns)


def check_same(file: str, names: Sequence[str], first: str, expected: Sequence[str]) -> None:
    """Raise ValueError unless a file has the columns of the first one, in any order."""
    for name in expected:
        if name not in names:
            msg = f"{file} has no column {name!r}, which {first} has: all files must be alike."
            raise ValueError(msg)
    for name in names:
        if name not in expected:
            msg = f"{file} has a column {name!r}, which {first} has not: all files must be alike."
            raise ValueError(msg)


def common_type(types: Iterable[Any]) -> Any:
    """Return the arrow type that holds what columns of these types hold; None if there is none."""
    pa, kinds = arrow(), arrow("types")
    distinct = set(types) - {pa.null()}
    if len(distinct) < 2:
        return next(iter(distinct), pa.null())

    def is_number(kind: Any) -> bool:
        return any(
            test(kind)
            for test in (kinds.is_integer, kinds.is_floating, kinds.is_boolean, kinds.is_decimal)
        )

    def is_text(kind: Any) -> bool:
        if kinds.is_dictionary(kind):
            kind = kind.value_type
        return kind in {pa.string(), pa.large_string(), getattr(pa, "string_view", pa.string)()}

    if all(map(is_number, distinct)):
        return pa.float64()
    if all(map(is_text, distinct)):
        return pa.large_string()
    if all(map(kinds.is_timestamp, distinct)) and len({kind.tz for kind in distinct}) == 1:
        return pa.timestamp("us", next(iter(distinct)).tz)
    return None


def conform(batch: Any, names: Sequence[str], types: Sequence[Any]) -> Any:
    """Return a record batch with these columns in this order, cast to these types if need be."""
    columns = [batch.column(batch.schema.get_field_index(name)) for name in names]
    columns = [
        column if column.type == kind else column.cast(kind, safe=False)
        for column, kind in zip(columns, types, strict=True)
    ]
    return arrow().RecordBatch.from_arrays(columns, names=list(names))


def regrouped(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """Put small record batches together, and cut large ones: each gets about so many rows."""
    pending: list[Any] = []
    n_pending = 0
    for batch in batches:
        # Half as many are enough: a batch of the right size is then never copied.
        for start in range(0, batch.num_rows, rows):
            piece = batch.slice(start, rows)
            pending.append(piece)
            n_pending += piece.num_rows
            if 2 * n_pending >= rows:
                yield _together(pending)
                pending, n_pending = [], 0
    if pending:
        yield _together(pending)


def _together(batches: list[Any]) -> Any:
    if len(batches) == 1:
        return batches[0]
    (batch,) = arrow().Table.from_batches(batches).combine_chunks().to_batches()
    return batch


@dataclass(frozen=True)
class _Footer:
    """What a Parquet file says of itself: names and types of its columns, rows per row group."""

    names: tuple[str, ...]
    types: tuple[Any, ...]
    rows: tuple[int, ...]


class ParquetFiles:
    """Parquet files as one table.

    Parameters
    ----------
    files : list of str
    columns : sequence of str or None
        None: all.
    batch_size : int
        About how many rows a batch gets.
    """

    def __init__(self, files: list[str], columns: Sequence[str] | None, batch_size: int) -> None:
        self.what = f"{len(files)} Parquet file{'s' * (len(files) > 1)}"
        self._files = files
        self._columns = columns
        self._batch_size = batch_size
        self._footers: list[_Footer] = []
        self._types: list[Any] = []

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        return self._settle()[0].names

    def n_rows(self) -> int:
        """Return how many rows the files have, by their footers."""
        return sum(sum(footer.rows) for footer in self._settle())

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:
        """Yield record batches; with `order`, the row groups of all files in a random order."""
        return regrouped(self._pieces(order), self._batch_size)

    def _pieces(self, order: np.random.Generator | None) -> Iterator[Any]:
        footers = self._settle()
        names = footers[0].names
        pieces: list[tuple[int, list[int]]]
        if order is None:
            pieces = [(i, list(range(len(footer.rows)))) for i, footer in enumerate(footers)]
        else:
            pieces = [
                (i, groups)
                for i, footer in enumerate(footers)
                for groups in _row_groups(footer.rows, self._batch_size)
            ]
            pieces = [pieces[i] for i in order.permutation(len(pieces))]
        for i, groups in pieces:
            with naming(self._files[i]), _open(self._files[i]) as source:
                _check_unchanged(self._files[i], source.metadata, footers[i])
                batches = source.iter_batches(
                    self._batch_size, row_groups=groups, columns=list(names), use_threads=False
                )
                for batch in batches:
                    yield conform(batch, names, self._types)

    def _settle(self) -> list[_Footer]:
        """Read the footers of all files, once, and find the types that suit all of them."""
        if self._footers:
            return self._footers
        footers = [self._footer(file) for file in self._files]
        first = footers[0]
        for file, footer in zip(self._files, footers, strict=True):
            check_same(file, footer.names, self._files[0], first.names)
        kinds = [dict(zip(footer.names, footer.types, strict=True)) for footer in footers]
        types = []
        for name in first.names:
            kind = common_type(types_of[name] for types_of in kinds)
            if kind is None:
                self._fail_at_type(name, [types_of[name] for types_of in kinds])
            types.append(kind)
        self._types, self._footers = types, footers
        return footers

    def _footer(self, file: str) -> _Footer:
        fail_if_foreign(file, parquet=True)
        with naming(file), _open(file) as source:
            schema, metadata = source.schema_arrow, source.metadata
            rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        names = check_names(file, schema.names, self._columns)
        return _Footer(names, tuple(schema.field(name).type for name in names), tuple(rows))

    def _fail_at_type(self, name: str, types: list[Any]) -> None:
        for file, kind in zip(self._files, types, strict=True):
            if common_type([types[0], kind]) is None:
                msg = (
                    f"Column {name!r} is of type {kind} in {file}, but of type {types[0]} in "
                    f"{self._files[0]}: all files must be alike."
                )
                raise ValueError(msg)
        msg = f"Column {name!r} is of types that do not go together: {set(types)}."
        raise ValueError(msg)


def _open(file: str) -> Any:
    # Measured on row groups of a million rows, 25 columns: without a buffer, and more so with
    # pre_buffer, whole row groups are in memory; with a memory map the whole file seems to be.
    return arrow("parquet").ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER)


def _check_unchanged(file: str, metadata: Any, footer: _Footer) -> None:
    found = metadata.num_rows, metadata.num_row_groups
    if found != (sum(footer.rows), len(footer.rows)):
        msg = f"{file} has changed since it was read first: scan it anew."
        raise ValueError(msg)


def _row_groups(rows: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Yield neighbouring row groups that fill a batch together, or one that does so alone."""
    groups: list[int] = []
    for group in range(len(rows)):
        groups.append(group)
        if sum(rows[i] for i in groups) >= batch_size:
            yield groups
            groups = []
    if groups:
        yield groups
