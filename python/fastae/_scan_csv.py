"""CSV files as record batches whose column types do not depend on where in the files one is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fastae._scan_files import arrow, check_names, check_same, naming, regrouped
from fastae._scan_kinds import fail_if_foreign, is_gzip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

_OPTIONS = {
    "ReadOptions": ("column_names", "encoding", "skip_rows"),
    "ParseOptions": ("delimiter", "quote_char", "escape_char", "newlines_in_values"),
    "ConvertOptions": (
        "column_types", "null_values", "true_values", "false_values", "decimal_point",
    ),
}  # fmt: skip

# Enough of a file to see its header.
_HEAD = 1 << 16


class CsvFiles:
    """CSV files as one table.

    Before the first batch, all files are read through once for the type of each column: integers,
    floats, truth values, times, or text where a cell is nothing of these. No column then changes
    its type on the way, whatever its last cell holds. Types that the options name are taken as
    they are; with all of them named, nothing is read twice.

    Parameters
    ----------
    files : list of str
    columns : sequence of str or None
        None: all.
    batch_size : int
        About how many rows a batch gets.
    options : mapping
        See `fastae.scan`.

    Raises
    ------
    ValueError
        If there is no such option.
    """

    def __init__(
        self,
        files: list[str],
        columns: Sequence[str] | None,
        batch_size: int,
        options: Mapping[str, Any],
    ) -> None:
        known = ["has_header", *(name for names in _OPTIONS.values() for name in names)]
        for name in options:
            if name not in known:
                msg = f"There is no CSV option {name!r}; the options are {', '.join(known)}."
                raise ValueError(msg)
        self.what = f"{len(files)} CSV file{'s' * (len(files) > 1)}"
        self._files = files
        self._columns = columns
        self._batch_size = batch_size
        self._options = dict(options)
        self._names: tuple[str, ...] = ()
        self._types: dict[str, Any] = {}
        # What the columns of a file are called by `column_names`, if not as in its header.
        self._renamed: dict[str, list[str] | None] = {}
        self._n_rows: int | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        if not self._names:
            self._names = self._names_of(self._files[0])
            for file in self._files[1:]:
                check_same(file, self._names_of(file), self._files[0], self._names)
        return self._names

    def n_rows(self) -> int | None:
        """Return how many rows the files have; None as long as nobody has counted them."""
        return self._n_rows

    def batches(self, order: np.random.Generator | None) -> Iterator[Any]:
        """Yield record batches; with `order`, the files in a random order."""
        return regrouped(self._blocks(order), self._batch_size)

    def _blocks(self, order: np.random.Generator | None) -> Iterator[Any]:
        types = self._settle()
        files = self._files
        if order is not None:
            files = [files[i] for i in order.permutation(len(files))]
        for file in files:
            yield from self._read(file, types)

    def _names_of(self, file: str) -> tuple[str, ...]:
        with naming(file):
            if "encoding" not in self._options:
                fail_if_foreign(file)
            with self._open(file, {}, None) as reader:
                names = reader.schema.names
        check_names(file, names, tuple(self._given_types()))
        return check_names(file, names, self._columns)

    def _column_names(self, file: str) -> list[str] | None:
        """Return what the columns of a file are called; None: as its header says.

        Names that are given stand for those in the first file's header, and so in the other files
        for the same ones: their columns may come in another order.
        """
        given: list[str] | None = self._options.get("column_names")
        if given is None or not self._options.get("has_header"):
            return given
        if file not in self._renamed:
            first, header = self._header(self._files[0]), self._header(file)
            if len(first) != len(given):
                msg = (
                    f"column_names has {len(given)} names, but {self._files[0]} has {len(first)} "
                    "columns: give one for each."
                )
                raise ValueError(msg)
            meant = dict(zip(_places(first), given, strict=True))
            names = [meant.get(place, place[0]) for place in _places(header)]
            self._renamed[file] = None if names == header else names
        return self._renamed[file]

    def _header(self, file: str) -> list[str]:
        with self._opened(file, self._chosen()) as reader:
            names: list[str] = reader.schema.names
            return names

    def _settle(self) -> dict[str, Any]:
        """Return the type of each column, found by reading all cells as text once."""
        given = self._given_types()
        if self._types or not self.names():
            return self._types
        open_names = [name for name in self.names() if name not in given]
        types: dict[str, Any] = dict.fromkeys(open_names)
        if open_names:
            text = dict.fromkeys(open_names, arrow().large_string())
            n_rows = 0
            for file in self._files:
                for batch in self._read(file, text):
                    n_rows += batch.num_rows
                    for name in open_names:
                        types[name] = self._widened(types[name], batch.column(name))
            self._n_rows = n_rows
        # A column without a single value is one of missing numbers.
        found = {name: kind or arrow().float64() for name, kind in types.items()}
        self._types = {name: given.get(name, found.get(name)) for name in self.names()}
        return self._types

    def _given_types(self) -> dict[str, Any]:
        schema = arrow().schema(self._options.get("column_types", {}))
        return dict(zip(schema.names, schema.types, strict=True))

    def _widened(self, kind: Any, cells: Any) -> Any:
        """Return the type for cells of text and those before, which were of type `kind`."""
        pa = arrow()
        text = pa.large_string()
        if kind == text or cells.null_count == len(cells):
            return kind
        number = [pa.int64(), pa.float64()]
        candidates = [*number, pa.bool_(), *_times(pa)]
        if kind is not None:
            candidates = number if kind == number[0] else [kind]
        return next((other for other in candidates if self._fits(cells, other)), text)

    def _fits(self, cells: Any, kind: Any) -> bool:
        """Tell whether all cells can be read as that type.

        pyarrow's CSV reader then reads them as well: it takes all that a cast takes, and more.
        """
        pa, compute = arrow(), arrow("compute")
        if kind == pa.bool_():
            spellings = self._options.get("true_values", ["true", "TRUE", "True"])
            spellings = [
                *spellings,
                *self._options.get("false_values", ["false", "FALSE", "False"]),
            ]
            known = compute.is_in(cells, value_set=pa.array(spellings, cells.type), skip_nulls=True)
            return bool(compute.all(compute.or_(known, cells.is_null())).as_py())
        point = self._options.get("decimal_point", ".")
        if point != "." and kind == pa.float64():
            if compute.any(compute.match_substring(cells, ".")).as_py():
                return False
            cells = compute.replace_substring(cells, point, ".")
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            cells = compute.utf8_trim(cells, " \t")
        try:
            cells.cast(kind)
        except pa.ArrowInvalid:
            return False
        return True

    def _read(self, file: str, types: Mapping[str, Any]) -> Iterator[Any]:
        names = list(self.names())
        with naming(file), self._open(file, {**self._given_types(), **types}, names) as reader:
            yield from reader

    def _open(self, file: str, types: Mapping[str, Any], names: list[str] | None) -> Any:
        """Return a pyarrow reader of record batches, of all columns if `names` is None."""
        chosen = self._chosen()
        if not self._options.get("has_header", True) and "column_names" not in self._options:
            chosen["ReadOptions"]["autogenerate_column_names"] = True
        column_names = self._column_names(file)
        if column_names is not None:
            chosen["ReadOptions"]["column_names"] = column_names
            if self._options.get("has_header"):
                skipped = self._options.get("skip_rows", 0)
                # pyarrow takes blank lines above for rows where it is given names.
                chosen["ReadOptions"]["skip_rows"] = skipped + _n_blank_lines(file, skipped)
                chosen["ReadOptions"]["skip_rows_after_names"] = 1
        chosen["ConvertOptions"]["column_types"] = dict(types)
        chosen["ConvertOptions"]["strings_can_be_null"] = True
        if names is not None:
            chosen["ConvertOptions"]["include_columns"] = names
        return self._opened(file, chosen)

    def _chosen(self) -> dict[str, dict[str, Any]]:
        """Return the options as pyarrow groups them, but for the names of columns."""
        chosen = {
            group: {name: self._options[name] for name in names if name in self._options}
            for group, names in _OPTIONS.items()
        }
        chosen["ReadOptions"].pop("column_names", None)
        # A quoted cell may span lines: pyarrow must be told so, or it cuts blocks inside of one.
        chosen["ParseOptions"].setdefault("newlines_in_values", True)
        return chosen

    def _opened(self, file: str, chosen: Mapping[str, Mapping[str, Any]]) -> Any:
        csv = arrow("csv")
        return csv.open_csv(
            _input(file),
            read_options=csv.ReadOptions(use_threads=False, **chosen["ReadOptions"]),
            parse_options=csv.ParseOptions(**chosen["ParseOptions"]),
            convert_options=csv.ConvertOptions(**chosen["ConvertOptions"]),
        )


def _input(file: str) -> Any:
    """Return a CSV file as pyarrow takes it: compressed by what is in it, not by its name."""
    compressed = is_gzip(file)
    if compressed == file.lower().endswith(".gz"):
        return file
    return arrow().input_stream(file, compression="gzip" if compressed else None)


def _n_blank_lines(file: str, skipped: int) -> int:
    """Return how many blank lines stand above the header, below those that are skipped."""
    with arrow().input_stream(file, compression="gzip" if is_gzip(file) else None) as stream:
        lines = stream.read(_HEAD).splitlines()[skipped:]
    return next((n for n, line in enumerate(lines) if line.strip()), 0)


def _places(header: Sequence[str]) -> list[tuple[str, int]]:
    """Return names that differ: of blank ones, or equal ones, the first, the second, ..."""
    seen: Counter[str] = Counter()
    places = []
    for name in map(str.strip, header):
        places.append((name, seen[name]))
        seen[name] += 1
    return places


def _times(pa: Any) -> list[Any]:
    return [pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("us", "UTC")]
