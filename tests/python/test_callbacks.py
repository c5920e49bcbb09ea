"""Scikit-learn's callbacks: what they hear, that they can stop `fit`, and life without them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from corenet import table
from fastae import Autoencoder

pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 has the first callbacks")
from sklearn.callback import ProgressBar, ScoringMonitor


@pytest.fixture(name="X", scope="module")
def training_rows():
    return table(100, 6)


def estimator(**options):
    options = {"max_epochs": 5, "score_every": 100, "batch_size": 4, "random_state": 0} | options
    return Autoencoder(**options)


class Ear:
    """Writes down what it hears; asks for an end of `fit` after so many stretches."""

    def __init__(self, stop_after=None, error=None):
        self.heard, self.errors, self.fitted = [], [], []
        self.stop_after, self.error = stop_after, error

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(("begin", context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.heard.append(("end", context.task_name, context.max_subtasks))
        self.errors.append(-fitted_estimator.score(X))
        self.fitted.append(fitted_estimator)
        n_stretches = self.heard.count(("end", "scoring interval", 0))
        if self.error is not None and n_stretches == 2:
            raise self.error
        return n_stretches == self.stop_after


def heard_of(n_parts, max_parts):
    fit, stretch = ("fit", max_parts), ("scoring interval", 0)
    stretches = [("begin", *stretch), ("end", *stretch)] * n_parts
    return ["setup", ("begin", *fit), *stretches, ("end", *fit), "teardown"]


@pytest.mark.parametrize(
    ("options", "n_parts"),
    [({}, 5), ({"max_epochs": 1.2}, 2), ({"score_every": "auto"}, 10), ({"score_every": 60}, 9)],
)
def test_they_hear_of_every_stretch_between_two_scorings(X, options, n_parts):
    ear = Ear()
    model = estimator(**options).set_callbacks(ear).fit(X)
    assert ear.heard == heard_of(n_parts, n_parts)
    assert ear.errors[:-1] == model.history_["training_mse"][1:].tolist()
    assert model.stop_reason_ == "max_epochs"


def test_no_training_is_a_task_as_well(X):
    ear = Ear()
    model = estimator(max_epochs=0).set_callbacks(ear).fit(X)
    assert ear.heard == heard_of(0, 0)
    assert ear.errors == [model.history_["training_mse"][0]]


def test_they_change_nothing(X):
    plain, watched = estimator().fit(X), estimator().set_callbacks(Ear()).fit(X)
    for one, other in zip(plain.coefs_, watched.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain.offset_ == watched.offset_
    assert vars(watched).keys() - vars(plain).keys() == {"_skl_callbacks"}


def test_their_true_ends_the_training(X):
    ear = Ear(stop_after=2)
    model = estimator().set_callbacks(ear).fit(X)
    assert model.stop_reason_ == "callback"
    assert ear.heard == heard_of(2, 5)
    assert model.history_["samples"].tolist() == [0, 100, 200]
    assert set(model.predict(X)) <= {-1, 1}


def test_early_stopping_ends_their_tasks(X):
    ear = Ear()
    model = estimator(target_mse=1.0, max_epochs=3, scaling="range").set_callbacks(ear).fit(X)
    assert model.stop_reason_ == "target_mse"
    assert ear.heard == heard_of(0, 3)


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_they_get_estimators_of_that_moment(X, contamination):
    ear = Ear()
    model = estimator(contamination=contamination).set_callbacks(ear).fit(X)
    again = [-fitted.score(X) for fitted in ear.fitted]  # training went on, but not for them
    assert again == ear.errors
    first, last = ear.fitted[0], ear.fitted[-1]
    assert not np.shares_memory(last.coefs_[0], model.coefs_[0])
    np.testing.assert_array_equal(last.coefs_[0], model.coefs_[0])
    assert first.transform(X).shape == model.transform(X).shape
    assert set(first.predict(X)) <= {-1, 1}
    assert last.offset_ == model.offset_


def test_fit_again(X):
    ear = Ear()
    model = estimator().set_callbacks(ear).fit(X)
    first, ear.heard = ear.heard, []
    assert model.fit(X[:, :3]).n_features_in_ == 3
    assert ear.heard == first


def test_their_exceptions_come_out_and_leave_the_estimator_as_it_was(X):
    ear = Ear(error=RuntimeError("enough"))
    model = estimator().fit(X).set_callbacks(ear)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X + 1)
    assert vars(model) == before
    assert ear.heard[-1] == "teardown"


def test_none_removes_them(X):
    ear = Ear()
    model = estimator().set_callbacks(ear).set_callbacks().fit(X)
    assert not ear.heard
    assert vars(model).keys() == vars(estimator().fit(X)).keys()
    with pytest.raises(TypeError, match="FitCallback"):
        model.set_callbacks("loud")


def test_progress_bar(X, capsys):
    estimator().set_callbacks(ProgressBar()).fit(X)
    assert "Autoencoder - fit" in capsys.readouterr().out


def test_scoring_monitor(X):
    monitor = ScoringMonitor(scoring={"score": lambda model, X, y: model.score(X)})
    model = estimator().set_callbacks(monitor).fit(X)
    (log,) = monitor.get_logs(select="all")
    rows = [row for row in log.data if row["task_name"] == "scoring interval"]
    scores = [row["score"] for row in rows]
    np.testing.assert_allclose(scores, -model.history_["training_mse"][1:], rtol=1e-12)


@pytest.mark.parametrize("depth", [0, 1, None])
def test_in_a_pipeline(X, depth, capsys):
    pipeline = make_pipeline(StandardScaler(), estimator())
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=depth)).fit(X)
    shown = capsys.readouterr().out
    assert "Pipeline - fit" in shown
    assert ("Autoencoder - fit" in shown.replace("…", "")) == (depth != 0)
    assert not hasattr(pipeline[-1], "_skl_callbacks")


def test_of_its_own_in_a_pipeline(X):
    ear = Ear(stop_after=3)
    pipeline = make_pipeline(StandardScaler(), estimator().set_callbacks(ear)).fit(X)
    assert ear.heard == heard_of(3, 5)
    assert pipeline[-1].stop_reason_ == "callback"


def test_in_a_grid_search(X, capsys):
    ear = Ear()
    search = GridSearchCV(
        estimator(max_epochs=2, score_every=50).set_callbacks(ear),
        {"hidden_layer_sizes": [1, 4]},
        cv=2,
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X)
    assert set(search.predict(X)) <= {-1, 1}
    assert ear.heard.count("setup") == ear.heard.count("teardown") == 2 * 2 + 1
    assert "GridSearchCV - fit" in capsys.readouterr().out


def test_clones_keep_them(X):
    ear = Ear()
    clone(estimator().set_callbacks(ear)).fit(X)
    assert ear.heard == heard_of(5, 5)


def test_older_scikit_learn():
    code = """
        import sys
        import numpy as np, sklearn
        from fastae import Autoencoder
        sklearn.__dict__.pop("callback", None)
        sys.modules["sklearn.callback"] = None
        X = np.random.default_rng(0).normal(size=(30, 3))
        model = Autoencoder(callback=lambda event: event["samples"] > 0).fit(X)
        assert model.stop_reason_ == "callback"
        try:
            model.set_callbacks(print)
        except ImportError as error:
            print(error)
        assert model.set_params(callback=None).fit(X).n_iter_ == 100
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (
        "Callbacks need scikit-learn 1.9 or newer; the parameter `callback` does not."
    )


def test_scikit_learns_callbacks_are_imported_when_they_are_set():
    code = """
        import sys
        from fastae import Autoencoder
        Autoencoder(max_epochs=1).fit([[1.0], [2.0]])
        print("rich" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"
