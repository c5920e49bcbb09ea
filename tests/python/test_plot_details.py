"""Pictures of tables that are hard to draw: one column, long names, gaps, equal or tiny numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import sparse

from fastae.plot import (
    CodesDisplay,
    CurvesDisplay,
    ErrorHeatmapDisplay,
    ErrorHistogramDisplay,
    HistoryDisplay,
    ReconstructionsDisplay,
    WeightsDisplay,
)
from fastae.plot._style import UNSHADED
from pictures import overlapping_ticks
from test_plot import BEATS, made, mixed, model, texts


def one_column(*, name=None):
    X = np.r_[np.random.default_rng(0).normal(size=(60, 1)), [[50.0]]]
    X = X if name is None else pd.DataFrame(X, columns=[name])
    return model().fit(X), X


@pytest.mark.parametrize("name", [None, "height"])
def test_one_column_is_drawn_as_dots(name):
    fitted, X = one_column(name=name)
    curves = made(CurvesDisplay, fitted, X)
    assert all(line.get_marker() != "" and line.get_markevery() == [0] for line in curves.lines_)
    pairs = made(ReconstructionsDisplay, fitted, X)
    assert all(line.get_markevery() == [0] for ax in pairs.axes_.flat for line in ax.lines)
    assert {handle.get_linestyle() for handle in pairs.figure_.legends[0].legend_handles} == {
        "None"
    }


def test_a_cell_between_gaps_is_a_dot():
    rows = [[1.0, np.nan, 2.0, np.nan, 3.0, 4.0]]
    display = CurvesDisplay.from_predictions(rows, [False], ax=Figure().subplots())
    assert display.lines_[0].get_markevery() == [0, 2]


@pytest.mark.parametrize("n_columns", [1, 2, 3])
def test_ticks_of_columns_without_names_are_whole(n_columns):
    X = np.random.default_rng(0).normal(size=(40, n_columns))
    fitted = model().fit(X)
    axes = [
        made(CurvesDisplay, fitted, X).ax_,
        made(ErrorHeatmapDisplay, fitted, X).ax_,
        made(WeightsDisplay, fitted).axes_[0],
        made(ReconstructionsDisplay, fitted, X).axes_[-1, 0],
    ]
    for ax in axes:
        ax.figure.canvas.draw()
        low, high = ax.get_xlim()
        labels = [
            label.get_text()
            for tick, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
            if low <= tick <= high
        ]
        assert labels == [str(j) for j in range(n_columns)]


def test_long_names_stay_different():
    names = [f"temperature_sensor_{place}_of_the_building" for place in ("north", "south")]
    names += [f"temperature_sensor_north_{i}" for i in (1, 2)]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=names)
    X.index = [f"measured in the year {year} of our era" for year in range(40)]
    fitted = model().fit(X)
    for ax in (
        made(CurvesDisplay, fitted, X).ax_,
        made(ErrorHeatmapDisplay, fitted, X).ax_,
        made(WeightsDisplay, fitted).axes_[0],
    ):
        labels = [label.get_text() for label in ax.get_xticklabels()]
        assert len(set(labels)) == 4
        assert max(map(len, labels)) <= 22
    assert len(set(made(ErrorHeatmapDisplay, fitted, X).row_names)) == 20
    captions = made(ReconstructionsDisplay, fitted, X).captions
    assert len({caption.partition("\n")[0] for caption in captions}) == 12


def test_gaps_constant_pixels_and_places_without_an_image_differ():
    weights = np.linspace(-1, 1, 5 * 9).reshape(5, 9)
    weights[:, 0] = np.nan
    display = WeightsDisplay(weights, np.arange(5), 5, shape=(3, 3)).plot(Figure())
    ax, figure = display.axes_[0], display.figure_
    assert "grey: pixels constant in training" in ax.get_title(loc="left")
    assert len(ax.patches) == 5  # frames
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3]

    def color(x, y):
        across, up = ax.transData.transform((x, y)).astype(int)
        return "#{:02X}{:02X}{:02X}".format(*pixels[up, across])

    white, gap = "#FFFFFF", 3
    assert color(gap, 0) == color(0, gap) == white
    assert color(8.5, 5) == white  # the sixth place, of five images
    assert color(0, 0) == color(4, 4) == UNSHADED
    assert color(1, 1) not in (white, UNSHADED)


def test_what_is_left_out_is_said():
    X = mixed()
    fitted = model(constant_features="drop").fit(X)
    words = "not drawn: 1 column of categories"
    curves = made(CurvesDisplay, fitted, X)
    assert curves.ax_.get_title(loc="left").endswith(f"flagged\n{words}, 1 constant column")
    pairs = made(ReconstructionsDisplay, fitted, X)
    assert pairs.figure_.get_supxlabel() == f"{words}, 1 constant column"
    assert made(WeightsDisplay, fitted).axes_[0].get_title(loc="left").endswith(words)
    heat = made(ErrorHeatmapDisplay, fitted, X)
    assert heat.ax_.get_title(loc="left").endswith("grey: missing, or constant and dropped")
    plain = made(CurvesDisplay, model().fit(BEATS.data), BEATS.data)
    assert "not drawn" not in texts(plain.figure_)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, pd.DataFrame])
def test_rows_without_known_cells_are_not_the_best(convert):
    X = np.random.default_rng(0).normal(size=(30, 4))
    fitted = model().fit(X)
    X[[5, 11]] = np.nan
    display = made(ReconstructionsDisplay, fitted, convert(X))
    assert not np.isnan(display.originals).all(axis=1).any()
    assert not any(caption.startswith(("row 5\n", "row 11\n")) for caption in display.captions)
    errors = fitted.reconstruction_error(X)
    best = np.argsort(np.where(np.isin(np.arange(30), [5, 11]), np.inf, errors))[0]
    assert display.captions[0].startswith(f"row {best}\n")
    given = ReconstructionsDisplay.from_predictions(X, np.zeros_like(X), errors, figure=Figure())
    assert not np.isnan(given.originals).all(axis=1).any()
    nothing = made(ReconstructionsDisplay, fitted, np.full((3, 4), np.nan))
    assert len(nothing.originals) == 3


@pytest.mark.parametrize("error", [0.0, 0.3, 1e-9])
def test_histogram_of_equal_errors_says_so(error):
    display = ErrorHistogramDisplay.from_predictions([error] * 9, ax=Figure().subplots())
    assert display.ax_.get_title(loc="left") == f"Errors of rows, which are all {error:.3g}"
    heights, borders, _ = display.ax_.patches[0].get_data()
    (bar,) = np.flatnonzero(heights)
    assert borders[bar] < error < borders[bar + 1]
    assert bar == heights.size // 2


@pytest.mark.parametrize("codes", [
    1e-6 * np.arange(6.0).reshape(2, 3), 0.5 + 1e-7 * np.eye(2), 1e-9 * np.eye(4),
])  # fmt: skip
def test_codes_have_ticks_without_offset(codes):
    display = CodesDisplay.from_predictions(
        codes, 1e-9 * np.arange(1, len(codes) + 1), ax=Figure(figsize=(7, 5)).subplots()
    )
    assert overlapping_ticks(display.figure_) == []
    for ax in display.figure_.axes:
        for axis in (ax.xaxis, ax.yaxis):
            assert axis.get_offset_text().get_text() == ""
    low, high = display.ax_.get_xlim()
    for tick, label in zip(display.ax_.get_xticks(), display.ax_.get_xticklabels(), strict=True):
        written = float(label.get_text().replace("\N{MINUS SIGN}", "-").replace(",", ""))
        assert written == pytest.approx(tick, abs=1e-2 * (high - low))


@pytest.mark.parametrize(
    "errors",
    [[0.21, 0.45], [0.31, 0.33], [0.8, 3.0], [0.123456, 0.123457], [1e-5, 1.0], [3e4, 2e5]],
)
def test_log_axes_have_two_labels_at_least(errors):
    history = {
        "epochs": [0.0, 1.0], "samples": [0.0, 9.0], "duration": [0.0, 1.0],
        "training_rmse": errors[::-1],
    }  # fmt: skip
    display = HistoryDisplay(history, metric="rmse").plot(Figure().subplots())
    assert display.ax_.get_yscale() == "log"
    assert overlapping_ticks(display.figure_) == []
    low, high = display.ax_.get_ylim()
    labels = [
        label.get_text()
        for tick, label in zip(display.ax_.get_yticks(), display.ax_.get_yticklabels(), strict=True)
        if low <= tick <= high
    ]
    assert len(set(labels)) == len(labels) >= 2
    assert "" not in labels
