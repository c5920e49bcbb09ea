"""Known anomalies in streams, warm starts, pretraining and checkpoints, and wrong marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_validate

from fastae import Autoencoder
from fits import (
    assert_same_fit,
    assert_same_weights,
    assert_unchanged,
    shallow_model,
    small_model,
    snapshot,
)
from labelled import KilledError, kill, odd_table


@pytest.fixture(name="X", scope="module")
def rows_of_both_kinds():
    return odd_table()[0]


@pytest.fixture(name="marks", scope="module")
def known_anomalies():
    return odd_table()[1]


def model(**options):
    return shallow_model(**{"max_epochs": 4, "score_every": 100, **options})


def test_marks_may_be_of_many_kinds(X, marks):
    fitted = model().fit(X, anomalous=marks)
    for given in (
        marks.tolist(), marks.astype(np.int8), marks.astype(float), tuple(marks),
        pd.Series(marks, index=range(7, 407)), pd.array(marks, dtype="boolean"),
    ):  # fmt: skip
        assert_same_fit(model().fit(X, anomalous=given), fitted)
    named = Autoencoder(**fitted.get_params()).fit(pd.DataFrame(X), anomalous=marks)
    assert_same_fit(named, fitted)


def test_in_a_stream(X, marks):
    order = np.random.default_rng(0).permutation(400)
    X, marks = X[order], marks[order]
    streamed, plain = model(), model()
    for _ in range(30):
        for rows in np.array_split(np.arange(400), 4):
            streamed.partial_fit(X[rows], anomalous=marks[rows])
            plain.partial_fit(X[rows][~marks[rows]])
    assert streamed.n_samples_seen_ == 30 * 400
    np.testing.assert_allclose(streamed.shift_, plain.shift_, rtol=1e-12)
    np.testing.assert_allclose(streamed.scale_, plain.scale_, rtol=1e-12)
    auc = [roc_auc_score(marks, one.reconstruction_error(X)) for one in (streamed, plain)]
    assert auc[0] > max(0.95, auc[1])
    last = np.array_split(np.arange(400), 4)[-1]
    mse = streamed.reconstruction_error(X[last][~marks[last]]).mean()
    assert streamed.history_["training_mse"][-1] == pytest.approx(mse, rel=1e-9)
    assert (streamed.predict(X[~marks]) == 1).mean() > 0.9


def test_a_call_of_a_stream_with_marks_is_an_epoch_of_fit(X, marks):
    options = {"learning_rate": "constant", "max_epochs": 1, "score_every": "auto"}
    streamed = model(**options).partial_fit(X, anomalous=marks)
    assert_same_weights(streamed, model(**options).fit(X, anomalous=marks))
    assert_same_fit(
        model().partial_fit(X, anomalous=0 * marks).partial_fit(X),
        model().partial_fit(X).partial_fit(X),
    )


def test_warm_start_may_learn_of_them_later(X, marks):
    fitted = model(warm_start=True, max_epochs=20, learning_rate_init=0.01).fit(X)
    before = fitted.reconstruction_error(X)[marks].mean()
    fitted.fit(X, anomalous=marks)
    assert fitted.reconstruction_error(X)[marks].mean() > 2 * before


def test_pretraining_does_not_learn_them(X, marks):
    options = {"pretraining": "stacked", "pretraining_epochs": 20, "max_epochs": 0}
    pretrained = small_model(**options).fit(X, anomalous=marks)
    normal = small_model(**options).fit(X[~marks])
    errors = [one.reconstruction_error(X)[marks].mean() for one in (pretrained, normal)]
    assert errors[0] > 0.9 * errors[1]


def test_checkpoints(X, marks, tmp_path):
    path = tmp_path / "run.ckpt"
    with pytest.raises(KilledError):
        model(checkpoint=path, checkpoint_interval=0, callback=kill).fit(X, anomalous=marks)
    with pytest.raises(ValueError, match="is of another training"):
        model(checkpoint=path).fit(X, anomalous=marks[::-1])
    with pytest.raises(ValueError, match="is of another training"):
        model(checkpoint=path).fit(X)
    resumed = model(checkpoint=path).fit(X, anomalous=marks)
    assert_same_fit(resumed, model().fit(X, anomalous=marks))


def test_metadata_routing(X, marks):
    order = np.random.default_rng(0).permutation(400)
    with sklearn.config_context(enable_metadata_routing=True):
        made = cross_validate(
            model().set_fit_request(anomalous=True), X[order], cv=2, return_estimator=True,
            params={"anomalous": marks[order]},
        )  # fmt: skip
    second = order[200:]
    assert_same_fit(made["estimator"][0], model().fit(X[second], anomalous=marks[second]))


A_MARK_PER_ROW = "anomalous must hold True or False for each of the 400 rows"
WRONG = {
    "short": ({"anomalous": [True, False]}, A_MARK_PER_ROW),
    "rows": ({"anomalous": np.arange(400)}, A_MARK_PER_ROW),
    "signs": ({"anomalous": np.r_[-1, np.ones(399)]}, A_MARK_PER_ROW),
    "text": ({"anomalous": ["odd"] * 400}, A_MARK_PER_ROW),
    "NaN": ({"anomalous": [np.nan] * 400}, A_MARK_PER_ROW),
    "two columns": ({"anomalous": np.zeros((400, 2), dtype=bool)}, A_MARK_PER_ROW),
    "one": ({"anomalous": True}, A_MARK_PER_ROW),
    "all": ({"anomalous": np.ones(400, dtype=bool)}, "anomalous marks every row"),
    "short weights": (
        {"anomalous": np.arange(400) > 350, "sample_weight": np.ones(399)},
        r"sample_weight.shape == \(399,\), expected \(400,\)",
    ),
    "no normal weight": (
        {"anomalous": np.arange(400) > 350, "sample_weight": np.arange(400) > 350},
        "normal",
    ),
}


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_marks_are_refused(X, wrong, method):
    given, message = WRONG[wrong]
    fitted, fresh = model().fit(X), model()
    before = snapshot(fitted)
    for one in (fitted, fresh):
        with pytest.raises(ValueError, match=message):
            getattr(one, method)(X, **given)
    assert_unchanged(fitted, before)
    assert vars(fresh) == vars(model())


@pytest.mark.parametrize("value", [0, -1, np.nan, "much", None])
@pytest.mark.parametrize("name", ["anomaly_margin", "anomaly_weight"])
def test_wrong_parameters(X, name, value):
    with pytest.raises(ValueError, match=f"{name} must be 'auto' or a number > 0, got"):
        model(**{name: value}).fit(X)


def test_what_is_no_number_is_found_in_them_as_well(X, marks):
    X = X.copy()
    X[399, 2] = np.nan
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="NaN in row 399, column 2"):
            getattr(model(missing="error"), method)(X, anomalous=marks)
