"""The functions around the estimator that H2O's scripts call: no cluster, just files."""

from __future__ import annotations

import csv
import importlib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fastae.compat.h2o._frame import H2OFrame


def init(*_: Any, **__: Any) -> None:
    """Do nothing, whatever the arguments: there is no cluster to start.

    Examples
    --------
    >>> from fastae.compat import h2o
    >>> h2o.init(nthreads=-1)
    >>> h2o.no_progress()
    """


connect = no_progress = show_progress = remove = remove_all = shutdown = init


def import_file(
    path: str | Path,
    destination_frame: str | None = None,  # noqa: ARG001
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    **options: Any,
) -> H2OFrame:
    r"""Read a CSV file, which may be compressed or at a URL, into a frame.

    Parameters
    ----------
    path : str or Path
    destination_frame : ignored
    header : {-1, 0, 1}, default=0
        1: the first line has the columns' names; -1: it has data, and columns are C1, C2, ...;
        0: it has names if none of its cells is a number.
    sep : str or None, default=None
        What separates cells; None finds out.
    col_names : sequence of str or None, default=None
        Names to use.
    **options
        `na_strings`: texts that stand for missing values. `parse` is ignored.

    Returns
    -------
    frame : H2OFrame
        A pandas frame with H2O's spellings. Columns of text are factors.

    Raises
    ------
    TypeError
        If an option is none of H2O's two that mean something here.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from fastae.compat import h2o
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "table.csv")
    ...     _ = path.write_text("length,colour\n1.5,red\n2.5,blue\n")
    ...     frame = h2o.import_file(path)
    >>> frame.names, frame.nrow
    (['length', 'colour'], 2)
    """
    unknown = [name for name in options if name not in ("na_strings", "parse")]
    if unknown:
        msg = f"import_file has no option {unknown[0]!r} here: read the file with pandas.read_csv."
        raise TypeError(msg)
    module = importlib.import_module("fastae.compat.h2o._frame")
    source = str(path)
    line = _first_line(module.pd, source)
    sep = sep or max(",;\t|", key=re.sub('"[^"]*"', "", line).count)
    cells = next(csv.reader([line], delimiter=sep))
    names = header == 1 or (header == 0 and not any(map(_is_number, cells)))
    frame = module.pd.read_csv(
        source, header=0 if names else None, sep=sep, na_values=options.get("na_strings")
    )
    if not names:
        frame.columns = [f"C{i + 1}" for i in range(frame.shape[1])]
    made: H2OFrame = module.H2OFrame(frame, column_names=col_names)
    return made


upload_file = import_file


def _first_line(pd: Any, source: str) -> str:
    """Return the first line, through pandas, which opens compressed files and URLs."""
    whole = {"header": None, "sep": "\x01", "quoting": csv.QUOTE_NONE, "dtype": str}
    return str(pd.read_csv(source, nrows=1, **whole).iloc[0, 0])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
