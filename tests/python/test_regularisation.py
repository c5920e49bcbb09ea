"""Penalties, noise and losses: what each parameter of the estimator is for is what it does.

The arithmetic is checked step by step in test_core_options*.py; here it is the purpose.
"""

from __future__ import annotations

import numpy as np
import pytest

import reference
from corenet import table
from fastae import Autoencoder

DEEP = {"hidden_layer_sizes": (6, 3, 6)}


@pytest.fixture(name="X", scope="module")
def training_rows():
    return table(300, 10)


def fitted(X, **options):
    defaults = {"hidden_layer_sizes": 5, "max_epochs": 30, "batch_size": 10, "random_state": 0}
    defaults["scaling"] = "range"  # penalties are in scaled units
    return Autoencoder(**defaults | options).fit(X)


def weights(model):
    return np.concatenate([W.ravel() for W in model.coefs_]).astype(np.float64)


def mean_activations(model, X):
    n_hidden = len(model.hidden_layer_sizes_)
    return np.concatenate([model.deep_features(X, k).mean(axis=0) for k in range(n_hidden)])


# Each with what it needs to have an effect, beside which it is changed.
CHANGES = [
    ({}, {"l1": 1e-4}),
    ({}, {"l2": 1e-3}),
    ({}, {"max_w2": 0.5}),
    ({}, {"input_dropout": 0.1}),
    ({}, {"hidden_dropout": 0.1}),
    (DEEP, {"hidden_dropout": (0.0, 0.0, 0.1)}),
    ({}, {"input_noise": 0.01}),
    ({}, {"sparsity_beta": 0.1}),
    ({"sparsity_beta": 0.1}, {"average_activation": 0.2}),
    ({}, {"loss": "absolute_error"}),
    ({}, {"loss": "huber", "huber_delta": 0.01}),
    ({"loss": "huber"}, {"huber_delta": 0.01}),
    ({}, {"loss": "quantile"}),
    ({"loss": "quantile"}, {"quantile": 0.9}),
    ({}, {"learning_rate": "onecycle"}),
    ({"learning_rate": "invscaling"}, {"power_t": 0.3}),
    ({}, {"layer_rate_decay": 0.5}),
    ({"solver": "sgd"}, {"momentum_start": 0.1}),
    ({"solver": "sgd", "momentum_start": 0.1}, {"momentum_ramp": 500.0}),
    ({"solver": "sgd"}, {"momentum_dampening": True}),
    ({"solver": "sgd"}, {"nesterovs_momentum": False}),
    ({"solver": "sgd"}, {"annealing": 1e-3}),
    (DEEP, {"pretraining": "stacked"}),
    (DEEP | {"pretraining": "stacked"}, {"pretraining_epochs": 1.5}),
]


