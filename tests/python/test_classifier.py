"""The classifier: what it predicts, which labels it takes, and how well it learns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastae import Autoencoder, AutoencoderClassifier
from fits import assert_same_weights, assert_unchanged
from labelled import assert_same, below, blobs, books, classifier, proba64


@pytest.fixture(name="table", scope="module")
def labelled_table():
    return blobs()


OPTIONS = {
    "auto": {},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "deep": {"hidden_layer_sizes": (7, 4), "activation": "tanh"},
    "logistic": {"hidden_layer_sizes": 3, "activation": "logistic", "scaling": "standard"},
    "unscaled": {"hidden_layer_sizes": 3, "activation": "elu", "scaling": "none"},
    "autoencoder": {"autoencoder": below()},
    "semi-supervised": {"reconstruction_weight": 0.5},
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("name", OPTIONS)
def test_probabilities_are_those_of_the_equations(table, name, dtype):
    X, y = table[0].astype(dtype), table[1]
    model = classifier(**OPTIONS[name]).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == (90, 3)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba, proba64(model, X), rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    assert model.score(X, y) == accuracy_score(y, model.predict(X))


def test_logarithms_where_probabilities_vanish(table):
    X, y = table
    model = classifier().fit(X, y)
    model.coefs_[-1] = model.coefs_[-1] * 1e5
    logs = model.predict_log_proba(X)
    assert (model.predict_proba(X) == 0).any()
    assert np.isfinite(logs).all()
    assert logs.min() < -1000


def test_without_autoencoder_it_is_a_plain_network(table):
    X, y = table
    model = classifier().fit(X, y)
    assert model.autoencoder_ is None
    assert model.hidden_layer_sizes_ == (100,)
    assert [w.shape for w in model.coefs_] == [(5, 100), (100, 3)]
    assert model.deep_features(X).shape == (90, 100)
    assert model.n_features_in_ == 5


LABELS = {
    "text": ["a", "bc", "def"],
    "objects": np.array(["a", "bc", "def"], dtype=object),
    "numbers": [-7, 3, 1000],
    "fractionless": [-1.0, 0.0, 5.0],
    "small": np.array([1, 2, 250], dtype=np.uint8),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_many_kinds(table, name):
    X, y = table
    labels = np.asarray(LABELS[name])[y]
    plain, model = classifier().fit(X, y), classifier().fit(X, labels)
    assert_same_weights(model, plain)
    np.testing.assert_array_equal(model.classes_, np.unique(labels))
    assert model.classes_.dtype == labels.dtype
    np.testing.assert_array_equal(model.predict(X), model.classes_[plain.predict(X)])
    assert model.score(X, labels) == plain.score(X, y)
    assert_same_weights(classifier().fit(X.tolist(), labels.tolist()), plain)
    assert_same_weights(classifier().fit(pd.DataFrame(X), pd.Series(labels, range(5, 95))), plain)


def test_two_classes_have_two_columns(table):
    X, y = table
    model = classifier().fit(X, y == 1)
    assert model.classes_.tolist() == [False, True]
    assert model.predict_proba(X).shape == (90, 2)
    assert model.predict(X).dtype == bool


def test_a_column_of_labels_is_taken_with_a_warning(table):
    X, y = table
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = classifier().fit(X, y[:, np.newaxis])
    assert_same(model, classifier().fit(X, y))


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer])
def test_it_learns_as_well_as_scikit_learns_network(load):
    train, test, y, y_test = train_test_split(*load(return_X_y=True), test_size=0.4, random_state=0)
    model = AutoencoderClassifier(hidden_layer_sizes=50, max_epochs=30, random_state=0)
    peer = MLPClassifier(50, max_iter=60, random_state=0, tol=0)
    with pytest.warns(match="Maximum iterations"):
        peer = make_pipeline(StandardScaler(), peer).fit(train, y)
    assert model.fit(train, y).score(test, y_test) > peer.score(test, y_test) - 0.02
    assert model.score(test, y_test) > 0.95


@pytest.mark.parametrize("l2", [0.003, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_without_hidden_layer_it_is_logistic_regression(l2, weighted):
    X, y = load_iris(return_X_y=True)
    weight = 1.0 + np.arange(150) % 3 if weighted else np.ones(150)
    model = AutoencoderClassifier(
        hidden_layer_sizes=(), l2=l2, batch_size=150, learning_rate_init=0.1, max_epochs=1500,
        scaling="standard", score_every=10**9, random_state=0,
    ).fit(X, y, sample_weight=weight)  # fmt: skip
    Z = (X - model.shift_) * model.scale_
    peer = LogisticRegression(C=1 / (l2 * weight.sum()), tol=1e-9, max_iter=1000)
    peer.fit(Z, y, sample_weight=weight)
    np.testing.assert_allclose(model.coefs_[0].T, peer.coef_, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(Z), atol=1e-5)


def test_class_weights_are_weights_of_rows(table):
    X, y = table
    weight = np.array([0.5, 3, 1])
    weighted = classifier(class_weight=dict(enumerate(weight))).fit(X, y)
    assert_same(weighted, classifier().fit(X, y, sample_weight=weight[y]))
    more = np.arange(90.0) % 4
    both = classifier(class_weight=dict(enumerate(weight))).fit(X, y, sample_weight=more)
    assert_same(both, classifier().fit(X, y, sample_weight=weight[y] * more))


def test_balanced_classes_weigh_the_same():
    X, y = blobs(400, 2, 2)
    X += np.random.default_rng(0).normal(size=X.shape) * 3
    chosen = (y == 0) | (np.arange(400) % 20 == 1)
    X, y = X[chosen], y[chosen]
    options = {"hidden_layer_sizes": 4, "max_epochs": 30}
    plain = classifier(**options).fit(X, y)
    model = classifier(class_weight="balanced", **options).fit(X, y)
    counts = np.bincount(y)
    shares = dict(enumerate(y.size / (2 * counts)))
    assert_same(model, classifier(class_weight=shares, **options).fit(X, y))
    assert recall_score(y, model.predict(X)) > recall_score(y, plain.predict(X)) + 0.2


def test_balanced_classes_do_not_count_absent_rows(table):
    X, y = table
    weight = ((y != 2) | (np.arange(90) % 2 == 0)).astype(float)
    model = classifier(class_weight="balanced").fit(X, y, sample_weight=weight)
    assert_same(model, classifier(class_weight="balanced").fit(X[weight > 0], y[weight > 0]))


def test_a_class_of_weight_0_is_absent(table):
    X, y = table
    model = classifier(class_weight={0: 1, 1: 1, 2: 0}).fit(X, y)
    assert_same(model, classifier().fit(X, y, sample_weight=y != 2))
    assert model.predict_proba(X).shape == (90, 3)


# One sentence that says how many rows X and y have.
LENGTHS = r"^(?=.*\b(rows|samples)\b)(?=.*\b%d\b)(?=.*\b90\b)"
WRONG = {
    "no y": ({}, lambda X, y: (X, None), "requires y to be passed"),
    "one class": ({}, lambda X, y: (X, 0 * y), "number of classes has to be greater than one"),
    "short": ({}, lambda X, y: (X, y[:-1]), LENGTHS % 89),
    "long": ({}, lambda X, y: (X, np.r_[y, 0]), LENGTHS % 91),
    "short and semi-supervised": (
        {"reconstruction_weight": 1}, lambda X, y: (X, y[:-1]), LENGTHS % 89,
    ),
    "numbers": ({}, lambda X, y: (X, y + 0.5), "Unknown label type: continuous"),
    "NaN": ({}, lambda X, y: (X, np.where(y, y, np.nan)), "y contains NaN"),
    "two columns": ({}, lambda X, y: (X, np.c_[y, y]), "should be a 1d array"),
    "NaN in X": ({"missing": "error"}, lambda X, y: (X + np.nan, y), "NaN in row 0, column 0"),
    "weights": ({"class_weight": "much"}, lambda X, y: (X, y), "class_weight"),
    "negative": ({"class_weight": {1: -1}}, lambda X, y: (X, y), "Negative values"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_labels_are_refused(table, wrong):
    changes, make, message = WRONG[wrong]
    X, y = table
    fitted = classifier().fit(X, y)
    options = fitted.get_params()
    before = books(fitted)
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**changes).fit(*make(X, y))
    assert_unchanged(fitted.set_params(**options), before)
    fresh = classifier(**changes)
    before = books(fresh)
    with pytest.raises(ValueError, match=message):
        fresh.fit(*make(X, y))
    assert vars(fresh) == before


@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}])
def test_weights_of_wrong_length_are_refused(table, options):
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(89,\), expected \(90,\)"):
        classifier(**options).fit(*table, sample_weight=np.ones(89))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_before_fit_there_is_nothing_to_predict(table, method):
    with pytest.raises(NotFittedError):
        getattr(classifier(), method)(table[0])


def test_tables_of_other_columns_are_refused(table):
    model = classifier(missing="error").fit(*table)
    for rows, message in [(table[0][:, :4], "X has 4 features"), (table[0] * np.nan, "NaN")]:
        with pytest.raises(ValueError, match=message):
            model.predict(rows)


def test_grid_search_over_its_parameters_and_the_autoencoders(table):
    grid = {"autoencoder__hidden_layer_sizes": [1, 4], "encoder_rate": [0, 1]}
    search = GridSearchCV(classifier(Autoencoder(max_epochs=5), max_epochs=10), grid, cv=3)
    search.fit(*table)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_estimator_
    assert best.hidden_layer_sizes_ == (search.best_params_["autoencoder__hidden_layer_sizes"],)
    again = classifier(Autoencoder(max_epochs=5), max_epochs=10).set_params(**search.best_params_)
    assert_same(best, again.fit(*table))


def test_grid_search_over_a_pipeline_of_codes(table):
    pipeline = make_pipeline(Autoencoder(max_epochs=10, random_state=0), LogisticRegression())
    pipeline.set_output(transform="pandas")
    search = GridSearchCV(pipeline, {"autoencoder__hidden_layer_sizes": [1, 3]}, cv=3).fit(*table)
    assert search.best_params_ == {"autoencoder__hidden_layer_sizes": 3}
    codes = search.best_estimator_[0].transform(pd.DataFrame(table[0]))
    assert isinstance(codes, pd.DataFrame)
    assert search.best_estimator_[1].feature_names_in_.tolist() == codes.columns.tolist()
    assert search.best_score_ > 0.7


def test_cross_validation(table):
    model = make_pipeline(StandardScaler(), classifier(max_epochs=20))
    accuracy = cross_val_score(model, *table, cv=3)
    log_loss = -cross_val_score(model, *table, cv=3, scoring="neg_log_loss")
    assert accuracy.min() > 0.8
    assert log_loss.max() < np.log(3) / 2


def test_rows_may_be_divided_among_threads_as_one_likes(table):
    X, y = np.tile(table[0], (40, 4)), np.tile(table[1], 40)
    one, two = (classifier(n_jobs=n, batch_size=128, max_epochs=1).fit(X, y) for n in (1, 2))
    assert_same(one, two)
