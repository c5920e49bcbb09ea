"""Start of the command line: the program ``fastae`` and ``python -m fastae``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = "typer", "rich", "pandas", "pyarrow", "matplotlib", "jinja2"


def main() -> None:
    """Run the command line; exit with status 1 if its packages are not installed."""
    # Asked for all at once: some are imported only when a command comes to need them.
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"fastae: error: the command line needs {', '.join(missing)}, not installed here;"
            " get what it needs with: pip install 'fastae[cli]'\n"
        )
        sys.exit(1)
    try:
        from fastae._cli.app import app

        app(prog_name="fastae")
    except KeyboardInterrupt:  # before a command has begun, which sees to it itself
        sys.stderr.write("fastae: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
