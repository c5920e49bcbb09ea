"""The measurements behind the automatic choices, one table each.

    FASTAE_DATA=/path/to/data python benchmarks/sweeps.py --out benchmarks/results [NAME ...]

    rates     learning_rate_init: test MSE at multiples of the automatic rate
    schedules learning_rate and solver: test MSE of each, all else automatic
    batches   batch_size: test MSE and seconds
    threads   n_jobs: one thread, two, and what n_jobs=None takes
    sizes     speed from tiny to large networks
    hogwild   parallel: speed and spread of the test MSE over seeds and threads
    scalings  scaling: ranking of ADBench's anomalies, with and without absurd values planted
    pixels    scaling: images as bytes and as floats, and heartbeats
    steps     learning_rate_init under scaling="robust": training MSE at multiples of the rate

Writes NAME.md to the folder; without names, all of them (some twenty minutes).
"""

from __future__ import annotations

import inspect
import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from cases import DEEP, scoring_flops, training_flops
from fastae import Autoencoder, DivergenceError, _core, _params, _threads, datasets
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Table = tuple[np.ndarray, np.ndarray]
MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
TANH = {"activation": "tanh", "output_activation": "tanh"}
SCHEDULES = ("cosine", "constant", "onecycle", "invscaling")
SCALINGS = ("auto", "range", "standard", "robust")


def tables() -> dict[str, Table]:
    """Training and test rows by name."""
    images = datasets.load_fashion_mnist()
    digits = np.random.default_rng(0).permutation(load_digits().data)
    beats = datasets.make_heartbeats(n_normal=400, n_anomalies=0, random_state=0).data
    return {
        "Fashion-MNIST 60,000 x 784": (images.x_train, images.x_test),
        "Fashion-MNIST 3,000 x 784": (images.x_train[:3_000], images.x_test),
        "digits 1,300 x 64": (digits[:1_300], digits[1_300:]),
        "heartbeats 200 x 210": (beats[:200], beats[200:]),
    }


def fitted(X: np.ndarray, **settings: Any) -> Autoencoder | None:
    """Return a fitted model, or None where the training diverged."""
    try:
        return Autoencoder(**(TANH | {"random_state": 0} | settings)).fit(X)
    except DivergenceError:
        return None


def mse(X: np.ndarray, X_test: np.ndarray, seeds: Iterable[int], **settings: Any) -> list[float]:
    """Return the test MSE for each seed; infinite where the training diverged."""
    models = [fitted(X, random_state=seed, **settings) for seed in seeds]
    return [-model.score(X_test) if model else np.inf for model in models]


def obs_per_s(X: np.ndarray, rounds: int = 3, **settings: Any) -> float:
    """Return the median over some fits of the rows per second of the training loop."""
    speeds = []
    for _ in range(rounds):
        model = fitted(X, **settings)
        assert model is not None, "the training diverged"
        speeds.append(model.n_samples_seen_ / model.history_["duration"][-1])
    return statistics.median(speeds)


def rates() -> Iterator[list[str]]:
    """Test MSE at multiples of the automatic rate, as ratios to the best of the row."""
    yield ["table", "network", "solver", "batch", "schedule", "automatic rate",
           *(f"x {multiple:g}" for multiple in MULTIPLES)]  # fmt: skip
    data = tables()
    fashion = "Fashion-MNIST 60,000 x 784"
    grid = [
        *[(fashion, (50,), "adam", batch, 1) for batch in (8, 32, 128)],
        *[(fashion, hidden, "adam", 128, 1) for hidden in ((200,), (500,), (200, 50, 200))],
        ("Fashion-MNIST 3,000 x 784", DEEP, "adam", 32, 3),
        ("Fashion-MNIST 3,000 x 784", (50,), "adam", None, 5),
        ("Fashion-MNIST 3,000 x 784", (50,), "adadelta", None, 3),
        ("Fashion-MNIST 3,000 x 784", (50,), "sgd", None, 3),
        ("digits 1,300 x 64", (8,), "adam", None, 30),
        ("digits 1,300 x 64", (8,), "adadelta", None, 30),
        ("heartbeats 200 x 210", (50,), "adam", None, 100),
        ("heartbeats 200 x 210", (50,), "adadelta", None, 30),
    ]
    for name, hidden, solver, batch, epochs in grid:
        X, X_test = data[name]
        rows = batch or _params.auto_batch_size(solver, len(X))
        for schedule in SCHEDULES:
            rate = _params.auto_learning_rate(solver, schedule, rows, hidden)
            errors = [
                statistics.mean(
                    mse(X, X_test, (0, 1), hidden_layer_sizes=hidden, solver=solver,
                        batch_size=rows, learning_rate=schedule, max_epochs=epochs,
                        learning_rate_init=rate * multiple)
                )
                for multiple in MULTIPLES
            ]  # fmt: skip
            best = min(errors)
            yield [name, "-".join(map(str, hidden)), solver, str(rows), schedule, f"{rate:.2g}",
                   *(f"{error / best:.2f}" for error in errors)]  # fmt: skip


