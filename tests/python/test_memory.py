"""How much memory training and scoring take beyond the table, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

import fastae
from fastae import Autoencoder
from fits import assert_same_fit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from Linux's /proc")
MIB = 2**20

_BEGIN = """
import sys
import numpy as np
from scipy import sparse
import fastae
from fastae import Autoencoder, AutoencoderClassifier

def peak():
    # getrusage counts what the process was before it became this one.
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if "VmHWM" in line)

def begin():
    with open("/proc/self/clear_refs", "w") as marks:
        marks.write("5")  # the peak is what is held now
    return peak()

def warm(X):
    # Libraries and threads are loaded with the first call.
    model = Autoencoder(max_epochs=1, n_jobs=2, hidden_layer_sizes=3).fit(X)
    model.score_samples(X)

"""


def growth(code, *arguments):
    """Return the numbers that a script prints, run by a new interpreter."""
    # Buffers that are given back count no longer.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "2"}
    made = subprocess.run(
        [sys.executable, "-c", _BEGIN + textwrap.dedent(code), *map(str, arguments)],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return [float(word) for word in made.stdout.split()]


def test_bytes_are_trained_on_in_place():
    # A float32 copy would be 188 MB.
    (more,) = growth("""
        warm(np.eye(300, 20, dtype=np.uint8))
        X = np.frombuffer(np.random.default_rng(0).bytes(60_000 * 784), np.uint8)
        X = X.reshape(60_000, 784)
        before = begin()
        model = Autoencoder(max_epochs=1, random_state=0).fit(X)
        model.score_samples(X)
        model.predict(X)
        print(peak() - before)
    """)
    assert more < 64 * MIB


LAYOUTS = {
    "strided": "X = np.empty((40_000, 800), np.float32)[::2, ::2]",
    "Fortran": "X = np.empty((20_000, 400), np.float32, order='F')",
    "reversed": "X = np.empty((20_000, 400), np.float32)[::-1, ::-1]",
    "read-only": "X = np.empty((20_000, 400), np.float32)",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_layout_is_copied(layout):
    (more,) = growth(
        f"""
        warm(np.eye(300, 20, dtype=np.float32))
        {LAYOUTS[layout]}
        for start in range(0, len(X), 500):
            X[start : start + 500] = np.random.default_rng(start).random((500, 400), np.float32)
        X.flags.writeable = {layout != "read-only"}
        before = begin()
        for missing in ("ignore", "error"):
            model = Autoencoder(max_epochs=0.1, random_state=0, missing=missing).fit(X)
            model.score_samples(X)
        print(peak() - before)
        """
    )
    assert more < 24 * MIB  # the table has 31


def test_a_memory_map_is_not_copied(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (20_000, 400))
    for start in range(0, len(X), 500):
        X[start : start + 500] = np.random.default_rng(start).random((500, 400), np.float32)
    X.flush()
    given = np.load(tmp_path / "X.npy", mmap_mode="r")
    Autoencoder(max_epochs=0).fit(np.eye(20))  # imports what is imported late
    tracemalloc.start()
    try:
        fitted = Autoencoder(max_epochs=0.3, random_state=0).fit(given)
        fitted.score_samples(given)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB  # the table has 31
    finally:
        tracemalloc.stop()
    assert_same_fit(Autoencoder(max_epochs=0.3, random_state=0).fit(np.asarray(X)), fitted)


_CSR = """
    def table(n, d, per_row, dtype=np.float64):
        # One value in each of so many stretches of columns.
        rng = np.random.default_rng(0)
        indices = np.empty((n, per_row), np.int32)
        for start in range(0, n, 5_000):
            block = indices[start : start + 5_000]
            block[...] = rng.integers(0, d // per_row, block.shape, np.int32)
            block += np.arange(per_row, dtype=np.int32) * np.int32(d // per_row)
        values = rng.random(n * per_row).astype(dtype, copy=False)
        indptr = np.arange(0, n * per_row + 1, per_row, dtype=np.int32)
        X = sparse.csr_array((values, indices.ravel(), indptr), shape=(n, d))
        return X, X.data.nbytes + X.indices.nbytes + X.indptr.nbytes

    warm(table(300, 100, 5)[0])
"""


@pytest.mark.slow
def test_sparse_rows_are_trained_on_in_place():
    size, more = growth(
        _CSR
        + """
    X, size = table(100_000, 5_000, 50)
    before = begin()
    model = Autoencoder(max_epochs=0.1, random_state=0).fit(X)
    model.score_samples(X)
    print(size, peak() - before)
    """
    )
    assert size > 55e6
    assert more < 0.5 * size


def test_labelled_sparse_rows_are_trained_on_in_place():
    size, more = growth(
        _CSR
        + """
    X, size = table(40_000, 2_000, 100)
    y = np.arange(40_000) % 2
    AutoencoderClassifier(max_epochs=1).fit(X[:50], y[:50]).predict(X[:50])
    before = begin()
    AutoencoderClassifier(max_epochs=0.3, random_state=0).fit(X, y).predict(X)
    print(size, peak() - before)
    """
    )
    assert more < 0.5 * size


def _write_parquet(path, n_rows):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rng = np.random.default_rng(0)
    writer = None
    for _ in range(0, n_rows, 50_000):
        a = rng.normal(size=(50_000, 11))
        columns = {f"x{j}": a[:, j] + a[:, 0] for j in range(11)}
        columns["c"] = pa.array(np.char.add("t", rng.integers(0, 30, 50_000).astype(str)))
        rows = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, rows.schema)
        writer.write_table(rows)
    writer.close()


@pytest.mark.slow
def test_memory_for_a_scan_does_not_depend_on_its_rows(tmp_path):
    peaks = []
    for n_rows in (200_000, 800_000):
        path = tmp_path / f"{n_rows}.parquet"
        _write_parquet(path, n_rows)
        peaks += growth(
            """
            warm(np.eye(300, 20))
            import pyarrow.parquet
            before = begin()
            scan = fastae.scan(sys.argv[1], window=50_000, batch_size=10_000)
            model = Autoencoder(max_epochs=0.5, random_state=0).fit(scan)
            scores = model.score_samples(scan)
            assert scores.shape == (scan.n_rows,)
            print(peak() - before - 3 * scores.nbytes)
            """,
            path,
        )
    assert max(peaks) < 160 * MIB
    assert peaks[1] < peaks[0] + 16 * MIB


def test_windows_of_a_memory_map_are_all_that_is_held(tmp_path):
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (100_000, 100))
    for start in range(0, len(X), 5_000):
        X[start : start + 5_000] = np.random.default_rng(start).random((5_000, 100), np.float32)
    X.flush()
    scan = fastae.scan(np.load(tmp_path / "X.npy", mmap_mode="r"), window=10_000, batch_size=5_000)
    Autoencoder(max_epochs=0).fit(np.eye(20))
    tracemalloc.start()
    try:
        Autoencoder(max_epochs=1, random_state=0).fit(scan)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Two windows, of 4 MB each, and the sample; the table has 40.
    assert held < 24 * MIB
