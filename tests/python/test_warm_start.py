"""`warm_start`: a later `fit` goes on where the one before ended."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from corenet import table
from fastae import Autoencoder, DivergenceError, _core
from fits import assert_same_fit, assert_same_weights, assert_unchanged, farthest, snapshot

SOLVERS = ["adam", "adadelta", "sgd"]
NOISY = {"input_dropout": 0.1, "input_noise": 0.1, "hidden_dropout": 0.2}


@pytest.fixture(name="X")
def training_rows():
    return table(120, 6)


def model(**options):
    defaults = {"hidden_layer_sizes": (4, 2, 4), "max_epochs": 3, "batch_size": 8}
    defaults |= {"random_state": 0, "warm_start": True, "score_every": 120}
    return Autoencoder(**{**defaults, **options})


def first_weights(X):
    """Return first weights as parameters: then a fit draws only a seed, always the same."""
    drawn = model(max_epochs=0).fit(X)
    return {"coefs_init": drawn.coefs_, "intercepts_init": drawn.intercepts_}


@pytest.mark.parametrize("noise", [{}, NOISY])
@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("solver", SOLVERS)
def test_two_fits_are_one_of_twice_the_epochs(X, solver, batch_size, noise):
    # With a constant rate and the same seed: weights, optimiser and the orders of rows go on.
    options = {"solver": solver, "batch_size": batch_size, "learning_rate": "constant"}
    options |= first_weights(X) | noise
    twice = model(**options).fit(X).fit(X)
    once = model(max_epochs=6, **options).fit(X)
    assert_same_weights(twice, once)
    assert twice.loss_curve_ == once.loss_curve_
    assert twice.offset_ == once.offset_


def test_without_the_optimisers_state_the_weights_would_differ(X):
    options = {"learning_rate": "constant", **first_weights(X)}
    twice = model(**options).fit(X)
    twice._state.slots[...] = 0
    once = model(max_epochs=6, **options).fit(X)
    assert not np.array_equal(twice.fit(X).coefs_[0], once.coefs_[0])


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_first_step_goes_on_from_the_moments(X, solver):
    # An epoch of one batch is one step, whatever the order of its rows.
    options = {"solver": solver, "learning_rate": "constant", "batch_size": 120, "max_epochs": 5}
    one_more = model(**{**options, "max_epochs": 6}).fit(X)
    warm = model(**options).fit(X).set_params(max_epochs=1).fit(X)
    cold = model(**{**options, "warm_start": False}).fit(X)
    anew = model(**{**options, "max_epochs": 1, "coefs_init": cold.coefs_,
                    "intercepts_init": cold.intercepts_}).fit(X)  # fmt: skip
    assert farthest(warm, one_more) < 1e-6
    assert farthest(anew, one_more) > 5e-5


def test_the_books_go_on(X):
    fitted = model().fit(X)
    first = fitted.history_["training_mse"]
    fitted.fit(X).set_params(max_epochs=1).fit(X)
    history = fitted.history_
    assert history["epochs"].tolist() == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7]
    assert history["samples"].tolist() == (120 * history["epochs"]).tolist()
    assert history["iterations"].tolist() == (15 * history["epochs"]).tolist()
    np.testing.assert_array_equal(history["training_mse"][:4], first)
    assert history["training_mse"][4] == first[-1]
    assert np.all(np.diff(history["duration"]) >= 0)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 7
    assert fitted.n_samples_seen_ == 7 * 120
    assert history["training_mse"][-1] < history["training_mse"][3]


def test_attributes_handed_out_before_do_not_change(X):
    fitted = model().fit(X)
    held, curve, history = fitted.coefs_[0], fitted.loss_curve_, fitted.history_
    expected = held.copy(), list(curve), len(history["epochs"])
    fitted.fit(X)
    np.testing.assert_array_equal(held, expected[0])
    assert (curve, len(history["epochs"])) == expected[1:]


def test_schedules_start_anew(X, monkeypatch):
    seen, train = [], _core.train

    def noted(*args, **options):
        seen.append((options["samples_done"], options["samples_total"], options["first_epoch"]))
        return train(*args, **options)

    monkeypatch.setattr(_core, "train", noted)
    model(max_epochs=2).fit(X).set_params(max_epochs=3).fit(X)
    epochs = [(0, 240, 0), (120, 240, 1), (0, 360, 2), (120, 360, 3), (240, 360, 4)]
    assert seen == epochs


def test_scaling_and_threshold(X):
    fitted = model(contamination=0.1).fit(X)
    shift, scale = fitted.shift_, fitted.scale_
    Z = X[:50] * 3 + 7
    fitted.set_params(scaling="standard").fit(Z)
    np.testing.assert_array_equal(fitted.shift_, shift)
    np.testing.assert_array_equal(fitted.scale_, scale)
    assert np.count_nonzero(fitted.predict(Z) == -1) == 5


def test_another_table_with_the_same_columns(X):
    Z = table(77, 6) + 1
    fitted = model(max_epochs=30).fit(X)
    before = fitted.score(Z)
    fitted.fit(Z.astype(np.float32))
    assert fitted.score(Z) > before
    assert fitted.n_samples_seen_ == 30 * 120 + 30 * 77
    assert fitted.history_["epochs"][-1] == 60


def test_a_fit_with_fewer_rows_than_a_batch(X):
    fitted = model(batch_size=50).fit(X).fit(X[:7])
    assert fitted.n_samples_seen_ == 3 * 120 + 3 * 7
    assert np.isfinite(fitted.offset_)


def test_weights_that_the_user_changed_count(X):
    fitted = model().fit(X)
    fitted.coefs_[0] = np.zeros((6, 4))
    fitted.set_params(max_epochs=0).fit(X)
    assert not fitted.coefs_[0].any()


@pytest.mark.parametrize("noise", [{}, {**NOISY, "sparsity_beta": 0.1}])
@pytest.mark.parametrize("solver", SOLVERS)
def test_pickling_in_between_changes_no_bit(X, solver, noise):
    plain = model(solver=solver, **noise).fit(X)
    again = pickle.loads(pickle.dumps(plain)).fit(X)
    assert_same_fit(again, plain.fit(X))


def test_another_solver_starts_its_state_anew(X):
    fitted = model(solver="sgd").fit(X)
    fitted.set_params(solver="adam", learning_rate_init="auto").fit(X)
    assert fitted.n_iter_ == 6
    assert fitted.history_["training_mse"][-1] < fitted.history_["training_mse"][3]


def test_without_warm_start_fit_starts_anew(X):
    plain = model(warm_start=False).fit(X)
    assert_same_fit(model().fit(X), plain)
    assert_same_fit(model(warm_start=False).fit(table(50, 3)).fit(X), plain)
    assert_same_fit(model().fit(X).set_params(warm_start=False).fit(X), plain)
    assert plain._state.slots.size == 0  # it is of no use


FAILURES = {
    "layers": ({"hidden_layer_sizes": (4, 3, 4)}, "Training can only go on with the layers it has"),
    "parameter": ({"max_epochs": -1}, "max_epochs must be"),
    "diverged": ({"solver": "sgd", "learning_rate_init": 1e30}, "Training diverged"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_leaves_the_estimator_as_it_was(X, failure):
    changed, message = FAILURES[failure]
    fitted = model().fit(X)
    parameters, before = fitted.get_params(), snapshot(fitted)
    slots = fitted._state.slots.copy()
    with pytest.raises((ValueError, DivergenceError), match=message):
        fitted.set_params(**changed).fit(X)
    fitted.set_params(**parameters)
    assert_unchanged(fitted, before)
    np.testing.assert_array_equal(fitted._state.slots, slots)
    assert_same_fit(fitted.fit(X), model().fit(X).fit(X))


def test_tables_of_other_columns_are_refused(X):
    fitted = model().fit(X)
    before = snapshot(fitted)
    with pytest.raises(ValueError, match="X has 5 features"):
        fitted.fit(X[:, :5])
    with pytest.raises(ValueError, match="infinity"):
        fitted.fit(np.where(np.eye(120, 6), np.inf, X))
    assert_unchanged(fitted, before)


def test_warm_start_of_an_unfitted_model_is_a_fit(X):
    fitted = model()
    with pytest.raises(ValueError, match="infinity"):
        fitted.fit(np.full((5, 6), np.inf))
    assert_same_fit(fitted.fit(X), model(warm_start=False).fit(X))


def test_early_stopping_looks_at_each_fit_alone(X):
    options = {"early_stopping": True, "stopping_rounds": 2, "max_epochs": 200}
    fitted = model(learning_rate_init=0.03, **options).fit(X)
    n_events = len(fitted.history_["epochs"])
    assert fitted.stop_reason_ == "early_stopping"
    fitted.fit(X)
    # At least twice as many scorings as rounds and one, whatever the errors before.
    assert len(fitted.history_["epochs"]) >= n_events + 5
    assert fitted.n_iter_ > 4
