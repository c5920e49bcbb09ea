"""Folders of CSV files whose columns differ, and files that are not what their names say."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fastae
from clirun import fails, invoke, succeeds
from fastae import scan

FAST = ("--max-epochs", 1, "--random-state", 0, "--n-jobs", 1, "-q")
TEXT = "a,b,c\n" + "".join(f"{i},{2 * i % 7},{i % 3}.5\n" for i in range(50))


@pytest.fixture
def folder(tmp_path):
    """Return a folder of two CSV files, to be written by their texts."""
    (tmp_path / "in").mkdir()

    def write(*texts):
        for name, text in zip("pqr", texts, strict=False):
            (tmp_path / "in" / f"{name}.csv").write_text(text)
        return tmp_path / "in"

    return write


def read(data, **options):
    """Return all rows of a scan."""
    return pa.Table.from_batches(list(scan(data, **options).batches())).to_pydict()


@pytest.mark.parametrize(
    "second",
    ["c,a,b\n7,8,9\n1,2,3\n", "\n\n c ,a,b\n7,8,9\n1,2,3\n", '"c","a",b\r\n7,8,9\r\n1,2,3\r\n'],
)
@pytest.mark.parametrize("pattern", ["", "*.csv"])
def test_later_files_are_read_by_name(folder, tmp_path, second, pattern):
    path = folder(TEXT, second)
    names = ["a", "b", "c"]
    whole = pd.concat(
        [pd.read_csv(path / "p.csv"), pd.DataFrame([[8, 9, 7], [2, 3, 1]], None, names)]
    )
    whole.to_csv(tmp_path / "whole.csv", index=False)
    models = []
    for data in (path / pattern, tmp_path / "whole.csv"):
        succeeds("train", data, "-o", tmp_path / "m", *FAST)
        models.append(fastae.load(tmp_path / "m"))
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    scores = [
        succeeds("score", tmp_path / "m", data) for data in (path / pattern, tmp_path / "whole.csv")
    ]
    assert scores[0] == scores[1]


def test_blank_names_of_an_index_stay_in_place(folder, tmp_path):
    path = folder(",a,b\n0,5,6\n1,7,9\n", ",b,a\n2,16,15\n3,19,17\n")
    succeeds("train", path, "-o", tmp_path / "m", "--drop", "C1", *FAST)
    succeeds("train", path, "-o", tmp_path / "n", *FAST)
    assert fastae.load(tmp_path / "m").feature_names_in_.tolist() == ["a", "b"]
    assert fastae.load(tmp_path / "n").feature_names_in_.tolist() == ["C1", "a", "b"]
    options = {"has_header": True, "column_names": ["i", "x", "y"]}
    assert read(path, csv=options)["x"] == [5, 7, 15, 17]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("a,b\n1,2\n", "q.csv: has no column 'c', which {0}/p.csv has"),
        ("a,b,x\n1,2,3\n", "q.csv: has no column 'c', which {0}/p.csv has"),
        ("a,b,c,x\n1,2,3,4\n", "p.csv: has no column 'x', which {0}/q.csv has"),
        ("1,2,3\n4,5,6\n", "q.csv: starts with a row, unlike {0}/p.csv"),
    ],
)
def test_files_of_other_columns_are_named(folder, tmp_path, second, words):
    path = folder(TEXT, second)
    result = invoke("train", path, "-o", tmp_path / "m")
    fails(result, words.format(path), "give all files")


def test_a_column_of_some_files_can_be_left_out(folder, tmp_path):
    path = folder(TEXT, "x,c,b,a\n4,3,2,1\n")
    succeeds("train", path, "-o", tmp_path / "m", "--drop", "x", *FAST)
    assert fastae.load(tmp_path / "m").feature_names_in_.tolist() == ["a", "b", "c"]
    result = invoke("score", tmp_path / "m", path)
    assert result.exit_code == 0
    assert "column 'x' is not known to" in result.stderr
    folder(TEXT, "x,c,b\n4,3,2\n")
    fails(invoke("score", tmp_path / "m", path), f"{path}/q.csv: has no column 'a', which")


def test_files_without_headers_go_by_place(folder, tmp_path):
    path = folder("1,2,3\n4,5,7\n", "7,8,9\n2,2,2\n")
    succeeds("train", path, "-o", tmp_path / "m", *FAST)
    (tmp_path / "whole.csv").write_text("1,2,3\n4,5,7\n7,8,9\n2,2,2\n")
    whole = succeeds("score", tmp_path / "m", tmp_path / "whole.csv")
    assert succeeds("score", tmp_path / "m", path) == whole
    folder("1,2,3\n4,5,7\n", "7,8\n2,2\n")
    fails(invoke("train", path, "-o", tmp_path / "m"), "q.csv: has 2 columns where", "has 3")
    folder("1,2,3\n4,5,7\n", "a,b,c\n7,8,9\n")
    fails(invoke("train", path, "-o", tmp_path / "m"), "q.csv: starts with a header, unlike")


def test_given_names_stand_for_those_of_the_first_header(folder):
    path = folder("a,b,c\n1,2,3\n", "\nc,a,b\n3,1,2\n")
    options = {"has_header": True, "column_names": ["x", "y", "z"]}
    assert read(path, csv=options) == {"x": [1, 1], "y": [2, 2], "z": [3, 3]}
    assert read(path) == {"a": [1, 1], "b": [2, 2], "c": [3, 3]}
    folder("a,a,\n1,2,3\n", "a,,a\n1,3,2\n")
    assert read(path, csv=options) == {"x": [1, 1], "y": [2, 2], "z": [3, 3]}
    folder("a,b,c\n1,2,3\n", "c,a,d\n3,1,2\n")
    with pytest.raises(ValueError, match=r"q\.csv has no column 'y', which .*p\.csv has"):
        read(path, csv=options)
    assert read(path, csv=options, columns=["z", "x"]) == {"z": [3, 3], "x": [1, 1]}
    with pytest.raises(ValueError, match=r"column_names has 2 names, but .*p\.csv has 3 columns"):
        read(path, csv=options | {"column_names": ["x", "y"]})


def zipped(path, name, content=b"x"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)


def foreign_files():
    """Return pairs of a function that writes a file, and what that is."""
    frame = pd.DataFrame({"a": [1.5, 2], "b": [3, 4]})
    return {
        "a bzip2 file": lambda path: path.write_bytes(bz2.compress(TEXT.encode())),
        "an xz file": lambda path: path.write_bytes(lzma.compress(TEXT.encode())),
        "a zip archive": lambda path: zipped(path, "t.csv", TEXT),
        "an Excel workbook": lambda path: zipped(path, "xl/workbook.xml"),
        "an npz archive": lambda path: zipped(path, "arr_0.npy"),
        "a Feather (Arrow) file": lambda path: frame.to_feather(path),
        "a pickle": lambda path: path.write_bytes(pickle.dumps(frame)),
        "JSON": lambda path: frame.to_json(path),
        "text in UTF-16": lambda path: path.write_bytes(TEXT.encode("utf-16")),
        "a web page or XML": lambda path: path.write_text("<!DOCTYPE html><p>1,2"),
    }


@pytest.mark.parametrize("what", foreign_files())
def test_files_of_other_kinds_are_named(tmp_path, what):
    path = tmp_path / "t.csv"
    foreign_files()[what](path)
    fails(invoke("detect", path), f"{path}: this is {what}", "; ")
    fails(invoke("detect", path, "--stream"), f"Cannot read {path}: it is {what}; ")
    with pytest.raises(ValueError, match=r"^Cannot read .*t\.csv: it is "):
        read(path)


def test_json_records_are_named(tmp_path):
    path = tmp_path / "t.csv"
    for text in ('[{"a": 1}]', '{"a": 1}\n{"a": 2}\n', "[[1, 2], [3, 4]]"):
        path.write_text(text)
        fails(invoke("detect", path), "this is JSON")
    for text in ("[m],{s}\n1,2\n3,5\n", "{s},[m]\n1,2\n3,5\n", "PK,BZ\n1,2\n3,5\n"):
        path.write_text(text)
        succeeds("detect", path, *FAST, "-o", "-")


def test_kinds_that_are_not_those_of_the_ending(tmp_path):
    text, parquet = tmp_path / "t.parquet", tmp_path / "p.csv"
    text.write_text(TEXT)
    pd.DataFrame({"a": [1.5, 2]}).to_parquet(parquet)
    for path in (text, parquet):
        succeeds("detect", path, *FAST, "-o", "-")  # by its first bytes
    fails(invoke("detect", text, "--stream"), "it is no Parquet file; name it as what it is")
    fails(invoke("detect", parquet, "--stream"), "it is a Parquet file; name it .parquet")
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    (tmp_path / "x.npy").rename(tmp_path / "x.csv")
    fails(invoke("detect", tmp_path / "x.csv", "--stream"), "it is a NumPy array; ")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_compressed_files_are_read_whatever_they_are_called(tmp_path, name, stream):
    (tmp_path / "plain.csv").write_text(TEXT)
    succeeds("train", tmp_path / "plain.csv", "-o", tmp_path / "m", *FAST)
    expected = succeeds("score", tmp_path / "m", tmp_path / "plain.csv")
    for content in (gzip.compress(TEXT.encode()), TEXT.encode()):
        (tmp_path / name).write_bytes(content)
        assert succeeds("score", tmp_path / "m", tmp_path / name, *stream) == expected
        assert read(tmp_path / name) == read(tmp_path / "plain.csv")


def test_an_array_of_objects(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1, None]]))
    words = "the npy file holds Python objects, not numbers; save numbers"
    fails(invoke("detect", tmp_path / "x.npy"), words)
    fails(invoke("detect", "-", input=(tmp_path / "x.npy").read_bytes()), words)
