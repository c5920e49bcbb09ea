"""Tests of fastae.datasets: generated beats, the loaders and their downloads."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import socket
import struct
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from fastae.datasets import (
    _ecg_model,
    _sources,
    load_ecg,
    load_fashion_mnist,
    load_mnist,
    make_heartbeats,
)
from fastae.datasets._idx import read_idx

KINDS = ["premature ventricular contraction", "ST elevation", "dropped beat"]
IDX_NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
REAL_DATA = os.environ.get("FASTAE_DATA")
needs_real_data = [
    pytest.mark.real_data,
    pytest.mark.skipif(not REAL_DATA, reason="FASTAE_DATA is not set"),
]


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """An empty FASTAE_DATA."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FASTAE_DATA", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache and no FASTAE_DATA; downloads from this machine bypass any proxy."""
    folder = tmp_path / "cache"
    monkeypatch.delenv("FASTAE_DATA", raising=False)
    monkeypatch.setenv("FASTAE_CACHE", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def site(tmp_path):
    """A folder and the address under which it is served on this machine."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def dead_home():
    """An address at which nothing answers."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        yield f"http://127.0.0.1:{sock.getsockname()[1]}/"


def beats_csv(n_rows, n_columns=210):
    rows = np.random.default_rng(n_rows).normal(5.0, 1.0, (n_rows, n_columns)).round(2)
    return "".join(",".join(f"{v:.2f}" for v in row) + "\n" for row in rows), rows


def write_ecg(folder):
    """Write made-up ECG files; returns the two tables."""
    folder.mkdir(exist_ok=True)
    tables = []
    for name, n_rows in [("ecg_discord_train.csv", 20), ("ecg_discord_test.csv", 23)]:
        text, rows = beats_csv(n_rows)
        (folder / name).write_text(text)
        tables.append(rows)
    return tables


def idx_bytes(array, type_code=8):
    header = struct.pack(f">HBB{array.ndim}I", 0, type_code, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def pictures(n_train=7, n_test=3):
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (n_train, 784), dtype=np.uint8),
        "y_train": rng.integers(0, 10, n_train, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (n_test, 784), dtype=np.uint8),
        "y_test": rng.integers(0, 10, n_test, dtype=np.uint8),
    }


def publish(monkeypatch, source_name, folder, homes):
    """Make the loaders believe that the data set's files are those in `folder`."""
    source = getattr(_sources, source_name)
    sha256 = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in source[4]}
    changed = source._replace(homes=tuple(homes), sha256=sha256)
    monkeypatch.setattr(_sources, source_name, changed)


def publish_pictures(monkeypatch, folder, homes):
    arrays = pictures()
    for name, key in zip(IDX_NAMES, arrays, strict=True):
        array = arrays[key]
        shaped = array.reshape(-1, 28, 28) if array.ndim == 2 else array
        (folder / name).write_bytes(idx_bytes(shaped))
    publish(monkeypatch, "MNIST", folder, homes)
    return arrays


def files_below(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


# ---------------------------------------------------------------- generated heartbeats


def test_heartbeats_have_the_promised_shape():
    beats = make_heartbeats()
    assert beats.data.shape == (23, 210)
    assert beats.data.dtype == np.float64
    np.testing.assert_array_equal(beats.target, [1] * 20 + [-1] * 3)
    assert beats.kind.tolist() == ["normal"] * 20 + KINDS
    assert len(set(beats.feature_names)) == 210
    np.testing.assert_allclose(np.diff(beats.time), 0.004)
    assert "McSharry" in beats.DESCR


@pytest.mark.parametrize(("n_normal", "n_anomalies"), [(0, 1), (1, 0), (5, 7), (0, 0)])
def test_any_number_of_beats(n_normal, n_anomalies):
    beats = make_heartbeats(n_normal, n_anomalies, n_points=33)
    assert beats.data.shape == (n_normal + n_anomalies, 33)
    assert np.isfinite(beats.data).all()
    assert beats.kind.tolist() == ["normal"] * n_normal + (KINDS * 3)[:n_anomalies]


def test_data_and_target_alone():
    X, y = make_heartbeats(return_X_y=True)
    beats = make_heartbeats()
    np.testing.assert_array_equal(X, beats.data)
    np.testing.assert_array_equal(y, beats.target)


def test_a_seed_gives_the_same_beats_and_another_seed_others():
    first = make_heartbeats(random_state=7).data
    np.testing.assert_array_equal(first, make_heartbeats(random_state=7).data)
    from_generator = make_heartbeats(random_state=np.random.RandomState(7)).data
    np.testing.assert_array_equal(first, from_generator)
    assert np.abs(first - make_heartbeats(random_state=8).data).max() > 0.05


def test_beats_of_seed_0_do_not_drift_between_versions():
    """Fixed at the first release: the legacy generator's stream never changes (NEP 19)."""
    X = make_heartbeats(noise=0.0).data
    expected = [  # before P, at R, on T
        [-0.04982, 1.10586, 0.43339],
        [-0.11910, 0.93911, 0.29662],
        [-0.16367, 1.16249, 0.18692],
        [-0.03443, 0.98189, -0.83178],
        [-0.12225, 1.25384, 0.38882],
        [-0.03159, -0.05372, -0.04274],
    ]
    np.testing.assert_allclose(X[[0, 10, 19, 20, 21, 22]][:, [20, 85, 145]], expected, atol=1e-3)


def test_normal_beats_do_not_depend_on_the_anomalies():
    alone = make_heartbeats(n_anomalies=0, random_state=3).data
    together = make_heartbeats(n_anomalies=5, random_state=3).data[:20]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-12)


