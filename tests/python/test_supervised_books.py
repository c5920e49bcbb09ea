"""The books of classifiers and regressors: history, stopping, checkpoints, weights of rows."""

from __future__ import annotations

import copy
import logging
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss, mean_squared_error, zero_one_loss

from corenet import table
from fastae import _core
from fits import farthest
from labelled import KINDS, KilledError, assert_same, below, blobs, classifier, kill

METRICS = {"classifier": ("logloss", "error"), "regressor": ("rmse", "mse")}
OPTIONS = {
    "plain": {},
    "online": {"batch_size": 1},
    "fitted autoencoder": {"autoencoder": below().fit(table(50, 5))},
    "unfitted autoencoder": {"autoencoder": below(random_state=None)},
    "semi-supervised": {"reconstruction_weight": 0.5},
    "thawing": {"autoencoder": below().fit(table(50, 5)), "thaw_epochs": 1.5},
    "stopping": {"validation_fraction": 0.2, "early_stopping": True, "stopping_rounds": 1},
    "noise": {"input_noise": 0.1, "hidden_dropout": 0.2, "solver": "adadelta"},
}


@pytest.fixture(name="kind", params=KINDS)
def kind_of_estimator(request):
    make, made = KINDS[request.param]
    return make, *made()


def scores(model, X, y, weight=None):
    """Return what scikit-learn makes of a model's predictions, as the history calls it."""
    if hasattr(model, "classes_"):
        logloss = log_loss(y, model.predict_proba(X), sample_weight=weight)
        error = zero_one_loss(y, model.predict(X), sample_weight=weight)
        return {"logloss": logloss, "error": error}
    mse = mean_squared_error(y, model.predict(X), sample_weight=weight)
    return {"rmse": mse**0.5, "mse": mse}


@pytest.mark.parametrize("weighted", [False, True])
def test_the_history_holds_scikit_learns_metrics(kind, weighted):
    make, X, y = kind
    weight = np.arange(60.0) % 4 if weighted else None
    model = make(restore_best_weights=False)
    model.fit(X[:60], y[:60], sample_weight=weight, X_val=X[60:], y_val=y[60:])
    last = model.history_.rows()[-1]
    for name, value in scores(model, X[:60], y[:60], weight).items():
        assert last[f"training_{name}"] == pytest.approx(value, rel=1e-9)
    for name, value in scores(model, X[60:], y[60:]).items():
        assert last[f"validation_{name}"] == pytest.approx(value, rel=1e-9)


def test_its_columns_and_those_of_the_summary(kind, request):
    make, X, y = kind
    model = make(score_every=90, hidden_layer_sizes=(6, 4), hidden_dropout=0.5).fit(X, y)
    metrics = METRICS[request.node.callspec.params["kind"]]
    assert list(model.history_)[6:] == [
        *(f"training_{name}" for name in metrics), *(f"validation_{name}" for name in metrics),
    ]  # fmt: skip
    assert model.history_["epochs"].tolist() == [0, 1, 2, 3]
    layers = model.summary()
    assert layers["units"].tolist() == [5, 6, 4, model.coefs_[-1].shape[1]]
    assert layers["type"].tolist() == ["input", "relu", "relu", "identity"]
    assert layers["dropout"][1:3].tolist() == [0.5, 0.5]
    assert model.n_iter_ == len(model.loss_curve_) == 3


@pytest.mark.filterwarnings("ignore:X_unlabeled has no use")
@pytest.mark.parametrize("share", [0, 0.5])
def test_the_loss_curve_is_that_of_labelled_rows(kind, share):
    # Of one batch: then the errors seen in training are those of the network before it.
    make, X, y = kind
    weight = np.arange(60.0) % 4
    model = make(batch_size=200, max_epochs=1, reconstruction_weight=share)
    model.fit(X[:60], y[:60], sample_weight=weight, X_unlabeled=X[60:])
    first = model.history_.rows()[0]
    expected = first.get("training_logloss")
    if expected is None:
        expected = first["training_mse"] * model.target_scale_[0] ** 2
    assert model.loss_curve_ == [pytest.approx(expected, rel=1e-4)]


