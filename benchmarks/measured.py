"""What the command lines that measure something share: their arguments, and Markdown tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def arguments(doc: str, names: Collection[str], what: str = "table") -> tuple[list[str], Path]:
    """Return which of the named measurements to make, and the folder for their results.

    Parameters
    ----------
    doc : str
        The script's docstring, whose first line is its description.
    names : collection of str
        All of them, which are made if the command line names none.
    what : str
        What one is called in errors.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    if unknown := set(options.names) - set(names):
        parser.error(f"no such {what}: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    return options.names or list(names), options.out


def markdown(rows: Iterable[list[str]]) -> list[str]:
    """Return a table whose first row is its head, line by line; prints them as they come."""
    lines: list[str] = []
    for i, row in enumerate(rows):
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
        if i == 0:
            lines.append("|" + "---|" * len(row))
    return lines
