"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from pathlib import Path

GZIP, PARQUET, NPY = b"\x1f\x8b", b"PAR1", b"\x93NUMPY"

# How many bytes show what a file is.
N_BYTES = 4096

_UNPACK = "unpack it first"
_EXPORT = "export the table as CSV or Parquet"
_KINDS = (
    (b"BZh", "a bzip2 file", _UNPACK + ", as with bunzip2"),
    (b"\xfd7zXZ\0", "an xz file", _UNPACK + ", as with unxz"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK + ", as with unzstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"ARROW1", "a Feather (Arrow) file", "save the table as Parquet"),
    (b"FEA1", "a Feather file", "save the table as Parquet"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "save the table as Parquet"),
    (b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (or another old Office file)", _EXPORT),
    (b"%PDF", "a PDF document", _EXPORT),
    (b"\xff\xfe", "text in UTF-16", "save the table as CSV in UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save the table as CSV in UTF-8"),
)


def foreign(head: bytes) -> tuple[str, str] | None:
    r"""Return what a file is that holds no CSV text, and what to do about it.

    Parameters
    ----------
    head : bytes
        The first `N_BYTES` of the file, or all of it.

    Returns
    -------
    found : (str, str) or None
        "a zip archive", and "unpack it first"; None for what may be CSV text.

    Examples
    --------
    >>> from fastae._scan_kinds import foreign
    >>> foreign(b"BZh91AY")
    ('a bzip2 file', 'unpack it first, as with bunzip2')
    >>> foreign(b"a,b\n1,2\n") is None
    True
    """
    for magic, what, cure in _KINDS:
        if head.startswith(magic):
            return what, cure
    if head.startswith(b"PK\x03\x04"):
        return _zip(head)
    # Protocols 2 to 5, then what can only follow there.
    if len(head) > 2 and head[0] == 0x80 and head[1] in (2, 3, 4, 5):
        return "a pickle", "save the table as Parquet, as with DataFrame.to_parquet"
    return _markup(head)


def fail_if_foreign(file: str, *, parquet: bool = False) -> None:
    """Raise ValueError if a file is not of the kind that its name says.

    Parameters
    ----------
    file : str
    parquet : bool
        Whether it is to be a Parquet file, rather than CSV text.
    """
    with Path(file).open("rb") as stream:
        head = stream.read(N_BYTES)
    if head.startswith(PARQUET) == parquet:
        found = None if parquet else foreign(head)
    elif parquet:
        found = foreign(head) or ("no Parquet file", "name it as what it is, such as .csv")
    else:
        found = "a Parquet file", "name it .parquet"
    if found is None and head.startswith(NPY):
        found = "a NumPy array", "give scan the array, as by numpy.load(path, mmap_mode='r')"
    if found is not None:
        what, cure = found
        msg = f"Cannot read {file}: it is {what}; {cure}."
        raise ValueError(msg)


def is_gzip(file: str) -> bool:
    """Tell whether a file is compressed with gzip."""
    with Path(file).open("rb") as stream:
        return stream.read(len(GZIP)) == GZIP


def _zip(head: bytes) -> tuple[str, str]:
    """Return which of the kinds of files it is that are ZIP archives."""
    if b"xl/" in head or (b"[Content_Types].xml" in head and b"word/" not in head):
        return "an Excel workbook", _EXPORT
    if b"opendocument" in head:
        return "an OpenDocument file", _EXPORT
    if b".npy" in head:
        return "an npz archive", "save its array with numpy.save, as .npy"
    return "a zip archive", _UNPACK


def _markup(head: bytes) -> tuple[str, str] | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:9].lower() == b"<!doctype" or start[:5].lower() in (b"<html", b"<?xml"):
        return "a web page or XML", _EXPORT
    # "{" or "[" above a line of CSV text would be a name; JSON has a quote, a bracket or nothing
    # but a number behind it.
    rest = start[1:].lstrip()[:1]
    if (start[:1] == b"{" and rest in (b'"', b"}")) or (start[:1] == b"[" and rest in (b"{", b"[")):
        return "JSON", "save the table as CSV or Parquet"
    return None
