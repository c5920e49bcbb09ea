"""Displays: what they compute, say and refuse, on tables of every kind."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastae
from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fastae.datasets import make_heartbeats
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
from fastae.plot._style import BLUE, RED
from pictures import overlapping_ticks

OF_ROWS = [
    RankedErrorsDisplay,
    ErrorHistogramDisplay,
    ReconstructionsDisplay,
    CurvesDisplay,
    ErrorHeatmapDisplay,
    CodesDisplay,
]
ON_FIGURES = (ReconstructionsDisplay, WeightsDisplay)
BEATS = make_heartbeats(random_state=0)


def made(display, *args, **options):
    """Return a display from an estimator, drawn on a figure of its own without pyplot."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    place = {"figure": figure} if display in ON_FIGURES else {"ax": figure.subplots()}
    return display.from_estimator(*args, **place, **options)


def model(**options):
    return Autoencoder(**{"hidden_layer_sizes": 3, "max_epochs": 5, "random_state": 0, **options})


@pytest.fixture(scope="module")
def beats_model():
    options = {"hidden_layer_sizes": 50, "solver": "adadelta", "l1": 1e-5, "random_state": 0}
    return Autoencoder(**options).fit(BEATS.data[:20])


@pytest.fixture(scope="module")
def validated():
    return model(validation_fraction=0.25, max_epochs=20).fit(BEATS.data[:20])


@pytest.fixture(scope="module")
def digits():
    X = load_digits().data / 16
    return model(scaling="none", hidden_layer_sizes=16, max_epochs=20).fit(X[:1000]), X[1000:]


def mixed(n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            "sign": np.where(x > 0, "plus", "minus"),
            "x": x,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.round(50 + 20 * x), unit="D"),
            "twice": 2000 * x + rng.normal(scale=10, size=n),
            "same": 3.5,
        },
        index=[f"row {i}" for i in range(n)],
    )
    frame.loc["row 1", "x"] = np.nan
    frame.loc["row 2", "sign"] = None
    frame.loc["row 7", "twice"] = 1e5
    return frame


def texts(figure):
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_history_of_training_and_validation(validated):
    display = made(HistoryDisplay, validated)
    history = validated.history_
    np.testing.assert_array_equal(display.line_.get_ydata(), history["training_mse"])
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), history["validation_mse"])
    np.testing.assert_array_equal(display.line_.get_xdata(), history["epochs"])
    assert display.best == np.argmin(history["validation_mse"])
    assert display.obs_per_s == history["samples"][-1] / history["duration"][-1]
    star = display.ax_.lines[-1]
    assert star.get_ydata()[0] == min(history["validation_mse"])
    assert display.ax_.get_yscale() == "log"
    title = display.ax_.get_title(loc="left")
    assert f"{display.obs_per_s:,.0f} obs/s" in title
    assert "ended by max_epochs" in title


@pytest.mark.parametrize("x", ["duration", "samples", "iterations"])
def test_history_along_other_axes(validated, x):
    display = made(HistoryDisplay, validated, metric="rmse", x=x)
    np.testing.assert_array_equal(display.line_.get_ydata(), validated.history_["training_rmse"])
    np.testing.assert_array_equal(display.line_.get_xdata(), validated.history_[x])
    assert display.ax_.get_ylabel() == "root mean squared error, scaled units"


def test_history_of_other_estimators():
    X, y = BEATS.data, BEATS.target
    options = {"hidden_layer_sizes": 3, "max_epochs": 3, "random_state": 0}
    classifier = AutoencoderClassifier(**options).fit(X, y)
    display = made(HistoryDisplay, classifier, metric="logloss")
    np.testing.assert_array_equal(display.training, classifier.history_["training_logloss"])
    with pytest.raises(ValueError, match="metric must be one of 'logloss', 'error', got 'mse'"):
        made(HistoryDisplay, classifier)
    regressor = AutoencoderRegressor(**options).fit(X, y.astype(float))
    assert made(HistoryDisplay, regressor).ax_.get_ylabel() == "mse of the predictions"
    assert made(WeightsDisplay, classifier).weights.shape == (3, X.shape[1])


def test_history_without_training_has_one_point():
    display = made(HistoryDisplay, model(max_epochs=0).fit(BEATS.data))
    assert display.training.size == 1
    assert np.isnan(display.obs_per_s)
    assert display.validation_line_ is None


