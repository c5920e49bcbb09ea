"""What a table is like: its columns one by one, and all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from fastae._report._rows import evenly, fingerprint, kind_of, picked
from fastae._report._words import NOTHING, listed, moment, number, percent
from fastae._schema._tables import open_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._schema import Factor
    from fastae._schema._columns import Column

Float64 = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

SAMPLE_ROWS = 10_000
# Of wider tables the columns with the largest errors are listed.
MOST_COLUMNS = 100
_MOST_LEVELS = 4  # that are named
_LONGEST_LEVEL = 24
_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Described:
    """A column as the page shows it.

    Attributes
    ----------
    name, type, missing : str
    missing_share : float
    distinct : str
        How many different values there are.
    low, middle, high : str
        Minimum, median and maximum; empty for factors.
    levels : str
        The most frequent levels of a factor, and their shares.
    share : float
        Of the squared errors of all columns; NaN where unknown.
    notes : list of str
    """

    name: str
    type: str
    missing: str
    missing_share: float
    distinct: str
    low: str
    middle: str
    high: str
    levels: str
    share: float
    notes: list[str]


def described_table(estimator: Any, X: Any, n_rows: int, names: Sequence[str]) -> dict[str, Any]:
    """Return what the page says of a table.

    Parameters
    ----------
    estimator : Autoencoder
    X : table
    n_rows : int
    names : sequence of str
        One per column.

    Returns
    -------
    described : dict
        "kind", "n_rows", "n_columns", "types" (words to counts), "missing_share", "constants"
        (names), "constants_dropped" (bool), "fingerprint", "columns" (list of Described),
        "by_error" (whether the columns are not all, but those with the largest errors),
        "n_sample" (rows that columns are described by).
    """
    rows = evenly(n_rows, SAMPLE_ROWS)
    sample = X if rows.size == n_rows else picked(X, rows)
    shares = _error_shares(estimator, sample)
    shown = np.arange(len(names))
    if shown.size > MOST_COLUMNS:
        shown = np.argsort(-np.nan_to_num(shares), kind="stable")[:MOST_COLUMNS]
    constants = getattr(estimator, "constant_features_", np.empty(0, dtype=np.intp))
    dropped = estimator._kept is not None
    columns = _columns(sample, shown)
    factors = {factor.column: factor for factor in factors_of(estimator)}
    notes = {j: ["constant in fit" + ", dropped" * dropped] for j in constants.tolist()}
    return {
        "kind": kind_of(X),
        "n_rows": n_rows,
        "n_columns": len(names),
        "types": _types(sample, factors),
        "missing_share": _missing_share(sample),
        "constants": listed([names[j] for j in constants.tolist()]),
        "constants_dropped": dropped,
        "fingerprint": fingerprint(X),
        "columns": [
            _described(column, names[j], factors.get(j), float(shares[j]), notes.get(j, []))
            for j, column in zip(shown.tolist(), columns, strict=True)
        ],
        "by_error": shown.size < len(names),
        "n_sample": rows.size,
    }


def factors_of(estimator: Any) -> tuple[Factor, ...]:
    """Return the columns that `fit` took for categories."""
    schema = estimator._schema
    return () if schema is None else tuple(schema.factors)


def _error_shares(estimator: Any, sample: Any) -> Float64:
    if estimator._encoder is not None:  # which knows of no errors per column
        return np.full(int(estimator.n_features_in_), np.nan)
    shares: Float64 = estimator.feature_importances(sample)
    return shares


def _columns(sample: Any, shown: Positions) -> list[Column]:
    """Return some columns."""
    if sparse.issparse(sample):
        frame = open_table(sample.tocsc()[:, shown].toarray())
        return [frame.column(i) for i in range(shown.size)]
    frame = open_table(sample)
    return [frame.column(int(j)) for j in shown]


def _types(sample: Any, factors: dict[int, Factor]) -> dict[str, int]:
    """Return how many columns there are of each kind."""
    if sparse.issparse(sample):
        return {"numbers": sample.shape[1]}
    frame = open_table(sample)
    words = {"number": "numbers", "datetime": "dates", "duration": "durations", "empty": "empty"}
    counts: dict[str, int] = {}
    for j in range(len(frame.names)):
        word = "categories" if j in factors else words.get(frame.column(j).kind, "categories")
        counts[word] = counts.get(word, 0) + 1
    return counts


def _missing_share(sample: Any) -> float:
    if sparse.issparse(sample):
        n_cells = sample.shape[0] * sample.shape[1]
        return float(np.isnan(sample.tocsr().data).sum() / n_cells)
    frame = open_table(sample)
    shares = [_missing(frame.column(j)).mean() for j in range(len(frame.names))]
    return float(np.mean(shares))


def _missing(column: Column) -> npt.NDArray[np.bool_]:
    if column.kind in ("factor", "empty"):
        return np.asarray(column.coded().codes < 0)
    return np.isnan(column.numbers())


def _described(
    column: Column, name: str, factor: Factor | None, share: float, notes: list[str]
) -> Described:
    kind = column.kind
    missing = float(_missing(column).mean())
    low = middle = high = levels = ""
    if factor is not None or kind == "factor":
        levels, n_distinct, unknown = _levels(column, factor)
        notes = notes + [f"not in fit: {unknown}"] * bool(unknown)
    else:
        values = np.asarray(column.numbers(), dtype=np.float64)
        values = values[~np.isnan(values)]
        has_times = bool((values % _DAY).any())
        n_distinct = np.unique(values).size
        if values.size:
            edges = np.quantile(values, [0.0, 0.5, 1.0], method="closest_observation")
            low, middle, high = (_value(edge, kind, has_times) for edge in edges)
    return Described(
        name, _type_name(column, factor), percent(missing), missing,
        number(n_distinct), low, middle, high, levels, share, notes,
    )  # fmt: skip


def _type_name(column: Column, factor: Factor | None) -> str:
    by_choice = factor is not None and column.kind == "number"
    return f"{column.type_name}, as categories" if by_choice else column.type_name


def _levels(column: Column, factor: Factor | None) -> tuple[str, int, str]:
    """Return the most frequent levels, how many there are, and those that the model never saw."""
    coded = column.coded()
    counts = np.bincount(coded.codes[coded.codes >= 0], minlength=len(coded.levels))
    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i]]
    total = max(int(counts.sum()), 1)
    frequent = order[:_MOST_LEVELS]
    names = listed([coded.levels[i] for i in frequent], _LONGEST_LEVEL)
    words = [
        f"{name} {percent(counts[i] / total)}" for name, i in zip(names, frequent, strict=True)
    ]
    if len(order) > _MOST_LEVELS:
        words.append("…")
    unknown = []
    if factor is not None and not factor.other:
        unknown = [i for i in order if factor.code(_plain(coded.levels[i])) == factor.unknown_code]
    some = listed([coded.levels[i] for i in unknown[:_MOST_LEVELS]], _LONGEST_LEVEL)
    more = ["…"] * (len(unknown) > _MOST_LEVELS)
    return ", ".join(words), len(order), ", ".join([*some, *more])


def _plain(level: Any) -> Any:
    return level.item() if isinstance(level, np.generic) else level


def _value(value: float, kind: str, has_times: bool) -> str:
    if kind == "datetime":
        return moment(np.datetime64(round(value), "s"), time=has_times)
    return f"{number(value)} s" if kind == "duration" else number(value)


def type_words(types: dict[str, int]) -> str:
    """Return counts of columns in words.

    Examples
    --------
    >>> from fastae._report._columns import type_words
    >>> type_words({"numbers": 3, "dates": 1})
    '3 numbers, 1 date'
    """
    one = {"numbers": "number", "dates": "date", "durations": "duration", "categories": "category"}
    words = [f"{n:,} {one.get(word, word) if n == 1 else word}" for word, n in types.items()]
    return ", ".join(words) or NOTHING
