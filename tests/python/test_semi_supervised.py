"""Rows without labels: which ones they are, what is learned from them, and how much it counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_weights, assert_unchanged, weights
from labelled import (
    KINDS,
    assert_same,
    below,
    blobs,
    books,
    classifier,
    outputs64,
    regressor,
    slope,
    values64,
)

UNKNOWN = {"classifier": -1, "regressor": np.nan}


@pytest.fixture(name="kind", params=KINDS)
def kind_of_estimator(request):
    """Return a function that makes estimators, rows, and labels, the last 30 of which unknown."""
    make, table = KINDS[request.param]
    X, y = table()
    return make, X, np.r_[y[:60], np.full(30, UNKNOWN[request.param])]


USES = {
    "reconstruction": {"reconstruction_weight": 0.7},
    "autoencoder": {"autoencoder": below()},
    "both": {"autoencoder": below(), "reconstruction_weight": 0.7},
}


@pytest.mark.parametrize("options", USES.values(), ids=USES)
def test_rows_of_unknown_label_are_rows_without(kind, options):
    make, X, y = kind
    model = make(**options).fit(X, y)
    assert_same(model, make(**options).fit(X[:60], y[:60], X_unlabeled=X[60:]))
    mixed = make(**options).fit(X[:75], y[:75], X_unlabeled=X[75:].tolist())
    assert_same(model, mixed)


def test_without_reconstruction_they_serve_the_autoencoder_alone(kind):
    make, X, y = kind
    codes = below().fit(X)
    model = make(codes).fit(X, y)
    assert_same(model, make(codes).fit(X[:60], y[:60]))
    assert_same(model, make(below()).fit(X, y))
    assert model.n_samples_seen_ == 3 * 60


def test_with_reconstruction_all_rows_are_trained_on(kind):
    make, X, y = kind
    model = make(reconstruction_weight=1).fit(X, y)
    assert model.n_samples_seen_ == 3 * 90
    assert_same(model, make(reconstruction_weight=1).fit(X, y))
    far = X.copy()
    far[60:, 0] = X[:30, 0]
    assert not np.array_equal(make(reconstruction_weight=1).fit(far, y).coefs_[0], model.coefs_[0])


@pytest.mark.filterwarnings("ignore:X_unlabeled has no use")
def test_a_weight_of_0_changes_nothing(kind):
    make, X, y = kind
    plain = make().fit(X[:60], y[:60])
    assert_same(make(reconstruction_weight=0).fit(X[:60], y[:60], X_unlabeled=X[60:]), plain)


def gradients(model, X, y, weight, share):
    """Return the loss of a network without hidden layer, and its slope in W and b, in float64.

    ``share`` multiplies the reconstruction's part; rows whose `y` is -1 or NaN have no target.
    """
    z = outputs64(model, X)
    x = (X - model.shift_) * model.scale_
    n_inputs = x.shape[1]
    delta = np.zeros_like(z)
    if share:
        delta[:, :n_inputs] = share * (z[:, :n_inputs] - x) * weight[:, np.newaxis] / weight.sum()
    if hasattr(model, "classes_"):
        known = y >= 0
        logits = z[known, -len(model.classes_) :]
        error = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        error -= np.eye(len(model.classes_))[y[known].astype(int)]
    else:
        known = ~np.isnan(y)
        target = (y[known, np.newaxis] - model.target_shift_) * model.target_scale_
        error = z[known, -1:] - target
    counts = weight[known, np.newaxis]
    delta[known, delta.shape[1] - error.shape[1] :] = error * counts / counts.sum()
    return x.T @ delta, delta.sum(axis=0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [0, 0.3, 2.0])
def test_one_step_is_that_of_the_equations(kind, share, weighted):
    # Mean over labelled rows of their loss + share * mean over all rows of the reconstruction's.
    make, X, y = kind
    weight = 1.0 + np.arange(90) % 3 if weighted else np.ones(90)
    if not share:
        X, y, weight = X[:60], y[:60], weight[:60]
    options = {"hidden_layer_sizes": (), "reconstruction_weight": share, "batch_size": len(X)}
    options |= {"solver": "sgd", "momentum": 0, "learning_rate_init": 0.1}
    given = weight if weighted else None
    start, model = (
        make(max_epochs=n, learning_rate="constant", **options).fit(X, y, sample_weight=given)
        for n in (0, 1)
    )
    moved = [now - then for now, then in zip(weights(model), weights(start), strict=True)]
    for step, slope_of in zip(moved, gradients(start, X, y, weight, share), strict=True):
        np.testing.assert_allclose(step, -0.1 * slope_of, atol=2e-6)
    assert np.abs(moved[0]).max() > 1e-3


def test_the_first_outputs_reconstruct_the_rows():
    X, y = slope()
    model = regressor(reconstruction_weight=1, hidden_layer_sizes=20, max_epochs=100)
    model.fit(X, np.where(np.arange(90) < 60, y, np.nan))
    outputs = outputs64(model, X)
    assert outputs.shape == (90, 6)
    x = (X - model.shift_) * model.scale_
    assert np.square(outputs[:, :5] - x).mean() < 0.05 * x.var()
    np.testing.assert_allclose(model.predict(X), values64(model, X)[:, 0], rtol=1e-5)


def test_an_autoencoders_decoder_is_taken_over_as_well(kind):
    make, X, y = kind
    codes = below(hidden_layer_sizes=3).fit(X)
    model = make(codes, reconstruction_weight=1, max_epochs=0).fit(X, y)
    np.testing.assert_allclose(
        outputs64(model, X)[:, :5],
        (codes.reconstruct(X) - codes.shift_) * codes.scale_,
        atol=1e-5,
    )


@pytest.mark.parametrize("kind", [AutoencoderClassifier, AutoencoderRegressor])
def test_unlabelled_rows_improve_what_few_labels_teach(kind):
    # What is to be learned goes by the direction along which the table varies most.
    rng = np.random.default_rng(0)
    code = rng.normal(size=500)
    X = np.outer(code, rng.normal(size=40)) + 2 * rng.normal(size=(500, 40))
    y, unknown = (code, np.nan) if kind is AutoencoderRegressor else (np.int_(code > 0), -1)
    known = np.arange(500) < 12
    options = {"hidden_layer_sizes": 1, "activation": "identity", "batch_size": 4}
    options |= {"random_state": 0, "scaling": "range"}
    plain = kind(max_epochs=2500, **options).fit(X[known], y[known])  # as many updates
    model = kind(max_epochs=60, reconstruction_weight=1, **options)
    model.fit(X, np.where(known, y, unknown))
    assert model.score(X[~known], y[~known]) > plain.score(X[~known], y[~known]) + 0.05


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_minus_1_is_a_class_where_unlabelled_rows_are_of_no_use(dtype):
    X, y = blobs()
    y = (y - 1).astype(dtype)
    assert classifier().fit(X, y).classes_.tolist() == [-1, 0, 1]
    for options in USES.values():
        assert classifier(**options).fit(X, y).classes_.tolist() == [0, 1]
        two = classifier(**options).fit(X[y < 1], y[y < 1])
        assert two.classes_.tolist() == [-1, 0]
    assert classifier(below()).fit(X, y.astype(int).astype(str)).classes_.tolist() == [
        "-1", "0", "1",
    ]  # fmt: skip


def test_what_is_unknown_stays_unknown_in_later_calls():
    X, y = blobs()
    options = {"warm_start": True, "reconstruction_weight": 1}
    model = classifier(**options).fit(X, y).fit(X, np.where(y == 2, -1, y))
    assert model.classes_.tolist() == [0, 1, 2]
    streamed = classifier(**options).partial_fit(X, y - 1, classes=[0, 1])
    assert streamed.classes_.tolist() == [0, 1]
    assert streamed.predict_proba(X).shape == (90, 2)
    listed = classifier(**options).partial_fit(X, y - 1, classes=[-1, 0, 1])
    assert listed.classes_.tolist() == [-1, 0, 1]


def test_streams_may_have_rows_without_labels(kind):
    make, X, y = kind
    classes = {"classes": [0, 1, 2]} if make is classifier else {}
    plain = make(below().fit(X)).partial_fit(X, y, **classes)
    assert_same_weights(plain, make(below().fit(X)).partial_fit(X[:60], y[:60], **classes))
    model = make(reconstruction_weight=1).partial_fit(X, y, **classes)
    assert model.n_samples_seen_ == 90


def test_rows_of_several_targets():
    X, y = slope(n_targets=3)
    y[::3] = np.nan
    model = regressor(reconstruction_weight=1).fit(X, y)
    np.testing.assert_allclose(model.target_shift_, np.nanmean(y, axis=0))
    np.testing.assert_allclose(model.target_scale_, 1 / np.nanstd(y, axis=0))
    assert model.predict(X).shape == (90, 3)


def test_only_labelled_rows_are_scored_and_held_out(kind):
    make, X, y = kind
    model = make(reconstruction_weight=1, validation_fraction=0.2).fit(X, y)
    assert model.n_samples_seen_ == 3 * 78
    for column, values in model.history_.rows()[-1].items():
        assert np.isfinite(values) if column.startswith(("training", "validation")) else True


def test_scaling_is_that_of_all_rows(kind):
    make, X, y = kind
    model = make(reconstruction_weight=1).fit(X[:60], y[:60], X_unlabeled=X[60:] * 9)
    whole = Autoencoder(max_epochs=0).fit(np.r_[X[:60], X[60:] * 9])
    np.testing.assert_allclose(model.scale_, whole.scale_)
    np.testing.assert_allclose(model.shift_, whole.shift_)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64])
@pytest.mark.parametrize("options", USES.values(), ids=USES)
def test_tables_with_and_without_labels_may_differ_in_type(kind, options, dtype):
    make, X, y = kind
    rows = (X[:60] > 0).astype(dtype)
    model = make(**options).fit(rows, y[:60], X_unlabeled=X[60:])
    other = make(**options).fit(rows.astype(float), y[:60], X_unlabeled=X[60:])
    for mine, its in zip(model.coefs_, other.coefs_, strict=True):
        # Types of few digits are scaled in float32.
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.scale_, other.scale_)


def test_weights_belong_to_the_labelled_table(kind):
    make, X, y = kind
    weight = 1.0 + np.arange(60) % 3
    model = make(reconstruction_weight=1)
    model.fit(X[:60], y[:60], sample_weight=weight, X_unlabeled=X[60:])
    assert_same(
        model, make(reconstruction_weight=1).fit(X, y, sample_weight=np.r_[weight, [1] * 30])
    )
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(59,\), expected \(60,\)"):
        model.fit(X[:60], y[:60], sample_weight=weight[1:], X_unlabeled=X[60:])


WRONG = {
    "no labels": (lambda X, y: (X[60:], y[60:], {}), "label|class"),
    "y_val": (lambda X, y: (X, y, {"X_val": X, "y_val": y}), "y_val has rows without label"),
    "width": (lambda X, y: (X, y, {"X_unlabeled": X[:, 1:]}), "X has 4 features"),
    "NaN": (lambda X, y: (X, y, {"X_unlabeled": X * np.nan}), "NaN in row 0, column 0"),
    "infinite": (lambda X, y: (np.where(np.eye(90, 5), np.inf, X), y, {}), "infinity in row 0"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("options", USES.values(), ids=USES)
def test_wrong_tables_are_refused(kind, options, wrong):
    make, X, y = kind
    rows, labels, more = WRONG[wrong][0](X, y)
    options = {**options, "missing": "ignore" if wrong == "infinite" else "error"}
    for model in (make(**options), make(**options).fit(X, y)):
        before = books(model)
        with pytest.raises(ValueError, match=WRONG[wrong][1]):
            model.fit(rows, labels, **more)
        if hasattr(model, "coefs_"):
            assert_unchanged(model, before)
        else:
            assert vars(model) == before


def test_a_row_is_labelled_or_not():
    X, y = slope(n_targets=2)
    y[7, 1] = np.nan
    with pytest.raises(ValueError, match="Row 7 of y has a NaN beside numbers"):
        regressor(reconstruction_weight=1).fit(X, y)
    with pytest.raises(ValueError, match="y contains NaN"):
        regressor().fit(X, y)


@pytest.mark.parametrize("weight", [-1, np.nan, "auto", None])
def test_wrong_reconstruction_weights(kind, weight):
    make, X, y = kind
    with pytest.raises(ValueError, match="reconstruction_weight must be a number >= 0"):
        make(reconstruction_weight=weight).fit(X[:60], y[:60])


def test_strings_without_label_are_marked_by_objects():
    X, y = blobs()
    names = np.array(["one", "two", "three"])[y].astype(object)
    marked = np.where(np.arange(90) % 2, None, names)
    mixed = np.where(np.arange(90) % 2, -1, names)
    numbers = np.where(np.arange(90) % 2, -1, np.array([0, 2, 1])[y])  # in alphabetical order
    expected = classifier(below()).fit(X, numbers)
    for labels in (marked, mixed):
        model = classifier(below()).fit(X, labels)
        assert model.classes_.tolist() == ["one", "three", "two"]
        assert_same_weights(model, expected)
        with pytest.raises(ValueError, match="rows without label"):
            classifier().fit(X, labels)


def test_none_among_numbers_is_no_label():
    X, y = blobs()
    labels = np.where(np.arange(90) % 2, None, y.astype(object))
    model = classifier(below()).fit(X, labels)
    assert_same_weights(model, classifier(below()).fit(X, np.where(np.arange(90) % 2, -1, y)))


def test_rows_without_use_are_said_to_have_none(kind):
    make, X, y = kind
    fitted = below().fit(X)
    for model in (make(), make(fitted)):
        with pytest.warns(UserWarning, match="X_unlabeled has no use"):
            model.fit(X[:60], y[:60], X_unlabeled=X[60:])
