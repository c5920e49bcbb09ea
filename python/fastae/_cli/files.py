"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastae._cli.errors import CliError, os_reason

if TYPE_CHECKING:
    from collections.abc import Callable

# In place of a file: standard input or output.
STANDARD = Path("-")


def _unwritable(path: Path, reason: str) -> CliError:
    return CliError(f"cannot write {path}: {reason}; name another place")


def check_writable(path: Path, *, inputs: tuple[Path, ...] = ()) -> None:
    """Raise before any work is done if a file cannot be written later.

    Parameters
    ----------
    path : Path
        The file to be; "-" always can.
    inputs : tuple of Path, default=()
        Files that are being read and must not be written over.

    Raises
    ------
    CliError
        If `path` is a folder or one of `inputs`, or its folder is absent or not writable.
    """
    if path == STANDARD:
        return
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if _is_device(path):
        return
    folder = path.resolve().parent
    if any(other.exists() and path.exists() and path.samefile(other) for other in inputs):
        raise _unwritable(path, "it is the input file")
    if not folder.is_dir():
        raise _unwritable(path, f"there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise _unwritable(path, "its folder is not writable")


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that other programs see its old content or all of the new, never a part.

    Parameters
    ----------
    path : Path
        The file, or "-" for standard output. What is not a regular file, such as
        ``/dev/stdout``, is written to directly.
    write : callable
        Is called once with the binary stream to write to.

    Raises
    ------
    CliError
        If the file cannot be written; it is then as it was before.
    BrokenPipeError
        If nobody reads standard output any more.
    """
    try:
        if path == STANDARD:
            sys.stdout.flush()
            write(sys.stdout.buffer)
            sys.stdout.buffer.flush()
        elif _is_device(path):
            with path.open("wb") as stream:
                write(stream)
        else:
            # Of a symbolic link the file behind it is replaced, not the link.
            _write_and_replace(path.resolve(), write)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, os_reason(error)) from error


def _is_device(path: Path) -> bool:
    """Return whether there is something that is not a regular file: a terminal, a pipe, ..."""
    return path.exists() and not path.is_file()


def _write_and_replace(target: Path, write: Callable[[BinaryIO], object]) -> None:
    # In the same folder, since only within one file system is replacing a file one step.
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with partial.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            partial.chmod(target.stat().st_mode & 0o777)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
