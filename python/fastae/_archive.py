"""One-file archives of named arrays and JSON metadata: checkpoints and saved models.

An archive is a NumPy ``.npz`` file that ``numpy.load`` opens without pickle: an uncompressed zip
file with one ``NAME.npy`` per array (format 1.0) and, last, ``meta.json``, plain JSON text::

    {"kind": "checkpoint", "version": 1, "arrays": ["params"], "meta": {...}}

Files are written beside their target and then moved there, so that at any moment, that of a power
cut included, the target is either the old or the new file. Nothing in a file is trusted when it is
read: sizes are compared with the file's before memory is taken, and every entry has its checksum.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Array = npt.NDArray[Any]

META = "meta.json"
_MAGIC = b"\x93NUMPY\x01\x00"
_PREFIX = struct.Struct("<8sH")  # magic and length of the header that follows
_HEADER_ALIGNMENT = 64
_HEADER = re.compile(
    rb"\{'descr': '([<>|][biufcSUmM]\d{1,9}(?:\[\w{1,9}\])?)', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,19}, )*(?:\d{1,19},?)?)\), \} *\n"
)
_KINDS = "biufcSUmM"  # of NumPy dtypes: all that are numbers or text of fixed size
_NAME = re.compile(r"\w+([./-]\w+)*", re.ASCII)
_CHUNK = 1 << 20  # bytes
# What zipfile, NumPy and json raise on files that are not what they should be. MemoryError is none
# of them: no more memory is asked for than the file is long.
DAMAGE: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    ArithmeticError,
    struct.error,
)


class ArchiveError(ValueError):
    """A file is no archive, is damaged, or is one of another kind or of a newer version.

    Examples
    --------
    >>> from fastae._archive import ArchiveError
    >>> issubclass(ArchiveError, ValueError)
    True
    """


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    meta: Mapping[str, Any],
    *,
    kind: str,
    version: int,
) -> None:
    """Write an archive, in one step as others see it.

    The same content gives the same bytes. On the way, and after a kill, there is a file named
    ``.NAME.part`` in the same folder; the next `write` to that path takes it away. Writers of one
    path wait for each other where the system can lock files.

    Parameters
    ----------
    path : str or path-like
        The file to create or to replace. Of a symbolic link the file behind it is replaced.
    arrays : mapping of str to ndarray of any shape
        Names are words of ASCII letters, digits and _, joined by ``.``, ``-`` or ``/``; dtypes
        are bool, numbers, times and text of fixed size.
    meta : mapping of str to JSON
        None, bool, int, float, str, and lists and dicts of them; tuples come back as lists. Floats
        come back exactly, NaN and infinity too.
    kind : str
        What the archive is for, such as "checkpoint".
    version : int
        From 1; of the arrays and metadata of this kind.

    Raises
    ------
    ValueError
        If a name or a dtype is none of those above.
    TypeError
        If `meta` holds something that JSON does not have.
    OSError
        If the file cannot be written; it is then as it was before.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from fastae import _archive
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.ckpt")
    ...     _archive.write(path, {"w": np.ones(2)}, {"epoch": 3}, kind="checkpoint", version=1)
    ...     _archive.read(path, kind="checkpoint", version=1)
    ({'w': array([1., 1.])}, {'epoch': 3})
    """
    checked = {name: _check_array(name, array) for name, array in arrays.items()}
    entry = {"kind": kind, "version": version, "arrays": list(checked), "meta": dict(meta)}
    _check_json(entry["meta"], "meta")
    text = json.dumps(entry).encode()
    with _replacing(Path(path)) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, array in checked.items():
            _write_array(archive, name, array)
        with _new_member(archive, META, len(text)) as member:
            member.write(text)


def read(
    path: str | os.PathLike[str], *, kind: str, version: int
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read an archive.

    Parameters
    ----------
    path : str or path-like
    kind : str
        As the archive was written with.
    version : int
        The newest that the caller understands.

    Returns
    -------
    arrays : dict of str to ndarray
        In the order and with the shapes and dtypes that were written, in memory of their own.
    meta : dict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArchiveError
        If it is no archive, damaged, of another kind or of a newer version.
    OSError
        If it cannot be opened.
    """
    path = Path(path)
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        msg = f"There is no file {path}; check its name and folder."
        raise FileNotFoundError(msg) from error
    with stream:
        try:
            return _read(stream, path, kind, version)
        except ArchiveError:
            raise
        except DAMAGE as error:
            raise damaged(path, str(error) or type(error).__name__) from error