def test_n_points_only_resamples():
    fine = make_heartbeats(n_points=420, noise=0.0)
    coarse = make_heartbeats(n_points=210, noise=0.0)
    np.testing.assert_allclose(fine.time[::2], coarse.time)
    np.testing.assert_allclose(fine.data[:, ::2], coarse.data, atol=2e-3)


def test_noise_has_the_stated_size():
    quiet = make_heartbeats(200, 0, noise=0.0).data
    noisy = make_heartbeats(200, 0, noise=0.05).data
    assert (noisy - quiet).std() == pytest.approx(0.05, rel=0.02)


def test_model_is_periodic_and_scaled_as_in_the_paper():
    events = (_ecg_model.ANGLE[None], _ecg_model.STRENGTH[None], _ecg_model.WIDTH[None])
    rr = _ecg_model.MEAN_RR
    beat = _ecg_model.Beats(*events, np.array([rr]), np.zeros(1))
    gain, rest = _ecg_model.units()
    start = _ecg_model.INTEGRATION_START
    time = np.linspace(start, start + rr, 400)
    z = gain * _ecg_model.integrate(beat, time, rest=rest, breathing=0.0)[0]
    assert np.ptp(z) == pytest.approx(1.6, abs=0.01)
    assert z[-1] == pytest.approx(z[0], abs=2e-3)
    # As the paper says, z relaxes to its baseline, here 0: it is 0 on average.
    assert z.mean() == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_normal_beats_have_the_waves_of_a_heartbeat(seed):
    beats = make_heartbeats(50, 0, noise=0.0, random_state=seed)
    t = beats.time

    def part(begin, end):
        return beats.data[:, (t >= begin) & (t < end)]

    line = part(-0.33, -0.28).mean(axis=1)
    assert np.abs(t[beats.data.argmax(axis=1)]).max() < 0.015  # aligned on R
    assert (beats.data.max(axis=1) - line).min() > 0.9  # R, millivolts
    assert (part(-0.25, -0.08).max(axis=1) - line).min() > 0.15  # P
    assert (part(-0.08, 0.0).min(axis=1) - line).max() < 0.0  # Q
    assert (part(0.0, 0.08).min(axis=1) - line).max() < -0.1  # S
    assert (part(0.12, 0.4).max(axis=1) - line).min() > 0.2  # T
    assert 0.02 < beats.data.std(axis=0).mean() < 0.15  # they vary, and moderately


def test_anomalies_are_what_their_names_say():
    beats = make_heartbeats(20, 9, noise=0.0)
    t = beats.time
    by_kind = {kind: beats.data[beats.kind == kind] for kind in ["normal", *KINDS]}
    st = {kind: X[:, (t > 0.08) & (t < 0.12)].mean() for kind, X in by_kind.items()}
    qrs_width = {kind: (X > 0.6).sum(axis=1).mean() * 0.004 for kind, X in by_kind.items()}
    pvc, st_elevation, dropped = KINDS
    assert qrs_width[pvc] > 2 * qrs_width["normal"]
    assert (by_kind[pvc][:, (t > 0.2) & (t < 0.3)] < -0.4).all()  # inverted T
    assert st[st_elevation] > st["normal"] + 0.3
    assert np.abs(by_kind[dropped][:, t > -0.05]).max() < 0.35  # neither QRS nor T
    p_wave = (t > -0.2) & (t < -0.1)
    assert (np.ptp(by_kind[dropped][:, p_wave], axis=1) > 0.1).all()


