"""What the page says of rows: errors, which are flagged and why, and how well that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from fastae._report._rows import picked
from fastae._report._words import cell, number, percent, told_apart
from fastae._threshold import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

Float64 = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

REASONS = 3  # per row
# Of rows that are not flagged, where none is.
_MOST_WITHOUT = 5
_QUANTILES = {
    "minimum": 0.0, "1 %": 0.01, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "99 %": 0.99,
    "maximum": 1.0,
}  # fmt: skip


class Reason(NamedTuple):
    """A column's part in a row's error, as the page shows it."""

    column: str
    observed: str
    expected: str
    share: float


class OddRow(NamedTuple):
    """A row of the list."""

    name: str
    error: str
    ratio: str
    p_value: str
    label: str
    reasons: list[Reason]


class Judged(NamedTuple):
    """Rows as the model judges them.

    Attributes
    ----------
    errors : ndarray of shape (n,), float64
        Minus `score_samples`.
    threshold : float
    flagged : ndarray of shape (n,), bool
    p_values : ndarray of shape (n,), float64, or None
        None without calibration rows.
    labels : ndarray of shape (n,), bool, or None
        Known anomalies.
    """

    errors: Float64
    threshold: float
    flagged: Marks
    p_values: Float64 | None
    labels: Marks | None


def judged(estimator: Any, X: Any, y: Any) -> Judged:
    """Return what the model makes of rows.

    Raises
    ------
    ValueError
        If X is wrong as in `Autoencoder.predict`, or y is no marks.
    """
    scores = np.asarray(estimator.score_samples(X), dtype=np.float64)
    labels = None if y is None else marked(y, scores.size)
    p_values = None if estimator._calibration is None else estimator.p_values(X)
    offset = float(estimator.offset_)
    return Judged(-scores, -offset, scores < offset, p_values, labels)


def marked(y: Any, n_rows: int) -> Marks:
    """Return which rows are known to be anomalies.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        True, 1 or -1 for anomalies, False, 0 or 1 (where there is a -1) for normal rows.
    n_rows : int

    Raises
    ------
    ValueError
        If there is another value, or not one per row.

    Examples
    --------
    >>> from fastae._report._findings import marked
    >>> marked([0, 1], 2).tolist(), marked([1, -1], 2).tolist()
    ([False, True], [False, True])
    """
    labels = np.asarray(y)
    if labels.shape != (n_rows,):
        msg = f"y must have one label for each of {n_rows} rows, got shape {labels.shape}."
        raise ValueError(msg)
    values = set(labels.tolist())
    if values <= {0, 1}:
        return np.asarray(labels == 1)
    if values <= {-1, 1}:
        return np.asarray(labels == -1)
    strange = next(value for value in labels.tolist() if value not in (-1, 0, 1) or -1 in values)
    msg = (
        "y must be True or 1 for anomalies and False or 0 for normal rows, or -1 for anomalies and "
        f"1 for normal rows, got {strange!r}."
    )
    raise ValueError(msg)


def listed_rows(
    estimator: Any, X: Any, found: Judged, *, row_names: Any, names: Sequence[str], top: int
) -> list[OddRow]:
    """Return the flagged rows with the largest errors, or the first few where none is flagged.

    Parameters
    ----------
    estimator : Autoencoder
    X : table
    found : Judged
    row_names : callable
        Takes positions; returns what the user calls these rows.
    names : sequence of str
        Of the columns.
    top : int
        Rows at most.
    """
    order = np.argsort(-found.errors, kind="stable")
    n_flagged = int(found.flagged.sum())
    chosen = order[: min(top, n_flagged or _MOST_WITHOUT)]
    return [
        OddRow(
            name,
            number(found.errors[row]),
            _ratio(found.errors[row], found.threshold),
            "" if found.p_values is None else number(found.p_values[row]),
            "" if found.labels is None else ("anomaly" if found.labels[row] else "normal"),
            _reasons(estimator, picked(X, np.array([row])), names),
        )
        for row, name in zip(chosen, told_apart(row_names(chosen)), strict=True)
    ]


def _ratio(error: float, threshold: float) -> str:
    ratio = error / threshold if 0 < threshold < np.inf else np.nan
    return f"{ratio:,.1f}" if ratio < 1e6 else number(ratio)


def _reasons(estimator: Any, row: Any, names: Sequence[str]) -> list[Reason]:
    """Return the columns with the largest parts in a row's error."""
    if estimator._encoder is not None:
        return []
    reasons = estimator.explain(row, top=REASONS)
    named = {name: i for i, name in enumerate(estimator._column_names().tolist())}
    columns = (list(reasons[name]) for name in ("feature", "observed", "expected", "share"))
    return [
        Reason(names[named[feature]], cell(observed), cell(expected), float(share))
        for feature, observed, expected, share in zip(*columns, strict=True)
    ]


def distribution(estimator: Any, found: Judged) -> dict[str, Any]:
    """Return quantiles of errors as a table: "names", and "rows" of words and numbers."""
    q = list(_QUANTILES.values())
    rows = [("these rows", found.errors.size, quantiles(found.errors, q))]
    kept = {"training": getattr(estimator, "_errors", None), "calibration": estimator._calibration}
    for kind, errors in kept.items():
        if errors is not None:
            rows.append((f"{kind} rows", errors[0].size, quantiles(errors[0], q, errors[1])))
    return {
        "names": list(_QUANTILES),
        "rows": [(words, number(n), [number(v) for v in values]) for words, n, values in rows],
    }


def calibrated(estimator: Any, found: Judged) -> list[tuple[str, str]]:
    """Return what p-values say, as pairs of words; nothing without them."""
    if found.p_values is None:
        return []
    n = number(round(float(estimator._calibration[1].sum())))
    return [
        ("calibration rows", n),
        ("smallest p-value", number(float(found.p_values.min()))),
        *((f"rows with p ≤ {p}", number(int((found.p_values <= p).sum()))) for p in (0.05, 0.01)),
    ]


def quality(found: Judged) -> dict[str, Any] | None:
    """Return how well known anomalies are told from normal rows.

    Returns
    -------
    quality : dict or None
        "pairs" of words and numbers, and "confusion", the rows of a table; None without labels.
    """
    if found.labels is None:
        return None
    odd, flagged = found.labels, found.flagged
    hits, misses = int((odd & flagged).sum()), int((odd & ~flagged).sum())
    alarms, passed = int((~odd & flagged).sum()), int((~odd & ~flagged).sum())
    pairs = [
        ("known anomalies", f"{hits + misses:,} of {odd.size:,} rows"),
        ("found (recall)", _share(hits, hits + misses)),
        ("right among the flagged (precision)", _share(hits, hits + alarms)),
    ]
    if 0 < hits + misses < odd.size:
        pairs += [
            ("area under the ROC curve", f"{roc_auc_score(odd, found.errors):.4f}"),
            ("average precision", f"{average_precision_score(odd, found.errors):.4f}"),
        ]
    confusion = [
        ("anomalies", number(hits), number(misses)),
        ("normal rows", number(alarms), number(passed)),
    ]
    return {"pairs": pairs, "confusion": confusion}


def _share(part: int, whole: int) -> str:
    return f"{percent(part / whole)} ({part:,} of {whole:,})" if whole else "none"
