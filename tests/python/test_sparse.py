"""SciPy's sparse matrices in place of dense tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from fastae import Autoencoder, AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_fit, assert_same_weights, farthest
from sparserows import BATCH, FORMATS, N_COLUMNS, N_ROWS, assert_alike, model, rows


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
def test_every_format_gives_one_model(kind, make):
    X = make(rows())
    expected = model().fit(X)
    given = X.asformat(kind)
    fitted = model().fit(given)
    assert_same_fit(fitted, expected)
    for method in ("score_samples", "predict", "transform", "reconstruct", "deep_features"):
        made, dense = getattr(fitted, method)(given), getattr(fitted, method)(X.toarray())
        assert isinstance(made, np.ndarray)
        np.testing.assert_array_equal(made, dense)
    assert given.format == kind


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scaling": "standard"},
        {"scaling": "robust"},
        {"scaling": "none", "learning_rate_init": 0.001},
        {"solver": "sgd"},
        {"solver": "adadelta"},
        {"hidden_layer_sizes": (20, 5, 9)},
        {"hidden_dropout": 0.2},
        {"input_dropout": 0.2},
        {"loss": "huber"},
        {"l1": 1e-4, "l2": 1e-3},
        {"max_w2": 1.0},
        {"sparsity_beta": 0.1},
        {"pretraining": "stacked"},
        {"validation_fraction": 0.2, "early_stopping": True},
        {"output_activation": "tanh"},
        {"missing": "error"},
        {"constant_features": "drop"},
        {"contamination": 0.1},
        {"max_epochs": 1.5},
    ],
    ids=str,
)
def test_sparse_and_dense_tables_give_one_model(options):
    X = rows()
    fitted = model(**options).fit(sparse.csr_array(X))
    dense = model(**options).fit(X)
    assert_alike(fitted, dense)
    for given in (X, sparse.csc_array(X)):
        np.testing.assert_allclose(
            fitted.score_samples(given), dense.score_samples(given), rtol=1e-4, atol=1e-7
        )
    # What was fitted on one kind of table takes the other, with the same result.
    np.testing.assert_array_equal(dense.score_samples(X), dense.score_samples(sparse.csr_array(X)))
    np.testing.assert_array_equal(
        fitted.score_samples(X), fitted.score_samples(sparse.csr_array(X))
    )
    assert (fitted.n_features_in_, fitted.scaling_) == (N_COLUMNS, dense.scaling_)
    np.testing.assert_array_equal(fitted.constant_features_, dense.constant_features_)


def test_auto_is_range_and_large_batches():
    X = sparse.csr_array(rows())
    fitted = Autoencoder(max_epochs=1, random_state=0).fit(X)
    assert fitted.scaling_ == "range"
    assert Autoencoder(max_epochs=1).fit(X.toarray()).scaling_ == "robust"
    assert Autoencoder(max_epochs=1).partial_fit(X[:20]).scaling_ == "range"


def test_threads_make_the_same():
    X = sparse.csr_array(rows())
    expected = model(n_jobs=1).fit(X)
    for n_jobs in (2, 3, 4):
        assert_same_fit(model(n_jobs=n_jobs).fit(X), expected)


def test_hogwild_learns_as_much():
    X = sparse.csr_array(rows())
    calm = model(max_epochs=20).fit(X)
    wild = model(max_epochs=20, parallel="hogwild", n_jobs=2).fit(X)
    assert calm.score(X) > 2 * model(max_epochs=0).fit(X).score(X)
    np.testing.assert_allclose(wild.score(X), calm.score(X), rtol=0.25)


@pytest.mark.parametrize("how", ["weights", "anomalous", "validation"])
def test_what_goes_with_the_rows(how):
    X, rng = rows(), np.random.default_rng(0)
    more = {
        "weights": {"sample_weight": np.where(rng.random(N_ROWS) < 0.1, 0, rng.random(N_ROWS))},
        "anomalous": {"anomalous": rng.random(N_ROWS) < 0.05},
        "validation": {"X_val": X[::7]},
    }[how]
    dense = model().fit(X, **more)
    if how == "validation":
        assert_alike(model().fit(sparse.csr_array(X), **more), dense)
        more = {"X_val": sparse.csr_array(X[::7])}
    fitted = model().fit(sparse.csr_array(X), **more)
    assert_alike(fitted, dense)
    np.testing.assert_allclose(
        fitted.history_["validation_mse"], dense.history_["validation_mse"], rtol=1e-4
    )


def test_streams_take_both_kinds_of_tables():
    pieces = np.split(rows(), 4)
    one, other, mixed = model(), model(), model()
    for i, piece in enumerate(pieces):
        one.partial_fit(piece)
        other.partial_fit(sparse.csr_array(piece))
        mixed.partial_fit(piece if i % 2 else sparse.csc_array(piece))
    assert_alike(other, one)
    assert_alike(mixed, one)


def test_warm_start_goes_on():
    X = rows()
    warm, dense = model(warm_start=True), model(warm_start=True)
    for given in (sparse.csr_array(X), sparse.coo_array(X), X):
        warm.fit(given)
        dense.fit(X)
        assert_alike(warm, dense)


def test_a_checkpoint_belongs_to_the_rows(tmp_path):
    X = sparse.csr_array(rows())
    path = tmp_path / "run.ckpt"
    options = {"checkpoint": path, "checkpoint_interval": 0, "learning_rate": "constant"}
    whole = model(max_epochs=6, learning_rate="constant").fit(X)
    first = model(max_epochs=3, **options).fit(X)
    assert first.n_iter_ == 3
    again = model(max_epochs=6, **options).fit(sparse.csc_array(X))
    assert_same_weights(again, whole)
    # An epoch's errors are added up in other parts.
    np.testing.assert_allclose(again.loss_curve_, whole.loss_curve_, rtol=1e-12)
    other = X.copy()
    other.data[3] += 1
    with pytest.raises(ValueError, match=r"run\.ckpt"):
        model(max_epochs=6, **options).fit(other)
    assert_same_weights(model(max_epochs=6, **options).fit(X), whole)


LABELLED = {
    "classifier": (AutoencoderClassifier, np.arange(N_ROWS) % 3),
    "regressor": (AutoencoderRegressor, rows().sum(axis=1)),
}


@pytest.mark.parametrize("below", [None, "new", "fitted"])
@pytest.mark.parametrize("kind", LABELLED)
def test_networks_with_targets(kind, below):
    make, y = LABELLED[kind]
    X = rows()

    def fit(X, **more):
        autoencoder = {"new": model(), "fitted": model().fit(X), None: None}[below]
        options = {"max_epochs": 5, "random_state": 0, **BATCH}
        if below is None:
            options["scaling"] = "range"
        return make(autoencoder, **options).fit(X, y, **more)

    fitted, dense = fit(sparse.csr_array(X)), fit(X)
    assert farthest(fitted, dense) < 1e-4
    made = fitted.predict(sparse.coo_array(X))
    np.testing.assert_array_equal(made, fitted.predict(X))
    if kind == "regressor":
        np.testing.assert_allclose(made, dense.predict(X), rtol=1e-3, atol=1e-4)
    if below != "fitted":
        return
    np.testing.assert_array_equal(
        fitted.deep_features(sparse.csr_array(X)), fitted.deep_features(X)
    )


@pytest.mark.parametrize("kind", LABELLED)
def test_semi_supervised(kind):
    make, y = LABELLED[kind]
    X, more = rows(), rows(seed=1)

    def fit(X, more):
        below = model(max_epochs=3)
        return make(below, reconstruction_weight=0.5, max_epochs=3, random_state=0, **BATCH).fit(
            X, y, X_unlabeled=more
        )

    dense = fit(X, more)
    for given, unlabelled in [
        (sparse.csr_array(X), sparse.csc_array(more)),
        (sparse.csr_array(X), more),
        (X, sparse.csr_array(more)),
    ]:
        fitted = fit(given, unlabelled)
        assert farthest(fitted, dense) < 1e-4
        np.testing.assert_array_equal(fitted.predict(given), fitted.predict(X))


@pytest.mark.parametrize("kind", LABELLED)
def test_streams_with_targets(kind):
    make, y = LABELLED[kind]
    X = rows()
    one, other = (make(max_epochs=3, random_state=0, scaling="range", **BATCH) for _ in "ab")
    for start in range(0, N_ROWS, 60):
        piece, labels = X[start : start + 60], y[start : start + 60]
        more = {"classes": np.unique(y)} if kind == "classifier" and start == 0 else {}
        one.partial_fit(piece, labels, **more)
        other.partial_fit(sparse.csr_array(piece), labels, **more)
    assert farthest(one, other) < 1e-4


def test_estimators_say_that_they_take_sparse_tables():
    for estimator in (Autoencoder(), AutoencoderClassifier(), AutoencoderRegressor()):
        assert estimator.__sklearn_tags__().input_tags.sparse


def test_factors_are_not_for_sparse_rows():
    X = np.column_stack([rows(), np.arange(N_ROWS) % 3])
    fitted = model(categorical_features=[N_COLUMNS]).fit(X)
    for method in ("score_samples", "transform", "partial_fit"):
        with pytest.raises(TypeError, match="X is sparse, but fit saw a table with categories"):
            getattr(fitted, method)(sparse.csr_array(X))


def test_rows_are_scored_in_one_order_with_others_or_alone():
    X = sparse.csr_array(rows())
    fitted = model().fit(X)
    scores = fitted.score_samples(X)
    np.testing.assert_array_equal(fitted.score_samples(X[17:18]), scores[17:18])
    np.testing.assert_array_equal(fitted.score_samples(X[::-1]), scores[::-1])
    np.testing.assert_array_equal(fitted.decision_function(X), scores - fitted.offset_)
