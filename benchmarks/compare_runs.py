"""Compare two pytest-benchmark files and flag what has become slower.

    pytest benchmarks --benchmark-json=before.json
    pytest benchmarks --benchmark-json=after.json
    python benchmarks/compare_runs.py before.json after.json

The exit status is 1 if a benchmark lost more than 10 % (`--limit`). Where both files have the
share of the machine's peak, which drifts less than speed does, that is compared, else the medians.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the benchmarks of a file by name.

    Parameters
    ----------
    path : Path
        Written by ``pytest --benchmark-json`` or ``--benchmark-save``.

    Returns
    -------
    benchmarks : dict of dict
        pytest-benchmark's own entries.
    """
    try:
        entries = json.loads(path.read_text())["benchmarks"]
        return {entry["fullname"]: entry for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path} is not a file of pytest-benchmark: {error!r}.")


def change(before: dict[str, Any], after: dict[str, Any]) -> tuple[float, str]:
    """Return the relative change of speed, above 0 if faster, and what it was taken from."""
    shares = [entry.get("extra_info", {}).get("percent_of_peak") for entry in (before, after)]
    if all(shares):
        return shares[1] / shares[0] - 1, f"{shares[0]:.1f} -> {shares[1]:.1f} % of peak"
    old, new = (entry["stats"]["median"] for entry in (before, after))
    return old / new - 1, f"{old:.4g} -> {new:.4g} s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per benchmark; return 1 if one is slower than allowed, else 0."""
    parser = argparse.ArgumentParser(description="Compare two pytest-benchmark files.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--limit", type=float, default=10.0, help="allowed loss in per cent")
    options = parser.parse_args(arguments)
    before, after = read(options.before), read(options.after)
    slower = 0
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            print(f"{name}: only in {options.before if name in before else options.after}")
            continue
        relative, figures = change(before[name], after[name])
        is_slower = relative < -options.limit / 100
        slower += is_slower
        print(f"{name}: {relative:+.1%} ({figures}){'  SLOWER' if is_slower else ''}")
    print(f"{slower} of {len(before.keys() & after.keys())} lost more than {options.limit:g} %")
    return int(slower > 0)


if __name__ == "__main__":
    sys.exit(main())
