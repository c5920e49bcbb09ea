"""What the tests of the command line share."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fastae._cli.app import app


def invoke(*args, **options):
    """Run a command in this process, 80 columns wide."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
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
