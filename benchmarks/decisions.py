"""What thresholds, p-values and reasons keep of their promises, on ADBench's tables.

    FASTAE_DATA=/path/to/data python benchmarks/decisions.py --out benchmarks/results [NAME ...]

    rates    realised false-positive rates for targets of 1, 5 and 10 %, per table
    fdr      false discoveries at 10 %, and how many anomalies are found, per table
    reasons  how often the column of a planted value is the first reason, per table
    tails    how far rates beyond the data may be trusted, on known distributions

Writes decisions.md to the folder; without names, all of them (some minutes). With names, only these
are in it.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from fastae import Autoencoder
from fastae._threshold import rank_threshold, tail_threshold
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGETS = (0.01, 0.05, 0.1)
N_SPLITS = 20
MOST_ROWS = 3_000  # normal rows of a table
EPOCHS = 30
N_PLANTED = 100


def adbench() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield name, normal rows and anomalies of the tables, at most `MOST_ROWS` of each."""
    folder = Path(os.environ["FASTAE_DATA"]) / "adbench"
    for path in sorted(folder.glob("*.npz"), key=lambda path: int(path.stem.split("_")[0])):
        with np.load(path) as file:
            X, y = np.asarray(file["X"], dtype=np.float64), file["y"].ravel().astype(int)
        kinds = (X[y == 0], X[y == 1])
        some = (np.random.default_rng(0).permutation(len(kind))[:MOST_ROWS] for kind in kinds)
        normal, odd = (kind[np.sort(rows)] for kind, rows in zip(kinds, some, strict=True))
        yield path.stem.split("_", 1)[1], normal, odd


def calibrated(normal: np.ndarray, seed: int) -> tuple[Autoencoder, np.ndarray]:
    """Train on a third of the rows, calibrate with one; return the rest, too."""
    order = np.random.default_rng(seed).permutation(len(normal))
    n_test = len(normal) // 3
    model = Autoencoder(calibration_fraction=0.5, max_epochs=EPOCHS, random_state=seed)
    return model.fit(normal[order[n_test:]]), normal[order[:n_test]]


def band(n: int, target: float) -> tuple[float, float]:
    """Return within which shares of n rows a rate lies with a probability of 99 %."""
    low, high = stats.binom.interval(0.99, n, target)
    return low / n, high / n


def split_band(n: int, n_calibration: int, target: float) -> tuple[float, float]:
    """Return the same where the calibration rows are drawn anew as well."""
    m = int(target * (n_calibration + 1) + 1e-9)
    if not m:
        return 0.0, 0.0
    low, high = stats.betabinom.interval(0.99, n, m, n_calibration + 1 - m)
    return low / n, high / n


def rates() -> Iterator[list[str]]:
    """Realised false-positive rates in per cent: mean of 20 random splits of a table's normal rows.

    A third is trained on, a third calibrated with, and of the last third those with
    ``p_values(X) <= target`` count. In brackets the 99 % band of a binomial share of these test
    rows. The last column is of single splits, of all three targets: how many lie outside the 99 %
    band that follows from calibration and test rows both being drawn (beta-binomial).
    """
    yield ["table", "rows tested", "calibrated with",
           *(f"target {100 * target:g} %" for target in TARGETS), "all in the band",
           "splits outside"]  # fmt: skip
    n_in = n_tables = n_outside = n_splits = 0
    for name, normal, _ in adbench():
        found = {target: [] for target in TARGETS}
        outside = 0
        for seed in range(N_SPLITS):
            model, test = calibrated(normal, seed)
            p = model.p_values(test)
            n_calibration = round(1 / model.p_values(np.full_like(test[:1], 1e9))[0]) - 1
            for target, shares in found.items():
                shares.append(float((p <= target).mean()))
                low, high = split_band(len(test), n_calibration, target)
                outside += not low <= shares[-1] <= high
        inside, cells = [], []
        for target, shares in found.items():
            low, high = band(len(test), target)
            inside.append(low <= np.mean(shares) <= high)
            cells.append(
                f"{100 * np.mean(shares):.2f} [{100 * low:.2f}, {100 * high:.2f}]"
                + ("" if target * (n_calibration + 1) >= 1 else ", refused as a threshold")
            )
        n_in, n_tables = n_in + all(inside), n_tables + 1
        n_outside, n_splits = n_outside + outside, n_splits + N_SPLITS * len(TARGETS)
        yield [name, str(len(test)), str(n_calibration), *cells, "yes" if all(inside) else "no",
               f"{outside} of {N_SPLITS * len(TARGETS)}"]  # fmt: skip
    yield ["all", "", "", "", "", "", f"{n_in} of {n_tables}", f"{n_outside} of {n_splits}"]


