"""From n_jobs to threads: limits set elsewhere, small work, forked children."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fastae import Autoencoder, _core, _threads

LARGE = 1e15


def run(code, **environment):
    """Return what Python prints for this code in a process of its own."""
    code = "from fastae import _threads, Autoencoder\nimport numpy as np\n" + textwrap.dedent(code)
    env = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def four_threads(monkeypatch):
    monkeypatch.setattr(_threads, "max_threads", lambda: 4)
    monkeypatch.setattr(_threads, "usable_cpus", lambda: 4)


@pytest.mark.parametrize(
    ("n_jobs", "expected"),
    [
        *[(None, 4), (1, 1), (2, 2), (9, 9), (np.int64(3), 3), (10**9, 64)],
        *[(-1, 4), (-2, 3), (-4, 1), (-100, 1)],
    ],
)
def test_n_jobs_as_joblib_counts_them(four_threads, n_jobs, expected):
    assert _threads.resolve(n_jobs, flops=LARGE) == expected


@pytest.mark.parametrize(
    ("widths", "batch_size", "n_samples", "expected"),
    [
        ((784, 50, 784), 128, 60_000, 4),
        ((784, 50, 784), 1, 60_000, 4),  # each thread owns columns of the weights
        ((210, 50, 210), 1, 20_000, 2),  # 378,000 operations per update
        ((210, 50, 210), 1, 2_000, 1),  # over in 16 ms
        ((210, 50, 210), 8, 20_000, 4),
        ((210, 50, 210), 8, 100, 1),  # over before a thread has started
        ((100, 30, 100), 8, 10**6, 1),  # too narrow to own columns: rows are shared
        ((100, 30, 100), 1024, 10**6, 4),
        ((10, 3, 10), 128, 10**7, 1),
    ],
)
def test_training_gets_the_threads_that_pay(four_threads, widths, batch_size, n_samples, expected):
    sizes = {"widths": widths, "batch_size": batch_size, "n_samples": n_samples}
    assert _threads.for_training(None, **sizes) == expected
    assert _threads.for_training(3, **sizes) == 3


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (2, 2), (3, 2), (5, 4)])
def test_teams_that_own_columns_are_even(monkeypatch, limit, expected):
    monkeypatch.setattr(_threads, "max_threads", lambda: limit)
    sizes = {"widths": (784, 50, 784), "n_samples": 60_000}
    assert _threads.for_training(None, batch_size=128, **sizes) == expected
    assert _threads.for_training(None, batch_size=1, **sizes) == min(expected, 4)


def test_one_row_at_a_time_gets_no_more_threads_than_own_columns(four_threads):
    narrow = {"widths": (127, 100, 127), "n_samples": 10**9, "batch_size": 1}
    assert _threads.for_training(None, **narrow) == 1
    wide = {"widths": (1_000, 500, 1_000), "n_samples": 10**9, "batch_size": 1}
    assert _threads.for_training(None, **wide) == 4


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 2),
        ({"max_epochs": 1}, 1),  # over before a thread has started
        ({"n_jobs": 3}, 3),
        ({"parallel": "hogwild", "max_epochs": 1}, 4),
    ],
)
def test_fit_trains_with_the_threads_that_pay(four_threads, monkeypatch, settings, expected):
    taken = []
    train = _core.train

    def noted(*args, **kwargs):
        taken.append(kwargs["n_threads"])
        return train(*args, **kwargs)

    monkeypatch.setattr(_core, "train", noted)
    X = np.random.default_rng(0).random((64, 210), dtype=np.float32)
    Autoencoder(
        **{"hidden_layer_sizes": 50, "solver": "adadelta", "max_epochs": 100, **settings}
    ).fit(X)
    assert set(taken) == {expected}


@pytest.mark.parametrize(
    ("flops", "expected"),
    [(0, 1), (3.9e6, 1), (4e6, 2), (6.1e6, 3), (8e6, 4), (LARGE, 4), (float("inf"), 4)],
)
def test_small_work_gets_fewer_threads(four_threads, flops, expected):
    assert _threads.resolve(None, flops=flops) == expected
    assert _threads.resolve(3, flops=flops) == 3


@pytest.mark.parametrize("n_jobs", [0, 1.0, "2", True])
def test_bad_n_jobs(n_jobs):
    with pytest.raises(ValueError, match="n_jobs must be"):
        _threads.resolve(n_jobs, flops=1)


@pytest.mark.parametrize("value", ["1", "3", "3,2"])
def test_omp_num_threads_is_obeyed(value):
    threads = run("print(_threads.resolve(None, flops=1e15))", OMP_NUM_THREADS=value)
    assert threads == value.split(",")[0]


def test_threadpoolctl_limits_are_obeyed():
    with threadpool_limits(limits=1, user_api="openmp"):
        assert _threads.resolve(None, flops=LARGE) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
def test_cpu_affinity_is_obeyed():
    code = """
    import os
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(_threads.usable_cpus(), _threads.resolve(None, flops=1e15))
    """
    assert run(code) == "1 1"


@pytest.mark.parametrize("prefer", ["threads", "processes"])
def test_joblib_workers_do_not_multiply_threads(prefer):
    n_workers = _threads.usable_cpus() + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of joblib, about its own workers
        used = joblib.Parallel(n_jobs=n_workers, prefer=prefer)(
            joblib.delayed(_threads.resolve)(None, flops=LARGE) for _ in range(n_workers)
        )
    assert used == [1] * n_workers


FORK = """
import os, sys, warnings
X = np.random.default_rng(0).normal(size=(500, 40))
model = Autoencoder(max_epochs=1, batch_size=250, n_jobs={parent}, random_state=0).fit(X)
expected = model.score_samples(X)
warnings.simplefilter("always")
child = os.fork()
if child == 0:
    with warnings.catch_warnings(record=True) as caught:
        model.set_params(n_jobs=2)
        scores = [model.score_samples(X), model.fit(X).score_samples(X)]
    same = all(np.array_equal(score, expected) for score in scores)
    os.write(1, f"{{same}} {{[w.category.__name__ for w in caught]}}".encode())
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(("parent", "warned"), [(2, "['RuntimeWarning']"), (1, "[]")])
def test_forked_child_of_a_threaded_process_uses_one_thread_and_says_so_once(parent, warned):
    assert run(FORK.format(parent=parent)) == f"True {warned}"


def test_scores_do_not_depend_on_threads():
    X = np.random.default_rng(0).normal(size=(501, 33))
    model = Autoencoder(hidden_layer_sizes=7, max_epochs=2, random_state=0).fit(X)
    expected = model.set_params(n_jobs=1).score_samples(X)
    for n_jobs in (2, 3, None, -1):
        np.testing.assert_array_equal(model.set_params(n_jobs=n_jobs).score_samples(X), expected)