def test_ranked_errors_are_the_scores(beats_model):
    X = BEATS.data
    display = made(RankedErrorsDisplay, beats_model, X)
    np.testing.assert_array_equal(display.errors, -beats_model.score_samples(X))
    np.testing.assert_array_equal(display.flagged, beats_model.predict(X) == -1)
    assert display.threshold == -beats_model.offset_
    odd, other, line = display.ax_.lines
    ranked = np.sort(display.errors)[::-1]
    np.testing.assert_array_equal(odd.get_ydata(), ranked[:3])
    np.testing.assert_array_equal(other.get_ydata(), ranked[3:])
    assert line.get_ydata()[0] == display.threshold
    assert same_color(odd.get_color(), RED)
    assert same_color(other.get_color(), BLUE)
    assert odd.get_marker() != other.get_marker()
    assert "3 of 23 rows flagged" in texts(display.figure_)
    names = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert names == [str(row) for row in display.order]


def test_rows_are_called_as_the_frame_calls_them():
    X = mixed()
    fitted = model().fit(X)
    display = made(RankedErrorsDisplay, fitted, X.head(20))
    assert display.ax_.get_xticklabels()[0].get_text() == "row 7"
    heat = made(ErrorHeatmapDisplay, fitted, X, n_rows=3)
    assert heat.row_names[0].startswith("row 7  (")
    assert heat.column_names[0] == "twice"
    pairs = made(ReconstructionsDisplay, fitted, X)
    assert pairs.captions[-1].startswith("row row 7\n")


def test_flags_of_another_rule():
    ax = Figure().subplots()
    flags = [False, True, False]
    display = RankedErrorsDisplay.from_predictions([3.0, 0.0, 1.0], flagged=flags, ax=ax)
    assert display.flagged.tolist() == flags
    assert display.ax_.get_title(loc="left") == "1 of 3 rows flagged"
    display = RankedErrorsDisplay.from_predictions(
        [300.0, 0.0, 1.0], np.inf, names="abc", ax=Figure().subplots()
    )
    assert display.threshold is None
    assert not display.flagged.any()
    assert display.ax_.get_title(loc="left").endswith("; 1 row without error not shown")


def test_histogram_counts_every_row(beats_model):
    display = made(ErrorHistogramDisplay, beats_model, BEATS.data)
    train, new = display.ax_.patches
    assert display.train_errors.size == 20
    for patch in (train, new):
        assert patch.get_data()[0].sum() == pytest.approx(100)
    marks = display.ax_.lines[-1]
    np.testing.assert_array_equal(np.sort(marks.get_xdata()), np.sort(display.errors)[-3:])
    given = made(ErrorHistogramDisplay, beats_model, X_train=BEATS.data[:5])
    expected = beats_model.reconstruction_error(BEATS.data[:5])
    np.testing.assert_array_equal(given.train_errors, expected)
    assert given.errors is None


def test_histogram_heeds_weights():
    X = np.random.default_rng(0).normal(size=(50, 4))
    weights = np.r_[np.ones(40), np.zeros(10)]
    display = made(ErrorHistogramDisplay, model().fit(X, sample_weight=weights))
    assert display.ax_.patches[0].get_data()[0].sum() == pytest.approx(100)
    assert display.train_weights.sum() == 40


@pytest.mark.parametrize("errors", [[2.0], [0.0, 0.0], [1e-9, 1e9], [-5.0, 3.0]])
def test_histogram_of_odd_errors(errors):
    display = ErrorHistogramDisplay.from_predictions(errors, ax=Figure().subplots())
    display.figure_.canvas.draw()
    assert display.ax_.patches[0].get_data()[0].sum() == pytest.approx(100)


