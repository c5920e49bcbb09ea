"""Levels that are missing, unknown, rare or never seen, and rows of which nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tables import COLOURS, FACTORS, mixed, model


@pytest.fixture(scope="module", name="frame")
def whole_table():
    return mixed(gaps=False)


def emptied(frame, name):
    return frame.assign(**{name: pd.Series([None] * len(frame), frame.index, dtype="str")})


@pytest.mark.parametrize("missing", ["ignore", "impute"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("name", FACTORS)
def test_unknown_levels_are_missing(name, loss, missing, frame):
    fitted = model(missing=missing, categorical_loss=loss).fit(mixed())
    unknown, nothing = frame.assign(**{name: "never seen"}), emptied(frame, name)
    for method in (fitted.score_samples, fitted.transform):
        np.testing.assert_array_equal(method(unknown), method(nothing))
    errors = fitted.reconstruction_error(unknown, per_feature=True)
    assert errors[name].isna().all() == (missing == "ignore")
    assert errors.drop(columns=name).notna().all(axis=None)


def test_unknown_levels_where_nothing_may_be_missing(frame):
    fitted, ignoring = model(missing="error").fit(frame), model(missing="ignore").fit(frame)
    unknown = frame.assign(city="Nowhere")
    np.testing.assert_array_equal(fitted.score_samples(unknown), ignoring.score_samples(unknown))
    np.testing.assert_array_equal(fitted.score_samples(frame), ignoring.score_samples(frame))
    for name, kind in (("colour", "column 0"), ("city", "column 2"), ("kind", "column 4")):
        X = frame.copy()
        X[name] = X[name].astype(object)
        X.iloc[11, X.columns.get_loc(name)] = None
        sentence = rf"missing value in row 11, {kind} \('{name}'\).*missing='ignore'"
        for call in (fitted.score_samples, model(missing="error").fit):
            with pytest.raises(ValueError, match=sentence):
                call(X)


def test_missing_factors_do_not_count(frame):
    fitted = model().fit(mixed())
    X = mixed()
    errors = fitted.reconstruction_error(X, per_feature=True).to_numpy(dtype=float)
    np.testing.assert_array_equal(np.isnan(errors), X.isna().to_numpy())
    np.testing.assert_allclose(
        np.nanmean(errors, axis=1), fitted.reconstruction_error(X), rtol=1e-6
    )


def test_squared_errors_count_by_levels():
    X = mixed()
    fitted = model(categorical_loss="squared_error").fit(X)
    errors = fitted.reconstruction_error(X, per_feature=True).to_numpy(dtype=float)
    weights = np.where(np.isnan(errors), 0, [3, 1, 4, 1, 2, 1])
    rows = np.nansum(errors, axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(rows, fitted.reconstruction_error(X), rtol=1e-6)


def test_a_factor_costs_1_by_its_frequencies(frame):
    fitted = model(max_epochs=0).fit(frame)
    for weights in fitted.coefs_:
        weights[...] = 0.0
    outputs = fitted.intercepts_[-1]
    shares = np.concatenate([f.counts / f.counts.sum() for f in fitted._schema.factors])
    outputs[3:] = np.log(shares)
    errors = fitted.reconstruction_error(frame, per_feature=True)
    np.testing.assert_allclose(errors[FACTORS].mean(), 1.0, rtol=1e-6)


@pytest.mark.parametrize("missing", ["ignore", "impute"])
def test_rare_levels_share_one(missing, frame):
    rng = np.random.default_rng(0)
    city = np.where(rng.random(len(frame)) < 0.5, "Oslo", frame["city"])
    X = frame.assign(city=city)
    fitted = model(max_categories=3, missing=missing, max_epochs=20).fit(X)
    levels = fitted._schema.factors[1].levels
    common = X["city"].value_counts().index[:2]
    assert levels[:3] == (*sorted(common), "(other)")
    rare = sorted(set(X["city"]) - set(common))
    scores = [fitted.score_samples(X.assign(city=name)) for name in (*rare, "Atlantis")]
    for other in scores[1:]:
        np.testing.assert_array_equal(other, scores[0])
    assert set(fitted.reconstruct(X)["city"]) <= {*common, "(other)"}
    assert fitted.reconstruction_error(X.assign(city="Atlantis"), True)["city"].notna().all()


def test_missing_is_a_level_with_impute():
    X = mixed()
    X.loc[X["x"] > 1, "city"] = None
    fitted = model(missing="impute", max_epochs=150).fit(X)
    assert [factor.levels[-1] for factor in fitted._schema.factors] == [None] * 3
    # It can be told by the numbers, and so it is reconstructed.
    guessed = fitted.reconstruct(X)["city"].isna()
    assert (guessed == X["city"].isna())[X["x"].abs() > 1.3].mean() > 0.9
    assert fitted.reconstruction_error(X, per_feature=True).notna().all(axis=None)


@pytest.mark.parametrize("dtype", ["category", "str", "object", "declared"])
def test_columns_without_any_value(dtype):
    X = mixed()
    kind = pd.CategoricalDtype(COLOURS) if dtype == "declared" else dtype
    X["colour"] = pd.Series([None] * len(X), index=X.index, dtype=kind)
    X["x"] = np.nan
    for missing in ("ignore", "impute"):
        fitted = model(missing=missing).fit(X)
        assert fitted.constant_features_.tolist() == [0, 1]
        assert fitted.reconstruct(X)[["colour", "x"]].isna().all(axis=None)
        assert np.isfinite(fitted.score_samples(X)).all()
    fitted = model().fit(X)
    assert fitted.reconstruction_error(X, per_feature=True)["colour"].isna().all()
    if dtype != "object":  # of which nothing says that it would hold text
        known = X.assign(colour="red")
        errors = fitted.reconstruction_error(known, per_feature=True)
        assert errors["colour"].isna().all()
        np.testing.assert_array_equal(fitted.score_samples(known), fitted.score_samples(X))


@pytest.mark.parametrize("kind", [pd.CategoricalDtype(COLOURS), "str"])
def test_tables_without_any_value(kind):
    X = pd.DataFrame({"colour": pd.Series([None] * 4, dtype=kind)})
    with pytest.raises(ValueError, match="No column of X has a value"):
        model().fit(X)
    assert np.isfinite(model(missing="impute").fit(X).score_samples(X)).all()


def test_rows_without_any_value():
    X = mixed().astype({"flag": "boolean"})
    X.iloc[12] = None
    fitted = model().fit(X)
    assert fitted.reconstruction_error(X)[12] == 0
    assert fitted.reconstruction_error(X, per_feature=True).iloc[12].isna().all()
    assert fitted.reconstruct(X).iloc[12].notna().all()
    imputed = model(missing="impute").fit(X)
    assert imputed.reconstruction_error(X, per_feature=True).iloc[12].notna().all()


def test_unused_categories():
    kind = pd.CategoricalDtype(["violet", *COLOURS])
    X = mixed().astype({"colour": kind})
    fitted = model(max_epochs=30).fit(X)
    assert fitted._schema.factors[0].levels == ("violet", *COLOURS)
    assert fitted.reconstruct(X)["colour"].dtype == kind
    rare = X.assign(colour=pd.Categorical(["violet"] * len(X), dtype=kind))
    assert fitted.score(rare) < fitted.score(X)


def test_shapes_with_marks_of_missing_values():
    X = mixed()
    plain, marking = model().fit(X), model(missing_indicator=True).fit(X)
    # numbers, levels, a mark per factor; and a mark per number
    assert plain.coefs_[0].shape == (3 + 9 + 3, 4)
    assert marking.coefs_[0].shape == (3 + 9 + 3 + 3, 4)
    assert plain.coefs_[-1].shape == marking.coefs_[-1].shape == (4, 3 + 9)
    numbers = model(missing_indicator=True).fit(X[["x", "y"]])
    assert (numbers.coefs_[0].shape, numbers.coefs_[-1].shape) == ((4, 4), (4, 2))


@pytest.mark.parametrize("factors", [True, False])
def test_marks_of_missing_values_inform(factors):
    rng = np.random.default_rng(0)
    n = 600
    a, b, gone = rng.normal(size=n), rng.normal(size=n), rng.random(n) < 0.4
    # Whether a is missing says where c is, and nothing else does.
    X = pd.DataFrame({"a": np.where(gone, np.nan, a), "b": b, "c": 6.0 * gone})
    X["c"] += rng.normal(size=n) / 10
    if factors:
        X["k"] = np.where(b > 0, "p", "q")
    options = {"hidden_layer_sizes": 4, "max_epochs": 100, "input_dropout": 0.3}
    fits = {m: model(missing_indicator=m, **options).fit(X) for m in (False, True)}
    # How well is c told where it is not shown?
    hidden = X.assign(c=np.nan)
    off = {m: np.abs(fit.reconstruct(hidden)["c"] - X["c"]).mean() for m, fit in fits.items()}
    assert off[True] < 0.7 * off[False]
    shown = X.assign(a=X["a"].fillna(fits[True].shift_[0]))
    assert (fits[False].transform(shown) == fits[False].transform(X)).all()
    assert not np.allclose(fits[True].transform(shown)[gone], fits[True].transform(X)[gone])
