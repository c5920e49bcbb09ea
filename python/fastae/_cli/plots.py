"""The demo's pictures.

Drawn on `Figure` objects, never through ``matplotlib.pyplot``: no window system is needed and no
state of the caller's is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from fastae._cli.files import write_atomically
from fastae.plot import CurvesDisplay, ReconstructionsDisplay
from fastae.plot._lines import draw_pair, pair_handles
from fastae.plot._style import BLUE, RED, clean

__all__ = ["BLUE", "MAX_INK", "RED", "beats_figure", "digits_figure", "save"]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from fastae._cli.tables import Ranking

    Floats = npt.NDArray[np.floating[Any]]

_DPI = 150
_TIME_LABEL, _VOLTAGE_LABEL = "time from the R peak (ms)", "voltage (mV)"
# More side by side cannot be read.
_N_PANELS, _N_DIGITS = 3, 10
MAX_INK = 16.0


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    write_atomically(path, lambda stream: figure.savefig(stream, format="png", dpi=_DPI))


def beats_figure(
    time: Floats,
    beats: Floats,
    reconstructions: Floats,
    ranking: Ranking,
    kinds: Sequence[str],
) -> Figure:
    """Draw heartbeats, the flagged ones in red, and the worst again with their reconstructions.

    Parameters
    ----------
    time : ndarray of shape (n_points,)
        Seconds from the R peak.
    beats, reconstructions : ndarray of shape (n_beats, n_points)
        In millivolts.
    ranking : Ranking
        Errors and flags of the beats.
    kinds : sequence of str
        What each beat is.
    """
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    grid = figure.add_gridspec(2, _N_PANELS, height_ratios=(3, 2))
    top = figure.add_subplot(grid[0, :])
    CurvesDisplay.from_predictions(
        beats, ranking.flag, x=time * 1e3, x_label=_TIME_LABEL, y_label=_VOLTAGE_LABEL, ax=top
    )
    flagged = f"{int(ranking.flag.sum())} of {len(beats)} heartbeats flagged"
    top.set_title(
        f"{flagged} by an autoencoder trained on good ones", loc="left", fontsize=11, pad=24
    )
    for column, row in enumerate(ranking.order[:_N_PANELS]):
        axes = figure.add_subplot(grid[1, column], sharey=top)
        draw_pair(
            axes, time * 1e3, beats[row], reconstructions[row], flagged=bool(ranking.flag[row])
        )
        axes.set_title(f"row {row}: {kinds[row]}\nMSE {ranking.mse[row]:.3f}", fontsize=10)
        axes.set_xlabel(_TIME_LABEL)
        clean(axes)
        if column == 0:
            axes.set_ylabel(_VOLTAGE_LABEL)
    figure.legend(
        handles=pair_handles(ranking.flag[ranking.order[:_N_PANELS]]),
        loc="outside lower right", ncols=3, frameon=False, fontsize=9,
    )  # fmt: skip
    return figure


def digits_figure(
    images: Floats, reconstructions: Floats, ranking: Ranking, labels: npt.NDArray[np.integer[Any]]
) -> Figure:
    """Draw the digits with the lowest, median and highest errors above their reconstructions.

    Parameters
    ----------
    images, reconstructions : ndarray of shape (n_digits, height, width)
        Ink from 0 (paper) to `MAX_INK`.
    ranking : Ranking
        Errors and flags of the digits.
    labels : ndarray of shape (n_digits,)
        Which digit each is.
    """
    n, *shape = images.shape
    figure = Figure(figsize=(9, 6.6), layout="constrained")
    figure.suptitle(f"{n} digits that the autoencoder had not seen")
    pixels, made = (np.reshape(part, (n, -1)) for part in (images, reconstructions))
    captions = [
        f"a {label}, row {row}\nMSE {mse:.4f}"
        for row, (label, mse) in enumerate(zip(labels, ranking.mse, strict=True))
    ]
    ReconstructionsDisplay.from_predictions(
        pixels, made, ranking.mse, flagged=ranking.flag, shape=shape, n_rows=_N_DIGITS,
        captions=captions, y_label="ink (0 to 16)", limits=(0.0, MAX_INK), figure=figure,
    )  # fmt: skip
    return figure
