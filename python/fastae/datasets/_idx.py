"""The IDX format in which MNIST and its kin are published."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_UINT8 = 0x08  # the format's code for unsigned bytes


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes.

    Parameters
    ----------
    path : Path
        The file. Its header is two zero bytes, the type code, the number of dimensions and
        each dimension as a big-endian 32-bit integer.

    Returns
    -------
    array : ndarray of uint8
        Of the shape that the header states.

    Raises
    ------
    ValueError
        If the file is damaged or is not an IDX file of unsigned bytes.
    """
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is damaged: {error}."
        raise ValueError(msg) from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _UINT8:
        msg = f"{path} is not an IDX file of unsigned bytes: it starts with {content[:4]!r}."
        raise ValueError(msg)
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        msg = f"{path} is damaged: it ends within its header."
        raise ValueError(msg)
    shape = struct.unpack(f">{n_dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        msg = (
            f"{path} is damaged: its header announces {math.prod(shape)} bytes, "
            f"{len(content) - start} follow."
        )
        raise ValueError(msg)
    # A copy, since an array over the bytes object would be read-only.
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()