def schedules() -> Iterator[list[str]]:
    """Test MSE by solver and schedule, mean of three seeds, the other settings automatic."""
    yield ["table", "epochs", "solver", *SCHEDULES]
    grid = {"Fashion-MNIST 3,000 x 784": 5, "digits 1,300 x 64": 30, "heartbeats 200 x 210": 60}
    for name, (X, X_test) in tables().items():
        for solver in ("adam", "adadelta", "sgd") if name in grid else ():
            errors = [
                statistics.mean(
                    mse(X, X_test, (0, 1, 2), hidden_layer_sizes=_hidden(X), solver=solver,
                        learning_rate=schedule, max_epochs=grid[name])
                )
                for schedule in SCHEDULES
            ]  # fmt: skip
            yield [name, str(grid[name]), solver, *(f"{error:.5f}" for error in errors)]


def batches() -> Iterator[list[str]]:
    """Test MSE and seconds by batch size, the other settings at their defaults."""
    sizes = (1, 4, 16, 32, 64, 128, 256, 512)
    yield ["table", "epochs", "automatic", *map(str, sizes)]
    epochs = {"Fashion-MNIST 60,000 x 784": 3, "Fashion-MNIST 3,000 x 784": 20}
    for name, (X, X_test) in tables().items():
        cells = []
        for batch in sizes:
            model = fitted(
                X, hidden_layer_sizes=_hidden(X), batch_size=batch, max_epochs=epochs.get(name, 100)
            )
            assert model is not None, "the training diverged"
            seconds = model.history_["duration"][-1]
            cells.append(f"{-model.score(X_test):.5f} ({seconds:.2g} s)")
        auto = _params.auto_batch_size("adam", len(X))
        yield [name, str(epochs.get(name, 100)), str(auto), *cells]


def _hidden(X: np.ndarray) -> int:
    return {784: 50, 64: 8, 210: 50}[X.shape[1]]


def threads() -> Iterator[list[str]]:
    """Microseconds per update for one thread and for two, and what n_jobs=None takes."""
    yield ["network", "solver", "batch", "us, 1 thread", "us, 2 threads", "gain",
           "n_jobs=None takes", "its loss against the better"]  # fmt: skip
    nets = [(10, 3), (30, 10), (64, 8), (100, 30), (210, 50), (784, 50), (784, 200), (2_000, 100)]
    for n_features, hidden in nets:
        for solver, batch in (("adadelta", 1), ("adam", 8), ("adam", 32), ("adam", 128)):
            rows = int(np.clip(2e10 / training_flops((hidden,), n_features), 2_000, 200_000))
            X = np.random.default_rng(0).random((rows, n_features), dtype=np.float32)
            settings = {"hidden_layer_sizes": hidden, "solver": solver, "batch_size": batch}
            taken = _threads.for_training(
                None, widths=(n_features, hidden, n_features), batch_size=batch, n_samples=rows
            )
            per_update = {
                n: 1e6 * batch / obs_per_s(X, n_jobs=n, max_epochs=1, rounds=5, **settings)
                for n in {1, 2, taken}
            }
            loss = per_update[taken] / min(per_update.values()) - 1
            yield [f"{n_features}-{hidden}-{n_features}", solver, str(batch),
                   f"{per_update[1]:.1f}", f"{per_update[2]:.1f}",
                   f"{per_update[1] / per_update[2]:.2f}", str(taken), f"{loss:.0%}"]  # fmt: skip


def sizes() -> Iterator[list[str]]:
    """Speed by size of the network, Adam with 128 rows per batch: no cliff in between."""
    counts = sorted({1, _threads.usable_cpus()})
    yield ["network", *(f"train, {n} threads, obs/s (% of peak)" for n in counts),
           *(f"score, {n} threads, rows/s (% of peak)" for n in counts)]  # fmt: skip
    nets = [
        (10, (3,)), (30, (10,)), (100, (10,)), (100, (50,)), (200, (100,)), (500, (50,)),
        (784, (50,)), (784, (500,)), (784, (1_000,)), (784, DEEP), (1_024, (256, 64, 256)),
        (2_000, (100,)), (2_000, (1_000,)), (5_000, (100,)), (5_000, (1_000,)),
    ]  # fmt: skip
    peaks = {n: max(_core.fma_peak(n_threads=n, seconds=0.1) for _ in range(9)) for n in counts}
    for n_features, hidden in nets:
        flops = training_flops(hidden, n_features)
        rows = int(np.clip(3e10 / flops, 640, 200_000))
        X = np.random.default_rng(0).random((rows, n_features), dtype=np.float32)
        cells = []
        for n in counts:
            speed = obs_per_s(
                X, hidden_layer_sizes=hidden, batch_size=128, max_epochs=2, n_jobs=n
            )  # fmt: skip
            cells.append(f"{speed:,.0f} ({100 * speed * flops / peaks[n]:.0f} %)")
        for n in counts:
            model = Autoencoder(hidden_layer_sizes=hidden, max_epochs=0, n_jobs=n).fit(X[:100])
            speed = rows / _seconds(lambda m=model, A=X: m.reconstruction_error(A))
            share = 100 * speed * scoring_flops(hidden, n_features) / peaks[n]
            cells.append(f"{speed:,.0f} ({share:.0f} %)")
        yield ["-".join(map(str, (n_features, *hidden, n_features))), *cells]


