"""From `n_jobs` to a number of threads: limits set elsewhere, small work, forked children."""

from __future__ import annotations

import os
import warnings
from functools import lru_cache

import joblib
import numpy as np
from joblib.parallel import get_active_backend

from fastae import _core
from fastae._weights import n_weights

# A parallel region costs 5 to 50 us to start and join; one core does this much in some 40 us.
FLOPS_PER_THREAD = 2e6

# While it lasts, threads meet within less than 1 us. Those that own columns of the weights gain
# from shares of some 3 us, those that share rows, and so write to the same weights, from 15 us
# (benchmarks/sweeps.py threads).
OWNERS_FLOPS = 1.5e5
SHARERS_FLOPS = 7.5e5

# The optimiser's time per weight and update, in operations of the products: ADADELTA's, and about
# half of Adam's.
UPDATE_FLOPS = 12

# Training that one core does in some 20 ms is not worth a second thread's start.
LEAST_TRAINING = 1e9

# More cannot help, and where the system refuses threads, OpenMP ends the process.
MAX_THREADS_PER_CPU = 16


class _ForkGuard:
    """Knows whether this process is a fork of one that had OpenMP threads.

    GNU's OpenMP keeps its threads between parallel regions. A forked child inherits the record
    of them but not the threads, and its first parallel region waits for them for ever.
    """

    def __init__(self) -> None:
        self.ran_parallel = False
        self.forked = False
        self.warned = False

    def after_fork(self) -> None:
        self.forked = self.forked or self.ran_parallel

    def allow(self, n_threads: int) -> int:
        """Return `n_threads`, or 1 (with one warning) where more would hang."""
        if n_threads == 1:
            return 1
        if not self.forked:
            self.ran_parallel = True
            return n_threads
        if not self.warned:
            self.warned = True
            warnings.warn(
                "This process was forked after fastae had used several threads, so fastae uses "
                "one thread in it: start processes with 'spawn' or 'forkserver' to use more.",
                RuntimeWarning,
                stacklevel=2,
            )
        return 1


_guard = _ForkGuard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_guard.after_fork)


def usable_cpus() -> int:
    """Return how many CPUs this process may use: affinity, container quota, joblib's limits.

    Returns
    -------
    cpus : int
        At least 1.
    """
    try:
        affinity = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows, where joblib's count has to do
        return _joblib_cpus()
    return max(1, min(affinity, _joblib_cpus()))


@lru_cache(maxsize=1)
def _joblib_cpus() -> int:
    """Joblib's count, asked once: it reads the container's quota from files."""
    return int(joblib.cpu_count())


def max_threads() -> int:
    """Return the most threads that ``n_jobs=None`` uses in the calling thread, now.

    Returns
    -------
    n_threads : int
        OpenMP's own limit (``OMP_NUM_THREADS``, `threadpoolctl.threadpool_limits`), which joblib
        lowers in its worker processes; not more than `usable_cpus` unless ``OMP_NUM_THREADS``
        says so; 1 in a worker thread of joblib.
    """
    if get_active_backend()[0].nesting_level:
        return 1
    limit = _core.max_threads()
    if os.environ.get("OMP_NUM_THREADS"):
        return max(1, limit)
    return max(1, min(limit, usable_cpus()))


def for_training(
    n_jobs: object, *, widths: tuple[int, ...], batch_size: int, n_samples: int
) -> int:
    """Return the number of threads that train together on each mini-batch.

    Parameters
    ----------
    n_jobs : int or None
        As in `resolve`; None takes as many threads as pay for the size of an update.
    widths : tuple of int
        Units per layer, input and output included.
    batch_size : int
    n_samples : int
        Rows to train on, over all epochs.

    Returns
    -------
    n_threads : int

    Examples
    --------
    >>> from fastae import _threads
    >>> _threads.for_training(None, widths=(10, 3, 10), batch_size=32, n_samples=100_000)
    1
    """
    flops = (6.0 * batch_size + UPDATE_FLOPS) * n_weights(widths)
    if flops * n_samples / batch_size < LEAST_TRAINING:
        flops = 0.0
    groups = _core.column_groups(widths)
    share = OWNERS_FLOPS if groups > 1 else SHARERS_FLOPS
    if batch_size == 1:  # nothing but columns can be shared
        flops = min(flops, groups * share)
    n_threads = resolve(n_jobs, flops=flops, share=share)
    if n_jobs is None and groups > 1 and n_threads > 1:
        n_threads -= n_threads % 2  # columns are owned by even teams only; others would share rows
    return n_threads


def resolve(n_jobs: object, *, flops: float, share: float = FLOPS_PER_THREAD) -> int:
    """Return the number of threads for one call of the core.

    Parameters
    ----------
    n_jobs : int or None
        None: as many as pay, one per `share` floating-point operations, up to `max_threads`.
        Positive: so many, but at most 16 per usable CPU. -1: `max_threads`; -2: one less, and
        so on, but at least 1.
    flops : float
        Operations between two points where the threads wait for each other.
    share : float
        The least that is worth a thread.

    Returns
    -------
    n_threads : int
        At least 1; always 1 in a process forked after a parallel region (with one warning).

    Raises
    ------
    ValueError
        If `n_jobs` is 0 or no integer.

    Examples
    --------
    >>> from fastae import _threads
    >>> _threads.resolve(None, flops=1000)
    1
    >>> _threads.resolve(3, flops=1000)
    3
    """
    if n_jobs is None:
        paying = int(min(flops / share, 1e6))
        return 1 if paying <= 1 else _guard.allow(min(paying, max_threads()))
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        msg = f"n_jobs must be None, a positive number of threads, or -1 for all, got {n_jobs!r}."
        raise ValueError(msg)
    if n_jobs > 0:
        return _guard.allow(min(int(n_jobs), MAX_THREADS_PER_CPU * usable_cpus()))
    return _guard.allow(max(1, max_threads() + 1 + int(n_jobs)))
