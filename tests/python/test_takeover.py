"""Layers of an autoencoder below: which are taken over, how they train, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from fastae import Autoencoder, AutoencoderClassifier
from fits import assert_same_weights, assert_unchanged, snapshot, weights
from labelled import (
    KINDS,
    assert_same,
    below,
    blobs,
    books,
    classifier,
    regressor,
    slope,
)


@pytest.fixture(name="kind", params=KINDS)
def kind_of_estimator(request):
    make, table = KINDS[request.param]
    return make, *table()


@pytest.fixture(name="codes")
def fitted_autoencoder():
    return below().fit(blobs()[0])


def untrained(kind):
    """Return a function that makes a network before its training, whatever it is given."""
    make, X, y = kind

    def made(autoencoder, **options):
        return make(autoencoder, max_epochs=0, **options).fit(X, y)

    return made


def is_kept(model, autoencoder):
    """Return which of a network's layers are those of an autoencoder, bit for bit."""
    pairs = zip(model.coefs_[:-1], autoencoder.coefs_, strict=False)
    biases = zip(model.intercepts_[:-1], autoencoder.intercepts_, strict=False)
    return [
        np.array_equal(*pair) and np.array_equal(*bias)
        for pair, bias in zip(pairs, biases, strict=True)
    ]


@pytest.mark.parametrize(
    ("given", "taken", "own"),
    [
        ({}, 2, ()),
        ({"encoder_layers": None, "hidden_layer_sizes": 7}, 2, (7,)),
        ({"encoder_layers": 1}, 1, ()),
        ({"encoder_layers": 3}, 3, ()),
        ({"encoder_layers": 3, "hidden_layer_sizes": (6, 5)}, 3, (6, 5)),
        ({"encoder_layers": 1, "hidden_layer_sizes": ()}, 1, ()),
        ({"encoder_layers": 0}, 0, (100,)),
    ],
)
def test_which_layers_are_taken_over(kind, codes, given, taken, own):
    model = untrained(kind)(codes, **given)
    assert model.hidden_layer_sizes_ == (4, 2, 4)[:taken] + own
    assert is_kept(model, codes)[:taken] == [True] * taken
    assert model.summary()["type"].tolist() == [
        "input", *["tanh"] * taken, *["relu"] * len(own), "identity",
    ]  # fmt: skip


def test_an_autoencoder_of_one_hidden_layer_and_of_none(kind):
    one, none = (below(hidden_layer_sizes=sizes).fit(kind[1]) for sizes in (3, ()))
    assert untrained(kind)(one).hidden_layer_sizes_ == (3,)
    assert untrained(kind)(none).hidden_layer_sizes_ == (100,)


def test_other_activations_are_taken_over(kind):
    codes = below(activation="elu", output_activation="tanh").fit(kind[1])
    model = untrained(kind)(codes, hidden_layer_sizes=5, activation="logistic")
    assert model.summary()["type"].tolist() == ["input", "elu", "elu", "logistic", "identity"]
    assert model.deep_features(kind[1], layer=1) == pytest.approx(codes.transform(kind[1]))


@pytest.mark.parametrize("scaling", ["range", "standard", "none"])
def test_the_scaling_is_the_autoencoders(kind, scaling):
    make, X, y = kind
    codes = below(scaling=scaling).fit(X[:50] * 3 + 1)
    model = make(codes, scaling="standard").fit(X, y)
    for _ in range(2):
        np.testing.assert_array_equal(model.shift_, codes.shift_)
        np.testing.assert_array_equal(model.scale_, codes.scale_)
        model.partial_fit(X * 7 - 5, y)


def test_the_given_autoencoder_is_not_changed(kind):
    make, X, y = kind
    codes = below(warm_start=True).fit(X)
    before, scores = snapshot(codes), codes.score_samples(X)
    model = make(codes, warm_start=True, max_epochs=2).fit(X, y).fit(X, y)
    model.partial_fit(X, y)
    model.coefs_[0][...] = 7
    assert_unchanged(codes, before)
    np.testing.assert_array_equal(codes.score_samples(X), scores)
    assert model.autoencoder is codes
    assert model.autoencoder_ is codes


def test_a_frozen_estimator_survives_cloning(kind):
    make, X, y = kind
    codes = below().fit(X[::-1])
    plain = make(codes).fit(X, y)
    for again in (make(FrozenEstimator(codes)), clone(make(FrozenEstimator(codes)))):
        assert_same(again.fit(X, y), plain)
        assert_same_weights(again.autoencoder_, codes)
    anew = clone(make(codes)).fit(X, y)  # without, the clone's autoencoder is an unfitted one
    assert_same_weights(anew.autoencoder_, below().fit(X))


