"""``fastae plot`` and ``fastae report``: pictures of a model and of what it says of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.errors import CliError, UsageError
from fastae._cli.files import STANDARD, check_writable, write_atomically
from fastae._cli.inputs import open_source
from fastae._cli.models import load_any
from fastae._cli.options import option_name
from fastae._cli.outputs import refuse_terminal
from fastae._cli.pair import suggestion
from fastae._cli.streaming import is_stream
from fastae._cli.training import model_errors, warnings_as_notes

if TYPE_CHECKING:
    from pathlib import Path

    from fastae._cli.decision import Decision
    from fastae._cli.detect import ModelRows


@dataclass(frozen=True)
class _Picture:
    """A kind of picture: its class in `fastae.plot`, whether it shows rows, its options."""

    display: str
    data: bool | None = True  # None: if there are any
    options: tuple[str, ...] = ()
    flags: bool = True  # whether it shows the threshold, or the rows above it


KINDS = {
    "history": _Picture("HistoryDisplay", data=False, flags=False),
    "ranked": _Picture("RankedErrorsDisplay"),
    "histogram": _Picture("ErrorHistogramDisplay", data=None),
    "reconstructions": _Picture("ReconstructionsDisplay", options=("shape", "n_rows")),
    "curves": _Picture("CurvesDisplay", options=("n_rows",)),
    "heatmap": _Picture("ErrorHeatmapDisplay", options=("n_rows", "n_columns")),
    "codes": _Picture("CodesDisplay"),
    "weights": _Picture("WeightsDisplay", data=False, options=("shape", "n_units"), flags=False),
}
FORMATS = {"png", "svg", "pdf"}
# Of a PNG: memory has 4 bytes for each while it is drawn; and what Matplotlib draws at all.
_MOST_DOTS, _LONGEST_SIDE = 300_000_000, 65_000


def plot(
    kind: str,
    model_path: Path,
    given: ModelRows | None,
    decision: Decision,
    options: dict[str, Any],
    *,
    output: Path,
    dpi: int,
) -> None:
    """Draw one of the displays of `fastae.plot` to a file.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    model_path : Path
    given : ModelRows or None
        None: there are no rows.
    decision : Decision
        For the threshold.
    options : dict
        Of the display; None where nothing was said.
    output : Path
        PNG, SVG or PDF, by its ending; "-" is PNG on standard output.
    dpi : int

    Raises
    ------
    UsageError
        If the kind of picture needs rows or takes none, or an option is not for it.
    CliError
        If a file or a cell is not as it should be.
    """
    picture = KINDS[kind]
    options = {name: value for name, value in options.items() if value is not None}
    _check(kind, picture, given, options)
    if decision.rules and not picture.flags:
        known = ", ".join(name for name, other in KINDS.items() if other.flags)
        message = f"{decision.rules[0]} is for plot {known}, not for {kind}"
        raise UsageError(message)
    form = "png" if output == STANDARD else output.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        message = f"{output}: a picture's name must end in .png, .svg or .pdf"
        raise UsageError(message)
    refuse_terminal(output, "a picture")
    check_writable(output, inputs=(model_path,) if given is None else given.files)
    rows: tuple[Any, ...] = ()
    if given is None:
        model = load_any(model_path)
    else:
        model, table = given.open()
        rows = (table.table,)
    decision.set_on(model, str(model_path))
    _draw(picture, model, rows, options, output=output, form=form, dpi=dpi)


def report(
    given: ModelRows,
    decision: Decision,
    *,
    output: Path,
    label: str | None,
    shape: tuple[int, ...] | None,
    top: int,
    title: str | None,
) -> None:
    """Write one HTML page on a model and on what it says of rows.

    Parameters
    ----------
    given : ModelRows
    decision : Decision
        For the threshold.
    output : Path
    label : str or None
        The column that says what is known of the rows.
    shape, top, title
        As of `fastae.report`.

    Raises
    ------
    UsageError
        If the page's name has the ending of something else.
    CliError
        If a file or a cell is not as it should be.
    """
    check_writable(output, inputs=given.files)
    if output.suffix.lower() not in ("", ".html", ".htm"):
        message = f"{output}: the name of a page ends in .html"
        raise UsageError(message)
    y = None if label is None else _labels(given, label)
    model, rows = given.open()
    decision.set_on(model, str(given.model))
    with warnings_as_notes(), model_errors(rows.label):
        from fastae import report as write_report

        page = write_report(model, rows.table, y=y, shape=shape, top=top, title=title)
    write_atomically(output, lambda stream: stream.write(page.encode()))


def _labels(given: ModelRows, column: str) -> Any:
    """Return a column of the rows' table that says which are anomalies."""
    if given.data == STANDARD:
        message = "--label reads the table twice, which standard input is not for: give a file"
        raise UsageError(message)
    if is_stream(given.data, wanted=False):
        message = f"--label is for a table in one file: {given.data} is a folder or a pattern"
        raise UsageError(message)
    source = open_source(
        given.data, header=given.header, delimiter=given.delimiter, decimal=given.decimal
    )
    if column not in source.names:
        cure = suggestion(column, source.names)
        message = f"{source.label}: there is no column {column!r}; {cure}"
        raise CliError(message)
    cells = np.asarray(source.read([column], {column: "category"}))[:, 0].astype(str)
    known = set(np.unique(cells).tolist())
    if known <= {"True", "False", "0", "1"}:
        return np.isin(cells, ["True", "1"])
    if known <= {"-1", "1"}:
        return cells.astype(int)
    message = f"{source.label}: column {column!r} must hold 1 for anomalies and 0 for other rows"
    raise CliError(message)


def _check(kind: str, picture: _Picture, given: ModelRows | None, options: dict[str, Any]) -> None:
    if picture.data and given is None:
        message = f"plot {kind} shows rows: give DATA after the model"
        raise UsageError(message)
    if picture.data is False and given is not None:
        message = f"plot {kind} shows the model alone: leave DATA out"
        raise UsageError(message)
    for name in options:
        if name not in picture.options:
            known = ", ".join(k for k, other in KINDS.items() if name in other.options)
            message = f"{option_name(name)} is for plot {known}, not for {kind}"
            raise UsageError(message)


def _draw(
    picture: _Picture,
    model: Any,
    rows: tuple[Any, ...],
    options: dict[str, Any],
    *,
    output: Path,
    form: str,
    dpi: int,
) -> None:
    import matplotlib as mpl

    mpl.use("agg")  # no window system is asked for
    import matplotlib.pyplot as plt

    with warnings_as_notes(), model_errors("X"):
        from fastae import plot as displays

        display = getattr(displays, picture.display).from_estimator(model, *rows, **options)
    figure = display.figure_
    width, height = figure.get_size_inches() * dpi
    try:
        if form == "png" and (width * height > _MOST_DOTS or max(width, height) > _LONGEST_SIDE):
            message = (
                f"the picture would have {width:,.0f} x {height:,.0f} dots, which is too many; say"
                " a smaller --dpi"
            )
            raise UsageError(message)
        write_atomically(
            output, lambda stream: figure.savefig(stream, format=form, dpi=dpi, bbox_inches="tight")
        )
    finally:
        plt.close(figure)
