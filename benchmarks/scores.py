"""Which `anomaly_score` ranks the anomalies of ADBench's tables best.

    FASTAE_DATA=/path/to/data python benchmarks/scores.py --out benchmarks/results [NAME ...]

    unlabelled  trained on all rows, anomalies among them, which are then ranked
    normal      trained on half of the normal rows, then ranking the other half and all anomalies

Writes scores.md to the folder; without names, both (some three minutes).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import roc_auc_score

from decisions import adbench
from fastae import Autoencoder
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SINGLE = ("mse", "standardized", "mahalanobis", "code_distance")
TOGETHER = (
    ("mse", "code_distance"),
    ("standardized", "code_distance"),
    ("mahalanobis", "code_distance"),
    SINGLE,
)
N_SEEDS = 4


def areas(X: np.ndarray, X_test: np.ndarray, y_test: np.ndarray, seed: int) -> list[float]:
    """Return the area under the ROC curve of each score and combination, of one training."""
    model = Autoencoder(anomaly_score=SINGLE, max_epochs=50, n_jobs=1, random_state=seed).fit(X)
    scores = model._single_scores(X_test, model._score_model)
    levels = dict(zip(SINGLE, model._score_model.levels, strict=True))
    scores |= {names: sum(scores[name] / levels[name] for name in names) for names in TOGETHER}
    return [roc_auc_score(y_test, scores[names]) for names in (*SINGLE, *TOGETHER)]


def _rows(split: Callable[[np.ndarray, np.ndarray, int], tuple]) -> Iterator[list[str]]:
    yield ["table", *SINGLE, *(" + ".join(names) for names in TOGETHER[:-1]), "all four"]
    means = []
    for name, normal, odd in adbench():
        runs = [areas(*split(normal, odd, seed), seed) for seed in range(N_SEEDS)]
        means.append(np.mean(runs, axis=0))
        yield [f"{name}, {normal.shape[1]} columns", *(f"{area:.3f}" for area in means[-1])]
    yield ["mean", *(f"{area:.3f}" for area in np.mean(means, axis=0))]
    best = np.argmax(np.array(means)[:, : len(SINGLE)], axis=1)
    counts = np.bincount(best, minlength=len(SINGLE))
    yield ["best of the first four", *map(str, counts), *("" for _ in TOGETHER)]


def unlabelled() -> Iterator[list[str]]:
    """Area under the ROC curve, mean of four seeds; at most 3,000 normal rows and as many odd ones.

    50 epochs, all else automatic; trained on all rows without labels.
    """

    def split(normal: np.ndarray, odd: np.ndarray, seed: int) -> tuple:
        del seed
        X, y = np.vstack([normal, odd]), np.repeat([0, 1], [len(normal), len(odd)])
        return X, X, y

    return _rows(split)


def normal() -> Iterator[list[str]]:
    """The same, trained on half of the normal rows; ranked are the other half and all anomalies."""

    def split(normal: np.ndarray, odd: np.ndarray, seed: int) -> tuple:
        order = np.random.default_rng(seed).permutation(len(normal))
        half = len(normal) // 2
        X_test = np.vstack([normal[order[half:]], odd])
        return normal[order[:half]], X_test, np.repeat([0, 1], [len(normal) - half, len(odd)])

    return _rows(split)


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "unlabelled": unlabelled,
    "normal": normal,
}


def main() -> None:
    names, folder = arguments(__doc__, TABLES)
    lines = ["# Scores", ""]
    for name in names:
        text = inspect.cleandoc(TABLES[name].__doc__ or "")
        lines += [f"## {name}", "", text, "", *markdown(TABLES[name]()), ""]
    (folder / "scores.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
