"""What the commands print: the layer table, the scoring history and the ranking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastae._cli.screens import print_table, table_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from rich.console import Console

    from fastae import Autoencoder

# Rows of the scoring history that are shown, the first and the last among them.
_N_HISTORY = 8
# Flagged rows are shown even beyond --top, but a screen is no place for thousands.
_MAX_FLAGGED = 50


@dataclass(frozen=True)
class Ranking:
    """Rows sorted by how badly a model reconstructs them.

    Attributes
    ----------
    mse : ndarray of shape (n_rows,)
        Mean squared reconstruction error of each row, in scaled units.
    rank : ndarray of shape (n_rows,)
        1 for the largest error; of equal errors the earlier row comes first.
    flag : ndarray of shape (n_rows,), bool
        Whether the model calls the row an anomaly.
    threshold : float
        Rows with a larger error are flagged.
    name : str
        What `errors` are called in print.
    score : ndarray of shape (n_rows,), or None
        What the rows are sorted by, if not the MSE.
    p_values : ndarray of shape (n_rows,), or None
    fdr : float or None
        The false discovery rate, where flags go by that and not by the threshold.
    """

    mse: npt.NDArray[np.float64]
    rank: npt.NDArray[np.intp]
    flag: npt.NDArray[np.bool_]
    threshold: float
    name: str = "MSE"
    score: npt.NDArray[np.float64] | None = None
    p_values: npt.NDArray[np.float64] | None = None
    fdr: float | None = None

    @classmethod
    def of(
        cls,
        mse: npt.NDArray[np.float64],
        score: npt.NDArray[np.float64],
        flag: npt.NDArray[np.bool_],
        threshold: float,
        *,
        name: str = "MSE",
        **more: Any,
    ) -> Ranking:
        """Return rows sorted by their scores."""
        rank = np.empty(len(score), dtype=np.intp)
        rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
        own = None if name == "MSE" else score
        return cls(mse, rank, flag, threshold, name, own, **more)

    @property
    def errors(self) -> npt.NDArray[np.float64]:
        """What rows are sorted by: the larger, the odder."""
        return self.mse if self.score is None else self.score

    @property
    def order(self) -> npt.NDArray[np.intp]:
        """Row numbers from 0, the worst row first."""
        return np.argsort(self.rank)


def rank_rows(model: Autoencoder, X: Any) -> Ranking:
    """Score rows once and sort them.

    Parameters
    ----------
    model : Autoencoder
        A fitted model.
    X : array-like of shape (n_rows, n_features_in_)
        Rows in the units that the model was fitted in.
    """
    mse = np.asarray(model.reconstruction_error(X), dtype=np.float64)
    # The same comparison as in `predict`, without scoring the rows a second time.
    return Ranking.of(mse, mse, -mse - model.offset_ < 0, -float(model.offset_))


def print_model(console: Console, model: Autoencoder) -> None:
    """Print the layers of a fitted model and how its training went."""
    print_layers(console, model)
    _print_history(console, model)


def print_ranking(
    console: Console,
    ranking: Ranking,
    *,
    top: int,
    title: str,
    kinds: Sequence[str] | None = None,
) -> None:
    """Print the worst rows, and how many there are.

    Parameters
    ----------
    console : Console
        Where to print.
    ranking : Ranking
        All rows.
    top : int
        How many of them to show; flagged rows beyond are shown too, up to a screenful.
    title : str
        Stands above.
    kinds : sequence of str, optional
        What each row is known to be, shown beside the verdict.
    """
    table = table_of("rank", "row", ranking.name, "flag")
    if kinds is not None:
        table.add_column("what it is", no_wrap=True)
    n_shown = max(top, min(int(ranking.flag.sum()), _MAX_FLAGGED))
    rows = ranking.order[:n_shown]
    form = number_format(ranking.errors[rows])
    for row in rows:
        flagged = bool(ranking.flag[row])
        verdict = "anomaly" if flagged else ""
        cells = [str(ranking.rank[row]), str(row), format(ranking.errors[row], form), verdict]
        if kinds is not None:
            cells.append(kinds[row])
        table.add_row(*cells, style="bold red" if flagged else None)
    print_table(console, title, table)
    console.print(_summary(ranking, n_shown), highlight=False, soft_wrap=True)


def print_layers(console: Console, model: Autoencoder) -> None:
    """Print a table of the layers of a fitted model."""
    table = table_of("layer", "units", "type", "l1", "l2", "weights", "± sd", "biases", "± sd")
    statistics = "mean_weight", "weight_sd", "mean_bias", "bias_sd"
    for layer in model.summary().rows():
        penalties = (_figure(layer[key], "g") for key in ("l1", "l2"))
        figures = (_figure(layer[key], ".4f") for key in statistics)
        names = (str(layer[key]) for key in ("layer", "units", "type"))
        table.add_row(*names, *penalties, *figures)
    print_table(console, "Layers", table)


def _figure(value: float, form: str) -> str:
    return "" if np.isnan(value) else format(value, form)


def _print_history(console: Console, model: Autoencoder) -> None:
    table = table_of("time", "obs/s", "epochs", "samples", "training MSE", "training RMSE")
    history = model.history_
    n_rows = history.n_rows
    form = number_format(history["training_mse"])
    for i in np.unique(np.linspace(0, n_rows - 1, min(n_rows, _N_HISTORY)).round().astype(int)):
        speed = history["obs_per_s"][i]
        table.add_row(
            f"{history['duration'][i]:.3f} s",
            f"{speed:,.0f}" if np.isfinite(speed) else "",  # row 0 is the untrained network
            f"{history['epochs'][i]:.4g}",
            f"{history['samples'][i]:,.0f}",
            format(abs(history["training_mse"][i]), form),
            format(history["training_rmse"][i], form),
        )
    print_table(console, "Scoring history", table)


def number_format(errors: npt.NDArray[np.float64]) -> str:
    """Return a format that shows all of some errors with three digits or more."""
    positive = errors[errors > 0]
    if positive.size and (positive.min() < 1e-4 or positive.max() >= 1e6):
        return ".4e"
    return ".6f"


def _summary(ranking: Ranking, n_shown: int) -> str:
    n_rows, n_flagged = len(ranking.mse), int(ranking.flag.sum())
    rule = f"{ranking.name} above {ranking.threshold:.6g}"
    if ranking.fdr is not None:
        rule = f"false discovery rate {ranking.fdr:g}"
    text = f"{n_flagged:,} of {n_rows:,} row{'s' * (n_rows != 1)} flagged: {rule}."
    if n_flagged > n_shown:
        text += f"\n{n_flagged - n_shown:,} flagged rows are not shown; -o FILE writes all."
    return text
