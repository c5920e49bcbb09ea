"""Tables that are more than numbers in memory: the measurements behind docs/tables.md.

    python benchmarks/tables.py --out benchmarks/results [NAME ...]

    disk    5 million rows in a Parquet file, numbers and factors: speed, reading, peak of memory
    sparse  a CSR matrix of 100,000 x 5,000 against the same numbers in a dense array: seconds
    memory  what training and scoring take beyond a CSR matrix, over its own size
    factor  a factor of 10,000 levels against 10,000 columns of 0 and 1: seconds
    levels  the same two tables: how well wrong levels are found

Writes tables-NAME.md to the folder; without names, all of them (some twenty minutes, 8 GiB of
memory for ``sparse`` and 1 GiB of disk for ``disk``); FASTAE_BENCH_QUICK=1 takes few rows of each.
Needs pyarrow.
"""

from __future__ import annotations

import inspect
import os
import resource
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from fastae import Autoencoder, scan
from measured import arguments, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = os.environ.get("FASTAE_BENCH_QUICK") == "1"
MIB = 2**20
THREADS = (1, 2)
ROUNDS = 1 if QUICK else 3

DISK_ROWS, WINDOW = (20_000, 8_192) if QUICK else (5_000_000, 262_144)
CHUNK = 100_000  # rows written at a time, and of a row group
N_NUMBERS, N_LEVELS = 20, (3, 30, 300, 3_000, 10_000)

SPARSE_ROWS, SPARSE_COLUMNS = 2_000 if QUICK else 100_000, 5_000

FACTOR_ROWS, FACTOR_LEVELS = 1_000 if QUICK else 20_000, 10_000
FACTOR_EPOCHS = 1 if QUICK else 20
FACTOR_HIDDEN = (8, 32, 101)