@pytest.mark.parametrize("seed", range(20))
def test_five_components_tell_the_anomalies(seed):
    beats = make_heartbeats(random_state=seed)
    pca = PCA(5, svd_solver="full").fit(beats.data[beats.target == 1])
    rebuilt = pca.inverse_transform(pca.transform(beats.data))
    mse = ((beats.data - rebuilt) ** 2).mean(axis=1)
    assert mse[20:].min() > 3 * mse[:20].max()


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"n_normal": -1}, ValueError, "n_normal"),
        ({"n_anomalies": 1.5}, TypeError, "n_anomalies"),
        ({"n_points": 0}, ValueError, "n_points"),
        ({"noise": -0.1}, ValueError, "noise"),
        ({"random_state": "seed"}, ValueError, "seed"),
    ],
)
def test_bad_arguments_are_named(arguments, error, name):
    with pytest.raises(error, match=name):
        make_heartbeats(**arguments)


# ---------------------------------------------------------------- FASTAE_DATA


def test_ecg_from_the_data_folder(data_folder):
    train, test = write_ecg(data_folder / "ecg")
    ecg = load_ecg()
    np.testing.assert_array_equal(ecg.train, train)
    np.testing.assert_array_equal(ecg.test, test)
    np.testing.assert_array_equal(ecg.target, [1] * 20 + [-1] * 3)
    assert len(ecg.feature_names) == 210
    assert "record" not in ecg


def test_ecg_record_from_the_data_folder(data_folder):
    write_ecg(data_folder / "ecg")
    text, rows = beats_csv(31)
    (data_folder / "ecg" / "ecg_discord.csv").write_text(text)
    np.testing.assert_array_equal(load_ecg(record=True).record, rows)


@pytest.mark.parametrize(
    ("load", "file"),
    [(load_mnist, "mnist/mnist_20k.npz"), (load_fashion_mnist, "fashion-mnist/fashion_mnist.npz")],
)
def test_pictures_from_the_data_folder(data_folder, load, file):
    arrays = pictures()
    (data_folder / file).parent.mkdir()
    np.savez_compressed(data_folder / file, **arrays)
    bunch = load()
    for key, expected in arrays.items():
        assert bunch[key].dtype == np.uint8
        np.testing.assert_array_equal(bunch[key], expected)
    assert len(bunch.target_names) == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "0 rows"),
        ("1,2,3\n" * 20, "3 columns"),
        (beats_csv(19)[0], "19 rows"),
        (beats_csv(20)[0].replace(",", ",x", 1), "could not convert"),
        (beats_csv(19)[0] + "1,2\n", "columns changed"),
        (beats_csv(19)[0] + "nan," * 209 + "1\n", "nan in row 19, column 0"),
    ],
)
def test_damaged_table_is_named(data_folder, content, message):
    write_ecg(data_folder / "ecg")
    (data_folder / "ecg" / "ecg_discord_train.csv").write_text(content)
    with pytest.raises(ValueError, match=rf"ecg_discord_train\.csv.*{message}"):
        load_ecg()


def test_damaged_archive_is_named(data_folder):
    file = data_folder / "mnist" / "mnist_20k.npz"
    file.parent.mkdir()
    np.savez_compressed(file, **pictures())
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[200] ^= 0xFF
    for content in [b"", b"no archive", whole[: len(whole) // 2], bytes(flipped)]:
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"mnist_20k\.npz is damaged"):
            load_mnist()


def test_pickled_arrays_are_refused(data_folder):
    file = data_folder / "mnist" / "mnist_20k.npz"
    file.parent.mkdir()
    np.savez(file, **{**pictures(), "y_train": np.array([{}] * 7, dtype=object)})
    with pytest.raises(ValueError, match=r"mnist_20k\.npz is damaged.*allow_pickle=False"):
        load_mnist()


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("x_train", lambda x: x[:, :783]),
        ("x_train", lambda x: x.astype(np.float32)),
        ("x_test", lambda x: x.reshape(-1, 28, 28)),
        ("x_test", lambda x: x[:0]),
        ("y_train", lambda y: y[:-1]),
        ("y_test", lambda y: y + np.uint8(10)),
    ],
)
def test_wrong_pictures_are_named(data_folder, key, change):
    file = data_folder / "mnist" / "mnist_20k.npz"
    file.parent.mkdir()
    arrays = pictures()
    arrays[key] = change(arrays[key])
    np.savez(file, **arrays)
    with pytest.raises(ValueError, match=rf"mnist_20k\.npz has .*{key}.* were expected"):
        load_mnist()