def test_images_above_their_reconstructions(digits):
    fitted, X = digits
    display = made(ReconstructionsDisplay, fitted, X, shape=(8, 8), n_rows=5)
    order = np.argsort(fitted.reconstruction_error(X), kind="stable")
    middle = (order.size - 5) // 2
    rows = np.r_[order[:5], order[middle : middle + 5], order[-5:]]
    np.testing.assert_array_equal(display.originals, X[rows])
    np.testing.assert_array_equal(display.reconstructions, fitted.reconstruct(X[rows]))
    assert len(display.axes_) == 3
    shown = np.asarray(display.axes_[2].images[0].get_array().filled(np.nan))
    np.testing.assert_array_equal(shown[:8, :8], X[order[-5]].reshape(8, 8))
    np.testing.assert_array_equal(shown[9:, -8:], display.reconstructions[-1].reshape(8, 8))
    captions = [label.get_text() for label in display.axes_[2].get_xticklabels()]
    assert captions[-1].startswith(f"row {order[-1]}\n")
    for label, row in zip(display.axes_[2].get_xticklabels(), order[-5:], strict=True):
        is_red = same_color(label.get_color(), RED)
        assert is_red == (fitted.predict(X[[row]])[0] == -1)


@pytest.mark.parametrize(("n", "groups"), [(1, 1), (2, 2), (3, 3), (10, 3)])
def test_few_rows_are_in_one_group_each(digits, n, groups):
    fitted, X = digits
    display = made(ReconstructionsDisplay, fitted, X[:n], shape=(8, 8))
    assert len(display.groups) == groups
    assert len(np.unique(display.originals, axis=0)) == len(display.originals)
    made(ReconstructionsDisplay, fitted, X[:n])


def test_curves_of_a_series_are_in_its_units(beats_model):
    display = made(CurvesDisplay, beats_model, BEATS.data, x=BEATS.time, y_label="mV")
    np.testing.assert_array_equal(display.curves, BEATS.data)
    for line, flag in zip(display.lines_, display.flagged, strict=True):
        assert same_color(line.get_color(), RED if flag else BLUE)
    assert np.flatnonzero(display.flagged).tolist() == [20, 21, 22]
    unasked = made(CurvesDisplay, beats_model, BEATS.data)  # neighbours are alike
    np.testing.assert_array_equal(unasked.curves, BEATS.data)
    pairs = made(ReconstructionsDisplay, beats_model, BEATS.data)
    np.testing.assert_array_equal(pairs.originals[-1], BEATS.data[20])
    np.testing.assert_array_equal(pairs.axes_[-1, -1].lines[0].get_ydata(), BEATS.data[20])


def test_curves_of_a_table_are_as_the_network_sees_them():
    X = mixed()
    display = made(CurvesDisplay, model(constant_features="drop").fit(X), X)
    assert display.abscissa.names == ["x", "day", "twice"]
    assert np.abs(np.nan_to_num(display.curves)).max() <= 10
    assert np.isnan(display.curves[1]).tolist() == [True, False, False]
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["x", "day", "twice"]


def test_of_many_rows_some_are_drawn(beats_model):
    display = made(CurvesDisplay, beats_model, np.tile(BEATS.data, (20, 1)), n_rows=10)
    assert len(display.lines_) == 20
    assert display.title == "60 of 460 rows flagged; drawn: 10 flagged and 10 other ones"


def test_heat_map_shows_columns_that_matter():
    X = mixed()
    fitted = model(constant_features="drop").fit(X)
    display = made(ErrorHeatmapDisplay, fitted, X, n_rows=4, n_columns=2)
    errors = fitted.reconstruction_error(X, per_feature=True)
    worst = fitted.score_samples(X).argsort()[:4]
    shares = 100 * errors.div(errors.sum(axis=1), axis=0).iloc[worst]
    np.testing.assert_allclose(display.values, shares[display.column_names], rtol=1e-6)
    assert display.n_hidden == 3
    raw = made(ErrorHeatmapDisplay, fitted, X, n_rows=4, values="error")
    np.testing.assert_allclose(raw.values, errors.iloc[worst][raw.column_names], rtol=1e-6)
    bold = [label.get_fontweight() == "bold" for label in raw.ax_.get_yticklabels()]
    assert bold == raw.flagged.tolist()
    assert raw.flagged[0]


def test_points_of_a_series_stay_in_order(beats_model):
    display = made(ErrorHeatmapDisplay, beats_model, BEATS.data)
    assert display.column_names == [str(j) for j in range(210)]
    some = made(ErrorHeatmapDisplay, beats_model, BEATS.data, n_columns=7)
    assert some.column_names == sorted(some.column_names, key=int)


