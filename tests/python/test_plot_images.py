"""Pictures look as they did when somebody looked at them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastae.plot import (
    CodesDisplay,
    CurvesDisplay,
    ErrorHeatmapDisplay,
    ErrorHistogramDisplay,
    HistoryDisplay,
    RankedErrorsDisplay,
    ReconstructionsDisplay,
    WeightsDisplay,
)
from pictures import difference, new_axes, without_text

N = 40
ERRORS = np.exp(np.sin(np.arange(N)))
ERRORS[[3, 17, 30]] = 30.0, 90.0, 45.0
X = np.linspace(0, 1, 25)
CURVES = np.sin(6 * X + 0.1 * np.arange(N)[:, np.newaxis]) * (
    1 + 0.5 * (ERRORS > 10)[:, np.newaxis]
)
CURVES[3, 5:9] = np.nan
MADE = np.sin(6 * X + 0.1 * np.arange(N)[:, np.newaxis])


def history(ax):
    epochs = np.arange(21.0)
    table = {
        "epochs": epochs,
        "duration": epochs / 10,
        "samples": 1000 * epochs,
        "training_mse": 0.02 + np.exp(-epochs / 3),
        "validation_mse": 0.03 + np.exp(-epochs / 3) + 0.0004 * np.maximum(epochs - 9, 0) ** 2,
    }
    return HistoryDisplay(table).plot(ax)


def ranked(ax):
    return RankedErrorsDisplay.from_predictions(ERRORS, 10.0, ax=ax)


def ranked_many(ax):
    return RankedErrorsDisplay.from_predictions(np.geomspace(0.01, 50, 400), 10.0, ax=ax)


def histogram(ax):
    train = np.exp(np.sin(np.arange(200.0)))
    return ErrorHistogramDisplay.from_predictions(ERRORS, 10.0, train_errors=train, ax=ax)


def curves(ax):
    return CurvesDisplay.from_predictions(CURVES, ERRORS > 10, x=X, ax=ax)


def heatmap(ax):
    cells = np.square(np.nan_to_num(CURVES - MADE, nan=np.nan)) + 0.01
    return ErrorHeatmapDisplay.from_predictions(
        cells, errors=ERRORS, flagged=ERRORS > 10, n_rows=10, ax=ax
    )


def codes(ax):
    angle = np.arange(N)
    points = np.column_stack([np.cos(angle), np.sin(2 * angle), 0.1 * np.cos(3 * angle)])
    return CodesDisplay.from_predictions(points, ERRORS, 10.0, ax=ax)


def curve_pairs(figure):
    return ReconstructionsDisplay.from_predictions(
        CURVES, MADE, ERRORS, 10.0, n_rows=3, x=X, figure=figure
    )


def image_pairs(figure):
    return ReconstructionsDisplay.from_predictions(
        CURVES, MADE, ERRORS, 10.0, shape=(5, 5), n_rows=5, figure=figure
    )


def colour_pairs(figure):
    bright, made = (np.nan_to_num(part[:, :24] / 4 + 0.5) for part in (CURVES, MADE))
    return ReconstructionsDisplay.from_predictions(
        bright, made, ERRORS, shape=(4, 2, 3), n_rows=4, figure=figure
    )


def weight_images(figure):
    return WeightsDisplay(CURVES[:9], np.arange(9), 12, shape=(5, 5)).plot(figure)


def unused_weights(figure):
    return WeightsDisplay(CURVES[2:7], np.arange(5), 12, shape=(5, 5)).plot(figure)


def dots(ax):
    rows = np.concatenate([CURVES[:, :1], np.full((N, 1), np.nan), CURVES[:, 1:2]], axis=1)
    return CurvesDisplay.from_predictions(rows, ERRORS > 10, ax=ax)


def weight_map(figure):
    return WeightsDisplay(CURVES[:9], np.arange(9), 9).plot(figure)


ON_AXES = [history, ranked, ranked_many, histogram, curves, heatmap, codes, dots]
ON_FIGURES = [curve_pairs, image_pairs, colour_pairs, weight_images, unused_weights, weight_map]


def drawn(make):
    if make in ON_AXES:
        ax = new_axes()
        display = make(ax)
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        return display
    figure = Figure(figsize=(5, 4))
    display = make(figure)
    assert display.figure_ is figure
    figure.canvas.draw()  # a layout, before the letters go
    return display


@pytest.mark.parametrize("make", [*ON_AXES, *ON_FIGURES], ids=lambda make: make.__name__)
def test_looks_as_it_did(make, tmp_path):
    figure = without_text(drawn(make).figure_)
    assert difference(figure, f"plot-{make.__name__}", tmp_path) is None


def recolour(display):
    display.ax_.lines[0].set_color("#009E73")


def reshape_marker(display):
    display.ax_.lines[0].set_marker("s")


def lose_threshold(display):
    display.ax_.lines[-1].remove()


def lose_row(display):
    line = display.ax_.lines[1]
    line.set_data(line.get_xdata()[:-4], line.get_ydata()[:-4])


def other_scale(display):
    display.ax_.set_yscale("linear")


@pytest.mark.parametrize(
    "change", [recolour, reshape_marker, lose_threshold, lose_row, other_scale]
)
def test_comparison_fails_on_a_changed_picture(change, tmp_path):
    display = drawn(ranked)
    change(display)
    figure = without_text(display.figure_)
    found = difference(figure, "plot-ranked", tmp_path)
    assert found is not None
    assert "RMS" in found


def test_comparison_bears_other_antialiasing(tmp_path):
    display = drawn(curves)
    figure = without_text(display.figure_)
    for line in figure.axes[0].lines:
        line.set_linewidth(1.03 * line.get_linewidth())
    assert difference(figure, "plot-curves", tmp_path) is None
