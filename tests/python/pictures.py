"""Comparing pictures with those that were looked at, whatever draws the letters.

Texts are taken out before the comparison, since other versions of matplotlib and FreeType draw
them otherwise, and the layout depends on how wide they are; tests ask for them by themselves.
``FASTAE_BASELINE=1`` writes the pictures anew: open each one before it is committed.
"""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.ticker import NullFormatter

BASELINE = Path(__file__).parent / "baseline"
# Root mean square over the pixels, of 255. Antialiasing of another version stays below 1; a line of
# another colour or a marker of another form is above 3 (test_plot_images.py shows it).
TOLERANCE = 1.5


def new_axes():
    return Figure(figsize=(5, 3.2)).add_axes((0.1, 0.1, 0.8, 0.8))


def without_text(figure):
    """Take all letters from a figure, and give its axes places that do not depend on them."""
    figure.set_layout_engine("none")
    for text in figure.findobj(mpl.text.Text):
        text.set_text("")
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes)]:
        if legend is not None:
            legend.remove()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(NullFormatter())
            axis.set_minor_formatter(NullFormatter())
    n_across = math.ceil(math.sqrt(len(figure.axes)))
    size = 1 / n_across
    for i, ax in enumerate(figure.axes):
        down, across = divmod(i, n_across)
        ax.set_axes_locator(None)
        ax.set_position(
            (across * size + 0.02, 1 - (down + 1) * size + 0.02, size - 0.04, size - 0.04)
        )
    return figure


def save(figure, path):
    figure.savefig(path, dpi=60, metadata={"Software": None})


def difference(figure, name, folder):
    """Return None if a figure looks like the baseline of that name, else what differs."""
    expected, actual = BASELINE / f"{name}.png", Path(folder) / f"{name}.png"
    if os.environ.get("FASTAE_BASELINE") and not expected.exists():
        save(figure, expected)
    save(figure, actual)
    return compare_images(str(expected), str(actual), tol=TOLERANCE)


def overlapping_ticks(figure):
    """Return pairs of tick labels that overlap on an axis."""
    figure.canvas.draw()
    found = []
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            labels = [t for t in axis.get_ticklabels() if t.get_text() and t.get_visible()]
            boxes = [label.get_window_extent() for label in labels]
            low, high = sorted(axis.get_view_interval())
            inside = [
                (label, box)
                for label, box in zip(labels, boxes, strict=True)
                if low <= label.get_position()[axis.axis_name == "y"] <= high
            ]
            found += [
                (a.get_text(), b.get_text())
                for (a, one), (b, two) in itertools.pairwise(inside)
                if one.overlaps(two)
            ]
    return found