def test_an_unfitted_one_is_fitted_on_all_rows(kind):
    make, X, y = kind
    given, more = below(), np.random.default_rng(0).normal(size=(30, 5))
    model = make(given).fit(X, y, X_unlabeled=more)
    assert_same(model, make(below().fit(np.r_[X, more])).fit(X, y))
    assert_same_weights(model.autoencoder_, below().fit(np.r_[X, more]))
    assert not hasattr(given, "coefs_")
    assert model.autoencoder is given
    assert model.fit(X, y).autoencoder_.n_samples_seen_ == 3 * 90


def test_its_seed_is_the_outer_one_unless_it_has_its_own(kind):
    make, X, y = kind
    first, second = (make(below(random_state=None), random_state=5).fit(X, y) for _ in range(2))
    assert_same(first, second)
    assert_same_weights(first.autoencoder_, below(random_state=5).fit(X))
    other = make(below(random_state=None), random_state=6).fit(X, y)
    assert not np.array_equal(other.autoencoder_.coefs_[0], first.autoencoder_.coefs_[0])
    own = make(below(random_state=3), random_state=5).fit(X, y)
    assert_same_weights(own.autoencoder_, below(random_state=3).fit(X))


def test_absent_rows_are_absent_from_it_as_well(kind):
    make, X, y = kind
    weight = (np.arange(90) % 4 > 0).astype(float)
    junk = np.where(weight[:, np.newaxis] > 0, X, 1e6)
    model = make(below()).fit(junk, y, sample_weight=weight)
    assert_same(model, make(below()).fit(X[weight > 0], y[weight > 0]))


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_a_rate_of_0_freezes_its_layers(kind, codes, solver):
    make, X, y = kind
    options = {"solver": solver, "hidden_layer_sizes": 6, "l2": 0.1, "max_w2": 0.5}
    model = make(codes, encoder_rate=0, **options).fit(X, y)
    assert is_kept(model, codes) == [True, True, False]
    model.partial_fit(X, y)
    assert is_kept(model, codes) == [True, True, False]
    assert_same(
        make(codes, encoder_rate=0, **options).fit(X, y),
        make(codes, encoder_rate=0, thaw_epochs=1, **options).fit(X, y),
    )
    free = make(codes, **options).fit(X, y)
    assert is_kept(free, codes) == [False, False, False]


def test_a_frozen_encoder_is_a_network_over_codes(codes):
    # What it learns does not depend on whether it computes the codes or is given them.
    X, y = blobs()
    options = {"hidden_layer_sizes": 6, "batch_size": 90, "solver": "sgd", "max_epochs": 50}
    options |= {"learning_rate_init": 0.1, "random_state": 0}
    model = AutoencoderClassifier(codes, encoder_rate=0, **options).fit(X, y)
    start = untrained((classifier, X, y))(codes, hidden_layer_sizes=6)
    over = AutoencoderClassifier(scaling="none", warm_start=True, **options)
    over.set_params(max_epochs=0).fit(codes.transform(X), y)
    over.coefs_, over.intercepts_ = start.coefs_[2:], start.intercepts_[2:]
    over.set_params(max_epochs=50).fit(codes.transform(X), y)
    np.testing.assert_allclose(
        model.predict_proba(X), over.predict_proba(codes.transform(X)), atol=1e-4
    )


def test_rates_of_layers_multiply(codes):
    # One step of plain descent: the layer's step is the rate times the gradient.
    X, y = blobs()
    options = {"solver": "sgd", "momentum": 0, "batch_size": 90, "max_epochs": 1}
    options |= {"learning_rate": "constant", "learning_rate_init": 0.1}
    start = untrained((classifier, X, y))(codes)
    moved = {}
    for rate, decay in [(1, 1), (0.5, 1), (0.25, 0.5), (0, 1)]:
        model = classifier(codes, encoder_rate=rate, layer_rate_decay=decay, **options).fit(X, y)
        moved[rate] = [a - b for a, b in zip(weights(model), weights(start), strict=True)]
        factors = [rate, rate * decay, decay**2]
        for mine, whole, factor in zip(moved[rate], moved[1], factors * 2, strict=True):
            np.testing.assert_allclose(mine, factor * whole, atol=1e-6)
    assert max(np.abs(step).max() for step in moved[1]) > 1e-3


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_layers_thaw_one_after_another(kind, codes, epochs):
    make, X, y = kind
    options = {"encoder_layers": 3, "max_epochs": epochs}
    kept = is_kept(make(codes, thaw_epochs=1, **options).fit(X, y), codes)
    assert kept == [epochs <= 3, epochs <= 2, epochs <= 1]
    slow = is_kept(make(codes, thaw_epochs=1.5, **options).fit(X, y), codes)
    assert slow == [True, epochs <= 3, epochs <= 1]


