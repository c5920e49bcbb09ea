"""The pictures of a report, as addresses that hold them whole."""

from __future__ import annotations

import base64
import io
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from fastae import plot
from fastae._explaining import _dense
from fastae._report._columns import factors_of
from fastae._report._rows import evenly, picked
from fastae.plot._rows import is_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastae._report._findings import Judged

# Drawings of many points are smaller as pixels.
_LARGEST_SVG = 120_000
_DPI = 150
_COMMENTS = re.compile(rb"<!--.*?-->", re.DOTALL)
_WIDTH = re.compile(rb'<svg[^>]* width="([0-9.]+)pt"')
# One look, whatever style the user has set; and names with dollar signs are no formulas.
_STYLE = {"svg.hashsalt": "fastae", "text.parse_math": False}
# Rows that codes are drawn of, and that tell whether rows are curves.
_MOST_POINTS, _MOST_LOOKED_AT = 20_000, 200


class Picture(NamedTuple):
    """A picture as the page shows it.

    Attributes
    ----------
    name, alt : str
        What it is called on the page, and what it shows in words.
    address : str
        A ``data:`` address.
    width : int
        In the page's pixels.
    """

    name: str
    alt: str
    address: str
    width: int


class Subject(NamedTuple):
    """What is drawn.

    Attributes
    ----------
    estimator : Autoencoder
    X : table
    found : Judged
    shape : tuple of int or None
        Of rows that are images or curves; None for those of a table.
    row_names : list of str
    label : str
        What the errors are.
    """

    estimator: Any
    X: Any
    found: Judged
    shape: tuple[int, ...] | None
    row_names: list[str]
    label: str

    @property
    def threshold(self) -> float | None:
        """The threshold, if there is one that an error can exceed."""
        return self.found.threshold if np.isfinite(self.found.threshold) else None


def shape_of(estimator: Any, X: Any, n_rows: int) -> tuple[int, ...] | None:
    """Return (n_features,) if the columns of a table look like points of a curve, else None."""
    if estimator._encoder is not None or factors_of(estimator):
        return None
    few = evenly(n_rows, _MOST_LOOKED_AT)
    table = estimator._read_more(picked(X, few))
    numbers = np.asarray(_dense(table), dtype=np.float64)
    return (numbers.shape[1],) if is_series(numbers) else None


def drawn(subject: Subject) -> dict[str, list[Picture]]:
    """Return the pictures by the section that they belong to.

    Returns
    -------
    pictures : dict of str to list of Picture
        "errors", "rows", "cells", "model" and "history".
    """
    estimator, sees_columns = subject.estimator, subject.estimator._encoder is None
    is_image = subject.shape is not None and len(subject.shape) > 1
    makers: dict[str, list[tuple[str, str, Callable[[Subject], Figure]]]] = {
        "errors": [
            ("ranked", "Errors of the rows, the worst first, and the threshold.", _ranked),
            ("histogram", "Shares of rows by error, new and of training.", _histogram),
        ],
        "rows": [],
        "cells": [],
        "model": [("codes", "Codes of the rows in two dimensions, coloured by error.", _codes)],
        "history": [],
    }
    if sees_columns and subject.shape is not None:
        if not is_image:
            makers["rows"].append(("curves", "Rows as curves, the flagged ones in red.", _curves))
        makers["rows"].append(
            ("reconstructions", "Best, median and worst rows with reconstructions.", _rebuilt)
        )
    if sees_columns and not is_image and int(estimator.n_features_in_) > 1:
        makers["cells"].append(("heatmap", "Where the errors of the worst rows are.", _heatmap))
    if sees_columns and is_image:
        makers["model"].append(("weights", "Weights of the first layer as images.", _weights))
    if hasattr(estimator, "history_") and estimator.history_.n_rows > 1:
        makers["history"].append(("history", "Error against epochs of training.", _history))
    with warnings.catch_warnings(), style.context(["default", _STYLE]):
        # A name in letters that the pictures' font lacks is whole in the tables.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        return {
            section: [Picture(name, alt, *_address(make(subject))) for name, alt, make in listed]
            for section, listed in makers.items()
        }


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _ranked(subject: Subject) -> Figure:
    figure = _figure(5.8, 3.9)
    plot.RankedErrorsDisplay.from_predictions(
        subject.found.errors, subject.threshold, flagged=subject.found.flagged,
        names=subject.row_names, label=subject.label, ax=figure.subplots(),
    )  # fmt: skip
    return figure


def _histogram(subject: Subject) -> Figure:
    figure = _figure(5.8, 3.9)
    kept = getattr(subject.estimator, "_errors", None)
    plot.ErrorHistogramDisplay.from_predictions(
        subject.found.errors, subject.threshold, label=subject.label, ax=figure.subplots(),
        train_errors=None if kept is None else kept[0],
    )  # fmt: skip
    return figure


def _codes(subject: Subject) -> Figure:
    figure = _figure(7, 4.6)
    n = subject.found.errors.size
    rows = evenly(n, _MOST_POINTS)
    X = subject.X if rows.size == n else picked(subject.X, rows)
    plot.CodesDisplay.from_estimator(subject.estimator, X, ax=figure.subplots())
    return figure


def _curves(subject: Subject) -> Figure:
    figure = _figure(9, 4)
    plot.CurvesDisplay.from_estimator(subject.estimator, subject.X, ax=figure.subplots())
    return figure


def _rebuilt(subject: Subject) -> Figure:
    figure = _figure(9, 6)
    plot.ReconstructionsDisplay.from_estimator(
        subject.estimator, subject.X, shape=subject.shape, figure=figure
    )
    return figure


def _heatmap(subject: Subject) -> Figure:
    n, n_columns = subject.found.errors.size, min(int(subject.estimator.n_features_in_), 30)
    figure = _figure(3.4 + 0.24 * max(n_columns, 12), 2.2 + 0.2 * min(max(n, 6), 20))
    plot.ErrorHeatmapDisplay.from_estimator(subject.estimator, subject.X, ax=figure.subplots())
    return figure


def _weights(subject: Subject) -> Figure:
    figure = _figure(6.4, 5.6)
    plot.WeightsDisplay.from_estimator(subject.estimator, shape=subject.shape, figure=figure)
    return figure


def _history(subject: Subject) -> Figure:
    figure = _figure(7, 4)
    plot.HistoryDisplay.from_estimator(subject.estimator, ax=figure.subplots())
    return figure


def _address(figure: Figure) -> tuple[str, int]:
    """Return a figure as a ``data:`` address, of lines or if they are many of pixels; its width."""
    # Comments repeat names, which may hold what is no XML.
    svg = _COMMENTS.sub(b"", _saved(figure, "svg", metadata={"Date": None, "Creator": None}))
    if len(svg) <= _LARGEST_SVG:
        points = float(_WIDTH.search(svg)[1])  # type: ignore[index]
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}", round(
            points * 96 / 72
        )
    png = _saved(figure, "png", dpi=_DPI)
    pixels = int.from_bytes(png[16:20], "big")  # in the header, of fixed layout
    return f"data:image/png;base64,{base64.b64encode(png).decode()}", round(pixels * 96 / _DPI)


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, bbox_inches="tight", **options)
    return stream.getvalue()
