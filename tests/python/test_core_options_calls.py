"""Training in several calls and by several threads, limits, frozen layers, and wrong options."""

from __future__ import annotations

import numpy as np
import pytest

from corenet import ISAS, SOLVERS, Net, table
from fastae import _core


@pytest.fixture(params=ISAS)
def core(request):
    return _core.load(request.param)


N, ABSENT = 23, [4, 19]
SOME_SOLVERS = ["adadelta", "adam", "sgd-annealing", "sgd-nesterov"]
WIDTHS = (20, 140, 300, 130, 20)  # columns in several parts on both sides
NAMES = ["elu", "tanh", "logistic", "tanh"]


def sample_weight():
    weight = np.linspace(0.5, 1.5, N).astype(np.float32)
    weight[ABSENT] = 0
    return weight


def everything(solver):
    """Return all options at once that this solver knows."""
    options = {
        **SOLVERS[solver], "seed": 9,
        "loss": "quantile", "loss_parameter": 0.4, "input_dropout": 0.1, "input_noise": 0.05,
        "hidden_dropout": [0.2, 0.0, 0.3], "sparsity_beta": 0.05, "average_activation": 0.1,
        "l1": 1e-4, "l2": 1e-3, "max_w2": 0.7, "layer_rates": [1.0, 0.0, 0.5, 1.3],
        "sample_weight": sample_weight(), "schedule": "cosine", "samples_total": 300,
    }  # fmt: skip
    if solver == "sgd-annealing":
        options |= {"schedule": "invscaling", "power": 0.2}
    if "momentum" in options:
        options |= {"momentum_start": 0.4, "momentum_ramp": 30.0, "dampening": True}
    if solver.startswith("sgd"):
        options["learning_rate"] = 0.003
    return options


class Run:
    """A training that may be done in several calls."""

    def __init__(self, core, X, options, widths=WIDTHS, names=NAMES):
        self.X, self.options = X, options
        self.net = Net.ranged(core, X, widths[1:-1], names, seed=3)
        self.slots, self.averages = self.net.slots(**options), self.net.averages()
        weight = options.get("sample_weight")
        self.n_rows = len(X) if weight is None else np.count_nonzero(weight)
        self.samples = self.steps = 0
        self.parts = []

    def go_on(self, n_samples, **more):
        """Train on some more rows."""
        made = self.net.train(
            self.X, slots=self.slots, averages=self.averages, **self.options, **more,
            n_samples=n_samples, first_epoch=self.samples // self.n_rows,
            first_row=self.samples % self.n_rows, samples_done=self.samples, steps_done=self.steps,
        )  # fmt: skip
        before = self.samples // self.n_rows
        for k, (rows, error) in enumerate(zip(made["rows"], made["squared_error"], strict=True)):
            self.parts.append((before + k, rows, error))
        self.samples += made["samples"]
        self.steps += made["steps"]
        assert made["samples"] == sum(made["rows"])
        assert made["epochs"] == self.samples // self.n_rows - before
        return made

    def state(self):
        return self.net.params, self.slots, self.averages

    def epochs(self):
        """Return rows and sum of squared errors of every epoch."""
        sums = np.zeros((self.parts[-1][0] + 1, 2))
        for epoch, *numbers in self.parts:
            sums[epoch] += numbers
        return sums


@pytest.mark.parametrize("batch_size", [1, 4, 100])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_same_bits_for_any_threads_and_any_split_of_the_rows(core, solver, batch_size):
    X = table(N, 20)
    options = {**everything(solver), "batch_size": batch_size}
    once = Run(core, X, options)
    total = once.n_rows + 12
    once.go_on(total)
    assert once.samples == (2 * once.n_rows if batch_size == 100 else total)
    # One mini-batch at a time, or some; with as many threads as there are parts, or any other.
    few = 7 if batch_size == 1 else 1
    for portions, threads in [([total], [2]), ([total], [3]), ([total], [4]), ([few], [1]),
                              ([10, 5, 1], [3, 1, 2, 4])]:  # fmt: skip
        run, k = Run(core, X, options), 0
        while run.samples < once.samples:
            n_samples = min(portions[k % len(portions)], once.samples - run.samples)
            made = run.go_on(n_samples, n_threads=threads[k % len(threads)])
            assert made["status"] == "ok"
            k += 1
        assert (run.samples, run.steps) == (once.samples, once.steps)
        for buffer, expected in zip(run.state(), once.state(), strict=True):
            np.testing.assert_array_equal(buffer, expected)
        np.testing.assert_allclose(run.epochs(), once.epochs(), rtol=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 16])