@pytest.mark.parametrize(
    ("widths", "labels"),
    [(1, ("the code", "mean squared error, scaled units")), (2, ("code 0", "code 1"))],
)
def test_few_codes_are_drawn_as_they_are(widths, labels):
    fitted = model(hidden_layer_sizes=widths).fit(BEATS.data)
    display = made(CodesDisplay, fitted, BEATS.data)
    assert display.axis_labels == labels
    codes = fitted.transform(BEATS.data)
    np.testing.assert_array_equal(display.points[:, :widths], codes)
    if widths == 1:
        np.testing.assert_array_equal(display.points[:, 1], display.errors)


def test_many_codes_are_projected(beats_model):
    display = made(CodesDisplay, beats_model, BEATS.data)
    codes = beats_model.transform(BEATS.data)
    expected = np.linalg.svd(codes - codes.mean(axis=0))[1][:2]
    np.testing.assert_allclose(np.linalg.norm(display.points, axis=0), expected, rtol=1e-6)
    assert "first principal component of 50 codes" in display.axis_labels[0]
    other, odd = display.ax_.collections[:2]
    assert len(odd.get_offsets()) == 3
    assert len(other.get_offsets()) == 20
    assert same_color(odd.get_edgecolor()[0], RED)
    same = CodesDisplay.from_predictions(
        np.ones((4, 3)), [1.0, 2.0, 3.0, 4.0], 3.5, ax=Figure().subplots()
    )
    assert not same.points.any()


def test_weights_of_the_strongest_units(digits):
    fitted, _ = digits
    display = made(WeightsDisplay, fitted, shape=(8, 8), n_units=5)
    W = fitted.coefs_[0]
    W = np.where(np.isin(np.arange(64), fitted.constant_features_)[:, np.newaxis], np.nan, W)
    strongest = np.argsort(-np.nansum(W**2, axis=0), kind="stable")[:5]
    assert display.units.tolist() == strongest.tolist()
    np.testing.assert_array_equal(display.weights, W.T[strongest])
    assert np.isnan(display.weights).any()
    named = made(WeightsDisplay, model(constant_features="drop").fit(mixed()))
    assert named.names == ["x", "day", "twice", "same"]
    assert np.isnan(named.weights).any(axis=0).tolist() == [False, False, False, True]


def kinds():
    X = BEATS.data[:, ::10].copy()
    X[3, 4] = np.nan
    frame = pd.DataFrame(X, columns=[f"t{i}" for i in range(X.shape[1])])
    return [X, frame, pl.from_pandas(frame), frame.astype("Float64"), X.tolist()]


@pytest.mark.parametrize("display", OF_ROWS, ids=lambda display: display.__name__)
@pytest.mark.parametrize("kind", range(5))
def test_tables_of_every_kind_with_gaps(display, kind):
    X = kinds()[kind]
    drawn = made(display, model().fit(X), X)
    drawn.figure_.canvas.draw()
    plain = made(display, model().fit(kinds()[0]), kinds()[0])
    for name in ("errors", "originals", "curves", "values", "points"):
        if hasattr(plain, name):
            got, expected = getattr(drawn, name), getattr(plain, name)
            if display is ErrorHeatmapDisplay:  # whose order of columns depends on their names
                got, expected = np.sort(got, axis=1), np.sort(expected, axis=1)
            np.testing.assert_allclose(got, expected, rtol=1e-3)


@pytest.mark.parametrize("display", OF_ROWS, ids=lambda display: display.__name__)
def test_sparse_rows(display):
    X = sparse.random(60, 30, 0.2, format="csr", random_state=0)
    made(display, model().fit(X), X).figure_.canvas.draw()


@pytest.mark.parametrize("display", OF_ROWS, ids=lambda display: display.__name__)
def test_mixed_tables(display):
    X = mixed()
    made(display, model().fit(X), X).figure_.canvas.draw()


@pytest.mark.parametrize("display", OF_ROWS, ids=lambda display: display.__name__)
def test_scans_where_rows_need_not_be_kept(display):
    X = BEATS.data
    fitted = model().fit(X)
    if display in (RankedErrorsDisplay, ErrorHistogramDisplay, CodesDisplay):
        scanned, whole = made(display, fitted, fastae.scan(X)), made(display, fitted, X)
        np.testing.assert_array_equal(scanned.errors, whole.errors)
    else:
        with pytest.raises(TypeError, match=f"{display.__name__} draws single rows, which a scan"):
            made(display, fitted, fastae.scan(X))


