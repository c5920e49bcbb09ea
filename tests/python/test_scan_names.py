"""Names of columns that a scan has, beside those that a model was fitted with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fastae import Autoencoder, scan


@pytest.fixture
def frame():
    return pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("method", ["score_samples", "predict", "transform"])
def test_names_of_files_are_those_of_a_frame(tmp_path, frame, form, method):
    path = tmp_path / f"t.{form}"
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    model = Autoencoder(max_epochs=2, random_state=0).fit(frame)
    found = getattr(model, method)(scan(path))  # warnings are errors here
    np.testing.assert_array_equal(found, getattr(model, method)(frame))
    found = model.calibrate(scan(path)).p_values(scan(path))
    np.testing.assert_array_equal(found, model.calibrate(frame).p_values(frame))
    model = Autoencoder(max_epochs=2, random_state=0).fit(frame.to_numpy())
    found = getattr(model, method)(scan(path))
    np.testing.assert_array_equal(found, getattr(model, method)(frame.to_numpy()))


def test_columns_in_another_order_are_refused(tmp_path, frame):
    frame[["b", "a", "c"]].to_parquet(tmp_path / "t.parquet")
    model = Autoencoder(max_epochs=2, random_state=0).fit(frame)
    with pytest.raises(ValueError, match="same order"):
        model.score_samples(scan(tmp_path / "t.parquet"))
    found = model.score_samples(scan(tmp_path / "t.parquet", columns=["a", "b", "c"]))
    np.testing.assert_array_equal(found, model.score_samples(frame))
