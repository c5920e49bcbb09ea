"""Thirty numbers per image: a deep autoencoder against principal components, on test images.

    FASTAE_DATA=/path/to/data python benchmarks/codes.py --out benchmarks/results [NAME ...]

    mnist    10,000 images of handwritten digits, 50 epochs, without and with shifted copies
    fashion  60,000 images of clothing, 15 epochs
    recipes  activations and outputs, MNIST, 20 epochs

The network is that of G. E. Hinton and R. R. Salakhutdinov, "Reducing the Dimensionality of Data
with Neural Networks", Science 313, 2006: 784-1000-500-250-30 and back. Writes codes.md to the
folder, and beside it codes-mnist.png and codes-fashion.png; without names, all of them (some ten
minutes).
"""

from __future__ import annotations

import inspect
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from fastae import Autoencoder, datasets
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

N_CODES = 30
DEEP = (1000, 500, 250, N_CODES, 250, 500, 1000)
# Pixels lie on one scale, from 0 to 1, and "logistic" gives nothing else.
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": DEEP,
    "activation": "elu",
    "output_activation": "logistic",
    "scaling": "none",
    "random_state": 0,
}
HEAD = ["784-1000-500-250-30-...-784", "training rows", "epochs", "seconds", "rows/s",
        "training images", "test images"]  # fmt: skip
N_SHOWN = 12
PICTURES: dict[str, Figure] = {}


@cache
def images(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test images with pixels from 0 to 1, float32; 10,000 of MNIST's."""
    data = getattr(datasets, f"load_{name}")()
    X = data.x_train[:10_000] if name == "mnist" else data.x_train
    return X / np.float32(255), data.x_test / np.float32(255)


def squared_error(X: np.ndarray, made: np.ndarray) -> float:
    """Return the sum over pixels of squared errors, mean of the images."""
    return float(np.square(X - made).sum(axis=1, dtype=np.float64).mean())


def shifted(X: np.ndarray, seed: int) -> np.ndarray:
    """Return every image moved by up to two pixels in both directions."""
    rng = np.random.default_rng(seed)
    pictures = X.reshape(-1, 28, 28)
    moves = rng.integers(-2, 3, size=(len(X), 2))
    wide = np.pad(pictures, ((0, 0), (2, 2), (2, 2)))
    made = np.empty_like(pictures)
    for i, (down, right) in enumerate(moves + 2):
        made[i] = wide[i, down : down + 28, right : right + 28]
    return made.reshape(X.shape)


def pca(name: str) -> tuple[list[str], np.ndarray]:
    """Return a line of the table, and the test images by their principal components."""
    X, X_test = images(name)
    start = time.perf_counter()
    model = PCA(N_CODES, random_state=0).fit(X)
    seconds = time.perf_counter() - start
    made, copies = (model.inverse_transform(model.transform(rows)) for rows in (X_test, X))
    line = [f"PCA, {N_CODES} components", f"{len(X):,}", "", f"{seconds:.1f}", "",
            f"{squared_error(X, copies):.2f}", f"{squared_error(X_test, made):.2f}"]  # fmt: skip
    return line, made


def deep(name: str, X_more: np.ndarray | None = None, **settings: Any) -> tuple[list[str], Any]:
    """Return the rest of a line of the table, and the test images by the network."""
    X, X_test = images(name)
    table = X if X_more is None else np.concatenate([X, X_more])
    model = Autoencoder(**(SETTINGS | settings)).fit(table)
    seconds = model.history_["duration"][-1]
    made = model.reconstruct(X_test)
    line = [f"{len(table):,}", f"{settings['max_epochs']:g}", f"{seconds:.0f}",
            f"{model.n_samples_seen_ / seconds:,.0f}",
            f"{squared_error(X, model.reconstruct(X)):.2f}",
            f"{squared_error(X_test, made):.2f}"]  # fmt: skip
    return line, made


def picture(name: str, by_components: np.ndarray, by_network: np.ndarray) -> Figure:
    """Draw test images above what both make of them; the first of every class."""
    X_test = images(name)[1]
    y_test = getattr(datasets, f"load_{name}")().y_test
    rows = [np.flatnonzero(y_test == label)[0] for label in range(10)]
    rows += [np.flatnonzero(y_test == label)[1] for label in range(N_SHOWN - 10)]
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    lines = {"image": X_test, "30 components": by_components, "30 codes": by_network}
    axes = figure.subplots(len(lines), N_SHOWN)
    for line, (title, pixels) in zip(axes, lines.items(), strict=True):
        for ax, row in zip(line, rows, strict=True):
            ax.imshow(pixels[row].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    return figure


def mnist() -> Iterator[list[str]]:
    """MNIST: squared error per image, the sum over the 784 pixels, of 10,000 test images.

    "Shifted": beside every training image four copies of it, moved by up to two pixels.
    """
    yield HEAD
    line, by_components = pca("mnist")
    yield line
    line, by_network = deep("mnist", max_epochs=50)
    yield ["fastae", *line]
    PICTURES["mnist"] = picture("mnist", by_components, by_network)
    copies = np.concatenate([shifted(images("mnist")[0], seed) for seed in range(4)])
    yield ["fastae, shifted", *deep("mnist", copies, max_epochs=20)[0]]


def fashion() -> Iterator[list[str]]:
    """Fashion-MNIST: the same, all 60,000 training images."""
    yield HEAD
    line, by_components = pca("fashion_mnist")
    yield line
    line, by_network = deep("fashion_mnist", max_epochs=15)
    yield ["fastae", *line]
    PICTURES["fashion"] = picture("fashion_mnist", by_components, by_network)


def recipes() -> Iterator[list[str]]:
    """What the choice of units does: MNIST as above, 20 epochs."""
    yield HEAD
    for activation in ("elu", "tanh", "relu"):
        for output in ("logistic", "identity"):
            units = {"activation": activation, "output_activation": output}
            yield [f"{activation}, output {output}", *deep("mnist", max_epochs=20, **units)[0]]


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "mnist": mnist,
    "fashion": fashion,
    "recipes": recipes,
}


def write(names: list[str], folder: Path) -> None:
    lines = ["# Codes", ""]
    for name in names:
        text = inspect.cleandoc(TABLES[name].__doc__ or "")
        lines += [f"## {name}", "", text, "", *markdown(TABLES[name]()), ""]
        if name in PICTURES:
            PICTURES[name].savefig(folder / f"codes-{name}.png", dpi=100)
    (folder / "codes.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write(*arguments(__doc__, TABLES))
