"""Training on tables with factors: what goes on, what comes back, what does not change a bit."""

from __future__ import annotations

import pickle
from io import BytesIO

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from fits import assert_same_fit, assert_same_weights, assert_unchanged, snapshot, weights
from labelled import KilledError, kill
from tables import FACTORS, frames, mixed, model

cloudpickle = pytest.importorskip("cloudpickle")

OPTIONS = {
    "plain": {},
    "marks": {"missing_indicator": True},
    "impute": {"missing": "impute", "categorical_loss": "squared_error"},
}


@pytest.fixture(scope="module", name="frame")
def table_of_pandas():
    return mixed()


@pytest.fixture(params=OPTIONS, name="options")
def options_of_factors(request):
    return OPTIONS[request.param]


def _through_joblib(fitted):
    file = BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize(
    "copied",
    [
        lambda fitted: pickle.loads(pickle.dumps(fitted)),
        lambda fitted: cloudpickle.loads(cloudpickle.dumps(fitted)),
        _through_joblib,
    ],
    ids=["pickle", "cloudpickle", "joblib"],
)
def test_copies_do_the_same(copied, options, frame):
    fitted = model(**options).fit(frame)
    other = copied(fitted)
    assert_same_weights(other, fitted)
    np.testing.assert_array_equal(other.score_samples(frame), fitted.score_samples(frame))
    pd.testing.assert_frame_equal(other.reconstruct(frame), fitted.reconstruct(frame))
    codes = fitted.transform(frame)
    pd.testing.assert_frame_equal(other.inverse_transform(codes), fitted.inverse_transform(codes))
    assert_same_weights(other.partial_fit(frame), fitted.partial_fit(frame))


def test_clones_are_unfitted_and_fit_alike(options, frame):
    fitted = model(**options).fit(frame)
    other = clone(fitted)
    assert not hasattr(other, "coefs_")
    assert other._schema is None
    assert_same_fit(other.fit(frame), fitted)


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_threads_change_no_bit(n_jobs, options, frame):
    one = model(**options, n_jobs=1).fit(frame)
    other = model(**options, n_jobs=n_jobs).fit(frame)
    assert_same_fit(other, one)
    np.testing.assert_array_equal(other.score_samples(frame), one.score_samples(frame))


def test_hogwild_learns(options, frame):
    fitted = model(**options, parallel="hogwild", n_jobs=2, max_epochs=30).fit(frame)
    assert fitted.loss_curve_[-1] < 0.7 * fitted.loss_curve_[0]
    assert np.isfinite(fitted.score_samples(frame)).all()


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_solvers_learn(solver, options, frame):
    fitted = model(**options, solver=solver, max_epochs=30).fit(frame)
    assert -fitted.score(frame) < 0.8 * fitted.history_["training_mse"][0]


def test_warm_start_goes_on(options, frame):
    fitted = model(**options, warm_start=True).fit(frame)
    before, schema = fitted.score(frame), fitted._schema
    fitted.fit(frame.assign(city="Nowhere"))  # not a level, and will not be one
    assert fitted._schema is schema
    fitted.fit(frame)
    assert fitted.n_iter_ == 9
    assert fitted.score(frame) > before


def test_streams_keep_the_first_levels(options, frame):
    first, later = frame[frame["city"] != "Rome"], frame
    stream = model(**options).partial_fit(first)
    levels = [factor.levels for factor in stream._schema.factors]
    shapes = [w.shape for w in stream.coefs_]
    unseen = stream.score_samples(frame.assign(city="Rome"))
    np.testing.assert_array_equal(unseen, stream.score_samples(frame.assign(city="Paris")))
    for _ in range(20):
        stream.partial_fit(later)
    assert [factor.levels for factor in stream._schema.factors] == levels
    assert [w.shape for w in stream.coefs_] == shapes
    assert -stream.score(frame) < 0.8 * stream.history_["training_mse"][0]
    before = snapshot(stream)
    with pytest.raises(ValueError, match="feature names"):
        stream.partial_fit(frame.drop(columns="city"))
    assert_unchanged(stream, before)


def test_streams_of_any_library(frame):
    one = model().partial_fit(frame).partial_fit(frame)
    for kind in ("object", "polars", "polars categories", "arrow", "arrow dictionary"):
        other = model().partial_fit(frame).partial_fit(frames(frame)[kind])
        assert_same_weights(other, one)


def test_killed_training_goes_on_bit_by_bit(options, frame, tmp_path):
    whole = model(**options, max_epochs=6, score_every=50).fit(frame)
    path = tmp_path / "checkpoint"
    saving = {"checkpoint": path, "checkpoint_interval": 0, "max_epochs": 6, "score_every": 50}
    with pytest.raises(KilledError):
        model(**options, **saving, callback=kill).fit(frame)
    assert path.exists()
    assert_same_fit(model(**options, **saving).fit(frames(frame)["polars"]), whole)