def test_training_that_was_stopped_goes_on_with_the_same_bits(core, batch_size, n_threads):
    X = table(1000, 60, np.float32)
    options = {
        **everything("adam"), "batch_size": batch_size, "n_threads": n_threads,
        "sample_weight": None, "hidden_dropout": [0.3], "layer_rates": [1.0, 0.5],
        "samples_total": 1e6,
    }  # fmt: skip
    widths, names = (60, 30, 60), ["elu", "tanh"]
    once, run = Run(core, X, options, widths, names), Run(core, X, options, widths, names)
    for _ in range(2):
        made = run.go_on(10**8, tick=lambda samples: True)
        assert made["status"] == "stopped"
    once.go_on(run.samples)
    for buffer, expected in zip(run.state(), once.state(), strict=True):
        np.testing.assert_array_equal(buffer, expected)


@pytest.mark.parametrize(("parallel", "n_threads"), [("deterministic", 1), ("hogwild", 2)])
def test_rows_are_rounded_up_to_whole_mini_batches(core, parallel, n_threads):
    X = table(20, 6)
    for n_samples, rows in [(0, []), (1, [8]), (8, [8]), (9, [16]), (17, [20]), (20, [20]),
                            (21, [20, 8]), (40, [20, 20])]:  # fmt: skip
        net = Net.ranged(core, X, (3,), ["tanh", "tanh"])
        made = net.train(
            X, batch_size=8, n_samples=n_samples, parallel=parallel, n_threads=n_threads
        )
        assert (made["rows"], made["samples"], made["epochs"]) == (rows, sum(rows), sum(rows) // 20)
        mse = [error / n / 6 for error, n in zip(made["squared_error"], made["rows"], strict=True)]
        np.testing.assert_allclose(made["mse"], mse, rtol=1e-14)
        assert all(seconds > 0 for seconds in made["seconds"])


def squares(W):
    return [(w.astype(np.float64) ** 2).sum(axis=0) for w in W]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_the_limit_of_the_weights_holds_after_every_step(core, solver, batch_size, n_threads):
    X = table(N, 20)
    options = {**SOLVERS[solver], "learning_rate": 0.01, "batch_size": batch_size}
    free = Run(core, X, options)
    free.go_on(1)
    run = Run(core, X, {**options, "max_w2": 0.8})
    run.go_on(1, n_threads=n_threads)
    for mine, other in zip(run.net.b, free.net.b, strict=True):
        np.testing.assert_array_equal(mine, other)  # of biases there is no limit
    n_limited = n_free = 0
    for mine, other, total in zip(run.net.W, free.net.W, squares(free.net.W), strict=True):
        factor = np.minimum(1, np.sqrt(0.8 / total))
        np.testing.assert_allclose(mine, other * factor, rtol=1e-6)
        np.testing.assert_array_equal(mine[:, factor == 1], other[:, factor == 1])
        n_limited += (factor < 1).sum()
        n_free += (factor == 1).sum()
    assert min(n_limited, n_free) > 30
    while run.samples < N:
        run.go_on(1, n_threads=n_threads)
        worst = max(total.max() for total in squares(run.net.W))
        assert worst < 0.8 * (1 + 1e-5)
    assert worst > 0.8 * (1 - 1e-5)


@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_a_layer_of_rate_0_keeps_its_bits(core, solver, batch_size, parallel):
    X = table(N, 20)
    options = {**everything(solver), "batch_size": batch_size, "max_w2": float("inf")}
    for layer in range(4):
        rates = [1.0] * 4
        rates[layer] = 0.0
        run = Run(core, X, {**options, "layer_rates": rates, "parallel": parallel})
        start = Run(core, X, options).net
        run.go_on(run.n_rows, n_threads=2)
        for k in range(4):
            for mine, before in [(run.net.W[k], start.W[k]), (run.net.b[k], start.b[k])]:
                assert np.array_equal(mine, before) == (k == layer)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("solver", SOME_SOLVERS)
def test_padding_stays_zero_with_everything_switched_on(core, solver, batch_size):
    X = table(N, 20)
    for parallel in ("deterministic", "hogwild"):
        options = {**everything(solver), "batch_size": batch_size, "parallel": parallel}
        run = Run(core, X, options)
        made = run.go_on(3 * run.n_rows, n_threads=2)
        assert made["status"] == "ok"
        for buffer in (run.net.params, run.slots):
            np.testing.assert_array_equal(run.net.padding(buffer), 0)
        averages = run.averages.copy()
        for part in run.net.averages_of_layers(averages):
            assert np.count_nonzero(part) > 0
            part[...] = 0
        np.testing.assert_array_equal(averages, 0)


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("solver", ["adam", "sgd-nesterov"])
def test_hogwild_learns_with_everything_switched_on(core, solver, batch_size):
    X = table(400, 40)
    options = everything(solver) | {
        "batch_size": batch_size, "sample_weight": np.ones(400, np.float32), "max_w2": 4.0,
        "samples_total": 12_000, "loss": "huber", "hidden_dropout": [0.05],
        "layer_rates": [1.0, 0.9], "learning_rate": 0.005 if solver == "adam" else 0.05,
        "parallel": "hogwild", "sparsity_beta": 0.01, "input_dropout": 0.0,
    }  # fmt: skip
    run = Run(core, X, options, (40, 30, 40), ["tanh", "identity"])
    untrained = run.net.call("score", X).mean()
    made = run.go_on(12_000, n_threads=2)
    assert (made["status"], made["rows"]) == ("ok", [400] * 30)
    assert run.net.call("score", X).mean() < untrained / 3


WRONG = {
    "unknown": ({"lerning_rate": 0.1}, TypeError, "unknown option 'lerning_rate'"),
    "missing": ({"solver": None}, TypeError, "option 'solver' has the wrong type: None"),
    "text": ({"l1": "1"}, TypeError, "option 'l1' has the wrong type: '1'"),
    "list": ({"input_dropout": [0.1]}, TypeError, "option 'input_dropout' has the wrong type"),
    "number": ({"hidden_dropout": 0.1}, TypeError, "option 'hidden_dropout' has the wrong type"),
    "fraction": ({"n_samples": 1.5}, TypeError, "option 'n_samples' has the wrong type: 1.5"),
    "seed": ({"seed": -1}, TypeError, "option 'seed' has the wrong type: -1"),
    "loss": ({"loss": "hinge"}, ValueError, "unknown loss 'hinge'"),
    "schedule": ({"schedule": "linear"}, ValueError, "unknown schedule 'linear'"),
    "huber": ({"loss": "huber"}, ValueError, "delta must be positive"),
    "quantile 0": ({"loss": "quantile"}, ValueError, "quantile must be in"),
    "quantile 1": ({"loss": "quantile", "loss_parameter": 1.0}, ValueError, "quantile must be in"),
    "rate": ({"learning_rate": 0.0}, ValueError, "learning_rate must be positive"),
    "nan": ({"learning_rate": float("nan")}, ValueError, "learning_rate must be positive"),
    **{
        f"{name} {value}": ({name: value}, ValueError, f"{name} must be")
        for name, values in {
            "input_dropout": [-0.1, 1.0], "input_noise": [-0.1], "hidden_dropout": [[-0.1], [1.0]],
            "sparsity_beta": [-1], "average_activation": [float("nan")], "max_w2": [0.0],
            "layer_rates": [[1.0, -1.0]], "power": [-1], "momentum": [1.0, -0.1],
            "momentum_start": [1.0, -0.1], "momentum_ramp": [-1], "annealing": [-1],
            "rho": [1.0], "beta_1": [1.0], "beta_2": [-0.1], "epsilon": [0.0],
            "n_samples": [-1], "first_row": [-4, 3, 8],
        }.items()
        for value in values
    },
    "l1": ({"l1": -1}, ValueError, "l1 and l2 must be"),
    "dropout of 2": ({"hidden_dropout": [0.1, 0.1]}, ValueError, "one entry per hidden layer"),
    "rates of 1": ({"layer_rates": [1.0]}, ValueError, "one entry per layer"),
    "cosine": ({"schedule": "cosine"}, ValueError, "samples_total must be positive"),
    "onecycle": ({"schedule": "onecycle"}, ValueError, "samples_total must be positive"),
    "no averages": ({"sparsity_beta": 1.0}, ValueError, "averages must have"),
    "averages": (
        {"sparsity_beta": 1.0, "averages": np.zeros(15, np.float32)}, ValueError, "averages must",
    ),
    "averages 2-d": (
        {"sparsity_beta": 1.0, "averages": np.zeros((1, 16), np.float32)}, ValueError,
        "averages must",
    ),
    "averages float64": (
        {"sparsity_beta": 1.0, "averages": np.zeros(16)}, TypeError, "incompatible"
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_options_are_refused_before_anything_happens(core, wrong):
    more, error, message = WRONG[wrong]
    X = table(8, 5)
    net = Net.ranged(core, X, (9,), ["tanh", "tanh"])
    slots, averages = np.zeros((2, net.params.size), np.float32), np.zeros(16, np.float32)
    options = {"solver": "adam", "learning_rate": 0.1, "batch_size": 4}
    before = net.params.copy()
    with pytest.raises(error, match=message):
        core.train(X, net.params, slots, **net.options, **{**options, **more})
    np.testing.assert_array_equal(net.params, before)
    np.testing.assert_array_equal(slots, 0)
    made = core.train(X, net.params, slots, **net.options, **options, averages=averages)
    assert made["status"] == "ok"


@pytest.mark.parametrize("name", ["solver", "learning_rate", "batch_size"])
def test_options_that_cannot_be_left_out(core, name):
    X = table(8, 5)
    net = Net.ranged(core, X, (9,), ["tanh", "tanh"])
    options = {"solver": "sgd", "learning_rate": 0.1, "batch_size": 4, **net.options}
    del options[name]
    with pytest.raises(TypeError, match=f"missing option '{name}'"):
        core.train(X, net.params, net.slots(solver="sgd"), **options)
