"""Bad parameters and bad tables: one sentence that names the culprit, and no half-fitted model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from fastae import Autoencoder, DivergenceError

SCORING = ["predict", "decision_function", "score_samples", "score", "reconstruction_error"]
SCORING += ["transform", "reconstruct", "deep_features", "explain", "calibrate"]


@pytest.fixture(name="X")
def training_rows():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("hidden_layer_sizes", -1, "whole number from 1"),
        ("hidden_layer_sizes", (3, 0), "whole number from 1"),
        ("hidden_layer_sizes", 2.5, "whole number from 1"),
        ("hidden_layer_sizes", True, "whole number from 1"),
        ("hidden_layer_sizes", "wide", "whole number from 1"),
        ("hidden_layer_sizes", 2**63, "whole number from 1"),
        ("activation", "Tanh", "'tanh', 'relu', 'elu', 'logistic', 'identity'"),
        ("output_activation", None, "'tanh'"),
        ("solver", "lbfgs", "'adam', 'adadelta', 'sgd'"),
        ("learning_rate_init", 0, "'auto' or a number > 0"),
        ("learning_rate_init", "fast", "'auto' or a number > 0"),
        ("batch_size", 0, "'auto' or a whole number >= 1"),
        ("batch_size", 2.0, "'auto' or a whole number >= 1"),
        ("max_epochs", -1, "a number >= 0"),
        ("max_epochs", np.inf, "a number >= 0"),
        ("l1", -1e-5, "a number >= 0"),
        ("l2", np.inf, "a number >= 0"),
        ("momentum", 1.0, r"a number in \[0, 1\)"),
        ("nesterovs_momentum", "yes", "True or False"),
        ("annealing", -1, "a number >= 0"),
        ("rho", np.nan, r"a number in \[0, 1\)"),
        ("beta_1", True, r"a number in \[0, 1\)"),
        ("beta_2", 1, r"a number in \[0, 1\)"),
        ("epsilon", 0.0, "a number >= 1e-18"),
        ("init", "zeros", "'glorot_uniform', 'uniform', 'normal'"),
        ("init_scale", 0, "a number > 0"),
        ("scaling", "minmax", "'auto', 'range', 'standard', 'robust', 'none'"),
        ("contamination", 0.6, r"'auto' or a number in \(0, 0.5\]"),
        ("contamination", 0.0, r"'auto' or a number in \(0, 0.5\]"),
        ("threshold", -0.1, "None, a number >= 0, 'mad', 'evt', or a dict"),
        ("threshold", "sd", "None, a number >= 0, 'mad', 'evt', or a dict"),
        ("threshold", np.inf, "None, a number >= 0"),
        ("threshold", True, "None, a number >= 0"),
        ("threshold", {"rate": 0.1}, "a dict of set_threshold's arguments"),
        ("threshold", {}, "a dict of set_threshold's arguments"),
        ("calibration_fraction", 1.0, r"a number in \[0, 1\)"),
        ("parallel", "yes", "'deterministic', 'hogwild'"),
        ("n_jobs", 0, "a positive number of threads, or -1 for all"),
        ("n_jobs", 1.5, "a positive number of threads, or -1 for all"),
        ("verbose", -1, "a whole number >= 0"),
        ("loss", "squared", "'squared_error', 'absolute_error', 'huber', 'quantile'"),
        ("huber_delta", 0, "a number > 0"),
        ("quantile", 1, r"a number in \(0, 1\)"),
        ("quantile", 0.0, r"a number in \(0, 1\)"),
        ("learning_rate", "step", "'cosine', 'constant', 'invscaling', 'onecycle'"),
        ("power_t", -0.5, "a number >= 0"),
        ("layer_rate_decay", 0.0, "a number > 0"),
        ("max_w2", 0, "None or a number > 0"),
        ("max_w2", "inf", "None or a number > 0"),
        ("input_dropout", 1, r"a number in \[0, 1\)"),
        ("hidden_dropout", 1.0, r"a number in \[0, 1\), or 1 of them"),
        ("hidden_dropout", (0.5, 0.5), r"a number in \[0, 1\), or 1 of them"),
        ("hidden_dropout", "0.5", r"a number in \[0, 1\), or 1 of them"),
        ("input_noise", -0.1, "a number >= 0"),
        ("sparsity_beta", -1, "a number >= 0"),
        ("average_activation", np.inf, "a finite number"),
        ("momentum_start", 1, r"None or a number in \[0, 1\)"),
        ("momentum_ramp", -1, "a number >= 0"),
        ("momentum_dampening", 1, "True or False"),
        ("pretraining", "greedy", "None or 'stacked'"),
        ("pretraining_epochs", -1, "None or a number >= 0"),
        ("validation_fraction", 1, r"a number in \[0, 1\)"),
        ("early_stopping", 1, "True or False"),
        ("stopping_rounds", 0, "a whole number >= 1"),
        ("stopping_rounds", 2.0, "a whole number >= 1"),
        ("stopping_tolerance", 1.0, r"a number in \[0, 1\)"),
        ("restore_best_weights", None, "True or False"),
        ("target_mse", -1, "None or a number >= 0"),
        ("max_time", 0, "None or a number > 0"),
        ("score_every", 0, "'auto' or a whole number >= 1"),
        ("score_every", 10.0, "'auto' or a whole number >= 1"),
        ("score_interval", -1, "a number >= 0"),
        ("score_duty_cycle", 0, r"a number in \(0, 1\]"),
        ("score_training_samples", -1, "a whole number >= 0"),
        ("score_validation_samples", 0.5, "a whole number >= 0"),
        ("warm_start", "no", "True or False"),
        ("checkpoint", 3, "None or the path of a file"),
        ("checkpoint_interval", -1, "a number >= 0"),
        ("callback", "print", "None or a function of one event"),
        ("missing_indicator", 1, "True or False"),
        ("categorical_loss", "hinge", "one of 'cross_entropy', 'squared_error'"),
        ("max_categories", 1, "a whole number >= 2"),
    ],
)
def test_bad_parameter_is_named_with_its_range_and_value(X, name, value, allowed):
    with pytest.raises(ValueError, match=rf"^{name} must be .*{allowed}.*, got ") as caught:
        Autoencoder(**{name: value}).fit(X)
    assert str(caught.value).endswith(f"got {value!r}.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coefs_init": [np.zeros((3, 2))]}, r"coefs_init must be a list of 2 arrays.* got 1\."),
        ({"coefs_init": 3}, r"coefs_init must be a list of 2 arrays.* got int\."),
        (
            {"coefs_init": [np.zeros((3, 2)), np.zeros((3, 2))]},
            r"coefs_init\[1\] must have shape \(2, 3\), got \(3, 2\)\.",
        ),
        (
            {"intercepts_init": [np.zeros(2), np.full(3, np.nan)]},
            r"intercepts_init\[1\] must be finite",
        ),
        ({"intercepts_init": [np.full(2, 1e300), np.zeros(3)]}, r"intercepts_init\[0\] must be fi"),
    ],
)
def test_bad_initial_weights(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(**parameters).fit(X)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.empty((0, 3)), r"0 sample\(s\)"),
        (np.empty((3, 0)), r"0 feature\(s\)"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        (np.zeros((2, 2, 2)), "dim 3"),
        ([[1, 2], [3]], "2 values in row 0 but 1 in row 1"),
        ([[1, 2], [3, "x"]], "Column 1 holds values of different kinds"),
        ([["1", "2"], ["3", "4"]], "numbers written as text"),
        (pd.DataFrame({"n": pd.array([1, None], "Int64")}), r"NaN in row 1, column 0 \('n'\)"),
        (np.zeros((2, 2)) + 1j, "Complex data not supported"),
        (np.array([[1e300, 1.0], [-1e300, 2.0]]), "Column 0 .* -1e[+]300 and 1e[+]300"),
    ],
    ids=range(10),
)
def test_bad_table(table, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(missing="error").fit(table)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, object])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "inf"), (-np.inf, "inf")])
def test_first_value_that_is_not_finite_is_named(X, value, word, dtype, order):
    missing = "error" if np.isnan(value) else "ignore"
    model = Autoencoder(random_state=0, max_epochs=2, missing=missing).fit(X)
    bad = X.astype(dtype, order=order)
    bad[31, 0] = bad[17, 2] = bad[17, 1] = value
    if np.isinf(value):
        bad[3] = np.nan  # which is no error
    cure = "fill in or drop missing values first, or set missing='ignore'"
    if np.isinf(value):
        cure = "replace or drop such values first"
    message = rf"^Input X contains {word}\w* in row 17, column 1: {cure}\.$"
    for name in ["fit", *SCORING]:
        with pytest.raises(ValueError, match=message):
            getattr(model, name)(bad)
    with pytest.raises(ValueError, match=message):
        model.reconstruction_error(bad, per_feature=True)


def test_value_that_is_not_finite_is_found_in_a_later_block(monkeypatch, X):
    monkeypatch.setattr("fastae._input._BLOCK", 12)
    X[38, 1] = np.nan
    with pytest.raises(ValueError, match="NaN in row 38, column 1"):
        Autoencoder(missing="error").fit(X)
    X[20], X[38, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match="infinity in row 38, column 1"):
        Autoencoder().fit(X)


def test_finite_values_whose_sum_overflows_are_accepted():
    X = np.full((40, 2), 1e38, dtype=np.float32)
    X[::2] *= 0.9
    model = Autoencoder(random_state=0).fit(X)
    assert np.isfinite(model.transform(X)).all()


def test_columns_must_be_those_of_fit(X):
    model = Autoencoder(random_state=0, max_epochs=1).fit(pd.DataFrame(X, columns=list("abc")))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(X, columns=list("acb")))
    model.fit(X)
    with pytest.raises(ValueError, match="X has 2 features, but Autoencoder is expecting 3"):
        model.transform(X[:, :2])


@pytest.mark.parametrize("method", SCORING)
def test_not_fitted(X, method):
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(Autoencoder(), method)(X)


@pytest.mark.parametrize("method", ["summary", "feature_importances", "get_feature_names_out"])
def test_not_fitted_without_arguments(method):
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(Autoencoder(), method)()


def test_codes_cannot_be_decoded_before_fit():
    with pytest.raises(NotFittedError, match="not fitted"):
        Autoencoder().inverse_transform([[0.0]])


def test_codes_must_be_as_wide_as_the_code_layer(X):
    model = Autoencoder(hidden_layer_sizes=2, max_epochs=1).fit(X)
    with pytest.raises(ValueError, match=r"codes must have 2 columns.* got 3"):
        model.inverse_transform(X)
    with pytest.raises(ValueError, match="Input codes contains NaN"):
        model.inverse_transform([[1.0, np.nan]])


@pytest.mark.parametrize(("hidden", "layer"), [((3, 2), 2), ((3, 2), -3), ((), 0), ((), -1)])
def test_layer_out_of_range(X, hidden, layer):
    model = Autoencoder(hidden_layer_sizes=hidden, max_epochs=1).fit(X)
    with pytest.raises(ValueError, match=f"layer must be .* got {layer}"):
        model.deep_features(X, layer=layer)


def test_divergence_says_what_to_change(X):
    model = Autoencoder(solver="sgd", learning_rate_init=1e9, random_state=0)
    with pytest.raises(DivergenceError, match=r"epoch 1: .*learning_rate_init \(it was 1e\+09\)"):
        model.fit(X)
    with pytest.raises(NotFittedError):
        model.predict(X)


def diverge(model, X):
    model.set_params(solver="sgd", learning_rate_init=1e9).fit(X[:, :2])


def bad_parameter(model, X):
    model.set_params(solver="none").fit(X[:, :2])


def bad_table(model, X):
    model.fit(np.full((4, 2), np.inf))


def no_memory(model, X):
    model.set_params(hidden_layer_sizes=(2**30, 2**30)).fit(X[:, :2])


@pytest.mark.parametrize("failure", [diverge, bad_parameter, bad_table, no_memory])
def test_failed_fit_leaves_the_model_as_it_was(X, failure):
    model = Autoencoder(random_state=0, max_epochs=3).fit(X)
    expected = model.score_samples(X)
    before = {key: value for key, value in vars(model).items() if key.endswith("_")}
    with pytest.raises((ValueError, DivergenceError, MemoryError)):
        failure(model, X)
    after = {key: value for key, value in vars(model).items() if key.endswith("_")}
    assert before.keys() == after.keys()
    assert all(after[key] is value for key, value in before.items())
    np.testing.assert_array_equal(model.score_samples(X), expected)
