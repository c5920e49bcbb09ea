"""The page: what is on it, put into the template."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
from markupsafe import Markup
from sklearn.utils.validation import check_is_fitted

from fastae._autoencoder import Autoencoder
from fastae._checks import check_integer
from fastae._report import _columns, _findings, _model, _pictures
from fastae._report._words import number, percent, printable, told_apart
from fastae._scan import Scan
from fastae.plot._rows import checked_shape, column_names, row_names, score_label
from fastae.plot._ticks import short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastae._report._findings import Judged

TITLE = "What the autoencoder found"
_MOMENT = re.compile(r"-?[0-9]+-[0-9]{2}-[0-9]{2}( [0-9:]{8})?")


def page(estimator: Any, X: Any, *, y: Any, shape: Any, top: Any, title: str | None) -> str:
    """Return the page as HTML; see `fastae.report`."""
    _check(estimator, X, top, title)
    found = _findings.judged(estimator, X, y)
    n_rows = found.errors.size
    drawn_as = _shape(estimator, shape)
    names = told_apart(_names(estimator, drawn_as))
    if drawn_as is None:
        drawn_as = _pictures.shape_of(estimator, X, n_rows)
    called = row_names(X, np.arange(n_rows))
    label = score_label(estimator)
    subject = _pictures.Subject(estimator, X, found, drawn_as, called, label)
    story = _model.threshold_story(estimator)
    listed = _findings.listed_rows(
        estimator, X, found, row_names=lambda rows: [called[row] for row in rows], names=names,
        top=int(top),
    )  # fmt: skip
    table = _columns.described_table(estimator, X, n_rows, names)
    quality = _findings.quality(found)
    return _template().render(
        title=TITLE if title is None else title,
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tiles=_tiles(estimator, found, table, quality),
        found=found,
        n_flagged=int(found.flagged.sum()),
        rows=listed,
        label=label,
        story=story.words,
        distribution=_findings.distribution(estimator, found),
        calibrated=_findings.calibrated(estimator, found),
        quality=quality,
        pictures=_pictures.drawn(subject),
        table=table,
        types=_columns.type_words(table["types"]),
        parameters=_model.changed_parameters(estimator),
        outcomes=_model.outcomes(estimator),
        layers=_model.layer_table(estimator),
        history=_model.thinned_history(estimator),
        n_scorings=estimator.history_.n_rows if hasattr(estimator, "history_") else 0,
        snippet=_model.snippet(estimator, threshold_moved=story.moved),
        repeatable=_repeatable(estimator),
        versions=_model.versions(),
    )


def _check(estimator: Any, X: Any, top: Any, title: Any) -> None:
    if not isinstance(estimator, Autoencoder):
        kind = f"the class {estimator.__name__}" if isinstance(estimator, type) else (
            f"an object of type {type(estimator).__name__}"
        )  # fmt: skip
        msg = (
            "report is about a fastae.Autoencoder and what it makes of rows, got "
            f"{kind}: of a pipeline, give the last step, and the rows as the steps before it make "
            "them."
        )
        raise TypeError(msg)
    check_is_fitted(estimator)
    if isinstance(X, Scan):
        msg = "report shows single rows, which a scan does not keep: give one of its batches."
        raise TypeError(msg)
    check_integer("top", top, 1)
    if title is not None and not isinstance(title, str):
        msg = f"title must be None or a str, got {title!r}."
        raise TypeError(msg)


def _shape(estimator: Any, shape: Any) -> tuple[int, ...] | None:
    """Return the shape of rows as given."""
    if shape is None:
        return None
    if _columns.factors_of(estimator) or estimator._encoder is not None:
        msg = "shape is for tables of numbers, but fit saw factors: leave it out."
        raise TypeError(msg)
    return checked_shape(shape, int(estimator.n_features_in_))


def _names(estimator: Any, shape: tuple[int, ...] | None) -> list[str]:
    """Return what the page calls the columns: by name, by place in the image, or by number."""
    names = column_names(estimator)
    if any(isinstance(name, str) for name in names):
        return [str(name) for name in names]
    if shape is None or len(shape) == 1:
        return [f"column {name}" for name in names]
    places = np.stack(np.unravel_index(np.arange(len(names)), shape), axis=1)
    return [f"pixel ({', '.join(map(str, place))})" for place in places.tolist()]


def _tiles(
    estimator: Any, found: Judged, table: dict[str, Any], quality: dict[str, Any] | None
) -> Sequence[tuple[str, str]]:
    """Return the few numbers on top of the page, each with what it is."""
    n_flagged, n_rows = int(found.flagged.sum()), found.errors.size
    tiles = [
        (number(n_flagged), f"of {n_rows:,} rows flagged ({percent(n_flagged / n_rows)})"),
        (short(found.threshold), "threshold"),
        (short(float(np.median(found.errors))), "median error"),
        (number(table["n_columns"]), "columns"),
    ]
    if hasattr(estimator, "history_"):
        tiles.append((short(float(estimator.history_["training_mse"][-1])), "training MSE"))
    if quality is not None:
        pairs = dict(quality["pairs"])
        if "area under the ROC curve" in pairs:
            tiles.append((pairs["area under the ROC curve"], "area under the ROC curve"))
    return tiles


def _repeatable(estimator: Any) -> str:
    """Return whether the same code gives the same numbers."""
    if estimator.parallel == "hogwild":
        return "No two trainings with parallel='hogwild' are alike: numbers will differ a little."
    if not isinstance(estimator.random_state, int | np.integer):
        return "random_state is no number: another training begins with other weights."
    return (
        "On the same rows and instruction set it gives the same weights, bit for bit, whatever "
        "n_jobs."
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fastae._report", "templates"),
        # Names of columns and rows, and cells, are anybody's: everything is escaped.
        autoescape=True,
        finalize=printable,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number, "percent": percent, "table": _as_html, "whole": _unbroken,
    }  # fmt: skip
    environment.globals["css"] = Markup(_source(environment, "report.css"))
    return environment.get_template("report.html")


def _source(environment: jinja2.Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _unbroken(text: str) -> str | Markup:
    """Return a date and its time such that lines break between them only, not at a hyphen."""
    if _MOMENT.fullmatch(text) is None:
        return text
    span = Markup('<span class="whole">{}</span>')
    return Markup(" ").join(span.format(part) for part in text.split())


def _as_html(table: Any) -> Markup:
    """Return what a Table shows in notebooks, which is escaped."""
    return Markup(table._repr_html_())
