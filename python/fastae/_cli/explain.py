"""``fastae explain``: which columns make rows odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.decision import Decision, rank_all
from fastae._cli.errors import CliError
from fastae._cli.outputs import Output
from fastae._cli.screens import Screen, print_cut, visible
from fastae._cli.tables import number_format
from fastae._cli.training import model_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from fastae import Autoencoder
    from fastae._cli.detect import ModelRows
    from fastae._cli.rows import Rows
    from fastae._cli.tables import Ranking

# The columns whose cells may be cut where a terminal is narrow: name, observed, expected.
_FLEXIBLE = 2, 4, 5


def explain(
    given: ModelRows,
    decision: Decision,
    *,
    top: int,
    n_rows: int,
    rows: Sequence[int],
    output: Path | None,
    form: str | None,
) -> None:
    """Print or write the columns that make up the errors of rows.

    Parameters
    ----------
    given : ModelRows
    decision : Decision
        For the flags.
    top : int
        Columns per row.
    n_rows : int
        So many of the worst rows; 0: all rows.
    rows : sequence of int
        These rows instead, if there are any.
    output : Path or None
        None: a table is printed.
    form : str or None
        As of `Output`.

    Raises
    ------
    CliError
        If a file or a cell is not as it should be, or there is no such row.
    """
    target = None if output is None else Output(output, form, given.files)
    model, table = given.open()
    decision.set_on(model, str(given.model))
    ranking = rank_all(model, table, decision)
    chosen = _chosen(ranking, n_rows, rows, table.label)
    reasons = _reasons(model, table, chosen, top)
    if target is not None:
        reasons = _dated(reasons, ("observed",))
        if target.form == "parquet":  # whose columns are of one type
            reasons = reasons.astype({"observed": str, "expected": str})
        target.write(reasons)
    else:
        reasons = _dated(reasons, ("observed", "expected"))
        _print(Screen(), reasons, ranking, chosen, f"Rows of {table.label}, and what is odd")


def _chosen(ranking: Ranking, n_rows: int, rows: Sequence[int], label: str) -> list[int]:
    n = len(ranking.mse)
    for row in rows:
        if row >= n:
            message = f"{label}: there is no row {row}; rows count from 0 to {n - 1}"
            raise CliError(message)
    order = ranking.order[: n_rows or None] if n_rows else np.arange(n)
    return list(rows) or order.tolist()


def _reasons(model: Autoencoder, table: Rows, chosen: list[int], top: int) -> pd.DataFrame:
    """Return what `Autoencoder.explain` says, its rows and columns called as here."""
    taken = table.take(chosen)
    if hasattr(taken, "reset_index"):
        taken = taken.reset_index(drop=True)
    with model_errors(table.label):
        reasons: pd.DataFrame = model.explain(taken, top=top)
    reasons["row"] = np.asarray(chosen)[reasons["row"].to_numpy(dtype=np.intp)]
    if not hasattr(model, "feature_names_in_") and reasons["feature"].dtype.kind in "iu":
        reasons["feature"] = [f"C{j + 1}" for j in reasons["feature"]]
    return reasons


def _print(
    screen: Screen, reasons: pd.DataFrame, ranking: Ranking, chosen: list[int], title: str
) -> None:
    names = ("row", ranking.name, "column", "share", "observed", "expected", "flag")
    form = number_format(ranking.errors[chosen])
    by_row = dict(tuple(reasons.groupby("row", sort=False)))
    lines: list[tuple[list[str], str | None]] = []
    for row in chosen:
        flagged = bool(ranking.flag[row])
        head = [str(row), format(ranking.errors[row], form)]
        verdict = "anomaly" if flagged else ""
        style = "bold red" if flagged else None
        if row not in by_row:  # all cells are missing
            lines.append(([*head, "", "", "", "", verdict], style))
            continue
        for reason in by_row[row].itertuples():
            cells = [visible(_shown(value)) for value in (reason.observed, reason.expected)]
            name, share = visible(str(reason.feature)), f"{reason.share:.0%}"
            lines.append(([*head, name, share, *cells, verdict], style))
            head, verdict = ["", ""], ""
    print_cut(screen, title, names, lines, _FLEXIBLE)


def _shown(value: Any) -> str:
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return str(value.round("s"))
    return f"{value:.5g}" if isinstance(value, float | np.floating) else str(value)


def _dated(reasons: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return reasons with days for times, where all cells seen of a feature are days."""
    import pandas as pd

    reasons = reasons.copy()
    for _, part in reasons.groupby("feature"):
        times = [value for value in part["observed"] if isinstance(value, pd.Timestamp)]
        if times and all(time == time.normalize() for time in times):
            for column in columns:
                reasons.loc[part.index, column] = [
                    str(value.round("D").date()) if isinstance(value, pd.Timestamp) else value
                    for value in part[column]
                ]
    return reasons
