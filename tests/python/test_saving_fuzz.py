"""Files that are damaged or forged: load says so, and takes no memory that a header asks for."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastae
from fastae._archive import ArchiveError
from saved import MODELS, numbers

# Files that are mutated, of every kind as many.
MUTATED = 10_000
QUIET = {
    "deadline": None, "database": None, "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip

# What headers of zip files and arrays hold, and what it is replaced by.
NUMBERS = [0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]
MARKS = [b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x93NUMPY", b"'shape': (", b'{"kind"']


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


class Files(list):
    """Bytes of whole files, which Hypothesis must not print."""

    def __repr__(self):
        return "files"


@pytest.fixture(scope="module")
def files(folder):
    whole = Files()
    for name, make in MODELS.items():
        make()[0].save(folder / name, training_state=name == "numbers")
        whole.append((folder / name).read_bytes())
    return whole


@pytest.fixture(scope="module")
def path(folder):
    return folder / "mutated"


positions = st.integers(0, 2**16)
mutations = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), positions, st.integers(0, 7)),
        st.tuples(st.just("truncate"), positions),
        st.tuples(st.just("extend"), st.binary(min_size=1, max_size=64)),
        st.tuples(st.just("splice"), positions, positions, st.integers(1, 400)),
        st.tuples(st.just("cut"), positions, st.integers(1, 400)),
        st.tuples(st.just("number"), st.sampled_from(MARKS), positions, st.integers(0, 48),
                  st.sampled_from(["<B", "<H", "<I", "<Q"]), st.sampled_from(NUMBERS)),
        st.tuples(st.just("digits"), st.sampled_from(["99999999999999999999", "-1", "0", "1e999"]),
                  positions),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def mutated(content, mutation):
    """Return bytes like others, but for one mutation."""
    kind, *values = mutation
    size = len(content)
    if not size:
        return b"PK"
    if kind == "flip":
        at = values[0] % size
        return content[:at] + bytes([content[at] ^ (1 << values[1])]) + content[at + 1 :]
    if kind == "truncate":
        return content[: values[0] % size]
    if kind == "extend":
        return content + values[0]
    if kind == "cut":
        return content[: values[0] % size] + content[values[0] % size + values[1] :]
    if kind == "splice":
        source, target, length = values[0] % size, values[1] % size, values[2]
        return content[:target] + content[source : source + length] + content[target:]
    if kind == "digits":
        text, at = values[0].encode(), values[1] % size
        while at < len(content) and not content[at : at + 1].isdigit():
            at += 1
        return content[:at] + text + content[at + len(text) :]
    mark, which, offset, form, number = values
    found = [match.start() for match in re.finditer(re.escape(mark), content)] or [0]
    at = found[which % len(found)] + offset
    packed = struct.pack(form, number % 2 ** (8 * struct.calcsize(form)))
    return content[:at] + packed + content[at + len(packed) :]


def fails_cleanly(path, content):
    """Return whether the file is refused, as it has to be unless it says what it said before."""
    path.write_bytes(content)
    try:
        fastae.load(path)
    except ArchiveError as error:
        assert str(path) in str(error)  # noqa: PT017 (whole files are fine)
        return True
    return False


@pytest.mark.slow
@settings(max_examples=MUTATED // len(MODELS), **QUIET)
@given(changes=mutations)
def test_mutated_files_never_crash(files, path, changes):
    for content in files:
        for mutation in changes:
            content = mutated(content, mutation)
        refused = fails_cleanly(path, content)
        if len(changes) == 1 and changes[0][0] == "truncate":
            assert refused


@settings(max_examples=400, **QUIET)
@given(which=st.integers(0, 3), changes=mutations)
def test_mutated_files_take_no_memory(files, path, which, changes):
    content = files[which]
    for mutation in changes:
        content = mutated(content, mutation)
    tracemalloc.start()
    try:
        fails_cleanly(path, content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Whole files of 11,000 to 26,000 bytes take up to 160,000: most of it is what JSON says.
    assert peak < 500_000


def test_every_truncation_is_refused(files, path):
    content = files[0]
    for length in range(0, len(content), 23):
        assert fails_cleanly(path, content[:length]), length


def parts(content):
    """Return the metadata of a file, and its arrays by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = json.loads(archive.read("meta.json"))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return entry, {name: file[name] for name in entry["arrays"]}


