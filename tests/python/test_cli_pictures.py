"""``fastae plot`` and ``fastae report``: pictures and pages in files."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from clirun import fails, invoke, succeeds
from clitables import fill
from fastae._cli.commands_model import Kind
from fastae._cli.pictures import KINDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = fill(tmp_path_factory.mktemp("orders"))
    X = np.random.default_rng(0).normal(size=(60, 36))
    np.save(path / "X.npy", X)
    args = ("--max-epochs", 3, "--random-state", 0, "-q")
    succeeds("train", path / "X.npy", "-o", path / "x.fastae", *args)
    return path


def test_kinds_are_the_displays():
    import fastae.plot

    assert [kind.value for kind in Kind] == list(KINDS)
    assert sorted(picture.display for picture in KINDS.values()) == sorted(fastae.plot.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures(folder, tmp_path, kind):
    data = () if KINDS[kind].data is False else (folder / "X.npy",)
    assert succeeds("plot", kind, folder / "x.fastae", *data, "-o", tmp_path / "a.png") == ""
    height, width, _ = imread(tmp_path / "a.png").shape
    assert height > 300
    assert width > 300
    succeeds("plot", kind, folder / "x.fastae", *data, "-o", tmp_path / "b.png", "--dpi", 75)
    assert imread(tmp_path / "b.png").shape[1] == pytest.approx(width / 2, abs=3)
    assert not mpl._pylab_helpers.Gcf.figs


def test_options_of_pictures(folder, tmp_path):
    args = "plot", "reconstructions", folder / "x.fastae", folder / "X.npy", "-o"
    for name, more in {"curves": (), "images": ("--shape", "6x6"), "few": ("--n-rows", 2)}.items():
        succeeds(*args, tmp_path / f"{name}.png", *more)
    curves, images, few = (imread(tmp_path / f"{name}.png") for name in ("curves", "images", "few"))
    assert curves.shape != images.shape
    assert few.shape != curves.shape
    succeeds("plot", "weights", folder / "x.fastae", "-o", tmp_path / "w.svg", "--n-units", 4)
    assert b"<svg" in (tmp_path / "w.svg").read_bytes()
    succeeds("plot", "history", folder / "x.fastae", "-o", tmp_path / "h.pdf")
    assert (tmp_path / "h.pdf").read_bytes().startswith(b"%PDF")
    result = invoke("plot", "history", folder / "x.fastae", "-o", "-")
    assert imread(io.BytesIO(result.stdout_bytes)).shape[2] == 4


@pytest.mark.parametrize("kind", [kind for kind, picture in KINDS.items() if picture.flags])
def test_threshold_is_drawn_where_it_is_said(folder, tmp_path, kind):
    for name, rule in {"a": "0.1", "b": "10"}.items():
        args = ("plot", kind, folder / "x.fastae", folder / "X.npy", "--threshold", rule)
        succeeds(*args, "-o", tmp_path / f"{name}.png", "--dpi", 50)
    one, other = (imread(tmp_path / f"{name}.png") for name in "ab")
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    ("args", "words", "status"),
    [
        (("ranked", "x.fastae"), "give DATA", 2),
        (("history", "x.fastae", "X.npy"), "leave DATA out", 2),
        (("history", "x.fastae", "--n-rows", 3), "--n-rows is for plot reconstructions", 2),
        (("ranked", "x.fastae", "X.npy", "--shape", "6x6"), "--shape is for plot", 2),
        (("ranked", "x.fastae", "X.npy", "--shape", "6y6"), "not a shape such as 28x28", 2),
        (("reconstructions", "x.fastae", "X.npy", "--shape", "7x7"), "--shape must be", 2),
        (("pie", "x.fastae"), "'history'", 2),
        (("history", "X.npy"), "X.npy", 1),
        (("ranked", "x.fastae", "new.csv"), "has 7 columns where", 1),
    ],
)
def test_wrong_use_is_one_line(folder, tmp_path, monkeypatch, args, words, status):
    monkeypatch.chdir(folder)
    fails(invoke("plot", *args, "-o", tmp_path / "out.png"), words, status=status)
    assert not list(tmp_path.iterdir())


def test_pictures_that_cannot_be_written(folder, tmp_path):
    args = "plot", "history", folder / "x.fastae", "-o"
    fails(invoke(*args, tmp_path / "out.jpg"), "must end in .png", status=2)
    fails(invoke(*args, tmp_path / "no" / "out.png"), "there is no folder")


def test_report(folder, tmp_path):
    new = pd.read_csv(folder / "new.csv")
    new["bad"] = (new.index == 10).astype(int)
    new.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "report.html"
    args = ("report", folder / "m.fastae", tmp_path / "new.csv", "-o", out)
    succeeds(*args, "--title", "Orders of May", "--label", "bad")
    page = out.read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "Orders of May" in page
    assert "power" in page
    fails(invoke(*args, "--label", "badd"), "did you mean 'bad'?")
    fails(invoke(*args, "--label", "power"), "must hold 1 for anomalies")
    fails(invoke(*args[:-1], folder / "m.fastae"), "it is the input file")
