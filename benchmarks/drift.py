"""How often `DriftMonitor` alarms for nothing, and how soon after a change.

    FASTAE_DATA=/path/to/data python benchmarks/drift.py --out benchmarks/results [NAME ...]

    streams  streams of ADBench's tables that change after a while, per table
    bets     changes of known size, beside the Simple Jumper
    speed    rows per second of CPU time

Writes drift.md to the folder; without names, all of them (two minutes). With names, only these are
in it.
"""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING

import numpy as np

from decisions import EPOCHS, adbench
from fastae import Autoencoder, DriftMonitor
from fastae._drift_tests import JUMP, SeenErrors
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_SEEDS = 10
N_CALIBRATION = 1_000
METHODS = ("martingale", "ks")
RATE = 0.01

# Rows up to the alarm, by method and change.
Found = dict[tuple[int, int], list[float]]


def monitors(model: Autoencoder, seed: int) -> list[DriftMonitor]:
    """Return one monitor per method."""
    return [
        DriftMonitor(model, false_alarm_rate=RATE, random_state=seed),
        DriftMonitor(model, false_alarm_rate=RATE, method="ks", window=50),
    ]


def changed(kind: str, rows: np.ndarray, odd: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return normal rows after a change."""
    if kind == "anomalies":
        marked = rng.random(len(rows)) < 0.2
        return np.where(marked[:, np.newaxis], odd[rng.integers(len(odd), size=len(rows))], rows)
    return rows + 0.5 * rows.std(axis=0) * rng.choice([-1, 1], rows.shape[1])


def streams() -> Iterator[list[str]]:
    """Alarms of streams of normal rows, and after how many rows of a changed one, ten seeds each.

    Of a table's normal rows 30 % are trained on and 30 % calibrated with; the rest is the stream.
    "false": streams with an alarm where nothing changes. Then the second half changes: a fifth of
    its rows are anomalies instead ("20 % anomalies"), or all columns are shifted by half a standard
    deviation, up or down ("shifted"): the median of its rows up to the alarm, "-" where half of the
    streams or more had none; in brackets how many had one, streams with a false alarm in the first
    half left out. Rates of 0.01; "ks" with windows of 50 rows.
    """
    yield ["table", "calibrated with", "rows before, after", *(f"{m}: {what}" for m in METHODS
           for what in ("false", "20 % anomalies", "shifted"))]  # fmt: skip
    false_in_all = np.zeros(2, dtype=int)
    found_in_all: Found = {}
    n_streams = 0
    for name, normal, odd in adbench():
        false, found = np.zeros(2, dtype=int), {}
        for seed in range(N_SEEDS):
            rng = np.random.default_rng(seed)
            train, stream = np.split(rng.permutation(normal), [round(0.6 * len(normal))])
            model = Autoencoder(
                calibration_fraction=0.5, max_epochs=EPOCHS, n_jobs=1, random_state=seed
            ).fit(train)
            n_half = len(stream) // 2
            for i, watch in enumerate(monitors(model, seed)):
                false[i] += watch.update(stream).alarm
                for j, kind in enumerate(("anomalies", "shifted")):
                    watch.reset().update(stream[:n_half])
                    if not watch.alarm_:
                        watch.update(changed(kind, stream[n_half:], odd, rng))
                        at = watch.alarm_at_ or np.inf
                        found.setdefault((i, j), []).append(at - n_half)
        yield [name, f"{watch.n_calibration_}", f"{n_half}, {len(stream) - n_half}",
               *cells_of(false, found, N_SEEDS)]  # fmt: skip
        n_streams += N_SEEDS
        false_in_all += false
        for key, delays in found.items():
            found_in_all.setdefault(key, []).extend(delays)
    yield ["all", "", "", *cells_of(false_in_all, found_in_all, n_streams)]


def cells_of(false: np.ndarray, found: Found, n_streams: int) -> list[str]:
    """Return the columns of both methods."""
    cells = []
    for i in range(2):
        cells += [f"{false[i]} of {n_streams}", *(summary(found.get((i, j), [])) for j in range(2))]
    return cells


def summary(delays: list[float]) -> str:
    """Return the median, and how many there are of how many."""
    median = np.median(delays) if delays else np.inf
    text = "-" if np.isinf(median) else f"{median:.0f}"
    return f"{text} ({np.isfinite(delays).sum()} of {len(delays)})"


def simple_jumper(p: np.ndarray) -> np.ndarray:
    """Return the logarithms of the capital after Vovk et al. 2021, algorithm 1."""
    stakes, scale, capital = np.full(3, 1 / 3), 0.0, np.empty(p.size)
    factors = 1 + np.multiply.outer(p - 0.5, [-1.0, 0.0, 1.0])
    for n in range(p.size):
        stakes = ((1 - JUMP) * stakes + JUMP / 3) * factors[n]
        total = stakes.sum()
        scale += np.log(total)
        stakes, capital[n] = stakes / total, scale
    return capital


CHANGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "none": lambda e, _: e,
    "all 1.3 times as large": lambda e, _: 1.3 * e,
    "all 1.3 times as small": lambda e, _: e / 1.3,
    "5 % ten times as large": lambda e, rng: np.where(rng.random(e.size) < 0.05, 10 * e, e),
    "20 % ten times as large": lambda e, rng: np.where(rng.random(e.size) < 0.2, 10 * e, e),
    "half 2 times as large, half as small": lambda e, rng: e * rng.choice([0.5, 2.0], e.size),
}


def bets() -> Iterator[list[str]]:
    """Median rows up to the alarm, of 20 draws of chi-squared errors (5 degrees of freedom).

    1,000 calibration errors; a rate of 0.01; 2,000 rows after the change. "-": more than half of
    the draws had no alarm (in brackets how many had one, false alarms before the change left out).
    The Simple Jumper has the linear bets only, and begins once.
    """
    yield ["errors after the change", "rows before", "DriftMonitor", "Simple Jumper",
           "ks, windows of 200"]  # fmt: skip
    for n_before in (0, 1_000, 10_000):
        for name, change in CHANGES.items():
            found: list[list[float]] = [[], [], []]
            for seed in range(20):
                for i, at in enumerate(alarms(n_before, change, seed)):
                    if at > n_before:
                        found[i].append(at - n_before)
            yield [name, f"{n_before:,}", *map(summary, found)]


def alarms(n_before: int, change: Callable[..., np.ndarray], seed: int) -> list[float]:
    """Return after how many rows each of three tests alarms; infinity: not at all."""
    rng = np.random.default_rng(seed)
    errors = rng.chisquare(5, size=N_CALIBRATION + n_before + 2_000)
    calibration, before, after = np.split(errors, [N_CALIBRATION, N_CALIBRATION + n_before])
    stream = np.concatenate([before, change(after, rng)])
    found: list[float] = []
    for method in METHODS:
        watch = DriftMonitor.from_errors(
            calibration, method=method, false_alarm_rate=RATE,
            random_state=seed if method == "martingale" else None,
        )  # fmt: skip
        watch.update_errors(stream)
        found.append(np.inf if watch.alarm_at_ is None else watch.alarm_at_)
    p = p_values(calibration, stream, rng)
    above = np.flatnonzero(simple_jumper(p) >= -np.log(RATE))
    found.insert(1, above[0] + 1 if above.size else np.inf)
    return found


def p_values(calibration: np.ndarray, stream: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the p-value of each row among those before it."""
    seen, parts = SeenErrors(calibration), []
    for start in range(0, stream.size, 500):
        larger, equal = seen.place(stream[start : start + 500])
        before = calibration.size + start + np.arange(larger.size)
        parts.append((larger + rng.random(larger.size) * (equal + 1)) / (before + 1))
    return np.concatenate(parts)


def speed() -> Iterator[list[str]]:
    """Rows per second of CPU time of `update_errors`: what a monitor takes beyond scoring.

    1,000 calibration rows; up to a million rows.
    """
    yield ["rows per call", *METHODS]
    errors = np.random.default_rng(0).chisquare(5, size=1_000_000)
    for size in (1, 100, 10_000, 1_000_000):
        n = min(errors.size, 3_000 * size)
        cells = []
        for method in METHODS:
            watch = DriftMonitor.from_errors(errors[:1_000], method=method)
            start = time.process_time()
            for at in range(0, n, size):
                watch.update_errors(errors[at : at + size])
            cells.append(f"{n / (time.process_time() - start):,.0f}")
        yield [f"{size:,}", *cells]


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "streams": streams,
    "bets": bets,
    "speed": speed,
}


def main() -> None:
    names, folder = arguments(__doc__, TABLES)
    lines = ["# Drift", ""]
    for name in names:
        text = inspect.cleandoc(TABLES[name].__doc__ or "")
        lines += [f"## {name}", "", text, "", *markdown(TABLES[name]()), ""]
    (folder / "drift.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