def _seconds(function: Callable[[], object], rounds: int = 5) -> float:
    from timeit import repeat

    return statistics.median(repeat(function, number=1, repeat=rounds))


def hogwild() -> Iterator[list[str]]:
    """Speed and test MSE after one epoch on Fashion-MNIST, over ten seeds (ADADELTA: four)."""
    yield ["solver", "batch", "parallel", "threads", "obs/s", "test MSE: mean", "least", "most"]
    X, X_test = tables()["Fashion-MNIST 60,000 x 784"]
    ways = [("deterministic", 1), ("deterministic", 2), *(("hogwild", n) for n in (2, 4, 8))]
    for solver, batch in (("adam", 32), ("adam", 128), ("sgd", 32), ("adadelta", 1)):
        # One row at a time is slow: fewer rows and seeds.
        part, seeds = (X[:10_000], range(4)) if batch == 1 else (X, range(10))
        for parallel, n_threads in ways:
            settings = {
                "hidden_layer_sizes": 50, "solver": solver, "batch_size": batch, "max_epochs": 1,
                "parallel": parallel, "n_jobs": n_threads,
            }  # fmt: skip
            errors = mse(part, X_test, seeds, **settings)
            yield [solver, str(batch), parallel, str(n_threads),
                   f"{obs_per_s(part, **settings):,.0f}", f"{statistics.mean(errors):.5f}",
                   f"{min(errors):.5f}", f"{max(errors):.5f}"]  # fmt: skip


