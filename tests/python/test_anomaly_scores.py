"""Scores beyond the MSE: against NumPy from the equations, and for what they are meant to see."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf

import fastae
from fastae import Autoencoder
from fastae._anomaly_scores import NAMES, Cloud

SCORES = [*NAMES, ("mse", "code_distance"), ["standardized", "mahalanobis", "code_distance"]]
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 3)) @ rng.normal(size=(3, 6)) + 0.1 * rng.normal(size=(400, 6))


def fitted(score, table=X, **settings):
    settings = {"hidden_layer_sizes": 2, "max_epochs": 20, "random_state": 0} | settings
    return Autoencoder(anomaly_score=score, **settings).fit(table)


def forward(model, table):
    """Scaled rows, codes and outputs in float64, from the attributes alone."""
    scaled = np.clip((table - model.shift_) * model.scale_, -model._limit, model._limit)
    codes = np.tanh(scaled @ model.coefs_[0].astype(float) + model.intercepts_[0])
    return scaled, codes, codes @ model.coefs_[1].astype(float) + model.intercepts_[1]


def distances(vectors, training):
    """Squared Mahalanobis distances per dimension, correlations shrunk by scikit-learn."""
    mean, spread = training.mean(axis=0), training.std(axis=0)
    correlation, _ = ledoit_wolf((training - mean) / spread, assume_centered=True)
    precision = np.linalg.inv(np.outer(spread, spread) * correlation)
    gaps = vectors - mean
    return np.einsum("ij,jk,ik->i", gaps, precision, gaps) / vectors.shape[1]


def reference(name, model, table, training):
    seen, codes, out = forward(model, table)
    seen_then, codes_then, out_then = forward(model, training)
    if name == "mse":
        return ((seen - out) ** 2).mean(axis=1)
    if name == "standardized":
        return ((seen - out) ** 2 / ((seen_then - out_then) ** 2).mean(axis=0)).mean(axis=1)
    if name == "mahalanobis":
        return distances(seen - out, seen_then - out_then)
    return distances(codes, codes_then)


@pytest.mark.parametrize("name", NAMES)
def test_against_the_equations(name):
    model = fitted(name)
    new = np.vstack([X[:50], 3 * rng.normal(size=(50, 6))])
    np.testing.assert_allclose(-model.score_samples(new), reference(name, model, new, X), rtol=1e-6)


@pytest.mark.parametrize("names", SCORES[-2:])
def test_several_are_their_mean_in_units_of_training_rows(names):
    model = fitted(names)
    new = np.vstack([X[:50], 3 * rng.normal(size=(50, 6))])
    parts = [reference(name, model, new, X) / reference(name, model, X, X).mean() for name in names]
    np.testing.assert_allclose(-model.score_samples(new), np.mean(parts, axis=0), rtol=1e-6)
    assert np.mean(-model.score_samples(X)) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("score", SCORES)
def test_error_and_history_stay_the_mse(score):
    model, plain = fitted(score), fitted("mse")
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    np.testing.assert_array_equal(
        model.reconstruction_error(X), -plain.score_samples(X)
    )  # the same bits
    assert model.history_["training_mse"][-1] == plain.history_["training_mse"][-1]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("kind", ["plain", "missing", "mixed", "dropped"])
def test_decisions_follow_the_score(score, kind):
    pd = pytest.importorskip("pandas")
    table, settings = X.copy(), {}
    if kind == "missing":
        table[rng.random(X.shape) < 0.1] = np.nan
    elif kind == "dropped":
        table[:, 2] = 7.0
        settings["constant_features"] = "drop"
    elif kind == "mixed":
        table = pd.DataFrame(X, columns=list("abcdef"))
        table["kind"] = pd.Categorical(np.where(X[:, 0] > 0, "up", "down"))
    model = fitted(score, table, calibration_fraction=0.25, **settings)
    scores = model.score_samples(table)
    assert np.isfinite(scores).all()
    assert (scores <= 0).all()
    np.testing.assert_array_equal(model.predict(table) == -1, scores < model.offset_)
    np.testing.assert_array_equal(model.decision_function(table), scores - model.offset_)
    # p-values are by the ranks of the same scores
    order = np.argsort(scores)
    assert (np.diff(model.p_values(table)[order]) >= 0).all()
    model.set_threshold(false_positive_rate=0.05)
    np.testing.assert_array_equal(model.predict(table) == -1, model.p_values(table) <= 0.05)


@pytest.mark.parametrize("score", SCORES)
def test_copies_score_alike(score, tmp_path):
    model = fitted(score)
    model.save(tmp_path / "model.fastae")
    for copy in (pickle.loads(pickle.dumps(model)), fastae.load(tmp_path / "model.fastae")):
        np.testing.assert_array_equal(copy.score_samples(X), model.score_samples(X))
        assert copy.anomaly_score == score
    np.testing.assert_array_equal(clone(model).fit(X).score_samples(X), model.score_samples(X))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_onnx_agrees(score, dtype):
    runtime = pytest.importorskip("onnxruntime")
    table = X.copy()
    table[rng.random(X.shape) < 0.05] = np.nan
    model = fitted(score, table)
    graph = model.to_onnx(dtype=dtype, outputs=["label", "score", "decision"])
    session = runtime.InferenceSession(graph.SerializeToString())
    label, found, decision = session.run(None, {"X": table.astype(dtype)})
    scores = model.score_samples(table.astype(dtype))
    np.testing.assert_allclose(found, scores, rtol=1e-5 if dtype == "float64" else 2e-4)
    np.testing.assert_array_equal(label, model.predict(table))
    np.testing.assert_allclose(decision, scores - model.offset_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("score", SCORES[1:])
def test_rows_do_not_depend_on_each_other(score):
    model = fitted(score)
    one_by_one = np.concatenate([model.score_samples(row[np.newaxis]) for row in X[:20]])
    np.testing.assert_allclose(one_by_one, model.score_samples(X)[:20], rtol=1e-12)


@pytest.mark.parametrize("score", SCORES[1:])
def test_rows_of_weight_0_do_not_count(score):
    """As known anomalies do not, whose weight in the books is 0."""
    weights = np.ones(500)
    weights[400:] = 0
    odd = np.vstack([X, 100 + rng.normal(size=(100, 6))])
    settings = {"anomaly_score": score, "max_epochs": 0, "random_state": 0, "scaling": "none"}
    settings["hidden_layer_sizes"] = 2
    with_odd = Autoencoder(**settings).fit(odd, sample_weight=weights)
    without = Autoencoder(**settings).fit(X)
    np.testing.assert_allclose(with_odd.score_samples(X), without.score_samples(X), rtol=1e-9)


@pytest.mark.parametrize("score", SCORES[1:])
def test_sparse_rows(score):
    table = np.where(rng.random((300, 40)) < 0.1, rng.normal(size=(300, 40)), 0.0)
    dense = fitted(score, table, scaling="standard")
    on_sparse = dense.score_samples(sparse.csr_array(table))
    np.testing.assert_allclose(on_sparse, dense.score_samples(table), rtol=1e-6)
    assert np.isfinite(fitted(score, sparse.csr_array(table)).score_samples(table)).all()


@pytest.mark.parametrize("score", SCORES[1:])
def test_streams_and_scans(score, tmp_path):
    model = Autoencoder(anomaly_score=score, hidden_layer_sizes=2, random_state=0)
    for part in np.array_split(X, 4):
        model.partial_fit(part)
    # about 1; less where correlations of few rows are shrunk
    assert 0.5 < np.mean(-model.score_samples(X[300:])) < 1.2
    before = -model.score_samples(X).mean()
    model.partial_fit(X[:1])  # one row says nothing of clouds
    assert 0.8 * before < -model.score_samples(X).mean() < 1.2 * before
    np.save(tmp_path / "rows.npy", X)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    found = fitted(score, fastae.scan(rows)).score_samples(fastae.scan(rows))
    np.testing.assert_array_equal(found, fitted(score).score_samples(X))


def test_standardized_hears_quiet_columns():
    """A column that the network knows to three digits, a little off, beside loud ones."""
    t = rng.normal(size=2000)
    table = np.column_stack([t, 2 * t, -t, *rng.normal(size=(5, 2000))])
    odd = table[:200].copy()
    odd[:, 1] += 1.0  # half a standard deviation
    areas = {}
    for score in ("mse", "standardized"):
        model = fitted(score, table, hidden_layer_sizes=1, max_epochs=200)
        normal = -model.score_samples(table[200:400])
        areas[score] = np.mean(-model.score_samples(odd)[:, np.newaxis] > normal)
    assert areas["standardized"] > 0.95 > areas["mse"]


def test_code_distance_sees_what_is_reconstructed_well():
    """Far out on the line that the network has learned."""
    t = rng.normal(size=(1000, 1))
    line = t * np.array([1.0, 2.0, -1.0])
    far = np.array([[1.0, 2.0, -1.0]]) * 4.0
    settings = {"activation": "identity", "scaling": "standard", "hidden_layer_sizes": 1}
    settings["max_epochs"] = 100
    noisy = line + 0.1 * rng.normal(size=line.shape)
    by_codes = fitted("code_distance", noisy, **settings)
    by_errors = fitted("mse", noisy, **settings)
    rank = {
        m: np.mean(m.score_samples(far) < m.score_samples(noisy)) for m in (by_codes, by_errors)
    }
    assert rank[by_codes] > 0.99 > rank[by_errors]


@pytest.mark.parametrize("score", SCORES[1:])
def test_perfect_reconstructions_are_finite(score):
    """Constant columns, nothing to be learned, one row, fewer rows than columns."""
    for table in (np.ones((20, 3)), np.ones((1, 3)), rng.normal(size=(3, 30))):
        scores = fitted(score, table, scaling="standard").score_samples(table + 1.0)
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("score", ["MSE", "", (), ("mse", "mse"), ["mse", 1], None, 3])
def test_unknown_scores_are_refused(score):
    with pytest.raises(ValueError, match="anomaly_score must be one of 'mse', 'standardized'"):
        fitted(score)


def test_too_many_columns_for_distances_of_residuals():
    with pytest.raises(ValueError, match="it is there for up to 2,048 columns, got 2,049"):
        fitted("mahalanobis", np.zeros((3, 2049)))
    assert np.isfinite(
        fitted("standardized", np.zeros((3, 2049))).score_samples(np.ones((1, 2049)))
    )


def test_weights_taken_over_have_no_training_rows():
    with pytest.raises(ValueError, match='leave it at "mse"'):
        Autoencoder._assembled(
            coefs=[np.ones((2, 1)), np.ones((1, 2))], intercepts=[np.zeros(1), np.zeros(2)],
            shift=np.zeros(2), scale=np.ones(2), anomaly_score="standardized",
        )  # fmt: skip


def test_callbacks_get_the_threshold_of_the_score():
    """Scikit-learn's callbacks see an estimator as it would be if training ended now."""
    model = fitted("standardized", max_epochs=3)
    seen = []
    model.set_params(callback=lambda event: seen.append(event["training_mse"]))
    model.fit(X)
    assert len(seen) > 1
    assert model.offset_ < -1  # a threshold in units of ordinary scores, not of errors


