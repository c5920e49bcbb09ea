"""``fastae demo``: finds what it promises and draws it."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgba
from matplotlib.image import imread
from rich.console import Console
from typer.testing import CliRunner

from fastae._cli.app import app
from fastae._cli.demo import rank_digits, rank_heartbeats
from fastae._cli.plots import BLUE, MAX_INK, RED, beats_figure, digits_figure
from fastae._cli.tables import Ranking


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Return what one run printed and the folder of its pictures."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    result = CliRunner().invoke(app, ["demo", "--out", str(folder)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result, folder


def test_demo_prints_tables_and_ranks_the_bad_beats_first(demo):
    result, folder = demo
    assert result.stderr == ""
    text = result.stdout
    assert text.count("Layers") == text.count("Scoring history") == 2
    assert text.count("obs/s") == 2
    assert text.count("training RMSE") == 2
    ranked = text[text.index("Heartbeats, worst first") :].splitlines()[3:]
    for line, row in zip(ranked, (20, 21, 22), strict=False):
        assert line.split()[1] == str(row)
        assert "anomaly" in line
    assert "normal" in ranked[3]
    assert "3 of 23 rows flagged" in text
    assert " of 450 rows flagged" in text
    for name in ("heartbeats.png", "digits.png"):
        assert str(folder / name) in text


def test_demo_writes_two_pictures(demo):
    _, folder = demo
    assert sorted(folder.iterdir()) == [folder / "digits.png", folder / "heartbeats.png"]
    for name in ("heartbeats.png", "digits.png"):
        height, width, _ = imread(folder / name).shape
        assert width == 1350
        assert 800 < height < 1100
    colors = imread(folder / "heartbeats.png")[..., :3].reshape(-1, 3)
    for color in (BLUE, RED):
        near = np.abs(colors - to_rgba(color)[:3]).max(axis=1) < 0.02
        assert near.sum() > 500


def test_demo_leaves_pyplot_alone(demo):
    assert demo[0].exit_code == 0
    assert "matplotlib.pyplot" not in sys.modules or not mpl._pylab_helpers.Gcf.figs


@pytest.mark.parametrize("seed", range(10))
def test_heartbeats_are_told_apart_for_any_seed(tmp_path, seed):
    ranking = rank_heartbeats(Console(quiet=True), tmp_path / "beats.png", seed)
    assert np.flatnonzero(ranking.flag).tolist() == [20, 21, 22]
    assert ranking.mse[20:].min() > 20 * ranking.mse[:20].max()


def test_digits_differ_in_error(tmp_path):
    ranking = rank_digits(Console(quiet=True), tmp_path / "digits.png", 0)
    assert ranking.mse.shape == (450,)
    assert ranking.mse.mean() < 0.01
    assert ranking.mse.max() > 10 * ranking.mse.min()


def make_ranking(mse, threshold):
    mse = np.asarray(mse, dtype=np.float64)
    return Ranking(mse, np.argsort(np.argsort(-mse)) + 1, mse > threshold, threshold)


def test_beats_are_blue_and_anomalies_red():
    time, beats = np.linspace(-0.3, 0.5, 11), np.random.default_rng(0).normal(size=(5, 11))
    ranking = make_ranking([0.1, 0.2, 5.0, 0.3, 4.0], 1.0)
    figure = beats_figure(time, beats, beats + 0.1, ranking, ["normal"] * 5)
    top, *panels = figure.axes
    colors = {tuple(line.get_ydata()): line.get_color() for line in top.lines}
    for row in range(5):
        assert same_color(colors[tuple(beats[row])], RED if row in (2, 4) else BLUE)
    assert [axes.get_title().split(":")[0] for axes in panels] == ["row 2", "row 4", "row 3"]
    np.testing.assert_array_equal(panels[0].lines[0].get_ydata(), beats[2])
    np.testing.assert_array_equal(panels[0].lines[1].get_ydata(), beats[2] + 0.1)
    for axes in figure.axes:
        assert axes.get_xlabel().endswith("(ms)")
    assert top.get_ylabel().endswith("(mV)")


def test_digits_stand_above_their_reconstructions():
    n = 40
    rng = np.random.default_rng(0)
    images, reconstructions = rng.uniform(0, MAX_INK, size=(2, n, 3, 2))
    ranking = make_ranking(rng.permutation(n) / n, 0.9)
    labels = np.arange(n) % 10
    figure = digits_figure(images, reconstructions, ranking, labels)
    by_error = np.argsort(ranking.mse)
    groups = by_error[:10], by_error[15:25], by_error[-10:]
    titles = "Lowest errors", "Median errors", "Highest errors"
    for axes, title, rows in zip(figure.axes, titles, groups, strict=False):
        assert axes.get_title(loc="left") == title
        mosaic = np.asarray(axes.images[0].get_array().filled(np.nan))
        assert mosaic.shape == (7, 29)
        for i, row in enumerate(rows):
            left = mosaic[:, 3 * i : 3 * i + 2]
            np.testing.assert_array_equal(left[:3], images[row])
            np.testing.assert_array_equal(left[4:], reconstructions[row])
            caption = axes.get_xticklabels()[i].get_text()
            assert caption == f"a {labels[row]}, row {row}\nMSE {ranking.mse[row]:.4f}"


def test_same_seed_same_pictures(demo, tmp_path):
    _, folder = demo
    again = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert again.exit_code == 0
    for name in ("heartbeats.png", "digits.png"):
        np.testing.assert_array_equal(imread(tmp_path / name), imread(folder / name))


def test_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "file" / "pictures")])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("fastae: error: cannot make the folder ")
    assert result.stderr.count("\n") == 1
    picture = tmp_path / "folder" / "digits.png"
    picture.mkdir(parents=True)
    result = CliRunner().invoke(app, ["demo", "--out", str(picture.parent)])
    assert result.exit_code == 1
    assert "digits.png: it is a folder" in result.stderr
    assert list(picture.parent.iterdir()) == [picture]