def test_in_a_stream_all_layers_train_at_once(kind, codes):
    make, X, y = kind
    classes = {"classes": [0, 1, 2]} if make is classifier else {}
    model = make(codes, thaw_epochs=1).partial_fit(X, y, **classes)
    assert is_kept(model, codes) == [False, False]


@pytest.mark.parametrize("warm_start", [True, False])
def test_thawed_layers_stay_thawed(kind, codes, warm_start):
    make, X, y = kind
    model = make(codes, thaw_epochs=1, warm_start=warm_start).fit(X, y)
    assert is_kept(model, codes) == [False, False]
    before = weights(model)
    model.partial_fit(X, y)
    assert all((now != then).any() for now, then in zip(weights(model), before, strict=True))


def test_a_second_fit_counts_epochs_on(kind, codes):
    make, X, y = kind
    model = make(codes, thaw_epochs=2, max_epochs=1, warm_start=True)
    kept = [is_kept(model.fit(X, y), codes) for _ in range(5)]
    assert kept == [[True, True], [True, True], [True, False], [True, False], [False, False]]


def test_codes_help_where_labels_are_few():
    # The classes differ along the direction in which the table varies most.
    rng = np.random.default_rng(0)
    code = rng.normal(size=500)
    X, y = np.outer(code, rng.normal(size=40)) + 2 * rng.normal(size=(500, 40)), code > 0
    layers = {"hidden_layer_sizes": 1, "activation": "identity", "random_state": 0}
    options = {"batch_size": 1, "learning_rate_init": 0.03, "random_state": 0}
    codes = Autoencoder(max_epochs=60, batch_size=4, **layers).fit(X)
    model = AutoencoderClassifier(codes, encoder_rate=0, **options).fit(X[:12], y[:12])
    plain = AutoencoderClassifier(**options | layers).fit(X[:12], y[:12])
    assert model.score(X[12:], y[12:]) > plain.score(X[12:], y[12:]) + 0.1


def test_pickles_bring_their_autoencoder(kind, codes):
    make, X, y = kind
    model = make(codes).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_same(again, model)
    assert_same_weights(again.autoencoder_, codes)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_names_of_columns_have_to_agree():
    X, y = slope()
    frame = pd.DataFrame(X, columns=list("abcde"))
    codes = below().fit(frame)
    model = regressor(codes).fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match=r"Column 3 of X is 'e', but 'd' in the table"):
        regressor(codes).fit(frame[list("abced")], y)
    inner = regressor(below()).fit(frame, y).autoencoder_
    assert inner.feature_names_in_.tolist() == list("abcde")
    assert inner.score_samples(frame).shape == (90,)


WRONG = {
    "too many layers": (lambda: below().fit(blobs()[0]), {"encoder_layers": 4}, "at most .* 3"),
    "layers": (below, {"encoder_layers": -1}, "encoder_layers must be None or a whole number"),
    "half a layer": (below, {"encoder_layers": 1.5}, "encoder_layers must be"),
    "another width": (lambda: below().fit(blobs(d=4)[0]), {}, "X has 5 columns, but .* on 4"),
    "no autoencoder": (lambda: "deep", {}, "autoencoder must be None or an Autoencoder, got 'dee"),
    "a classifier": (classifier, {}, "autoencoder must be None or an Autoencoder"),
    "a class": (lambda: Autoencoder, {}, "autoencoder must be None or an Autoencoder"),
    "its parameter": (lambda: below(max_epochs=-1), {}, "max_epochs must be"),
    "rate": (below, {"encoder_rate": -1}, "encoder_rate must be a number >= 0"),
    "thaw": (below, {"thaw_epochs": np.inf}, "thaw_epochs must be a number >= 0"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_autoencoders_are_refused(kind, wrong):
    make, X, y = kind
    given, options, message = WRONG[wrong]
    fitted = make(below()).fit(X, y)
    parameters, before = fitted.get_params(deep=False), books(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.set_params(autoencoder=given(), **options).fit(X, y)
    assert_unchanged(fitted.set_params(**parameters), before)
    fresh = make(given(), **options)
    before = books(fresh)
    with pytest.raises(ValueError, match=message):
        fresh.fit(X, y)
    assert vars(fresh) == before
