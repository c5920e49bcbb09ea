"""Many small images in one: mosaics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.patches import Rectangle

from fastae.plot._style import GREY, NOTHING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Float64 = npt.NDArray[np.float64]


class Mosaic(NamedTuple):
    """Images side by side, line below line.

    Attributes
    ----------
    whole : ndarray of shape (total_height, total_width) or (total_height, total_width, 3)
        NaN in the gaps, whose width is a fourteenth of an image's, and one pixel at least.
    inside : ndarray of shape (total_height, total_width), bool
        Which pixels are of an image.
    across, down : ndarray
        Where the middles of columns and lines are.
    corners : ndarray of shape (n, 2)
        The left and the upper pixel of each image.
    """

    whole: Float64
    inside: npt.NDArray[np.bool_]
    across: Float64
    down: Float64
    corners: npt.NDArray[np.intp]


def mosaic(images: Float64, n_across: int, *, used: npt.NDArray[np.bool_] | None = None) -> Mosaic:
    """Return images side by side, line below line.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
    n_across : int
        Images per line.
    used : ndarray of shape (n,), bool, default=None
        Which are images, and not only places for one. None: all.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.plot._images import mosaic
    >>> made = mosaic(np.zeros((3, 4, 2)), 2)
    >>> made.whole.shape, made.across.tolist(), made.down.tolist(), int(made.inside.sum())
    ((9, 5), [0.5, 3.5], [1.5, 6.5], 24)
    """
    n, height, width = images.shape[:3]
    gap = max(1, round(width / 14))
    n_down = -(-n // n_across)
    size = n_down * (height + gap) - gap, n_across * (width + gap) - gap
    whole, inside = np.full((*size, *images.shape[3:]), np.nan), np.zeros(size, dtype=bool)
    places = np.arange(n) if used is None else np.flatnonzero(used)
    corners = np.column_stack(
        [places % n_across * (width + gap), places // n_across * (height + gap)]
    )
    for i, (left, top) in zip(places, corners.tolist(), strict=True):
        whole[top : top + height, left : left + width] = images[i]
        inside[top : top + height, left : left + width] = True
    across = (width - 1) / 2 + (width + gap) * np.arange(n_across)
    down = (height - 1) / 2 + (height + gap) * np.arange(n_down)
    return Mosaic(whole, inside, across, down, corners)


def draw_mosaic(
    ax: Axes,
    made: Mosaic,
    limits: tuple[float, float],
    cmap: str = "gray_r",
    nothing: str = NOTHING,
) -> AxesImage:
    """Draw a mosaic without axes; gaps are white, cells without a value of a colour of their own.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    made : Mosaic
    limits : (float, float)
        What is drawn in the first and the last colour; of colour images, as 0 and 1.
    cmap : str
        Name of the colours of grey images.
    nothing : str
        The colour of cells without a value.
    """
    low, high = limits
    if made.whole.ndim == 3:
        share = np.clip((made.whole - low) / ((high - low) or 1.0), 0, 1)
        share[np.isnan(made.whole).any(axis=2)] = mpl.colors.to_rgb(nothing)
        share[~made.inside] = 1.0
        drawn = ax.imshow(share)
    else:
        colors = mpl.colormaps[cmap].with_extremes(bad=nothing)
        drawn = ax.imshow(made.whole, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
        gaps = np.ones((*made.inside.shape, 4))
        gaps[..., 3] = ~made.inside
        ax.imshow(gaps, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return drawn


def draw_frames(ax: Axes, made: Mosaic, height: int, width: int) -> None:
    """Draw a thin frame around each image of a mosaic."""
    for left, top in made.corners.tolist():
        ax.add_patch(
            Rectangle(
                (left - 0.5, top - 0.5), width, height, fill=False, ec=GREY, lw=0.6, clip_on=False
            )
        )


def as_images(rows: Float64, shape: tuple[int, ...]) -> Float64:
    """Return rows as images: (n, height, width), of colours (n, height, width, 3)."""
    images = rows.reshape(len(rows), *shape)
    return images[..., 0] if len(shape) == 3 and shape[2] == 1 else images


def limits_of(values: Any) -> tuple[float, float]:
    """Return the least and the largest value; (0, 1) if there is none."""
    known = np.asarray(values)[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