@pytest.mark.parametrize("name", ["mahalanobis", "standardized"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_rows_with_gaps_are_about_1_as_well(name, share):
    table = X.copy()
    gaps = rng.random(len(X)) < 0.3
    table[np.ix_(gaps, [0, 2, 5])] = np.nan
    table[rng.random(X.shape) < share / 5] = np.nan
    scores = -fitted(name, table).score_samples(table)
    assert 0.5 < scores[gaps].mean() < 1.9  # worse reconstructed, by less that is known
    assert 0.5 < scores[~gaps].mean() < 1.5


def test_distances_of_a_single_known_value_are_those_of_its_column():
    cloud = Cloud.of(X, None)
    alone = np.full((1, 6), np.nan)
    alone[0, 2] = X[0, 2]
    expected = (X[0, 2] - X[:, 2].mean()) ** 2 / X[:, 2].var()
    assert cloud.distances(alone)[0] == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("offset", [1e4, 1e6])
def test_float32_tables_far_from_0(offset):
    """Columns whose own float32 digits are coarser than the residuals."""
    runtime = pytest.importorskip("onnxruntime")
    table = (X + offset).astype(np.float32)
    model = fitted("mahalanobis", table)
    scores = model.score_samples(table)
    np.testing.assert_allclose(scores, model.score_samples(table.astype(float)), rtol=2e-3)
    graph = model.to_onnx(dtype="float32", outputs=["score"])
    found = runtime.InferenceSession(graph.SerializeToString()).run(None, {"X": table})[0]
    np.testing.assert_allclose(found, scores, rtol=2e-3)


def test_a_stream_drops_errors_in_other_units():
    model = Autoencoder(hidden_layer_sizes=2, random_state=0, contamination=0.05)
    for _ in range(3):
        model.partial_fit(X)
    model.set_params(anomaly_score="mahalanobis").partial_fit(X)
    assert np.mean(model.predict(X) == -1) == pytest.approx(0.05, abs=0.01)


def test_infinite_errors_are_beyond_all_others():
    for score in NAMES:
        model = fitted(score, scaling="standard")
        far = np.full((1, 6), 1e200)
        far[0, 1:] = X[0, 1:]
        value = -model.score_samples(far)[0]
        assert value == np.inf or score == "code_distance"
        assert model.predict(far)[0] == -1
