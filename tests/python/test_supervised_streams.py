"""Classifiers and regressors that go on: `warm_start`, `partial_fit`, and what errors leave."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fastae import DivergenceError
from fits import assert_same_weights, assert_unchanged, farthest, weights
from labelled import KINDS, assert_same, blobs, books, classifier


@pytest.fixture(name="kind", params=KINDS)
def kind_of_estimator(request):
    make, made = KINDS[request.param]
    return make, *made()


def test_warm_start_goes_on(kind):
    # An epoch of one batch is one step, whatever the order of its rows.
    make, X, y = kind
    options = {"warm_start": True, "batch_size": 90, "learning_rate": "constant"}
    twice = make(**options).fit(X, y)
    shift = twice.shift_
    once, cold = make(**{**options, "max_epochs": 6}).fit(X, y), make(**options).fit(X, y)
    again = pickle.loads(pickle.dumps(twice)).fit(X, y)
    assert_same(again, twice.fit(X, y))
    assert farthest(twice, once) < 1e-5 < 0.01 * farthest(cold, once)
    assert twice.n_samples_seen_ == 6 * 90
    assert twice.history_["epochs"].tolist() == [0, 3, 3, 6]
    assert twice.n_iter_ == len(twice.loss_curve_) == 6
    scale = getattr(twice, "target_scale_", None)
    twice.fit(3 * X, y)
    np.testing.assert_array_equal(twice.shift_, shift)
    assert getattr(twice, "target_scale_", None) is scale


def test_streams(kind):
    make, X, y = kind
    classes = {"classes": [0, 1, 2]} if make is classifier else {}
    settled = {"scaling": "range"}  # not by the rows of the first call
    model = make(**settled)
    for rows in np.array_split(np.arange(90), 3):
        model.partial_fit(X[rows], y[rows], **classes)
    assert (model.n_samples_seen_, model.n_iter_) == (90, 3)
    assert model.history_["samples"].tolist() == [0, 30, 60, 90]
    again = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    assert_same(again, model.partial_fit(X, y))
    one = make(**settled).partial_fit(X, y, **classes)
    assert_same_weights(one, make(max_epochs=1, learning_rate="constant", **settled).fit(X, y))
    for _ in range(40):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.75
    after = make(**settled).fit(X, y)
    assert after.partial_fit(X, y).n_samples_seen_ == 4 * 90


def test_a_classs_rows_may_come_later():
    X, y = blobs()
    model = classifier().partial_fit(X[y < 2], y[y < 2], classes=[2, 0, 1])
    assert model.classes_.tolist() == [0, 1, 2]
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


WRONG = {
    "fit an unknown class": (lambda m, X, y: m.fit(X, y + 1), "y has .*3.* none of the classes"),
    "stream one": (lambda m, X, y: m.partial_fit(X, y + 1), "y has .*3.* none of the classes"),
    "text": (lambda m, X, y: m.fit(X, y.astype(str)), "none of the classes"),
    "other classes": (lambda m, X, y: m.partial_fit(X, y, classes=[0, 1]), "of the first call"),
    "balanced": (
        lambda m, X, y: m.set_params(class_weight="balanced").partial_fit(X, y), "needs all rows",
    ),
    "no y": (lambda m, X, y: m.partial_fit(X, None), "requires y to be passed"),
    "short": (lambda m, X, y: m.partial_fit(X, y[1:]), r"^(?=.*\b(rows|samples)\b)(?=.*\b89\b)"),
    "y_val": (lambda m, X, y: m.fit(X, y, X_val=X, y_val=y + 1), "none of the classes"),
    "short y_val": (
        lambda m, X, y: m.fit(X, y, X_val=X, y_val=y[1:]), r"^(?=.*\b(rows|samples)\b)(?=.*\b89\b)",
    ),
    "no y_val": (lambda m, X, y: m.fit(X, y, X_val=X), "y_val"),
    "no X_val": (lambda m, X, y: m.fit(X, y, y_val=y), "X_val"),
    "columns": (lambda m, X, y: m.fit(X[:, 1:], y), "X has 4 features"),
    "layers": (lambda m, X, y: m.set_params(hidden_layer_sizes=7).fit(X, y), "layers it has"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_leave_the_estimator_as_it_was(wrong):
    X, y = blobs()
    model = classifier(warm_start=True).fit(X, y)
    parameters, before = model.get_params(), books(model)
    call, message = WRONG[wrong]
    with pytest.raises(ValueError, match=message):
        call(model, X, y)
    assert_unchanged(model.set_params(**parameters), before)
    assert_same(model.fit(X, y), classifier(warm_start=True).fit(X, y).fit(X, y))


@pytest.mark.parametrize("classes", [None, [3], [0, 1]])
def test_the_first_call_of_a_stream_names_all_classes(classes):
    X, y = blobs()
    model = classifier()
    with pytest.raises(ValueError, match="class"):
        model.partial_fit(X, np.full(90, 3) if classes == [3] else y, classes=classes)
    assert vars(model) == vars(classifier())


def test_diverging(kind):
    make, X, y = kind
    model = make(solver="sgd", learning_rate_init=1e30)
    for method in (model.fit, model.partial_fit):
        classes = (
            {"classes": [0, 1, 2]} if method == model.partial_fit and make is classifier else {}
        )
        with pytest.raises(DivergenceError, match="lower learning_rate_init"):
            method(X, y, **classes)
    assert not hasattr(model, "coefs_")


def test_tables_that_were_handed_out_do_not_change(kind):
    make, X, y = kind
    model = make(warm_start=True).fit(X, y)
    held, curve, kept = weights(model), list(model.loss_curve_), model.coefs_[0]
    history = model.history_
    model.fit(X, y)
    np.testing.assert_array_equal(kept, held[0])
    assert len(history["epochs"]) < len(model.history_["epochs"])
    assert model.loss_curve_[:3] == curve
