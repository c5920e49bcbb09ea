"""What happens around the arithmetic: pickle, threads of Python, fork, Ctrl-C, few threads."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastae
from corenet import ISAS, table

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and fork")


def fitted(X, **options):
    options = {"hidden_layer_sizes": 5, "max_epochs": 5, "random_state": 0, **options}
    return fastae.Autoencoder(**options).fit(X)


def python(code, *, timeout=60, **environment):
    """Run a script in a process of its own; its output, or the failure."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=timeout, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_everything(protocol):
    X = table(60, 12)
    model = fitted(X, solver="adadelta", batch_size=3)
    again = pickle.loads(pickle.dumps(model, protocol))
    np.testing.assert_array_equal(again.score_samples(X), model.score_samples(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for mine, other in zip(again.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(mine, other)
        assert not np.shares_memory(mine, other)


def test_weights_of_a_pickled_model_are_still_its_own():
    # coefs_ are views of the buffer that is scored with: a copy must not lose the connection.
    X = table(60, 12)
    model = pickle.loads(pickle.dumps(fitted(X)))
    before = model.score_samples(X)
    model.coefs_[-1][...] = 0
    model.intercepts_[-1][...] = 0
    x = (X - model.shift_) * model.scale_
    assert not np.array_equal(model.score_samples(X), before)
    np.testing.assert_allclose(model.score_samples(X), -(x**2).mean(axis=1), rtol=1e-12)


def test_python_threads_score_at_once():
    X = table(3000, 40)
    models = [fitted(X[:500], random_state=seed, n_jobs=2) for seed in range(4)]
    expected = [model.score_samples(X) for model in models]
    failures = []

    def work(i):
        try:
            for _ in range(20):
                np.testing.assert_array_equal(models[i % 4].score_samples(X), expected[i % 4])
        except Exception as error:  # noqa: BLE001 (any failure must reach the main thread)
            failures.append(error)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
        assert not worker.is_alive()
    assert not failures


def test_python_threads_fit_at_once():
    X = table(300, 20)
    expected = fitted(X, n_jobs=2, batch_size=16)
    models = {}

    def work(i):
        models[i] = fitted(X, n_jobs=2, batch_size=16)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
        assert not worker.is_alive()
    assert len(models) == 4
    for model in models.values():
        np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])


@posix
def test_score_and_fit_in_a_forked_child():
    # After threads ran in the parent, a threaded region in a forked child can hang for ever.
    out = python("""
        import os, pickle, signal, warnings
        import numpy as np, fastae
        X = np.random.default_rng(0).standard_normal((500, 20))
        model = fastae.Autoencoder(
            hidden_layer_sizes=5, max_epochs=3, n_jobs=2, random_state=0, batch_size=16
        ).fit(X)
        expected = model.score_samples(X)
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            warnings.simplefilter("ignore")
            same = np.array_equal(model.score_samples(X), expected)
            same &= np.array_equal(model.fit(X).score_samples(X), expected)
            os._exit(0 if same else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        assert np.array_equal(model.score_samples(X), expected)
    """)
    assert out.strip() == "0"


@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
@pytest.mark.parametrize(
    "environment", [{"OMP_THREAD_LIMIT": "1"}, {"OMP_DYNAMIC": "true", "OMP_NUM_THREADS": "1"}],
    ids=["limit", "dynamic"],
)  # fmt: skip
def test_fewer_threads_than_asked_for_do_not_hang(parallel, environment):
    # OpenMP may grant fewer threads than requested; nobody may wait for the others.
    python(
        f"""
        import numpy as np, fastae
        X = np.random.default_rng(0).standard_normal((200, 20))
        model = fastae.Autoencoder(
            hidden_layer_sizes=5, max_epochs=3, n_jobs=2, parallel="{parallel}", batch_size=16
        ).fit(X)
        assert np.isfinite(model.score_samples(X)).all()
        """,
        timeout=30,
        **environment,
    )


INTERRUPTED = """
    import signal, sys, threading, time, warnings
    import numpy as np, fastae
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    X = np.random.default_rng(0).standard_normal(({n}, 200)).astype(np.float32)
    model = fastae.Autoencoder(
        hidden_layer_sizes=300, max_epochs=10**6, batch_size={batch_size}, n_jobs=2,
        random_state=0, parallel="{parallel}", learning_rate_init=1e-6, solver="sgd",
    )
    threading.Timer(0.3, lambda: print("training", flush=True)).start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X)
    stopped = time.monotonic()
    assert [str(w.message) for w in caught] == ["Training interrupted by user."], caught
    assert np.isfinite(model.score_samples(X[:100])).all()
    assert set(model.predict(X[:100])) <= {{-1, 1}}
    assert len(model.loss_curve_) == model.n_iter_
    print(stopped, model.n_iter_)
"""


@posix
@pytest.mark.parametrize("parallel", ["deterministic", "hogwild"])
@pytest.mark.parametrize(
    ("n", "batch_size"), [(500, 20), (30_000, 1), (30_000, 30_000)],
    ids=["epochs", "online", "one-batch"],
)  # fmt: skip
def test_ctrl_c_stops_within_a_second_with_a_usable_model(n, batch_size, parallel):
    code = textwrap.dedent(INTERRUPTED).format(n=n, batch_size=batch_size, parallel=parallel)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout.readline() == "training\n", child.stderr.read()
            sent = time.monotonic()  # the clock is the same in both processes
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    assert child.returncode == 0, err
    stopped, n_iter = out.split()
    assert float(stopped) - sent < 1
    assert int(n_iter) >= 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux's CPU affinity")
@pytest.mark.parametrize("n", [4, 200])
def test_hogwild_looks_up_when_one_thread_does_all_the_work(n):
    # On one CPU, one thread may take all mini-batches of an epoch before the first gets its turn.
    out = python(
        f"""
        import os
        os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
        from corenet import Net, table
        from fastae import _core
        X = table({n}, 30)
        net = Net.ranged(_core.load(_core.isa), X, (10,), ["tanh", "tanh"])
        made = net.train(
            X, n_epochs=10_000, parallel="hogwild", n_threads=4, tick=lambda samples: True
        )
        print(made["status"])
        """,
        PYTHONPATH=os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    )
    assert out.strip() == "stopped"


def test_forced_instruction_set_is_used():
    for isa in ISAS:
        out = python("from fastae import _core; print(_core.isa)", FASTAE_ISA=isa)
        assert out.strip() == isa


def test_unknown_instruction_set_is_an_import_error():
    code = "try:\n    import fastae._core\nexcept ImportError as error:\n    print(error)"
    message = python(code, FASTAE_ISA="v9")
    assert "FASTAE_ISA=v9" in message
    assert ISAS[0] in message
