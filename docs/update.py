"""Run pages of the documentation, and write what they print and draw into them.

    python docs/update.py docs/series.md ...

Read the difference before it is committed: the tests hold pages to what this wrote.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "python"))

import pages


def update(path: Path) -> None:
    """Run a page, rewrite its outputs, and copy the pictures that it saved."""
    page = pages.Page(path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = pages.updated(page, list(pages.run(page, folder)))
        for picture in page.pictures:
            drawn = folder / Path(picture).name
            if drawn.exists():
                target = path.parent / picture
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(drawn, target)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("error")
    for argument in sys.argv[1:]:
        update(Path(argument).resolve())
