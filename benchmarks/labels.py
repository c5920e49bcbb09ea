"""What a few labels are worth: the measurements behind docs/few-labels.md, one table each.

    FASTAE_DATA=/path/to/data python benchmarks/labels.py --out benchmarks/results [NAME ...]

    pretraining  accuracy with 100, 300 and 1,000 labels, with and without an autoencoder below,
                 beside scikit-learn's MLPClassifier and a PyTorch loop
    speed        training of 784-256-128-10: rows per second of the three, and their accuracy
    anomalies    ADBench: ranking with 0, 1, 5 and 10 % of the training anomalies known
    h2o          H2O's large test: a random forest on 20 deep features of handwritten digits

Writes NAME.md to the folder; without names, all of them (about an hour). ``pretraining`` and
``speed`` need PyTorch, ``h2o`` needs H2O and Java (``pip install '.[bench]'``).
"""

from __future__ import annotations

import inspect
import itertools
import os
import statistics
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit, train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from fastae import Autoencoder, AutoencoderClassifier, datasets
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HIDDEN = (512,)  # of the networks that few labels are for
LARGE = (256, 128)  # and of the one whose speed is measured
N_SEEDS = 10
LABELS = (100, 300, 1000)
Digits = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def images(name: str) -> Digits:
    """Training images and labels, test images and labels; pixels in [0, 1], float32."""
    if name == "MNIST":
        with np.load(Path(os.environ["FASTAE_DATA"]) / "mnist" / "mnist_20k.npz") as file:
            x_train, y_train, x_test, y_test = (
                file[key] for key in ("x_train", "y_train", "x_test", "y_test")
            )
    else:
        data = datasets.load_fashion_mnist()
        x_train, y_train, x_test, y_test = data.x_train, data.y_train, data.x_test, data.y_test
    scaled = (np.float32(x / np.float32(255)) for x in (x_train, x_test))
    X, X_test = (x.reshape(len(x), -1) for x in scaled)
    return X, y_train.astype(int), X_test, y_test.astype(int)


def torch_loop(
    X: np.ndarray,
    y: np.ndarray,
    hidden: tuple[int, ...],
    *,
    epochs: int,
    batch_size: int,
    seed: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train the network in the usual PyTorch loop; return its predictions' function."""
    import torch

    torch.manual_seed(seed)
    widths = (X.shape[1], *hidden, int(y.max()) + 1)
    layers: list[Any] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss = torch.nn.CrossEntropyLoss()
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)
    for _ in range(epochs):
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            optimizer.zero_grad()
            loss(net(rows[batch]), labels[batch]).backward()
            optimizer.step()
    return lambda table: net(torch.from_numpy(table)).argmax(dim=1).numpy()


def drawn(y: np.ndarray, n_labels: int, seed: int) -> np.ndarray:
    """Return rows that have a label, as many of each class as possible."""
    split = StratifiedShuffleSplit(1, train_size=n_labels, random_state=seed)
    return next(split.split(y, y))[0]


def spread(values: list[float]) -> str:
    return f"{100 * statistics.mean(values):.1f} ± {100 * statistics.stdev(values):.1f}"


def pretraining() -> Iterator[list[str]]:
    """Test accuracy of 784-512-10 in per cent, mean and standard deviation over ten draws.

    Labels and weights are drawn anew each time. "Pretrained": the layer is that of an autoencoder
    784-512-784, which saw all training images without labels, and stays as it is.
    """
    yield ["images", "labels", "fastae, pretrained", "fastae", "MLPClassifier", "PyTorch loop",
           "pretraining's gain", "draws won"]  # fmt: skip
    for name in ("MNIST", "Fashion-MNIST"):
        X, y, X_test, y_test = images(name)
        below = Autoencoder(**AUTOENCODER, max_epochs=ROWS / len(X), random_state=0).fit(X)
        for n_labels in LABELS:
            scores: dict[str, list[float]] = {}
            for seed in range(N_SEEDS):
                rows = drawn(y, n_labels, seed)
                for contender, predict in contenders(X[rows], y[rows], below, seed):
                    hits = predict(X_test) == y_test
                    scores.setdefault(contender, []).append(float(hits.mean()))
            gains = np.subtract(scores["pretrained"], scores["plain"])
            yield [
                name, f"{n_labels:,}", *map(spread, scores.values()), spread(list(gains)),
                f"{int((gains > 0).sum())} of {N_SEEDS}",
            ]  # fmt: skip


# Noise of almost a third of a pixel's range: to undo it, the layer must know what goes with what.
AUTOENCODER: dict[str, Any] = {
    "hidden_layer_sizes": HIDDEN,
    "activation": "relu",
    "input_noise": 0.3,
    "scaling": "range",  # of pixels
}
ROWS = 600_000  # that the autoencoder is trained on, in as many epochs as that takes


