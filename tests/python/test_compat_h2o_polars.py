"""polars frames: the same columns, the same networks, and answers in polars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastae.compat.h2o import H2OAutoEncoderEstimator, from_h2o
from fastae.compat.h2o._columns import Frame

pl = pytest.importorskip("polars")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def frames():
    """One table in pandas and in polars."""
    return pd.read_csv(GOLDEN / "mixed_train.csv"), pl.read_csv(GOLDEN / "mixed_train.csv")


@pytest.fixture(scope="module")
def models(frames):
    return [
        H2OAutoEncoderEstimator(
            activation="Tanh", hidden=[4], epochs=3, seed=1, ignore_const_cols=False
        ).train(training_frame=frame)
        for frame in frames
    ]


@pytest.mark.parametrize("values", [[1, 2, None], [1.0, 2.0, float("nan")], [1.0, 2.0, None]])
def test_columns_of_numbers(values):
    column = Frame(pl.DataFrame({"a": values})).column("a")
    np.testing.assert_array_equal(column, [1.0, 2.0, np.nan])


@pytest.mark.parametrize(
    ("values", "dtype", "levels"),
    [
        (["b", "a", None], None, ("a", "b")),
        (["b", "a", None], pl.Enum(["b", "unused", "a"]), ("b", "a")),
        (["b", "a", None], pl.Categorical, ("a", "b")),
        ([True, False, None], None, ("False", "True")),
    ],
)
def test_columns_of_categories(values, dtype, levels):
    factor = Frame(pl.DataFrame({"a": pl.Series(values, dtype=dtype)})).column("a")
    assert factor.levels == levels
    assert [factor.levels[code] for code in factor.codes[:2]] == list(map(str, values[:2]))
    assert factor.codes[2] == -1


def test_times_are_refused():
    frame = pl.DataFrame({"when": ["2026-01-01"]}).with_columns(pl.col("when").str.to_date())
    with pytest.raises(TypeError, match=r"'when' holds Date.*turn times into numbers first"):
        Frame(frame).column("when")


def test_training_gives_the_same_bits(models):
    one, other = (model.fastae_model.coefs_ for model in models)
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_answers_are_in_polars(frames, models):
    in_pandas, in_polars = models
    for ask in (
        lambda model, frame: model.anomaly(frame),
        lambda model, frame: model.anomaly(frame, per_feature=True),
        lambda model, frame: model.predict(frame),
        lambda model, frame: model.deepfeatures(frame, 0),
    ):
        expected, made = (ask(model, frame) for model, frame in zip(models, frames, strict=True))
        assert isinstance(made, pl.DataFrame)
        assert made.columns == expected.columns.tolist()
        np.testing.assert_array_equal(made.to_numpy(), expected.to_numpy())
    for table in ("scoring_history", "summary", "weights", "biases"):
        made, expected = getattr(in_polars, table)(), getattr(in_pandas, table)()
        assert isinstance(made, pl.DataFrame)
        assert made.columns == expected.columns.tolist()
        assert made.shape == expected.shape
    assert in_polars.varimp() == in_pandas.varimp()
    assert isinstance(in_polars.varimp(use_pandas=True), pl.DataFrame)


@pytest.mark.filterwarnings("ignore:Levels that training did not see:UserWarning")
def test_networks_of_h2o_take_polars_frames():
    with np.load(GOLDEN / "mixed_score.npz") as file:
        golden = dict(file)
    n = sum(key.startswith("W") for key in golden)
    model = from_h2o(
        [golden[f"W{i}"] for i in range(n)],
        [golden[f"b{i}"] for i in range(n)],
        activation="Tanh",
        normmul=golden["normmul"],
        normsub=golden["normsub"],
        names=golden["input_names"].tolist(),
    )
    errors = model.reconstruction_error(pl.read_csv(GOLDEN / "mixed_test.csv"))
    np.testing.assert_allclose(errors, golden["mse_rows_test"], rtol=2e-6)