@pytest.mark.parametrize("display", OF_ROWS, ids=lambda display: display.__name__)
def test_what_cannot_be_drawn_is_said(display):
    X = BEATS.data
    with pytest.raises(NotFittedError, match="not fitted"):
        made(display, Autoencoder(), X)
    with pytest.raises(TypeError, match="of rows, got an object of type IsolationForest"):
        made(display, IsolationForest().fit(X), X)
    pipeline = make_pipeline(StandardScaler(), model()).fit(X)
    with pytest.raises(TypeError, match="of a pipeline, give the last step"):
        made(display, pipeline, X)
    with pytest.raises(TypeError, match="got the class Autoencoder"):
        made(display, Autoencoder, X)
    with pytest.raises(ValueError, match="X has 5 features"):
        made(display, model().fit(X), X[:, :5])
    place = "figure" if display in ON_FIGURES else "ax"
    with pytest.raises(TypeError, match=f"{place} must be None or .*matplotlib .*, got str"):
        display.from_estimator(model().fit(X), X, **{place: "here"})


def taken_over():
    return Autoencoder._assembled(
        coefs=[np.eye(3)], intercepts=[np.zeros(3)], shift=np.zeros(3), scale=np.ones(3)
    )


def factors():
    frame = pd.DataFrame({"a": list("xyxy") * 5, "b": list("uuvv") * 5})
    return model().fit(frame), frame


@pytest.mark.parametrize(
    ("error", "message", "draw"),
    [
        (ValueError, "no history: its weights were taken over",
         lambda: made(HistoryDisplay, taken_over())),
        (ValueError, "The history has no rows",
         lambda: HistoryDisplay({"training_mse": [], "epochs": [], "samples": [], "duration": []})),
        (ValueError, "x must be one of 'epochs'",
         lambda: made(HistoryDisplay, model().fit(BEATS.data), x="rows")),
        (TypeError, "HistoryDisplay draws an estimator of fastae, got an object of type dict",
         lambda: made(HistoryDisplay, {})),
        (ValueError, "keeps no errors: give X or X_train",
         lambda: made(ErrorHistogramDisplay, taken_over())),
        (ValueError, "There are no errors to draw",
         lambda: ErrorHistogramDisplay.from_predictions(None)),
        (ValueError, r"shape must be that of 210 columns, got \(8, 8\)",
         lambda: made(ReconstructionsDisplay, model().fit(BEATS.data), BEATS.data, shape=(8, 8))),
        (ValueError, "shape must be None or up to three whole numbers >= 1",
         lambda: made(WeightsDisplay, model().fit(BEATS.data), shape=(2, 3, 5, 7))),
        (ValueError, "with 1 or 3 channels",
         lambda: made(WeightsDisplay, model().fit(BEATS.data), shape=(6, 7, 5))),
        (TypeError, "shape is for tables of numbers, but fit saw factors",
         lambda: made(ReconstructionsDisplay, model().fit(mixed()), mixed(), shape=(5, 1))),
        (ValueError, "CurvesDisplay draws numbers, but all columns of X are factors",
         lambda: made(CurvesDisplay, *factors())),
        (ValueError, "WeightsDisplay draws weights of numbers, but all columns are factors",
         lambda: made(WeightsDisplay, factors()[0])),
        (ValueError, "x must have one value for each of 210 columns, got shape",
         lambda: made(CurvesDisplay, model().fit(BEATS.data), BEATS.data, x=[1, 2])),
        (ValueError, "n_rows must be a whole number >= 1, got 0",
         lambda: made(ErrorHeatmapDisplay, model().fit(BEATS.data), BEATS.data, n_rows=0)),
        (ValueError, 'values must be "share" or "error", got',
         lambda: made(ErrorHeatmapDisplay, model().fit(BEATS.data), BEATS.data, values="all")),
        (ValueError, "3 codes of one row have no principal components",
         lambda: made(CodesDisplay, model().fit(BEATS.data), BEATS.data[:1])),
        (ValueError, r"errors must have shape \(n_rows,\), one row at least, got \(0,\)",
         lambda: RankedErrorsDisplay.from_predictions([])),
        (ValueError, "errors must be finite, got nan in row 1",
         lambda: RankedErrorsDisplay.from_predictions([1.0, np.nan])),
        (ValueError, "errors must be numbers",
         lambda: RankedErrorsDisplay.from_predictions(["much"])),
        (ValueError, "threshold must be None or a number, got 'high'",
         lambda: RankedErrorsDisplay.from_predictions([1.0], "high")),
        (ValueError, "flagged must be one True or False for each of 2 rows",
         lambda: RankedErrorsDisplay.from_predictions([1.0, 2.0], flagged=[1, 0])),
        (ValueError, "names must have 2 entries, got 1",
         lambda: RankedErrorsDisplay.from_predictions([1.0, 2.0], names="a")),
        (ValueError, "X must be a table of numbers",
         lambda: CurvesDisplay.from_predictions([["a"]], [True])),
        (ValueError, "X and reconstructions must have one shape",
         lambda: ReconstructionsDisplay.from_predictions(np.eye(3), np.eye(2), [1.0, 2.0, 3.0])),
        (ValueError, "errors must have one entry for each of 3 rows, got 2",
         lambda: ErrorHeatmapDisplay.from_predictions(np.eye(3), errors=[1.0, 2.0])),
        (ValueError, "codes must be finite and have one row per error",
         lambda: CodesDisplay.from_predictions(np.eye(3), [1.0])),
    ],
)  # fmt: skip
def test_each_bad_input_is_one_sentence(error, message, draw):
    with pytest.raises(error, match=message) as caught:
        draw()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("display", [RankedErrorsDisplay, ErrorHistogramDisplay, CodesDisplay])