def held_out(monkeypatch, model, X, y, **more):
    """Return which rows a fit does not train on."""
    seen, train = [], _core.train

    def noted(*args, **options):
        seen.append(options["sample_weight"] == 0)
        return train(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(_core, "train", noted)
        model.fit(X, y, **more)
    return seen[0]


@pytest.mark.parametrize("options", [{}, {"reconstruction_weight": 1}])
def test_rows_are_held_out_of_every_class_in_proportion(monkeypatch, options):
    X, _ = blobs(200)
    y = np.repeat(["a", "b", "c"], [100, 60, 40])
    model = classifier(validation_fraction=0.1, restore_best_weights=False, **options)
    chosen = held_out(monkeypatch, model, X, y)
    assert np.unique(y[chosen], return_counts=True)[1].tolist() == [10, 6, 4]
    for name, value in scores(model, X[chosen], y[chosen]).items():
        assert model.history_[f"validation_{name}"][-1] == pytest.approx(value)
    for name, value in scores(model, X[~chosen], y[~chosen]).items():
        assert model.history_[f"training_{name}"][-1] == pytest.approx(value)


def test_classes_too_small_to_divide_are_no_obstacle(monkeypatch):
    X, y = blobs()
    y[5] = 7
    assert held_out(monkeypatch, classifier(validation_fraction=0.1), X, y).sum() == 9
    many = np.arange(90) // 2
    assert held_out(monkeypatch, classifier(validation_fraction=0.1), X, many).sum() == 9


def test_early_stopping_goes_by_validation_rows(kind):
    make, X, y = kind
    options = {"early_stopping": True, "stopping_rounds": 2, "validation_fraction": 0.3}
    options |= {"learning_rate_init": 0.01, "max_epochs": 500, "score_every": 63}
    model = make(**options).fit(X, y)
    decisive = "logloss" if make is classifier else "mse"
    column = model.history_[f"validation_{decisive}"]
    assert model.stop_reason_ == "early_stopping"
    assert 4 <= model.n_iter_ < 500
    assert getattr(model, f"best_{decisive}_") == column.min() == column[-1]
    rest = make(**options, restore_best_weights=False).fit(X, y)
    assert rest.history_[f"validation_{decisive}"][-1] > column[-1]
    assert np.isnan(getattr(rest, f"best_{decisive}_"))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_killed_training_goes_on_from_its_checkpoint(kind, name, tmp_path):
    make, X, y = kind
    options = {"score_every": 20, "max_epochs": 4, **OPTIONS[name]}
    whole = make(**options).fit(X, y)
    options |= {"checkpoint": tmp_path / "run.ckpt", "checkpoint_interval": 0}
    with pytest.raises(KilledError):
        make(callback=kill, **options).fit(X, y)
    resumed = make(**options).fit(X, y)
    assert_same(resumed, whole)
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))


def test_checkpoints_of_other_labels_or_layers_are_refused(kind, tmp_path):
    make, X, y = kind
    codes = below().fit(X)
    options = {"encoder_rate": 0, "checkpoint": tmp_path / "run.ckpt"}
    make(codes, **options).fit(X, y)
    with pytest.raises(ValueError, match="is of another training"):
        make(codes, **options).fit(X, y[::-1])
    other = copy.deepcopy(codes)
    other.coefs_[0] = other.coefs_[0] + 1
    with pytest.raises(ValueError, match="is of another training"):
        make(other, **options).fit(X, y)


def test_callbacks_hear_and_stop(kind, request, caplog):
    make, X, y = kind
    heard = []
    model = make(callback=lambda event: heard.append(event) or len(heard) == 3, score_every=30)
    model.set_params(verbose=1)
    with caplog.at_level(logging.INFO, logger="fastae"):
        model.fit(X, y)
    assert model.stop_reason_ == "callback"
    np.testing.assert_equal(heard, model.history_.rows())
    name = "log-loss" if make is classifier else "MSE"
    assert f"training {name} " in caplog.text


