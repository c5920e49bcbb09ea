"""Classifiers and regressors over tables with factors."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator

from fastae import AutoencoderClassifier
from fits import assert_same_weights
from labelled import classifier, regressor
from tables import frames, mixed, model

pytest.importorskip("polars")
pytest.importorskip("pyarrow")

MAKERS = {"classifier": classifier, "regressor": regressor}


@pytest.fixture(params=MAKERS, name="make")
def kind_of_estimator(request):
    return MAKERS[request.param]


@pytest.fixture(scope="module", name="frame")
def table_of_pandas():
    return mixed(300)


def truth(frame):
    """Return what factors alone tell: whether a city is Rome or Oslo."""
    return frame["city"].isin(["Rome", "Oslo"]).to_numpy().astype(int)


WAYS = {
    "alone": dict,
    "unfitted": lambda: {"autoencoder": model(max_epochs=20)},
    "fitted": lambda: {"autoencoder": model(max_epochs=20).fit(mixed(300, seed=1))},
    "frozen": lambda: {"autoencoder": FrozenEstimator(model(max_epochs=20).fit(mixed(300)))},
    "semi-supervised": lambda: {"reconstruction_weight": 0.1},
    "both": lambda: {"autoencoder": model(), "reconstruction_weight": 0.1},
    "marks": lambda: {"missing_indicator": True},
    "impute": lambda: {"missing": "impute", "categorical_loss": "squared_error"},
}


@pytest.mark.parametrize("way", WAYS)
def test_factors_tell_the_target(way, make, frame):
    fitted = make(**WAYS[way](), max_epochs=60).fit(frame, truth(frame))
    other = mixed(100, seed=5)
    assert fitted.score(other, truth(other)) > 0.8


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["object", "polars", "polars categories", "arrow", "objects"])
def test_libraries_give_the_same_bits(kind, way, make, frame):
    X = frames(frame)[kind]
    if isinstance(X, np.ndarray) and way in ("fitted", "frozen"):
        X = pd.DataFrame(X, columns=frame.columns)
    fitted = make(**WAYS[way]()).fit(frame, truth(frame))
    other = make(**WAYS[way]()).fit(X, truth(frame))
    assert_same_weights(other, fitted)
    np.testing.assert_array_equal(other.predict(X), fitted.predict(frame))


def test_layers_are_taken_over(make, frame):
    below = model().fit(frame)
    fitted = make(below, encoder_rate=0).fit(frame, truth(frame))
    assert fitted.autoencoder_ is below
    np.testing.assert_array_equal(fitted.coefs_[0], below.coefs_[0])
    np.testing.assert_array_equal(fitted.deep_features(frame, 0), below.transform(frame))
    # Fewer levels than the autoencoder knows: its units stay.
    some = frame[frame["city"] != "Rome"]
    assert make(below).fit(some, truth(some)).coefs_[0].shape == below.coefs_[0].shape
    # Rows of another library.
    X = frames(frame)["polars"]
    assert_same_weights(make(below).fit(X, truth(frame)), make(below).fit(frame, truth(frame)))


def test_an_autoencoder_fitted_on_the_way_is_usable(make, frame):
    fitted = make(model()).fit(frame, truth(frame))
    back = fitted.autoencoder_.reconstruct(frame)
    assert back["city"].isin(frame["city"].dropna()).all()
    codes = fitted.autoencoder_.transform(frame)
    assert fitted.autoencoder_.inverse_transform(codes).shape == frame.shape


@pytest.mark.parametrize("way", ["unfitted", "fitted", "semi-supervised", "both"])
def test_rows_without_labels(way, make, frame):
    options = WAYS[way]()
    if way == "fitted":
        options["reconstruction_weight"] = 0.1
    some, others = frame[:80], frame[80:]
    fitted = make(**options, max_epochs=30).fit(some, truth(some), X_unlabeled=others)
    assert np.isfinite(fitted.score(frame, truth(frame)))
    if way == "semi-supervised":
        alone = make(**options, max_epochs=30).fit(some, truth(some))
        assert not np.array_equal(alone.coefs_[0], fitted.coefs_[0])
    text = frames(others)["polars"]
    assert_same_weights(
        make(**options, max_epochs=30).fit(some, truth(some), X_unlabeled=text), fitted
    )


def test_validation_rows(make, frame):
    held = frame[250:]
    fitted = make().fit(frame[:250], truth(frame[:250]), X_val=held, y_val=truth(held))
    X_val = frames(held)["arrow"]
    other = make().fit(frame[:250], truth(frame[:250]), X_val=X_val, y_val=truth(held))
    assert_same_weights(other, fitted)
    drawn = make(validation_fraction=0.2).fit(frame, truth(frame))
    assert any(name.startswith("validation") for name in drawn.history_)


@pytest.mark.parametrize("way", ["alone", "fitted", "semi-supervised"])
def test_streams(way, make, frame):
    more = {"classes": [0, 1]} if make is classifier else {}
    stream = make(**WAYS[way]())
    for start in range(0, 300, 100):
        rows = frame[start : start + 100]
        stream.partial_fit(rows, truth(rows), **(more if start == 0 else {}))
    assert np.isfinite(stream.score(frame, truth(frame)))
    assert stream.n_samples_seen_ == 300


def test_warm_start_and_copies(make, frame):
    y = truth(frame)
    fitted = make(warm_start=True).fit(frame, y).fit(frame, y)
    assert fitted.n_iter_ == 6
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict(frame), fitted.predict(frame))
    unknown = frame.assign(city="Nowhere")
    missing = frame.assign(city=pd.Series(None, frame.index, dtype="str"))
    np.testing.assert_array_equal(other.predict(unknown), other.predict(missing))


def test_rows_of_weight_0_bring_no_levels(make, frame):
    present = (frame["city"] != "Rome").to_numpy()
    fitted = make().fit(frame, truth(frame), sample_weight=present.astype(float))
    assert fitted._schema.factors[1].levels == ("Bonn", "Cork", "Oslo")


def test_an_autoencoder_of_numbers_below_a_table_with_factors(make, frame):
    numbers = frame[["x", "y"]]
    above = make(model().fit(numbers))
    with pytest.raises(ValueError, match="the autoencoder was trained on numbers only"):
        above.fit(numbers.assign(y="a"), truth(frame))


def test_text_labels(frame):
    y = np.where(truth(frame), "south", "north")
    fitted = AutoencoderClassifier(max_epochs=40, random_state=0).fit(frame, y)
    assert fitted.classes_.tolist() == ["north", "south"]
    assert fitted.score(frame, y) > 0.9
