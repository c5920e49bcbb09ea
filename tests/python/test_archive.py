"""Archives: what goes in comes out, a file is whole or not there, and no file can do harm."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from fastae import _archive
from fastae._archive import ArchiveError

KIND = {"kind": "test", "version": 2}
NAN, INF = float("nan"), float("inf")


@pytest.fixture(name="path")
def archive_path(tmp_path):
    return tmp_path / "run.ckpt"


def write(path, arrays=None, meta=None, **kwargs):
    arrays = {"w": np.arange(4.0)} if arrays is None else arrays
    _archive.write(path, arrays, meta or {}, **(KIND | kwargs))


def read(path, **kwargs):
    return _archive.read(path, **(KIND | kwargs))


def same(array, other):
    # Bit by bit, so that NaN is equal to itself and -0.0 is not 0.0.
    return (
        array.dtype == other.dtype
        and array.shape == other.shape
        and array.tobytes() == other.tobytes()
    )


DTYPES = ["?", "i1", "<i2", "<i4", "<i8", "u1", "<u2", "<u4", "<u8", ">i4", ">f8", "<f2", "<f4"]
DTYPES += ["<f8", "g", "<c8", "<c16", "<U10", ">U3", "S7", "<M8[ns]", "<M8[25s]", "<m8[D]"]


def values_of(dtype, shape):
    numbers = np.random.default_rng(0).integers(0, 100, size=shape)
    if np.dtype(dtype).kind == "S":
        numbers = numbers.astype("U3")
    return numbers.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 4), (2, 0, 3), (1, 5), (2, 3, 4)])
def test_arrays_come_back(path, dtype, shape):
    array = values_of(dtype, shape)
    arrays = {
        "c": array,
        "f": np.asfortranarray(array),
        "transposed": array.T,
        "strided": np.repeat(array, 2, axis=-1)[..., ::-2] if shape else array,
    }
    write(path, arrays)
    result, _ = read(path)
    assert list(result) == list(arrays)
    for name, source in arrays.items():
        assert same(result[name], source)
        assert result[name].flags.owndata
        assert result[name].flags.writeable
    if array.ndim > 1:
        assert result["f"].flags.f_contiguous


def test_text_comes_back(path):
    arrays = {"names": np.array(["Größe", "日本語", "😀", ""]), "one": np.array("x")}
    write(path, arrays)
    assert all(same(array, arrays[name]) for name, array in read(path)[0].items())


def test_special_floats_come_back(path):
    array = np.array([0.0, -0.0, NAN, -NAN, INF, -INF, 5e-324, 1.7976931348623157e308])
    write(path, {"x": array})
    assert same(read(path)[0]["x"], array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_opens_archives_without_pickle(path, dtype):
    array = values_of(dtype, (3, 4))
    write(path, {"a/b": array, "f": np.asfortranarray(array), "x-1.0": array[0, 0]}, {"k": [1]})
    with np.load(path, allow_pickle=False) as file:
        assert set(file) == {"a/b", "f", "x-1.0", "meta.json"}
        assert same(file["a/b"], array)
        assert same(file["f"], array)
        assert file["f"].flags.f_contiguous
        assert file["x-1.0"].shape == ()
        assert json.loads(file["meta.json"])["meta"] == {"k": [1]}


def test_our_headers_are_numpys(path):
    for array in (
        np.zeros((3, 4)),
        np.zeros(5, "U10"),
        np.array(1),
        np.zeros((2, 3, 4), order="F"),
    ):
        write(path, {"a": array})
        stream = io.BytesIO()
        np.lib.format.write_array(stream, array, version=(1, 0))
        with zipfile.ZipFile(path) as archive:
            ours = archive.read("a.npy")
        header_size = len(ours) - array.nbytes
        assert header_size % 64 == 0
        assert ours[header_size:] == stream.getvalue()[-array.nbytes :]
        assert ours[10:header_size].split() == stream.getvalue()[10 : -array.nbytes].split()


def test_meta_comes_back(path):
    rng = np.random.default_rng(0)
    floats = rng.integers(0, 2**64, size=500, dtype=np.uint64).view(np.float64)
    meta = {
        "none": None,
        "bools": [True, False],
        "ints": [0, -1, 2**64, 10**40, -(2**127), 10**1000],
        "floats": [0.1, 1e308, 5e-324, -0.0, INF, -INF, *floats[np.isfinite(floats)].tolist()],
        "text": ["", "ß日😀", '\x00\n"\\', "\ud800"],
        "nested": {"a": [[], {}, [{"b": [1, [2.0, "3"]]}]], "": {"ü": None}},
    }
    write(path, {}, meta)
    arrays, result = read(path)
    assert arrays == {}
    assert result == meta
    assert list(result) == list(meta)
    assert np.signbit(result["floats"][3])
    assert [type(i) for i in result["bools"]] == [bool, bool]
    assert type(result["floats"][1]) is float


def test_nan_tuples_and_numpys_floats_in_meta(path):
    write(path, meta={"nan": NAN, "pair": (1, (2, 3)), "f64": np.float64(0.1)})
    meta = read(path)[1]
    assert np.isnan(meta["nan"])
    assert meta["pair"] == [1, [2, 3]]
    assert meta["f64"] == 0.1
    assert type(meta["f64"]) is float


@pytest.mark.parametrize(
    ("meta", "where"),
    [
        ({"a": [1, {"b": {1, 2}}]}, r"meta\['a'\]\[1\]\['b'\] .* got set"),
        ({"a": np.int64(1)}, r"meta\['a'\] .* got int64"),
        ({"a": np.ones(2)}, r"meta\['a'\] .* got ndarray"),
        ({"a": {1: 2}}, r"meta\['a'\] .* dict with str keys, got dict"),
        ({1: 2}, r"meta .* dict with str keys, got dict"),
        ({"a": b"x"}, r"meta\['a'\] .* got bytes"),
    ],
)
def test_meta_that_is_no_json(path, meta, where):
    with pytest.raises(TypeError, match=f"^{where}"):
        write(path, meta=meta)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "../a", "a//b", "a b", "ä", "a\0", "a\\b", "a.npy", "meta.json", "a\n"]
)
def test_bad_names(path, name):
    with pytest.raises(ValueError, match=r"^An array cannot be called "):
        write(path, {name: np.ones(1)})
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "array",
    [
        np.array([None, "a"], dtype=object),
        np.zeros(2, dtype=[("a", "f8")]),
        np.zeros(2, dtype="V3"),
        np.ndarray((3,), dtype="U0"),
    ],
)
def test_bad_dtypes(path, array):
    with pytest.raises(ValueError, match=r"^Array 'x' has dtype .*, which cannot be stored: "):
        write(path, {"x": array})
    assert list(path.parent.iterdir()) == []


def test_the_same_content_gives_the_same_bytes(path):
    write(path, meta={"a": 1})
    first = path.read_bytes()
    time.sleep(0.01)
    write(path, meta={"a": 1})
    assert path.read_bytes() == first


def test_64_bit_sizes(path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    arrays = {"large": np.arange(1000.0), "small": np.arange(3), "other": np.arange(2000)}
    write(path, arrays)
    result, _ = read(path)
    assert all(same(result[name], arrays[name]) for name in arrays)
    monkeypatch.undo()
    assert same(read(path)[0]["other"], arrays["other"])


# Writing.


def entries(folder):
    return sorted(entry.name for entry in folder.iterdir())


class Killed(BaseException):
    """As KeyboardInterrupt, no Exception."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Killed()])
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    "step", ["os.fsync", "os.replace", "zipfile._ZipWriteFile.write", "zipfile.ZipFile.close"]
)
def test_a_failure_leaves_the_old_file_and_nothing_else(path, monkeypatch, step, exists, error):
    if exists:
        write(path, meta={"old": True})

    def fail(*args, **kwargs):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        with pytest.raises(type(error)):
            write(path, meta={"new": True})
    if exists:
        assert read(path)[1] == {"old": True}
    assert entries(path.parent) == ["run.ckpt"] * exists