def test_checkpoints_of_other_levels_are_refused(frame, tmp_path):
    path = tmp_path / "checkpoint"
    model(checkpoint=path).fit(frame)
    with pytest.raises(ValueError, match="is of another training: the table's values"):
        model(checkpoint=path).fit(frame.assign(kind=frame["kind"].to_numpy()[::-1]))


def test_rows_of_weight_0_are_absent(options, frame):
    present = (frame["city"] != "Rome").to_numpy()
    fitted = model(**options, batch_size=len(frame)).fit(frame, sample_weight=present * 1.0)
    same = model(**options, batch_size=len(frame)).fit(frame[present])
    for mine, its in zip(fitted._schema.factors, same._schema.factors, strict=True):
        assert mine.levels == its.levels
        np.testing.assert_array_equal(mine.counts, its.counts)
    # Their order differs, and with it the rounding of sums.
    for mine, its in zip(weights(fitted), weights(same), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(fitted.score_samples(frame), same.score_samples(frame), rtol=1e-3)
    assert fitted.offset_ == pytest.approx(same.offset_, rel=1e-3)


def test_known_anomalies(frame):
    rng = np.random.default_rng(0)
    X = mixed(600, gaps=False)
    odd = np.arange(len(X)) % 6 == 0  # told by factors alone: numbers stay as they are
    X.loc[odd, "kind"] = np.where(X.loc[odd, "kind"] == "plus", "minus", "plus")
    known = odd & (rng.random(len(X)) < 0.5)
    fitted = model(hidden_layer_sizes=6, max_epochs=60).fit(X, anomalous=known)
    errors = fitted.reconstruction_error(X)
    unknown = odd & ~known
    assert np.median(errors[unknown]) > 3 * np.median(errors[~odd])


def test_validation_rows(frame):
    held = frame[150:]
    fits = [
        model(max_epochs=5).fit(frame[:150], X_val=frames(held)[kind])
        for kind in ("category", "str", "polars", "arrow")
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(
            other.history_["validation_mse"], fits[0].history_["validation_mse"]
        )
    last = fits[0].history_["validation_mse"][-1]
    assert last == pytest.approx(-fits[0].score(held), rel=1e-6)
    drawn = model(validation_fraction=0.25, early_stopping=True, max_epochs=200).fit(frame)
    assert drawn.history_["validation_mse"][-1] < drawn.history_["validation_mse"][0]


def dense(frame, fitted):
    """Return numbers and one column of 0 and 1 per level, in the order of the network's units."""
    parts = [frame[["x", "y", "flag"]].to_numpy(dtype=np.float64)]
    for factor in fitted._schema.factors:
        texts = frame[factor.name].astype(object).to_numpy()
        parts += [(texts == level)[:, np.newaxis] for level in factor.levels]
    return np.column_stack(parts).astype(np.float64)


def test_squared_errors_are_those_of_dense_columns():
    X = mixed(gaps=False)
    fitted = model(categorical_loss="squared_error", scaling="standard", max_epochs=10).fit(X)
    D = dense(X, fitted)
    same = model(max_epochs=0, scaling="none").fit(D)
    same.shift_ = np.concatenate([fitted.shift_, np.zeros(9)])
    same.scale_ = np.concatenate([fitted.scale_, np.ones(9)])
    same.coefs_[0][...] = fitted.coefs_[0][:12]  # the others are for unknown levels
    same.coefs_[1][...] = fitted.coefs_[1]
    for mine, its in zip(same.intercepts_, fitted.intercepts_, strict=True):
        mine[...] = its
    np.testing.assert_allclose(same.score_samples(D), fitted.score_samples(X), rtol=1e-5)
    np.testing.assert_allclose(same.transform(D), fitted.transform(X), rtol=1e-5, atol=1e-6)
    theirs = same.reconstruction_error(D, per_feature=True)
    mine = fitted.reconstruction_error(X, per_feature=True)
    np.testing.assert_allclose(mine["y"], theirs[:, 1], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(mine["colour"], theirs[:, 3:6].sum(axis=1), rtol=1e-4, atol=1e-7)
    back = same.reconstruct(D)
    levels = np.array(fitted._schema.factors[1].levels)
    assert fitted.reconstruct(X)["city"].tolist() == levels[back[:, 6:10].argmax(axis=1)].tolist()


def test_subsets_score_as_in_the_whole(options, frame):
    fitted = model(**options).fit(frame)
    rows = np.random.default_rng(0).permutation(len(frame))[:37]
    some = frame.iloc[rows]
    np.testing.assert_array_equal(fitted.score_samples(some), fitted.score_samples(frame)[rows])
    pd.testing.assert_frame_equal(fitted.reconstruct(some), fitted.reconstruct(frame).iloc[rows])


def test_importances_are_by_column(frame):
    fitted = model(max_epochs=20).fit(frame)
    by_weights, by_errors = fitted.feature_importances(), fitted.feature_importances(frame)
    assert by_weights.shape == by_errors.shape == (6,)
    assert by_weights.max() == 1
    assert by_errors.sum() == pytest.approx(1)
    assert set(FACTORS) & set(frame.columns[by_errors > 0]) == set(FACTORS)