@pytest.mark.parametrize(("base", "change"), CHANGES, ids=lambda value: "-".join(value) or "plain")
def test_every_option_has_an_effect(X, base, change):
    plain = weights(fitted(X, max_epochs=2, **base))
    changed = weights(fitted(X, max_epochs=2, **base | change))
    assert np.abs(plain - changed).max() > 1e-4
    again = weights(fitted(X, max_epochs=2, **base | change))
    np.testing.assert_array_equal(changed, again)


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
@pytest.mark.parametrize(
    ("base", "inert"),
    [({}, {"quantile": 0.9}), ({}, {"huber_delta": 0.1}), ({}, {"average_activation": 0.3}),
     ({}, {"power_t": 0.1}), ({}, {"max_w2": 1e9}), ({}, {"pretraining_epochs": 3})],
    ids=str,
)  # fmt: skip
def test_what_is_off_has_no_effect(X, solver, base, inert):
    options = {"max_epochs": 2, "solver": solver}
    plain, other = fitted(X, **options), fitted(X, **options, **inert)
    np.testing.assert_array_equal(weights(plain), weights(other))


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_l1_leaves_few_weights_that_matter(X, solver):
    wide = {"hidden_layer_sizes": 20, "solver": solver}
    plain, sparse = weights(fitted(X, **wide)), weights(fitted(X, l1=3e-3, **wide))
    largest = np.abs(plain).max()
    assert (np.abs(sparse) < 0.01 * largest).mean() > 2 * (np.abs(plain) < 0.01 * largest).mean()
    assert np.abs(sparse).sum() < 0.8 * np.abs(plain).sum()


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_l2_makes_weights_smaller(X, solver):
    norms = [np.sum(weights(fitted(X, l2=l2, solver=solver)) ** 2) for l2 in (0, 1e-3, 1e-2)]
    assert norms[0] > 1.02 * norms[1] > 1.2 * norms[2]


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
@pytest.mark.parametrize("batch_size", [1, 10])
@pytest.mark.parametrize("max_w2", [0.1, 0.6])
def test_weights_into_a_unit_stay_within_their_bound(X, solver, batch_size, max_w2):
    model = fitted(X, max_w2=max_w2, solver=solver, batch_size=batch_size, max_epochs=3, **DEEP)
    for W in model.coefs_:
        squares = (W.astype(np.float64) ** 2).sum(axis=0)
        assert squares.max() <= max_w2 * (1 + 1e-5)
    assert max((W.astype(np.float64) ** 2).sum(axis=0).max() for W in model.coefs_) > 0.9 * max_w2


def blanked(X, share):
    """Return rows with a share of the values at their columns' means."""
    return np.where(np.random.default_rng(1).random(X.shape) < share, X.mean(axis=0), X)


def restoration_error(model, corrupted, X):
    """Return how far the reconstructions of corrupted rows are from the clean ones."""
    return np.mean(((model.reconstruct(corrupted) - X) * model.scale_) ** 2)


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
def test_input_dropout_teaches_to_fill_gaps(X, solver):
    options = {"hidden_layer_sizes": 20, "max_epochs": 60, "solver": solver}
    gaps = blanked(X, 0.3)
    # What is kept is larger in training, by 1 / (1 - p), and is to be so here.
    seen = X.mean(axis=0) + (gaps - X.mean(axis=0)) / 0.7
    plain = restoration_error(fitted(X, **options), gaps, X)
    denoising = restoration_error(fitted(X, input_dropout=0.3, **options), seen, X)
    assert denoising < 0.8 * plain


def test_input_noise_teaches_to_take_noise_away(X):
    rng = np.random.default_rng(1)
    options = {"hidden_layer_sizes": 20, "max_epochs": 60}
    plain, denoising = fitted(X, **options), fitted(X, input_noise=0.2, **options)
    noisy = X + rng.normal(scale=0.2, size=X.shape) / plain.scale_
    assert restoration_error(denoising, noisy, X) < 0.7 * restoration_error(plain, noisy, X)
    assert restoration_error(denoising, X, X) > restoration_error(plain, X, X)  # at a price


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_hidden_dropout_keeps_the_scale(X, p):
    # Without hidden activation the means of what is trained and of what is scored are the same.
    options = {"hidden_layer_sizes": 40, "activation": "identity", "max_epochs": 100}
    model = fitted(X, hidden_dropout=p, **options)
    x = (X - model.shift_) * model.scale_
    y = (model.reconstruct(X) - model.shift_) * model.scale_
    slope = (x * y).sum() / (x * x).sum()
    assert 0.8 < slope < 1.05  # 1 / (1 - p) or 1 - p if either forgot about the others


def test_hidden_dropout_spreads_what_units_know(X):
    def harm(model):
        """Return how much worse the worst loss of one hidden unit makes the reconstruction."""
        before, harms = -model.score(X), []
        for unit in range(12):
            W = model.coefs_[1][unit].copy()
            model.coefs_[1][unit] = 0
            harms.append(-model.score(X) - before)
            model.coefs_[1][unit] = W
        return max(harms)

    options = {"hidden_layer_sizes": 12, "max_epochs": 60}
    assert harm(fitted(X, hidden_dropout=0.5, **options)) < 0.7 * harm(fitted(X, **options))