def contenders(
    X: np.ndarray, y: np.ndarray, below: Autoencoder, seed: int
) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """Train each on the rows; yield its name and its predictions' function."""
    pretrained = AutoencoderClassifier(below, encoder_rate=0, max_epochs=150, random_state=seed)
    plain = AutoencoderClassifier(
        hidden_layer_sizes=HIDDEN, scaling="none", max_epochs=50, random_state=seed
    )
    mlp = MLPClassifier(HIDDEN, max_iter=200, random_state=seed)
    for name, model in (("pretrained", pretrained), ("plain", plain), ("sklearn", mlp)):
        yield name, model.fit(X, y).predict
    yield "torch", torch_loop(X, y, HIDDEN, epochs=200, batch_size=min(200, len(X)), seed=seed)


def speed() -> Iterator[list[str]]:
    """Rows per second in training, the median of three rounds in turns, and the accuracy."""
    import torch

    yield ["threads", "batch_size", "contender", "rows per second", "fastae is", "accuracy, %"]
    X, y, X_test, y_test = images("MNIST")
    epochs = 10
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        for batch_size in (32, 128):
            speeds: dict[str, list[float]] = {}
            accuracy: dict[str, float] = {}
            for _ in range(3):
                for name, train in timed_contenders(X, y, epochs, batch_size, n_threads):
                    with threadpool_limits(n_threads):
                        start = time.perf_counter()
                        predict = train()
                        seconds = time.perf_counter() - start
                    speeds.setdefault(name, []).append(epochs * len(X) / seconds)
                    accuracy[name] = float((predict(X_test) == y_test).mean())
            ours = statistics.median(speeds["fastae"])
            for name, values in speeds.items():
                theirs = statistics.median(values)
                yield [
                    str(n_threads), str(batch_size), name, f"{theirs:,.0f}",
                    "" if name == "fastae" else f"{ours / theirs:.1f} x as fast",
                    f"{100 * accuracy[name]:.1f}",
                ]  # fmt: skip


def timed_contenders(
    X: np.ndarray, y: np.ndarray, epochs: int, batch_size: int, n_threads: int
) -> Iterator[tuple[str, Callable[[], Callable[[np.ndarray], np.ndarray]]]]:
    ours = AutoencoderClassifier(
        hidden_layer_sizes=LARGE, scaling="none", max_epochs=epochs, batch_size=batch_size,
        random_state=0, n_jobs=n_threads,
    )  # fmt: skip
    mlp = MLPClassifier(LARGE, batch_size=batch_size, max_iter=epochs, random_state=0)
    yield "fastae", lambda: ours.fit(X, y).predict
    yield "MLPClassifier", lambda: mlp.fit(X, y).predict
    yield (
        "PyTorch loop",
        lambda: torch_loop(X, y, LARGE, epochs=epochs, batch_size=batch_size, seed=0),
    )


def anomalies() -> Iterator[list[str]]:
    """Means over ADBench's tables: area under the ROC curve, and average precision."""
    yield ["anomalies of the training part known", "detector", "AUC-ROC", "average precision",
           "tables won against IsolationForest"]  # fmt: skip
    files = sorted((Path(os.environ["FASTAE_DATA"]) / "adbench").glob("*.npz"))
    for share in (0.0, 0.01, 0.05, 0.1):
        found: dict[str, list[np.ndarray]] = {}
        for path in files:
            per_seed: dict[str, list[tuple[float, float]]] = {}
            for seed in range(3):
                for name, pair in ranked(path, share, seed):
                    per_seed.setdefault(name, []).append(pair)
            for name, pairs in per_seed.items():
                found.setdefault(name, []).append(np.mean(pairs, axis=0))
        forest = np.array(found["IsolationForest, no labels"])
        for name, means in found.items():
            auc, precision = np.mean(means, axis=0)
            won = int((np.array(means)[:, 0] > forest[:, 0]).sum())
            yield [f"{100 * share:g} %", name, f"{auc:.3f}", f"{precision:.3f}",
                   f"{won} of {len(files)}"]  # fmt: skip