def apart(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a new process, whose peak of memory is its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def peak() -> float:
    """Return the most memory that this process has had so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def current() -> float:
    """Return the memory that this process has now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def disk() -> Iterator[list[str]]:
    """5 million rows of 20 numbers (float64) and factors of 3 to 10,000 levels, 5 % missing.

    In memory that is 0.9 GiB. The columns depend on five hidden variables: a factor's level says
    in which part of its variable's distribution a row lies. The network and all else are
    automatic; the file is read again in every pass. "Reading": the reading thread's seconds (file,
    levels, windows) over all; "waiting": those in which the network waited for it. Peak: of the
    whole process up to there (ru_maxrss), Python and libraries included.
    """
    yield ["threads", "step", "seconds", "rows per second", "reading, %", "waiting, %",
           "peak, MiB", "mean error of a row"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table.parquet"
        apart(write_parquet, path, DISK_ROWS)
        for n_threads in THREADS:
            for step in apart(on_disk, path, n_threads):
                yield [str(n_threads), *step]


def write_parquet(path: str, n_rows: int) -> None:
    """Write the table in chunks; each one's random numbers are its own."""
    mixing = np.random.default_rng(0).normal(size=(len(N_LEVELS), N_NUMBERS)) / len(N_LEVELS) ** 0.5
    names = [pa.array([f"{f}-{k}" for k in range(n)]) for f, n in enumerate(N_LEVELS)]
    writer: pq.ParquetWriter | None = None
    for start in range(0, n_rows, CHUNK):
        rng, n = np.random.default_rng([1, start]), min(CHUNK, n_rows - start)
        hidden = rng.normal(size=(n, len(N_LEVELS)))
        numbers = hidden @ mixing + 0.3 * rng.normal(size=(n, N_NUMBERS))
        columns: dict[str, pa.Array] = {}
        for j in range(N_NUMBERS):
            columns[f"number{j}"] = pa.array(numbers[:, j], mask=rng.random(n) < 0.05)
        for f, n_levels in enumerate(N_LEVELS):
            codes = np.minimum((ndtr(hidden[:, f]) * n_levels).astype(np.int32), n_levels - 1)
            codes = pa.array(codes, mask=rng.random(n) < 0.05)
            columns[f"factor{f}"] = pa.DictionaryArray.from_arrays(codes, names[f])
        chunk = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer is not None:
        writer.close()


def on_disk(path: str, n_threads: int) -> list[list[str]]:
    """Train on the file for an epoch and score it; return a line per step."""
    source = scan(path, window=WINDOW)
    steps = [["(Python and libraries)", "", "", "", "", f"{peak():,.0f}", ""]]

    start = time.perf_counter()
    n_rows = sum(len(batch) for batch in source.batches())
    seconds = time.perf_counter() - start

    def add(step: str, seconds: float, passes: int, mse: float, *, by_clock: bool) -> None:
        clock = source.clock
        shares = [clock.read_seconds / seconds, clock.wait_seconds / seconds]
        steps.append([
            step, f"{seconds:,.1f}", f"{passes * n_rows / seconds:,.0f}",
            *(f"{100 * share:.0f}" if by_clock else "" for share in shares),
            f"{peak():,.0f}", "" if np.isnan(mse) else f"{mse:.3f}",
        ])  # fmt: skip

    add("a pass over the file alone", seconds, 1, np.nan, by_clock=False)
    began = time.time()
    model = Autoencoder(max_epochs=1, random_state=0, n_jobs=n_threads).fit(source)
    history = model.history_
    before = datetime.fromisoformat(str(history["time"][0])).timestamp() - began
    add("fit: two passes before training", before, 2, history["training_mse"][0], by_clock=False)
    training = float(history["duration"][-1])
    add("fit: an epoch", training, 1, history["training_mse"][-1], by_clock=True)
    start = time.perf_counter()
    scores = model.score_samples(source)
    add("score_samples", time.perf_counter() - start, 1, -scores.mean(), by_clock=True)
    return steps


def topics(n_rows: int, dtype: type[np.floating]) -> sparse.csr_array:
    """Return a CSR matrix with 1 % of values: 20 topics of 250 columns, and words of any."""
    rng = np.random.default_rng(0)
    n_words, per_topic = SPARSE_COLUMNS // 93, SPARSE_COLUMNS // 20  # some words come twice
    topic = rng.integers(0, 20, n_rows)[:, None]
    words = np.where(
        rng.random((n_rows, n_words)) < 0.8,
        topic * per_topic + rng.integers(0, per_topic, (n_rows, n_words)),
        rng.integers(0, SPARSE_COLUMNS, (n_rows, n_words)),
    )
    data = rng.random(words.size) + 0.5
    starts = np.arange(n_rows + 1) * n_words
    X = sparse.csr_array((data, words.ravel(), starts), shape=(n_rows, SPARSE_COLUMNS))
    X.sum_duplicates()
    return sparse.csr_array(
        (X.data.astype(dtype), X.indices.astype(np.int32), X.indptr.astype(np.int32)), X.shape
    )


def epoch_seconds(model: Autoencoder, X: Any) -> float:
    """Fit the model, and return the seconds of its training loop per epoch."""
    model.fit(X)
    return float(model.history_["duration"][-1]) / model.n_iter_


def sparse_speed() -> Iterator[list[str]]:
    """Seconds per epoch of 100,000 rows x 5,000 columns, float32, 1 % of them not 0.

    Medians of three runs in turns; Adam, tanh, scaling="range" on both sides. 71 hidden units are
    what the default is for 5,000 columns; 512 rows per update the default for such a sparse table,
    128 for the dense one. The training MSE says that both learn the same.
    """
    X = topics(SPARSE_ROWS, np.float32)
    dense = X.toarray()
    yield ["threads", "hidden", "batch_size", "sparse, s", "rows per second", "dense, s",
           "sparse is", "MSE sparse", "MSE dense"]  # fmt: skip
    for n_threads in THREADS:
        for hidden in (71, 32):
            for batch_size in (128, 512):
                models = {
                    name: Autoencoder(
                        hidden_layer_sizes=hidden, batch_size=batch_size, n_jobs=n_threads,
                        max_epochs=1, scaling="range", score_every=SPARSE_ROWS, random_state=0,
                    )
                    for name in ("sparse", "dense")
                }  # fmt: skip
                seconds: dict[str, list[float]] = {"sparse": [], "dense": []}
                for _ in range(ROUNDS):
                    for name, table in (("sparse", X), ("dense", dense)):
                        seconds[name].append(epoch_seconds(models[name], table))
                ours, theirs = (statistics.median(seconds[name]) for name in seconds)
                yield [
                    str(n_threads), str(hidden), str(batch_size), f"{ours:.2f}",
                    f"{SPARSE_ROWS / ours:,.0f}", f"{theirs:.2f}", f"{theirs / ours:.1f} x as fast",
                    *(f"{models[name].loss_curve_[-1]:.6f}" for name in seconds),
                ]  # fmt: skip


def sparse_memory() -> Iterator[list[str]]:
    """Peak of memory beyond a CSR matrix of 100,000 x 5,000 with 1 % of values, int32 indices.

    Each line is a process of its own, which has loaded the matrix and trained a small one before:
    libraries are not counted. The network has 5000-71-5000 units (default), all else is automatic.
    """
    yield ["values", "threads", "step", "CSR, MiB", "beyond it, MiB", "all of it over the CSR"]
    for dtype in (np.float32, np.float64):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/table.npz"
            apart(write_csr, path, dtype)
            for n_threads in THREADS:
                for step in ("fit", "fit and score_samples"):
                    size, more = apart(taken_beyond, path, n_threads, "score" in step)
                    yield [dtype.__name__, str(n_threads), step, f"{size:.1f}", f"{more:.1f}",
                           f"{(size + more) / size:.2f} x"]  # fmt: skip


def write_csr(path: str, dtype: type[np.floating]) -> None:
    sparse.save_npz(path, topics(SPARSE_ROWS, dtype), compressed=False)


def taken_beyond(path: str, n_threads: int, scores: bool) -> tuple[float, float]:
    """Return the size of a CSR matrix, and what memory grows by when it is trained on, in MiB."""
    few = topics(500, np.float32)
    Autoencoder(max_epochs=1, n_jobs=n_threads).fit(few).score_samples(few)
    X = sparse.load_npz(path)
    X.sum_duplicates()  # finds that there are none
    before = current()
    model = Autoencoder(max_epochs=1, n_jobs=n_threads, random_state=0).fit(X)
    if scores:
        model.score_samples(X)
    return (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / MIB, peak() - before


def groups() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what numbers rows of each level have but for noise, and the levels' frequencies."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 10)) / 3**0.5
    means = centers[rng.integers(0, len(centers), FACTOR_LEVELS)]
    frequencies = 1 / (np.arange(FACTOR_LEVELS) + 10.0)
    return means, frequencies / frequencies.sum()


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (float32) and levels of so many rows."""
    rng = np.random.default_rng(seed)
    means, frequencies = groups()
    levels = rng.choice(FACTOR_LEVELS, FACTOR_ROWS, p=frequencies)
    numbers = means[levels] + 0.5 * rng.normal(size=(FACTOR_ROWS, 10))
    return numbers.astype(np.float32), levels


def with_factor(numbers: np.ndarray, levels: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(numbers, columns=[f"number{j}" for j in range(numbers.shape[1])])
    return frame.assign(factor=pd.Categorical(levels, categories=range(FACTOR_LEVELS)))


def one_hot(numbers: np.ndarray, levels: np.ndarray) -> np.ndarray:
    columns = np.zeros((len(numbers), FACTOR_LEVELS), dtype=np.float32)
    columns[np.arange(len(levels)), levels] = 1
    return np.concatenate([numbers, columns], axis=1)


KINDS = {"factor": with_factor, "one-hot": one_hot}


def factor_model(
    kind: str, epochs: int, batch_size: int, n_threads: int = 1, hidden: int = 8
) -> Autoencoder:
    return Autoencoder(
        hidden_layer_sizes=hidden, max_epochs=epochs, batch_size=batch_size, n_jobs=n_threads,
        scaling="range" if kind == "one-hot" else "auto", score_every=epochs * FACTOR_ROWS,
        random_state=0,
    )  # fmt: skip


def factor_speed() -> Iterator[list[str]]:
    """10 numbers and a factor of 10,000 levels, 20,000 rows, against 10,010 columns of numbers.

    "One-hot" is a float32 array of the numbers and a column of 0 and 1 per level (800 MB). Both
    have as many hidden units (101 is what "auto" makes of 10,010 columns), Adam and as many rows
    per update. Medians of three runs in turns, of two epochs each; the training loop alone.
    """
    yield ["threads", "hidden", "batch_size", "factor, s per epoch", "rows per second",
           "one-hot, s per epoch", "rows per second", "the factor is"]  # fmt: skip
    tables = {kind: make(*drawn(1)) for kind, make in KINDS.items()}
    for n_threads, hidden in product(THREADS, FACTOR_HIDDEN):
        for batch_size in (32, 128):
            seconds: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for kind, table in tables.items():
                    model = factor_model(kind, 2, batch_size, n_threads, hidden)
                    seconds.setdefault(kind, []).append(epoch_seconds(model, table))
            ours, theirs = (statistics.median(seconds[kind]) for kind in KINDS)
            yield [
                str(n_threads), str(hidden), str(batch_size), f"{ours:.3f}",
                f"{FACTOR_ROWS / ours:,.0f}", f"{theirs:.2f}", f"{FACTOR_ROWS / theirs:,.0f}",
                f"{theirs / ours:.0f} x as fast",
            ]  # fmt: skip


def wrong_levels() -> Iterator[list[str]]:
    """Area under the ROC curve of wrong levels among new rows of the tables of ``factor``.

    The numbers depend on the group of a level, one of 20, which no column tells; levels are as
    frequent as words are (Zipf). 5 % of the new rows have the level of another row. By the error
    of the row, and by the part of it that is the level's (the mean of its columns' errors). Last:
    the distance from the true mean of the level's group, which no detector knows.
    """
    yield ["table", "batch_size", "epochs", "AUC", "by the level's error"]
    numbers, levels = drawn(1)
    X_test, true = drawn(2)
    seen = np.isin(true, levels)
    X_test, true = X_test[seen], true[seen]
    rng = np.random.default_rng(3)
    odd = rng.random(true.size) < 0.05
    given = np.where(odd, rng.permutation(true), true)
    for kind, make in KINDS.items():
        table, test = make(numbers, levels), make(X_test, given)
        for batch_size in (32, 128):
            for epochs in (FACTOR_EPOCHS, 5 * FACTOR_EPOCHS)[: 1 + (kind == "factor")]:
                model = factor_model(kind, epochs, batch_size).fit(table)
                errors = np.asarray(model.reconstruction_error(test, per_feature=True))
                yield [
                    kind, str(batch_size), str(epochs),
                    f"{roc_auc_score(odd, -model.score_samples(test)):.3f}",
                    f"{roc_auc_score(odd, errors[:, numbers.shape[1] :].mean(axis=1)):.3f}",
                ]  # fmt: skip
    distances = np.square(X_test - groups()[0][given]).sum(axis=1)
    yield ["(true groups)", "", "", f"{roc_auc_score(odd, distances):.3f}", ""]


TABLES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "disk": disk,
    "sparse": sparse_speed,
    "memory": sparse_memory,
    "factor": factor_speed,
    "levels": wrong_levels,
}


def main() -> None:
    names, folder = arguments(__doc__, TABLES)
    for name in names:
        lines = [inspect.cleandoc(TABLES[name].__doc__ or ""), "", *markdown(TABLES[name]()), ""]
        (folder / f"tables-{name}.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