def _check_array(name: str, values: npt.ArrayLike) -> Array:
    """Return an array that can be written under this name."""
    if not _NAME.fullmatch(name) or name.endswith(".npy") or name == META:
        msg = (
            f"An array cannot be called {name!r}: a name must be words of ASCII letters, digits "
            f"and _, joined by '.', '-' or '/', must not end in .npy and must not be {META}."
        )
        raise ValueError(msg)
    array = np.asarray(values)
    if array.dtype.kind not in _KINDS or array.dtype.itemsize == 0:
        msg = (
            f"Array {name!r} has dtype {array.dtype}, which cannot be stored: it must be bool, "
            "a number, a time or text of fixed size."
        )
        raise ValueError(msg)
    return array


def _check_json(value: Any, where: str) -> None:
    """Raise TypeError if a value would not come back from JSON as it is."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_json(item, f"{where}[{index}]")
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        for key, item in value.items():
            _check_json(item, f"{where}[{key!r}]")
    else:
        msg = (
            f"{where} cannot be stored as JSON: it must be None, bool, int, float, str, a list or "
            f"a dict with str keys, got {type(value).__name__}."
        )
        raise TypeError(msg)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Give a stream whose content takes the file's place at the end, or nothing does."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        msg = f"There is no folder {target.parent} to write {path.name} to: create it first."
        raise FileNotFoundError(msg)
    partial = target.with_name(f".{target.name}.part")
    with _open_alone(partial) as stream:
        try:
            yield stream
            stream.flush()
            with contextlib.suppress(FileNotFoundError):
                partial.chmod(target.stat().st_mode & 0o777)
            os.fsync(stream.fileno())
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    _sync_folder(target.parent)


def _open_alone(path: Path) -> IO[bytes]:
    """Open an empty file for writing, once all other writers of the path are done with it."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    while True:
        stream = os.fdopen(os.open(path, flags, 0o666), "r+b")
        try:
            _lock(stream)
            # The writer that was waited for has moved its file away: what is open here is now the
            # target, which must not be touched.
            if _is_open(stream, path):
                stream.truncate()
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


def _lock(stream: IO[bytes]) -> None:
    """Wait until nobody else has locked the file, then lock it until it is closed."""
    if fcntl is not None:
        # Some network file systems have no locks; one writer alone needs none.
        with contextlib.suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)


def _is_open(stream: IO[bytes], path: Path) -> bool:
    """Tell whether the stream is of the file that has this name now."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, where the system can do this for folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _new_member(archive: zipfile.ZipFile, name: str, size: int) -> IO[bytes]:
    """Open an entry of about this size for writing; its date is always the same."""
    info = zipfile.ZipInfo(name)
    info.file_size = size  # decides whether the entry gets 64-bit sizes
    return archive.open(info, "w")


def _write_array(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    """Write an array in NumPy's format 1.0."""
    header = _npy_header(array)
    with _new_member(archive, f"{name}.npy", len(header) + array.nbytes) as member:
        member.write(header)
        member.write(_as_bytes(array, fortran=_is_fortran(array)).data)


def _npy_header(array: Array) -> bytes:
    text = (
        f"{{'descr': {array.dtype.str!r}, 'fortran_order': {_is_fortran(array)}, "
        f"'shape': {array.shape}, }}"
    )
    # Padded, so that the data of a file on its own would be aligned.
    padding = -(_PREFIX.size + len(text) + 1) % _HEADER_ALIGNMENT
    header = f"{text}{' ' * padding}\n".encode("ascii")
    return _PREFIX.pack(_MAGIC, len(header)) + header


def _is_fortran(array: Array) -> bool:
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _as_bytes(array: Array, *, fortran: bool) -> npt.NDArray[np.uint8]:
    """Return an array's bytes in the order of the file, without a copy where it is contiguous."""
    ordered = np.ascontiguousarray(array.T if fortran else array)
    return ordered.reshape(-1).view(np.uint8)