def fdr() -> Iterator[list[str]]:
    """False discoveries with ``detect(X, fdr=0.1)``: means of 20 random splits, in per cent.

    As above; the test rows are joined by at most a ninth as many anomalies. "False" is the share of
    normal rows among those called odd (0 where there are none), "found" that of the anomalies.
    """
    yield ["table", "normal rows", "anomalies", "false", "found"]
    false, found = [], []
    for name, normal, odd in adbench():
        shares: list[tuple[float, float]] = []
        for seed in range(N_SPLITS):
            model, test = calibrated(normal, seed)
            n_odd = min(len(odd), max(1, len(test) // 9))
            some = np.random.default_rng(seed).permutation(len(odd))[:n_odd]
            called = model.detect(np.vstack([test, odd[some]]), fdr=0.1) == -1
            wrong, right = called[: len(test)].sum(), called[len(test) :].sum()
            shares.append((wrong / max(1, wrong + right), right / n_odd))
        means = np.mean(shares, axis=0)
        false.append(means[0])
        found.append(means[1])
        yield [name, str(len(test)), str(n_odd), *(f"{100 * mean:.1f}" for mean in means)]
    yield ["mean", "", "", f"{100 * np.mean(false):.1f}", f"{100 * np.mean(found):.1f}"]


def planted(normal: np.ndarray, seed: int, distance: float) -> int:
    """Return for how many of 100 rows with a planted value its column is the first reason."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(normal))
    train, test = np.split(normal[order], [int(0.7 * len(normal))])
    model = Autoencoder(max_epochs=EPOCHS, random_state=seed).fit(train)
    columns = np.setdiff1d(np.arange(normal.shape[1]), model.constant_features_)
    rows = test[rng.integers(len(test), size=N_PLANTED)]
    chosen = rng.choice(columns, N_PLANTED)
    low, high = train.min(axis=0)[chosen], train.max(axis=0)[chosen]
    far = distance * (high - low)
    rows[np.arange(N_PLANTED), chosen] = np.where(
        rng.random(N_PLANTED) < 0.5, low - far, high + far
    )
    reasons = model.explain(rows, top=1)
    return int((reasons["feature"].to_numpy() == chosen).sum())


def reasons() -> Iterator[list[str]]:
    """Planted values whose column ``explain(X, top=1)`` names: of 100, mean of five seeds.

    One cell of a normal test row is moved beyond the training rows' range, by the width of this
    range or by twice as much; columns are drawn at random from those that are not constant.
    """
    yield ["table", "columns", "by the range", "by twice the range"]
    for name, normal, _ in adbench():
        counts = [[planted(normal, seed, k) for seed in range(5)] for k in (1.0, 2.0)]
        yield [name, str(normal.shape[1]), *(f"{np.mean(c):.1f}" for c in counts)]


def tails() -> Iterator[list[str]]:
    """Realised over asked rate of a threshold by method="evt", mean of 500 draws of n errors.

    The rate is so many times that of one row in all (1 / n); from 1 on the rank could do it as
    well, whose mean is in the last column.
    """
    factors = (2, 1, 1 / 3, 1 / 5, 1 / 10)
    yield ["errors", "n", *(f"{factor:.2g} / n" for factor in factors), "rank, 2 / n"]
    laws = {
        "log-normal": stats.lognorm(1),
        "chi-squared, 5 degrees": stats.chi2(5),
        "squares of normals": stats.chi2(1),
        "squares of Student's t, 3 degrees": stats.f(1, 3),
        "Pareto, index 2": stats.pareto(2),
        "uniform": stats.uniform(),
    }
    for name, law in laws.items():
        for n in (200, 1_000, 10_000):
            rng = np.random.default_rng(0)
            draws = [law.rvs(n, random_state=rng) for _ in range(500)]
            cells = [
                np.mean([law.sf(tail_threshold(e, factor / n)) for e in draws]) * n / factor
                for factor in factors
            ]
            cells.append(np.mean([law.sf(rank_threshold(e, 2 / n)) for e in draws]) * n / 2)
            yield [name, f"{n:,}", *(f"{cell:.2f}" for cell in cells)]


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "rates": rates,
    "fdr": fdr,
    "reasons": reasons,
    "tails": tails,
}


def main() -> None:
    names, folder = arguments(__doc__, TABLES)
    lines = ["# Decisions", ""]
    for name in names:
        text = inspect.cleandoc(TABLES[name].__doc__ or "")
        lines += [f"## {name}", "", text, "", *markdown(TABLES[name]()), ""]
    (folder / "decisions.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