@pytest.mark.parametrize("target", [0.1, 0.3])
@pytest.mark.parametrize("hidden", [5, (8, 4)])
def test_sparsity_pushes_mean_activations_to_their_target(X, target, hidden):
    options = {"hidden_layer_sizes": hidden, "activation": "logistic", "max_epochs": 60}
    off = np.abs(mean_activations(fitted(X, **options), X) - target).mean()
    model = fitted(X, sparsity_beta=0.5, average_activation=target, **options)
    assert np.abs(mean_activations(model, X) - target).mean() < 0.2 * off


@pytest.mark.parametrize(
    "loss", [{"loss": "absolute_error"}, {"loss": "huber", "huber_delta": 0.02}], ids=str
)
def test_robust_losses_are_not_drawn_to_gross_outliers(X, loss):
    good = np.arange(300) % 10 > 0
    spoilt = X.copy()
    spoilt[~good, 0] += 20 * X[:, 0].std()

    def error_of_good_rows(**options):
        model = fitted(spoilt, hidden_layer_sizes=3, max_epochs=60, **options)
        return model.reconstruction_error(spoilt[good], per_feature=True)[:, 0].mean()

    assert error_of_good_rows(**loss) < 0.3 * error_of_good_rows()


@pytest.mark.parametrize("delta", [1e3, 10.0])
def test_hubers_loss_is_the_squared_error_below_delta(X, delta):
    huber = fitted(X, loss="huber", huber_delta=delta, max_epochs=3)
    np.testing.assert_allclose(weights(huber), weights(fitted(X, max_epochs=3)), atol=1e-6)


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.9])
def test_a_quantile_of_the_values_lies_below_their_reconstruction(quantile):
    # Columns without relation, and next to no code for them: only the biases can adapt.
    X = np.random.default_rng(0).exponential(size=(2000, 4))
    model = fitted(
        X, hidden_layer_sizes=1, loss="quantile", quantile=quantile, max_epochs=60, l2=1.0,
        learning_rate_init=0.003,
    )  # fmt: skip
    below = (model.reconstruct(X) > X).mean(axis=0)
    np.testing.assert_allclose(below, quantile, atol=0.03)


def test_the_median_is_half_the_absolute_error(X):
    options = {"solver": "sgd", "max_epochs": 2}
    half = fitted(X, loss="quantile", quantile=0.5, learning_rate_init=0.02, **options)
    whole = fitted(X, loss="absolute_error", learning_rate_init=0.01, **options)
    np.testing.assert_allclose(weights(half), weights(whole), atol=1e-6)


@pytest.mark.parametrize("loss", list(reference.LOSSES))
def test_scores_and_history_are_squared_errors_whatever_the_loss(X, loss):
    model = fitted(X, loss=loss, max_epochs=2)
    squared = ((model.reconstruct(X) - X) * model.scale_) ** 2
    np.testing.assert_allclose(-model.score_samples(X), squared.mean(axis=1), rtol=1e-6)
    assert model.history_["training_mse"][-1] == pytest.approx(squared.mean(), rel=1e-6)


def test_pretraining_gives_a_better_start(X):
    options = {"hidden_layer_sizes": (8, 5, 3, 5, 8), "max_epochs": 10}
    plain, stacked = (fitted(X, pretraining=how, **options) for how in (None, "stacked"))
    assert stacked.history_["training_mse"][0] < 0.5 * plain.history_["training_mse"][0]
    assert stacked.history_["samples"][0] == 0
    assert stacked.n_samples_seen_ == plain.n_samples_seen_ == 3000


def test_a_bad_number_of_dropouts_is_named(X):
    with pytest.raises(ValueError, match=r"^hidden_dropout must be .* 3 of them.* got \(0.5, 0.1"):
        fitted(X, hidden_dropout=(0.5, 0.1), **DEEP)
    fitted(X, hidden_layer_sizes=(), hidden_dropout=0.5, max_epochs=1)  # no layer, no dropout