def adbench(most: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, rows and labels (1: anomaly) of ADBench's tables, at most so many rows each."""
    folder = Path(os.environ["FASTAE_DATA"]) / "adbench"
    for path in sorted(folder.glob("*.npz"), key=lambda path: int(path.stem.split("_")[0])):
        with np.load(path) as file:
            X, y = np.asarray(file["X"], dtype=np.float64), file["y"].ravel().astype(int)
        rows = np.sort(np.random.default_rng(0).permutation(len(X))[:most])
        yield path.stem.split("_", 1)[1], X[rows], y[rows]


def with_absurd_values(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a copy with one value per column a million standard deviations off, and other rows.

    The values stand in one row of a hundred. The rows are those without any.
    """
    rows = np.random.default_rng(1).permutation(len(X))[: max(1, len(X) // 100)]
    columns = np.arange(X.shape[1])
    wild = X.copy()
    wild[rows[columns % rows.size], columns] += 1e6 * np.maximum(X.std(axis=0), 1e-3)
    return wild, np.setdiff1d(np.arange(len(X)), rows)


def scalings() -> Iterator[list[str]]:
    """Area under the ROC curve of the rows' errors on ADBench, mean of four seeds.

    Fitted on all rows without labels, at most 2,000 of a table, for 50 epochs, the other settings
    automatic. "Absurd": one value of every column is a million standard deviations off; the same
    rows, without those that hold such a value, are ranked with and without.
    """
    kinds = SCALINGS[1:]  # "auto" is "robust" here
    yield ["table", "rows", *kinds, *(f"{scaling}, absurd" for scaling in kinds)]
    means = []
    for name, X, y in adbench(2_000):
        wild, others = with_absurd_values(X)
        areas = [
            statistics.mean(
                _area(table, X[others], y[others], scaling=scaling, random_state=seed)
                for seed in range(4)
            )
            for table in (X, wild)
            for scaling in kinds
        ]
        means.append(areas)
        yield [f"{name}, {X.shape[1]} columns", f"{len(X):,}", *(f"{area:.3f}" for area in areas)]
    yield ["mean", "", *(f"{area:.3f}" for area in np.mean(means, axis=0))]


def _area(X: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, **settings: Any) -> float:
    model = Autoencoder(**({"max_epochs": 50, "n_jobs": 1} | settings)).fit(X)
    return roc_auc_score(y_test, model.reconstruction_error(X_test))


def pixels() -> Iterator[list[str]]:
    """Images of MNIST without one digit, and heartbeats: errors in their own units, and ranking.

    2,000 images of nine digits, 784-50-784, 30 epochs; the tenth digit among 2,000 others is the
    anomaly. The mean squared error of the nine digits' pixels is in units of the white's square.
    Of the electrocardiogram, 20 good beats and 3 bad ones: the least error of a bad one over the
    largest of a good one.
    """
    yield ["table", "what", *SCALINGS]
    with np.load(Path(os.environ["FASTAE_DATA"]) / "mnist" / "mnist_20k.npz") as file:
        order = np.random.default_rng(0).permutation(len(file["y_train"]))  # sorted by label
        images, labels = file["x_train"].reshape(-1, 784)[order], file["y_train"][order]
    settings = {"hidden_layer_sizes": 50, "max_epochs": 30, "n_jobs": 1, "random_state": 0}
    for name, unit in (("MNIST, bytes", 255.0), ("MNIST, floats from 0 to 1", 1.0)):
        X = images if unit == 255 else np.float32(images / np.float32(255))
        for digit in (0, 4, 8):
            train = np.flatnonzero(labels[:6_000] != digit)[:2_000]
            odd = labels[-2_000:] == digit
            fits = [Autoencoder(**settings, scaling=kind).fit(X[train]) for kind in SCALINGS]
            areas = [roc_auc_score(odd, fit.reconstruction_error(X[-2_000:])) for fit in fits]
            yield [name, f"{digit} among others, area under the ROC curve",
                   *(f"{area:.3f}" for area in areas)]  # fmt: skip
            gaps = [(fit.reconstruct(X[-2_000:][~odd]) - X[-2_000:][~odd]) / unit for fit in fits]
            yield [name, f"without {digit}, MSE", *(f"{np.mean(gap**2):.4f}" for gap in gaps)]
    beats = datasets.load_ecg()
    settings = {"hidden_layer_sizes": 50, "solver": "adadelta", "l1": 1e-5, "random_state": 0}
    fits = [Autoencoder(**settings, scaling=kind).fit(beats.train) for kind in SCALINGS]
    errors = [fit.reconstruction_error(beats.test) for fit in fits]
    odd = beats.target != 1
    yield ["electrocardiogram", "bad over good",
           *(f"{error[odd].min() / error[~odd].max():.0f}" for error in errors)]  # fmt: skip


def steps() -> Iterator[list[str]]:
    """Training MSE under scaling="robust" at multiples of the automatic rate, geometric mean.

    Over ADBench's tables, at most 2,000 rows of each (ADADELTA: 300) and 500 columns, 50 epochs and
    two seeds, as ratios to the automatic rate; "worst" is the largest ratio of a single table.
    """
    yield ["solver", *(f"x {m:g}: mean (worst)" for m in MULTIPLES)]
    for solver in ("adam", "adadelta"):
        ratios = []
        for _, X, _ in adbench(2_000 if solver == "adam" else 300):
            if X.shape[1] > 500:  # slow
                continue
            rows = _params.auto_batch_size(solver, len(X))
            hidden = (int(np.ceil(np.sqrt(X.shape[1]))),)
            rate = _params.auto_learning_rate(solver, "cosine", rows, hidden)
            errors = [
                statistics.mean(
                    _training_mse(X, scaling="robust", solver=solver, random_state=seed,
                                  learning_rate_init=rate * multiple)
                    for seed in (0, 1)
                )
                for multiple in MULTIPLES
            ]  # fmt: skip
            ratios.append(np.divide(errors, errors[MULTIPLES.index(1.0)]))
        means, worst = np.exp(np.mean(np.log(ratios), axis=0)), np.max(ratios, axis=0)
        yield [
            solver,
            *(f"{mean:.2f} ({most:.2f})" for mean, most in zip(means, worst, strict=True)),
        ]


def _training_mse(X: np.ndarray, **settings: Any) -> float:
    try:
        model = Autoencoder(**({"max_epochs": 50, "n_jobs": 1} | settings)).fit(X)
    except DivergenceError:
        return np.inf
    return float(model.history_["training_mse"][-1])


SWEEPS = {
    sweep.__name__: sweep
    for sweep in (
        rates, schedules, batches, threads, sizes, hogwild, scalings, pixels, steps,
    )
}  # fmt: skip


def main() -> None:
    names, folder = arguments(__doc__, SWEEPS, "sweep")
    for name in names:
        lines = [f"{inspect.getdoc(SWEEPS[name])}", "", *markdown(SWEEPS[name]()), ""]
        (folder / f"{name}.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
