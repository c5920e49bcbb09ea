"""Many small images in one: mosaics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

from fastae.plot._style import NOTHING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Float64 = npt.NDArray[np.float64]


def mosaic(images: Float64, n_across: int) -> tuple[Float64, Float64, Float64]:
    """Return images side by side, line below line.

    Parameters
    ----------
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
    n_across : int
        Images per line.

    Returns
    -------
    whole : ndarray of shape (total_height, total_width) or (total_height, total_width, 3)
        NaN in the gaps, whose width is a fourteenth of an image's, and one pixel at least.
    across, down : ndarray
        Where the middles of columns and lines are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastae.plot._images import mosaic
    >>> whole, across, down = mosaic(np.zeros((3, 4, 2)), 2)
    >>> whole.shape, across.tolist(), down.tolist()
    ((9, 5), [0.5, 3.5], [1.5, 6.5])
    """
    n, height, width = images.shape[:3]
    gap = max(1, round(width / 14))
    n_down = -(-n // n_across)
    size = n_down * (height + gap) - gap, n_across * (width + gap) - gap
    whole = np.full((*size, *images.shape[3:]), np.nan)
    for i, image in enumerate(images):
        top, left = (i // n_across) * (height + gap), (i % n_across) * (width + gap)
        whole[top : top + height, left : left + width] = image
    across = (width - 1) / 2 + (width + gap) * np.arange(n_across)
    return whole, across, (height - 1) / 2 + (height + gap) * np.arange(n_down)


def draw_mosaic(
    ax: Axes,
    whole: Float64,
    limits: tuple[float, float],
    cmap: str = "gray_r",
    nothing: str = NOTHING,
) -> AxesImage:
    """Draw a mosaic without axes; cells without a value look as the gaps do.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    whole : ndarray of shape (height, width) or (height, width, 3)
    limits : (float, float)
        What is drawn in the first and the last colour; of colour images, as 0 and 1.
    cmap : str
        Name of the colours of grey images.
    nothing : str
        The colour of gaps and of cells without a value.
    """
    low, high = limits
    if whole.ndim == 3:
        share = np.clip((whole - low) / ((high - low) or 1.0), 0, 1)
        gaps = np.isnan(whole).any(axis=2)
        share[gaps] = mpl.colors.to_rgb(nothing)
        drawn = ax.imshow(share)
    else:
        colors = mpl.colormaps[cmap].with_extremes(bad=nothing)
        drawn = ax.imshow(whole, cmap=colors, vmin=low, vmax=high)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return drawn


def as_images(rows: Float64, shape: tuple[int, ...]) -> Float64:
    """Return rows as images: (n, height, width), of colours (n, height, width, 3)."""
    images = rows.reshape(len(rows), *shape)
    return images[..., 0] if len(shape) == 3 and shape[2] == 1 else images


def limits_of(values: Any) -> tuple[float, float]:
    """Return the least and the largest value; (0, 1) if there is none."""
    known = np.asarray(values)[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