def test_another_score_is_drawn_and_named(display):
    X = BEATS.data
    fitted = model(anomaly_score=["mse", "code_distance"]).fit(X)
    drawn = made(display, fitted, X)
    np.testing.assert_array_equal(drawn.errors, -fitted.score_samples(X))
    assert drawn.label == "anomaly score: mse and code_distance"
    assert drawn.label in texts(drawn.figure_)
    heat = made(ErrorHeatmapDisplay, fitted, X)
    assert drawn.label in heat.ax_.get_ylabel()
    assert f"({-fitted.score_samples(X).min():.3g})" in heat.row_names[0]


@pytest.mark.parametrize("display", [HistoryDisplay, *OF_ROWS, WeightsDisplay])
def test_letters_and_legends_have_room(display, digits, beats_model):
    wide = mixed().drop(columns=["sign", "day"])
    wide = wide.assign(**{f"a rather long name, number {i}": wide["x"] for i in range(30)})
    cases = [(beats_model, BEATS.data), digits, (model().fit(wide), wide)]
    for fitted, X in cases:
        args = () if display in (HistoryDisplay, WeightsDisplay) else (X,)
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        place = {"figure": figure} if display in ON_FIGURES else {"ax": figure.subplots()}
        display.from_estimator(fitted, *args, **place)
        assert overlapping_ticks(figure) == []
        for ax in figure.axes:
            legend, title = ax.get_legend(), ax._left_title
            if legend is not None:
                box = legend.get_window_extent()
                assert box.y0 >= ax.get_window_extent().y1 - 1  # above all that is drawn
                assert box.y1 <= title.get_window_extent().y0 + 1
                assert box.x1 <= figure.bbox.x1


def test_pyplot_is_left_alone_where_axes_are_given():
    code = """
import sys
from matplotlib.figure import Figure
import numpy as np
from fastae import Autoencoder
from fastae.plot import RankedErrorsDisplay, WeightsDisplay
X = np.eye(5)
model = Autoencoder(max_epochs=1).fit(X)
RankedErrorsDisplay.from_estimator(model, X, ax=Figure().subplots())
WeightsDisplay.from_estimator(model, figure=Figure(layout="constrained").subfigures(1, 2)[1])
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("display", [HistoryDisplay, WeightsDisplay])
def test_without_axes_pyplot_makes_a_figure(display, beats_model, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib.pyplot as plt

    drawn = display.from_estimator(beats_model)
    assert drawn.figure_ is plt.gcf()
    plt.close(drawn.figure_)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("fastae.plot")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install fastae\[plot\]"):
        import fastae.plot  # noqa: F401
