"""``fastae bench``: how fast this machine trains and scores."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastae import _core, _threads
from fastae._cli.errors import CliError, UsageError
from fastae._cli.screens import Screen, print_table, table_of
from fastae._cli.training import checked, model_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastae import Autoencoder

# The rows lie near a plane of so many dimensions, as tables do.
_RANK = 20


class Speed(NamedTuple):
    """A measurement: what was done by how many threads, rows and operations per second."""

    what: str
    n_threads: int
    obs_per_s: float
    flop_per_s: float
    peak: float


def measure(
    model: Autoencoder,
    X: Any,
    threads: Sequence[int],
    *,
    repeat: int,
    seconds: float = 0.2,
) -> list[Speed]:
    """Time training and scoring.

    Parameters
    ----------
    model : Autoencoder
        Not fitted.
    X : ndarray of shape (n_rows, n_columns)
    threads : sequence of int
        How many to use in turn.
    repeat : int
        Of so many runs, after one that does not count, the median is taken.
    seconds : float
        That the peak is measured for.

    Returns
    -------
    speeds : list of Speed
    """
    speeds = []
    for n in threads:
        model.set_params(n_jobs=n)
        peak = _core.fma_peak(n_threads=n, seconds=seconds)
        trained = _median(lambda: _train(model, X), repeat)
        scored = _median(lambda: _score(model, X), repeat)
        widths = (X.shape[1], *model.hidden_layer_sizes_, X.shape[1])
        weights = sum(a * b for a, b in pairwise(widths))
        # 2 operations per weight forward, as many back and for the gradient; nothing goes back
        # to the inputs. What the optimiser and the activations do is not counted.
        flops = 6 * weights - 2 * widths[0] * widths[1]
        speeds.append(Speed("train", n, trained, trained * flops, peak))
        speeds.append(Speed("score", n, scored, scored * 2 * weights, peak))
    return speeds


def bench(
    parameters: dict[str, Any],
    *,
    n_rows: int,
    n_columns: int,
    max_threads: int | None,
    repeat: int,
) -> None:
    """Measure on rows that are made up, and print a table.

    Parameters
    ----------
    parameters : dict
        Of the estimator.
    n_rows, n_columns : int
        Of the table.
    max_threads : int or None
        Up to so many; None: all processors.
    repeat : int
        As of `measure`.

    Raises
    ------
    UsageError
        If a parameter is out of its range.
    CliError
        If memory does not hold the rows or the network.
    """
    model = checked({"random_state": 0} | parameters)
    if model.max_epochs * n_rows < 1:
        message = (
            f"--max-epochs must be at least 1/{n_rows}, so that one of {n_rows:,} rows is trained"
            f" on, got {model.max_epochs}"
        )
        raise UsageError(message)
    X = _rows_in_memory(n_rows, n_columns)
    n = _threads.max_threads() if max_threads is None else max_threads
    threads = sorted({1, *(2**k for k in range(n.bit_length()) if 2**k <= n), n})
    with model_errors("X"):
        speeds = measure(model, X, threads, repeat=repeat)
    screen = Screen()
    sizes = "-".join(map(str, (n_columns, *model.hidden_layer_sizes_, n_columns)))
    title = (
        f"{sizes}, {model.solver}, {model.batch_size_} rows a batch, {n_rows:,} rows of float32,"
        f" {_core.isa}: medians of {repeat}"
    )
    table = table_of("", "threads", "obs/s", "GFLOP/s", "of the peak")
    for speed in sorted(speeds, key=lambda s: (s.what != "train", s.n_threads)):
        table.add_row(
            speed.what, str(speed.n_threads), f"{speed.obs_per_s:,.0f}",
            f"{speed.flop_per_s / 1e9:.1f}", f"{speed.flop_per_s / speed.peak:.0%}",
        )  # fmt: skip
    print_table(screen, title, table)


def _rows_in_memory(n_rows: int, n_columns: int) -> np.ndarray[Any, Any]:
    try:
        return rows_for(n_rows, n_columns)
    except (MemoryError, ValueError) as error:  # NumPy says the one or the other
        size = 4 * n_rows * n_columns / 1e9
        message = (
            f"{n_rows:,} rows of {n_columns:,} columns take {size:,.0f} GB, which memory does not"
            " hold; say fewer --rows or --columns"
        )
        raise CliError(message) from error


def rows_for(n_rows: int, n_columns: int) -> np.ndarray[Any, Any]:
    """Return made-up rows, of shape (n_rows, n_columns), float32."""
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((n_rows, _RANK), dtype=np.float32)
    return codes @ rng.standard_normal((_RANK, n_columns), dtype=np.float32)


def _train(model: Autoencoder, X: Any) -> float:
    model.fit(X)
    # Training alone, without the scaling pass and the scoring around it.
    return float(model.n_samples_seen_ / model.history_["duration"][-1])


def _score(model: Autoencoder, X: Any) -> float:
    start = time.perf_counter()
    model.reconstruction_error(X)
    return float(len(X) / (time.perf_counter() - start))


def _median(run: Callable[[], float], repeat: int) -> float:
    run()
    return float(np.median([run() for _ in range(repeat)]))
