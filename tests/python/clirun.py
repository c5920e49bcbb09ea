"""What the tests of the command line share."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fastae._cli.app import app


def invoke(*args, columns=80, **options):
    """Run a command in this process, with help of so many columns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        return CliRunner().invoke(app, [str(arg) for arg in args], **options)


def fails(result, *words, status=1):
    """Check that a command has failed as promised: one line, its status, no result."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    *notes, error = result.stderr.splitlines()
    assert all(note.startswith("fastae: ") for note in notes)
    assert error.startswith("fastae: error: ")
    assert result.stderr.endswith("\n")
    for word in words:
        assert word in error


def succeeds(*args, **options):
    """Run a command that must succeed, and return what it printed."""
    result = invoke(*args, **options)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def ranking(output):
    """Return rows, errors and flags from the last table that was printed."""
    lines = re.findall(r"^ +\d+ +(\d+) +([\d.e+-]+) +(anomaly)? *$", output, flags=re.MULTILINE)
    rows, errors, flags = zip(*lines, strict=True)
    return [int(row) for row in rows], [float(error) for error in errors], list(map(bool, flags))


def python(*args, **options):
    """Return a process that runs Python with the arguments, its output caught."""
    environment = os.environ | {"COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        **options,
    )


def terminal_shows(*args, columns=120, status=0):
    """Return what a program writes to a terminal, without its colours and movements."""
    import pty

    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fastae", *map(str, args)],
        stdout=other_end,
        stderr=other_end,
        env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)},
    )
    os.close(other_end)
    seen = b""
    try:
        while chunk := os.read(terminal, 65536):
            seen += chunk
    except OSError:  # Linux says so when the program has closed its end
        pass
    os.close(terminal)
    assert process.wait(timeout=60) == status, seen
    return re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", seen).decode()