def test_missing_array_is_named(data_folder):
    file = data_folder / "mnist" / "mnist_20k.npz"
    file.parent.mkdir()
    arrays = pictures()
    del arrays["y_test"]
    np.savez(file, **arrays)
    with pytest.raises(ValueError, match=r"mnist_20k\.npz is not as expected: y_test"):
        load_mnist()


def test_incomplete_data_folder_is_an_error(data_folder):
    write_ecg(data_folder / "ecg")
    (data_folder / "ecg" / "ecg_discord_test.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"incomplete: .*ecg_discord_test\.csv is missing"):
        load_ecg()


def test_data_folder_that_does_not_exist_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTAE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere, which is not a folder"):
        load_mnist()


# ---------------------------------------------------------------- downloads and cache


def test_known_checksums_are_of_the_files_that_the_loaders_read():
    assert list(_sources.ECG.sha256) == list(_sources.ECG.local_files)
    assert list(_sources.MNIST.sha256) == IDX_NAMES
    assert list(_sources.FASHION_MNIST.sha256) == IDX_NAMES
    for source in (_sources.ECG, _sources.ECG_RECORD, _sources.MNIST, _sources.FASHION_MNIST):
        assert all(home.endswith("/") for home in source.homes)
        assert all(len(bytes.fromhex(digest)) == 32 for digest in source.sha256.values())


def test_pictures_are_downloaded_once(cache, site, monkeypatch):
    folder, home = site
    expected = publish_pictures(monkeypatch, folder, [home])
    first = load_mnist()
    assert files_below(cache) == sorted(IDX_NAMES)
    for name in IDX_NAMES:
        (folder / name).unlink()  # the second time, only the cache can serve
    second = load_mnist()
    for key, array in expected.items():
        np.testing.assert_array_equal(first[key], array)
        np.testing.assert_array_equal(second[key], array)
        assert first[key].flags.writeable


def test_ecg_is_downloaded_when_the_data_folder_lacks_it(cache, data_folder, site, monkeypatch):
    folder, home = site
    train, test = write_ecg(folder)
    publish(monkeypatch, "ECG", folder, [home])
    ecg = load_ecg()
    np.testing.assert_array_equal(ecg.train, train)
    np.testing.assert_array_equal(ecg.test, test)
    assert files_below(cache / "ecg") == ["ecg_discord_test.csv", "ecg_discord_train.csv"]


def test_second_home_helps_out(cache, site, dead_home, monkeypatch):
    folder, home = site
    expected = publish_pictures(monkeypatch, folder, [dead_home, home])
    np.testing.assert_array_equal(load_mnist().x_test, expected["x_test"])


def test_damaged_cache_is_mended(cache, site, monkeypatch):
    folder, home = site
    expected = publish_pictures(monkeypatch, folder, [home])
    load_mnist()
    (cache / "mnist" / IDX_NAMES[0]).write_bytes(b"damaged")
    np.testing.assert_array_equal(load_mnist().x_train, expected["x_train"])


def test_wrong_checksum_leaves_nothing_behind(cache, site, monkeypatch):
    folder, home = site
    publish_pictures(monkeypatch, folder, [home])
    (folder / IDX_NAMES[0]).write_bytes(b"not what was published")
    with pytest.raises(FileNotFoundError, match=r"checksum is not the known one"):
        load_mnist()
    assert files_below(cache) == []


def test_broken_transfer_leaves_nothing_behind(cache, monkeypatch):
    class Breaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half of it")

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Breaks) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        homes = (f"http://127.0.0.1:{server.server_port}/",)
        monkeypatch.setattr(_sources, "MNIST", _sources.MNIST._replace(homes=homes))
        try:
            with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte\.gz \("):
                load_mnist()
        finally:
            server.shutdown()
            thread.join()
    assert files_below(cache) == []


def test_offline_is_one_clear_error(cache, dead_home, monkeypatch):
    homes = (dead_home,)
    monkeypatch.setattr(_sources, "FASHION_MNIST", _sources.FASHION_MNIST._replace(homes=homes))
    with pytest.raises(FileNotFoundError) as caught:
        load_fashion_mnist()
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.__context__ is None  # no second traceback above it
    for part in [
        "Fashion-MNIST",
        "FASTAE_DATA (not set)",
        str(cache),
        dead_home,
        "no connection",
        "set FASTAE_DATA to a folder that has fashion-mnist/fashion_mnist.npz",
        "fastae[data]",
    ]:
        assert part in message
    assert files_below(cache) == []


def test_missing_at_home_says_so(cache, site, monkeypatch):
    _, home = site
    monkeypatch.setattr(_sources, "ECG", _sources.ECG._replace(homes=(home,)))
    with pytest.raises(FileNotFoundError, match=r"ECG heartbeats.*HTTP status 404"):
        load_ecg()


def test_cache_that_cannot_be_written_says_so(cache, site, monkeypatch):
    folder, home = site
    publish_pictures(monkeypatch, folder, [home])
    cache.write_text("a file, not a folder")
    with pytest.raises(FileNotFoundError, match=r"MNIST.*[Ff]ile exists|[Nn]ot a directory"):
        load_mnist()


def test_without_pooch_the_error_names_the_extra(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(FileNotFoundError, match=r"pooch is not installed.*fastae\[data\]"):
        load_mnist()


def test_default_cache_is_the_systems(monkeypatch, tmp_path):
    """Without FASTAE_CACHE, files already in the usual place are found there."""
    import pooch

    monkeypatch.delenv("FASTAE_DATA", raising=False)
    monkeypatch.delenv("FASTAE_CACHE", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    (tmp_path / "fastae").mkdir()
    train, _ = write_ecg(tmp_path / "fastae" / "ecg")
    publish(monkeypatch, "ECG", tmp_path / "fastae" / "ecg", [])
    np.testing.assert_array_equal(load_ecg().train, train)


# ---------------------------------------------------------------- the IDX format


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 28, 28), (0, 28, 28)])
def test_idx_round_trip(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "a.gz"
    path.write_bytes(idx_bytes(array))
    read = read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain", "is damaged"),
        (idx_bytes(np.zeros((3, 2), dtype=np.uint8))[:-9], "is damaged"),
        (gzip.compress(b""), "not an IDX file"),
        (gzip.compress(b"\x01\x00\x08\x01\x00\x00\x00\x00"), "not an IDX file"),
        (idx_bytes(np.zeros(3, dtype=np.float32), type_code=13), "not an IDX file"),
        (gzip.compress(b"\0\0\x08\x02\0\0\0\x01"), "within its header"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x02\x07"), "announces 2 bytes, 1 follow"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x07\x07"), "announces 1 bytes, 2 follow"),
    ],
)
def test_idx_errors_name_the_file(tmp_path, content, message):
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"broken\.gz.*{message}"):
        read_idx(path)


# ---------------------------------------------------------------- the real data


class TestRealData:
    pytestmark = needs_real_data

    def test_ecg(self):
        ecg = load_ecg(record=True)
        assert ecg.train.shape == (20, 210)
        np.testing.assert_array_equal(ecg.test[:20], ecg.train)
        np.testing.assert_array_equal(ecg.record[:23], ecg.test)
        assert ecg.train.min() > 1.9
        assert ecg.test.max() == 7.64

    def test_ecg_files_are_the_published_ones(self):
        for source in (_sources.ECG, _sources.ECG_RECORD):
            for name, known in source.sha256.items():
                path = Path(REAL_DATA, source.folder, name)
                assert hashlib.sha256(path.read_bytes()).hexdigest() == known

    @pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
    def test_pictures(self, load):
        bunch = load()
        assert bunch.x_test.shape == (10000, 784)
        assert len(bunch.x_train) >= 10000
        assert set(bunch.y_train) == set(bunch.y_test) == set(range(10))
        assert bunch.x_test.min() == 0
        assert bunch.x_test.max() == 255
