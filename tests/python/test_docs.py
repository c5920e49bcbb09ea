"""Every code block of the documentation does what the page shows."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

import pages
from pages import DOCS, ROOT, Page

# Code that is not run, by page and the words behind the fence, and why.
NOT_RUN = {
    ("embedding.md", "bash"): "test_embedding.py builds the library and the example in both ways",
    ("embedding.md", "text"): "test_embedding.py compares it with what the example prints",
    ("performance.md", "indented"): "a formula",
}
# Pictures that the page's own code does not draw, and why.
NOT_DRAWN: dict[tuple[str, str], str] = {
    ("report.md", "images/report.png"): "a browser's picture of a report",
    ("tutorial-codes.md", "images/codes-mnist.png"): "benchmarks/codes.py, minutes of training",
    ("tutorial-codes.md", "images/codes-fashion.png"): "benchmarks/codes.py, minutes of training",
}

# `pages.picture_difference` was at most 4 between instruction sets and runs (training differs in
# the last bits, and the clock decides when it is scored), and 16 and more between other pictures.
PICTURE_TOLERANCE = 8

PAGES = {str(page.path.relative_to(ROOT)): page for page in pages.all_pages()}


def _marked(name, page):
    marks = [pytest.mark.slow] * page.slow + [pytest.mark.real_data] * page.real_data
    return pytest.param(page, id=name, marks=marks)


every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())


@pytest.mark.parametrize("page", [_marked(*item) for item in PAGES.items()])
def test_blocks_print_what_the_page_shows(page, tmp_path):
    for block, printed in pages.run(page, tmp_path):
        assert block.comparable(printed) == block.comparable(block.shown), page.place(block)
    for picture in page.pictures:
        if page.path.parent == DOCS and (page.path.name, picture) not in NOT_DRAWN:
            drawn = tmp_path / picture.rpartition("/")[2]
            assert drawn.exists(), f"{page.path.name} shows {picture}, but does not save it"
            difference = pages.picture_difference(page.path.parent / picture, drawn)
            assert difference < PICTURE_TOLERANCE, f"{page.path.name}: {picture} is another"


@every_page
def test_every_block_is_run(page):
    setup = [block.code for block in PAGES["README.md"].blocks if block.info == "bash"]
    for block in page.blocks:
        if block.language or (page.path.name, block.info) in NOT_RUN:
            continue
        if block.info == "bash":
            # test_readme.py: the gate runs these.
            known = any(block.code.strip() in command for command in setup)
            assert known, f"{page.place(block)}: no part of a command of README.md"
        else:
            assert block.info in ("cpp", "cmake"), f"{page.place(block)}: {block.info!r} is not run"
            assert _in_examples(block.code), f"{page.place(block)}: not in cpp/examples"


def _in_examples(code):
    """Whether it is a part of one of the files that another test builds and runs."""
    files = (path for path in (ROOT / "cpp" / "examples").rglob("*") if path.is_file())
    return any(f"\n{code}" in f"\n{path.read_text(encoding='utf-8')}" for path in files)


def test_pictures_of_the_readme_are_drawn_by_a_page():
    drawn = {page.path.parent / picture for page in PAGES.values() for picture in page.pictures
             if page.path.parent == DOCS}  # fmt: skip
    for picture in PAGES["README.md"].pictures:
        assert ROOT / picture in drawn, picture


def test_exceptions_are_in_use():
    blocks = {(page.path.name, block.info) for page in PAGES.values() for block in page.blocks}
    pictures = {(page.path.name, picture) for page in PAGES.values() for picture in page.pictures}
    assert NOT_RUN.keys() <= blocks
    assert NOT_DRAWN.keys() <= pictures


def test_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    toctrees = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*(.*?)```", index, re.DOTALL)
    contents = [name for toctree in toctrees for name in toctree.split()]
    files = [path for path in DOCS.rglob("*") if path.suffix in (".md", ".rst")]
    written = {path.relative_to(DOCS).with_suffix("").as_posix() for path in files} - {"index"}
    assert written == set(contents)
    assert len(contents) == len(written)


# ---------------------------------------------------------------- the tests of the tests


PAGE = """# A page

```python
import matplotlib.pyplot as plt

plt.imsave("dot.png", [[0, 1]])
print("one")
```

```python numbers-vary
print("1.5 seconds")
```

```text
22.9 seconds
```

```python
silent = 3
```

```text
what it said once
```

```console
$ echo a \\
  b; exit 3
a
$ echo $?
```

![A dot](dot.png)
"""


def test_wrong_pages_are_noticed_and_updated(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    page = Page(path)
    outputs = list(pages.run(page, tmp_path))
    right = [
        block.comparable(printed) == block.comparable(block.shown) for block, printed in outputs
    ]
    assert right == [False, True, False, False]
    assert page.pictures == ["dot.png"]
    assert (tmp_path / "dot.png").exists()

    path.write_text(pages.updated(page, outputs))
    page = Page(path)
    assert [block.shown for block in page.blocks] == [
        "one\n",
        "22.9 seconds\n",
        "",
        "$ echo a \\\n  b; exit 3\na b\n$ echo $?\n3\n",
    ]
    assert pages.updated(page, list(pages.run(page, tmp_path))) == page.text


def test_different_pictures_are_noticed(tmp_path):
    grey = np.linspace(0, 1, 64 * 96).reshape(64, 96)
    pictures = {"first": grey, "noisy": grey + 0.01, "other": grey[::-1], "larger": grey.T}
    for name, pixels in pictures.items():
        plt.imsave(tmp_path / f"{name}.png", pixels, cmap="gray", vmin=0, vmax=1)
    first, *others = (tmp_path / f"{name}.png" for name in pictures)
    same, other, larger = (pages.picture_difference(first, path) for path in others)
    assert same < PICTURE_TOLERANCE < other < larger


def test_commands_that_fail_are_errors(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("```console\n$ exit 3\n$ echo next\n```\n")
    with pytest.raises(RuntimeError, match=r"page\.md:1: 'exit 3' ended with exit code 3"):
        list(pages.run(Page(path), tmp_path))


def test_blocks_in_lists_are_refused(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("- see\n\n  ```python\n  1 / 0\n  ```\n")
    with pytest.raises(ValueError, match=r"page\.md:3: code blocks belong to the left margin"):
        Page(path)