def forge(path, entry, arrays):
    """Write a file with right checksums."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)
            archive.writestr(f"{name}.npy", stream.getvalue())
        text = entry if isinstance(entry, str) else json.dumps(entry)
        archive.writestr("meta.json", text)


def places(tree):
    """Return all lists and dicts of a tree with their keys: where something can be replaced."""
    found = []
    todo = [tree]
    while todo:
        node = todo.pop()
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        found += [(node, key) for key in keys]
        todo += [node[key] for key in keys if isinstance(node[key], dict | list)]
    return found


values = st.sampled_from([
    None, True, -1, 0, 1, 3, 2**31, 2**64, 10**400, 1e308, float("nan"), float("inf"), "", "x",
    "tanh", "ignore", "<f8", "__class__", "predict", [], [[]], {}, {"tuple": []}, {"array": "none"},
    {"dict": [["a", 1]]}, {"estimator": 0}, {"estimator": 1}, {"estimator": 9}, {"frozen": 0},
    {"objects": [[2], [1]]}, {"objects": [[10**9, 0], []]}, {"scalar": ["<i8", 2**70]},
    {"scalar": ["|O", 1]}, {"random_state": [0, 1, 2, 3]}, {"units": []}, {"schema": []},
    {"state": []}, {"constants": []}, {"like": ["pandas", [], []]}, {"like": ["numpy", 5, "|V9"]},
    {"unknown": 1}, {"tuple": 1, "dict": 2},
])  # fmt: skip


@settings(max_examples=800, **QUIET)
@given(
    which=st.integers(0, 3),
    changes=st.lists(st.tuples(positions, values), min_size=1, max_size=3),
    deletes=st.booleans(),
)
def test_forged_metadata_is_refused_or_scores(files, path, which, changes, deletes):
    entry, arrays = parts(files[which])
    entry = json.loads(json.dumps(entry))
    for at, value in changes:
        found = places(entry["meta"]["estimators"])
        if not found:
            break
        node, key = found[at % len(found)]
        if deletes:
            del node[key]
        else:
            node[key] = copy.deepcopy(value)
    forge(path, entry, arrays)
    refused_or_scores(path)


@settings(max_examples=400, **QUIET)
@given(
    which=st.integers(0, 3), at=positions,
    change=st.sampled_from(["dtype", "shape", "values", "drop", "transpose", "empty", "swap"]),
    other=positions,
)  # fmt: skip
def test_forged_arrays_are_refused_or_score(files, path, which, at, change, other):
    entry, arrays = parts(files[which])
    names = list(arrays)
    name, second = names[at % len(names)], names[other % len(names)]
    array = arrays[name]
    if change == "dtype":
        arrays[name] = array.astype(["f8", "f4", "i8", "?", "U3"][other % 5])
    elif change == "shape":
        arrays[name] = np.resize(array, (other % 9, *array.shape[1:]))
    elif change == "values":
        wrong = [np.nan, -1, 2**31 - 1, 1e30][other % 4]
        with np.errstate(all="ignore"):
            arrays[name] = np.full_like(array, np.array(wrong).astype(array.dtype))
    elif change == "drop":
        del arrays[name]
        entry["arrays"].remove(name)
    elif change == "empty":
        arrays[name] = np.empty((10**12, 0), array.dtype)
    elif change == "swap":
        arrays[name], arrays[second] = arrays[second], array
    else:
        arrays[name] = array.T[np.newaxis]
    forge(path, entry, arrays)
    refused_or_scores(path)


def refused_or_scores(path):
    """Fail if a forged file that is not refused gives a model that crashes."""
    try:
        model = fastae.load(path)
    except ArchiveError:
        return
    X = numbers()[:3]
    for name in ("predict", "transform", "reconstruct", "summary"):
        try:
            method = getattr(model, name)
            method() if name == "summary" else method(X)
        except Exception:  # noqa: BLE001, S110 (a wrong model may fail, but not crash)
            pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.update(kind="checkpoint"), "is of kind 'checkpoint', not 'model'"),
        (lambda e: e.update(version=99), "install a newer fastae"),
        (lambda e: e["meta"]["estimators"][0].update({"class": "Pipeline"}), "damaged"),
        (lambda e: e["meta"]["estimators"][0]["params"].append(["magic", 1]),
         "Autoencoder has no parameter 'magic'"),
        (lambda e: e["meta"]["estimators"][0]["fitted"].append(["predict", 1]),
         "'predict' is no fitted attribute of Autoencoder"),
        (lambda e: e["meta"]["estimators"][0]["fitted"].append(["__class__", 1]),
         "'__class__' is no fitted attribute"),
        (lambda e: e["meta"]["estimators"][0]["fitted"].append(["history_", 1]),
         "'history_' is no fitted attribute"),
        (lambda e: e["meta"]["estimators"][0].update(fitted=[]), "nothing refers to its array"),
    ],
)  # fmt: skip
def test_messages(files, path, change, message):
    entry, arrays = parts(files[0])
    change(entry)
    forge(path, entry, arrays)
    with pytest.raises(ValueError, match=message):
        fastae.load(path)


def test_a_file_does_not_say_where_to_write(files, path):
    entry, arrays = parts(files[0])
    entry["meta"]["estimators"][0]["params"].append(["checkpoint", "/etc/passwd"])
    forge(path, entry, arrays)
    assert fastae.load(path).checkpoint is None


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 100_000, "\ud800"])
def test_json_that_goes_deep_is_refused(path, text):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.json", text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ArchiveError):
        fastae.load(path)


def test_deep_values_are_refused(files, path):
    entry, arrays = parts(files[0])
    entry["meta"]["estimators"][0]["fitted"].append(["notes_", "deep"])
    text = json.dumps(entry)
    for depth in range(300, 1000, 20):
        deep = '{"tuple": [' * depth + "1" + "]}" * depth
        forge(path, text.replace('"deep"', deep), arrays)
        refused_or_scores(path)
    with pytest.raises(ArchiveError, match="recursion"):
        fastae.load(path)


@pytest.mark.skipif(os.name != "posix", reason="needs an address space that can be limited")
def test_a_process_with_little_memory_refuses_them(files, path, folder):
    import subprocess
    import sys

    big = []
    for i in range(20):
        content = bytearray(files[i % 4])
        for mark in (b"PK\x01\x02", b"PK\x03\x04"):
            at = content.find(mark) + (20 if mark[2] == 1 else 18) + 4 * (i % 2)
            content[at : at + 4] = struct.pack("<I", 0xFFFFFFF0 - i)
        big.append(folder / f"big{i}")
        big[-1].write_bytes(content)
    code = f"""
import fastae, resource
fastae.load({str(folder / "numbers")!r})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
for i in range(20):
    try:
        fastae.load({str(folder)!r} + f"/big{{i}}")
    except ValueError:
        print("refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["refused"] * 20