def ranked(path: Path, share: float, seed: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """Train on 70 % of a table, where a share of the anomalies is known, and rank the rest."""
    with np.load(path) as file:
        X, y = file["X"].astype(np.float32), file["y"].astype(int)
    if len(X) > 10_000:
        rows = np.random.default_rng(0).choice(len(X), 10_000, replace=False)
        X, y = X[rows], y[rows]
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    odd = np.random.default_rng(seed).permutation(np.flatnonzero(y))
    known = np.zeros(len(y), dtype=bool)
    known[odd[: max(1, round(share * len(odd))) if share else 0]] = True

    def quality(scores: np.ndarray) -> tuple[float, float]:
        return roc_auc_score(y_test, scores), average_precision_score(y_test, scores)

    forest = IsolationForest(random_state=seed).fit(X)
    yield "IsolationForest, no labels", quality(-forest.score_samples(X_test))
    model = Autoencoder(random_state=seed).fit(X, anomalous=known)
    yield "Autoencoder", quality(-model.score_samples(X_test))
    if share:
        trees = RandomForestClassifier(class_weight="balanced", random_state=seed).fit(X, known)
        yield (
            "RandomForestClassifier, known against others",
            quality(trees.predict_proba(X_test)[:, 1]),
        )


def large_test() -> Iterator[list[str]]:
    """Test error in per cent of random forests on 20 deep features of handwritten digits."""
    yield ["features from", "H2O's forest", "scikit-learn's, one against the rest"]
    import h2o

    h2o.init(max_mem_size="4G", log_level="WARN", name="fastae_labels", bind_to_localhost=True)
    h2o.no_progress()
    X, y, X_test, y_test = images("MNIST")
    half = np.random.default_rng(0).permutation(len(X)) < len(X) // 2
    errors: dict[str, list[tuple[float, float]]] = {}
    try:
        for seed in range(N_SEEDS):
            for name, codes in deep_features(X[half], (X[~half], X_test), 1234 + seed):
                pair = tuple(
                    forest(*codes, y[~half], y_test, 1234 + seed)
                    for forest in (h2o_forest_error, sklearn_forest_error)
                )
                errors.setdefault(name, []).append(pair)
    finally:
        h2o.cluster().shutdown()
    for name, pairs in errors.items():
        yield [name, *(spread(list(column)) for column in zip(*pairs, strict=True))]


def deep_features(
    unlabelled: np.ndarray, tables: tuple[np.ndarray, ...], seed: int
) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    """Train 784-20-784 tanh autoencoders for an epoch; yield what each makes of the tables."""
    import h2o
    from h2o.estimators import H2OAutoEncoderEstimator

    from fastae.compat.h2o import H2OAutoEncoderEstimator as Compatible

    settings = {"activation": "Tanh", "hidden": [20], "epochs": 1, "ignore_const_cols": False,
                "reproducible": True, "seed": seed}  # fmt: skip
    theirs = H2OAutoEncoderEstimator(**settings)
    theirs.train(training_frame=h2o.H2OFrame(unlabelled))
    frames = [theirs.deepfeatures(h2o.H2OFrame(table), 0).as_data_frame() for table in tables]
    yield "H2O", tuple(frame.to_numpy() for frame in frames)
    compatible = Compatible(**settings).train(training_frame=unlabelled)
    yield (
        "fastae.compat.h2o, the same call",
        tuple(np.asarray(compatible.deepfeatures(table, 0)) for table in tables),
    )
    ours = Autoencoder(hidden_layer_sizes=20, solver="adadelta", max_epochs=1, random_state=seed)
    ours.fit(unlabelled)
    yield "fastae, one row at a time", tuple(map(ours.transform, tables))


def h2o_forest_error(
    codes: np.ndarray, codes_test: np.ndarray, y: np.ndarray, y_test: np.ndarray, seed: int
) -> float:
    import h2o
    from h2o.estimators import H2ORandomForestEstimator

    frame = h2o.H2OFrame(np.column_stack([codes, y]))
    frame["label"] = frame[-1].asfactor()
    forest = H2ORandomForestEstimator(ntrees=10, min_rows=10, seed=seed)
    forest.train(x=frame.columns[: codes.shape[1]], y="label", training_frame=frame)
    test = h2o.H2OFrame(codes_test, column_names=frame.columns[: codes.shape[1]])
    predicted = forest.predict(test)["predict"].as_data_frame()["predict"]
    return float((predicted.to_numpy().astype(int) != y_test).mean())


def sklearn_forest_error(
    codes: np.ndarray, codes_test: np.ndarray, y: np.ndarray, y_test: np.ndarray, seed: int
) -> float:
    """Return the error of a forest per digit, as H2O's is."""
    trees = RandomForestClassifier(10, min_samples_leaf=10, random_state=seed)
    return 1 - float(OneVsRestClassifier(trees).fit(codes, y).score(codes_test, y_test))


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "pretraining": pretraining,
    "speed": speed,
    "anomalies": anomalies,
    "h2o": large_test,
}


def main() -> None:
    names, folder = arguments(__doc__, TABLES)
    warnings.filterwarnings("ignore", message="Stochastic Optimizer", append=False)
    for name in names:
        lines = [inspect.cleandoc(TABLES[name].__doc__ or ""), "", *markdown(TABLES[name]()), ""]
        (folder / f"labels-{name}.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