def _read(
    stream: IO[bytes], path: Path, kind: str, version: int
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read an open archive; any exception of `DAMAGE` means that the file is damaged."""
    with zipfile.ZipFile(stream) as archive:
        members = _members(archive, path, os.fstat(stream.fileno()).st_size)
        if META not in members:
            msg = f"{path} was not written by fastae: name a file of kind {kind!r}."
            raise ArchiveError(msg)
        names, meta = _read_meta(archive, path, kind, version)
        if sorted(members) != sorted([*(f"{name}.npy" for name in names), META]):
            raise damaged(path, "its entries are not those that it lists")
        arrays = {name: _read_array(archive, path, members[f"{name}.npy"]) for name in names}
    return arrays, meta


def _members(archive: zipfile.ZipFile, path: Path, file_size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by name, none of them larger than there is room for in the file."""
    infos = archive.infolist()
    members = {info.filename: info for info in infos}
    if len(members) != len(infos):
        raise damaged(path, "two of its entries have the same name")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise damaged(path, f"its entry {info.filename!r} is compressed, which none should be")
    # All together, since entries of a crafted file can lie on top of each other.
    if sum(info.file_size for info in infos) > file_size:
        raise damaged(path, f"its entries need more than its {file_size} bytes")
    return members


def _read_meta(
    archive: zipfile.ZipFile, path: Path, kind: str, version: int
) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the arrays and the caller's metadata."""
    entry = json.loads(archive.read(META).decode())
    if not (
        isinstance(entry, dict)
        and isinstance(entry.get("kind"), str)
        and type(entry.get("version")) is int
        and entry["version"] >= 1
        and isinstance(entry.get("arrays"), list)
        and all(isinstance(name, str) for name in entry["arrays"])
        and isinstance(entry.get("meta"), dict)
    ):
        raise damaged(path, f"its {META} is not what it should be")
    if entry["kind"] != kind:
        msg = f"{path} is of kind {entry['kind']!r}, not {kind!r}: name a file of that kind."
        raise ArchiveError(msg)
    if entry["version"] > version:
        msg = (
            f"{path} is of version {entry['version']} of kind {kind!r}, and this fastae reads "
            f"versions up to {version}: install a newer fastae."
        )
        raise ArchiveError(msg)
    return entry["arrays"], entry["meta"]


def _read_array(archive: zipfile.ZipFile, path: Path, info: zipfile.ZipInfo) -> Array:
    """Read one array, after its header has been found to agree with the entry's size."""
    with archive.open(info) as member:
        dtype, shape, fortran, header_size = _read_npy_header(member, path, info.filename)
        # In Python's integers, which do not overflow.
        if header_size + math.prod(shape) * dtype.itemsize != info.file_size:
            raise damaged(path, f"its array {info.filename!r} is not as long as its shape says")
        array = np.empty(shape, dtype, order="F" if fortran else "C")
        _fill(member, _as_bytes(array, fortran=fortran).data)
    _check_values(array, path, info.filename)
    return array


def _read_npy_header(
    member: IO[bytes], path: Path, name: str
) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Return dtype, shape, Fortran order, and the length of the header."""
    magic, length = _PREFIX.unpack(member.read(_PREFIX.size))
    match = _HEADER.fullmatch(member.read(length))
    if magic != _MAGIC or match is None:
        raise damaged(path, f"its array {name!r} does not begin as one of numbers or text does")
    descr, order, shape = (group.decode() for group in match.groups())
    dtype: np.dtype[Any] = np.dtype(descr)
    if dtype.itemsize == 0:
        raise damaged(path, f"its array {name!r} has values of no size")
    numbers = tuple(int(number) for number in shape.split(",") if number)
    return dtype, numbers, order == "True", _PREFIX.size + length


def _fill(member: IO[bytes], buffer: memoryview) -> None:
    """Read the rest of an entry, whose checksum zipfile compares at the end."""
    done = 0
    while chunk := member.read(_CHUNK):
        buffer[done : done + len(chunk)] = chunk
        done += len(chunk)
    if done != len(buffer):
        msg = "an entry ends too early"
        raise EOFError(msg)


def _check_values(array: Array, path: Path, name: str) -> None:
    """Refuse bytes that are no value of their dtype and would only fail later."""
    if array.dtype.kind == "b":
        valid = bool((array.view(np.uint8) <= 1).all())
    elif array.dtype.kind == "U":
        codes = np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
        flat = _as_bytes(array, fortran=_is_fortran(array)).view(codes)
        valid = bool((flat <= 0x10FFFF).all())
    else:
        valid = True
    if not valid:
        raise damaged(path, f"its array {name!r} holds bytes that are no {array.dtype.name}")


def damaged(path: Path, detail: str) -> ArchiveError:
    return ArchiveError(
        f"{path} is damaged or was not written by fastae ({detail}): restore it from a copy or "
        "write it again."
    )
