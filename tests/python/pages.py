"""Pages of the documentation: their code blocks, and what these print when they are run.

A page is plain Markdown. Its blocks run in turn, in one folder and one namespace:

- ``python``: what it prints stands in a ``text`` block right below; without one it prints nothing.
- ``console``: each line "$ command" (continued after a backslash) is run by bash, and what it puts
  out follows. An exit code other than 0 is shown by "$ echo $?" as the next command.

``numbers-vary`` after ``python`` or ``console`` is for timings: digits then count as equal.
A picture NAME.png that the page shows is one that its code saves as NAME.png. ``<!-- slow -->``
marks a page that takes more than a few seconds.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from markdown_it import MarkdownIt
from PIL import Image

from fastae import datasets

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
VARY = "numbers-vary"
LOADERS = [name for name in datasets.__all__ if name.startswith("load_")]


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes
    ----------
    info : str
        What follows the opening fence, such as "python"; "indented" for blocks without a fence.
    code : str
    start, end : int
        Its lines, fences included, counted from 0; `end` is excluded.
    output : Block or None
        The ``text`` block right below a ``python`` block.
    """

    info: str
    code: str
    start: int
    end: int
    output: Block | None = None

    @property
    def language(self) -> str | None:
        """The language that it is run in, or None."""
        language, *flags = self.info.split() or [""]
        return language if language in ("python", "console") and set(flags) <= {VARY} else None

    @property
    def shown(self) -> str:
        """What the page says that running it prints: for ``console``, the whole block."""
        if self.language == "console":
            return self.code
        return self.output.code if self.output else ""

    def comparable(self, printed: str) -> str:
        """Return what is printed, without its digits if they may vary."""
        return re.sub(r"[\d.,]*\d", "N", printed) if VARY in self.info else printed


class Page:
    """A page: `path`, `text`, its `blocks` in order, and the `pictures` that it shows."""

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        tokens = MarkdownIt().parse(self.text)
        self.blocks = list(self._blocks(tokens))
        self.pictures = [
            str(child.attrs["src"])
            for token in tokens
            for child in token.children or ()
            if child.type == "image"
        ]

    def _blocks(self, tokens) -> Iterator[Block]:
        found = []
        for position, token in enumerate(tokens):
            if token.type not in ("fence", "code_block"):
                continue
            if token.level:
                msg = f"{self.path.name}:{token.map[0] + 1}: code blocks belong to the left margin"
                raise ValueError(msg)
            info = token.info.strip() if token.type == "fence" else "indented"
            if info.startswith("{"):
                continue  # not code, but for Sphinx
            found.append((position, Block(info, token.content, *token.map)))
        while found:
            position, block = found.pop(0)
            if block.language == "python" and found and found[0][0] == position + 1:
                below = found[0][1]
                if below.info == "text":
                    found.pop(0)
                    block = Block(block.info, block.code, block.start, block.end, below)
            yield block

    def place(self, block: Block) -> str:
        """Return where a block begins, for messages."""
        return f"{self.path.name}:{block.start + 1}"

    @property
    def slow(self) -> bool:
        return "<!-- slow -->" in self.text

    @property
    def real_data(self) -> bool:
        names = rf"\b({'|'.join([*LOADERS, 'FASTAE_DATA'])})\b"
        return any(re.search(names, block.code) for block in self.blocks if block.language)


def all_pages() -> list[Page]:
    """Return README.md and every page in docs/, its folders included."""
    return [Page(ROOT / "README.md"), *(Page(path) for path in sorted(DOCS.rglob("*.md")))]


def run(page: Page, folder: Path) -> Iterator[tuple[Block, str]]:
    """Run a page's blocks in turn, in `folder`; yield each with what it prints."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    with _settings(folder):
        for block in page.blocks:
            if block.language == "python":
                yield block, _python(page, block, namespace)
            elif block.language == "console":
                yield block, _console(page, block)


@contextlib.contextmanager
def _settings(folder: Path) -> Iterator[None]:
    """What a fresh interpreter without a screen has, and afterwards what there was before."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MPLBACKEND": "agg",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, variables),
        mpl.rc_context(),
        np.printoptions(),
    ):
        mpl.rcdefaults()
        mpl.use("agg")
        try:
            yield
        finally:
            plt.close("all")


def _python(page: Page, block: Block, namespace: dict[str, object]) -> str:
    # The empty lines make line numbers in error messages those of the page.
    code = compile("\n" * (block.start + 1) + block.code, str(page.path), "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)  # noqa: S102
    return _whole_lines(printed.getvalue())


def _console(page: Page, block: Block) -> str:
    """Return the block as it should read: each command and what it puts out."""
    commands = re.findall(r"^\$ ((?:.*\\\n)*.*)\n", block.code, re.MULTILINE)
    printed, code = "", 0
    for command, following in zip_longest(commands, commands[1:]):
        shell = ["bash", "-c", f"(exit {code})\n{command}"]
        answer = subprocess.run(
            shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        code = answer.returncode
        printed += f"$ {command}\n" + _whole_lines(answer.stdout)
        if code and following != "echo $?":
            msg = f"{page.place(block)}: {command!r} ended with exit code {code}\n{answer.stdout}"
            raise RuntimeError(msg)
    return printed


def _whole_lines(printed: str) -> str:
    return printed if printed.endswith("\n") or not printed else printed + "\n"


def picture_difference(first: Path, second: Path) -> float:
    """Return how much two pictures differ, as the root mean square, of 255, of blocks of 8 x 8.

    Blocks, because lines of one pixel move when training differs in the last bits. Of pictures of
    different sizes: infinity.
    """
    reduced = []
    for path in (first, second):
        with Image.open(path) as picture:
            reduced.append(np.asarray(picture.convert("RGB").reduce(8), dtype=np.float64))
    if reduced[0].shape != reduced[1].shape:
        return float("inf")
    return float(np.sqrt(np.square(reduced[0] - reduced[1]).mean()))


def updated(page: Page, outputs: list[tuple[Block, str]]) -> str:
    """Return the page's text with what its blocks print now in place of what it shows."""
    lines = page.text.splitlines(keepends=True)
    for block, printed in reversed(outputs):
        if block.comparable(printed) == block.comparable(block.shown):
            continue  # timings stay as long as nothing else changes
        if block.language == "console":
            lines[block.start + 1 : block.end - 1] = [printed]
        elif block.output:
            shown = [lines[block.output.start], printed, lines[block.output.end - 1]]
            end = block.output.end
            lines[block.output.start : end] = shown if printed else []
        else:
            lines[block.end : block.end] = ["\n```text\n", printed, "```\n"]
    return "".join(lines)
