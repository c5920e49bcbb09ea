"""Files that earlier versions wrote: they are loaded, and say what they said then.

Files are added, never replaced: ``python test_saving_golden.py NAME`` writes those of this version
as ``golden/model-NAME-*.fastae`` and what they say of rows as ``golden/model-NAME.npz``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastae
from saved import MODELS, said

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("model-*.fastae"))


def answers(model, X):
    """Return what a model says as arrays of numbers or text."""
    return {name: plain(result) for name, result in said(model, X).items()}


def plain(result):
    if not isinstance(result, pd.DataFrame):
        return result.astype(str) if result.dtype == object else result
    times = result.select_dtypes("datetime").columns
    result = result.assign(**{name: result[name].astype("int64") / 1e15 for name in times})
    return result.to_numpy(dtype=object).astype(str)


def test_there_are_files_of_every_kind():
    kinds = {path.stem.split("-")[-1] for path in FILES}
    assert kinds == set(MODELS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_of_earlier_versions(path):
    _, version, kind = path.stem.rsplit("-", 2)
    model = fastae.load(path)
    _, X = MODELS[kind]()
    with np.load(GOLDEN / f"model-{version}.npz", allow_pickle=False) as file:
        expected = {
            name.split("/")[1]: file[name] for name in file.files if name.startswith(f"{kind}/")
        }
    found = answers(model, X)
    assert expected.keys() <= found.keys()
    for name, values in expected.items():
        assert_close(found[name], values)
    assert model.history_.n_rows > 1
    assert model.summary().n_rows == model.n_layers_


def assert_close(found, expected):
    if expected.dtype.kind != "U":
        # Machines differ in the last bits of what they add up.
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        return
    assert found.shape == expected.shape
    for mine, its in zip(found.flat, expected.flat, strict=True):
        try:
            np.testing.assert_allclose(float(mine), float(its), rtol=1e-6)
        except ValueError:
            assert mine == its


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_they_can_be_trained_on_and_saved_again(path, tmp_path):
    model = fastae.load(path)
    model.save(tmp_path / "again")
    again = fastae.load(tmp_path / "again")
    _, X = MODELS[path.stem.split("-")[-1]]()
    before = again.predict(X)
    np.testing.assert_array_equal(model.predict(X), before)
    y = {} if not hasattr(again, "autoencoder") else {"y": before}
    assert again.partial_fit(X, **y).n_samples_seen_ > model.n_samples_seen_


def write(version):
    found = {}
    for kind, make in MODELS.items():
        model, X = make()
        model.save(GOLDEN / f"model-{version}-{kind}.fastae")
        found |= {f"{kind}/{name}": value for name, value in answers(model, X).items()}
    np.savez_compressed(GOLDEN / f"model-{version}.npz", **found)


if __name__ == "__main__":
    write(sys.argv[1])