@pytest.mark.parametrize("names", [None, ["a", "b", "c"]])
def test_scikit_learns_callbacks(kind, names):
    make, X, y = kind
    if make is classifier and names is not None:
        y = np.array(names)[y]
    module = pytest.importorskip("sklearn.callback", reason="from scikit-learn 1.9 on")
    monitor = module.ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X, y)})
    model = make(score_every=90).set_callbacks(monitor).fit(X, y)
    assert_same(model, make(score_every=90).fit(X, y))
    (log,) = monitor.get_logs(select="all")
    heard = [row["score"] for row in log.data if row["task_name"] == "scoring interval"]
    if make is classifier:
        expected = 1 - model.history_["training_error"][1:]
    else:
        expected = 1 - model.history_["training_mse"][1:] / y.var()
    np.testing.assert_allclose(heard, expected, rtol=1e-9)


def test_ctrl_c_leaves_a_usable_model(kind):
    make, X, y = kind

    def press(event):
        if event["epochs"] >= 1:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = make(callback=press, score_every=90).fit(X, y)
    assert model.stop_reason_ == "interrupted"
    assert model.predict(X).shape == (90,)


@pytest.mark.parametrize("name", [name for name in OPTIONS if "unfitted" not in name])
def test_rows_of_weight_0_are_absent(kind, name):
    make, X, y = kind
    weight = np.arange(90) % 4 > 0
    junk = np.where(weight[:, np.newaxis], X, 1e20)
    model = make(**OPTIONS[name]).fit(junk, y, sample_weight=weight)
    if name != "noise":  # which is that of a row, wherever it is
        assert_same(model, make(**OPTIONS[name]).fit(X[weight], y[weight]))
    other = np.where(weight[:, np.newaxis], X, -1.0)
    assert_same(model, make(**OPTIONS[name]).fit(other, y, sample_weight=weight * 2))


@pytest.mark.parametrize("share", [0, 0.5])
def test_whole_weights_are_repeated_rows(kind, share):
    make, X, y = kind
    counts = np.random.default_rng(3).integers(0, 4, 90)
    options = {"batch_size": 1000, "max_epochs": 20, "epsilon": 1e-3, "learning_rate_init": 0.01}
    options |= {"reconstruction_weight": share}
    weighted = make(**options).fit(X, y, sample_weight=counts)
    repeated = make(**options).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    start = make(**{**options, "max_epochs": 0}).fit(X, y)
    assert farthest(weighted, repeated) < 1e-3 * farthest(repeated, start)
    assert farthest(weighted, make(**options).fit(X, y)) > 0.01 * farthest(repeated, start)


@pytest.mark.parametrize("name", OPTIONS)
def test_pickles_and_clones(kind, name):
    make, X, y = kind
    model = make(**OPTIONS[name]).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_same(again, model)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).get_params().keys() == model.get_params().keys()
    assert not hasattr(clone(model), "coefs_")


@pytest.mark.parametrize("share", [0, 0.5])
def test_parameters_that_change_later_change_no_prediction(kind, share):
    make, X, y = kind
    model = make(reconstruction_weight=share).fit(X, y)
    before = model.predict(X)
    model.set_params(reconstruction_weight=0.5 - share, hidden_layer_sizes=3, activation="tanh")
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("options", [{"reconstruction_weight": 1}, {"autoencoder": below()}])
def test_labelled_rows_of_weight_0_are_no_labelled_rows(kind, options):
    make, X, y = kind
    y = np.where(np.arange(90) < 60, y, -1 if make is classifier else np.nan)
    with pytest.raises(ValueError, match="label"):
        make(**options).fit(X, y, sample_weight=np.arange(90) >= 60)
