"""``fastae explain``: which columns make rows odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.decision import Decision, rank_all
from fastae._cli.errors import CliError
from fastae._cli.outputs import Output
from fastae._cli.tables import Screen, number_format, print_table, table_of
from fastae._cli.training import model_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from fastae import Autoencoder
    from fastae._cli.detect import ModelRows
    from fastae._cli.rows import Rows
    from fastae._cli.tables import Ranking

_N_SHOWN = 20  # characters of a cell


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
        if target.form == "parquet":  # whose columns are of one type
            reasons = reasons.astype({"observed": str, "expected": str})
        target.write(reasons)
    else:
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
    table = table_of("row", ranking.name, "column", "share", "observed", "expected", "flag")
    form = number_format(ranking.errors[chosen])
    by_row = dict(tuple(reasons.groupby("row", sort=False)))
    for row in chosen:
        flagged = bool(ranking.flag[row])
        head = [str(row), format(ranking.errors[row], form)]
        verdict = "anomaly" if flagged else ""
        style = "bold red" if flagged else None
        if row not in by_row:  # all cells are missing
            table.add_row(*head, "", "", "", "", verdict, style=style)
            continue
        for reason in by_row[row].itertuples():
            cells = [_shown(reason.observed), _shown(reason.expected)]
            table.add_row(
                *head, _shown(reason.feature), f"{reason.share:.0%}", *cells, verdict, style=style
            )
            head, verdict = ["", ""], ""
    print_table(screen, title, table)


def _shown(value: Any) -> str:
    is_number = isinstance(value, float | np.floating)
    text = f"{value:.5g}" if is_number else str(value)
    return text if len(text) <= _N_SHOWN else f"{text[: _N_SHOWN - 3]}..."
