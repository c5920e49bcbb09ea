"""Rules for the threshold: in `fit`, after it without training, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone

from fastae import Autoencoder, scan
from fastae._rules import rule_of
from fastae._threshold import (
    generalised_pareto,
    mad_threshold,
    quantiles,
    rank_threshold,
    tail_threshold,
    threshold,
)
from fits import assert_same_fit


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) + 0.2 * rng.normal(size=(n, 5))


def model(**options):
    return Autoencoder(**{"hidden_layer_sizes": 2, "max_epochs": 3, "random_state": 0, **options})


@pytest.fixture(name="fitted", scope="module")
def plain_fit():
    return model().fit(table(500))


@pytest.fixture(name="calibrated", scope="module")
def fit_with_calibration_rows():
    return model(calibration_fraction=0.5).fit(table(1000))


RULES = {
    "value": {"value": 0.123},
    "auto": {"contamination": "auto"},
    "share": {"contamination": 0.07},
    "quantile": {"quantile": 0.6},
    "rate": {"false_positive_rate": 0.03},
    "mad": {"method": "mad"},
    "mad of 2": {"method": "mad", "n_deviations": 2},
    "evt": {"method": "evt"},
    "evt of a rate": {"method": "evt", "false_positive_rate": 0.01},
}


def expected(name, errors):
    """Return the threshold that a rule stands for."""
    ranked = np.sort(errors)
    n = ranked.size
    logs = np.log(errors)
    deviation = 1.4826 * np.median(np.abs(logs - np.median(logs)))
    return {
        "value": lambda: 0.123,
        "auto": lambda: threshold(errors, "auto"),
        "share": lambda: np.quantile(errors, 0.93),
        "quantile": lambda: np.quantile(errors, 0.6),
        "rate": lambda: ranked[n - int(0.03 * (n + 1))],
        "mad": lambda: np.exp(np.median(logs) + 3.5 * deviation),
        "mad of 2": lambda: np.exp(np.median(logs) + 2 * deviation),
        "evt": lambda: tail_threshold(errors, 1e-3),
        "evt of a rate": lambda: tail_threshold(errors, 0.01),
    }[name]()


@pytest.mark.parametrize("name", RULES)
def test_fit_and_set_threshold_go_by_the_errors_of_calibration_rows(calibrated, name):
    errors = calibrated._calibration[0]
    limit = expected(name, errors)
    assert calibrated.set_threshold(**RULES[name]) is calibrated
    assert calibrated.offset_ == pytest.approx(-limit, rel=1e-12)
    X = table(300, seed=1)
    odd = calibrated.reconstruction_error(X) > -calibrated.offset_
    np.testing.assert_array_equal(calibrated.predict(X) == -1, odd)
    np.testing.assert_array_equal(
        calibrated.decision_function(X), calibrated.score_samples(X) - calibrated.offset_
    )
    at_once = model(calibration_fraction=0.5, threshold=RULES[name]).fit(table(1000))
    assert at_once.offset_ == calibrated.offset_


@pytest.mark.parametrize("name", ["value", "auto", "share", "quantile", "mad", "mad of 2"])
def test_without_calibration_rows_they_go_by_those_of_training_rows(fitted, name):
    errors = fitted.reconstruction_error(table(500))
    fitted.set_threshold(**RULES[name])
    assert fitted.offset_ == pytest.approx(-expected(name, errors), rel=1e-12)
    assert model(threshold=RULES[name]).fit(table(500)).offset_ == fitted.offset_


def test_the_parameters_short_forms(fitted):
    for short, long in ((0.25, {"value": 0.25}), ("mad", {"method": "mad"})):
        offset = fitted.set_threshold(**long).offset_
        assert model(threshold=short).fit(table(500)).offset_ == offset
    evt = model(threshold="evt", calibration_fraction=0.5).fit(table(1000))
    assert evt.offset_ == evt.set_threshold(method="evt").offset_


@pytest.mark.parametrize("name", ["rate", "evt", "evt of a rate"])
def test_a_rate_of_training_rows_is_no_promise_and_says_so(name):
    with pytest.warns(UserWarning, match="of new rows it is higher: set calibration_fraction") as w:
        fitted = model(threshold=RULES[name]).fit(table(500))
    assert [warning.filename for warning in w] == [__file__]
    errors = fitted.reconstruction_error(table(500))
    assert fitted.offset_ == pytest.approx(-expected(name, errors), rel=1e-12)
    with pytest.warns(UserWarning, match="of new rows it is higher") as w:
        fitted.set_threshold(**RULES[name])
    assert [warning.filename for warning in w] == [__file__]
    with pytest.warns(UserWarning, match="of new rows it is higher"):
        fitted.partial_fit(table(500))


def test_the_sketch_of_a_large_table_is_evenly_spaced():
    X = table(25_000)
    X[:5000] *= 10  # the last 10,000 rows know nothing of these
    for contamination in ("auto", 0.2):
        fitted = model(max_epochs=0.1, contamination=contamination).fit(X)
        assert fitted._errors[0].size <= 10_000
        share = np.mean(fitted.set_threshold(contamination=0.1).predict(X) == -1)
        assert share == pytest.approx(0.1, abs=0.01)


def test_a_scans_sketch():
    X = table(3000)
    fitted = model(threshold={"quantile": 0.9}).fit(scan(X, window=1000))
    assert np.mean(fitted.predict(X) == -1) == pytest.approx(0.1, abs=0.02)
    with pytest.raises(ValueError, match=r"calibration_fraction is not there for a scan"):
        model(calibration_fraction=0.1).fit(scan(X, window=1000))


def test_training_stays_as_it_is():
    other = model(threshold="mad").fit(table(500))
    plain = model().fit(table(500))
    assert other.offset_ != plain.offset_
    other.offset_ = plain.offset_
    assert_same_fit(other, plain)


def test_a_finished_run_gets_another_threshold(tmp_path):
    X, path = table(300), tmp_path / "checkpoint"
    plain = model(checkpoint=path).fit(X)
    other = model(checkpoint=path, threshold={"quantile": 0.5}).fit(X)
    np.testing.assert_array_equal(other.coefs_[0], plain.coefs_[0])
    median = np.median(plain.reconstruction_error(X))
    assert other.offset_ == pytest.approx(-median, rel=1e-12)


@pytest.mark.parametrize(
    "given", [{"quantile": 0.999}, {"contamination": 0.001}, {"false_positive_rate": 0.001}]
)
@pytest.mark.filterwarnings("ignore:The false-positive rate")
def test_training_rows_do_not_support_everything_either(fitted, given):
    for refused in (fitted.set_threshold, lambda **_: model(threshold=given).fit(table(500))):
        with pytest.raises(ValueError, match=r"finer than the errors of 500 training rows support"):
            refused(**given)
    with pytest.raises(ValueError, match=r"500 training rows"):  # before any training
        model(threshold=given, max_epochs=1e9).fit(table(500))
    weight = np.full(500, 2.0)  # which stand for 1,000
    model(threshold=given).fit(table(500), sample_weight=weight)


def test_partial_fit_goes_by_the_parameter_again(fitted):
    streamed = pickle.loads(pickle.dumps(fitted)).set_threshold(1e9)
    streamed.set_params(threshold={"quantile": 0.5}).partial_fit(table(100, seed=1))
    errors = streamed._errors[0]
    assert errors.size == 600
    assert streamed.offset_ == pytest.approx(-np.median(errors), rel=1e-12)


def test_parameters_are_cloned():
    assert clone(model(threshold={"quantile": 0.9})).threshold == {"quantile": 0.9}


REFUSED = {
    "quantile": ({"quantile": 0.999}, r"quantile=0.999 .* 500 calibration rows .* at most 0.998\."),
    "share": (
        {"contamination": 0.001},
        r"contamination=0.001 .* 500 calibration rows .* at least 0.002; give 1,000 rows or more\.",
    ),
    "rate": (
        {"false_positive_rate": 0.001},
        r"rate=0.001 .* 500 .* at least 0.00199601; give 999 rows or more, or method='evt'",
    ),
    "a rate that no tail gives": (
        {"false_positive_rate": 1e-6},
        r"rate=1e-06 .* 500 .* at least 0.00199601; give 999,999 rows or more\.",
    ),
    "evt": (
        {"method": "evt", "false_positive_rate": 1e-4},
        r"rate=0.0001 .* 500 .* at least 0.0004; give 2,000 rows or more\.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_data_do_not_support_is_refused_with_the_figures(calibrated, name):
    given, message = REFUSED[name]
    offset = calibrated.offset_
    with pytest.raises(ValueError, match=message):
        calibrated.set_threshold(**given)
    assert calibrated.offset_ == offset
    with pytest.raises(ValueError, match=message):  # before any training
        model(calibration_fraction=0.5, threshold=given, max_epochs=1e9).fit(table(1000))


@pytest.mark.parametrize(
    ("given", "n"),
    [
        ({"false_positive_rate": 0.01}, 99), ({"contamination": 0.01}, 100),
        ({"quantile": 0.99}, 100), ({"method": "evt", "false_positive_rate": 1e-3}, 200),
    ],
)  # fmt: skip
def test_as_many_rows_as_it_says_are_enough(fitted, given, n):
    kept = pickle.loads(pickle.dumps(fitted))
    kept.calibrate(table(n, seed=2)).set_threshold(**given)
    with pytest.raises(ValueError, match=f"{n - 1} calibration rows"):
        kept.calibrate(table(n - 1, seed=2)).set_threshold(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "A threshold is one of .* got nothing"),
        ({"value": 1.0, "quantile": 0.5}, "one of .* got value=1.0, quantile=0.5"),
        ({"method": "mad", "quantile": 0.5}, "one of .* got quantile=0.5, method='mad'"),
        ({"n_deviations": 2.0}, "one of .* got n_deviations=2.0"),
        ({"method": "iqr"}, "method must be 'mad' or 'evt', got 'iqr'"),
        ({"value": -1}, "value must be a number >= 0, got -1"),
        ({"value": np.nan}, "value must be a number >= 0, got nan"),
        ({"quantile": 1.0}, r"quantile must be a number in \(0, 1\), got 1.0"),
        ({"contamination": 0.6}, r"contamination must be 'auto' or a number in \(0, 0.5\], got"),
        ({"false_positive_rate": 0}, r"false_positive_rate must be a number in \(0, 1\), got 0"),
        ({"method": "mad", "n_deviations": 0}, "n_deviations must be a number > 0, got 0"),
    ],
)
def test_wrong_arguments_are_named(fitted, given, message):
    with pytest.raises(ValueError, match=message):
        fitted.set_threshold(**given)
    if given:
        with pytest.raises(ValueError, match=message):
            model(threshold=given).fit(table(50))


def test_weights_taken_over_have_no_errors():
    taken = Autoencoder._assembled(
        coefs=[np.eye(2)], intercepts=[np.zeros(2)], shift=np.zeros(2), scale=np.ones(2)
    )
    with pytest.raises(ValueError, match=r"There are no errors .* call calibrate"):
        taken.set_threshold(quantile=0.5)
    assert taken.set_threshold(0.5).offset_ == -0.5


@pytest.mark.parametrize("seed", range(20))
def test_weighted_thresholds_are_those_of_repeated_errors(seed):
    rng = np.random.default_rng(seed)
    errors, counts = rng.exponential(size=150), rng.integers(1, 5, size=150)
    errors = np.round(errors, 1) + 0.1 if seed % 2 else errors
    repeated, weights = np.repeat(errors, counts), counts.astype(float)
    for rate in (0.01, 0.05, 0.2, 0.7):
        assert rank_threshold(errors, rate, weights) == rank_threshold(repeated, rate)
        tail = tail_threshold(repeated, rate)
        assert tail_threshold(errors, rate, weights) == pytest.approx(tail, rel=1e-9)
    mad = mad_threshold(repeated, 2.0)
    assert mad_threshold(errors, 2.0, weights) == pytest.approx(mad, rel=1e-9)


@pytest.mark.parametrize("shape", [0.0, 0.2, 0.4])
def test_the_tails_parameters_are_found(shape):
    values = stats.genpareto(shape, scale=3.0).rvs(100_000, random_state=0)
    found = generalised_pareto(values, np.ones(values.size))
    assert found == pytest.approx((shape, 3.0), abs=0.1)
    n = 10_000
    values = values[:n]
    ours, (_, _, scale) = (
        generalised_pareto(values, np.ones(n)),
        stats.genpareto.fit(values, floc=0),
    )
    assert ours[1] == pytest.approx(scale, rel=0.1)


@pytest.mark.parametrize("law", [stats.expon(), stats.lognorm(1), stats.chi2(5), stats.f(1, 3)])
@pytest.mark.parametrize("factor", [2, 1 / 5])
def test_a_tails_rate_is_of_the_right_size(law, factor):
    n, rng = 1000, np.random.default_rng(0)
    asked = factor / n
    got = [law.sf(tail_threshold(law.rvs(n, random_state=rng), asked)) for _ in range(200)]
    assert 0.5 < np.mean(got) / asked < 3


def test_equal_errors_have_a_tail_without_width():
    errors = np.ones(1000)
    assert tail_threshold(errors, 1e-3) == 1.0
    assert mad_threshold(errors, 3.5) == pytest.approx(1.0)
    errors[:50] = 2.0
    assert tail_threshold(errors, 0.01) >= 2.0


def test_rules_stand_for_themselves():
    assert rule_of(quantile=0.5) == rule_of(quantile=0.5) != rule_of(quantile=0.6)
    errors = np.arange(100.0)
    assert rule_of(quantile=0.9).threshold(errors, None, "training") == quantiles(errors, [0.9])[0]
