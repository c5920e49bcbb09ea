"""The demo's pictures.

Drawn on `Figure` objects, never through ``matplotlib.pyplot``: no window system is needed and no
state of the caller's is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from fastae._cli.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from fastae._cli.tables import Ranking

    Floats = npt.NDArray[np.floating[Any]]

# Okabe and Ito's palette, which colour-blind people can tell apart too.
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#5A5A5A"
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
    _draw_all_beats(top, time, beats, ranking)
    for column, row in enumerate(ranking.order[:_N_PANELS]):
        axes = figure.add_subplot(grid[1, column], sharey=top)
        color = VERMILLION if ranking.flag[row] else BLUE
        axes.plot(time * 1e3, beats[row], color=color, label="beat")
        axes.plot(time * 1e3, reconstructions[row], color=GREY, ls="--", label="reconstruction")
        axes.set_title(f"row {row}: {kinds[row]}\nMSE {ranking.mse[row]:.3f}", fontsize=10)
        axes.set_xlabel(_TIME_LABEL)
        _clean(axes)
        if column == 0:
            axes.set_ylabel(_VOLTAGE_LABEL)
            axes.legend(frameon=False, fontsize=8, loc="upper right")
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
    order = ranking.order[::-1]  # best first
    middle = (len(order) - _N_DIGITS) // 2
    groups = {
        "Lowest errors": order[:_N_DIGITS],
        "Median errors": order[middle : middle + _N_DIGITS],
        "Highest errors": order[-_N_DIGITS:],
    }
    figure = Figure(figsize=(9, 6.6), layout="constrained")
    figure.suptitle(f"{len(order)} digits that the autoencoder had not seen")
    rows_of_axes = figure.subplots(len(groups), 1)
    for axes, (title, rows) in zip(rows_of_axes, groups.items(), strict=True):
        mosaic = _draw_digits(axes, images[rows], reconstructions[rows])
        axes.set_title(title, loc="left")
        captions = [f"a {labels[row]}, row {row}\nMSE {ranking.mse[row]:.4f}" for row in rows]
        axes.set_xticks(axes.get_xticks(), captions, fontsize=7.5)
    figure.colorbar(mosaic, ax=rows_of_axes, label="ink (0 to 16)", shrink=0.5, pad=0.02)
    return figure


def _draw_digits(axes: Axes, images: Floats, reconstructions: Floats) -> AxesImage:
    """Draw two lines of images and put a tick at the middle of each line and column."""
    n, height, width = images.shape
    mosaic = np.full((2 * height + 1, n * (width + 1) - 1), np.nan)  # NaN: gaps, left white
    for i in range(n):
        columns = slice(i * (width + 1), i * (width + 1) + width)
        mosaic[:height, columns] = images[i]
        mosaic[height + 1 :, columns] = reconstructions[i]
    drawn = axes.imshow(mosaic, cmap="gray_r", vmin=0, vmax=MAX_INK)
    axes.set_yticks(
        [(height - 1) / 2, height + 1 + (height - 1) / 2], ["original", "reconstructed"]
    )
    axes.set_xticks((width - 1) / 2 + (width + 1) * np.arange(n))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return drawn


def _draw_all_beats(axes: Axes, time: Floats, beats: Floats, ranking: Ranking) -> None:
    styles = {False: (BLUE, 0.8, 0.6), True: (VERMILLION, 1.8, 1.0)}
    for flag, (color, width, alpha) in styles.items():
        rows = np.flatnonzero(ranking.flag == flag)
        name = f"{len(rows)} {'flagged' if flag else 'not flagged'}"
        for row in rows:
            label = name if row == rows[0] else None
            axes.plot(time * 1e3, beats[row], color=color, lw=width, alpha=alpha, label=label)
    axes.set_title(f"{len(beats)} heartbeats, scored by an autoencoder trained on the good ones")
    axes.set_xlabel(_TIME_LABEL)
    axes.set_ylabel(_VOLTAGE_LABEL)
    axes.legend(frameon=False)
    axes.margins(x=0)
    _clean(axes)


def _clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
