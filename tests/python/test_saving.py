"""save and load: what comes back is what was saved, to the bit."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

import fastae
from fastae import Autoencoder, AutoencoderClassifier
from fits import assert_same_fit
from saved import MODELS, OPTIONS, assert_same, frame, labels, numbers, said


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.fastae"


def saved(model, path, **options):
    assert model.save(path, **options) is None
    return fastae.load(path)


def assert_same_model(model, again, X):
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    ours, its = said(model, X), said(again, X)
    assert len(ours) >= 2
    for name, result in ours.items():
        assert_same(result, its[name])
    assert str(again.history_) == str(model.history_)
    assert str(again.summary()) == str(model.summary())
    assert vars(again).keys() == vars(model).keys()


@pytest.mark.parametrize("name", MODELS)
def test_everything_comes_back(name, path):
    model, X = MODELS[name]()
    again = saved(model, path)
    assert_same_model(model, again, X)
    for key, value in vars(model).items():
        if isinstance(value, np.ndarray):
            assert_same(value, getattr(again, key))
        elif isinstance(value, str | int | float | tuple) and key != "_errors":
            assert type(getattr(again, key)) is type(value), key
            np.testing.assert_equal(getattr(again, key), value, err_msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_saved_once_more_it_is_the_same_file(name, path, tmp_path):
    model, _ = MODELS[name]()
    saved(model, path).save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_pickles(name, module):
    model, X = MODELS[name]()
    assert_same_model(model, pickle.loads(module.dumps(model)), X)


@pytest.mark.parametrize("name", MODELS)
def test_joblib_and_clone(name, tmp_path):
    model, X = MODELS[name]()
    joblib.dump(model, tmp_path / "model")
    assert_same_model(model, joblib.load(tmp_path / "model"), X)
    model.save(tmp_path / "file")
    fresh = clone(fastae.load(tmp_path / "file"))
    assert repr(fresh) == repr(clone(model))
    with pytest.raises(NotFittedError):
        fresh.predict(X)


@pytest.mark.parametrize(
    "make",
    [
        pl.from_pandas,
        lambda X: pa.Table.from_pandas(X, preserve_index=False),
        lambda X: pa.Table.from_pandas(X, preserve_index=False).to_batches()[0],
        lambda X: X.to_numpy(dtype=object),
        lambda X: X.convert_dtypes(dtype_backend="pyarrow"),
        lambda X: X.assign(day=X["day"].dt.tz_localize("Europe/Berlin"), size=X["size"] * 1j.imag),
        lambda X: X.set_axis(pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]]), axis=1),
        lambda X: X.set_axis(range(6), axis=1).astype({4: "category", 1: "str"}),
        lambda X: X.assign(count=pd.Categorical(X["day"].dt.to_period("M"))).astype({"size": "f4"}),
    ],
    ids=["polars", "arrow", "batch", "objects", "arrow-backed", "zone", "levels", "positions",
         "periods"],
)  # fmt: skip
def test_kinds_of_tables(make, path):
    X = make(frame())
    model = Autoencoder(**OPTIONS).fit(X)
    again = saved(model, path)
    codes = model.transform(X)
    one, other = model.inverse_transform(codes), again.inverse_transform(codes)
    if isinstance(one, pd.DataFrame) and isinstance(X["count" if "count" in X else X.columns[4]]
                                                    .dtype, pd.CategoricalDtype):  # fmt: skip
        # Categories that are no plain data come back as their texts.
        one, other = one.astype("str"), other.astype("str")
    assert_same(one, other)
    assert_same(model.reconstruct(X), again.reconstruct(X))
    assert_same(model.score_samples(X), again.score_samples(X))


def test_without_the_library_of_the_table_there_are_objects(path, monkeypatch):
    X = pl.from_pandas(frame())
    model = Autoencoder(**OPTIONS).fit(X)
    codes = model.transform(X)
    model.save(path)
    monkeypatch.setitem(sys.modules, "polars", None)
    decoded = fastae.load(path).inverse_transform(codes)
    assert decoded.dtype == object
    assert decoded.shape == X.shape


@pytest.mark.parametrize("classes", [["a", "b"], [3, 7], [1.0, 2.0], [True, False]], ids=repr)
@pytest.mark.parametrize("as_objects", [False, True])
def test_classes_keep_their_type(classes, as_objects, path):
    y = np.tile(np.array(classes, dtype=object if as_objects else None), 30)
    if as_objects and not isinstance(classes[0], str):
        y = y.astype(type(classes[0]))
    model = AutoencoderClassifier(**OPTIONS).fit(numbers(), y)
    again = saved(model, path)
    assert_same(model.classes_, again.classes_)
    assert_same(model.predict(numbers()), again.predict(numbers()))


def test_parameters_come_back(path):
    random_state = np.random.RandomState(3)
    params = {
        "hidden_layer_sizes": (3,), "hidden_dropout": [np.float32(0.25)], "l1": np.float64(1e-3),
        "batch_size": np.int64(7), "categorical_features": np.array([False, True, False]),
        "coefs_init": [np.ones((6, 3)), np.ones((3, 5), dtype=np.float32)], "max_time": 1e9,
        "random_state": random_state, "max_epochs": 2,
    }  # fmt: skip
    X = np.column_stack([numbers()[:, 0], np.tile([1.0, 2.0, 5.0], 20), numbers()[:, 2]])
    model = Autoencoder(**params).fit(X)
    again = saved(model, path)
    for name, value in model.get_params().items():
        its = getattr(again, name)
        assert type(its) is type(value), name
        if name != "random_state":
            np.testing.assert_equal(its, value)
    assert random_state.uniform(size=5).tolist() == again.random_state.uniform(size=5).tolist()


def test_array_likes_and_sequences_become_arrays_and_lists(path):
    X = np.column_stack([numbers()[:, 0], np.tile([1.0, 2.0], 30)])
    marks = pd.Series([False, True])
    model = Autoencoder(
        hidden_layer_sizes=range(2, 4), categorical_features=marks, **OPTIONS
    )  # fmt: skip
    again = saved(model.fit(X), path)
    assert again.hidden_layer_sizes == [2, 3]
    assert again.categorical_features.tolist() == [False, True]
    assert_same(model.score_samples(X), again.score_samples(X))


def test_what_belongs_to_a_run_is_left_out(path, tmp_path):
    below = Autoencoder(callback=lambda event: None, **OPTIONS)
    model = AutoencoderClassifier(below, checkpoint=tmp_path / "run.ckpt", **OPTIONS)
    model.fit(numbers(), np.tile([0, 1], 30))
    message = r"^autoencoder\.callback and checkpoint and autoencoder_\.callback cannot be saved"
    with pytest.warns(UserWarning, match=message):
        model.save(path)
    again = fastae.load(path)
    assert again.checkpoint is None
    assert again.autoencoder.callback is None
    assert_same(model.predict_proba(numbers()), again.predict_proba(numbers()))


def test_an_autoencoder_below_stays_one_object(path):
    below = Autoencoder(**OPTIONS).fit(frame())
    model = AutoencoderClassifier(below, **OPTIONS).fit(frame(), labels())
    again = saved(model, path)
    assert again.autoencoder_ is again.autoencoder
    assert_same(below.score_samples(frame()), again.autoencoder_.score_samples(frame()))
    frozen = AutoencoderClassifier(FrozenEstimator(below), **OPTIONS).fit(frame(), labels())
    again = saved(frozen, path)
    assert isinstance(again.autoencoder, FrozenEstimator)
    assert again.autoencoder_ is again.autoencoder.estimator


def test_weights_of_a_loaded_model_are_its_own(path):
    model, X = MODELS["numbers"]()
    again = saved(model, path)
    before = again.score_samples(X)
    again.coefs_[-1][...] = 0
    assert not np.array_equal(again.score_samples(X), before)
    assert_same(model.score_samples(X), before)


def test_weights_that_the_user_set_are_saved(path):
    model, X = MODELS["numbers"]()
    model.coefs_ = [2.0 * W.astype(np.float64) for W in model.coefs_]
    assert_same(model.score_samples(X), saved(model, path).score_samples(X))


@pytest.mark.parametrize("solver", ["adam", "adadelta", "sgd"])
@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_training_goes_on_to_the_bit(solver, method, path):
    options = {"solver": solver, "warm_start": True, "average_activation": -0.1,
               "sparsity_beta": 0.1, **OPTIONS}  # fmt: skip
    X = np.random.default_rng(0).normal(size=(100, 6))
    model = getattr(Autoencoder(**options), method)(X)
    again = saved(model, path, training_state=True)
    for _ in range(2):
        assert_same_fit(getattr(model, method)(X), getattr(again, method)(X))


def test_without_its_state_the_optimiser_starts_anew(path, tmp_path):
    X = np.random.default_rng(0).normal(size=(100, 6))
    model = Autoencoder(random_state=0).partial_fit(X)
    again = saved(model, path)
    assert again._state.slots.size == 0
    model.save(tmp_path / "whole", training_state=True)
    assert path.stat().st_size < (tmp_path / "whole").stat().st_size
    forgetful = copy.deepcopy(model)
    forgetful._state.forget_optimiser()
    assert_same_fit(forgetful.partial_fit(X), again.partial_fit(X))
    assert again.n_samples_seen_ == 200
    assert not np.array_equal(model.partial_fit(X).coefs_[0], again.coefs_[0])


def test_classifiers_and_regressors_go_on(path):
    for name in ("labels", "values"):
        model, X = MODELS[name]()
        model.set_params(warm_start=True, early_stopping=False, validation_fraction=0.0)
        y = labels() if name == "labels" else np.ones((60, 2))
        again = saved(model, path, training_state=True)
        for W, V in zip(model.fit(X, y).coefs_, again.fit(X, y).coefs_, strict=True):
            assert_same(W, V)


def test_output_containers_and_names_come_back(path):
    model = Autoencoder(**OPTIONS).set_output(transform="pandas").fit(frame())
    again = saved(model, path)
    assert_same(model.transform(frame()), again.transform(frame()))
    with pytest.raises(ValueError, match="feature names"):
        again.score_samples(frame().rename(columns={"size": "length"}))


def test_numpy_opens_files_without_pickle(path):
    model, _ = MODELS["numbers"]()
    model.save(path)
    with np.load(path, allow_pickle=False) as file:
        assert_same(np.array(model.coefs_[0]), file["coefs_/0"])
        meta = json.loads(zipfile.ZipFile(path).read("meta.json"))
    assert (meta["kind"], meta["version"]) == ("model", 1)
    assert meta["meta"]["fastae"] == fastae.__version__


def test_a_failing_save_leaves_the_older_file(path, monkeypatch):
    model, _ = MODELS["numbers"]()
    model.save(path)
    before = path.read_bytes()

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(OSError, match="No space"):
        model.save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


class Mine(Autoencoder):
    pass


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda model: Autoencoder(), NotFittedError, "not fitted yet"),
        (lambda model: Mine().fit(numbers()), TypeError, r"not for .*saving\.Mine: use pickle"),
        (lambda model: vars(model).update(notes_=[1, {2}]) or model, TypeError,
         r"^The attribute notes_/1 is a set, which is no plain data: delete it before"),
        (lambda model: vars(model).update(notes_=np.zeros(2, "i4,f4")) or model, TypeError,
         r"notes_ is an array of dtype"),
    ],
    ids=["unfitted", "subclass", "set", "records"],
)  # fmt: skip
def test_what_cannot_be_saved(make, error, message, path):
    model = make(MODELS["numbers"]()[0])
    with pytest.raises(error, match=message):
        model.save(path)
    assert not path.exists()


def test_models_of_h2o_are_refused(path):
    model, _ = MODELS["numbers"]()
    model._encoder = object()
    with pytest.raises(TypeError, match="use pickle"):
        model.save(path)


def test_attributes_of_the_user_come_back(path):
    model, _ = MODELS["numbers"]()
    model.notes_ = {"by": "me", 3: [None, (1, 2.5)], "at": np.datetime64("2024-01-01", "s")[...]}
    again = saved(model, path)
    assert again.notes_ == model.notes_


def test_loading_and_scoring_is_quick(path):
    X = np.random.default_rng(0).uniform(size=(300, 784)).astype(np.float32)
    Autoencoder(hidden_layer_sizes=50, max_epochs=1, random_state=0).fit(X).save(path)
    seconds = []
    for _ in range(40):
        start = time.perf_counter()
        fastae.load(path).score_samples(X[:1])
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.005  # others may be at work on the machine


def test_loading_imports_nothing_more(path):
    MODELS["numbers"]()[0].save(path)
    code = (
        "import fastae, sys; fastae.Autoencoder, fastae.load; before = set(sys.modules);"
        f"fastae.load({str(path)!r}); print(set(sys.modules) - before - {{'encodings.cp437'}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_first_row_of_a_process_does_not_wait_for_lists_of_packages(path):
    """scikit-learn's search for names reads every installed package's entry points: 5 to 20 ms."""
    model, X = MODELS["numbers"]()
    model.save(path)
    code = (
        "import importlib.metadata, sys, fastae, numpy as np; fastae.Autoencoder\n"
        "def fail(**_): sys.exit('entry points were read')\n"
        "importlib.metadata.entry_points = fail\n"
        f"row = np.full((1, {X.shape[1]}), 0.5)\n"
        f"print(repr(float(fastae.load({str(path)!r}).score_samples(row)[0])))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == model.score_samples(np.full((1, X.shape[1]), 0.5))[0]


def test_paths_may_be_texts_and_are_checked(path):
    model, X = MODELS["numbers"]()
    model.save(str(path))
    assert_same(model.score_samples(X), fastae.load(str(path)).score_samples(X))
    with pytest.raises(FileNotFoundError, match="There is no file"):
        fastae.load(path.with_name("other"))
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        model.save(Path(path.parent, "none", "model"))
