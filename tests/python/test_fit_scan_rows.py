"""Rows that scans bring to estimators: late values, odd batches, errors of the reader."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest

import fastae
from fastae import AutoencoderClassifier, AutoencoderRegressor
from fits import assert_same_fit, assert_unchanged, snapshot
from scans import N_ROWS, WINDOWS, batches, frame, model, numbers, source

pa = pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert "fastae-reader" not in [thread.name for thread in threading.enumerate()]


REFUSED = {
    "validation_fraction": ({"validation_fraction": 0.1}, {}),
    "checkpoint": ({"checkpoint": "run.ckpt"}, {}),
    "pretraining": ({"pretraining": "stacked"}, {}),
    "sample_weight": ({}, {"sample_weight": np.ones(N_ROWS)}),
    "anomalous": ({}, {"anomalous": np.zeros(N_ROWS, dtype=bool)}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_windows_cannot_do_is_refused(name):
    options, more = REFUSED[name]
    fitted = model(**options)
    with pytest.raises(ValueError, match=f"{name} is not there for a scan"):
        fitted.fit(fastae.scan(numbers(), **WINDOWS), **more)
    assert not hasattr(fitted, "coefs_")


def test_warm_start_is_refused():
    warm = model(warm_start=True).fit(fastae.scan(numbers(), **WINDOWS))
    with pytest.raises(ValueError, match="warm_start is not there for a scan: call partial_fit"):
        warm.fit(fastae.scan(numbers(), **WINDOWS))
    warm.partial_fit(numbers())


def test_methods_that_take_no_scan_say_so():
    X = numbers()
    fitted = model().fit(X)
    before = snapshot(fitted)
    scan = fastae.scan(X, **WINDOWS)
    for method in ("partial_fit", "reconstruct", "deep_features"):
        with pytest.raises(TypeError, match=r"A scan goes to Autoencoder\.fit, score_samples"):
            getattr(fitted, method)(scan)
    with pytest.raises(TypeError, match="A scan goes to"):
        fitted.fit(X, X_val=scan)
    for make in (AutoencoderClassifier, AutoencoderRegressor):
        with pytest.raises(TypeError, match="A scan goes to"):
            make().fit(scan, np.zeros(N_ROWS))
    assert_unchanged(fitted, before)


@pytest.mark.parametrize(
    "empty",
    [lambda: numbers()[:0], list, lambda: lambda: iter([])],
    ids=["frame", "list", "function"],
)
def test_no_rows(empty):
    with pytest.raises(ValueError, match=r"no rows|0 sample\(s\)|at least one file or batch"):
        model().fit(fastae.scan(empty()))


def test_batches_without_rows_leave_no_trace():
    X = frame()
    rows = batches(X)
    with_empty = [X[:0], *rows[:3], X[:0], X[:0], *rows[3:], X[:0]]
    for options in (WINDOWS, {}):
        expected = model().fit(fastae.scan(rows, **options))
        fitted = model().fit(fastae.scan(with_empty, **options))
        assert_same_fit(fitted, expected)
        np.testing.assert_array_equal(
            fitted.score_samples(fastae.scan(with_empty)), expected.score_samples(X)
        )


class BrokenError(Exception):
    """What a reader fails with."""


@pytest.mark.parametrize("passes", [1, 2, 3, 5])
def test_errors_of_the_reader_change_nothing(passes):
    X, begun = frame(), itertools.count()

    def make():
        fails = next(begun) == passes
        for i, batch in enumerate(batches(X)):
            if fails and i == 5:
                raise BrokenError
            yield batch

    fitted = model().fit(numbers())
    before = snapshot(fitted)
    with pytest.raises(BrokenError):
        fitted.fit(fastae.scan(make, **WINDOWS))
    assert_unchanged(fitted, before)
    unfitted = model()
    begun = itertools.count()
    with pytest.raises(BrokenError):
        unfitted.fit(fastae.scan(make, **WINDOWS))
    assert vars(unfitted) == vars(model())


def test_an_iterator_cannot_be_read_twice():
    rows = iter(batches(numbers()))
    with pytest.raises(ValueError, match="can be read only once"):
        model().fit(fastae.scan(rows, **WINDOWS))
    assert model().fit(fastae.scan(iter(batches(numbers())))).n_iter_ == 3


def test_rows_that_come_and_go():
    X, begun = numbers(), itertools.count()

    def make():
        return iter(batches(X if next(begun) < 3 else X[:-10]))

    with pytest.raises(ValueError, match="The table had 3000 rows at first and 2990 now"):
        model().fit(fastae.scan(make, **WINDOWS))


@pytest.mark.parametrize("options", [WINDOWS, {"batch_size": 350}], ids=["windows", "one"])
@pytest.mark.parametrize("make", [frame, numbers])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_refused_are_named_by_their_row_in_the_scan(make, value, options):
    X = make()
    if make is frame:
        X["sign"] = X["sign"].fillna("?")
    X["c"] = 1.0 + X["a"]
    X.loc[2222, "c"] = value
    kind = "NaN" if np.isnan(value) else "infinity"
    column = list(X.columns).index("c")
    message = rf"Input X contains {kind} in row 2222, column {column} \('c'\)"
    if make is frame and kind == "NaN":
        message = rf"Input X has a missing value in row 2222, column {column} \('c'\)"
        if options is WINDOWS:
            message = r"in row 122, column 2 \('c'\):.* Row 0 here is row 2100 of the scan"
    fitted = model(missing="error")
    with pytest.raises(ValueError, match=message):
        fitted.fit(fastae.scan(X, **options))
    assert not hasattr(fitted, "coefs_")


def test_missing_values_that_come_late():
    X = numbers()
    X.loc[2900:, "a"] = np.nan
    whole = model(missing_indicator=True).fit(X)
    fitted = model(missing_indicator=True).fit(fastae.scan(X, **WINDOWS))
    assert fitted.coefs_[0].shape == whole.coefs_[0].shape == (6, 2)
    np.testing.assert_allclose(fitted.score(X), whole.score(X), rtol=0.15)


LIBRARIES = {"pandas": lambda X: X, "polars": pl.from_pandas, "arrow": pa.Table.from_pandas}


@pytest.mark.parametrize("options", [WINDOWS, {}], ids=["windows", "one"])
@pytest.mark.parametrize("library", [*LIBRARIES, "array"])
def test_integers_that_have_gaps_or_fractions_later(library, options):
    rng = np.random.default_rng(0)
    pieces = [pd.DataFrame(rng.integers(0, 9, (350, 3)), columns=list("abc")) for _ in range(9)]
    pieces[5] = pieces[5] + 0.5
    pieces[7] = pieces[7].astype(float)
    pieces[7].iloc[3, 1] = np.nan
    convert = LIBRARIES.get(library, pd.DataFrame.to_numpy)
    fitted = model().fit(fastae.scan(list(map(convert, pieces)), **options))
    expected = model().fit(fastae.scan([convert(p.astype(float)) for p in pieces], **options))
    X = convert(pd.concat(pieces, ignore_index=True))
    np.testing.assert_allclose(
        fitted.score_samples(X), expected.score_samples(X), rtol=1e-4, atol=1e-6
    )


def test_integers_with_gaps_in_a_late_row_group(tmp_path):
    X = numbers().astype({"k": "Int64"})
    X.loc[2800:, "k"] = pd.NA
    expected = model().fit(fastae.scan(batches(X.astype(float)), **WINDOWS))
    for kind in ("csv", "list"):
        fitted = model().fit(source(kind, X, tmp_path, **WINDOWS))
        np.testing.assert_allclose(fitted.score(X), expected.score(X), rtol=1e-5)
    assert np.isfinite(model().fit(source("parquet", X, tmp_path, **WINDOWS)).score(X))


@pytest.mark.parametrize("library", LIBRARIES)
def test_levels_that_come_late(library):
    X = pd.DataFrame({"x": numbers()["a"], "c": np.where(np.arange(N_ROWS) < 2000, "a", "b")})
    X.loc[2990:, "c"] = "rare"
    scan = fastae.scan(list(map(LIBRARIES[library], batches(X))), **WINDOWS)
    fitted = model().fit(scan)
    whole = model().fit(X)
    assert fitted.coefs_[0].shape == whole.coefs_[0].shape == (5, whole.coefs_[0].shape[1])
    known = fitted.score_samples(LIBRARIES[library](X[-5:]))
    assert (known != fitted.score_samples(LIBRARIES[library](X[-5:].assign(c="new")))).all()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("options", [WINDOWS, {}], ids=["windows", "one"])
def test_text_after_rows_without_any_value(library, options):
    X = frame()[["a", "b", "sign"]]
    X["sign"] = X["sign"].astype(object)
    X.loc[:1300, "sign"] = None
    scan = fastae.scan(list(map(LIBRARIES[library], batches(X))), **options)
    fitted = model().fit(scan)
    assert fitted.coefs_[0].shape[0] == 5
    assert fitted.reconstruct(LIBRARIES[library](X)).shape == X.shape


def test_text_where_numbers_were():
    X = numbers()
    odd = batches(X.astype(object))
    odd[5].iloc[3, 1] = "oops"
    rows = [*batches(X)[:5], odd[5], *batches(X)[6:]]
    with pytest.raises(ValueError, match=r"row 3, column 1 \('b'\).*Row 0 here is row 1750"):
        model().fit(fastae.scan(rows, **WINDOWS))


def test_batches_are_of_one_kind():
    rows = batches(numbers())
    rows[3] = pl.from_pandas(rows[3])
    for options in (WINDOWS, {}):
        with pytest.raises(TypeError, match="Batch 3 is of polars, but batch 0 of pandas"):
            model().fit(fastae.scan(rows, **options))
    rows = batches(numbers())
    rows[3] = rows[3].to_numpy()
    with pytest.raises(ValueError, match="Batch 3 has 3 columns, but batch 0 has the columns 'a'"):
        model().fit(fastae.scan(rows, **WINDOWS))


def test_columns_that_hold_one_level_each_window():
    # Sorted files: no window knows both levels.
    X = frame().sort_values("sign", na_position="last").reset_index(drop=True)
    fitted = model(max_epochs=10).fit(fastae.scan(batches(X), **WINDOWS))
    assert np.isfinite(fitted.score(X))
    errors = fitted.reconstruction_error(X, per_feature=True)
    assert errors["sign"].mean() < 1.5