def test_the_file_is_on_disk_before_it_gets_its_name(path, monkeypatch):
    steps = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        # What fsync is to make last has left Python's buffers.
        size = None if target.is_dir() else target.stat().st_size
        steps.append(("fsync", target.name, size))
        real_fsync(descriptor)

    def replace(source, target):
        steps.append(("replace", Path(source).name, Path(target).name))
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(path)
    assert steps == [
        ("fsync", ".run.ckpt.part", path.stat().st_size),
        ("replace", ".run.ckpt.part", "run.ckpt"),
        ("fsync", path.parent.name, None),
    ]


def test_folders_that_cannot_be_synced_do_not_matter(path, monkeypatch):
    real_fsync = os.fsync

    def fsync(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(22, "Invalid argument")
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write(path, meta={"a": 1})
    assert read(path)[1] == {"a": 1}


def test_a_stray_file_of_a_kill_is_used_up(path):
    (path.parent / ".run.ckpt.part").write_bytes(b"half a file" * 10_000)
    write(path)
    assert entries(path.parent) == ["run.ckpt"]
    assert read(path)[0]["w"].size == 4


def test_file_permissions_are_kept(path):
    write(path)
    path.chmod(0o640)
    write(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_file_behind_a_link_is_replaced(path):
    link = path.with_name("latest")
    link.symlink_to(path)
    write(path, meta={"n": 1})
    write(link, meta={"n": 2})
    assert link.is_symlink()
    assert read(path)[1] == {"n": 2}


def test_relative_paths(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    write("run.ckpt", meta={"n": 1})
    assert read("run.ckpt")[1] == {"n": 1}


def test_a_missing_folder(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"^There is no folder .*/sub to write a\.ckpt to: "
    ):
        write(tmp_path / "sub" / "a.ckpt")


def test_a_folder_in_place_of_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path / "sub")
    assert entries(tmp_path) == ["sub"]


# The module alone, since importing the whole package takes most of a second.
WRITER = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("archive", sys.argv[1])
archive = importlib.util.module_from_spec(spec)
spec.loader.exec_module(archive)
print("ready", flush=True)
for n in range(10**9):
    archive.write(
        sys.argv[2], {"x": np.full(30_000, n)}, {"n": n}, kind="test", version=2
    )
"""


def check_whole(path):
    arrays, meta = read(path)
    assert (arrays["x"] == meta["n"]).all()
    assert arrays["x"].size == 30_000
    return meta["n"]


def test_kills_leave_whole_files(path):
    rng = np.random.default_rng(0)
    command = [sys.executable, "-c", WRITER, _archive.__file__, str(path)]
    for _ in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.02, 0.1))
            process.send_signal(signal.SIGKILL)
        if path.exists():
            check_whole(path)
        assert set(entries(path.parent)) <= {"run.ckpt", ".run.ckpt.part"}
    write(path)
    assert entries(path.parent) == ["run.ckpt"]


@pytest.mark.parametrize("n_writers", [1, 3])
def test_readers_see_whole_files_while_others_write(path, n_writers):
    _archive.write(path, {"x": np.zeros(30_000, int)}, {"n": 0}, **KIND)
    done = threading.Event()

    def keep_writing(n):  # pytest fails if a thread does
        while not done.is_set():
            write(path, {"x": np.full(30_000, n)}, {"n": n})
            n += 10

    threads = [threading.Thread(target=keep_writing, args=(i,)) for i in range(n_writers)]
    for thread in threads:
        thread.start()
    try:
        seen = {check_whole(path) for _ in range(150)}
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert len(seen) > 1
    assert entries(path.parent) == ["run.ckpt"]


def test_writing_without_locks(path, monkeypatch):
    monkeypatch.setattr(_archive, "fcntl", None)
    write(path, meta={"a": 1})
    assert read(path)[1] == {"a": 1}


# Reading.


def test_a_missing_file(path):
    with pytest.raises(FileNotFoundError, match=rf"^There is no file {path}; check"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"hello" * 100, b"\0" * 5000])
def test_foreign_bytes(path, content):
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=rf"^{path} is damaged or was not written by fastae \("):
        read(path)


def test_foreign_npz_and_zip_files(path):
    with path.open("wb") as stream:
        np.savez(stream, w=np.ones(3))
    with pytest.raises(ArchiveError, match=rf"^{path} was not written by fastae: name a file of k"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ArchiveError, match=rf"^{path} was not written by fastae: name a file of k"):
        read(path)


def test_another_kind(path):
    write(path, kind="model")
    with pytest.raises(ArchiveError, match=rf"^{path} is of kind 'model', not 'test': name a"):
        read(path)


def test_versions(path):
    write(path, version=3)
    with pytest.raises(
        ArchiveError, match=rf"^{path} is of version 3 of .* install a newer fastae"
    ):
        read(path)
    write(path, version=1)
    read(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def sample(path):
    arrays = {
        "params": np.random.default_rng(0).normal(size=40).astype(np.float32),
        "slots": np.arange(12.0).reshape(3, 4, order="F"),
        "names": np.array(["ä", "b"]),
        "mask": np.array([True, False]),
        "empty": np.zeros((0, 3)),
    }
    meta = {"epoch": 3, "mse": [0.1, NAN], "name": "ä"}
    write(path, arrays, meta)
    return arrays, meta


def check_sample(path, arrays, meta):
    """Return whether the file is refused; otherwise it must hold what was written."""
    try:
        result, result_meta = read(path)
    except ArchiveError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert message.endswith(".")
        return True
    assert repr(result_meta) == repr(meta)
    assert list(result) == list(arrays)
    assert all(same(result[name], array) for name, array in arrays.items())
    return False


def test_every_truncation_is_refused(path):
    arrays, meta = sample(path)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert check_sample(path, arrays, meta)


def test_random_damage_is_refused_or_harmless(path):
    arrays, meta = sample(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    n_refused = 0
    for trial in range(3000):
        damaged = bytearray(content)
        for _ in range(1 if trial % 2 else rng.integers(1, 6)):
            place = int(rng.integers(len(damaged)))
            # Half of them in the directory at the end, which has no checksum.
            if rng.random() < 0.5:
                place = len(damaged) - 1 - int(rng.integers(min(len(damaged), 500)))
            match rng.integers(5):
                case 0:
                    damaged[place] ^= 1 << int(rng.integers(8))
                case 1:
                    damaged[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
                case 2:
                    del damaged[place : place + int(rng.integers(1, 20))]
                case 3:
                    damaged[place:place] = rng.bytes(int(rng.integers(1, 20)))
                case 4:
                    size = int(rng.integers(1, 60))
                    damaged[place : place + size] = damaged[:size]
        path.write_bytes(damaged)
        n_refused += check_sample(path, arrays, meta)
    assert n_refused > 2500


def test_every_single_byte_of_the_directory_can_be_damaged(path):
    arrays, meta = sample(path)
    content = path.read_bytes()
    start = content.index(b"PK\x01\x02")
    for place in range(start, len(content)):
        for value in (0, 0xFF, content[place] ^ 1, content[place] ^ 8):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            check_sample(path, arrays, meta)


def npy(descr, shape, data, *, fortran=False, magic=b"\x93NUMPY\x01\x00"):
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return magic + struct.pack("<H", len(header)) + header + data


def forge(path, files, *, meta=None, names=None, compress=zipfile.ZIP_STORED):
    """Write a zip file with right checksums, whatever is in it."""
    entry = {"kind": "test", "version": 2, "arrays": names or list(files), "meta": {}}
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
        archive.writestr("meta.json", json.dumps(entry) if meta is None else meta)


def test_forged_files_can_be_right(path):
    forge(path, {"a": npy("'<f8'", "(2,)", struct.pack("<2d", 1, 2))})
    assert read(path)[0]["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"no array",
        npy("'|O'", "(1,)", b"\x80\x04N."),
        npy("'O'", "(1,)", b"\x80\x04N."),
        npy("'|V8'", "(1,)", bytes(8)),
        npy("[('a', '<f8')]", "(1,)", bytes(8)),
        npy("'<f8'", "(1,)", bytes(8), magic=b"\x93NUMPY\x02\x00"),
        npy("'<f8'", "(2,)", bytes(8)),
        npy("'<f8'", "(1,)", bytes(9)),
        npy("'<f8'", "(-1,)", bytes(8)),
        npy("'<f8'", "(-1, -1)", bytes(8)),
        npy("'<f8'", "(1.0,)", bytes(8)),
        npy("'<f8'", "1", bytes(8)),
        npy("'<f8'", f"({10**18},)", bytes(8)),
        npy("'<f8'", f"({2**32}, {2**32})", b""),  # 0 in 64 bits
        npy("'<f8'", f"(0, {10**18}, {10**18})", b""),
        npy("'<f8'", f"({'1, ' * 100})", bytes(8)),
        npy("'<U0'", f"({10**18},)", b""),
        npy("'|S0'", "(1,)", b""),
        npy("'<U999999999'", "(1,)", b""),
        npy("'<f3'", "(1,)", bytes(3)),
        npy("'<M8[parsecs]'", "(1,)", bytes(8)),
        npy("'|b1'", "(2,)", b"\x00\x02"),
        npy("'<U1'", "(1,)", b"\x00\x00\x11\x00"),
        npy("'>U1'", "()", b"\x00\x11\x00\x00"),
        npy("__import__('os').system('touch /tmp/pwned')", "(1,)", bytes(8)),
        npy("'<f8'", "(" * 3000 + "1" + ")" * 3000, bytes(8)),
    ],
)
def test_forged_arrays_are_refused(path, content):
    forge(path, {"good": npy("'<f8'", "(1,)", bytes(8)), "bad": content})
    with pytest.raises(ArchiveError, match=rf"^{path} is damaged or was not written by fastae \("):
        read(path)


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"kind": 1, "version": 1, "arrays": [], "meta": {}}',
        b'{"kind": "test", "version": "1", "arrays": [], "meta": {}}',
        b'{"kind": "test", "version": true, "arrays": [], "meta": {}}',
        b'{"kind": "test", "version": 0, "arrays": [], "meta": {}}',
        b'{"kind": "test", "version": 1, "arrays": {}, "meta": {}}',
        b'{"kind": "test", "version": 1, "arrays": [[]], "meta": {}}',
        b'{"kind": "test", "version": 1, "arrays": ["a"], "meta": {}}',
        b'{"kind": "test", "version": 1, "arrays": [], "meta": []}',
        b'{"kind": "test", "version": ' + b"9" * 5000 + b', "arrays": [], "meta": {}}',
    ],
)
def test_forged_metadata_is_refused(path, meta):
    forge(path, {}, meta=meta)
    with pytest.raises(ArchiveError, match=rf"^{path} is damaged or was not written by fastae \("):
        read(path)


def test_entries_must_be_those_listed(path):
    good = npy("'<f8'", "(1,)", bytes(8))
    for names in (["a"], ["a", "b", "c"], ["a", "a"], ["a", "b", "b"], ["a", "c"]):
        forge(path, {"a": good, "b": good}, names=names)
        with pytest.raises(ArchiveError, match="its entries are not those that it lists"):
            read(path)


def test_compressed_entries_are_refused(path):
    bomb = npy("'<f8'", "(1000000,)", bytes(8_000_000))
    forge(path, {"a": bomb}, compress=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 20_000
    with pytest.raises(ArchiveError, match=r"its entry 'a\.npy' is compressed"):
        refuse_cheaply(path)


def refuse_cheaply(path):
    """Read a file that is refused, without taking more memory than for a few small objects."""
    tracemalloc.start()
    try:
        read(path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 500_000


def test_duplicate_entries_are_refused(path):
    good = npy("'<f8'", "(1,)", bytes(8))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", good)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", good)
    with pytest.raises(ArchiveError, match="two of its entries have the same name"):
        read(path)


def directory_entry(name, content, size):
    crc = zlib.crc32(content)
    fixed = struct.pack(
        "<4s6H3I5H2I",
        b"PK\x01\x02",
        20,
        20,
        0,
        0,
        0,
        33,
        crc,
        size,
        size,
        len(name),
        *[0] * 4,
        0,
        0,
    )
    return fixed + name


def crafted(content, entry_sizes):
    """Return a zip file whose directory names the same local entry again and again."""
    name = b"a.npy"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
    names = [b"%c.npy" % (97 + i) for i in range(len(entry_sizes))]
    central = b"".join(map(directory_entry, names, [content] * len(names), entry_sizes))
    end = struct.pack(
        "<4s4H2IH",
        b"PK\x05\x06",
        0,
        0,
        len(names),
        len(names),
        len(central),
        len(local + content),
        0,
    )
    return local + content + central + end


def test_sizes_beyond_the_file_are_refused(path):
    path.write_bytes(crafted(b"abc", [0x7FFFFFFF]))
    with pytest.raises(ArchiveError, match=r"need more than its \d+ bytes"):
        refuse_cheaply(path)


def test_entries_on_top_of_each_other_are_refused(path):
    content = bytes(10_000)
    path.write_bytes(crafted(content, [len(content)] * 20))
    with pytest.raises(ArchiveError, match=r"need more than its \d+ bytes|[Oo]verlap"):
        refuse_cheaply(path)


def test_random_arrays_with_right_checksums_never_crash(path):
    rng = np.random.default_rng(0)
    base = [
        npy("'<f8'", "(2, 1)", struct.pack("<2d", 1, 2), fortran=True),
        npy("'<U2'", "(1,)", "äb".encode("utf-32-le")),
        npy("'<M8[ns]'", "()", bytes(8)),
    ]
    n_read = 0
    for trial in range(1500):
        content = bytearray(base[trial % 3])
        for _ in range(rng.integers(1, 4)):
            content[rng.integers(len(content))] = rng.choice(
                list(b"0123456789<>|biufcSUmM,() '\0\xff")
            )
        forge(path, {"a": bytes(content)})
        try:
            arrays, _ = read(path)
        except ArchiveError:
            continue
        repr(arrays["a"].tolist())
        n_read += 1
    assert n_read > 50
