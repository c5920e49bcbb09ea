"""Files that commands write: whole or not at all, never over an input."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastae._cli.errors import CliError
from fastae._cli.files import check_writable, write_atomically


def message_of(function, *args, **options):
    with pytest.raises(CliError) as caught:
        function(*args, **options)
    return str(caught.value)


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def write(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    message = message_of(write_atomically, path, write)
    assert "no space left on device" in message
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_write_leaves_nothing(tmp_path):
    def write(stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "out.csv", write)
    assert list(tmp_path.iterdir()) == []


def test_permissions_and_links_survive(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    write_atomically(link, lambda stream: stream.write(b"new"))
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_new_file_gets_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    write_atomically(tmp_path / "new", lambda stream: stream.write(b""))
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_places_that_cannot_be_written(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("1\n")
    assert "it is a folder" in message_of(check_writable, tmp_path)
    assert "there is no folder" in message_of(check_writable, tmp_path / "no" / "out.csv")
    link = tmp_path / "link.csv"
    link.symlink_to(table)
    assert "it is the input file" in message_of(check_writable, link, inputs=(table,))
    check_writable(tmp_path / "out.csv", inputs=(table,))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always-full device")
def test_device_is_written_to_directly():
    write_atomically(Path("/dev/null"), lambda stream: stream.write(b"x"))
    assert not Path("/dev/null").is_file()
    message = message_of(
        write_atomically, Path("/dev/full"), lambda stream: stream.write(b"x" * 100_000)
    )
    assert "no space left" in message
