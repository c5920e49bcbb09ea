"""Wrong arguments with categories: one sentence, before anything has happened."""

from __future__ import annotations

import re

import numpy as np
import pytest

from corefactors import N_ROWS, SMALL, FactorNet, Shape, network
from corenet import ISAS, Net, table
from coretargets import some_classes
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


WITH_TARGETS = Shape(5, (3, 7, 2), (6, 4), marks=True, n_targets=3)


def described(**more):
    """Return a description of two factors beside two numbers, and its options."""
    return {"n_levels": [3, 2], "weights": [1.0, 0.5], **more}


CODES = np.zeros((N_ROWS, 2), np.int32)
SIZES = "one row per row of X and one column per factor"
WRONG = {
    "levels below 0": (described(n_levels=[3, -1]), CODES, "n_levels must be from 0 to 2^31 - 1"),
    "levels of 2^31": (described(n_levels=[3, 2**31]), CODES, "n_levels must be from 0"),
    "a weight too few": (described(weights=[1.0]), CODES, "weights must have one entry per factor"),
    "a weight too many": (described(weights=[1.0] * 3), CODES, "weights must have one entry per"),
    "negative weight": (described(weights=[1, -0.1]), CODES, "weights must be at least 0 and"),
    "infinite weight": (described(weights=[1, np.inf]), CODES, "weights must be at least 0 and"),
    "nan weight": (described(weights=[1, np.nan]), CODES, "weights must be at least 0 and finite"),
    "loss": (
        described(loss="hinge"), CODES,
        "unknown categorical loss 'hinge': choose cross_entropy or squared_error",
    ),
    "full_levels": (described(full_levels=-1), CODES, "full_levels must be at least 0"),
    "n_sampled": (described(n_sampled=0), CODES, "n_sampled at least 1"),
    "frequencies": (described(frequencies=[1.0] * 4), CODES, "frequencies must have one entry per"),
    "frequency of 0": (
        described(frequencies=[1, 2, 0, 1, 1]), CODES, "frequencies must be positive and finite",
    ),
    "infinite frequency": (
        described(frequencies=[1, 2, np.inf, 1, 1]), CODES, "frequencies must be positive",
    ),
    "more levels": (described(n_levels=[3, 3]), CODES, "the first width must be that of the num"),
    "marks": (described(marks_missing=True), CODES, "the first width must be that of the numbers"),
    "no codes": (described(), None, "codes and factors belong together"),
    "codes 1-d": (described(), np.zeros(N_ROWS, np.int32), SIZES),
    "few codes": (described(), CODES[:-1], SIZES),
    "narrow codes": (described(), np.zeros((N_ROWS, 1), np.int32), SIZES),
    "wide codes": (described(), np.zeros((N_ROWS, 3), np.int32), SIZES),
    "a level too many": (described(), CODES + np.int32(2), "codes must be below the number of lev"),
    "codes int64": (described(), CODES.astype(np.int64), TypeError),
    "codes strided": (described(), np.zeros((N_ROWS, 4), np.int32)[:, ::2], TypeError),
    "no levels": ({"weights": [1.0, 0.5]}, CODES, TypeError),
    "no weights": ({"n_levels": [3, 2]}, CODES, TypeError),
    "not known": (described(levels=3), CODES, TypeError),
    "text": (described(weights="ab"), CODES, TypeError),
    "a list": ([3, 2], CODES, TypeError),
}  # fmt: skip


def assert_refused(call, wrong):
    """``wrong`` is the beginning of a ValueError's message, or the error."""
    is_error = isinstance(wrong, type)
    with pytest.raises(
        wrong if is_error else ValueError, match=None if is_error else re.escape(wrong)
    ):
        call()


def small_net(core):
    """Return a network of 2 numbers and the two factors that `described` tells of."""
    return FactorNet.of(core, Shape(2, (3, 2), (4,)))


def options_of(net, factors):
    return {**super(FactorNet, net).options, "factors": factors}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_factors_are_refused_before_anything_happens(core, wrong):
    net = small_net(core)
    factors, codes, message = WRONG[wrong]
    before, slots = net.params.copy(), net.slots(solver="adam")
    options = options_of(net, factors)
    assert_refused(
        lambda: core.train(net.X, net.params, slots, **options, codes=codes, solver="adam",
                           learning_rate=0.1, batch_size=4), message,
    )  # fmt: skip
    np.testing.assert_array_equal(net.params, before)
    np.testing.assert_array_equal(slots, 0)
    more = {"score": {}, "feature_errors": {}, "reconstruct": {}, "activations": {"n_layers": 1}}
    for name, of_name in more.items():
        assert_refused(
            lambda name=name, of_name=of_name: getattr(core, name)(
                net.X, net.params, **options, codes=codes, n_threads=1, **of_name
            ),
            message,
        )


def test_codes_without_factors_are_refused(core):
    X, codes = table(N_ROWS, 3), np.zeros((N_ROWS, 1), np.int32)
    net = Net.ranged(core, X, (2,), ["tanh", "identity"])
    message = "codes and factors belong together"
    assert_refused(lambda: net.train(X, codes=codes), message)
    for name in ("score", "feature_errors", "reconstruct"):
        assert_refused(lambda name=name: net.call(name, X, codes=codes), message)
    assert_refused(lambda: net.call("activations", X, codes=codes, n_layers=1), message)


WRONG_TRAINING = {
    "max_w2": ({"max_w2": 1.0}, "max_w2 is not there for factors"),
    "n_targets": ({"n_targets": -1}, "the last width must be n_targets"),
    "classes": (
        {"n_targets": 1, "classes": np.zeros(N_ROWS, np.int32)},
        "the last width must be that of the numbers, the levels and the targets",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_TRAINING)
def test_wrong_training_is_refused(core, wrong):
    net = small_net(core)
    more, message = WRONG_TRAINING[wrong]
    options = {**net.options, "solver": "adam", "learning_rate": 0.1, "batch_size": 4, **more}
    assert_refused(
        lambda: core.train(net.X, net.params, net.slots(solver="adam"), codes=net.codes, **options),
        message,
    )


def test_marks_are_not_for_imputed_values(core):
    net, _ = network(core, SMALL)
    with pytest.raises(ValueError, match="marks_missing is for missing values that are ignored"):
        net.fit(missing="impute")


def test_classes_need_an_identity_as_output(core):
    net, more = network(core, WITH_TARGETS, output="tanh")
    with pytest.raises(ValueError, match="classes need 'identity' as the last activation"):
        net.fit(**more, **some_classes(N_ROWS, 3))


def test_factors_need_a_hidden_layer(core):
    net = FactorNet.of(core, Shape(2, (3, 2), ()))
    for call in (net.fit, lambda: net.made_of("score"), lambda: net.made_of("reconstruct")):
        with pytest.raises(ValueError, match="factors need at least one hidden layer"):
            call()


def test_layers_of_units_are_no_table(core):
    # Which units a row activates is nothing that a layer of numbers could say.
    net = small_net(core)
    with pytest.raises(ValueError, match="n_layers must be above 0 with factors"):
        net.made_of("activations", n_layers=0)
    with pytest.raises(ValueError, match="first_layer must be above 0 with factors"):
        net.call("decode", np.zeros((3, net.widths[0])), first_layer=0)


def test_networks_with_targets_are_not_scored(core):
    net, more = network(core, WITH_TARGETS)
    for name in ("score", "feature_errors", "reconstruct"):
        with pytest.raises(ValueError, match="the last width must be that of the numbers, the le"):
            net.made_of(name, **more)
